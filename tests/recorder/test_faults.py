"""A fault in recording never breaks a call: the caller gets his value, and a warning that says what to do."""

from __future__ import annotations

import contextlib
import sqlite3
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_recorded import RecordedError, RecordedWarning, Recorder, recorder
from pytest_recorded.store import connection as store_connection


@recorder
def place(order):
    return {"placed": order}


@recorder
def fail(order):
    raise ValueError(order)


@recorder
def stream(to):
    yield from range(to)


def no_sqlite(path):
    path.write_text("hello " * 40)


def lfs_pointer(path):
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4665a5ea423c2713d436b5ee50593a9640\n")


def foreign(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (title)")
    connection.close()


def newer(path):
    with Recorder(path):
        place(0)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    connection.close()


def damaged(path):
    with Recorder(path):
        for n in range(200):
            place(f"{n:0500}")
    with path.open("r+b") as file:
        for page in range(1, path.stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(b"\xff" * 4096)


def headless(path):
    with Recorder(path):
        place(0)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE jobs")
    connection.close()


def cassette(path):
    """The file that a suite commits has the same name by default."""
    from pytest_recorded import use_cassette  # noqa: PLC0415 - only here

    with use_cassette(path, mode="once", scope="somebody"):
        place(0)


def under_a_file(path):
    path.write_text("")
    return path / "jobs.db"


BAD = {
    "a folder": (lambda path: path.mkdir(), "is a folder"),
    "no SQLite": (no_sqlite, r"is no SQLite file\. Restore it from a copy"),
    "a Git LFS pointer": (lfs_pointer, "git lfs pull"),
    "a foreign file": (foreign, r"is a SQLite file of another program\. Give the recorder another path"),
    "a newer schema": (newer, r"has schema 99; .* pip install -U pytest-recorded"),
    "a damaged file": (damaged, r"malformed\. The file is damaged\. Restore it from a copy, or move it away"),
    "a missing table": (headless, r"has no table jobs\. The file is damaged\. Restore it from a copy"),
    "a cassette": (cassette, r"is a cassette, not the file of a Recorder\. Give the recorder another path"),
    "under a file": (under_a_file, r"its folder cannot be made \(File exists\)\. Name another path"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_cannot_be_used_lets_calls_run_and_says_why_at_their_lines(path, case):
    make, said = BAD[case]
    path = make(path) or path
    before = path.read_bytes() if path.is_file() else None
    with Recorder(path) as rec:
        with pytest.warns(RecordedWarning, match=rf"(?s)place runs, but is not recorded: .*{said}") as caught:
            assert place(1, key="k") == {"placed": 1}
        assert [warning.filename for warning in caught] == [__file__]
        with pytest.warns(RecordedWarning, match=said), pytest.raises(ValueError, match="no"):
            fail("no")
        with pytest.warns(RecordedWarning, match=said):
            assert list(stream(2)) == [0, 1]
        with pytest.raises(RecordedError, match=said):
            rec.jobs  # noqa: B018 - asking is the point
    if case not in ("a damaged file", "a missing table"):
        assert before is None or path.read_bytes() == before


def test_an_empty_file_is_as_good_as_none(path):
    """As tempfile makes them."""
    path.touch()
    with Recorder(path) as rec:
        place(1)
        assert len(rec.jobs) == 1


def test_a_locked_file_lets_calls_run_and_blocks_no_key(path, monkeypatch):
    monkeypatch.setattr(store_connection, "_BUSY_SECONDS", 0.01)
    with Recorder(path) as rec:
        place(0)
        blocker = sqlite3.connect(path)
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.warns(RecordedWarning, match=r"locked\. Another process has been writing to it"):
            assert place(1, key="k") == {"placed": 1}
        blocker.rollback()
        blocker.close()
        assert place(2, key="k") == {"placed": 2}
        assert [job.response for job in rec.jobs] == [{"placed": 0}, {"placed": 2}]


def test_a_file_that_is_locked_while_the_call_runs_blocks_no_key(path, monkeypatch):
    """The row says that it runs, and it cannot be said that it does not."""
    monkeypatch.setattr(store_connection, "_BUSY_SECONDS", 0.01)
    blocker = sqlite3.connect(path, check_same_thread=False)

    @recorder
    def locking(n):
        if n == 1:
            blocker.execute("BEGIN IMMEDIATE")
        return n

    with Recorder(path) as rec:
        with pytest.warns(RecordedWarning, match=r"locking ran, but could not be recorded: .*locked"):
            assert locking(1, key="k") == 1
        blocker.rollback()
        blocker.close()
        assert locking(2, key="k") == 2
        assert [job.status for job in rec.jobs] == ["interrupted", "completed"]


def test_a_full_disk_lets_calls_run_and_blocks_no_key(path):
    with Recorder(path) as rec:
        place(0)
        connection = rec._ledger._connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        big = "x" * 100_000
        with pytest.warns(RecordedWarning, match=r"full\. The disk is full: free some space") as caught:
            assert place(big, key="k") == {"placed": big}
        assert caught[0].filename == __file__
        connection.execute(f"PRAGMA max_page_count = {pages + 1000}")
        assert place("small", key="k") == {"placed": "small"}
        assert rec.jobs[-1].response == {"placed": "small"}


def test_a_disk_that_is_full_while_the_call_runs_blocks_no_key(path):
    @recorder
    def filling(n):
        if n == 1:
            pages = rec._ledger._connection.execute("PRAGMA page_count").fetchone()[0]
            rec._ledger._connection.execute(f"PRAGMA max_page_count = {pages}")
            return "x" * 100_000
        return n

    with Recorder(path) as rec:
        with pytest.warns(RecordedWarning, match=r"filling ran, but could not be recorded: .*is full"):
            assert len(filling(1, key="k")) == 100_000
        assert filling(2, key="k") == 2
        assert [job.status for job in rec.jobs] == ["interrupted", "completed"]


def test_a_process_that_may_write_no_further_goes_on(python):
    said = python.run(
        """
        import resource, warnings
        from pytest_recorded import Recorder, recorder

        @recorder
        def place(order): return order

        with Recorder("jobs.db") as rec:
            place("before")
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                print(len(place("x" * 300_000, key="k")), caught[0].message)
            print(place("after", key="k"), rec.jobs[-1].response)
        """
    )
    assert said.splitlines()[0].startswith("300000 __main__.place runs, but is not recorded: ")
    assert "disk I/O error. The disk could not be written or read" in said
    assert said.splitlines()[-1] == "after after"


# As root nothing is read-only, until the right to pass over permissions is given away.
WITHOUT_PRIVILEGES = """
    import ctypes, os
    if os.getuid() == 0:
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)
        assert ctypes.CDLL(None).capset(header, (ctypes.c_uint32 * 6)()) == 0
"""


@pytest.mark.parametrize(
    ("what", "said"),
    [("jobs.db", "may not be written by this user"), (".", "may not be written by this user|check that it exists")],
    ids=["file", "folder"],
)
def test_a_read_only_file_or_folder_lets_calls_run(python, path, what, said):
    python.module("unprivileged", WITHOUT_PRIVILEGES)
    with Recorder(path):
        place(0, key="before")
    target = path.parent / what
    mode = target.stat().st_mode
    target.chmod(mode & 0o555)
    try:
        answer = python.run(
            """
            import warnings, unprivileged
            from pytest_recorded import Recorder, recorder

            @recorder
            def place(order): return order

            with Recorder("jobs.db") as rec, warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                print(place(1, key="k"))
                print(caught[0].message)
            """,
            PYTHONDONTWRITEBYTECODE="1",
        )
    finally:
        target.chmod(mode)
    assert answer.splitlines()[0] == "1"
    assert any(part in answer for part in said.split("|"))


UNSTORABLE = {
    "argument": (lambda: place(object()), r"place is recorded without its request\. \$\.order: a value of type"),
    "argument with a key": (lambda: place(object(), key="k"), r"place is recorded without its request\. \$\.order"),
    "return value": (lambda: place([print]), r"place ran, but its answer cannot be recorded\. \$\.placed\[0\]"),
    "exception": (lambda: fail(object()), r"fail raised ValueError; its replay will lack .*: \$\.args\[0\]"),
}


@pytest.mark.filterwarnings("ignore::pytest_recorded.RecordedWarning")
@pytest.mark.parametrize("case", UNSTORABLE)
def test_what_cannot_be_stored_says_so_with_its_path_at_the_line_of_the_call(rec, case):
    call, said = UNSTORABLE[case]
    with pytest.warns(RecordedWarning, match=said) as caught, contextlib.suppress(ValueError):
        call()
    assert {warning.filename for warning in caught} == {__file__}


def test_a_call_whose_request_cannot_be_stored_is_recorded_without_it(rec):
    class Order:
        """Nothing that could be stored."""

    @recorder
    def count(order):
        return 1

    with pytest.warns(RecordedWarning, match="recorded without its request"):
        assert [count(Order(), key="k"), count(Order(), key="k")] == [1, 1]
    assert [(job.request, job.response) for job in rec.jobs] == [(None, 1)]


@pytest.mark.asyncio
async def test_a_warning_points_at_the_line_that_awaits(rec):
    @recorder
    async def give():
        return print

    with pytest.warns(RecordedWarning, match="give ran, but its answer cannot be recorded") as caught:
        await give()
    assert {warning.filename for warning in caught} == {__file__}


def test_where_warnings_are_errors_a_fault_is_raised_and_blocks_no_key(rec):
    answers = [print, "answer"]

    @recorder
    def give():
        return answers.pop(0)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RecordedWarning, match="give ran, but its answer cannot be recorded"):
            give(key="k")
    assert give(key="k") == "answer"
    assert [job.status for job in rec.jobs] == ["interrupted", "completed"]


def test_an_answer_that_another_thread_changes_while_it_is_stored_breaks_nothing(path):
    """A dictionary that changes size while it is looked at."""
    shared = {}
    stop = []

    def change():
        n = 0
        while not stop:
            n += 1
            shared[n % 997] = n
            shared.pop((n * 7) % 997, None)

    @recorder
    def snapshot():
        return shared

    with Recorder(path) as rec, ThreadPoolExecutor(1) as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore", RecordedWarning)
        pool.submit(change)
        try:
            assert all(snapshot() is shared for _ in range(50))
        finally:
            stop.append(True)
        assert {job.status for job in rec.jobs} <= {"completed", "interrupted"}
