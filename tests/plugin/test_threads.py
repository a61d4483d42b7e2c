"""Threads, executors and tasks of a test, and those that outlive it."""

from __future__ import annotations

HEAD = """
import asyncio, concurrent.futures, pytest, threading, world
pytestmark = pytest.mark.recorded("world.ask", "world.aask")
"""


def test_threads_executors_and_tasks_started_by_a_test_find_its_cassette(example):
    example.write(
        test_a=HEAD
        + """
POOL = concurrent.futures.ThreadPoolExecutor(2)

def both():
    thread = threading.Thread(target=world.ask, args=("inner thread",)); thread.start(); thread.join()
    return world.ask("pool")

@pytest.mark.parametrize("n", [1, 2])
def test_x(n):
    threads = [threading.Thread(target=world.ask, args=(f"thread {i}",)) for i in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    # The same workers serve both tests.
    assert POOL.submit(both).result() == {"answer": "POOL"}
    list(POOL.map(world.ask, ["m1", "m2"]))

    async def main():
        await asyncio.gather(*(world.aask(f"task {i}") for i in range(4)))
        await asyncio.to_thread(world.ask, "to thread")
        await asyncio.get_running_loop().run_in_executor(None, world.ask, "executor")
    asyncio.run(main())
"""
    )
    assert example.run().counts == {"recorded": 28}
    assert {row[0] for row in example.rows()} == {"test_a.py::test_x[1]", "test_a.py::test_x[2]"}
    example.forget_calls()
    assert example.run("--record-mode=none").counts == {"replayed": 28}
    assert example.calls == []


def test_answers_do_not_depend_on_the_order_in_which_threads_ask(example):
    test = HEAD + (
        "def test_x():\n    with concurrent.futures.ThreadPoolExecutor(8) as pool:\n"
        "        questions = [str(i) for i in ORDER]\n"
        "        assert [a['answer'] for a in pool.map(world.ask, questions)] == questions\n"
    )
    example.write(test_a="ORDER = range(50)\n" + test).run()
    result = example.write(test_a="ORDER = range(49, -1, -1)\n" + test).run("--record-mode=none")
    assert result.counts == {"replayed": 50}


LATE = (
    HEAD
    + """
go, done, seen = threading.Event(), threading.Event(), []

def late():
    go.wait()
    try:
        seen.append(world.ask("late"))
    except BaseException as error:
        seen.append(type(error).__name__)
    done.set()

def test_a():
    threading.Thread(target=late).start()

def test_b():
    go.set()
    done.wait()
    world.ask("b")
    assert seen == [SEEN]
"""
)


def test_a_late_call_of_a_finished_test_is_refused_and_named_and_never_charged_to_another_test(example):
    result = example.write(test_a="SEEN = 'MissingRecording'\n" + LATE).run()
    assert result.outcomes == {"passed": 2}
    assert result.counts == {"recorded": 1}
    assert 'world.ask(question="late") was called after test_a.py::test_a had ended: refused' in result.output
    assert [row[0] for row in example.rows()] == ["test_a.py::test_b"]
    assert example.calls == ["b"]


def test_a_late_call_is_made_but_not_recorded_where_the_mode_records_anything(example):
    result = example.write(test_a="SEEN = {'answer': 'LATE'}\n" + LATE).run("--record-mode=new_episodes")
    assert result.counts == {"recorded": 1}
    assert "had ended: not recorded" in result.output
    assert [row[0] for row in example.rows()] == ["test_a.py::test_b"]


def test_a_late_call_of_the_last_test_is_named_too(example):
    example.write(
        test_a=HEAD
        + """
import atexit
go = threading.Event()
done = threading.Event()

def late():
    go.wait()
    try:
        world.ask("late")
    except BaseException:
        pass
    done.set()

def test_a():
    threading.Thread(target=late).start()
""",
        conftest="import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_sessionfinish(session):\n"
        "    import sys\n    module = next(m for n, m in sys.modules.items() if n.endswith('test_a'))\n"
        "    module.go.set(); module.done.wait()\n",
    )
    assert "was called after test_a.py::test_a had ended: refused" in example.run().output


def test_a_call_that_still_runs_when_its_test_has_passed_is_named_and_belongs_to_no_test(example):
    example.write(
        test_a=HEAD
        + """
import functools
from pytest_recorded import recorder
begun, go, done = threading.Event(), threading.Event(), threading.Event()

@recorder(kind="threads.slow")
def slow(n):
    begun.set()
    go.wait(10)
    return n

def ask():
    assert slow(1) == 1
    done.set()

def test_a():
    threading.Thread(target=ask).start()
    begun.wait(10)

def test_b():
    go.set()
    assert done.wait(10)
"""
    )
    result = example.run()
    assert result.outcomes == {"passed": 2}
    assert "threads.slow(n=1) was still running when test_a.py::test_a ended: not recorded" in result.output
    assert (result.counts, example.cassette.exists()) == ({"live": 1}, False)


def test_a_task_of_a_session_fixture_serves_whichever_test_is_running(example):
    """A background worker that a shared fixture has started is nobody's: its calls are those of the running test."""
    example.write(
        test_a=HEAD
        + """
import queue

@pytest.fixture(scope="session")
def worker():
    todo, results = queue.Queue(), queue.Queue()
    def work():
        while (question := todo.get()) is not None:
            results.put(world.ask(question))
    thread = threading.Thread(target=work); thread.start()
    def ask(question):
        todo.put(question)
        return results.get(timeout=10)
    yield ask
    todo.put(None)
    thread.join()

def test_a(worker): assert worker("a") == {"answer": "A"}
def test_b(worker): assert worker("b") == {"answer": "B"}
"""
    )
    assert example.run().counts == {"recorded": 2}
    assert [row[0] for row in example.rows()] == ["test_a.py::test_a", "test_a.py::test_b"]
    assert example.run("--record-mode=none").counts == {"replayed": 2}


def test_the_loser_of_a_race_is_cancelled_again_on_replay(example):
    example.write(
        world=(example.folder / "world.py").read_text()
        + "\nasync def slow(question):\n    called(question)\n    await asyncio.Event().wait()\n",
        test_a=HEAD.replace('"world.ask"', '"world.slow"')
        + """
def test_x():
    async def main():
        slow, fast = asyncio.create_task(world.slow("slow")), asyncio.create_task(world.aask("fast"))
        done, rest = await asyncio.wait({slow, fast}, return_when=asyncio.FIRST_COMPLETED)
        assert done == {fast}
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
    asyncio.run(main())
""",
    )
    assert example.run().counts == {"recorded": 2}
    assert example.rows("kind, status") == [("world.aask", "completed"), ("world.slow", "interrupted")]
    example.forget_calls()
    assert example.run("--record-mode=none").counts == {"replayed": 2}
    assert example.calls == []


def test_streams_that_a_test_leaves_open_are_recorded_as_far_as_they_were_read(example):
    example.write(
        world=(example.folder / "world.py").read_text() + "\ndef count(n):\n    called(n)\n    yield from range(n)\n",
        test_a=HEAD.replace('"world.ask"', '"world.count"')
        + """
OPEN = []

def test_x():
    stream = world.count(5)
    assert [next(stream), next(stream)] == [0, 1]
    OPEN.append(stream)
""",
    )
    assert example.run().counts == {"recorded": 1}
    assert example.run("--record-mode=none").counts == {"replayed": 1}
    text = (example.folder / "test_a.py").read_text()
    result = example.write(test_a=text.replace("OPEN.append(stream)", "assert next(stream) == 2")).run()
    assert result.counts == {"replayed": 1, "missed": 1}
    assert "ends after 2 pieces" in result.output
