from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import pydantic
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_recorded.codec import decode, encode
from pytest_recorded.errors import ConfigurationError, SerializationError
from pytest_recorded.objects import Types
from pytest_recorded.paths import DEEP, EVERY, change, drop, parse


@dataclass
class Order:
    id: Any
    lines: Any = None


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")

    id: Any
    lines: Any = None
    _hidden: Any = pydantic.PrivateAttr(default=None)


class Pair(NamedTuple):
    id: Any
    lines: Any = None


PARSED = {
    "$.a": ("a",),
    "$a": ("a",),
    "$.a.b[0].c": ("a", "b", 0, "c"),
    "$[0]": (0,),
    "$.[0]": (0,),
    "$.0": ("0",),
    "$['0']": ("0",),
    "$[*]": (EVERY,),
    "$.*": (EVERY,),
    "$.*.x": (EVERY, "x"),
    "$['*']": ("*",),
    "$.a[*][*].b": ("a", EVERY, EVERY, "b"),
    "$..a": (DEEP, "a"),
    "$.a..b[0]": ("a", DEEP, "b", 0),
    "$..*": (DEEP, EVERY),
    "$['a.b']": ("a.b",),
    '$["a b"].c': ("a b", "c"),
    "$['it''s']": ("it''s",),
    '$["a]b"]': ("a]b",),
    "$['']": ("",),
    "$.a b": ("a b",),
    "$.größe": ("größe",),
    "$.x-request-id": ("x-request-id",),
    "a": (DEEP, "a"),
    "a b": (DEEP, "a b"),
    "service.name": (DEEP, "service.name"),
    " request_id ": (DEEP, "request_id"),
    " $.a ": ("a",),
}


@pytest.mark.parametrize("text", PARSED)
def test_a_path_is_what_it_looks_like(text):
    assert parse(text, where="ignore") == PARSED[text]


# What cannot be read, and from where on.
NO_PATHS = {
    "$.": ".", "$..": "..", "$...a": "...a", "$.a[": "[", "$.a]": "]", "$.a[-1]": "[-1]", "$.a[1.5]": "[1.5]",
    "$.a['x]": "['x]", "$['a'b]": "['a'b]", "$..[0]": "..[0]", "$.a..['b']": "..['b']", "$.a[]": "[]", "$.a'b": "'b",
    "$[a]": "[a]",
}  # fmt: skip

HOW = "Write '$.messages[0].content', '$.items[*].id', '$..id' (at any depth) or just 'id'."


@pytest.mark.parametrize("text", NO_PATHS)
def test_what_is_no_path_says_from_where_on_and_how_paths_are_written(text):
    with pytest.raises(ConfigurationError) as caught:
        parse(text, where="the marker of test_x: ignore")
    assert str(caught.value) == f"the marker of test_x: ignore: {text!r} is no path from {NO_PATHS[text]!r} on. {HOW}"


@pytest.mark.parametrize("value", ["", "  ", None, 5, ["$.a"], b"$.a"], ids=repr)
def test_what_is_no_text_or_empty_is_no_path(value):
    with pytest.raises(ConfigurationError) as caught:
        parse(value, where="ignore")
    assert str(caught.value) == f"ignore: {value!r} is no path. {HOW}"


def test_the_whole_request_cannot_be_named():
    with pytest.raises(ConfigurationError, match=r"ignore: '\$' alone would leave nothing of the request\. Write"):
        parse("$", where="ignore")


names = st.text(st.characters(exclude_characters=".[]'\"*$\n"), min_size=1, max_size=6).filter(
    lambda name: name.strip()
)
segments = st.lists(names | st.integers(0, 99) | st.just(EVERY), min_size=1, max_size=5)


def written(path):
    """Return a path as text, its names in quotes."""
    return "$" + "".join(
        f"['{part}']" if type(part) is str and part != EVERY else f"[{part}]" for part in path
    ).replace("[[*]]", EVERY)


