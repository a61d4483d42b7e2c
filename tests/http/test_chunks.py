from __future__ import annotations

import gzip
import time

import pytest

TEXT = "Zürich → 東京\nand 🚀 on\r\nlast".encode()
# Cut inside characters, inside a line end, and where nothing is.
CUTS = (TEXT[:2], TEXT[2:9], TEXT[9:11], TEXT[11:24], TEXT[24:31], TEXT[31:])

# The same body, framed in each way, in parts that are sent one by one.
FRAMED = {
    "chunked": lambda s: s.chunked(*CUTS),
    "with length": lambda s: (s.reply(length=len(TEXT)), *CUTS),
    "until closed": lambda s: (s.reply(length=None), *CUTS, "close"),
    "two chunks at a time": lambda s: (s.head(), s.chunk(CUTS[0]) + s.chunk(CUTS[1]), s.chunk(TEXT[9:]) + s.chunk()),
    "half a chunk at a time": lambda s: (s.head(), s.chunk(TEXT)[:9], s.chunk(TEXT)[9:], s.chunk()),
}  # fmt: skip


def _apart(parts):
    """Return an answer whose parts most likely come one by one, which makes a better case; it holds without it, too."""
    return tuple(step for part in parts for step in (part, lambda _asked: time.sleep(0.001) or b""))


@pytest.mark.parametrize("how", ["raw", "bytes", "text", "lines"])
@pytest.mark.parametrize("name", FRAMED)
def test_httpx_gives_the_same_pieces_again(name, how, clients, server, cassette):
    clients = [client for client in clients if client.is_httpx]
    url = server.on("/x", _apart(FRAMED[name](server)))
    with cassette():
        live = {client.name: client.see(url, how)["pieces"] for client in clients}
    assert all(live.values())
    server.stop()
    with cassette("none"):
        assert {client.name: client.see(url, how)["pieces"] for client in clients} == live


@pytest.mark.parametrize("how", ["read", "read1", "readline", "readlines", "readinto", "peek", "some"])
@pytest.mark.parametrize("name", FRAMED)
def test_the_standard_library_gives_the_same_pieces_again(name, how, stdlib_client, server, cassette):
    url = server.on("/x", _apart(FRAMED[name](server)))
    with cassette():
        live = stdlib_client.see(url, how)
    assert live["pieces"]
    server.stop()
    with cassette("none"):
        assert stdlib_client.see(url, how) == live


@pytest.mark.parametrize("how", ["raw", "bytes", "text", "lines"])
def test_httpx_gives_decoded_pieces_again(how, httpx_client, server, cassette):
    zipped = gzip.compress(TEXT * 200, mtime=0)
    third = len(zipped) // 3
    parts = zipped[:third], zipped[third : 2 * third], zipped[2 * third :]
    url = server.on("/x", _apart(server.chunked(*parts, headers=(("Content-Encoding", "gzip"),))))
    with cassette():
        live = httpx_client.see(url, how)
    server.stop()
    with cassette("none"):
        replayed = httpx_client.see(url, how)
    if how == "raw":
        # The raw bytes of a replay are the decoded ones, which can be opened anywhere.
        assert b"".join(replayed["pieces"]) == TEXT * 200
    else:
        assert replayed["pieces"] == live["pieces"]


def test_offsets_grow_from_the_head_on(client, server, cassette):
    url = server.on("/x", _apart(server.chunked(*CUTS)))
    with cassette() as recorded:
        client.see(url)
        (job,) = recorded.jobs
    offsets = [offset for offset, _ in job.response.chunks]
    assert offsets[0] >= 0
    assert offsets == sorted(offsets)
    assert b"".join(job.response.pieces()) == TEXT
