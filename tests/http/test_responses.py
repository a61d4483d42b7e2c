from __future__ import annotations

import gzip
import zlib

import pytest

TEXT = "Zürich, 東京 🚀\n".encode()
BIG = b"0123456789abcdef" * 320_000
ZIPPED, DEFLATED = gzip.compress(TEXT * 50, mtime=0), zlib.compress(TEXT * 50)

# What a server (`s`) may send.
ANSWERS = {
    "json": lambda s: (s.reply(b'{"b": 1e2, "a": 12345678901234567890}', ("Content-Type", "application/json")),),
    "no body": lambda s: (s.reply(),),
    "204": lambda s: (s.reply(status=204, reason="No Content", length=None),),
    "304": lambda s: (s.reply(b"", ("ETag", '"v1"'), ("Content-Length", "1234"), status=304, length=None),),
    "repeated headers": lambda s: (s.reply(b"x", ("X-Part", "1"), ("x-part", "2"), ("X-PART", "3"), ("Link", "a, b")),),
    "an empty header": lambda s: (s.reply(b"x", ("X-Empty", "")),),
    "a header in latin-1": lambda s: (s.reply(b"x", ("X-Name", "Zoë")),),
    "latin-1": lambda s: (s.reply("Zürich".encode("latin-1"), ("Content-Type", "text/plain; charset=iso-8859-1")),),
    "unknown charset": lambda s: (s.reply(TEXT, ("Content-Type", "text/plain; charset=klingon")),),
    "bytes": lambda s: (s.reply(bytes(range(256)), ("Content-Type", "application/octet-stream")),),
    "5 MB": lambda s: (s.reply(BIG),),
    "5 MB in chunks": lambda s: s.chunked(BIG[:500_000], BIG[500_000:4_000_000], BIG[4_000_000:]),
    "odd reason": lambda s: (s.reply(b"x", reason="Quite all right, thanks"),),
    "no reason": lambda s: (s.reply(b"x", reason=""),),
    "odd status": lambda s: (s.reply(b"x", status=299, reason="Odd"),),
    "404": lambda s: (s.reply(b"gone", status=404, reason="Not Found"),),
    "chunked": lambda s: s.chunked(b"one", TEXT, b"0\r\n\r\n"),
    "chunked, nothing in it": lambda s: s.chunked(),
    "chunk extensions and trailers": lambda s: (
        s.head(("Trailer", "X-Sum")), b"3;name=value\r\none\r\n3\r\ntwo\r\n0\r\nX-Sum: 6\r\n\r\n",
    ),
    "HTTP/1.0 without length": lambda s: (s.reply(TEXT, version="HTTP/1.0", length=None), "close"),
    "HTTP/1.1 without length": lambda s: (s.reply(TEXT, ("Connection", "close"), length=None), "close"),
    "gzip": lambda s: (s.reply(ZIPPED, ("Content-Encoding", "gzip")),),
    "deflate": lambda s: (s.reply(DEFLATED, ("Content-Encoding", "deflate")),),
    "gzip in chunks": lambda s: s.chunked(ZIPPED[:30], ZIPPED[30:], headers=(("Content-Encoding", "gzip"),)),
    "gzip of nothing": lambda s: (s.reply(gzip.compress(b"", mtime=0), ("Content-Encoding", "gzip")),),
    "an unknown encoding": lambda s: (s.reply(TEXT, ("Content-Encoding", "rot13")),),
    "identity": lambda s: (s.reply(TEXT, ("Content-Encoding", "identity")),),
    "100 first": lambda s: (b"HTTP/1.1 100 Continue\r\n\r\n", s.reply(b"then")),
}  # fmt: skip


def _as_replayed(seen, client):
    """Return what is to be seen in a replay: the body is decoded, and the headers of httpx say so.

    aiohttp keeps them; what both have to say is another length. Others decode by themselves.
    """
    names = {name.lower(): value for name, value in seen["headers"]}
    is_decoded = names.get("content-encoding") in ("gzip", "deflate")
    if not (client.is_httpx or (client.name == "aiohttp" and is_decoded)):
        return seen
    gone = {"transfer-encoding", *(["content-encoding"] if is_decoded else [])} if client.is_httpx else set()
    length = str(sum(map(len, seen["pieces"])))
    changed = [
        (name, length if name.lower() == "content-length" and is_decoded else value)
        for name, value in seen["headers"]
        if name.lower() not in gone
    ]
    return {**seen, "headers": changed}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_replayed_response_is_the_recorded_one_and_that_is_the_live_one(name, clients, server, cassette):
    url = server.on("/x", ANSWERS[name](server))
    live = {client.name: client.see(url) for client in clients}
    assert all(seen["error"] is None for seen in live.values())
    with cassette():
        # The same request by each: each finds its own answer again.
        assert {client.name: client.see(url) for client in clients} == live
    server.stop()
    with cassette("none"):
        for client in clients:
            assert (client.name, client.see(url)) == (client.name, _as_replayed(live[client.name], client))
