"""Trees of cassettes as calls: every format that was ever written, and whatever else may stand in a file."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import textwrap
import zlib

import brotli
import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_recorded.vcr import bodies
from pytest_recorded.vcr.interactions import read_tree
from pytest_recorded.vcr.parse import Plain, Unreadable, parse_text

ASKED = {"method": "GET", "uri": "http://a.example/", "headers": {}, "body": None}
ANSWERED = {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "x"}}


def one(request=None, response=None, **more):
    """Return the only call of a cassette of vcrpy."""
    item = {"request": ASKED | (request or {}), "response": ANSWERED | (response or {}), **more}
    reading = read_tree({"version": 1, "interactions": [item]})
    assert not reading.refused
    return reading.interactions[0]


def refused(request=None, response=None):
    item = {"request": ASKED | (request or {}), "response": ANSWERED | (response or {})}
    return list(read_tree({"version": 1, "interactions": [item]}).refused)


def from_yaml(text):
    return read_tree(parse_text(textwrap.dedent(text), ".yaml"))


def test_a_cassette_from_before_version_1_is_read_from_yaml():
    reading = from_yaml("""
        - request: !!python/object:vcr.request.Request
            body: null
            headers: !!python/object/apply:__builtin__.frozenset
            - - !!python/tuple [Accept, text/plain]
            host: a.example
            method: GET
            path: /get?x=1
            port: 80
            protocol: http
          response:
            body: {string: !!python/unicode 'hi'}
            headers: ["Content-Type: text/plain\\r\\n", "Set-Cookie: a=b\\r\\n"]
            status: {code: 200, message: OK}
    """)
    (call,) = reading.interactions
    assert call.request == ("GET", "http://a.example/get?x=1", (("Accept", "text/plain"),), b"")
    assert call.response.headers == (("Content-Type", "text/plain"), ("Set-Cookie", "a=b"))
    assert (call.response.content, reading.tool) == (b"hi", "vcrpy")


def test_a_cassette_from_before_version_1_is_read_from_json():
    asked = {"protocol": "https", "host": "a.example", "port": 8443, "path": "/", "method": "POST", "body": "b"}
    (call,) = read_tree([{"request": asked | {"headers": {"A": "b"}}, "response": ANSWERED}]).interactions
    assert call.request == ("POST", "https://a.example:8443/", (("A", "b"),), b"b")


def test_what_vcrpy_once_wrote_for_httpx_is_read():
    old = {"status_code": 201, "http_version": "HTTP/1.1", "headers": {"A": ["b"]}, "content": "x"}
    reading = read_tree({"version": 1, "interactions": [{"request": ASKED, "response": old}]})
    (call,) = reading.interactions
    assert (call.response.status, call.response.reason, call.response.content) == (201, "Created", b"x")
    assert reading.tool == "vcrpy"


def test_json_that_a_serialiser_has_parsed_is_a_body_again():
    reading = from_yaml("""
        interactions:
        - request:
            method: POST
            uri: http://a.example/
            headers: {content-type: [application/json]}
            parsed_body: {n: 1, f: 1.5, e: 1.0e+22, yes: true, no: null, s: '1', d: 2026-01-01, o: 1e5}
          response:
            status: {code: 200, message: OK}
            headers: {}
            parsed_body: [é]
        version: 1
    """)
    (call,) = reading.interactions
    expected = {"n": 1, "f": 1.5, "e": 1e22, "yes": True, "no": None, "s": "1", "d": "2026-01-01", "o": "1e5"}
    assert call.request.json() == expected
    assert call.response.json() == ["é"]


def test_cassetter_writes_yaml_1_2_and_is_read_so():
    """A time of day, a date and a number with an exponent are in YAML 1.2 what they are not in PyYAML's 1.1."""
    reading = from_yaml("""
        version: 1
        interactions:
        - request:
            method: POST
            uri: http://a.example/
            headers: {}
            body:
              type: json
              content: {at: 12:30:45, on: 2026-01-01, e: 1e22, y: yes, t: true, n: ~, o: 010, i: -5}
          response:
            status: 200
            headers: {}
            body: {type: binary, content: 00ff}
          recorded_at: 2026-02-20T10:30:01.5+02:00
    """)
    (call,) = reading.interactions
    assert call.request.json() == {
        "at": "12:30:45", "on": "2026-01-01", "e": 1e22, "y": "yes", "t": True, "n": None, "o": 10, "i": -5,
    }  # fmt: skip
    assert (call.response.content, call.response.reason) == (b"\x00\xff", "OK")
    assert call.recorded_at == "2026-02-20T08:30:01.500000Z"
    assert call.notes == ("cassetter has rounded long numbers of its bodies",)


