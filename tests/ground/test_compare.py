from __future__ import annotations

import copy
import dataclasses
import math
import re
from decimal import Decimal
from typing import NamedTuple

import pydantic
import pytest
from dirty_equals import AnyThing, IsInt, IsPartialDict, IsPositive, IsStr
from hypothesis import given
from hypothesis import strategies as st

from pytest_recorded.compare import ABSENT, Difference, differences, distance
from pytest_recorded.shown import shown, shown_pair


class Item(pydantic.BaseModel):
    name: str
    price: float = 1.0


class Order(pydantic.BaseModel):
    model_config = {"extra": "allow"}
    id: int
    items: list[Item] = []


@dataclasses.dataclass(slots=True)
class Card:
    id: int
    colour: str = "red"


class Point(NamedTuple):
    x: int
    y: int


class Raising:
    def __eq__(self, other):
        raise ValueError(other)

    __hash__ = None

    def __repr__(self):
        raise RuntimeError


class Ambiguous:
    """As an array: what it is equal to is no truth."""

    def __eq__(self, other):
        return self

    __hash__ = None

    def __bool__(self):
        raise ValueError("ambiguous")

    def __repr__(self):
        return "array([1,\n       2])"


def said(expected, actual, **options):
    return [str(difference) for difference in differences(expected, actual, **options)]


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals()
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


def places(tree):
    """Return the path of each leaf as a list of keys."""
    if isinstance(tree, dict):
        return [[key, *rest] for key, item in tree.items() for rest in places(item)]
    if isinstance(tree, list | tuple):
        return [[index, *rest] for index, item in enumerate(tree) for rest in places(item)]
    return [[]]


def with_another(tree, place):
    """Return a tree with something at a place that is equal to nothing that was there."""
    if not place:
        return object()
    head, *rest = place
    if isinstance(tree, dict):
        return {**tree, head: with_another(tree[head], rest)}
    return type(tree)(with_another(item, rest) if index == head else item for index, item in enumerate(tree))


@given(TREES.filter(lambda tree: "sNaN" not in repr(tree)))
def test_a_value_has_no_differences_from_its_copy(tree):
    assert differences(tree, copy.deepcopy(tree)) == []
    assert differences(tree, copy.deepcopy(tree), partial=False) == []


@given(TREES, st.data())
def test_a_named_leaf_that_differs_is_always_found_and_nothing_else(tree, data):
    leaves = places(tree)
    if not leaves:
        return
    place = data.draw(st.sampled_from(leaves))
    wanted = {repr(difference) for difference in differences(tree, tree)}
    found = differences(with_another(tree, place), tree)
    assert len([difference for difference in found if repr(difference) not in wanted]) == 1


@given(TREES, TREES)
def test_whatever_is_compared_the_outcome_can_be_said_in_short_lines(expected, actual):
    found = differences(expected, actual)
    assert all("\n" not in line and len(line) < 300 for line in map(str, found))
    assert distance(found) >= (len(found), 0)


@given(st.dictionaries(st.text(), LEAVES | st.lists(LEAVES)), st.dictionaries(st.text(), LEAVES))
def test_fields_that_nobody_named_are_free_unless_the_comparison_is_exact(tree, more):
    more = {name: item for name, item in more.items() if name not in tree}
    assert differences(tree, {**tree, **more}) == differences(tree, tree)
    found = differences(tree, {**tree, **more}, partial=False)
    assert sum(difference.expected is ABSENT for difference in found) == len(more)


