"""What an assertion about calls says when it fails: what was called instead, nearest first, by path.

The law of this file: whatever the calls hold, the text is found, and stays below 3,000 characters.
"""

from __future__ import annotations

from collections import Counter
from difflib import get_close_matches
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, Final

from .compare import distance
from .miss import describe
from .shown import clip
from .wanted import name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .jobs import Job
    from .wanted import Wanted

__all__ = ["out_of_order", "too_few", "too_many"]

_LONGEST: Final = 3_000
_SHOWN: Final = 3
_SHOWN_FIELDS: Final = 6
_LISTED: Final = 6
_KINDS: Final = 8
_RUNS: Final = 12
_LONGEST_CALL: Final = 120
_MOST_NAMES: Final = 100
_MOST_TEXT: Final = 10_000_000


def too_few(wanted: Wanted, jobs: Sequence[Job], met: Sequence[int], expected: int, beside: str) -> str:
    """Return what to say where calls are missing.

    Args:
        wanted: The calls that were expected.
        jobs: All calls, in the order in which they were made.
        met: Which of them are what was expected, by their places.
        expected: How many were expected.
        beside: What else is known about calls; `""` for nothing.

    """
    headline = f"{_count(len(met))}{wanted.said}{f', expected {expected}' if expected > 1 else ''}"
    if not jobs:
        return _text(f"{headline}: this test has made no calls", [], beside)
    others = [place for place, job in enumerate(jobs) if wanted.is_kind_of(job) and place not in set(met)]
    if met:
        headline += f": {_places(met)}"
    if others:
        which = "other call" if met else "call"
        were = f"{which} of that kind was" if len(others) == 1 else f"{which}s of that kind were"
        headline += f"; {len(others)} {were} made, nearest first:"
    elif not met:
        headline += _near_names(wanted, jobs)
    rest = [job for job in jobs if not wanted.is_kind_of(job)]
    return _text(
        headline,
        [*_nearest(wanted, jobs, others), *_by_kind(rest, "other calls" if others or met else "calls made")],
        beside,
    )


def too_many(wanted: Wanted, jobs: Sequence[Job], met: Sequence[int], expected: int, beside: str) -> str:
    """Return what to say where there are more calls than were expected; see `too_few`."""
    headline = f"{_count(len(met))}{wanted.said}, expected {expected or 'none'}:"
    lines = [f"  #{place + 1} {_described(jobs[place])}" for place in met[:_LISTED]]
    return _text(headline, [*lines, *_more(len(met) - _LISTED, "  ")], beside)


def out_of_order(steps: Sequence[Wanted], jobs: Sequence[Job], met: Sequence[int], beside: str) -> str:
    """Return what to say where calls were not made in an order.

    Args:
        steps: The calls that were expected, in their order.
        jobs: All calls, in the order in which they were made.
        met: The places of the calls that are the first of the steps; the next step has none.
        beside: What else is known about calls; `""` for nothing.

    """
    broken = steps[len(met)]
    before = [place for place, job in enumerate(jobs) if broken.is_met_by(job)]
    headline = f"calls were not made in this order: no call{broken.said}"
    headline += f" after #{met[-1] + 1}" if met else ""
    lines = [
        f"  {number + 1}. {name_of(step.kind)}: {f'#{met[number] + 1}' if number < len(met) else 'not found'}"
        for number, step in enumerate(steps[: len(met) + 1])
    ]
    if len(lines) > _LISTED:
        lines = [f"  … {len(lines) - _LISTED} before", *lines[-_LISTED:]]
    if before:
        lines[-1] += f" after #{met[-1] + 1}, but before: {_places(before)}"
    if not jobs:
        return _text(f"{headline}: this test has made no calls", lines, beside)
    if not before:
        others = [place for place, job in enumerate(jobs) if broken.is_kind_of(job)]
        nearest = _nearest(broken, jobs, others)
        lines += [f"{len(others)} of that kind, nearest first:", *nearest] if others else []
        headline += "" if others else _near_names(broken, jobs)
    return _text(headline, [*lines, _in_order(jobs, met[-1] if met else 0)], beside)


