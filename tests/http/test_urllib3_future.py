"""urllib3-future, which may be installed under urllib3's name, and niquests on top of it.

What urllib3 and requests do is tested with it too, by the other files of this folder, where it is installed.
"""

from __future__ import annotations

import asyncio
import gzip
import io
import threading
import time
import types
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_recorded import MissingRecording

niquests = pytest.importorskip("niquests", reason="niquests is not installed, and so urllib3 is the original")
# Under the name that it has here.
urllib3 = niquests.packages.urllib3
FLAVOURS = ["niquests", "niquests-async"]
FAILURES = (OSError, niquests.exceptions.RequestException, urllib3.exceptions.HTTPError)


def _options(more):
    return {"timeout": 5, "stream": more.pop("how", "read") != "read", **more}


def _of(response, pieces, how):
    return {
        "status": response.status_code,
        "reason": response.reason,
        "url": response.url,
        "headers": list(response.raw.headers.items()),
        "version": (response.raw.version, response.http_version),
        "history": [(past.status_code, past.url) for past in response.history],
        "cookies": sorted(response.cookies.keys()),
        "pieces": pieces if how != "read" else [response.content],
    }


def _see_sync(method, url, how, make, session, more):
    with niquests.Session(**session) as client:
        client.trust_env = False
        try:
            response = client.request(method, url, **_options({"how": how, **more, **make()}))
            pieces = {
                "read": list,
                "content": lambda: list(response.iter_content(4)),
                "raw": lambda: [response.raw.read(decode_content=False)],
                "lines": lambda: list(response.iter_lines()),
            }[how]()
            return _of(response, pieces, how)
        except FAILURES as error:
            return type(error), _without_address(str(error))


async def _see_async(method, url, how, make, session, more):
    async with niquests.AsyncSession(**session) as client:
        client.trust_env = False
        try:
            response = await client.request(method, url, **_options({"how": how, **more, **make()}))
            pieces = []
            if how == "content":
                pieces = [piece async for piece in await response.iter_content(4)]
            elif how == "raw":
                pieces = [await response.raw.read(decode_content=False)]
            elif how == "lines":
                pieces = [line async for line in response.iter_lines()]
            return _of(response, pieces, how)
        except FAILURES as error:
            return type(error), _without_address(str(error))


def _whole(seen):
    return {**seen, "pieces": b"".join(seen["pieces"])} if isinstance(seen, dict) else seen


def _without_address(text):
    return text.partition(" at 0x")[0]


@pytest.fixture(params=FLAVOURS)
def see(request):
    """Makes a request with each flavour, and returns what can be seen of its response."""

    def see(url, how="read", method="GET", make=dict, session=None, **more):
        args = (method, url, how, make, session or {}, more)
        return asyncio.run(_see_async(*args)) if request.param == "niquests-async" else _see_sync(*args)

    return see


ANSWERS = {
    "JSON": lambda s: (s.reply(b'{"a": 1e2}', ("Content-Type", "application/json")),),
    "repeated headers": lambda s: s.reply(b"x", ("X-Part", "1"), ("X-Part", "2")),
    "chunked": lambda s: s.chunked(b"one\n", b"two\nth", b"ree"),
    "gzip": lambda s: (s.reply(gzip.compress(b"plain " * 99, mtime=0), ("Content-Encoding", "gzip")),),
    "bytes": lambda s: (s.reply(bytes(range(256)) * 300),),
    "nothing": lambda s: (s.reply(b""),),
    "204": lambda s: (s.reply(status=204, reason="No Content", length=None),),
    "304": lambda s: (s.reply(b"", ("Content-Length", "99"), status=304, reason="Not Modified", length=None),),
    "404": lambda s: (s.reply(b"gone", status=404, reason="Not Found"),),
    "without length": lambda s: (s.reply(b"until the end", ("Connection", "close"), length=None), "close"),
    "HTTP/1.0": lambda s: (s.reply(b"old", version="HTTP/1.0", length=None), "close"),
    "cut": lambda s: (s.reply(b"ab", length=9), "close"),
    "cut in a chunk": lambda s: (s.head(), b"9\r\nab", "close"),
    "closed": lambda s: ("close",),
    "reset": lambda s: ("reset",),
}


