"""What became of the items of two lists that stand between the same neighbours, and have no mates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from .identity import Identity

    #: What happened, the place in the old list, and that in the new one.
    Step = tuple[str, int, int]

__all__ = ["Gaps"]

_MOST_COMPARED: Final = 20_000
_NEXT_TO_NOTHING: Final = 1e-9
_LONGEST_TEXT: Final = 1_000
# Of a word.
_LETTERS: Final = 6
_WORD: Final = re.compile(r"\w+")


class Gaps:
    """The gaps of two lists.

    Args:
        old: A list.
        new: Another one.
        key: The field that is the key of their items, if there is one.
        identity: Says what is equal.
        is_declared: Whether the user has said so.

    """

    def __init__(
        self, old: Sequence[Any], new: Sequence[Any], key: str | None, identity: Identity, *, is_declared: bool
    ) -> None:
        self._old = old
        self._new = new
        self._key = key
        self._identity = identity
        self._is_declared = is_declared

    def steps(self, left: list[int], right: list[int], start: int, begin: int) -> list[Step]:
        """Return what became of the items at some places of the old list, and at some of the new one.

        Args:
            left: Places in the old list.
            right: Places in the new list.
            start: Where the gap begins in the old list.
            begin: Where it begins in the new list.

        """
        found: list[Step] = []
        pairs = [*self._pairs(left, right), (len(left), len(right))]
        at = to = 0
        for stop, end in pairs:
            # What is between two pairs is replaced place by place, or it came and went.
            if stop - at == end - to and not self._is_declared:
                found += [("replace", *both) for both in zip(left[at:stop], right[to:end], strict=True)]
            else:
                here = right[to] if to < len(right) else right[-1] + 1 if right else begin
                there = left[stop] if stop < len(left) else left[-1] + 1 if left else start
                # The place is where it is sorted to.
                found += [("remove", place, here) for place in left[at:stop]]
                found += [("add", there, place) for place in right[to:end]]
            if stop < len(left):
                found.append(("walk", left[stop], right[end]))
            at, to = stop + 1, end + 1
        return found

    def _pairs(self, left: list[int], right: list[int]) -> Iterator[tuple[int, int]]:
        """Yield which items look alike, by their places in the gap: in the order of both."""
        if not left or not right:
            return
        is_simple = len(left) == len(right) and not any(map(_has_features, self._items(left, right)))
        if is_simple or self._effort(left, right) > _MOST_COMPARED:
            for at, (one, other) in enumerate(zip(left, right, strict=False)):
                if self._are_alike(self._old[one], self._new[other]):
                    yield at, at
            return
        gains, best = self._gains(left, right)
        at = to = 0
        while at < len(left) and to < len(right):
            if (at, to) in best:
                yield at, to
                at, to = at + 1, to + 1
            elif gains[at + 1][to] >= gains[at][to + 1]:
                at += 1
            else:
                to += 1

    def _effort(self, left: list[int], right: list[int]) -> int:
        """Return about how many features would be looked at to compare all items with all others."""
        one = sum(_size(self._old[place]) for place in left)
        other = sum(_size(self._new[place]) for place in right)
        return one * len(right) + other * len(left)

    def _items(self, left: list[int], right: list[int]) -> Iterator[Any]:
        yield from map(self._old.__getitem__, left)
        yield from map(self._new.__getitem__, right)

    def _gains(self, left: list[int], right: list[int]) -> tuple[list[list[float]], set[tuple[int, int]]]:
        """Return for each two places how alike the best pairs are from there on, all together; and which are one."""
        one = [self._features(self._old[place]) for place in left]
        other = [self._features(self._new[place]) for place in right]
        pairs: set[tuple[int, int]] = set()
        gains = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
        for at in range(len(left) - 1, -1, -1):
            for to in range(len(right) - 1, -1, -1):
                gains[at][to] = max(gains[at + 1][to], gains[at][to + 1])
                if self._are_alike(self._old[left[at]], self._new[right[to]]):
                    common = len(one[at] & other[to]) / max(len(one[at]), len(other[to]), 1)
                    gain = gains[at + 1][to + 1] + 0.1 + common
                    # Of pairs that are as like as each other the first ones are taken.
                    if gain + _NEXT_TO_NOTHING >= gains[at][to]:
                        gains[at][to] = gain
                        pairs.add((at, to))
        return gains, pairs

    def _features(self, item: Any) -> frozenset[Hashable]:
        of = self._identity.of
        if type(item) is dict:
            return frozenset(item).union((name, of(value)) for name, value in item.items())
        if type(item) is list:
            return frozenset(map(of, item))
        return frozenset(_WORD.findall(item[:_LONGEST_TEXT])) if type(item) is str else frozenset()

    def _are_alike(self, old: Any, new: Any) -> bool:
        """Return whether one may have become the other: dicts with most keys in common, others of one type."""
        if type(old) is not type(new):
            return False
        if type(old) is not dict:
            return True
        common = old.keys() & new.keys()
        if self._key is None or old.get(self._key) == new.get(self._key):
            return 2 * len(common) >= max(len(old), len(new))
        if self._is_declared:
            return False
        # The same thing with another key has kept half of what it was.
        kept = sum(self._kept(old[name], new[name]) for name in common if name != self._key)
        return 2 * kept >= max(len(old), len(new)) - 1

    def _kept(self, old: Any, new: Any) -> float:
        if self._identity.of(old) == self._identity.of(new):
            return 1
        return 0.5 if type(old) is type(new) and type(old) in (dict, list) else 0


def _has_features(item: Any) -> bool:
    """Return whether there is more to an item than one word or number."""
    return type(item) in (dict, list) or (type(item) is str and " " in item)


def _size(item: Any) -> int:
    """Return about how many features an item has, and one."""
    if type(item) in (dict, list):
        return 1 + len(item)
    return 1 + min(len(item), _LONGEST_TEXT) // _LETTERS if type(item) is str else 1
