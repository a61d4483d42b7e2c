"""How a job is written in the failure of a test, and in a debugger."""

from __future__ import annotations

import json

import pytest

from pytest_recorded import Job, recorder
from pytest_recorded.job import Row

EMPTY = dict.fromkeys(Row._fields)


def job(kind="shop.place", request_json='{"item":"tea"}', status="completed"):
    more = {"id": "0" * 32, "scope": "", "kind": kind, "seq": 0, "attempt": 0, "submitted_at": "2030"}
    return Job.of(Row(**{**EMPTY, **more, "status": status, "request_json": request_json}), ())


def test_it_is_the_call_and_how_it_stands_in_one_line():
    asked = json.dumps({"method": "POST", "url": "https://shop.example/orders?x=1", "headers": []})
    assert repr(job()) == '<Job shop.place(item="tea") completed>'
    assert repr(job(status="interrupted")) == '<Job shop.place(item="tea") interrupted>'
    assert repr(job("http.shop.example", asked)) == "<Job POST https://shop.example/orders?x=1 completed>"


@pytest.mark.parametrize(
    "request_json",
    [
        None,
        "",
        "{",
        "null",
        "[1]",
        "[" * 100_000,
        '{"item":"\\ud800 \\n"}',
        json.dumps({"a": "x" * 100_000}),
        '{"url":[]}',
    ],
    ids=["none", "empty", "broken", "null", "a list", "deep", "half a pair", "long", "no URL"],
)
@pytest.mark.parametrize(
    "kind", ["shop.place", "http.shop.example", "a\nb", "k" * 500], ids=["a", "http", "lines", "k"]
)
def test_whatever_is_stored_it_is_one_short_line(kind, request_json):
    text = repr(job(kind, request_json, status="failed"))
    assert text.startswith("<Job ")
    assert text.endswith(" failed>")
    assert text.isprintable()
    assert len(text) <= 120


def test_no_secret_is_in_it(rec, monkeypatch):
    """It is made of what is stored."""
    monkeypatch.setenv("SHOP_API_KEY", "abcdefghijklmnop1234567890")

    @recorder(kind="repr.secret")
    def place(item, password):
        return item

    place("abcdefghijklmnop1234567890", password="hunter22222")
    (made,) = rec.last(1)
    assert repr(made).startswith("<Job repr.secret(")
    assert "hunter22222" not in repr(made)
    assert "abcdefghijklmnop" not in repr(made)
