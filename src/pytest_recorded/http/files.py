"""The file that http.client reads a response from: recorded while it is read, or recorded.

Both stand below the buffer, because where each read from the network ended is what `peek()` and `read1()` depend on.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Reader", "RecordedFile", "TeeFile"]


class Reader(Protocol):
    """Takes in what is read."""

    def note(self, item: bytes) -> None:
        """Take in what was read; nothing was, if nothing more will come."""

    def finish(self, end: str, returned: Any = None, error: BaseException | None = None) -> None:
        """Take in how reading ended."""

    def end(self) -> None:
        """Take in that the file was closed."""


class TeeFile(io.RawIOBase):
    """The file of a response below its buffer, recorded while it is read."""

    def __init__(self, file: Any, pieces: Reader) -> None:
        self._file = file
        self._pieces = pieces

    def readable(self) -> bool:
        """Return True; see `io.RawIOBase`."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read from the network once."""
        try:
            size: int | None = self._file.readinto(buffer)
        except BaseException as error:
            self._pieces.finish("failed", error=error)
            raise
        if size is not None and len(buffer):
            self._pieces.note(bytes(memoryview(buffer)[:size]))
        return size

    def close(self) -> None:
        """Close the network's side."""
        if self.closed:
            return
        try:
            self._file.close()
        finally:
            super().close()
            self._pieces.end()

    def fileno(self) -> int:
        """Return the number of the network's side."""
        number: int = self._file.fileno()
        return number

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class RecordedFile(io.RawIOBase):
    """A recorded response's bytes, a segment a read; then its recorded end."""

    def __init__(
        self,
        segments: list[bytes],
        error: BaseException | None,
        refuse: Callable[[], BaseException] | None = None,
    ) -> None:
        self._segments = [memoryview(segment) for segment in segments if segment]
        self._error = error
        self._refuse = refuse

    def readable(self) -> bool:
        """Return True; see `io.RawIOBase`."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Give what one read gave; after the last, the end."""
        if not self._segments:
            error = self._error or (self._refuse() if self._refuse else None)
            if error is not None:
                raise error
            return 0
        size = min(len(buffer), len(self._segments[0]))
        buffer[:size] = self._segments[0][:size]
        self._segments[0] = self._segments[0][size:]
        if not self._segments[0]:
            del self._segments[0]
        return size
