"""What a block, or a test, may ask of its cassette."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from pytest_recorded import CassetteError, UsageError, attach, open_jobs, recorder, use_cassette


@recorder(kind="asked.trip")
def trip(city, day=1):
    attach("city", city)
    return {"city": city, "day": day}


@recorder(kind="asked.bill")
def bill(amount):
    return amount


def cities(jobs):
    return [job.response["city"] for job in jobs]


@pytest.fixture
def cassette(tmp_path):
    """A cassette with calls of two scopes."""
    path = tmp_path / "jobs.db"
    with use_cassette(path, scope="one"):
        for city in ("Rome", "Oslo"):
            trip(city)
        bill(5)
    with use_cassette(path, scope="two"):
        trip("Lima")
    return path


def test_calls_that_were_made_just_now_are_found_before_they_are_in_the_file(tmp_path):
    with use_cassette(tmp_path / "jobs.db") as cassette:
        trip("Rome")
        bill(5)
        assert cities(cassette.query(kind="asked.t*")) == ["Rome"]
        (job,) = cassette.last(1)
        assert (job.kind, cassette.get(job.id), cassette.get(job.id[:9])) == ("asked.bill", job, job)
        with contextlib.closing(cassette.connection()) as connection:
            assert connection.execute("SELECT kind FROM jobs ORDER BY kind").fetchall() == [
                ("asked.bill",),
                ("asked.trip",),
            ]
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                connection.execute("DELETE FROM jobs")


def test_before_the_first_call_there_is_nothing_to_connect_to(tmp_path):
    with (
        use_cassette(tmp_path / "jobs.db") as cassette,
        pytest.raises(CassetteError, match=r"does not exist yet: it is written when the session ends"),
    ):
        cassette.connection()


def test_a_block_asks_for_its_own_calls_replayed_and_not_yet_made(cassette):
    with use_cassette(cassette, scope="one", mode="none") as block:
        trip("Oslo")
        assert cities(block.query(kind="*.trip")) == ["Oslo", "Rome"]
        assert cities(block.query(kind="*.trip", order="asc")) == ["Rome", "Oslo"]
        assert cities(block.query(where_data={"city": "Oslo"})) == ["Oslo"]
        assert [job.kind for job in block.last(2)] == ["asked.bill", "asked.trip"]
        assert list(block.query(where_data={"city": "Lima"})) == []


def test_with_a_scope_it_asks_for_those_of_others_too(cassette):
    with use_cassette(cassette, scope="two", mode="new_episodes") as block:
        trip("Lima")
        trip("Bern")
        assert cities(block.query(scope="*", kind="asked.trip")) == ["Bern", "Lima", "Oslo", "Rome"]
        assert cities(block.query(scope="*", kind="asked.trip", order="asc", limit=3)) == ["Rome", "Oslo", "Lima"]
        assert cities(block.query(scope="two")) == ["Bern", "Lima"]
        (other,) = block.query(scope="one", kind="asked.bill")
        assert (block.get(other.id), other.response) == (other, 5)


def test_what_is_recorded_anew_stands_in_for_the_old_row(cassette):
    (old,) = open_jobs(cassette).query(scope="two")
    with use_cassette(cassette, scope="two", mode="all") as block:
        trip("Lima")
        for found in (block.query(), block.query(scope="*", kind="asked.trip", where_data={"city": "Lima"})):
            (job,) = found
            assert (job.id, job.submitted_at > old.submitted_at) == (old.id, True)
        with contextlib.closing(block.connection()) as connection:
            rows = connection.execute("SELECT submitted_at FROM jobs WHERE scope = 'two'").fetchall()
            assert rows == [(job.submitted_at,)]
            assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (4,)
        assert block.get(old.id).submitted_at > old.submitted_at


def test_a_connection_reads_the_cassette_and_does_not_write(cassette):
    before = cassette.read_bytes()
    with (
        use_cassette(cassette, scope="one", mode="none") as block,
        contextlib.closing(block.connection()) as connection,
    ):
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (4,)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM jobs")
    assert cassette.read_bytes() == before
    assert [path.name for path in cassette.parent.iterdir() if path.is_file()] == ["jobs.db"]


def test_wrong_arguments_are_refused_here_too(cassette):
    with use_cassette(cassette, scope="one", mode="none") as block:
        with pytest.raises(UsageError, match="is no status"):
            block.query(status="done")
        with pytest.raises(UsageError, match="4 digits"):
            block.get("a")
        assert block.get("f" * 32) is None


def test_a_scope_that_looks_like_a_glob_does_not_find_the_calls_of_another(tmp_path):
    path = tmp_path / "jobs.db"
    with use_cassette(path, scope="asks[1]"):
        trip("Rome")
    with use_cassette(path, scope="asks1") as block:
        trip("Oslo")
        assert cities(block.query(scope="asks[1]")) == ["Rome"]
        assert cities(block.query(scope="asks[!2]")) == ["Oslo"]
