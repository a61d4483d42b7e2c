"""What is secret in a text, by its name, its place or its value; and what stands there then."""

from __future__ import annotations

import base64
import json
import sys
import uuid
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_recorded.redact import Mask, Secrets, is_credential
from pytest_recorded.rules import Rules

KEY = "sk-A1b2C3d4E5f6G7h8"
PEM = "-----BEGIN KEY-----\nMIIB1234\nAbCd5678\n-----END KEY-----"


def hidden(text, *known, names=(), form=False):
    """Return a text as it is stored, by somebody who has met some secrets before."""
    secrets = Secrets(Rules(names=names))
    for value in known:
        secrets.learn(value)
    return secrets.hide(text, form=form)


def masked(text, tag="abc123"):
    """Return an answer as it is stored."""
    return Mask(Secrets(), lambda: tag).text(text)


ALWAYS = ["password", "passwd", "passphrase", "client_secret", "client-secret", "api_key", "apiKey", "x-api-key",
          "OPENAI_API_KEY", "access_token", "refreshToken", "id_token", "auth_token", "session-token", "securityToken",
          "private_key", "secret_access_key", "client_assertion", "authorization", "Proxy-Authorization",
          "user.password"]  # fmt: skip
SOMETIMES = ["key", "token", "code", "signature", "sig", "secret", "credential", "X-Amz-Signature", "csrf_token", "KEY"]
NEVER = ["max_tokens", "keys", "monkey", "tokenizer", "passwords_seen", "author", "codes", "signal", "primary_key_name",
         "api_key_id", "apikeys"]  # fmt: skip

# How a field may be written, and what is left of it.
WRITTEN = {
    "json": '{"a": 1, "%s": "%s"}',
    "tight-json": '{"%s":"%s"}',
    "json-in-json": r'{"arguments": "{\"%s\": \"%s\"}"}',
    "json-in-json-in-json": r'"{\"a\": \"{\\\"%s\\\": \\\"%s\\\"}\"}"',
    "python": "{'a': 1, '%s': '%s'}",
    "query": "https://shop.example/?a=1&%s=%s&b=2",
    "url-in-url": "?next=https%%3A%%2F%%2Fshop.example%%2F%%3F%s%%3D%s%%26b%%3D2",
    "twice-in-url": "?next=%%253F%s%%253D%s%%2526b",
    "rails": "user[%s]=%s",
    "bytes": 'b\'{"%s": "%s"}\'',
    "in-prose": "it said: %s=%s, and so on",
    "header": "%s: %s\r\nAccept: */*",
}


@pytest.mark.parametrize("how", WRITTEN)
def test_the_value_of_a_secret_name_is_replaced_however_it_is_written(how):
    for name in ALWAYS + SOMETIMES:
        assert hidden(WRITTEN[how] % (name, KEY)) == WRITTEN[how] % (name, "redacted"), name
    for name in NEVER:
        assert hidden(WRITTEN[how] % (name, KEY)) == WRITTEN[how] % (name, KEY), name


@pytest.mark.parametrize("name", ["Password", "ns:Password", "access_token"])
def test_the_content_of_a_secret_element_is_replaced(name):
    xml = f"<a><{name}>%s</{name}><Code>400</Code></a>"
    assert hidden(xml % "abc") == xml % "redacted"


IN_FIELDS = ["json", "json-in-json", "python", "query", "url-in-url", "rails"]


@pytest.mark.parametrize("how", IN_FIELDS)
@pytest.mark.parametrize("value", ["a", "alice", "hunter2", "12345678"])
def test_in_a_field_short_values_are_secret_only_by_names_that_are_never_harmless(how, value):
    assert hidden(WRITTEN[how] % ("password", value)) == WRITTEN[how] % ("password", "redacted")
    for name in SOMETIMES:
        text = WRITTEN[how] % (name, value)
        assert hidden(text) == text


