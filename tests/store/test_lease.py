"""Who is writing, and is he still alive: a live owner keeps his row, a dead one loses it."""

from __future__ import annotations

import os
import re
import threading
from datetime import UTC, datetime, timedelta

import pytest

from pytest_recorded.errors import CassetteError
from pytest_recorded.store import lease
from pytest_recorded.store.lease import Beat, is_alive, now, owner

# Python warns of forks beside other threads, such as those of xdist; that is what is tried here.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

LONG_AGO = "2000-01-01T00:00:00.000000Z"
WAITS = """
    import sys
    from pytest_recorded.store.lease import owner
    print(owner(), flush=True)
    sys.stdin.readline()
"""


def other(**parts):
    """Return who this process would be with other parts."""
    machine, pid, started = owner().split("/")
    return "/".join(str(parts.get(name, own)) for name, own in (("machine", machine), ("pid", pid), ("start", started)))


def ago(seconds):
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


def test_a_living_process_is_alive_however_long_ago_it_beat(start):
    process = start(WAITS)
    whose = process.stdout.readline().strip()
    assert is_alive(whose, LONG_AGO)
    assert is_alive(owner(), None)


def test_a_killed_process_is_dead_at_once_also_while_its_parent_has_not_noticed(start):
    process = start(WAITS)
    whose = process.stdout.readline().strip()
    process.kill()
    # It is a zombie now: it ends without being waited for.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(whose, now())
    process.wait()
    assert not is_alive(whose, now())


def test_another_process_with_a_reused_id_is_not_taken_for_the_owner():
    assert is_alive(other(), LONG_AGO)
    assert not is_alive(other(start="1"), now())


def test_where_nobody_knows_when_a_process_started_its_id_has_to_do():
    assert is_alive(other(start=""), LONG_AGO)


def test_a_process_of_another_user_is_alive(start):
    """A process that may not be signalled is there all the same."""
    code = """
        import os, sys
        from pytest_recorded.store.lease import is_alive
        if os.getuid() == 0: os.setuid(65534)
        print(is_alive(sys.argv[1], None))
    """
    assert start(code, owner()).communicate() == ("True\n", "")


@pytest.mark.parametrize(("seconds", "alive"), [(0, True), (50, True), (70, False), (1e6, False)])
def test_on_another_machine_the_beat_tells(seconds, alive):
    assert is_alive(other(machine="elsewhere"), ago(seconds)) is alive


def test_two_containers_of_one_host_are_two_machines():
    assert re.search(r"pid:\[\d+\]", owner())


@pytest.mark.parametrize("beat", [None, "", "yesterday", 5])
def test_a_beat_that_says_nothing_is_none(beat):
    assert not is_alive(other(machine="elsewhere"), beat)


@pytest.mark.parametrize("whose", [None, "", "/", "//"])
def test_nobody_is_dead(whose):
    assert not is_alive(whose, now())


@pytest.mark.parametrize("pid", ["", "0", "-1", "01", "x", "1e3", "9" * 30])
def test_an_id_that_no_process_has_signals_nobody_and_leaves_it_to_the_beat(pid):
    assert is_alive(other(pid=pid), now())
    assert not is_alive(other(pid=pid), LONG_AGO)


def test_a_beat_without_a_time_zone_is_utc():
    plain = datetime.now(UTC).replace(tzinfo=None).isoformat()
    assert is_alive(other(machine="elsewhere"), plain)


def test_the_owner_of_a_forked_child_is_the_child():
    read, write = os.pipe()
    parent, pid = owner(), os.fork()
    if pid == 0:
        os.write(write, owner().encode())
        os._exit(0)
    os.waitpid(pid, 0)
    child = os.read(read, 1000).decode()
    os.close(read)
    os.close(write)
    assert child != parent
    assert child.split("/")[1] == str(pid)


def test_times_are_utc_with_microseconds_and_z():
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", now())
    assert abs(datetime.fromisoformat(now()) - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.fixture
def fast(monkeypatch):
    """Beats that come at once."""
    monkeypatch.setattr(lease, "BEAT_SECONDS", 0.001)


def test_a_beat_is_said_again_and_again_while_something_runs(fast):
    said = threading.Semaphore(0)
    beat = Beat(said.release)
    beat.begin()
    assert all(said.acquire(timeout=30) for _ in range(3))
    beat.close()


def test_a_beat_that_cannot_be_written_is_followed_by_the_next(fast):
    said = threading.Semaphore(0)

    def say():
        said.release()
        raise CassetteError("jobs.db", "database is locked")

    beat = Beat(say)
    beat.begin()
    assert all(said.acquire(timeout=30) for _ in range(3))
    beat.close()


def test_closing_a_beat_ends_its_thread_and_what_begins_then_starts_another(fast):
    said = threading.Semaphore(0)
    beat = Beat(said.release)
    for _ in range(2):
        beat.begin()
        assert said.acquire(timeout=30)
        closed = [thread for thread in threading.enumerate() if thread.name == "pytest-recorded-beat"]
        beat.close()
        for thread in closed:
            thread.join(30)
            assert not thread.is_alive()


def test_an_owner_that_beats_says_so_in_its_file(fast, tmp_path, row):
    """What another machine goes by."""
    from pytest_recorded.store.sqlite import Ledger  # noqa: PLC0415 - only here

    ledger = Ledger(tmp_path / "ledger.db")
    ledger.insert(row(status="running", owner="me", beat_at=LONG_AGO))
    said = threading.Event()

    def say():
        ledger.beat(["me"])
        said.set()

    beat = Beat(say)
    beat.begin()
    assert said.wait(30)
    beat.close()
    assert is_alive("elsewhere/1/1", ledger.lease(row().place)[2])
    ledger.close()
