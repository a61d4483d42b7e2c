"""A ledger: the file that is written while calls are made."""

from __future__ import annotations

import os
import sqlite3
import threading

import pytest

from pytest_recorded.errors import CassetteError
from pytest_recorded.job import Address, Answer, Chunk, Place, Status
from pytest_recorded.store import connection as module
from pytest_recorded.store.sqlite import Ledger, StagingFile

# Python warns of forks beside other threads, such as those of xdist; that is what is tried here.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

HERE = Address("", "shop.ask", "k", 0)
OTHERS = """
    import sys
    from pathlib import Path
    from pytest_recorded.store.sqlite import Ledger
    ledger = Ledger(Path("ledger.db"))
    print([row.id for row in ledger.rows()])
    ledger.close()
"""


@pytest.fixture(params=[Ledger, StagingFile])
def ledger(request, tmp_path):
    made = request.param(tmp_path / "ledger.db")
    yield made
    made.close()


def running(row, **more):
    return row(status="running", owner="me", beat_at="2030-01-02T03:04:05.000006Z", response_json=None, **more)


def test_it_is_in_wal_mode_and_says_whose_it_is(ledger, query):
    ledger.meta("schema")
    assert query(ledger.path, "PRAGMA journal_mode") == [("wal",)]
    assert query(ledger.path, "PRAGMA application_id") == [(int.from_bytes(b"pyrc", "big"),)]
    assert ledger.meta("schema") == "1"


def test_it_is_made_at_its_first_use_with_its_folder(tmp_path):
    ledger = Ledger(tmp_path / "a" / "b" / "ledger.db")
    assert list(tmp_path.iterdir()) == []
    assert ledger.find(HERE) is None
    assert ledger.path.exists()
    ledger.close()


def test_closing_it_leaves_one_file_and_using_it_opens_it_again(ledger, row):
    ledger.insert(row())
    ledger.close()
    assert [path.name for path in ledger.path.parent.iterdir()] == ["ledger.db"]
    assert ledger.row_at(HERE) == row()


def test_a_row_comes_back_as_it_was(ledger, row):
    one = row(key="ü\0'\"", request_json='"\\ud800"', info_json="{}")
    assert ledger.insert(one)
    assert ledger.row(one.id) == ledger.row_at(one.address) == ledger.rows()[0] == one


def test_the_first_of_two_equal_rows_is_in_and_the_second_is_not(ledger, row):
    assert ledger.insert(row(id="1"))
    assert not ledger.insert(row(id="2"))
    assert not ledger.insert(row(id="3"), [Chunk(0, 0.0, "x")])
    assert [one.id for one in ledger.rows()] == ["1"]
    assert ledger.chunks("3") == []


def test_what_the_file_does_not_allow_is_an_error_and_not_a_row_that_is_there_already(ledger, row):
    with pytest.raises(CassetteError, match=r"CHECK constraint failed.*PRAGMA integrity_check"):
        ledger.insert(row(status="done"))


def test_the_latest_attempt_is_found(ledger, row):
    for attempt, status in enumerate(["failed", "interrupted", "completed"]):
        ledger.insert(row(id=str(attempt), attempt=attempt, status=status))
    assert ledger.find(HERE)[:3] == ("2", 2, "completed")


def test_a_running_row_is_finished_once(ledger, row):
    ledger.insert(running(row))
    place = running(row).place
    assert ledger.lease(place) == ("running", "me", "2030-01-02T03:04:05.000006Z")
    assert ledger.finish(place, Answer(Status.COMPLETED, "1", "2", None, (Chunk(0, 1.5, "x"),)))
    assert not ledger.finish(place, Answer(Status.FAILED, None, None, "3"))
    assert not ledger.finish(place, Answer(Status.FAILED, None, None, "3", (Chunk(1, 1.5, "y"),)))
    done = ledger.row(place.id)
    assert (done.status, done.response_json, done.data_json, done.error_json) == ("completed", "1", "2", None)
    assert (done.owner, done.beat_at) == (None, None)
    assert ledger.chunks(place.id) == [Chunk(0, 1.5, "x")]


def test_a_running_row_is_given_up_once_and_cannot_be_finished_then(ledger, row):
    ledger.insert(running(row))
    place = running(row).place
    assert ledger.interrupt(place)
    assert not ledger.interrupt(place)
    assert not ledger.finish(place, Answer(Status.COMPLETED, "1"))
    assert ledger.row(place.id).status == "interrupted"


