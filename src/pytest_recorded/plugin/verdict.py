"""What pytest prints about recordings: a line at the start, a line at the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ..llm import Usage, dollars
from ..spending import usages_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..budget import Spent

__all__ = ["MANY", "Tally", "Unused", "arguments", "in_words", "listed", "verdict_lines"]

_ALWAYS = ("replayed", "recorded", "live", "missed", "unused")
_SOMETIMES = ("kept", "unchanged", "changed", "new")
_CALLED = {"kept": "kept from a failed run"}
MANY = 10


class Unused(NamedTuple):
    """Recordings that a test did not ask for: how many, and whether tests share them."""

    number: int
    is_shared: bool


@dataclass
class Tally:
    """What is known of a session's calls, summed up over its tests and its workers."""

    counts: Counter[str] = field(default_factory=Counter)
    by_test: dict[str, Counter[str]] = field(default_factory=dict)
    #: What happened to the calls of each cassette, by its path.
    cassettes: dict[str, Counter[str]] = field(default_factory=dict)
    #: What calls of language models have used: those that went live, and those that were replayed.
    spent: Usage = field(default_factory=Usage)
    saved: Usage = field(default_factory=Usage)
    #: By test and cassette what was not asked for.
    unused: dict[tuple[str, str], Unused] = field(default_factory=dict)
    late: list[str] = field(default_factory=list)
    #: Tests that failed and had recorded something; their calls are kept for the next run.
    kept_back: list[str] = field(default_factory=list)
    #: Recordings that are older than they may be: when each was made, and the tests that were answered from them.
    stale: dict[str, str] = field(default_factory=dict)
    stale_tests: list[str] = field(default_factory=list)
    #: How many of the recorded tests were chosen to run, and of how many; None without a sample.
    sampled: tuple[int, int] | None = None
    #: What was spent of the budget; None without one.
    budget: Spent | None = None
    #: Who went to the network past the recorder: test, peer, line, whether he was blocked.
    attempts: Counter[tuple[str, str, str, bool]] = field(default_factory=Counter)

    @property
    def has_something(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.by_test or self.late or self.attempts or self.sampled or any(self.budget or ()))

    def add(self, test: str, told: dict[str, Any]) -> None:
        """Add what a test tells."""
        counts = Counter(told["counts"])
        self.counts += counts
        self.by_test[test] = self.by_test.get(test, Counter()) + counts
        for path, counted in told["cassettes"].items():
            self.cassettes[path] = self.cassettes.get(path, Counter()) + Counter(counted)
            if counted.get("unused"):
                self.unused[test, path] = Unused(counted["unused"], told["shares"])
        spent, saved = usages_from(told["usage"])
        self.spent, self.saved = self.spent + spent, self.saved + saved
        self.late += told["late"]
        self.stale |= told["stale"]
        if told["stale"] and test not in self.stale_tests:
            self.stale_tests.append(test)
        if test in self.kept_back:
            self.kept_back.remove(test)
        if told["kept_back"]:
            self.kept_back.append(test)

    def add_attempts(self, attempts: Iterable[Any], test: str = "") -> None:
        """Add connections past the recorder; `test`: whose report tells of them."""
        for *attempt, is_counted, number in attempts:
            self.attempts[tuple(attempt)] += number
            uncounted = 0 if is_counted else number
            self.counts["live"] += uncounted
            if test:
                self.by_test.setdefault(test, Counter())["live"] += uncounted


def in_words(counts: Counter[str], *, all_of_them: bool = True) -> str:
    """Return counts in words; those that are usually zero only if they are not, or none that is zero."""
    always = [name for name in _ALWAYS if all_of_them or counts[name]]
    shown = (*always, *(name for name in _SOMETIMES if counts[name]))
    return ", ".join(f"{counts[name]} {_CALLED.get(name, name)}" for name in shown)


def _usage_in_words(tally: Tally) -> str:
    used = [f"{_used(usage)} {how}" for usage, how in ((tally.spent, "spent"), (tally.saved, "saved")) if usage.tokens]
    return "; LLM: " + ", ".join(used) if used else ""


def _used(usage: Usage) -> str:
    """Return tokens and money in words: of calls without a known price there is at least what the others cost."""
    tokens = f"{usage.tokens:,} tokens"
    if not usage.priced:
        return tokens
    return f"{tokens} ({'at least ' if usage.unpriced else ''}{dollars(usage.cost_usd)})"


def verdict_lines(tally: Tally, *, mode: str, is_verbose: bool) -> Iterator[tuple[str, bool]]:
    """Yield the lines of the verdict, each with whether it reports a trouble."""
    trouble = bool(tally.counts["missed"]) or any(is_blocked for *_, is_blocked in tally.attempts)
    yield f"recorded: {in_words(tally.counts)}{_usage_in_words(tally)}", trouble
    if is_verbose:
        for test, counts in tally.by_test.items():
            yield f"  {test}: {in_words(counts)}", bool(counts["missed"])
    served = [test for test, counts in tally.by_test.items() if counts["kept"]]
    if served:
        yield f"  answered from a run that failed before: {listed(served)}", False
        yield f"  make those calls again: pytest --record-mode=rewrite {arguments(served)}", False
    if tally.kept_back:
        yield (
            (
                f"  failed, so not taken over; their calls are kept for the next run with --record-mode={mode}: "
                f"{listed(tally.kept_back)}"
            ),
            False,
        )
    for late in tally.late[:MANY]:
        yield f"  {late}", True
    yield from _attempt_lines(tally)


def _attempt_lines(tally: Tally) -> Iterator[tuple[str, bool]]:
    # Blocked ones first.
    attempts = sorted(tally.attempts.items(), key=lambda item: not item[0][-1])
    for (test, peer, line, is_blocked), number in attempts[:MANY]:
        where = ", ".join(part for part in (line, f"{number} times" if number > 1 else "") if part)
        yield f"  {'blocked' if is_blocked else 'live'}: {test or 'pytest'} to {peer} ({where})", is_blocked
    if len(attempts) > MANY:
        rest = attempts[MANY:]
        yield f"  and {len(rest)} more lines of code that went past the recorder", any(item[0][-1] for item in rest)


def listed(tests: list[str]) -> str:
    """Return tests in a row; of many of them the first."""
    more = f" and {len(tests) - MANY} more" if len(tests) > MANY else ""
    return ", ".join(tests[:MANY]) + more


def arguments(tests: list[str]) -> str:
    """Return tests as they are typed; too many of them are left to the user."""
    if len(tests) > MANY:
        return "…"
    return " ".join(f"'{test}'" for test in tests)
