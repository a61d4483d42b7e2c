"""What varies between live answers is named as `ignore` takes it: as little as possible, and enough."""

from __future__ import annotations

import copy
import datetime as dt
import json
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_recorded.canonical import canonical, load_tree
from pytest_recorded.changes.noise import varying, written
from pytest_recorded.codec import encode
from pytest_recorded.paths import drop, parse


def said(*answers):
    return [written(path) for path in varying(answers)]


ITEM = {"id": 1, "name": "tea"}
CASES = {
    "nothing varies": ([{"a": [1, {"b": None}]}] * 3, []),
    "a field": ([{"id": 1, "ok": True}, {"id": 2, "ok": True}], ["$.id"]),
    "a field in one of three": ([{"id": 1, "ok": True}, {"id": 1, "ok": True}, {"id": 2, "ok": True}], ["$.id"]),
    "a field inside": ([{"meta": {"id": n, "v": 1}, "ok": 1} for n in range(2)], ["$.meta.id"]),
    "a place in a list, wherever": (
        [{"choices": [{"id": 1, "text": "a"}, {"id": m, "text": "b"}]} for m in range(2)],
        ["$.choices[*].id"],
    ),
    "a field that is there sometimes": ([{"ok": 1}, {"ok": 1, "extra": 2}], ["$.extra"]),
    "a type": ([{"ok": 1, "n": 1}, {"ok": 1, "n": 1.0}], ["$.n"]),
    "a type within a container": ([{"ok": 1, "n": {"a": 1}}, {"ok": 1, "n": [1]}], ["$.n"]),
    "null for a value": ([{"ok": 1, "n": None}, {"ok": 1, "n": {"a": 1}}], ["$.n"]),
    "the length of a list": ([{"ok": 1, "items": [ITEM]}, {"ok": 1, "items": [ITEM, ITEM]}], ["$.items"]),
    "an empty list": ([{"ok": 1, "items": []}, {"ok": 1, "items": [ITEM]}], ["$.items"]),
    "the order of a list": ([{"ok": 1, "items": [1, 2, 3]}, {"ok": 1, "items": [3, 1, 2]}], ["$.items"]),
    "a list and a field of it": (
        [{"ok": 1, "l": [{"x": 1}, {"y": 0}]}, {"ok": 1, "l": [{"x": 2}, "changed"]}],
        ["$.l[*]"],
    ),
    "two fields": ([{"a": n, "b": {"c": n, "d": 0}} for n in range(2)], ["$.a", "$.b.c"]),
    "a name that needs quotes": ([{"ok": 1, "x-request id": n} for n in range(2)], ["$['x-request id']"]),
    "a name that no path can have": ([{"ok": 1, "in": {"a'b\"c": n}} for n in range(2)], ["$.in"]),
    "a name like a wildcard": ([{"ok": 1, "in": {"[*]": n, "other": 1}} for n in range(2)], ["$.in"]),
    "the whole answer": (["one", "another"], []),
    "all of a list": ([[1, 2], [3, 4]], []),
    "the only field": ([{"text": "one"}, {"text": "another"}], []),
    "the length of an answer that is a list": ([[1], [1, 2]], []),
    "one answer": ([{"id": 1}], []),
}


@pytest.mark.parametrize("case", CASES)
def test_what_varies_is_named(case):
    answers, expected = CASES[case]
    assert said(*answers) == expected


@dataclass
class Order:
    number: int
    made: dt.datetime
    tags: set[str]
    lines: tuple[dict, ...]


def test_values_of_python_are_named_as_values_not_as_they_are_written_down():
    """`$.order.made` is a field of a dataclass, too."""
    orders = [
        Order(7, dt.datetime(2030, 1, day, tzinfo=dt.UTC), {"a", f"b{day}"}, ({"n": day, 5: day},)) for day in (1, 2)
    ]
    assert said(*(encode({"order": order}) for order in orders)) == [
        "$.order.lines[*].n",
        "$.order.lines[*][5]",
        "$.order.made",
        "$.order.tags",
    ]


def test_equal_values_that_no_path_can_name_do_not_vary():
    value = encode({"a": {(1, 2): "x"}, "b": {1, 2}, "c": 0})
    assert said(value, copy.deepcopy(value)) == []


def test_a_tree_that_is_nested_deeply_is_named_where_it_varies():
    def nested(leaf):
        return {"ok": 1, "deep": json.loads("[" * 500 + leaf + "]" * 500)}

    assert said(nested("1"), nested("2")) == ["$.deep" + "[*]" * 500]


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b", "a b", "[*]", "..", "'\"", "py:x", ""]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(TREES, min_size=2, max_size=3))
def test_without_what_varies_the_answers_are_the_same_and_no_path_is_one_too_many(trees):
    answers = [{"same": "for all", "varies": tree} for tree in trees]
    paths = varying(answers)
    assert [parse(written(path), where="x") for path in paths] == paths
    assert len({canonical(drop(answer, paths)) for answer in answers}) == 1
    for path in paths:
        rest = [other for other in paths if other != path]
        assert len({canonical(drop(answer, rest)) for answer in answers}) > 1
        assert not any(other != path and path[: len(other)] == other for other in paths)


def test_answers_as_they_are_stored_are_compared():
    texts = [f'{{"created": 170000000{n}, "id": "chatcmpl-{n}", "n": 1}}' for n in range(2)]
    assert said(*map(load_tree, texts)) == ["$.created", "$.id"]
