"""What is cancelled, interrupted or left behind blocks no key."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import signal
import sqlite3

import anyio
import pytest
import trio
import trio.testing

from pytest_recorded import Recorder, recorder
from pytest_recorded.store.lease import now, owner


@recorder
async def endless(first):
    """Wait for ever the first time; answer the next time."""
    if first:
        first.clear()
        await anyio.sleep_forever()
    return "answer"


async def by_timeout(call):
    async with asyncio.timeout(0.01):
        await call


async def by_wait_for(call):
    await asyncio.wait_for(call, 0.01)


async def by_task(call):
    task = asyncio.create_task(call)
    await asyncio.sleep(0)
    task.cancel()
    await task


async def by_group(call):
    async with asyncio.TaskGroup() as group:
        group.create_task(call)
        await asyncio.sleep(0)
        raise TimeoutError


@pytest.mark.parametrize("cancel", [by_timeout, by_wait_for, by_task, by_group])
def test_a_cancelled_call_is_a_row_that_does_not_answer(rec, cancel):
    first = [1]
    with pytest.raises((TimeoutError, asyncio.CancelledError, ExceptionGroup)):
        asyncio.run(cancel(endless(first, key="k")))
    assert asyncio.run(endless(first, key="k")) == "answer"
    assert [(job.status, job.attempt) for job in rec.jobs] == [("interrupted", 0), ("completed", 1)]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_cancel_scope_leaves_a_row_that_does_not_answer(rec, backend):
    first = [1]

    async def main():
        with anyio.move_on_after(0.01) as scope:
            await endless(first, key="k")
        assert scope.cancelled_caught
        return await endless(first, key="k")

    assert anyio.run(main, backend=backend) == "answer"
    assert [job.status for job in rec.jobs] == ["interrupted", "completed"]


def test_a_nursery_that_is_cancelled_leaves_a_row_that_does_not_answer(rec):
    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: endless([1], key="k"))
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        return await endless([], key="k")

    assert trio.run(main) == "answer"


def test_a_coroutine_that_is_thrown_away_leaves_a_row_that_does_not_answer(rec):
    async def waiting():
        coroutine = endless([1], key="k")
        coroutine.send(None)
        coroutine.close()

    asyncio.run(waiting())
    assert asyncio.run(endless([], key="k")) == "answer"
    assert [job.status for job in rec.jobs] == ["interrupted", "completed"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_an_interrupt_frees_the_key(rec, error):
    answers = [error, "answer"]

    @recorder
    def interrupted():
        answer = answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    with pytest.raises(type(error)):
        interrupted(key="k")
    assert interrupted(key="k") == "answer"
    assert [job.status for job in rec.jobs] == ["interrupted", "completed"]


def test_a_signal_in_the_middle_of_a_call_frees_the_key(rec):
    first = [1]

    @recorder
    def interrupted():
        if first:
            first.clear()
            os.kill(os.getpid(), signal.SIGINT)
        return "answer"

    with pytest.raises(KeyboardInterrupt):
        interrupted(key="k")
    assert interrupted(key="k") == "answer"


def test_an_interrupt_while_the_answer_is_looked_at_frees_the_key(rec):
    class Interrupting:
        @property
        def __class__(self):
            raise KeyboardInterrupt

    answers = [Interrupting(), "answer"]

    @recorder
    def give():
        return answers.pop(0)

    with pytest.raises(KeyboardInterrupt):
        give(key="k")
    assert give(key="k") == "answer"
    assert [job.status for job in rec.jobs] == ["interrupted", "completed"]


def test_system_exit_is_a_failure_that_can_be_recorded(rec):
    @recorder
    def leaving():
        raise SystemExit(3)

    for _ in range(2):
        with pytest.raises(SystemExit) as caught:
            leaving(key="k", retry_failed=False)
        assert caught.value.code == 3
    assert [job.status for job in rec.jobs] == ["failed"]


@pytest.mark.parametrize("name", ["CancelledError", "Cancelled"])
def test_an_exception_that_is_only_called_like_a_cancellation_is_a_failure(rec, name):
    error = type(name, (Exception,), {})

    @recorder(error=error)
    def refused():
        raise error("the order")

    with pytest.raises(error):
        refused(key="k")
    with pytest.raises(error, match="the order"):
        refused(key="k", retry_failed=False)
    assert [job.status for job in rec.jobs] == ["failed"]


def test_a_cancelled_future_of_an_executor_is_a_failure_too(rec):
    @recorder
    def collecting():
        future = concurrent.futures.Future()
        future.cancel()
        return future.result()

    with pytest.raises(concurrent.futures.CancelledError):
        collecting(key="k")
    assert rec.jobs[0].status == "failed"


def test_a_killed_process_is_taken_for_dead_at_once_and_its_call_runs_again(python, path):
    code = """
        import sys
        from pytest_recorded import Recorder, recorder

        @recorder(kind="killed")
        def killed():
            print("running", flush=True)
            sys.stdin.readline()

        with Recorder("jobs.db"): killed(key="k")
        """

    @recorder(kind="killed")
    def killed():
        return "answer"

    process = python.start(code)
    assert process.says() == "running"
    process.kill()
    with Recorder(path) as rec:
        assert killed(key="k") == "answer"
        assert [(job.status, job.attempt) for job in rec.jobs] == [("interrupted", 0), ("completed", 1)]


def test_a_killed_process_that_its_parent_has_not_buried_is_dead_too(python, path):
    """A zombie has a process id that can be signalled, for as long as its parent likes."""
    process = python.start(
        """
        import sys
        from pytest_recorded import Recorder, recorder

        @recorder(kind="zombie")
        def zombie():
            print("running", flush=True)
            sys.stdin.readline()

        with Recorder("jobs.db"): zombie(key="k")
        """
    )
    assert process.says() == "running"
    os.kill(process.popen.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.popen.pid, os.WEXITED | os.WNOWAIT)

    @recorder(kind="zombie")
    def zombie():
        return "answer"

    with Recorder(path):
        assert zombie(key="k") == "answer"


def test_a_process_that_ended_without_a_word_is_dead_too(python, path):
    python.run(
        """
        import os
        from pytest_recorded import Recorder, recorder

        @recorder(kind="vanished")
        def vanished(): os._exit(0)

        with Recorder("jobs.db"): vanished(key="k")
        """
    )

    @recorder(kind="vanished")
    def vanished():
        return "answer"

    with Recorder(path) as rec:
        assert vanished(key="k") == "answer"
        assert rec.jobs[0].status == "interrupted"


def test_what_was_recorded_is_there_after_a_kill(python, path):
    process = python.start(
        """
        import sys
        from pytest_recorded import Recorder, recorder

        @recorder(kind="kept")
        def kept(n): return n

        with Recorder("jobs.db"):
            for n in range(50): kept(n, key=str(n))
            print("done", flush=True)
            sys.stdin.readline()
        """
    )
    assert process.says() == "done"
    process.kill()
    with Recorder(path) as rec:
        assert [job.response for job in rec.jobs] == list(range(50))


def test_a_row_of_this_process_that_nobody_here_is_making_is_taken_for_dead(path):
    """A full disk leaves a row running whose process lives on: it must not wait for itself."""

    @recorder
    def place(n):
        return n

    with Recorder(path) as rec:
        place(1, key="k")
        with sqlite3.connect(path) as connection:
            connection.execute(
                "UPDATE jobs SET status = 'running', owner = ?, beat_at = ?, completed_at = NULL", (owner(), now())
            )
        connection.close()
        assert place(2, key="k") == 2
        assert [job.status for job in rec.jobs] == ["interrupted", "completed"]
