"""The record modes, end to end."""

from __future__ import annotations

import pytest

ASKS = """
import pytest, world

@pytest.mark.recorded("world.ask")
def test_ask():
    assert world.ask("a") == {"answer": "A"}
"""

ASKS_MORE = ASKS + '    assert world.ask("b") == {"answer": "B"}\n'


def test_once_records_the_first_run_and_serves_the_second(example):
    example.write(test_a=ASKS)
    first = example.run()
    assert (first.outcomes, first.counts) == ({"passed": 1}, {"recorded": 1})
    second = example.run()
    assert (second.outcomes, second.counts) == ({"passed": 1}, {"replayed": 1})
    assert example.calls == ["a"]


def test_once_refuses_a_new_call_of_a_test_that_has_recordings(example):
    example.write(test_a=ASKS)
    example.run()
    result = example.write(test_a=ASKS_MORE).run()
    assert (result.outcomes, result.counts) == ({"failed": 1}, {"replayed": 1, "missed": 1})
    assert "request changed: it is recorded, but with another request" in result.output
    assert "pytest --record-mode=new_episodes test_a.py::test_ask" in result.output
    assert example.calls == ["a"]


def test_once_records_a_new_test_beside_recorded_ones(example):
    example.write(test_a=ASKS)
    example.run()
    result = example.write(test_b=ASKS.replace("test_ask", "test_other")).run()
    assert result.counts == {"replayed": 1, "recorded": 1}


def test_none_refuses_what_is_not_recorded(example):
    result = example.write(test_a=ASKS).run("--record-mode=none")
    assert (result.outcomes, result.counts) == ({"failed": 1}, {"missed": 1})
    assert "no cassette: cassettes/jobs.db does not exist" in result.output
    assert example.calls == []
    assert not (example.folder / "cassettes").exists()


def test_new_episodes_records_only_the_new_call(example):
    example.write(test_a=ASKS)
    example.run()
    result = example.write(test_a=ASKS_MORE).run("--record-mode=new_episodes")
    assert result.counts == {"replayed": 1, "recorded": 1}
    assert example.calls == ["a", "b"]
    assert example.run("--record-mode=none").counts == {"replayed": 2}


def test_all_calls_again_and_keeps_what_the_run_did_not_reach(example):
    example.write(test_a=ASKS_MORE)
    example.run()
    result = example.write(test_a=ASKS).run("--record-mode=all")
    assert result.counts == {"recorded": 1, "unused": 1}
    assert example.calls == ["a", "b", "a"]
    assert len(example.rows()) == 2


def test_rewrite_calls_again_and_drops_what_the_test_no_longer_asks(example):
    example.write(test_a=ASKS_MORE)
    example.run()
    result = example.write(test_a=ASKS).run("--record-mode=rewrite")
    assert result.outcomes == {"passed": 1}
    assert "1 dropped" in result.output
    assert len(example.rows()) == 1


def test_rewrite_drops_all_rows_of_a_test_that_makes_no_calls_any_more(example):
    example.write(test_a=ASKS)
    example.run()
    example.write(test_a="import pytest\n@pytest.mark.recorded\ndef test_ask(): pass").run("--record-mode=rewrite")
    assert example.rows() == []


def test_rewrite_of_a_failing_test_destroys_nothing(example):
    example.write(test_a=ASKS)
    example.run()
    before = example.cassette.read_bytes()
    result = example.write(test_a=ASKS_MORE + "    assert 0").run("--record-mode=rewrite")
    assert result.outcomes == {"failed": 1}
    assert example.cassette.read_bytes() == before


def test_rewrite_of_an_unchanged_world_changes_no_byte(example):
    example.write(test_a=ASKS_MORE)
    example.run()
    before = example.cassette.read_bytes()
    result = example.run("--record-mode=rewrite")
    assert result.counts == {"recorded": 2}
    assert example.cassette.read_bytes() == before


def test_rewrite_replaces_a_changed_answer(example):
    example.write(test_a=ASKS)
    example.run()
    world = (example.folder / "world.py").read_text()
    example.write(world=world.replace("question.upper()", "question.upper() + '!'"))
    example.write(test_a=ASKS.replace('"A"', '"A!"')).run("--record-mode=rewrite")
    assert example.rows("response_json") == [('{"answer":"A!"}',)]


def test_verify_goes_live_compares_and_writes_nothing(example):
    example.write(test_a=ASKS_MORE)
    example.run()
    before = example.cassette.read_bytes()
    same = example.run("--record-mode=verify")
    assert (same.code, same.counts) == (0, {"unchanged": 2})
    world = (example.folder / "world.py").read_text()
    example.write(world=world.replace("question.upper()", "question.upper() + '!'"))
    changed = example.run("--record-mode=verify")
    # The test goes on with the recorded answers; the session tells that the world has changed.
    assert (changed.outcomes, changed.counts) == ({"passed": 1}, {"changed": 2})
    assert changed.code == pytest.ExitCode.TESTS_FAILED
    assert "changed responses: 2 of 2 calls (verify)" in changed.output
    assert '~ $.answer  "A" -> "A!"' in changed.output
    assert example.cassette.read_bytes() == before
    # What this session found is there to be accepted; what another one found is not.
    assert [path.name.startswith("jobs.db.verified-") for path in example.staged] == [True]


