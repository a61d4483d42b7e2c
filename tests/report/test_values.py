from __future__ import annotations

import json

import pytest

from pytest_recorded.plain import Bare
from pytest_recorded.report.values import edit_of, shortened, text_of
from samples import OLD_PROSE, change


def side(edit, sign):
    return "".join(text for kind, text in edit.words if kind in ("=", sign))


def test_prose_is_compared_by_words_without_quotes():
    edit = edit_of(change("$.a", OLD_PROSE, OLD_PROSE.replace("sent", "shipped")))

    assert edit.is_prose
    assert [part for part in edit.words if part[0] != "="] == [("-", "sent"), ("+", "shipped")]


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("EUR", None, [("-", '"EUR"'), ("+", "null")]),
        ("1", 1, [("-", '"1"'), ("+", "1")]),
        (2**70, 2**70 + 1, [("-", "1180591620717411303424"), ("+", "1180591620717411303425")]),
        (Bare("Status.OPEN"), "Status.OPEN", [("-", "Status.OPEN"), ("+", '"Status.OPEN"')]),
        (OLD_PROSE, 5, [("-", f'"{OLD_PROSE}"'), ("+", "5")]),
    ],
    ids=["null", "types", "big", "bare", "prose"],
)
def test_values_are_whole_and_exact(old, new, shown):
    assert edit_of(change("$.a", old, new)).words == shown


def test_trees_are_compared_line_by_line():
    edit = edit_of(change("$.a", {"a": 1, "b": [1, 2]}, {"a": 1, "b": [1, 3]}))

    assert side(edit, "-") == '{\n  "a": 1,\n  "b": [\n    1,\n    2\n  ]\n}'
    assert side(edit, "+") == side(edit, "-").replace("2", "3")
    assert [(sign, text.strip()) for sign, text in edit.words if sign != "="] == [("-", "2"), ("+", "3")]


def test_another_order_of_names_is_no_difference():
    old = {"a": 1, "b": [{"c": 1, "d": 2}], "e": None}
    new = {"e": None, "b": [{"d": 2, "x": 5, "c": 1}, {"z": 1, "y": 2}], "a": 1}

    edit = edit_of(change("$.a", old, new))

    assert json.loads(side(edit, "+")) == new
    assert side(edit, "-") == json.dumps(old, indent=2)
    gone, come = ("".join(text for sign, text in edit.words if sign == kind) for kind in "-+")
    assert gone.strip(", \n") == ""
    assert "".join(come.split()).strip(",") == '"x":5},{"z":1,"y":2'


def test_what_came_has_no_old_side_and_what_went_no_new_one():
    assert edit_of(change("$.a", new=None)).words == [("+", "null")]
    assert edit_of(change("$.a", 1)).words == [("-", "1")]
    assert edit_of(change("$.a")).words == []


def test_a_long_value_is_cut_to_where_it_begins_to_differ():
    old = "a b " * 100_000
    edit = edit_of(change("$.a", old + "old " + old, old + "new " + old))

    assert ("-", "old") in edit.words
    assert len(side(edit, "-")) == 20_000
    assert edit.cut == "20,000 of 800,004 characters are shown, from the 399,801th on"


def poem(lines, word=""):
    return "\n".join(f"line {number} of the poem{word if number == 7 else ''}" for number in range(lines))


@pytest.mark.parametrize(("lines", "longest"), [(400, 4_000), (2_000, 20_000)], ids=["compared", "cut"])
def test_the_end_of_what_is_shown_of_a_long_text_is_no_change(lines, longest):
    edit = edit_of(change("$.a", poem(lines), poem(lines, ", stormy")), longest)

    assert [part for part in edit.words if part[0] != "="] == [("+", ", stormy")]
    assert longest * 0.9 < len(side(edit, "+")) <= longest


def test_the_end_of_values_that_came_cut_is_no_change():
    old, new = (f"{text[:20_000]}… ({len(text):,} characters)" for text in (poem(2_000), poem(2_000, ", stormy")))

    edit = edit_of(change("$.a", old, new, is_cut=True))

    assert [part for part in edit.words if part[0] != "="] == [("+", ", stormy")]


def test_each_of_the_changes_that_are_shown_of_a_long_text_is_one():
    old = poem(400)
    new = old.replace("line 150 of", "row 150 of").replace("line 399 of", "row 399 of") + "\nthe end"

    shown = edit_of(change("$.a", old, new), 4_000)
    whole = edit_of(change("$.a", old, new))

    assert [part for part in shown.words if part[0] != "="] == [("-", "line"), ("+", "row")]
    assert [part for part in whole.words if part[0] != "="] == [*[("-", "line"), ("+", "row")] * 2, ("+", "\nthe end")]


def test_a_long_text_that_has_come_in_place_of_another_is_shown_up_to_the_same_length():
    edit = edit_of(change("$.a", "all the words " * 2_000, "none of those " * 2_000), 4_000)

    assert edit.words == [("-", ("all the words " * 2_000)[:4_000]), ("+", ("none of those " * 2_000)[:4_000])]


def test_a_value_that_came_cut_says_so():
    assert edit_of(change("$.a", 1, 2, is_cut=True)).cut == "the values are too large to be given in full"


def test_a_value_is_shown_whatever_it_is():
    deep = []
    for _ in range(200_000):
        deep = [deep]

    assert "nested too deeply" in text_of(deep)
    assert text_of(float("nan")) == '"nan"'
    assert text_of(Bare("a\x1b[2J")) == r"a\x1b[2J"
    assert text_of(object).startswith('"<class')


def test_equal_text_is_shortened_where_it_is_far_from_a_change():
    parts = [("=", "abcdef" * 5), ("-", "x"), ("=", "abcdef" * 5), ("+", "y"), ("=", "abcdef" * 5)]

    assert shortened(parts, 3) == [("=", "…def"), ("-", "x"), ("=", "abc…def"), ("+", "y"), ("=", "abc…")]
    assert shortened([("=", "abc"), ("-", "x")], 3) == [("=", "abc"), ("-", "x")]
