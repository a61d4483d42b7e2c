"""A call in flight is joined: by threads, by tasks, by other processes."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import trio
import trio.lowlevel

from pytest_recorded import RecordedWarning, Recorder, recorder

SLOW = """
    import sys
    from pytest_recorded import Recorder, recorder

    @recorder(kind="slow")
    def slow(n):
        print("running", flush=True)
        sys.stdin.readline()
        return n
"""


def test_eight_threads_with_one_key_make_one_call(path):
    calls, everybody = [], threading.Barrier(8)

    @recorder
    def slow():
        calls.append(threading.get_ident())
        return len(calls)

    def one():
        everybody.wait()
        return slow(key="k")

    with Recorder(path) as rec, ThreadPoolExecutor(8) as pool:
        assert [future.result() for future in [pool.submit(one) for _ in range(8)]] == [1] * 8
        assert len(calls) == 1
        assert [(job.status, job.attempt) for job in rec.jobs] == [("completed", 0)]


def test_a_thread_waits_for_the_call_of_another_one(path):
    running, go_on = threading.Event(), threading.Event()

    @recorder
    def slow():
        running.set()
        assert go_on.wait(30)
        return "slow"

    with Recorder(path) as rec, ThreadPoolExecutor(2) as pool:
        first = pool.submit(slow, key="k")
        assert running.wait(30)
        second = pool.submit(slow, key="k")
        assert not second.done()
        go_on.set()
        assert (first.result(), second.result()) == ("slow", "slow")
        assert len(rec.jobs) == 1


def test_thirty_two_threads_with_keys_of_their_own_make_as_many_calls(path):
    everybody = threading.Barrier(32)

    @recorder
    def square(n):
        everybody.wait()
        return n * n

    with Recorder(path) as rec, ThreadPoolExecutor(32) as pool:
        futures = [pool.submit(square, n, key=str(n)) for n in range(32)]
        assert [future.result() for future in futures] == [n * n for n in range(32)]
        assert sorted(job.response for job in rec.jobs) == [n * n for n in range(32)]


def test_whoever_joined_a_call_that_failed_tries_himself(path):
    running, go_on, calls = threading.Event(), threading.Event(), []

    @recorder
    def flaky():
        calls.append(1)
        if len(calls) == 1:
            running.set()
            assert go_on.wait(30)
            raise ValueError("the first")
        return "the second"

    with Recorder(path) as rec, ThreadPoolExecutor(2) as pool:
        first = pool.submit(flaky, key="k")
        assert running.wait(30)
        second = pool.submit(flaky, key="k")
        go_on.set()
        with pytest.raises(ValueError, match="the first"):
            first.result()
        assert second.result() == "the second"
        assert [job.status for job in rec.jobs] == ["failed", "completed"]


@pytest.mark.asyncio
async def test_tasks_with_one_key_make_one_call(rec):
    calls, go_on = [], asyncio.Event()

    @recorder
    async def slow():
        calls.append(1)
        await go_on.wait()
        return "slow"

    tasks = [asyncio.create_task(slow(key="k")) for _ in range(5)]
    await asyncio.sleep(0)
    go_on.set()
    assert await asyncio.gather(*tasks) == ["slow"] * 5
    assert len(calls) == len(rec.jobs) == 1


def test_trio_tasks_with_one_key_make_one_call(rec):
    calls = []

    @recorder
    async def slow():
        calls.append(1)
        await trio.lowlevel.checkpoint()
        return "slow"

    async def main():
        answers = []

        async def one():
            answers.append(await slow(key="k"))

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(one)
        return answers

    assert trio.run(main) == ["slow"] * 5
    assert len(calls) == len(rec.jobs) == 1


@pytest.mark.asyncio
async def test_a_joining_task_can_be_cancelled_and_the_call_goes_on(rec):
    go_on = asyncio.Event()

    @recorder
    async def slow():
        await go_on.wait()
        return "slow"

    first = asyncio.create_task(slow(key="k"))
    await asyncio.sleep(0)
    second = asyncio.create_task(slow(key="k"))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    go_on.set()
    assert await first == "slow"
    assert [job.status for job in rec.jobs] == ["completed"]


def test_another_process_waits_for_a_call_and_gets_its_answer(python):
    python.module("slow", SLOW)
    first = python.start("import slow\nwith slow.Recorder('jobs.db'): print(slow.slow(1, key='k'))")
    assert first.says() == "running"
    second = python.start(
        "import slow\nwith slow.Recorder('jobs.db'):\n    print('asking', flush=True)\n    print(slow.slow(1, key='k'))"
    )
    assert second.says() == "asking"
    first.tell()
    assert (first.end(), second.end()) == ("1", "1")


def test_a_slow_call_is_never_given_up_however_old_its_beat_is(python, path):
    """Whoever lives is waited for: the process table tells, not a clock."""
    python.module("slow", SLOW)
    first = python.start("import slow\nwith slow.Recorder('jobs.db'): print(slow.slow(1, key='k'))")
    assert first.says() == "running"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE jobs SET beat_at = '2001-01-01T00:00:00.000000Z', started_at = beat_at")
    connection.close()

    @recorder(kind="slow")
    def slow(n):
        raise AssertionError("it is not to run here")

    with Recorder(path) as rec, ThreadPoolExecutor(1) as pool:
        joined = pool.submit(slow, 1, key="k")
        assert rec.jobs[0].status == "running"
        first.tell()
        assert joined.result() == 1
    assert first.end() == "1"


def test_many_processes_that_start_at_once_make_one_file_and_one_call(python, path):
    python.module(
        "once",
        """
        import os, sys
        from pytest_recorded import Recorder, recorder

        @recorder(kind="once")
        def once():
            with open("calls.log", "a") as log: log.write("called\\n")
            return os.getpid()

        def main():
            print("ready", flush=True)
            sys.stdin.readline()
            with Recorder("jobs.db"):
                print(once(key="k"))
                once()
        """,
    )
    processes = [python.start("import once; once.main()") for _ in range(6)]
    for process in processes:
        assert process.says() == "ready"
    for process in processes:
        process.tell()
    assert len({process.end() for process in processes}) == 1
    assert len((path.parent / "calls.log").read_text().splitlines()) == 1 + 6
    with Recorder(path) as rec:
        assert [job.status for job in rec.jobs] == ["completed"] * 7


@pytest.mark.parametrize("flavour", ["function", "thread", "coroutine"])
def test_a_call_that_asks_for_itself_does_not_wait_for_itself(rec, flavour):
    depth = []

    @recorder
    def deep(n):
        depth.append(n)
        if n == 0:
            return "ground"
        if flavour == "thread":
            with ThreadPoolExecutor(1) as pool:
                return pool.submit(deep, n - 1, key="k").result()
        return deep(n - 1, key="k")

    @recorder
    async def adeep(n):
        depth.append(n)
        return await adeep(n - 1, key="k") if n else "ground"

    answer = asyncio.run(adeep(3, key="k")) if flavour == "coroutine" else deep(3, key="k")
    assert (answer, depth) == ("ground", [3, 2, 1, 0])
    assert [(job.status, job.response) for job in rec.jobs] == [("completed", "ground")]


def test_a_call_inside_a_call_knows_its_parent(rec):
    @recorder
    def inner():
        return 1

    @recorder
    def outer():
        with ThreadPoolExecutor(1) as pool:
            return inner() + pool.submit(inner).result()

    outer()
    parent, *children = rec.jobs
    assert [job.parent_id for job in (parent, *children)] == [None, parent.id, parent.id]


def test_threads_and_tasks_may_step_into_one_recorder_at_the_same_time(path):
    """None of them closes it for the others, or leaves in the other's place."""
    rec, inside, out = Recorder(path), threading.Barrier(2), threading.Barrier(2)

    @recorder
    def note(n):
        return n

    def block(n):
        with rec:
            inside.wait()
            if n:
                out.wait()
            note(n)
        if not n:
            out.wait()
        note(f"bare {n}")

    async def tasks():
        async def one(n):
            async with rec:
                await asyncio.sleep(0)
                note(n)
            note("bare")

        await asyncio.gather(one(2), one(3), one(4))

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(block, n) for n in range(2)]:
            future.result()
    asyncio.run(tasks())
    assert sorted(job.response for job in rec.jobs) == [0, 1, 2, 3, 4]
    rec.close()