def test_verify_reports_a_call_that_is_not_recorded_as_new(example):
    result = example.write(test_a=ASKS).run("--record-mode=verify")
    assert (result.code, result.counts) == (1, {"new": 1})
    assert not example.cassette.exists()


def test_verify_goes_on_with_the_recorded_failure_of_a_call_that_works_now(example):
    example.write(
        test_a="import pytest, world\n"
        '@pytest.mark.recorded("world.fail")\n'
        "def test_fail():\n"
        '    with pytest.raises(ValueError, match="x"): world.fail("x")\n'
    )
    example.run()
    world = (example.folder / "world.py").read_text()
    example.write(world=world.replace("raise ValueError(question)", "return 1"))
    result = example.run("--record-mode=verify")
    assert (result.outcomes, result.counts) == ({"passed": 1}, {"changed": 1})


def test_resume_serves_answers_and_tries_failures_again(example):
    failing = """
import pytest, world

@pytest.mark.recorded("world.ask")
@pytest.mark.recorded("world.fail")
def test_both():
    world.ask("a")
    try:
        world.fail("x")
    except ValueError:
        pass
"""
    example.write(test_a=failing)
    example.run()
    example.forget_calls()
    result = example.run("--record-mode=resume")
    assert result.counts == {"replayed": 1, "recorded": 1}
    assert example.calls == ["x"]
    # The failed attempt stays as history, the next one is what is replayed.
    assert [(row[0], row[1]) for row in example.rows("kind, attempt")] == [
        ("world.ask", 0),
        ("world.fail", 0),
        ("world.fail", 1),
    ]
    assert example.run("--record-mode=none").counts == {"replayed": 2}


def test_off_runs_everything_and_records_nothing(example):
    result = example.write(test_a=ASKS).run("--record-mode=off")
    assert (result.outcomes, result.counts) == ({"passed": 1}, {"live": 1})
    assert not (example.folder / "cassettes").exists()


def test_ci_makes_none_the_default_and_says_so(example, monkeypatch):
    monkeypatch.setenv("CI", "true")
    result = example.write(test_a=ASKS).run()
    assert result.counts == {"missed": 1}
    assert "recorded: mode none (CI is set)" in result.output


@pytest.mark.parametrize("value", ["", "0", "false"])
def test_ci_that_is_empty_or_false_is_no_ci(example, monkeypatch, value):
    monkeypatch.setenv("CI", value)
    assert example.write(test_a=ASKS).run().counts == {"recorded": 1}


def test_in_ci_the_real_command_line_can_turn_recording_on(example, monkeypatch):
    monkeypatch.setenv("CI", "1")
    assert example.write(test_a=ASKS).run("--record-mode=once").counts == {"recorded": 1}


@pytest.mark.parametrize("place", ["ini", "addopts", "marker", "fixture"])
def test_in_ci_nothing_but_the_command_line_turns_recording_on(example, monkeypatch, place):
    monkeypatch.setenv("CI", "1")
    test = ASKS
    if place == "ini":
        example.pytester.makeini("[pytest]\npythonpath = .\nrecord_mode = new_episodes\n")
    elif place == "addopts":
        example.pytester.makeini("[pytest]\npythonpath = .\naddopts = --record-mode=once\n")
    elif place == "marker":
        test = ASKS.replace('"world.ask")', '"world.ask", mode="once")')
    else:
        example.write(
            conftest="import pytest\n@pytest.fixture\ndef recorded_options(): return {'mode': 'new_episodes'}\n"
        )
    assert example.write(test_a=test).run().counts == {"missed": 1}


def test_a_mode_that_calls_the_world_again_cannot_be_written_into_addopts(example):
    example.pytester.makeini("[pytest]\npythonpath = .\naddopts = --record-mode=rewrite\n")
    result = example.write(test_a=ASKS).run()
    assert result.code == pytest.ExitCode.USAGE_ERROR
    assert "addopts: mode 'rewrite' calls the world again" in result.output


def test_an_unknown_mode_is_an_error_that_lists_the_good_ones(example):
    result = example.write(test_a=ASKS).run("--record-mode=onec")
    assert result.code == pytest.ExitCode.USAGE_ERROR
    assert "invalid choice: 'onec'" in result.output
    assert "new_episodes" in result.output


def test_the_command_line_beats_marker_fixture_and_ini(example):
    example.pytester.makeini("[pytest]\npythonpath = .\nrecord_mode = off\n")
    example.write(
        conftest="import pytest\n@pytest.fixture\ndef recorded_options(): return {'mode': 'none'}\n",
        test_a=ASKS.replace('"world.ask")', '"world.ask", mode="new_episodes")'),
    )
    assert example.run("--record-mode=none").counts == {"missed": 1}
    # Without it the marker beats the fixture, which would refuse.
    assert example.run().counts == {"recorded": 1}


def test_the_fixture_beats_ini(example):
    example.pytester.makeini("[pytest]\npythonpath = .\nrecord_mode = off\n")
    example.write(
        conftest="import pytest\n@pytest.fixture(scope='session')\ndef recorded_options(): return {'mode': 'once'}\n",
        test_a=ASKS + ASKS.replace("test_ask", "test_again"),
    )
    assert example.run().counts == {"recorded": 2}


def test_ini_beats_the_default(example):
    example.pytester.makeini("[pytest]\npythonpath = .\nrecord_mode = none\n")
    assert example.write(test_a=ASKS).run().counts == {"missed": 1}