def test_grpc_and_websockets_of_cassetter_are_counted_and_not_taken():
    tree = {"version": 1, "interactions": [], "grpc_interactions": [{}, {}], "ws_interactions": [{}]}
    assert read_tree(tree).refused == {
        "gRPC is recorded at the level of functions: decorate them with @recorder": 2,
        "WebSocket is recorded at the level of functions: decorate them with @recorder": 1,
    }


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"version": 1}, "no `interactions`"),
        ({"interactions": {}}, "no list"),
        ({"version": 2, "interactions": []}, "version '2'"),
        ([], "no cassette"),
        ([1], "no cassette"),
        ("text", "no cassette"),
        (None, "no cassette"),
    ],
    ids=range(7),
)
def test_what_is_no_cassette_says_so(tree, message):
    with pytest.raises(Unreadable, match=message):
        read_tree(tree)


def test_one_bad_call_does_not_lose_the_others():
    good = {"request": ASKED, "response": ANSWERED}
    bad = [None, {}, {"request": 1, "response": 2}, {"request": {}, "response": {}}]
    reading = read_tree({"version": 1, "interactions": [*bad, good]})
    assert len(reading.interactions) == 1
    assert reading.refused == {"it has no request and response": 3, "its URL is no text": 1}


@pytest.mark.parametrize(
    ("request_", "response", "why"),
    [
        ({"uri": "ftp://a/"}, {}, "its URL is none of HTTP"),
        ({"uri": "http://"}, {}, "its URL is none of HTTP"),
        ({"uri": "http://[/"}, {}, "its URL is none"),
        ({"uri": "http://a:b/"}, {}, "its URL is none"),
        ({"method": None}, {}, "its method is no text"),
        ({"method": "A B"}, {}, "its method is no word"),
        ({"body": 5}, {}, "its body is neither text nor bytes"),
        ({}, {"status": None}, "its response has no status"),
        ({}, {"status": {"code": 9}}, "its response has no status"),
        ({}, {"status": {"code": "x"}}, "its response has no status"),
        ({}, {"body": {"base64_string": 1}}, "its body is no base64"),
    ],
    ids=range(11),
)
def test_a_call_that_cannot_be_taken_says_why(request_, response, why):
    assert refused(request_, response) == [why]


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        ("http://A.example", "http://A.example/"),
        ("http://u:p@a.example:80/x#f", "http://a.example/x"),
        ("https://a.example:443?q=1", "https://a.example/?q=1"),
        ("https://a.example:80/", "https://a.example:80/"),
        ("http://[::1]:80/", "http://[::1]/"),
        ("http://a.example/é b?q=%C3%A9 ü", "http://a.example/%C3%A9%20b?q=%C3%A9%20%C3%BC"),
        ("http://müller.example/", "http://xn--mller-kva.example/"),
    ],
)
def test_a_url_is_the_one_that_the_seams_see(uri, url):
    assert one({"uri": uri}).request.url == url


def test_headers_are_pairs_that_any_client_can_be_given():
    """Several of a name, single texts and bytes; what would break a head apart is one line, what is no name goes."""
    headers = {
        "A": ["1", "2"],
        "B": "3",
        "C": [b"\xe9"],
        "D": "x\r\nEvil: 1",
        "bad name": "x",
        "E": None,
        "F": "€",
        "": "x",
    }
    assert one(response={"headers": headers}).response.headers == (
        ("A", "1"), ("A", "2"), ("B", "3"), ("C", "é"), ("D", "x Evil: 1"), ("F", "€".encode().decode("latin-1")),
    )  # fmt: skip


PACKED = {
    "gzip": gzip.compress(b"body"),
    "x-gzip": gzip.compress(b"body"),
    "deflate": zlib.compress(b"body"),
    "Deflate": zlib.compress(b"body", wbits=-zlib.MAX_WBITS),
    "br": brotli.compress(b"body"),
    "zstd": zstandard.compress(b"body"),
    "gzip, br": brotli.compress(gzip.compress(b"body")),
    "identity": b"body",
}


@pytest.mark.parametrize("encoding", PACKED)
def test_a_body_is_stored_without_its_content_encoding(encoding):
    call = one(response={"headers": {"Content-Encoding": [encoding]}, "body": {"string": PACKED[encoding]}})
    assert (call.response.content, call.response.encoded, call.notes) == (b"body", False, ())


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_that_was_decoded_before_it_was_stored_stays_as_it_is(encoding):
    call = one(response={"headers": {"content-encoding": [encoding]}, "body": {"string": "text é"}})
    assert (call.response.text, call.response.encoded) == ("text é", False)


@pytest.mark.parametrize("encoding", ["br", "zstd"])
def test_without_its_package_a_body_stays_encoded_and_it_is_said_what_to_install(encoding, monkeypatch):
    monkeypatch.setattr(bodies, "_first", lambda *_names: None)
    packed = PACKED[encoding] + b"\xff"
    call = one(response={"headers": {"content-encoding": [encoding]}, "body": {"string": packed}})
    assert (call.response.content, call.response.encoded) == (packed, True)
    assert "(pip install " in call.notes[0]


