"""Which recordings of a cassette nobody asks for, and taking them out of it.

The law of this file: what is not certain is not unused. Judged are the recordings of tests that ran and passed, of
shared fixtures that did, and of tests that are certainly not there any more; those that all tests share only if
everything was looked for that the cassette names. Blocks of `use_cassette` with a name of their own may be in programs
that no test runs: they are never judged.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from .choice import is_among
from .miss import describe
from .moved import Move, Newcomer, moves
from .roll import NOT_FOUND, OTHER_PARAMETERS, below, split
from .store.build import Changes, build, exclusive
from .store.sqlite import CassetteFile
from .workplace import workshop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from .job import Address, Row
    from .told import Session

__all__ = ["NOBODY", "NOT_ASKED", "Unused", "find_unused", "remove"]

NOT_ASKED: Final = "not asked for"
NOBODY: Final = "no test uses it"

_LIKE: Final = 0.75


@dataclass(frozen=True)
class Unused:
    """One recording that nobody asks for.

    Attributes:
        row: The recording, the latest attempt.
        why: `not asked for` by its test, which passed; `test not found`; of a shared one `no test uses it`; or its test
            is `not among its parameters here`, and may be elsewhere.
        size: The bytes of all attempts at it.
        move: How it would be of a test again that was found and has no recordings; None if there is no such test.

    """

    row: Row
    why: str
    size: int
    move: Move | None = None

    @property
    def renamed(self) -> str:
        """The name that its test may have by now; `""` for none."""
        return self.move.new + self.row.scope[len(self.move.old) :] if self.move else ""

    @property
    def is_certain(self) -> bool:
        """Whether it is of no use anywhere: not of a test that was renamed, or has other parameters on this machine."""
        return self.move is None and self.why != OTHER_PARAMETERS

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
        self._is_whole = session.is_whole and all(map(session.roll.knows, self._known))
        self._moves = self._found_moves()

    def of_scope(self, scope: str) -> Iterator[Unused]:
        """Yield the unused recordings of a test, a shared fixture or a block."""
        session = self._session
        if scope in session.tests:
            # Where all tests have another cassette in this run, they may have this one in the next.
            if session.is_used and session.passed(session.tests[scope]):
                yield from self._unused(scope, NOT_ASKED)
        elif scope in session.fixture_passed:
            if session.fixture_passed[scope]:
                yield from self._unused(scope, NOT_ASKED)
        elif why := self._lack(scope):
            yield from self._unused(scope, why, self._renamed(scope))

    def _lack(self, scope: str) -> str:
        """Return why nobody of a name is there any more; `""` if somebody is, or may be."""
        session = self._session
        if not (session.is_over and session.collected) or scope in session.blocks:
            return ""
        if session.skipped and scope.startswith(session.skipped):
            return ""
        name = split(scope)
        if name.is_fixture and not session.roll.is_missing(name.file):
            # It runs for its tests: which those are is not known unless all have run, here and elsewhere.
            is_certain = self._is_whole and all(map(session.passed, session.collected))
            return NOT_FOUND if is_certain and not session.roll.mentions(name) else ""
        return session.roll.lack(scope)

    def of_all(self) -> Iterator[Unused]:
        """Yield the unused recordings that all tests share: any test may use them, so all have to have run."""
        session, users = self._session, self._file.users()
        if not (self._is_whole and session.is_used) or session.failed or session.skipped:
            return
        for unused in self._unused("", NOBODY):
            if all(self._has_done_without(user) for user in users.get(unused.row.id, ())):
                yield unused

    def _has_done_without(self, user: str) -> bool:
        session = self._session
        if user in session.tests:
            return session.passed(session.tests[user])
        return session.fixture_passed.get(user, False) or self._lack(user) == NOT_FOUND

    def _unused(self, scope: str, why: str, move: Move | None = None) -> Iterator[Unused]:
        live = self._session.live(scope)
        attempts: dict[Address, list[Row]] = defaultdict(list)
        for row in self._file.rows(scope):
            if row.address not in self._session.calls and not is_among(row.kind, live):
                attempts[row.address].append(row)
        for rows in attempts.values():
            yield Unused(max(rows, key=lambda row: row.attempt), why, sum(map(self._bytes, rows)), move)

    def _bytes(self, row: Row) -> int:
        texts = [value for value in row if isinstance(value, str)]
        texts += [chunk.body for chunk in self._file.chunks(row.id)]
        return sum(len(text.encode(errors="surrogatepass")) for text in texts)

    def _found_moves(self) -> list[Move]:
        session = self._session
        newcomers = [
            Newcomer(name, calls, not session.passed(test))
            for name, test in session.tests.items()
            if name not in self._known and (calls := self._calls_of(test))
        ]
        return moves(self._file, newcomers, [name for name in self._known if self._lack(name) == NOT_FOUND])

    def _calls_of(self, test: str) -> frozenset[tuple[str, str]]:
        return frozenset((call[1], call[2]) for asked in self._session.asked.get(test, ()) for call in asked.calls)

    def _renamed(self, scope: str) -> Move | None:
        """Return the move of a name that makes the same calls, or is called nearly the same, and has no recordings."""
        for move in self._moves:
            if scope in below((scope,), move.old):
                return move
        session = self._session
        missed = [
            name
            for name, test in session.tests.items()
            if name not in self._known and session.asked.get(test) and not session.passed(test)
        ]
        close = get_close_matches(scope, missed, n=1, cutoff=_LIKE)
        return Move(scope, close[0]) if close else None


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
            changes.gone_tests = {one.row.scope for one in unused if one.why not in (NOT_ASKED, NOBODY)}
        finally:
            file.close()
        if changes.gone:
            build(cassette, changes, folder)
    return len(changes.gone)
