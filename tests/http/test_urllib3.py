"""What is special about urllib3, and about requests and boto3 on top of it."""

from __future__ import annotations

import gzip
import http.client
import io
import threading
import time
import urllib.request
import zlib
from concurrent.futures import ThreadPoolExecutor

import boto3
import botocore.config
import botocore.exceptions
import httpx
import pytest
import requests
import urllib3

from pytest_recorded import MissingRecording

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def _jobs(block):
    return [(job.request.method, job.request.url.rpartition("/")[2], job.response.status) for job in block.jobs]


def _request(method, url, **more):
    with urllib3.PoolManager() as manager:
        return manager.request(method, url, **more)


def test_one_exchange_is_one_call_of_the_outermost_library(server, cassette):
    url = server.on("/x", server.reply(b"once"))
    with cassette() as recorded:
        assert requests.get(url, timeout=5).text == "once"
    (job,) = recorded.jobs
    assert (job.kind, job.request.url, server.count) == ("http.127.0.0.1", url, 1)


def test_a_session_keeps_its_cookies_through_a_replay(server, cassette):
    first = server.on(
        "/first", server.reply(b"", ("Set-Cookie", "id=42; Path=/"), ("Set-Cookie", "theme=dark; Path=/"))
    )
    second = server.on(
        "/second", lambda asked: server.reply(";".join(sorted(asked.headers["cookie"].split("; "))).encode())
    )
    for mode in ("once", "none"):
        with cassette(mode), requests.Session() as session:
            assert sorted(session.get(first, timeout=5).cookies.keys()) == ["id", "theme"]
            session.get(second, timeout=5)
            assert sorted(session.cookies.keys()) == ["id", "theme"]
    assert server.asked[1].headers["cookie"] in ("id=42; theme=dark", "theme=dark; id=42")
    assert server.count == 2


@pytest.mark.parametrize("library", ["requests", "urllib3"])
def test_each_hop_of_a_redirect_is_a_call(library, server, cassette):
    server.on("/a", server.reply(b"", ("Location", "/b"), status=302, reason="Found"))
    server.on("/b", server.reply(b"", ("Location", "/c"), status=307, reason="Temporary Redirect"))
    server.on("/c", server.reply(b"there"))
    for mode in ("once", "none"):
        with cassette(mode) as block:
            if library == "requests":
                response = requests.get(server.url + "/a", timeout=5)
                assert [past.status_code for past in response.history] == [302, 307]
                assert (response.url, response.content) == (server.url + "/c", b"there")
            else:
                response = _request("GET", server.url + "/a")
                assert [past.status for past in response.retries.history] == [302, 307]
                assert (response.geturl(), response.data) == ("/c", b"there")
            assert _jobs(block) == [("GET", "a", 302), ("GET", "b", 307), ("GET", "c", 200)]
    assert server.count == 3


def test_a_retry_is_a_call_of_its_own_and_a_replay_does_not_wait_for_it(server, cassette, monkeypatch):
    busy = server.reply(b"busy", status=503, reason="Busy")
    url = server.on("/x", busy, ("close",), busy, server.reply(b"at last"))
    patience = urllib3.Retry(5, status_forcelist=[503], backoff_factor=0.01)
    with cassette() as block:
        assert _request("GET", url, retries=patience).data == b"at last"
        assert [job.status for job in block.jobs] == ["completed", "failed", "completed", "completed"]
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    with cassette("none") as block:
        response = _request("GET", url, retries=patience)
        assert (response.data, len(response.retries.history), len(block.jobs)) == (b"at last", 3, 4)
    assert (slept, server.count) == ([], 4)


def test_a_recorded_retry_after_is_over_at_once(server, cassette, monkeypatch):
    url = server.on("/x", server.reply(b"", ("Retry-After", "1"), status=429, reason="Slow down"), server.reply(b"now"))
    with cassette():
        assert _request("GET", url).data == b"now"
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    with cassette("none"):
        assert _request("GET", url).data == b"now"
    assert slept == []


@pytest.mark.parametrize("body", ["generator", "file", "text file", "bytes", "text", "form"])
def test_a_body_is_read_once_sent_whole_and_part_of_the_key(body, server, cassette, tmp_path):
    url = server.on("/x", lambda asked: server.reply(asked.body))
    path = tmp_path / "body"
    path.write_bytes(b"one two" * 9000)
    read = []

    def pieces():
        for piece in (b"one ", b"two"):
            read.append(piece)
            yield piece

    made = {
        "generator": pieces,
        "file": lambda: path.open("rb"),
        "text file": lambda: io.StringIO("one two"),
        "bytes": lambda: b"one two",
        "text": lambda: "one two",
        "form": lambda: {"a": ["1", "2"], "b": "ü"},
    }[body]
    answers = []
    for mode in ("once", "none"):
        with cassette(mode):
            data = made()
            answers.append(requests.post(url, data=data, timeout=5).content)
            if hasattr(data, "close"):
                data.close()
    assert answers[0] == answers[1] == server.asked[0].body
    assert (server.count, len(read)) == (1, 4 if body == "generator" else 0)
    with pytest.raises(MissingRecording), cassette("none"):
        requests.post(url, data=b"another", timeout=5)


