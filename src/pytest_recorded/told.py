"""What a run of a project's tests has told of what they ask a cassette for."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .job import Address
from .roll import Roll
from .unasked import Asked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Session"]

_PASSED: Final = dict.fromkeys(("setup", "call", "teardown"), "passed")
# pytest's exit codes that say nothing about tests: interrupted, a fault in it, a wrong argument.
_BROKEN: Final = frozenset({2, 3, 4})


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
    #: Which tests there are, whether they were selected or not.
    roll: Roll = field(default_factory=lambda: Roll(Path(), Path(), (), ()))
    #: The rootdir.
    root: Path = field(default_factory=Path)
    skipped: tuple[str, ...] = ()
    #: Whether a test, a fixture or a block that ran has this cassette.
    is_used: bool = False
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
                self.is_used = True
                (self.fixtures if asked.whose == "fixture" else self.asked[test]).append(asked)

    def _add_end(self, told: dict[str, Any]) -> None:
        self.collected, self.skipped = told["collected"], tuple(told["skipped"])
        self.root = Path(told["root"])
        self.roll = Roll(Path(self.cassette), self.root, told["known"], told["files"])
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

    def certain(self) -> Iterator[Asked]:
        """Yield what those have asked for that ended well: shared fixtures, then tests in their order."""
        yield from (asked for asked in self.fixtures if self.fixture_passed[asked.scope])
        for test in filter(self.passed, self.collected):
            yield from self.asked[test]

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
