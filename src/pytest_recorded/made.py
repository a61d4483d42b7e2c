"""The calls of a scope as rows: those that it has made, and those that its cassette has for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .job import Status
from .takeover import final_row

if TYPE_CHECKING:
    from .call import Ticket
    from .job import Chunk, Row
    from .scope import Scope
    from .store.sqlite import StagingFile

__all__ = ["Made", "made_rows", "recorded_rows"]

#: A row with the pieces of its answer.
Made = tuple["Row", "list[Chunk]"]

_UNENDED: Final = (Status.PENDING, Status.RUNNING)


def made_rows(scope: Scope, known: dict[Ticket, Made] | None = None) -> list[Made]:
    """Return the calls that have been answered, in the order in which they were made.

    Args:
        scope: Whose calls.
        known: Those that have been read before. What is over by now is added, and not read again.

    """
    known = {} if known is None else known
    tickets = list(scope.tickets)
    unread = [ticket for ticket in tickets if ticket not in known]
    found: dict[Ticket, Made | None] = {**known}
    if unread:
        with scope.suite.staging.reading() as staged:
            found.update((ticket, _made_row(scope, ticket, staged)) for ticket in unread)
    made = [(ticket, pair) for ticket in tickets if (pair := found[ticket]) is not None]
    known.update((ticket, pair) for ticket, pair in made if pair[0].status not in _UNENDED)
    return [pair for _, pair in made]


def _made_row(scope: Scope, ticket: Ticket, staged: StagingFile | None) -> Made | None:
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


def recorded_rows(scope: Scope) -> list[Made]:
    """Return the rows that the cassette has for a scope, of each address the latest attempt."""
    file = scope.suite.file
    if file is None:
        return []
    rows = file.rows("" if scope.is_shared else scope.name)
    wanted = file.uses_of(scope.name) if scope.is_shared else {row.id for row in rows}
    latest = {row.address: row for row in rows if row.id in wanted}
    return [(row, file.chunks(row.id)) for row in latest.values()]
