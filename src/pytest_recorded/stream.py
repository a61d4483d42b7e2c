"""Streams, recorded while they pass.

The caller gets each piece when it comes, never later. What is kept of it is stored once, when the stream ends: by
itself, by an error, because its caller closed it, or because its test ended before it did.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from .book import FOREVER, is_cancellation, is_outcome
from .drive import current_task, sleep
from .frame import Frame, entered

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator

    Refuse = Callable[[], BaseException]

    from .call import Ticket
    from .job import Answer

__all__ = ["AsyncTee", "Pieces", "Replay", "Tee", "Unrecorded", "areplayed", "replayed"]


class Pieces(ABC):
    """What has passed of a stream so far."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        self.frame = Frame(ticket.book, ticket)
        #: The thread or task that reads it.
        self.reader: Any = None
        self.count = 0
        #: After how many pieces its reader threw an exception into it.
        self.thrown: list[int] = []
        self._started = time.perf_counter()
        # Reentrant: a stream that is thrown away may end in the middle of anything.
        self._lock = threading.RLock()
        self._is_over = False
        ticket.book.streams.add(self)

    def is_read_here(self) -> bool:
        """Return whether nobody but this very thread or task can read it on."""
        return self.reader is not None and self.reader in (threading.get_ident(), current_task())

    def elapsed(self) -> float:
        """Return the milliseconds since the stream began."""
        return round((time.perf_counter() - self._started) * 1000, 3)

    @abstractmethod
    def add(self, item: Any) -> None:
        """Take in a piece."""

    @abstractmethod
    def answer(self, end: str, returned: Any, error: BaseException | None) -> Answer:
        """Return the stream as it is stored."""

    def note(self, item: Any) -> None:
        """Take in a piece; one that cannot be stored ends the recording, not the stream."""
        if self._is_over:
            return
        try:
            self.add(item)
            self.count += 1
        except Exception as error:  # noqa: BLE001 - storing a value runs code of its class
            if self._end():
                self.ticket.book.lose(self.ticket, "streams on, but cannot be recorded.", error)

    def finish(self, end: str, returned: Any = None, error: BaseException | None = None) -> None:
        """Store the stream: it is `complete`, was `closed` or `cancelled` by its caller, or has `failed`."""
        if not self._end():
            return
        if error is not None and is_cancellation(error):
            end, error = "cancelled", None
        elif error is not None and not is_outcome(error):
            self.ticket.book.failed(self.ticket, error)
            return
        try:
            answer = self.answer(end, returned, error)
        except Exception as problem:  # noqa: BLE001 - see note()
            self.ticket.book.lose(self.ticket, "ran, but cannot be recorded.", problem)
            return
        self.ticket.book.keep(self.ticket, answer)

    def abandon(self) -> None:
        """Store what has passed: whoever reads the stream has outlived its test."""
        self.finish("closed")

    def _end(self) -> bool:
        with self._lock:
            was_over, self._is_over = self._is_over, True
        self.ticket.book.streams.discard(self)
        return not was_over


class Unrecorded(Pieces):
    """What passes of a stream that is not recorded: nothing of it is kept."""

    def __init__(self, ticket: Ticket, frame: Frame | None = None) -> None:
        super().__init__(ticket)
        self.frame = frame or self.frame

    def add(self, item: Any) -> None:
        """Let a piece pass."""

    def answer(self, end: str, returned: Any, error: BaseException | None) -> Answer:  # noqa: ARG002 - see below
        """Never asked for: see `finish`."""
        raise AssertionError("what is not recorded has no answer")

    def finish(self, end: str, returned: Any = None, error: BaseException | None = None) -> None:  # noqa: ARG002
        """Let go of it."""
        self._end()


