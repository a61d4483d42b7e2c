"""SQLite files: the ledger that is written while calls are made, the cassette that is read while they are replayed.

A local SQLite call takes microseconds, so every method is synchronous and is called directly, also on an event loop.
One connection per process and file, behind a lock.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import CassetteError
from ..job import Address, Answer, Chunk, Found, Place, Row, Status
from . import sql
from .blobs import see_whole
from .connection import connect, roll_back
from .creation import create, make
from .diagnosis import FAULTS, explain, inspect_cassette, inspect_ledger, is_there, need_schema
from .lease import now
from .schema import CASSETTE, LEDGER
from .selecting import fetch_readable, stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..selection import Selection

__all__ = ["CassetteFile", "Ledger", "Reader", "StagingFile"]

# Pages are read through the page cache of the system instead of being copied: a look-up in a large cassette costs what
# one in a small cassette costs.
_MAP_BYTES: Final = 1 << 30

_STATUSES: Final = frozenset(status.value for status in Status)


class Reader:
    """What a ledger and a cassette are both asked."""

    _find_statement = sql.FIND
    _is_ledger = False
    #: Whether its rows lie in the order in which they were recorded.
    by_rowid = False

    def __init__(self, path: Path | str) -> None:
        self.path = path
        # Reentrant: a generator that is thrown away may end, and be stored, in the middle of anything.
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._finder: sqlite3.Cursor | None = None
        self._close: Any = None

    def _open(self) -> sqlite3.Connection:
        """Open the connection; called once a process, under the lock."""
        raise AssertionError

    def _keep(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """Keep a connection open for as long as somebody may ask again, which only the garbage collector knows."""
        self._connection = connection
        self._close = weakref.finalize(self, connection.close)
        # At the end of the process whoever has begun a stream is still to store it.
        self._close.atexit = False
        return connection

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection; what SQLite says becomes a `CassetteError` that says what to do."""
        with self._lock:
            try:
                yield self._connection or self._open()
            except FAULTS as error:
                raise explain(self.path, error, is_ledger=self._is_ledger) from error

    def _rows(self, statement: str, *parameters: Any) -> list[Any]:
        with self._using() as connection:
            return connection.execute(statement, parameters).fetchall()

    def _readable(self, statement: str, *parameters: Any) -> list[Any]:
        with self._using() as connection:
            return fetch_readable(connection, statement, parameters)

    def select(self, selection: Selection) -> Iterator[Row]:
        """Yield candidates for a selection as they are asked for; writing and closing meanwhile are fine."""
        return stream(self._readable, selection, by_rowid=self.by_rowid)

    def rows_named(self, start: str, limit: int) -> list[Row]:
        """Return rows by the first hex digits of their ids."""
        # "g" comes after the last hex digit.
        rows = [Row._make(row) for row in self._readable(sql.BY_ID_RANGE, start, start + "g", limit)]
        return [row for row in rows if row.status in _STATUSES]

    def exists(self) -> bool:
        """Return whether there is something to be read, without making it."""
        return self._connection is not None or not isinstance(self.path, Path) or is_there(self.path)

    def find(self, address: Address) -> Found | None:
        """Return the latest attempt at an address."""
        # Not through _using: this is the path of every replay, and half of its time would be ours.
        with self._lock:
            try:
                row = (self._finder or self._open_finder()).execute(self._find_statement, tuple(address)).fetchone()
            except FAULTS as error:
                raise explain(self.path, error, is_ledger=self._is_ledger) from error
        return None if row is None else tuple.__new__(Found, row)

    def _open_finder(self) -> sqlite3.Cursor:
        self._finder = (self._connection or self._open()).cursor()
        return self._finder

    def row(self, job_id: str) -> Row | None:
        """Return the row of an id."""
        return next(map(Row._make, self._rows(sql.BY_ID, job_id)), None)

    def row_at(self, address: Address) -> Row | None:
        """Return the latest attempt at an address as a whole row."""
        return next(map(Row._make, self._rows(sql.BY_ADDRESS, *address)), None)

    def rows(self, scope: str | None = None) -> list[Row]:
        """Return the rows of a scope, or all, in the order in which they were made."""
        found = self._rows(sql.ALL) if scope is None else self._rows(sql.OF_SCOPE, scope)
        return [Row._make(row) for row in found]

    def rows_of_kind(self, scope: str, kind: str, limit: int) -> list[Row]:
        """Return the first rows of a scope and a kind that have ended."""
        return [Row._make(row) for row in self._rows(sql.OF_SCOPE_AND_KIND, scope, kind, limit)]

    def rows_where_kind(self, scope: str, kind: str) -> list[Row]:
        """Return the rows of a scope and a kind, in the order in which they were made."""
        return [Row._make(row) for row in self._rows(sql.OF_KIND, scope, kind)]

    def has_scope(self, scope: str) -> bool:
        """Return whether a scope has rows."""
        return bool(self._rows(sql.HAS_SCOPE, scope))

    def addresses(self, scope: str) -> list[Address]:
        """Return the addresses of a scope."""
        return [Address._make(row) for row in self._rows(sql.ADDRESSES, scope)]

    def count_seqs(self, scope: str, kind: str, key: str) -> int:
        """Return how many times a request is recorded in a scope."""
        return int(self._rows(sql.COUNT_SEQS, scope, kind, key)[0][0])

    def scopes(self) -> list[str]:
        """Return all scopes, and the tests that have used shared jobs."""
        return [row[0] for row in self._rows(sql.SCOPES)]

    def kinds(self, scope: str) -> list[str]:
        """Return the kinds of a scope, at most twenty."""
        return [row[0] for row in self._rows(sql.KINDS_OF_SCOPE, scope)]

    def other_scopes(self, scope: str, kind: str, key: str) -> list[str]:
        """Return at most five other scopes in which this very request is recorded."""
        return [row[0] for row in self._rows(sql.OTHER_SCOPES, scope, kind, key)]

    def chunks(self, job_id: str) -> list[Chunk]:
        """Return the pieces of a streamed answer."""
        return [Chunk._make(row) for row in self._rows(sql.CHUNKS, job_id)]

    def has_uses(self, test: str) -> bool:
        """Return whether a test has used shared jobs."""
        return bool(self._rows(sql.HAS_USES, test))

    def uses_of(self, test: str) -> set[str]:
        """Return the ids of the shared jobs that a test has used."""
        return {row[0] for row in self._rows(sql.USES_OF_TEST, test)}

    def users(self) -> dict[str, list[str]]:
        """Return which tests have used each shared job, by its id."""
        users: dict[str, list[str]] = {}
        for test, job in self._rows(sql.USES):
            users.setdefault(job, []).append(test)
        return users

    def meta(self, key: str) -> str | None:
        """Return a fact about the file."""
        return next((value for (value,) in self._rows(sql.META, key)), None)

    def facts(self, start: str) -> dict[str, str]:
        """Return the facts about the file whose names begin like this."""
        return dict(self._rows(sql.FACTS_FROM, start, f"{start}\U0010ffff"))

    def close(self) -> None:
        """Close the file. Using it again opens it again."""
        with self._lock:
            if self._close is not None:
                self._close()
                self._connection = self._finder = self._close = None


