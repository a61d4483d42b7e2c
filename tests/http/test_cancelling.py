"""Calls that are cancelled, and calls that run at the same time."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import httpx
import httpx2
import pytest

from pytest_recorded import MissingRecording, RecordedFailure, drive, use_cassette

BOTH = pytest.mark.parametrize("lib", [httpx, httpx2], ids=["httpx", "httpx2"])
BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])


async def _cancelled(lib, ask, begun):
    """Begin to ask, and cancel it once `begun` says that it has begun; return what came before."""
    got = []
    async with lib.AsyncClient(trust_env=False) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(ask, client, got)
        await begun(got)
        tasks.cancel_scope.cancel()
    return got


@BACKENDS
@BOTH
def test_a_cancelled_call_is_recorded_and_its_replay_waits_to_be_cancelled(lib, backend, server, cassette):
    has_come = threading.Event()
    url = server.on("/x", (lambda _asked: has_come.set() or b"", "hang"))

    async def ask(client, got):
        await client.get(url)
        got.append("answered")

    async def asked(_got):
        await anyio.to_thread.run_sync(has_come.wait, 10)

    with cassette() as recorded:
        assert anyio.run(_cancelled, lib, ask, asked, backend=backend) == []
        assert [job.status for job in recorded.jobs] == ["interrupted"]
    server.stop()

    async def has_waited(_got):
        await anyio.wait_all_tasks_blocked()

    with cassette("none"):
        assert anyio.run(_cancelled, lib, ask, has_waited, backend=backend) == []


@BACKENDS
@BOTH
def test_who_waits_on_where_the_recorded_caller_was_cancelled_gets_a_miss_in_the_end(
    lib, backend, server, cassette, monkeypatch
):
    has_come, is_told = threading.Event(), threading.Event()
    url = server.on("/x", (lambda _asked: has_come.set() or b"", "hang"))

    async def ask(client, got):
        try:
            await client.get(url)
        except MissingRecording as miss:
            got.append(miss.reason)
            is_told.set()

    def once(event):
        async def wait(_got):
            await anyio.to_thread.run_sync(event.wait, 10)

        return wait

    with cassette():
        assert anyio.run(_cancelled, lib, ask, once(has_come), backend=backend) == []
    monkeypatch.setattr(drive, "_PATIENCE", 0.01)
    with pytest.raises(MissingRecording, match="ends before its answer came"), cassette("none"):
        assert anyio.run(_cancelled, lib, ask, once(is_told), backend=backend) == ["all uses served"]


@BACKENDS
@BOTH
def test_a_stream_cancelled_in_the_middle_gives_its_pieces_and_waits_to_be_cancelled(lib, backend, server, cassette):
    url = server.on("/x", (server.head(), server.chunk(b"one"), "hang"))

    async def ask(client, got):
        async with client.stream("GET", url) as response:
            async for piece in response.aiter_raw():
                got.append(piece)
                has_one.set()
        got.append("answered")

    async def waits_for_the_second(_got):
        await has_one.wait()
        await anyio.wait_all_tasks_blocked()

    has_one = anyio.Event()
    with cassette() as recorded:
        assert anyio.run(_cancelled, lib, ask, waits_for_the_second, backend=backend) == [b"one"]
        assert [job.response.end for job in recorded.jobs] == ["cancelled"]
    server.stop()
    has_one = anyio.Event()
    with cassette("none"):
        assert anyio.run(_cancelled, lib, ask, waits_for_the_second, backend=backend) == [b"one"]


@BACKENDS
def test_the_loser_of_a_race_loses_again(backend, server, cassette):
    slow, fast = server.on("/slow", ("hang",)), server.on("/fast", server.reply(b"first"))

    async def race():
        won = []
        async with httpx2.AsyncClient(trust_env=False) as client, anyio.create_task_group() as tasks:

            async def run(url):
                won.append((await client.get(url)).text)
                tasks.cancel_scope.cancel()

            tasks.start_soon(run, slow)
            tasks.start_soon(run, fast)
        return won

    for mode in ("once", "none"):
        with cassette(mode):
            assert anyio.run(race, backend=backend) == ["first"]
        server.stop()


@BACKENDS
def test_a_timeout_of_the_callers_own_comes_again(backend, server, cassette):
    url = server.on("/x", ("hang",))

    async def ask():
        async with httpx2.AsyncClient(trust_env=False) as client:
            with anyio.fail_after(0.05):
                await client.get(url)

    for mode in ("once", "none"):
        with cassette(mode), pytest.raises(TimeoutError):
            anyio.run(ask, backend=backend)
        server.stop()


def test_a_call_that_was_cancelled_fails_where_nobody_can_cancel_it(server, cassette):
    url = server.on("/x", ("hang",))

    async def ask():
        async with httpx2.AsyncClient(trust_env=False) as client:
            with anyio.move_on_after(0.05):
                await client.get(url)

    with cassette():
        anyio.run(ask)
    with cassette("none"), pytest.raises(RecordedFailure, match="cancelled"):
        httpx2.get(url)


# At the same time.


@pytest.fixture
def echo(server):
    """A server that says what it was asked."""
    for number in range(20):
        server.on(f"/{number}", lambda asked: server.reply(asked.target.encode()))
    return server.url


def _get(url):
    return httpx2.get(url, trust_env=False).text


def test_threads_started_in_a_block_find_its_cassette(echo, server, cassette):
    def ask(number, got):
        got.append(_get(f"{echo}/{number}"))

    for mode in ("once", "none"):
        got = []
        with cassette(mode) as block:
            threads = [threading.Thread(target=ask, args=(number, got)) for number in range(5)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(block) == 5
        assert sorted(got) == [f"/{n}" for n in range(5)]
        server.stop()


def test_executors_find_the_cassette_of_whoever_submits(echo, server, cassette):
    with ThreadPoolExecutor(2) as pool:
        # Its threads are older than the block.
        list(pool.map(_get, [f"{echo}/{n}" for n in range(2)]))
        before = server.count
        for mode in ("once", "none"):
            with cassette(mode) as block:
                assert list(pool.map(_get, [f"{echo}/{n}" for n in range(8)])) == [f"/{n}" for n in range(8)]
                assert pool.submit(_get, f"{echo}/9").result() == "/9"
                assert len(block) == 9
        assert server.count == before + 9
        assert pool.submit(_get, f"{echo}/9").result() == "/9"
        assert server.count == before + 10


def test_to_thread_and_run_in_executor_find_the_cassette(echo, server, cassette):
    async def ask():
        loop = asyncio.get_running_loop()
        return [
            await asyncio.to_thread(_get, f"{echo}/1"),
            await loop.run_in_executor(None, _get, f"{echo}/2"),
            await anyio.to_thread.run_sync(_get, f"{echo}/3"),
        ]

    for mode in ("once", "none"):
        with cassette(mode):
            assert asyncio.run(ask()) == ["/1", "/2", "/3"]
        server.stop()


@BACKENDS
def test_tasks_of_a_block_find_its_cassette(backend, echo, server, cassette):
    async def ask():
        got = {}
        async with httpx2.AsyncClient(trust_env=False) as client, anyio.create_task_group() as tasks:

            async def one(number):
                got[number] = (await client.get(f"{echo}/{number}")).text

            for number in range(20):
                tasks.start_soon(one, number)
        return got

    for mode in ("once", "none"):
        with cassette(mode) as block:
            assert anyio.run(ask, backend=backend) == {n: f"/{n}" for n in range(20)}
            assert len(block) == 20
        server.stop()


def test_two_cassettes_in_two_threads_never_mix(echo, server, tmp_path):
    both_inside = threading.Barrier(2, timeout=10)

    def run(name, mode, numbers):
        with use_cassette(tmp_path / f"{name}.db", mode=mode, scope=name) as block:
            both_inside.wait()
            got = [_get(f"{echo}/{number}") for number in numbers]
            both_inside.wait()
            return got, sorted(job.request.url for job in block.jobs)

    for mode in ("once", "none"):
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(run, "a", mode, range(10))
            second = pool.submit(run, "b", mode, range(5, 15))
            for future, numbers in ((first, range(10)), (second, range(5, 15))):
                got, urls = future.result()
                assert got == [f"/{number}" for number in numbers]
                assert urls == sorted(f"{echo}/{number}" for number in numbers)
        server.stop()


def test_two_cassettes_in_two_tasks_never_mix(echo, server, tmp_path):
    async def run(name, mode, numbers, seen):
        async with (
            use_cassette(tmp_path / f"{name}.db", mode=mode, scope=name) as block,
            httpx2.AsyncClient() as client,
        ):
            for number in numbers:
                assert (await client.get(f"{echo}/{number}")).text == f"/{number}"
            seen[name] = sorted(job.request.url for job in block.jobs)

    async def both(mode):
        seen = {}
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run, "a", mode, range(5), seen)
            tasks.start_soon(run, "b", mode, range(3, 8), seen)
        return seen

    for mode in ("once", "none"):
        assert anyio.run(both, mode) == {
            "a": [f"{echo}/{number}" for number in range(5)],
            "b": [f"{echo}/{number}" for number in range(3, 8)],
        }
        server.stop()


def test_equal_requests_at_the_same_time_keep_their_answers(server, cassette):
    url = server.on("/x", *[server.reply(b"%d" % number) for number in range(8)])

    async def ask():
        async with httpx2.AsyncClient(trust_env=False) as client:
            got = [None] * 8

            async def one(place):
                got[place] = (await client.get(url)).text

            async with anyio.create_task_group() as tasks:
                for place in range(8):
                    tasks.start_soon(one, place)
        return got

    with cassette():
        live = anyio.run(ask)
    assert sorted(live) == [str(number) for number in range(8)]
    server.stop()
    with cassette("none"):
        assert anyio.run(ask) == live


def test_a_block_of_scope_suite_may_hold_two_streams_of_the_same_request(server, cassette, client):
    url = server.on("/x", server.reply(b"same"))
    with cassette(scope="suite"), httpx.Client(trust_env=False) as outer, outer.stream("GET", url) as response:
        # Nobody waits for an answer that only he himself could read.
        assert b"same" in client.see(url)["pieces"]
        assert response.read() == b"same"
