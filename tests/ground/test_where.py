"""What `where_data` means."""

from __future__ import annotations

import enum
import json
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_recorded.errors import UsageError
from pytest_recorded.selection import Selection
from pytest_recorded.store.selecting import narrowed
from pytest_recorded.where import data_of, matches_data, where_from


class City(enum.StrEnum):
    ROME = "Rome"


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ("Rome", "Rome"),
        ("Rome", City.ROME),
        (1, 1),
        (1.0, 1),
        (1, 1.0),
        (True, True),
        (None, None),
        ([1, {"a": None}], [1.0, {"a": None}]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ],
    ids=repr,
)
def test_equal_values_match(stored, wanted):
    assert matches_data({"x": stored, "free": 1}, {"x": wanted})


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ("rome", "Rome"),
        (True, 1),
        (1, True),
        (False, 0),
        (0, False),
        (0, None),
        (False, None),
        ("1", 1),
        ([True], [1]),
        ({"a": 1, "b": 2}, {"a": 1}),
        ([1, 2], [1]),
        (float("nan"), None),
    ],
    ids=repr,
)
def test_other_values_do_not_match(stored, wanted):
    assert not matches_data({"x": stored}, {"x": wanted})


def test_none_matches_a_missing_key_but_nothing_that_is_no_object():
    assert matches_data({}, {"x": None})
    assert not any(matches_data(tree, {"x": None}) for tree in (None, [], "x", 1))


@pytest.mark.parametrize("text", [None, "", "{", '{"a": NaN}', '{"a": -Infinity, "b": 1}', b"{}", "[" * 9999], ids=str)
def test_data_that_is_no_json_is_no_data(text):
    assert data_of(text) is None


def test_texts_that_speak_of_nan_are_data():
    assert data_of('{"a": "NaN"}') == {"a": "NaN"}


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (["a"], "no dict"),
        ({1: "a"}, "keys of data are text"),
        ({"a": {1, 2}}, "'a'.*is set"),
        ({"a": float("nan")}, "finite"),
        ({"a": [1j]}, "as it is there"),
        ({"a": (1, 2)}, "lists and dicts"),
        ({"a": b"x"}, "is bytes"),
    ],
    ids=str,
)
def test_what_cannot_be_data_is_refused(where, said):
    with pytest.raises(UsageError, match=said):
        where_from(where)


texts = st.text() | st.sampled_from(["a.b", "$", 'q"x', "arr[0]", "\\", "é", "/", "\0", "\ud800", "e+", "%", "Rome"])
numbers = (
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0, 42, 10**22, 1e22, -0.0])
)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts, lambda inner: st.lists(inner, max_size=2), max_leaves=3
)


@st.composite
def written(draw):
    """A dict, and a JSON text of it as somebody might have written it."""
    data = draw(st.dictionaries(texts, values, max_size=3))
    text = json.dumps(data, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 2])))
    if draw(st.booleans()):
        text = text.replace("/", "\\/")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(data)
    return data, text


@given(written(), st.data())
def test_what_sql_leaves_out_the_function_does_not_take_whoever_wrote_it(pair, data):
    stored, text = pair
    names = st.sampled_from(sorted(stored)) | texts if stored else texts
    name = data.draw(names)
    wanted = {name: data.draw(st.just(stored.get(name)) | values)}
    assert not matches_data(data_of(text), wanted) or narrows_to(text, wanted)


def narrows_to(text, where):
    conditions, parameters = narrowed(Selection(where=where, statuses=("completed",)))
    connection = sqlite3.connect(":memory:")
    try:
        found = connection.execute(
            f"SELECT {conditions} FROM (SELECT ? AS data_json, 'completed' AS status)",
            [*parameters, text],
        ).fetchone()[0]
    finally:
        connection.close()
    return bool(found)


@pytest.mark.parametrize(
    "number", ["100", "100.0", "1e2", "1E2", "1E+2", "10e+1", "0.1e3", "1000e-1", "99.9999999999999999999999"]
)
@pytest.mark.parametrize("name", ["n", "\\u006e"])
def test_a_number_is_found_however_it_is_written(name, number):
    text = f'{{"{name}": {number}}}'
    assert matches_data(data_of(text), {"n": 100})
    assert narrows_to(text, {"n": 100})
    assert narrows_to(text, {"n": 100.0})


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"n":43}', {"n": 42}),
        ('{"city":"Oslo"}', {"city": "Rome"}),
        ('{"a":true}', {"a": False}),
        ('{"a":1}', {"b": 1}),
    ],
)
def test_sql_does_leave_out_what_cannot_match(text, where):
    assert not narrows_to(text, where)
