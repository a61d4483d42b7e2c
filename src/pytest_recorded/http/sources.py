"""Where the bytes of a response through aiohttp come from: a real connection, or a recording.

`Live` notes what it passes on. `Recorded` gives the next bytes when the caller waits for them, so that he gets them in
the pieces in which they came, at once, without a task or a timer.
"""

from __future__ import annotations

import asyncio
import http.client
import time
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..message import HttpResponse
    from .handler import Handler

__all__ = ["Live", "Recorded", "reads_of"]


class Ending(Protocol):
    """Takes in that a response has ended, in whatever way."""

    def end(self) -> None:
        """Store the response as it was left."""


class Live(asyncio.Protocol):
    """A real connection's response, noted while it is passed on.

    Args:
        connection: The connection, for the time of one exchange.
        loop: The event loop.

    """

    def __init__(self, connection: Any, loop: Any) -> None:
        self.transport: Any = connection.transport
        self.loop = loop
        #: What has come, each with its time in milliseconds.
        self.reads: list[tuple[float, bytes]] = []
        #: Who stores it; None if nobody does.
        self.pieces: Ending | None = None
        self.handler: Handler | None = None
        #: Whether nothing more can come, and why, if it was not for the server's having closed the connection.
        self.is_lost = False
        self.error: BaseException | None = None
        #: What the caller got instead of more.
        self.failure: BaseException | None = None
        self._connection = connection
        self._own = connection.protocol
        self._started = time.perf_counter()
        self._held: list[bytes] = []
        self._draining: asyncio.Future[None] | None = None
        self.is_lost = self.transport is None
        if not self.is_lost:
            self.transport.set_protocol(self)

    async def send(self, data: bytes) -> None:
        """Send a request, up to where the server answers or closes."""
        try:
            if not self.is_lost:
                self.transport.write(data)
            if self._draining is not None:
                await self._draining
        except BaseException:
            self._connection.close()
            raise

    def plug(self, handler: Handler) -> None:
        """Pass on what has come, and what comes."""
        self.handler = handler
        handler.wait_no_longer(handler.params.get("read_timeout"))
        for data in self._held:
            handler.data_received(data)
        self._held.clear()
        if self.is_lost:
            handler.connection_lost(self.error)

    def pull(self, _handler: Handler) -> bool:
        """Wait for the network."""
        self.failure = None
        return False

    def fail(self, error: BaseException) -> None:
        """Take in what the caller gets instead of more, unless it is the lost connection that he is told of."""
        if not self.is_lost or self.handler is None or self.handler.body is None:
            self.failure = error

    def release(self, *, should_close: bool) -> None:
        """Store the response, and give the connection back to its pool or close it."""
        if self.pieces is not None:
            self.pieces.end()
        # What this exchange's caller reads on from his buffer must not steer the next one's.
        transport, self.transport, self.handler = self.transport, None, None
        if should_close or self.is_lost:
            self._connection.close()
            return
        transport.set_protocol(self._own)
        transport.resume_reading()
        self._connection.release()

    def data_received(self, data: bytes) -> None:
        """Note some bytes and pass them on."""
        data = bytes(data)
        if self.handler is None or self.pieces is not None:
            self._note(data)
        if self.handler is None:
            self._held.append(data)
        else:
            self.handler.data_received(data)
        self.resume_writing()

    def _note(self, data: bytes) -> None:
        at = round((time.perf_counter() - self._started) * 1000, 3)
        payload = self.handler._payload if self.handler is not None else None  # noqa: SLF001 - nobody else knows
        # Of a body that is none there is nothing of all this.
        if self.reads and getattr(payload, "_buffer", None) and getattr(payload, "_waiter", None) is None:
            # Its caller gets it together with what he has not taken yet.
            self.reads[-1] = (at, self.reads[-1][1] + data)
            return
        # What has come at once has one time, and what has not has not.
        last = self.reads[-1][0] if self.reads else -1
        self.reads.append((max(at, round(last + 0.001, 3)), data))

    def eof_received(self) -> None:
        """Take in that the server sends no more."""
        if self.handler is not None:
            self.handler.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take in that the connection is no more."""
        self.is_lost, self.error = True, exc
        self._own.connection_lost(exc)
        if self.handler is not None:
            self.handler.connection_lost(exc)
        self.resume_writing()

    def pause_writing(self) -> None:
        """Take in that the server is slower than we."""
        self._draining = self.loop.create_future()

    def resume_writing(self) -> None:
        """Take in that it has caught up."""
        if self._draining is not None and not self._draining.done():
            self._draining.set_result(None)


class Recorded:
    """A recorded response.

    Args:
        reads: Its bytes, a read from the network each; none of a response that never came.
        error: How it ended too early.
        is_unpacked: Whether its body lacks the content encoding of its headers.
        is_endless: Whether its caller waited for more until he was cancelled.
        refuse: Makes the miss of a caller who reads on where the recorded one closed.

    """

    transport = None

    def __init__(
        self,
        reads: list[bytes],
        error: BaseException | None = None,
        *,
        is_unpacked: bool = False,
        is_endless: bool = False,
        refuse: Callable[[], BaseException] | None = None,
    ) -> None:
        self._reads = reads
        self._next = 0
        self._error = error
        self._is_unpacked = is_unpacked
        self._is_endless = is_endless
        self._refuse = refuse

    def plug(self, handler: Handler) -> None:
        """Give the head and what came with it."""
        if self._is_unpacked:
            handler.take_unpacked()
        handler.wait_no_longer()
        self.pull(handler)

    def pull(self, handler: Handler) -> bool:
        """Give what came next; raise what came instead."""
        if self._next < len(self._reads):
            self._next += 1
            handler.data_received(self._reads[self._next - 1])
            return True
        if self._refuse is not None:
            raise self._refuse()
        if self._is_endless:
            return False
        error = self._error
        if error is not None and (not self._reads or isinstance(error, TimeoutError)):
            raise error
        is_reset = isinstance(error, OSError) and not isinstance(error, http.client.HTTPException)
        handler.connection_lost(error if is_reset else None)
        return False

    def fail(self, error: BaseException) -> None:
        """Do nothing: a replay writes nothing."""

    def release(self, *, should_close: bool) -> None:
        """Do nothing: there is no connection."""


def reads_of(segments: list[bytes], response: HttpResponse) -> list[bytes]:
    """Return what each read from the network gave: what has come at once has one time."""
    reads, before = [segments[0]], 0.0
    times = [at for at, size in response.chunks if size] or [0.0] * bool(response.content)
    for number, segment in enumerate(segments[1:]):
        at = times[number] if number < len(times) else response.ended_at or before
        if at == before:
            reads[-1] += segment
        else:
            reads.append(segment)
        before = at
    return reads
