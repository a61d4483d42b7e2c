from __future__ import annotations

import copy
import enum
import pickle

import pytest

from pytest_recorded.diff import ABSENT, Edit, diff, patched, path_text, type_name
from pytest_recorded.paths import parse
from pytest_recorded.plain import Bare

HUGE = 10**5000


def told(old, new, **options):
    """Return the edits of a diff in short: what happened, where, the old value and the new one."""
    return [(edit.op, path_text(edit.path), edit.old, edit.new) for edit in diff(old, new, **options).edits]


def test_an_edit_of_each_kind_has_its_place_in_both_values():
    old = {"a": 1, "b": [1, 2, 3], "gone": None}
    new = {"a": 2, "b": [1, 9, 2, 3], "come": None}
    assert diff(old, new) == (
        (
            Edit("replace", ("a",), ("a",), 1, 2),
            Edit("add", ("b", 1), ("b", 1), ABSENT, 9),
            Edit("remove", ("gone",), ("gone",), None, ABSENT),
            Edit("add", ("come",), ("come",), ABSENT, None),
        ),
        True,
    )


def test_a_change_behind_an_inserted_item_has_another_place_in_the_old_value_than_in_the_new_one():
    old = [{"id": 1, "v": 1}, {"id": 2, "v": {"x": 1}}]
    new = [{"id": 0, "v": 0}, {"id": 1, "v": 1}, {"id": 2, "v": {"x": 2, "y": 3}}]
    assert diff(old, new).edits == (
        Edit("add", (0,), (0,), ABSENT, {"id": 0, "v": 0}),
        Edit("replace", (2, "v", "x"), (1, "v", "x"), 1, 2),
        Edit("add", (2, "v", "y"), (1, "v", "y"), ABSENT, 3),
    )


def test_what_is_removed_is_named_by_its_place_in_the_old_value():
    old = [0, {"id": 1, "v": 1}, {"id": 2, "v": {"x": 1}}]
    new = [{"id": 1, "v": 1}, {"id": 2, "v": {}}]
    assert diff(old, new).edits == (
        Edit("remove", (0,), (0,), 0, ABSENT),
        Edit("remove", (2, "v", "x"), (2, "v", "x"), 1, ABSENT),
    )


UNLIKE = {
    "number": (1, 1.0), "boolean": (1, True), "zero": (0, False), "text": (1, "1"), "null": (None, False),
    "empty": (None, ""), "minus": (0.0, -0.0), "container": ([], {}), "huge": (HUGE, HUGE + 1),
    "large": (2**53, float(2**53)), "bare": ("a", Bare("a")), "surrogates": ("\ud800", "\udfff"),
    "composed": ("\u00e9", "e\u0301"),
}  # fmt: skip
ALIKE = {
    "nan": (float("nan"), float("-nan")), "order": ({"a": 1, "b": [2]}, {"b": [2], "a": 1}),
    "bare": (Bare("x"), Bare("x")), "huge": (HUGE, HUGE + 0),
    "order in a list": ([{"a": 1, "b": 2}, 3], [{"b": 2, "a": 1}, 3]),
}  # fmt: skip


@pytest.mark.parametrize("case", UNLIKE)
def test_values_that_python_or_a_reader_takes_for_equal_are_not(case):
    old, new = UNLIKE[case]
    assert diff(old, new).edits == (Edit("replace", (), (), old, new),)
    assert [edit.op for edit in diff({"a": [0, old, 0]}, {"a": [0, new, 0]}).edits] == ["replace"]
    assert [edit.op for edit in diff({"a": [old, [old]]}, {"a": [old, [new]]}).edits] == ["replace"]


@pytest.mark.parametrize("case", ALIKE)
def test_not_a_number_is_itself_and_the_order_of_keys_is_no_difference(case):
    old, new = ALIKE[case]
    for seconds in (2.0, 0.0):
        assert diff(old, new, seconds=seconds) == ((), True)
        assert diff([0, old, 1], [2, new, 3], seconds=1.0).edits == (
            Edit("replace", (0,), (0,), 0, 2),
            Edit("replace", (2,), (2,), 1, 3),
        )


