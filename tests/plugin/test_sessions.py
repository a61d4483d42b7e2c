"""Failed and killed sessions, two at a time, reruns: what is taken over, what is kept, what is lost (nothing)."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

HEAD = (
    'import os, pytest, signal, time, world\nfrom pathlib import Path\npytestmark = pytest.mark.recorded("world.ask")\n'
)
FAILS = HEAD + 'def test_x():\n    world.ask("a")\n    world.ask("b")\n    assert 0\n'


def test_calls_of_a_failed_test_are_kept_and_used_next_time_and_the_summary_says_so(example):
    result = example.write(test_a=FAILS).run()
    assert result.counts == {"recorded": 2}
    assert "their calls are kept for the next run with --record-mode=once: test_a.py::test_x" in result.output
    assert not example.cassette.exists()
    again = example.write(test_a=FAILS.replace("assert 0", 'world.ask("c")')).run()
    assert (again.outcomes, again.counts) == ({"passed": 1}, {"recorded": 1, "kept": 2})
    assert "make those calls again: pytest --record-mode=rewrite 'test_a.py::test_x'" in again.output
    assert example.calls == ["a", "b", "c"]
    assert len(example.rows()) == 3
    assert example.staged == []
    assert example.run("--record-mode=none").counts == {"replayed": 3}


def test_the_command_in_the_summary_makes_the_kept_calls_again(example):
    example.write(test_a=FAILS).run()
    example.write(test_a=FAILS.replace("assert 0", "")).run("--record-mode=rewrite", "test_a.py::test_x")
    assert example.calls == ["a", "b", "a", "b"]


def test_mode_none_never_reads_what_was_kept(example):
    example.write(test_a=FAILS).run()
    assert example.run("--record-mode=none").counts == {"missed": 1}


def test_kept_calls_of_another_mode_are_not_used(example):
    example.write(test_a=FAILS).run("--record-mode=new_episodes")
    assert example.run().counts == {"recorded": 2}


@pytest.mark.parametrize("mode", ["all", "rewrite"])
def test_kept_calls_are_not_used_where_fresh_ones_are_asked_for(example, mode):
    passing = FAILS.replace('    world.ask("b")\n    assert 0\n', "")
    example.write(test_a=passing).run()
    result = example.write(test_a=FAILS).run(f"--record-mode={mode}")
    assert "their calls are kept" not in result.output
    example.forget_calls()
    example.write(test_a=FAILS.replace("assert 0", "")).run(f"--record-mode={mode}")
    assert example.calls == ["a", "b"]


@pytest.mark.parametrize("mode", ["new_episodes", "resume"])
def test_what_a_failed_test_has_added_to_its_recordings_is_kept_and_used(example, mode):
    passing = FAILS.replace('    world.ask("b")\n    assert 0\n', "")
    example.write(test_a=passing).run()
    result = example.write(test_a=FAILS).run(f"--record-mode={mode}")
    assert result.counts == {"replayed": 1, "recorded": 1}
    assert f"their calls are kept for the next run with --record-mode={mode}: test_a.py::test_x" in result.output
    example.forget_calls()
    again = example.write(test_a=FAILS.replace("assert 0", "")).run(f"--record-mode={mode}")
    assert (again.outcomes, again.counts) == ({"passed": 1}, {"replayed": 1, "kept": 1})
    assert example.calls == []
    assert example.staged == []
    assert example.run("--record-mode=none").counts == {"replayed": 2}


def test_a_failure_that_is_kept_is_tried_again(example):
    failing = HEAD.replace('"world.ask"', '"world.ask", "world.fail"')
    example.write(test_a=failing + 'def test_x():\n    world.ask("a")\n    world.fail("b")\n').run()
    world = (example.folder / "world.py").read_text()
    example.write(world=world.replace("raise ValueError(question)", "return question"))
    assert example.run().counts == {"recorded": 1, "kept": 1}
    assert example.calls == ["a", "b", "b"]


def test_an_error_of_http_that_is_kept_is_tried_again(example, serve):
    answers = [(401, "text/plain", b"who are you?"), (200, "text/plain", b"welcome")]
    url = serve(lambda *_asked: answers.pop(0))
    test = "@pytest.mark.recorded\ndef test_x():\n    assert httpx.get({url!r}, timeout=20).status_code == 200\n"
    example.write(test_a="import httpx, pytest\n" + test.format(url=url))
    assert example.run().outcomes == {"failed": 1}
    assert example.run().outcomes == {"passed": 1}
    assert example.run("--record-mode=none").counts == {"replayed": 1}


def test_record_failed_takes_over_the_calls_of_failed_tests_too(example):
    example.write(test_a=FAILS).run("--record-failed")
    assert len(example.rows()) == 2
    assert example.run("--record-mode=none").counts == {"replayed": 2}


@pytest.mark.parametrize("way", ["skip", "xfail"])
def test_skips_and_expected_failures_count_as_not_failed(example, way):
    example.write(test_a=FAILS.replace("assert 0", f'pytest.{way}("…")')).run()
    assert len(example.rows()) == 2


@pytest.mark.parametrize(
    "test",
    [
        "@pytest.fixture\ndef bad():\n    yield\n    assert 0\ndef test_x(bad): world.ask('a')\n",
        "@pytest.fixture\ndef bad():\n    world.ask('a')\n    assert 0\ndef test_x(bad): pass\n",
        "def test_x(subtests):\n    with subtests.test():\n        world.ask('a')\n        assert 0\n",
    ],
    ids=["tear-down", "set-up", "subtest"],
)
def test_a_failure_in_any_report_keeps_a_test_out_of_the_cassette(example, test):
    example.write(test_a=HEAD + test).run()
    assert example.calls == ["a"]
    assert not example.cassette.exists()


def test_each_rerun_starts_afresh_and_the_last_one_counts(example):
    example.write(
        test_a=HEAD + "RUNS = []\ndef test_x():\n    RUNS.append(1)\n    world.ask(f'run {len(RUNS)}')\n"
        "    world.ask('same')\n    assert len(RUNS) == 3\n"
    )
    result = example.run("--reruns=3", plugins=("rerunfailures",))
    assert result.outcomes == {"passed": 1, "rerun": 2}
    assert example.calls == ["run 1", "same", "run 2", "same", "run 3", "same"]
    assert sorted(row[0] for row in example.rows("json_extract(request_json, '$.question')")) == ["run 3", "same"]
    assert example.staged == []


def test_a_session_stopped_by_the_first_failure_takes_over_what_had_passed(example):
    example.write(
        test_a=HEAD + "def test_a(): world.ask('a')\ndef test_b():\n    world.ask('b')\n    assert 0\n"
        "def test_c(): world.ask('c')\n"
    )
    example.run("-x")
    assert [row[0] for row in example.rows()] == ["test_a.py::test_a"]
    assert example.calls == ["a", "b"]


@pytest.mark.parametrize("option", ["-p no:cacheprovider", "--cache-clear"])
def test_what_is_kept_does_not_live_in_pytests_cache(example, option):
    args = option.split()
    example.write(test_a=FAILS).run(*args)
    assert example.write(test_a=FAILS.replace("assert 0", "")).run(*args).counts == {"kept": 2}


KILLED = HEAD + (
    "def test_a(): world.ask('a')\n"
    "def test_b():\n    world.ask('b')\n    Path('ready').touch()\n"
    "    while not Path('go').exists(): time.sleep(0.01)\n    world.ask('c')\n"
)


def _start(example, *args):
    process = subprocess.Popen(
        example.command(*args), cwd=example.folder, env=example.environment(), stdout=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 30
    while not (example.folder / "ready").exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def test_what_a_killed_session_paid_for_is_kept(example):
    example.write(test_a=KILLED)
    process = _start(example)
    process.kill()
    process.communicate()
    assert not example.cassette.exists()
    assert len(example.staged) == 1
    (example.folder / "go").touch()
    result = example.run()
    # The finished test was taken over at the start, the call of the other was served from staging.
    assert result.counts == {"replayed": 1, "recorded": 1, "kept": 1}
    assert example.calls == ["a", "b", "c"]
    assert example.staged == []
    assert example.run("--record-mode=none").counts == {"replayed": 3}


def test_an_interrupted_session_takes_over_what_had_passed_and_keeps_the_rest(example):
    example.write(test_a=KILLED)
    process = _start(example)
    process.send_signal(signal.SIGINT)
    output = process.communicate()[0]
    assert "KeyboardInterrupt" in output
    assert [row[0] for row in example.rows()] == ["test_a.py::test_a"]
    (example.folder / "go").touch()
    assert example.run().counts == {"replayed": 1, "recorded": 1, "kept": 1}
    assert example.calls == ["a", "b", "c"]


def test_a_session_does_not_touch_the_staging_of_one_that_is_still_running(example):
    example.write(test_a=KILLED)
    process = _start(example)
    other = example.spawn("test_a.py::test_a", "--record-mode=new_episodes")
    assert other.counts == {"recorded": 1}
    (example.folder / "go").touch()
    process.communicate()
    assert process.returncode == 0
    assert [row[0] for row in example.rows()] == ["test_a.py::test_a", "test_a.py::test_b", "test_a.py::test_b"]
    assert example.staged == []


def test_two_sessions_at_once_both_end_up_in_the_cassette(example):
    tests = {f"test_{n}": HEAD + f"def test_x():\n    for i in range(20): world.ask(f'{n} {{i}}')\n" for n in "ab"}
    example.write(**tests)
    started = [
        subprocess.Popen(
            example.command(f"test_{name}.py"), cwd=example.folder, env=example.environment(), stdout=subprocess.DEVNULL
        )
        for name in "ab"
    ]
    assert [process.wait() for process in started] == [0, 0]
    assert example.run("--record-mode=none").counts == {"replayed": 40}


def test_staging_files_older_than_14_days_are_deleted(example):
    example.write(test_a=FAILS).run()
    (old,) = example.staged
    fortnight = time.time() - 14 * 24 * 3600 - 60
    os.utime(old, (fortnight, fortnight))
    example.write(test_a=HEAD + "def test_y(): world.ask('y')\n").run()
    assert old not in example.staged


def test_a_damaged_staging_file_of_another_session_stops_nobody(example):
    example.write(test_a=FAILS).run()
    (left,) = example.staged
    left.write_bytes(b"SQLite format 3\0 rubbish" * 100)
    assert example.run().counts == {"recorded": 2}


def test_the_staging_folder_keeps_itself_out_of_git(example):
    example.write(test_a=FAILS).run()
    assert (example.folder / "cassettes" / ".staging" / ".gitignore").read_text() == "*\n"
