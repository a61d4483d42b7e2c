"""Which recordings a test was answered from that are older than they may be. No call is made for it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from .job import job_id
from .modes import Act

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from .call import Ticket
    from .job import Address
    from .scope import Scope

__all__ = ["Freshness", "age_of", "oldest_good"]

_AGES: Final = (("y", 365 * 86_400), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


def oldest_good(age: timedelta) -> str:
    """Return when the oldest recording was made that is not older than an age: UTC, ISO 8601, as rows have it."""
    return (datetime.now(UTC) - age).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Freshness:
    """Knows what is older than a moment.

    Args:
        moment: UTC, ISO 8601, as rows have it.

    """

    def __init__(self, moment: str) -> None:
        self.moment = moment
        # What tests share is looked at once, not once for each of them.
        self._shared: dict[str, dict[Address, str]] = {}

    def stale(self, scopes: Iterable[Scope]) -> list[list[str]]:
        """Return what these scopes have replayed that is older: an id, the same in every process, and when it was made.

        What a run has called again is not among it, whether it was recorded or compared.

        Raises:
            CassetteError: A cassette cannot be read.

        """
        return [
            [job_id(address._replace(scope=f"{scope.suite.path}\0{address.scope}"), 0), moment]
            for scope in scopes
            for address, moment in self._of(scope)
        ]

    def _of(self, scope: Scope) -> list[tuple[Address, str]]:
        asked = [
            ticket.address
            for ticket in scope.tickets
            if _is_answered_from_cassette(ticket) and ticket.address not in scope.joined
        ]
        older = self._older(scope) if asked else {}
        return [(address, older[address]) for address in asked if address in older]

    def _older(self, scope: Scope) -> dict[Address, str]:
        file = scope.suite.file
        if file is None:
            return {}
        if not scope.is_shared:
            return file.older(scope.name, self.moment)
        name = str(scope.suite.path)
        if name not in self._shared:
            self._shared[name] = file.older("", self.moment)
        return self._shared[name]


def _is_answered_from_cassette(ticket: Ticket) -> bool:
    return ticket.act is Act.REPLAY and ticket.source == "cassette"


def age_of(moment: str) -> str:
    """Return how long ago a stored moment is, as `3d`; `?` if that is no moment."""
    try:
        then = datetime.fromisoformat(moment)
        seconds = (datetime.now(UTC) - (then if then.tzinfo else then.replace(tzinfo=UTC))).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return "?"
    unit, length = next(((unit, length) for unit, length in _AGES if seconds >= length), ("s", 1))
    return f"{max(0, int(seconds // length))}{unit}"
