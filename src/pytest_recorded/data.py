"""The data of a test's calls: a list that knows what of it does not matter, and how it is compared with a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, SupportsIndex, overload

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeGuard

    from syrupy.assertion import SnapshotAssertion

    from .paths import Path

__all__ = ["Data"]


class Data(list[Any]):
    """The data of calls, in the order of the calls.

    It is a list in every respect. Compared with syrupy's `snapshot` it is written as docs/snapshots.md says; slices and
    sums of it are, too.

    Args:
        items: The data.
        ignore: What of each of them does not matter, as in the option `ignore`: `<ignored>` stands for it in snapshots.

    """

    def __init__(self, items: Iterable[Any] = (), *, ignore: Iterable[Path] = ()) -> None:
        super().__init__(items)
        #: What snapshots do not show of each of the data.
        self.__recorded_ignore__ = tuple(ignore)

    def __eq__(self, other: object) -> bool:
        if _is_snapshot(other):
            from .snapshot import compare  # noqa: PLC0415 - it needs syrupy, which is loaded when there is a snapshot

            return compare(self, other)
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other if _is_snapshot(other) else super().__ne__(other)

    __hash__ = None  # as that of any list

    @overload
    def __getitem__(self, place: SupportsIndex) -> Any: ...
    @overload
    def __getitem__(self, place: slice) -> Self: ...
    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return self._with(found) if isinstance(place, slice) else found

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, list):
            return NotImplemented
        return self._with([*self, *other], getattr(other, "__recorded_ignore__", ()))

    def __radd__(self, other: Any) -> Any:
        return self._with([*other, *self]) if isinstance(other, list) else NotImplemented

    def copy(self) -> Self:
        """Return a shallow copy."""
        return self._with(self)

    def _with(self, items: Iterable[Any], ignore: Iterable[Path] = ()) -> Self:
        return type(self)(items, ignore=dict.fromkeys([*self.__recorded_ignore__, *ignore]))


def _is_snapshot(value: object) -> TypeGuard[SnapshotAssertion]:
    """Return whether a value is syrupy's `snapshot`, without importing syrupy."""
    return any(
        cls.__name__ == "SnapshotAssertion" and cls.__module__ == "syrupy.assertion" for cls in type(value).__mro__
    )
