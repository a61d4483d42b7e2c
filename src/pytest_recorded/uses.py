"""What a test that has passed leaves besides its calls: which shared calls it has used, and that it was rewritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .modes import RecordMode

if TYPE_CHECKING:
    from .scope import Scope

__all__ = ["leave_word"]


def leave_word(scope: Scope, *, is_whole: bool) -> None:
    """Leave word of a scope that has passed; beside a cassette that nobody may write to, of none.

    Args:
        scope: The scope.
        is_whole: Whether it came to its end: else it may use more another time.

    Raises:
        CassetteError: The staging file cannot be written.

    """
    is_rewritten = is_whole and scope.mode is RecordMode.REWRITE and scope.has_recordings
    if not (is_rewritten or scope.is_shared) or scope.suite.why_read_only:
        return
    if is_rewritten:
        # One that makes no calls any more has an attempt too: it drops its rows.
        scope.attempt()
    if scope.is_shared:
        # Those of a rewritten test are noted all: the others go.
        known = scope.suite.file.uses_of(scope.name) if scope.suite.file and not is_rewritten else set()
        for job in {scope.row_id(ticket) for ticket in scope.tickets if ticket.source} - known:
            scope.suite.staging.ledger.add_use(scope.attempt(), job)