class Tee:
    """A generator that is recorded while it runs for its caller."""

    def __init__(self, stream: Generator[Any, Any, Any], pieces: Pieces) -> None:
        self._stream = stream
        self._pieces = pieces

    def __iter__(self) -> Tee:
        return self

    def __next__(self) -> Any:
        return self._step(partial(next, self._stream))

    def send(self, value: Any) -> Any:
        """Resume the generator with a value."""
        return self._step(partial(self._stream.send, value))

    def throw(self, *error: Any) -> Any:
        """Raise an exception where the generator stands."""
        self._pieces.thrown.append(self._pieces.count)
        return self._step(partial(self._stream.throw, *error))

    def close(self) -> None:
        """Close the generator."""
        try:
            with entered(self._pieces.frame):
                self._stream.close()
        except BaseException as error:
            self._pieces.finish("failed", error=error)
            raise
        self._pieces.finish("closed")

    def __del__(self) -> None:
        # Whoever has thrown it away does not read on.
        self._pieces.finish("closed")

    def _step(self, step: Callable[[], Any]) -> Any:
        self._pieces.reader = threading.get_ident()
        try:
            with entered(self._pieces.frame):
                item = step()
        except StopIteration as stop:
            self._pieces.finish("complete", stop.value)
            raise
        except BaseException as error:
            self._pieces.finish("failed", error=error)
            raise
        self._pieces.note(item)
        return item


class AsyncTee:
    """An asynchronous generator that is recorded while it runs for its caller."""

    def __init__(self, stream: AsyncGenerator[Any, Any], pieces: Pieces) -> None:
        self._stream = stream
        self._pieces = pieces

    def __aiter__(self) -> AsyncTee:
        return self

    async def __anext__(self) -> Any:
        return await self._step(anext(self._stream))

    async def asend(self, value: Any) -> Any:
        """Resume the generator with a value."""
        return await self._step(self._stream.asend(value))

    async def athrow(self, *error: Any) -> Any:
        """Raise an exception where the generator stands."""
        self._pieces.thrown.append(self._pieces.count)
        return await self._step(self._stream.athrow(*error))

    async def aclose(self) -> None:
        """Close the generator."""
        try:
            with entered(self._pieces.frame):
                await self._stream.aclose()
        except BaseException as error:
            self._pieces.finish("failed", error=error)
            raise
        self._pieces.finish("closed")

    def __del__(self) -> None:
        # Whoever has thrown it away does not read on.
        self._pieces.finish("closed")

    async def _step(self, step: Awaitable[Any]) -> Any:
        self._pieces.reader = current_task() or threading.get_ident()
        try:
            with entered(self._pieces.frame):
                item = await step
        except StopAsyncIteration:
            self._pieces.finish("complete")
            raise
        except BaseException as error:
            self._pieces.finish("failed", error=error)
            raise
        self._pieces.note(item)
        return item


class Replay(NamedTuple):
    """A recorded generator.

    Attributes:
        items: What it yielded.
        end: How it ended: `complete`, `closed`, `cancelled` or `failed`.
        returned: What it returned.
        error: What it raised.
        thrown: After how many items its caller threw an exception into it.

    """

    items: list[Any]
    end: str
    returned: Any
    error: BaseException | None
    thrown: tuple[int, ...]

    def caught(self, count: int, error: BaseException) -> bool:
        """Return whether the generator carried on after an exception that was thrown into it."""
        if count not in self.thrown or isinstance(error, GeneratorExit):
            return False
        return count < len(self.items) or type(error) is not type(self.error)


def replayed(recorded: Replay, refuse: Refuse) -> Generator[Any, Any, Any]:
    """Give the recorded pieces of a generator, and its recorded end."""
    for count, item in enumerate(recorded.items, 1):
        try:
            yield item
        except BaseException as error:
            if not recorded.caught(count, error):
                raise
    if recorded.error is not None:
        raise recorded.error
    if recorded.end != "complete":
        raise refuse()
    return recorded.returned


async def areplayed(recorded: Replay, refuse: Refuse) -> AsyncIterator[Any]:
    """Give the recorded pieces of an asynchronous generator, and its recorded end."""
    for count, item in enumerate(recorded.items, 1):
        try:
            yield item
        except BaseException as error:
            if not recorded.caught(count, error):
                raise
    if recorded.error is not None:
        raise recorded.error
    if recorded.end == "cancelled":
        await sleep(FOREVER)
    if recorded.end != "complete":
        raise refuse()
