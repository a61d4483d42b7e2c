"""Any file with jobs is read by `open_jobs`: nothing is written, and nothing is left beside it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys

import pytest

from pytest_recorded import CassetteError, Recorder, open_jobs
from pytest_recorded.store.build import Changes, build
from pytest_recorded.store.schema import CASSETTE, LEDGER
from pytest_recorded.store.sqlite import Ledger, StagingFile

# Records two calls and goes on, or dies without having closed anything.
RECORDS = """
    import os, sys
    from pytest_recorded import Recorder, recorder

    @recorder(kind="looking.up")
    def up(text): return text.upper()

    recorder = Recorder("ledger.db").__enter__()
    up("a", key="a")
    up("b", key="b")
    print("ready", flush=True)
    for line in sys.stdin:
        if line == "die\\n": os._exit(0)
        up(line.strip(), key=line.strip())
        print("recorded", flush=True)
    recorder.__exit__(None, None, None)
"""


def seen(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def keys(jobs, **asked):
    return [job.key for job in jobs.query(**asked)]


@pytest.fixture
def writer(start):
    """A process that has a ledger open."""
    process = start(RECORDS)
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.fixture
def crashed(writer, tmp_path):
    """A ledger whose writer has died: what it recorded is in the log."""
    writer.communicate("die\n")
    assert (tmp_path / "ledger.db-wal").stat().st_size
    return tmp_path / "ledger.db"


def test_a_ledger_is_read_while_it_is_written(writer, tmp_path):
    jobs = open_jobs(tmp_path / "ledger.db")
    assert keys(jobs) == ["b", "a"]
    rows = jobs.query(order="asc")
    first = next(rows)
    writer.stdin.write("c\n")
    writer.stdin.flush()
    assert writer.stdout.readline() == "recorded\n"
    assert [first.key, *(job.key for job in rows)] == ["a", "b"]
    assert (keys(jobs), jobs.last(1)[0].response) == (["c", "b", "a"], "C")
    writer.communicate()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("ledger")] == ["ledger.db"]
    assert keys(jobs) == ["c", "b", "a"]


def test_a_closed_ledger_is_read_without_a_trace(tmp_path, row):
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.insert(row())
    ledger.close()
    before = seen(tmp_path)
    with open_jobs(str(ledger.path)) as jobs:
        assert keys(jobs) == ["k"]
        assert jobs.get(row().id[:8]).key == "k"
        with contextlib.closing(jobs.connection()) as connection:
            assert connection.execute("SELECT kind FROM jobs").fetchall() == [("shop.ask",)]
        assert (jobs.path, jobs.tests()) == (ledger.path, [])
    assert seen(tmp_path) == before


def test_a_crashed_ledger_is_read_with_what_is_in_its_log(crashed, tmp_path):
    before = seen(tmp_path)
    assert keys(open_jobs(crashed)) == ["b", "a"]
    # The index of the log is scratch memory of SQLite; which file it is in does not matter to the calls.
    assert seen(tmp_path).keys() == before.keys()
    assert {**seen(tmp_path), "ledger.db-shm": b""} == {**before, "ledger.db-shm": b""}


def test_a_crashed_ledger_without_its_index_is_read_without_a_trace(crashed, tmp_path):
    (tmp_path / "ledger.db-shm").unlink()
    before = seen(tmp_path)
    jobs = open_jobs(crashed)
    assert (keys(jobs), len(before)) == (["b", "a"], 2)
    assert seen(tmp_path) == before


LOOKS = """
    import ctypes, os
    if os.getuid() == 0:
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)
        assert ctypes.CDLL(None).capset(header, (ctypes.c_uint32 * 6)()) == 0
    assert not os.access(".", os.W_OK)
    from pytest_recorded import open_jobs
    print([job.key for job in open_jobs("ledger.db").query()])
