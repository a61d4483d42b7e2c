"""HTTP/2: a real server over TLS, and the clients that speak it."""

from __future__ import annotations

import contextlib
import io
import socket
import ssl
import threading

import anyio
import h2.config
import h2.connection
import h2.events
import httpx
import httpx2
import pytest
import requests
import trustme
import urllib3

from pytest_recorded import MissingRecording

BOTH = pytest.mark.parametrize("lib", [httpx, httpx2], ids=["httpx", "httpx2"])


class Hyper:
    """An HTTP/2 server that notes requests, and gives their bodies back in pieces."""

    def __init__(self, folder):
        authority = trustme.CA()
        self.authority = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.authority)
        self.context = ssl.create_default_context()
        authority.configure_trust(self.context)
        self.asked = []
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.set_alpn_protocols(["h2"])
        authority.issue_cert("localhost").configure_cert(self._tls)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._listener.getsockname()[1]}"
        self._connections, self._threads = [], []
        self._start(self._accept)

    def _start(self, target, *args):
        self._threads.append(threading.Thread(target=target, args=args, daemon=True))
        self._threads[-1].start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                self._connections.append(self._listener.accept()[0])
                self._start(self._serve, self._connections[-1])

    def _serve(self, plain):
        with contextlib.suppress(OSError), self._tls.wrap_socket(plain, server_side=True) as secure:
            http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
            http.initiate_connection()
            asked = {}
            while True:
                secure.sendall(http.data_to_send())
                data = secure.recv(65536)
                if not data:
                    return
                for event in http.receive_data(data):
                    self._on(event, http, asked)

    def _on(self, event, http, asked):
        if isinstance(event, h2.events.RequestReceived):
            asked[event.stream_id] = [dict(event.headers), b""]
        elif isinstance(event, h2.events.DataReceived):
            asked[event.stream_id][1] += event.data
            http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            headers, body = asked.pop(event.stream_id)
            self.asked.append((headers[":method"], headers[":path"], body))
            answer = [(":status", "200"), ("content-type", "text/plain"), ("x-part", "1"), ("x-part", "2")]
            http.send_headers(event.stream_id, answer)
            for piece in (b"first ", b"second ", body[:1000]):
                http.send_data(event.stream_id, piece)
            http.send_headers(event.stream_id, [("x-sum", "3")], end_stream=True)

    def stop(self):
        """Refuse connections from now on, and cut those that are open."""
        for each in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(10)


@pytest.fixture
def hyper(tmp_path):
    """A server of this test."""
    made = Hyper(tmp_path)
    yield made
    made.stop()


def _seen(response):
    return (
        response.status_code, response.reason_phrase, response.http_version, response.headers.multi_items(),
        response.content,
    )  # fmt: skip


@BOTH
def test_an_answer_over_http_2_keeps_its_version_and_needs_no_connection_again(lib, hyper, cassette):
    def ask():
        with lib.Client(http2=True, verify=hyper.context, trust_env=False) as client:
            return [_seen(client.get(hyper.url + "/a")), _seen(client.post(hyper.url + "/b", content=b"x" * 100_000))]

    with cassette() as block:
        live = ask()
        assert [job.response.http_version for job in block.jobs] == ["HTTP/2", "HTTP/2"]
    assert [asked[:2] for asked in hyper.asked] == [("GET", "/a"), ("POST", "/b")]
    hyper.stop()
    with cassette("none"):
        assert ask() == live


@BOTH
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_many_requests_share_one_connection_and_each_gets_its_answer_again(lib, backend, hyper, cassette):
    async def ask():
        answers = {}

        async def one(client, number):
            answers[number] = _seen(await client.post(hyper.url + "/x", content=f"{number}".encode()))

        async with (
            lib.AsyncClient(http2=True, verify=hyper.context, trust_env=False) as client,
            anyio.create_task_group() as group,
        ):
            for number in range(20):
                group.start_soon(one, client, number)
        return answers

    with cassette() as block:
        live = anyio.run(ask, backend=backend)
        assert len(block) == len(hyper.asked) == 20
    assert {number: seen[-1] for number, seen in live.items()} == {
        number: f"first second {number}".encode() for number in range(20)
    }
    hyper.stop()
    with cassette("none"):
        assert anyio.run(ask, backend=backend) == live


@BOTH
def test_what_is_recorded_over_http_2_is_found_by_a_client_that_speaks_http_1(lib, hyper, cassette):
    with cassette(), lib.Client(http2=True, verify=hyper.context, trust_env=False) as client:
        live = client.get(hyper.url + "/a").text
    hyper.stop()
    with cassette("none"), lib.Client(verify=hyper.context, trust_env=False) as client:
        assert client.get(hyper.url + "/a").text == live


