"""Reading recorded calls: `get`, `last`, `query` and `connection`, once, over any file of ours."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from .errors import UsageError
from .jobs import Job
from .selection import Moment, Selection, selection_from
from .store.looking import AnyFile, look_into

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping

    from .store.sqlite import Reader

__all__ = ["MOST_NAMED", "FileQueries", "JobsFile", "Queries", "open_jobs"]

_SHORTEST_ID: Final = 4
_ID_DIGITS: Final = 32
#: How many ids a message names.
MOST_NAMED: Final = 10


class Queries(ABC):
    """What recorded calls can be asked for."""

    def get(self, job_id: str) -> Job | None:
        """Return a recorded call by its id, or None.

        Args:
            job_id: The id, or an unambiguous beginning of it with 4 hex digits or more.

        Raises:
            UsageError: Several ids begin so, or it is too short.
            CassetteError: The file cannot be read.

        """
        if not isinstance(job_id, str):
            raise UsageError(f"get({job_id!r}): an id is text, such as job.id.")
        start = job_id.strip().lower()
        if len(start) > _ID_DIGITS or start.strip("0123456789abcdef"):
            return None
        if len(start) < _SHORTEST_ID:
            raise UsageError(f"the id {job_id!r} is too short: give {_SHORTEST_ID} digits of it or more, as a rule 12.")
        found = self._named(start)
        if len(found) > 1:
            more = ", …" if len(found) > MOST_NAMED else ""
            shown = ", ".join(f"{job.id} ({job.kind})" for job in found[:MOST_NAMED])
            raise UsageError(f"several ids begin with {job_id!r}: {shown}{more}. Give more digits.")
        return found[0] if found else None

    def last(self, n: int = 10, *, kind: str | None = None, status: str | Iterable[str] | None = None) -> list[Job]:
        """Return the last calls, newest first.

        Args:
            n: How many at most.
            kind: See `query`.
            status: See `query`.

        Raises:
            UsageError: An argument is wrong.
            CassetteError: The file cannot be read.

        """
        if type(n) is not int or n < 1:
            raise UsageError(f"last({n!r}): give a number of jobs, 1 or more.")
        return list(self.query(kind=kind, status=status, limit=n))

    def query(
        self,
        *,
        kind: str | None = None,
        status: str | Iterable[str] | None = None,
        key: str | None = None,
        scope: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        where_data: Mapping[str, Any] | None = None,
        limit: int | None = 100,
        order: str = "desc",
    ) -> Iterator[Job]:
        """Yield the recorded calls that are asked for; each is read when its turn comes.

        Between two of them nothing is locked: calls may be recorded, the file closed, the iterator left. Calls that are
        recorded meanwhile are not among them.

        Args:
            kind: A kind, or a glob of kinds: `orders.*`; of calls of language models also of their names: `llm.*`. In
                a glob `*` is any text, `?` any letter, `[ab]` one of some letters, `[!ab]` any other.
            status: `completed`, `failed`, `interrupted`, `running` or `pending`, or several of them.
            key: An idempotency key.
            scope: A test's node id, or a glob of node ids. One that is recorded is meant as it is: `test_a[1]`.
            since: The earliest time: a datetime, a date, or either as ISO text. Without a time zone it is local time.
            until: The latest time, included; a date is the whole of its day.
            where_data: What the data is equal to, by top-level keys. `True` is not `1`, None is null or no such key.
            limit: The most calls; None for all.
            order: `desc`, the newest first, or `asc`.

        Raises:
            UsageError: An argument is wrong.
            CassetteError: The file cannot be read; raised when calls are read.

        """
        return self._selected(
            selection_from(
                kind=kind,
                status=status,
                key=key,
                scope=scope,
                since=since,
                until=until,
                where_data=where_data,
                limit=limit,
                order=order,
            )
        )

    @abstractmethod
    def connection(self) -> sqlite3.Connection:
        """Return a connection of your own to the file, to read it with SQL; close it when you are done.

        It is read only. Of calls in memory it reads a copy.

        Raises:
            CassetteError: There is no file, or it cannot be read.

        """

    @abstractmethod
    def _selected(self, selection: Selection) -> Iterator[Job]:
        """Yield the jobs of a selection."""

    @abstractmethod
    def _named(self, start: str) -> list[Job]:
        """Return the jobs whose ids begin so; if there are many, one more than are named in a message."""


class FileQueries(Queries):
    """The same, over one file."""

    _reader: Reader

    def _selected(self, selection: Selection) -> Iterator[Job]:
        if self._reader.exists():
            wanted = selection.where_scopes(self._reader.has_scope)
            yield from wanted.among(Job.of(row, self._reader.chunks) for row in self._reader.select(wanted))

    def _named(self, start: str) -> list[Job]:
        rows = self._reader.rows_named(start, MOST_NAMED + 1) if self._reader.exists() else ()
        return [Job.of(row, self._reader.chunks) for row in rows]


class JobsFile(FileQueries):
    """A file with recorded calls, to be read; see `open_jobs`.

    Attributes:
        path: The file.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = AnyFile(path)

    def tests(self) -> list[str]:
        """Return the tests that have recorded calls, or have used shared ones, sorted.

        Raises:
            CassetteError: The file cannot be read.

        """
        return [scope for scope in self._reader.scopes() if scope]

    def connection(self) -> sqlite3.Connection:
        """See `Queries.connection`."""
        return look_into(self.path)

    def close(self) -> None:
        """Do nothing: between two reads the file is closed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<JobsFile {self.path}>"


def open_jobs(path: str | Path) -> JobsFile:
    """Open any file with recorded calls: a cassette, a `jobs.db` of a `Recorder` or of the package `recorded`.

    Nothing is written, not beside the file either; it may be written to by others meanwhile.

    Args:
        path: The file.

    Raises:
        CassetteError: There is none, or it cannot be read.

    """
    return JobsFile(Path(path).absolute())
