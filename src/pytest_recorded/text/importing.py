"""Making a cassette of text, or bringing text into one.

The law of this file: all that is asked for is done, or nothing is. What a cassette has is not replaced unless that is
asked for, and the same calls make the same bytes.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from ..changes.files import Recorded
from ..drift import same_answer
from ..errors import UsageError
from ..store.build import Changes, build, exclusive
from ..store.diagnosis import inspect_cassette, is_there
from ..workplace import workshop

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ..entry import Entry
    from ..job import Address, Row
    from .reading import Text

__all__ = ["Choice", "Imported", "import_text"]


class Choice(StrEnum):
    """What becomes of what the cassette has."""

    ADD = "add"  # it stays as it is
    REPLACE = "replace"  # what the text has too is replaced
    EXACT = "exact"  # what the text has is all that it will have


class Imported(NamedTuple):
    """What came of it; calls are addresses, with all attempts at them.

    Attributes:
        added: Calls that the cassette did not have.
        replaced: Calls that it had otherwise.
        there: Calls that it has already, with the same answer.
        removed: Calls that the text does not have, and that were taken out.
        refused: Calls that it has with another answer, and facts that it states otherwise: then nothing was done.

    """

    added: int
    replaced: int
    there: int
    removed: int
    refused: tuple[Row | str, ...]


def import_text(text: Text, cassette: Path, choice: Choice = Choice.ADD, *, is_dry: bool = False) -> Imported:
    """Bring what was exported into a cassette.

    Args:
        text: What was exported.
        cassette: The cassette; it need not exist.
        choice: What becomes of what it has.
        is_dry: Whether nothing is to be written.

    Raises:
        CassetteError: The cassette cannot be read or written.
        UsageError: Part of a cassette cannot be all of one.

    """
    if choice is Choice.EXACT and not text.header.is_whole:
        raise UsageError(
            "this is a part of a cassette, exported with --test or --kind, and --exact would take all else out. Export "
            "it whole, or leave --exact out."
        )
    with ExitStack() as stack:
        folder = None
        if not is_dry:
            folder = workshop(cassette)
            stack.enter_context(exclusive(folder / f"{cassette.name}.lock"))
        plan = _planned(text, cassette, choice)
        imported = plan.imported()
        is_needed = bool(plan.changes) or not is_there(cassette)
        if folder is not None and is_needed and not imported.refused:
            build(cassette, plan.changes, folder)
    return imported


def _planned(text: Text, cassette: Path, choice: Choice) -> _Plan:
    plan = _Plan(choice)
    if is_there(cassette):
        inspect_cassette(cassette)
        with Recorded(cassette, str(cassette)) as file:
            plan.take(text, file.entries(), file.facts())
    else:
        plan.take(text, (), {})
    return plan


class _Plan:
    """Compares what comes with what the cassette has."""

    def __init__(self, choice: Choice) -> None:
        self.changes = Changes()
        self._choice = choice
        self._counts: Counter[str] = Counter()
        self._refused: list[Row | str] = []

    def imported(self) -> Imported:
        """Return what comes of it."""
        added, replaced, there, removed = (self._counts[name] for name in ("added", "replaced", "there", "removed"))
        return Imported(added, replaced, there, removed, tuple(self._refused))

    def take(self, text: Text, old: Iterable[Entry], facts: dict[str, str]) -> None:
        """Take in all that comes.

        Args:
            text: What comes.
            old: What the cassette has, in the order of the addresses.
            facts: What it says about itself.

        """
        coming: dict[Address, list[Entry]] = {}
        for entry in sorted(text.entries, key=lambda entry: entry.row.attempt):
            coming.setdefault(entry.row.address, []).append(entry)
        uses, replaced = set(), set()
        for address, group in groupby(old, key=lambda entry: entry.row.address):
            attempts = list(group)
            uses |= _uses(attempts)
            if self._take_call(address, attempts, coming.pop(address, [])):
                replaced |= {entry.row.id for entry in attempts}
        for address, new in coming.items():
            self._take_call(address, [], new)
        self._take_uses(uses, _uses(text.entries))
        self._take_facts(facts, text.header.facts, replaced)

    def _take_call(self, address: Address, old: list[Entry], new: list[Entry]) -> bool:
        """Take in a call, all attempts at it; return whether what the cassette has of it goes."""
        outcome = self._outcome(old, new)
        self._counts[outcome] += 1
        if outcome == "refused":
            self._refused.append(old[-1].row)
        if outcome in ("added", "replaced"):
            self.changes.fresh += [(entry.row, entry.chunks) for entry in new]
        if is_gone := outcome in ("replaced", "removed"):
            self.changes.gone.add(address)
        return is_gone

    def _outcome(self, old: list[Entry], new: list[Entry]) -> str:
        """Return what becomes of a call; there are no attempts at it where the one or the other has it not."""
        if not new:
            return "removed" if self._choice is Choice.EXACT else "left"
        if not old:
            return "added"
        if self._is_there(old, new):
            return "there"
        return "refused" if self._choice is Choice.ADD else "replaced"

    def _is_there(self, old: list[Entry], new: list[Entry]) -> bool:
        """Return whether the cassette has a call already, to the letter or (where it stays) with the same answer."""
        if [(entry.row, entry.chunks) for entry in old] == [(entry.row, entry.chunks) for entry in new]:
            return True
        last, coming = old[-1], new[-1]
        return self._choice is Choice.ADD and same_answer(last.row, coming.row, last.chunks, coming.chunks)

    def _take_uses(self, old: set[tuple[str, str]], new: set[tuple[str, str]]) -> None:
        if self._choice is not Choice.EXACT:
            self.changes.uses = new - old
        elif old != new:
            self.changes.gone_tests = {test for test, _ in old}
            self.changes.uses = new

    def _take_facts(self, old: dict[str, str], new: dict[str, str], replaced: set[str]) -> None:
        """Take in facts; `replaced`: ids of rows that go, and with them what was said of them, such as a conflict."""
        is_exact = self._choice is Choice.EXACT
        gone = {name for name in old if is_exact or name.rpartition(":")[2] in replaced} - new.keys()
        fresh = {name: value for name, value in new.items() if old.get(name) != value}
        if self._choice is Choice.ADD:
            self._refused += [name for name in fresh if name in old]
        self.changes.facts = dict.fromkeys(gone) | fresh


def _uses(entries: Iterable[Entry]) -> set[tuple[str, str]]:
    """Return pairs of a test and the shared call that it has used."""
    return {(test, entry.row.id) for entry in entries for test in entry.users}
