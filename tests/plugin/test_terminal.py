"""What pytest prints about recordings."""

from __future__ import annotations

HEAD = 'import pytest, world\npytestmark = pytest.mark.recorded("world.ask")\n'


def test_the_header_names_mode_cassette_and_rows(example):
    example.write(test_a=HEAD + "def test_x(): world.ask('a')\n")
    assert "recorded: mode once, cassette cassettes/jobs.db (none yet)" in example.run().output
    assert "recorded: mode none, cassette cassettes/jobs.db (1 call)" in example.run("--record-mode=none").output


def test_the_header_names_another_cassette(example):
    example.write(test_a=HEAD + "def test_x(): world.ask('a')\n")
    assert "cassette other.db (none yet)" in example.run("--record-cassette=other.db").output


def test_the_verdict_is_one_line_with_all_counts(example):
    example.write(test_a=HEAD + "def test_x(): world.ask('a')\n")
    result = example.run()
    assert "recorded: 0 replayed, 1 recorded, 0 live, 0 missed, 0 unused" in result.output.splitlines()
    assert "  cassettes/jobs.db: 1 added" in result.output.splitlines()


def test_verbose_runs_show_each_test(example):
    example.write(test_a=HEAD + "def test_x(): world.ask('a')\ndef test_y(): pass\n")
    lines = example.run("-v").output.splitlines()
    assert "  test_a.py::test_x: 0 replayed, 1 recorded, 0 live, 0 missed, 0 unused" in lines
    assert "  test_a.py::test_y: 0 replayed, 0 recorded, 0 live, 0 missed, 0 unused" in lines


def test_recordings_that_a_test_no_longer_asks_for_are_counted_as_unused(example):
    example.write(test_a=HEAD + "def test_x():\n    world.ask('a')\n    world.ask('b')\n").run()
    example.write(test_a=HEAD + "def test_x():\n    world.ask('a')\n")
    assert example.run().counts == {"replayed": 1, "unused": 1}


def test_recordings_of_tests_that_were_not_selected_are_not_unused(example):
    example.write(test_a=HEAD + "def test_x(): world.ask('a')\ndef test_y(): world.ask('b')\n").run()
    assert example.run("-k", "test_x").counts == {"replayed": 1}


def test_recordings_of_a_failing_test_are_not_unused(example):
    example.write(test_a=HEAD + "def test_x():\n    world.ask('a')\n    world.ask('b')\n").run()
    example.write(test_a=HEAD + "def test_x():\n    world.ask('a')\n    assert 0\n    world.ask('b')\n")
    assert example.run().counts == {"replayed": 1}


def test_runs_without_recorded_tests_print_no_verdict(example):
    output = example.write(test_a="def test_x(): pass\n").run().output
    assert "replayed" not in output
    assert not (example.folder / "cassettes").exists()


def test_quiet_runs_still_print_the_verdict(example):
    example.write(test_a=HEAD + "def test_x(): world.ask('a')\n")
    assert "1 recorded" in example.run("-q").output


def test_collecting_only_opens_nothing(example):
    example.write(test_a=HEAD + "def test_x(): world.ask('a')\n")
    result = example.run("--collect-only")
    assert result.code == 0
    assert example.calls == []


def test_the_marker_is_registered_and_explained(example):
    output = example.run("--markers").output
    assert "@pytest.mark.recorded(*functions, mode=" in output


def test_the_fixtures_are_explained(example):
    output = example.run("--fixtures").output
    assert "recorded -- " in output
    assert "recorded_options [session scope] -- " in output


def test_the_help_lists_every_option_with_its_default(example):
    from pytest_recorded.options import OPTIONS  # noqa: PLC0415 - the table is what is tested

    output = example.run("--help").output
    for option in OPTIONS:
        assert option.flag in output
        assert option.ini in output
    assert "--recorded-mode" in output
    assert "--recorded-all" in output