def test_a_broken_or_endless_body_stays_encoded(monkeypatch):
    monkeypatch.setattr(bodies, "_MOST_BYTES", 1000)
    for packed in (gzip.compress(b"body")[:-9], gzip.compress(b"0" * 2000)):
        call = one(response={"headers": {"content-encoding": ["gzip"]}, "body": {"string": packed}})
        assert (call.response.content, call.response.encoded) == (packed, True)
        assert call.notes == ("kept encoded: gzip could not be undone",)


def test_a_body_whose_checksum_is_compared_stays_encoded():
    headers = {"content-encoding": ["gzip"], "x-amz-checksum-crc32": ["x"]}
    assert one(response={"headers": headers, "body": {"string": PACKED["gzip"]}}).response.encoded


def test_the_type_of_a_body_is_guessed_where_its_headers_are_gone():
    part = '--b1\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b1--\r\n'
    guessed = [
        one({"method": "POST", "body": body}).request.header("content-type") for body in ("a=1&b=", part, "a b=c")
    ]
    assert guessed == ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b1", ""]


def test_what_cannot_match_any_more_is_said():
    gone = one({"method": "POST", "body": "", "headers": {"Content-Length": ["5"]}})
    assert gone.notes == ("the request's body was not recorded: replay with match=method,url,query",)
    for text in ("REDACTED", "**REDACTED**", "<FILTERED>", "xxx"):
        notes = one({"method": "POST", "body": text}).notes
        assert notes == (
            () if text == "xxx" else (f"a body replaced by {text!r} cannot match: replay with match=method,url,query",)
        )


def test_when_a_call_was_recorded_is_what_its_server_said_where_vcrpy_does_not():
    dated = {"headers": {"Date": ["Sat, 21 Nov 2026 08:59:22 GMT"]}}
    assert one(response=dated).recorded_at == "2026-11-21T08:59:22.000000Z"
    assert one(response={"headers": {"Date": ["soon"]}}).recorded_at == ""
    assert one(response=dated, recorded_at="2026-01-02T03:04:05Z").recorded_at == "2026-01-02T03:04:05.000000Z"


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(max_size=20), st.text().map(Plain),
    st.datetimes(), st.sampled_from(["json", "text", "binary", "none", "gzip", "http://a.example/", "GET", "200"]),
)  # fmt: skip
NAMES = st.sampled_from(
    [
        "request", "response", "body", "headers", "status", "code", "message", "string", "uri", "method", "type",
        "content", "body_type", "body_content", "parsed_body", "recorded_at", "content-encoding", "host", "protocol",
        "port", "path", "base64_string", "status_code", "date",
    ]
)  # fmt: skip
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(), inner, max_size=6),
    max_leaves=30,
)
CALLS = st.fixed_dictionaries(
    {
        "request": st.fixed_dictionaries(
            {"method": st.just("GET") | TREES, "uri": st.just("http://a.example/") | TREES},
            optional={"body": TREES, "headers": TREES},
        ),
        "response": st.fixed_dictionaries(
            {"status": st.just({"code": 200}) | st.just(200) | TREES}, optional={"body": TREES, "headers": TREES}
        ),
    }
)


@settings(max_examples=80, deadline=None)
@given(
    tree=TREES
    | st.fixed_dictionaries({"interactions": st.lists(CALLS | TREES, max_size=4)})
    | st.lists(CALLS, max_size=3)
)
@example(
    tree={"interactions": [{"request": {"uri": "http://a/", "method": "GET"}, "response": {"status": float("nan")}}]}
)
def test_whatever_stands_in_a_file_ends_in_calls_and_reasons(tree):
    """Never in a traceback, and every call is counted."""
    try:
        reading = read_tree(tree)
    except Unreadable:
        return
    items = tree if isinstance(tree, list) else tree.get("interactions") or []
    others = [] if isinstance(tree, list) else [tree.get("grpc_interactions"), tree.get("ws_interactions")]
    counted = sum(len(other) for other in others if isinstance(other, list))
    assert (
        len(reading.interactions) + reading.refused.total() == (len(items) if isinstance(items, list) else 0) + counted
    )
    for call in reading.interactions:
        json.dumps(call.response.tree())
        for name, value in (*call.request.headers, *call.response.headers):
            f"{name}: {value}".encode("latin-1")


@settings(max_examples=100, deadline=None)
@given(
    text=st.text(alphabet=st.sampled_from("abc:-[]{}!&*'\"|>%#?,\n \t0123.~")) | st.text(),
    suffix=st.sampled_from([".yaml", ".json", ".toml"]),
)
def test_whatever_a_file_is_ends_in_a_tree_or_a_message(text, suffix):
    with contextlib.suppress(Unreadable):
        parse_text(text, suffix)


def test_base64_of_the_oldest_json_is_bytes():
    assert one(response={"body": {"base64_string": base64.b64encode(b"\xff").decode()}}).response.content == b"\xff"
