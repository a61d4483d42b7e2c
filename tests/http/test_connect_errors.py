"""Requests that never reached a server: recorded failures, with the exceptions of their library."""

from __future__ import annotations

import errno
import http.client
import socket

import httpx
import httpx2
import pytest

from pytest_recorded import MissingRecording


def test_a_refused_connection_is_refused_again(client, server, cassette):
    url = server.on("/x", b"")
    server.stop()
    live = client.see(url)
    assert live["error"] is not None
    with cassette() as recorded:
        assert client.see(url) == live
        assert [job.status for job in recorded.jobs] == ["failed"]
    with cassette("none") as replayed:
        assert client.see(url) == live
    assert replayed.play_count == 1


def test_a_name_that_cannot_be_resolved_is_not_resolved_again(client, cassette, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    url = "http://nowhere.example/x"
    live = client.see(url)
    assert live["error"] is not None
    with cassette():
        assert client.see(url) == live
    monkeypatch.undo()
    with cassette("none"):
        assert client.see(url) == live


@pytest.fixture
def deaf():
    """The URL of a server that takes no connection up."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        # What fills its queue.
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        for each in waiting:
            each.close()


def test_a_connection_that_times_out_does_so_again(client, deaf, cassette):
    live = client.see(deaf, timeout=0.05)
    assert live["error"] is not None
    with cassette():
        assert client.see(deaf, timeout=0.05) == live
    with cassette("none"):
        assert client.see(deaf, timeout=0.05) == live


def test_a_failure_of_httpx_names_its_request_again(httpx_client, server, cassette):
    lib, url = httpx_client.lib, server.on("/x", ("close",))
    for mode in ("once", "none"):
        with cassette(mode), lib.Client(trust_env=False) as client:
            with pytest.raises(lib.RemoteProtocolError) as caught:
                client.get(url)
            assert caught.value.request.url == url
        server.stop()


def test_errno_and_text_of_a_refused_connection_come_again(server, cassette):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for mode in ("once", "none"):
        with cassette(mode), pytest.raises(ConnectionRefusedError) as caught:
            http.client.HTTPConnection("127.0.0.1", port).request("GET", "/")
        assert caught.value.errno == errno.ECONNREFUSED


@pytest.mark.parametrize("lib", [httpx, httpx2], ids=["httpx", "httpx2"])
@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "nothing"])
def test_a_url_that_the_library_does_not_take_is_not_our_business(lib, url, cassette):
    for mode in ("once", "none"):
        with cassette(mode) as block, pytest.raises(lib.UnsupportedProtocol):
            lib.get(url)
    assert len(block) <= 1


def test_a_miss_is_no_exception_that_clients_catch(client, server, cassette):
    with pytest.raises(MissingRecording, match=r"GET http://127\.0\.0\.1"), cassette("none"):
        client.see(server.url + "/x")
    assert server.count == 0
