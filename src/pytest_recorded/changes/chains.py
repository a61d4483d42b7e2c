"""Which new call stands for which recorded one.

A call that asks what was recorded is that call: they have one address. Where an early answer has changed, later
requests have, too (a conversation, the id of a tool call); they are matched by their position among the calls of their
kind, and belong to the chain of that early call.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, NamedTuple

from .calls import Pair

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .views import Side

__all__ = ["Root", "matched"]


class Root(NamedTuple):
    """A call whose answer has changed.

    Attributes:
        id: Of its recorded row.
        at: When it was made: UTC, ISO 8601.

    """

    id: str
    at: str


def matched(come: Sequence[Side], gone: Sequence[Side], roots: Iterable[Root]) -> list[Pair]:
    """Return the pairs of calls that were not recorded and recorded calls that were not made.

    Args:
        come: Calls without a recording, in the order in which they were made.
        gone: Recordings that were not asked for, in the order in which they were made.
        roots: The calls before them whose answers have changed.

    """
    waiting: dict[str, deque[Side]] = defaultdict(deque)
    for side in gone:
        waiting[side.row.kind].append(side)
    first = min(roots, key=lambda root: root.at, default=None)
    pairs, is_after = [], False
    for side in come:
        is_after = is_after or (first is not None and first.at <= side.row.submitted_at)
        root = first.id if first is not None and is_after else None
        old = waiting[side.row.kind].popleft() if waiting[side.row.kind] else None
        pairs.append(Pair(old, side, root))
    # What is left of the recordings of a conversation that is shorter now belongs to its chain as well.
    rest = [side for sides in waiting.values() for side in sides]
    root = pairs[-1].root if pairs else None if first is None else first.id
    return pairs + [Pair(side, None, root) for side in rest]
