from __future__ import annotations

import copy
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from pytest_recorded.diff import Edit, diff, patched, path_text, similarity, words
from pytest_recorded.plain import Bare

NAMES = ["id", "name", "v", "", "a.b", "[0]", "py:object", "\ud800"]
NUMBERS = [0, 1, 2, 1.0, 0.0, -0.0, float("nan"), 10**400, 2**63, float(2**63)]
WORDS = ["", "a", "1", "a b", "b a c", "\ud800", "e\u0301", Bare(""), Bare("a")]
LEAVES = st.sampled_from([None, True, False, *NUMBERS, *WORDS]) | st.integers() | st.text()


@st.composite
def trees(draw, depth=3):
    """Return a tree; some of its lists have records with unique ids."""
    kind = draw(st.sampled_from(["leaf", "list", "dict", "records"] if depth else ["leaf"]))
    if kind == "list":
        return draw(lists(depth))
    if kind == "dict":
        return {name: draw(trees(depth - 1)) for name in draw(st.permutations(NAMES))[: draw(st.integers(0, 4))]}
    if kind == "records":
        keys = draw(st.permutations(range(7)))[: draw(st.integers(0, 6))]
        return [{"id": key, "v": draw(trees(depth - 2 if depth > 2 else 0))} for key in keys]
    return draw(LEAVES)


@st.composite
def lists(draw, depth=3):
    if draw(st.booleans()):
        return [draw(trees(depth - 1)) for _ in range(draw(st.integers(0, 6)))]
    return draw(st.lists(st.integers(0, 2), max_size=90))


@st.composite
def mutants(draw, tree):
    """Return what a tree may have become: something in it is another thing, came, went or has moved."""
    change = draw(st.sampled_from(["inside", "inside", "inside", "add", "remove", "shuffle", "replace"]))
    if change == "replace" or type(tree) not in (list, dict):
        return draw(trees(2))
    if type(tree) is list:
        return draw(other_lists(tree, change))
    if change == "add" or not tree:
        return {**tree, draw(st.sampled_from(NAMES)): draw(trees(1))}
    name = draw(st.sampled_from([*tree]))
    if change == "inside":
        return {**tree, name: draw(mutants(tree[name]))}
    return {key: tree[key] for key in draw(st.permutations([*tree])) if key != name or change == "shuffle"}


@st.composite
def other_lists(draw, items, change):
    if change == "add" or not items:
        place = draw(st.integers(0, len(items)))
        return [*items[:place], draw(trees(2)), *items[place:]]
    if change == "shuffle":
        return list(draw(st.permutations(items)))
    place = draw(st.integers(0, len(items) - 1))
    return [*items[:place], *([draw(mutants(items[place]))] if change == "inside" else []), *items[place + 1 :]]


@st.composite
def pairs(draw):
    """Return two trees, of which the second is most often made of the first, by some changes."""
    old = draw(trees())
    new = old
    for _ in range(draw(st.integers(0, 4))):
        new = draw(mutants(new))
    return old, copy.deepcopy(new)


TREES, LISTS, PAIRS = trees(), lists(), pairs()
KEYS = st.sampled_from([{}, {"$": "id"}, {"$": "v", "$[*]": "v"}, {"$.v": "id", "$[*].v": "id", "$": "v"}])


@given(PAIRS, KEYS, st.sampled_from([0.0, 5.0]))
@example(([1, [2]], [[2], 1]), {}, 0.0)
def test_the_edits_applied_to_the_old_value_give_exactly_the_new_one(exact, pair, keys, seconds):
    old, new = pair
    before = exact(old)
    edits = diff(old, new, list_keys=keys, seconds=seconds).edits
    assert exact(patched(old, edits)) == exact(new)
    assert exact(old) == before
    assert bool(edits) is (before != exact(new))


@given(PAIRS, KEYS)
def test_each_edit_names_places_that_have_the_values_it_gives(pair, keys):
    old, new = pair
    for edit in diff(old, new, list_keys=keys).edits:
        if edit.op != "add":
            assert at(old, edit.old_path) is edit.old
        if edit.op != "remove":
            assert at(new, edit.path) is edit.new
        else:
            assert edit.path == edit.old_path


def at(tree, path):
    """Return what is at a path."""
    for segment in path:
        tree = tree[segment]
    return tree


@given(TREES, KEYS, st.sampled_from([0.0, 5.0]))
def test_a_value_and_its_copy_have_no_edits(value, keys, seconds):
    assert diff(value, copy.deepcopy(value), list_keys=keys, seconds=seconds) == ((), True)


@given(LISTS, TREES, st.data(), KEYS)
def test_an_item_put_into_any_list_is_one_edit(exact, items, item, data, keys):
    place = data.draw(st.integers(0, len(items)))
    more = [*copy.deepcopy(items[:place]), item, *copy.deepcopy(items[place:])]
    ((op, path, *_, added),) = diff(items, more, list_keys=keys).edits
    # Among equal items there is no telling which one came.
    assert (op, len(path), exact(added)) == ("add", 1, exact(item))
    ((op, path, *_),) = diff(more, items, list_keys=keys).edits
    assert (op, len(path)) == ("remove", 1)


@given(LISTS, st.data())
def test_the_same_items_in_another_order_are_one_edit_or_none(exact, old, data):
    new = copy.deepcopy(list(data.draw(st.permutations(old))))
    edits = diff(old, new).edits
    assert edits == (() if exact(old) == exact(new) else (Edit("reorder", (), (), old, new),))


@given(PAIRS)
def test_a_diff_is_the_same_whenever_it_is_made(pair):
    old, new = pair
    one = [(edit.op, path_text(edit.path)) for edit in diff(old, new).edits]
    assert one == [(edit.op, path_text(edit.path)) for edit in diff(copy.deepcopy(old), copy.deepcopy(new)).edits]


PROSE = st.lists(
    st.sampled_from(["one", "two", "three", " ", "  ", ". ", "! ", "\n", "\n\n", ",", "名", "前", "\u3002", "e\u0301",
                     "\r\n", "\U0001f469\u200d\U0001f467", "\ud83d", "\x1c", "\u2028"]) | st.text(max_size=4),
    max_size=40,
).map("".join)  # fmt: skip


@given(PROSE, PROSE, st.sampled_from([0.0, 5.0]))
def test_the_pieces_of_two_texts_are_those_texts(old, new, seconds):
    found = words(old, new, seconds=seconds)
    assert "".join(text for op, text in found if op in "=-") == old
    assert "".join(text for op, text in found if op in "=+") == new
    assert all(text and op in "=-+" for op, text in found)
    assert all(one[0] != other[0] for one, other in pairwise(found))


@given(PROSE, PROSE)
def test_similarity_is_one_for_equal_texts_alone(old, new):
    assert similarity(old, old) == 1
    assert (similarity(old, new) == 1) is (old == new)
    assert 0 <= similarity(old, new) <= 1
