"""The recordings of a scope that nobody has asked for in this run, and who is told what scopes have asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .choice import is_among
from .modes import RecordMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from .job import Address
    from .scope import Scope

__all__ = ["Asked", "listeners", "tell", "unasked_of"]


class Asked(NamedTuple):
    """What a scope has asked for until it was closed.

    Attributes:
        cassette: Path of its cassette.
        scope: Its name.
        whose: A `test`, a `fixture` or a `block`.
        passed: Whether it ended well.
        live: Globs of the kinds that ran live, whatever is recorded of them.
        calls: The addresses that were asked for.
        data: What the data of its recordings would be; only if that is what the tests are run for.

    """

    cassette: str
    scope: str
    whose: str
    passed: bool
    live: tuple[str, ...]
    calls: tuple[Address, ...]
    data: tuple[tuple[Any, ...], ...] = ()


#: Who is told; nobody, but while a suite is replayed to find out what it asks for.
listeners: list[Callable[[Asked, Scope], None]] = []


def tell(scope: Scope, whose: str, *, passed: bool) -> None:
    """Tell what a scope has asked for; to be called when it is closed."""
    if listeners:
        calls = tuple(ticket.address for ticket in scope.tickets if ticket.address is not None)
        asked = Asked(str(scope.suite.path), scope.name, whose, passed, scope.options.live, calls)
        for listener in listeners:
            listener(asked, scope)


def unasked_of(scope: Scope) -> set[Address]:
    """Return the recordings of a scope that it did not ask for; those of kinds that run live wait for another run."""
    if scope.suite.file is None or not scope.has_recordings or scope.mode is RecordMode.OFF:
        return set()
    asked = {ticket.address for ticket in scope.tickets}
    rest = _left_by(scope, asked) if scope.is_shared else set(scope.suite.file.addresses(scope.name)) - asked
    return {address for address in rest if not is_among(address.kind, scope.options.live)}


def _left_by(scope: Scope, asked: set[Address | None]) -> set[Address]:
    """Return the shared recordings that a scope alone has used, and has not asked for.

    What others have used too is of use until none of them asks for it: that knows who has seen all of them.
    """
    file = scope.suite.file
    assert file is not None  # noqa: S101 - asked before
    rows = [row for job in file.uses_of(scope.name) if (row := file.row(job)) and row.address not in asked]
    users = file.users() if rows else {}
    return {row.address for row in rows if users[row.id] == [scope.name]}
