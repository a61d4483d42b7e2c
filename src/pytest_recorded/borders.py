"""Where the pieces of a body end, when the body becomes another."""

from __future__ import annotations

import codecs
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from .redact import edited

if TYPE_CHECKING:
    from .redact import Edit

__all__ = ["moved", "rebordered"]

#: For each piece of a body its time, in milliseconds since the headers, and its size in bytes.
Chunks = tuple[tuple[float, int], ...]


def rebordered(chunks: Chunks, old: bytes, new: bytes) -> Chunks:
    """Return the chunks of a body that has become another.

    What both bodies begin with, and what they end with, has its borders where it had them; what differs between is one
    piece.
    """
    start = _common(old, new)
    rest = len(old) - _common(old[start:][::-1], new[start:][::-1])
    shift = len(new) - len(old)
    ends = list(accumulate(size for _, size in chunks))
    now = [end + shift if end >= rest else end if end <= start else rest + shift for end in ends]
    sizes = [end - begin for begin, end in pairwise((0, *now))]
    return tuple((at, size) for (at, _), size in zip(chunks, sizes, strict=True) if size)


def _common(one: bytes, other: bytes) -> int:
    """Return how many bytes two bodies have in common at their beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


def moved(chunks: Chunks, content: bytes, encoding: str, edits: list[list[Edit]]) -> Chunks:
    """Return the chunks of a body in which placeholders have replaced secrets of another length.

    What lies between two placeholders has its borders where it had them; a border inside a secret moves to its end.
    """
    # Borders are counted in bytes and edits in letters, and a border may be inside a letter: letter n begins at 2n,
    # and inside of it is 2n + 1.
    decoder = codecs.getincrementaldecoder(encoding)()
    borders, begun, letters = [0], [0], 0
    for start, end in pairwise((0, *accumulate(size for _, size in chunks))):
        letters += len(decoder.decode(content[start:end]))
        begun.append(len(decoder.getstate()[0]))
        borders.append(2 * letters + (begun[-1] > 0))
    text = content.decode(encoding)
    for new in edits:
        borders, text = _shifted(borders, new), edited(text, new)
    inside = [border % 2 * size for border, size in zip(borders, begun, strict=True)]
    sizes = [len(text[start // 2 : end // 2].encode(encoding)) for start, end in pairwise(borders)]
    return tuple(
        (at, size - before + after)
        for (at, _), size, (before, after) in zip(chunks, sizes, pairwise(inside), strict=True)
    )


def _shifted(borders: list[int], new: list[Edit]) -> list[int]:
    """Return where borders, in their order, are after a pass of edits, in theirs."""
    shifted, shift, at = [], 0, 0
    for border in borders:
        while at < len(new) and 2 * new[at].end <= border:
            shift += 2 * (len(new[at].instead) - (new[at].end - new[at].start))
            at += 1
        is_inside = at < len(new) and 2 * new[at].start < border
        shifted.append(2 * (new[at].start + len(new[at].instead)) + shift if is_inside else border + shift)
    return shifted
