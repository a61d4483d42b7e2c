"""What has been recorded can be asked for: `get`, `last`, `query`, `connection`."""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3
import threading

import pytest
from pydantic import BaseModel

from pytest_recorded import Recorder, UsageError, attach, open_jobs, recorder
from pytest_recorded.errors import CassetteError
from pytest_recorded.selection import selection_from
from pytest_recorded.store.selecting import _ROWIDS as ROWIDS
from pytest_recorded.store.selecting import narrowed

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


class Trip(BaseModel):
    city: str
    paid: bool = False


@recorder(kind="query.book", data=Trip)
def book(city: str, paid: bool = False) -> dict:
    if city == "Atlantis":
        raise LookupError(city)
    return {"city": city, "paid": paid}


@recorder(kind="query.note[1]")
def note(**data: object) -> None:
    for name, value in data.items():
        attach(name, value)


def execute(path, statement, *parameters):
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement, parameters).fetchall()


def cities(jobs):
    return [job.response["city"] for job in jobs]


@pytest.fixture
def trips(rec):
    """Five trips, the third of which failed."""
    book("Rome", key="1")
    book("Oslo", key="2")
    with pytest.raises(LookupError):
        book("Atlantis", key="3")
    book("Lima", paid=True)
    book("Rome", key="5")
    return rec


def test_jobs_are_typed_and_come_newest_first(trips):
    first = next(trips.query(status="completed"))
    assert (first.data, first.response, first.key) == (Trip(city="Rome"), {"city": "Rome", "paid": False}, "5")
    assert [job.key for job in trips.query()] == ["5", None, "3", "2", "1"]
    assert [job.key for job in trips.query(order="asc")] == ["1", "2", "3", None, "5"]
    assert list(trips.query(order="asc", limit=None)) == trips.jobs


def test_last_gives_a_list(trips):
    assert [job.key for job in trips.last(2)] == ["5", None]
    assert [job.error.args for job in trips.last(status="failed", kind="query.*")] == [("Atlantis",)]
    assert trips.last(kind="other") == []
    for wrong in (0, -1, True, "5", None):
        with pytest.raises(UsageError, match="give a number of jobs, 1 or more"):
            trips.last(wrong)


@pytest.mark.parametrize(
    ("asked", "keys"),
    [
        ({"key": "2"}, ["2"]),
        ({"key": "2", "kind": "query.b*"}, ["2"]),
        ({"key": "2", "kind": "other"}, []),
        ({"status": ["failed", "interrupted"]}, ["3"]),
        ({"kind": "query.*", "limit": 2}, ["5", None]),
        ({"kind": "query.note*"}, []),
        ({"where_data": {"city": "Rome"}}, ["5", "1"]),
        ({"where_data": {"city": "Rome"}, "limit": 1}, ["5"]),
        ({"where_data": {"city": "Rome"}, "limit": 1, "order": "asc"}, ["1"]),
        ({"where_data": {"paid": True}}, [None]),
        ({"where_data": {"paid": 1}}, []),
        ({"where_data": {"city": None}}, []),
        ({"where_data": {"gone": None, "paid": False}}, ["5", "2", "1"]),
        ({"scope": ""}, ["5", None, "3", "2", "1"]),
        ({"scope": "test_*"}, []),
    ],
    ids=str,
)
def test_a_query_finds_what_is_asked_for(trips, asked, keys):
    assert [job.key for job in trips.query(**asked)] == keys


def test_a_wrong_argument_is_refused_before_anything_is_read(path):
    with pytest.raises(UsageError, match="is no status"):
        Recorder(path).query(status="done")
    assert not path.exists()


def test_times_are_inclusive(trips):
    third = trips.jobs[2]
    assert [job.key for job in trips.query(since=third.submitted_at)] == ["5", None, "3"]
    assert [job.key for job in trips.query(until=third.recorded_at)] == ["3", "2", "1"]
    assert len(list(trips.query(since=dt.datetime.now().date() - dt.timedelta(days=1)))) == 5  # noqa: DTZ005
    assert list(trips.query(until="2001-01-01")) == []


def test_kinds_with_brackets_are_found_as_they_are_and_by_globs(rec):
    note(x=1)
    assert [len(list(rec.query(kind=kind))) for kind in ("query.note[1]", "query.note*", "query.note1")] == [1, 1, 0]