@given(path=segments)
def test_whatever_is_written_with_quotes_is_read_as_it_is(path):
    assert parse(written(path), where="ignore") == tuple(path)


TREE = {"a": [{"id": 1, "x": {"id": 2}}, {"id": 3}, "id"], "id": 4, "b": {"a": 5}}

DROPPED = {
    "$.id": {"a": [{"id": 1, "x": {"id": 2}}, {"id": 3}, "id"], "b": {"a": 5}},
    "id": {"a": [{"x": {}}, {}, "id"], "b": {"a": 5}},
    "$.a[*].id": {"a": [{"x": {"id": 2}}, {}, "id"], "id": 4, "b": {"a": 5}},
    "$.a[0]": {"a": [None, {"id": 3}, "id"], "id": 4, "b": {"a": 5}},
    "$.a[2]": {"a": [{"id": 1, "x": {"id": 2}}, {"id": 3}, None], "id": 4, "b": {"a": 5}},
    "$.a..id": {"a": [{"x": {}}, {}, "id"], "id": 4, "b": {"a": 5}},
    "$.a[0]..id": {"a": [{"x": {}}, {"id": 3}, "id"], "id": 4, "b": {"a": 5}},
    "$.*.a": {"a": [{"id": 1, "x": {"id": 2}}, {"id": 3}, "id"], "id": 4, "b": {}},
    "a": {"id": 4, "b": {}},
    "$..x.id": {"a": [{"id": 1, "x": {}}, {"id": 3}, "id"], "id": 4, "b": {"a": 5}},
    "$[*]": {},
    "$.a[*]": {"a": [None, None, None], "id": 4, "b": {"a": 5}},
    "$.a['0']": TREE,
    "$[0]": TREE,
    "$.a[7].id": TREE,
    "$.id.deeper": TREE,
    "$.nowhere": TREE,
}


@pytest.mark.parametrize("text", DROPPED)
def test_what_a_path_names_is_dropped_and_other_elements_keep_their_index(text):
    before = encode(TREE)
    assert drop(TREE, [parse(text, where="ignore")]) == DROPPED[text]
    assert before == TREE


def test_several_paths_are_dropped_one_after_the_other():
    assert drop(TREE, [parse(text, where="ignore") for text in ("id", "$.a[2]", "$.b")]) == {"a": [{"x": {}}, {}, None]}


# A value, a path, and what is left of it.
TYPED = {
    "dataclass": (Order(1, [2, 3]), "$.lines[0]", Order(1, [None, 3])),
    "model": (Model(id=1, lines={"id": 2}), "$.lines.id", Model(id=1, lines={})),
    "extra-of-a-model": (Model(id=1, lines=2, more={"x": 3, "y": 4}), "$.more.x", Model(id=1, lines=2, more={"y": 4})),
    "named-tuple": (Pair(1, {"a": 2, "b": 3}), "$.lines.a", Pair(1, {"b": 3})),
    "tuple": ((1, {"a": 2}), "$[1].a", (1, {})),
    "element-of-a-tuple": ((1, 2), "$[0]", (None, 2)),
    "set": ({(1, 2)}, "$[0][1]", {(1, None)}),
    "number-key": ({1: "a", 2: "b"}, "$[1]", {2: "b"}),
    "every-key": ({1: "a", "x": "b", (3,): "c"}, "$[*]", {}),
    "name-beside-number": ({1: "a", "x": "b"}, "$.x", {1: "a"}),
    "name-in-an-item": ({(1,): {"x": 2, "y": 3}}, "x", {(1,): {"y": 3}}),
    "truth-is-no-index": ({True: "a", 5: "b"}, "$[1]", {True: "a", 5: "b"}),
    "one-key": ({"lines": 1}, "$.lines", {}),
    "key-like-a-tag": ({"py:tuple": {"x": 1}}, "$['py:tuple'].x", {"py:tuple": {}}),
    "everywhere": ([Order(1, (Pair(2, {3: Model(id=4, lines={"id": 5})}),))], "$..lines.id",
                   [Order(1, (Pair(2, {3: Model(id=4, lines={})}),))]),
}  # fmt: skip


