from __future__ import annotations

import gzip
import http.client
import io
import socket
import tempfile
import zlib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pytest_recorded import use_cassette
from pytest_recorded.http.framing import (
    decode_body,
    is_whole,
    join_response,
    parse_request,
    split_response,
)
from pytest_recorded.message import HttpResponse

TOKENS = st.text("abcXYZ-_!09", min_size=1, max_size=12)
LINES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f\x85\xa0"), max_size=20)
OWN = frozenset({"content-length", "transfer-encoding", "content-encoding"})
HEADERS = st.lists(st.tuples(TOKENS.filter(lambda name: name.lower() not in OWN), LINES), max_size=5).map(tuple)
PIECES = st.lists(st.binary(min_size=1, max_size=40), max_size=5)


@st.composite
def responses(draw):
    """Draw a response that could have come over HTTP/1.1."""
    pieces = draw(PIECES)
    status = draw(st.sampled_from([200, 201, 299, 302, 404, 500, 999]))
    framing = draw(st.sampled_from(["chunked", "length", "end", "bodiless"]))
    headers = list(draw(HEADERS))
    if framing == "bodiless":
        pieces, status = [], draw(st.sampled_from([204, 304, 101, 199]))
    elif framing == "chunked":
        headers.insert(draw(st.integers(0, len(headers))), ("Transfer-Encoding", "Chunked"))
    elif framing == "length":
        headers.append(("CONTENT-LENGTH", str(sum(map(len, pieces)))))
    chunks = tuple((float(number), len(piece)) for number, piece in enumerate(pieces))
    return HttpResponse(status, draw(LINES), tuple(headers), b"".join(pieces), chunks=chunks)


@given(responses())
def test_a_response_that_was_joined_is_split_into_what_it_was(response):
    raw = b"".join(join_response(response, "GET"))
    head = split_response(raw, "GET", at_end=True)
    assert (head.status, head.reason, head.headers) == (response.status, response.reason, response.headers)
    assert b"".join(chunk for _, chunk in head.body.chunks) == response.content
    assert head.body.is_whole is not False
    assert all(raw[end - len(chunk) : end] == chunk for end, chunk in head.body.chunks)


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=9), st.booleans()), min_size=1), st.booleans())
def test_pieces_of_one_chunk_become_one_chunk_again_a_segment_each(pieces, is_cut):
    parts = tuple(number for number, (_, goes_on) in enumerate(pieces) if goes_on)
    bodies = [piece for piece, _ in pieces]
    sizes = tuple((float(number), len(piece)) for number, piece in enumerate(bodies))
    headers = (("Transfer-Encoding", "chunked"),)
    response = HttpResponse(200, "OK", headers, b"".join(bodies), chunks=sizes, parts=parts)
    segments = join_response(response, "GET", is_cut=is_cut)
    assert all(piece in segment for piece, segment in zip(bodies, segments[1:], strict=False))
    body = split_response(b"".join(segments), "GET").body
    assert b"".join(chunk for _, chunk in body.chunks) == response.content
    ended = sum(not goes_on for _, goes_on in pieces)
    assert len(body.chunks) == ended + pieces[-1][1]
    # Of a chunk that was left in its middle more is to come.
    assert (body.is_whole, body.cut is not None) == (not is_cut, is_cut and pieces[-1][1])


@given(responses())
def test_a_joined_response_is_what_http_client_reads(response):
    read = http.client.HTTPResponse(_Socket(b"".join(join_response(response, "GET"))), method="GET")
    read.begin()
    assert (read.status, read.reason) == (response.status, response.reason)
    assert tuple(read.getheaders()) == response.headers
    assert read.read() == response.content


class _Socket:
    def __init__(self, raw):
        self._raw = raw

    def makefile(self, _mode):
        return io.BytesIO(self._raw)


@given(responses(), st.integers(min_value=0))
def test_a_response_is_whole_at_its_end_and_not_before(response, cut):
    raw = b"".join(join_response(response, "GET"))
    # The line end after the last chunk ends its trailers, of which there are none.
    head = split_response(raw[: cut % (len(raw) - 2)], "GET")
    names = {name.lower() for name, _ in response.headers}
    if head is not None and response.content and names & OWN:
        assert head.body.is_whole is False


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@given(raw=st.binary(max_size=200) | st.binary(max_size=80).map(lambda tail: b"HTTP/1.1 200 OK\r\n\r\n" + tail))
def test_any_bytes_can_be_looked_at(method, raw):
    for at_end in (False, True):
        head = split_response(raw, method, at_end=at_end)
        assert head is None or head.size <= len(raw)
    parse_request(raw)
    assert is_whole(bytearray(raw)) in (False, True)