"""


@pytest.mark.parametrize("left", [(), ("-wal",), ("-wal", "-shm")], ids=["closed", "log", "log-and-index"])
def test_a_ledger_is_read_in_a_folder_that_nobody_may_write_to(crashed, tmp_path, start, left):
    if not left:
        sqlite3.connect(crashed).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    for end in {"-wal", "-shm"} - set(left):
        crashed.with_name(crashed.name + end).unlink(missing_ok=True)
    before = seen(tmp_path)
    for path in tmp_path.iterdir():
        path.chmod(0o444 if path.is_file() else 0o555)
    tmp_path.chmod(0o555)
    try:
        out, err = start(LOOKS).communicate()
    finally:
        tmp_path.chmod(0o755)
    assert (out, err) == ("['b', 'a']\n", "")
    assert seen(tmp_path) == before


def test_a_cassette_is_read_newest_first_with_all_its_tests(tmp_path, folder, row):
    rows = [
        row(
            f"test_{number % 3}.py::test_x[{number % 2}]",
            seq=number,
            submitted_at=f"2030-01-0{number}T00:00:00.000000Z",
        )
        for number in range(1, 7)
    ]
    path = tmp_path / "jobs.db"
    build(path, Changes(fresh=[(one, ()) for one in rows], uses={("test_user", rows[0].id)}), folder)
    before = seen(tmp_path)
    jobs = open_jobs(path)
    assert [job.seq for job in jobs.query()] == [6, 5, 4, 3, 2, 1]
    assert [job.seq for job in jobs.query(order="asc", limit=2)] == [1, 2]
    assert [job.seq for job in jobs.query(since="2030-01-05T00:00:00Z")] == [6, 5]
    assert [job.seq for job in jobs.query(scope="test_0.py::test_x[1]")] == [3]
    assert [job.seq for job in jobs.query(scope="test_0.py::test_x[[]1]")] == [3]
    assert [job.seq for job in jobs.query(scope="test_0.py::*")] == [6, 3]
    assert list(jobs.query(scope="test_0.py::test_x1")) == []
    assert jobs.tests() == [*sorted({one.scope for one in rows}), "test_user"]
    assert jobs.get(rows[2].id[:6]).seq == 3
    assert seen(tmp_path) == before


def test_of_a_scope_that_looks_like_a_glob_that_very_one_is_meant(tmp_path, folder, row):
    path = tmp_path / "jobs.db"
    build(path, Changes(fresh=[(row("test_x[1]"), ()), (row("test_x1", key="other"), ())]), folder)
    assert keys(open_jobs(path), scope="test_x[1]") == ["k"]
    assert keys(open_jobs(path), scope="test_[x]1") == ["other"]


def test_all_rows_of_a_large_cassette_come_once_and_in_order(tmp_path, folder, row):
    path = tmp_path / "jobs.db"
    moments = [f"2030-01-01T00:{number * 7 % 60:02d}:{number % 60:02d}.000000Z" for number in range(700)]
    rows = [row("test_a", key=f"{number:04}", submitted_at=moment) for number, moment in enumerate(moments)]
    build(path, Changes(fresh=[(one, ()) for one in rows]), folder)
    found = list(open_jobs(path).query(limit=None, order="asc"))
    assert len({job.id for job in found}) == 700
    assert [job.submitted_at for job in found] == sorted(moments)


def test_a_staging_file_is_read_too(tmp_path, row):
    staged = StagingFile(tmp_path / "staged.db")
    staged.insert(row("attempt"))
    assert keys(open_jobs(tmp_path / "staged.db")) == ["k"]
    staged.close()


def test_a_stream_is_read_with_its_pieces(tmp_path):
    from pytest_recorded import recorder  # noqa: PLC0415 - its kind is this test's

    @recorder(kind="looking.stream")
    def stream():
        yield from "abc"

    with Recorder(tmp_path / "ledger.db"):
        list(stream())
    (job,) = open_jobs(tmp_path / "ledger.db").last()
    assert job.response == ["a", "b", "c"]


SEED = """
import recorded, sys
recorded.configure("old.db")

@recorded.recorder(kind="seed.place")
def place(order):
    recorded.attach("total", order * 1.5)
    if order < 0:
        recorded.attach_error({"code": 7})
        raise ValueError(f"no {order}")
    return {"id": order}

