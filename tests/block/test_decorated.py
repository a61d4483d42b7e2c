"""`use_cassette` on functions of each flavour, and in several tasks at once."""

from __future__ import annotations

import asyncio

from pytest_recorded import recorder, use_cassette

CALLS: list[str] = []


@recorder(kind="decorated.ask")
def ask(question):
    CALLS.append(question)
    return f"{question}{len(CALLS)}"


def test_an_asynchronous_generator_is_a_block_too(tmp_path):
    @use_cassette(tmp_path / "jobs.db", scope="gen")
    async def stream():
        yield ask("a")
        yield ask("b")

    async def read():
        return [item async for item in stream()]

    first = asyncio.run(read())
    assert asyncio.run(read()) == first


def test_two_tasks_in_one_block_object_each_leave_their_own(tmp_path):
    block = use_cassette(tmp_path / "jobs.db")

    async def run(name, entered, other):
        async with block as cassette:
            entered.set()
            await other.wait()
            ask(name)
            return len(cassette)

    async def both():
        one, two = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(run("x", one, two), run("y", two, one))

    assert asyncio.run(both()) == [1, 1]
    assert block._open == []