BODIES = st.lists(st.binary(min_size=1, max_size=30) | st.just(b"0\r\n") | st.just(b"0\r\n\r\n"), max_size=4)


@given(st.sampled_from(["GET", "POST"]), LINES.map(lambda text: "/" + text), HEADERS, BODIES, st.booleans())
def test_a_request_is_whole_when_its_last_byte_has_been_sent(method, target, headers, pieces, is_chunked):
    framing = ("Transfer-Encoding", "chunked") if is_chunked else ("Content-Length", str(sum(map(len, pieces))))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in (*headers, framing))]
    sent = ["\r\n".join((*lines, "", "")).encode("latin-1")]
    sent += [b"%X\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece for piece in pieces]
    sent += [b"0\r\n\r\n"] if is_chunked else []
    collected = bytearray()
    for part, following in pairwise((*sent, None)):
        assert part is None or not is_whole(collected) or not collected
        collected += part
        assert is_whole(collected) is (following is None)
    request = parse_request(bytes(collected))
    assert (request.method, request.target) == (method, target)
    assert request.headers == (*headers, framing)
    assert request.body == b"".join(pieces)


# Whatever a server sends, http.client makes the same of it in a replay.

HEADS = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200\nX: y\n\n",
        b"HTTP/1.1 204 No\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 99 Low\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n",
    ]
)
TAILS = st.lists(
    st.sampled_from(
        [b"3\r\nabc\r\n", b"3;x=y\nabc\r\n", b"5\r\nab", b"a", b"0\r\n", b"\r\n", b"-3\r\n", b"zz\r\nabc", b"ab"]
    ),
    max_size=4,
).map(b"".join)
READS = st.sampled_from(["read", "read1", "readline", "some", "peek"])


def _outcome(make, how):
    """Return all that a caller can see."""
    connection = make()
    seen = []
    try:
        connection.request("GET", "/")
        with connection.getresponse() as response:
            seen += [response.status, response.reason, response.getheaders()]
            while piece := _read(response, how):
                seen.append(piece)
    except (OSError, ValueError, http.client.HTTPException) as error:
        seen.append((type(error), str(error)))
    finally:
        connection.close()
    return seen


def _read(response, how):
    if how == "peek":
        return response.peek(2)[:2] and response.read(1)
    return response.read(4) if how == "some" else getattr(response, how)()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HEADS, TAILS, READS, st.integers(0, 80))
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\r\nabc\r\n5\r\nab", "read", 0)
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\r\nabc\r\nzz\r\n", "readline", 0)
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\r\nabc\r\n-3\r\n", "read", 0)
def test_any_answer_is_understood_alike_in_a_replay(head, tail, how, cut):
    raw = (head + tail)[: -cut or None]

    class Canned(http.client.HTTPConnection):
        def connect(self):
            self.sock, server = socket.socketpair()
            with server:
                server.sendall(raw)

    def make():
        return Canned("canned.example")

    bare = _outcome(make, how)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "jobs.db")
        with use_cassette(path, mode="once"):
            assert _outcome(make, how) == bare
        with use_cassette(path, mode="none"):
            assert _outcome(make, how) == bare


TEXT = b"some text " * 30


@pytest.mark.parametrize(
    ("encoding", "encoded", "decoded"),
    [
        ("gzip", gzip.compress(TEXT), TEXT),
        ("x-gzip", gzip.compress(TEXT), TEXT),
        ("deflate", zlib.compress(TEXT), TEXT),
        ("gzip", gzip.compress(TEXT)[:-9], None),
        ("gzip", TEXT, None),
        ("deflate", TEXT, None),
        ("br", TEXT, None),
        ("gzip, br", gzip.compress(TEXT), None),
        ("gzip", b"", None),
    ],
    ids=range(9),  # bytes that contain the time are another id in each worker
)
def test_an_encoding_is_undone_or_left_alone(encoding, encoded, decoded):
    assert decode_body(encoded, encoding) == decoded


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_decoded_body_is_encoded_again_for_whoever_decodes_it_himself(encoding):
    headers = (("Content-Encoding", encoding), ("Content-Length", "5"))
    response = HttpResponse(200, "OK", headers, TEXT)
    raw = b"".join(join_response(response, "GET"))
    read = http.client.HTTPResponse(_Socket(raw), method="GET")
    read.begin()
    assert decode_body(read.read(), encoding) == TEXT


def test_a_body_in_an_encoding_that_the_standard_library_has_not_got_is_given_decoded():
    response = HttpResponse(200, "OK", (("Content-Encoding", "br"), ("Content-Length", "5")), TEXT)
    raw = b"".join(join_response(response, "GET"))
    assert raw == b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n" + TEXT
