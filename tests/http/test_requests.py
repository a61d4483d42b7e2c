"""What is asked: bodies of every sort, and which requests are the same."""

from __future__ import annotations

import io
import json
import urllib.parse
import urllib.request

import anyio
import httpx
import httpx2
import pytest

from pytest_recorded import MissingRecording

BOTH = pytest.mark.parametrize("lib", [httpx, httpx2], ids=["httpx", "httpx2"])
BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])


@pytest.fixture
def url(server):
    """A page that answers with the request's body."""
    return server.on("/x", lambda asked: server.reply(asked.body))


async def _pieces():
    yield b"da"
    yield b"ta"


SYNC_BODIES = {
    "bytes": lambda: {"content": b"data"},
    "text": lambda: {"content": "data ü"},
    "generator": lambda: {"content": (piece for piece in (b"da", b"ta"))},
    "file": lambda: {"content": io.BytesIO(b"data")},
    "form": lambda: {"data": {"b": "2", "a": ["1", "x y"]}},
    "JSON": lambda: {"json": {"b": 1, "a": [None, 1.5]}},
    "upload": lambda: {"files": {"file": ("a.txt", io.BytesIO(b"data"), "text/plain")}, "data": {"a": "1"}},
    "binary upload": lambda: {"files": [("f", ("a.bin", bytes(range(256)))), ("f", ("b.bin", b"\0" * 9000))]},
    "nothing": dict,
}
ASYNC_BODIES = {**SYNC_BODIES, "generator": lambda: {"content": _pieces()}, "file": lambda: {"content": b"data"}}


@pytest.mark.parametrize("name", SYNC_BODIES)
@BOTH
def test_a_body_is_sent_and_found_again(lib, name, url, server, cassette):
    for mode in ("once", "none"):
        with cassette(mode) as block, lib.Client(trust_env=False) as client:
            assert client.post(url, **SYNC_BODIES[name]()).content == server.asked[0].body
            assert len(block) == 1
        server.stop()
    assert server.count == 1


@pytest.mark.parametrize("name", ASYNC_BODIES)
@BACKENDS
def test_an_asynchronous_body_is_sent_and_found_again(backend, name, url, server, cassette):
    async def post():
        async with httpx2.AsyncClient(trust_env=False) as client:
            return (await client.post(url, **ASYNC_BODIES[name]())).content

    for mode in ("once", "none"):
        with cassette(mode):
            assert anyio.run(post, backend=backend) == server.asked[0].body
        server.stop()
    assert server.count == 1


@BOTH
def test_a_streamed_body_is_used_up_by_its_request_as_ever(lib, url, server, cassette):
    moved = server.on("/moved", server.reply(b"", ("Location", "/x"), status=307))

    def post(client, to):
        return client.post(to, content=(piece for piece in (b"da", b"ta")), follow_redirects=True)

    with lib.Client(trust_env=False) as client, pytest.raises(lib.StreamConsumed) as bare:
        post(client, moved)
    for mode in ("once", "none"):
        with cassette(mode), lib.Client(trust_env=False) as client:
            request = post(client, url).request
            with pytest.raises(lib.RequestNotRead):
                request.content  # noqa: B018 - asking is the point
            with pytest.raises(lib.StreamConsumed) as caught:
                post(client, moved)
        assert str(caught.value) == str(bare.value)
        server.stop()


@BOTH
def test_a_body_that_fails_while_it_is_read_is_no_call(lib, url, server, cassette):
    def broken():
        yield b"da"
        raise RuntimeError("no more")

    for mode in ("once", "none"):
        with cassette(mode) as block, lib.Client(trust_env=False) as client:
            with pytest.raises(RuntimeError, match="no more"):
                client.post(url, content=broken())
            assert len(block) == 0


@BOTH
def test_a_synchronous_body_for_an_asynchronous_client_fails_as_ever(lib, url, server, cassette):
    async def post():
        async with lib.AsyncClient(trust_env=False) as client:
            await client.post(url, content=iter([b"da"]))

    with pytest.raises(RuntimeError) as bare:
        anyio.run(post)
    with cassette(), pytest.raises(RuntimeError) as caught:
        anyio.run(post)
    assert str(caught.value) == str(bare.value)


# Requests that mean the same, put in other words or through another library; and some that do not.


