"""aiohttp and what is around it: pools, proxies, TLS, hooks, other tools and the libraries on top of it."""

from __future__ import annotations

import asyncio
import gc
import http.client
import socket
import ssl
import urllib.request

import aiohttp
import anthropic
import httpx
import httpx_aiohttp
import openai
import pytest
import requests
import vcr
from aiohttp import test_utils, web
from aioresponses import aioresponses

from pytest_recorded import use_cassette


async def _get(url, connector=None, **more):
    async with aiohttp.ClientSession(connector=connector) as session, session.get(url, **more) as response:
        return await response.text()


# Many at the same time, and the pool of real connections.


@pytest.fixture
def echo(server):
    """A page that says what it was asked."""
    return server.on("/x", lambda asked: server.reply(asked.target.encode()))


@pytest.mark.parametrize("order", [1, -1])
def test_of_200_coroutines_with_one_session_each_is_recorded_once_and_none_is_asked_again(
    order, echo, server, cassette
):
    async def ask(numbers):
        async with aiohttp.ClientSession() as session:

            async def one(number):
                async with session.get(f"{echo}?n={number}") as response:
                    return await response.text()

            return dict(zip(numbers, await asyncio.gather(*map(one, numbers)), strict=True))

    expected = {number: f"/x?n={number}" for number in range(200)}
    with cassette() as block:
        assert asyncio.run(ask(range(200))) == expected
        assert (len(block), server.count) == (200, 200)
    server.stop()
    with cassette("none"):
        assert asyncio.run(ask(range(200)[::order])) == expected
    assert server.count == 200


@pytest.mark.parametrize("limits", [{"limit": 2}, {"limit_per_host": 2}, {"force_close": True, "limit": 2}])
def test_the_limits_of_a_connector_hold_while_recording(limits, server, cassette):
    together, most = set(), []

    def note(asked):
        together.add(asked.connection)
        most.append(len(together))
        return b""

    def forget(asked):
        together.discard(asked.connection)
        return server.reply(b"done")

    url = server.on("/x", (note, forget))

    async def ask():
        connector = aiohttp.TCPConnector(**limits)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def one(number):
                async with session.get(url, params={"n": number}) as response:
                    assert len(connector._acquired) <= 2
                    return await response.text()

            got = await asyncio.gather(*map(one, range(12)))
            assert not connector._acquired
            return got

    for mode in ("once", "none"):
        with cassette(mode):
            assert asyncio.run(ask()) == ["done"] * 12
        server.stop()
    assert max(most) <= 2


def test_connections_are_kept_while_recording_and_none_of_a_replay_is_pooled(echo, server, cassette):
    async def ask(count):
        connector = aiohttp.TCPConnector()
        async with aiohttp.ClientSession(connector=connector) as session:
            for number in range(count):
                async with session.get(echo, params={"n": number}) as response:
                    await response.read()
            return sum(map(len, connector._conns.values()))

    with cassette():
        assert asyncio.run(ask(3)) == 1
    assert len({asked.connection for asked in server.asked}) == 1
    with cassette("none"):
        assert asyncio.run(ask(3)) == 0
    # What is new goes live beside what is recorded, over a connection that knows nothing of it.
    with cassette("new_episodes"):
        assert asyncio.run(ask(5)) == 1
    assert server.count == 5


def test_a_response_that_nobody_closes_leaves_nothing_behind(server, cassette):
    url = server.on("/x", server.reply(b"x" * 9))
    for mode in ("once", "none"):
        with cassette(mode):

            async def ask():
                async with aiohttp.ClientSession() as session:
                    response = await session.get(url)
                    await response.read()
                    del response

            asyncio.run(ask())
            gc.collect()
        server.stop()


# Ways to a server.