@pytest.mark.parametrize("text", [
    "password: required", "the password is wrong", "Enter your passphrase = something", "key: value", "token=none",
    "primary key = id", "status code: 404", "?key=alice&key=bob", "authorization: required", "https://a.example/@user",
    "me@shop.example", "https://user@shop.example/", "Bearer of news", "basic education",
    '{"code": 200, "token": null}',
    '{"password": "", "api_key": null, "secret": true}', '{"signature": "Yours sincerely, 1 2 3 4 5 6 7 8 9"}',
    '{"code": "def f(a1, b2):\\n    return a1"}', '{"key": "users/2024-01-01 12:00"}', "<Code>SlowDown</Code>",
], ids=ascii)  # fmt: skip
def test_what_only_reads_like_a_secret_is_left(text):
    assert hidden(text) == text


@pytest.mark.parametrize(("text", "left"), [
    ("https://bob:hunter2@shop.example/a", "https://redacted@shop.example/a"),
    (f"https://{KEY}@shop.example", "https://redacted@shop.example"),
    (r'{"url": "https:\/\/bob:pw@shop.example"}', r'{"url": "https:\/\/redacted@shop.example"}'),
    ("?to=https%3A%2F%2Fbob%3Apw%40shop.example", "?to=https%3A%2F%2Fredacted%40shop.example"),
    (f"curl -H 'Authorization: Bearer {KEY}'", "curl -H 'Authorization: Bearer redacted'"),
    ("401 for bearer abcdefg1", "401 for bearer redacted"),
    ("Basic Ym9iOmh1bnRlcjI=", "Basic redacted"),
], ids=ascii)  # fmt: skip
def test_the_place_of_a_value_may_make_it_a_secret(text, left):
    assert hidden(text) == left


def test_a_form_begins_with_a_field_too():
    form = urlencode({"password": "a b&c", "user": "bob", "client_secret": "ü"})
    assert hidden(form, form=True) == "password=redacted&user=bob&client_secret=redacted"


@pytest.mark.parametrize("name", ["ssn", "Ssn", "user_ssn", "user-ssn", "user.ssn"])
def test_a_declared_name_is_secret_after_a_separator_too(name):
    assert hidden(json.dumps({name: "1", "ssnx": "2", "lesson": "3"}), names=("ssn",)) == json.dumps(
        {name: "redacted", "ssnx": "2", "lesson": "3"}
    )


@pytest.mark.parametrize("name", ["kunden nr", "größe", "a/b", 'a"b', "a.b", "a+b"])
def test_a_declared_name_may_be_any_text(name):
    for text in (json.dumps({name: "s1"}), json.dumps({name: "s1"}, ensure_ascii=False), "?" + urlencode({name: "s1"})):
        assert hidden(text, names=(name,)) == text.replace("s1", "redacted")


# The name and the value of a variable, and whether it is taken for a secret.
VARIABLES = [
    ("SHOP_API_KEY", KEY, True), ("TOKEN", KEY, True), ("db_password", KEY, True), ("MY_SECRET", KEY, True),
    ("SHOP_API_KEY", "abcdefgh12345678", True), ("SHOP_API_KEY", "abcdefg12345678", False),
    ("SHOP_API_KEY", "abcdefghijklmnopqrst", False), ("SHOP_API_KEY", "12345678901234567890", False),
    ("TLS_KEY", PEM, True), ("TOKEN_FILE", KEY, False), ("TOKENS", KEY, False), ("MONKEY", KEY, False),
    ("KEY_ID", KEY, False), ("PWD", KEY, False), ("DECLARED", KEY, True), ("DECLARED", "7391", True),
]  # fmt: skip


