"""aiohttp: recorded against real sockets, replayed without any."""

from __future__ import annotations

import asyncio
import errno
import gzip
import io
import socket
import sys
import threading
import time
import zlib

import aiohttp
import brotli
import pytest

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from pytest_recorded import MissingRecording

BODY = b"some text " * 40


def run(ask, *args, **options):
    """Run a coroutine function with a session of its own; nothing may be left over."""

    async def go():
        options.setdefault("cookie_jar", aiohttp.CookieJar(unsafe=True))
        async with aiohttp.ClientSession(**options) as session:
            outcome = await ask(session, *args)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return outcome

    return asyncio.run(go())


@pytest.fixture
def both(server, cassette):
    """A function that asks twice, the second time without a server; it returns what came, and the jobs."""

    def ask_twice(ask, *args, **options):
        with cassette() as block:
            live = run(ask, *args, **options)
            jobs = block.jobs
        server.stop()
        with cassette("none") as block:
            assert run(ask, *args, **options) == live
            assert block._scope.counts["replayed"] == len(jobs)
        return live, jobs

    return ask_twice


async def _text(session, method, url, **more):
    async with session.request(method, url, **more) as response:
        return await response.text()


# Requests.


async def _pieces():
    for piece in (b"one ", b"two"):
        await asyncio.sleep(0)
        yield piece


def _multipart():
    with aiohttp.MultipartWriter("form-data") as parts:
        parts.append("text", {"Content-Disposition": 'form-data; name="a"'})
    return parts


def _form():
    form = aiohttp.FormData()
    form.add_field("purpose", "demo")
    form.add_field("file", io.BytesIO(bytes(range(256))), filename="a.bin")
    return form


