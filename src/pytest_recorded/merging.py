"""Merging two cassettes that come from one, call by call: what git does with lines, by address.

The law of this file: nothing is lost, and who is merged into whom makes no difference but to which side of a conflict
is ours. All attempts at an address, with the pieces of their answers, are one unit. The files are read in the order of
addresses, side by side, so that what has not changed takes no memory; ours is untouched until the new one is finished.
"""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import uuid4

from .call import request_digest
from .conflicts import PREFIX, Choice, Conflict, chosen
from .drift import same_answer
from .entry import Entry
from .job import is_http
from .store.build import Changes, build, exclusive
from .units import Side, Unit, side_by_side
from .workplace import workshop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .job import Address
    from .units import Source

__all__ = ["Came", "Merged", "merge"]

#: What the file says of itself, and each has for itself.
_OWN_FACTS: Final = frozenset({"jobs", "schema"})


class Came(StrEnum):
    """Where what has changed since the base comes from."""

    OURS = "ours"
    THEIRS = "theirs"
    #: The same change on both sides.
    BOTH = "both"


class Merged(NamedTuple):
    """What came of it.

    Attributes:
        came: How many calls have changed, by where their change comes from; without those in conflict.
        conflicts: The calls that are left to somebody's choice.
        settled: For how many calls the choice that was given has decided.

    """

    came: Counter[Came]
    conflicts: list[Conflict]
    settled: int


def merge(
    base: Source | None,
    ours: Source,
    theirs: Source,
    *,
    into: Path,
    is_shared: bool = True,
    prefer: Choice | None = None,
) -> Merged:
    """Merge what two cassettes have made of a third one into a file.

    Args:
        base: What both come from; None if there is nothing: then both have added the cassette.
        ours: The one.
        theirs: The other.
        into: The file to write; it may be ours.
        is_shared: Whether somebody else may write to that file, who has to wait; else nobody knows of it.
        prefer: Which side of a conflict is kept; None keeps both, see `conflicts`.

    Raises:
        CassetteError: One of them is no cassette, or cannot be read; or the file cannot be written. It is untouched.
        SerializationError: A row in conflict is none that a sound file could have.

    """
    with _workplace(into, is_shared=is_shared) as folder:
        with ExitStack() as stack:
            sides = [None if source is None else stack.enter_context(Side(source)) for source in (base, ours, theirs)]
            merging = _Merging(sides, prefer)
            merging.add_all()
        # Windows replaces no file that is open.
        _write(ours.path, into, merging.changes, folder)
    return Merged(merging.came, merging.conflicts, merging.settled)


@contextmanager
def _workplace(into: Path, *, is_shared: bool) -> Iterator[Path]:
    """Lend a folder for unfinished files, and the right to write the file."""
    if is_shared and into.exists():
        folder = workshop(into)
        with exclusive(folder / f"{into.name}.lock"):
            yield folder
    else:
        with TemporaryDirectory(prefix="pytest-recorded-") as made:
            yield Path(made)


def _write(ours: Path, into: Path, changes: Changes, folder: Path) -> None:
    if into.exists() and into.samefile(ours):
        if changes:
            build(into, changes, folder)
        return
    into = into.resolve()
    into.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="pytest-recorded-") as made:
        copy = Path(made) / into.name
        shutil.copyfile(ours, copy)
        build(copy, changes, Path(made))
        beside = into.with_name(f".{into.name}.{uuid4().hex[:12]}")
        try:
            shutil.copyfile(copy, beside)
            beside.replace(into)
        finally:
            beside.unlink(missing_ok=True)


