"""Taking the live answers of the last verification into the cassette, without calling again.

The law of this file: a row is taken as a whole or not at all, and only in the place of the very row that it was
compared with.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, NamedTuple

from ..drift import is_failure, same_answer
from ..errors import UsageError
from ..staging import verified_files
from ..store.build import Changes, build, exclusive
from ..workplace import workshop
from .attempt import digest_of
from .documents import Findings
from .model import ORDER, Call, ChangeClass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ..job import Address
    from .views import Side

__all__ = ["ALL", "Accepted", "accept", "last_verified"]

#: Instead of fingerprints: whatever has changed.
ALL: Final = "all"

_FAILED: Final = "its live call has failed, or could not be compared"
_BAD: Final = "its live answer is an error of HTTP; to take it all the same, name its group"
_SINCE: Final = "it was recorded again since; verify again"
_FOLLOWS: Final = "it follows from the new answer of a call that stays as it is"
_OTHERS: Final = "other tests may share it; see pytest-recorded prune"


class Accepted(NamedTuple):
    """What came of it.

    Attributes:
        taken: Calls whose live answers are in the cassette now.
        refused: Calls that were meant and stay as they are, each with the reason.
        already: How many have been taken before.

    """

    taken: list[Call]
    refused: list[tuple[Call, str]]
    already: int

    def lines(self) -> Iterator[str]:
        """Yield it in words."""
        parts = [f"{len(self.taken)} accepted", f"{self.already} already" if self.already else ""]
        yield ", ".join([*filter(None, parts), *([f"{len(self.refused)} refused"] if self.refused else [])])
        for call, why in self.refused:
            tests = f" of {', '.join(call.tests)}" if call.tests else ""
            yield f"  {call.request}{tests} stays as it is: {why}"


def last_verified(cassette: Path) -> Path:
    """Return the file that has the live answers of the last verification.

    Raises:
        UsageError: There is none.

    """
    files = verified_files(cassette)
    if not files:
        raise UsageError(
            f"{cassette} was not verified here, or more than two weeks ago, so that there is nothing to accept. Run: "
            f"pytest --record-mode=verify. For another cassette: pytest-recorded accept --cassette=PATH"
        )
    return files[-1]


def accept(verified: Mapping[Path, Path], fingerprints: Sequence[str]) -> dict[Path, Accepted]:
    """Take the live answers of some groups of changes into cassettes.

    Args:
        verified: The cassettes, each with the file that has the live answers.
        fingerprints: Of the groups; or `all`.

    Raises:
        CassetteError: A file cannot be read, or a cassette cannot be written; it stays as it was then.
        UsageError: None of the files has such a group.

    """
    with ExitStack() as stack:
        several = []
        # In one order, so that nobody waits for a lock whose owner waits for ours.
        for cassette, file in sorted(verified.items()):
            stack.enter_context(exclusive(workshop(cassette) / f"{cassette.name}.lock"))
            several.append(Findings(cassette, file))
            stack.callback(several[-1].close)
        wanted = _checked(several, fingerprints)
        takes_all = ALL in map(_read, fingerprints)
        return {findings.cassette: _accepted(findings, wanted, takes_all=takes_all) for findings in several}


def _accepted(findings: Findings, wanted: frozenset[str], *, takes_all: bool) -> Accepted:
    accepting = _Accepting(findings, wanted, takes_all=takes_all)
    for call in findings.calls():
        accepting.add(call)
    findings.close()
    if accepting.changes:
        build(findings.cassette, accepting.changes, workshop(findings.cassette))
    return accepting.accepted


def _read(given: str) -> str:
    return given.strip().lower()


def _checked(several: Sequence[Findings], given: Sequence[str]) -> frozenset[str]:
    wanted = frozenset(map(_read, given))
    calls = (call for findings in several for call in findings.calls())
    known = dict.fromkeys(change.fingerprint for call in calls for change in call.changes)
    if ALL in wanted:
        return frozenset(known)
    if missing := sorted(wanted - known.keys()):
        cassettes = ", ".join(str(findings.cassette) for findings in several)
        whose = f"the last verification of {cassettes}" if several else "this run"
        there = f"It has: {', '.join(known)}." if known else "It has found no change."
        raise UsageError(f"{whose} has no group {', '.join(missing)}. {there}")
    return wanted


class _Accepting:
    """Decides about each call, and gathers what is to be written."""

    def __init__(self, findings: Findings, wanted: frozenset[str], *, takes_all: bool) -> None:
        self._findings = findings
        self._takes_all = takes_all
        self._wanted = wanted
        #: Ids of the calls with which the chains begin that are meant.
        self._first = {
            call.chain for call in findings.calls() if any(change.fingerprint in wanted for change in call.changes)
        }
        self._taken: set[Address] = set()
        #: Ids of the calls whose live answers the cassette has then.
        self._settled: set[str] = set()
        self.changes = Changes()
        self.accepted = Accepted([], [], 0)

    def add(self, call: Call) -> None:
        """Take a call in, if it is meant and can be taken."""
        found = frozenset(change.fingerprint for change in call.changes)
        # A request that was made of a new answer is asked again only by who has that answer: a chain is taken as one.
        is_chained = call.chain in self._settled or call.id in self._first
        meant = found if is_chained else found & self._wanted
        if not meant:
            return
        old, new = self._now(call), self._findings.new(call)
        if self._is_done(call, old, new):
            if call.id not in self._settled:
                self.accepted = self.accepted._replace(already=self.accepted.already + 1)
                self._settled.add(call.id)
        elif problem := next(self._problems(call, old, new, meant), None):
            self.accepted.refused.append((call, problem))
        else:
            self._take(call, new)
            if call.id not in self._settled:
                self._settled.add(call.id)
                self.accepted.taken.append(call)

    def _is_done(self, call: Call, old: Side | None, new: Side | None) -> bool:
        """Return whether the cassette is as it would be if the call were taken."""
        _, where = self._findings.where(call)
        if new is None:
            return where.new is None and old is None
        there = self._findings.recorded(new.row.address)
        return there is not None and same_answer(there.row, new.row, there.chunks, new.chunks)

    def _now(self, call: Call) -> Side | None:
        """Return what the cassette has where the call was, or where it would be."""
        _, where = self._findings.where(call)
        address = where.old or where.new
        return self._findings.recorded(address) if address is not None else None

    def _problems(self, call: Call, old: Side | None, new: Side | None, meant: frozenset[str]) -> Iterator[str]:
        attempt, where = self._findings.where(call)
        if call.change_class is ChangeClass.ERROR or (new is None and where.new is not None):
            yield _FAILED
        if self._takes_all and new is not None and is_failure(new.row) and not (old and is_failure(old.row)):
            yield _BAD
        if (digest_of(old) if old is not None else "") != where.digest:
            yield _SINCE
        if new is None and where.old is not None and where.old.scope == "" != attempt.scope:
            yield _OTHERS
        if call.chain is not None and call.chain not in self._settled:
            yield _FOLLOWS
        best = min(ORDER[one.change_class] for one in call.changes if one.fingerprint in meant)
        worse = [one for one in call.changes if ORDER[one.change_class] < best and one.fingerprint not in meant]
        if worse:
            named = ", ".join(dict.fromkeys(f"{one.fingerprint} ({one.change_class})" for one in worse))
            yield f"it has changed worse as well, and an answer is taken as a whole: accept {named}, too"

    def _take(self, call: Call, new: Side | None) -> None:
        attempt, where = self._findings.where(call)
        address = where.old or where.new
        is_shared = address is not None and address.scope == "" != attempt.scope
        # What other tests share stays beside what takes its place for this one.
        if where.old is not None and (where.old == where.new or not is_shared):
            self.changes.gone.add(where.old)
        if new is not None:
            if new.row.address not in self._taken:
                # Two tests may have told of one call that they share.
                self._taken.add(new.row.address)
                self.changes.fresh.append((new.row, tuple(new.chunks)))
            if is_shared:
                self.changes.uses.add((attempt.scope, new.row.id))
