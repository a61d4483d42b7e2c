"""How much is recorded: calls, bytes, tokens and cost, by test or by kind, of 100,000 rows in a second or two."""

from __future__ import annotations

import heapq
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from . import llm
from .canonical import load_tree
from .choice import is_among
from .errors import RecordedError
from .llm import Usage
from .message import HttpRequest, HttpResponse
from .store.briefs import briefs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from .jobs import Job
    from .store.briefs import Brief

__all__ = ["Group", "Total", "Totals", "figures_of", "totals"]

_URL: Final = re.compile(r'"url":"[^:"]*://[^/?"]*([^?"]*)')
# What a row that was written by somebody else may make of its reader.
_PROBLEMS: Final = (RecordedError, ValueError, TypeError, KeyError, RecursionError)


class Group(NamedTuple):
    """What some calls have in common: the test, or the kind and of calls of language models the name."""

    test: str = ""
    kind: str = ""
    llm: str = ""


@dataclass(slots=True)
class Total:
    """Some calls, summed up.

    Attributes:
        group: What they have in common.
        calls: How many there are.
        failed: How many of them did not complete.
        size: How many bytes they take.
        first: When the first of them was recorded: UTC, ISO 8601.
        last: When the last of them was.
        usage: What those of them have used that are of language models.

    """

    group: Group
    calls: int = 0
    failed: int = 0
    size: int = 0
    first: str = ""
    last: str = ""
    usage: Usage = field(default_factory=Usage)

    def add(self, other: Total) -> None:
        """Add other calls to these."""
        self.calls += other.calls
        self.failed += other.failed
        self.size += other.size
        self.first = min(self.first or other.first, other.first)
        self.last = max(self.last, other.last)
        if other.usage.calls:
            self.usage += other.usage

    @classmethod
    def sum(cls, parts: Iterable[Total]) -> Total:
        """Return the total of some totals."""
        whole = cls(Group())
        for part in parts:
            whole.add(part)
        return whole


class Totals(NamedTuple):
    """What is recorded, summed up, and the ids of the largest calls, the largest first."""

    groups: list[Total]
    largest: list[str]


def totals(
    path: Path,
    by: Literal["test", "kind"],
    *,
    kind: str | None = None,
    scope: str | None = None,
    largest: int = 0,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Totals:
    """Return what is recorded in a file, summed up, in the order of its tests or kinds.

    Args:
        path: The file.
        by: What is summed up.
        kind: A kind, or a glob of kinds and names; None for all. See `Queries.query`.
        scope: A test, or a glob of tests; None for all.
        largest: Of how many calls, the largest, the ids are wanted.
        progress: Told how many of how many rows have been looked at.

    Raises:
        CassetteError: There is no such file, or it cannot be read.

    """
    found: dict[Group, Total] = {}
    heap: list[tuple[int, str]] = []
    count, rows = briefs(path, _may_be_llm)
    for number, row in enumerate(rows):
        if number % 1024 == 0:
            progress(number, count)
        if scope is not None and row.scope != scope and not is_among(str(row.scope), (scope,)):
            continue
        noted = _noted(row)
        name = _name(noted)
        names = (str(row.kind), f"llm.{name}") if name else (str(row.kind),)
        if kind is not None and kind not in names and not any(is_among(one, (kind,)) for one in names):
            continue
        group = Group(test=str(row.scope)) if by == "test" else Group(kind=str(row.kind), llm=name)
        found.setdefault(group, Total(group)).add(_total(group, row, noted))
        heapq.heappush(heap, (row.size, str(row.id)))
        if len(heap) > largest:
            heapq.heappop(heap)
    return Totals([found[group] for group in sorted(found)], [job for _, job in sorted(heap, reverse=True)])


def _total(group: Group, row: Brief, noted: Any) -> Total:
    usage = Usage() if noted is None else Usage.of(noted)
    moment = str(row.submitted_at)
    return Total(group, 1, int(row.status != "completed"), row.size, moment, moment, usage)


def _name(noted: Any) -> str:
    name = noted.get("name") if isinstance(noted, dict) else None
    return name if isinstance(name, str) else ""


def _may_be_llm(request_start: str) -> bool:
    place = _URL.search(request_start)
    return place is not None and llm.has_form(place[1])


def _noted(row: Brief) -> Any:
    """Return the figures of a call of a language model; None if it is none, or cannot be read."""
    try:
        if row.info_json is not None:
            return _figures_in(row.info_json)
        if row.request_json is None:
            return None
        request = HttpRequest.from_tree(load_tree(row.request_json))
        response = None if row.response_json is None else HttpResponse.from_tree(load_tree(row.response_json))
        call = llm.llm_call(request, response)
    except _PROBLEMS:
        return None
    return None if call is None else llm.figures(call)


def _figures_in(info_json: str) -> Any:
    info = load_tree(info_json)
    return info.get("llm") if isinstance(info, dict) else None


def figures_of(job: Job) -> dict[str, Any] | None:
    """Return the figures of a call of a language model: what is noted, else what it says; None if it is none."""
    try:
        if job.figures:
            return job.figures
        call = job.llm
    except _PROBLEMS:
        return None
    return None if call is None else llm.figures(call)
