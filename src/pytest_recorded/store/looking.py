"""Any file with jobs, opened to be looked at: a cassette, a ledger, a staging file, a `jobs.db` of `recorded`.

The law of this file: nothing is written, and nothing is kept open. Each read opens the file as it is then, whoever
writes to it, and leaves nothing beside it.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from ..errors import CassetteError
from ..job import Row, Status
from . import sql
from .blobs import see_whole
from .connection import connect
from .creation import create
from .diagnosis import FAULTS, IS_EMPTY, explain, inspect_any, is_there, look_at, why_unreadable
from .migrate import error_in_ours
from .schema import CASSETTE
from .selecting import fetch_readable
from .sqlite import Reader

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from pathlib import Path

    from ..job import Chunk

__all__ = ["AnyFile", "copy_with", "look_into"]

_STATUS: Final = Row._fields.index("status")
_STATUSES: Final = frozenset(status.value for status in Status)
# The tables of ours that a statement may ask for, over the eleven columns of theirs.
_SEED_AS_OURS: Final = r"""
CREATE TEMP VIEW jobs AS SELECT
    rowid AS rowid, id, '' AS scope, kind, key, 0 AS seq, 0 AS attempt, NULL AS parent_id, status, NULL AS owner,
    submitted_at, started_at, NULL AS beat_at, completed_at, request_json, response_json, data_json,
    recorded_error(error_json) AS error_json, NULL AS info_json
FROM main.jobs WHERE kind NOT LIKE '\_recorded.%' ESCAPE '\';
CREATE TEMP VIEW chunks AS SELECT '' AS job_id, 0 AS seq, 0.0 AS offset_ms, '' AS body WHERE 0;
CREATE TEMP VIEW uses AS SELECT '' AS test, '' AS job_id WHERE 0
"""


def look_into(path: Path) -> sqlite3.Connection:
    """Open a file so that statements on our tables can read it.

    Raises:
        CassetteError: There is none, or it cannot be read.

    """
    if not is_there(path):
        raise CassetteError(path, "does not exist. Check the path.")
    if path.is_file() and not path.stat().st_size:
        raise CassetteError(path, IS_EMPTY)
    try:
        return _prepared(path)
    except FAULTS:
        # Somebody has begun to write, or has ended, since it was looked for; a second look is a clean one.
        try:
            return _prepared(path)
        except FAULTS as error:
            raise why_unreadable(path, error) from error


def copy_with(path: Path | None, rows: Iterable[tuple[Row, Iterable[Chunk]]]) -> sqlite3.Connection:
    """Return a copy of a cassette in memory, with other rows in it, which stand in for those at their addresses.

    Args:
        path: The cassette; None if there is none yet.
        rows: The rows, each with its chunks.

    Raises:
        CassetteError: The cassette cannot be read.

    """
    made = connect(":memory:", read_only=False)
    try:
        if path is None:
            create(made, CASSETTE)
        else:
            with closing(look_into(path)) as cassette:
                cassette.backup(made)
        for row, chunks in rows:
            made.execute("DELETE FROM chunks WHERE job_id = ?", (row.id,))
            made.execute(f"DELETE FROM jobs WHERE {sql.ONE_BY_PLACE}", (*row.address, row.attempt))
            made.execute(sql.INSERT, tuple(row))
            made.executemany(sql.INSERT_CHUNK, [(row.id, *chunk) for chunk in chunks])
        see_whole(made)
        made.execute("PRAGMA query_only = ON")
    except BaseException:
        made.close()
        raise
    return made


def _prepared(path: Path) -> sqlite3.Connection:
    connection = look_at(path)
    try:
        if inspect_any(path, connection):
            connection.create_function("recorded_error", 1, error_in_ours, deterministic=True)
            connection.execute("PRAGMA temp_store = MEMORY")
            for statement in _SEED_AS_OURS.split(";\n"):
                connection.execute(statement)
        else:
            see_whole(connection)
    except BaseException:
        connection.close()
        raise
    return connection


class AnyFile(Reader):
    """A file that is opened anew for each read."""

    path: Path

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        look_into(path).close()

    @property
    def by_rowid(self) -> bool:  # type: ignore[override]  # what the others are, this one has to find out
        """Whether its rows lie in the order in which they were recorded."""
        (is_tree_of_addresses,) = self._rows(
            "SELECT count(*) FROM main.sqlite_master WHERE name = 'jobs' AND sql LIKE '%WITHOUT ROWID%'"
        )[0]
        return not is_tree_of_addresses

    def exists(self) -> bool:
        """Return True: a file that is gone since is an error."""
        return True

    def all_kinds(self) -> list[str]:
        """Return all kinds."""
        return [row[0] for row in self._rows(sql.KINDS)]

    def ended_since(self, moment: str) -> list[Row]:
        """Return the rows that have ended at a moment or later, in the order in which they ended."""
        return [Row._make(row) for row in self._readable(sql.ENDED_SINCE, moment) if row[_STATUS] in _STATUSES]

    def _rows(self, statement: str, *parameters: Any) -> list[Any]:
        try:
            return self._read_once(statement, parameters)
        except FAULTS:
            # See look_into().
            try:
                return self._read_once(statement, parameters)
            except FAULTS as error:
                raise explain(self.path, error) from error

    _readable = _rows

    def _read_once(self, statement: str, parameters: tuple[Any, ...]) -> list[Any]:
        connection = look_into(self.path)
        try:
            return fetch_readable(connection, statement, parameters)
        finally:
            connection.close()
