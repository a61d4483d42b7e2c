"""Which recordings of a cassette nobody asks for, and taking them out of it.

The law of this file: what is not certain is not unused. Judged are the recordings of tests that ran and passed, and of
shared fixtures that did; those of tests that do not exist any more only if all tests of the project were looked for.
Blocks of `use_cassette` with a name of their own may be in programs that no test runs: they are never judged.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from .choice import is_among
from .miss import describe
from .staging import workshop
from .store.build import Changes, build, exclusive
from .store.sqlite import CassetteFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from .job import Address, Row
    from .told import Session

__all__ = ["NOBODY", "NOT_ASKED", "NOT_FOUND", "Unused", "find_unused", "remove"]

NOT_ASKED: Final = "not asked for"
NOT_FOUND: Final = "test not found"
NOBODY: Final = "no test uses it"

_LIKE: Final = 0.75


@dataclass(frozen=True)
class Unused:
    """One recording that nobody asks for.

    Attributes:
        row: The recording, the latest attempt.
        why: `not asked for` by its test, which passed; `test not found`; of a shared one `no test uses it`.
        size: The bytes of all attempts at it.
        renamed: The test that it may be of: one that was found and has no recordings.

    """

    row: Row
    why: str
    size: int
    renamed: str = ""

    @property
    def request(self) -> str:
        """What was asked, in one line."""
        return describe(self.row.kind, self.row.request_json)


def find_unused(file: CassetteFile, session: Session) -> list[Unused]:
    """Return the recordings that nobody asks for, in the order of their addresses.

    Args:
        file: The cassette.
        session: What the tests have told.

    """
    judge = _Judge(file, session)
    found = [unused for scope in file.scopes() if scope for unused in judge.of_scope(scope)]
    return sorted((*found, *judge.of_all()), key=lambda unused: unused.row.address)


class _Judge:
    def __init__(self, file: CassetteFile, session: Session) -> None:
        self._file = file
        self._session = session
        self._known = set(file.scopes())

    def of_scope(self, scope: str) -> Iterator[Unused]:
        """Yield the unused recordings of a test, a shared fixture or a block."""
        session = self._session
        if scope in session.tests:
            if session.passed(session.tests[scope]):
                yield from self._unused(scope, NOT_ASKED)
        elif scope in session.fixture_passed:
            if session.fixture_passed[scope]:
                yield from self._unused(scope, NOT_ASKED)
        elif self._is_gone(scope):
            yield from self._unused(scope, NOT_FOUND, self._renamed(scope))

    def _is_gone(self, scope: str) -> bool:
        """Return whether a name is that of a test, or of its shared fixture, that does not exist any more."""
        session = self._session
        if not session.is_whole or scope in session.blocks or scope.startswith(session.skipped):
            return False
        before, at, _ = scope.partition("@")
        if at and "[" not in before:
            # A shared fixture runs for its tests: which those are is not known unless they all have run.
            return all(map(session.passed, session.collected))
        return "::" in scope

    def of_all(self) -> Iterator[Unused]:
        """Yield the unused recordings that all tests share: any test may use them, so all have to have run."""
        session, users = self._session, self._file.users()
        if not session.is_whole or session.failed or session.skipped:
            return
        for unused in self._unused("", NOBODY):
            tests = [session.tests.get(user, "") for user in users.get(unused.row.id, ())]
            if all(session.passed(test) for test in tests if test):
                yield unused

    def _unused(self, scope: str, why: str, renamed: str = "") -> Iterator[Unused]:
        live = self._session.live(scope)
        attempts: dict[Address, list[Row]] = defaultdict(list)
        for row in self._file.rows(scope):
            if row.address not in self._session.calls and not is_among(row.kind, live):
                attempts[row.address].append(row)
        for rows in attempts.values():
            yield Unused(max(rows, key=lambda row: row.attempt), why, sum(map(self._bytes, rows)), renamed)

    def _bytes(self, row: Row) -> int:
        texts = [value for value in row if isinstance(value, str)]
        texts += [chunk.body for chunk in self._file.chunks(row.id)]
        return sum(len(text.encode(errors="surrogatepass")) for text in texts)

    def _renamed(self, scope: str) -> str:
        """Return the test without recordings that asks for the same calls, or is called nearly the same."""
        session = self._session
        without = {name: test for name, test in session.tests.items() if name not in self._known}
        recorded = {row.address[1:] for row in self._file.rows(scope)}
        for name, test in without.items():
            if any(tuple(call[1:]) in recorded for asked in session.asked.get(test, ()) for call in asked.calls):
                return name
        missed = [name for name, test in without.items() if session.asked.get(test) and not session.passed(test)]
        close = get_close_matches(scope, missed, n=1, cutoff=_LIKE)
        return close[0] if close else ""


def remove(cassette: Path, unused: Sequence[Unused]) -> int:
    """Take recordings out of a cassette; return how many that were.

    Args:
        cassette: The cassette.
        unused: What goes; what was recorded again in the meantime stays.

    Raises:
        CassetteError: The cassette cannot be written.

    """
    folder = workshop(cassette)
    with exclusive(folder / f"{cassette.name}.lock"):
        file = CassetteFile(cassette)
        try:
            changes = Changes(gone={one.row.address for one in unused if file.row_at(one.row.address) == one.row})
            changes.gone_tests = {one.row.scope for one in unused if one.why == NOT_FOUND}
        finally:
            file.close()
        if changes.gone:
            build(cassette, changes, folder)
    return len(changes.gone)
