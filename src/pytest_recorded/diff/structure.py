"""What differs between two JSON trees.

The law of this file: it goes down without recursion, looks at each pair of places once, and asks the clock at each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .edits import ABSENT, Deadline, Diff, Edit, wildcarded
from .identity import Identity, is_same_leaf
from .lists import matched

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .edits import Place
    from .gaps import Step

    Pair = tuple[Any, Any, Place, Place]

__all__ = ["diff"]


def diff(old: Any, new: Any, *, list_keys: Mapping[str, str] | None = None, seconds: float = 2.0) -> Diff:
    """Return what differs between two JSON trees, exactly: 1 is neither 1.0 nor true, and NaN is NaN.

    Lists are aligned by what is in them. Items that are equal belong together; then items with the same key: that of
    `list_keys`, or a field such as `id` or `name` that all have, each with another value. What is left between them is
    paired where it looks alike. Items in the same place that have nothing in common are one `replace`.

    Args:
        old: A tree of dicts, lists and leaves. Leaves of types that JSON has not got are compared by type and `==`.
        new: Likewise.
        list_keys: For lists, by their paths with `[*]` for each index (`$.orders[*].lines`), the field by which items
            are known again, if they have it. Items with different keys are never the same one.
        seconds: How long it may take. Then the rest is compared coarsely: what is not equal is replaced as a whole.

    """
    return _Comparison(list_keys or {}, Deadline(seconds)).diff(old, new)


class _Comparison:
    def __init__(self, list_keys: Mapping[str, str], deadline: Deadline) -> None:
        self._list_keys = list_keys
        self._deadline = deadline
        self._identity = Identity()

    def diff(self, old: Any, new: Any) -> Diff:
        edits: list[Edit] = []
        is_complete = True
        todo: list[Edit | Pair] = [] if self._identity.are_written_alike(old, new) else [(old, new, (), ())]
        while todo:
            item = todo.pop()
            if isinstance(item, Edit):
                edits.append(item)
                continue
            one, other, path, old_path = item
            if type(one) is not type(other) or type(one) not in (dict, list):
                if not is_same_leaf(one, other):
                    edits.append(Edit("replace", path, old_path, one, other))
            elif (inside := self._inside(*item)) is not None:
                todo += inside[::-1]
            elif not self._identity.are_same(one, other):
                edits.append(Edit("replace", path, old_path, one, other))
                is_complete = False
        return Diff(tuple(edits), is_complete)

    def _inside(self, old: Any, new: Any, path: Place, old_path: Place) -> list[Edit | Pair] | None:
        """Return the edits of a container, and what is to be compared in it; None if the time is up."""
        if self._deadline.is_over():
            return None
        if type(old) is dict:
            return [*self._in_dicts(old, new, path, old_path)]
        key = self._list_keys.get(wildcarded(path)) if self._list_keys else None
        found = matched(old, new, key, self._identity, self._deadline)
        return None if found is None else [*self._in_lists(found, old, new, path, old_path)]

    def _in_dicts(self, old: Any, new: Any, path: Place, old_path: Place) -> Iterator[Edit | Pair]:
        for key, item in old.items():
            there = (*old_path, key)
            if key not in new:
                yield Edit("remove", there, there, item, ABSENT)
            elif item is not (other := new[key]):
                yield item, other, (there if path is old_path else (*path, key)), there
        for key, item in new.items():
            if key not in old:
                yield Edit("add", (*path, key), (*old_path, key), ABSENT, item)

    def _in_lists(
        self, found: tuple[bool, list[Step]], old: Any, new: Any, path: Place, old_path: Place
    ) -> Iterator[Edit | Pair]:
        is_reordered, steps = found
        if is_reordered:
            yield Edit("reorder", path, old_path, old, new)
        for op, at, to in steps:
            there = (*old_path, at)
            here = there if path is old_path and at == to else (*path, to)
            if op == "walk":
                yield old[at], new[to], here, there
            elif op == "remove":
                yield Edit(op, there, there, old[at], ABSENT)
            elif op == "add":
                yield Edit(op, here, there, ABSENT, new[to])
            else:
                yield Edit(op, here, there, old[at], new[to])