def test_a_dict_in_the_place_of_another_is_looked_into_even_if_they_have_no_key_in_common():
    assert told({"m": {"a": 1}}, {"m": {"b": 2}}) == [("remove", "$.m.a", 1, ABSENT), ("add", "$.m.b", ABSENT, 2)]


class Level(enum.IntEnum):
    LOW = 1


class Unhashable:
    __hash__ = None

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return self.value == other.value


def test_leaves_of_other_types_are_compared_by_type_and_equality():
    assert told({"a": Level.LOW}, {"a": 1}) == [("replace", "$.a", Level.LOW, 1)]
    one, two = Unhashable(1), Unhashable(2)
    assert told([1, one, {"x": one}], [1, Unhashable(1), {"x": Unhashable(1)}]) == []
    assert told([0, one, 1], [0, two, 1]) == [("replace", "$[1]", one, two)]
    assert told([(1, 2)], [[1, 2]]) == [("replace", "$[0]", (1, 2), [1, 2])]


def test_edits_come_in_the_order_of_the_document():
    old = {"z": 1, "list": [{"b": 1, "a": 2}, 5, 6], "a": 1}
    new = {"a": 2, "list": [{"a": 3, "b": 2}, 6, 7], "z": 2}
    assert [path_text(edit.path) for edit in diff(old, new).edits] == [
        "$.z", "$.list[0].b", "$.list[0].a", "$.list[1]", "$.list[2]", "$.a",
    ]  # fmt: skip


def test_patching_changes_neither_the_old_value_nor_the_edits():
    shared = {"x": [1]}
    old = {"a": shared, "b": shared, "c": [3, 1, 2, {"k": 1}]}
    new = {"a": {"x": [1, 2]}, "b": {"x": []}, "c": [1, {"k": 2}, 2, 3]}
    before, edits = copy.deepcopy(old), diff(old, new).edits
    kept = copy.deepcopy(edits)
    assert patched(old, edits) == new
    assert old == before
    assert edits == kept


def test_patching_another_value_is_refused():
    with pytest.raises(LookupError):
        patched({"b": 1}, diff({"a": {"x": 1}}, {"a": {"x": 2}}).edits)


def test_without_the_edit_that_reorders_a_list_the_others_still_say_what_its_items_became():
    old = [{"id": 1, "v": 1}, {"id": 2, "v": 2}, {"id": 3, "v": 3}]
    new = [{"id": 3, "v": 3}, {"id": 1, "v": 10}, {"id": 4, "v": 4}]
    edits = [edit for edit in diff(old, new).edits if edit.op != "reorder"]
    assert len(edits) < len(diff(old, new).edits)
    assert sorted(patched(old, edits), key=lambda item: item["id"]) == sorted(new, key=lambda item: item["id"])


def test_absent_is_one_thing_and_says_so():
    assert repr(ABSENT) == "(absent)"
    assert copy.deepcopy(ABSENT) is ABSENT
    assert pickle.loads(pickle.dumps(ABSENT)) is ABSENT


@pytest.mark.parametrize(
    "name", ["a", "ü", "a b", "a.b", "[0]", "", "py:object", "it's", 'say "x"', "0", "*", "a]", "$", "名前"]
)
def test_a_path_is_read_back_as_the_option_ignore_reads_it(name):
    path = ("choices", 0, name, 12, name)
    assert parse(path_text(path), where="test") == path


def test_a_path_reads_as_people_write_it():
    assert path_text(()) == "$"
    assert path_text(("choices", 0, "a b", "text")) == "$.choices[0]['a b'].text"


@pytest.mark.parametrize(
    ("value", "name"),
    [(None, "null"), (True, "boolean"), (1, "integer"), (1.0, "number"), ("", "string"), ([], "array"),
     ({}, "object"), (Bare("x"), "Bare"), (Level.LOW, "Level")],
    ids=str,
)  # fmt: skip
def test_types_have_the_names_that_json_has(value, name):
    assert type_name(value) == name
