"""A connection of aiohttp's for one exchange: aiohttp's own parser, with or without a network behind it.

The request is collected until aiohttp says that it has been written. Only then is it known what is asked, and where the
bytes of the response come from. That is in the task of the caller, who waits for the response: a miss is his at once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from aiohttp.client_proto import ResponseHandler
else:
    ResponseHandler = object

__all__ = ["Handler", "Source", "connected"]

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Source(Protocol):
    """Where the bytes of a response come from."""

    #: The real transport; None if there is none.
    transport: Any

    def plug(self, handler: Handler) -> None:
        """Begin to give bytes to whoever parses them."""

    def pull(self, handler: Handler) -> bool:
        """Take in that the caller waits; return whether he got something."""

    def fail(self, error: BaseException) -> None:
        """Take in what the caller gets instead of what he waits for."""

    def release(self, *, should_close: bool) -> None:
        """Take in that the caller has done with the response."""


def connected(library: Any, handler: Handler, connector: Any, key: Any, loop: Any) -> Any:
    """Return a connection of aiohttp's that belongs to no pool."""
    return library.connector.Connection(_Pool(handler, connector), key, handler, loop)


class _Pool:
    """What a connection takes for its connector."""

    def __init__(self, handler: Handler, connector: Any) -> None:
        self._handler = handler
        self.force_close: bool = connector.force_close

    def _release(self, _key: Any, _protocol: Any, *, should_close: bool = False) -> None:
        self._handler.release(should_close=should_close or self.force_close)


class _Wire(asyncio.Transport):
    """Collects a request, and stands for the transport that there may be afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.source: Source | None = None
        self._is_closing = False

    @property
    def _real(self) -> Any:
        return self.source.transport if self.source is not None else None

    def write(self, data: Any) -> None:
        self.sent.append(bytes(data))

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.sent += map(bytes, list_of_data)

    def is_closing(self) -> bool:
        return self._is_closing or (self._real is not None and self._real.is_closing())

    def close(self) -> None:
        self._is_closing = True
        if self._real is not None:
            self._real.close()

    def abort(self) -> None:
        self.close()

    def pause_reading(self) -> None:
        if self._real is not None:
            self._real.pause_reading()

    def resume_reading(self) -> None:
        if self._real is not None:
            self._real.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default if self._real is None else self._real.get_extra_info(name, default)


class _Watch:
    """The timer of an exchange, seen from outside: its caller enters it whenever he waits for more of a body."""

    def __init__(self, handler: Handler, timer: Any) -> None:
        self._handler = handler
        self._timer = timer

    def __enter__(self) -> Any:
        self._handler.wanted()
        return self._timer.__enter__() if self._timer is not None else self

    def __exit__(self, cls: object, error: BaseException | None, traceback: object) -> Any:
        try:
            outcome = self._timer.__exit__(cls, error, traceback) if self._timer is not None else None
        except TimeoutError as late:
            self._handler.failed(late)
            raise
        if isinstance(error, asyncio.CancelledError):
            self._handler.failed(error)
        return outcome

    def assert_timeout(self) -> None:
        if self._timer is not None:
            self._timer.assert_timeout()


class Handler(ResponseHandler):
    """aiohttp's own protocol and parser, for one exchange; a mixin, because aiohttp is not ours to import.

    Args:
        loop: The event loop.
        ask: Given the request as it was written, returns where the response comes from.
        is_expecting: Whether the request waits for the server to want its body.

    """

    def __init__(self, loop: Any, ask: Callable[[Handler, bytes], Awaitable[Source]], *, is_expecting: bool) -> None:
        super().__init__(loop)
        self._wire = _Wire()
        self.transport = self._wire
        self._ask = ask
        self._is_expecting = is_expecting
        self._is_written = False
        self._writing: asyncio.Future[None] | None = None
        self.source: Source | None = None
        #: The timer that aiohttp limits the whole exchange with.
        self.timer: Any = None
        self.params: dict[str, Any] = {}
        #: The response's body, once its head has been given to the caller.
        self.body: Any = None

    def set_response_params(self, *, timer: Any = None, **params: Any) -> None:
        """Make the parser; its timer is watched, because waiting for more of a body is all that uses it."""
        self.timer, self.params = timer, params
        super().set_response_params(timer=_Watch(self, timer), **params)  # type: ignore[arg-type]

    @property
    def is_expired(self) -> bool:
        """Whether the time for the whole exchange is over, so that its task has been cancelled."""
        return getattr(self.timer, "_cancelled", False) is True

    def take_unpacked(self) -> None:
        """Take bodies without their content encoding, though their headers have one."""
        self.set_response_params(timer=self.timer, **{**self.params, "auto_decompress": False})

    def wait_no_longer(self, seconds: float | None = None) -> None:
        """Limit from now on how long the next bytes may take; None for no limit at all."""
        self._read_timeout = seconds
        super().start_timeout()

    def start_timeout(self) -> None:
        """Take in that the request has been written: it is now that a response is waited for."""
        self._is_written = True
        if self._writing is not None:
            # Not before the task that has written it is over: aiohttp keeps asking whether it is.
            self._loop.call_soon(self._wake)

    def set_exception(self, exc: BaseException, *cause: Any) -> None:
        """Take in why there will be no response, or no more of it."""
        super().set_exception(exc, *cause)
        self.failed(exc)
        self._wake()

    def failed(self, error: BaseException) -> None:
        """Take in what the caller gets instead of more."""
        if self.source is not None:
            self.source.fail(error)

    async def read(self) -> Any:
        """Return the head of a response and its body."""
        if self.source is None and self._exception is None:
            if not self._is_written and self._is_expecting:
                # Whoever waits with the body gets leave to send it: what is asked is known only then.
                self._is_expecting = False
                self.data_received(_CONTINUE)
                self._drop_timeout()
                return await super().read()
            await self._written()
            if self._exception is None:
                self.plug(await self._ask(self, b"".join(self._wire.sent)))
        try:
            message, body = await super().read()
        except BaseException as error:
            self.failed(error)
            raise
        if not 100 <= message.code < 200 or message.code == 101:  # noqa: PLR2004 - as aiohttp has it
            self.body = body
        return message, body

    def plug(self, source: Source) -> None:
        """Begin to take in a response."""
        self._wire.sent.clear()
        self.source = self._wire.source = source
        source.plug(self)

    def wanted(self) -> None:
        """Take in that the caller waits for more of a body."""
        while self.source is not None and self._payload is not None and self._payload._waiter is not None:  # noqa: SLF001
            if not self.source.pull(self):
                break

    def release(self, *, should_close: bool) -> None:
        """Take in that the caller has done with the response."""
        should_close = should_close or self.should_close
        if self.source is not None:
            self.source.release(should_close=should_close)
        if should_close:
            self.close()
        self._drop_timeout()
        # They refer back, and nobody needs them any more.
        self._parser = self._payload = self.body = None

    async def _written(self) -> None:
        if not self._is_written:
            self._writing = self._loop.create_future()
            await self._writing

    def _wake(self) -> None:
        if self._writing is not None and not self._writing.done():
            self._writing.set_result(None)
