"""While another tool answers for a library, its traffic is left alone; all other traffic is not."""

from __future__ import annotations

import http.client
import urllib.request
from unittest import mock

import anyio
import httpx
import httpx2
import pytest
import respx
import vcr


async def _aget(lib, url):
    async with lib.AsyncClient(trust_env=False) as client:
        return (await client.get(url)).text


def test_httpx_is_left_to_pytest_httpx(httpx_mock, cassette):
    httpx_mock.add_response(text="mocked", is_reusable=True)
    with cassette("none") as block:
        assert httpx.get("http://mocked.example/").text == "mocked"
        assert anyio.run(_aget, httpx, "http://mocked.example/") == "mocked"
        assert len(block) == 0


@pytest.mark.parametrize("using", ["httpcore", "httpx"])
def test_httpx_is_left_to_respx(using, cassette):
    with cassette("none") as block, respx.mock(using=using) as router:
        router.get("http://mocked.example/").respond(text="mocked")
        assert httpx.get("http://mocked.example/").text == "mocked"
        assert anyio.run(_aget, httpx, "http://mocked.example/") == "mocked"
        assert len(block) == 0


def test_a_transport_around_one_that_respx_answers_for_is_left_to_it_too(cassette):
    class Around(httpx.BaseTransport):
        def __init__(self):
            self.inner = httpx.HTTPTransport()

        def handle_request(self, request):
            return self.inner.handle_request(request)

    with cassette("none") as block, respx.mock() as router, httpx.Client(transport=Around()) as client:
        router.get("http://mocked.example/").respond(text="mocked")
        assert client.get("http://mocked.example/").text == "mocked"
        assert len(block) == 0


def test_what_the_other_tool_does_not_answer_for_is_recorded_meanwhile(server, cassette):
    url = server.on("/x", server.reply(b"real"))
    for mode in ("once", "none"):
        with cassette(mode) as block, respx.mock() as router:
            router.get(url).respond(text="mocked")
            assert httpx.get(url).text == "mocked"
            assert httpx2.get(url, trust_env=False).text == "real"
            assert urllib.request.urlopen(url).read() == b"real"
            assert len(block) == 2
        server.stop()


def test_after_the_other_tool_has_gone_calls_are_recorded_again(server, cassette):
    url = server.on("/x", server.reply(b"real"))
    for mode in ("once", "none"):
        with cassette(mode) as block:
            with respx.mock() as router:
                router.get(url).respond(text="mocked")
                assert httpx.get(url).text == "mocked"
            assert httpx.get(url, trust_env=False).text == "real"
            assert len(block) == 1
        server.stop()


def test_a_transport_method_replaced_by_a_mock_is_left_alone(cassette):
    answer = mock.Mock(return_value=httpx.Response(200, text="mocked"))
    with cassette("none") as block, mock.patch.object(httpx.HTTPTransport, "handle_request", answer):
        assert httpx.get("http://mocked.example/").text == "mocked"
        assert len(block) == 0


def test_a_wrapper_that_only_looks_on_does_not_keep_calls_from_being_recorded(server, cassette, monkeypatch):
    url = server.on("/x", server.reply(b"real"))
    inner = httpx.HTTPTransport.handle_request
    seen = []

    def handle_request(self, request):
        seen.append(request.url)
        return inner(self, request)

    # As tracing tools do, which pass for what they wrap.
    handle_request.__module__ = inner.__module__
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", handle_request)
    for mode in ("once", "none"):
        with cassette(mode):
            assert httpx.get(url, trust_env=False).text == "real"
        server.stop()
    assert len(seen) == 1


def _ask(how, url, port):
    if how == "httpx":
        return httpx.get(url, trust_env=False).content
    if how == "urllib":
        return urllib.request.urlopen(url).read()
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/x")
    try:
        return connection.getresponse().read()
    finally:
        connection.close()


@pytest.mark.parametrize("how", ["httpx", "urllib", "http.client"])
def test_calls_are_left_to_vcrpy(how, server, cassette, tmp_path):
    url = server.on("/x", server.reply(b"real"))
    for _ in range(2):
        with cassette() as block, vcr.use_cassette(str(tmp_path / "vcr.yaml"), record_mode="once"):
            assert _ask(how, url, server.port) == b"real"
            assert len(block) == 0
    assert server.count == 1
