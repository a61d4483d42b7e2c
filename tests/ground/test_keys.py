"""Which HTTP requests are the same: what the key of one covers, and what makes no difference."""

from __future__ import annotations

import json
import random
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_recorded.body import digest, digest_text, parse_body, sorted_query
from pytest_recorded.errors import SerializationError
from pytest_recorded.message import HttpRequest
from pytest_recorded.options import MATCH
from pytest_recorded.paths import parse
from pytest_recorded.redact import Secrets

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
KEY = "sk-A1b2C3d4E5f6G7h8"
URL = "https://shop.example/a"


def request(content=b"", content_type=JSON, *, method="POST", url=URL, **headers):
    content = content.encode() if isinstance(content, str) else content
    return HttpRequest(method, url, (("content-type", content_type), *headers.items()), content)


def key(asked, match=MATCH, ignore=(), secrets=None):
    """Return the key of a request, as the HTTP seam makes it."""
    paths = tuple(parse(path, where="ignore") for path in ignore)
    return digest_text((secrets or Secrets()).hide(asked.canonical(match, paths)))


def test_a_digest_says_how_it_was_made():
    assert digest(b"abc") == digest_text("abc") == "b2:cf4ab791c62b8d2b2109c90275287816"
    assert digest_text("\ud800") == digest(b"\xed\xa0\x80")
    assert len({digest_text(text) for text in ("", "a", "ü", "\ud800", "\udc00")}) == 5


def test_the_key_of_a_request_is_the_same_in_each_release():
    """A cassette outlives the program that has written it: whoever changes this makes all of them useless."""
    asked = request('{"b": [1, 2.50], "a": "ü"}', url=URL + "?y=2&x=1&x=0", accept="*/*")
    assert asked.canonical(MATCH, ()) == (
        '{"body":{"json":{"a":"ü","b":[1,2.5]}},"method":"POST","query":"?x=1&x=0&y=2","url":"https://shop.example/a"}'
    )
    assert key(asked) == "b2:5ccb969a5f16b5ef72ec40e76e384ab9"


@pytest.mark.parametrize("part", ["url", "path"])
def test_the_range_that_is_asked_for_counts_with_what_it_is_a_range_of(part):
    whole, first, second = (
        HttpRequest("GET", "https://shop.example/a", (("Range", asked),) if asked else ())
        for asked in ("", "bytes=0-9", "bytes=10-19")
    )
    assert len({key(asked, match=("method", part)) for asked in (whole, first, second)}) == 3
    assert len({key(asked, match=("method", "query")) for asked in (whole, first, second)}) == 1


# Pairs of bodies that mean the same, and pairs that do not.
SAME = {
    "json-white-space": ('{"a":1}', ' {\n "a" : 1 }\n', JSON),
    "json-order": ('{"a":1,"b":{"c":2,"d":3}}', '{"b":{"d":3,"c":2},"a":1}', JSON),
    "json-escapes": ('{"a":"\u00fc/"}', r'{"a":"\u00fc\/"}', JSON),
    "json-floats": ("[1e2, 0.10]", "[100.0, 1e-1]", JSON),
    "json-duplicates": ('{"a":1,"a":2}', '{"a":2}', JSON),
    "json-of-another-name": ('{"a":1,"b":2}', '{"b":2,"a":1}', "application/vnd.shop+json; charset=utf-8"),
    "json-without-a-name": ('{"a":1,"b":2}', '{"b":2,"a":1}', ""),
    "json-called-a-form": ('{"a":1,"b":2}', '{"b":2,"a":1}', FORM),
    "json-called-text": ("[1, 2]", "[1,2]", "text/plain"),
    "form-order": ("a=1&b=2&a=0", "b=2&a=1&a=0", FORM),
    "form-escapes": ("a=x+y&b=%7E", "b=~&a=x%20y", FORM + "; charset=utf-8"),
    "infinity": ('{"a": 1e999}', '{"a": Infinity}', JSON),
}
OTHER = {
    "json-and-text": ('"a"', "a", JSON),
    "null-and-no-body": ("null", "", JSON),
    "number-and-text": ('{"a":1}', '{"a":"1"}', JSON),
    "integer-and-float": ('{"a":100}', '{"a":100.0}', JSON),
    "big-integers": ('{"a":9007199254740993}', '{"a":9007199254740992}', JSON),
    "huge-integers": (f'{{"a":{10**4000}}}', f'{{"a":{10**4000 + 1}}}', JSON),
    "integers-that-python-does-not-read": (f"[{'9' * 5000}]", f"[{'9' * 4999}8]", JSON),
    "zeros": ("[0.0]", "[-0.0]", JSON),
    "truth-and-one": ("[true]", "[1]", JSON),
    "null-and-nothing": ('{"a":null}', "{}", JSON),
    "nothing-at-all": ("", "{}", JSON),
    "order-of-a-list": ("[1,2]", "[2,1]", JSON),
    "white-space-of-a-text": ('{"a":"b c"}', '{"a":"b  c"}', JSON),
    "text": ("abc", "abc ", "text/plain"),
    "text-and-json": ("5", "5 ", "text/plain"),
    "form-order-of-one-name": ("a=1&a=2", "a=2&a=1", FORM),
    "form-blank": ("a=&b=1", "b=1", FORM),
    "form-encodings": ("a=%FF", "a=%FE", FORM),
    "bytes": (b"\xff\x00", b"\xff\x01", "application/octet-stream"),
    "many-bytes": (b"\xff" * 5000, b"\xff" * 4999 + b"\xfe", "application/octet-stream"),
    "number-of-bytes": (b"\xff" * 5000, b"\xff" * 5001, "application/octet-stream"),
    "surrogates": (r'["\ud800"]', r'["\ud801"]', JSON),
}


