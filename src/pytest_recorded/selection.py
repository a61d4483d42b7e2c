"""Which jobs are asked for (`Selection`): the arguments of `query`, checked, and the one function that decides.

SQL may narrow down what has to be looked at; whether a job is meant is decided here.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from .choice import is_among
from .errors import UsageError
from .job import Status
from .where import data_of, matches_data, where_from

if TYPE_CHECKING:
    from .jobs import Job

__all__ = ["Moment", "Selection", "is_glob", "may_name_llm", "selection_from"]

#: What `since` and `until` take.
Moment = datetime | date | str

_LLM: Final = "llm."
_GLOBS: Final = re.compile("[*?[]")
_ORDERS: Final = ("desc", "asc")
_STATUSES: Final = tuple(status.value for status in Status)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which jobs are asked for.

    Attributes:
        kind: A kind, or a glob of kinds and names; None for all.
        statuses: The statuses, one or more.
        key: A key; None for all.
        scope: A scope, or a glob of scopes; None for all.
        since: The first moment, as it is stored; None for the beginning.
        until: The last moment, likewise.
        where: What the data is equal to, by key.
        limit: The most jobs; None for all.
        newest_first: The order.
        is_scope_exact: Whether the scope is no glob, whatever it looks like.

    """

    kind: str | None = None
    statuses: tuple[str, ...] = _STATUSES
    key: str | None = None
    scope: str | None = None
    since: str | None = None
    until: str | None = None
    where: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    limit: int | None = None
    newest_first: bool = True
    is_scope_exact: bool = False

    def where_scopes(self, exist: Callable[[str], bool]) -> Selection:
        """Return this selection where a scope that exists is meant as it is: node ids have brackets, as globs have."""
        if self.scope is None or self.is_scope_exact or not (not is_glob(self.scope) or exist(self.scope)):
            return self
        return dataclasses.replace(self, is_scope_exact=True)

    def among(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """Return those of some jobs that are meant, in their order, as many as are wanted."""
        return islice(filter(self.takes, jobs), self.limit)

    def takes(self, job: Job) -> bool:
        """Return whether a job is meant."""
        return (
            job.status in self.statuses
            and (self.key is None or job.key == self.key)
            and (self.since is None or job.submitted_at >= self.since)
            and (self.until is None or job.submitted_at <= self.until)
            and (self.scope is None or self._has_scope(job.scope))
            and (self.kind is None or self._has_kind(job))
            and (not self.where or matches_data(data_of(job.data_json), self.where))
        )

    def _has_scope(self, scope: str) -> bool:
        return scope == self.scope or (not self.is_scope_exact and is_among(scope, (self.scope or "",)))

    def _has_kind(self, job: Job) -> bool:
        kind = self.kind or ""
        if job.kind == kind or is_among(job.kind, (kind,)):
            return True
        # To know the name of a call takes reading it.
        return may_name_llm(kind) and any(is_among(name, (kind,)) for name in job.names[1:])


def is_glob(text: str) -> bool:
    """Return whether a text may mean other texts than itself."""
    return any(letter in text for letter in "*?[")


def may_name_llm(kind: str) -> bool:
    """Return whether a kind, or a glob of kinds, may mean calls of language models by their names, as `llm.*`."""
    start = _GLOBS.split(kind, maxsplit=1)[0]
    return start.startswith(_LLM) or (is_glob(kind) and _LLM.startswith(start))


def selection_from(
    *,
    kind: str | None = None,
    status: str | Iterable[str] | None = None,
    key: str | None = None,
    scope: str | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    where_data: Mapping[str, Any] | None = None,
    limit: int | None = 100,
    order: str = "desc",
) -> Selection:
    """Return the selection of the arguments of `query`.

    Raises:
        UsageError: An argument is wrong.

    """
    for name, value in (("kind", kind), ("key", key), ("scope", scope)):
        if value is not None and not isinstance(value, str):
            raise UsageError(f"{name}={value!r} is {type(value).__name__}; give text, or None for all.")
    if limit is not None and (type(limit) is not int or limit < 1):
        raise UsageError(f"limit={limit!r} is no number of jobs. Give 1 or more, or None for all.")
    if order not in _ORDERS:
        raise UsageError(f"order={order!r} is no order. Give 'desc', newest first, or 'asc', oldest first.")
    return Selection(
        kind=kind,
        statuses=_statuses(status),
        key=key,
        scope=scope,
        since=_moment("since", since, time.min),
        until=_moment("until", until, time.max),
        where=where_from(where_data),
        limit=limit,
        newest_first=order == "desc",
    )


def _statuses(given: Any) -> tuple[str, ...]:
    if given is None:
        return _STATUSES
    statuses = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, Iterable) else (given,)
    wrong = next((status for status in statuses if status not in _STATUSES), None)
    if wrong is not None or not statuses:
        what = f"{wrong!r} is no status" if statuses else "no status is named"
        raise UsageError(f"status={given!r}: {what}. Give one, or several in a list, of {', '.join(_STATUSES)}.")
    return tuple(str(Status(status)) for status in statuses)


def _moment(name: str, given: Any, of_day: time) -> str | None:
    """Return a moment as it is stored; `of_day`: the time that is meant by a date."""
    if given is None:
        return None
    value: Any = given
    if isinstance(given, str):
        try:
            value = date.fromisoformat(given)
        except ValueError:
            value = _parsed(given)
    if type(value) is date:
        value = datetime.combine(value, of_day)
    if not isinstance(value, datetime):
        raise UsageError(
            f"{name}={given!r} is no moment. Give a datetime, a date, or ISO text such as '2030-01-31' or "
            f"'2030-01-31T12:00:00Z'; without a time zone it is local time."
        )
    try:
        utc = value.astimezone(UTC)
    except (OverflowError, ValueError, OSError):
        # At the ends of the calendar there is no room for a time zone.
        utc = value.replace(tzinfo=UTC)
    return utc.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _parsed(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
