"""Assertions on a list of calls, without pytest: which calls are meant, and what is said where they are not there."""

from __future__ import annotations

import dataclasses
import json
import re

import pydantic
import pytest
import typing_extensions
from dirty_equals import IsInt, IsPartialDict, IsPositive, IsStr

from pytest_recorded import Job
from pytest_recorded.assertions import Calls
from pytest_recorded.codec import dump
from pytest_recorded.errors import ConfigurationError, SerializationError
from pytest_recorded.job import Row
from pytest_recorded.message import HttpRequest, HttpResponse

EMPTY = dict.fromkeys(Row._fields)


class View(pydantic.BaseModel):
    total: int


class Typed(typing_extensions.TypedDict):
    total: int


@dataclasses.dataclass
class Plain:
    total: int


def job(kind, request=None, data=None, *, status="completed", response=None, info=None, request_json=None):
    slots = {
        "request_json": request_json or dump({} if request is None else request),
        "response_json": None if status == "failed" else dump(response),
        "data_json": None if data is None else dump(data),
        "info_json": None if info is None else json.dumps(info),
    }
    more = {"id": "0" * 32, "scope": "", "seq": 0, "attempt": 0, "status": status, "submitted_at": "2030"}
    return Job.of(Row(**{**EMPTY, **more, **slots, "kind": kind}), ())


def http(method="GET", url="http://shop.example/a%20b?q=tea&tag=x&tag=y&empty=", headers=(), content=b"", info=None):
    request = HttpRequest(method, url, tuple(headers), content)
    response = HttpResponse(200, "OK", (), b'{"total": 5, "more": 1}')
    return job(request.kind, request_json=json.dumps(request.tree()), response=response.tree(), info=info)


def orders():
    return Calls(
        [
            job("orders.place", {"item": "tea", "count": 1}, {"id": 3}),
            job("prices.get", {"item": "tea"}),
            job("orders.place", {"item": "rum", "count": 2}, {"id": 4, "total": 7}),
            job("prices.get", {"item": "rum"}, status="failed"),
        ]
    )


def failure(assertion, *args, **options):
    with pytest.raises(AssertionError) as caught:
        assertion(*args, **options)
    return str(caught.value)


def test_calls_are_picked_by_kind_status_request_and_data_in_their_order():
    calls = orders()
    all_jobs = calls.jobs
    assert calls.calls() == all_jobs
    assert calls.calls("orders.*") == [all_jobs[0], all_jobs[2]]
    assert calls.calls("orders") == []
    assert calls.calls(status="failed") == [all_jobs[3]]
    assert calls.calls("prices.get", request={"item": "tea"}) == [all_jobs[1]]
    assert calls.calls(request={"item": re.compile("^r")}) == [all_jobs[2], all_jobs[3]]
    assert calls.calls(where_data={"id": IsPositive}) == [all_jobs[0], all_jobs[2]]
    assert calls.calls(where_data=IsPartialDict(total=7)) == [all_jobs[2]]
    assert calls.calls(where_data={}) == [all_jobs[0], all_jobs[2]]
    assert calls.calls(request={"count": True}) == []
    assert calls.one("orders.place", request={"count": 2}, where_data={"id": 4}) is all_jobs[2]


def test_a_call_of_a_language_model_is_also_found_by_what_it_is():
    said, other = http(info={"llm": {"name": "openai.chat"}}), http(info={"llm": {}})
    calls = Calls([said, other])
    assert calls.calls("llm.*") == calls.calls("llm.openai.chat") == [said]
    assert calls.calls("http.shop.example") == [said, other]


def test_assertions_that_hold_say_nothing():
    calls = orders()
    calls.assert_called()
    calls.assert_called("orders.place", 2)
    calls.assert_called("orders.*", times=1, where_data={"total": IsInt})
    calls.assert_called("mail.*", times=0)
    calls.assert_not_called("mail.*")
    calls.assert_not_called("orders.place", request={"item": "gin"})
    calls.assert_order(["orders.place", "prices.*", {"kind": "prices.*", "status": "failed"}])
    calls.assert_order([("orders.*", {"item": "tea"}), {"where_data": {"total": 7}}])
    calls.assert_order(["orders.place", "orders.place"])


def test_a_missing_call_is_explained_by_the_nearest_ones():
    calls = orders()
    expected = (
        "no call of orders.place with data {'total': 5}; 2 calls of that kind were made, nearest first:\n"
        "  #3 orders.place  $.total: expected 5, was 7\n"
        "  #1 orders.place  $.total: missing\n"
        "other calls: prices.get (2 times)"
    )
    assert failure(calls.assert_called, "orders.place", where_data={"total": 5}) == expected
    assert failure(calls.one, "orders.place", where_data={"total": 5}) == expected


