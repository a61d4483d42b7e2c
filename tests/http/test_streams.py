"""Streams: live while they are recorded, and what they were afterwards."""

from __future__ import annotations

import contextlib
import http.client
import threading
import urllib.request
from dataclasses import dataclass
from typing import Any

import anyio
import httpx
import httpx2
import pytest

from pytest_recorded import MissingRecording

# httpx leaves generators of its own behind when a stream is closed early, and trio says so. We add none.
pytestmark = pytest.mark.filterwarnings("ignore:Async generator 'http(x|core):ResourceWarning")

BOTH = pytest.mark.parametrize("lib", [httpx, httpx2], ids=["httpx", "httpx2"])
BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])
EVENTS = [b"data: one\n\n", b"data: two\n\n", b"data: [DONE]\n\n"]


@dataclass(frozen=True)
class Stream:
    """A stream of events; the server waits for a gate to be opened before it sends the next."""

    server: Any
    url: str
    gates: list[threading.Event]


@pytest.fixture
def sse(server):
    """A stream of three events."""
    gates = [threading.Event() for _ in EVENTS]
    steps = [step for gate, event in zip(gates, EVENTS, strict=True) for step in (gate, server.chunk(event))]
    head = server.head(("Content-Type", "text/event-stream"))
    return Stream(server, server.on("/sse", (head, *steps, server.chunk())), gates)


@BOTH
def test_a_sync_caller_has_each_piece_before_the_next_is_sent(lib, sse, cassette):
    def read():
        got = []
        with lib.Client(trust_env=False) as client, client.stream("GET", sse.url) as response:
            pieces = response.iter_raw()
            for gate in sse.gates:
                gate.set()
                got.append(next(pieces))
            assert next(pieces, None) is None
        return got

    with cassette():
        assert read() == EVENTS
    sse.server.stop()
    with cassette("none"):
        assert read() == EVENTS


@BACKENDS
@BOTH
def test_an_async_caller_has_each_piece_before_the_next_is_sent(lib, backend, sse, cassette):
    async def read():
        got = []
        async with lib.AsyncClient(trust_env=False) as client, client.stream("GET", sse.url) as response:
            pieces = response.aiter_raw()
            for gate in sse.gates:
                gate.set()
                got.append(await anext(pieces))
            assert await anext(pieces, None) is None
        return got

    with cassette():
        assert anyio.run(read, backend=backend) == EVENTS
    sse.server.stop()
    with cassette("none"):
        assert anyio.run(read, backend=backend) == EVENTS


@pytest.mark.parametrize("how", ["read1", "readline", "peek"])
def test_a_caller_of_the_standard_library_has_each_piece_before_the_next_is_sent(how, sse, cassette, stdlib_client):
    def read():
        got = []
        connection = http.client.HTTPConnection("127.0.0.1", sse.server.port)
        if stdlib_client.name == "urllib":
            response = urllib.request.urlopen(sse.url)
        else:
            connection.request("GET", "/sse")
            response = connection.getresponse()
        with response, contextlib.closing(connection):
            for gate in sse.gates:
                gate.set()
                if how == "readline":
                    got.append(response.readline() + response.readline())
                else:
                    got.append(response.read1() if how == "read1" else response.peek() and response.read1())
            assert response.read() == b""
        return got

    with cassette():
        assert read() == EVENTS
    sse.server.stop()
    with cassette("none"):
        assert read() == EVENTS


@pytest.mark.parametrize("how", ["raw", "lines"])
def test_a_stream_that_its_caller_closed_early_ends_there_again(how, httpx_client, sse, cassette):
    for gate in sse.gates:
        gate.set()
    with cassette() as recorded:
        live = httpx_client.see(sse.url, how, limit=1)
        (job,) = recorded.jobs
    assert job.response.end == "closed"
    assert job.response.text.startswith("data: one")
    sse.server.stop()
    with cassette("none"):
        replayed = httpx_client.see(sse.url, how, limit=1)
    assert replayed["pieces"] == live["pieces"]


def test_reading_on_where_the_recorded_caller_closed_is_a_miss(httpx_client, sse, cassette):
    sse.gates[0].set()
    with cassette():
        httpx_client.see(sse.url, "raw", limit=1)
    sse.server.stop()
    with pytest.raises(MissingRecording, match="closed the stream there"), cassette("none"):
        httpx_client.see(sse.url, "raw", limit=2)


def test_the_server_is_not_drained_for_a_caller_who_closes_early(httpx_client, sse, cassette):
    # The second gate stays shut: whoever waited for the rest would wait until the server loses its patience.
    sse.gates[0].set()
    with cassette():
        assert httpx_client.see(sse.url, "raw", limit=1)["pieces"] == EVENTS[:1]


def test_a_response_of_the_standard_library_that_was_closed_early_is_a_miss_further_on(stdlib_client, sse, cassette):
    sse.gates[0].set()
    with cassette() as recorded:
        live = stdlib_client.see(sse.url, "readline", limit=1)
        (job,) = recorded.jobs
    assert job.response.end == "closed"
    sse.server.stop()
    with cassette("none"):
        assert stdlib_client.see(sse.url, "readline", limit=1) == live
    with pytest.raises(MissingRecording, match="closed the stream there"), cassette("none"):
        stdlib_client.see(sse.url, "readline", limit=3)


def test_whoever_closes_after_the_last_event_has_not_closed_early(client, server, cassette):
    gate = threading.Event()
    url = server.on("/x", (server.head(), *map(server.chunk, EVENTS), gate, server.chunk()))
    with cassette() as recorded:
        # The first pieces are all that a client of OpenAI's format waits for.
        if client.is_httpx:
            client.see(url, "lines", limit=5)
        elif client.name in ("urllib3", "requests"):
            client.see(url, "raw", limit=len(EVENTS))
        else:
            client.see(url, "readline", limit=6)
        (job,) = recorded.jobs
    assert (job.response.end, job.response.content) == ("complete", b"".join(EVENTS))
    server.stop()
    with cassette("none"):
        assert b"".join(client.see(url, "raw" if client.is_httpx else "read1")["pieces"]) == b"".join(EVENTS)


def test_a_body_that_nobody_read_is_closed_early(client, server, cassette):
    url = server.on("/x", (server.reply(b"x" * 100_000)[:-1], "hang"))
    with cassette() as recorded:
        client.see(url, "raw" if client.is_httpx else "read1", limit=0)
        (job,) = recorded.jobs
    assert job.response.end == "closed"
    server.stop()
    with cassette("none"):
        assert client.see(url, "raw" if client.is_httpx else "read1", limit=0)["status"] == 200
