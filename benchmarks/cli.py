"""How long the command line takes before it does anything, beside loading typer, and beside those of peers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from .result import Result
from .runs import Cost
from .timing import interleaved, median, median_gap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .scale import Scale

__all__ = ["measure"]

_SCRIPTS = Path(sys.executable).parent
_COMMANDS = {
    "nothing": [sys.executable, "-c", "pass"],
    "import typer": [sys.executable, "-c", "import typer"],
    "import": [sys.executable, "-c", "import pytest_recorded.cli"],
    "--help": [str(_SCRIPTS / "pytest-recorded"), "--help"],
    "ls --help": [str(_SCRIPTS / "pytest-recorded"), "ls", "--help"],
    "cassetter --help": [str(_SCRIPTS / "cassetter"), "--help"],
    "python -m recorded --help": [sys.executable, "-m", "recorded", "--help"],
}
_PEERS = ("cassetter --help", "python -m recorded --help")


def measure(scale: Scale, folder: Path) -> Iterator[Result]:
    """Measure the start of the command line. vcrpy and pytest-recording have none."""

    def variant(command: list[str]) -> Callable[[int], Cost]:
        return lambda _number: _run(command, folder)

    took = interleaved(scale.starts, {name: variant(command) for name, command in _COMMANDS.items()})
    wall = {name: median([cost.wall for cost in costs]) * 1e3 for name, costs in took.items()}
    loaded = median_gap([cost.wall for cost in took["import"]], [cost.wall for cost in took["nothing"]]) * 1e3
    yield Result("import pytest_recorded.cli, beside an empty program", loaded, "ms", limit=15)
    beside = {"python -c 'import typer'": "import typer", **{name: name for name in _COMMANDS if name in _PEERS}}
    for number, (shown, name) in enumerate(beside.items()):
        what = "  the same" if number else "pytest-recorded --help"
        yield Result(what, wall["--help"], "ms", shown, wall[name], target=None if number else 2)
    note = "typer loads pydantic for the arguments of a command"
    yield Result("pytest-recorded ls --help", wall["ls --help"], "ms", note=note)


def _run(command: list[str], folder: Path) -> Cost:
    """Run a command.

    Raises:
        RuntimeError: It has failed.

    """
    started = perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} has failed")
    return Cost(wall, usage.ru_utime + usage.ru_stime)
