"""Which transports of httpx and httpx2 are recorded, and which are left alone."""

from __future__ import annotations

import gzip

import anyio
import httpx
import httpx2
import pytest
import starlette.applications
import starlette.responses
import starlette.routing
import starlette.testclient

BOTH = pytest.mark.parametrize("lib", [httpx, httpx2], ids=["httpx", "httpx2"])


@pytest.fixture
def url(server):
    """A page that says who asked for it."""
    return server.on("/x", lambda asked: server.reply(f"{asked.method} {asked.target}".encode()))


@BOTH
def test_a_client_with_base_url_and_params_is_recorded(lib, url, server, cassette):
    for mode in ("once", "none"):
        with cassette(mode), lib.Client(base_url=server.url, params={"b": "2"}, trust_env=False) as client:
            assert client.get("x", params={"a": "1"}).text == "GET /x?b=2&a=1"
        server.stop()


@BOTH
def test_event_hooks_see_recorded_and_replayed_calls(lib, url, server, cassette):
    seen = []

    def on_response(response):
        response.read()
        seen.append((response.status_code, response.text, response.request.method))

    hooks = {"request": [lambda request: seen.append(str(request.url))], "response": [on_response]}
    for mode in ("once", "none"):
        with cassette(mode), lib.Client(event_hooks=hooks, trust_env=False) as client:
            client.get(url)
        server.stop()
    assert seen == [url, (200, "GET /x", "GET")] * 2


@BOTH
def test_a_subclass_of_a_client_is_recorded(lib, url, server, cassette):
    class Traced(lib.Client):
        def send(self, request, **more):
            response = super().send(request, **more)
            response.extensions["traced"] = True
            return response

    for mode in ("once", "none"):
        with cassette(mode) as block, Traced(trust_env=False) as client:
            assert client.get(url).extensions["traced"]
            assert len(block) == 1
        server.stop()


@BOTH
def test_top_level_functions_are_recorded(lib, url, server, cassette):
    for mode in ("once", "none"):
        with cassette(mode):
            assert lib.get(url).text == "GET /x"
            with lib.stream("GET", url) as response:
                assert b"".join(response.iter_bytes()) == b"GET /x"
        server.stop()


def _custom(lib, make):
    """Return transports of a user's own that answer with what `make` returns, and the log of their calls."""
    calls = []

    class Custom(lib.BaseTransport):
        def handle_request(self, request):
            calls.append(str(request.url))
            return make()

    class AsyncCustom(lib.AsyncBaseTransport):
        async def handle_async_request(self, request):
            calls.append(str(request.url))
            return make()

    return Custom, AsyncCustom, calls


RESPONSES = {
    "json": lambda lib: lib.Response(200, json={"a": 1}),
    "status alone": lambda lib: lib.Response(404),
    "html": lambda lib: lib.Response(201, html="<p>ü</p>", headers={"X-A": "1"}),
    "encoded content": lambda lib: lib.Response(
        200, headers={"Content-Encoding": "gzip"}, content=gzip.compress(b"zipped", mtime=0)
    ),
    "byte stream": lambda lib: lib.Response(200, stream=lib.ByteStream(b"streamed")),
    "own extensions": lambda lib: lib.Response(200, text="x", extensions={"reason_phrase": b"Fine"}),
}


def _visible(response):
    return (response.status_code, response.reason_phrase, response.http_version, response.content, response.text)


@pytest.mark.parametrize("name", RESPONSES)
@BOTH
def test_a_transport_of_the_users_own_is_recorded(lib, name, cassette):
    custom, acustom, calls = _custom(lib, lambda: RESPONSES[name](lib))

    async def ask():
        async with lib.AsyncClient(transport=acustom()) as client:
            return await client.get("http://own.example/async")

    bare = lib.Client(transport=custom()).get("http://own.example/sync")
    for mode in ("once", "none"):
        with cassette(mode) as block:
            with lib.Client(transport=custom()) as client:
                response = client.get("http://own.example/sync")
            assert _visible(response) == _visible(bare)
            assert _visible(anyio.run(ask)) == _visible(bare)
            assert [job.response.end for job in block.jobs] == ["complete"] * 2
    assert len(calls) == 3


@BOTH
def test_a_mounted_transport_is_recorded(lib, cassette):
    custom, _, calls = _custom(lib, lambda: lib.Response(200, text="mounted"))
    for mode in ("once", "none"):
        with cassette(mode), lib.Client(mounts={"all://own.example": custom()}, trust_env=False) as client:
            assert client.get("http://own.example/").text == "mounted"
    assert len(calls) == 1


@BOTH
def test_what_a_transport_retries_inside_is_one_call(lib, server, cassette):
    url = server.on("/x", server.reply(status=503), server.reply(b"done"))

    class Retrying(lib.BaseTransport):
        def __init__(self):
            self.inner = lib.HTTPTransport()

        def handle_request(self, request):
            response = self.inner.handle_request(request)
            if response.status_code == 503:
                response.close()
                return self.inner.handle_request(request)
            return response

        def close(self):
            self.inner.close()

    for mode in ("once", "none"):
        with cassette(mode) as block, lib.Client(transport=Retrying()) as client:
            assert client.get(url).text == "done"
            assert len(block) == 1
    assert server.count == 2


@BOTH
def test_transports_for_tests_are_left_alone(lib, cassette):
    async def app(scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"asgi"})

    def wsgi(_environ, start_response):
        start_response("200 OK", [])
        return [b"wsgi"]

    async def ask():
        async with lib.AsyncClient(transport=lib.ASGITransport(app)) as client:
            return (await client.get("http://app.example/")).text

    class Mocked(lib.MockTransport):
        """So is what derives from one."""

    with cassette("none") as block:
        assert (
            lib.Client(transport=lib.MockTransport(lambda _: lib.Response(200, text="mock")))
            .get("http://x/")
            .is_success
        )
        assert lib.Client(transport=Mocked(lambda _: lib.Response(200, text="mock"))).get("http://x/").is_success
        assert lib.Client(transport=lib.WSGITransport(wsgi)).get("http://app.example/").text == "wsgi"
        assert anyio.run(ask) == "asgi"
        assert len(block) == 0


@BOTH
def test_a_transport_that_says_so_is_left_alone(lib, cassette):
    custom, acustom, calls = _custom(lib, lambda: lib.Response(200, text="own"))

    class Alone(custom):
        __recorded__ = False

    class AsyncAlone(acustom):
        __recorded__ = False

    async def ask():
        async with lib.AsyncClient(transport=AsyncAlone()) as client:
            return (await client.get("http://own.example/")).text

    with cassette("none") as block:
        assert lib.Client(transport=Alone()).get("http://own.example/").text == "own"
        assert anyio.run(ask) == "own"
        assert len(block) == 0
    assert len(calls) == 2


def test_the_test_client_of_starlette_is_left_alone(cassette, url, server):
    async def page(_request):
        # What the application itself asks the world for is recorded.
        async with httpx2.AsyncClient(trust_env=False) as client:
            return starlette.responses.PlainTextResponse((await client.get(url)).text)

    app = starlette.applications.Starlette(routes=[starlette.routing.Route("/", page)])
    for mode in ("once", "none"):
        with cassette(mode) as block, starlette.testclient.TestClient(app) as client:
            assert client.get("/").text == "GET /x"
            assert [job.request.url for job in block.jobs] == [url]
        server.stop()
