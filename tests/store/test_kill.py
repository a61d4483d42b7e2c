"""A process that is killed, or meets a full disk, at any moment: the cassette is the old or the new one, whole."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import resource
import shutil
import signal
import subprocess
import sys

import pytest

from pytest_recorded.errors import CassetteError
from pytest_recorded.store import build as module
from pytest_recorded.store.build import Changes, build
from pytest_recorded.store.sqlite import CassetteFile, StagingFile
from pytest_recorded.takeover import take_over, take_over_leftovers

# Python warns of forks beside other threads, such as those of xdist; that is what is tried here.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

MOMENTS = 12


def forked(work):
    """Run something in a child of this process; return its exit status, or minus the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        status = 1
        with contextlib.suppress(BaseException):
            work()
            status = 0
        os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill_at(moment, work):
    """Run something and be killed when it makes its n-th call into C: to SQLite, to the system, to anything."""
    left = moment

    def count(_frame, event, _what):
        nonlocal left
        if event in ("c_call", "c_return"):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)
    work()


def calls_of(work):
    """Return how many calls into C something makes."""
    made = 0

    def count(_frame, event, _what):
        nonlocal made
        made += event in ("c_call", "c_return")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return made


def spread(total, number=MOMENTS):
    """Return moments from the first to the last, denser at the end, where files change their names."""
    even = {1 + total * n // number for n in range(number)}
    return sorted({*even, *range(max(1, total - 60), total, 6)})


def is_sound(path, query):
    return query(path, "PRAGMA integrity_check") == [("ok",)]


@pytest.fixture
def large(tmp_path, folder, row):
    """A cassette of some pages, the changes for another one, and the bytes of both."""
    path = tmp_path / "jobs.db"
    build(path, Changes(fresh=[(row("old", key=f"{n}", response_json="x" * 900), ()) for n in range(60)]), folder)
    changes = Changes(fresh=[(row("new", key=f"{n}", response_json="y" * 900), ()) for n in range(60)])
    shutil.copy(path, tmp_path / "other.db")
    build(tmp_path / "other.db", changes, folder)
    return path, changes, path.read_bytes(), (tmp_path / "other.db").read_bytes()


def test_a_kill_at_any_call_of_a_build_leaves_the_old_or_the_new_cassette_whole(large, folder, query):
    path, changes, old, new = large
    total = calls_of(lambda: build(path, changes, folder))
    seen = []
    for moment in spread(total):
        path.write_bytes(old)
        status = forked(lambda at=moment: kill_at(at, lambda: build(path, changes, folder)))
        # A run may make a call less than the one that was counted.
        assert status == -signal.SIGKILL or moment > total - 12
        seen.append(path.read_bytes() == new)
        assert seen[-1] or path.read_bytes() == old
        assert is_sound(path, query)
        # Whatever the kill has left is no hindrance to the next one.
        build(path, Changes(gone_tests={"x"}), folder)
        assert path.read_bytes() == (new if seen[-1] else old)
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (False, True)
    assert list(folder.iterdir()) == []


def test_a_kill_within_sqlite_leaves_the_old_cassette_whole(large, folder, query):
    """While it copies rows it makes no call that could be counted; it tells itself how far it has come."""
    path, changes, old, new = large
    steps = 0

    def counting(made, *, read_only, really=module.connect):
        connection = really(made, read_only=read_only)
        connection.set_progress_handler(count, 50)
        return connection

    def count():
        nonlocal steps
        steps -= 1
        if steps == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def work(number):
        nonlocal steps
        steps = number
        module.connect = counting
        build(path, changes, folder)

    killed = 0
    for number in (1, 2, 5, 10, 20, 40, 80, 160):
        status = forked(lambda number=number: work(number))
        killed += status == -signal.SIGKILL
        assert path.read_bytes() == (old if status else new)
        assert is_sound(path, query)
        path.write_bytes(old)
    assert killed >= 5


def test_a_kill_at_any_call_of_a_takeover_loses_nothing(tmp_path, stage, attempt, row, folder, query):
    """The next session takes over what is still to be taken over, and the bytes are those of a takeover in peace."""
    path = tmp_path / "cassettes" / "jobs.db"
    staging = stage(path)
    attempt(staging, "test_a", [f"{n}" for n in range(8)], response_json="y" * 900)
    staging.close()
    build(path, Changes(fresh=[(row("old", response_json="x" * 900), ())]), folder)
    old, staged = path.read_bytes(), staging.existing()
    saved = staged.read_bytes()
    total = calls_of(lambda: take_over(path, StagingFile(staged)))
    new = path.read_bytes()
    assert (new != old, staged.exists()) == (True, False)
    for moment in spread(total):
        path.write_bytes(old)
        staged.write_bytes(saved)
        status = forked(lambda at=moment: kill_at(at, lambda: take_over(path, StagingFile(staged))))
        assert status == -signal.SIGKILL or moment > total - 12
        assert path.read_bytes() in (old, new)
        assert is_sound(path, query)
        take_over_leftovers(path)
        assert path.read_bytes() == new
        assert [file.name for file in staged.parent.iterdir() if "-" in file.name] == []


def full(work, limit, said):
    """Run something in a process whose files may not grow beyond a limit; SQLite takes that for a full disk."""

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            work()
        except CassetteError as error:
            os.write(said, str(error).encode())

    return forked(limited)


@pytest.mark.parametrize("limit", [0, 1000, 4096, 20_000, 60_000, 100_000])
def test_a_disk_that_is_full_at_any_size_leaves_the_old_cassette_and_says_so(large, folder, limit):
    path, changes, old, _ = large
    read, write = os.pipe()
    assert full(lambda: build(path, changes, folder), limit, write) == 0
    os.close(write)
    with os.fdopen(read) as said:
        message = said.read()
    assert message.startswith(f"{path}: ")
    assert "check its space and its quota" in message or "free some space and run again" in message
    assert path.read_bytes() == old
    assert list(folder.iterdir()) == []


def test_a_disk_that_is_full_keeps_what_was_recorded_for_the_next_time(tmp_path, stage, attempt, row, folder):
    path = tmp_path / "cassettes" / "jobs.db"
    build(path, Changes(fresh=[(row("old", key=f"{n}", response_json="x" * 900), ()) for n in range(200)]), folder)
    old, staging = path.read_bytes(), stage(path)
    attempt(staging, "test_a", ["x"])
    staging.close()
    read, write = os.pipe()
    assert full(lambda: take_over(path, StagingFile(staging.existing())), len(old) // 2, write) == 0
    os.close(write)
    with os.fdopen(read) as said:
        assert said.read().startswith(f"{path}: ")
    assert path.read_bytes() == old
    assert staging.existing() is not None
    assert take_over_leftovers(path).added == 1
    assert staging.existing() is None


def test_a_small_disk_that_is_really_full_says_so_and_loses_nothing(tmp_path, stage, attempt, row, query):
    disk = tmp_path / "disk"
    disk.mkdir()
    size = "size=1m"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", disk], capture_output=True, check=False).returncode:
        pytest.skip("this user may mount no file system")
    try:
        path = disk / "jobs.db"
        staging = stage(path)
        attempt(staging, "test_a", ["x"])
        workshop = path.parent / ".staging"
        build(
            path, Changes(fresh=[(row("old", response_json=random.Random(1).randbytes(550_000).hex()), ())]), workshop
        )
        old = path.read_bytes()
        with pytest.raises(
            CassetteError, match=r"jobs\.db: database or disk is full\. The disk is full: free some space"
        ):
            take_over(path, staging.ledger)
        assert path.read_bytes() == old
        assert is_sound(path, query)
        assert not (workshop / "jobs.db.new").exists()
        subprocess.run(["mount", "-o", "remount,size=4m", disk], check=True)
        assert take_over_leftovers(path).added == 1
        reader = CassetteFile(path)
        assert reader.scopes() == ["old", "test_a"]
        reader.close()
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


# A file that was opened and not yet entered when the exception came is closed by the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_an_exception_at_any_call_of_a_build_leaves_the_old_or_the_new_cassette_and_no_rest(large, folder, query):
    """As Ctrl-C would raise it."""
    path, changes, old, new = large
    total = calls_of(lambda: build(path, changes, folder))
    # The collector need not look at what all the other tests have imported.
    gc.freeze()
    for moment in spread(total):
        path.write_bytes(old)
        left = moment

        def interrupt(_frame, event, _what):
            nonlocal left
            left -= event in ("c_call", "c_return")
            if left == 0:
                sys.setprofile(None)
                raise KeyboardInterrupt

        sys.setprofile(interrupt)
        try:
            with contextlib.suppress(KeyboardInterrupt):
                build(path, changes, folder)
        finally:
            sys.setprofile(None)
            gc.collect()
        assert path.read_bytes() in (old, new)
        assert is_sound(path, query)
        build(path, Changes(gone_tests={"x"}), folder)
        assert list(folder.iterdir()) == []
    gc.unfreeze()
