"""Running the project's tests, replayed, with a plugin that tells of them in a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Replayed", "replay"]

_OURS: Final = "pytest_recorded.plugin"
_LOOK_SECONDS: Final = 0.1
_SHOWN_LINES: Final = 15


class Replayed(NamedTuple):
    """A run of pytest that is over.

    Attributes:
        code: Its exit code.
        output: What it printed.
        told: What the plugin has told, in order.

    """

    code: int
    output: str
    told: list[dict[str, Any]]

    @property
    def last_lines(self) -> str:
        """The end of what it printed."""
        return "\n".join(self.output.rstrip().splitlines()[-_SHOWN_LINES:])


def replay(
    arguments: Sequence[str],
    *,
    plugin: str,
    telling: str,
    show: Callable[[dict[str, Any]], None] = lambda _told: None,
) -> Replayed:
    """Run pytest in a process of its own, with --recorded-mode=none.

    Args:
        arguments: What else it is given: paths, `-k`, `-n`.
        plugin: The module of a plugin.
        telling: The plugin's option for the file in which it tells, a line of JSON each time.
        show: Is given each of these as it comes.

    """
    environment = dict(os.environ)
    # pytest-recorded itself is loaded by its entry point, unless whoever runs this has turned these off.
    loaded = ("-p", _OURS) if environment.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD") else ()
    with tempfile.TemporaryDirectory(prefix="pytest-recorded-") as folder:
        told, printed = _Lines(Path(folder) / "told.jsonl", show), Path(folder) / "printed.txt"
        command = (
            sys.executable, "-m", "pytest", *loaded, "-p", plugin, f"{telling}={told.path}", "--recorded-mode=none",
            *arguments,
        )  # fmt: skip
        with printed.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter, the caller's own arguments
                command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
            try:
                _wait(process, told)
            except BaseException:
                process.kill()
                process.wait()
                raise
        return Replayed(process.returncode, printed.read_text(encoding="utf-8", errors="replace"), told.read())


def _wait(process: subprocess.Popen[bytes], told: _Lines) -> None:
    while True:
        try:
            process.wait(_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            told.read()
            continue
        return


class _Lines:
    """A file that grows while it is read."""

    def __init__(self, path: Path, show: Callable[[dict[str, Any]], None]) -> None:
        self.path = path
        self._show = show
        self._at = 0
        self._found: list[dict[str, Any]] = []

    def read(self) -> list[dict[str, Any]]:
        """Return all whole lines so far."""
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self._at)
                for line in file:
                    if line.endswith(b"\n"):
                        self._at += len(line)
                        self._found.append(json.loads(line))
                        self._show(self._found[-1])
        return self._found