def _text(headline: str, lines: Sequence[str], beside: str) -> str:
    return clip("\n".join([headline, *lines, *([beside] if beside else [])]), _LONGEST)


def _count(number: int) -> str:
    return "no call" if number == 0 else "1 call" if number == 1 else f"{number} calls"


def _more(number: int, indent: str = "") -> list[str]:
    return [f"{indent}… and {number} more"] if number > 0 else []


def _places(places: Sequence[int]) -> str:
    return ", ".join([f"#{place + 1}" for place in places[:_KINDS]] + _more(len(places) - _KINDS))


def _described(job: Job) -> str:
    text = describe(job.kind, job.request_json)
    failed = "" if job.status == "completed" else f"  ({job.status})"
    return clip(text if text.isprintable() else repr(text), _LONGEST_CALL) + failed


def _nearest(wanted: Wanted, jobs: Sequence[Job], places: Sequence[int]) -> list[str]:
    ranked = sorted(_readable(jobs, places), key=lambda place: distance(wanted.differences(jobs[place])))
    lines = []
    for place in ranked[:_SHOWN]:
        title = f"  #{place + 1} {name_of(jobs[place].kind)}"
        # Compared once more: matchers may write themselves as what they were last compared with.
        found = wanted.differences(jobs[place])
        shown = [str(difference) for difference in found[:_SHOWN_FIELDS]]
        if len(found) == 1:
            lines.append(f"{title}  {shown[0]}")
        else:
            lines += [title, *(f"       {line}" for line in shown), *_more(len(found) - _SHOWN_FIELDS, "       ")]
    return [*lines, *_more(len(places) - len(ranked[:_SHOWN]), "  ")]


def _readable(jobs: Sequence[Job], places: Sequence[int]) -> list[int]:
    """Return the first of some calls: as many as can be compared while somebody waits."""
    sizes = accumulate(len(jobs[place].request_json or "") + len(jobs[place].data_json or "") for place in places)
    within = sum(1 for size in sizes if size <= _MOST_TEXT)
    return [*places[: max(within, _SHOWN)]]


def _by_kind(jobs: Sequence[Job], title: str) -> list[str]:
    counts = Counter(job.kind for job in jobs).most_common()
    parts = [name_of(kind) + (f" ({number} times)" if number > 1 else "") for kind, number in counts[:_KINDS]]
    return [f"{title}: {', '.join([*parts, *_more(len(counts) - _KINDS)])}"] if parts else []


def _near_names(wanted: Wanted, jobs: Sequence[Job]) -> str:
    names = list(dict.fromkeys(name[:_LONGEST_CALL] for job in jobs for name in job.names))[:_MOST_NAMES]
    bare = wanted.kind.strip("*.")[:_LONGEST_CALL]
    near = [name for name in names if bare and bare in name] or get_close_matches(bare, names, cutoff=0.5)
    return f"; did you mean {' or '.join(name_of(name) for name in near[:_SHOWN])}?" if near else ""


def _in_order(jobs: Sequence[Job], around: int) -> str:
    """Return the calls in their order, one after another of one kind together; the one at a place is among them."""
    runs = [[place for place, _ in group] for _, group in groupby(enumerate(jobs), key=lambda pair: pair[1].kind)]
    at = next(number for number, run in enumerate(runs) if around in run)
    start = max(0, min(at - _RUNS // 2, len(runs) - _RUNS))
    parts = [
        f"#{run[0] + 1}{f'-#{run[-1] + 1}' if len(run) > 1 else ''} {name_of(jobs[run[0]].kind)}"
        for run in runs[start : start + _RUNS]
    ]
    return (
        f"calls made: {', '.join([*(['…'] if start else []), *parts, *(['…'] if start + _RUNS < len(runs) else [])])}"
    )
