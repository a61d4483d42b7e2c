"""The demo: a real suite, recorded against a real server, replayed without it, verified when the server has changed."""

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
_REPORT: Final = "report.html"
_COUNTS: Final = ("recorded", "replayed", "live", "changed")
_COUNTED: Final = re.compile(r"(\d+) (replayed|recorded|live|missed|unused|changed)")


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

    @property
    def passed(self) -> int:
        """How many tests have passed; 0 if one has not."""
        found = re.search(r"^=+ (\d+) passed in ", self.output, re.MULTILINE)
        return int(found[1]) if found is not None else 0


def run_demo(folder: Path | None, console: Console) -> int:
    """Run the demo; return its exit code: 0 only if all three runs did what they should.

    Args:
        folder: Where to write the sample suite; None for a temporary folder.
        console: Where to say what happens.

    Raises:
        UsageError: The folder has files of these names already, or another program has taken the port of the API.

    """
    place = Path(tempfile.mkdtemp(prefix="pytest-recorded-demo-")) if folder is None else folder.absolute()
    with DemoApi() as api:
        _write_suite(place, api.url)
        console.print(f"A sample suite is in [bold]{place}[/], an LLM-like API on {api.url}.\n", highlight=False)
        runs = [_pytest(place, "once", api, console)]
    console.print("\nThe API is stopped. The same tests again, offline:\n")
    runs.append(_pytest(place, "none", api, console))
    trouble = _of_replay(*runs)
    if not trouble:
        console.print("\nThe API is back, and answers in another way. One command says what has changed:\n")
        cassette = (place / _CASSETTE).read_bytes()
        with _later(api.port) as later:
            runs.append(_pytest(place, "verify", later, console, f"--record-report={_REPORT}"))
        trouble = _of_verifying(place, runs, is_kept=cassette == (place / _CASSETTE).read_bytes())
    _summarise(console, runs)
    if trouble:
        console.print(f"\n{trouble}", style="bold red")
        return 1
    _say_what_is_next(console, place)
    return 0


def _later(port: int) -> DemoApi:
    try:
        return DemoApi(port, version=2)
    except OSError as error:
        raise UsageError(f"another program listens on port {port} by now ({error.strerror}). Run it again.") from error


def _write_suite(place: Path, url: str) -> None:
    place.mkdir(parents=True, exist_ok=True)
    taken = [name for name in (*_FILES, _CASSETTE, _REPORT) if (place / name).exists()]
    if taken:
        raise UsageError(f"{place} has {', '.join(taken)} already. Give the demo an empty folder: --dir=…")
    source = importlib.resources.files(f"{__package__}.sample")
    for name in _FILES:
        text = source.joinpath(name).read_text(encoding="utf-8")
        (place / name).write_text(text.replace("http://127.0.0.1:8000", url), encoding="utf-8")


def _pytest(place: Path, mode: str, api: DemoApi, console: Console, *more: str) -> _Run:
    console.print(" ".join(["$ pytest", f"--record-mode={mode}", *more]), style="bold", highlight=False)
    # Only this plugin: what else is installed here has nothing to do with the demo.
    plugins = ("-p", "pytest_recorded.plugin", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", f"--record-mode={mode}", *more, f"--rootdir={place}", *plugins]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "78"}
    before, start = api.calls, time.perf_counter()
    done = subprocess.run(  # noqa: S603 - our own interpreter, our own arguments
        command, cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    run = _Run(mode, done.stdout + done.stderr, done.returncode, time.perf_counter() - start, api.calls - before)
    for line in run.output.splitlines():
        console.print(f"  {line}", style="dim", markup=False, highlight=False)
    return run


def _of_replay(first: _Run, second: _Run) -> str:
    """Return what was wrong with recording and replaying; `""` if nothing was."""
    recorded, replayed = first.counts, second.counts
    is_good = (
        first.code == second.code == 0
        and recorded.get("recorded", 0) > 0
        and replayed.get("replayed") == recorded.get("recorded")
        and not any(replayed.get(name, 1) for name in ("recorded", "live", "missed", "unused"))
        and second.requests == 0
    )
    return "" if is_good else "The second run was not served from the cassette alone."


def _of_verifying(place: Path, runs: list[_Run], *, is_kept: bool) -> str:
    """Return what was wrong with verifying; `""` if nothing was. The tests pass, the run fails."""
    first, _, third = runs
    is_good = (
        third.code == 1
        and third.passed == first.passed > 0
        and third.requests == first.requests
        and third.counts.get("changed", 0) > 0
        and is_kept
        and (place / _REPORT).exists()
    )
    return "" if is_good else "The third run did not say what has changed."


def _summarise(console: Console, runs: list[_Run]) -> None:
    table = Table("run", *_COUNTS, "requests", "seconds", box=None, pad_edge=False)
    for run in runs:
        counts = [str(run.counts.get(name, "-")) for name in _COUNTS]
        table.add_row(f"--record-mode={run.mode}", *counts, str(run.requests), f"{run.seconds:.2f}")
    console.print()
    console.print(table)


def _say_what_is_next(console: Console, place: Path) -> None:
    cassette = place / _CASSETTE
    console.print(f"\nThe cassette is [bold]{cassette}[/] ({cassette.stat().st_size:,} bytes).", highlight=False)
    console.print(f"What has changed is in [bold]{place / _REPORT}[/]: open it in a browser.", highlight=False)
    console.print("Next:", style="bold")
    for command in (
        f"cd {place} && pytest -v      # served from the cassette, as often as you like",
        "pytest-recorded last           # what is recorded; show ID for all of a call",
        "pytest-recorded accept all     # take the changed answers: the test that minds one of them fails then",
        "change a prompt in test_assistant.py, run pytest again: it says what changed, and how to record it",
    ):
        console.print(f"  {command}", highlight=False, markup=False, soft_wrap=True)
