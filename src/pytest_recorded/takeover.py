"""Taking over into the cassette what a session has recorded.

Taken over are the calls of attempts that passed: of each test those of its last such attempt. The same answer keeps its
old row, so that recording an unchanged world again changes no byte.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from .choice import is_among
from .drift import same_answer
from .errors import CassetteError
from .job import Address, Status, is_http, job_id
from .modes import RecordMode
from .staging import discard, end_session, forget, leftovers, read_attempts
from .store import sql
from .store.build import Changes, build, exclusive
from .store.diagnosis import is_there
from .store.sqlite import CassetteFile
from .workplace import workshop

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .job import Row
    from .staging import Attempt
    from .store.sqlite import StagingFile

__all__ = ["Taken", "final_row", "has_ended", "take_over", "take_over_leftovers"]

_ADDING: Final = frozenset(mode for mode in RecordMode if mode.adds)


class Taken(NamedTuple):
    """What a takeover did.

    Attributes:
        added: Rows that the cassette did not have.
        replaced: Rows whose answer was another one.
        dropped: Rows that a rewritten test no longer makes.
        unchanged: Rows whose answer was the same.
        spared: Rows that stay because every call of their test that has an answer has failed for want of a network.
        renewed: Rows whose answer was the same, and which were too old to be kept.
        shared: Uses of rows by tests that had not used them before.

    """

    added: int = 0
    replaced: int = 0
    dropped: int = 0
    unchanged: int = 0
    spared: int = 0
    renewed: int = 0
    shared: int = 0


def final_row(row: Row, scope: str) -> Row:
    """Return a staged row as it will be in the cassette."""
    address = Address(scope, row.kind, row.key or "", row.seq)
    return row._replace(id=job_id(address, row.attempt), scope=scope, parent_id=None, owner=None, beat_at=None)


def take_over(cassette: Path, ledger: StagingFile, *, good_since: str = "", is_leftover: bool = False) -> Taken:
    """Take over what a session has recorded, and delete its staging file if nothing worth keeping is left.

    Args:
        cassette: The cassette.
        ledger: The staging file.
        good_since: Rows that are older than this moment are replaced by the same answer too, which is as of today.
        is_leftover: Whether its session is long over: what was recorded of a test since then is not replaced.

    Raises:
        CassetteError: The cassette cannot be written; the staging file is kept.

    """
    try:
        attempts = read_attempts(ledger)
        good = _last_of_each_scope(attempt for attempt in attempts if attempt.counts)
        sources = [(ledger, attempt) for attempt in good]
        taken = _merge(cassette, sources, good_since, is_leftover=is_leftover) if good else Taken()
        done = {attempt.scope for attempt in good}
        if _worth_keeping(cassette, ledger, [attempt for attempt in attempts if attempt.scope not in done]):
            # Else the next takeover of this file would undo whatever has come into the cassette in the meantime.
            forget(ledger, [attempt for attempt in attempts if attempt.scope in done])
            end_session(ledger)
        else:
            discard(ledger)
    finally:
        ledger.close()
    return taken


def _worth_keeping(cassette: Path, ledger: StagingFile, left: list[Attempt]) -> bool:
    """Return whether an attempt is left whose calls could still be used; see `Scope.uses_kept`."""
    if not left or not is_there(cassette):
        return bool(left)
    reader = CassetteFile(cassette)
    try:
        return any(_is_needed(attempt, ledger, reader) for attempt in left)
    finally:
        reader.close()


def _is_needed(attempt: Attempt, ledger: StagingFile, reader: CassetteFile) -> bool:
    if not reader.has_scope(attempt.scope):
        return True
    rows = ledger.rows(attempt.id) if attempt.mode in _ADDING else []
    return any(has_ended(row) and reader.row_at(row.address._replace(scope=attempt.scope)) is None for row in rows)


def take_over_leftovers(cassette: Path, current: str = "") -> Taken:
    """Take over the finished tests of sessions that were killed before they could do so themselves.

    Raises:
        CassetteError: The cassette cannot be written.

    """
    total = Taken()
    for leftover in leftovers(cassette, current):
        try:
            taken = take_over(cassette, leftover.ledger, is_leftover=True)
        except CassetteError as error:
            if error.path != leftover.ledger.path:
                raise
            # It is the leftover that is damaged: it helps nobody and stops nobody.
            continue
        total = Taken(*map(sum, zip(total, taken, strict=True)))
    return total


def _last_of_each_scope(attempts: Iterable[Attempt]) -> list[Attempt]:
    return list({attempt.scope: attempt for attempt in attempts}.values())


def _merge(cassette: Path, sources: list[tuple[StagingFile, Attempt]], good_since: str, *, is_leftover: bool) -> Taken:
    folder = workshop(cassette)
    with exclusive(folder / f"{cassette.name}.lock"):
        reader = CassetteFile(cassette) if is_there(cassette) else None
        try:
            merge = _Merge(reader, good_since)
            for ledger, attempt in sources:
                if not (is_leftover and reader is not None and _is_outdated(attempt, reader)):
                    merge.add(ledger, attempt)
            merge.finish()
        finally:
            if reader is not None:
                reader.close()
        if merge.changes:
            build(cassette, merge.changes, folder)
    return merge.taken


def _is_outdated(attempt: Attempt, reader: CassetteFile) -> bool:
    """Return whether the cassette has calls of a test that were made after the end of an attempt at it."""
    shared = (reader.row(used) for used in reader.uses_of(attempt.scope))
    rows = [*reader.rows(attempt.scope), *(row for row in shared if row is not None)]
    return any((row.submitted_at or "") > attempt.completed_at for row in rows)


class _Merge:
    """Compares what was recorded with what the cassette has."""

    def __init__(self, reader: CassetteFile | None, good_since: str) -> None:
        self._reader = reader
        self._good_since = good_since
        self.changes = Changes()
        self.taken = Taken()
        self._seen: set[Address] = set()
        self._used: set[str] = set()
        # The shared calls that rewritten tests no longer make, by their ids, each with these tests.
        self._left: dict[str, set[str]] = defaultdict(set)

    def add(self, ledger: StagingFile, attempt: Attempt) -> None:
        made = set()
        rows = [(row, final_row(row, attempt.scope)) for row in ledger.rows(attempt.id) if has_ended(row)]
        if spared := self._lost_to_an_outage([final for _, final in rows]):
            self._count(spared=spared)
            return
        for row, final in rows:
            made.add(final.address)
            self._add_row(ledger, row, final)
        used = self._add_shared(ledger, attempt)
        if attempt.drops:
            self._drop_others(attempt, made)
            self._leave_shared(attempt, used)

    def _lost_to_an_outage(self, rows: list[Row]) -> int:
        """Return how many answers would be replaced by the failures of a dead network; 0 if one call got through."""
        olds = [(self._reader.row_at(row.address) if self._reader else None, row) for row in rows]
        answered = [row for old, row in olds if old is not None and old.status == Status.COMPLETED]
        return len(answered) if all(map(_is_outage, answered)) else 0

    def _add_row(self, ledger: StagingFile, row: Row, final: Row) -> None:
        if final.address in self._seen:
            return
        self._seen.add(final.address)
        chunks = tuple(ledger.chunks(row.id))
        old = self._reader.row_at(final.address) if self._reader else None
        if old is None:
            self._count(added=1)
        elif final.attempt > old.attempt:
            self._count(replaced=1)
        elif self._reader and same_answer(old, final, self._reader.chunks(old.id), chunks):
            if old.submitted_at >= self._good_since:
                self._count(unchanged=1)
                self._settle(old)
                return
            self._count(renewed=1)
            self.changes.gone.add(final.address)
        else:
            self._count(replaced=1)
            self.changes.gone.add(final.address)
        self.changes.fresh.append((final, chunks))

    def _settle(self, old: Row) -> None:
        """Let a row whose answer was made once more be in conflict with no other one; see `conflicts`."""
        name = sql.CONFLICT + old.id
        if self._reader and self._reader.meta(name) is not None:
            self.changes.facts[name] = None

    def _add_shared(self, ledger: StagingFile, attempt: Attempt) -> set[str]:
        """Add the shared calls that a test has used; return their ids."""
        used = set()
        for staged_id in sorted(ledger.uses_of(attempt.id)):
            row = ledger.row(staged_id)
            if row is None:
                # The test used a row that the cassette has already.
                final_id = staged_id
            elif has_ended(row):
                final = final_row(row, "")
                final_id = final.id
                self._add_row(ledger, row, final)
            else:
                continue
            used.add(final_id)
            if final_id not in self._uses_of(attempt.scope):
                self.changes.uses.add((attempt.scope, final_id))
                self._count(shared=1 if self._reader and self._reader.row(final_id) else 0)
        self._used |= used
        return used

    def _leave_shared(self, attempt: Attempt, used: set[str]) -> None:
        """Let a rewritten test go from the shared calls that it no longer makes."""
        left = {job for job in self._uses_of(attempt.scope) - used if self._is_asked(job, attempt)}
        if left:
            self.changes.gone_tests.add(attempt.scope)
            kept = self._uses_of(attempt.scope) - left
            self.changes.uses |= {(attempt.scope, job) for job in used | kept}
            for job in left:
                self._left[job].add(attempt.scope)

    def _uses_of(self, scope: str) -> set[str]:
        return self._reader.uses_of(scope) if self._reader else set()

    def _is_asked(self, job: str, attempt: Attempt) -> bool:
        """Return whether an attempt would have asked for a shared call: its kind did not run live."""
        row = self._reader.row(job) if self._reader else None
        return row is None or not is_among(row.kind, attempt.live)

    def finish(self) -> None:
        """Drop the shared calls that only rewritten tests have used, and that these no longer make."""
        users = self._reader.users() if self._left and self._reader else {}
        for job, leaving in self._left.items():
            row = self._reader.row(job) if self._reader else None
            if row is not None and job not in self._used and leaving.issuperset(users.get(job, ())):
                self.changes.gone.add(row.address)
                self._count(dropped=1)

    def _drop_others(self, attempt: Attempt, made: set[Address]) -> None:
        for old in self._reader.rows(attempt.scope) if self._reader else ():
            is_left = old.address in made or old.address in self.changes.gone
            if not is_left and not is_among(old.kind, attempt.live):
                self.changes.gone.add(old.address)
                self._count(dropped=1)

    def _count(self, **more: int) -> None:
        self.taken = Taken(**{name: value + more.get(name, 0) for name, value in self.taken._asdict().items()})


def _is_outage(row: Row) -> bool:
    """Return whether a call has failed before there was an answer: it is HTTP and raised, or its connection failed."""
    if row.status != Status.FAILED:
        return False
    return is_http(row.kind) or any(f'"type":"{name}' in (row.error_json or "") for name in _OUTAGES)


_OUTAGES: Final = ("builtins.Connection", "builtins.TimeoutError", "socket.gaierror", "builtins.OSError")


def has_ended(row: Row) -> bool:
    """Return whether a call has come to an end that can be replayed."""
    # A call that its own test cancelled is interrupted and has an error; one that died with its process has none.
    return row.status in (Status.COMPLETED, Status.FAILED) or (
        row.status == Status.INTERRUPTED and row.error_json is not None
    )
