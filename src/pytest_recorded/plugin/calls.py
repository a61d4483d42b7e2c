"""The `recorded` fixture: what a test sees of its calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..cassette import Cassette
from ..jobs import Job
from ..made import made_rows

if TYPE_CHECKING:
    from ..modes import RecordMode
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
        return [Job.of(row, chunks, self._scope.projection_of) for row, chunks in made_rows(self._scope)]

    def __repr__(self) -> str:
        return f"<Recorded {self._scope.name} {self.mode}>"