def _urllib(url, content=None, headers=(), method=None):
    request = urllib.request.Request(url, content, dict(headers), method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as response:
        return response.read()


JSON = [("Content-Type", "application/json")]
FORM = [("Content-Type", "application/x-www-form-urlencoded")]
SAME = {
    "GET": ({}, _urllib),
    "query": ({"params": {"b": "2 3", "a": "ü"}}, lambda url: _urllib(url + "?a=%C3%BC&b=2%203")),
    "JSON": (
        {"method": "POST", "json": {"b": [1, "ü"], "a": None}},
        lambda url: _urllib(url, json.dumps({"a": None, "b": [1, "ü"]}, indent=2).encode(), JSON),
    ),
    "form": (
        {"method": "POST", "data": {"b": "2", "a": "1 2"}},
        lambda url: _urllib(url, urllib.parse.urlencode({"a": "1 2", "b": "2"}).encode(), FORM),
    ),
    "text": (
        {"method": "PUT", "content": "plain ü"},
        lambda url: _urllib(url, "plain ü".encode(), [("Content-Type", "text/plain")], "PUT"),
    ),
    "DELETE": ({"method": "DELETE"}, lambda url: _urllib(url, method="DELETE")),
}


@pytest.mark.parametrize("name", SAME)
@BOTH
def test_a_request_is_found_again_by_another_library(lib, name, url, server, cassette):
    asked, by_urllib = SAME[name]
    other = httpx2 if lib is httpx else httpx

    def request(library):
        return library.request(**{"method": "GET", "url": url, "trust_env": False, **asked}).content

    with cassette(scope="from httpx"):
        recorded = request(lib)
    with cassette(scope="from urllib"):
        assert len(by_urllib(url)) == len(server.asked[1].body)
    server.stop()
    with cassette("none", scope="from httpx"):
        assert request(other) == recorded
    with cassette("none", scope="from httpx"):
        assert by_urllib(url) == recorded
    with cassette("none", scope="from urllib"):
        assert request(lib) == server.asked[1].body


def test_a_host_in_capitals_is_the_same_host(server, cassette, client):
    url = server.on("/x", server.reply(b"x")).replace("127.0.0.1", "LOCALHOST")
    with cassette():
        client.see(url)
    server.stop()
    with cassette("none"):
        assert httpx.get(url.lower()).content == b"x"
    with cassette("none"):
        assert _urllib(url) == b"x"


OTHERS = {
    "another method": {"method": "PUT"},
    "another path": {"url": "/y"},
    "another query": {"params": {"a": "2"}},
    "another body": {"json": {"a": 2}},
    "no body": {"json": None},
}


@pytest.mark.parametrize("name", OTHERS)
@BOTH
def test_another_request_is_a_miss(lib, name, server, url, cassette):
    server.on("/y", server.reply(b"y"))
    asked = {"method": "POST", "url": "/x", "params": {"a": "1"}, "json": {"a": 1}}
    with cassette(), lib.Client(base_url=server.url, trust_env=False) as client:
        client.request(**asked)
    with pytest.raises(MissingRecording), cassette("none"), lib.Client(base_url=server.url) as client:
        client.request(**{**asked, **OTHERS[name]})
    assert server.count == 1


FAILURES = {
    "closed before any response": ("close",),
    "cut": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut", "close"),
    "silence": ("hang",),
}


@pytest.mark.parametrize("name", [*FAILURES, "refused"])
def test_failures_come_as_those_of_the_library_that_asks(name, server, cassette):
    url = server.on("/x", FAILURES.get(name, b""))
    if name == "refused":
        server.stop()

    def by_httpx(lib):
        return lib.get(url, timeout=0.05, trust_env=False)

    def by_urllib(_):
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=0.05) as response:
            return response.read()

    ways = [(by_httpx, httpx), (by_httpx, httpx2), (by_urllib, None)]
    bare = []
    for ask, lib in ways:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - it is what the others are compared with
            ask(lib)
        bare.append(caught.type)
    for number, (ask, lib) in enumerate(ways):
        with cassette(scope=str(number)), pytest.raises(bare[number]):
            ask(lib)
    server.stop()
    for number in range(len(ways)):
        for (ask, lib), expected in zip(ways, bare, strict=True):
            with cassette("none", scope=str(number)), pytest.raises(expected):
                ask(lib)
