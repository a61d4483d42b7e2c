"""Calls that two branches have recorded with different answers, kept in the cassette until somebody has chosen.

The law of this file: a conflict is a fact about the row that is replayed in the meantime, which is ours. Whoever puts
another row in its place, or takes it out, has settled it. Nothing else is needed to settle one: no git, no other file.
"""

from __future__ import annotations

import json
import shlex
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from .entry import Entry, load_object, read_entry, write_entry
from .errors import CassetteError, SerializationError
from .job import Status, job_id
from .store import sql
from .store.build import Changes, build, exclusive
from .store.sqlite import CassetteFile
from .takeover import final_row
from .workplace import workshop

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from .job import Address, Row
    from .store.sqlite import Reader

__all__ = [
    "PREFIX",
    "Choice",
    "Conflict",
    "chosen",
    "count_conflicts",
    "in_words",
    "read_conflicts",
    "resolve",
    "with_scope",
]

#: Of the name of a fact that is a conflict; the id of the row follows.
PREFIX: Final = sql.CONFLICT


class Choice(StrEnum):
    """Which side of a conflict is kept."""

    OURS = "ours"
    THEIRS = "theirs"
    #: The one that was recorded last.
    NEWER = "newer"


class Conflict(NamedTuple):
    """A call that two branches have recorded with different answers.

    Attributes:
        base: What both come from; None if there was nothing, or nothing certain.
        ours: What is replayed until it is settled.
        theirs: What the other branch has recorded.

    """

    base: Entry | None
    ours: Entry
    theirs: Entry

    @property
    def id(self) -> str:
        """The id of the row that it is about."""
        return self.ours.row.id

    @property
    def name(self) -> str:
        """The name of the fact that it is."""
        return PREFIX + self.id

    def text(self) -> str:
        """Return it as the fact's value.

        Raises:
            SerializationError: A row is none that a sound file could have.

        """
        sides = {side: entry and write_entry(entry) for side, entry in self._asdict().items()}
        return json.dumps(sides, ensure_ascii=False, separators=(",", ":"))


def read_conflict(path: Path | str, text: str, row: Row) -> Conflict:
    """Return the conflict that a fact's value is.

    Args:
        path: Of the cassette.
        text: The value.
        row: What it is about.

    Raises:
        CassetteError: It is none, or one about another call.

    """
    try:
        tree = load_object(text, "")
        base, ours, theirs = (_side(tree[side], row.address) for side in Conflict._fields)
    except (SerializationError, KeyError, TypeError):
        base = ours = theirs = None
    if ours is None or theirs is None:
        again = shlex.join(("pytest", "--record-mode=rewrite", row.scope or "TEST"))
        problem = f"the conflict {row.id} is none that a merge has written. Record its test again: {again}"
        raise CassetteError(path, problem)
    return Conflict(base, ours, theirs)


def _side(line: str | None, address: Address) -> Entry | None:
    """Return a side of a conflict, which may take the place of the row at an address."""
    if line is None:
        return None
    entry = read_entry(line, "")
    if entry.row.key is None or entry.row.address != address or entry.row.id != job_id(address, entry.row.attempt):
        raise SerializationError("it is another call")
    return entry


def read_conflicts(file: Reader) -> list[Conflict]:
    """Return the conflicts of a cassette that are not settled, in the order of their addresses.

    Raises:
        CassetteError: The cassette, or one of them, cannot be read.

    """
    found = []
    for name, text in file.facts(PREFIX).items():
        row = _row_of(file, name)
        if row is None:
            continue
        conflict = read_conflict(file.path, text, row)
        # The row may have got other data since, of the same answer.
        found.append(conflict._replace(ours=conflict.ours._replace(row=row)))
    return sorted(found, key=lambda conflict: conflict.ours.row.address)


def count_conflicts(file: Reader) -> int:
    """Return how many conflicts of a cassette are not settled.

    Raises:
        CassetteError: The cassette cannot be read.

    """
    return sum(_row_of(file, name) is not None for name in file.facts(PREFIX))


def in_words(file: Reader, option: Sequence[str] = ()) -> str:
    """Return how many conflicts are not settled, and what to do: `2 conflicts: pytest-recorded resolve`; else `""`.

    Args:
        file: The cassette.
        option: What tells the command to take it.

    Raises:
        CassetteError: The cassette cannot be read.

    """
    number = count_conflicts(file)
    command = shlex.join(["pytest-recorded", "resolve", *option])
    return f"{number} conflict{'' if number == 1 else 's'}: {command}" if number else ""


def _row_of(file: Reader, name: str) -> Row | None:
    """Return the row that a conflict is about; None if another attempt was recorded since, or it is gone."""
    row = file.row(name.removeprefix(PREFIX))
    latest = None if row is None else file.row_at(row.address)
    return latest if row == latest else None


def chosen(conflict: Conflict, choice: Choice) -> Choice:
    """Return which side a choice means: ours or theirs; of two that were recorded at the same time ours."""
    if choice is not Choice.NEWER:
        return choice
    ours, theirs = conflict.ours.row.submitted_at, conflict.theirs.row.submitted_at
    return Choice.THEIRS if theirs > ours else Choice.OURS


def resolve(cassette: Path, choices: Mapping[str, Choice]) -> dict[str, Choice]:
    """Settle conflicts of a cassette; return which side was kept of each.

    Args:
        cassette: The cassette.
        choices: What is kept, by the ids of the conflicts. One that was settled in the meantime is left out.

    Raises:
        CassetteError: The cassette is missing, or cannot be read or written.

    """
    folder = workshop(cassette)
    with exclusive(folder / f"{cassette.name}.lock"):
        file = CassetteFile(cassette)
        try:
            changes, kept = Changes(), {}
            for conflict in read_conflicts(file):
                if conflict.id in choices:
                    kept[conflict.id] = chosen(conflict, choices[conflict.id])
                    changes.facts[conflict.name] = None
                    if kept[conflict.id] is Choice.THEIRS:
                        _take_theirs(file, conflict, changes)
        finally:
            file.close()
        if changes:
            build(cassette, changes, folder)
    return kept


def _take_theirs(file: CassetteFile, conflict: Conflict, changes: Changes) -> None:
    theirs = conflict.theirs.row
    changes.gone.add(theirs.address)
    # What was tried before it, and has failed, stays.
    changes.fresh += [
        (row, tuple(file.chunks(row.id)))
        for row in file.rows(theirs.scope)
        if row.address == theirs.address and row.attempt < theirs.attempt and row.status != Status.COMPLETED
    ]
    changes.fresh.append((theirs, conflict.theirs.chunks))
    if theirs.id != conflict.id:
        # Another attempt is another row, and whoever shares the one shares the other.
        changes.uses |= {(test, theirs.id) for test in (*conflict.ours.users, *conflict.theirs.users)}


def with_scope(conflict: Conflict, scope: str) -> Conflict:
    """Return the conflict of a test that has got another name."""
    sides = {
        side: entry and entry._replace(row=final_row(entry.row, scope)) for side, entry in conflict._asdict().items()
    }
    return Conflict(**sides)
