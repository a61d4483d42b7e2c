"""What of a report is worth a reader's time: which groups, what they look like, and chains as one thing.

The law of this file: it chooses and counts, and makes no text of values. Terminal and Markdown read the same digest.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from ..changes.model import ORDER, ChangeClass
from .tree import json_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..changes.model import Call, Change, Figures, Group, Report

__all__ = [
    "COUNTED_ONLY",
    "MEANING",
    "Digest",
    "Row",
    "Shown",
    "chained",
    "figures",
    "groups_of",
    "metric_lines",
    "proposals",
    "rows",
    "title",
]

#: What each class means, for readers.
MEANING: Final = {
    ChangeClass.ERROR: "the live call failed, or could not be compared",
    ChangeClass.REQUEST: "the code asks something else: a call is new, gone, or has another request",
    ChangeClass.BREAKING: "the status, a field that a projection reads, or a tool call is another one",
    ChangeClass.PROJECTION: "what a projection picks is another value",
    ChangeClass.TEXT: "only prose inside of a projection is worded in another way",
    ChangeClass.SHAPE: "fields that no projection reads came, went, or have another type",
    ChangeClass.VALUE: "values that no projection reads are others",
    ChangeClass.VOLATILE: "what is ignored, or varies by itself",
    ChangeClass.METRICS: "tokens, cost or time are beyond a limit",
}
# Whether less than that has become more or less is the machine's doing.
_SHORT_MS: Final = 100.0
#: The classes of which a count says enough, unless nothing worse has changed.
COUNTED_ONLY: Final = frozenset({ChangeClass.VALUE, ChangeClass.VOLATILE, ChangeClass.METRICS})


class Row(NamedTuple):
    """What has changed in a class: numbers of calls (by their worst change), of groups, and of tests."""

    change_class: ChangeClass
    calls: int
    groups: int
    tests: int


class Shown(NamedTuple):
    """A group as it is shown.

    Attributes:
        group: The group.
        calls: Those of its calls that the report has.
        tests: The tests that make them, in their order.
        changes: Its changes in these calls, each once.
        chain: The id of the call from whose changed answer all of them follow; None if there is none.

    """

    group: Group
    calls: list[Call]
    tests: list[str]
    changes: list[Change]
    chain: str | None


class Digest:
    """A report, looked up: its calls by their ids, chains by their first call."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.calls = {call.id: call for call in report.calls}

    @property
    def changed(self) -> int:
        """How many calls have changed."""
        return sum(number for name, number in self.report.totals.items() if name != "unchanged")

    def root_of(self, call: Call) -> str | None:
        """Return the id of the call with which the chain of a call begins; None for one that stands for itself."""
        seen, root = {call.id}, call.chain
        while root is not None and root not in seen and (before := self.calls.get(root)) is not None and before.chain:
            seen.add(root)
            root = before.chain
        return root if root != call.id else None

    def groups(self) -> Iterator[Shown]:
        """Yield the groups that are worth reading, the worst first."""
        for group in self.report.groups:
            if self._is_read(group):
                yield self._shown(group)

    def counted(self) -> dict[ChangeClass, int]:
        """Return of the classes that are not read how many groups they have."""
        counts: dict[ChangeClass, int] = {}
        for group in self.report.groups:
            if not self._is_read(group):
                counts[group.change_class] = counts.get(group.change_class, 0) + 1
        return counts

    def _is_read(self, group: Group) -> bool:
        return group.change_class not in COUNTED_ONLY or self._nothing_is_worse

    @cached_property
    def _nothing_is_worse(self) -> bool:
        return all(group.change_class in COUNTED_ONLY for group in self.report.groups)

    def _shown(self, group: Group) -> Shown:
        calls = [self.calls[name] for name in group.calls if name in self.calls]
        changes = [change for call in calls for change in call.changes if change.fingerprint == group.fingerprint]
        tests = dict.fromkeys(test for call in calls for test in call.tests)
        roots = {self.root_of(call) for call in calls}
        return Shown(group, calls, [*tests], _each_once(changes), roots.pop() if len(roots) == 1 else None)


def _each_once(changes: list[Change]) -> list[Change]:
    """Return changes without those that are told already: a change in forty calls is seen once."""
    seen: set[tuple[object, ...]] = set()
    kept = []
    for change in changes:
        # Why data do not fit is one thing to say of all of them.
        told = (change.op, change.path, json_text([None if change.op == "invalid" else change.old, change.new]))
        if told not in seen:
            seen.add(told)
            kept.append(change)
    return kept


def title(report: Report) -> str:
    """Return what a report says, in a line."""
    changed = Digest(report).changed
    compared = max(report.compared, sum(report.totals.values()))
    return f"changed responses: {changed:,} of {compared:,} call{'' if compared == 1 else 's'} ({report.mode})"


def rows(report: Report) -> list[Row]:
    """Return what has changed by class, the worst first; of the classes that are there."""
    groups: dict[str, int] = {}
    tests: dict[str, set[str]] = {}
    for group in report.groups:
        groups[group.change_class] = groups.get(group.change_class, 0) + 1
    for call in report.calls:
        tests.setdefault(call.change_class, set()).update(call.tests)
    return [
        Row(each, report.totals.get(each, 0), groups.get(each, 0), len(tests.get(each, ())))
        for each in ORDER
        if report.totals.get(each, 0) or groups.get(each, 0)
    ]


def metric_lines(metrics: Figures, *, many: bool) -> list[tuple[str, str]]:
    """Return what calls have used, before and after, as names and texts; of what is known on both sides.

    Args:
        metrics: The figures.
        many: Whether they are of several calls: then the time is a median.

    """
    lines = [("tokens", *figures(metrics.tokens, "{:,.0f}")), ("cost", *figures(metrics.cost_usd, "${:,.4f}"))]
    name, form = "median time" if many else "time", "{:,.0f} ms"
    if not many or any(figure is not None and figure >= _SHORT_MS for figure in metrics.latency_ms):
        lines.append((name, *figures(metrics.latency_ms, form)))
    return [(name, f"{old} -> {new}" + (f"  {by}" if by else "")) for name, old, new, by in lines if old and new]


def figures(pair: tuple[float | None, float | None], form: str) -> tuple[str, str, str]:
    """Return an old and a new figure, and by how much it has changed, as texts; `""` for what is not known."""
    old, new = pair
    texts = ["" if figure is None else form.format(figure) for figure in pair]
    by = f"{(new - old) / old:+.1%}" if old and new is not None and new != old else ""
    return texts[0], texts[1], by


def groups_of(numbers: dict[ChangeClass, int]) -> str:
    """Return numbers of groups by class in words: `3 groups of text, 1 group of value`."""
    return ", ".join(f"{number:,} group{'' if number == 1 else 's'} of {name}" for name, number in numbers.items())


def chained(shown: Shown) -> str:
    """Return in words what follows from the first call of a chain, up to that call's id."""
    number = len(shown.group.calls)
    calls = "1 later call asks" if number == 1 else f"{number:,} later calls ask"
    return f"chain: {calls} something else because of call"


def proposals(report: Report) -> list[str]:
    """Return the paths that vary by themselves, each once: what `ignore` may take."""
    return list(dict.fromkeys(noise.path for noise in report.noise))
