"""A recorder in a folder of its own, and Python processes beside this one."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from pytest_recorded import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the calls of a test are recorded."""
    return tmp_path / "jobs.db"


@pytest.fixture
def rec(path: Path) -> Iterator[Recorder]:
    """A recorder that takes the calls of the test."""
    with Recorder(path) as recorder:
        yield recorder


@dataclass
class Process:
    """A Python process that is talked to line by line."""

    popen: subprocess.Popen[str]

    def says(self) -> str:
        """Wait for its next line."""
        line = self.popen.stdout.readline()
        assert line, f"it ended: {self.popen.communicate(timeout=30)}"
        return line.rstrip("\n")

    def tell(self, line: str = "") -> None:
        """Send it a line."""
        self.popen.stdin.write(line + "\n")
        self.popen.stdin.flush()

    def end(self) -> str:
        """Wait until it has ended well; return what it said last."""
        out, err = self.popen.communicate(timeout=30)
        assert self.popen.returncode == 0, err
        return out.strip()

    def kill(self) -> None:
        """Kill it, and take notice."""
        self.popen.kill()
        self.popen.wait(timeout=30)


@dataclass
class Python:
    """Starts Python processes in a folder that holds the modules they share."""

    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def module(self, name: str, text: str) -> None:
        """Write a module that the processes can import."""
        (self.folder / f"{name}.py").write_text(textwrap.dedent(text))

    def start(self, code: str, *args: str, **env: str) -> Process:
        """Start a process."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        popen = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), *args],
            cwd=self.folder,
            env=kept | {"PYTHONPATH": str(self.folder), "PYTHONWARNINGS": "always"} | env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(popen)
        return Process(popen)

    def run(self, code: str, *args: str, **env: str) -> str:
        """Run a process to its end; return what it said."""
        return self.start(code, *args, **env).end()


@pytest.fixture
def python(tmp_path: Path) -> Iterator[Python]:
    """Processes beside this one; none of them outlives the test."""
    made = Python(tmp_path)
    yield made
    for popen in made.started:
        if popen.poll() is None:
            popen.kill()
        popen.communicate()