@pytest.mark.parametrize("how", ["read", "content", "raw", "lines"])
@pytest.mark.parametrize("name", ANSWERS)
def test_a_replayed_response_is_the_recorded_one_and_that_is_the_live_one(name, how, see, server, cassette):
    url = server.on("/x", ANSWERS[name](server))
    bare = see(url, how)
    with cassette() as block:
        live = see(url, how)
        assert len(block) == 1
    # Where a body of many packets is cut is not the same twice, but for a replay.
    assert _whole(live) == _whole(bare)
    server.stop()
    with cassette("none"):
        replayed = see(url, how)
    if how == "raw" and name == "gzip":
        # It is packed anew.
        live["pieces"], replayed["pieces"] = ([gzip.decompress(seen["pieces"][0])] for seen in (live, replayed))
        live["headers"] = replayed["headers"] = [pair for pair in live["headers"] if pair[0] != "Content-Length"]
    elif name == "gzip":
        for seen in (live, replayed):
            seen["headers"] = [pair for pair in seen["headers"] if pair[0] != "Content-Length"]
    assert replayed == live


def _async_pieces():
    async def pieces():
        yield b"da"
        yield b"ta"

    return pieces()


BODIES = {
    "bytes": lambda: {"data": b"data"},
    "text": lambda: {"data": "data ü"},
    "form": lambda: {"data": {"b": "2", "a": ["1", "x y"]}},
    "JSON": lambda: {"json": {"b": 1, "a": [None]}},
    "upload": lambda: {"files": {"file": ("a.txt", io.BytesIO(b"data"), "text/plain")}, "data": {"a": "1"}},
    "generator": lambda: {"data": (piece for piece in (b"da", b"ta"))},
    "file": lambda: {"data": io.BytesIO(b"data")},
    "text file": lambda: {"data": io.StringIO("data")},
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_sent_as_ever_and_found_again(name, see, server, cassette):
    url = server.on("/x", lambda asked: server.reply(asked.body))
    bare = see(url, method="POST", make=BODIES[name])
    for mode in ("once", "none"):
        with cassette(mode):
            seen = see(url, method="POST", make=BODIES[name])
            assert seen["status"] == 200
            if name != "upload":
                assert seen == bare
    bare, recorded = server.asked
    framing = {"transfer-encoding", "content-length", "content-type"} - (
        {"content-type"} if name == "upload" else set()
    )
    assert {key: bare.headers.get(key) for key in framing} == {key: recorded.headers.get(key) for key in framing}
    assert name == "upload" or bare.body == recorded.body
    with pytest.raises(MissingRecording), cassette("none"):
        see(url, method="POST", make=lambda: {"data": b"another"})
    assert server.count == 2


def test_an_asynchronous_generator_is_sent_and_found_again(server, cassette):
    url = server.on("/x", lambda asked: server.reply(asked.body))

    async def post():
        async with niquests.AsyncSession() as session:
            return (await session.post(url, data=_async_pieces(), timeout=5)).content

    for mode in ("once", "none"):
        with cassette(mode):
            assert asyncio.run(post()) == b"data"
    assert server.count == 1


def test_redirects_cookies_and_retries_are_calls_of_their_own_and_do_not_wait(see, server, cassette, monkeypatch):
    server.on("/1", server.reply(b"", ("Location", "/2"), ("Set-Cookie", "sid=42; Path=/"), status=302, reason="Found"))
    busy = server.reply(b"", ("Retry-After", "1"), status=503), server.reply(b"", status=503)
    server.on("/2", *busy, server.reply(b"there"))
    retries = urllib3.Retry(3, backoff_factor=1, status_forcelist=[503])
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr(urllib3.util.retry, "time", types.SimpleNamespace(sleep=slept.append, time=time.time))
    monkeypatch.setattr(urllib3.util.retry, "asyncio", types.SimpleNamespace(sleep=sleep))
    with cassette() as block:
        live = see(server.url + "/1", session={"retries": retries})
        assert [job.response.status for job in block.jobs] == [302, 503, 503, 200]
    assert slept
    assert live["pieces"] == [b"there"]
    server.stop()
    slept.clear()
    with cassette("none"):
        assert see(server.url + "/1", session={"retries": retries}) == live
    assert slept == []


def test_a_refused_connection_and_a_silent_server_fail_alike_again(see, server, cassette):
    silent = server.on("/silent", ("hang",))
    with cassette():
        timed_out = see(silent, timeout=0.2)
    server.stop()
    with cassette("new_episodes"):
        refused = see(server.url + "/refused")
    assert (timed_out[0], refused[0]) == (niquests.exceptions.ReadTimeout, niquests.exceptions.ConnectionError)
    with cassette("none"):
        assert (see(silent, timeout=0.2), see(server.url + "/refused")) == (timed_out, refused)


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("preload", [False, True])
def test_a_pools_body_that_stops_coming_says_what_it_said(preload, is_async, server, cassette):
    url = server.on("/x", (server.reply(b"body", length=9), "hang"))
    options = {"timeout": urllib3.Timeout(connect=5, read=0.05), "retries": False, "preload_content": preload}

    async def aread():
        async with urllib3.AsyncPoolManager() as manager:
            response = await manager.request("GET", url, **options)
            return await response.data

    def read():
        with pytest.raises(urllib3.exceptions.ReadTimeoutError) as caught:
            if is_async:
                asyncio.run(aread())
            else:
                with urllib3.PoolManager() as manager:
                    return manager.request("GET", url, **options).data
        return _without_address(str(caught.value)), caught.value.pool is None

    live = read()
    assert live[1] is preload
    for mode in ("once", "none"):
        with cassette(mode):
            assert read() == live
    assert server.count == 2


@pytest.mark.parametrize("eyeballs", [False, True])
def test_a_replay_opens_no_connection(eyeballs, see, server, cassette, monkeypatch):
    url = server.on("/x", server.reply(b"x"))
    with cassette():
        see(url, session={"happy_eyeballs": eyeballs})

    def refuse(*args, **kwargs):
        raise AssertionError("a replay has resolved a name or connected")

    monkeypatch.setattr(urllib3.connection.HTTPConnection, "connect", refuse)
    monkeypatch.setattr(urllib3.AsyncHTTPConnectionPool.ConnectionCls, "connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    with cassette("none"):
        assert see(url, session={"happy_eyeballs": eyeballs})["pieces"] == [b"x"]
    assert server.count == 1


def test_a_pool_races_for_addresses_again_after_a_block(server, cassette):
    server.on("/x", server.reply(b"x"))
    pool = urllib3.HTTPConnectionPool("localhost", server.port, happy_eyeballs=True)
    with cassette(), pool:
        assert pool.happy_eyeballs is False
        assert pool.request("GET", "/x").data == b"x"
    assert pool.happy_eyeballs is True


def test_the_pieces_of_a_stream_come_one_by_one_while_it_is_recorded(server, cassette):
    gate = threading.Event()
    url = server.on("/x", (server.head(), server.chunk(b"first\n"), gate, server.chunk(b"second\n"), server.chunk()))
    with cassette(), niquests.get(url, stream=True, timeout=5) as response:
        pieces = response.iter_content(-1)
        assert next(pieces) == b"first\n"
        gate.set()
        assert list(pieces) == [b"second\n"]
    server.stop()
    with cassette("none"), niquests.get(url, stream=True, timeout=5) as response:
        assert list(response.iter_content(-1)) == [b"first\n", b"second\n"]


def test_a_stream_that_was_left_early_is_a_miss_further_on(server, cassette):
    url = server.on("/x", (server.head(), server.chunk(b"first"), "hang"))
    with cassette() as block:
        with niquests.get(url, stream=True, timeout=5) as response:
            assert next(response.iter_content(-1)) == b"first"
        assert [job.response.end for job in block.jobs] == ["closed"]
    server.stop()
    with cassette("none"), niquests.get(url, stream=True, timeout=5) as response:
        assert next(response.iter_content(-1)) == b"first"
    with (
        pytest.raises(MissingRecording),
        cassette("none"),
        niquests.get(url, stream=True, timeout=5) as response,
    ):
        list(response.iter_content(-1))


def test_a_cancelled_task_is_recorded_and_its_replay_waits_to_be_cancelled(server, cassette):
    url = server.on("/x", ("hang",))

    async def ask():
        async with niquests.AsyncSession() as session:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(session.get(url), 0.1)

    with cassette():
        asyncio.run(ask())
    server.stop()
    with cassette("none"):
        asyncio.run(ask())


def test_no_request_of_32_threads_and_100_tasks_reaches_the_server_twice(server, cassette):
    server.on("/x", lambda asked: server.reply(asked.target.encode()))

    async def ask():
        async with niquests.AsyncSession() as session:
            responses = await asyncio.gather(*(session.get(f"{server.url}/x?t={n}", timeout=9) for n in range(100)))
            return [response.text for response in responses]

    for mode in ("once", "none"):
        with cassette(mode), niquests.Session() as session, ThreadPoolExecutor(32) as pool:
            urls = [f"{server.url}/x?n={n}" for n in range(64)]
            texts = list(pool.map(lambda url: session.get(url, timeout=9).text, urls))
            assert texts == [f"/x?n={n}" for n in range(64)]
            assert asyncio.run(ask()) == [f"/x?t={n}" for n in range(100)]
        if mode == "once":
            server.stop()
    assert server.count == 164


def test_the_callers_own_hooks_see_an_answers_version(see, server, cassette):
    url = server.on("/x", server.reply(b"x"))
    for mode in ("once", "none"):
        with cassette(mode):
            assert see(url)["version"] == (11, 11)
