"""The demo: a real suite, recorded against a real server, replayed without it."""

from __future__ import annotations

import importlib.resources
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.table import Table

from ..errors import UsageError
from .demo_api import DemoApi

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["run_demo"]

_FILES: Final = ("assistant.py", "test_assistant.py")
_CASSETTE: Final = "cassettes/jobs.db"
_COUNTED: Final = re.compile(r"(\d+) (replayed|recorded|live|missed|unused)")


class _Run(NamedTuple):
    """One run of pytest.

    Attributes:
        mode: The record mode.
        output: What pytest printed.
        code: Its exit code.
        seconds: How long it took, process and all.
        requests: How many requests reached the server.

    """

    mode: str
    output: str
    code: int
    seconds: float
    requests: int

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of the verdict line."""
        line = next(
            (line for line in self.output.splitlines() if line.startswith("recorded: ") and "replayed" in line), ""
        )
        return {name: int(number) for number, name in _COUNTED.findall(line)}


def run_demo(folder: Path | None, console: Console) -> int:
    """Run the demo; return its exit code: 0 only if the second run was served from the cassette alone.

    Args:
        folder: Where to write the sample suite; None for a temporary folder.
        console: Where to say what happens.

    Raises:
        UsageError: The folder has files of these names already.

    """
    place = Path(tempfile.mkdtemp(prefix="pytest-recorded-demo-")) if folder is None else folder.absolute()
    with DemoApi() as api:
        _write_suite(place, api.url)
        console.print(f"A sample suite is in [bold]{place}[/], an LLM-like API on {api.url}.\n", highlight=False)
        first = _pytest(place, "once", api, console)
    console.print("\nThe API is stopped. The same tests again, offline:\n")
    second = _pytest(place, "none", api, console)
    _summarise(console, place, first, second)
    return 0 if _is_good(first, second) else 1


def _write_suite(place: Path, url: str) -> None:
    place.mkdir(parents=True, exist_ok=True)
    taken = [name for name in (*_FILES, _CASSETTE) if (place / name).exists()]
    if taken:
        raise UsageError(f"{place} has {', '.join(taken)} already. Give the demo an empty folder: --dir=…")
    source = importlib.resources.files(f"{__package__}.sample")
    for name in _FILES:
        text = source.joinpath(name).read_text(encoding="utf-8")
        (place / name).write_text(text.replace("http://127.0.0.1:8000", url), encoding="utf-8")


def _pytest(place: Path, mode: str, api: DemoApi, console: Console) -> _Run:
    console.print(f"$ pytest --record-mode={mode}", style="bold", highlight=False)
    # Only this plugin: what else is installed here has nothing to do with the demo.
    plugins = ("-p", "pytest_recorded.plugin", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", f"--record-mode={mode}", f"--rootdir={place}", *plugins]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "76"}
    before, start = api.calls, time.perf_counter()
    done = subprocess.run(  # noqa: S603 - our own interpreter, our own arguments
        command, cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    run = _Run(mode, done.stdout + done.stderr, done.returncode, time.perf_counter() - start, api.calls - before)
    for line in run.output.splitlines():
        console.print(f"  {line}", style="dim", markup=False, highlight=False)
    return run


def _is_good(first: _Run, second: _Run) -> bool:
    recorded, replayed = first.counts, second.counts
    served_alone = not any(replayed.get(name, 1) for name in ("recorded", "live", "missed", "unused"))
    return (
        first.code == second.code == 0
        and recorded.get("recorded", 0) > 0
        and replayed.get("replayed") == recorded.get("recorded")
        and served_alone
        and second.requests == 0
    )


def _summarise(console: Console, place: Path, first: _Run, second: _Run) -> None:
    table = Table("run", "recorded", "replayed", "live", "requests to the API", "seconds", box=None, pad_edge=False)
    for run in (first, second):
        counts = [str(run.counts.get(name, "?")) for name in ("recorded", "replayed", "live")]
        table.add_row(f"--record-mode={run.mode}", *counts, str(run.requests), f"{run.seconds:.2f}")
    console.print()
    console.print(table)
    cassette = place / _CASSETTE
    if not _is_good(first, second):
        console.print("\nThe second run was not served from the cassette alone.", style="bold red")
        return
    console.print(f"\nThe cassette is [bold]{cassette}[/] ({cassette.stat().st_size:,} bytes).", highlight=False)
    console.print("Next:", style="bold")
    for command in (
        f"cd {place} && pytest -v      # served from the cassette, as often as you like",
        "pytest-recorded last           # what is recorded; show ID for all of a call",
        "change a prompt in test_assistant.py, run pytest again: it says what changed, and how to record it",
    ):
        console.print(f"  {command}", highlight=False, markup=False, soft_wrap=True)
