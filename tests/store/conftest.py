"""Rows, cassettes and Python processes to test the store with."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from pytest_recorded.job import Address, Row, job_id
from pytest_recorded.staging import Session, Staging, new_id
from pytest_recorded.store.build import Changes, build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

MOMENT = "2030-01-02T03:04:05.000006Z"


@pytest.fixture
def row() -> Callable[..., Row]:
    """Make a row: `row("test_a", key="k", response_json="1")`."""

    def make(scope: str = "", *, kind: str = "shop.ask", key: str | None = "k", seq: int = 0, **more: object) -> Row:
        attempt = more.get("attempt", 0)
        values = {
            "id": job_id(Address(scope, kind, key or "", seq), attempt),
            "attempt": 0,
            "parent_id": None,
            "status": "completed",
            "owner": None,
            "submitted_at": MOMENT,
            "started_at": MOMENT,
            "beat_at": None,
            "completed_at": MOMENT,
            "request_json": "{}",
            "response_json": '"answer"',
            "data_json": None,
            "error_json": None,
            "info_json": None,
        }
        return Row(**{"scope": scope, "kind": kind, "key": key, "seq": seq, **values, **more})

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for unfinished files."""
    made = tmp_path / ".staging"
    made.mkdir()
    return made


@pytest.fixture
def cassette(tmp_path: Path, folder: Path, row: Callable[..., Row]) -> Path:
    """A cassette with three calls of two tests."""
    path = tmp_path / "jobs.db"
    rows = [row("test_a"), row("test_a", seq=1), row("test_b", key="other")]
    build(path, Changes(fresh=[(one, ()) for one in rows]), folder)
    return path


@pytest.fixture
def query() -> Callable[..., list]:
    """Ask a file with a connection of one's own."""

    def ask(path: Path, statement: str, *parameters: object) -> list:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        try:
            return connection.execute(statement, parameters).fetchall()
        finally:
            connection.close()

    return ask


@pytest.fixture
def alter() -> Callable[..., None]:
    """Change a file behind our back."""

    def change(path: Path, script: str) -> None:
        connection = sqlite3.connect(path)
        try:
            connection.executescript(script)
        finally:
            connection.close()

    return change


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start Python processes in the folder of the test; none of them outlives it."""
    started: list[subprocess.Popen[str]] = []

    def run(code: str, *args: str) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(code), *args],
                cwd=tmp_path,
                env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def dead() -> str:
    """The owner of what a process that is gone has left."""
    code = "from pytest_recorded.store.lease import owner; print(owner())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def stage(dead: str) -> Iterator[Callable[..., Staging]]:
    """Begin sessions: `stage(cassette)` is one of a dead process; all are closed at the end."""
    made: list[Staging] = []

    def begin(cassette: Path, mode: str = "once", *, whose: str = dead) -> Staging:
        made.append(Staging(cassette, Session(new_id(), whose, mode)))
        return made[-1]

    yield begin
    for staging in made:
        staging.close()


@pytest.fixture
def attempt(row: Callable[..., Row]) -> Callable[..., str]:
    """Make an attempt at a test: `attempt(staging, "test_a", ["x"])` has recorded one call with the key x."""

    def make(staging: Staging, scope: str, keys: Iterable[str], *, passed: bool | None = True, **more: object) -> str:
        made = staging.begin(scope, staging.session.mode, takes_failed=bool(more.pop("takes_failed", False)))
        for key in keys:
            staging.ledger.insert(row(made, key=key, id=new_id(), **more))
        if passed is not None:
            staging.end(made, passed=passed)
        return made

    return make