@pytest.mark.parametrize("name", TYPED)
def test_paths_speak_of_values_and_not_of_how_their_types_are_written(name):
    value, text, left = TYPED[name]
    again = decode(drop(encode(value), [parse(text, where="ignore")]), Types([Order, Model, Pair]))
    assert (again, type(again)) == (left, type(left))


def test_private_attributes_have_paths_too():
    value = Model(id=1)
    value._hidden = {"token": "x", "a": 1}
    again = decode(drop(encode(value), [parse("token", where="ignore")]), Types([Model]))
    assert again._hidden == {"a": 1}


def test_the_name_of_a_class_is_no_field_of_it():
    tree = encode(Order(1, 2))
    assert drop(tree, [parse(name, where="ignore") for name in ("class", "fields", "py:object")]) == tree


@pytest.mark.parametrize("tree", [{"py:dict": [5, "x", [1], [1, 2, 3]]}, {"py:dict": 5}, {"py:object": 7},
                                  {"py:tuple": {"a": 1}}, {"py:object": {"fields": [1]}}], ids=ascii)  # fmt: skip
def test_json_that_only_looks_like_a_tag_is_left_as_it_is(tree):
    assert drop(tree, [parse("nowhere", where="ignore")]) == tree


keys = st.sampled_from(["a", "b", "id", "py:tuple", "py:dict", "py:object", "fields"])
leaves = st.none() | st.integers(0, 3) | st.text(max_size=2)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)
    | st.dictionaries(st.integers() | st.text(max_size=2), inner, max_size=3).map(encode)
    | st.builds(Order, inner, inner).map(encode),
    max_leaves=12,
)  # fmt: skip
paths = st.lists(keys | st.integers(0, 2) | st.just(EVERY), min_size=1, max_size=4).map(tuple)
deep_paths = paths.map(lambda path: (DEEP, *path))


@given(tree=trees, path=paths | deep_paths)
def test_a_change_that_changes_nothing_leaves_a_tree_equal(tree, path):
    assert change(tree, path, lambda item: item) == tree


@given(tree=trees, path=paths | deep_paths)
def test_dropping_twice_is_dropping_once_and_leaves_nothing_at_the_path(tree, path):
    # An element of a list stays as null, which is somewhere too.
    assume(not any(type(part) is int or part == EVERY for part in path))
    seen = []
    once = drop(tree, [path])
    change(once, path, seen.append)
    assert (seen, drop(once, [path])) == ([], once)


@given(tree=trees, path=paths)
def test_at_any_depth_means_at_the_top_too(tree, path):
    at_top, anywhere = [], []
    change(tree, path, lambda item: at_top.append(item) or item)
    change(tree, (DEEP, *path), lambda item: anywhere.append(item) or item)
    assert all(item in anywhere for item in at_top)


@pytest.mark.parametrize("text", ["$..id", "$.a.a..id"])
def test_a_tree_that_is_nested_too_deeply_is_a_serialization_error(text):
    tree = {"id": 1}
    for _ in range(100_000):
        tree = {"a": tree}
    with pytest.raises(SerializationError, match="the value is nested too deeply"):
        drop(tree, [parse(text, where="ignore")])


def test_a_hundred_levels_are_not_too_deep():
    tree = {"id": 1}
    for _ in range(100):
        tree = {"a": tree}
    inner = drop(tree, [parse("$" + ".a" * 100 + ".id", where="ignore")])
    assert inner == drop(tree, [parse("id", where="ignore")])


@pytest.mark.parametrize("text", ["$.a, $.b", "$.a $.b", "$.a,$.b", "a, $.b"])
def test_several_paths_in_one_text_are_refused(text):
    with pytest.raises(ConfigurationError, match=r"is more than one path. Write each of them on a line"):
        parse(text, where="ini file: ignore")
