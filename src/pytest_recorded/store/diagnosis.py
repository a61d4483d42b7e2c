"""Why a file cannot be used, in words that say what to do."""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Final

from ..errors import CassetteError
from .connection import connect
from .schema import APPLICATION_ID, VERSION

__all__ = [
    "FAULTS",
    "IS_EMPTY",
    "explain",
    "inspect_any",
    "inspect_cassette",
    "inspect_ledger",
    "inspect_seed",
    "is_there",
    "look_at",
    "need_schema",
    "why_unreadable",
]

# What reading a file may raise. SQLite names what it does not understand, and Python cannot decode just any name.
FAULTS: Final = (sqlite3.Error, OverflowError, UnicodeError)

_MAGIC: Final = b"SQLite format 3\x00"
_HEADER_BYTES: Final = 100
_WAL: Final = 2
_NUMBER: Final = re.compile("[0-9]{1,9}")
_RESTORE: Final = "Restore it (git checkout), or delete it and record again with --record-mode=once."
#: What is wrong with a file without a byte.
IS_EMPTY: Final = f"is empty (0 bytes): it was cut off, or never written. {_RESTORE}"
_OTHER: Final = "Name a jobs.db that the package `recorded` has written."
_MOVE: Final = "Restore it from a copy, or move it away: a new one is made."