@BOTH
def test_a_stream_over_http_2_that_was_left_early_is_a_miss_further_on(lib, hyper, cassette):
    def ask(count):
        with (
            lib.Client(http2=True, verify=hyper.context, trust_env=False) as client,
            client.stream("GET", hyper.url + "/a") as response,
        ):
            pieces = response.iter_bytes(3)
            return [next(pieces) for _ in range(count)]

    with cassette():
        assert ask(1) == [b"fir"]
    hyper.stop()
    with cassette("none"):
        assert ask(1) == [b"fir"]
    with pytest.raises(MissingRecording), cassette("none"):
        ask(9)


def test_a_certificate_that_nobody_trusts_is_trusted_no_more_in_a_replay(client, hyper, cassette):
    more = {} if client.is_httpx else {"timeout": 5}
    with cassette():
        live = client.see(hyper.url + "/x", **more)
    # Over trio httpx says nothing of why.
    assert "CERTIFICATE_VERIFY_FAILED" in str(live["error"]) or client.name == "httpx-trio"
    hyper.stop()
    with cassette("none"):
        assert client.see(hyper.url + "/x", **more) == live
    assert hyper.asked == []


@pytest.fixture
def urllib3_in_frames():
    """urllib3, told to speak HTTP/2."""
    http2 = pytest.importorskip("urllib3.http2", exc_type=ImportError)
    if hasattr(urllib3, "AsyncPoolManager"):
        pytest.skip("urllib3-future speaks HTTP/2 by itself")
    http2.inject_into_urllib3()
    yield
    http2.extract_from_urllib3()


def _asked_by_urllib3(hyper, **more):
    with urllib3.PoolManager(ca_certs=str(hyper.authority)) as manager:
        response = manager.request("POST", hyper.url + "/b", retries=False, **more)
        return response.status, response.version, list(response.headers.items()), response.data


@pytest.mark.parametrize("body", ["bytes", "file"])
def test_urllib3_is_recorded_when_it_speaks_http_2(body, urllib3_in_frames, hyper, cassette):
    def ask():
        return _asked_by_urllib3(hyper, body=b"data" if body == "bytes" else io.BytesIO(b"data"))

    with cassette() as block:
        live = ask()
        assert [job.response.http_version for job in block.jobs] == ["HTTP/2"]
    assert live[1:] == (20, [("content-type", "text/plain"), ("x-part", "1"), ("x-part", "2")], b"first second data")
    hyper.stop()
    with cassette("none"):
        assert ask() == live
    with pytest.raises(MissingRecording), cassette("none"):
        _asked_by_urllib3(hyper, body=b"other")
    assert len(hyper.asked) == 1


def test_a_refused_connection_of_urllib3_over_http_2_is_refused_again(urllib3_in_frames, hyper, cassette):
    hyper.stop()
    for mode in ("once", "none"):
        with cassette(mode), pytest.raises(urllib3.exceptions.NewConnectionError, match="refused"):
            _asked_by_urllib3(hyper)


def test_what_urllib3_has_recorded_over_http_2_is_read_by_other_clients(urllib3_in_frames, hyper, cassette):
    with cassette():
        body = _asked_by_urllib3(hyper, body=b"data")[3]
    hyper.stop()
    urllib3.http2.extract_from_urllib3()
    with cassette("none"):
        assert requests.post(hyper.url + "/b", data=b"data", timeout=5).content == body
    with cassette("none"):
        assert httpx.post(hyper.url + "/b", content=b"data").content == body


@pytest.mark.parametrize("multiplexed", [False, True])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_niquests_is_recorded_over_http_2(is_async, multiplexed, hyper, cassette):
    niquests = pytest.importorskip("niquests", reason="niquests is not installed")
    options = {"verify": str(hyper.authority), "timeout": 5}

    async def aask():
        async with niquests.AsyncSession(multiplexed=multiplexed) as session:
            session.trust_env = False
            responses = [await session.post(hyper.url + "/b", data=f"{n}".encode(), **options) for n in range(3)]
            await session.gather()
            return [(each.status_code, each.http_version, each.content) for each in responses]

    def ask():
        if is_async:
            return anyio.run(aask)
        with niquests.Session(multiplexed=multiplexed) as session:
            session.trust_env = False
            responses = [session.post(hyper.url + "/b", data=f"{n}".encode(), **options) for n in range(3)]
            session.gather()
            return [(each.status_code, each.http_version, each.content) for each in responses]

    bare = ask()
    with cassette() as block:
        assert ask() == bare
        assert [job.response.http_version for job in block.jobs] == ["HTTP/2"] * 3
    assert bare == [(200, 20, f"first second {n}".encode()) for n in range(3)]
    hyper.stop()
    with cassette("none"):
        assert ask() == bare
    assert len(hyper.asked) == 6