@pytest.mark.parametrize("name", ['q"x', "arr[0]", "$", "a.b", "é", "\n", "\\", "", "\ud800"], ids=ascii)
def test_keys_of_data_may_be_anything(rec, name):
    note(**{name: "yes", "other": 1})
    note(other=2)
    assert [job.data[name] for job in rec.query(where_data={name: "yes"})] == ["yes"]
    assert [job.data for job in rec.query(where_data={name: None})] == [{"other": 2}]


BAD_DATA = ["{", '{"a": NaN}', "[1]", '"a"', "5", "", "[" * 5000, b"\xff\xfe", '{"a": 1}\xff'.encode("latin-1")]


def test_a_row_whose_data_is_bad_never_breaks_a_query(trips, path):
    for number, text in enumerate(BAD_DATA):
        execute(
            path,
            "INSERT INTO jobs (id, kind, status, submitted_at, request_json, data_json)"
            " VALUES (?, 'query.bad', 'completed', '2030-01-01T00:00:00.000000Z', '{', CAST(? AS TEXT))",
            f"{number:032x}", text,
        )  # fmt: skip
    assert cities(trips.query(where_data={"city": "Oslo"})) == ["Oslo"]
    assert list(trips.query(where_data={"a": 1})) == []
    assert [job.kind for job in trips.last(len(BAD_DATA))] == ["query.bad"] * len(BAD_DATA)
    assert trips.get(f"{7:032x}").data_json == "\ufffd\ufffd"


def test_an_old_row_whose_model_has_changed_is_plain_data(trips, path):
    execute(path, "UPDATE jobs SET data_json = '{\"town\":\"Rome\"}' WHERE key = '1'")
    (job,) = trips.query(where_data={"town": "Rome"})
    assert job.data == {"town": "Rome"}


def test_a_row_is_found_by_its_id_or_the_beginning_of_it(trips, path):
    job = trips.jobs[0]
    assert trips.get(job.id) == trips.get(f" {job.id.upper()} ") == trips.get(job.id[:30]) == job
    assert (trips.get("f" * 32), trips.get(job.id + "0"), trips.get("no id")) == (None, None, None)
    for wrong in ("", job.id[:3]):
        with pytest.raises(UsageError, match="give 4 digits of it or more"):
            trips.get(wrong)
    with pytest.raises(UsageError, match="an id is text"):
        trips.get(7)
    execute(path, "UPDATE jobs SET id = 'abcd' || substr(id, 5) WHERE key IN ('1', '2')")
    with pytest.raises(UsageError, match=r"several ids begin with .abcd.: abcd\w+ \(query\.book\), abcd\w+ .*more"):
        trips.get("abcd")


def test_rows_are_fetched_as_they_are_asked_for(trips, path):
    execute(path, MANY.format(count=5000))
    statements = []
    trips._ledger._connection.set_trace_callback(statements.append)
    rows = trips.query(limit=None)
    assert statements == []
    next(rows)
    assert [statement.rpartition(" ")[2] for statement in statements] == ["16"]
    assert len(list(rows)) == 5004
    assert all("LIMIT" in statement for statement in statements)


MANY = """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
    INSERT INTO jobs (id, kind, key, attempt, status, submitted_at, request_json, data_json)
    SELECT printf('%032x', i), 'query.many', 'many', i, 'completed', '2030-01-01T00:00:00.000000Z', '{{}}',
           '{{"n":' || i || '}}' FROM n WHERE TRUE
"""


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_who_writes_while_he_reads_comes_to_an_end_and_sees_what_was_there(trips, path, order):
    execute(path, MANY.format(count=40))
    seen = []
    for job in trips.query(order=order, limit=None):
        seen.append(job.kind)
        note(n=len(seen))
        assert len(seen) < 100
    assert (len(seen), set(seen)) == (45, {"query.book", "query.many"})


def test_no_lock_is_held_between_two_rows(trips, path):
    rows = trips.query()
    next(rows)
    assert execute(path, "PRAGMA wal_checkpoint(TRUNCATE)") == [(0, 0, 0)]
    execute(path, "UPDATE jobs SET info_json = '{}'")
    assert len(list(rows)) == 4


def test_the_file_may_be_closed_between_two_rows(trips):
    rows = trips.query(limit=None)
    next(rows)
    trips.close()
    assert len(list(rows)) == 4
    rows.close()


def test_several_threads_may_ask_one_recorder(trips, path):
    execute(path, MANY.format(count=600))
    found, threads = [], []
    for number in range(4):
        asked = {"kind": "query.many", "limit": None, "order": ("asc", "desc")[number % 2]}
        threads.append(threading.Thread(target=lambda asked=asked: found.append(len(list(trips.query(**asked))))))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert found == [600] * 4


