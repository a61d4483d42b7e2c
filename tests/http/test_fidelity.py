"""What a caller sees of unusual answers and requests: the same live, recorded and replayed."""

from __future__ import annotations

import io
import subprocess
import sys
import textwrap
import urllib.request

import anyio
import brotli
import httpx
import httpx2
import pytest
import requests
import trustme
import urllib3

from pytest_recorded import MissingRecording

try:
    from compression import zstd
except ImportError:
    from backports import zstd

BOTH = pytest.mark.parametrize("lib", [httpx, httpx2], ids=["httpx", "httpx2"])
TEXT = "Zürich, 東京 🚀\n".encode() * 20
LONG = "v" * 60_000

# What a server (`s`) may send.
ANSWERS = {
    "a byte order mark": lambda s: (s.reply(b"\xef\xbb\xbf{}", ("Content-Type", "application/json")),),
    "text that is no UTF-8": lambda s: (s.reply(b"ok \xff\xfe caf\xe9", ("Content-Type", "text/plain; charset=utf-8")),),
    "text without charset": lambda s: (s.reply("café".encode("latin-1"), ("Content-Type", "text/html")),),
    "UTF-16": lambda s: (s.reply("café".encode("utf-16"), ("Content-Type", "text/plain; charset=utf-16")),),
    "zero bytes": lambda s: (s.reply(b"\0" * 70, ("Content-Type", "text/plain")),),
    "line ends of every sort": lambda s: (s.reply("a\r\nb\rc\n\nd\u2028e\x85f".encode()),),
    "a lone surrogate in JSON": lambda s: (s.reply(b'"\\ud800"', ("Content-Type", "application/json")),),
    "names in capitals": lambda s: (s.reply(b"x", ("X-UPPER", "Value"), ("x-lower", "value"), ("X-MiXeD", "VaLuE")),),
    "a long header": lambda s: (s.reply(b"x", ("X-Long", LONG)),),
    "ninety headers": lambda s: (s.reply(b"x", *((f"X-{n}", str(n)) for n in range(90))),),
    "spaces around a value": lambda s: (s.reply(b"x", ("X-Space", "  both  "), ("X-Tab", "\tin\tside\t")),),
    "a colon, a quote, a comma": lambda s: (s.reply(b"x", ("X-Odd", 'a: "b", c; d=\\"e'), ("Link", '<a>; rel="x, y"')),),
    "a part": lambda s: (
        s.reply(b"2345", ("Content-Range", "bytes 2-5/10"), ("ETag", '"v1"'), status=206, reason="Partial Content"),
    ),
    "an unsatisfiable range": lambda s: (s.reply(b"", ("Content-Range", "bytes */10"), status=416, reason="No Range"),),
    "two lengths that agree": lambda s: (s.reply(b"four", ("content-length", "4")),),
    "keep-alive": lambda s: (s.reply(b"x", ("Connection", "keep-alive"), ("Keep-Alive", "timeout=5")),),
    "to be closed": lambda s: (s.reply(b"x", ("Connection", "close")), "close"),
    "HTTP/1.0, kept alive": lambda s: (s.reply(b"x", ("Connection", "keep-alive"), version="HTTP/1.0"),),
    "401": lambda s: (s.reply(b"who?", ("WWW-Authenticate", 'Basic realm="r"'), status=401, reason="Unauthorized"),),
    "407": lambda s: (s.reply(b"who?", ("Proxy-Authenticate", "Basic"), status=407, reason="Proxy Auth"),),
    "hints first": lambda s: (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n", s.reply(b"then"),
    ),
    "100 twice": lambda s: (b"HTTP/1.1 100 Continue\r\n\r\n" * 2, s.reply(b"then")),
    "two trailers": lambda s: (
        s.head(("Trailer", "X-Sum")), s.chunk(b"one"), b"0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_an_unusual_answer_is_the_same_live_recorded_and_replayed(name, clients, server, cassette):
    url = server.on("/x", ANSWERS[name](server))
    live = {client.name: client.see(url) for client in clients}
    with cassette():
        assert {client.name: client.see(url) for client in clients} == live
    server.stop()
    with cassette("none"):
        replayed = {client.name: client.see(url) for client in clients}
    for seen in (*live.values(), *replayed.values()):
        # Of a replay through httpx the body is whole.
        seen["headers"] = [(key, value) for key, value in seen.get("headers", []) if key.lower() != "transfer-encoding"]
    assert replayed == live
