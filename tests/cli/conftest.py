"""The command line in this process: what it prints and what it exits with; and a project that it is about."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from pytest_recorded import attach, recorder, use_cassette
from pytest_recorded.cli.app import run
from pytest_recorded.cli.demo_api import DemoApi

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


@pytest.fixture(scope="session")
def git_environment():
    """What makes git nobody's: it reads no configuration of this machine, and has an author."""
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    people = [(who, what) for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")]
    return own | {f"GIT_{who}_{what}": "shop@example.com" for who, what in people} | {"GIT_PAGER": "cat"}


class Project:
    def __init__(self, folder):
        self.folder = folder
        self.cassette = folder / "cassettes" / "jobs.db"

    def write(self, **files):
        for name, text in files.items():
            (self.folder / f"{name}.py").write_text(text)
        return self

    def pytest(self, *arguments):
        self.pytest_here(*arguments, folder=self.folder)

    def pytest_here(self, *arguments, folder=None):
        environment = {name: value for name, value in os.environ.items() if name != "CI"}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "pytest_recorded.plugin", *arguments],
            cwd=folder,
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


@recorder(kind="reading.price")
def price(item):
    if item == "gold":
        raise LookupError("sold out")
    attach("item", item)
    attach("total", len(item))
    attach("paid", item == "tea")
    return {"item": item, "of": {1, 2}, "raw": b"\xff\x00"}


@recorder(kind="reading.count")
def count(number):
    yield from (f"{place} " for place in range(number))


def ask(url, *, stream):
    asked = {"model": "demo-1", "messages": [{"role": "user", "content": "Count to five."}], "stream": stream}
    return httpx.post(f"{url}/v1/chat/completions", json=asked).text


@pytest.fixture(scope="session")
def read_only(tmp_path_factory):
    """A cassette with seven calls: of a function, of a generator, of a language model; nobody may change it."""
    path = tmp_path_factory.mktemp("reading") / "cassettes" / "jobs.db"
    with pytest.MonkeyPatch.context() as patch:
        # There nothing is recorded. What takes it away for a test comes after fixtures of the session.
        patch.delenv("CI", raising=False)
        record(path)
    return path


def record(path):
    with use_cassette(path, scope="tests/test_shop.py::test_price"):
        price("tea")
        price("milk")
    with use_cassette(path, scope="tests/test_shop.py::test_gold[1]"), pytest.raises(LookupError):
        price("gold")
    with use_cassette(path, scope="tests/test_shop.py::test_gold[1]", mode="new_episodes"):
        list(count(3))
    with DemoApi() as api:
        for scope, stream in (("test_plain", False), ("test_stream", True)):
            with use_cassette(path, scope=f"tests/test_chat.py::{scope}"):
                ask(api.url, stream=stream)
    with use_cassette(path, scope="tests/test_chat.py::test_plain", mode="new_episodes"):
        price("last")


@pytest.fixture
def cassette(read_only, tmp_path, monkeypatch):
    """A copy of it at the usual place below the current folder."""
    path = tmp_path / "cassettes" / "jobs.db"
    path.parent.mkdir()
    shutil.copy(read_only, path)
    monkeypatch.chdir(tmp_path)
    return path


@pytest.fixture
def alter(cassette):
    """Change rows, as somebody else might have written them: `alter("response_json = '{'", "kind = 'x'")`."""

    def change(assignment, condition, *values):
        with closing(sqlite3.connect(cassette)) as connection, connection:
            assert connection.execute(f"UPDATE jobs SET {assignment} WHERE {condition}", values).rowcount

    return change


@pytest.fixture
def id_of(cassette):
    """The id of a call: `id_of("kind = 'reading.count'")`."""

    def find(condition):
        with closing(sqlite3.connect(cassette)) as connection:
            return connection.execute(f"SELECT id FROM jobs WHERE {condition}").fetchone()[0]

    return find