def test_a_call_that_differs_in_several_places_has_a_line_for_each():
    text = failure(
        orders().assert_called,
        "orders.*",
        request={"item": "gin"},
        where_data={"id": 9, "total": IsStr},
        status="failed",
    )
    assert text == (
        "no call of orders.* with request {'item': 'gin'} and data {'id': 9, 'total': IsStr} that is failed; "
        "2 calls of that kind were made, nearest first:\n"
        "  #3 orders.place\n"
        "       status: expected 'failed', was 'completed'\n"
        "       request $.item: expected 'gin', was 'rum'\n"
        "       data $.id: expected 9, was 4\n"
        "       data $.total: expected IsStr, was 7\n"
        "  #1 orders.place\n"
        "       status: expected 'failed', was 'completed'\n"
        "       request $.item: expected 'gin', was 'tea'\n"
        "       data $.id: expected 9, was 3\n"
        "       data $.total: missing\n"
        "other calls: prices.get (2 times)"
    )


def test_a_kind_that_was_not_called_is_answered_with_kinds_that_are_near():
    assert failure(orders().assert_called, "order.place") == (
        "no call of order.place; did you mean orders.place?\ncalls made: orders.place (2 times), prices.get (2 times)"
    )
    assert failure(orders().assert_called, "place").startswith("no call of place; did you mean orders.place?\n")
    assert failure(orders().assert_called, "xyz").startswith("no call of xyz\ncalls made: ")
    assert failure(Calls([http(info={"llm": {"name": "openai.chat"}})]).one, "openai.*").startswith(
        "no call of openai.*; did you mean llm.openai.chat?\n"
    )


def test_a_test_without_calls_is_told_so():
    assert failure(Calls().assert_called, "orders.place") == "no call of orders.place: this test has made no calls"
    assert failure(Calls().one) == "no call: this test has made no calls"
    assert failure(Calls().assert_order, ["a", "b"]) == (
        "calls were not made in this order: no call of a: this test has made no calls\n  1. a: not found"
    )


def test_too_few_calls_are_counted_and_named_and_so_are_the_nearest():
    assert failure(orders().assert_called, "orders.*", times=2, request={"item": "rum"}) == (
        "1 call of orders.* with request {'item': 'rum'}, expected 2: #3; "
        "1 other call of that kind was made, nearest first:\n"
        "  #1 orders.place  $.item: expected 'rum', was 'tea'\n"
        "other calls: prices.get (2 times)"
    )
    assert failure(orders().assert_called, "orders.*", times=3) == (
        "2 calls of orders.*, expected 3: #1, #3\nother calls: prices.get (2 times)"
    )


def test_calls_that_should_not_have_been_made_are_listed():
    assert failure(orders().assert_not_called, "prices.*") == (
        '2 calls of prices.*, expected none:\n  #2 prices.get(item="tea")\n  #4 prices.get(item="rum")  (failed)'
    )
    assert failure(orders().one, "orders.*").startswith("2 calls of orders.*, expected 1:\n  #1 orders.place(")
    many = Calls([job("a.b", {"n": number}) for number in range(50)])
    assert failure(many.assert_called, "a.b", 2).splitlines()[-2:] == ["  #6 a.b(n=5)", "  … and 44 more"]


def test_a_broken_order_says_which_step_breaks_it_and_what_was_called():
    calls = orders()
    assert failure(calls.assert_order, ["prices.get", ("orders.place", {"item": "tea"}), "prices.get"]) == (
        "calls were not made in this order: no call of orders.place with request {'item': 'tea'} after #2\n"
        "  1. prices.get: #2\n"
        "  2. orders.place: not found after #2, but before: #1\n"
        "calls made: #1 orders.place, #2 prices.get, #3 orders.place, #4 prices.get"
    )
    assert failure(calls.assert_order, ["orders.*", ("prices.*", {"item": "gin"})]) == (
        "calls were not made in this order: no call of prices.* with request {'item': 'gin'} after #1\n"
        "  1. orders.*: #1\n"
        "  2. prices.*: not found\n"
        "2 of that kind, nearest first:\n"
        "  #2 prices.get  $.item: expected 'gin', was 'tea'\n"
        "  #4 prices.get  $.item: expected 'gin', was 'rum'\n"
        "calls made: #1 orders.place, #2 prices.get, #3 orders.place, #4 prices.get"
    )
    assert failure(calls.assert_order, ["orders.place", "prize.get"]).startswith(
        "calls were not made in this order: no call of prize.get after #1; did you mean prices.get?\n"
    )
    # One call does not serve two steps.
    assert "not found after #4, but before: #2, #4" in failure(calls.assert_order, ["prices.get"] * 3)


