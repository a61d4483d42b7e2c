"""The `recorded` fixture: what a test sees of its calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..cassette import Cassette
from ..jobs import Job
from ..made import made_rows
from ..queries import Queries

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from ..modes import RecordMode
    from ..scope import Scope
    from ..selection import Selection

__all__ = ["Recorded"]


class Recorded(Queries):
    """The calls of one test.

    `query` and `last` are about those that it has made so far, in the order in which it made them: the same while it is
    recorded and while it is replayed. `query(scope=…)` is about the calls in the cassette, too.

    Attributes:
        mode: The record mode.
        cassette: The test's part of the cassette.

    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.mode: RecordMode = scope.mode
        self.cassette = Cassette(scope)

    @property
    def jobs(self) -> list[Job]:
        """The calls that this test has made so far, recorded or replayed, in the order in which it made them."""
        return [Job.of(row, chunks) for row, chunks in made_rows(self._scope)]

    def connection(self) -> sqlite3.Connection:
        """Return a connection of your own to the cassette; see `Cassette.connection`."""
        return self.cassette.connection()

    def _selected(self, selection: Selection) -> Iterator[Job]:
        if selection.scope is not None:
            return self.cassette._selected(selection)  # noqa: SLF001 - it is one of us
        return selection.among(reversed(self.jobs) if selection.newest_first else self.jobs)

    def _named(self, start: str) -> list[Job]:
        return self.cassette._named(start)  # noqa: SLF001 - likewise

    def __repr__(self) -> str:
        return f"<Recorded {self._scope.name} {self.mode}>"
