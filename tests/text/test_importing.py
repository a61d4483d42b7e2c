"""What becomes of a cassette that text is brought into: all that is asked for, or nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from pytest_recorded import Recorder, recorder
from pytest_recorded.errors import CassetteError, UsageError
from pytest_recorded.job import Chunk
from pytest_recorded.store.checking import CheckedFile

ASK = recorder(kind="text.importing")(len)
HEADERS = '{"status":200,"reason":"OK","http_version":"HTTP/1.1","headers":[["date","%s"]],"body":"x"}'


@pytest.fixture
def query(tmp_path):
    """Ask a cassette: `query("jobs.db", "SELECT …")`."""

    def run(name, statement):
        with closing(sqlite3.connect(f"{(tmp_path / name).as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(statement).fetchall()

    return run


@pytest.fixture
def text(cassette, row, export):
    """The text of two calls of a test, one of another, and a shared call with two users."""
    shared = row("", kind="shop.login")
    rows = [row("test_a"), (row("test_a", seq=1), (Chunk(0, 1.5, '"x"'),)), row("test_b"), shared]
    uses = {("test_a", shared.id), ("test_b", shared.id)}
    path = cassette(rows, "source.db", uses=uses, facts={f"conflict:{rows[0].id}": "{}"})
    export(path)
    return path


def test_what_is_not_there_is_added_and_what_is_there_stays(text, cassette, row, load, query):
    path = cassette([row("test_z"), row("test_a")])
    imported = load("calls.jsonl", "jobs.db")
    assert imported == (3, 0, 1, 0, ())
    assert query("jobs.db", "SELECT scope, seq FROM jobs") == [
        ("", 0), ("test_a", 0), ("test_a", 1), ("test_b", 0), ("test_z", 0)
    ]  # fmt: skip
    assert [test for (test,) in query("jobs.db", "SELECT test FROM uses ORDER BY 1")] == ["test_a", "test_b"]
    assert query("jobs.db", "SELECT value FROM meta WHERE key LIKE 'conflict:%'") == [("{}",)]
    assert CheckedFile(path).faults() == []


def test_text_that_is_there_already_writes_nothing(text, tmp_path, load):
    before = (tmp_path / "source.db").stat().st_ino
    for choice in ("add", "replace", "exact"):
        assert load("calls.jsonl", "source.db", choice) == (0, 0, 4, 0, ())
        assert (tmp_path / "source.db").stat().st_ino == before


def test_another_answer_is_refused_by_name_and_nothing_is_done(text, cassette, row, load):
    path = cassette([row("test_a", response_json="2"), row("test_z")])
    before = path.read_bytes()
    imported = load("calls.jsonl", "jobs.db")
    assert [(one.scope, one.response_json) for one in imported.refused] == [("test_a", "2")]
    assert path.read_bytes() == before


@pytest.mark.parametrize("chunks", [(), (Chunk(0, 1.5, '"y"'),)])
def test_another_stream_is_another_answer(chunks, text, cassette, row, load):
    cassette([(row("test_a", seq=1), chunks)])
    assert len(load("calls.jsonl", "jobs.db").refused) == 1


def test_the_same_answer_of_another_day_stays_as_it_is(cassette, row, export, load, query):
    export(cassette([row(kind="http.x", response_json=HEADERS % "today", submitted_at="2031")], "source.db"))
    cassette([row(kind="http.x", response_json=HEADERS % "before")])
    assert load("calls.jsonl", "jobs.db") == (0, 0, 1, 0, ())
    assert query("jobs.db", "SELECT submitted_at < '2031' FROM jobs") == [(1,)]
    assert load("calls.jsonl", "jobs.db", "replace") == (0, 1, 0, 0, ())
    assert query("jobs.db", "SELECT submitted_at FROM jobs") == [("2031",)]


def test_replacing_takes_the_answers_of_the_text_and_leaves_other_calls(text, cassette, row, load, query):
    old = row("test_a", response_json="2")
    later = row("test_a", attempt=1, response_json="3")
    cassette([old, later, row("test_z")], facts={f"conflict:{later.id}": "old", f"conflict:{row('test_z').id}": "z"})
    assert load("calls.jsonl", "jobs.db", "replace") == (3, 1, 0, 0, ())
    assert query("jobs.db", "SELECT scope, seq, attempt, response_json FROM jobs") == [
        ("", 0, 0, '"answer"'), ("test_a", 0, 0, '"answer"'), ("test_a", 1, 0, '"answer"'),
        ("test_b", 0, 0, '"answer"'), ("test_z", 0, 0, '"answer"'),
    ]  # fmt: skip
    # What was said of a call that is gone goes with it.
    facts = dict(query("jobs.db", "SELECT key, value FROM meta WHERE key LIKE 'conflict:%'"))
    assert facts == {f"conflict:{old.id}": "{}", f"conflict:{row('test_z').id}": "z"}


def test_exact_makes_the_cassette_that_was_exported_whatever_there_was(text, cassette, row, load, tmp_path):
    mine = row("", kind="shop.other")
    rows = [row("test_a", response_json="2"), row("test_b"), row("test_z"), mine]
    cassette(rows, uses={("test_z", mine.id), ("test_a", mine.id)}, facts={"mine": "1"})
    assert load("calls.jsonl", "jobs.db", "exact") == (2, 1, 1, 2, ())
    assert (tmp_path / "jobs.db").read_bytes() == text.read_bytes()


def test_exact_takes_away_a_use_that_the_text_has_not(text, cassette, tmp_path, load, row):
    cassette([], "source.db", uses={("test_c", row("", kind="shop.login").id)})
    (tmp_path / "source.db").rename(tmp_path / "jobs.db")
    assert load("calls.jsonl", "jobs.db", "exact").there == 4
    load("calls.jsonl", "source.db")
    assert (tmp_path / "jobs.db").read_bytes() == (tmp_path / "source.db").read_bytes()


def test_a_fact_that_is_stated_otherwise_is_refused_or_replaced(text, cassette, row, load, query):
    name = f"conflict:{row('test_a').id}"
    path = cassette([row("test_a")], facts={name: "other"})
    before = path.read_bytes()
    assert load("calls.jsonl", "jobs.db").refused == (name,)
    assert path.read_bytes() == before
    assert load("calls.jsonl", "jobs.db", "replace").refused == ()
    assert query("jobs.db", "SELECT value FROM meta WHERE key LIKE 'conflict:%'") == [("{}",)]


def test_exact_is_not_done_with_a_part(text, export, load, tmp_path):
    export(text, "part.jsonl", tests=("test_a",))
    before = text.read_bytes()
    with pytest.raises(UsageError, match=r"a part of a cassette, exported with --test or --kind.*Export it whole"):
        load("part.jsonl", "source.db", "exact")
    assert text.read_bytes() == before
    assert load("part.jsonl", "new.db").added == 3


def test_a_dry_run_says_what_would_be_done_and_makes_nothing(text, load, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    assert load("calls.jsonl", "folder/new.db", is_dry=True) == (4, 0, 0, 0, ())
    assert sorted(tmp_path.rglob("*")) == before


def test_the_file_of_a_recorder_is_not_imported_into(text, load, tmp_path):
    with Recorder(tmp_path / "ledger.db"):
        ASK("tea")
    for is_dry in (True, False):
        with pytest.raises(CassetteError, match="WAL mode"):
            load("calls.jsonl", "ledger.db", is_dry=is_dry)


def test_attempts_at_a_call_go_together(cassette, row, export, load, query):
    export(cassette([row(status="failed", error_json="{}"), row(attempt=1)], "source.db"))
    cassette([row(status="failed", error_json="{}")])
    assert len(load("calls.jsonl", "jobs.db").refused) == 1
    assert load("calls.jsonl", "jobs.db", "replace").replaced == 1
    assert query("jobs.db", "SELECT attempt, status FROM jobs") == [(0, "failed"), (1, "completed")]