class CassetteFile(Reader):
    """A cassette, opened to be read: nothing is written, not beside it either."""

    _find_statement = sql.FIND_IN_CASSETTE

    def _open(self) -> sqlite3.Connection:
        inspect_cassette(self.path)
        connection = connect(self.path, read_only=True)
        try:
            connection.execute(f"PRAGMA mmap_size = {_MAP_BYTES}")
            see_whole(connection)
            # One read transaction for all look-ups halves their cost; nobody writes to a cassette in place.
            connection.execute("BEGIN")
            _need_schema(self.path, connection)
        except BaseException:
            connection.close()
            raise
        return self._keep(connection)

    def older(self, scope: str, moment: str) -> dict[Address, str]:
        """Return when the recordings of a scope were made that are older than a moment, by their addresses."""
        return {Address(scope, *address): made for *address, made, _ in self._rows(sql.OLDER, scope, moment)}

    def __len__(self) -> int:
        count = self.meta("jobs") or "0"
        return int(count) if count.isdecimal() else 0


def _need_schema(path: Path | str, connection: sqlite3.Connection) -> None:
    version = connection.execute(sql.META, ("schema",)).fetchone()
    need_schema(path, version[0] if version else None)


_ledgers: weakref.WeakSet[Ledger] = weakref.WeakSet()
_inherited: list[Any] = []