class _Merging:
    """Decides about each address, and gathers what is to be written over ours."""

    def __init__(self, sides: Sequence[Side | None], prefer: Choice | None) -> None:
        self._sides = sides
        self._prefer = prefer
        #: Ids of the shared rows of each side, and of the outcome.
        self._shared: list[set[str]] = [set() for _ in (*sides, None)]
        self.changes = Changes()
        self.came: Counter[Came] = Counter()
        self.conflicts: list[Conflict] = []
        self.settled = 0

    def add_all(self) -> None:
        """Go through the files."""
        units = [iter(()) if side is None else side.units() for side in self._sides]
        for address, found in side_by_side(units):
            outcome = self._outcome(*found)
            if outcome != found[_OURS]:
                self._put(address, found[_OURS], outcome)
            if not address.scope:
                for ids, unit in zip(self._shared, (*found, outcome), strict=True):
                    ids.update(row.id for row, _ in (unit.attempts if unit is not None else ()))
        self._add_uses()
        self._add_facts()

    def _outcome(self, base: Unit | None, ours: Unit | None, theirs: Unit | None) -> Unit | None:
        """Return what is to be at an address."""
        if ours == theirs:
            self.came[Came.BOTH] += ours != base
            return ours
        if base in (ours, theirs):
            came = Came.OURS if theirs == base else Came.THEIRS
            self.came[came] += 1
            return ours if came is Came.OURS else theirs
        agreed = _agreed(base, ours, theirs)
        if agreed is not None:
            self.came[Came.BOTH] += 1
            return agreed
        # A row that was recorded anew with the same answer is no change, where the other side has made one.
        if _is_unchanged(base, ours) or (ours is None and not _is_unchanged(base, theirs)):
            self.came[Came.THEIRS] += 1
            return theirs
        if theirs is None or _is_unchanged(base, theirs):
            self.came[Came.OURS] += 1
            return ours
        assert ours is not None  # noqa: S101 - then theirs has changed, and is taken
        return self._conflicting(base, ours, theirs)

    def _conflicting(self, base: Unit | None, ours: Unit, theirs: Unit) -> Unit:
        entry = self._entry(_THEIRS, theirs)
        # Theirs may be what ours was in conflict with before.
        others = (entry, *self._earlier(_THEIRS, theirs), *self._earlier(_OURS, ours))
        other = next((one for one in others if _differs(ours, Unit(((one.row, one.chunks),)))), entry)
        known = None if base is None or base.conflict else self._entry(_BASE, base)
        conflict = Conflict(known, self._entry(_OURS, ours), other)
        if self._prefer is None:
            self.conflicts.append(conflict)
            return ours._replace(conflict=conflict.text())
        self.settled += 1
        if chosen(conflict, self._prefer) is Choice.OURS:
            return ours._replace(conflict=None)
        return theirs._replace(conflict=None) if other is entry else Unit(((other.row, other.chunks),))

    def _earlier(self, side: int, unit: Unit) -> tuple[Entry, ...]:
        owner = self._sides[side]
        return () if owner is None else owner.earlier(unit)

    def _entry(self, side: int, unit: Unit) -> Entry:
        owner = self._sides[side]
        users = () if owner is None else tuple(owner.users.get(unit.last.id, ()))
        return Entry(unit.last, unit.chunks, users)

    def _put(self, address: Address, old: Unit | None, new: Unit | None) -> None:
        """Let an address have something else than ours has there."""
        if old is None or new is None or old.attempts != new.attempts:
            if old is not None:
                self.changes.gone.add(address)
            if new is not None:
                self.changes.fresh += new.attempts
        if old is not None and old.conflict:
            self.changes.facts[PREFIX + old.last.id] = None
        if new is not None and new.conflict:
            self.changes.facts[PREFIX + new.last.id] = new.conflict

    def _add_uses(self) -> None:
        """Merge which tests share which calls."""
        base, ours, theirs = (_pairs(side) for side in self._sides)
        _, of_ours, of_theirs, kept = self._shared
        wanted = defaultdict(set)
        for test, job in ours | theirs:
            pair = test, job
            # A side that has dropped the call says nothing about who uses it.
            is_dropped = job not in of_ours or job not in of_theirs
            if job in kept and (is_dropped or pair not in base or (pair in ours and pair in theirs)):
                wanted[test].add(pair)
        # A test of ours that uses less has its pairs written anew.
        self.changes.gone_tests = {test for test, job in ours if (test, job) not in wanted[test]}
        for test, pairs in wanted.items():
            self.changes.uses |= pairs if test in self.changes.gone_tests else pairs - ours

    def _add_facts(self) -> None:
        """Merge what else the files say of themselves."""
        base, ours, theirs = ({} if side is None else side.facts for side in self._sides)
        for name in {*ours, *theirs} - _OWN_FACTS:
            old, mine, other = base.get(name), ours.get(name), theirs.get(name)
            if name.startswith(PREFIX) or other in (mine, old):
                continue
            # Of two that have changed the same one is taken on either side.
            self.changes.facts[name] = other if mine == old else min(filter(None, (mine, other)))


_BASE, _OURS, _THEIRS = range(3)


def _pairs(side: Side | None) -> set[tuple[str, str]]:
    return set() if side is None else {(test, job) for job, tests in side.users.items() for test in tests}


def _agreed(base: Unit | None, ours: Unit | None, theirs: Unit | None) -> Unit | None:
    """Return one of two equal answers, with the data of whoever has changed them; None if they are not equal."""
    if ours is None or theirs is None or ours.conflict or theirs.conflict or not _is_same(ours, theirs):
        return None
    kept = min(ours, theirs, key=_rank)
    found: dict[str, Any] = {}
    for slot in ("data_json", "info_json"):
        old = _ABSENT if base is None else getattr(base.last, slot)
        mine, other = getattr(ours.last, slot), getattr(theirs.last, slot)
        if mine != other and old not in (mine, other) and slot == "data_json" and not is_http(ours.last.kind):
            # A function may have attached them: they are a part of what it has answered.
            return None
        found[slot] = other if mine == old else mine if other == old else getattr(kept.last, slot)
    last = kept.last._replace(**found), kept.chunks
    return kept._replace(attempts=(*kept.attempts[:-1], last))


_ABSENT: Final = object()


def _rank(unit: Unit) -> tuple[Any, ...]:
    """Return what decides which of two equal answers stays: the longest history, then the one that was there first."""
    return -len(unit.attempts), unit.last.submitted_at, repr(unit)


def _is_same(ours: Unit, theirs: Unit) -> bool:
    """Return whether two units give the same answer to the same request; data apart."""
    one, other = ours.last._replace(data_json=None), theirs.last._replace(data_json=None)
    # Of a key that its caller has chosen the request may be another one.
    asks_the_same = one.request_json == other.request_json or request_digest(one) == request_digest(other)
    return asks_the_same and same_answer(one, other, ours.chunks, theirs.chunks)


def _is_unchanged(base: Unit | None, side: Unit | None) -> bool:
    """Return whether a side has the answer that both come from."""
    if base is None or side is None or base.conflict or side.conflict:
        return False
    return not _differs(base, side)


def _differs(ours: Unit, theirs: Unit) -> bool:
    has_other_data = not is_http(ours.last.kind) and ours.last.data_json != theirs.last.data_json
    return has_other_data or not _is_same(ours, theirs)
