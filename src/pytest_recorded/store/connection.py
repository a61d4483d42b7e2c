"""How SQLite files are opened."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["connect", "roll_back"]

_BUSY_SECONDS: Final = 30.0


class _Connection(sqlite3.Connection):
    """One that can be referred to weakly: a function of its own that reads with it must not keep it open."""


def connect(path: Path | str, *, read_only: bool, how: str = "") -> sqlite3.Connection:
    """Open a file. Nothing that the file defines may run: no extension, no function in a view or an index.

    Args:
        path: The file, or `:memory:`.
        read_only: Whether nothing is to be written.
        how: Further parameters of the URI, each after its `&`.

    """
    uri = path if isinstance(path, str) else f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}{how}"
    connection = sqlite3.connect(
        uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, factory=_Connection
    )
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def roll_back(connection: sqlite3.Connection) -> None:
    """Undo a transaction, if there still is one."""
    # A full disk has already rolled it back.
    if connection.in_transaction:
        connection.execute("ROLLBACK")
