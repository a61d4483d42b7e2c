"""The calls of one scope, as users look at them."""

from __future__ import annotations

import heapq
from operator import attrgetter
from typing import TYPE_CHECKING

from .errors import CassetteError
from .jobs import Job
from .made import made_jobs, recorded_jobs, staged_rows
from .queries import MOST_NAMED, Queries
from .store.diagnosis import is_there
from .store.looking import copy_with, look_into
from .unasked import unasked_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from .modes import RecordMode
    from .scope import Scope
    from .selection import Selection

__all__ = ["Cassette"]


class Cassette(Queries):
    """The calls of one scope: those that its cassette has, and those that were made just now.

    `query` and `last` are about these, too, by the time at which they were recorded; `query(scope="*")` is about the
    calls of all scopes in the file. A call that was made just now stands in for its recorded row.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    @property
    def path(self) -> Path:
        """The file."""
        return self._scope.suite.path

    @property
    def mode(self) -> RecordMode:
        """The record mode."""
        return self._scope.mode

    @property
    def jobs(self) -> list[Job]:
        """The calls of this scope: those made so far in their order, then those recorded and not made yet."""
        made = made_jobs(self._scope)
        known = {job.id for job in made}
        return [*made, *(job for job in recorded_jobs(self._scope) if job.id not in known)]

    def connection(self) -> sqlite3.Connection:
        """Return a connection of your own to the cassette, to read it with SQL; close it when you are done.

        It is read only. What this test or block has recorded just now is not in the cassette before the session has
        ended: then it is a copy in memory, with these calls in it.

        Raises:
            CassetteError: There is no cassette yet, or it cannot be read.

        """
        rows = staged_rows(self._scope)
        if rows:
            return copy_with(self.path if is_there(self.path) else None, rows)
        if not is_there(self.path):
            raise CassetteError(
                self.path, "does not exist yet: it is written when the session ends. See .jobs, .query()."
            )
        return look_into(self.path)

    def _selected(self, selection: Selection) -> Iterator[Job]:
        if selection.scope is None:
            return selection.among(_by_time(self.jobs, selection))
        file = self._scope.suite.file
        made = made_jobs(self._scope)
        scopes, ids = {job.scope for job in made}, {job.id for job in made}
        wanted = selection.where_scopes(lambda scope: scope in scopes or (file is not None and file.has_scope(scope)))
        recorded = (
            (Job.of(row, file.chunks) for row in file.select(wanted) if row.id not in ids) if file is not None else ()
        )
        ours = _by_time(made, wanted)
        return wanted.among(heapq.merge(ours, recorded, key=_time, reverse=wanted.newest_first))

    def _named(self, start: str) -> list[Job]:
        own = [job for job in self.jobs if job.id.startswith(start)]
        file = self._scope.suite.file
        ids = {job.id for job in own}
        rows = file.rows_named(start, MOST_NAMED + 1) if file is not None else ()
        return own + [Job.of(row, file.chunks) for row in rows if file is not None and row.id not in ids]

    def __len__(self) -> int:
        return len(self.jobs)

    @property
    def play_count(self) -> int:
        """How many calls were answered from recordings."""
        return self._scope.counts["replayed"] + self._scope.counts["kept"]

    @property
    def all_played(self) -> bool:
        """Whether every recording of this scope has been asked for."""
        return not unasked_of(self._scope)

    def __repr__(self) -> str:
        return f"<Cassette {self.path} {self.mode}>"


_time = attrgetter("submitted_at")


def _by_time(jobs: list[Job], selection: Selection) -> list[Job]:
    return sorted(jobs, key=_time, reverse=selection.newest_first)
