"""No test with a miss is ever green, whoever swallows it; and what the miss says."""

from __future__ import annotations

import pytest

HEAD = """
import asyncio, concurrent.futures, contextlib, pytest, threading, world
pytestmark = pytest.mark.recorded("world.ask", "world.aask")
"""


@pytest.mark.parametrize(
    "body",
    [
        'def test_x():\n    world.ask("a")',
        'def test_x():\n    try: world.ask("a")\n    except Exception: pass',
        'def test_x():\n    with contextlib.suppress(BaseException): world.ask("a")',
        'def test_x():\n    with pytest.raises(BaseException): world.ask("a")',
        'def test_x():\n    thread = threading.Thread(target=world.ask, args=("a",)); thread.start(); thread.join()',
        "def test_x():\n    with concurrent.futures.ThreadPoolExecutor() as pool:\n"
        '        pool.submit(world.ask, "a").exception()',
        "def test_x():\n    async def main():\n"
        '        await asyncio.gather(world.aask("a"), return_exceptions=True)\n    asyncio.run(main())',
        "def test_x():\n    async def main():\n        with contextlib.suppress(BaseException):\n"
        "            async with asyncio.TaskGroup() as group:\n"
        '                group.create_task(world.aask("a"))\n    asyncio.run(main())',
        'def test_x():\n    async def main():\n        await asyncio.to_thread(swallow)\n    asyncio.run(main())\n'
        'def swallow():\n    with contextlib.suppress(BaseException): world.ask("a")',
        '@pytest.mark.xfail\ndef test_x():\n    world.ask("a")',
        '@pytest.mark.xfail(strict=True)\ndef test_x():\n    world.ask("a")',
        'def test_x():\n    with contextlib.suppress(BaseException): world.ask("a")\n    pytest.skip("no reason")',
        'def test_x():\n    with contextlib.suppress(BaseException): world.ask("a")\n    pytest.xfail("no reason")',
        "def test_x(subtests):\n    with subtests.test('one'):\n"
        '        with contextlib.suppress(BaseException): world.ask("a")',
        'def test_x(subtests):\n    with subtests.test("one"):\n        world.ask("a")',
        "import unittest\nclass TestX(unittest.TestCase):\n    def test_x(self):\n        with self.subTest():\n"
        '            with contextlib.suppress(BaseException): world.ask("a")',
        '@pytest.fixture\ndef answer():\n    with contextlib.suppress(BaseException): world.ask("a")\n'
        "def test_x(answer): pass",
        "@pytest.fixture\ndef answer():\n    yield\n    with contextlib.suppress(BaseException): world.ask('a')\n"
        "def test_x(answer): pass",
        "@pytest.fixture(scope='module')\ndef answer():\n    with contextlib.suppress(BaseException): world.ask('a')\n"
        "def test_x(answer): pass",
    ],
    ids=[
        "plain", "except-exception", "except-base", "raises", "thread", "executor", "gather", "task-group",
        "to-thread", "xfail", "xfail-strict", "skip", "imperative-xfail", "in-subtest", "subtest", "unittest-subtest",
        "set-up", "tear-down", "shared-fixture",
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_test_with_a_miss_is_never_green(example, body):
    result = example.write(test_a=HEAD + body).run("--record-mode=none", "-W", "ignore")
    assert result.code == pytest.ExitCode.TESTS_FAILED
    assert {"failed", "error"} & set(result.outcomes)
    assert not {"xfailed", "skipped", "xpassed"} & set(result.outcomes)
    assert result.counts["missed"] == 1
    assert "no cassette: cassettes/jobs.db does not exist" in result.output
    assert example.calls == []


def test_a_rerun_with_a_miss_is_not_green_either(example):
    example.write(test_a=HEAD + 'def test_x():\n    with contextlib.suppress(BaseException): world.ask("a")')
    result = example.run("--record-mode=none", "--reruns=2", plugins=("rerunfailures",))
    assert result.outcomes == {"failed": 1, "rerun": 2}
    assert result.counts == {"missed": 3}


def test_a_miss_is_added_to_a_test_that_fails_for_another_reason(example):
    example.write(
        test_a=HEAD + 'def test_x():\n    with contextlib.suppress(BaseException): world.ask("a")\n'
        "    assert 'connection' == 'error'"
    )
    result = example.run("--record-mode=none")
    assert "assert 'connection' == 'error'" in result.output
    assert "recorded: calls without a recording" in result.output
    assert 'No recording for world.ask(question="a")' in result.output


def test_a_miss_says_where_in_the_test_the_call_was_made_and_shows_no_inner_frames(example):
    result = example.write(test_a=HEAD + 'def test_x():\n    world.ask("a")').run("--record-mode=none")
    assert "test_a.py:5: in test_x" in result.output
    assert "pytest_recorded/" not in result.output


MOVED = HEAD + 'def test_x():\n    world.ask("a")\n    world.ask("b")\n'


def test_all_uses_served_says_how_often_the_request_is_recorded(example):
    example.write(test_a=MOVED).run()
    result = example.write(test_a=MOVED + '    world.ask("b")').run()
    assert "all 1 uses served: this request is recorded once, and is made once more" in result.output


def test_a_changed_request_is_shown_by_field_beside_the_nearest_recorded_one(example):
    example.write(test_a=MOVED).run()
    result = example.write(test_a=MOVED.replace('"b"', '"c"')).run()
    lines = result.output.splitlines()
    start = next(i for i, line in enumerate(lines) if "Nearest recorded request, 1 field differs" in line)
    assert [line.strip() for line in lines[start + 1 : start + 4]] == [
        "$.question",
        'recorded: "a"',
        'now:      "c"',
    ]


def test_a_renamed_test_is_told_the_command_that_moves_its_recordings(example):
    example.write(test_a=MOVED).run()
    result = example.write(test_a=MOVED.replace("test_x", "test_y")).run("--record-mode=none")
    assert "nothing for this test: it has no recordings yet" in result.output
    assert "This very request is recorded for test_a.py::test_x, which is not there any more." in result.output
    command = "pytest-recorded rename test_a.py::test_x test_a.py::test_y"
    assert command in result.output
    from pytest_recorded.rename import rename_scope  # noqa: PLC0415 - what that command calls

    (renamed,) = rename_scope(example.cassette, "test_a.py::test_x", "test_a.py::test_y")
    assert renamed.calls == 2
    assert example.run("--record-mode=none").counts == {"replayed": 2}


def test_recordings_of_a_test_that_is_there_are_not_to_be_taken_from_it(example):
    """Also if it was deselected, or only it was named."""
    example.write(test_a=MOVED).run()
    example.write(test_a=MOVED + MOVED[MOVED.index("def test_x") :].replace("test_x", "test_y"))
    result = example.run("--record-mode=none")
    assert "This very request is recorded for test_a.py::test_x." in result.output
    assert "rename" not in result.output
    for part in (["-k", "test_y"], ["test_a.py::test_y"]):
        output = example.run("--record-mode=none", *part).output
        assert "If that test was renamed: pytest-recorded rename test_a.py::test_x test_a.py::test_y" in output
        assert "not there any more" not in output


@pytest.mark.parametrize("others", [False, True], ids=["alone", "beside-shared"])
def test_a_test_whose_recordings_are_its_own_is_told_so_where_calls_are_shared(example, others):
    shared = MOVED.replace('"world.aask")', '"world.aask", scope="suite")')
    if others:
        example.write(test_b=shared.replace('"a"', '"z"')).run("test_b.py")
    example.write(test_a=MOVED).run("test_a.py")
    result = example.write(test_a=shared).run("--record-mode=none", "test_a.py")
    assert 'This very request is recorded for this test alone: replay it with scope="test".' in result.output
    assert "it has no recordings yet" not in result.output
    own = "nothing for this test among what the suite shares: its recordings are of this test alone"
    assert (own in result.output) is not others
    assert example.write(test_a=MOVED).run("--record-mode=none", "test_a.py").counts == {"replayed": 2}


def test_a_kind_that_the_test_never_recorded_is_named_beside_those_it_has(example):
    example.write(test_a=MOVED).run()
    example.write(test_a=MOVED + '    asyncio.run(world.aask("a"))')
    result = example.run()
    assert "the test has recordings, but none of world.aask (only world.ask)" in result.output


def test_a_call_whose_arguments_cannot_be_stored_is_a_miss_that_says_which(example):
    test = HEAD + "def test_x():\n    with contextlib.suppress(Exception): world.ask(object())\n"
    result = example.write(test_a=test).run("--record-mode=none")
    assert result.counts == {"missed": 1}
    assert "$.question: a value of type builtins.object cannot be stored" in result.output
    assert "ignore=[" in result.output


def test_a_call_whose_arguments_cannot_be_stored_runs_unrecorded_with_a_warning(example):
    test = (
        HEAD + "def test_x():\n    world.called(1)\n    with contextlib.suppress(AttributeError): world.ask(object())\n"
    )
    result = example.write(test_a=test).run("-W", "default")
    assert (result.outcomes, result.counts) == ({"passed": 1}, {"live": 1})
    assert "RecordedWarning: world.ask runs, and is not recorded: it could not be found again" in result.output


def test_a_damaged_recording_is_a_miss_not_an_answer(example):
    import sqlite3  # noqa: PLC0415 - only here

    example.write(test_a=MOVED).run()
    connection = sqlite3.connect(example.cassette)
    connection.execute("UPDATE jobs SET response_json = '{\"py:tuple\": 5}'")
    connection.commit()
    connection.close()
    result = example.run()
    assert result.counts["missed"] == 1
    assert "The recording of world.ask cannot be read" in result.output
    assert "pytest --record-mode=rewrite test_a.py::test_x" in result.output
    assert example.calls == ["a", "b"]


@pytest.mark.parametrize("args", [(), ("-n1",)])
def test_in_ci_the_summary_has_one_line_of_a_miss(example, monkeypatch, args):
    monkeypatch.setenv("CI", "1")
    example.write(test_a='import pytest, world\n@pytest.mark.recorded("world.ask")\ndef test_x(): world.ask("a")\n')
    run = example.spawn if args else example.run
    output = run(*args, "-rf", "--junitxml=junit.xml", plugins=("xdist.plugin",) if args else ()).output
    assert output.count("To record it") == 1
    assert 'FAILED test_a.py::test_x - No recording for world.ask(question="a")\n' in output
    assert 'message="No recording for world.ask(question=&quot;a&quot;)"' in (example.folder / "junit.xml").read_text()