def test_multipart_bodies_are_the_same_whatever_their_boundary(server, cassette):
    url = server.on("/x", server.reply(b"got it"))
    for mode in ("once", "none"):
        with cassette(mode):
            files = {"file": ("notes.txt", io.BytesIO(b"some notes"), "text/plain")}
            assert requests.post(url, data={"purpose": "demo"}, files=files, timeout=5).text == "got it"
    assert server.count == 1


def test_a_packed_stream_keeps_its_pieces(server, cassette):
    packer, pieces = zlib.compressobj(wbits=31), [b"data: one\n\n", b"data: two\n\n", b"data: three\n\n"]
    packed = [packer.compress(piece) + packer.flush(2) for piece in pieces]
    packed[-1] += packer.flush()
    url = server.on("/x", server.chunked(*packed, headers=(("Content-Encoding", "gzip"),)))
    for mode in ("once", "none"):
        with cassette(mode) as block, requests.get(url, stream=True, timeout=5) as response:
            assert list(response.iter_content(None)) == pieces
            assert response.headers["content-encoding"] == "gzip"
    assert (block.jobs[0].response.content, block.jobs[0].response.encoded) == (b"".join(pieces), False)


def test_who_unpacks_himself_gets_something_to_unpack(server, cassette):
    url = server.on("/x", server.reply(gzip.compress(b"plain"), ("Content-Encoding", "gzip")))
    for mode in ("once", "none"):
        with cassette(mode), requests.get(url, stream=True, timeout=5) as response:
            assert gzip.decompress(response.raw.read()) == b"plain"


def test_the_lines_of_a_stream_come_one_by_one_while_it_is_recorded(server, cassette):
    gate = threading.Event()
    url = server.on("/x", (server.head(), server.chunk(b"first\n"), gate, server.chunk(b"second\n"), server.chunk()))
    with cassette(), requests.get(url, stream=True, timeout=5) as response:
        lines = response.iter_lines(chunk_size=None)
        assert next(lines) == b"first"
        gate.set()
        assert list(lines) == [b"second"]
    server.stop()
    with cassette("none"), requests.get(url, stream=True, timeout=5) as response:
        assert list(response.iter_lines(chunk_size=None)) == [b"first", b"second"]


def test_the_server_is_not_asked_by_any_of_32_threads_twice(server, cassette):
    server.on("/x", lambda asked: server.reply(asked.target.encode()))
    urls = [f"{server.url}/x?n={number % 32}" for number in range(128)]
    for mode in ("once", "none"):
        with cassette(mode), requests.Session() as session, ThreadPoolExecutor(32) as pool:
            session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=32))
            texts = list(pool.map(lambda url: session.get(url, timeout=10).text, urls))
            assert texts == [url.removeprefix(server.url) for url in urls]
        if mode == "once":
            assert server.count == 128
            server.stop()
    assert server.count == 128


def test_a_replay_opens_no_connection(server, cassette):
    url = server.on("/x", server.reply(b"x"))
    with cassette(), urllib3.PoolManager() as manager:
        manager.request("GET", url)
    server.stop()
    with cassette("none"), urllib3.HTTPConnectionPool("127.0.0.1", server.port) as pool:
        assert pool.request("GET", "/x").data == b"x"
        connection = pool._get_conn()
        assert connection.sock is None
        pool._put_conn(connection)


def test_a_connection_goes_on_live_where_a_replay_has_left_it(server, cassette):
    url = server.on("/x", server.reply(b"x"))
    other = server.on("/y", server.reply(b"y"))
    with requests.Session() as session:
        with cassette():
            session.get(url, timeout=5)
        with cassette("new_episodes"):
            assert [session.get(each, timeout=5).text for each in (url, other, url, other)] == ["x", "y", "x", "y"]
        assert session.get(url, timeout=5).text == "x"
    assert len({asked.connection for asked in server.asked}) <= 2


def test_a_connection_that_says_so_is_left_alone(server, cassette):
    class Unrecorded(urllib3.connection.HTTPConnection):
        __recorded__ = False

    class Pool(urllib3.HTTPConnectionPool):
        ConnectionCls = Unrecorded

    server.on("/x", server.reply(b"x"))
    with cassette("none") as block, Pool("127.0.0.1", server.port) as pool:
        assert pool.request("GET", "/x").data == b"x"
    assert (server.count, len(block)) == (1, 0)