def test_of_a_long_order_the_calls_around_the_break_are_shown():
    calls = Calls([job(f"step.k{number // 2}") for number in range(100)])
    steps = [f"step.k{number}" for number in range(40)]
    text = failure(calls.assert_order, [*steps, "step.k1"])
    assert "  … 35 before\n  36. step.k35: #71\n" in text
    assert "  41. step.k1: not found after #79, but before: #3, #4\n" in text
    assert text.splitlines()[-1].startswith("calls made: …, #67-#68 step.k33, ")
    assert "#79-#80 step.k39, " in text
    assert text.endswith(", …")


REQUEST = {
    "method": "POST",
    "url": "http://shop.example/a%20b?q=tea&tag=x&tag=y&empty=",
    "path": "/a%20b",
    "query": {"q": "tea", "tag": ["x", "y"], "empty": ""},
    "headers": {"Content-Type": "application/json", "accept": re.compile("json")},
    "json": {"order": {"item": "tea"}, "ids": [1, IsPositive]},
}


@pytest.mark.parametrize("part", REQUEST)
def test_an_http_request_is_compared_by_each_of_its_parts(part):
    body = b'{"order": {"item": "tea", "count": 2}, "ids": [1, 2]}'
    calls = Calls([http("POST", headers=[("content-type", "application/json"), ("Accept", "*/json")], content=body)])
    calls.one(request={part: REQUEST[part]})
    calls.one(request=REQUEST)
    calls.assert_not_called(request={part: "something else"})


def test_a_form_is_compared_by_its_fields_and_text_as_text():
    form = http("POST", headers=[("content-type", "application/x-www-form-urlencoded")], content=b"a=1&b=2&b=3")
    text = http("POST", headers=[("content-type", "text/plain")], content=b"hello")
    calls = Calls([form, text])
    assert calls.one(request={"form": {"a": "1", "b": ["2", "3"]}}) is form
    assert calls.one(request={"text": "hello"}) is text
    assert "$.json: missing" in failure(calls.one, request={"json": {}})


def test_who_asks_for_a_field_of_a_body_beside_the_body_is_told_where_it_is():
    calls = Calls([http("POST", headers=[("content-type", "application/json")], content=b'{"messages": []}')])
    assert "$.messages: missing (there is $.json.messages)" in failure(calls.one, request={"messages": []})
    assert "$.other: missing" in (text := failure(calls.one, request={"other": 1}))
    assert "there is" not in text


def test_who_asks_for_data_of_a_call_that_has_none_is_told_what_gives_it_some():
    assert "(no model picks data of this call: say data=Model)" in failure(
        Calls([job("shop.get")]).one, where_data={"id": 2}
    )


def test_the_headers_of_a_function_are_its_own():
    calls = Calls([job("shop.get", {"headers": {"X-A": "1"}})])
    calls.one(request={"headers": {"X-A": "1"}})
    calls.assert_not_called(request={"headers": {"x-a": "1"}})


def test_data_is_given_by_kind_by_model_and_projected():
    first = job("a.x", data={"total": 1}, response={"total": 1, "wide": 2})
    calls = Calls([first, job("a.y", response={"total": 2}), http(), job("a.y", status="failed")])
    assert calls.data("a.*") == [{"total": 1}, None, None]
    assert calls.data() == calls.data(kind="*") == [{"total": 1}, None, None, None]
    assert calls.data(status="failed") == [None]
    assert calls.data(View) == []
    assert calls.data(View, kind="*", status="completed") == [View(total=1), View(total=2), View(total=5)]
    assert calls.data(Typed, kind="a.x") == [{"total": 1}]
    assert calls.data(Plain, kind="http.*") == [Plain(5)]


