"""Many requests at the same time: each is recorded once, each replay is served, and none gets through."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import httpx
import httpx2
import pytest
import requests

from pytest_recorded import MissingRecording

BOTH = pytest.mark.parametrize("lib", [httpx, httpx2], ids=["httpx", "httpx2"])
BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])


@pytest.fixture
def echo(server):
    """A page that answers with what it was asked."""
    return server.on("/x", lambda asked: server.reply(asked.target.encode() + asked.body))


def test_32_threads_with_a_session_each_record_each_call_once(echo, server, cassette):
    def work(worker):
        with requests.Session() as session:
            got = [session.get(f"{echo}?w={worker}&n={number}", timeout=20).text for number in range(4)]
            return [*got, session.post(echo, data=b"same", timeout=20).text]

    expected = [[*(f"/x?w={worker}&n={number}" for number in range(4)), "/xsame"] for worker in range(32)]
    for mode in ("once", "none"):
        with cassette(mode) as block, ThreadPoolExecutor(32) as pool:
            assert list(pool.map(work, range(32))) == expected
            assert len(block) == 160
        if mode == "once":
            assert server.count == 160
            server.stop()
    assert server.count == 160


@BOTH
@BACKENDS
def test_200_tasks_record_each_call_once(backend, lib, echo, server, cassette):
    async def ask():
        got = {}
        limits = lib.Limits(max_connections=20)
        async with (
            lib.AsyncClient(limits=limits, timeout=30, trust_env=False) as client,
            anyio.create_task_group() as tasks,
        ):

            async def one(number):
                got[number] = (await client.post(f"{echo}?n={number % 100}", content=b"%d" % (number % 100))).text

            for number in range(200):
                tasks.start_soon(one, number)
        return got

    for mode in ("once", "none"):
        with cassette(mode) as block:
            assert anyio.run(ask, backend=backend) == {n: f"/x?n={n % 100}{n % 100}" for n in range(200)}
            assert len(block) == 200
        if mode == "once":
            assert server.count == 200
            server.stop()
    assert server.count == 200


@pytest.fixture
def rows(tmp_path):
    """Counts the rows of the cassette."""

    def count():
        with contextlib.closing(sqlite3.connect(tmp_path / "cassettes" / "jobs.db")) as connection:
            return connection.execute("SELECT count(*) FROM jobs").fetchone()[0]

    return count


@pytest.mark.parametrize("by", ["requests", "httpx"])
def test_100_threads_that_ask_the_same_in_scope_suite_ask_once(by, server, cassette, rows, request):
    gate = threading.Event()
    url = server.on("/x", (gate, server.reply(b"one for all")))
    shared = httpx.Client(trust_env=False, limits=httpx.Limits(max_connections=None))
    request.addfinalizer(shared.close)
    get = requests.get if by == "requests" else shared.get
    started = threading.Barrier(101)

    def ask():
        started.wait(30)
        return get(url, timeout=60).text

    with cassette(scope="suite"), ThreadPoolExecutor(100) as pool:
        asking = [pool.submit(ask) for _ in range(100)]
        started.wait(30)
        gate.set()
        assert [each.result() for each in asking] == ["one for all"] * 100
    assert (server.count, rows()) == (1, 1)
    server.stop()
    with cassette("none", scope="suite"), ThreadPoolExecutor(32) as pool:
        assert list(pool.map(lambda _: get(url, timeout=5).text, range(100))) == ["one for all"] * 100


@BACKENDS
def test_100_tasks_that_ask_the_same_in_scope_suite_ask_once(backend, server, cassette, rows):
    url = server.on("/x", server.reply(b"one for all"))

    async def ask():
        got = []
        async with httpx2.AsyncClient(timeout=30, trust_env=False) as client, anyio.create_task_group() as tasks:

            async def one():
                got.append((await client.get(url)).text)

            for _ in range(100):
                tasks.start_soon(one)
        return got

    for mode in ("once", "none"):
        with cassette(mode, scope="suite"):
            assert anyio.run(ask, backend=backend) == ["one for all"] * 100
        server.stop()
    assert (server.count, rows()) == (1, 1)


def test_loops_in_threads_of_loops_find_the_cassette(echo, server, cassette):
    async def inner(number):
        async with httpx2.AsyncClient(trust_env=False) as client:
            return (await client.get(f"{echo}?inner={number}")).text

    def nested(number):
        with ThreadPoolExecutor(1) as pool:
            outer = pool.submit(lambda: requests.get(f"{echo}?outer={number}", timeout=20).text)
            return asyncio.run(inner(number)), outer.result()

    async def ask():
        return await asyncio.gather(*(asyncio.to_thread(nested, number) for number in range(10)))

    for mode in ("once", "none"):
        with cassette(mode) as block:
            assert asyncio.run(ask()) == [(f"/x?inner={n}", f"/x?outer={n}") for n in range(10)]
            assert len(block) == 20
        server.stop()
    assert server.count == 20


def test_a_request_that_no_thread_has_recorded_reaches_no_server(echo, server, cassette):
    with cassette():
        requests.get(f"{echo}?n=0", timeout=5)

    def ask(number):
        with pytest.raises(MissingRecording):
            requests.get(f"{echo}?n={number}", timeout=5)

    # A block does not let a miss pass that was caught.
    with pytest.raises(MissingRecording), cassette("none"), ThreadPoolExecutor(16) as pool:
        assert requests.get(f"{echo}?n=0", timeout=5).text == "/x?n=0"
        list(pool.map(ask, range(1, 32)))
    assert server.count == 1


@BACKENDS
def test_calls_that_time_out_beside_calls_that_do_not_do_so_again(backend, echo, server, cassette):
    silent = server.on("/silent", ("hang",))

    async def ask():
        got = {}
        async with httpx2.AsyncClient(timeout=30, trust_env=False) as client, anyio.create_task_group() as tasks:

            async def one(number):
                with anyio.move_on_after(0.3 if number % 2 else 30):
                    got[number] = (await client.get(f"{silent if number % 2 else echo}?n={number}")).text

            for number in range(20):
                tasks.start_soon(one, number)
        return got

    with cassette() as block:
        live = anyio.run(ask, backend=backend)
        assert len(block) == 20
    assert live == {number: f"/x?n={number}" for number in range(0, 20, 2)}
    server.stop()
    with cassette("none"):
        assert anyio.run(ask, backend=backend) == live
    assert server.count == 20


def test_a_block_that_ends_while_a_thread_reads_its_stream_keeps_what_had_been_read(server, cassette):
    gate = threading.Event()
    url = server.on("/x", (server.head(), server.chunk(b"first"), gate, server.chunk(b"second"), server.chunk()))
    read, got = threading.Event(), []

    def follow():
        with httpx2.stream("GET", url, timeout=30) as response:
            for piece in response.iter_raw():
                got.append(piece)
                read.set()

    with cassette() as block:
        thread = threading.Thread(target=follow)
        thread.start()
        assert read.wait(30)
    gate.set()
    thread.join(30)
    # The caller gets all of it, live; the recording ends where its block did.
    assert b"".join(got) == b"firstsecond"
    (job,) = block.jobs
    assert (job.response.content, job.response.end) == (b"first", "closed")
