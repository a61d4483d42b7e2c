"""Asynchronous generators are recorded while they run, with the whole of their protocol."""

from __future__ import annotations

import asyncio
import contextlib
import types

import pytest
import trio
import trio.lowlevel

from pytest_recorded import RecordedWarning, recorder

LOG = []


@pytest.fixture(autouse=True)
def _log():
    LOG.clear()


@recorder
async def count(to, *, fails=False):
    for n in range(to):
        await asyncio.sleep(0)
        LOG.append(n)
        yield n
    if fails:
        raise ValueError(f"after {to}")


@recorder
async def talk(first):
    heard = []
    try:
        while True:
            try:
                heard.append((yield first + len(heard)))
            except KeyError as error:
                heard.append(f"caught {error.args[0]}")
                yield heard[-1]
            if heard[-1] == "end":
                return
    finally:
        LOG.append("closed")


@recorder
async def fragile():
    try:
        yield 1
    finally:
        raise ValueError("while closing")


@recorder
def handing():
    """A function that returns an asynchronous generator is no asynchronous generator function."""

    async def squares():
        for n in range(3):
            yield n * n

    return squares()


async def whole(stream):
    return [item async for item in stream]


def test_it_yields_what_the_bare_one_does(rec):
    assert asyncio.run(whole(count(3))) == [0, 1, 2]
    assert rec.jobs[0].response == [0, 1, 2]


def test_it_is_a_real_asynchronous_generator(rec):
    assert isinstance(count(1), types.AsyncGeneratorType)


def test_a_replay_yields_the_same(rec):
    for _ in range(2):
        assert asyncio.run(whole(count(3, key="k"))) == [0, 1, 2]
    assert LOG == [0, 1, 2]


@pytest.mark.asyncio
async def test_each_item_reaches_the_caller_before_the_next_one_is_made(rec):
    stream = count(3)
    assert (await anext(stream), LOG) == (0, [0])
    assert (await anext(stream), LOG) == (1, [0, 1])
    await stream.aclose()


@pytest.mark.asyncio
async def test_values_may_be_sent_and_exceptions_thrown_in_recorded_and_replayed(rec):
    for _ in range(2):
        stream = talk(1, key="k")
        assert [await anext(stream), await stream.asend("a")] == [1, 2]
        assert await stream.athrow(KeyError("x")) == "caught x"
        assert await anext(stream) == 3
        with pytest.raises(StopAsyncIteration):
            await stream.asend("end")
    assert len(rec.jobs) == 1


@pytest.mark.asyncio
async def test_an_exception_that_is_thrown_in_and_comes_out_is_the_very_same_recorded_and_replayed(rec):
    @contextlib.asynccontextmanager
    @recorder
    async def managed():
        yield 1

    for _ in range(2):
        error = ValueError("inside")
        with pytest.raises(ValueError, match="inside") as caught:
            async with managed(key="k", retry_failed=False):
                raise error
        assert caught.value is error
    assert [job.status for job in rec.jobs] == ["failed"]


@pytest.mark.asyncio
async def test_one_that_fails_has_its_items_and_its_exception(rec):
    for _ in range(2):
        stream, items = count(2, fails=True, key="k", retry_failed=False), []
        with pytest.raises(ValueError, match="after 2"):
            [items.append(item) async for item in stream]
        assert items == [0, 1]
    (job,) = rec.jobs
    assert (job.status, job.response, job.error.args) == ("failed", [0, 1], ("after 2",))


@pytest.mark.asyncio
async def test_closing_runs_the_clean_up_at_once_and_frees_the_key(rec):
    stream = talk(1, key="k")
    await anext(stream)
    await stream.aclose()
    assert LOG == ["closed"]
    assert (rec.jobs[0].status, rec.jobs[0].response) == ("interrupted", [1])
    again = talk(1, key="k")
    assert await anext(again) == 1
    await again.aclose()


@pytest.mark.asyncio
async def test_one_that_raises_while_it_is_closed_frees_its_key(rec):
    for _ in range(2):
        stream = fragile(key="k")
        await anext(stream)
        with pytest.raises(ValueError, match="while closing"):
            await stream.aclose()
    assert [(job.status, job.attempt) for job in rec.jobs] == [("failed", 0), ("failed", 1)]


def test_one_whose_loop_is_left_frees_its_key(rec):
    async def first():
        async for n in count(3, key="k"):
            if n == 1:
                break

    asyncio.run(first())
    assert asyncio.run(whole(count(3, key="k"))) == [0, 1, 2]
    assert [job.status for job in rec.jobs] == ["interrupted", "completed"]


@pytest.mark.asyncio
async def test_one_that_is_handed_out_by_a_function_is_recorded_too(rec):
    for _ in range(2):
        assert await whole(handing(key="k")) == [0, 1, 4]
    assert len(rec.jobs) == 1


@pytest.mark.asyncio
async def test_an_item_that_cannot_be_stored_ends_the_recording_and_not_the_stream(rec):
    @recorder
    async def mixed():
        yield 1
        yield mixed

    with pytest.warns(RecordedWarning, match="mixed streams on, but cannot be recorded"):
        assert await whole(mixed(key="k")) == [1, mixed]
    assert rec.jobs[0].status == "interrupted"


@pytest.mark.asyncio
async def test_a_cancelled_one_frees_its_key(rec):
    @recorder
    async def slow():
        yield 1
        await asyncio.get_running_loop().create_future()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await whole(slow(key="k"))
    assert (rec.jobs[0].status, rec.jobs[0].response) == ("interrupted", [1])


@pytest.mark.asyncio
async def test_asking_for_a_stream_again_while_it_is_read_does_not_wait_for_oneself(rec):
    first, second = count(2, key="k"), count(2, key="k")
    assert [await anext(first), await anext(second), await anext(first)] == [0, 0, 1]
    assert await whole(first) == []
    assert await whole(second) == [1]
    assert [job.status for job in rec.jobs] == ["completed"]


@pytest.mark.asyncio
async def test_another_task_waits_for_a_stream_that_is_being_read_and_gets_its_items(rec):
    stream = count(2, key="k")
    await anext(stream)
    other = asyncio.create_task(whole(count(2, key="k")))
    await asyncio.sleep(0)
    assert await whole(stream) == [1]
    assert await other == [0, 1]
    assert [job.status for job in rec.jobs] == ["completed"]


def test_it_works_under_trio_too(rec):
    @recorder
    async def steps(to):
        for n in range(to):
            await trio.lowlevel.checkpoint()
            yield n

    async def twice():
        first = steps(2, key="k")
        assert await anext(first) == 0
        second = steps(2, key="k")
        assert await anext(second) == 0
        return await whole(first) + await whole(second) + await whole(steps(2, key="k"))

    assert trio.run(twice) == [1, 1, 0, 1]
    assert [job.status for job in rec.jobs] == ["completed"]


@pytest.mark.asyncio
async def test_calls_that_it_makes_are_made_inside_it(rec):
    @recorder
    async def outer():
        async for n in count(2):
            yield n

    await whole(outer())
    parent, child = rec.jobs
    assert (child.parent_id, child.response) == (parent.id, [0, 1])
