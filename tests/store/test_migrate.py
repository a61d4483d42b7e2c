"""A `jobs.db` of the package `recorded` is copied: each column means what it meant, and the old file is only read."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

import pytest

from pytest_recorded import Recorder, recorder
from pytest_recorded.errors import CassetteError
from pytest_recorded.job import Address, Status
from pytest_recorded.store.build import Changes, build
from pytest_recorded.store.migrate import migrate_seed
from pytest_recorded.store.sqlite import Ledger

COLUMNS = (
    "id, kind, key, status, submitted_at, started_at, completed_at, request_json, response_json, data_json, error_json"
)

# What the package writes: answers, failures, projections, attachments, calls with and without a key, a submitted job.
WRITES = """
import os, sys, recorded
from dataclasses import dataclass

@dataclass
class Order:
    id: int
    total: float = 0.0

recorded.configure("old.db")

@recorded.recorder(kind="seed.place", data=Order)
def place(order):
    recorded.attach("total", 1.5)
    if order < 0: raise ValueError(f"no {order}")
    return {"id": order, "noise": "ü\\0"}

@recorded.recorder(kind="seed.list")
def listing(page, size=10): return [page, None, True, 1.5, "x"]

for order, key in ((1, "one"), (2, None), (3, "one")): place(order, key=key)
for _ in range(2):
    try: place(-1, key="bad")
    except ValueError: pass
listing(1, size=2)

book = recorded.connection()
book.execute("INSERT INTO jobs (id, kind, key, status, submitted_at, request_json)"
             " VALUES ('p', 'seed.place', 'later', 'pending', '2030-01-01T00:00:00.000000Z', '7')")
book.execute("INSERT INTO jobs (id, kind, key, status, submitted_at, started_at, request_json)"
             " VALUES ('r', 'seed.place', 'now', 'running', '2030-01-01T00:00:00.000000Z', '2030-01-01', '8')")
book.execute("INSERT INTO jobs (id, kind, key, status, submitted_at, started_at)"
             " VALUES ('l', '_recorded.leader', 'host:1', 'running', '2030-01-01T00:00:00.000000Z', '2030-01-01')")
if sys.argv[1] == "killed": os._exit(0)
"""


def write(folder, how="closed"):
    subprocess.run([sys.executable, "-c", WRITES, how], cwd=folder, check=True)
    return folder / "old.db"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What a program with the package has written, once for all tests that only read it."""
    return write(tmp_path_factory.mktemp("seed"))


@pytest.fixture
def old(written, tmp_path):
    (tmp_path / "old.db").write_bytes(written.read_bytes())
    return tmp_path / "old.db"


@pytest.fixture
def new(old, tmp_path):
    migrate_seed(old, tmp_path / "new.db")
    return tmp_path / "new.db"


def seen(folder):
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir() if path.is_file()}


def test_each_ended_job_has_the_same_values_in_all_eleven_columns(old, new, query):
    ended = f"SELECT {COLUMNS} FROM jobs WHERE status IN ('completed', 'failed') ORDER BY id"
    assert len(query(new, ended)) == 5
    assert query(new, ended) == query(old, ended)


def test_what_was_not_done_has_been_given_up_and_nobody_waits_for_it(new, query):
    left = query(new, "SELECT id, status, owner, request_json FROM jobs WHERE id IN ('p', 'r') ORDER BY id")
    assert left == [("p", "interrupted", None, "7"), ("r", "interrupted", None, "8")]


def test_the_beats_of_a_leader_are_no_jobs(new, query):
    assert query(new, "SELECT kind FROM jobs WHERE kind GLOB '_recorded*'") == []


def test_failures_with_one_key_are_attempts_in_the_order_in_which_they_were_made(new):
    ledger = Ledger(new)
    rows = [row for row in ledger.rows() if row.key == "bad"]
    assert [(row.attempt, row.status) for row in rows] == [(0, "failed"), (1, "failed")]
    assert ledger.find(Address("", "seed.place", "bad", 0)).attempt == 1
    ledger.close()


def test_jobs_without_a_key_stay_without(new, query):
    assert query(new, "SELECT kind, scope, seq, attempt FROM jobs WHERE key IS NULL ORDER BY kind") == [
        ("seed.list", "", 0, 0),
        ("seed.place", "", 0, 0),
    ]


def test_the_copy_answers_and_reads_as_the_old_file_did(new):
    called = []

    @recorder(kind="seed.place")
    def place(order):
        called.append(order)
        return {"id": order}

    with Recorder(new) as book:
        assert place(1, key="one") == {"id": 1, "noise": "ü\0"}
        assert called == []
        assert place(8, key="now") == {"id": 8}
        failed = next(job for job in book.jobs if job.status is Status.FAILED)
        assert (type(failed.error), str(failed.error)) == (ValueError, "no -1")
        listed = next(job for job in book.jobs if job.kind == "seed.list")
        assert (listed.request, listed.response) == (
            {"args": [1], "kwargs": {"size": 2}},
            [1, None, True, 1.5, "x"],
        )
        answered = next(job for job in book.jobs if job.key == "one")
        assert answered.data == {"id": 1, "total": 1.5}
        assert answered.duration_ms >= 0
    assert called == [8]