@pytest.mark.parametrize("index", range(len(VARIABLES)), ids=lambda at: f"{VARIABLES[at][0]}-{VARIABLES[at][1][:20]!r}")
def test_the_value_of_a_secret_variable_is_replaced_wherever_it_is_a_whole_token(index):
    name, value, is_secret = VARIABLES[index]
    secrets = Secrets(Rules(variables=("DECLARED",)))
    secrets.observe_environment({name: f" {value}\n", "PATH": "/usr/bin:/bin", "OTHER": "x"})
    for frame in ("<%s>", "/a/%s/b", '"%s"', "a=%s&b", "_%s.", "(%s), it"):
        assert secrets.hide(frame % value) == frame % ("redacted" if is_secret else value)
    text = json.dumps({"a": [f"x {value} y"]})
    assert secrets.hide(text) == (json.dumps({"a": ["x redacted y"]}) if is_secret else text)
    inside = f"Z{value[0]}" if not value[0].isalnum() else f"Z{value} {value}Z"
    assert secrets.hide(inside) == inside


HEADERS = [
    ("authorization", f"Bearer {KEY}", [KEY]), ("authorization", KEY, [KEY]),
    ("proxy-authorization", "Basic Ym9iOmh1bnRlcjItMQ==", ["Ym9iOmh1bnRlcjItMQ==", "hunter2-1"]),
    ("cookie", "sid=S3ss10nId9; theme=dark", ["S3ss10nId9"]), ("x-api-key", "short1-2", ["short1-2"]),
    ("x-amz-security-token", f'"{KEY}"', [KEY]), ("x-account", "77", ["77"]),
]  # fmt: skip


@pytest.mark.parametrize("index", range(len(HEADERS)), ids=lambda at: f"{HEADERS[at][0]}-{at}")
def test_what_a_header_carries_is_replaced_where_it_is_echoed(index):
    name, value, learnt = HEADERS[index]
    secrets = Secrets(Rules(names=("account",)))
    secrets.observe_header(name, value)
    text = f"{' '.join(learnt)} Bearer dark theme"
    assert secrets.hide(text) == " ".join(["redacted"] * len(learnt)) + " Bearer dark theme"


@pytest.mark.parametrize(("name", "value"), [("accept", KEY), ("user-agent", "app/1.0-abc12345"), ("cookie", "a=b")])
def test_what_other_headers_carry_and_short_words_are_no_secrets(name, value):
    secrets = Secrets()
    secrets.observe_header(name, value)
    assert secrets.hide(f"{value} a b") == f"{value} a b"


def test_what_stands_for_a_value_fits_into_its_place():
    secret = str(uuid.UUID(int=2**127))
    assert hidden(f'{{"py:uuid":"{secret}"}}', secret) == f'{{"py:uuid":"{uuid.UUID(int=0)}"}}'
    assert hidden('{"password":{"py:bytes":"AAEC"}}') == json.dumps(
        {"password": {"py:bytes": base64.b64encode(b"redacted").decode()}}, separators=(",", ":")
    )
    assert hidden('[4111111111110042, "4111111111110042"]', "4111111111110042") == '[0, "redacted"]'
    assert hidden('{"password": 1234, "passwd": -1.5e3}') == '{"password": 0, "passwd": 0}'
    assert hidden("call 4111111111110042 now", "4111111111110042") == "call redacted now"


names = st.sampled_from([*ALWAYS[:6], *SOMETIMES[:4], *NEVER[:4], "a", "ssn", "py:uuid", "py:bytes"])
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6) | st.just(KEY) | st.uuids().map(str) | st.sampled_from([f"Bearer {KEY}", 'a"b', "\\", "'"])
)  # fmt: skip
trees = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=10
)


def shape(tree):
    """Return a tree without what may be replaced: the texts and the numbers."""
    if isinstance(tree, dict):
        return {name: shape(item) for name, item in tree.items()}
    if isinstance(tree, list):
        return [shape(item) for item in tree]
    return tree if tree is None or isinstance(tree, bool) else str if isinstance(tree, str) else float


