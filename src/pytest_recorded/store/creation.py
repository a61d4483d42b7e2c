"""How a ledger comes to be."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import CassetteError
from . import sql
from .connection import connect, roll_back
from .schema import APPLICATION_ID, VERSION

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

__all__ = ["create", "make"]


def make(path: Path, layout: str) -> None:
    """Make a file that is complete when it appears.

    Several processes may do so at once. One that is made in its place is for a moment neither empty nor in WAL mode,
    and whoever opens it then is told that it is locked, or malformed.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CassetteError(
            path, f"its folder cannot be made ({error.strerror}). Name another path, or give this user the right to."
        ) from error
    fresh = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.new")
    try:
        connection = connect(fresh, read_only=False)
        try:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA journal_mode = WAL")
            create(connection, layout)
        finally:
            connection.close()
        _publish(fresh, path)
    finally:
        for leftover in (fresh, *(fresh.with_name(fresh.name + suffix) for suffix in ("-wal", "-shm"))):
            leftover.unlink(missing_ok=True)


def _publish(fresh: Path, path: Path) -> None:
    """Give a file its name, unless another one has got it in the meantime."""
    with suppress(FileExistsError):
        try:
            os.link(fresh, path)
        except FileExistsError:
            raise
        except OSError:
            # A file system without hard links.
            if not path.exists():
                fresh.rename(path)


def create(connection: sqlite3.Connection, layout: str) -> None:
    """Make the tables if the file is new; several processes may do so at once."""
    if connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            for statement in layout.split(";\n"):
                connection.execute(statement)
            connection.execute(sql.SET_META, ("schema", str(VERSION)))
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        roll_back(connection)
        raise
