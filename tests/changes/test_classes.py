"""A table of examples for every class of change, from two rows to the class that they get."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from pydantic import AliasChoices, BaseModel, Field

import sides
from pytest_recorded.changes import classes
from pytest_recorded.changes.calls import Pair, call_of
from pytest_recorded.changes.classes import Rules
from pytest_recorded.changes.model import ChangeClass
from pytest_recorded.job import is_http
from pytest_recorded.jobs import Job
from pytest_recorded.paths import parse
from pytest_recorded.projection import projection_for
from pytest_recorded.reads import reads_of
from sides import chat, function, http

OLD_PROSE = "Your order was sent on Monday."
NEW_PROSE = "Your order was shipped on Monday."


class Order(BaseModel):
    id: int
    total: float | None = None
    note: str = ""


class Line(BaseModel):
    sku: str


class Aliased(BaseModel):
    total: float | None = Field(None, alias="orderTotal")
    state: str = Field("open", validation_alias=AliasChoices("state", "status"))
    lines: list[Line] = []
    either: int | str = 0


class Tree(BaseModel):
    meta: dict[str, Any] = {}


def judged(old, new, model=None, *, ignore=(), list_keys=None, root=None):
    """Return the call as what the row of a test with a projection makes of it; None if nothing has changed."""
    known = old or new
    projection = projection_for(model, option="data", where="test") if model else None
    is_llm = len(Job.of(known.row, known.chunks).names) > 1
    rules = Rules(
        tuple(parse(path, where="test") for path in ignore),
        reads_of(model) if model else None,
        reads_call=is_llm and model is None,
        sees_all=model is None and not is_http(known.row.kind),
        list_keys=list_keys or {},
    )
    return call_of(Pair(old, new, root), ("test",), rules, lambda _names: projection)[0]


def places(call):
    """Return where a call has changed, the worst first: the class, the slot, what happened, and the path."""
    return [(str(one.change_class), one.slot, one.op, one.path) for one in call.changes]


ORDER = {"id": 7, "total": 5.0, "note": OLD_PROSE, "extra": "blue"}


def order(**fields):
    """Return an order of which some fields are others; those that are `...` are not there."""
    return http({name: value for name, value in (ORDER | fields).items() if value is not ...})


# What has changed, with which projection, and all that is said about it.
TABLE = {
    "a function raises": (
        function(5), function(raised=LookupError("sold out")), None,
        [("error", "error", "add", "$")],
    ),
    "HTTP fails": (
        order(), sides.side("http.api.example.com", order().row.request_json, status="failed",
                            error_json=function(raised=OSError("gone")).row.error_json), Order,
        [("error", "error", "add", "$")],
    ),
    "200 to 500": (
        order(), http({"error": "broken"}, status=500), Order,
        [("breaking", "status", "replace", "$")],
    ),
    "500 to 200": (
        http({"error": "broken"}, status=500), order(), Order,
        [("breaking", "status", "replace", "$")],
    ),
    "200 to 201": (
        order(), http(ORDER, status=201), Order,
        [("value", "status", "replace", "$")],
    ),
    "a function raises no more": (
        function(raised=LookupError("sold out")), function(5), None,
        [("breaking", "error", "remove", "$")],
    ),
    "another exception": (
        function(raised=LookupError("sold out")), function(raised=ValueError("sold out")), None,
        [("breaking", "error", "replace", "$.type")],
    ),
    "another message of an exception": (
        function(raised=LookupError("sold out")), function(raised=LookupError("no tea")), None,
        [("value", "error", "replace", "$.message"), ("value", "error", "replace", "$.args[0]")],
    ),
    "a field that the projection reads is gone": (
        order(), order(total=...), Order,
        [("breaking", "data", "replace", "$.total"), ("breaking", "response", "remove", "$.total")],
    ),
    "by its alias": (
        http({"orderTotal": 5.0}), http({}), Aliased,
        [("breaking", "data", "replace", "$.total"), ("breaking", "response", "remove", "$.orderTotal")],
    ),
    "one of several names of a field is gone": (
        http({"status": "paid"}), http({"phase": "paid"}), Aliased,
        [("projection", "data", "replace", "$.state"), ("shape", "response", "remove", "$.status"),
         ("shape", "response", "add", "$.phase")],
    ),
    "one of several names of a field is another": (
        http({"status": "paid"}), http({"state": "paid"}), Aliased,
        [("shape", "response", "remove", "$.status"), ("shape", "response", "add", "$.state")],
    ),
    "in a list": (
        http({"lines": [{"sku": "a", "n": 1}]}), http({"lines": [{"n": 1}]}), Aliased,
        [("breaking", "data", "invalid", "$"), ("breaking", "response", "remove", "$.lines[0].sku")],
    ),
    "a tree that is read as it is": (
        http({"meta": {"a": {"b": 1}}}), http({"meta": {"a": {}}}), Tree,
        [("breaking", "data", "remove", "$.meta.a.b"), ("breaking", "response", "remove", "$.meta.a.b")],
    ),
    "a field that the projection reads has another type": (
        http({"either": 5}), http({"either": "5"}), Aliased,
        [("breaking", "data", "replace", "$.either"), ("breaking", "response", "replace", "$.either")],
    ),
    "a projection that does not fit any more": (
        order(), order(id="x7"), Order,
        [("breaking", "data", "invalid", "$"), ("breaking", "response", "replace", "$.id")],
    ),
    "a projected value": (
        order(), order(total=6.0), Order,
        [("projection", "data", "replace", "$.total")],
    ),
    "a projected null": (
        order(total=None), order(total=6.0), Order,
        [("projection", "data", "replace", "$.total")],
    ),
    "a projected item more": (
        http({"lines": [{"sku": "a"}]}), http({"lines": [{"sku": "a"}, {"sku": "b"}]}), Aliased,
        [("projection", "data", "add", "$.lines[1]")],
    ),
    "a projected item less": (
        http({"lines": [{"sku": "a"}, {"sku": "b"}]}), http({"lines": [{"sku": "b"}]}), Aliased,
        [("projection", "data", "remove", "$.lines[0]")],
    ),
    "projected prose": (
        order(), order(note=NEW_PROSE), Order,
        [("text", "data", "replace", "$.note")],
    ),
    "a projected word is no prose": (
        order(note="sent"), order(note="shipped"), Order,
        [("projection", "data", "replace", "$.note")],
    ),
    "a field outside is gone": (
        order(), order(extra=...), Order,
        [("shape", "response", "remove", "$.extra")],
    ),
    "a field outside came": (
        order(), order(more=1), Order,
        [("shape", "response", "add", "$.more")],
    ),
    "a field outside has another type": (
        order(), order(extra=1), Order,
        [("shape", "response", "replace", "$.extra")],
    ),
    "a header came": (
        http(ORDER), http(ORDER, headers=(*sides.JSON, ("deprecation", "true"))), Order,
        [("shape", "headers", "add", "$.deprecation")],
    ),
    "a value outside": (
        order(), order(extra="red"), Order,
        [("value", "response", "replace", "$.extra")],
    ),
    "an integer that is a fraction now": (
        order(extra=1), order(extra=1.5), Order,
        [("value", "response", "replace", "$.extra")],
    ),
    "an item outside": (
        order(extra=[1]), order(extra=[1, 2]), Order,
        [("value", "response", "add", "$.extra[1]")],
    ),
    "a header's value": (
        http(ORDER, headers=(*sides.JSON, ("x-version", "1"))), http(ORDER, headers=(*sides.JSON, ("x-version", "2"))),
        Order, [("value", "headers", "replace", "$['x-version']")],
    ),
    "HTTP without a projection": (
        order(), order(total=..., extra="red"), None,
        [("shape", "response", "remove", "$.total"), ("value", "response", "replace", "$.extra")],
    ),
    "a body that is no JSON": (
        http("<p>old</p>", headers=()), http("<p>new</p>", headers=()), None,
        [("value", "response", "replace", "$")],
    ),
    "bytes": (
        http(b"\xff\x00", headers=()), http(b"\xff\x01", headers=()), None,
        [("value", "response", "replace", "$")],
    ),
    "what a function without a model returns": (
        function({"price": 5, "note": OLD_PROSE}), function({"price": 6, "note": NEW_PROSE}), None,
        [("projection", "response", "replace", "$.price"), ("text", "response", "replace", "$.note")],
    ),
    "a field that such a function returned": (
        function({"price": 5}), function({}), None,
        [("breaking", "response", "remove", "$.price")],
    ),
    "bytes that such a function returned": (
        function(b"\xff\x00" * 500), function(b"\xff\x01" * 500), None,
        [("projection", "response", "replace", "$")],
    ),
    "what such a generator yields": (
        function(streamed=["a", "b"]), function(streamed=["a", "b", "c"]), None,
        [("projection", "response", "add", "$[2]")],
    ),
    "another tool": (
        chat(tools=[("weather", {"city": "Rome"})]), chat(tools=[("forecast", {"city": "Rome"})]), None,
        [("breaking", "data", "replace", "$.tool_calls[0].name")],
    ),
    "another argument of a tool": (
        chat(tools=[("weather", {"city": "Rome"})]), chat(tools=[("weather", {"town": "Rome"})]), None,
        [("breaking", "data", "remove", "$.tool_calls[0].arguments.city"),
         ("breaking", "data", "add", "$.tool_calls[0].arguments.town")],
    ),
    "another value of an argument": (
        chat(tools=[("weather", {"city": "Rome"})]), chat(tools=[("weather", {"city": "Roma"})]), None,
        [("projection", "data", "replace", "$.tool_calls[0].arguments.city")],
    ),
    "a tool is called no more": (
        chat(tools=[("weather", {"city": "Rome"})]), chat(tools=[]), None,
        [("breaking", "data", "remove", "$.tool_calls[0]"), ("projection", "data", "replace", "$.finish_reasons[0]"),
         ("shape", "response", "remove", "$.choices[0].message.tool_calls")],
    ),
    "another tool, seen by a model of the user's": (
        chat(tools=[("weather", {"city": "Rome"})]), chat(tools=[("forecast", {"city": "Rome"})]), Tree,
        [("breaking", "response", "replace", "$.tool_calls[0].name"),
         ("value", "response", "replace", "$.choices[0].message.tool_calls[0].function.name")],
    ),
    "a language model words it in another way": (
        chat("The capital of France is Paris."), chat("France's capital is Paris."), None,
        [("text", "data", "replace", "$.text")],
    ),
    "a language model answers with an error": (
        chat("Paris."), http({"error": {"message": "overloaded"}}, url=sides.CHAT,
                             sent={"model": "demo-1",
                                   "messages": [{"role": "user", "content": "The capital of France?"}]}), None,
        [("breaking", "error", "add", "$")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_each_change_has_its_class_and_nothing_else_is_told(name):
    old, new, model, expected = TABLE[name]
    call = judged(old, new, model)
    assert places(call) == expected
    assert call.change_class == expected[0][0], "a call has the worst class of its changes"


def test_the_table_has_all_classes_but_those_that_take_more_than_two_answers():
    classes = {place[0] for *_, expected in TABLE.values() for place in expected}
    assert classes == {str(each) for each in ChangeClass} - {"request", "volatile", "metrics"}


@pytest.mark.parametrize("model", [Order, None])
def test_one_answer_is_no_change(model):
    assert judged(order(), order(), model) is None


def test_a_function_that_fails_as_it_did_is_no_change():
    assert judged(function(raised=LookupError("no")), function(raised=LookupError("no"))) is None


def test_how_much_texts_have_in_common_is_said_of_texts_only():
    text = judged(order(), order(note=NEW_PROSE), Order).changes[0]
    assert 0.5 < text.similarity < 1
    assert judged(order(), order(note=NEW_PROSE.upper()), Order).changes[0].similarity < text.similarity
    assert judged(order(), order(total=6.0), Order).changes[0].similarity is None


@pytest.mark.parametrize(
    ("old", "new", "ignored"),
    [
        (order(), order(extra="red"), "$.extra"),
        (order(), order(total=6.0), "total"),
        (function({"price": 5, "at": 1}), function({"price": 5, "at": 2}), "$.at"),
        (order(), order(extra=...), "$.extra"),
        (order(note=...), order(), "note"),
        (http({"a": [{"b": 1}]}), http({"a": [{"b": 2}]}), "$.a[*].b"),
    ],
    ids=["value", "projected", "function", "gone", "come", "items"],
)
def test_what_is_ignored_is_volatile(old, new, ignored):
    call = judged(old, new, Order if "orders" in (old.row.request_json or "") and ignored != "$.a[*].b" else None,
                  ignore=[ignored])  # fmt: skip
    assert {place[0] for place in places(call)} == {"volatile"}


def test_bytes_are_told_apart_by_their_number_and_their_digest():
    call = judged(function(b"\xff\x00" * 500), function(b"\xff" * 1001))
    (change,) = call.changes
    assert (change.old.startswith("<bytes, 1,000 bytes, "), change.new.startswith("<bytes, 1,001 bytes, ")) == (
        True,
        True,
    )
    call = judged(function(b"a text"), function(bytearray(b"a text")))
    assert [(one.old, one.new) for one in call.changes] == [("bytes(a text)", "bytearray(a text)")]


def test_a_projection_that_does_not_fit_breaks_even_where_it_is_ignored():
    assert judged(order(), order(total="none"), Order, ignore=["total"]).change_class == "breaking"


def test_what_is_ignored_is_not_told_beside_what_is_not():
    call = judged(order(), order(extra="red", total=6.0), Order, ignore=["extra"])
    assert places(call) == [("projection", "data", "replace", "$.total")]


FIGURES = {
    "tokens": (({"input_tokens": 100, "output_tokens": 100}, {"input_tokens": 100, "output_tokens": 141}), (200, 241)),
    "fewer tokens": (({"input_tokens": 200}, {"input_tokens": 100}), (200, 100)),
    "cost_usd": (({"cost_usd": 0.01}, {"cost_usd": 0.013}), (0.01, 0.013)),
}


@pytest.mark.parametrize("name", FIGURES)
def test_tokens_and_cost_beyond_a_limit_are_metrics(name):
    (before, after), values = FIGURES[name]
    call = judged(http(ORDER, info={"llm": before}), http(ORDER, info={"llm": after}))
    assert [(str(one.change_class), one.slot, one.old, one.new) for one in call.changes] == [
        ("metrics", "metrics", *values)
    ]


def test_a_time_beyond_a_limit_is_metrics():
    call = judged(http(ORDER, ms=900), http(ORDER, ms=2000))
    assert [(*place, one.old, one.new) for place, one in zip(places(call), call.changes, strict=True)] == [
        ("metrics", "metrics", "replace", "$.latency_ms", 900, 2000)
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (http(ORDER, info={"llm": {"input_tokens": 100}}), http(ORDER, info={"llm": {"input_tokens": 119}})),
        (http(ORDER, info={"llm": {"input_tokens": 1}}), http(ORDER, info={"llm": {"input_tokens": 9}})),
        (http(ORDER, info={"llm": {"cost_usd": 0.01}}), http(ORDER)),
        (http(ORDER, ms=100), http(ORDER, ms=1000)),
        (http(ORDER, ms=2000), http(ORDER, ms=3500)),
        (http(ORDER, ms=9000), http(ORDER, ms=10)),
    ],
    ids=["a fifth", "few", "unknown", "under a second", "not twice", "faster"],
)
def test_figures_within_their_limits_are_no_change(old, new):
    assert judged(old, new) is None


def test_what_differs_between_any_two_answers_of_a_language_model_is_no_change():
    said = {"id": "chatcmpl-2", "created": 99, "system_fingerprint": "fp_2"}
    assert judged(chat(), chat(said=said, usage=(11, 6))) is None


def test_a_streamed_answer_is_compared_as_what_would_have_come_whole():
    stream = chat(streamed=True)
    assert judged(stream, chat(streamed=True, said={"id": "chatcmpl-9", "created": 7})) is None
    call = judged(stream, chat("Rome is it.", streamed=True))
    assert [place[1:] for place in places(call) if place[0] != "value"] == [("data", "replace", "$.text")]
    assert not any("data:" in str(one.old) for one in call.changes)


def test_an_answer_that_came_whole_and_the_same_in_events_are_one():
    whole = chat("Paris is it.")
    events = chat("Paris is it.", streamed=True, key=whole.row.key)
    assert judged(whole, events) is judged(events, whole) is None


def test_of_streams_that_were_left_early_what_both_have_read_counts():
    long, short = (http(text, headers=(), end="closed") for text in ("one two three", "one two"))
    assert judged(long, short) is None
    assert judged(long, http("one 2", headers=(), end="closed")) is not None
    assert places(judged(long, http("one two three", headers=()))) == [("value", "status", "replace", "$.end")]


def test_items_of_lists_are_told_apart_by_the_keys_that_are_declared():
    old, new = ({"lines": [{"sku": sku, "n": n} for sku, n in pairs]} for pairs in ([("a", 1)], [("b", 1)]))
    assert [place[3] for place in places(judged(http(old), http(new)))] == ["$.lines[0].sku"]
    apart = judged(http(old), http(new), list_keys={"$.lines": "sku"})
    assert [place[2:] for place in places(apart)] == [("remove", "$.lines[0]"), ("add", "$.lines[0]")]


def test_a_call_on_one_side_only_is_a_request():
    new, gone = judged(None, order()), judged(order(), None)
    assert [(*places(call)[0][:3], call.changes[0].has_old, call.changes[0].has_new) for call in (new, gone)] == [
        ("request", "call", "add", False, True),
        ("request", "call", "remove", True, False),
    ]
    assert (new.recorded_at, gone.recorded_at) == (None, order().row.submitted_at)


def test_a_call_that_asks_something_else_is_a_request_whatever_it_answers():
    old, new = (http(ORDER, sent={"q": q, "page": 1}) for q in ("tea", "milk"))
    assert places(judged(old, new)) == [("request", "request", "replace", "$.json.q")]


def test_a_key_of_the_callers_own_with_another_request_is_a_request():
    old, new = (
        function(5, key="order-7", sent={"item": item}, info={"request": digest})
        for item, digest in (("tea", "b2:1"), ("milk", "b2:2"))
    )
    assert places(judged(old, new)) == [("request", "request", "replace", "$.item")]
    assert judged(old, old) is None


def test_what_follows_from_another_call_is_a_request_even_if_it_asks_the_same():
    call = judged(order(), order(), root="f" * 32)
    assert (places(call), call.chain) == ([("request", "call", "replace", "$")], "f" * 32)


BROKEN = {
    "response": {"response_json": '{"status": 200'},
    "form": {"response_json": '{"status": "ok"}'},
    "request": {"request_json": "{"},
    "data": {"data_json": "nonsense"},
    "info": {"info_json": "{"},
    "status": {"status": "odd"},
}


@pytest.mark.parametrize("side", ["old", "new"])
@pytest.mark.parametrize("name", BROKEN)
def test_a_row_that_cannot_be_read_is_an_error_and_never_clean(name, side):
    good = order()
    broken = good._replace(row=good.row._replace(**BROKEN[name]))
    pair = Pair(broken, good) if side == "old" else Pair(good, broken)
    call, _ = call_of(pair, ("test",), Rules(), None)
    assert (call.change_class, call.changes[0].slot) == ("error", "call")
    assert "could not be compared" in call.changes[0].new


def test_numbers_that_json_has_not_got_and_halves_of_letters_make_a_report_all_the_same():
    old, new = ({"a": value} for value in (1, float("nan")))
    call = judged(http(json_of(old)), http(json_of(new) + b" "))
    assert call.changes[0].new == "nan"
    text = judged(http(b'{"a": "x"}'), http(b'{"a": "\\ud800"}')).changes[0].new
    assert text.encode() == b"\\ud800"


def json_of(tree):
    return str(tree).replace("'", '"').replace("nan", "NaN").encode()


def test_a_value_that_is_too_long_is_cut_and_says_so():
    change = judged(http({"a": "x"}), http({"a": "y" * 50_000})).changes[0]
    assert (change.is_cut, change.new[-19:]) == (True, "y… (50,000 characters)"[-19:])


def test_of_many_changes_a_hundred_are_listed_and_the_others_counted():
    call = judged(http({f"n{n}": 1 for n in range(150)}), http({f"n{n}": 2 for n in range(150)}))
    assert (len(call.changes), call.more) == (100, 50)


def test_answers_that_there_is_no_time_to_compare_in_full_are_changed_and_say_so(monkeypatch):
    monkeypatch.setattr(classes, "diff", partial(classes.diff, seconds=0.0))
    old = {"rows": [{"id": number, "name": f"n{number}"} for number in range(2_000)]}
    call = judged(http(old), http({"rows": [{**row, "name": "x"} for row in old["rows"]]}))
    assert (call.change_class, "list_keys=" in call.hint) == (ChangeClass.VALUE, True)