def test_an_answer_that_does_not_fit_a_model_names_the_call_and_the_path():
    calls = Calls(
        [job("a.x", response={"total": 1}), job("a.y", response={"total": "much"}), job("a.z", status="failed")]
    )
    with pytest.raises(SerializationError, match=r"^\$\.total: it does not fit View: .* \(call #2, a\.y\)$"):
        calls.data(View, kind="*")
    with pytest.raises(SerializationError, match=r"failed and has no answer; status='completed' .*\(call #3, a\.z\)"):
        calls.data(View, kind="a.z")
    text = HttpResponse(200, "OK", (), b"<html>")
    with pytest.raises(SerializationError, match="its body is no JSON \\(no content type\\)"):
        Calls([job("http.a", request_json='{"method": "GET", "url": "http://a/"}', response=text.tree())]).data(
            View, kind="*"
        )


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda calls: calls.calls(View), "is no kind"),
        (lambda calls: calls.calls(""), "is no kind"),
        (lambda calls: calls.one(status="done"), "status='done': a call is pending, running, completed, failed"),
        (lambda calls: calls.assert_called("a", "b"), "times='b' is no number of calls"),
        (lambda calls: calls.assert_called("a", times=-1), "times=-1 is no number"),
        (lambda calls: calls.assert_called("a", times=True), "times=True is no number"),
        (lambda calls: calls.assert_order("a"), "give a list of at least one step"),
        (lambda calls: calls.assert_order([]), "give a list of at least one step"),
        (lambda calls: calls.assert_order([1]), "1 is no step. A step is a kind"),
        (lambda calls: calls.assert_order([{"kinds": "a"}]), "is no step"),
        (lambda calls: calls.assert_order([{}]), "is no step"),
        (lambda calls: calls.assert_order([("a", {}, {})]), "is no step"),
        (lambda calls: calls.data(5), "data=5 is no model"),
        (lambda calls: calls.data("a", kind="b"), "name the calls once"),
        (lambda calls: calls.data(Typed), "Name the calls"),
        (lambda calls: calls.data(list[View]), "Name the calls"),
    ],
    ids=map(str, range(16)),
)
def test_a_wrong_argument_is_answered_with_what_is_right(ask, message):
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        ask(orders())


def test_matchers_are_shown_as_they_were_written_whatever_they_were_compared_with_before():
    matcher = IsInt()
    calls = Calls([job("a", data={"id": 1, "x": 2}), job("a", data={"id": "one", "x": 1})])
    text = failure(calls.assert_called, "a", where_data={"id": matcher, "x": 1})
    assert text.splitlines()[0].startswith("no call of a with data {'id': IsInt(), 'x': 1}; ")
    assert "$.id: expected IsInt(), was 'one'" in text


class Hostile:
    def __eq__(self, other):
        raise ValueError

    __hash__ = None

    def __repr__(self):
        raise ValueError


def test_no_value_breaks_a_failure_or_makes_it_long():
    deep = {"id": 1}
    for _ in range(200):
        deep = {"inner": deep, "more": ["x" * 100] * 10}
    broken = dataclasses.replace(job("odd\n\x1b[31m" + "k" * 5_000), data_json="{", request_json="[")
    calls = Calls(
        [
            job("a" * 5_000, {"x": "y" * 100_000}, deep),
            job("nan", {}, {"total": float("nan")}),
            broken,
            *(job(f"k{number}", {"n": number}, deep) for number in range(60)),
        ]
    )
    wanted = {"inner": {"inner": {str(number): Hostile() for number in range(100)}}, "more": "z" * 100_000}
    for text in (
        failure(calls.assert_called, where_data=wanted),
        failure(calls.assert_called, where_data={"total": Hostile()}, request=Hostile()),
        failure(calls.assert_called, "k*", 1_000, where_data=wanted),
        failure(calls.one),
        failure(calls.assert_not_called, "a*"),
        failure(calls.assert_order, ["*"] * 63 + ["never" * 1_000]),
        failure(calls.assert_order, [("*", wanted)]),
        failure(calls.assert_called, "x" * 100_000),
    ):
        assert len(text) <= 3_000
        assert "\x1b" not in text
        assert max(map(len, text.splitlines())) < 1_500


def test_a_failure_is_cut_where_long_paths_and_long_values_would_make_it_long():
    names = ["name" * 20 + str(number) for number in range(6)]
    calls = Calls([job("a", data=dict.fromkeys(names, "x" * 100)) for _ in range(3)])
    text = failure(calls.assert_called, where_data=dict.fromkeys(names, "y" * 100))
    assert len(text) == 3_000
    assert text.endswith("…")


def test_of_very_much_data_a_failure_reads_the_first_part():
    near = [job("a", data={"text": "x" * 1_000_000, "id": number}) for number in range(20)]
    text = failure(Calls(near).assert_called, where_data={"text": IsStr, "id": 19, "gone": 1})
    assert "  #1 a\n" in text
    assert "#20" not in text
    assert text.endswith("… and 17 more")
