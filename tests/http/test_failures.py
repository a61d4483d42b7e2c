"""Calls that failed while a response was awaited, or while it came."""

from __future__ import annotations

import gzip
import time

import pytest

TEXT = b"0123456789"
ZIPPED = gzip.compress(bytes(range(256)) * 9, mtime=0)


def _pause(_asked):
    # A reset throws away what has not been read yet; the case is better if something was.
    time.sleep(0.005)
    return b""


# What a server (`s`) may send that is no response.
NO_RESPONSE = {
    "closed before any response": lambda _: ("close",),
    "reset before any response": lambda _: ("reset",),
    "cut in the status line": lambda _: (b"HTTP/1.1 20", "close"),
    "cut in the headers": lambda _: (b"HTTP/1.1 200 OK\r\nContent-Len", "close"),
    "no HTTP": lambda _: (b"220 ready\r\n\r\n", "close"),
    "an odd version": lambda _: (b"HTTP/7.5 200 OK\r\nContent-Length: 0\r\n\r\n", "close"),
    "a status that is no number": lambda _: (b"HTTP/1.1 fine OK\r\nContent-Length: 0\r\n\r\n", "close"),
    "100 and no more": lambda _: (b"HTTP/1.1 100 Continue\r\n\r\n", "close"),
    "silence": lambda _: ("hang",),
    "half a head, then silence": lambda s: (s.reply(TEXT)[:40], "hang"),
}
# And responses whose body ends too early.
CUT = {
    "shorter than its length": lambda s: (s.reply(TEXT, length=25), "close"),
    "cut before the body": lambda s: (s.reply(length=25), "close"),
    "chunked without end": lambda s: (s.head(), s.chunk(TEXT), s.chunk(TEXT), "close"),
    "cut in a chunk": lambda s: (s.head(), s.chunk(TEXT), s.chunk(TEXT)[:7], "close"),
    "cut in the size of a chunk": lambda s: (s.head(), s.chunk(TEXT), b"1", "close"),
    "a chunk of no size": lambda s: (s.head(), s.chunk(TEXT), _pause, b"what?\r\n"),
    "reset in the middle": lambda s: (s.reply(TEXT, length=25), _pause, "reset"),
    "reset in a chunk": lambda s: (s.head(), s.chunk(TEXT), s.chunk(TEXT)[:7], _pause, "reset"),
    "silence in the middle": lambda s: (s.reply(TEXT, length=25), "hang"),
    "cut gzip": lambda s: (s.reply(ZIPPED[:200], ("Content-Encoding", "gzip"), length=len(ZIPPED)), "close"),
}
HOWS = {True: ["read", "raw", "bytes", "text", "lines"], False: ["read", "read1", "readline", "readinto", "some"]}


@pytest.mark.parametrize("name", NO_RESPONSE)
def test_no_response_is_the_same_failure_again(name, clients, server, cassette):
    url = server.on("/x", NO_RESPONSE[name](server))
    timeout = 0.05 if "silence" in name else 5
    live = {client.name: client.see(url, timeout=timeout) for client in clients}
    with cassette() as recorded:
        assert {client.name: client.see(url, timeout=timeout) for client in clients} == live
        # http.client takes a head that ends with the connection, and an HTTP version of the future. aiohttp, which is
        # the last, may have tried again.
        failed = [job.status == "failed" for job in recorded.jobs]
        assert failed[: len(live)] == [bool(seen["error"]) for seen in live.values()]
    server.stop()
    with cassette("none"):
        assert {client.name: client.see(url, timeout=timeout) for client in clients} == live


@pytest.mark.parametrize("name", CUT)
def test_a_cut_body_is_cut_again_after_the_same_pieces(name, client, server, cassette):
    # The raw bytes of a replay are decoded ones.
    hows = [how for how in HOWS[client.is_httpx] if (how, name) != ("raw", "cut gzip")]
    # After such a chunk aiohttp waits on for ever, though it has closed the connection.
    if is_silent := "silence" in name or (client.name == "aiohttp" and name == "a chunk of no size"):
        hows = hows[:2]
    timeout = 0.2 if is_silent else 5
    url = server.on("/x", CUT[name](server))
    with cassette() as recorded:
        live = {how: client.see(url, how, timeout=timeout) for how in hows}
        # Some ways to read do not notice, live and replayed; the recording does.
        # Who reads ahead may have come to the break before he gave the head to his caller.
        jobs = [job for job in recorded.jobs if job.response is not None or not client.reads_ahead]
        assert {job.status for job in recorded.jobs} == {"failed"}
        assert {job.response.end for job in jobs} <= {"failed"}
    server.stop()
    with cassette("none"):
        replayed = {how: client.see(url, how, timeout=timeout) for how in hows}
    for how in hows:
        assert (how, replayed[how]["error"], replayed[how]["pieces"]) == (how, live[how]["error"], live[how]["pieces"])


# Without us too, httpx leaves the generators of such a body to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_body_that_is_not_what_its_encoding_says_fails_again(client, server, cassette):
    url = server.on("/x", server.reply(b"no gzip", ("Content-Encoding", "gzip")))
    with cassette() as recorded:
        live = client.see(url)
        (job,) = recorded.jobs
    # The standard library leaves decoding to its caller.
    assert bool(live["error"]) is (client.name not in ("http.client", "urllib"))
    assert job.response.content == b"no gzip"
    server.stop()
    with cassette("none"):
        assert client.see(url) == live