def test_the_innermost_recorder_takes_a_call(tmp_path):
    @recorder
    def note(n):
        return n

    with Recorder(tmp_path / "outer.db") as outer:
        note(1)
        with Recorder(tmp_path / "inner.db") as inner:
            note(2)
        note(3)
        assert ([job.response for job in outer.jobs], [job.response for job in inner.jobs]) == ([1, 3], [2])
        inner.close()


def test_a_recorder_can_be_left_by_another_task_than_entered_it(path):
    """As asynchronous fixtures are: set up in one task, torn down in another."""

    @recorder
    def note(n):
        return n

    async def main():
        rec = Recorder(path)
        await asyncio.create_task(rec.__aenter__())
        await asyncio.create_task(rec.__aexit__(None, None, None))
        note(1)
        return rec

    rec = asyncio.run(main())
    assert rec.jobs == []
    rec.close()


def test_a_file_that_lies_about_what_is_unique_is_said_to_be_unusable(path):
    """Else the same call would be tried for ever."""

    @recorder
    def note(n):
        return n

    with Recorder(path) as rec:
        note(1)
        rec._ledger._write("CREATE UNIQUE INDEX one_of_a_kind ON jobs (kind)", ())
        with pytest.warns(RecordedWarning, match=r"note runs, but is not recorded: .*jobs\.db: takes no call"):
            assert note(2) == 2