BODIES = {
    "bytes": lambda: {"data": b"one two"},
    "text": lambda: {"data": "one two ü"},
    "JSON": lambda: {"json": {"b": 1, "a": [None, 1.5]}},
    "form": lambda: {"data": {"b": "2", "a": "x y"}},
    "async generator": lambda: {"data": _pieces()},
    "file": lambda: {"data": io.BytesIO(b"one two" * 9000)},
    "in chunks": lambda: {"data": b"one two", "chunked": True},
    "compressed": lambda: {"data": b"one two" * 99, "compress": "gzip"},
    "100-continue": lambda: {"data": _pieces(), "expect100": True},
    "100-continue without a body": lambda: {"expect100": True},
    "5 MB": lambda: {"data": io.BytesIO(bytes(5_000_000))},
    "nothing": dict,
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_sent_whole_and_part_of_the_key(name, server, cassette):
    url = server.on("/x", lambda asked: server.reply(b"%d" % len(asked.body)))
    answers = []
    for mode in ("once", "none"):
        with cassette(mode):
            answers.append(run(lambda session: _text(session, "POST", url, **BODIES[name]())))
    assert answers == [str(len(server.asked[0].body))] * 2
    assert server.count == 1
    with pytest.raises(MissingRecording), cassette("none"):
        run(lambda session: _text(session, "POST", url, data=b"another"))


@pytest.mark.parametrize("make", [_multipart, _form])
def test_multipart_bodies_are_the_same_whatever_their_boundary(make, server, cassette):
    url = server.on("/x", server.reply(b"got it"))
    for mode in ("once", "none"):
        with cassette(mode):
            assert run(lambda session: _text(session, "POST", url, data=make())) == "got it"
    assert server.count == 1


def test_a_body_that_fails_to_be_made_fails_its_request_and_is_not_recorded(server, cassette):
    url = server.on("/x", server.reply())

    async def broken():
        yield b"one"
        raise ValueError("no more")

    def fail():
        with pytest.raises((aiohttp.ClientConnectionError, ValueError), match=r"no more|Failed to send"):
            run(lambda session: _text(session, "POST", url, data=broken()))

    for mode in ("once", "none"):
        with cassette(mode) as block:
            fail()
        assert len(block) == 0


@pytest.mark.parametrize("more", [{}, {"data": b"body"}, {"data": b"body", "expect100": True}])
def test_a_miss_reaches_whoever_awaits_the_request(more, server, cassette):
    caught = []

    async def ask(session):
        try:
            await session.post(server.url + "/x", **more)
        except MissingRecording as miss:
            caught.append(miss)

    with pytest.raises(MissingRecording, match="No recording for POST"), cassette("none"):
        run(ask)
    assert (len(caught), server.count) == (1, 0)


# Responses.


def test_base_url_params_cookies_and_headers_belong_to_the_session(server, both):
    server.on("/login", server.reply(b"", ("Set-Cookie", "sid=abc; Path=/"), ("Set-Cookie", "theme=dark; Max-Age=60")))
    server.on("/home", lambda asked: server.reply(asked.target.encode()))

    async def ask(session):
        async with session.get("/login") as response:
            assert [value.partition("=")[0] for value in response.headers.getall("Set-Cookie")] == ["sid", "theme"]
        assert sorted(cookie.key for cookie in session.cookie_jar) == ["sid", "theme"]
        async with session.get("/home", params={"b": "2", "a": "ü"}) as response:
            return await response.text()

    live, _ = both(ask, base_url=server.url, headers={"X-Own": "1"})
    assert live == "/home?b=2&a=%C3%BC"
    assert "theme=dark" in server.asked[1].headers["cookie"]


def test_raise_for_status_and_the_errors_of_json_are_aiohttps_own(server, both):
    missing = server.on("/missing", server.reply(b"gone", status=404, reason="Not Found"))
    page = server.on("/page", server.reply(b"<p>", ("Content-Type", "text/html")))

    async def ask(session):
        with pytest.raises(aiohttp.ClientResponseError) as caught:
            await session.get(missing, raise_for_status=True)
        async with session.get(page) as response:
            with pytest.raises(aiohttp.ContentTypeError):
                await response.json()
        return caught.value.status, caught.value.message, str(caught.value.request_info.real_url)

    assert both(ask)[0] == (404, "Not Found", missing)


def test_redirects_are_calls_of_their_own_and_may_be_left_to_the_caller(server, both):
    first = server.on("/1", server.reply(b"", ("Location", "/2"), status=302))
    server.on("/2", server.reply(b"there"))

    async def ask(session):
        async with session.get(first, allow_redirects=False) as response:
            left = response.status, response.headers["Location"]
        async with session.get(first) as response:
            return left, [str(past.url) for past in response.history], await response.text()

    live, jobs = both(ask)
    assert live == ((302, "/2"), [first], "there")
    assert [job.response.status for job in jobs] == [302, 302, 200]


PACKED = {
    "gzip": gzip.compress(BODY),
    "deflate": zlib.compress(BODY),
    "raw deflate": zlib.compress(BODY)[2:-4],
    "br": brotli.compress(BODY),
    "zstd": zstd.compress(BODY),
}


@pytest.mark.parametrize("name", PACKED)
def test_a_packed_body_is_stored_unpacked_where_aiohttp_unpacks_it(name, server, both):
    encoding = name.rpartition(" ")[2]
    url = server.on("/x", server.reply(PACKED[name], ("Content-Encoding", encoding)))

    async def ask(session):
        async with session.get(url) as response:
            return response.headers["Content-Encoding"], await response.read()

    bare = run(ask)
    assert bare[1] == BODY or name == "zstd"  # which aiohttp does not know before 3.13
    live, (job,) = both(ask)
    assert live == bare
    assert (job.response.content, job.response.encoded) == (bare[1], bare[1] != BODY)


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_who_unpacks_himself_gets_something_to_unpack_or_what_is_unpacked(encoding, server, cassette):
    url = server.on("/x", server.reply(PACKED[encoding], ("Content-Encoding", encoding)))

    async def ask(session):
        async with session.get(url) as response:
            body = await response.read()
            return {"gzip": gzip.decompress, "br": brotli.decompress}.get(
                response.headers.get("Content-Encoding"), bytes
            )(body)

    for mode in ("once", "none"):
        with cassette(mode) as block:
            assert run(ask, auto_decompress=False) == BODY
    assert (block.jobs[0].response.content, server.count) == (BODY, 1)


def test_early_hints_are_no_response(server, both):
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    # Most likely they come apart, which is the better case.
    url = server.on("/x", (hints, lambda _asked: time.sleep(0.01) or b"", server.reply(b"then")))
    live, (job,) = both(_text, "GET", url)
    assert (live, job.response.status) == ("then", 200)


# Streams.

READS = {
    "iter_chunks": lambda content: content.iter_chunks(),
    "iter_any": lambda content: content.iter_any(),
    "iter_chunked": lambda content: content.iter_chunked(3),
    "readline": lambda content: content,
}
TEXT = "Zürich → 東京\nand 🚀 on\r\nlast".encode()


@pytest.fixture
def gated(server):
    """A function that makes a stream whose every part but the first is sent when the part before has been read."""

    def make(*parts):
        gates = [threading.Event() for _ in parts]
        gates[0].set()
        steps = [step for gate, part in zip(gates, parts, strict=True) for step in (gate, part)]
        return server.on("/x", tuple(steps)), iter(gates[1:])

    return make


# Seconds in which a machine under load brings a part across.
PATIENCE = 0.15

FRAMED = {
    "a chunk each": lambda s: (s.head(), s.chunk(TEXT[:2]), s.chunk(TEXT[2:9]), s.chunk(TEXT[9:]), s.chunk()),
    "two chunks at a time": lambda s: (s.head() + s.chunk(b"a"), s.chunk(b"b") + s.chunk(TEXT) + s.chunk()),
    "half a chunk at a time": lambda s: (
        s.head() + s.chunk(TEXT)[:9], s.chunk(TEXT)[9:], s.chunk(b"on") + s.chunk(b"two")[:4], b"wo\r\n0\r\n\r\n",
    ),
    "with length": lambda s: (s.reply(TEXT)[:60], s.reply(TEXT)[60:]),
    "until closed": lambda s: (s.reply(length=None), TEXT[:5], TEXT[5:], "close"),
}  # fmt: skip


@pytest.mark.parametrize("how", READS)
@pytest.mark.parametrize("name", FRAMED)
def test_the_same_pieces_come_again_with_the_same_marks(name, how, server, gated, both):
    url, gates = gated(*FRAMED[name](server))

    async def ask(session):
        got, served, since = [], None, 0.0
        now = asyncio.get_running_loop().time
        async with session.get(url) as response:
            pieces = aiter(READS[how](response.content))
            while True:
                # While it waits the next part is sent, and no sooner: a part for each time that it begins to wait. One
                # that is no whole chunk does not wake it, and is followed by another after a while.
                reading = asyncio.ensure_future(anext(pieces, None))
                while not reading.done():
                    waiter = response.content._waiter
                    if (
                        waiter is not None
                        and not response.content.is_eof()
                        and (waiter is not served or now() - since > PATIENCE)
                    ):
                        next(gates, threading.Event()).set()
                        served, since = waiter, now()
                    await asyncio.sleep(0.002)
                if reading.result() is None:
                    return got
                got.append(reading.result())

    live, (job,) = both(ask)
    assert job.response.end == "complete"
    assert len(live) >= 2


def test_a_caller_has_each_piece_before_the_next_is_sent(server, both):
    gates = [threading.Event() for _ in range(3)]
    lines = [b"data: %d\n" % number for number in range(3)]
    steps = [step for gate, line in zip(gates, lines, strict=True) for step in (gate, server.chunk(line))]
    url = server.on("/x", (server.head(), *steps, server.chunk()))

    async def ask(session):
        async with session.get(url) as response:
            got = []
            for gate in gates:
                gate.set()
                got.append(await response.content.readline())
            return got, await response.content.read()

    assert both(ask)[0] == (lines, b"")


def test_what_a_slow_caller_finds_together_he_finds_together_again(server, both):
    gates = [threading.Event() for _ in range(3)]
    later = [step for gate, part in zip(gates, (b"two", b"three", b""), strict=True) for step in (gate, part)]
    steps = [server.chunk(step) if isinstance(step, bytes) else step for step in later]
    url = server.on("/x", (server.head() + server.chunk(b"one"), *steps))

    async def ask(session):
        async with session.get(url) as response:
            got = [await response.content.readany()]
            for come, gate, following in zip((6, 11), gates, gates[1:], strict=False):
                gate.set()
                while response.content.total_bytes < come and not following.is_set():  # noqa: ASYNC110 - no event
                    await asyncio.sleep(0.001)
            gates[2].set()
            return [*got, await response.content.readany(), await response.content.read()]

    assert both(ask)[0] == [b"one", b"twothree", b""]


async def _some(session, url, limit):
    got = []
    async with session.get(url) as response:
        async for piece in response.content.iter_any():
            got.append(piece)
            if len(got) == limit:
                break
    return got


def test_reading_on_where_the_recorded_caller_closed_is_a_miss(server, cassette):
    url = server.on("/x", (server.head(), server.chunk(b"one"), "hang"))
    with cassette() as block:
        assert run(_some, url, 1) == [b"one"]
        assert [job.response.end for job in block.jobs] == ["closed"]
    server.stop()
    with cassette("none"):
        assert run(_some, url, 1) == [b"one"]
    with pytest.raises(MissingRecording, match="closed the stream there"), cassette("none"):
        run(_some, url, 2)


@pytest.mark.parametrize("answer", ["close", "reset"])
def test_a_body_broken_in_the_middle_says_the_same_again(answer, server, both):
    got = threading.Event()
    url = server.on("/x", (server.head(), server.chunk(b"one"), server.chunk(b"two")[:4], got, answer))

    async def ask(session):
        async with session.get(url) as response:
            pieces = [await response.content.readexactly(4)]
            got.set()
            with pytest.raises(aiohttp.ClientPayloadError) as caught:
                await response.content.read()
            return pieces, str(caught.value)

    assert both(ask)[1][0].status == "failed"


# Failures and time.


def test_a_name_that_is_not_found_and_a_refused_connection_say_what_they_said(server, both):
    server.stop()

    class Resolver(aiohttp.abc.AbstractResolver):
        async def resolve(self, host, port=0, family=socket.AF_INET):
            raise OSError(None, f"no {host}")

        async def close(self):
            pass

    async def ask(session):
        said = []
        for url in (server.url, "http://nowhere.example/"):
            with pytest.raises(aiohttp.ClientConnectorError) as caught:
                await session.get(url)
            error = caught.value
            said.append((type(error), str(error), error.host, error.port, error.ssl, type(error.os_error)))
        connector = aiohttp.TCPConnector(resolver=Resolver())
        async with aiohttp.ClientSession(connector=connector) as other:
            with pytest.raises(aiohttp.ClientConnectorError, match="no elsewhere") as caught:
                await other.get("http://elsewhere.example/")
        return said, caught.value.errno

    # The second name is that of a host which does not exist, whoever is asked for it.
    live, _ = both(ask)
    assert live[0][0][5] is ConnectionRefusedError or errno.ECONNREFUSED


TIMEOUTS = {
    "total": aiohttp.ClientTimeout(total=0.05),
    "sock_read": aiohttp.ClientTimeout(sock_read=0.05),
}


@pytest.mark.parametrize("when", ["before the head", "in the body"])
@pytest.mark.parametrize("name", TIMEOUTS)
def test_a_timeout_of_aiohttps_comes_again_at_once(name, when, server, both, monkeypatch):
    url = server.on("/x", ("hang",) if when == "before the head" else (server.head(), server.chunk(b"one"), "hang"))

    async def ask(session, limits):
        with pytest.raises(TimeoutError) as caught:
            await _text(session, "GET", url, timeout=limits)
        return type(caught.value), str(caught.value)

    _, (job,) = both(ask, TIMEOUTS[name])
    assert job.status == "failed"


def test_a_replayed_timeout_needs_no_time(server, cassette):
    url = server.on("/x", ("hang",))

    async def ask(session, seconds):
        with pytest.raises(TimeoutError):
            await session.get(url, timeout=aiohttp.ClientTimeout(total=seconds))

    with cassette():
        run(ask, 0.05)
    with cassette("none"):
        # An hour would be noticed.
        run(ask, 3600)


def test_a_cancelled_call_waits_to_be_cancelled_again(server, cassette):
    asked = threading.Event()
    url = server.on("/x", (lambda _asked: asked.set() or b"", "hang"))

    async def ask(session, is_live):
        task = asyncio.ensure_future(session.get(url))
        await asyncio.to_thread(asked.wait, 10 if is_live else 0)
        for _ in range(10):
            await asyncio.sleep(0)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with cassette() as block:
        run(ask, True)
        assert [job.status for job in block.jobs] == ["interrupted"]
    server.stop()
    with cassette("none"):
        run(ask, False)


def test_the_loser_of_a_race_loses_again_also_in_the_middle_of_its_body(server, cassette):
    slow = server.on("/slow", (server.head(), server.chunk(b"begun"), "hang"))
    fast = server.on("/fast", server.reply(b"first"))

    async def race(session):
        begun, got = asyncio.Event(), []

        async def lose():
            async with session.get(slow) as response:
                async for piece in response.content.iter_any():
                    got.append(piece)
                    begun.set()

        loser = asyncio.ensure_future(lose())
        await begun.wait()
        got.append(await _text(session, "GET", fast))
        loser.cancel()
        await asyncio.wait([loser])
        return got, loser.cancelled()

    for mode in ("once", "none"):
        with cassette(mode) as block:
            assert run(race) == ([b"begun", "first"], True)
            assert sorted(job.response.end for job in block.jobs) == ["cancelled", "complete"]
        server.stop()


def test_who_gives_up_waiting_for_a_while_reads_on_later(server, both):
    gate = threading.Event()
    url = server.on("/x", (server.head(), server.chunk(b"one"), gate, server.chunk(b"two"), server.chunk()))

    async def ask(session):
        async with session.get(url) as response:
            got = [await response.content.readany()]
            reading = asyncio.ensure_future(response.content.readany())
            await asyncio.sleep(0)
            if not reading.done():
                reading.cancel()
                await asyncio.wait([reading])
            else:
                got.append(reading.result())
            gate.set()
            return b"".join([*got, await response.content.read()])

    live, (job,) = both(ask)
    assert (live, job.response.end) == (b"onetwo", "complete")
