"""The pages of a finished cassette, laid out in one way, whichever SQLite has written them.

What a page holds, and in which order, SQLite's versions agree on. They differ in where they put its cells, in what
they leave between these, and in the counters of the header. The format: https://www.sqlite.org/fileformat2.html
"""

from __future__ import annotations

import mmap
import os
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["lay_out"]

# Header fields that tell which SQLite wrote the file and how often; they would differ between equal cassettes.
_COUNTERS: Final = ((24, 1), (92, 1), (96, 3_045_000))
_HEADER_BYTES: Final = 100
_IN_TREE: Final = struct.Struct(">BHHHB")
_NUMBER: Final = struct.Struct(">I")
_INTERIOR_TABLE: Final = 0x05
_LEAF_TABLE: Final = 0x0D
_INTERIOR: Final = (0x02, _INTERIOR_TABLE)
_GOES_ON: Final = 0x80
_MOST: Final = 0xFFFF


def lay_out(path: Path, roots: Iterable[int], page_bytes: int) -> int:
    """Put the cells of each page side by side, clear what is left, set the counters; the file is safe on the disk then.

    Args:
        path: A file that nobody has open, without free pages.
        roots: The page numbers of its trees, without that of the schema, which is 1.
        page_bytes: The size of a page.

    Returns:
        How many bytes its rows have, which is the same in pages of any size.

    Raises:
        OSError: It cannot be written.

    """
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as pages:
        todo, content = [1, *roots], 0
        while todo:
            page = _Page(pages, todo.pop(), page_bytes)
            todo += page.lay_out()
            content += page.content
        for offset, value in _COUNTERS:
            _NUMBER.pack_into(pages, offset, value)
        pages.flush()
        os.fsync(file.fileno())
    return content


class _Page:
    """A page of a tree.

    Attributes:
        content: How many bytes its rows have, when it has been laid out.

    """

    def __init__(self, pages: mmap.mmap, number: int, size: int) -> None:
        self._pages = pages
        self._size = size
        self._base = (number - 1) * size
        self.content = 0
        self._start = self._base + (_HEADER_BYTES if number == 1 else 0)
        self._kind, _, self._count, _, _ = _IN_TREE.unpack_from(pages, self._start)

    def lay_out(self) -> list[int]:
        """Lay out this page, and the pages that its cells go on in; return the pages below it."""
        is_interior = self._kind in _INTERIOR
        places = self._start + (12 if is_interior else 8)
        pointers = struct.Struct(f">{self._count}H")
        offsets = pointers.unpack_from(self._pages, places)
        cells = [self._cell(self._base + offset) for offset in offsets]
        end, moved = self._size, []
        for cell in cells:
            end -= len(cell)
            moved.append(end)
        below = [_NUMBER.unpack_from(cell)[0] for cell in cells] if is_interior else []
        if is_interior:
            below += _NUMBER.unpack_from(self._pages, self._start + 8)
        free = places + pointers.size
        # Of a page of 65,536 bytes its end is written as 0.
        _IN_TREE.pack_into(self._pages, self._start, self._kind, 0, self._count, end & _MOST, 0)
        pointers.pack_into(self._pages, places, *moved)
        self._pages[free : self._base + self._size] = bytes(self._base + end - free) + b"".join(reversed(cells))
        return below

    def _cell(self, at: int) -> bytes:
        """Return the bytes of a cell in this page."""
        end = at + (4 if self._kind in _INTERIOR else 0)
        length, end = self._varint(end)
        if self._kind == _INTERIOR_TABLE:
            return self._pages[at:end]
        if self._kind == _LEAF_TABLE:
            _, end = self._varint(end)
        self.content += length
        here = self._local(length)
        end += here
        if here < length:
            self._clear_after(length - here, _NUMBER.unpack_from(self._pages, end)[0])
            end += 4
        # A cell takes at least four bytes, so that it can be linked in as a free block.
        return self._pages[at:end].ljust(4, b"\0")

    def _varint(self, at: int) -> tuple[int, int]:
        """Return a number of seven bits a byte, and where it ends."""
        value = 0
        for place in range(at, at + 8):
            byte = self._pages[place]
            value = value << 7 | byte & ~_GOES_ON
            if byte < _GOES_ON:
                return value, place + 1
        return value << 8 | self._pages[at + 8], at + 9

    def _local(self, length: int) -> int:
        """Return how many bytes of a content are in the page itself."""
        share = self._size - 12
        most = self._size - 35 if self._kind == _LEAF_TABLE else share * 64 // 255 - 23
        if length <= most:
            return length
        least = share * 32 // 255 - 23
        rest = least + (length - least) % (self._size - 4)
        return rest if rest <= most else least

    def _clear_after(self, length: int, number: int) -> None:
        """Clear what follows a content in the last of the pages that it goes on in."""
        room = self._size - 4
        while length > room:
            length -= room
            (number,) = _NUMBER.unpack_from(self._pages, (number - 1) * self._size)
        end = number * self._size
        start = end - room + length
        self._pages[start:end] = bytes(end - start)
