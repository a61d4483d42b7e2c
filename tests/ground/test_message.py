"""An HTTP request and a response as values, and as what is stored of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_recorded.canonical import load_tree, to_text
from pytest_recorded.drift import same_answer
from pytest_recorded.job import Chunk, Row, is_http
from pytest_recorded.message import HttpRequest, HttpResponse, same_response
from pytest_recorded.redact import Mask, Secrets

KEY = "sk-A1b2C3d4E5f6G7h8"
JSON = (("content-type", "application/json"),)


def stored(message):
    """Return a message after it has been in a file."""
    return type(message).from_tree(load_tree(to_text(message.tree())))


tokens = st.text("abcXYZ0-", min_size=1, max_size=8)
headers = st.lists(st.tuples(tokens, st.text(st.characters(codec="latin-1"), max_size=8)), max_size=4).map(tuple)
contents = (
    st.binary(max_size=40) | st.text(max_size=20).map(str.encode) | st.sampled_from(
        [b"", b"\x00", b"\xef\xbb\xbf{}", b"\xff\xfe", b'{"a": 1e2,  "b":12345678901234567890123, "a":2}',
         b'"py:tuple"', b'{"py:tuple":[1]}', "Grüße\r\n".encode(), b"\xed\xa0\x80"])
)  # fmt: skip
responses = st.builds(
    HttpResponse,
    st.integers(100, 599),
    st.text(max_size=8),
    headers,
    contents,
    st.sampled_from(["HTTP/1.0", "HTTP/1.1", "HTTP/2"]),
    st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 50)), max_size=3).map(tuple),
    st.sampled_from(["complete", "closed", "failed"]),
    st.booleans(),
)


@given(response=responses)
def test_a_response_comes_back_as_it_was(response):
    """Repeated headers, each byte of the body, times and sizes of its pieces."""
    assert stored(response) == response


@given(response=responses)
def test_a_body_that_is_text_can_be_read_in_the_file(response):
    body = response.tree()["body"]
    try:
        text = response.content.decode()
    except UnicodeDecodeError:
        assert list(body) == ["py:bytes"]
    else:
        assert body == text


@given(content=contents, cuts=st.lists(st.integers(0, 40), max_size=4))
def test_the_pieces_of_a_body_are_the_body(content, cuts):
    ends = sorted({min(cut, len(content)) for cut in cuts} | {len(content)})
    sizes = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    response = HttpResponse(200, "OK", (), content, chunks=tuple((float(n), size) for n, size in enumerate(sizes)))
    assert [len(piece) for piece in stored(response).pieces()] == sizes
    assert b"".join(stored(response).pieces()) == content


def test_a_body_that_came_at_once_is_one_piece_and_no_body_is_none():
    assert HttpResponse(200, "OK", (), b"abc").pieces() == [b"abc"]
    assert HttpResponse(204, "No Content", ()).pieces() == []


requests = st.builds(
    HttpRequest,
    st.sampled_from(["GET", "POST", "PURGE"]),
    st.just("https://shop.example/a?b=c"),
    st.lists(st.sampled_from([("Accept", "a"), ("accept", "b"), ("range", "bytes=0-9"), ("Content-Type", "text/plain"),
                              ("authorization", f"Bearer {KEY}"), ("x-new-secret", KEY)]), max_size=4).map(tuple),
    contents,
)  # fmt: skip


@given(request=requests)
def test_of_a_request_only_harmless_headers_are_stored_and_the_rest_comes_back(request):
    again = stored(request)
    assert (again.method, again.url) == (request.method, request.url)
    assert again.headers == tuple((name, value) for name, value in request.headers if KEY not in value)
    assert stored(again) == again


# A body, its type, how it is stored, and as which text it comes back: what it meant, not how it was written.
BODIES = {
    "nothing": (b"", "", {}, b""),
    "json": (b'{"b": 1,\n"a":2}', "application/json", {"json": {"b": 1, "a": 2}}, b'{"b": 1, "a": 2}'),
    "big-integer": (
        b"[12345678901234567890123]",
        "",
        {"json": [12345678901234567890123]},
        b"[12345678901234567890123]",
    ),
    "json-string": (b'"a"', "application/json", {"json": "a"}, b'"a"'),
    "broken-json": (b'{"a":', "application/json", {"text": '{"a":'}, b'{"a":'),
    "form": (b"b=1&a=x+y", "application/x-www-form-urlencoded", {"form": "a=x+y&b=1"}, b"a=x+y&b=1"),
    "text": ("Grüße".encode(), "text/plain", {"text": "Grüße"}, "Grüße".encode()),
    "bytes": (b"\xff\x00", "image/png", {"bytes": "ÿ\0"}, b"\xff\x00"),
    "number": (b"5", "", {"text": "5"}, b"5"),
}


@pytest.mark.parametrize("name", BODIES)
def test_the_body_of_a_request_is_stored_as_what_it_is(name):
    content, content_type, body, again = BODIES[name]
    request = HttpRequest("POST", "https://a.example", (("content-type", content_type),), content)
    assert request.tree() == {"method": "POST", "url": "https://a.example", "headers": [["content-type", content_type]],
                              **body}  # fmt: skip
    assert stored(request).content == again


def test_an_upload_is_stored_as_its_digest():
    request = HttpRequest("PUT", "https://a.example", (), b"\xff" * 5000)
    body = request.tree()["bytes"]
    assert (body["size"], body["digest"][:3]) == (5000, "b2:")
    assert stored(request).json() == body


KINDS = {
    "https://Shop.Example/a": "http.shop.example",
    "http://127.0.0.1:8000?x=1": "http.127.0.0.1",
    "https://bob:pw@shop.example:443/a@b": "http.shop.example",
    "http://[::1]:80/a": "http.[::1]",
    "https://shop.example": "http.shop.example",
    "https://shop.example?url=http://other.example/@": "http.shop.example",
}


@pytest.mark.parametrize("url", KINDS)
def test_what_was_called_is_the_host(url):
    assert HttpRequest("GET", url, ()).kind == KINDS[url]


def test_messages_are_values():
    for message in (HttpRequest("GET", "https://a.example", ()), HttpResponse(200, "OK", ())):
        assert len({message, stored(message)}) == 1
        with pytest.raises(AttributeError):
            message.content = b""


@pytest.mark.parametrize(
    "make",
    [lambda *rest: HttpRequest("GET", "/", *rest), lambda *rest: HttpResponse(200, "OK", *rest)],
    ids=["request", "response"],
)
def test_a_message_is_read_by_its_headers_its_text_and_its_json(make):
    message = make((("Link", "a"), ("link", "b"), *JSON), '{"ü": [1, 12345678901234567890123]}'.encode())
    assert (message.header("LINK"), message.header("none")) == ("a, b", "")
    assert message.json() == {"ü": [1, 12345678901234567890123]}
    assert message.text == '{"ü": [1, 12345678901234567890123]}'
    for content in (b"", b"<html>", b"\xff\x00"):
        with pytest.raises(ValueError, match=r"Expecting value|codec can't decode"):
            make(JSON, content).json()


@pytest.mark.parametrize(
    ("charset", "content", "text"),
    [
        ("", "ü€".encode(), "ü€"),
        ("; charset=latin-1", b"\xfc", "ü"),
        (';x=1; Charset = "ISO-8859-15"', b"\xa4", "€"),
        ("; charset='utf-16'", "ü".encode("utf-16"), "ü"),
        ("; charset=nowhere", "ü".encode(), "ü"),
        ("; charset=base64", b"abc", "abc"),
        ("; charset=idna", b"\xff", "\ufffd"),
        ("; charset=", b"a\xff", "a\ufffd"),
    ],
)
def test_the_text_of_a_response_is_in_its_charset_or_in_utf_8(charset, content, text):
    assert HttpResponse(200, "OK", (("content-type", "text/plain" + charset),), content).text == text


def answer(**parts):
    plain = {"status": 200, "reason": "OK", "headers": (*JSON, ("x-a", "1"), ("x-a", "2")), "content": b'{"a": 1}'}
    return HttpResponse(**plain | parts)


ANSWER = answer()
VOLATILE = ["date", "Age", "expires", "ETag", "set-cookie", "x-request-id", "openai-processing-ms", "cf-ray",
            "retry-after", "retry-after-ms", "x-ratelimit-remaining-tokens", "anthropic-ratelimit-requests-reset",
            "x-amzn-requestid", "x-amzn-trace-id", "content-length", "x-envoy-upstream-service-time",
            "server-timing"]  # fmt: skip


@pytest.mark.parametrize("name", VOLATILE)
def test_headers_that_differ_between_equal_answers_make_no_difference(name):
    assert same_response(ANSWER, answer(headers=(*ANSWER.headers, (name, "x"))))


@pytest.mark.parametrize("name", ["x-model", "location", "content-type", "deprecation", "www-authenticate", "vary"])
def test_any_other_header_makes_a_difference(name):
    assert not same_response(ANSWER, answer(headers=(*ANSWER.headers, (name, "x"))))


# What may be different, and whether it is the same answer then.
PARTS = {
    "reason": ({"reason": "Fine"}, True),
    "http_version": ({"http_version": "HTTP/2"}, True),
    "chunks": ({"chunks": ((5.0, 4), (9.0, 4))}, True),
    "encoded": ({"encoded": True}, True),
    "order-of-headers": ({"headers": ANSWER.headers[::-1]}, True),
    "case-of-headers": ({"headers": (*ANSWER.headers[:2], ("X-A", "2"))}, True),
    "status": ({"status": 201}, False),
    "content": ({"content": b'{"a":1}'}, False),
    "end": ({"end": "closed"}, False),
    "repeated-header": ({"headers": ANSWER.headers[:2]}, False),
}


@pytest.mark.parametrize("part", PARTS)
def test_an_answer_is_the_same_if_status_body_and_lasting_headers_are(part):
    change, is_same = PARTS[part]
    assert same_response(ANSWER, answer(**change)) is is_same
    one, other = (row("http.a", to_text(response.tree())) for response in (ANSWER, answer(**change)))
    assert same_answer(one, other, (), ()) is is_same
    assert not same_answer(one._replace(kind="shop.ask"), other._replace(kind="shop.ask"), (), ())


def test_of_bodies_that_were_left_early_what_was_read_of_both_counts():
    """How far that is depends on the network."""
    longer, shorter, other = (answer(content=content, end="closed") for content in (b"abcd", b"ab", b"ax"))
    assert same_response(longer, shorter)
    assert same_response(shorter, longer)
    assert not same_response(longer, other)
    assert not same_response(longer, answer(content=b"abcd"))


def row(kind, response_json, status="completed", **more):
    empty = dict.fromkeys(Row._fields)
    return Row(**{**empty, "seq": 0, "kind": kind, "response_json": response_json, "status": status, **more})


def test_rows_hold_the_same_answer_if_all_of_it_is_equal_but_the_times():
    old = row("shop.ask", '"a"', completed_at="2030", info_json="{}")
    assert same_answer(old, old._replace(completed_at="2031", started_at="x", owner="y"), (), ())
    assert same_answer(old, old, (Chunk(0, 1.0, "a"),), (Chunk(0, 2.0, "a"),))
    assert not same_answer(old, old, (Chunk(0, 1.0, "a"),), (Chunk(0, 1.0, "b"),))
    assert not same_answer(old, old, (Chunk(0, 1.0, "a"),), ())
    for field in ("status", "error_json", "data_json", "response_json"):
        assert not same_answer(old, old._replace(**{field: "other"}), (), ())


@pytest.mark.parametrize("broken", [None, "", "{}", '"a"', "[" * 100_000])
def test_an_answer_that_cannot_be_read_is_another_one(broken):
    old = row("http.a", to_text(ANSWER.tree()))
    assert not same_answer(old, row("http.a", broken), (), ())
    assert not same_answer(row("http.a", broken), old, (), ())


def test_http_calls_are_known_by_their_kind():
    assert [is_http(kind) for kind in ("http.a", "http", "shop.http.a", "https.a")] == [True, False, False, False]


def masked(response):
    return response.masked(Mask(Secrets(), lambda: "abc123"))


def test_a_masked_response_has_lost_its_secrets_and_nothing_else():
    body = '{"token":"%s","a":["ü","%s"]}'
    cookie = "sid=%s; Path=/"
    given, left = (
        HttpResponse(201, "OK", (("set-cookie", cookie % value), *JSON), (body % (value, value)).encode(), "HTTP/2")
        for value in (KEY, "redacted-abc123-1")
    )
    assert masked(given) == left


lines = st.lists(
    st.sampled_from(["é", "data: x\n\n", f'{{"token":"{KEY}"}}', KEY, "😀", '{"password":"a"}', ".", "ab"]), max_size=6
)


@given(lines=lines, cuts=st.lists(st.integers(0, 120), max_size=6), tail=st.sampled_from([b"", b"\xff"]))
def test_the_pieces_of_a_masked_body_keep_their_number_and_times_and_are_the_body(lines, cuts, tail):
    content = "".join(lines).encode() + tail
    ends = sorted([min(cut, len(content)) for cut in cuts] + [len(content)])
    sizes = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    response = HttpResponse(200, "OK", (), content, chunks=tuple((float(n), size) for n, size in enumerate(sizes)))
    left = masked(response)
    assert [at for at, _ in left.chunks] == [at for at, _ in response.chunks]
    assert sum(size for _, size in left.chunks) == len(left.content)
    assert b"".join(left.pieces()) == left.content
    assert all(size >= 0 for _, size in left.chunks)


def test_a_border_outside_of_secrets_stays_where_it_was():
    pieces = ["é data\n", f'{{"token":"{KEY}"}}\n', "mehr\n", f"{KEY[:5]}", f"{KEY[5:]} é\n"]
    chunks = tuple((float(n), len(piece.encode())) for n, piece in enumerate(pieces))
    left = masked(HttpResponse(200, "OK", (), "".join(pieces).encode(), chunks=chunks))
    assert [piece.decode() for piece in left.pieces()] == [
        "é data\n", '{"token":"redacted-abc123-1"}\n', "mehr\n", "redacted-abc123-1", " é\n",
    ]  # fmt: skip
