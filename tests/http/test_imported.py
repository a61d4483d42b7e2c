"""Cassettes that vcrpy and cassetter make here, imported, and replayed without the server by every client."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import io
import sqlite3
import urllib.error
import urllib.request
import zlib
from urllib.parse import urlsplit

import aiohttp
import anyio
import cassetter
import httpx
import pytest
import requests
import vcr

from pytest_recorded import use_cassette
from pytest_recorded.options import Options
from pytest_recorded.vcr import Importer
from pytest_recorded.vcr.bodies import decode

JSON = ("Content-Type", "application/json")
TEXT = '{"name": "é", "big": 12345678901234567890123, "f": 1e2}'.encode()
BINARY = bytes(range(256))
EVENTS = [b'data: {"a": 1}\n\n', b"data: caf\xc3\xa9\n\n", b"data: [DONE]\n\n"]
ASK = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'


def answers(server):
    """Answer paths in all the ways that matter; return the requests to make."""
    reply = server.reply
    packed, inflated = gzip.compress(TEXT), zlib.compress(TEXT)
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bare = raw.compress(TEXT) + raw.flush()
    links = (("Link", "</a>; rel=next"), ("Link", "</b>; rel=last"))
    paths = {
        "/json": reply(TEXT, JSON, *links),
        "/gzip": reply(packed, JSON, ("Content-Encoding", "gzip")),
        "/deflate": reply(inflated, JSON, ("Content-Encoding", "deflate")),
        "/bare": reply(bare, JSON, ("Content-Encoding", "deflate")),
        "/binary": reply(BINARY, ("Content-Type", "application/octet-stream")),
        "/events": server.chunked(*EVENTS, headers=(("Content-Type", "text/event-stream"),)),
        "/zipped-events": server.chunked(
            gzip.compress(b"".join(EVENTS)),
            headers=(("Content-Type", "text/event-stream"), ("Content-Encoding", "gzip")),
        ),
        "/empty": reply(b"", status=204, reason="No Content", length=None),
        "/gone": reply(b'{"error": "gone"}', JSON, status=410, reason="Went Away"),
    }
    urls = [(server.on(path, answer), "GET", {}) for path, answer in paths.items()]
    polled = server.on("/polled", *[reply(state, JSON) for state in (b'"queued"', b'"running"', b'"done"')])
    urls += [(polled, "GET", {})] * 3
    chat = server.on("/chat", reply(b'{"answer": 1}', JSON), reply(b'{"answer": 2}', JSON))
    urls += [(chat, "POST", {"content": body, "headers": dict([JSON])}) for body in (ASK, ASK.replace(b"hi", b"ho"))]
    server.on("/json?q=é", reply(TEXT, JSON))
    return [*urls, (f"{server.url}/json?b=2&a=caf%C3%A9", "GET", {}), (f"{server.url}/gzip", "HEAD", {})]


def see_all(client, asked):
    return [client.see(url, method=method, **more) for url, method, more in asked]


def import_file(path, cassette, **how):
    return Importer(cassette, Options(**how)).run([path])


def replayed(client, asked, cassette, scope):
    with use_cassette(cassette, mode="none", scope=scope) as used:
        seen = see_all(client, asked)
        assert used.all_played
        return seen


def with_connection(url, method, content=None, headers=()):
    """Make a request as vcrpy's stand-in for http.client bears it."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    connection.request(method, target, content, dict(headers))
    connection.getresponse().read()
    connection.close()


def with_urllib(url, method, content=None, headers=()):
    request = urllib.request.Request(url, content, dict(headers), method=method)
    with contextlib.suppress(urllib.error.HTTPError):
        urllib.request.urlopen(request).read()


MAKERS = {"http.client": with_connection, "urllib": with_urllib}


