"""What a diff consists of, and how its places and types are named."""

from __future__ import annotations

from time import perf_counter
from typing import Any, Final, NamedTuple

from ..misfit import field

__all__ = ["ABSENT", "Deadline", "Diff", "Edit", "Place", "path_text", "type_name", "wildcarded"]

Place = tuple[str | int, ...]


class _Absent:
    """The class of `ABSENT`; copies of it are itself."""

    def __repr__(self) -> str:
        return "(absent)"

    def __reduce__(self) -> str:
        return "ABSENT"


#: What an edit has instead of a value that is not there.
ABSENT: Final = _Absent()


class Edit(NamedTuple):
    """One change.

    A `reorder` stands before the edits of the items of its list, and has the whole lists as its values: they have the
    same items in another order, apart from what other edits say of them.

    Attributes:
        op: `add`, `remove`, `replace` or `reorder`.
        path: Where: in the old value for `remove`, else in the new one.
        old_path: Where in the old value; it differs from `path` where items of a list have moved. For `add`, where
            the value would go.
        old: The old value, or `ABSENT`.
        new: The new value, or `ABSENT`.

    """

    op: str
    path: Place
    old_path: Place
    old: Any
    new: Any


class Diff(NamedTuple):
    """All changes between two values.

    Attributes:
        edits: In the order of the document.
        is_complete: Whether the time was enough. If not, the rest was compared coarsely: the edits still give exactly
            the new value, but some of them replace more than has changed.

    """

    edits: tuple[Edit, ...]
    is_complete: bool


class Deadline:
    """When a comparison has to come to its end.

    Args:
        seconds: From now.

    """

    def __init__(self, seconds: float) -> None:
        self._end = perf_counter() + seconds

    def is_over(self) -> bool:
        """Return whether the time is up."""
        return perf_counter() >= self._end


def path_text(path: Place) -> str:
    """Return a path as it is read, and as `ignore=` takes it: `$.choices[0]['a b']`."""
    return "$" + "".join(f"[{segment}]" if type(segment) is int else field(str(segment)) for segment in path)


def wildcarded(path: Place) -> str:
    """Return a path with `[*]` for each index."""
    return "$" + "".join("[*]" if type(segment) is int else field(str(segment)) for segment in path)


_NAMES: Final = {
    type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object",
}  # fmt: skip


def type_name(value: Any) -> str:
    """Return JSON's name of a value's type; of what JSON has not got, the name of its class."""
    return _NAMES.get(type(value), type(value).__name__)
