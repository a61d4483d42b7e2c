from __future__ import annotations

import random

import pytest

from pytest_recorded.diff import ABSENT, Edit, diff, patched, path_text


def told(old, new, **options):
    """Return the edits of a diff in short: what happened, and where."""
    found = diff(old, new, seconds=60, **options)
    assert patched(old, found.edits) == new
    return [f"{edit.op} {path_text(edit.path)}" for edit in found.edits]


def records(count, **more):
    """Return records that have no key: none of their fields has texts that are unique."""
    return [{"n": number, "even": number % 2 == 0, "tags": ["a", str(number % 7)], **more} for number in range(count)]


@pytest.mark.parametrize("place", [0, 1, 500, 999, 1000])
@pytest.mark.parametrize(
    "items",
    [list(range(1000)), [number % 2 for number in range(1000)], records(1000), [[1], [2]] * 500],
    ids=["numbers", "two numbers", "records", "lists"],
)
def test_an_inserted_or_removed_item_is_one_change_wherever_it_is(items, place):
    more = [*items[:place], {"new": 1}, *items[place:]]
    assert told(items, more) == [f"add $[{place}]"]
    assert told(more, items) == [f"remove $[{place}]"]


def test_several_insertions_removals_and_changes_are_each_what_they_are():
    old = list(range(0, 2000, 2))
    new = [1, *old[:300], *old[301:600], -1, *old[601:], 5]
    assert told(old, new) == ["add $[0]", "remove $[300]", "replace $[600]", "add $[1000]"]


def test_changes_among_numbers_that_occur_again_and_again_are_found_one_by_one():
    chance = random.Random(1)
    old = [chance.randrange(10) for _ in range(3000)]
    new = list(old)
    places = sorted(chance.sample(range(0, 3000, 40), 30))
    for place in places:
        new[place] = 77
    assert told(old, new) == [f"replace $[{place}]" for place in places]
    del new[1010]
    assert len(told(old, new)) == 31


@pytest.mark.parametrize("key", ["id", "name", "uuid", "email"])
def test_a_record_that_has_moved_and_changed_is_known_by_a_field_that_is_unique(key):
    old = [{key: f"r{number}", "v": number, "same": 1} for number in range(50)]
    new = [{**record} for record in old]
    new.insert(3, new.pop(40))
    new[3]["v"] = -1
    assert told(old, new) == ["reorder $", "replace $[3].v"]
    assert diff(old, new).edits[1].old_path == (40, "v")


def test_numbers_are_no_keys_unless_their_field_is_named_like_one():
    """The index of an item is unique, too, and says nothing of which item it is."""
    old = [{"index": number, "text": "abc"[number]} for number in range(3)]
    new = [{"index": number, "text": "xabc"[number]} for number in range(4)]
    assert not [edit for edit in told(old, new) if edit.startswith("replace") and "text" in edit]
    assert told([{"id": 1, "v": 1}, {"id": 2, "v": 2}], [{"id": 2, "v": 1}, {"id": 1, "v": 2}]) == [
        "reorder $", "replace $[0].v", "replace $[1].v",
    ]  # fmt: skip


def test_a_text_that_is_unique_is_no_key_if_most_of_its_kind_have_changed():
    old = [{"text": text, "n": number} for number, text in enumerate(["yes", "no", "maybe"])]
    new = [{"text": text, "n": number} for number, text in enumerate(["well", "never", "yes"])]
    assert told(old, new) == [f"replace $[{place}].text" for place in range(3)]


def test_a_field_that_some_items_share_or_have_not_is_no_key():
    old = [{"id": 1, "v": 1}, {"id": 1, "v": 2}, {"id": 2, "v": 3}]
    new = [{"id": 1, "v": 2}, {"id": 1, "v": 1}, {"id": 2, "v": 9}]
    assert told(old, new) == ["reorder $", "replace $[2].v"]
    old = [{"id": 1, "v": 1}, {"id": 1, "v": 2}, {"v": 3}]
    new = [{"id": 1, "v": 9}, {"id": 1, "v": 2}, {"v": 8}]
    assert told(old, new) == ["replace $[0].v", "replace $[2].v"]


@pytest.mark.parametrize("count", [2, 50, 3000])
def test_a_shuffled_list_is_one_change(count):
    for old in (
        list(range(count)),
        records(count),
        [{"id": number, "v": [number]} for number in range(count)],
        [*range(count), *range(count)],
        [[number] for number in range(count)],
    ):
        new = list(old)
        random.Random(4).shuffle(new)
        new = new if new != old else new[::-1]
        assert diff(old, new, seconds=60).edits == (Edit("reorder", (), (), old, new),)


def test_a_shuffled_list_with_other_changes_is_one_change_and_those():
    old = [{"id": number, "v": number} for number in range(500)]
    new = [{**record} for record in old]
    random.Random(5).shuffle(new)
    new[7]["v"] = -1
    new[400]["w"] = 1
    gone = new.pop()
    new.insert(9, {"id": -1, "v": 0})
    assert sorted(told(old, new)) == sorted(
        ["reorder $", "replace $[7].v", "add $[401].w", f"remove $[{gone['id']}]", "add $[9]"]
    )


def test_an_item_without_a_key_that_has_moved_is_no_removal_and_addition():
    old = records(40)
    new = [*old[1:20], old[0], *old[20:]]
    assert told(old, new) == ["reorder $"]
    assert told([*old, 1], [*new, 2]) == ["reorder $", "replace $[40]"]


def test_a_number_that_is_elsewhere_too_has_not_moved_if_most_others_have_changed():
    assert told([1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 2, 11]) == [f"replace $[{place}]" for place in range(6)]
    assert told([1, 2, 3, 4, 5, 6], [2, 3, 4, 5, 6, 7]) == ["remove $[0]", "add $[5]"]


