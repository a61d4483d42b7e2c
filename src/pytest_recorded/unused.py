"""Which recordings of a cassette nobody asks for, and taking them out of it.

The law of this file: what is not certain is not unused. Judged are the recordings of tests that ran and passed, and of
shared fixtures that did; those of tests that do not exist any more only if all tests of the project were looked for.
Blocks of `use_cassette` with a name of their own may be in programs that no test runs: they are never judged.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from .choice import is_among
from .job import Address
from .miss import describe
from .staging import workshop
from .store.build import Changes, build, exclusive
from .store.sqlite import CassetteFile
from .unasked import Asked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from .job import Row

__all__ = ["NOBODY", "NOT_ASKED", "NOT_FOUND", "Session", "Unused", "find_unused", "remove"]

NOT_ASKED: Final = "not asked for"
NOT_FOUND: Final = "test not found"
NOBODY: Final = "no test uses it"

_LIKE: Final = 0.75
_PASSED: Final = dict.fromkeys(("setup", "call", "teardown"), "passed")
# pytest's exit codes that say nothing about tests: interrupted, a fault in it, a wrong argument.
_BROKEN: Final = frozenset({2, 3, 4})


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


@dataclass
class Session:
    """What a run of all tests, or of some, has told.

    Args:
        told: What `plugin.upkeep` has told, in order.
        cassette: The real path of the cassette that is looked at.

    """

    told: Iterable[dict[str, Any]]
    cassette: str
    #: By test: how each of its phases ended.
    outcomes: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    #: By test: what was asked for while it ran, its own scope and blocks in it.
    asked: dict[str, list[Asked]] = field(default_factory=lambda: defaultdict(list))
    fixtures: list[Asked] = field(default_factory=list)
    #: Names of scopes by node id.
    collected: dict[str, str] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    is_whole: bool = False
    #: Whether pytest came to its end.
    is_over: bool = False

    def __post_init__(self) -> None:
        for told in self.told:
            if "test" in told:
                self._add_phase(told)
            else:
                self._add_end(told)

    def _add_phase(self, told: dict[str, Any]) -> None:
        test = told["test"]
        if told["when"] == "setup":
            # Another attempt at it, if there was one.
            self.outcomes[test], self.asked[test] = {}, []
        # A phase has several reports if the test has subtests; one that failed is not forgotten.
        if self.outcomes[test].get(told["when"]) != "failed":
            is_lost = told["asked"] is None and told["outcome"] == "passed"
            self.outcomes[test][told["when"]] = "lost" if is_lost else told["outcome"]
        self._add_asked(test, told["asked"] or ())

    def _add_asked(self, test: str, told: Iterable[dict[str, Any]]) -> None:
        for one in told:
            asked = Asked(**one)
            if os.path.realpath(asked.cassette) == self.cassette:
                (self.fixtures if asked.whose == "fixture" else self.asked[test]).append(asked)

    def _add_end(self, told: dict[str, Any]) -> None:
        self.collected, self.skipped = told["collected"], tuple(told["skipped"])
        self.is_over = told["exit"] not in _BROKEN
        self.is_whole = self.is_over and told["whole"] and bool(self.collected)
        self._add_asked("", told["late"])

    @property
    def failed(self) -> list[str]:
        """The tests that failed."""
        return [test for test, outcomes in self.outcomes.items() if "failed" in outcomes.values()]

    def passed(self, test: str) -> bool:
        """Return whether a test ran and passed, and all that it has asked the cassette for was answered."""
        return self.outcomes.get(test) == _PASSED and all(asked.passed for asked in self.asked.get(test, ()))

    @cached_property
    def tests(self) -> dict[str, str]:
        """Node ids by names of scopes."""
        return {name: test for test, name in self.collected.items()}

    @cached_property
    def calls(self) -> set[Address]:
        """All addresses that anybody has asked for."""
        return {Address(*call) for asked in self._everything() for call in asked.calls}

    def live(self, scope: str) -> set[str]:
        """Return the globs of the kinds that ran live in a scope; of shared calls, anywhere."""
        return {glob for asked in self._everything() if scope in ("", asked.scope) for glob in asked.live}

    def _everything(self) -> Iterator[Asked]:
        yield from self.fixtures
        for asked in self.asked.values():
            yield from asked

    @cached_property
    def blocks(self) -> set[str]:
        """Names of scopes that blocks have given themselves."""
        return {asked.scope for asked in self._everything() if asked.whose == "block"} - self.tests.keys()

    @cached_property
    def fixture_passed(self) -> dict[str, bool]:
        """The shared fixtures that ran, and whether each time well."""
        found: dict[str, bool] = {}
        for asked in self.fixtures:
            found[asked.scope] = found.get(asked.scope, True) and asked.passed
        return found


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
