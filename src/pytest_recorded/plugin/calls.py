"""The `recorded` fixture: what a test sees of its calls."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ..cassette import Cassette
from ..data import Data
from ..jobs import Job
from ..made import made_rows
from ..target import target_of

if TYPE_CHECKING:
    from ..modes import RecordMode
    from ..paths import Path
    from ..scope import Scope

__all__ = ["Recorded"]


class Recorded:
    """The calls of one test.

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

    def data(self, kind: str = "*") -> Data:
        """Return the data of the calls of a kind, or of a glob of kinds, in the order in which they were made."""
        jobs = [job for job in self.jobs if fnmatchcase(job.kind, kind)]
        return Data((job.data for job in jobs), ignore=self._ignored({job.kind for job in jobs}))

    def _ignored(self, kinds: set[str]) -> list[Path]:
        """Return what does not matter of calls: what their test ignores, and what their functions do."""
        targets = [target for kind in sorted(kinds) if (target := target_of(kind)) is not None]
        return [*self._scope.ignore, *(path for target in targets for path in target.slots.ignore)]

    def __repr__(self) -> str:
        return f"<Recorded {self._scope.name} {self.mode}>"