def test_what_was_attached_to_an_error_is_its_payload(tmp_path, old, alter):
    """The class of the exception is not in the old file."""
    payload = '{"code": 5, "why": "late"}'
    alter(old, f"UPDATE jobs SET error_json = '{payload}' WHERE key = 'bad'")
    migrate_seed(old, tmp_path / "new.db")
    with Recorder(tmp_path / "new.db") as book:
        failed = [job for job in book.jobs if job.key == "bad"]
        assert [job.error_payload for job in failed] == [{"code": 5, "why": "late"}] * 2
        assert [(type(job.error), str(job.error)) for job in failed] == [(Exception, payload)] * 2


@pytest.mark.parametrize("status", ["interrupted", "cancelled", ""])
def test_a_job_with_a_status_that_the_package_does_not_write_has_been_given_up(tmp_path, old, alter, query, status):
    alter(old, f"UPDATE jobs SET status = '{status}' WHERE key = 'one'")
    assert migrate_seed(old, tmp_path / "new.db") == 7
    assert query(tmp_path / "new.db", "SELECT status FROM jobs WHERE key = 'one'") == [("interrupted",)]


def test_a_job_that_cannot_be_copied_is_named_and_nothing_is_made(tmp_path, old, alter):
    alter(old, f"CREATE TABLE loose AS SELECT {COLUMNS} FROM jobs")
    alter(old, "DROP TABLE jobs")
    alter(old, "ALTER TABLE loose RENAME TO jobs")
    alter(old, "UPDATE jobs SET submitted_at = NULL WHERE key = 'one'")
    with pytest.raises(CassetteError, match=r"old\.db: has a job that cannot be copied \(NOT NULL .*submitted_at\)"):
        migrate_seed(old, tmp_path / "new.db")
    assert [path.name for path in tmp_path.iterdir()] == ["old.db"]


def test_the_old_file_keeps_its_bytes_and_its_time_and_nothing_is_left_beside(old):
    before = seen(old.parent)
    migrate_seed(old, old.with_name("new.db"))
    after = seen(old.parent)
    assert after.pop("new.db")
    assert after == before


def test_jobs_that_a_killed_program_left_in_its_log_are_copied_and_the_log_stays(tmp_path, query):
    old = write(tmp_path, "killed")
    log = tmp_path / "old.db-wal"
    before = old.read_bytes(), log.read_bytes()
    assert migrate_seed(old, tmp_path / "new.db") == 7
    assert (old.read_bytes(), log.read_bytes()) == before


def test_a_copy_is_nobodys_seed_again(new, tmp_path):
    with pytest.raises(
        CassetteError, match=r"new\.db: is a file of pytest-recorded already\. Name a jobs\.db that the"
    ):
        migrate_seed(new, tmp_path / "again.db")
    assert not (tmp_path / "again.db").exists()


def test_a_cassette_is_nobodys_seed(cassette, tmp_path):
    """Its calls belong to tests, and would be lost as calls of a Recorder."""
    with pytest.raises(CassetteError, match="is a file of pytest-recorded already"):
        migrate_seed(cassette, tmp_path / "new.db")


def test_nothing_is_overwritten(old, tmp_path):
    (tmp_path / "new.db").write_text("mine")
    with pytest.raises(CassetteError, match=r"new\.db: exists already\. Name a file that does not\."):
        migrate_seed(old, tmp_path / "new.db")
    assert (tmp_path / "new.db").read_text() == "mine"


def foreign(path):
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE jobs (id, kind, key, status, submitted_at, response_json)")
    connection.close()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, r"does not exist\. Check the path\."),
        (lambda path: path.mkdir(), r"is a folder"),
        (lambda path: path.write_text(""), r"is no SQLite file\. Name a jobs\.db that the package `recorded`"),
        (
            lambda path: path.write_text("hello " * 40),
            r"is no SQLite file\. Name a jobs\.db that the package `recorded`",
        ),
        (lambda path: path.write_bytes(b"SQLite format 3\0"), r"is cut off after 16 bytes\. Name a jobs\.db"),
        (foreign, r"is a SQLite file of another program\. Name a jobs\.db that the package `recorded` has written\."),
    ],
    ids=["missing", "folder", "empty", "text", "cut", "foreign"],
)
def test_what_is_no_seed_is_named_and_nothing_is_made(tmp_path, make, words):
    make(tmp_path / "old.db")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(CassetteError, match=rf"old\.db: {words}"):
        migrate_seed(tmp_path / "old.db", tmp_path / "new.db")
    assert sorted(tmp_path.iterdir()) == before


def test_a_damaged_seed_is_named_and_nothing_is_made(old, tmp_path):
    with old.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (old.stat().st_size - 4096))
    with pytest.raises(CassetteError, match=r"old\.db: .*malformed\. The file is damaged\. Restore it from a copy"):
        migrate_seed(old, tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()


def test_a_seed_put_in_place_of_a_cassette_is_left_without_a_trace(old, folder, row):
    """It is in WAL mode: whoever only reads it makes files beside it, unless he takes care."""
    before = seen(old.parent)
    with pytest.raises(CassetteError, match=r"was written by the package `recorded`; it is left as it is"):
        build(old, Changes(fresh=[(row(), ())]), folder)
    with pytest.raises(CassetteError, match=r"was written by the package `recorded`; it is left as it is"):
        Ledger(old).rows()
    assert seen(old.parent) == before