def plan_of(path, **asked):
    conditions, values = narrowed(selection_from(**asked))
    steps = execute(path, f"EXPLAIN QUERY PLAN {ROWIDS.format(conditions=conditions, order='DESC')}", *values, 10)
    return [step[3] for step in steps]


@pytest.mark.parametrize("more", [{}, {"kind": "query.many"}, {"kind": "query.*", "scope": ""}], ids=str)
def test_a_query_by_key_uses_an_index(trips, path, more):
    search, *sort = plan_of(path, key="1", **more)
    assert search.startswith("SEARCH jobs USING INDEX jobs_address (key=?")
    assert sort in ([], ["USE TEMP B-TREE FOR ORDER BY"])


def test_the_newest_rows_are_found_without_sorting_all(trips):
    statements = []
    trips._ledger._connection.set_trace_callback(statements.append)
    trips.last(3, kind="query.*", status="completed")
    trips._ledger._connection.set_trace_callback(None)
    (statement,) = statements
    plan = trips._ledger._rows(f"EXPLAIN QUERY PLAN {statement}")
    assert [step[3] for step in plan] == ["SEARCH jobs USING INTEGER PRIMARY KEY (rowid<?)"]


def test_a_key_that_many_rows_have_gives_them_all_in_order(trips, path):
    execute(path, MANY.format(count=3000))
    for order in ("asc", "desc"):
        ids = [job.id for job in trips.query(key="many", limit=None, order=order)]
        assert ids == sorted(ids, reverse=order == "desc")
        assert len(set(ids)) == 3000


def test_a_connection_of_ones_own_reads_and_does_not_write(trips):
    with contextlib.closing(trips.connection()) as connection:
        book("Bern", key="6")
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (6,)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM jobs")
    book("Lima", key="7")


def test_of_calls_in_memory_a_connection_reads_a_copy():
    with Recorder(":memory:") as rec:
        book("Rome", key="1")
        with contextlib.closing(rec.connection()) as connection:
            assert connection.execute("SELECT key FROM jobs").fetchall() == [("1",)]
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                connection.execute("DELETE FROM jobs")
        assert cities(rec.query(where_data={"city": "Rome"})) == ["Rome"]


def test_asking_a_recorder_that_has_recorded_nothing_makes_no_file(tmp_path):
    rec = Recorder(tmp_path / "sub" / "jobs.db")
    assert (rec.last(), list(rec.query()), rec.get("f" * 32)) == ([], [], None)
    with pytest.raises(CassetteError, match=r"does not exist: nothing is recorded yet"):
        rec.connection()
    assert list(tmp_path.iterdir()) == []


def test_in_a_forked_child_a_query_goes_on(python, path):
    with Recorder(path):
        book("Rome", key="1")
        book("Oslo", key="2")
    out = python.run("""
        import os, pytest_recorded
        rec = pytest_recorded.Recorder("jobs.db")
        rows = rec.query()
        first = next(rows).key
        if pid := os.fork():
            assert os.waitpid(pid, 0)[1] == 0
        print(first, [job.key for job in rows], flush=True)
        if not pid: os._exit(0)
    """)
    assert out.splitlines() == ["2 ['1']"] * 2


def test_the_default_recorder_is_asked_at_the_level_of_the_package(python, path):
    with Recorder(path):
        book("Rome", key="1")
    out = python.run("""
        import contextlib, pytest_recorded
        (job,) = pytest_recorded.query(where_data={"city": "Rome"})
        assert [job] == pytest_recorded.last(5) and pytest_recorded.get(job.id) == job
        with contextlib.closing(pytest_recorded.connection()) as connection:
            print(connection.execute("SELECT kind, key FROM jobs").fetchall())
    """)
    assert out == "[('query.book', '1')]"


@pytest.mark.parametrize("ask", ["get('f' * 32)", "last()", "query()", "connection()"])
def test_under_pytest_there_is_no_default_to_ask(ask):
    import pytest_recorded  # noqa: PLC0415 - as eval needs it

    with pytest.raises(UsageError, match=r"(?s)no default recorder.*recorded\.query.*open_jobs.*configure"):
        eval(f"pytest_recorded.{ask}", {"pytest_recorded": pytest_recorded})


def test_the_file_of_a_recorder_can_be_opened_by_anybody(trips, path):
    with open_jobs(path) as jobs:
        assert list(jobs.query()) == list(trips.query())
        assert jobs.get(trips.jobs[0].id) == trips.jobs[0]
