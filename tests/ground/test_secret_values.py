"""Values that are known as secrets are found however they are spelled, and an answer's get numbers that last."""

from __future__ import annotations

import ast
import json
from urllib.parse import parse_qs, quote, quote_plus, unquote, unquote_plus, urlencode

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pytest_recorded.redact import REDACTED, Mask, Secrets
from pytest_recorded.rules import Rules

KEY = "sk-A1b2C3d4E5f6G7h8"
OTHER = "sk-Z9y8X7w6V5u4T3s2"

# How a library may write a text, and how it is read again.
WAYS = {
    "json": (json.dumps, json.loads),
    "json in letters": (lambda text: json.dumps(text, ensure_ascii=False), json.loads),
    "json list": (lambda text: json.dumps({"a": [text]}, indent=1), lambda text: json.loads(text)["a"][0]),
    "url path": (quote, unquote),
    "url": (lambda text: quote(text, safe=""), unquote),
    "url with plus": (quote_plus, unquote_plus),
    "form": (lambda text: urlencode({"a": text, "b": "1"}), lambda text: parse_qs(text)["a"][0]),
    "python": (repr, ast.literal_eval),
    "python in ascii": (ascii, ast.literal_eval),
}


def is_recognisable(value):
    """Return whether a value is looked for at all: it has a letter or a digit, and means nothing else."""
    return (
        any(char.isascii() and char.isalnum() for char in value)
        and value == value.strip()
        and value not in ("true", "false", "null")
        and "redacted" not in value
    )


values = st.text(st.characters(codec="utf-8"), min_size=3, max_size=10) | st.text(
    st.sampled_from("aZ09\\\"'%&=+/ <>{}[].-_~#?@:é😀\n\t\x01\xa0"), min_size=3, max_size=10
)


@settings(max_examples=400)
@given(value=values.filter(is_recognisable), ways=st.lists(st.sampled_from([*WAYS]), max_size=3))
def test_a_secret_is_found_however_it_is_spelled_and_what_is_around_it_is_left(value, ways):
    text = f"<{value}> and {value}!"
    for way in ways:
        text = WAYS[way][0](text)
    secrets = Secrets()
    secrets.learn(value)
    left = secrets.hide(text)
    for way in reversed(ways):
        left = WAYS[way][1](left)
    assert left == "<redacted> and redacted!"


letters = st.sampled_from("aZ09")


@given(
    value=st.builds("".join, st.tuples(letters, st.text("aZ09-_.%\\é ", min_size=2, max_size=8), letters)),
    around=st.sampled_from(["x%s", "%sx", "7%s7", "x%s.", "-%sx"]),
)
def test_a_secret_that_is_part_of_a_longer_token_is_left(value, around):
    secrets = Secrets()
    secrets.learn(value)
    text = around.replace("%s", value)
    assume(text.count(value) == 1)
    assert secrets.hide(text) == text


@pytest.mark.parametrize("levels", range(5))
@pytest.mark.parametrize("before", ["?token=", "/", "a b ", "é", '"', "\n", "\x01", "=", "%"])
def test_what_stands_before_a_secret_is_told_from_it_at_every_level_of_escapes(before, levels):
    secrets = Secrets()
    secrets.learn("C0ffee12")
    for write, read in ((json.dumps, json.loads), (lambda text: quote(text, safe=""), unquote)):
        text = before + "C0ffee12"
        for _ in range(levels):
            text = write(text)
        left = secrets.hide(text)
        for _ in range(levels):
            left = read(left)
        assert left == before + "redacted"


@pytest.mark.parametrize("count", [3, 200])
def test_of_several_secrets_the_longest_counts(count):
    """Few are looked for one by one, many by the words of the text."""
    secrets = Secrets()
    for number in range(count):
        secrets.learn(f"token-{number}-abc")
    secrets.learn("token-1-abc-and-more")
    assert secrets.hide("token-1-abc-and-more token-1-abc xtoken-1-abc") == "redacted redacted xtoken-1-abc"
    assert secrets.hide(r'{"a": "\ntoken-2-abc %3Dtoken-0-abc"}') == r'{"a": "\nredacted %3Dredacted"}'


def test_a_secret_in_bytes_that_are_no_text_is_replaced():
    secrets = Secrets()
    secrets.learn(KEY)
    assert secrets.scrub_bytes(b"\xff" + KEY.encode() + b"\x00") == b"\xffredacted\x00"
    assert secrets.scrub_bytes(b"\xffpassword=abcdefgh1") == b"\xffpassword=abcdefgh1"


@pytest.mark.parametrize("value", ["", "true", "false", "null", "redacted", "redacted-abc123-1", "x redacted y"])
def test_what_means_something_else_is_never_learnt(value):
    secrets = Secrets()
    assert secrets.learn(value) == REDACTED
    assert secrets.hide(f"<{value}> true") == f"<{value}> true"


class Scope:
    """The secrets of one test: what it asks and what it is answered, while it is recorded or replayed."""

    def __init__(self, rules=None):
        self.secrets = Secrets(rules)
        self._answers = 0

    def asks(self, text):
        return self.secrets.hide(text)

    def answers(self, text):
        self._answers += 1
        return Mask(self.secrets, lambda tag=f"{self._answers:06x}": tag).text(text)


