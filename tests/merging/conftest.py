"""Three cassettes that are merged: what both come from, and what each has made of it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from pytest_recorded.merging import Came, Merged, merge
from pytest_recorded.store.sqlite import CassetteFile
from pytest_recorded.units import Source
from sides import write
from three import conflicts_in, rows_in

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Outcome:
    """What a merge has made, and said; read when it is asked for first."""

    path: Path
    merged: Merged

    @cached_property
    def rows(self):
        return rows_in(self.path)[0]

    @cached_property
    def users(self):
        return rows_in(self.path)[1]

    @property
    def chunks(self):
        """The pieces of the answers, by row."""
        with closing(CassetteFile(self.path)) as file:
            return [tuple(file.chunks(row.id)) for row in self.rows]

    @cached_property
    def conflicts(self):
        return conflicts_in(self.path)

    @property
    def came(self):
        return {str(came): self.merged.came[came] for came in Came if self.merged.came[came]}

    @property
    def answers(self):
        return sorted(row.response_json for row in self.rows)

    @property
    def bytes(self):
        return self.path.read_bytes()


@pytest.fixture
def three(tmp_path):
    """Merge: `three([…], […], […])`, of calls each; a path is a cassette that there is."""
    count = iter(range(10_000))

    def cassette(calls):
        return write(tmp_path / f"side{next(count)}.db", *calls) if isinstance(calls, list) else calls

    def made(base, ours, theirs, **more):
        sources = [
            None if calls is None else Source(cassette(calls), name)
            for name, calls in (("base", base), ("ours", ours), ("theirs", theirs))
        ]
        into = tmp_path / f"merged{next(count)}.db"
        return Outcome(into, merge(*sources, into=into, **more))

    return made
