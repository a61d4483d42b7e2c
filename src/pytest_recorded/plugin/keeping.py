"""Whose recordings nobody asks for: of tests that passed, and of tests that have other names by now."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import RecordedError
from ..moved import Newcomer, moves
from ..roll import Roll, split
from ..store.sqlite import CassetteFile
from .marker import rest_of
from .typed import typed_test
from .verdict import MANY, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest

    from ..moved import Move
    from ..scope import Scope
    from ..suite import Suite
    from .session import TestSession
    from .verdict import Tally

__all__ = ["Attendance", "Newcomers", "has_parts_of_files", "unused_lines"]


def has_parts_of_files(config: pytest.Config) -> bool:
    """Return whether pytest does not look for all tests of the files that it looks into."""
    return bool(config.getoption("lf", None)) or any("::" in argument for argument in config.args)


class Attendance:
    """Which tests a process knows of, and which of them had no recordings of the calls that they asked for."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._items: list[pytest.Item] = []
        self._is_partial = True
        self._rolls: dict[Path, Roll] = {}
        self._newcomers: dict[Suite, dict[str, Newcomer]] = {}

    def begin(self, session: pytest.Session, *, is_narrowed: bool) -> None:
        """Take in what was collected, and whether tests were left out."""
        self._items = session.items
        self._is_partial = is_narrowed or has_parts_of_files(session.config)
        self._rolls.clear()

    def note(self, scopes: Iterable[Scope]) -> None:
        """Take in scopes that have ended."""
        for scope in scopes:
            with suppress(RecordedError):
                if scope.tickets and not (scope.suite.file is None or scope.is_shared or scope.has_recordings):
                    calls = frozenset(ticket.address[1:3] for ticket in scope.tickets if ticket.address is not None)
                    newcomer = Newcomer(scope.name, calls, bool(scope.misses))
                    self._newcomers.setdefault(scope.suite, {})[scope.name] = newcomer

    def roll(self, suite: Suite) -> Roll:
        """Return which tests of a suite there are."""
        if suite.path not in self._rolls:
            tests = [suite.name_of(item.path, rest_of(item), self._root) for item in self._items]
            files = () if self._is_partial else {split(test).file for test in tests}
            self._rolls[suite.path] = Roll(suite.path, self._root, tests, files)
        return self._rolls[suite.path]

    def told(self) -> list[Any]:
        """Return what xdist's controller has to know: by cassette which names are gone, and who has no recordings."""
        told = []
        for suite, newcomers in self._newcomers.items():
            with suppress(RecordedError):
                names = suite.file.scopes() if suite.file is not None else ()
                if gone := [name for name in names if self.roll(suite).is_gone(name)]:
                    plain = [(one.name, sorted(one.calls), one.has_missed) for one in newcomers.values()]
                    told.append((str(suite.path), gone, plain))
        return told


class Newcomers:
    """What all processes tell of tests without recordings, by cassette."""

    def __init__(self) -> None:
        self._gone: dict[str, set[str]] = defaultdict(set)
        self._newcomers: dict[str, list[Newcomer]] = defaultdict(list)

    def add(self, told: Iterable[Any]) -> None:
        """Add what a process tells."""
        for cassette, gone, newcomers in told:
            self._gone[cassette].update(gone)
            self._newcomers[cassette] += [
                Newcomer(name, frozenset(map(tuple, calls)), has_missed) for name, calls, has_missed in newcomers
            ]

    def lines(self, session: TestSession) -> Iterator[str]:
        """Yield what to do with recordings of tests that have other names by now."""
        for cassette, newcomers in self._newcomers.items():
            path = Path(cassette)
            with suppress(RecordedError), closing(CassetteFile(path)) as file:
                # The miss of a single test has said so itself.
                found = [
                    move for move in moves(file, newcomers, self._gone[cassette]) if move.is_taken or move.tests > 1
                ]
                for move in found[:MANY]:
                    yield _move_line(move, session, path)
                if len(found) > MANY:
                    yield f"  and {len(found) - MANY} more: {session.command('unused', path, runs=True)}"


def _move_line(move: Move, session: TestSession, cassette: Path) -> str:
    whose = "which is not there any more" + (f" ({move.tests} tests)" if move.tests > 1 else "")
    own = "; it has recordings, too: to have the others in their place" if move.is_taken else ""
    said = f"{move.new} asks for what {move.old} has recorded, {whose}{own}"
    return f"  {said}: {session.command(move.verb, cassette, move.old, move.new)}"


def unused_lines(tally: Tally, session: TestSession) -> Iterator[str]:
    """Yield whose recordings were not asked for, and what to do with them."""
    if session.options.mode.compares or session.chooses_for_once:
        # The report has them; or the next run asks for them again.
        return
    for cassette in sorted({cassette for _, cassette in tally.unused}):
        tests = {test: unused for (test, path), unused in tally.unused.items() if path == cassette}
        named = listed([f"{test} ({unused.number})" for test, unused in tests.items()])
        if any(unused.is_shared for unused in tests.values()):
            # What tests share is judged only if all of them run, from the rootdir on.
            which = [root] if (root := typed_test(session.config, ".")) != "." else []
        else:
            which = [] if len(tests) > MANY else list(tests)
        command = session.command("prune", Path(cassette), *which, runs=True)
        yield f"  not asked for, of tests that passed: {named}"
        yield f"  look at them: {command}   (prune --yes removes them)"
