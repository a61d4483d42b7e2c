"""Calls that a failed or killed session has paid for, served to the attempt that makes them next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .book import warn
from .errors import CassetteError
from .job import Found
from .staging import new_id

if TYPE_CHECKING:
    from .call import Ticket
    from .scope import Scope

__all__ = ["serve_kept"]


def serve_kept(scope: Scope, ticket: Ticket) -> bool:
    """Serve a call from what is kept, if it is; it becomes a call of this attempt."""
    if scope.is_shared or not scope.uses_kept or ticket.address is None:
        return False
    kept = scope.suite.find_kept(scope.name, ticket.address, scope.mode)
    if kept is None:
        return False
    row, chunks = kept
    ticket.id = new_id()
    ticket.source = "staging"
    ticket.found = Found(ticket.id, row.attempt, row.status, row.response_json, row.error_json, row.info_json)
    try:
        scope.suite.staging.ledger.insert(row._replace(id=ticket.id, scope=scope.attempt()), chunks)
    except CassetteError as error:
        warn(f"{ticket.call.kind} was kept from a failed run, but could not be recorded: {error}")
        return False
    scope.add_count("kept")
    return True
