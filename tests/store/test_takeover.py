"""What a session has recorded goes into the cassette: the calls of what passed, and only what has changed."""

from __future__ import annotations

import os
import random

import pytest

from pytest_recorded.codec import to_text
from pytest_recorded.errors import CassetteError
from pytest_recorded.job import Address, Chunk, job_id
from pytest_recorded.message import HttpResponse
from pytest_recorded.staging import Staging
from pytest_recorded.store.lease import owner
from pytest_recorded.store.sqlite import StagingFile
from pytest_recorded.takeover import Taken, take_over, take_over_leftovers

EARLIER = "2001-01-02T03:04:05.000006Z"
LATER = "2031-01-02T03:04:05.000006Z"


@pytest.fixture
def path(tmp_path):
    """A cassette that is not there yet."""
    return tmp_path / "cassettes" / "jobs.db"


def finish(staging):
    """End a session: take over what it has recorded."""
    staging.close()
    made = staging.existing()
    return take_over(staging.cassette, StagingFile(made)) if made else Taken()


def rows(query, path, columns="scope, key, response_json"):
    return query(path, f"SELECT {columns} FROM jobs ORDER BY scope, kind, key, seq, attempt")


def http(date, body="same"):
    headers = (("content-type", "text/plain"), ("date", date))
    return to_text(HttpResponse(200, "OK", headers, body.encode()).tree())


def test_calls_get_the_scope_of_their_test_and_an_id_that_follows_from_their_address(path, stage, attempt, query):
    staging = stage(path)
    attempt(staging, "test_a", ["x"], owner="me", beat_at=LATER, parent_id="0")
    assert finish(staging) == Taken(added=1)
    ((scope, made, *rest),) = rows(query, path, "scope, id, owner, beat_at, parent_id")
    assert (scope, made) == ("test_a", job_id(Address("test_a", "shop.ask", "x", 0), 0))
    assert rest == [None, None, None]


def test_only_calls_of_attempts_that_did_not_fail_are_taken_over(path, stage, attempt, query):
    staging = stage(path)
    attempt(staging, "passed", ["x"])
    attempt(staging, "failed", ["x"], passed=False)
    attempt(staging, "killed", ["x"], passed=None)
    attempt(staging, "taken all the same", ["x"], passed=False, takes_failed=True)
    assert finish(staging) == Taken(added=2)
    assert [scope for scope, *_ in rows(query, path)] == ["passed", "taken all the same"]
    assert staging.existing() is not None


def test_what_is_kept_goes_when_the_cassette_has_its_test(path, stage, attempt):
    first, second = stage(path), stage(path)
    attempt(first, "test_a", ["x"], passed=False)
    finish(first)
    assert first.existing() is not None
    attempt(second, "test_a", ["x"])
    finish(second)
    take_over_leftovers(path)
    assert first.existing() is None


def test_of_several_attempts_at_a_test_the_last_that_passed_counts(path, stage, attempt, query):
    staging = stage(path)
    attempt(staging, "test_a", ["x"], response_json="1")
    attempt(staging, "test_a", ["x", "y"], response_json="2")
    attempt(staging, "test_a", ["x"], response_json="3", passed=False)
    finish(staging)
    assert rows(query, path) == [("test_a", "x", "2"), ("test_a", "y", "2")]


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ({"status": "completed"}, 1),
        ({"status": "failed", "error_json": '{"type":"ValueError"}'}, 1),
        ({"status": "interrupted", "error_json": '{"type":"asyncio.CancelledError"}'}, 1),
        ({"status": "interrupted"}, 0),
        ({"status": "running"}, 0),
        ({"status": "pending"}, 0),
    ],
    ids=["completed", "failed", "cancelled", "died", "running", "pending"],
)
def test_a_call_that_has_ended_is_taken_over_a_cancelled_one_too(path, stage, attempt, query, more, count):
    staging = stage(path)
    attempt(staging, "test_a", ["x"], **more)
    assert finish(staging).added == count
    assert path.exists() is bool(count)