def addresses(cassette):
    """Return where the rows of a cassette are, and what they say was asked, whatever headers a tool has kept."""
    connection = sqlite3.connect(cassette)
    columns = "scope, kind, key, seq, status, json_remove(request_json, '$.headers')"
    rows = connection.execute(f"SELECT {columns} FROM jobs ORDER BY kind, key, seq").fetchall()
    connection.close()
    return rows


def plain(see):
    """Return an answer's status and its body, without the content encoding that the standard library leaves."""
    assert see["error"] is None, see
    body = b"".join(see["pieces"])
    return see["status"], decode(body, dict(lowered(see)).get("content-encoding", "")).content


def lowered(see):
    return sorted((name.lower(), value) for name, value in see["headers"])


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_what_a_client_recorded_with_vcrpy_is_replayed_to_every_client(server, client, clients, suffix, tmp_path):
    """Every answer comes back as it came live: statuses, reasons, bodies of all encodings, polls in their order."""
    path = tmp_path / f"made.{suffix}"
    # vcrpy's JSON has no bytes; what it cannot decode ends the recording.
    loses = ("binary", "bare") if suffix == "json" else ()
    asked = [ask for ask in answers(server) if ask[0].rpartition("/")[2] not in loses]
    # Under vcrpy aiohttp tries to unpack the body that a HEAD has not got.
    asked = [ask for ask in asked if (client.name, ask[1]) != ("aiohttp", "HEAD")]
    with use_cassette(tmp_path / "own.db", mode="once", scope="made"):
        live = see_all(client, asked)
    answers(server)
    made_by = vcr.VCR(serializer=suffix, match_on=["method", "uri", "body"], decode_compressed_response=bool(loses))
    with made_by.use_cassette(str(path)) as made:
        for url, method, more in asked:
            MAKERS[client.name](url, method, **more) if client.name in MAKERS else client.see(
                url, method=method, **more
            )
        assert len(made) == len(asked)
    report = import_file(path, tmp_path / "jobs.db")
    assert (report.total("taken"), report.refused) == (len(asked), 0)
    assert addresses(tmp_path / "jobs.db") == addresses(tmp_path / "own.db")
    server.stop()
    for other in clients:
        again = replayed(other, asked, tmp_path / "jobs.db", "made")
        assert list(map(plain, again)) == list(map(plain, live)), other.name
        if other.name == client.name:
            assert [see["reason"] for see in again] == [see["reason"] for see in live]
            assert list(map(told, again)) == list(map(told, live))


def told(see):
    """Return the headers that say something: the others are about how the body was packed."""
    packed = ("content-encoding", "content-length", "transfer-encoding")
    return [pair for pair in lowered(see) if pair[0] not in packed]


@pytest.mark.parametrize("suffix", ["yaml", "toml"])
@pytest.mark.parametrize("name", ["httpx", "httpx-async", "requests"])
def test_what_cassetter_recorded_is_replayed_as_cassetter_replays_it(server, clients, name, suffix, tmp_path):
    """The bodies are those that cassetter itself gives: parsed JSON written anew, text and bytes as they came."""
    path = tmp_path / f"made.{suffix}"
    # It does not decode what has no header of zlib's, nor tell answers of one URL apart by their bodies by default.
    asked = [ask for ask in answers(server) if not ask[0].endswith("/bare")]
    how = {"match_on": ["method", "uri", "json_body"]}
    with cassetter.use_cassette(str(path), record_mode="once", intercept=[name.partition("-")[0]], **how):
        bodies_of(name, asked)
    with cassetter.use_cassette(str(path), record_mode="none", intercept=[name.partition("-")[0]], **how):
        expected = bodies_of(name, asked)
    report = import_file(path, tmp_path / "jobs.db")
    assert (report.total("taken"), report.refused, report.files[0].tool) == (len(asked), 0, "cassetter")
    server.stop()
    for client in clients:
        again = replayed(client, asked, tmp_path / "jobs.db", "made")
        assert list(map(plain, again)) == expected, client.name


