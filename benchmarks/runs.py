"""Whole pytest runs, one plugin at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["PLUGINS", "Cost", "run"]

#: pytest-recording and cassetter cannot be loaded together, so that each plugin runs alone.
PLUGINS = {
    "pytest-recorded": "pytest_recorded.plugin",
    "pytest-recording": "pytest_recording.plugin",
    "cassetter": "cassetter.pytest_plugin",
}


class Cost(NamedTuple):
    """What a process took: seconds on the wall, and of processor time (user and system)."""

    wall: float
    cpu: float


def run(project: Path, plugin: str = "", arguments: Sequence[str] = ()) -> Cost:
    """Run the tests of a project with one plugin, or with none.

    Raises:
        RuntimeError: Not all tests have passed.

    """
    chosen = ["-p", PLUGINS[plugin]] if plugin else []
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen, *arguments]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    # With CI set recording has to be asked for in other words.
    environment.pop("CI", None)
    with (project / "output.txt").open("wb") as output:
        started = perf_counter()
        process = subprocess.Popen(
            command, cwd=project, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[1:])} failed:\n{(project / 'output.txt').read_text()}")
    return Cost(wall, usage.ru_utime + usage.ru_stime)
