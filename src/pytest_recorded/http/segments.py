"""What urllib3-future's responses read their pieces from: recorded while it is read, or recorded."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from .pools import PoolPieces

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..message import HttpResponse
    from .exchange import HttpCall

__all__ = ["ClosingSource", "Segments", "SourcePieces"]


class ClosingSource:
    """A source that says when it is closed."""

    recorded_pieces: SourcePieces

    def close(self) -> None:
        """Close the source; a body that was not read to its end has been closed early."""
        super().close()  # type: ignore[misc]  # it is mixed into the library's class
        self.recorded_pieces.left()


class SourcePieces(PoolPieces):
    """What has been read of a source."""

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Take in that reading fails."""
        try:
            yield
        except BaseException as error:
            self.finish("failed", error=error)
            raise

    def take(self, came: tuple[list[bytes], bool, Any]) -> None:
        """Take in what was read, and whether it was the last."""
        for chunk in came[0]:
            self.note(chunk)
        if came[1]:
            self.finish("complete")

    def drop(self) -> None:
        """Record nothing."""
        if self._end():
            self.ticket.book.drop(self.ticket)


class Segments:
    """A recorded body, as a source gives it."""

    def __init__(
        self, call: HttpCall, response: HttpResponse, error: BaseException | None, pieces: list[bytes]
    ) -> None:
        self._call = call
        self._response = response
        self._error = error
        self._left = list(reversed(pieces))

    def is_at_end(self, size: int | None) -> bool:
        """Return whether a read of a size, or of all there is, comes to the end of what is recorded."""
        return size is None or not self._left

    def take(self, size: int | None) -> tuple[list[bytes], bool, None]:
        """Return what one read gives, and whether it is the last; after it, the recorded end."""
        if size is not None and self._left:
            return [self._left.pop()], not self._left and self._is_whole, None
        if self._error is not None:
            raise self._error
        if not self._is_whole:
            raise self._call.read_on(len(self._response.pieces()))
        rest = self._left[::-1]
        self._left.clear()
        return rest, True, None

    @property
    def _is_whole(self) -> bool:
        return self._error is None and self._response.end == "complete"
