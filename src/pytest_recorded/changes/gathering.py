"""Many changed calls as one report."""

from __future__ import annotations

from array import array
from collections import Counter
from math import fsum
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from .groups import groups_of
from .model import ORDER, Call, ChangeClass, Figures, Noise, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .attempt import Told

__all__ = ["UNCHANGED", "Tally", "fails", "gathered", "report_of"]

UNCHANGED: Final = "unchanged"
# What counts as changed, by the words of the option `fail_on`.
_FROM: Final = {
    "breaking": ChangeClass.BREAKING,
    "projection": ChangeClass.PROJECTION,
    "text": ChangeClass.TEXT,
    "shape": ChangeClass.SHAPE,
}


def report_of(
    calls: Iterable[Call],
    *,
    mode: str,
    compared: int,
    cassettes: Sequence[str] = (),
    not_verified: Mapping[str, int] | None = None,
    noise: Sequence[Noise] = (),
    figures: Iterable[Figures] = (),
) -> Report:
    """Return the report of some calls; what several tests say of one call they share is said once.

    Args:
        calls: The calls that have changed.
        mode: The record mode.
        compared: How many calls were compared, unchanged ones too.
        cassettes: Paths of the cassettes.
        not_verified: Number of calls by the reason for which they were not made again.
        noise: What varies by itself.
        figures: What all compared calls have used.

    """
    several = list(calls)
    known = tuple(sorted(_joined(several).values(), key=_rank))
    # What several tests share was compared for each of them.
    compared -= len(several) - len(known)
    totals = Counter(str(call.change_class) for call in known)
    counted = {str(each): totals[each] for each in ChangeClass if totals[each]}
    return Report(
        mode=mode,
        cassettes=tuple(sorted(cassettes)),
        compared=compared,
        totals={**counted, UNCHANGED: max(0, compared - len(known))},
        not_verified=dict(sorted((not_verified or {}).items())),
        groups=groups_of(known),
        calls=known,
        noise=_noise(noise),
        metrics=_summed(figures),
    )


def gathered(told: Sequence[Told], *, mode: str, cassettes: Sequence[str]) -> Report:
    """Return the report of what attempts at tests have told."""
    left_out: Counter[str] = Counter()
    for one in told:
        left_out.update(one.not_verified)
    return report_of(
        (call for one in told for call in one.calls),
        mode=mode,
        compared=sum(one.compared for one in told),
        cassettes=cassettes,
        not_verified=left_out,
        noise=[each for one in told for each in one.noise],
        figures=(each for one in told for each in one.figures),
    )


def _noise(several: Iterable[Noise]) -> tuple[Noise, ...]:
    """Return what varies, each place of a kind once, with the number of all its calls."""
    calls: Counter[tuple[str, str]] = Counter()
    for one in several:
        calls[one.kind, one.path] += one.calls
    return tuple(Noise(kind=kind, path=path, calls=number) for (kind, path), number in sorted(calls.items()))


def _joined(calls: Iterable[Call]) -> dict[str, Call]:
    known: dict[str, Call] = {}
    for call in calls:
        other = known.get(call.id)
        if other is not None:
            tests = tuple(sorted({*other.tests, *call.tests}))
            worse = min(other, call, key=lambda one: ORDER[one.change_class])
            known[call.id] = worse.model_copy(update={"tests": tests})
        else:
            known[call.id] = call
    return known


def _rank(call: Call) -> tuple[Any, ...]:
    return ORDER[call.change_class], call.tests, call.recorded_at or "", call.id


def _summed(figures: Iterable[Figures]) -> Figures:
    tally = Tally()
    for used in figures:
        tally.add(used)
    return tally.figures()


class Tally:
    """Sums up what calls have used; of any number of them it keeps numbers alone."""

    def __init__(self) -> None:
        self._known = {name: (array("d"), array("d")) for name in ("tokens", "cost_usd", "latency_ms")}

    def add(self, used: Figures) -> None:
        """Add a call. What is known of one side only does not count."""
        for name, (olds, news) in self._known.items():
            old, new = getattr(used, name)
            if old is not None and new is not None:
                olds.append(old)
                news.append(new)

    def figures(self) -> Figures:
        """Return the sums; of the times the medians."""
        return Figures(
            tokens=self._both("tokens", lambda counts: int(sum(counts))),
            # Else Python before 3.12 and after would say different sums.
            cost_usd=self._both("cost_usd", fsum),
            latency_ms=self._both("latency_ms", median),
        )

    def _both(self, name: str, whole: Callable[[array[float]], Any]) -> Any:
        olds, news = self._known[name]
        return (whole(olds), whole(news)) if olds else (None, None)


def fails(calls: Iterable[Call], fail_on: str) -> bool:
    """Return whether what has changed fails a run.

    Args:
        calls: What has changed.
        fail_on: From which class on; `any`: all but what is ignored; `never`.

    """
    if fail_on == "never":
        return False
    if fail_on == "any":
        return any(call.change_class is not ChangeClass.VOLATILE for call in calls)
    return any(ORDER[call.change_class] <= ORDER[_FROM[fail_on]] for call in calls)
