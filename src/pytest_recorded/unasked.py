"""The recordings of a scope that nobody has asked for in this run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .choice import is_among
from .modes import RecordMode

if TYPE_CHECKING:
    from .job import Address
    from .scope import Scope

__all__ = ["count_unasked"]


def count_unasked(scope: Scope) -> int:
    """Return how many recordings of a scope it did not ask for; those of kinds that run live wait for another run."""
    if scope.suite.file is None or not scope.has_recordings or scope.mode is RecordMode.OFF:
        return 0
    rest = _recorded(scope) - {ticket.address for ticket in scope.tickets}
    return sum(not is_among(address.kind, scope.options.live) for address in rest)


def _recorded(scope: Scope) -> set[Address]:
    file = scope.suite.file
    assert file is not None  # noqa: S101 - asked before
    if not scope.is_shared:
        return set(file.addresses(scope.name))
    rows = [file.row(job) for job in file.uses_of(scope.name)]
    return {row.address for row in rows if row is not None}
