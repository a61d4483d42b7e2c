"""`--record-sample`: of the recorded tests only those run whose turn it is; all others are deselected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..sample import has_turn
from ..staging import day_of
from .marker import rest_of

if TYPE_CHECKING:
    import pytest

    from .session import TestSession

__all__ = ["take_sample"]


def take_sample(session: TestSession, items: list[pytest.Item], recorded: list[pytest.Item]) -> None:
    """Deselect the recorded tests whose turn it is not; `items` has what is left.

    Args:
        session: The session: its options, and the day on which it began.
        items: All tests.
        recorded: Those of them that are recorded.

    """
    share = session.share
    if share is None or not recorded:
        return
    day = day_of(session.staging.id)
    waiting = {item for item in recorded if not has_turn(_name(item), share, day)}
    session.sampled = (len(recorded) - len(waiting), len(recorded))
    if waiting:
        items[:] = [item for item in items if item not in waiting]
        session.config.hook.pytest_deselected(items=list(waiting))


def _name(item: pytest.Item) -> str:
    return f"{item.nodeid.partition('::')[0]}::{rest_of(item)}"