@pytest.mark.parametrize("name", SAME)
def test_bodies_that_mean_the_same_have_one_key(name):
    one, other, content_type = SAME[name]
    assert key(request(one, content_type)) == key(request(other, content_type))


@pytest.mark.parametrize("name", OTHER)
def test_bodies_that_differ_have_keys_that_differ(name):
    one, other, content_type = OTHER[name]
    assert key(request(one, content_type)) != key(request(other, content_type))


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def shuffled(tree, rng):
    if isinstance(tree, dict):
        names = rng.sample(list(tree), len(tree))
        return {name: shuffled(tree[name], rng) for name in names}
    return [shuffled(item, rng) for item in tree] if isinstance(tree, list) else tree


@given(tree=st.dictionaries(st.text(max_size=4), trees, max_size=4) | st.lists(trees, max_size=3),
       seed=st.integers(), ascii_only=st.booleans(), indent=st.sampled_from([None, 0, 2]))  # fmt: skip
def test_json_has_one_key_whatever_its_order_white_space_and_escapes(tree, seed, ascii_only, indent):
    again = json.dumps(shuffled(tree, random.Random(seed)), ensure_ascii=ascii_only, indent=indent)
    assert key(request(again)) == key(request(json.dumps(tree, separators=(",", ":"))))


pairs = st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4)), max_size=5)


@given(pairs=pairs, seed=st.integers())
def test_queries_and_forms_have_one_key_whatever_the_order_of_their_names(pairs, seed):
    names = list(dict.fromkeys(name for name, _ in pairs))
    random.Random(seed).shuffle(names)
    # Those of one name keep their order, which may mean something.
    again = [pair for name in names for pair in pairs if pair[0] == name]
    one, other = urlencode(pairs), urlencode(again)
    assert sorted_query(one) == sorted_query(other)
    assert key(request(one, FORM, url=f"{URL}?{other}")) == key(request(other, FORM, url=f"{URL}?{one}"))


@given(one=pairs, other=pairs)
def test_other_queries_have_other_keys(one, other):
    is_same = sorted(one, key=lambda pair: pair[0]) == sorted(other, key=lambda pair: pair[0])
    keys = {key(request(url=f"{URL}?{urlencode(pairs)}")) for pairs in (one, other)}
    assert (len(keys) == 1) == is_same


def multipart(parts, boundary, newline="\r\n"):
    """Return a multipart body and its content type. A part is name, file name, type and content."""
    body = b""
    for name, filename, kind, content in parts:
        head = f'--{boundary}{newline}Content-Disposition: form-data; name="{name}"'
        head += f'; filename="{filename}"' * bool(filename) + newline + f"Content-Type: {kind}{newline}" * bool(kind)
        body += (head + newline).encode() + content + newline.encode()
    return body + f"--{boundary}--{newline}".encode(), f'multipart/form-data; boundary="{boundary}"'


PARTS = [
    ("user", "", "", b"bob"),
    ("note", "", "", "Grüße\r\n--not the border".encode()),
    ("data", "", JSON, b'{"b": 1, "a": 2}'),
    ("file", "a.txt", "text/plain", b"some text"),
    ("image", "a.png", "image/png", b"\x89PNG\r\n\x1a\n\xff\x00"),
    ("empty", "", "", b""),
]
CHANGED = {
    "name": ("user2", "", "", b"bob"),
    "content": ("user", "", "", b"bobby"),
    "filename": ("user", "bob.txt", "", b"bob"),
    "type": ("user", "bob.txt", "text/csv", b"bob"),
}


