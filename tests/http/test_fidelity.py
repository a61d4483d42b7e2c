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
    "text that is no UTF-8": lambda s: (s.reply(b"\xff\xfe caf\xe9", ("Content-Type", "text/plain; charset=utf-8")),),
    "text without charset": lambda s: (s.reply("café".encode("latin-1"), ("Content-Type", "text/html")),),
    "UTF-16": lambda s: (s.reply("café".encode("utf-16"), ("Content-Type", "text/plain; charset=utf-16")),),
    "zero bytes": lambda s: (s.reply(b"\0" * 70, ("Content-Type", "text/plain")),),
    "line ends of every sort": lambda s: (s.reply("a\r\nb\rc\n\nd\u2028e\x85f".encode()),),
    "a lone surrogate in JSON": lambda s: (s.reply(b'"\\ud800"', ("Content-Type", "application/json")),),
    "names in capitals": lambda s: (s.reply(b"x", ("X-UPPER", "Value"), ("x-lower", "value"), ("X-MiXeD", "VaLuE")),),
    "a long header": lambda s: (s.reply(b"x", ("X-Long", LONG)),),
    "ninety headers": lambda s: (s.reply(b"x", *((f"X-{n}", str(n)) for n in range(90))),),
    "spaces around a value": lambda s: (s.reply(b"x", ("X-Space", "  both  "), ("X-Tab", "\tin\tside\t")),),
    "a colon, a quote, a comma": lambda s: (s.reply(b"x", ("X-Odd", 'a: "b", c'), ("Link", '<a>; rel="x, y"')),),
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


PACKED = {"br": brotli.compress(TEXT), "zstd": zstd.compress(TEXT)}
WITHOUT = """
import sys
for name in ("brotli", "brotlicffi", "zstandard", "backports.zstd", "compression.zstd"):
    sys.modules[name] = None
import httpx, httpx2, requests, urllib3
from pytest_recorded import use_cassette
url, path = sys.argv[1:]
with use_cassette(path, mode="none"):
    bodies = [httpx.get(url).content, httpx2.get(url).content, requests.get(url).content]
    bodies.append(urllib3.PoolManager().request("GET", url).data)
sys.stdout.buffer.write(b"".join(bodies))
"""


@pytest.mark.parametrize("encoding", ["br", "zstd"])
def test_an_answer_that_was_packed_opens_where_its_decoder_is_missing(encoding, server, cassette, tmp_path):
    url = server.on("/x", server.reply(PACKED[encoding], ("Content-Encoding", encoding)))
    with cassette(scope="s") as block:
        bodies = [httpx.get(url).content, httpx2.get(url).content, requests.get(url, timeout=5).content]
        with urllib3.PoolManager() as manager:
            bodies.append(manager.request("GET", url).data)
        assert [job.response.text for job in block.jobs] == [TEXT.decode()] * 4
    assert bodies == [TEXT] * 4
    server.stop()
    program = textwrap.dedent(WITHOUT).replace('mode="none"', 'mode="none", scope="s"')
    command = [sys.executable, "-c", program, url, str(tmp_path / "cassettes" / "jobs.db")]
    assert subprocess.run(command, check=True, capture_output=True, timeout=60).stdout == TEXT * 4


@pytest.mark.parametrize("encoding", ["br", "zstd"])
def test_a_packed_answer_is_unpacked_alike_live_and_in_a_replay(encoding, clients, server, cassette):
    url = server.on("/x", server.reply(PACKED[encoding], ("Content-Encoding", encoding)))
    decoding = [client for client in clients if client.is_httpx or client.name in ("urllib3", "requests")]
    with cassette():
        assert [b"".join(client.see(url)["pieces"]) for client in decoding] == [TEXT] * len(decoding)
    server.stop()
    with cassette("none"):
        assert [b"".join(client.see(url)["pieces"]) for client in decoding] == [TEXT] * len(decoding)


# 50 MB each.
BIG_TEXT = b"".join(b"%08x: a line of text\n" % (n * 2654435761 % 2**32) for n in range(9_000)) * 230
BIG_BYTES = bytes(range(256)) * 200_000


def test_fifty_megabytes_of_text_come_as_they_are(server, cassette):
    url = server.on("/x", server.reply(BIG_TEXT, ("Content-Type", "text/plain")))
    for mode in ("once", "none"):
        with cassette(mode):
            assert httpx2.get(url, timeout=60).content == BIG_TEXT
        server.stop()
    assert len(BIG_TEXT) > 50_000_000


def test_fifty_megabytes_of_bytes_go_as_they_are_and_are_part_of_the_key(server, cassette):
    url = server.on("/x", lambda asked: server.reply(b"%d" % len(asked.body)))

    def send(body):
        return requests.post(url, data=(body[at : at + 2**20] for at in range(0, len(body), 2**20)), timeout=60).text

    for mode in ("once", "none"):
        with cassette(mode):
            assert send(BIG_BYTES) == str(len(BIG_BYTES))
        server.stop()
    assert server.asked[0].body == BIG_BYTES
    with pytest.raises(MissingRecording), cassette("none"):
        send(BIG_BYTES[:-1] + b"!")


