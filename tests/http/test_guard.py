"""Every client while the network is blocked: what is recorded is fetched, what is replayed or left out is not."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace

import aiohttp
import pytest
import uvloop

from pytest_recorded.network import Peer

NAME = "api.example.com"


def counts(block):
    return {name: number for name, number in block._scope.counts.items() if number}


@pytest.fixture
def remote(monkeypatch, elsewhere, server):
    """A server on an address that is not the loopback's, under a name that is known here only."""
    elsewhere.close()
    look_up, asked = socket.getaddrinfo, []

    def getaddrinfo(host, *args, **kwargs):
        flags = args[4] if len(args) > 4 else kwargs.get("flags", 0)
        # Whether it is an address is seen without asking.
        if host in (NAME, NAME.encode()) and not flags & socket.AI_NUMERICHOST:
            asked.append(host)
            host = elsewhere.host
        return look_up(host, *args, **kwargs)

    with monkeypatch.context() as patch:
        create = socket.create_server
        patch.setattr(socket, "create_server", lambda _: create((elsewhere.host, 0)))
        made = type(server)()
    made.url, made.looked_up = f"http://{NAME}:{made.port}", asked
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield made
    made.stop()


def test_recording_needs_no_allowed_host_and_a_replay_looks_nobody_up(remote, cassette, client):
    url = remote.on("/x", remote.reply(b"answer"))
    with cassette(block_network=True) as block:
        assert client.see(url)["pieces"] == [b"answer"]
    assert (counts(block), remote.count) == ({"recorded": 1}, 1)
    remote.stop()
    remote.looked_up.clear()
    with cassette("none", block_network=True) as block:
        assert client.see(url)["pieces"] == [b"answer"]
    assert (counts(block), remote.count, remote.looked_up) == ({"replayed": 1}, 1, [])


def test_a_call_that_is_left_out_is_refused_before_its_host_is_looked_up(remote, cassette, client):
    url = remote.on("/x", remote.reply(b"answer"))
    with cassette(block_network=True, ignore_hosts=NAME) as block:
        assert client.see(url)["error"]
    assert (counts(block), remote.count, remote.looked_up) == ({"live": 1}, 0, [])


def test_a_call_that_is_left_out_reaches_a_host_that_is_allowed_by_its_name(remote, cassette, client):
    url = remote.on("/x", remote.reply(b"answer"))
    with cassette(block_network=True, ignore_hosts=NAME, allowed_hosts=NAME) as block:
        assert client.see(url)["pieces"] == [b"answer"]
    assert (counts(block), remote.count) == ({"live": 1}, 1)


# Names that are looked up without the module `socket`.


async def _get(url, resolver=None):
    connector = aiohttp.TCPConnector(resolver=resolver)
    async with aiohttp.ClientSession(connector=connector) as session, session.get(url) as response:
        return await response.text()


class CAres(aiohttp.AsyncResolver):
    """aiohttp's resolver on top of c-ares, of which there is only what it asks it."""

    def __init__(self, ip):
        self._loop = asyncio.get_running_loop()
        self._ip = ip
        self.asked = []
        self._resolver = self

    async def getaddrinfo(self, host, port, **_):
        self.asked.append(host)
        return SimpleNamespace(nodes=[SimpleNamespace(family=socket.AF_INET, addr=(self._ip.encode(), port))])

    async def close(self):
        pass


def test_what_c_ares_resolves_for_aiohttp_is_known_by_its_name(remote, elsewhere, cassette):
    url = remote.on("/x", remote.reply(b"answer"))
    resolvers = []

    async def get():
        resolvers.append(CAres(elsewhere.host))
        return await _get(url, resolvers[-1])

    with cassette(block_network=True, ignore_hosts=NAME, allowed_hosts=NAME):
        assert asyncio.run(get()) == "answer"
    refused = pytest.raises(aiohttp.ClientConnectorError, match=f"goes to {NAME}:{remote.port}, past the recorder")
    with cassette(block_network=True, ignore_hosts=NAME), refused:
        asyncio.run(get())
    with cassette(block_network=True):
        assert asyncio.run(get()) == "answer"
    with cassette("none", block_network=True):
        assert asyncio.run(get()) == "answer"
    assert [resolver.asked for resolver in resolvers] == [[NAME], [], [NAME], []]


def test_what_uvloop_resolves_for_aiohttp_is_known_by_its_name(server, cassette, monkeypatch):
    # A name that every machine knows, of a host that is taken for a foreign one.
    monkeypatch.setattr(Peer, "is_local", property(lambda peer: peer.host == ""))
    url = server.on("/x", server.reply(b"answer")).replace("127.0.0.1", "localhost")
    with cassette(block_network=True, ignore_hosts="localhost", allowed_hosts="localhost"):
        assert uvloop.run(_get(url)) == "answer"
    refused = pytest.raises(aiohttp.ClientConnectorError, match=f"goes to localhost:{server.port}, past the recorder")
    with cassette(block_network=True, ignore_hosts="localhost"), refused:
        uvloop.run(_get(url))
    assert server.count == 1
