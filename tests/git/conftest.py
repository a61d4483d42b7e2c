"""Real repositories, whose cassettes git merges with our driver."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pytest_recorded.cli.clone import install
from pytest_recorded.cli.repository import repository_of
from pytest_recorded.conflicts import read_conflicts
from pytest_recorded.store.sqlite import CassetteFile
from sides import function, write

if TYPE_CHECKING:
    from pathlib import Path


def price(item, value, *, test="test_shop.py::test_price", **more):
    """Return the call that asks for the price of an item."""
    return function({"price": value}, sent={"item": item}, scope=test, **more)


@dataclass
class Repository:
    """A repository with a cassette."""

    folder: Path

    @property
    def cassette(self):
        return self.folder / "cassettes" / "jobs.db"

    def git(self, *arguments, code=0):
        """Run git; return all that it says; `code`: what it has to end with, None for any but 0."""
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        done = subprocess.run(["git", *arguments], cwd=self.folder, **both, text=True, check=False, timeout=60)
        assert done.returncode == code or (code is None and done.returncode), done.stdout
        return done.stdout.strip()

    def record(self, prices=None, **times):
        """Let the cassette have these prices, `tea=1`, and commit it; `at`: when they were recorded."""
        at = times.pop("at", 0)
        self.cassette.parent.mkdir(exist_ok=True)
        write(self.cassette, *(price(item, value, at=at) for item, value in {**(prices or {}), **times}.items()))
        return self

    def commit(self, message="recorded"):
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", message)
        return self

    def switch(self, branch, start=None):
        """Go to a branch; `start`: where a new one begins."""
        self.git("switch", "--quiet", *(("-c", branch, start) if start else (branch,)))
        return self

    @property
    def prices(self):
        """What the cassette has, by item."""
        with closing(sqlite3.connect(self.cassette)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        with closing(CassetteFile(self.cassette)) as file:
            rows = file.rows()
        return {row.request_json.split('"')[3]: int(row.response_json.partition(":")[2][:-1]) for row in rows}

    @property
    def conflicts(self):
        """What is in conflict: ours and theirs by item."""
        with closing(CassetteFile(self.cassette)) as file:
            found = read_conflicts(file)
        return {
            one.ours.row.request_json.split('"')[3]: tuple(
                int(entry.row.response_json.partition(":")[2][:-1]) for entry in one[1:]
            )
            for one in found
        }

    @property
    def status(self):
        return self.git("status", "--porcelain", "--untracked-files=all")


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A repository without our driver."""
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    person = {"NAME": "Shop", "EMAIL": "shop@example.com", "DATE": "2030-01-02T03:04:05Z"}
    own = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in person.items()}
    own |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(tmp_path), "GIT_EDITOR": "true"}
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "shop"
    folder.mkdir()
    repository = Repository(folder)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.git("config", "core.autocrlf", "false")
    return repository


@pytest.fixture
def repository(bare):
    """A repository with our driver, whose cassette has the price of tea."""
    install(repository_of(bare.cassette), ["calls/jobs.db"])
    return bare.record(tea=1).commit()
