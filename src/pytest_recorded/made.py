"""The calls of a scope: those that it has made, and those that its cassette has for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .job import Status
from .jobs import Job
from .takeover import final_row

if TYPE_CHECKING:
    from .call import Ticket
    from .job import Chunk, Row
    from .scope import Scope
    from .store.sqlite import StagingFile

__all__ = ["made_jobs", "recorded_jobs", "staged_rows"]

_UNENDED: Final = (Status.PENDING, Status.RUNNING)


def made_jobs(scope: Scope, known: dict[Ticket, Job] | None = None) -> list[Job]:
    """Return the calls that have been answered, in the order in which they were made.

    Args:
        scope: Whose calls.
        known: Those that have been read before. What is over by now is added, and not read again.

    """
    tickets = list(scope.tickets)
    found: dict[Ticket, Job | None] = {**known} if known else {}
    unread = [ticket for ticket in tickets if ticket not in found]
    if unread:
        with scope.suite.staging.reading() as staged:
            found.update((ticket, _made_job(scope, ticket, staged)) for ticket in unread)
    if known is not None:
        known.update((ticket, job) for ticket in unread if (job := found[ticket]) and job.status not in _UNENDED)
    return [job for ticket in tickets if (job := found[ticket])]


def _made_job(scope: Scope, ticket: Ticket, staged: StagingFile | None) -> Job | None:
    file, address = scope.suite.file, ticket.address
    if address is None:
        return None
    if ticket.source == "staging" and staged is not None:
        row = staged.row_at(scope.staged_address(address))
        return (
            None if row is None else Job.of(final_row(row, address.scope), staged.chunks(row.id), scope.projection_of)
        )
    if ticket.source == "cassette" and file is not None:
        row = file.row_at(address)
        return None if row is None else Job.of(row, file.chunks(row.id), scope.projection_of)
    return None


def staged_rows(scope: Scope) -> list[tuple[Row, list[Chunk]]]:
    """Return the rows of calls that have ended and are not in the cassette yet, with the pieces of their answers."""
    addresses = [ticket.address for ticket in list(scope.tickets) if ticket.source == "staging" and ticket.address]
    if not addresses:
        return []
    with scope.suite.staging.reading() as staged:
        found = [(address, staged and staged.row_at(scope.staged_address(address))) for address in addresses]
        return [
            (final_row(row, address.scope), staged.chunks(row.id))
            for address, row in found
            if staged and row and row.status not in _UNENDED
        ]


def recorded_jobs(scope: Scope) -> list[Job]:
    """Return the calls that the cassette has for a scope, of each address the latest attempt."""
    file = scope.suite.file
    if file is None:
        return []
    rows = file.rows("" if scope.is_shared else scope.name)
    wanted = file.uses_of(scope.name) if scope.is_shared else {row.id for row in rows}
    latest = {row.address: row for row in rows if row.id in wanted}
    return [Job.of(row, file.chunks, scope.projection_of) for row in latest.values()]
