"""A diff, applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .edits import Edit, Place

__all__ = ["patched"]


def patched(old: Any, edits: Iterable[Edit]) -> Any:
    """Return the new value: the old one with all edits of a diff applied.

    Neither the old value nor the edits are changed; the new value shares with them what it has in common.

    Raises:
        LookupError: The edits are not of this value.

    """
    edits = [*edits]
    root = _Copies(old)
    # The containers are found before any item of a list moves.
    parents: list[Any] = [root.container(edit.old_path[:-1]) if edit.old_path else root.top for edit in edits]
    for parent, edit in zip(parents, edits, strict=True):
        if edit.op in ("replace", "reorder"):
            parent[edit.old_path[-1] if edit.old_path else 0] = edit.new
    for parent, edit in reversed([*zip(parents, edits, strict=True)]):
        if edit.op == "remove":
            del parent[edit.old_path[-1]]
    for parent, edit in zip(parents, edits, strict=True):
        if edit.op == "add":
            if type(parent) is list:
                parent.insert(int(edit.path[-1]), edit.new)
            else:
                parent[edit.path[-1]] = edit.new
    return root.top[0]


class _Copies:
    """A value whose containers are copied once somebody is to change them."""

    def __init__(self, value: Any) -> None:
        self.top = [value]
        self._owned: set[int] = set()

    def container(self, path: Place) -> Any:
        """Return the container at a path: a copy of it, in copies of all those around it."""
        parent: Any = self.top
        for segment in (0, *path):
            item = parent[segment]
            if id(item) not in self._owned:
                item = parent[segment] = item.copy()
                self._owned.add(id(item))
            parent = item
        return parent
