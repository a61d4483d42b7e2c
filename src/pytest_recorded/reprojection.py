"""The data of recorded calls, picked again by the models that are in force, and put into the cassette.

The law of this file: what is not certain stays as it is. Judged are the recordings of tests that ran and passed; a row
that its model does not fit keeps its data; and a row that was recorded again in the meantime is another one.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from .canonical import canonical, load_tree
from .conflicts import PREFIX
from .delta import differences
from .errors import SerializationError
from .job import is_http
from .jobs import Job
from .miss import describe
from .noting import again
from .store.build import Changes, build, exclusive
from .store.sqlite import CassetteFile
from .workplace import workshop

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from .job import Row
    from .scope import Scope
    from .told import Session

__all__ = ["Outdated", "Picked", "find_outdated", "picked_in", "put_right"]


class Picked(NamedTuple):
    """What the data of a row would be, as the process tells it in which the test ran.

    Attributes:
        id: Of the row.
        is_asked: Whether the scope has asked for it; else it only belongs to it.
        model: The name of the model that picks it; `""` for none.
        problem: Why the model does not fit; `""` if it does.
        is_same: Whether what is stored is what would be.
        data_json: The data as it would be; not told where `is_same`.
        info_json: What else is noted; likewise.

    """

    id: str
    is_asked: bool
    model: str
    problem: str
    is_same: bool
    data_json: str | None = None
    info_json: str | None = None


class Outdated(NamedTuple):
    """One recording that would have other data, or other figures, if it were recorded now; or whose model does not fit.

    Attributes:
        row: The recording, as it is.
        model: The name of the model; `""` for none.
        better: The recording as it should be; the same row if only its model does not fit.
        problem: Why that is, with the path of the misfit; `""` if it fits.

    """

    row: Row
    model: str
    better: Row
    problem: str

    @property
    def request(self) -> str:
        """What was asked, in one line."""
        return describe(self.row.kind, self.row.request_json)

    @property
    def differs(self) -> bool:
        """Whether there is something to be written."""
        return self.row != self.better

    @property
    def paths(self) -> list[str]:
        """Where its data differ, from `$`."""
        return [found.path for found in differences(_tree(self.row.data_json), _tree(self.better.data_json))]

    @property
    def has_figures(self) -> bool:
        """Whether tokens or a cost are noted anew."""
        return self.row.info_json != self.better.info_json


def _tree(text: str | None) -> Any:
    try:
        return None if text is None else load_tree(text)
    except SerializationError:
        return None


# Where the tests run.


def picked_in(scope: Scope) -> Iterator[Picked]:
    """Yield what the data would be of the rows that a scope has, or has asked for, in its cassette."""
    file = scope.suite.file
    if file is None:
        return
    asked = {ticket.address for ticket in scope.tickets if ticket.address is not None}
    # The name "" is that of all blocks without a name, and of what tests share.
    own = file.rows(scope.name) if scope.name else []
    others = asked - {row.address for row in own}
    for row in (*own, *filter(None, map(file.row_at, sorted(others)))):
        is_asked = row.address in asked
        # Which model a function has that was not called, nobody here can say.
        if is_asked or is_http(row.kind):
            yield _picked(scope, file, row, is_asked=is_asked)


def _picked(scope: Scope, file: CassetteFile, row: Row, *, is_asked: bool) -> Picked:
    chunks = file.chunks(row.id)
    made, problem = again(row, chunks, scope.projection_of)
    projection = Job.of(row, chunks, scope.projection_of).projection
    model = "" if projection is None else projection.name
    # Half a surrogate pair does not travel between processes.
    problem = problem.encode("utf-8", "backslashreplace").decode()
    picked = Picked(row.id, is_asked, model, problem, is_same=_is_same(row, made))
    return picked if picked.is_same else picked._replace(data_json=made.data_json, info_json=made.info_json)


def _is_same(old: Row, new: Row) -> bool:
    return all(
        before == after or (before is not None and after is not None and _canonical(before) == _canonical(after))
        for before, after in ((old.data_json, new.data_json), (old.info_json, new.info_json))
    )


def _canonical(text: str) -> str:
    """Return JSON in one way of writing: the order of a model's fields is no difference."""
    return canonical(load_tree(text))


# Where all has been told.


def find_outdated(file: CassetteFile, session: Session) -> tuple[list[Outdated], int]:
    """Return the recordings whose data are not what they would be, in the order of their addresses; of how many.

    Args:
        file: The cassette.
        session: What the tests have told.

    """
    told: dict[str, list[Picked]] = defaultdict(list)
    for asked in session.certain():
        for one in map(Picked._make, asked.data):
            told[one.id].append(one)
    found = []
    for job, several in told.items():
        row, picked = file.row(job), _agreed(several)
        if row is None or picked is None:
            continue
        better = row if picked.is_same else row._replace(data_json=picked.data_json, info_json=picked.info_json)
        if better != row or picked.problem:
            found.append(Outdated(row, picked.model, better, picked.problem))
    return sorted(found, key=lambda one: (one.row.address, one.row.attempt)), len(told)


def _agreed(several: Sequence[Picked]) -> Picked | None:
    """Return what holds of a row: what one of those says that asked for it; else what all say whose it may be."""
    asked = [picked for picked in several if picked.is_asked]
    if asked:
        return min(asked, key=lambda picked: (picked.problem != "", not picked.is_same))
    return several[0] if len(set(several)) == 1 else None


def put_right(cassette: Path, outdated: Iterable[Outdated]) -> int:
    """Give recordings the data that they should have; return how many that were.

    Args:
        cassette: The cassette.
        outdated: Which recordings; one that was recorded again in the meantime stays.

    Raises:
        CassetteError: The cassette cannot be written.

    """
    folder = workshop(cassette)
    with exclusive(folder / f"{cassette.name}.lock"):
        file = CassetteFile(cassette)
        try:
            better = {one.row.id: one.better for one in outdated if one.differs and file.row(one.row.id) == one.row}
            changes = Changes(gone={row.address for row in better.values()})
            for scope in sorted({address.scope for address in changes.gone}):
                changes.fresh += [
                    (better.get(row.id, row), tuple(file.chunks(row.id)))
                    for row in file.rows(scope)
                    if row.address in changes.gone
                ]
            # Other data settle no conflict about the answer.
            changes.facts |= {name: text for name, text in file.facts(PREFIX).items() if name[len(PREFIX) :] in better}
        finally:
            file.close()
        if changes:
            build(cassette, changes, folder)
    return len(better)
