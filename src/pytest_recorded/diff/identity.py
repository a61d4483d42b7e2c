"""Numbers for values: exactly equal values have the same one, so that they are looked into once.

Exactly equal means of the same type all through: 1 is neither 1.0 nor true, -0.0 is not 0.0; NaN is itself, and the
order of a dict's keys is no difference.
"""

from __future__ import annotations

from marshal import dumps
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from collections.abc import Set as AbstractSet

    from .edits import Deadline

__all__ = ["Identity", "is_same_leaf"]

# The last version of marshal that writes equal values alike however often they are referred to.
_WITHOUT_REFERENCES: Final = 2
# After so many items of a list the clock is looked at.
_CHECKED_EVERY: Final = 1_000


def is_same_leaf(old: Any, new: Any) -> bool:
    """Return whether two values without parts are exactly equal."""
    if old is new:
        return True
    if type(old) is not type(new):
        return False
    return repr(old) == repr(new) if type(old) is float else bool(old == new)


class Identity:
    """Gives values their numbers. The values have to stay alive and unchanged while it is used."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._of_containers: dict[int, int] = {}
        self._unhashable: list[tuple[Any, int]] = []

    @staticmethod
    def are_written_alike(old: Any, new: Any) -> bool:
        """Return whether two values are exactly equal, keys in the same order: a quick look, which may miss it."""
        try:
            # This knows no types, and is ten times as fast.
            if old != new:
                return False
        except RecursionError:
            return False
        written = _written(old)
        return written is not None and written == _written(new)

    def are_same(self, old: Any, new: Any) -> bool:
        """Return whether two values are exactly equal; takes long only if they are."""
        todo = [] if self.are_written_alike(old, new) else [(old, new)]
        while todo:
            one, other = todo.pop()
            if type(one) is not type(other) or type(one) not in (dict, list):
                if not is_same_leaf(one, other):
                    return False
            elif len(one) != len(other):
                return False
            elif type(one) is list:
                todo += zip(one, other, strict=True)
            elif one.keys() != other.keys():
                return False
            else:
                todo += ((item, other[key]) for key, item in one.items())
        return True

    def marks(self, old: Sequence[Any], new: Sequence[Any]) -> tuple[list[Hashable], list[Hashable]]:
        """Return for each item of two lists what is the same for equal ones; mostly for no others, and all others.

        Equal items whose keys are in another order may have different marks. It takes a tenth of the time of `numbers`.
        """
        containers = [item for items in (old, new) for item in items if type(item) in (dict, list)]
        if containers and all(id(item) in self._of_containers for item in containers):
            # They were looked through when the lists around them were.
            return list(map(self.of, old)), list(map(self.of, new))
        return list(map(self._mark, old)), list(map(self._mark, new))

    def _mark(self, item: Any) -> Hashable:
        written = _written(item)
        return self.of(item) if written is None else written

    def numbers(
        self, items: Sequence[Any], marks: Sequence[Hashable], common: AbstractSet[Hashable], deadline: Deadline
    ) -> list[int] | None:
        """Return the numbers of items: the same for equal ones of the two lists; None if the time is up.

        Args:
            items: The items of one of the lists.
            marks: Their marks.
            common: The marks of items that are in both lists; they tell which these are.
            deadline: When to give up.

        """
        found: list[int] = []
        for place, (mark, item) in enumerate(zip(marks, items, strict=True)):
            if not place % _CHECKED_EVERY and deadline.is_over():
                return None
            is_told = mark in common or type(item) in (str, int)
            found.append(self._number(mark) if is_told else self.of(item))
        return found

    def of(self, value: Any) -> int:
        """Return the number of a value. Goes down without recursion: nesting may be as deep as memory allows."""
        if type(value) not in (dict, list):
            return self._of_leaf(value)
        known = self._of_containers
        todo = [] if id(value) in known else [value]
        while todo:
            container = todo[-1]
            items = container.values() if type(container) is dict else container
            unknown = [item for item in items if type(item) in (dict, list) and id(item) not in known]
            if unknown:
                todo += unknown
                continue
            todo.pop()
            known[id(container)] = self._of_container(container)
        return known[id(value)]

    def _of_container(self, container: Any) -> int:
        if type(container) is dict:
            return self._number((dict, frozenset((key, self._of_part(item)) for key, item in container.items())))
        return self._number((list, *map(self._of_part, container)))

    def _of_part(self, value: Any) -> int:
        return self._of_containers[id(value)] if type(value) in (dict, list) else self._of_leaf(value)

    def _of_leaf(self, value: Any) -> int:
        kind = type(value)
        try:
            return self._number((kind, repr(value) if kind is float else value))
        except TypeError:
            # It cannot be hashed, so it is looked for.
            for other, number in self._unhashable:
                if is_same_leaf(other, value):
                    return number
            self._unhashable.append((value, self._number((kind, "unhashable", len(self._unhashable)))))
            return self._unhashable[-1][1]

    def _number(self, key: Hashable) -> int:
        return self._numbers.setdefault(key, len(self._numbers))


def _written(value: Any) -> bytes | None:
    """Return a value as bytes that tell types apart; None if it is nested deeply, or not of JSON's types alone.

    They are compared, and never stored or read: nothing is made of bytes here.
    """
    try:
        return dumps(value, _WITHOUT_REFERENCES)
    except ValueError:
        return None