for order in (1, 2): place(order, key=f"order-{order}")
try: place(-1, key="bad")
except ValueError: pass
recorded.connection().execute(
    "INSERT INTO jobs (id, kind, status, submitted_at) VALUES ('l', '_recorded.leader', 'running', '2030')"
)
"""


@pytest.fixture(scope="module")
def seed(tmp_path_factory):
    """What a program with the package `recorded` has written."""
    folder = tmp_path_factory.mktemp("seed")
    subprocess.run([sys.executable, "-c", SEED], cwd=folder, check=True)
    return folder / "old.db"


def test_a_file_of_recorded_is_read_in_place(seed):
    before = seen(seed.parent)
    jobs = open_jobs(seed)
    assert keys(jobs) == ["bad", "order-2", "order-1"]
    assert keys(jobs, kind="seed.*", where_data={"total": 3}) == ["order-2"]
    (job,) = jobs.query(key="order-2")
    assert (job.request, job.response, job.data, job.scope, job.attempt) == (2, {"id": 2}, {"total": 3.0}, "", 0)
    assert jobs.get(job.id[:10]) == job
    assert (jobs.last(1)[0].error_payload, jobs.tests()) == ({"code": 7}, [])
    connection = jobs.connection()
    assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (3,)
    plan = connection.execute("EXPLAIN QUERY PLAN SELECT * FROM jobs WHERE id = 'x'").fetchone()[3]
    assert plan.startswith("SEARCH")
    connection.close()
    assert seen(seed.parent) == before


def make(path, script):
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()


OURS = "PRAGMA application_id = 0x70797263;"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: None, r"does not exist\. Check the path"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.write_bytes(b""), r"is empty \(0 bytes\).* Restore it \(git checkout\)"),
        (lambda path: path.write_text("x" * 500), "is no SQLite file"),
        (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"),
        (lambda path: path.write_bytes(b"SQLite format 3\0"), "is cut off after 16 bytes"),
        (lambda path: make(path, "CREATE TABLE t (a)"), "is a SQLite file of another program"),
        (lambda path: make(path, "CREATE TABLE jobs (id, kind)"), "is a SQLite file of another program"),
        (lambda path: make(path, OURS), "has no table jobs"),
        (lambda path: make(path, OURS + LEDGER), "does not say which schema"),
        (lambda path: make(path, OURS + CASSETTE + "INSERT INTO meta VALUES ('schema', '99')"), "has schema 99"),
        (lambda path: make(path, OURS + "CREATE TABLE jobs (id)"), "no such table"),
    ],
    ids=[
        "missing", "folder", "empty", "text", "lfs", "cut", "foreign", "foreign-jobs", "no-jobs", "no-schema", "newer",
        "no-meta",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_what_to_do(tmp_path, spoil, said):
    path = tmp_path / "jobs.db"
    spoil(path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(CassetteError, match=said):
        open_jobs(path)
    assert sorted(tmp_path.iterdir()) == before


def test_damage_is_an_error_of_ours_wherever_it_shows(tmp_path, folder, row):
    path = tmp_path / "jobs.db"
    build(
        path,
        Changes(fresh=[(row("test_a", key=f"{n:04}", response_json='"' + "x" * 900 + '"'), ()) for n in range(99)]),
        folder,
    )
    jobs = open_jobs(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :: 7] = os.urandom(len(content[len(content) // 2 :: 7]))
    path.write_bytes(content)
    with pytest.raises(CassetteError, match=r"The file is damaged\."):
        list(jobs.query(limit=None))
    path.unlink()
    with pytest.raises(CassetteError, match="does not exist"):
        jobs.last()


def test_a_status_that_we_do_not_know_is_no_job_of_ours(tmp_path, row):
    path = tmp_path / "ledger.db"
    ledger = Ledger(path)
    ledger.insert(row())
    ledger.close()
    make(path, "PRAGMA ignore_check_constraints = ON; UPDATE jobs SET status = 'gone'")
    assert (keys(open_jobs(path)), open_jobs(path).get(row().id)) == ([], None)


def test_the_log_of_one_who_is_coming_or_going_is_left_to_him(tmp_path, row):
    """At that moment there is a log and no index, as when he is gone."""
    path = tmp_path / "ledger.db"
    ledger = Ledger(path)
    ledger.open()
    log = path.with_name("ledger.db-wal")
    identity = log.stat().st_ino
    path.with_name("ledger.db-shm").rename(tmp_path / "index")
    assert keys(open_jobs(path)) == []
    (tmp_path / "index").rename(path.with_name("ledger.db-shm"))
    assert log.stat().st_ino == identity
    assert ledger.insert(row())
    assert len(ledger.rows()) == 1
    ledger.close()
