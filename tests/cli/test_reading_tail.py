"""`tail`: the latest calls, also those that are being recorded."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys

import pytest

from pytest_recorded import recorder, use_cassette
from pytest_recorded.cli.tail import _Watch
from pytest_recorded.selection import selection_from


@recorder(kind="tail.ask")
def ask(question):
    yield question
    yield "!"


def asked(jobs):
    return [job.request["question"] for job in jobs]


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cassettes" / "jobs.db"


def test_tail_gives_the_latest_calls_the_newest_last(cli, cassette):
    newest = [call["id"] for call in cli("last", "3", "--json").json]
    lines = cli("tail", "-n", "3").out.splitlines()
    assert [line.split()[0] for line in lines] == [job_id[:12] for job_id in reversed(newest)]
    done = cli("tail", "-n2", "--kind=reading.*", "--json")
    assert [json.loads(line)["kind"] for line in done.out.splitlines()] == ["reading.count", "reading.price"]
    assert cli("tail", "--kind=nope").code == 1


def test_calls_of_running_tests_are_there_with_the_tests_and_the_ids_that_they_will_have(cli, path):
    """As they are in the cassette once the test has passed; meanwhile the cassette is not there at all."""
    with use_cassette(path, scope="test_a[1]"):
        list(ask("one"))
        before = sorted(path.parent.rglob("*"))
        (running,) = [json.loads(line) for line in cli("tail", "--json").out.splitlines()]
        assert (running["test"], running["response"]) == ("test_a[1]", ["one", "!"])
        assert sorted(path.parent.rglob("*")) == before
        assert not path.exists()
    (taken,) = cli("last", "--json").json
    assert taken == running


def test_what_is_recorded_is_seen_once_while_it_is_staged_and_taken_over(path):
    watch = _Watch(path, selection_from())
    assert watch.latest(10) == []
    with use_cassette(path, scope="test_a"):
        list(ask("one"))
        list(ask("two"))
        assert asked(watch.fresh()) == ["one", "two"]
        assert watch.fresh() == []
        list(ask("three"))
        assert asked(watch.fresh()) == ["three"]
    assert watch.fresh() == []
    with use_cassette(path, scope="test_b"):
        list(ask("four"))
    # Its session began and ended between two looks.
    assert asked(watch.fresh()) == ["four"]
    assert watch.fresh() == []


def test_who_wants_none_of_the_old_calls_sees_those_that_come(cli, path):
    with use_cassette(path, scope="test_a"):
        list(ask("one"))
    watch = _Watch(path, selection_from())
    assert watch.latest(0) == []
    with use_cassette(path, scope="test_b"):
        list(ask("two"))
    assert asked(watch.fresh()) == ["two"]
    assert (cli("tail", "-n", "0").code, cli("tail", "-n", "0").out) == (0, "")


def test_calls_that_all_tests_share_are_seen_too(path):
    watch = _Watch(path, selection_from(kind="tail.*"))
    with use_cassette(path, scope="suite"):
        list(ask("shared"))
        (job,) = watch.fresh()
        assert (job.scope, job.response) == ("", ["shared", "!"])
    assert watch.fresh() == []


def test_calls_of_a_test_that_has_failed_are_there_and_nothing_else_of_its_file(cli, path):
    with pytest.raises(LookupError), use_cassette(path, scope="test_a"):
        list(ask("one"))
        raise LookupError
    assert [json.loads(line)["kind"] for line in cli("tail", "--json").out.splitlines()] == ["tail.ask"]


def test_looking_holds_no_lock(path):
    watch = _Watch(path, selection_from())
    with use_cassette(path, scope="test_a"):
        list(ask("one"))
        watch.latest(10)
        (staging,) = path.parent.glob(".staging/*.db")
        with contextlib.closing(sqlite3.connect(staging, timeout=0)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("ROLLBACK")


def test_a_damaged_staging_file_is_passed_over(cli, cassette):
    folder = cassette.parent / ".staging"
    folder.mkdir()
    (folder / "jobs.db-00.db").write_bytes(b"no database at all" * 100)
    done = cli("tail", "-n1")
    assert (done.code, done.err, len(done.out.splitlines())) == (0, "", 1)


def test_a_cassette_that_is_damaged_for_long_is_an_error(cli, cassette):
    cassette.write_bytes(b"no database at all" * 100)
    done = cli("tail")
    assert (done.code, done.out) == (2, "")
    assert "is no SQLite file" in done.err


def follow(folder, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "pytest_recorded", "tail", "-f", *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_tail_follows_until_it_is_interrupted(path):
    """Before the first cassette is there, while a test runs, and after it; Ctrl-C ends it with 0 and in silence."""
    path.parent.mkdir()
    process = follow(path.parent.parent, "--json")
    try:
        assert "does not exist yet; waiting" in process.stderr.readline()
        with use_cassette(path, scope="test_a"):
            list(ask("one"))
            assert json.loads(process.stdout.readline())["request"] == {"question": "one"}
            list(ask("two"))
            assert json.loads(process.stdout.readline())["request"] == {"question": "two"}
        with use_cassette(path, scope="test_b"):
            list(ask("three"))
        assert json.loads(process.stdout.readline())["test"] == "test_b"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == ("", "")
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()
