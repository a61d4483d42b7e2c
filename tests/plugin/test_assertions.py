"""Assertions of tests on their calls: the same in every mode, and readable where they fail."""

from __future__ import annotations

import pytest

XDIST = ("xdist.plugin",)

HEAD = """
import asyncio, threading
import pytest, world
pytestmark = pytest.mark.recorded("world.ask", "world.aask", "world.fail")
"""

HOLDS = (
    HEAD
    + """
def test_x(recorded):
    recorded.assert_not_called()
    world.ask("a")
    world.ask("b")
    with pytest.raises(ValueError):
        world.fail("c")
    recorded.assert_called("world.ask", times=2)
    recorded.assert_called("world.*", request={"question": "b"})
    recorded.assert_not_called("world.aask")
    recorded.assert_order(["world.ask", ("world.ask", {"question": "b"}), {"kind": "world.fail", "status": "failed"}])
    job = recorded.one("world.ask", request={"question": "a"})
    assert (job, job.response) == (recorded.jobs[0], {"answer": "A"})
    assert recorded.calls("world.ask") == recorded.jobs[:2]
"""
)


def failure(output):
    """Return what pytest shows of an error: its lines that begin with E."""
    return [line.removeprefix("E").strip() for line in output.splitlines() if line.startswith("E  ")]


@pytest.mark.parametrize("mode", ["once", "none", "new_episodes", "all", "rewrite", "verify", "resume"])
def test_an_assertion_means_the_same_in_every_mode(example, mode):
    example.write(test_a=HOLDS)
    assert example.run("--record-mode=once").outcomes == {"passed": 1}
    assert example.run(f"--record-mode={mode}").outcomes == {"passed": 1}


def test_verify_looks_at_the_calls_with_which_the_test_goes_on(example):
    example.write(test_a=HOLDS)
    example.run()
    example.write(world=(example.folder / "world.py").read_text().replace("upper()", "lower()"))
    result = example.run("--record-mode=verify")
    assert (result.outcomes, result.counts) == ({"passed": 1}, {"changed": 2, "unchanged": 1})


FAILS = (
    HEAD
    + """
from pydantic import BaseModel

class View(BaseModel):
    answer: str

@pytest.mark.recorded("world.ask", data=View)
def test_x(recorded):
    world.ask('a"\\n')
    world.ask("b")
    asyncio.run(world.aask("c"))
    recorded.assert_called("world.ask", where_data={"answer": "C", "tokens": 5})
"""
)


@pytest.mark.parametrize("mode", ["once", "verify"])
def test_a_failure_shows_the_line_of_the_test_and_what_was_called_instead(example, mode):
    example.write(test_a=FAILS.partition("    recorded.assert")[0])
    assert example.run().outcomes == {"passed": 1}
    result = example.write(test_a=FAILS).run(f"--record-mode={mode}")
    assert failure(result.output) == [
        "AssertionError: no call of world.ask with data {'answer': 'C', 'tokens': 5}; "
        "2 calls of that kind were made, nearest first:",
        "#1 world.ask",
        "$.answer: expected 'C', was 'A\"\\n'",
        "$.tokens: missing",
        "#2 world.ask",
        "$.answer: expected 'C', was 'B'",
        "$.tokens: missing",
        "other calls: world.aask",
    ]
    assert (
        '\n>   recorded.assert_called("world.ask", where_data={"answer": "C", "tokens": 5})\n'
        in result.output.replace(">       ", ">   ")
    )
    assert "assertions.py" not in result.output


def test_a_test_without_calls_is_told_so(example):
    result = example.write(test_a=HEAD + "def test_x(recorded): recorded.one('world.ask')\n").run()
    assert failure(result.output) == ["AssertionError: no call of world.ask: this test has made no calls"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--record-live=world.fail",), "Not among these calls: 1 live."),
        (("--record-mode=off",), "With the mode off calls run without the recorder, and are not seen."),
    ],
    ids=["live", "off"],
)
def test_calls_that_an_assertion_cannot_see_are_mentioned(example, args, said):
    example.write(
        test_a=HEAD
        + "def test_x(recorded):\n"
        + "    world.ask('a'); world.ask('b')\n"
        + "    with pytest.raises(ValueError): world.fail('c')\n"
        + "    recorded.assert_called('world.fail', request={'question': 'x'})\n"
    )
    result = example.run(*args)
    assert result.outcomes == {"failed": 1}
    assert failure(result.output)[-1] == said


WAITS = """
import threading
BEGUN, GO = threading.Event(), threading.Event()

def wait():
    BEGUN.set()
    GO.wait(10)
"""


