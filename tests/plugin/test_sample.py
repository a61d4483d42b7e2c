"""`--record-sample`: each day another share of the recorded tests calls the world again."""

from __future__ import annotations

import re
import time

import pytest

HEAD = "import pytest, world\n"
MARKED = '@pytest.mark.recorded("world.ask")\n'
TWENTY = HEAD + MARKED + "@pytest.mark.parametrize('n', range(20))\ndef test_x(n): world.ask(str(n))\n"
XDIST = ("xdist.plugin",)
DAY = 24 * 3600 * 10**9
AGAIN = ("--record-mode=verify", "--record-sample=25%")


@pytest.fixture
def later(monkeypatch):
    """Let so many days pass: ids of sessions begin with the time."""
    really = time.time_ns

    def pass_days(days):
        monkeypatch.setattr(time, "time_ns", lambda: really() + days * DAY)

    return pass_days


def said(result):
    """Return how many tests the last lines say to be in the sample, of how many."""
    pattern = r"^  sample 25%: (\d+) of (\d+) recorded tests?; the others have their turn within 4 days$"
    (line,) = re.findall(pattern, result.output, re.MULTILINE)
    return tuple(map(int, line))


def test_in_a_cycle_of_days_every_recorded_test_runs_exactly_once(example, later):
    example.write(test_a=TWENTY).run()
    example.forget_calls()
    for day in range(4):
        later(day)
        before = len(example.calls)
        result = example.run(*AGAIN)
        assert result.code == 0
        # The numbers that pytest tells, those that we tell, and the calls that were made are the same.
        chosen = len(example.calls) - before
        assert said(result) == (chosen, 20)
        assert result.outcomes == {"passed": chosen, "deselected": 20 - chosen}
    assert sorted(map(int, example.calls)) == list(range(20))


def test_tests_that_are_not_recorded_always_run(example, later):
    plain = "@pytest.mark.parametrize('n', range(3))\ndef test_plain(n): pass\n"
    example.write(test_a=TWENTY + plain).run()
    for day in range(4):
        later(day)
        result = example.run(*AGAIN)
        assert result.outcomes == {"passed": 3 + said(result)[0], "deselected": 20 - said(result)[0]}


def test_on_a_day_on_which_it_is_nobodys_turn_the_run_is_no_failure(example, later):
    example.write(test_a=HEAD + MARKED + "def test_x(): world.ask('a')\n").run()
    outcomes = []
    for day in range(4):
        later(day)
        result = example.run(*AGAIN)
        outcomes.append((result.code, said(result)[0]))
    assert sorted(outcomes) == [(0, 0), (0, 0), (0, 0), (0, 1)]


def test_without_any_test_at_all_pytest_says_so_as_ever(example):
    assert example.write(test_a="").run(*AGAIN).code == pytest.ExitCode.NO_TESTS_COLLECTED


def test_the_header_says_that_a_sample_runs(example):
    result = example.write(test_a=TWENTY).run(*AGAIN)
    assert "recorded: mode verify, cassette cassettes/jobs.db (none yet), sample 25%" in result.output


def test_all_workers_choose_the_same_tests(example):
    """Xdist refuses to run workers that have collected different tests."""
    example.write(test_a=TWENTY).run()
    example.forget_calls()
    result = example.spawn("-n2", *AGAIN, plugins=XDIST)
    assert result.code == 0, result.output
    chosen = len(example.calls)
    assert said(result) == (chosen, 20)
    assert result.outcomes.get("passed", 0) == chosen < 20


def test_a_group_of_xdist_does_not_change_whose_turn_it_is(example):
    grouped = TWENTY.replace("@pytest.mark.parametrize", "@pytest.mark.xdist_group('g')\n@pytest.mark.parametrize")
    example.write(test_a=grouped).run()
    example.forget_calls()
    example.run(*AGAIN)
    alone = sorted(example.calls)
    example.forget_calls()
    example.spawn("-n1", "--dist=loadgroup", *AGAIN, plugins=XDIST)
    assert sorted(example.calls) == alone


