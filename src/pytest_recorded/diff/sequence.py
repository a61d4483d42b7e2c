"""Which items two sequences have in common, in the same order.

The law of this file: the work is bounded by a few steps for each item, whatever the items are. Long sequences are cut
at what is unique in both (patience), then at what is unique in a window of several items; what is short is aligned by
the shortest edit script (Myers 1986); what is left over is compared place by place.
"""

from __future__ import annotations

from bisect import bisect_left
from operator import ne
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from .edits import Deadline

    Block = tuple[int, int, int]
    Range = tuple[int, int, int, int]

__all__ = ["aligned", "increasing"]

_WINDOWS: Final = (1, 4, 16)
_LEAST_STEPS: Final = 20_000
_STEPS_AN_ITEM: Final = 16
# Shorter ranges are aligned at once, by the shortest edit script.
_SHORT: Final = 64
# What differs in more places than that has little in common.
_MOST_EDITS: Final = 256


def increasing(numbers: Sequence[int]) -> list[int]:
    """Return the places of a longest strictly increasing subsequence."""
    tails: list[int] = []
    places: list[int] = []
    before: list[int] = []
    for place, number in enumerate(numbers):
        at = bisect_left(tails, number)
        before.append(places[at - 1] if at else -1)
        if at == len(tails):
            tails.append(number)
            places.append(place)
        else:
            tails[at], places[at] = number, place
    found: list[int] = []
    place = places[-1] if places else -1
    while place >= 0:
        found.append(place)
        place = before[place]
    return found[::-1]


def aligned(old: Sequence[int], new: Sequence[int], deadline: Deadline) -> list[Block]:
    """Return what two sequences have in common: blocks of where in the old one, where in the new one, and how long."""
    return sorted(_Alignment(old, new, deadline).blocks())


class _Alignment:
    def __init__(self, old: Sequence[int], new: Sequence[int], deadline: Deadline) -> None:
        self._old = old
        self._new = new
        self._deadline = deadline
        self._steps = _LEAST_STEPS + _STEPS_AN_ITEM * (len(old) + len(new))

    def blocks(self) -> Iterator[Block]:
        todo = [(0, len(self._old), 0, len(self._new))]
        while todo:
            start, stop, begin, end = todo.pop()
            head = self._equal(range(start, stop), range(begin, end))
            if head:
                yield start, begin, head
                start, begin = start + head, begin + head
            tail = self._equal(range(stop - 1, start - 1, -1), range(end - 1, begin - 1, -1))
            if tail:
                stop, end = stop - tail, end - tail
                yield stop, end, tail
            if start < stop and begin < end:
                blocks, smaller = self._inside((start, stop, begin, end))
                yield from blocks
                todo += smaller

    def _equal(self, places: range, others: range) -> int:
        shorter = min(len(places), len(others))
        one, other = _part(self._old, places[:shorter]), _part(self._new, others[:shorter])
        return next((at for at, differ in enumerate(map(ne, one, other)) if differ), shorter)

    def _inside(self, within: Range) -> tuple[list[Block], list[Range]]:
        """Return the blocks of a range whose ends differ, or the smaller ranges that it falls into."""
        start, stop, begin, end = within
        size = stop - start + end - begin
        if self._deadline.is_over():
            return [], []
        if self._steps <= 0:
            return self._by_place(within), []
        if size > _SHORT:
            for window in _WINDOWS:
                self._steps -= size
                anchors = self._anchors(within, window)
                if anchors:
                    return [], [*_between(within, anchors)]
        shortest = self._shortest(within)
        return (self._by_place(within) if shortest is None else shortest), []

    def _by_place(self, within: Range) -> list[Block]:
        start, stop, begin, end = within
        shift = begin - start
        return [
            (place, place + shift, 1)
            for place in range(start, min(stop, end - shift))
            if self._old[place] == self._new[place + shift]
        ]

    def _anchors(self, within: Range, window: int) -> list[Block]:
        """Return windows that are unique in both ranges, in the order of both, none reaching into another."""
        start, stop, begin, end = within
        old, new = _unique(self._old[start:stop], window), _unique(self._new[begin:end], window)
        pairs = [(place, new[items]) for items, place in old.items() if place >= 0 and new.get(items, -1) >= 0]
        found: list[Block] = []
        last, last_other = -window, -window
        for at in increasing([other for _, other in pairs]):
            place, other = pairs[at]
            if place >= last + window and other >= last_other + window:
                found.append((start + place, begin + other, window))
                last, last_other = place, other
        return found

    def _shortest(self, within: Range) -> list[Block] | None:
        """Return the blocks of the shortest edit script; None if it takes too many steps."""
        start, stop, begin, end = within
        old, new = self._old[start:stop], self._new[begin:end]
        size, other_size = len(old), len(new)
        furthest = {1: 0}
        trace: list[dict[int, int]] = []
        for cost in range(min(size + other_size, _MOST_EDITS) + 1):
            self._steps -= 2 * cost + 1
            if self._steps <= 0:
                return None
            trace.append(furthest.copy())
            for diagonal in range(-cost, cost + 1, 2):
                is_down = diagonal == -cost or (diagonal != cost and furthest[diagonal - 1] < furthest[diagonal + 1])
                place = furthest[diagonal + 1] if is_down else furthest[diagonal - 1] + 1
                other = place - diagonal
                while place < size and other < other_size and old[place] == new[other]:
                    place, other = place + 1, other + 1
                furthest[diagonal] = place
                if place >= size and other >= other_size:
                    return [(start + at, begin + to, long) for at, to, long in _way_back(trace, place, diagonal)]
        return None


def _part(sequence: Sequence[int], places: range) -> Iterator[int]:
    """Return the items at some places, which lie side by side."""
    if places.step > 0:
        return iter(sequence[places.start : places.stop])
    return map(sequence.__getitem__, places)


def _unique(items: Sequence[int], window: int) -> dict[Hashable, int]:
    """Return where each window is; -1 if it is there more than once."""
    windows: Any = items if window == 1 else zip(*(items[shift:] for shift in range(window)), strict=False)
    places: dict[Hashable, int] = {}
    for place, found in enumerate(windows):
        places[found] = -1 if found in places else place
    return places


def _between(within: Range, anchors: list[Block]) -> Iterator[Range]:
    """Yield the ranges from each anchor, with it, to the next one that does not touch it."""
    start, stop, begin, end = within
    touching = None
    for place, other, size in anchors:
        if (place, other) != touching:
            yield start, place, begin, other
            start, begin = place, other
        touching = (place + size, other + size)
    yield start, stop, begin, end


def _way_back(trace: list[dict[int, int]], place: int, diagonal: int) -> Iterator[Block]:
    for cost in range(len(trace) - 1, -1, -1):
        furthest = trace[cost]
        is_down = diagonal == -cost or (diagonal != cost and furthest[diagonal - 1] < furthest[diagonal + 1])
        before = diagonal + 1 if is_down else diagonal - 1
        came_to = furthest[before] if is_down else furthest[before] + 1
        if place > came_to:
            yield came_to, came_to - diagonal, place - came_to
        place, diagonal = furthest[before], before
