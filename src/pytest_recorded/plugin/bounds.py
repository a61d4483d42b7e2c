"""What pytest prints, last of all, about what a run was limited by: a sample, the age of recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..freshness import age_of
from ..limits import age_text, share_text
from ..sample import days_of_cycle
from .verdict import MANY, arguments

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    if tally.stale and options.max_age is not None:
        yield _age_line(tally, age_text(options.max_age)), is_too_old(tally, options)


def _sample_line(chosen: int, number: int, share: float) -> str:
    days = days_of_cycle(share)
    rest = "" if days == 1 else f"; the others have their turn within {days} days"
    return f"  sample {share_text(share)}: {chosen:,} of {number:,} recorded tests{rest}"


def _age_line(tally: Tally, age: str) -> str:
    tests = tally.stale_tests
    whose, which = "", f" {arguments(tests)}"
    if len(tests) > MANY:
        whose, which = f" in {', '.join(tests[:_FEW])} and {len(tests) - _FEW} more tests", ""
    number = len(tally.stale)
    subject = f"{number:,} recording{' is' if number == 1 else 's are'} older than {age}"
    oldest = age_of(min(tally.stale.values()))
    return f"  {subject}{whose}, the oldest {oldest}; see what has changed: pytest --record-mode=verify{which}"
