"""The command line in this process: what it prints and what it exits with; and a project that it is about."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_recorded.cli.app import run

WORLD = """
def ask(question):
    return {"answer": question}

def tell(question):
    return question
"""


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


class Project:
    def __init__(self, folder):
        self.folder = folder
        self.cassette = folder / "cassettes" / "jobs.db"

    def write(self, **files):
        for name, text in files.items():
            (self.folder / f"{name}.py").write_text(text)
        return self

    def pytest(self, *arguments):
        environment = {name: value for name, value in os.environ.items() if name != "CI"}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "pytest_recorded.plugin", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout

    def scopes(self):
        connection = sqlite3.connect(f"{self.cassette.as_uri()}?mode=ro", uri=True)
        found = connection.execute("SELECT scope, json_extract(request_json, '$.question') FROM jobs").fetchall()
        connection.close()
        return found


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project that has nothing but a world."""
    for name in list(os.environ):
        if name.startswith("PYTEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    return Project(tmp_path).write(world=WORLD)