def test_a_unix_socket_is_recorded(server, cassette, tmp_path):
    path = str(tmp_path / "s")

    async def ask(is_live):
        async def answer(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(server.reply(b"by socket"))
            await writer.drain()
            writer.close()

        listening = await asyncio.start_unix_server(answer, path) if is_live else None
        text = await _get("http://localhost/x", aiohttp.UnixConnector(path))
        if listening is not None:
            listening.close()
            await listening.wait_closed()
        return text

    for mode in ("once", "none"):
        with cassette(mode):
            assert asyncio.run(ask(mode == "once")) == "by socket"


def test_a_socket_that_is_not_there_is_not_there_again(cassette, tmp_path):
    async def ask():
        return await _get("http://localhost/x", aiohttp.UnixConnector(str(tmp_path / "nothing")))

    said = []
    for mode in ("once", "none"):
        with cassette(mode), pytest.raises(aiohttp.ClientConnectorError) as caught:
            asyncio.run(ask())
        said.append((type(caught.value), str(caught.value), caught.value.errno))
    assert said[0] == said[1]


def test_a_proxy_is_told_who_asks_and_the_call_is_that_of_its_url(server, cassette, monkeypatch):
    server.on("http://far.example/x", server.reply(b"far"))
    monkeypatch.setenv("http_proxy", server.url)

    async def ask(**more):
        async with (
            aiohttp.ClientSession(trust_env=not more) as session,
            session.get("http://far.example/x", **more) as response,
        ):
            return await response.text()

    told = {"proxy": server.url, "proxy_headers": {"Proxy-Authorization": "Basic YW5uOnB3"}}
    for mode in ("once", "none"):
        with cassette(mode) as block:
            assert [asyncio.run(ask()), asyncio.run(ask(**told))] == ["far", "far"]
        assert [job.request.url for job in block.jobs] == ["http://far.example/x"] * 2
        server.stop()
    assert server.count == 2


def test_the_password_of_a_proxy_reaches_it(server, cassette, monkeypatch):
    server.on("http://far.example/x", server.reply(b"far"))
    monkeypatch.setenv("http_proxy", server.url.replace("//", "//ann:pw@"))

    async def ask():
        async with (
            aiohttp.ClientSession(trust_env=True) as session,
            session.get("http://far.example/x") as response,
        ):
            return await response.text()

    for mode in ("once", "none"):
        with cassette(mode):
            assert asyncio.run(ask()) == "far"
        server.stop()
    assert server.asked[0].headers["proxy-authorization"] == "Basic YW5uOnB3"


@pytest.mark.parametrize("way", ["direct", "tunnel"])
def test_a_replay_needs_no_handshake_and_no_tunnel(way, secure, cassette):
    url = secure.on("/x", secure.reply(b"secure"))
    proxy = {"proxy": secure.proxy} if way == "tunnel" else {}

    async def ask():
        trusted = ssl.create_default_context(cafile=secure.certificate)
        async with aiohttp.ClientSession() as session:
            got = []
            for _ in range(2):
                async with session.get(url, ssl=trusted, **proxy) as response:
                    got.append(await response.text())
        return got

    for mode in ("once", "none"):
        with cassette(mode) as block:
            assert asyncio.run(ask()) == ["secure", "secure"]
        assert [job.request.url for job in block.jobs] == [url, url]
        if mode == "once":
            assert len({asked.connection for asked in secure.asked}) == 1
            secure.stop()
    assert secure.count == 2


def test_a_certificate_that_nobody_trusts_is_not_trusted_in_a_replay_either(secure, cassette):
    url = secure.on("/x", secure.reply(b"secure"))
    said = []
    for mode in ("once", "none"):
        with cassette(mode), pytest.raises(aiohttp.ClientConnectorCertificateError) as caught:
            asyncio.run(_get(url))
        said.append((str(caught.value), type(caught.value.certificate_error)))
    assert said[0] == said[1]
    assert secure.count == 0


def test_a_pinned_certificate_that_is_another_is_another_again(secure, cassette):
    url = secure.on("/x", secure.reply(b"secure"))
    said = []
    for mode in ("once", "none"):
        with cassette(mode), pytest.raises(aiohttp.ServerFingerprintMismatch) as caught:
            asyncio.run(_get(url, ssl=aiohttp.Fingerprint(b"0" * 32)))
        said.append((caught.value.expected, caught.value.got, caught.value.host))
    assert said[0] == said[1]


def test_a_proxy_that_refuses_a_tunnel_refuses_it_again(server, cassette):
    server.on("far.example:443", server.reply(status=403, reason="No"))
    said = []
    for mode in ("once", "none"):
        with cassette(mode), pytest.raises(aiohttp.ClientHttpProxyError) as caught:
            asyncio.run(_get("https://far.example/x", proxy=server.url))
        said.append((caught.value.status, caught.value.message))
    assert said == [(403, "No")] * 2


# Hooks, and what is left alone.


def test_traces_are_told_of_a_replay_too(echo, server, cassette):
    seen = []
    trace = aiohttp.TraceConfig()
    for name in ("request_start", "request_headers_sent", "response_chunk_received", "request_end"):

        async def note(_session, _context, _params, name=name):
            seen.append(name)

        getattr(trace, "on_" + name).append(note)

    async def connect(_session, context, _params):
        context.connected = True

    async def end(_session, context, _params):
        seen.append(context.connected)

    trace.on_connection_create_end.append(connect)
    trace.on_connection_reuseconn.append(connect)
    trace.on_request_end.append(end)

    async def ask():
        async with aiohttp.ClientSession(trace_configs=[trace]) as session, session.get(echo) as response:
            await response.read()

    expected = ["request_start", "request_headers_sent", "request_end", True, "response_chunk_received"]
    for mode in ("once", "none"):
        seen.clear()
        with cassette(mode):
            asyncio.run(ask())
        assert seen == expected
        server.stop()


def test_a_connector_that_says_so_is_left_alone(echo, server, cassette):
    class Unrecorded(aiohttp.TCPConnector):
        __recorded__ = False

    async def ask():
        return await _get(echo, Unrecorded())

    with cassette("none") as block:
        assert asyncio.run(ask()) == "/x"
        assert (len(block), server.count) == (0, 1)


def test_web_sockets_pass_through_live(cassette):
    async def answer(request):
        made = web.WebSocketResponse()
        await made.prepare(request)
        await made.send_str("hello " + await made.receive_str())
        await made.close()
        return made

    async def ask():
        app = web.Application()
        app.router.add_get("/ws", answer)
        async with (
            test_utils.TestServer(app) as live,
            aiohttp.ClientSession() as session,
            session.ws_connect(live.make_url("/ws")) as opened,
        ):
            await opened.send_str("you")
            return await opened.receive_str()

    with cassette("none") as block:
        assert asyncio.run(ask()) == "hello you"
        assert len(block) == 0


def test_aiohttp_is_left_to_aioresponses(echo, server, cassette):
    with cassette("none") as block, aioresponses(passthrough=[server.url]) as mocked:
        mocked.get("http://mocked.example/", body="mocked")
        assert asyncio.run(_get(echo)) == "/x"
        assert len(block) == 0
    for mode in ("once", "none"):
        with cassette(mode) as block:
            assert asyncio.run(_get(echo)) == "/x"
            assert len(block) == 1
        server.stop()


def test_aiohttp_is_left_to_vcrpy(echo, server, cassette, tmp_path):
    with cassette() as block, vcr.use_cassette(str(tmp_path / "vcr.yaml"), record_mode="once"):
        assert asyncio.run(_get(echo)) == "/x"
        assert len(block) == 0
    assert server.count == 1


# On top of it, and beside it.


def test_httpx_over_aiohttp_is_recorded_once(echo, server, cassette):
    async def ask():
        async with httpx_aiohttp.HttpxAiohttpClient() as client:
            return (await client.get(echo)).text

    for mode in ("once", "none"):
        with cassette(mode) as block:
            assert asyncio.run(ask()) == "/x"
            assert len(block) == 1
        server.stop()
    assert server.count == 1


CHAT = (
    b'{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop",'
    b'"message":{"role":"assistant","content":"Rome"}}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'
)
MESSAGE = (
    b'{"id":"1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Rome"}],'
    b'"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}'
)
QUESTION = {"model": "m", "messages": [{"role": "user", "content": "Italy?"}]}


async def _openai(url):
    async with openai.AsyncOpenAI(
        api_key="sk-test", base_url=url + "/v1", http_client=openai.DefaultAioHttpClient()
    ) as client:
        return (await client.chat.completions.create(**QUESTION)).choices[0].message.content


async def _anthropic(url):
    async with anthropic.AsyncAnthropic(
        api_key="sk-test", base_url=url, http_client=anthropic.DefaultAioHttpClient()
    ) as client:
        return (await client.messages.create(**QUESTION, max_tokens=9)).content[0].text


@pytest.mark.parametrize("ask", [_openai, _anthropic])
def test_the_aiohttp_clients_of_sdks_are_recorded_once_and_do_not_wait_for_retries(ask, server, cassette):
    busy = server.reply(b"{}", ("Retry-After", "1"), ("retry-after-ms", "1"), status=429, reason="Slow down")
    for path, body in (("/v1/chat/completions", CHAT), ("/v1/messages", MESSAGE)):
        server.on(path, busy, server.reply(body, ("Content-Type", "application/json")))
    for mode in ("once", "none"):
        with cassette(mode) as block:
            assert asyncio.run(ask(server.url)) == "Rome"
            assert [job.response.status for job in block.jobs] == [429, 200]
        server.stop()
    assert server.count == 2


def _by_urllib(url):
    with urllib.request.urlopen(url, timeout=5) as response:
        return response.read()


GETS = {
    "aiohttp": lambda url: asyncio.run(_get(url)),
    "httpx": lambda url: httpx.get(url, timeout=5).text,
    "requests": lambda url: requests.get(url, timeout=5).text,
    "urllib": _by_urllib,
}
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"


def _failure(get, url):
    try:
        get(url)
    except (OSError, http.client.HTTPException, httpx.HTTPError, aiohttp.ClientError) as error:
        return type(error)
    return None


@pytest.mark.parametrize("other", ["httpx", "requests", "urllib"])
@pytest.mark.parametrize("back", [False, True])
def test_a_call_that_failed_in_one_library_fails_in_another_in_its_own_way(other, back, server, cassette, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        refused = f"http://127.0.0.1:{free.getsockname()[1]}/refused"
    urls = (refused, server.on("/cut", (CUT, "close")), server.on("/closed", ("close",)))
    first, second = (GETS[name] for name in ((other, "aiohttp") if back else ("aiohttp", other)))
    live = [_failure(second, url) for url in urls]
    assert None not in live
    for number, url in enumerate(urls):
        with use_cassette(tmp_path / f"{number}.db", mode="once"):
            assert _failure(first, url)
            # aiohttp tries again by itself where a connection was closed.
            _failure(first, url)
    server.stop()
    for number, (url, expected) in enumerate(zip(urls, live, strict=True)):
        with use_cassette(tmp_path / f"{number}.db", mode="none"):
            assert _failure(second, url) is expected