@pytest.mark.parametrize("boundary", ["x", "----WebKitFormBoundaryA1b2", "a'()+_,-./:=?b", "0123456789abcdef" * 4])
@pytest.mark.parametrize("newline", ["\r\n", "\n"], ids=["crlf", "lf"])
def test_a_multipart_body_has_one_key_whatever_its_border(boundary, newline):
    assert key(request(*multipart(PARTS, boundary, newline))) == key(request(*multipart(PARTS, "4f3a")))


@pytest.mark.parametrize("what", CHANGED)
def test_each_part_of_a_multipart_body_counts(what):
    others = [multipart(PARTS, "x"), multipart([CHANGED[what], *PARTS[1:]], "x"), multipart(PARTS[1:], "x"),
              multipart(PARTS[::-1], "x"), multipart([*PARTS, PARTS[0]], "x")]  # fmt: skip
    assert len({key(request(*other)) for other in others}) == 5


def test_a_multipart_body_is_parsed_into_fields_and_files():
    assert parse_body(*multipart(PARTS, "x")).tree == [
        {"user": "bob"},
        {"note": "Grüße\r\n--not the border"},
        {"data": {"b": 1, "a": 2}},
        {"file": {"filename": "a.txt", "type": "text/plain", "content": "some text"}},
        {"image": {"filename": "a.png", "type": "image/png", "content": {"bytes": "\x89PNG\r\n\x1a\n\xff\x00"}}},
        {"empty": ""},
    ]


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=y", "multipart/mixed"])
def test_a_multipart_body_without_its_border_is_told_apart_by_its_bytes(content_type):
    body, _ = multipart(PARTS, "x")
    parsed = parse_body(body, content_type)
    assert (parsed.form, parsed.tree in ([], body.decode("latin-1"))) == ("bytes", True)


@given(content=st.binary(max_size=60), content_type=st.sampled_from(
    [JSON, FORM, "", "text/html; charset=nowhere", "multipart/form-data; boundary=a", "multipart/x; boundary=",
     ";;"]))  # fmt: skip
def test_any_body_of_any_type_can_be_parsed_and_has_a_key(content, content_type):
    parsed = parse_body(content, content_type)
    assert parsed.form in ("", "json", "form", "parts", "text", "bytes")
    assert key(request(content, content_type)) == key(request(content, content_type))


ASKED = request('{"a":1,"b":2}', url=URL + "?x=1&y=2", accept="a", **{"x-tenant": "t"})
VARIANTS = {
    "method": request('{"a":1,"b":2}', url=URL + "?x=1&y=2", accept="a", method="PUT", **{"x-tenant": "t"}),
    "url": request('{"a":1,"b":2}', url=URL + "/b?x=1&y=2", accept="a", **{"x-tenant": "t"}),
    "query": request('{"a":1,"b":2}', url=URL + "?x=1&y=3", accept="a", **{"x-tenant": "t"}),
    "body": request('{"a":1,"b":3}', url=URL + "?x=1&y=2", accept="a", **{"x-tenant": "t"}),
    "header:accept": request('{"a":1,"b":2}', url=URL + "?x=1&y=2", accept="b", **{"x-tenant": "t"}),
    "header:x-tenant": request('{"a":1,"b":2}', url=URL + "?x=1&y=2", accept="a"),
}


@pytest.mark.parametrize("part", VARIANTS)
def test_each_part_counts_where_it_is_named_and_nowhere_else(part):
    for match in ([part], [*VARIANTS]):
        assert key(VARIANTS[part], match) != key(ASKED, match)
    assert key(VARIANTS[part], [other for other in VARIANTS if other != part]) == key(
        ASKED, [other for other in VARIANTS if other != part]
    )


def test_headers_do_not_count_unless_they_are_named():
    assert key(VARIANTS["header:accept"]) == key(VARIANTS["header:x-tenant"]) == key(ASKED)


def test_repeated_headers_count_together_whatever_the_case_of_their_names():
    one = HttpRequest("GET", URL, (("Accept", "a"), ("ACCEPT", "b")))
    other = HttpRequest("GET", URL, (("accept", "a, b"),))
    assert key(one, ["header:accept"]) == key(other, ["header:accept"])


