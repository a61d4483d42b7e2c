"""Which items of two lists belong together.

First those that are equal, or have the same key, wherever they are: mates. Most of them are in the same order in both
lists; they are the spine. What is between two vertebrae has no mates, and is paired where it looks alike.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from .gaps import Gaps
from .sequence import aligned, increasing

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from .edits import Deadline
    from .gaps import Step
    from .identity import Identity

    #: What a place is known by, and the place.
    Known = tuple[Hashable, int]
    #: The places of two items that belong together.
    Mates = tuple[int, int]

__all__ = ["matched"]

# What is taken for a key if all items have it, and no two of a list the same one.
_KEYS: Final = ("id", "_id", "uuid", "guid", "uid", "key", "slug", "name", "code", "url")


def matched(
    old: Sequence[Any], new: Sequence[Any], key: str | None, identity: Identity, deadline: Deadline
) -> tuple[bool, list[Step]] | None:
    """Return whether items that are in both lists have another order, and what became of those that are not equal.

    None if the time is up.

    Args:
        old: A list.
        new: Another one.
        key: The declared key of their items; None if there is none.
        identity: Says what is equal.
        deadline: When to come to an end.

    """
    if len(old) == len(new) == 1 and key is None:
        # Lists in lists in lists are gone down without looking at all that is in them again and again.
        return False, Gaps(old, new, None, identity, is_declared=False).steps([0], [0], 0, 0)
    marks, other_marks = identity.marks(old, new)
    if marks == other_marks:
        return False, []
    head, tail = _equal_ends(marks, other_marks)
    left, right = slice(head, len(old) - tail), slice(head, len(new) - tail)
    pairing = _Pairing(old[left], new[right], marks[left], other_marks[right], identity)
    found = pairing.steps(key, deadline)
    if found is None:
        return None
    is_reordered, steps = found
    return is_reordered, [(op, head + at, head + to) for op, at, to in steps]


class _Pairing:
    """Two lists whose ends differ, with the marks of their items."""

    def __init__(
        self,
        old: Sequence[Any],
        new: Sequence[Any],
        marks: Sequence[Hashable],
        other_marks: Sequence[Hashable],
        identity: Identity,
    ) -> None:
        self._old = old
        self._new = new
        self._marks = marks
        self._other_marks = other_marks
        self._identity = identity

    def steps(self, key: str | None, deadline: Deadline) -> tuple[bool, list[Step]] | None:
        found = _detected(self._old, self._new) if key is None else key
        mates = self._equal_mates(deadline) if found is None else self._keyed_mates(found)
        if mates is None or deadline.is_over():
            return None
        spine = [mates[at] for at in increasing([to for _, to in mates])]
        steps = [("walk", at, to) for at, to in mates if self._marks[at] != self._other_marks[to]]
        gaps = Gaps(self._old, self._new, found, self._identity, is_declared=key is not None)
        taken, taken_there = {at for at, _ in mates}, {to for _, to in mates}
        for (at, to), (stop, end) in pairwise([(-1, -1), *spine, (len(self._old), len(self._new))]):
            if stop - at > 1 or end - to > 1:
                left = [place for place in range(at + 1, stop) if place not in taken]
                right = [place for place in range(to + 1, end) if place not in taken_there]
                steps += gaps.steps(left, right, at + 1, to + 1)
        # What is in the same place stays in the order in which it was found.
        steps.sort(key=lambda step: step[2])
        return len(spine) < len(mates), steps

    def _keyed_mates(self, key: str) -> list[Mates]:
        return _mates(_keys(self._old, key), _keys(self._new, key))

    def _equal_mates(self, deadline: Deadline) -> list[Mates] | None:
        """Return the places of equal items, in the order of the old list; None if the time is up."""
        common = set(self._marks).intersection(self._other_marks)
        one = self._identity.numbers(self._old, self._marks, common, deadline)
        other = self._identity.numbers(self._new, self._other_marks, common, deadline)
        if one is None or other is None:
            return None
        if not set(one).intersection(other):
            return []
        is_shuffled = len(one) == len(other) and Counter(one) == Counter(other)
        mates = [] if is_shuffled else _in_order(one, other, deadline)
        taken, taken_there = {at for at, _ in mates}, {to for _, to in mates}
        left = [(number, at) for at, number in enumerate(one) if at not in taken]
        right = [(number, to) for to, number in enumerate(other) if to not in taken_there]
        moved = _mates(left, right)
        if 2 * len(moved) < max(len(left), len(right)):
            # Among many other changes, a number that is here and there is no number that has moved.
            moved = [(at, to) for at, to in moved if type(self._old[at]) in (dict, list)]
        return sorted(mates + moved)


def _in_order(one: list[int], other: list[int], deadline: Deadline) -> list[Mates]:
    """Return the places of equal items that are in the same order: those that leave the least to be changed."""
    blocks = [(-1, -1, 1), *aligned(one, other, deadline), (len(one), len(other), 0)]
    if len(one) == len(other):
        # A number here that happens to be there as well moves everything between to other places.
        changes = sum(max(at - stop - size, to - end - size) for (stop, end, size), (at, to, _) in pairwise(blocks))
        in_place = [(at, at) for at, number in enumerate(one) if number == other[at]]
        if len(one) - len(in_place) < changes:
            return in_place
    return [(at + shift, to + shift) for at, to, size in blocks[1:-1] for shift in range(size)]


def _equal_ends(one: Sequence[Hashable], other: Sequence[Hashable]) -> tuple[int, int]:
    shorter = min(len(one), len(other))
    head = next((at for at in range(shorter) if one[at] != other[at]), shorter)
    tail = next((at for at in range(shorter - head) if one[-1 - at] != other[-1 - at]), shorter - head)
    return head, tail


def _detected(old: Sequence[Any], new: Sequence[Any]) -> str | None:
    """Return the field that is a key of the items of both lists."""
    if not old or not new or type(old[0]) is not dict:
        return None
    names: list[str] = [name for name in _KEYS if name in old[0]] + [name for name in old[0] if name not in _KEYS]
    for name in names:
        keys = _values(name, old)
        others = _values(name, new) if keys else None
        if keys and others and (name in _KEYS or _tells(keys, others)):
            return name
    return None


def _values(name: str, items: Sequence[Any]) -> set[str | int] | None:
    """Return the values of a field that all items have, each with another value; None if it is not like that."""
    found: set[str | int] = set()
    for item in items:
        value: Any = item.get(name) if type(item) is dict else None
        if type(value) not in (str, int) or value in found:
            return None
        found.add(value)
    return found


def _tells(keys: set[str | int], others: set[str | int]) -> bool:
    """Return whether a field of any name is as good as a key: texts, most of which are in both lists."""
    common = keys & others
    return 2 * len(common) >= min(len(keys), len(others)) and all(type(key) is str for key in common)


def _keys(items: Sequence[Any], name: str) -> Iterator[Known]:
    """Yield the key of each item that has one, and where the item is."""
    for place, item in enumerate(items):
        if type(item) is dict and type(item.get(name)) in (str, int, bool, float):
            yield (type(item[name]), item[name]), place


def _mates(left: Iterable[Known], right: Iterable[Known]) -> list[Mates]:
    """Return the places that are known by the same, in the order of the left ones; the first goes with the first."""
    waiting: defaultdict[Hashable, deque[int]] = defaultdict(deque)
    for known, place in right:
        waiting[known].append(place)
    return [(place, waiting[known].popleft()) for known, place in left if waiting.get(known)]
