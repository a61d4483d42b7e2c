"""How an answer comes: compressed, torn into pieces, broken off, held back; and answers that come instead of it."""

from __future__ import annotations

import zlib
from itertools import accumulate, cycle, islice, pairwise, takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Sizes of pieces: they end inside lines, and right after one byte.
SIZES = (37, 1, 64, 5, 203, 2)
_FIRST_OF_SEVERAL = 0xC0


class Busy(NamedTuple):
    """Answer with an error.

    Attributes:
        status: Its status.
        headers: What it says about trying again.

    """

    status: int = 429
    headers: tuple[tuple[str, str], ...] = ()


class Cut(NamedTuple):
    """Break a stream off in the middle of an event; `after`: how many come whole."""

    after: int = 4


class Held(NamedTuple):
    """Stop in the middle of an event until the caller has gone; `after`: how many come whole."""

    after: int = 4


def torn(data: bytes) -> Iterator[bytes]:
    """Tear bytes into pieces, also right behind the first byte of some characters that have several."""
    sizes = takewhile(lambda place: place < len(data), accumulate(cycle(SIZES)))
    inside = islice((place for place, byte in enumerate(data, 1) if byte >= _FIRST_OF_SEVERAL), 12)
    places = sorted({*sizes, *inside, len(data)})
    yield from (data[start:end] for start, end in pairwise([0, *places]) if start < end)


def first_of(frames: tuple[bytes, ...], after: int) -> tuple[bytes, ...]:
    """Return the first frames, and half of the next."""
    return (*frames[:after], *(frame[: len(frame) // 2] for frame in frames[after : after + 1]))


def packed(frames: Iterable[bytes], encoding: str | None, *, whole: bool = True) -> Iterator[bytes]:
    """Compress frames, each so that it can be read when it has come; `whole`: whether the stream is ended."""
    if encoding is None:
        yield from frames
        return
    packer = _Packer(encoding)
    for frame in frames:
        yield packer.add(frame)
    if whole:
        yield packer.end()


class _Packer:
    """A compressor of one of the encodings of HTTP."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._made = self._make()

    def _make(self) -> Any:
        if self._encoding == "br":
            import brotli

            return brotli.Compressor()
        if self._encoding == "zstd":
            import zstandard

            self._flush = zstandard.COMPRESSOBJ_FLUSH_BLOCK
            return zstandard.ZstdCompressor().compressobj()
        return zlib.compressobj(wbits=31 if self._encoding == "gzip" else 15)

    def add(self, frame: bytes) -> bytes:
        """Return what makes a frame readable."""
        if self._encoding == "br":
            return bytes(self._made.process(frame) + self._made.flush())
        return bytes(self._made.compress(frame) + self._made.flush(getattr(self, "_flush", zlib.Z_SYNC_FLUSH)))

    def end(self) -> bytes:
        """Return the end."""
        return bytes(self._made.finish() if self._encoding == "br" else self._made.flush())
