"""What pytest prints, last of all, about what a run was limited by: a sample, a budget, the age of recordings."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from ..freshness import age_of
from ..limits import age_text, share_text
from ..llm import dollars
from ..sample import days_of_cycle
from .verdict import MANY, arguments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..budget import Spent
    from ..limits import Budget
    from ..options import Options
    from .verdict import Tally

__all__ = ["bound_lines", "is_too_old"]

_FEW = 3


def is_too_old(tally: Tally, options: Options) -> bool:
    """Return whether the age of recordings fails the run."""
    return bool(tally.stale) and options.stale == "fail"


def bound_lines(tally: Tally, options: Options) -> Iterator[tuple[str, bool]]:
    """Yield lines, each with whether it reports a trouble."""
    if tally.sampled is not None and options.sample is not None:
        yield _sample_line(*tally.sampled, options.sample), False
    if tally.budget is not None and options.budget is not None:
        yield from _budget_line(tally.budget, options.budget, tally)
    if tally.stale and options.max_age is not None:
        yield _age_line(tally, age_text(options.max_age)), is_too_old(tally, options)


def _sample_line(chosen: int, number: int, share: float) -> str:
    days = days_of_cycle(share)
    rest = "" if days == 1 else f"; the others have their turn within {days} days"
    return f"  sample {share_text(share)}: {chosen:,} of {_many(number, 'recorded test')}{rest}"


def _budget_line(spent: Spent, budget: Budget, tally: Tally) -> Iterator[tuple[str, bool]]:
    parts = []
    if (left := tally.counts["over_budget"]) > 0:
        parts.append(f"{_many(left, 'call')} not verified")
    if (refused := tally.counts["refused"]) > 0:
        parts.append(f"{_many(refused, 'call')} refused")
    if spent.unpriced:
        parts.append(f"{_many(spent.unpriced, 'call')} without a known price not counted")
    if any(spent) or parts:
        used = f"{spent.calls:,} of {budget}" if budget.calls is not None else f"{dollars(spent.usd)} of {budget}"
        yield f"  budget: {', '.join([used, *parts])}", bool(refused)
    if spent.unpriced_llm and find_spec("genai_prices") is None:
        yield "  prices of language models come with: pip install 'pytest-recorded[llm]'", False


def _many(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _age_line(tally: Tally, age: str) -> str:
    tests = tally.stale_tests
    whose, which = "", f" {arguments(tests)}"
    if len(tests) > MANY:
        whose, which = f" in {', '.join(tests[:_FEW])} and {len(tests) - _FEW} more tests", ""
    number = len(tally.stale)
    subject = f"{_many(number, 'recording')} {'is' if number == 1 else 'are'} older than {age}"
    oldest = age_of(min(tally.stale.values()))
    command = f"pytest --record-mode=verify{which} (or rewrite, to renew them)"
    return f"  {subject}{whose}, the oldest {oldest}; see what has changed: {command}"