def test_a_request_through_a_proxy_is_that_of_its_url(server, cassette):
    server.on("http://far.example/x", server.reply(b"far"))
    for mode in ("once", "none"):
        with cassette(mode) as block, urllib3.ProxyManager(server.url) as proxy:
            assert proxy.request("GET", "http://far.example/x").data == b"far"
        assert [job.request.url for job in block.jobs] == ["http://far.example/x"]
    assert server.count == 1


def _blamed(url, proxy):
    with pytest.raises(requests.exceptions.ConnectionError) as caught:
        requests.get(url, proxies={"http": proxy, "https": proxy}, timeout=5)
    told = caught.value.args[0]
    return type(caught.value), type(told), type(getattr(told, "reason", None))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_not_there_is_to_blame_again(scheme, server, cassette):
    server.stop()
    live = _blamed(f"{scheme}://far.example/x", server.url)
    assert live[0] is requests.exceptions.ProxyError
    for mode in ("once", "none"):
        with cassette(mode):
            assert _blamed(f"{scheme}://far.example/x", server.url) == live


@pytest.mark.parametrize("answer", ["close", "reset"])
def test_a_proxy_is_to_blame_for_what_comes_behind_it_as_it_was(answer, server, cassette):
    server.on("http://far.example/x", (answer,))
    live = _blamed("http://far.example/x", server.url)
    for mode in ("once", "none"):
        with cassette(mode):
            assert _blamed("http://far.example/x", server.url) == live
    assert server.count == 2


def _proxies(secure, way):
    return {"https": secure.proxy} if way == "tunnel" else {"no_proxy": "*"}


@pytest.mark.parametrize("way", ["direct", "tunnel"])
def test_a_replay_needs_no_handshake_and_no_tunnel(way, secure, cassette):
    url = secure.on("/x", secure.reply(b"secure"))
    for mode in ("once", "none"):
        with cassette(mode) as block, requests.Session() as session:
            # The environment would have its say about certificates and proxies.
            session.trust_env = False
            session.verify, session.proxies = secure.certificate, _proxies(secure, way)
            assert [session.get(url, timeout=5).text for _ in range(2)] == ["secure", "secure"]
        assert [job.request.url for job in block.jobs] == [url, url]
        if mode == "once":
            assert len({asked.connection for asked in secure.asked}) == 1
            secure.stop()
    assert secure.count == 2


@pytest.mark.parametrize("way", ["direct", "tunnel"])
def test_a_certificate_that_nobody_trusts_is_trusted_no_more_in_a_replay(way, secure, cassette):
    url = secure.on("/x", secure.reply(b"secure"))
    for mode in ("once", "none"):
        with cassette(mode), pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
            requests.get(url, proxies=_proxies(secure, way), timeout=5)
    assert secure.count == 0


def test_unverified_connections_are_warned_of_in_a_replay_too(secure, cassette):
    url = secure.on("/x", secure.reply(b"secure"))
    for mode in ("once", "none"):
        with cassette(mode), requests.Session() as session:
            with pytest.warns(urllib3.exceptions.InsecureRequestWarning) as warned:
                assert session.get(url, verify=False, timeout=5).text == "secure"
            assert len(warned) == 1
    assert secure.count == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (("close",), requests.exceptions.ConnectionError),
        (("hang",), requests.exceptions.ReadTimeout),
        (
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "close"),
            requests.exceptions.ChunkedEncodingError,
        ),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", "close"), requests.exceptions.ChunkedEncodingError),
    ],
    ids=["closed", "silent", "cut in a chunk", "cut"],
)
def test_an_exception_of_requests_comes_again_with_its_request(answer, expected, server, cassette):
    url = server.on("/x", answer)
    for mode in ("once", "none"):
        with cassette(mode), pytest.raises(expected) as caught:
            requests.get(url, timeout=0.2)
        # Of a body that breaks off nobody tells requests whose it was.
        assert expected is requests.exceptions.ChunkedEncodingError or caught.value.request.url == url
    assert server.count == 1


def test_a_refused_connection_gives_its_reason_and_keeps_no_address(server, cassette):
    server.stop()
    for mode in ("once", "none"):
        with cassette(mode) as block, pytest.raises(requests.exceptions.ConnectionError) as caught:
            requests.get(server.url + "/x", timeout=5)
        reason = caught.value.args[0].reason
        assert isinstance(reason, urllib3.exceptions.NewConnectionError)
        assert "Connection refused" in str(reason)
    (job,) = block.jobs
    assert " at 0x" not in str(job.error)


GONE = "http://127.0.0.1:1/refused"
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"