@pytest.mark.parametrize(
    ("expected", "actual", "lines"),
    [
        (5, 7, ["$: expected 5, was 7"]),
        ({"total": 5}, {"total": 7}, ["$.total: expected 5, was 7"]),
        ({"total": 5}, {}, ["$.total: missing"]),
        ({"a": {"b c": [1, {"d": 2}]}}, {"a": {"b c": [1, {"d": 3}]}}, ["$.a['b c'][1].d: expected 2, was 3"]),
        ([1, 2], [1], ["$[1]: missing"]),
        ([1], [1, 2], ["$[1]: not expected, was 2"]),
        ([], [None], ["$[0]: not expected, was None"]),
        ({1: "a"}, {1: "b"}, ["$[1]: expected 'a', was 'b'"]),
        ({"a": None}, {}, ["$.a: missing"]),
        ({"a": 1, "b": 2}, {"b": 3, "a": 4}, ["$.a: expected 1, was 4", "$.b: expected 2, was 3"]),
        ({"a": 1}, [("a", 1)], ["$: expected {'a': 1}, was [('a', 1)]"]),
        ("a\nb", "a\\nb", ["$: expected 'a\\nb', was 'a\\\\nb'"]),
    ],
)
def test_a_difference_says_its_path_and_both_values(expected, actual, lines):
    assert said(expected, actual) == lines


DIFFERENT = [
    (True, 1),
    (0, False),
    ([True], [1]),
    ({"a": {"b": True}}, {"a": {"b": 1}}),
    ({True}, {1}),
    ({(0, 1)}, {(False, 1)}),
    (Card(True), Card(1)),
    ("1", 1),
    (b"a", "a"),
    (1, 2),
    (None, False),
    (math.nan, 1.0),
    (re.compile("b"), "a"),
    (re.compile("1"), 1),
    (re.compile("a"), b"a"),
    ({"a": AnyThing}, {}),
    (IsStr(min_length=3), "ab"),
    ({"id": IsInt}, {"id": True}),
    (IsPartialDict(id=1), Order(id=2)),
    (Order(id=1, note="x"), Order(id=1)),
    ([1, 2], [2, 1]),
]


@pytest.mark.parametrize(("expected", "actual"), DIFFERENT, ids=map(str, range(len(DIFFERENT))))
def test_these_differ(expected, actual):
    assert differences(expected, actual)


SAME = [
    (1, 1.0),
    (Decimal("1.50"), 1.5),
    (float("nan"), float("nan")),
    ({"x": [float("nan")]}, {"x": [float("nan")], "y": 1}),
    ((1, 2), [1, 2]),
    ({1, 2}, frozenset({2, 1})),
    ({}, {"anything": 1}),
    ({"items": [{"name": "tea"}]}, Order(id=1, items=[Item(name="tea")])),
    (Order(id=1, items=[Item(name="tea")]), {"id": 1, "items": [{"name": "tea", "price": 1.0}], "more": 2}),
    ({"note": "x"}, Order(id=1, note="x")),
    ({"colour": "red"}, Card(1)),
    (Card(1), {"id": 1, "colour": "red"}),
    ({"x": 1}, Point(1, 2)),
    (Point(1, 2), Point(1, 2)),
    (Point(1, 2), [1, 2]),
    (re.compile("^t.a$"), "tea"),
    (re.compile(b"e"), b"tea"),
    (re.compile("a"), re.compile("a")),
    ({"id": IsPositive, "name": IsStr()}, {"id": 3, "name": "x"}),
    ({"id": 3}, {"id": IsPositive}),
    (IsPartialDict(id=1), Order(id=1)),
    ({"order": IsPartialDict(items=[IsPartialDict(name="tea")])}, {"order": Order(id=1, items=[Item(name="tea")])}),
    (AnyThing, Raising()),
    (pytest.approx({"a": 0.3}), {"a": 0.1 + 0.2}),
]


@pytest.mark.parametrize(("expected", "actual"), SAME, ids=map(str, range(len(SAME))))
def test_these_do_not_differ(expected, actual):
    assert differences(expected, actual) == []