def test_credentials_in_a_url_that_a_proxy_is_asked_for_are_not_stored(server, cassette, tmp_path):
    server.on("http://ann:correct-horse-1@far.example/x", server.reply(b"far"))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": server.url}))
    for mode in ("once", "none"):
        with cassette(mode) as block, opener.open("http://ann:correct-horse-1@far.example/x") as response:
            assert response.read() == b"far"
        assert block.jobs[0].request.url == "http://far.example/x"
    assert b"correct-horse" not in (tmp_path / "cassettes" / "jobs.db").read_bytes()


# Requests that are the same on the wire, whoever makes them.
URLS = {
    "a name in Unicode": ("http://bücher.example/x", "http://xn--bcher-kva.example/x"),
    "a path in Unicode": ("http://far.example/straße/日本", "http://far.example/stra%C3%9Fe/%E6%97%A5%E6%9C%AC"),
    "a space": ("http://far.example/a b", "http://far.example/a%20b"),
    "a query in Unicode": ("http://far.example/x?q=ü&r=a b", "http://far.example/x?q=%C3%BC&r=a%20b"),
    "percent, encoded": ("http://far.example/100%25?a=%26b", "http://far.example/100%25?a=%26b"),
    "the usual port": ("http://far.example:80/x", "http://far.example/x"),
    "no path": ("http://far.example", "http://far.example/"),
    "a fragment": ("http://far.example/x#top", "http://far.example/x"),
}


def _by_urllib3(url, proxy):
    with urllib3.ProxyManager(proxy) as manager:
        return manager.request("GET", url).data.decode()


def _by_httpx(lib, url, proxy):
    with lib.Client(proxy=proxy, trust_env=False) as client:
        return client.get(url).text


BY_PROXY = {
    "httpx": lambda url, proxy: _by_httpx(httpx, url, proxy),
    "httpx2": lambda url, proxy: _by_httpx(httpx2, url, proxy),
    "requests": lambda url, proxy: requests.get(url, proxies={"http": proxy}, timeout=5).text,
    "urllib3": _by_urllib3,
}


@pytest.mark.parametrize("name", URLS)
def test_the_same_address_written_otherwise_is_found_by_every_client(name, server, cassette):
    written, sent = URLS[name]
    for target in (written, sent):
        server.on(target.partition("?")[0].partition("#")[0], server.reply(b"far"))
    with cassette() as block:
        for ask in BY_PROXY.values():
            ask(written, server.url)
        assert [job.request.url for job in block.jobs] == [sent] * len(BY_PROXY)
    server.stop()
    with cassette("none"):
        for ask in reversed(BY_PROXY.values()):
            assert ask(written, server.url) == "far"
    assert server.count == len(BY_PROXY)


def test_a_proxys_credentials_are_never_stored(server, cassette, tmp_path):
    server.on("http://far.example/x", lambda asked: server.reply(asked.headers["proxy-authorization"][:5].encode()))
    proxy = server.url.replace("http://", "http://ann:correct-horse-1@")
    for by in ("httpx", "httpx2", "requests"):
        for mode in ("once", "none"):
            with cassette(mode, scope=by):
                assert BY_PROXY[by]("http://far.example/x", proxy) == "Basic"
    headers = urllib3.make_headers(proxy_basic_auth="ann:correct-horse-1")
    for mode in ("once", "none"):
        with cassette(mode, scope="urllib3"), urllib3.ProxyManager(server.url, proxy_headers=headers) as manager:
            assert manager.request("GET", "http://far.example/x").data == b"Basic"
    assert server.count == 4
    stored = b"".join(path.read_bytes() for path in (tmp_path / "cassettes").rglob("*") if path.is_file())
    assert b"correct-horse" not in stored
    assert b"YW5uOmNvcnJlY3QtaG9yc2UtMQ" not in stored


def test_a_redirect_to_another_port_leaves_the_credentials_behind_again(client, server, cassette):
    other = type(server)()
    other.on("/2", lambda asked: other.reply(b"yes" if "authorization" in asked.headers else b"no"))
    url = server.on("/1", server.reply(b"", ("Location", f"{other.url}/2"), status=302, reason="Found"))
    more = {"headers": {"Authorization": "Basic YW5uOnB3"}, **({"follow_redirects": True} if client.is_httpx else {})}
    live = client.see(url, **more)
    with cassette() as block:
        assert client.see(url, **more) == live
        assert len(block) == server.count + other.count - len(block)
    for each in (server, other):
        each.stop()
    with cassette("none"):
        assert client.see(url, **more) == live


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("lib", [requests, httpx, httpx2], ids=["requests", "httpx", "httpx2"])
def test_a_put_that_is_redirected_keeps_or_changes_its_method_as_ever(lib, status, server, cassette):
    server.on("/2", lambda asked: server.reply(f"{asked.method} {asked.body!r}".encode()))
    url = server.on("/1", server.reply(b"", ("Location", "2"), status=status, reason="Go"))
    more = (
        {"allow_redirects": True, "data": b"data"}
        if lib is requests
        else {"follow_redirects": True, "content": b"data"}
    )
    bare = lib.put(url, timeout=5, **more).text
    for mode in ("once", "none"):
        with cassette(mode):
            response = lib.put(url, timeout=5, **more)
            assert (response.text, len(response.history)) == (bare, 1)
        if mode == "once":
            server.stop()