def bodies_of(name, asked):
    """Make requests with the plain client that cassetter knows; return statuses and bodies."""
    if name == "requests":
        with requests.Session() as session:
            session.trust_env = False
            got = [
                session.request(method, url, data=more.get("content"), headers=more.get("headers"))
                for url, method, more in asked
            ]
    elif name == "httpx":
        with httpx.Client(trust_env=False) as client:
            got = [client.request(method, url, **more) for url, method, more in asked]
    else:

        async def ask():
            async with httpx.AsyncClient(trust_env=False) as client:
                return [await client.request(method, url, **more) for url, method, more in asked]

        got = anyio.run(ask)
    return [(response.status_code, response.content) for response in got]


def test_what_aiohttp_recorded_with_vcrpy_is_replayed_to_every_client(server, clients, tmp_path):
    async def ask(asked):
        async with aiohttp.ClientSession() as session:
            for url, method, more in asked:
                async with session.request(method, url, data=more.get("content"), headers=more.get("headers")) as got:
                    await got.read()

    # aiohttp minds the body that this server sends even where none belongs.
    asked = [ask for ask in answers(server) if ask[1] != "HEAD"]
    live = see_all(clients[0], asked)
    answers(server)
    path = tmp_path / "made.yaml"
    with vcr.use_cassette(str(path), match_on=["method", "uri", "body"]):
        anyio.run(ask, asked)
    assert import_file(path, tmp_path / "jobs.db").total("taken") == len(asked)
    server.stop()
    for client in clients:
        assert list(map(plain, replayed(client, asked, tmp_path / "jobs.db", "made"))) == list(map(plain, live))


def test_what_aiohttp_was_given_as_json_is_found_again_and_a_form_is_said_to_be_lost(server, tmp_path):
    """The values of json= and data= themselves are what vcrpy stores, and no content type."""
    number = iter(range(100))
    url = server.on("/chat", (lambda _asked: server.reply(b"%d" % next(number), JSON),))
    chat = {"messages": [{"role": "user", "content": "hi"}], "n": 1, "t": 0.5, "stream": False, "stop": None}
    bodies = [{"json": chat}, {"json": {"string": "a"}}, {"json": ["a", "b"]}, {"data": "a text"}]
    form_type = {"Content-Type": "application/x-www-form-urlencoded"}
    bodies += [{"data": {"b": "2", "a": "é"}, "headers": form_type}]

    async def ask(asked):
        async with aiohttp.ClientSession() as session:
            return [await (await session.post(url, **more)).json() for more in asked]

    path = tmp_path / "made.yaml"
    with vcr.use_cassette(str(path), match_on=["method", "uri", "body"]):
        assert anyio.run(ask, [*bodies, {"data": {"c": "3"}}]) == list(range(6))
    report = import_file(path, tmp_path / "jobs.db")
    lost = "its body was stored as fields, and is taken as JSON: as a form it cannot match"
    assert (report.total("taken"), report.files[0].notes[lost]) == (6, 2)
    server.stop()
    with use_cassette(tmp_path / "jobs.db", mode="none", scope="made"):
        assert anyio.run(ask, bodies) == list(range(5))


def send_uploads(url):
    """Send bodies of all kinds; return the answers."""
    with requests.Session() as session:
        session.trust_env = False
        sent = [
            session.post(url, data={"b": "2", "a": "ä&=1"}),
            session.post(url, files={"file": ("a.bin", BINARY)}, data={"name": "x"}),
            session.post(url, data=iter([b"a", b"b"])),
            session.post(url, data=io.BytesIO(b"a file")),
            session.post(url, data=BINARY),
        ]
    with httpx.Client(trust_env=False) as client:
        sent += [
            client.post(url, data={"b": "2", "a": "ö"}),
            client.post(url, files={"file": ("a.txt", b"text")}),
            client.post(url, content=iter([b"c", b"d"])),
            client.put(f"{url}?x=1", json={"deep": [{"n": 1.5}]}),
        ]
    return [response.json() for response in sent]