def test_the_same_answers_keep_their_old_rows_and_the_file_is_not_written(path, stage, attempt):
    first, second = stage(path), stage(path, "rewrite")
    attempt(first, "test_a", ["x", "y"])
    finish(first)
    before = path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino
    attempt(second, "test_a", ["x", "y"], started_at=LATER, submitted_at=LATER, completed_at=LATER, info_json='{"v":2}')
    assert finish(second) == Taken(unchanged=2)
    assert (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino) == before


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ({}, {"submitted_at": LATER}, True),
        ({}, {"request_json": '{"b":1}'}, True),
        ({}, {"response_json": '"other"'}, False),
        ({}, {"data_json": "1"}, False),
        ({}, {"status": "failed", "error_json": "{}"}, False),
        ({"kind": "http.x", "response_json": http("mon")}, {"kind": "http.x", "response_json": http("tue")}, True),
        (
            {"kind": "http.x", "response_json": http("mon")},
            {"kind": "http.x", "response_json": http("mon", "b")},
            False,
        ),
        ({"response_json": http("mon")}, {"response_json": http("tue")}, False),
    ],
    ids=["time", "request", "response", "data", "status", "volatile header", "body", "no http"],
)
def test_an_answer_is_the_same_if_what_its_caller_saw_is(path, stage, attempt, query, old, new, same):
    first, second = stage(path), stage(path, "all")
    attempt(first, "test_a", ["x"], **old)
    finish(first)
    attempt(second, "test_a", ["x"], **new)
    assert finish(second) == (Taken(unchanged=1) if same else Taken(replaced=1))
    expected = {"response_json": '"answer"', **(old if same else new)}
    assert rows(query, path, "response_json") == [(expected["response_json"],)]


@pytest.mark.parametrize(("pieces", "same"), [("ab", True), ("ac", False), ("a", False)])
def test_a_stream_is_the_same_if_its_pieces_are_whenever_they_came(path, stage, row, query, pieces, same):
    for number, bodies in enumerate(("ab", pieces)):
        staging = stage(path, "all")
        made = staging.begin("test_a", "all", takes_failed=False)
        chunks = [Chunk(seq, 1.5 * seq + number, body) for seq, body in enumerate(bodies)]
        staging.ledger.insert(row(made, id=str(number)), chunks)
        staging.end(made, passed=True)
        taken = finish(staging)
    assert taken == (Taken(unchanged=1) if same else Taken(replaced=1))
    times = 0.0 if same else 1.0
    assert query(path, "SELECT body, offset_ms FROM chunks ORDER BY seq") == [
        (body, 1.5 * seq + times) for seq, body in enumerate(pieces)
    ]


def test_all_keeps_what_a_test_did_not_reach_and_rewrite_drops_it(path, stage, attempt, query):
    for mode, keys, taken, left in (
        ("once", "xyz", Taken(added=3), "xyz"),
        ("all", "x", Taken(unchanged=1), "xyz"),
        ("rewrite", "xw", Taken(added=1, unchanged=1, dropped=2), "wx"),
        ("rewrite", "", Taken(dropped=2), ""),
    ):
        staging = stage(path, mode)
        attempt(staging, "test_a", keys)
        attempt(staging, "test_b", "x")
        total = finish(staging)
        assert total._replace(added=0, unchanged=0) == taken._replace(added=0, unchanged=0)
        assert "".join(key for scope, key, _ in rows(query, path) if scope == "test_a") == left
        assert [key for scope, key, _ in rows(query, path) if scope == "test_b"] == ["x"]


def test_a_rewrite_that_failed_drops_nothing(path, stage, attempt, query):
    first, second = stage(path), stage(path, "rewrite")
    attempt(first, "test_a", "xy")
    finish(first)
    before = path.read_bytes()
    attempt(second, "test_a", "x", passed=False, response_json="other")
    assert finish(second) == Taken()
    assert path.read_bytes() == before


def test_another_attempt_at_a_failed_call_is_added_and_the_failure_stays_as_history(path, stage, attempt, query):
    first, second = stage(path), stage(path, "resume")
    attempt(first, "test_a", ["x"], status="failed", error_json="{}", response_json=None)
    finish(first)
    attempt(second, "test_a", ["x"], attempt=1)
    assert finish(second) == Taken(replaced=1)
    assert rows(query, path, "attempt, status") == [(0, "failed"), (1, "completed")]


def test_shared_calls_come_with_the_tests_that_used_them(path, stage, attempt, row, query):
    staging = stage(path)
    staging.ledger.insert(row(id="shared", key="s"))
    staging.ledger.insert(row(id="unused", key="u"))
    for scope, passed in (("test_a", True), ("test_b", True), ("test_c", False)):
        staging.ledger.add_use(attempt(staging, scope, [], passed=passed), "shared")
    finish(staging)
    shared = job_id(Address("", "shop.ask", "s", 0), 0)
    assert rows(query, path, "scope, key") == [("", "s")]
    assert query(path, "SELECT test, job_id FROM uses ORDER BY test") == [("test_a", shared), ("test_b", shared)]


