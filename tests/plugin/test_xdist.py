"""Tests distributed over processes by xdist: one staging file, one takeover, one verdict."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

HEAD = 'import os, pytest, world\npytestmark = pytest.mark.recorded("world.ask")\n'
XDIST = ("xdist.plugin",)


def test_workers_share_one_staging_file_and_the_controller_takes_it_over(example):
    example.write(
        **{f"test_{n}": HEAD + "\n".join(f"def test_{i}(): world.ask('{n}{i}')" for i in range(10)) for n in "abc"}
    )
    result = example.spawn("-n2", plugins=XDIST)
    assert (result.outcomes, result.counts) == ({"passed": 30}, {"recorded": 30})
    assert "cassettes/jobs.db: 30 added" in result.output
    assert sorted(example.calls) == sorted(f"{n}{i}" for n in "abc" for i in range(10))
    assert example.staged == []
    example.forget_calls()
    replayed = example.spawn("-n2", "--record-mode=none", plugins=XDIST)
    assert replayed.counts == {"replayed": 30}
    assert "recorded: mode none, cassette cassettes/jobs.db (30 calls)" in replayed.output
    assert example.calls == []
    assert example.run("--record-mode=none").counts == {"replayed": 30}


def test_the_cassette_does_not_depend_on_the_number_of_workers(example):
    example.write(
        world="import itertools\ndef ask(q): return q\n",
        **{f"test_{n}": HEAD + "\n".join(f"def test_{i}(): world.ask('{n}{i}')" for i in range(5)) for n in "ab"},
    )
    columns = "id, scope, kind, key, seq, attempt, status, request_json, response_json, info_json"
    example.spawn("-n2", plugins=XDIST)
    two = example.rows(columns)
    example.cassette.unlink()
    example.spawn()
    assert example.rows(columns) == two


def test_in_suite_scope_two_workers_make_the_same_call_once(example):
    example.write(
        world=(example.folder / "world.py").read_text()
        + "\nimport time\ndef slow(q):\n    called(q)\n    time.sleep(0.5)\n    return q\n",
        **{
            f"test_{n}": 'import pytest, world\n@pytest.mark.recorded("world.slow", scope="suite")\n'
            "def test_x(): assert world.slow('same') == 'same'\n"
            for n in "ab"
        },
    )
    result = example.spawn("-n2", "--dist=loadfile", plugins=XDIST)
    assert result.counts == {"recorded": 1, "replayed": 1}
    assert example.calls == ["same"]


def test_a_crashed_worker_costs_its_test_and_nothing_else(example):
    example.write(
        test_a=HEAD + "\n".join(f"def test_{i}(): world.ask('{i}')" for i in range(5)),
        test_b=HEAD + "def test_crash():\n    world.ask('paid')\n    os._exit(3)\n",
    )
    result = example.spawn("-n1", plugins=XDIST)
    assert result.outcomes == {"passed": 5, "failed": 1}
    assert len(example.rows()) == 5
    # What the crashed test had paid for is kept.
    example.write(test_b=HEAD + "def test_crash():\n    world.ask('paid')\n")
    again = example.spawn("-n1", plugins=XDIST)
    assert again.counts == {"replayed": 5, "kept": 1}
    assert example.calls.count("paid") == 1


WAITS = (
    'import pytest, time, world\nfrom pathlib import Path\npytestmark = pytest.mark.recorded("world.ask")\n'
    "def test_a(): world.ask('a')\n"
    "def test_b():\n    world.ask('b')\n    Path('ready').touch()\n"
    "    while not Path('go').exists(): time.sleep(0.01)\n    world.ask('c')\n"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_a_signal_to_controller_and_workers_loses_no_call(example, number):
    """A terminal sends it to all at once. What the controller has not been told of is taken over next time."""
    process = subprocess.Popen(
        example.write(test_a=WAITS).command("-n1", plugins=XDIST),
        cwd=example.folder,
        env=example.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not (example.folder / "ready").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, number)
    process.wait()
    assert not (number == signal.SIGKILL and example.cassette.exists())
    (example.folder / "go").touch()
    result = example.run()
    assert result.counts == {"replayed": 1, "recorded": 1, "kept": 1}
    assert example.calls == ["a", "b", "c"]
    assert example.staged == []


def test_a_miss_in_a_worker_fails_its_test_and_is_counted_once(example):
    example.write(test_a=HEAD + "def test_x():\n    try: world.ask('a')\n    except BaseException: pass\n")
    result = example.spawn("-n2", "--record-mode=none", plugins=XDIST)
    assert (result.outcomes, result.counts) == ({"failed": 1}, {"missed": 1})
    assert "no cassette: cassettes/jobs.db does not exist" in result.output


def test_groups_of_xdist_are_no_part_of_a_tests_name(example):
    example.write(test_a=HEAD + "@pytest.mark.xdist_group('g')\ndef test_x(): world.ask('a')\n")
    assert example.spawn("-n1", "--dist=loadgroup", plugins=XDIST).counts == {"recorded": 1}
    assert [row[0] for row in example.rows()] == ["test_a.py::test_x"]
    assert example.spawn("--record-mode=none").counts == {"replayed": 1}


def test_workers_take_the_mode_from_the_controllers_command_line_in_ci(example):
    example.write(test_a=HEAD + "def test_x(): world.ask('a')\n")
    assert example.spawn("-n1", plugins=XDIST, CI="1").counts == {"missed": 1}
    assert example.spawn("-n1", "--record-mode=once", plugins=XDIST, CI="1").counts == {"recorded": 1}


def test_a_shared_fixture_that_several_workers_set_up_is_recorded_once(example):
    conftest = "import pytest, world\n@pytest.fixture(scope='session')\ndef shared(): return world.ask('up')\n"
    example.write(
        conftest=conftest,
        **{f"test_{n}": HEAD + "def test_x(shared): assert shared == {'answer': 'UP'}\n" for n in "ab"},
    )
    example.spawn("-n2", "--dist=loadfile", plugins=XDIST)
    assert [row[0] for row in example.rows()] == ["@shared"] or [row[0] for row in example.rows()] == [".@shared"]
    assert example.spawn("-n2", "--dist=loadfile", "--record-mode=none", plugins=XDIST).counts == {"replayed": 2}


@pytest.mark.parametrize("order", ["a b", "b a"])
def test_the_order_of_test_files_does_not_matter(example, order):
    example.write(**{f"test_{n}": HEAD + f"def test_x(): world.ask('{n}')\n" for n in "ab"})
    example.run()
    assert example.run("--record-mode=none", *(f"test_{n}.py" for n in order.split())).counts == {"replayed": 2}
