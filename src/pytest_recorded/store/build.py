"""A new cassette file from the old one and some changes.

The file is built beside the old one, in one pass in the order of addresses, and takes its place in one step: whoever
reads, reads the old or the new one; a kill at any moment leaves the old one. Equal rows give equal bytes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..errors import CassetteError
from ..job import Chunk, Row
from . import sql
from .blobs import Keeper, copy_blobs, keeping
from .connection import connect
from .diagnosis import FAULTS, explain, inspect_cassette, need_schema
from .layout import lay_out
from .schema import APPLICATION_ID, CASSETTE, COLUMNS, VERSION

if TYPE_CHECKING:
    from ..job import Address

__all__ = ["Changes", "build", "exclusive"]

# In a large file an answer that needs a page more than before moves all pages behind it, and each that goes on in
# another names that one by its place: git would store all these names again. Large pages seldom go on in others.
_PAGE_BYTES: Final = 4096
_LARGE_PAGE_BYTES: Final = 65_536
_LARGE_CONTENT: Final = 4_000_000
# Where the header of a file says how large its pages are, and how it says the largest size that there is.
_PAGE_SIZE_AT: Final = 16
_IS_LARGEST: Final = b"\x00\x01"
_HEADER_BYTES: Final = 18
_WAIT_SECONDS: Final = 120.0


@dataclass
class Changes:
    """What a new cassette has that the old one has not, and the other way round.

    Attributes:
        fresh: Rows to add, with their chunks.
        gone: Addresses whose old rows go, all attempts: those that a fresh row replaces too.
        uses: Pairs of a test and the id of a shared job that it used.
        gone_tests: Tests of which the old pairs go.
        facts: Facts about the file, by name, which stay until they are taken away; None takes one away. One that has
            the id of a row in its name, after a colon, goes with that row, unless it is given again.

    """

    fresh: list[tuple[Row, tuple[Chunk, ...]]] = field(default_factory=list)
    gone: set[Address] = field(default_factory=set)
    uses: set[tuple[str, str]] = field(default_factory=set)
    gone_tests: set[str] = field(default_factory=set)
    facts: dict[str, str | None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.fresh or self.gone or self.uses or self.gone_tests or self.facts)


class exclusive:  # noqa: N801 - read as a statement: with exclusive(path)
    """Hold the right to replace a cassette; wait for whoever has it.

    The lock is SQLite's own on an empty file: it works on every system and ends with its process, so that no dead
    process can leave it behind.
    """

    def __init__(self, lock_file: Path) -> None:
        self._path = lock_file
        self._connection: sqlite3.Connection | None = None

    def __enter__(self) -> None:
        try:
            self._connection = connect(self._path, read_only=False)
            self._connection.execute(f"PRAGMA busy_timeout = {int(_WAIT_SECONDS * 1000)}")
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            self.__exit__()
            raise explain(self._path, error) from error

    def __exit__(self, *_exc: object) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def build(cassette: Path, changes: Changes, workshop: Path) -> int:
    """Replace a cassette by one with changes; to be called by whoever has the right to, see `exclusive`.

    Args:
        cassette: The cassette; it need not exist. Where it is a link, the file that it leads to is replaced.
        changes: What is to be different.
        workshop: A folder for the unfinished file.

    Returns:
        How many rows the new cassette has.

    Raises:
        CassetteError: It cannot be written; the old one is untouched.

    """
    cassette = Path(os.path.realpath(cassette))
    # One name for all: what a killed process has left here goes with the next building.
    made = workshop / f"{cassette.name}.new"
    try:
        count = _make(made, cassette, changes)
        _replace(made, cassette)
    except FAULTS as error:
        raise explain(cassette, error) from error
    except OSError as error:
        raise CassetteError(
            cassette,
            f"cannot be written ({error.strerror or error}). Make the folder {cassette.parent} one that this user may "
            f"write to, and run the same again. What has been recorded is kept in {workshop}.",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            made.unlink(missing_ok=True)
    return count


def _make(made: Path, cassette: Path, changes: Changes) -> int:
    """Make the new file, with pages of the size that what it has asks for; return how many rows it has."""
    guess = _LARGE_PAGE_BYTES if _has_large_pages(cassette) else _PAGE_BYTES
    for page_bytes in (guess, _PAGE_BYTES + _LARGE_PAGE_BYTES - guess):
        made.unlink(missing_ok=True)
        count, roots = _write(made, cassette, changes, page_bytes)
        content = lay_out(made, roots, page_bytes)
        if (content >= _LARGE_CONTENT) == (page_bytes == _LARGE_PAGE_BYTES):
            break
    return count


def _has_large_pages(cassette: Path) -> bool:
    try:
        with cassette.open("rb") as file:
            return file.read(_HEADER_BYTES)[_PAGE_SIZE_AT:] == _IS_LARGEST
    except OSError:
        # There is none, or it cannot be read: whoever needs it says so.
        return False


def _write(made: Path, cassette: Path, changes: Changes, page_bytes: int) -> tuple[int, list[int]]:
    """Write the new file; return how many rows it has, and where its trees begin."""
    connection = connect(made, read_only=False)
    try:
        connection.execute(f"PRAGMA page_size = {page_bytes}")
        # Some builds of SQLite keep pages to find others by, unless told otherwise.
        connection.execute("PRAGMA auto_vacuum = NONE")
        # The file is nobody's until it is finished: a journal would only cost time.
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.executescript(CASSETTE)
        _attach_old(connection, cassette)
        connection.executescript(_STAGES)
        connection.execute("BEGIN")
        _stage(connection, changes)
        keeper = Keeper(connection)
        count = connection.execute(_COPY_JOBS).rowcount
        for statement in _COPY_OTHERS:
            connection.execute(statement)
        copy_blobs(connection, keeper)
        facts = dict(connection.execute(_FACTS_THAT_STAY).fetchall())
        facts |= changes.facts | {"jobs": str(count), "schema": str(VERSION)}
        kept = sorted((name, value) for name, value in facts.items() if value is not None)
        connection.executemany(sql.SET_META, kept)
        connection.execute("COMMIT")
        roots = [root for (root,) in connection.execute("SELECT rootpage FROM main.sqlite_master WHERE rootpage > 0")]
    finally:
        connection.close()
    return int(count), roots


def _attach_old(connection: sqlite3.Connection, cassette: Path) -> None:
    if cassette.exists():
        inspect_cassette(cassette)
        connection.execute("ATTACH ? AS old", (f"{cassette.absolute().as_uri()}?mode=ro",))
        version = connection.execute("SELECT value FROM old.meta WHERE key = 'schema'").fetchone()
        need_schema(cassette, version[0] if version else None)
    else:
        connection.execute("ATTACH ':memory:' AS old")
        connection.executescript(CASSETTE.replace("CREATE TABLE ", "CREATE TABLE old."))


def _stage(connection: sqlite3.Connection, changes: Changes) -> None:
    connection.executemany("INSERT INTO temp.gone VALUES (?, ?, ?, ?)", changes.gone)
    connection.executemany(
        f"INSERT INTO temp.fresh ({COLUMNS}) VALUES ({sql.PLACES})",
        [row for row, _ in changes.fresh],
    )
    connection.executemany(
        "INSERT INTO temp.fresh_chunks VALUES (?, ?, ?, ?)",
        [(row.id, *chunk) for row, chunks in changes.fresh for chunk in chunks],
    )
    connection.executemany("INSERT INTO temp.fresh_uses VALUES (?, ?)", changes.uses)
    connection.executemany("INSERT INTO temp.gone_tests VALUES (?)", [(test,) for test in changes.gone_tests])
    connection.execute(_GONE_IDS)


_STAGES: Final = f"""\
CREATE TEMP TABLE gone (scope, kind, key, seq, PRIMARY KEY (scope, kind, key, seq)) WITHOUT ROWID;
CREATE TEMP TABLE fresh AS SELECT {COLUMNS} FROM old.jobs LIMIT 0;
CREATE UNIQUE INDEX temp.fresh_address ON fresh (scope, kind, key, seq, attempt);
CREATE TEMP TABLE fresh_chunks AS SELECT job_id, seq, offset_ms, body FROM old.chunks LIMIT 0;
CREATE TEMP TABLE gone_tests (test);
CREATE TEMP TABLE fresh_uses AS SELECT test, job_id FROM old.uses LIMIT 0;
"""

_IS_GONE: Final = (
    "EXISTS (SELECT 1 FROM temp.gone g WHERE g.scope = o.scope AND g.kind = o.kind AND g.key = o.key AND g.seq = o.seq)"
)
_GONE_IDS: Final = (
    "CREATE TEMP TABLE gone_ids AS SELECT o.id FROM temp.gone g CROSS JOIN old.jobs o"
    " ON g.scope = o.scope AND g.kind = o.kind AND g.key = o.key AND g.seq = o.seq"
)

# The two halves of each union are read in order and merged: nothing is sorted, memory stays flat.
_COPY_JOBS: Final = (
    f"INSERT INTO main.jobs ({COLUMNS}) SELECT {COLUMNS} FROM ("
    f" SELECT {keeping(Row._fields)} FROM old.jobs o WHERE NOT {_IS_GONE}"
    f" UNION ALL SELECT {keeping(Row._fields)} FROM temp.fresh"
    f") ORDER BY scope, kind, key, seq, attempt"
)
_CHUNKS: Final = keeping(("job_id", "seq", "CAST(offset_ms AS REAL) AS offset_ms", "body"))
_COPY_CHUNKS: Final = (
    "INSERT INTO main.chunks SELECT job_id, seq, offset_ms, body FROM ("
    f" SELECT {_CHUNKS} FROM old.chunks WHERE job_id NOT IN (SELECT id FROM temp.gone_ids)"
    f" UNION ALL SELECT {_CHUNKS} FROM temp.fresh_chunks"
    ") ORDER BY job_id, seq"
)
_COPY_USES: Final = (
    "INSERT INTO main.uses SELECT test, job_id FROM ("
    " SELECT * FROM old.uses WHERE test NOT IN (SELECT test FROM temp.gone_tests)"
    " AND job_id IN (SELECT id FROM main.jobs) AND job_id NOT IN"
    " (SELECT job_id FROM temp.fresh_uses WHERE test = old.uses.test)"
    " UNION ALL SELECT DISTINCT * FROM temp.fresh_uses"
    ") ORDER BY test, job_id"
)
# What follows the colon in the name of a fact is the id of the row that it is about, and goes with that row.
_FACTS_THAT_STAY: Final = (
    f"SELECT key, value FROM old.meta WHERE {sql.IS_FACT}"
    " AND substr(key, instr(key, ':') + 1) NOT IN (SELECT id FROM temp.gone_ids)"
)
_COPY_OTHERS: Final = (
    _COPY_CHUNKS,
    _COPY_USES,
    "INSERT INTO main.edges SELECT * FROM old.edges ORDER BY upstream_id, downstream_id, label",
)


def _replace(made: Path, cassette: Path) -> None:
    cassette.parent.mkdir(parents=True, exist_ok=True)
    if cassette.exists():
        made.chmod(cassette.stat().st_mode)
    try:
        made.replace(cassette)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _carry_over(made, cassette)
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(cassette.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _carry_over(made: Path, cassette: Path) -> None:
    """Put a file in its place from another file system, where renaming does not reach."""
    beside = cassette.with_name(f".{cassette.name}.new")
    try:
        shutil.copyfile(made, beside)
        shutil.copymode(made, beside)
        with beside.open("r+b") as file:
            os.fsync(file.fileno())
        beside.replace(cassette)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