class Ledger(Reader):
    """A file that is written while calls are made: WAL, one short transaction a call."""

    _is_ledger = True
    by_rowid = True
    _layout = LEDGER
    _mark = "jobs_address"
    _one = sql.ONE_BY_ID

    def __init__(self, path: Path | str) -> None:
        super().__init__(path)
        self._finish = sql.FINISH.format(one=self._one)
        _ledgers.add(self)

    def _named(self, place: Place) -> tuple[Any, ...]:
        """Return the values that name one row."""
        return (place.id,)

    def _open(self) -> sqlite3.Connection:
        inspect_ledger(self.path, self._mark)
        if isinstance(self.path, Path) and not self.path.exists():
            make(self.path, self._layout)
        connection = connect(self.path, read_only=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            create(connection, self._layout)
            _need_schema(self.path, connection)
        except BaseException:
            connection.close()
            raise
        return self._keep(connection)

    def open(self) -> None:
        """Open the file, if it is not; made if need be."""
        with self._using():
            pass

    def copy(self) -> sqlite3.Connection:
        """Return a copy in memory, to be read only."""
        made = connect(":memory:", read_only=False)
        with self._using() as connection:
            connection.backup(made)
        made.execute("PRAGMA query_only = ON")
        return made

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection within one write transaction."""
        with self._using() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                roll_back(connection)
                raise

    def insert(self, row: Row, chunks: Sequence[Chunk] = ()) -> bool:
        """Add a row; False if there is one at its address and attempt."""
        try:
            if chunks:
                with self.transaction() as connection:
                    connection.execute(sql.INSERT, tuple(row))
                    connection.executemany(sql.INSERT_CHUNK, [(row.id, *chunk) for chunk in chunks])
            else:
                self._write(sql.INSERT, tuple(row))
        except CassetteError as error:
            if _is_taken(error.__cause__):
                return False
            raise
        return True

    def finish(self, place: Place, answer: Answer) -> bool:
        """Store how a running row ended; False if it was given up in the meantime."""
        values = (
            answer.status, answer.completed_at or now(), answer.response_json, answer.data_json, answer.error_json,
            answer.info_json, *self._named(place),
        )  # fmt: skip
        if not answer.chunks:
            return self._write(self._finish, values) == 1
        with self.transaction() as connection:
            finished = connection.execute(self._finish, values).rowcount == 1
            if finished:
                connection.executemany(sql.INSERT_CHUNK, [(place.id, *chunk) for chunk in answer.chunks])
            return finished

    def attach(self, place: Place, data_json: str) -> None:
        """Store the data of a running row."""
        self._write(sql.ATTACH.format(one=self._one), (data_json, *self._named(place)))

    def interrupt(self, place: Place) -> bool:
        """Give up a running row; False if it has ended."""
        return self._write(sql.INTERRUPT.format(one=self._one), (now(), *self._named(place))) == 1

    def lease(self, place: Place) -> tuple[str, str | None, str | None] | None:
        """Return status, owner and last beat of a row."""
        rows = self._rows(sql.LEASE.format(one=self._one), *self._named(place))
        return rows[0] if rows else None

    def beat(self, owners: Iterable[str]) -> None:
        """Say that the owners of running rows are alive."""
        for owner in set(owners):
            self._write(sql.BEAT, (now(), owner))

    def add_use(self, test: str, job_id: str) -> None:
        """Note that a test has used a shared job."""
        self._write(sql.ADD_USE, (test, job_id))

    def _write(self, statement: str, values: tuple[Any, ...]) -> int:
        # Written out for the sake of each recorded call, like find().
        with self._lock:
            try:
                return (self._connection or self._open()).execute(statement, values).rowcount
            except FAULTS as error:
                raise explain(self.path, error, is_ledger=True) from error

    def after_fork(self) -> None:
        """Open the file anew in a forked child: a SQLite connection must not cross a fork, not even to be closed."""
        if self._close is not None:
            _inherited.append(self._close.detach())
        self._connection = self._finder = self._close = None
        self._lock = threading.RLock()


class StagingFile(Ledger):
    """A ledger in the layout of a cassette: every job has an address, one tree takes them all."""

    by_rowid = False
    _layout = CASSETTE
    _mark = "jobs"
    _one = sql.ONE_BY_PLACE

    def _named(self, place: Place) -> tuple[Any, ...]:
        assert place.address is not None  # noqa: S101 - what is staged has an address
        return (*place.address, place.attempt)

    def delete_attempt(self, address: Address) -> None:
        """Delete the row of an attempt, whose key is the scope of its calls, and those calls."""
        self._write(sql.DELETE_OF_ATTEMPT, (address.key, address.scope, address.kind, address.key))


def _is_taken(error: BaseException | None) -> bool:
    """Return whether a row was not added because there is one already, not because the file is another than it says."""
    name = getattr(error, "sqlite_errorname", "")
    return isinstance(error, sqlite3.IntegrityError) and name in (
        "SQLITE_CONSTRAINT_PRIMARYKEY",
        "SQLITE_CONSTRAINT_UNIQUE",
    )


def _after_fork_in_child() -> None:
    for ledger in list(_ledgers):
        ledger.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
