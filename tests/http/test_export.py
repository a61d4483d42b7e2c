"""Every body that HTTP has is written down as text and is the same cassette again, byte for byte."""

from __future__ import annotations

import contextlib
import gzip
import json
from urllib.parse import urlsplit

import httpx
import pytest

from pytest_recorded.changes.comparing import Terms
from pytest_recorded.changes.files import Recorded
from pytest_recorded.text import Choice, Source, export_file, export_folder, import_text, read_text

TEXT = ("Content-Type", "text/plain; charset=utf-8")
EVENTS = ("Content-Type", "text/event-stream")
ODD_JSON = b'{ "a": 1e2, "a": NaN, "big": 123456789012345678901234567890 }\r\n'
PRETTY = b'{\n  "price": 3,\n  "of": "\xc3\xa9"\n}\n'
# Of a body that came in one piece; in several it is the same text.
STYLES = {
    "/pretty": ("json indent=2 newline", {"price": 3, "of": "é"}),
    "/compact": ("json compact ascii slashes", {"a": "http://b/é"}),
    "/error": ("json spaced", {"error": "no"}),
    "/numbers": ("lines", ["{", '  "a": 1.50', "}"]),
    "/cut": ("lines", ["data: 1", "", ""]),
    "/json": ("lines", [ODD_JSON.decode().removesuffix("\n"), ""]),
    "/text": (None, "é\u2028\x00\x7f\U0001f600"),
    "/latin": (None, {"py:bytes": "6Q=="}),
    "/empty": (None, ""),
}


@pytest.fixture
def bodies(server):
    """Answers with all kinds of bodies: a path and how it is asked for."""
    reply = server.reply
    answers = {
        "/json": reply(ODD_JSON, ("Content-Type", "application/json")),
        "/text": reply("é\u2028\x00\x7f\U0001f600".encode(), TEXT),
        "/latin": reply("é".encode("latin-1"), ("Content-Type", "text/plain; charset=latin-1")),
        "/bytes": reply(bytes(range(256)), ("Content-Type", "image/png")),
        "/empty": reply(status=204, length=None),
        "/error": reply(b'{"error": "no"}', ("Retry-After", "1"), status=429, reason="Too Many"),
        "/gzip": reply(gzip.compress(b"packed"), ("Content-Encoding", "gzip"), TEXT),
        "/events": server.chunked(b"data: 1\n\n", b"data: \xe2\x80", b"\xa8\n\ndata", b": \xff\n\n", headers=(EVENTS,)),
        "/pretty": reply(PRETTY, ("Content-Type", "application/json")),
        "/compact": reply(b'{"a":"http:\\/\\/b\\/\\u00e9"}', ("Content-Type", "application/json")),
        "/numbers": reply(b'{\n  "a": 1.50\n}', ("Content-Type", "application/json")),
        "/cut": (server.head(EVENTS), server.chunk(b"data: 1\n\n"), "close"),
        "/reset": ("reset",),
    }
    return {path: server.on(path, answer) for path, answer in answers.items()}


def ask_all(bodies):
    """Ask for all of them, with all kinds of requests; read streams in pieces, one of them only in part."""
    with httpx.Client() as client:
        for path, url in bodies.items():
            for more in (
                {"json": {"path": path, "n": [1.5, None]}},
                {"data": {"a": "é&="}},
                {"content": b"\xff\x00"},
                {"files": {"file": ("a.bin", b"\xfe\r\n"), "note": (None, "x")}},
            ):
                with contextlib.suppress(httpx.HTTPError):
                    client.post(url, **more)
                with contextlib.suppress(httpx.HTTPError), client.stream("POST", url, **more) as response:
                    assert list(response.iter_raw()) is not None
        with client.stream("GET", bodies["/events"]) as response:
            next(response.iter_raw())


def test_every_body_and_stream_comes_back(bodies, cassette, tmp_path, server):
    with cassette(scope="test_bodies[a/b]"):
        ask_all(bodies)
    path = next(tmp_path.rglob("*.db"))
    with Recorded(path, "jobs.db") as file:
        source = Source(file, Terms())
        assert source.calls == 105
        export_file(source, tmp_path / "calls.jsonl")
        export_folder(source, tmp_path / "calls")
    for name in ("calls.jsonl", "calls"):
        made = tmp_path / "made" / f"{name}.db"
        import_text(read_text(tmp_path / name), made)
        assert made.read_bytes() == path.read_bytes()
    responses = [entry.row.response_json or "" for entry in read_text(tmp_path / "calls").entries]
    for part in ('"chunks":', '"end":"failed"', '"end":"closed"', '"py:bytes":', "NaN"):
        assert any(part in text for text in responses), part
    found = {}
    for line in (tmp_path / "calls.jsonl").read_text().splitlines()[1:]:
        call = json.loads(line)
        if answer := call.get("response"):
            style = call.get("response_body_style")
            found.setdefault(urlsplit(call["request"]["url"]).path, []).append((style, answer["body"]))
    for path, expected in STYLES.items():
        assert found[path] == [expected] * 8, path


def test_a_body_that_a_person_has_changed_in_a_folder_is_what_any_client_gets(client, server, cassette, tmp_path):
    url = server.on("/pretty", server.reply(PRETTY, ("Content-Type", "application/json")))
    with cassette(scope="test_price"):
        client.see(url)
    path = next(tmp_path.rglob("*.db"))
    with Recorded(path, "jobs.db") as file:
        export_folder(Source(file, Terms()), tmp_path / "calls")
    text = tmp_path / "calls" / "test_price.json"
    before = text.read_text()
    assert before.count('\n          "price": 3,\n') == 1
    text.write_text(before.replace('"price": 3,', '"price": 1234567,'))
    assert import_text(read_text(tmp_path / "calls"), path, Choice.REPLACE).replaced == 1
    with cassette("none", scope="test_price"):
        seen = client.see(url)
    assert b"".join(seen["pieces"]) == PRETTY.replace(b"3", b"1234567")
    assert seen["error"] is None