def test_values_that_contain_themselves_are_compared():
    one, other = {"name": "a"}, {"name": "a"}
    one["self"], other["self"] = one, other
    assert differences(one, other) == []
    other["name"] = "b"
    assert said(one, other) == ["$.name: expected 'a', was 'b'"]
    listed = []
    listed.append(listed)
    assert said({"self": listed}, one) == [
        "$.self: expected [[[[[[[[[…]]]]]]]]], was {'name': 'a', 'self': {'name': 'a', 'self': {'name': 'a', 's…"
    ]


def test_values_are_compared_however_deeply_they_are_nested():
    one, other = 1, 2
    for _ in range(20_000):
        one, other = [one], [other]
    (found,) = differences(one, other)
    assert (found.expected, found.actual) == (1, 2)
    assert len(str(found)) < 150
    assert len(str(Difference("$", one, other))) < 150


def test_what_cannot_be_compared_differs_and_says_so():
    assert said({"a": Raising()}, {"a": 1}) == [
        "$.a: expected <Raising, whose repr raises RuntimeError>, was 1 (comparing them raised ValueError)"
    ]
    assert said(1, Ambiguous()) == ["$: expected 1, was array([1,        2]) (comparing them raised ValueError)"]
    assert said(Decimal("sNaN"), Decimal(1))[0].endswith("(comparing them raised InvalidOperation)")


def test_a_class_whose_state_cannot_be_read_differs():
    class Hidden(Card):
        @property
        def id(self):
            raise ValueError

    hidden = object.__new__(Hidden)
    (line,) = said({"id": 1}, hidden)
    assert line.startswith("$: expected {'id': 1}, was <")


def test_the_places_that_are_looked_for_have_a_bound():
    assert len(differences([0] * 50_000, [1] * 50_000)) == 1_000


def test_the_nearest_is_what_has_the_fewest_leaves_wrong_and_then_the_fewest_missing():
    expected = {"order": {"id": 1, "item": "tea", "paid": True}, "total": 5}
    near = {"order": {"id": 1, "item": "tea", "paid": True}, "total": 7}
    nearly = {"order": {"id": 1, "item": "tea", "paid": True}}
    nested = {"order": {"id": 1, "item": "rum", "paid": False}, "total": 5}
    far = {"order": "lost", "total": 5}
    ranked = sorted([far, nested, nearly, near], key=lambda actual: distance(differences(expected, actual)))
    assert ranked == [near, nearly, nested, far]


def test_of_two_long_texts_the_part_that_differs_is_shown():
    one, other = "x" * 5_000_000 + "a" + "y" * 100, "x" * 5_000_000 + "b" + "y" * 100
    left, right = shown_pair(one, other)
    assert left == "'…" + "x" * 20 + "a" + "y" * 39 + "…'"
    assert right == "'…" + "x" * 20 + "b" + "y" * 39 + "…'"
    left, right = shown_pair({"a": ["x" * 100, 1]}, {"a": ["x" * 100, 2]})
    assert (left, right) == ("…xxxxxxxxxxxxxxxxx', 1]}", "…xxxxxxxxxxxxxxxxx', 2]}")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [1, (2,)]}, "{'b': 1, 'a': [1, (2,)]}"),
        (
            {str(number): [0] * 10**6 for number in range(100)},
            "{'0': [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0…",
        ),
        (Ambiguous(), "array([1,        2])"),
        (10**5000, None),
        (Item(name="tea"), "Item(name='tea', price=1.0)"),
        ("\ud800\x1b[31m", "'\\ud800\\x1b[31m'"),
    ],
    ids=["dict", "huge", "lines", "number", "model", "control"],
)
def test_any_value_is_shown_in_one_short_line(value, text):
    line = shown(value)
    assert len(line) <= 60
    assert "\n" not in line
    assert text is None or line == text


def test_of_a_wide_and_deep_value_a_part_is_looked_at():
    written = []

    class Leaf:
        def __repr__(self):
            written.append(self)
            return "leaf"

    value = [Leaf()] * 50
    for _ in range(4):
        value = [value] * 50
    assert len(shown(value)) == 60
    assert len(written) <= 500
