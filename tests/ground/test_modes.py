from __future__ import annotations

import itertools

import pytest

from pytest_recorded.errors import ConfigurationError
from pytest_recorded.modes import FROM_CODE, TABLE, Act, Known, RecordMode, choose_mode, decide, is_ci, parse_mode

# What each mode does with a call: recorded; recorded as a failure; new in a test that has recordings; in one that has
# none. Written here a second time, by hand, because it is what users read.
DOCUMENTED = """
once          replay   replay   refuse   run
none          replay   replay   refuse   refuse
new_episodes  replay   replay   run      run
all           replace  replace  run      run
rewrite       replace  replace  run      run
verify        compare  compare  compare  compare
resume        replay   retry    run      run
off           pass     pass     pass     pass
"""
ROWS = {mode: acts for mode, *acts in map(str.split, DOCUMENTED.strip().splitlines())}
CALLS = [Known.ANSWER, Known.FAILURE, Known.NEW_CALL, Known.NEW_TEST]

RECORDING = {"once", "new_episodes", "all", "rewrite", "resume"}
LIVE = [mode for mode in RecordMode if mode not in FROM_CODE]


def test_the_table_is_total():
    assert set(TABLE) == set(RecordMode)
    assert all(set(row) == set(Known) == set(CALLS) for row in TABLE.values())
    assert {act for row in TABLE.values() for act in row.values()} == set(Act)


@pytest.mark.parametrize("mode", ROWS)
def test_each_mode_does_what_is_documented(mode):
    assert [decide(RecordMode(mode), known).name.lower() for known in CALLS] == ROWS[mode]


def test_every_mode_is_documented():
    assert list(ROWS) == list(RecordMode)


@pytest.mark.parametrize("mode", RecordMode)
def test_a_mode_records_if_it_may_add_rows(mode):
    assert mode.records == (mode in RECORDING)


@pytest.mark.parametrize("mode", RecordMode)
def test_what_is_recorded_is_never_refused_and_never_called_again_by_a_mode_that_is_written_into_code(mode):
    acts = {decide(mode, Known.ANSWER), decide(mode, Known.FAILURE)}
    assert Act.REFUSE not in acts
    if mode in FROM_CODE and mode is not RecordMode.OFF:
        assert acts == {Act.REPLAY}


CHOICES = [None, *RecordMode]


@pytest.mark.parametrize("ci", [False, True])
@pytest.mark.parametrize("line", CHOICES)
def test_the_command_line_wins_then_the_marker_then_the_fixture_then_the_ini_file(line, ci):
    """In CI what is written elsewhere can turn recording off, never on."""
    for marker, fixture, ini in itertools.product(CHOICES, repeat=3):
        chosen = choose_mode(command_line=line, marker=marker, fixture=fixture, ini=ini, ci=ci)
        written = next((mode for mode in (marker, fixture, ini) if mode), None)
        if line:
            assert chosen is line
        elif ci:
            assert chosen is (RecordMode.NONE if written is None or written in RECORDING else written)
        else:
            assert chosen is (written or RecordMode.ONCE)


def test_nothing_written_anywhere_is_once_and_none_in_ci():
    assert (choose_mode(), choose_mode(ci=True)) == ("once", "none")


@pytest.mark.parametrize("mode", RecordMode)
@pytest.mark.parametrize("kind", [str, RecordMode])
def test_every_mode_can_be_asked_for_on_the_command_line(mode, kind):
    assert parse_mode(kind(mode), where="--record-mode") is mode


@pytest.mark.parametrize("mode", FROM_CODE)
def test_some_modes_can_be_written_into_code(mode):
    assert parse_mode(str(mode), where="marker", from_code=True) is mode


@pytest.mark.parametrize("mode", LIVE)
def test_a_mode_that_calls_the_world_again_cannot_be_written_into_code(mode):
    with pytest.raises(ConfigurationError) as caught:
        parse_mode(str(mode), where="the marker of test_x", from_code=True)
    assert str(caught.value) == (
        f"the marker of test_x: mode '{mode}' calls the world again and may only be asked for on the command line "
        f"(pytest --record-mode={mode}) or in use_cassette(). Here you can write: once, none, new_episodes, off."
    )


@pytest.mark.parametrize("value", ["onse", "", "ONCE", " once", None, 5, ["once"], True], ids=repr)
@pytest.mark.parametrize("from_code", [False, True])
def test_what_is_no_mode_says_which_there_are(value, from_code):
    with pytest.raises(ConfigurationError) as caught:
        parse_mode(value, where="record_mode", from_code=from_code)
    listed = FROM_CODE if from_code else RecordMode
    assert str(caught.value) == f"record_mode: {value!r} is no record mode. Choose one of: {', '.join(listed)}."


@pytest.mark.parametrize("value", [None, "", " ", "0", "false", "False", "FALSE", " 0 "], ids=repr)
def test_ci_that_is_not_set_empty_or_false_is_no_ci(value):
    assert is_ci(value) is False


@pytest.mark.parametrize("value", ["1", "true", "True", "woodpecker", "no", "00"])
def test_ci_that_says_anything_else_is_ci(value):
    assert is_ci(value) is True
