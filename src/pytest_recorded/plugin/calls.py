"""The `recorded` fixture: what a test sees of its calls."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ..assertions import Calls
from ..cassette import Cassette
from ..made import made_jobs
from ..modes import RecordMode
from ..queries import Queries
from ..spoken import LLMCalls

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from ..call import Ticket
    from ..jobs import Job
    from ..paths import Path
    from ..scope import Scope
    from ..selection import Selection

__all__ = ["Recorded"]


class Recorded(Calls, Queries):
    """The calls of one test, and assertions on them.

    `query` and `last` are about those that it has made so far, in the order in which it made them: the same while it is
    recorded and while it is replayed. `query(scope=…)` is about the calls in the cassette, too.

    Attributes:
        mode: The record mode.
        cassette: The test's part of the cassette.

    """

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self._scope = scope
        self._known: dict[Ticket, Job] = {}
        self.mode: RecordMode = scope.mode
        self.cassette = Cassette(scope)

    @property
    def jobs(self) -> list[Job]:
        """The calls that this test has made so far, recorded or replayed, in the order in which it made them."""
        return made_jobs(self._scope, self._known)

    @property
    def llm(self) -> LLMCalls:
        """Those of the calls that are of language models: what they have used, and assertions on them."""
        return LLMCalls(self.jobs, self._beside())

    def _beside(self) -> str:
        if self.mode is RecordMode.OFF:
            return "With the mode off calls run without the recorder, and are not seen."
        counts = self._scope.counts
        running = sum(ticket.is_running for ticket in list(self._scope.tickets))
        parts = [
            f"{number} {what}"
            for number, what in (
                (counts["live"], "live"),
                (counts["missed"], "refused"),
                (running, "still running"),
            )
            if number
        ]
        return f"Not among these calls: {', '.join(parts)}." if parts else ""

    def connection(self) -> sqlite3.Connection:
        """Return a connection of your own to the cassette; see `Cassette.connection`."""
        return self.cassette.connection()

    def _selected(self, selection: Selection) -> Iterator[Job]:
        if selection.scope is not None:
            return self.cassette._selected(selection)  # noqa: SLF001 - it is one of us
        return selection.among(reversed(self.jobs) if selection.newest_first else self.jobs)

    def _named(self, start: str) -> list[Job]:
        return self.cassette._named(start)  # noqa: SLF001 - likewise

    def _ignored(self, jobs: Iterable[Job]) -> list[Path]:
        """Return what does not matter of calls: what their test ignores, and what their functions do."""
        return [path for kind in sorted({job.kind for job in jobs}) for path in self._scope.ignored_in(kind)]

    def __repr__(self) -> str:
        kinds = Counter(ticket.call.kind for ticket in list(self._scope.tickets) if ticket.source)
        calls = ", ".join(kind + (f" ({number} times)" if number > 1 else "") for kind, number in kinds.items())
        return f"<Recorded {self._scope.name} {self.mode}: {calls or 'no calls'}>"
