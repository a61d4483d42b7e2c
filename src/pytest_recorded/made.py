"""The calls of a scope as rows: those that it has made, and those that its cassette has for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .takeover import final_row

if TYPE_CHECKING:
    from .call import Ticket
    from .job import Chunk, Row
    from .scope import Scope
    from .store.sqlite import StagingFile

__all__ = ["made_rows", "recorded_rows"]


def made_rows(scope: Scope) -> list[tuple[Row, list[Chunk]]]:
    """Return the calls that have been answered, in the order in which they were made."""
    with scope.suite.staging.reading() as staged:
        found = [_made_row(scope, ticket, staged) for ticket in list(scope.tickets)]
    return [pair for pair in found if pair is not None]


def _made_row(scope: Scope, ticket: Ticket, staged: StagingFile | None) -> tuple[Row, list[Chunk]] | None:
    file, address = scope.suite.file, ticket.address
    if address is None:
        return None
    if ticket.source == "staging" and staged is not None:
        row = staged.row_at(scope.staged_address(address))
        return None if row is None else (final_row(row, address.scope), staged.chunks(row.id))
    if ticket.source == "cassette" and file is not None:
        row = file.row_at(address)
        return None if row is None else (row, file.chunks(row.id))
    return None


def recorded_rows(scope: Scope) -> list[tuple[Row, list[Chunk]]]:
    """Return the rows that the cassette has for a scope, of each address the latest attempt."""
    file = scope.suite.file
    if file is None:
        return []
    rows = file.rows("" if scope.is_shared else scope.name)
    wanted = file.uses_of(scope.name) if scope.is_shared else {row.id for row in rows}
    latest = {row.address: row for row in rows if row.id in wanted}
    return [(row, file.chunks(row.id)) for row in latest.values()]