# What is left out, and two requests that are one without it.
IGNORED = [
    ("at", '{"at":1,"x":{"at":2}}', '{"at":3,"x":{"at":4}}', JSON),
    ("at", '{"at":1,"x":{}}', '{"x":{}}', JSON),
    ("$.at", '{"at":1,"x":{"at":2}}', '{"at":3,"x":{"at":2}}', JSON),
    ("$.m[*].id", '{"m":[{"id":1},{"id":2}]}', '{"m":[{"id":3},{}]}', JSON),
    ("$.m[0]", '{"m":[1,2]}', '{"m":[3,2]}', JSON),
    ("at", "at=1&b=2", "b=2&at=3", FORM),
    ("$.at", "at=1&b=2", "b=2", FORM),
    ("a t", "a+t=1&b=2", "a%20t=2&b=2", FORM),
    (
        "user",
        *(multipart([(name, "", "", b"1"), *PARTS[1:]], "x")[0] for name in ("user", "user")),
        multipart([], "x")[1],
    ),
    ("image", multipart(PARTS, "x")[0], multipart([*PARTS[:4], PARTS[5]], "x")[0], multipart([], "x")[1]),
    ("$[0].user", multipart(PARTS, "x")[0], multipart([CHANGED["content"], *PARTS[1:]], "x")[0], multipart([], "x")[1]),
]


@pytest.mark.parametrize("index", range(len(IGNORED)), ids=lambda index: f"{IGNORED[index][0]}-{index}")
def test_what_is_ignored_makes_no_difference(index):
    path, one, other, content_type = IGNORED[index]
    assert key(request(one, content_type), ignore=[path]) == key(request(other, content_type), ignore=[path])


@pytest.mark.parametrize(("path", "is_same"), [("at", True), ("$..at", True), ("$.at", False), ("$.x.at", False)])
def test_a_query_parameter_is_ignored_by_its_name_alone(path, is_same):
    """`$` is the body."""
    one, other = (key(request(url=f"{URL}?at={n}&b=1"), ignore=[path]) for n in (1, 2))
    assert (one == other) == is_same


# Where a secret may stand in a request; each holds it once.
PLACES = {
    "json": lambda secret: request(json.dumps({"api_key": secret, "n": 1})),
    "json-in-json": lambda secret: request(json.dumps({"arguments": json.dumps({"access_token": secret})})),
    "number": lambda secret: request(json.dumps({"password": len(secret)})),
    "query": lambda secret: request(url=f"{URL}?" + urlencode({"key": secret, "n": 1})),
    "form": lambda secret: request(urlencode({"a": 1, "client_secret": secret}), FORM),
    "first-in-form": lambda secret: request(urlencode({"password": secret, "z": 1}), FORM),
    "multipart": lambda secret: request(*multipart([("password", "", "", secret.encode()), *PARTS], "x")),
    "userinfo": lambda secret: request(url=f"https://bob:{secret}@shop.example/"),
    "text": lambda secret: request(f"Authorization: Bearer {secret}", "text/plain"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_machine_with_another_secret_has_the_same_key(place):
    keys = {key(PLACES[place](secret)) for secret in (KEY, "0ther-" + KEY, "redacted1" + "a" * 10)}
    assert len(keys) == 1


@pytest.mark.parametrize("place", ["/jobs/%s", "?q=%s", "?q=a%%20%s"])
def test_a_machine_that_knows_the_value_has_the_key_of_one_that_asks_with_the_placeholder(place):
    secrets = Secrets()
    secrets.observe_environment({"SHOP_TOKEN": KEY})
    asked = key(request(json.dumps({"text": f"my {KEY}."}), url=URL + place % KEY), secrets=secrets)
    assert asked == key(request('{"text": "my redacted."}', url=URL + place % "redacted"))


def test_the_case_of_a_secret_name_and_what_is_beside_it_still_count():
    assert len({key(request(json.dumps({"api_key": KEY, "n": n}))) for n in range(3)}) == 3


def test_json_that_is_nested_too_deeply_is_told_apart_by_its_text():
    one, other = ("[" * 100_000 + str(n) + "]" * 100_000 for n in (1, 2))
    assert parse_body(one.encode(), JSON).form == "text"
    assert key(request(one)) != key(request(other))


def test_json_at_the_limit_of_nesting_has_a_key_or_says_why_not():
    for depth in range(900, 1000, 7):
        try:
            key(request("[" * depth + "]" * depth), ignore=["id"])
        except SerializationError as refused:
            assert "nested too deeply" in refused.problem  # noqa: PT017 - it may have one or not
