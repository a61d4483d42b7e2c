"""What a stranger's server may answer: nested deeply, very wide, made to be compared slowly. The answer stays exact."""

from __future__ import annotations

import random
from functools import reduce

import pytest

from pytest_recorded.diff import diff, edits, patched, words
from pytest_recorded.diff.edits import Deadline
from pytest_recorded.diff.sequence import aligned

SHAPES = {
    "lists": lambda depth, leaf: reduce(lambda item, _: [item], range(depth), leaf),
    "dicts": lambda depth, leaf: reduce(lambda item, _: {"a": item}, range(depth), leaf),
    "longer lists": lambda depth, leaf: reduce(lambda item, _: [0, item, 1], range(depth), leaf),
    "both": lambda depth, leaf: reduce(lambda item, _: {"b": [1, {"a": item}, 2]}, range(depth), leaf),
}
LENGTH = 4000


@pytest.mark.parametrize("shape", SHAPES)
def test_a_change_at_the_bottom_of_thousands_of_levels_is_one_edit(shape):
    make = SHAPES[shape]
    old, new = make(3000, "x"), make(3000, "y")
    (edit,) = diff(old, new, seconds=60).edits
    assert (edit.op, edit.old, edit.new) == ("replace", "x", "y")
    assert len(edit.path) >= 3000
    result = patched(old, [edit])
    assert diff(result, new, seconds=60).edits == ()
    assert diff(result, old, seconds=60).edits != ()


@pytest.mark.parametrize("shape", SHAPES)
def test_without_time_what_is_nested_deeply_is_replaced_as_a_whole(shape):
    old, new = SHAPES[shape](3000, "x"), SHAPES[shape](3000, "y")
    ((op, path, *_, value),), is_complete = diff(old, new, seconds=0)
    assert (op, path, is_complete) == ("replace", (), False)
    assert value is new
    assert diff(old, SHAPES[shape](3000, "x"), seconds=0) == ((), True)


@pytest.mark.parametrize(
    ("old", "new"),
    [({"a": 1}, {"b": 1}), ([1], [1, 2]), ({"a": 1}, {"a": 1, "b": 2}), ([[1], 2], [[1.0], 2]), ([1], {"0": 1})],
    ids=["other names", "longer", "one more", "types", "another container"],
)
def test_without_time_values_are_told_apart_all_the_same(old, new):
    assert diff(old, new, seconds=0).edits == (edits.Edit("replace", (), (), old, new),)


class Clock:
    """A clock that is a second later whenever it is asked."""

    def __init__(self):
        self.asked = 0

    def __call__(self):
        self.asked += 1
        return float(self.asked)


def nested(chance, depth):
    if depth == 0:
        return chance.choice([0, 1, "a", None, 1.5])
    items = [nested(chance, depth - 1) for _ in range(3)]
    return items if depth % 2 else dict(zip("abc", items, strict=True))


@pytest.mark.parametrize("seconds", [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89])
def test_whenever_the_time_is_up_the_edits_are_exact_and_it_is_said_that_they_are_coarse(monkeypatch, exact, seconds):
    monkeypatch.setattr(edits, "perf_counter", Clock())
    chance = random.Random(seconds)
    old, new = nested(chance, 6), nested(chance, 6)
    found = diff(old, new, seconds=seconds)
    assert not found.is_complete
    assert exact(patched(old, found.edits)) == exact(new)
    assert len(found.edits) <= len(diff(old, new, seconds=10_000).edits) + 1


def test_the_clock_is_asked_at_each_container_and_each_range_of_a_list(monkeypatch):
    monkeypatch.setattr(edits, "perf_counter", clock := Clock())
    old, new = ([{"a": {"b": number + shift}} for number in range(200)] for shift in (0, 1000))
    assert diff(old, new, seconds=10_000).is_complete
    assert clock.asked >= 1 + 2 * 200
    clock.asked = 0
    aligned(range(1000), [-1 if number % 10 == 0 else number for number in range(1000)], Deadline(10_000))
    assert clock.asked >= 1 + 100


class Counted:
    """A number that counts how often it is looked at."""

    looks = 0

    def __init__(self, number):
        self.number = number

    def __eq__(self, other):
        Counted.looks += 1
        return self.number == other.number

    def __hash__(self):
        Counted.looks += 1
        return hash(self.number)


CHANCE = random.Random(6)
HOSTILE = {
    "one of two": ([CHANCE.randrange(2) for _ in range(LENGTH)], [CHANCE.randrange(2) for _ in range(LENGTH)]),
    "one of ten": ([CHANCE.randrange(10) for _ in range(LENGTH)], [CHANCE.randrange(10) for _ in range(LENGTH)]),
    "backwards": (list(range(LENGTH)), list(range(LENGTH))[::-1]),
    "shuffled": (list(range(LENGTH)), CHANCE.sample(range(LENGTH), LENGTH)),
    "turned": ([0, 1] * (LENGTH // 2), [1, 0] * (LENGTH // 2)),
    "all the same": ([0] * LENGTH, [*[0] * (LENGTH // 2), 1, *[0] * LENGTH]),
    "nothing in common": (list(range(LENGTH)), list(range(LENGTH, 2 * LENGTH))),
    "mirrored": ([*range(LENGTH // 2), *range(LENGTH // 2)[::-1]], [*range(LENGTH // 2)[::-1], *range(LENGTH // 2)]),
    "unique one by one": (
        [number for step in range(LENGTH // 3) for number in (step, step + 1, -1)],
        [number for step in range(LENGTH // 3) for number in (step + 1, -2, step)],
    ),
    "unlike between what is unique": (
        [number for step in range(30) for number in (step, *[-1] * 128)],
        [number for step in range(30) for number in (step, *[-2] * 128)],
    ),
    "long and short": ([0, 1, 2] * LENGTH, [2, 1, 0]),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_aligning_looks_at_each_item_a_bounded_number_of_times_whatever_the_items_are(case):
    old, new = ([Counted(number) for number in numbers] for numbers in HOSTILE[case])
    Counted.looks = 0
    blocks = aligned(old, new, Deadline(600))
    assert Counted.looks < 100 * (len(old) + len(new))
    at = to = 0
    for place, there, size in blocks:
        assert place >= at
        assert there >= to
        assert old[place : place + size] == new[there : there + size]
        at, to = place + size, there + size


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_lists_and_texts_are_compared_exactly(case, exact):
    old, new = HOSTILE[case]
    found = diff(old, new, seconds=600)
    assert found.is_complete
    assert exact(patched(old, found.edits)) == exact(new)
    texts = [" ".join(map(str, numbers)) for numbers in (old, new)]
    pieces = words(*texts, seconds=600)
    assert ["".join(text for op, text in pieces if op in ("=", side)) for side in "-+"] == texts


def test_wide_dicts_and_long_names_are_no_difficulty():
    old = {f"name {number}" * 20: number for number in range(20_000)}
    new = {**old, "name 7" * 20: "seven", "more": 1}
    del new["name 9" * 20]
    assert [edit.op for edit in diff(old, new, seconds=600).edits] == ["replace", "remove", "add"]


def test_many_records_with_an_inserted_one_and_all_others_changed_have_as_few_changes():
    """Among unlike records that have no key the similar ones are looked for in a few places only."""
    old = [{"n": number % 50, "m": number % 7} for number in range(3000)]
    new = [{"n": number % 50, "m": number % 7, "at": number % 3} for number in range(3000)]
    found = diff(old, new, seconds=600)
    assert found.is_complete
    assert patched(old, found.edits) == new
    assert len(found.edits) == 3000
