"""What cassettes have at each address, read side by side.

The law of this file: all attempts at an address, with the pieces of their answers, are one unit; and the files are read
in the order of addresses, so that no more is in memory than what stands at one of them.
"""

from __future__ import annotations

from contextlib import contextmanager
from heapq import merge as in_one_order
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from .conflicts import PREFIX, read_conflict
from .errors import CassetteError
from .job import Chunk, Row
from .store import sql
from .store.diagnosis import FAULTS, explain, inspect_cassette
from .store.looking import look_into
from .store.sqlite import CassetteFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from .entry import Entry
    from .job import Address

__all__ = ["Side", "Source", "Unit", "side_by_side"]

_MARKERS: Final = b"<<<<<<< "


class Source(NamedTuple):
    """One of the files to merge.

    Attributes:
        path: The file.
        shown: What the user calls it: `theirs (main:cassettes/jobs.db)`.

    """

    path: Path
    shown: str


class Unit(NamedTuple):
    """All that is recorded at an address.

    Attributes:
        attempts: The rows with their chunks, the last attempt last.
        conflict: The unsettled conflict about it, as it is stored.

    """

    attempts: tuple[tuple[Row, tuple[Chunk, ...]], ...]
    conflict: str | None = None

    @property
    def last(self) -> Row:
        """The last attempt, which is what is replayed."""
        return self.attempts[-1][0]

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """The pieces of its answer."""
        return self.attempts[-1][1]


class Side:
    """One of the files, read from the first address to the last."""

    def __init__(self, source: Source) -> None:
        self._source = source
        with self._named():
            _refuse_markers(source.path)
            inspect_cassette(source.path)
            self._file = CassetteFile(source.path)
            self.facts = self._file.facts("")
            self.users = self._file.users()
            self._connection = look_into(source.path)
            self._streamed = frozenset(job for (job,) in self._connection.execute(sql.STREAMED))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._connection.close()
        self._file.close()

    def units(self) -> Iterator[Unit]:
        """Yield what is recorded, in the order of addresses."""
        with self._named():
            for _, attempts in groupby(self._rows(), key=attrgetter("address")):
                rows = [(row, self._chunks(row)) for row in attempts]
                yield Unit(tuple(rows), self.facts.get(PREFIX + rows[-1][0].id))

    def earlier(self, unit: Unit) -> tuple[Entry, ...]:
        """Return the sides of the conflict that a unit of this file is in already.

        Raises:
            CassetteError: It cannot be read.

        """
        if not unit.conflict:
            return ()
        with self._named():
            conflict = read_conflict(self._source.path, unit.conflict, unit.last)
        return conflict.ours, conflict.theirs

    def _rows(self) -> Iterator[Row]:
        try:
            for columns in self._connection.execute(sql.BY_PLACE):
                row = Row._make(columns)
                if (*map(type, row.address), type(row.attempt)) != (str, str, str, int, int):
                    raise CassetteError(self._source.path, f"has a row without an address ({row.id}): it is damaged.")
                yield row
        except FAULTS as error:
            raise explain(self._source.path, error) from error

    def _chunks(self, row: Row) -> tuple[Chunk, ...]:
        return tuple(self._file.chunks(row.id)) if row.id in self._streamed else ()

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Let an error name the file as the user does."""
        try:
            yield
        except CassetteError as error:
            problem = error.problem.replace(str(self._source.path), self._source.shown)
            raise CassetteError(self._source.shown, problem) from error


def _refuse_markers(path: Path) -> None:
    try:
        with path.open("rb") as file:
            has_markers = file.read(len(_MARKERS)) == _MARKERS
    except OSError:
        # Whatever it is, the store has words for it.
        return
    if has_markers:
        raise CassetteError(
            path,
            "has conflict markers of git in it: it was merged as if it were text. Take the file of one side (git "
            "checkout --ours or --theirs, then git add), and let .gitattributes say that it is no text.",
        )


def side_by_side(several: Sequence[Iterator[Unit]]) -> Iterator[tuple[Address, list[Unit | None]]]:
    """Yield what the files have at each address."""
    marked = [_marked(side, units) for side, units in enumerate(several)]
    for address, group in groupby(in_one_order(*marked, key=itemgetter(0)), key=itemgetter(0)):
        found = {side: unit for _, side, unit in group}
        yield address, [found.get(side) for side in range(len(several))]


def _marked(side: int, units: Iterable[Unit]) -> Iterator[tuple[Address, int, Unit]]:
    # Texts of Python are in the order of their code points, which is that of SQLite's bytes.
    return ((unit.last.address, side, unit) for unit in units)