def test_calls_that_were_refused_or_still_run_are_mentioned(example):
    example.write(
        test_a=HEAD
        + """
def test_refused(recorded):
    try:
        world.ask("a")
    except BaseException:
        recorded.assert_called("world.ask")

@pytest.mark.recorded("world.wait")
def test_running(recorded):
    thread = threading.Thread(target=world.wait)
    thread.start()
    world.BEGUN.wait(10)
    try:
        recorded.assert_called("world.wait")
    finally:
        world.GO.set()
        thread.join()
"""
    )
    with (example.folder / "world.py").open("a") as world:
        world.write(WAITS)
    refused = example.run("--record-mode=none", "-k", "refused")
    assert "Not among these calls: 1 refused." in failure(refused.output)
    assert failure(example.run("-k", "running").output)[-1] == "Not among these calls: 1 still running."


MANY = """
@pytest.mark.parametrize("n", range(4))
def test_n(recorded, n):
    world.ask(str(n))
    assert recorded.one("world.ask", request={"question": str(n)}).response == {"answer": str(n)}

def test_threads(recorded):
    threads = [threading.Thread(target=world.ask, args=(f"t{i}",)) for i in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    recorded.assert_called("world.ask", times=8)
    recorded.assert_called("world.ask", times=1, request={"question": "t3"})

@pytest.mark.asyncio
async def test_tasks(recorded):
    await asyncio.gather(*(world.aask(f"a{i}") for i in range(4)))
    recorded.assert_called("world.aask", times=4)
    await world.aask("last")
    recorded.assert_order([("world.aask", {"question": question}) for question in ("a0", "a1", "a2", "a3", "last")])

@pytest.mark.recorded("world.ask", scope="suite")
def test_shared(recorded):
    world.ask("s")
    world.ask("s")
    recorded.assert_called("world.ask", times=2, request={"question": "s"})
"""


def test_assertions_of_parametrized_threaded_asynchronous_and_shared_tests_see_their_own_calls(example):
    example.write(test_a=HEAD + MANY)
    plugins = (*XDIST, "pytest_asyncio.plugin")
    for args in ((), ("--record-mode=none",)):
        result = example.spawn("-n2", *args, plugins=plugins)
        assert result.outcomes == {"passed": 7}, result.output


def test_a_failure_reads_the_same_from_a_worker_of_xdist(example):
    example.write(test_a=FAILS)
    alone, distributed = example.run(), example.spawn("-n1", plugins=XDIST)
    assert failure(alone.output)
    assert failure(distributed.output) == failure(alone.output)


def test_many_assertions_read_each_row_once(example):
    example.write(
        test_a=HEAD
        + """
@pytest.mark.recorded("world.ask")
def test_x(recorded):
    for number in range(50): world.ask(str(number))
    recorded.assert_called("world.ask", times=50)
    file = recorded._scope.suite.file
    if file is not None:
        statements = []
        file._connection.set_trace_callback(statements.append)
        for number in range(50): recorded.one("world.ask", request={"question": str(number)})
        assert not statements
        world.ask("last")
        del statements[:]
        recorded.assert_called("world.ask", times=51)
        assert len([line for line in statements if "FROM jobs" in line]) == 1
        file._connection.set_trace_callback(None)
    else:
        world.ask("last")
"""
    )
    example.run()
    assert example.run("--record-mode=none").outcomes == {"passed": 1}


def test_a_shared_call_that_was_seen_running_is_seen_completed(example):
    example.write(
        test_a=HEAD
        + """
@pytest.mark.recorded("world.wait", scope="suite")
def test_x(recorded):
    threads = [threading.Thread(target=world.wait) for _ in range(2)]
    for thread in threads: thread.start()
    world.BEGUN.wait(10)
    # The one that joins the other's call sees its row.
    while not recorded.calls(status="running"): pass
    world.GO.set()
    for thread in threads: thread.join()
    recorded.assert_called("world.wait", times=2, status="completed")
"""
    )
    with (example.folder / "world.py").open("a") as world:
        world.write(WAITS)
    assert example.run().outcomes == {"passed": 1}


def test_the_fixture_says_in_one_line_what_was_called(example):
    example.write(
        test_a=HEAD
        + "def test_x(recorded):\n"
        + "    assert repr(recorded) == '<Recorded test_a.py::test_x once: no calls>'\n"
        + "    world.ask('a'); world.ask('b'); asyncio.run(world.aask('c'))\n"
        + "    assert repr(recorded) == '<Recorded test_a.py::test_x once: world.ask (2 times), world.aask>'\n"
    )
    assert example.run().outcomes == {"passed": 1}