def test_items_that_differ_in_the_type_of_a_number_are_different_items():
    assert told([[1.0], [2], 3], [[2], [1], 3]) == ["remove $[0]", "add $[1]"]
    assert told([[1], [2], 3], [[2], [1], 3]) == ["reorder $"]


def test_declared_keys_go_before_what_looks_like_one():
    old = {"orders": [{"lines": [{"id": 1, "sku": 7, "n": 1}, {"id": 2, "sku": 8, "n": 2}]}]}
    new = {"orders": [{"lines": [{"id": 2, "sku": 7, "n": 1}, {"id": 1, "sku": 8, "n": 2}]}]}
    assert told(old, new) == [
        "reorder $.orders[0].lines",
        "replace $.orders[0].lines[0].sku", "replace $.orders[0].lines[0].n",
        "replace $.orders[0].lines[1].sku", "replace $.orders[0].lines[1].n",
    ]  # fmt: skip
    keys = {"$.orders[*].lines": "sku"}
    assert told(old, new, list_keys=keys) == [
        "replace $.orders[0].lines[0].id", "replace $.orders[0].lines[1].id",
    ]  # fmt: skip


def test_items_with_different_declared_keys_are_never_the_same_one():
    old, new = [{"sku": 7, "n": 1, "m": 2}], [{"sku": 8, "n": 1, "m": 2}]
    assert told(old, new) == ["replace $[0].sku"]
    assert told(old, new, list_keys={"$": "sku"}) == ["remove $[0]", "add $[0]"]


def test_items_that_lack_their_declared_key_or_share_it_are_paired_all_the_same():
    old = [{"sku": 1, "v": 1}, {"sku": 1, "v": 2}, {"v": 3}, 4]
    new = [{"sku": 1, "v": 1}, {"sku": 1, "v": 9}, {"v": 8}, 5]
    assert told(old, new, list_keys={"$": "sku"}) == ["replace $[1].v", "replace $[2].v", "replace $[3]"]


def test_an_item_whose_key_alone_is_another_one_has_another_key():
    """As the ids of tool calls, which are drawn anew for each answer."""
    old = [{"id": "call_1", "type": "function", "function": {"name": "a", "arguments": "{}"}},
           {"id": "call_2", "type": "function", "function": {"name": "b", "arguments": "{}"}}]  # fmt: skip
    new = [{"id": "call_8", "type": "function", "function": {"name": "a", "arguments": "{}"}},
           {"id": "call_9", "type": "function", "function": {"name": "b", "arguments": "[]"}}]  # fmt: skip
    assert told(old, new) == ["replace $[0].id", "replace $[1].id", "replace $[1].function.arguments"]


def test_items_with_different_keys_and_little_in_common_are_replaced_as_a_whole():
    old = [{"id": 1, "a": 1, "b": 1, "c": 1}, {"id": 2, "a": 2, "b": 2, "c": 2}]
    new = [{"id": 1, "a": 1, "b": 1, "c": 1}, {"id": 3, "a": 3, "b": 3, "c": 3}]
    assert told(old, new) == ["replace $[1]"]


def test_between_equal_neighbours_items_are_paired_with_what_they_are_most_like():
    old = [0, {"text": "one two three", "n": [1]}, {"text": "four five six", "n": [2]}, 9]
    new = [0, {"text": "seven", "n": [7]}, {"text": "one two three", "n": [8]}, {"text": "four five", "n": [2]}, 9]
    assert told(old, new) == ["add $[1]", "replace $[2].n[0]", "replace $[3].text"]
    new = [0, {"text": "one two", "n": [8]}, {"text": "four five", "n": [2]}, {"text": "seven", "n": [7]}, 9]
    assert told(old, new) == ["replace $[1].text", "replace $[1].n[0]", "replace $[2].text", "add $[3]"]
    assert told(["the first text", "the second one"], ["the second one!"]) == ["remove $[0]", "replace $[0]"]


def test_items_that_are_all_as_like_as_each_other_are_paired_in_their_order():
    old, new = [0, {"a": 1}, 9], [0, {"a": 2}, {"a": 3}, {"a": 4}, 9]
    assert told(old, new) == ["replace $[1].a", "add $[2]", "add $[3]"]
    assert told(new, old) == ["replace $[1].a", "remove $[2]", "remove $[3]"]


def test_what_is_of_other_types_or_has_no_key_in_common_is_replaced_in_its_place():
    old, new = [1, {"a": 1}, "x", 2], [1, {"b": 1}, {"x": 1}, 2]
    assert told(old, new) == ["replace $[1]", "replace $[2]"]
    assert told([1, {"a": 1}, 2], [1, {"b": 1}, 3, 4, 2]) == ["remove $[1]", "add $[1]", "add $[2]", "add $[3]"]


def test_the_place_where_an_item_would_go_is_given_for_the_old_list_too():
    old, new = [{"id": 1}, {"id": 2}, {"id": 3}], [{"id": 9}, {"id": 1}, {"id": 2}, {"id": 8}, {"id": 3}]
    assert diff(old, new).edits == (
        Edit("add", (0,), (0,), ABSENT, {"id": 9}),
        Edit("add", (3,), (2,), ABSENT, {"id": 8}),
    )


def test_all_records_changed_and_one_inserted_is_one_change_a_record_and_one():
    old = [{"title": f"t{number}", "n": number} for number in range(300)]
    new = [{"title": "new", "n": -1}, *({**record, "at": 1} for record in old)]
    assert sorted(set(told(old, new))) == sorted(["add $[0]", *(f"add $[{number}].at" for number in range(1, 301))])