def test_bodies_of_every_kind_are_found_again(server, tmp_path):
    """Forms, uploads with another random boundary each time, files, generators, bytes: each gets its own answer."""
    number = iter(range(100))
    url = server.on("/upload", (lambda _asked: server.reply(b"%d" % next(number), JSON),))
    path = tmp_path / "made.yaml"
    with vcr.use_cassette(str(path), record_mode="all"):
        sent = send_uploads(url)
    assert "!!python/object" in path.read_text()
    assert import_file(path, tmp_path / "jobs.db").total("taken") == len(sent)
    server.stop()
    with use_cassette(tmp_path / "jobs.db", mode="none", scope="made") as used:
        assert send_uploads(url) == sent == list(range(9))
        assert used.all_played


KEY, SESSION, JOB = "sk-live-0123456789abcdefXYZ", "s3ss10n-0123456789abcdef", "j0bt0k3n-0123456789abcdef"


def log_in(server):
    """Send secrets in all the places where they are sent, and what an answer has said."""
    with httpx.Client(trust_env=False, headers={"authorization": f"Bearer {KEY}"}) as client:
        first = client.post(f"{server.url}/login?api_key={KEY}", json={"user": "a", "password": "hunter2 hunter2"})
        job = first.json()["access_token"]
        second = client.get(f"{server.url}/jobs/{job}")
        return first.status_code, second.json()


@pytest.mark.parametrize("tool", ["vcrpy", "cassetter"])
def test_no_secret_of_a_foreign_cassette_reaches_ours(server, tool, tmp_path):
    """What is secret by default is replaced, and found again all the same, as in our own recordings."""
    server.on("/login", server.reply(b'{"access_token": "%s"}' % JOB.encode(), JSON, ("Set-Cookie", f"sid={SESSION}")))
    server.on(f"/jobs/{JOB}", server.reply(b'{"state": "done"}', JSON))
    path = tmp_path / "made.yaml"
    use = vcr.use_cassette if tool == "vcrpy" else cassetter.use_cassette
    # cassetter's own filters leave the token in the next URL.
    with use_cassette(tmp_path / "own.db", scope="made"):
        log_in(server)
    with use(str(path), record_mode="all"):
        log_in(server)
    report = import_file(path, tmp_path / "jobs.db")
    assert report.total("taken") == 2
    for secret in (KEY, SESSION, JOB, "hunter2"):
        assert (secret in path.read_text()) == (tool == "vcrpy" or secret == JOB)
        if (secret, tool) != (JOB, "cassetter"):
            assert secret.encode() not in (tmp_path / "jobs.db").read_bytes()
    if tool == "cassetter":
        return
    assert addresses(tmp_path / "jobs.db") == addresses(tmp_path / "own.db")
    server.stop()
    with use_cassette(tmp_path / "jobs.db", mode="none", scope="made"):
        assert log_in(server) == (200, {"state": "done"})


def test_what_cassetter_has_filtered_matches_where_a_live_secret_would_be_hidden(server, tmp_path):
    """`?token=[FILTERED]` is the key of every token that looks like a credential."""
    url = server.on("/x", server.reply(b"{}", JSON))
    path = tmp_path / "made.yaml"
    with cassetter.use_cassette(str(path), record_mode="once", intercept=["httpx"]):
        httpx.get(f"{url}?token={KEY}&page=1", trust_env=False)
        httpx.post(url, json={"password": "pass word", "n": 1}, trust_env=False)
    assert KEY not in path.read_text()
    report = import_file(path, tmp_path / "jobs.db")
    assert (report.total("taken"), report.files[0].notes) == (2, {})
    with use_cassette(tmp_path / "jobs.db", mode="none", scope="made") as used:
        httpx.get(f"{url}?token={JOB}&page=1", trust_env=False)
        httpx.post(url, json={"password": "other", "n": 1}, trust_env=False)
        assert used.all_played
    assert server.count == 2
