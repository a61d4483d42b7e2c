"""The calls of one scope, as users look at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .jobs import Job
from .made import made_jobs, recorded_rows

if TYPE_CHECKING:
    from pathlib import Path

    from .modes import RecordMode
    from .scope import Scope

__all__ = ["Cassette"]


class Cassette:
    """The calls of one scope: those that its cassette has, and those that were made just now."""

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
        rest = [Job.of(row, chunks) for row, chunks in recorded_rows(self._scope) if row.id not in known]
        return [*made, *rest]

    def __len__(self) -> int:
        return len(self.jobs)

    @property
    def play_count(self) -> int:
        """How many calls were answered from recordings."""
        return self._scope.counts["replayed"] + self._scope.counts["kept"]

    @property
    def all_played(self) -> bool:
        """Whether every recording of this scope has been asked for."""
        return self._scope.unused() == 0

    def __repr__(self) -> str:
        return f"<Cassette {self.path} {self.mode}>"
