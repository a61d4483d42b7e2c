"""A `jobs.db` of the package `recorded`, copied into a ledger of ours. The old file is only read."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

from ..codec import load_tree, to_text
from ..errors import CassetteError, SerializationError
from ..job import Row, Status
from . import sql
from .diagnosis import FAULTS, explain, inspect_seed, is_there, look_at
from .sqlite import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["error_in_ours", "migrate_seed"]

_WITHOUT: Final = "Delete that row in a copy, and migrate the copy."
_READ: Final = (
    "SELECT id, kind, key, status, submitted_at, started_at, completed_at, request_json, response_json, data_json,"
    " error_json FROM jobs WHERE kind NOT LIKE '\\_recorded.%' ESCAPE '\\' ORDER BY submitted_at, id"
)


def migrate_seed(old: Path, new: Path) -> int:
    """Copy all jobs; return how many.

    Args:
        old: A file that the package `recorded` has written.
        new: The file to make.

    Raises:
        CassetteError: The old file cannot be read, or the new one exists.

    """
    if not is_there(old):
        raise CassetteError(old, "does not exist. Check the path.")
    if is_there(new):
        raise CassetteError(new, "exists already. Name a file that does not.")
    inspect_seed(old)
    try:
        source = look_at(old)
        try:
            rows = list(_rows(source))
        finally:
            source.close()
    except FAULTS as error:
        raise explain(old, error, is_ledger=True) from error
    _write(old, rows, new)
    return len(rows)


def _write(old: Path, rows: list[Row], new: Path) -> None:
    """Write all rows, or nothing."""
    ledger, is_done = Ledger(new), False
    try:
        with ledger.transaction() as connection:
            connection.executemany(sql.INSERT, rows)
        is_done = True
    except CassetteError as error:
        if isinstance(error.__cause__, sqlite3.IntegrityError):
            raise CassetteError(old, f"has a job that cannot be copied ({error.__cause__}). {_WITHOUT}") from error
        raise
    finally:
        ledger.close()
        if not is_done:
            new.unlink(missing_ok=True)


def _rows(source: sqlite3.Connection) -> Iterator[Row]:
    attempts: dict[tuple[str, str], int] = {}
    for job, kind, key, status, submitted, started, completed, *slots, error in source.execute(_READ):
        attempt = 0
        if key is not None:
            attempt = attempts.get((kind, key), -1) + 1
            attempts[kind, key] = attempt
        # Whoever was running it, or has given it a status of his own, wrote to the old file; here nobody will end it.
        ended = status if status in (Status.COMPLETED, Status.FAILED) else Status.INTERRUPTED
        before = (job, "", kind, key, 0, attempt, None, ended, None, submitted, started, None, completed)
        yield Row._make((*before, *slots, error_in_ours(error), None))


def error_in_ours(text: str | None) -> str | None:
    """Return an error as we store it: what was attached to one stands alone there, in place of class and text."""
    try:
        tree = None if text is None else load_tree(text)
        if tree is None or (isinstance(tree, dict) and tree.keys() == {"type", "message"}):
            return text
        return to_text({"type": "Exception", "message": text, "args": [text], "payload": tree})
    except SerializationError:
        return text
