"""The drivers: they make a call in a thread or on an event loop, and wait where a book says so."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final

from .book import FOREVER
from .errors import RecordedFailure
from .frame import Frame, enter, leave
from .modes import Act

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .book import Outcome
    from .call import Call

_REPLAY: Final = Act.REPLAY
# Longer than any test waits for an answer before it gives up, in seconds.
_PATIENCE: Final = 300.0

__all__ = ["adrive", "current_task", "drive", "given", "sleep"]


def drive(call: Call, invoke: Callable[[], Any]) -> Any:
    """Make a call in a thread."""
    __tracebackhide__ = True
    book = call.book
    ticket = book.open(call)
    while (pause := book.settle(ticket)) is not None:
        if pause == FOREVER:
            raise RecordedFailure("asyncio.exceptions.CancelledError", "the recorded call was cancelled")
        time.sleep(pause)
    if ticket.act is _REPLAY and (outcome := book.recall(ticket)) is not None:
        if outcome[1] is not None:
            raise outcome[1]
        return outcome[0]
    token = enter(Frame(book, ticket))
    try:
        value = invoke()
    except BaseException as error:
        leave(token)
        outcome = book.failed(ticket, error)
        if outcome is None:
            raise
    else:
        leave(token)
        outcome = book.ended(ticket, value)
        if ticket.is_compared_stream:
            call.exhaust(outcome[0], ticket)
            outcome = book.instead(ticket) or outcome
    return given(outcome)


async def adrive(call: Call, invoke: Callable[[], Awaitable[Any]]) -> Any:
    """Make a call on an event loop."""
    __tracebackhide__ = True
    book = call.book
    ticket = book.open(call)
    while (pause := book.settle(ticket)) is not None:
        await sleep(pause)
        if pause == FOREVER:
            raise book.read_on(ticket, 0)
    if ticket.act is _REPLAY and (outcome := book.recall(ticket)) is not None:
        if outcome[1] is not None:
            raise outcome[1]
        return outcome[0]
    token = enter(Frame(book, ticket))
    try:
        value = await invoke()
    except BaseException as error:
        leave(token)
        outcome = book.failed(ticket, error)
        if outcome is None:
            raise
    else:
        leave(token)
        outcome = book.ended(ticket, value)
        if ticket.is_compared_stream:
            await call.aexhaust(outcome[0], ticket)
            outcome = book.instead(ticket) or outcome
    return given(outcome)


def given(outcome: Outcome) -> Any:
    """Return or raise what a call gives its caller."""
    value, error = outcome
    if error is not None:
        raise error
    return value


def current_task() -> Any:
    """Return the task that is running, on whatever event loop; None if there is none."""
    trio, asyncio = sys.modules.get("trio"), sys.modules.get("asyncio")
    if trio is not None and trio.lowlevel.in_trio_task():
        return trio.lowlevel.current_task()
    try:
        return asyncio.current_task() if asyncio is not None else None
    except RuntimeError:
        return None


async def sleep(seconds: float) -> None:
    """Sleep on whatever event loop is running.

    Whoever is to sleep for ever, because his call was cancelled when it was recorded, wakes up in the end all the same:
    a miss says more than a test that hangs.
    """
    seconds = min(seconds, _PATIENCE)
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_task():
        await trio.sleep(seconds)
        return
    import asyncio  # noqa: PLC0415 - whoever runs on it has imported it

    await asyncio.sleep(seconds)
