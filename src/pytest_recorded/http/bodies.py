"""The bodies of httpx's responses: recorded while they are read, or recorded."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Protocol, Self

from ..book import FOREVER
from ..drive import sleep

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from ..message import HttpResponse
    from .exchange import HttpCall

__all__ = ["AsyncBody", "Fed", "ReplayedBody", "SyncBody"]


class Passing(Protocol):
    """Takes in what passes of a body."""

    def note(self, item: bytes) -> None:
        """Take in a chunk."""

    def finish(self, end: str, returned: Any = None, error: BaseException | None = None) -> None:
        """Take in how the body ended."""

    def left(self) -> None:
        """Take in that whoever reads the body reads no further."""


class Fed:
    """Chunks to be decoded, and where in them the decoder is."""

    def __init__(self, chunks: list[tuple[float, bytes]]) -> None:
        self._chunks = chunks
        self.at = 0.0

    def __iter__(self) -> Iterator[bytes]:
        for at, chunk in self._chunks:
            self.at = at
            yield chunk


class SyncBody:
    """A body that is recorded while it is read."""

    def __init__(self, inner: Any, pieces: Passing) -> None:
        self._inner = inner
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._inner:
                self._pieces.note(chunk)
                yield chunk
        except GeneratorExit:
            raise
        except BaseException as error:
            self._pieces.finish("failed", error=error)
            raise
        self._pieces.finish("complete")

    def close(self) -> None:
        """Close the connection's side; a body that was not read to its end has been closed early."""
        try:
            self._inner.close()
        finally:
            self._pieces.left()


class AsyncBody:
    """An asynchronous body that is recorded while it is read."""

    def __init__(self, inner: Any, pieces: Passing) -> None:
        self._inner = inner
        self._pieces = pieces

    def __aiter__(self) -> AsyncIterator[bytes]:
        return AsyncReading(self._inner.__aiter__(), self._pieces)

    async def aclose(self) -> None:
        """Close the connection's side; a body that was not read to its end has been closed early."""
        try:
            await self._inner.aclose()
        finally:
            self._pieces.left()


class AsyncReading(AsyncGenerator[bytes, None]):
    """The reading of an asynchronous body.

    No generator, because event loops warn of those that are left before their end, but closed like one by httpx2.
    """

    def __init__(self, source: Any, pieces: Passing) -> None:
        self._source = source
        self._pieces = pieces

    async def asend(self, _value: None) -> bytes:
        try:
            chunk: bytes = await self._source.__anext__()
        except StopAsyncIteration:
            self._pieces.finish("complete")
            raise
        except BaseException as error:
            self._pieces.finish("failed", error=error)
            raise
        self._pieces.note(chunk)
        return chunk

    async def athrow(self, *error: Any) -> bytes:
        if isinstance(self._source, AsyncGenerator):
            await self._source.aclose()
        raise error[0]


class ReplayedBody:
    """A recorded body in its pieces, and its recorded end."""

    def __init__(self, response: HttpResponse, error: BaseException | None, call: HttpCall) -> None:
        self._pieces = response.pieces()
        self._next = iter(self._pieces)
        self._end = response.end
        self._error = error
        self._call = call

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        for piece in self._next:
            return piece
        self._finish()
        raise StopIteration

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._next:
            return piece
        if self._end == "cancelled":
            await sleep(FOREVER)
        self._finish()
        raise StopAsyncIteration

    def _finish(self) -> None:
        if self._error is not None:
            raise self._error
        if self._end != "complete":
            raise self._call.read_on(len(self._pieces))