@given(tree=trees, ascii_only=st.booleans(), indent=st.sampled_from([None, 2]))
def test_json_stays_json_of_the_same_shape(tree, ascii_only, indent):
    text = json.dumps(tree, ensure_ascii=ascii_only, indent=indent)
    for left in (hidden(text, KEY, "12345", names=("ssn",)), masked(text)):
        assert shape(json.loads(left)) == shape(tree)


def secrets_of(tree, name=""):
    """Return the texts that must not be left of a tree."""
    if isinstance(tree, dict):
        return [found for name, item in tree.items() for found in secrets_of(item, name)]
    if isinstance(tree, list):
        return [found for item in tree for found in secrets_of(item)]
    return [tree] if isinstance(tree, str) and name in ALWAYS and is_credential(tree, 8) else []


@given(tree=trees)
def test_no_value_of_a_secret_name_is_left_anywhere_in_its_text(tree):
    text = hidden(json.dumps([tree, {"elsewhere": secrets_of(tree)}]))
    assert json.loads(text)[1] == {"elsewhere": ["redacted"] * len(secrets_of(tree))}


pieces = st.lists(
    st.text(max_size=5) | names | st.just(KEY) | st.sampled_from(
        ["=", ":", '"', "'", ": ", '": "', "&", "?", "\\", '\\"', "%3D", "%22", "://", "@", "Bearer ", "<", ">", "</",
         "redacted", "redacted-abc123-1", "[", "]", " ", "\n", "%40", "%3A%2F%2F"]),
    max_size=14).map("".join)  # fmt: skip


@given(text=pieces | trees.map(json.dumps) | trees.map(repr))
def test_hiding_twice_is_hiding_once(text):
    """Here, and on a machine that has met no secret yet."""
    secrets = Secrets(Rules(names=("ssn",)))
    secrets.learn(KEY)
    once = secrets.hide(text)
    assert secrets.hide(once) == once


@given(data=st.binary(min_size=12, max_size=400), name=st.sampled_from(["image", "b64_json", "audio", "data"]))
def test_media_in_base64_are_left(data, name):
    text = json.dumps({name: base64.b64encode(data).decode(), "url": f"data:image/png;base64,{data.hex()}"})
    assert hidden(text, KEY, "12345678") == text


words = st.sampled_from(
    ["the", "a", "key", "token", "password", "code", "signature", "secret", "42", "alice", "1.5", "a-b", ",", ".", ":",
     "(", ")", "http://a.example/b?c=d"]
)  # fmt: skip


@given(
    text=st.lists(words, max_size=20).map(" ".join)
    | st.text(st.characters(exclude_characters="=:\"'>%+@"), max_size=40)
)
def test_a_text_without_secrets_is_left(text):
    assert hidden(text, KEY) == text


HOSTILE = ["key", "key=", "password=a", '"password":"', "'key': '", "\\", '\\"', "token=a&", "%3D", "key%3D", "://", "://a:b@",
           "Bearer ", "<key>", "%25", "key = ", "password", "-_.", "é", KEY + " ", '"token":["a","b",']  # fmt: skip


def calls_of(step, *args):
    """Return how many functions are called, Python's own and those in C."""
    count = 0

    def note(_frame, event, _arg):
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        step(*args)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("piece", HOSTILE, ids=ascii)
def test_the_work_grows_with_the_length_of_a_text_and_not_with_its_square(piece):
    few, many = (calls_of(hidden, piece * count, KEY) for count in (100, 800))
    assert many < 8 * few + 800


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ('[["x-api-key","LISTSECRET1234567"]]', '[["x-api-key","redacted"]]'),
        ('{"py:tuple":["password","PAIRSECRET12345"]}', '{"py:tuple":["password","redacted"]}'),
        ("('Authorization', 'tok3n-0123456789')", "('Authorization', 'redacted')"),
        ('["password","email"]', '["password","email"]'),
        ('["password","abcdefgh12","x"]', '["password","abcdefgh12","x"]'),
    ],
)
def test_a_pair_of_a_name_and_a_credential_is_hidden(text, hidden):
    assert Secrets().hide(text) == hidden