def test_only_a_running_row_takes_data_and_beats(ledger, row):
    ledger.insert(running(row))
    ledger.insert(row(key="done", id="done", owner="me"))
    for place in (running(row).place, row(key="done", id="done").place):
        ledger.attach(place, "7")
    ledger.beat(["me", "me"])
    assert (ledger.row("done").data_json, ledger.row("done").beat_at) == (None, None)
    beating = ledger.row(running(row).id)
    assert beating.data_json == "7"
    assert beating.beat_at != running(row).beat_at


def test_a_transaction_that_fails_changes_nothing(ledger, row):
    with pytest.raises(ValueError, match="no"), ledger.transaction() as connection:
        connection.execute("DELETE FROM meta")
        raise ValueError("no")
    assert ledger.meta("schema") == "1"
    with pytest.raises(CassetteError, match="syntax error"), ledger.transaction() as connection:
        connection.execute("DELETE FROM meta")
        connection.execute("no sql")
    assert ledger.meta("schema") == "1"


def test_a_lease_of_nothing_is_nothing(ledger):
    assert ledger.lease(Place("none", HERE, 0)) is None
    assert not ledger.interrupt(Place("none", HERE, 0))


def test_two_ledgers_of_one_process_on_one_file_do_not_take_each_others_locks(tmp_path, row, start):
    """Whoever opens and closes a file in the same process takes SQLite's locks away; then another process tidies up."""
    first, second = Ledger(tmp_path / "ledger.db"), Ledger(tmp_path / "ledger.db")
    first.insert(row(id="1", key="1"))
    second.rows()
    second.close()
    assert start(OTHERS).communicate()[0].strip() == "['1']"
    first.insert(row(id="2", key="2"))
    assert start(OTHERS).communicate()[0].strip() == "['1', '2']"
    first.close()


def test_another_process_reads_a_file_whose_beginning_is_still_in_the_log(tmp_path, row, start):
    """Its header says nothing yet of whose it is."""
    (tmp_path / "ledger.db").touch()
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.insert(row(id="1"))
    assert start(OTHERS).communicate()[0].strip() == "['1']"
    ledger.close()


def test_threads_share_one_connection(ledger, row):
    everybody = threading.Barrier(8)

    def one(number):
        everybody.wait()
        for seq in range(20):
            assert ledger.insert(row(id=f"{number}/{seq}", key=str(number), seq=seq))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ledger.rows()) == 160


def test_a_forked_child_opens_the_file_anew(ledger, row):
    ledger.insert(row(id="1", key="1"))
    ours = ledger._connection
    pid = os.fork()
    if pid == 0:
        is_new = ledger._connection is None and ledger.insert(row(id="2", key="2")) and ledger._connection is not ours
        os._exit(0 if is_new else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert ledger.insert(row(id="3", key="3"))
    assert [one.id for one in ledger.rows()] == ["1", "2", "3"]


def test_a_child_that_is_forked_while_another_thread_writes_does_not_wait_for_it(ledger, row):
    ledger.insert(row(id="1"))
    inside, over = threading.Event(), threading.Event()

    def hold():
        with ledger._lock:
            inside.set()
            over.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(30)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if ledger.find(HERE) else 1)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    over.set()
    thread.join()
    assert code == 0


def test_a_file_that_is_locked_for_too_long_says_so(tmp_path, row, monkeypatch):
    monkeypatch.setattr(module, "_BUSY_SECONDS", 0.01)
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.insert(row())
    blocker = sqlite3.connect(tmp_path / "ledger.db")
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(CassetteError, match=r"ledger\.db: database is locked\. Another process has been writing"):
        ledger.insert(row(key="other", id="2"))
    blocker.close()
    ledger.close()


@pytest.mark.parametrize("what", ["find", "row_at", "insert"])
def test_a_key_that_no_file_can_hold_is_a_clear_error(ledger, row, what):
    bad = row(key="\ud800")
    with pytest.raises(CassetteError, match="surrogates not allowed"):
        getattr(ledger, what)(bad if what == "insert" else bad.address)


def test_nothing_that_a_file_defines_may_load_or_run_code(tmp_path, alter, row):
    """A view or a trigger of a hostile file can call no function that reaches outside."""
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.insert(row(id="1"))
    ledger.close()
    alter(
        tmp_path / "ledger.db",
        "CREATE TRIGGER hostile AFTER INSERT ON jobs BEGIN SELECT load_extension('evil'); END;",
    )
    with pytest.raises(CassetteError, match=r"not authorized|unsafe use|no such function"):
        ledger.insert(row(id="2", key="other"))
    ledger.close()
