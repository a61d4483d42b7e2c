"""The command line in this process: what it prints and what it exits with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_recorded.cli.app import run


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The answer that was asked for as JSON: all of stdout."""
        return json.loads(self.out)


@pytest.fixture
def cli(capsys, monkeypatch):
    """Run a command: `cli("rename", "a", "b")`; an error that is not told in a message is raised."""
    monkeypatch.setenv("COLUMNS", "80")

    def command(*arguments: str) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            run(arguments)
        return Done(ended.value.code or 0, *capsys.readouterr())

    return command
