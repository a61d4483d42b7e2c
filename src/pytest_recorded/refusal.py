"""The misses of a scope, in words: each names the test, the cassette, what is wrong, and what to type."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from .book import warn
from .errors import CassetteError, MissingRecording, SerializationError
from .miss import Question, describe, explain_miss
from .modes import Act, RecordMode

if TYPE_CHECKING:
    from .call import Call, Ticket
    from .limits import Budget
    from .scope import Scope

__all__ = [
    "ended_before",
    "name_running",
    "not_recorded",
    "over_budget",
    "pass_or_refuse_late",
    "run_or_refuse_keyless",
    "said",
    "unreadable",
]


def not_recorded(
    scope: Scope, ticket: Ticket, *, is_known: bool = False, is_replaced: bool = False
) -> MissingRecording:
    """Return the miss of a call.

    Args:
        scope: Its scope.
        ticket: The call.
        is_known: Whether there is a recording of another request in its place.
        is_replaced: Whether there is its own, which may not be replaced.

    """
    assert ticket.address is not None  # noqa: S101 - without an address nothing is looked up
    question = Question(
        scope.name, scope.mode, scope.suite.shown_path, scope.suite.file, ticket.address, ticket.call.request_json(),
        scope.is_shared, is_known, scope.run, scope.suite.roll, scope.suite.why_read_only, is_replaced,
        tuple(scope.suite.option), tuple(scope.suite.typed),
    )  # fmt: skip
    reason, message = explain_miss(question)
    return MissingRecording(message, kind=ticket.call.kind, reason=reason)


def unreadable(scope: Scope, kind: str, error: Exception) -> MissingRecording:
    """Return the miss of a call whose recording cannot be read."""
    return _of_recording(
        scope, kind, f"The recording of {kind} cannot be read.", f"reason:   {error}", "unreadable", cause=error
    )


def ended_before(scope: Scope, kind: str, pieces: int) -> MissingRecording:
    """Return the miss of a caller who waits for more than the recorded caller has waited for."""
    if pieces:
        headline = f"The recording of {kind} ends after {pieces} piece{'' if pieces == 1 else 's'}."
        why = "reason:   its caller closed the stream there; this one reads on"
    else:
        headline = f"The recording of {kind} ends before its answer came."
        why = "reason:   its caller cancelled it, or left it unread; this one waits for it"
    return _of_recording(scope, kind, headline, why, "all uses served")


def _how_to_record(scope: Scope, cause: Exception | None) -> list[str]:
    if isinstance(cause, CassetteError):
        # A damaged file takes no recordings either; the error says what to do about it.
        return []
    if scope.run:
        return ["", f"To record it again: {_pytest(scope, 'rewrite')} {shlex.quote(scope.run)}"]
    return ["", f'To record it again: use_cassette("{scope.suite.shown_path}", mode="rewrite")']


def _pytest(scope: Scope, mode: str) -> str:
    return shlex.join(["pytest", f"--record-mode={mode}", *scope.suite.typed])


def _of_recording(
    scope: Scope, kind: str, headline: str, why: str, reason: str, *, cause: Exception | None = None
) -> MissingRecording:
    lines = [
        headline,
        f"  test:     {scope.name or '(none)'}",
        f"  cassette: {scope.suite.shown_path}, mode {scope.mode}",
        f"  {why}",
        *_how_to_record(scope, cause),
    ]
    return MissingRecording("\n".join(lines), kind=kind, reason=reason)


def keyless(scope: Scope, kind: str, error: Exception) -> MissingRecording:
    """Return the miss of a call that cannot be found, because its request cannot be stored."""
    message = (
        f"No recording for {kind}: it cannot be found, because its request cannot be stored.\n"
        f"  test:     {scope.name or '(none)'}\n  reason:   {error}\n\n"
        f"Leave out what does not matter with ignore=[…], or give the call a key of its own with key=…"
    )
    return MissingRecording(message, kind=kind, reason="no key")


def run_or_refuse_keyless(scope: Scope, ticket: Ticket, error: SerializationError) -> None:
    """Let a call run that could not be found again; refuse it where nothing runs that is not recorded."""
    kind = ticket.call.kind
    ticket.is_decided = True
    ticket.act = scope.act_if_new
    if ticket.act is Act.REFUSE:
        raise scope.remember(keyless(scope, kind, error))
    ticket.act = Act.PASS
    scope.add_count("live")
    warn(
        f"{kind} runs, and is not recorded: it could not be found again, because its request cannot be stored. {error}"
    )


def pass_or_refuse_late(scope: Scope, ticket: Ticket) -> None:
    """Say that a call is made after its test has ended; refuse it where nothing runs that is not recorded."""
    ticket.is_decided, what = True, said(ticket.call)
    is_refused = scope.mode is RecordMode.ONCE or not (scope.mode.records or scope.mode is RecordMode.OFF)
    how = "refused" if is_refused else "not recorded"
    scope.suite.late.append(f"{what} was called after {scope.name} had ended: {how}")
    if is_refused:
        raise late(scope, ticket.call.kind, what)


def name_running(scope: Scope) -> None:
    """Say which calls are still running when their scope ends: they are not recorded."""
    for ticket in scope.tickets:
        if ticket.is_running:
            scope.add_count("live")
            scope.suite.late.append(f"{said(ticket.call)} was still running when {scope.name} ended: not recorded")


def over_budget(scope: Scope, call: Call, budget: Budget, cause: Exception | None = None) -> MissingRecording:
    """Return the miss of a call that would go live, for which nothing is left, or nobody can tell (`cause`)."""
    what = said(call)
    if cause is None:
        headline = f"{what} was not called: the budget of this run is spent."
        why = f"budget:   {budget}, for all tests and all workers together"
    else:
        headline = f"{what} was not called: the budget of this run cannot be counted."
        why = f"reason:   {cause}"
    message = (
        f"{headline}\n  test:     {scope.name or '(none)'}\n"
        f"  cassette: {scope.suite.shown_path}, mode {scope.mode}\n  {why}"
    )
    if cause is None:
        command = f"{_pytest(scope, scope.mode)} --record-budget={budget.doubled} {shlex.quote(scope.run)}"
        message += f"\n\nTo go on with this test: {command}"
    return MissingRecording(message, kind=call.kind, reason="budget spent")


def said(call: Call) -> str:
    """Return a call in a few words."""
    try:
        return describe(call.kind, call.request_json())
    except SerializationError:
        return call.kind


def late(scope: Scope, kind: str, what: str) -> MissingRecording:
    """Return the miss of a call that is made after its test has ended."""
    message = (
        f"{what} was called after its test had ended.\n  test:     {scope.name}\n\n"
        f"A thread or a task outlives the test: join it or cancel it before the test ends."
    )
    return MissingRecording(message, kind=kind, reason="finished test")
