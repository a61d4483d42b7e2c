"""Recordings that are older than `--record-max-age`: they are named, once, and no call is made because of it."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

HEAD = 'import pytest, world\npytestmark = pytest.mark.recorded("world.ask")\n'
TWO = HEAD + "def test_x():\n    world.ask('a')\n    world.ask('b')\ndef test_y(): world.ask('c')\n"
XDIST = ("xdist.plugin",)


def age(example, days, *questions):
    """Let the recordings of questions, or all, be made so many days ago."""
    moment = (datetime.now(UTC) - timedelta(days=days, minutes=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    with closing(sqlite3.connect(example.cassette)) as connection, connection:
        for question in questions or ("",):
            pattern = f'%"{question}"%' if question else "%"
            connection.execute("UPDATE jobs SET submitted_at = ? WHERE request_json LIKE ?", (moment, pattern))


def lines(result):
    return [line.strip() for line in result.output.splitlines() if "older than" in line]


@pytest.fixture
def recorded_example(example):
    """Two tests with three recordings."""
    example.write(test_a=TWO).run()
    example.forget_calls()
    return example


def test_recordings_that_are_too_old_are_named_in_one_line_with_the_command_that_verifies_them(recorded_example):
    age(recorded_example, 40, "a")
    age(recorded_example, 50, "c")
    age(recorded_example, 20, "b")
    result = recorded_example.run("--record-max-age=30d")
    assert lines(result) == [
        "2 recordings are older than 30d, the oldest 50d; "
        "see what has changed: pytest --record-mode=verify 'test_a.py::test_x' 'test_a.py::test_y' "
        "(or rewrite, to renew them)"
    ]
    assert (result.code, result.outcomes, result.counts) == (0, {"passed": 2}, {"replayed": 3})
    assert recorded_example.calls == []


def test_recordings_that_are_young_enough_are_not_named(recorded_example):
    age(recorded_example, 29)
    assert lines(recorded_example.run("--record-max-age=30d")) == []
    assert len(lines(recorded_example.run("--record-max-age=1w"))) == 1


def test_without_a_maximum_nothing_is_said_about_age(recorded_example):
    age(recorded_example, 4000)
    assert lines(recorded_example.run()) == []


def test_where_old_recordings_fail_the_run_its_tests_stay_green_and_its_exit_code_is_1(recorded_example):
    age(recorded_example, 31)
    result = recorded_example.run("--record-max-age=30d", "--record-stale=fail")
    assert (result.code, result.outcomes) == (pytest.ExitCode.TESTS_FAILED, {"passed": 2})
    assert lines(result)[0].startswith("3 recordings are older than 30d, the oldest 31d;")
    assert recorded_example.calls == []


def test_the_maximum_may_stand_in_the_ini_file_and_holds_for_the_tests_that_ran(recorded_example):
    recorded_example.pytester.makeini("[pytest]\npythonpath = .\nrecord_max_age = 4w\nrecord_stale = fail\n")
    age(recorded_example, 29, "c")
    assert recorded_example.run("-k", "test_x").code == 0
    result = recorded_example.run("--record-mode=none", "-k", "test_y")
    assert result.code == 1
    assert lines(result)[0].startswith("1 recording is older than 28d, the oldest 29d;")


def test_what_the_run_itself_calls_again_is_not_named(recorded_example):
    age(recorded_example, 31)
    assert lines(recorded_example.run("--record-mode=verify", "--record-max-age=30d", "--record-stale=fail")) == []


@pytest.mark.parametrize("mode", ["rewrite", "all"])
def test_recording_an_old_answer_again_makes_it_young_also_where_it_is_the_same(recorded_example, mode):
    age(recorded_example, 31, "a")
    young = recorded_example.rows("submitted_at")[1:]
    result = recorded_example.run(f"--record-mode={mode}", "--record-max-age=30d")
    assert (result.code, lines(result)) == (0, [])
    assert "cassettes/jobs.db: 2 unchanged, 1 renewed" in result.output
    assert lines(recorded_example.run("--record-max-age=30d")) == []
    # What is not too old keeps its row.
    assert recorded_example.rows("submitted_at")[1:] == young


def test_without_a_maximum_recording_the_same_answer_again_keeps_the_old_row(recorded_example):
    age(recorded_example, 31)
    before = recorded_example.cassette.read_bytes()
    recorded_example.run("--record-mode=rewrite")
    assert recorded_example.cassette.read_bytes() == before


SHARED = """
import pytest, world
@pytest.fixture(scope="session")
def shared(): return world.ask("up")
"""


def test_an_old_recording_of_a_shared_fixture_is_named_once_with_workers_too(example):
    example.write(
        conftest=SHARED, **{f"test_{n}": HEAD + f"def test_x(shared): world.ask('{n}')\n" for n in "abcd"}
    ).run()
    age(example, 31, "up")
    (alone,) = lines(example.run("--record-max-age=30d"))
    assert alone.startswith("1 recording is older than 30d, the oldest 31d;")
    result = example.spawn("-n2", "--dist=loadfile", "--record-max-age=30d", "--record-stale=fail", plugins=XDIST)
    assert result.code == 1
    (distributed,) = lines(result)
    assert distributed.startswith("1 recording is older than 30d, the oldest 31d;")


def test_an_old_recording_that_the_suite_shares_is_counted_once_with_all_tests_that_use_it(example):
    test = 'import pytest, world\n@pytest.mark.recorded("world.ask", scope="suite")\ndef test_x(): world.ask("q")\n'
    example.write(test_a=test, test_b=test, test_c=test.replace('"q"', '"other"')).run()
    age(example, 31, "q")
    (line,) = lines(example.run("--record-max-age=30d"))
    assert line.startswith("1 recording is older than 30d")
    assert "verify 'test_a.py::test_x' 'test_b.py::test_x' (or" in line


def test_of_many_tests_a_few_are_named(example):
    example.write(test_a=HEAD + "@pytest.mark.parametrize('n', range(12))\ndef test_x(n): world.ask(str(n))\n").run()
    age(example, 31)
    (line,) = lines(example.run("--record-max-age=30d"))
    assert re.fullmatch(
        r"12 recordings are older than 30d in test_a\.py::test_x\[0\], \S+, \S+ and 9 more tests, the oldest 31d; "
        r"see what has changed: pytest --record-mode=verify \(or rewrite, to renew them\)",
        line,
    )


def test_of_a_call_that_was_tried_again_the_last_attempt_counts(example):
    """The failed attempt stays in the cassette as history; it is not what the test is answered from."""
    example.write(
        test_a="import pytest, world\n"
        '@pytest.mark.recorded("world.fail")\n'
        "def test_fail():\n"
        "    try: world.fail('x')\n"
        "    except ValueError: pass\n"
    ).run()
    age(example, 31)
    world = (example.folder / "world.py").read_text()
    example.write(world=world.replace("raise ValueError(question)", "return 1")).run("--record-mode=resume")
    assert len(example.rows()) == 2
    assert lines(example.run("--record-max-age=30d")) == []


def test_an_age_of_thousands_of_years_is_older_than_any_recording(recorded_example):
    assert lines(recorded_example.run("--record-max-age=999999w")) == []