@pytest.mark.parametrize("mode", ["once", "none", "new_episodes", "resume", "off"])
@pytest.mark.parametrize("option", ["--record-sample=10%", "--record-repeat=2"])
def test_in_a_mode_that_does_not_call_again_it_is_refused_with_the_reason(example, mode, option):
    result = example.write(test_a=TWENTY).run(f"--record-mode={mode}", option)
    assert result.code == pytest.ExitCode.USAGE_ERROR
    name, why = {
        "--record-sample=10%": ("--record-sample", "replaying all tests costs nothing"),
        "--record-repeat=2": ("--record-repeat", "recorded answers do not vary"),
    }[option]
    assert f"{name} is of no use in mode {mode}: {why}." in result.output
    assert "Add --record-mode=verify (or another of: all, rewrite, verify), or leave it out." in result.output
    assert example.calls == []


def test_workers_are_not_started_for_a_sample_that_is_refused(example):
    result = example.write(test_a=TWENTY).spawn("-n2", "--record-sample=10%", plugins=XDIST)
    assert result.code == pytest.ExitCode.USAGE_ERROR
    assert result.output.count("--record-sample is of no use in mode once") == 1


def test_a_sample_in_the_ini_file_waits_for_a_run_that_calls_again(example):
    example.pytester.makeini("[pytest]\npythonpath = .\nrecord_sample = 25%\nrecord_repeat = 2\n")
    first = example.write(test_a=TWENTY).run()
    assert (first.code, first.outcomes, len(example.calls)) == (0, {"passed": 20}, 20)
    assert "sample 25%" not in first.output
    assert said(example.run("--record-mode=verify"))[0] < 20


def test_what_is_no_share_is_a_usage_error(example):
    result = example.write(test_a=TWENTY).run("--record-mode=verify", "--record-sample=10")
    assert result.code == pytest.ExitCode.USAGE_ERROR
    assert "Write a percentage: 10%, 2.5%, 100%." in result.output


SNAPSHOTS = """
import pytest, world
pytestmark = pytest.mark.recorded("world.ask")

@pytest.mark.parametrize("n", range(20))
def test_x(n, recorded, snapshot):
    assert world.ask(str(n)) == snapshot
""" + "".join(f"def test_{n}(snapshot): assert world.ask('{n}') == snapshot\n" for n in range(10))


@pytest.fixture
def no_worker(monkeypatch):
    """A run that syrupy does not take for one of a worker, which leaves what is unused to its controller."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "xdist"])
def test_snapshots_of_tests_that_are_not_in_the_sample_do_not_fail_the_run(example, workers, no_worker):
    """Neither those of whole tests nor those of parameters, which syrupy cannot tell apart."""
    plugins = ("syrupy", *(XDIST if workers else ()))
    example.write(test_a=SNAPSHOTS).run("--snapshot-update", plugins=("syrupy",))
    snapshots = (example.folder / "__snapshots__/test_a.ambr").read_bytes()
    run = example.spawn if workers else example.run
    result = run(*AGAIN, *workers, plugins=plugins)
    assert result.code == 0, result.output
    assert said(result)[0] < 30
    assert run("--record-mode=rewrite", "--record-sample=25%", "--snapshot-update", *workers, plugins=plugins).code == 0
    assert (example.folder / "__snapshots__/test_a.ambr").read_bytes() == snapshots


def test_without_a_sample_a_snapshot_that_is_not_used_fails_the_run_as_ever(example, no_worker):
    example.write(test_a=SNAPSHOTS).run("--snapshot-update", plugins=("syrupy",))
    example.write(test_a=SNAPSHOTS.replace("range(20)", "range(19)"))
    assert example.run("--record-mode=verify", plugins=("syrupy",)).code == 1