def test_the_bytes_depend_on_neither_order_nor_number_nor_ids_of_those_who_recorded(tmp_path, stage, row):
    """The same calls, made by one process in order or by three in any order, in one session or in two."""
    calls = [(f"test_{n % 5}", f"key {n}") for n in range(40)]
    made = []
    for number, workers in enumerate((1, 3, 3, 2)):
        cassette = tmp_path / str(number) / "jobs.db"
        sessions = [stage(cassette) for _ in range(2 if number == 3 else 1)]
        processes = [Staging(cassette, sessions[n % len(sessions)].session) for n in range(workers)]
        chance = random.Random(number)
        scopes = sorted({scope for scope, _ in calls}, key=lambda scope: chance.random() if number else scope)
        for scope in scopes:
            process = chance.choice(processes)
            attempt = process.begin(scope, "once", takes_failed=False)
            mine = [key for of, key in calls if of == scope]
            for key in sorted(mine, key=lambda _: chance.random() if number else 0):
                process.ledger.insert(row(attempt, key=key, id=os.urandom(16).hex()))
            process.end(attempt, passed=True)
        for process in processes:
            process.close()
        for session in sessions:
            finish(session)
        made.append(cassette.read_bytes())
    assert made[0] == made[1] == made[2] == made[3]


def test_two_sessions_of_one_test_leave_one_of_their_recordings_whole(path, stage, attempt, query):
    first, second = stage(path), stage(path)
    attempt(first, "test_a", "xy", response_json="1")
    attempt(second, "test_a", "xy", response_json="2")
    finish(first)
    finish(second)
    assert rows(query, path) == [("test_a", "x", "2"), ("test_a", "y", "2")]


def test_a_cassette_that_cannot_be_written_costs_nothing(path, stage, attempt, query):
    """What was recorded stays in staging, and is taken over by whoever comes next."""
    staging = stage(path)
    attempt(staging, "test_a", ["x"])
    path.mkdir()
    with pytest.raises(CassetteError, match="is a folder"):
        finish(staging)
    path.rmdir()
    assert take_over_leftovers(path) == Taken(added=1)
    assert rows(query, path) == [("test_a", "x", '"answer"')]


def test_a_cassette_that_is_damaged_is_not_touched_and_what_was_recorded_is_kept(path, stage, attempt):
    path.parent.mkdir()
    path.write_text("no cassette " * 20)
    staging = stage(path)
    attempt(staging, "test_a", ["x"])
    with pytest.raises(CassetteError, match=r"jobs\.db: is no SQLite file"):
        finish(staging)
    with pytest.raises(CassetteError, match=r"jobs\.db: is no SQLite file"):
        take_over_leftovers(path)
    assert path.read_text() == "no cassette " * 20
    assert staging.existing() is not None


def test_leftovers_of_several_dead_sessions_are_taken_over_together_and_those_of_living_ones_are_not(
    path, stage, attempt, query
):
    for name in ("a", "b"):
        attempt(stage(path), f"test_{name}", ["x"])
    living = stage(path, whose=owner())
    attempt(living, "test_c", ["x"])
    assert take_over_leftovers(path) == Taken(added=2)
    assert [scope for scope, *_ in rows(query, path)] == ["test_a", "test_b"]
    assert take_over_leftovers(path) == Taken()
    assert living.existing() is not None


def test_what_was_taken_over_of_a_file_that_is_kept_is_not_taken_over_again(path, stage, attempt, query):
    """Else whatever comes after it, an accepted answer or the cassette of another branch, would be undone."""
    first = stage(path)
    attempt(first, "test_a", ["x"], response_json="1")
    attempt(first, "test_b", ["x"], passed=False)
    assert finish(first) == Taken(added=1)
    path.unlink()
    assert take_over_leftovers(path) == Taken()
    assert first.existing() is not None
    assert not path.exists()


def test_a_killed_session_replaces_nothing_that_was_recorded_after_it(path, stage, attempt, query):
    killed, later = stage(path, "rewrite"), stage(path, "rewrite")
    attempt(killed, "test_a", "xy", response_json="1", submitted_at=EARLIER)
    attempt(killed, "test_b", "x", response_json="1", submitted_at=EARLIER)
    killed.close()
    attempt(later, "test_a", "x", response_json="2", submitted_at=LATER)
    finish(later)
    assert take_over_leftovers(path) == Taken(added=1)
    assert rows(query, path) == [("test_a", "x", "2"), ("test_b", "x", "1")]
    assert killed.existing() is None


def test_nothing_to_take_over_makes_no_cassette(path, stage):
    assert take_over_leftovers(path) == Taken()
    assert finish(stage(path)) == Taken()
    assert not path.parent.exists()