def test_digest_auth_of_requests_is_answered_again_whatever_its_nonce(server, cassette):
    challenge = 'Digest realm="r", qop="auth", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    no, yes = server.reply(b"no", ("WWW-Authenticate", challenge), status=401), server.reply(b"in")
    url = server.on("/x", lambda asked: yes if "authorization" in asked.headers else no)
    for mode in ("once", "none"):
        with cassette(mode) as block:
            for _ in range(2):
                response = requests.get(url, auth=requests.auth.HTTPDigestAuth("ann", "pw"), timeout=5)
                assert (response.text, [past.status_code for past in response.history]) == ("in", [401])
            assert [job.response.status for job in block.jobs] == [401, 200, 401, 200]
    sent = [asked.headers["authorization"] for asked in server.asked if "authorization" in asked.headers]
    assert len(set(sent)) == 2


def test_credentials_of_a_netrc_file_are_not_stored(server, cassette, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ann password correct-horse-1\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    url = server.on("/x", lambda asked: server.reply(b"yes" if "authorization" in asked.headers else b"no"))
    for mode in ("once", "none"):
        with cassette(mode):
            assert requests.get(url, timeout=5).text == "yes"
            assert httpx.get(url, auth=httpx.NetRCAuth(str(tmp_path / "netrc"))).text == "yes"
    stored = (tmp_path / "cassettes" / "jobs.db").read_bytes()
    assert b"YW5uOmNvcnJlY3QtaG9yc2UtMQ" not in stored


def test_parts_of_a_resource_are_kept_apart_by_their_range(server, cassette, client):
    def part(asked):
        first, last = asked.headers["range"].removeprefix("bytes=").split("-")
        body = b"0123456789"[int(first) : int(last) + 1]
        return server.reply(body, ("Content-Range", f"bytes {first}-{last}/10"), status=206, reason="Partial Content")

    url = server.on("/x", part)

    def see(asked):
        seen = client.see(url, headers={"Range": asked})
        return seen["status"], b"".join(seen["pieces"])

    ranges = ["bytes=0-3", "bytes=4-6", "bytes=7-9"]
    with cassette():
        live = [see(asked) for asked in ranges]
    assert live == [(206, b"0123"), (206, b"456"), (206, b"789")]
    # As threads may ask in another order.
    with cassette("none") as block:
        assert [see(asked) for asked in reversed(ranges)] == live[::-1]
        with pytest.raises(MissingRecording, match=r"range\n +recorded: bytes=.*\n +now: +bytes=2-5\n"):
            see("bytes=2-5")
        block._scope.misses.clear()
    assert server.count == 3


BYTES = bytes(range(256)) * 40 + b"\r\n--"


def _files():
    return [("f", ("ü.bin", io.BytesIO(BYTES))), ("f", ("b.bin", BYTES, "application/x-b"))]


UPLOADS = {
    "requests": lambda url: requests.post(url, data={"a": "1"}, files=_files(), timeout=5).text,
    "httpx": lambda url: httpx.post(url, data={"a": "1"}, files=_files()).text,
    "httpx2": lambda url: httpx2.post(url, data={"a": "1"}, files=_files()).text,
    "urllib3": lambda url: urllib3.request("POST", url, fields=[("a", "1"), *[("f", ("ü", BYTES))] * 2]).data.decode(),
}


@pytest.mark.parametrize("name", UPLOADS)
def test_an_upload_is_found_again_whatever_its_boundary(name, server, cassette):
    url = server.on("/x", lambda asked: server.reply(b"%d" % asked.body.count(BYTES)))
    for mode in ("once", "none"):
        with cassette(mode):
            assert UPLOADS[name](url) == "2"
    assert server.count == 1


@BOTH
def test_a_pool_that_is_full_times_out_again(lib, server, cassette):
    url = server.on("/x", ("hang",))

    async def ask():
        limits = lib.Limits(max_connections=1)
        timeout = lib.Timeout(5, pool=0.1)
        async with (
            lib.AsyncClient(limits=limits, timeout=timeout, trust_env=False) as client,
            anyio.create_task_group() as group,
        ):
            group.start_soon(client.get, url)
            await anyio.wait_all_tasks_blocked()
            try:
                await client.get(url + "?second")
            except lib.PoolTimeout as error:
                group.cancel_scope.cancel()
                return type(error), str(error)
        return None

    with cassette():
        live = anyio.run(ask)
    assert live[0] is lib.PoolTimeout
    server.stop()
    with cassette("none"):
        assert anyio.run(ask) == live