def is_there(path: Path) -> bool:
    """Return whether there is something at a path; `CassetteError` if this user is not told."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        _header(path)
    return True


def inspect_cassette(path: Path | str) -> None:
    """Raise `CassetteError` if a file is no cassette."""
    if not isinstance(path, Path):
        return
    header = _header(path)
    if not header:
        raise CassetteError(path, IS_EMPTY)
    _need_sqlite(path, header, _RESTORE)
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        _need_ours(path, "the cassette another path (--record-cassette=…)")
    if header[18] == _WAL:
        raise CassetteError(
            path,
            "is in WAL mode. If a Recorder writes to it, give the cassette another path (--record-cassette=…); if "
            f"another program has changed its mode: sqlite3 {path} 'PRAGMA journal_mode=DELETE'",
        )


def inspect_ledger(path: Path | str, needed: str) -> None:
    """Raise `CassetteError` if a file exists and is no ledger of ours: a foreign file is never written to.

    Args:
        path: The file.
        needed: The name of a table or an index that only the right kind of ledger has.

    SQLite itself reads it. Whoever opens and closes a file takes away the locks that SQLite has on it for another
    connection of the same process; and what the header says may still stand in the write-ahead log.

    """
    if not isinstance(path, Path) or not path.exists() or (path.is_file() and path.stat().st_size == 0):
        return
    if path.is_dir():
        _header(path)
    try:
        ours, names = _tables(path)
    except FAULTS as error:
        _need_sqlite(path, _header(path), _MOVE)
        raise explain(path, error, is_ledger=True) from error
    if names and not ours:
        _need_ours(path, "the recorder another path: Recorder(…)")
    if names and "jobs" not in names:
        raise CassetteError(path, f"has no table jobs. The file is damaged. {_MOVE}")
    if names and needed not in names:
        raise CassetteError(path, "is a cassette, not the file of a Recorder. Give the recorder another path.")


def _tables(path: Path) -> tuple[bool, set[str]]:
    """Return whether a file is ours, and the names in it."""
    try:
        connection = look_at(path)
        try:
            return _named(connection)
        finally:
            connection.close()
    except FAULTS:
        # Somebody has begun to write since it was looked for; SQLite's locks see to it that this look is a clean one.
        connection = connect(path, read_only=True)
        try:
            return _named(connection)
        finally:
            connection.close()


def _named(connection: sqlite3.Connection) -> tuple[bool, set[str]]:
    ours = connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    return ours, {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


def inspect_seed(path: Path) -> None:
    """Raise `CassetteError` if a file was not written by the package `recorded`."""
    _need_sqlite(path, _header(path), _OTHER)
    columns = _job_columns(path)
    if columns is None:
        raise CassetteError(path, f"is a file of pytest-recorded already. {_OTHER}")
    if not columns >= _SEED_COLUMNS:
        raise CassetteError(path, f"is a SQLite file of another program. {_OTHER}")


def look_at(path: Path) -> sqlite3.Connection:
    """Open a file that may be somebody else's, so that nothing is left beside it.

    Whoever reads a file in WAL mode makes two files beside it; unless they are there already, nobody is writing, and
    the file can be taken as it is. A log without the index that writers share was left by one who is gone, and a copy
    is read; or it belongs to one who is coming or going at this moment, and the file is shared with him.
    """
    has_log, has_index, has_journal = (_beside(path, end).exists() for end in ("-wal", "-shm", "-journal"))
    if has_log and not has_index and (copy := _copied(path)) is not None:
        return copy
    return connect(path, read_only=True, how="" if has_log or has_journal else "&immutable=1")


def _copied(path: Path) -> sqlite3.Connection | None:
    """Return a copy of a file and its log, in memory; None if somebody was there while it was made.

    Without the index SQLite would have to be told to do without locks; and whoever closes a file then deletes its log,
    whosever it is.
    """
    before = _stamps(path)
    with tempfile.TemporaryDirectory(prefix="pytest-recorded-") as folder:
        copy = Path(folder) / "copy.db"
        try:
            shutil.copyfile(path, copy)
            shutil.copyfile(_beside(path, "-wal"), _beside(copy, "-wal"))
        except FileNotFoundError:
            return None
        if _stamps(path) != before:
            return None
        with contextlib.closing(connect(copy, read_only=False)) as source:
            made = connect(":memory:", read_only=False)
            try:
                source.backup(made)
                made.execute("PRAGMA query_only = ON")
            except BaseException:
                made.close()
                raise
        return made


def _stamps(path: Path) -> list[tuple[int, int] | None]:
    """Return what changes when somebody writes: of a file, its log and its index the time of change and the size."""
    found: list[tuple[int, int] | None] = []
    for one in (path, _beside(path, "-wal"), _beside(path, "-shm")):
        try:
            stat = one.stat()
        except FileNotFoundError:
            found.append(None)
        else:
            found.append((stat.st_mtime_ns, stat.st_size))
    return found


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def inspect_any(path: Path, connection: sqlite3.Connection) -> bool:
    """Return whether an open file was written by the package `recorded`; False if it is ours.

    Raises:
        CassetteError: It is neither.

    """
    ours, names = _named(connection)
    if ours and "jobs" in names:
        schema = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
        need_schema(path, schema[0] if schema else None)
        return False
    if ours:
        raise CassetteError(path, f"has no table jobs. The file is damaged. {_MOVE}")
    if not {row[1] for row in connection.execute("PRAGMA table_info(jobs)")} >= _SEED_COLUMNS:
        raise CassetteError(path, "is a SQLite file of another program. Name a cassette, or the jobs.db of a Recorder.")
    return True


def why_unreadable(path: Path, error: BaseException) -> CassetteError:
    """Return why a file that is there cannot be opened for reading; what SQLite said is the last resort."""
    try:
        _need_sqlite(path, _header(path), _RESTORE)
    except CassetteError as found:
        return found
    return explain(path, error)


def _header(path: Path) -> bytes:
    with contextlib.suppress(OSError):
        if path.is_dir():
            raise CassetteError(path, "is a folder; a cassette is a file, such as cassettes/jobs.db.")
    try:
        with path.open("rb") as file:
            return file.read(_HEADER_BYTES)
    except PermissionError:
        raise CassetteError(path, "cannot be read: permission denied. Give this user the right to read it.") from None
    except FileNotFoundError:
        raise CassetteError(path, "does not exist. Record it with --record-mode=once, or check the path.") from None
    except OSError as error:
        raise CassetteError(path, f"cannot be read ({error.strerror}). Check the path and the disk.") from None


def _need_sqlite(path: Path, header: bytes, restore: str) -> None:
    if header.startswith(b"version https://git-lfs"):
        raise CassetteError(path, "is a Git LFS pointer, not the file itself. Run: git lfs pull")
    if not header.startswith(_MAGIC):
        raise CassetteError(path, f"is no SQLite file. {restore}")
    if len(header) < _HEADER_BYTES:
        raise CassetteError(path, f"is cut off after {len(header)} bytes. {restore}")


def _need_ours(path: Path, instead: str) -> None:
    """Raise if a file is not ours, as SQLite sees it: what the header says may still stand in the write-ahead log."""
    columns = _job_columns(path)
    if columns is None:
        return
    if columns >= _SEED_COLUMNS:
        raise CassetteError(
            path,
            f"was written by the package `recorded`; it is left as it is. Give {instead}. "
            f"To read on what it has, make a copy that a Recorder can use: pytest-recorded migrate {path} NEW.db",
        )
    raise CassetteError(path, f"is a SQLite file of another program. Give {instead}.")


_SEED_COLUMNS: Final = {
    "id", "kind", "key", "status", "submitted_at", "started_at", "completed_at",
    "request_json", "response_json", "data_json", "error_json",
}  # fmt: skip


def _job_columns(path: Path) -> set[str] | None:
    """Return the columns of the table of jobs in a foreign file, none if it has no such table; None if it is ours."""
    try:
        connection = look_at(path)
        try:
            if connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID:
                return None
            return {row[1] for row in connection.execute("PRAGMA table_info(jobs)")}
        finally:
            connection.close()
    except FAULTS:
        return set()


def need_schema(path: Path | str, schema: object) -> None:
    """Raise `CassetteError` if this version cannot read a schema: what `meta` says, None if it says nothing."""
    if schema is None:
        raise CassetteError(path, f"does not say which schema it has. The file is damaged. {_RESTORE}")
    if not _NUMBER.fullmatch(str(schema)) or int(str(schema)) > VERSION:
        raise CassetteError(
            path,
            f"has schema {str(schema)[:20]}; this pytest-recorded reads up to {VERSION}. "
            f"Install a newer one: pip install -U pytest-recorded",
        )


def explain(path: Path | str, error: BaseException, *, is_ledger: bool = False) -> CassetteError:
    """Return what SQLite said, as an error that says what to do."""
    said = str(error)
    if any(words in said for words in _DAMAGED):
        return CassetteError(path, f"{said}. The file is damaged. {_MOVE if is_ledger else _RESTORE}")
    for words, advice in _ADVICE.items():
        if words in said:
            return CassetteError(path, f"{said}. {advice}")
    return CassetteError(path, f"{said}. Check that the file is sound: sqlite3 {path} 'PRAGMA integrity_check'")


_DAMAGED: Final = (
    "malformed",
    "not a database",
    "no such table",
    "no such column",
    "decode to UTF-8",
    "can't decode byte",
)
_ADVICE: Final = {
    "is full": "The disk is full: free some space and run again. What was recorded so far is kept.",
    "disk I/O": "The disk could not be written or read: check its space and its quota.",
    "unable to open": "The file or its folder cannot be opened: check that it exists and who may use it.",
    "readonly": "The file or its folder may not be written by this user.",
    "locked": "Another process has been writing to it for 30 seconds: end that one, or run again.",
}