def _failure(get, url):
    try:
        get(url).close()
    except (OSError, http.client.HTTPException, httpx.HTTPError) as error:
        return type(error)
    return None


def _by_urllib(url):
    with urllib.request.urlopen(url, timeout=5) as response:
        return io.BytesIO(response.read())


GETS = {"requests": lambda url: requests.get(url, timeout=5), "httpx": httpx.get, "urllib": _by_urllib}


@pytest.mark.parametrize("other", ["httpx", "urllib"])
@pytest.mark.parametrize("back", [False, True])
def test_a_call_that_failed_in_one_library_fails_in_another_in_its_own_way(other, back, server, cassette):
    urls = (GONE, server.on("/closed", ("close",)), server.on("/cut", (CUT, "close")))
    first, second = (GETS[name] for name in ((other, "requests") if back else ("requests", other)))
    live = [_failure(second, url) for url in urls]
    assert None not in live
    with cassette():
        for url in urls:
            assert _failure(first, url)
    server.stop()
    with cassette("none"):
        assert [_failure(second, url) for url in urls] == live


def _client(server, service, key="AKIAIOSFODNN7EXAMPLE", secret=SECRET):
    config = botocore.config.Config(
        retries={"max_attempts": 1}, s3={"addressing_style": "path"}, proxies={}, connect_timeout=5, read_timeout=5
    )
    return boto3.client(
        service, endpoint_url=server.url, region_name="eu-central-1", config=config,
        aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token="FwoGZXIvYXdzEBYaDExampleToken0123",
    )  # fmt: skip


def test_boto3_writes_and_reads_an_object_without_a_server(server, cassette, tmp_path):
    server.on("/bucket/key", server.reply(b"", ("ETag", '"e1"')), server.reply(b"content" * 99, ("ETag", '"e1"')))
    for mode, key in (("once", "AKIAIOSFODNN7EXAMPLE"), ("none", "AKIAI44QH8DHBEXAMPLE")):
        with cassette(mode) as block:
            client = _client(server, "s3", key)
            assert client.put_object(Bucket="bucket", Key="key", Body=b"content" * 99)["ETag"] == '"e1"'
            assert client.get_object(Bucket="bucket", Key="key")["Body"].read() == b"content" * 99
            client.close()
        assert [job.request.method for job in block.jobs] == ["PUT", "GET"]
    assert server.count == 2
    assert b"content" * 99 in server.asked[0].body
    assert "AWS4-HMAC-SHA256" in server.asked[0].headers["authorization"]
    stored = b"".join(path.read_bytes() for path in (tmp_path / "cassettes").rglob("*") if path.is_file())
    signature = server.asked[0].headers["authorization"].rpartition("=")[2].encode()
    for secret in (SECRET.encode(), b"AKIAIOSFODNN7EXAMPLE", b"FwoGZXIvYXdzEBYaDExampleToken0123", signature):
        assert secret not in stored


def test_boto3_streams_a_body_out_of_a_file(server, cassette, tmp_path):
    path = tmp_path / "upload"
    path.write_bytes(bytes(range(256)) * 4000)
    server.on("/bucket/key", server.reply(b"", ("ETag", '"e1"')))
    for mode in ("once", "none"):
        with cassette(mode), path.open("rb") as file:
            client = _client(server, "s3")
            assert client.put_object(Bucket="bucket", Key="key", Body=file)["ETag"] == '"e1"'
            client.close()
    assert server.count == 1
    assert path.read_bytes() in server.asked[0].body


def test_an_operation_of_dynamodb_is_found_by_what_it_asks(server, cassette):
    server.on("/", server.reply(b'{"Item": {"id": {"S": "7"}}}', ("Content-Type", "application/x-amz-json-1.0")))
    for mode in ("once", "none"):
        with cassette(mode) as block:
            client = _client(server, "dynamodb")
            assert client.get_item(TableName="t", Key={"id": {"S": "7"}})["Item"] == {"id": {"S": "7"}}
            client.close()
        assert block.jobs[0].request.json() == {"TableName": "t", "Key": {"id": {"S": "7"}}}
    with pytest.raises(MissingRecording), cassette("none"):
        _client(server, "dynamodb").get_item(TableName="t", Key={"id": {"S": "8"}})
    assert server.count == 1


def test_an_error_of_an_api_is_the_same_exception_of_boto3_again(server, cassette):
    body = b'{"__type": "ResourceNotFoundException", "message": "no such table"}'
    server.on("/", server.reply(body, ("Content-Type", "application/x-amz-json-1.0"), status=400, reason="Bad Request"))
    for mode in ("once", "none"):
        with cassette(mode), pytest.raises(botocore.exceptions.ClientError, match="no such table"):
            _client(server, "dynamodb").describe_table(TableName="t")
    assert server.count == 1