def test_the_secrets_of_an_answer_get_numbers_and_later_requests_have_them_too():
    scope = Scope()
    assert scope.asks(f"GET /jobs/{KEY}") == f"GET /jobs/{KEY}"
    assert scope.answers(json.dumps({"access_token": KEY, "refresh_token": OTHER, "again": KEY})) == json.dumps(
        {"access_token": "redacted-000001-1", "refresh_token": "redacted-000001-2", "again": "redacted-000001-1"}
    )
    assert scope.asks(f"GET /jobs/{KEY}?t={OTHER}") == "GET /jobs/redacted-000001-1?t=redacted-000001-2"
    assert scope.answers(f'{{"id_token":"{KEY}","password":"N3wS3cret1"}}') == (
        '{"id_token":"redacted-000001-1","password":"redacted-000002-1"}'
    )


def test_a_secret_that_was_asked_with_is_not_numbered_when_it_is_answered():
    scope = Scope()
    assert scope.asks(f'{{"api_key": "{KEY}"}}') == '{"api_key": "redacted"}'
    assert scope.answers(f'{{"api_key": "{KEY}", "token": "{KEY}"}}') == '{"api_key": "redacted", "token": "redacted"}'


def use(scope, first, second):
    """Return what is stored of a conversation, in which each answer gives the secret of the next request."""
    login = scope.asks(f'POST /login {{"password": "{first}"}}')
    token = (
        second if second.startswith("redacted") else json.loads(scope.answers(json.dumps({"token": second})))["token"]
    )
    return [login, token, scope.asks(f"GET /me Bearer {second}"), scope.asks(f"GET /me?next=%2Fa%3Ft%3D{second}")]


def test_a_replay_asks_with_the_placeholders_that_it_was_answered():
    """So it asks for the same keys, on a machine with other secrets or none."""
    recorded = use(Scope(), KEY, OTHER)
    assert recorded[1:3] == ["redacted-000001-1", "GET /me Bearer redacted-000001-1"]
    for password in ("x", "another-P4ssw0rd", ""):
        assert use(Scope(), password, recorded[1])[1:] == recorded[1:]
    assert use(Scope(), "another-P4ssw0rd", recorded[1]) == recorded


def test_a_placeholder_in_an_answer_stays_what_it_is():
    scope = Scope()
    text = '{"access_token": "redacted-abc123-1", "url": "https://redacted-abc123-2@a.example", "password": "redacted"}'
    assert scope.answers(text) == text
    assert scope.asks(text) == text
    assert Mask(scope.secrets, lambda: "ffffff").value("redacted-abc123-1") == "redacted-abc123-1"


def test_what_only_begins_like_a_placeholder_is_a_secret():
    assert Scope().asks('{"password": "redacted1"}') == '{"password": "redacted"}'
    assert Scope().answers('{"password": "redacted1abcdefgh"}') == '{"password": "redacted-000001-1"}'


@pytest.mark.parametrize("word", ["abc", "1234", "hunter2", "correct", "two words 1234567", "12345678"])
def test_what_looks_like_a_word_is_replaced_in_its_field_and_nowhere_else(word):
    """It may stand elsewhere by chance: in other texts, in a number, in the name of a field."""
    text = f'{{"password": "{word}", "text": "it is {word}.", "{word}": 1}}'
    left = f'{{"password": "redacted", "text": "it is {word}.", "{word}": 1}}'
    for scope in (Scope(), Scope(Rules(names=("password",)))):
        assert scope.asks(text) == left
        assert scope.answers(text) == left
        assert scope.asks(f"GET /{word}") == f"GET /{word}"


def test_a_long_word_of_an_answer_is_numbered():
    """Session ids may be all letters; sixteen of them do not stand elsewhere by chance."""
    assert Scope().answers('{"access_token": "abcdefghijklmnop"}') == '{"access_token": "redacted-000001-1"}'


# A header of an answer, and what is stored of it.
ANSWERED = [
    ("set-cookie", f"sid={KEY}; Path=/; HttpOnly", "sid=redacted-abc123-1; Path=/; HttpOnly"),
    ("Set-Cookie", "a=; Max-Age=0", "a=; Max-Age=0"),
    ("set-cookie", "theme=dark", "theme=redacted"),
    ("openai-organization", "org-abcdefgh1234", "redacted-abc123-1"),
    ("x-goog-project", "shop", "redacted"),
    ("x-auth-token", KEY, "redacted-abc123-1"),
    ("authorization", f"Bearer {KEY}", "redacted"),
    ("x-ratelimit-remaining-tokens", "149984", "149984"),
    ("x-token-count", "7", "7"),
    ("location", f"/landed?access_token={KEY}&a=b", "/landed?access_token=redacted-abc123-1&a=b"),
    ("content-type", "application/json", "application/json"),
    ("x-card", "4111", "redacted"),
]


@pytest.mark.parametrize("index", range(len(ANSWERED)), ids=lambda index: f"{ANSWERED[index][0]}-{index}")
def test_the_headers_of_an_answer_keep_their_names_and_lose_their_secrets(index):
    name, value, left = ANSWERED[index]
    assert Mask(Secrets(Rules(names=("card",))), lambda: "abc123").header(name, value) == left


def test_a_tag_is_only_made_when_it_is_needed():
    tags = []
    mask = Mask(Secrets(), lambda: tags.append(1) or "abc123")
    assert mask.text('{"a": 1, "password": "x"}') == '{"a": 1, "password": "redacted"}'
    assert tags == []
    mask.text(f'{{"password": "{KEY}"}}')
    assert tags == [1]
