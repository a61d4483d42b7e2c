"""The largest calls: how many bytes they take, and what of them does."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..job import is_http
from ..miss import describe
from ..readable import request_part, response_part
from ..store.looking import AnyFile
from .words import one_line, share_of, short, size_of, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ..job import Chunk, Row
    from ..readable import Part

__all__ = ["Large", "largest_lines", "largest_of", "largest_tree"]

_LONGEST: Final = 120
# As `readable` describes what is no text.
_MEDIA: Final = re.compile(r"binary content, ([^\s,]+/[^\s,]+|of no named type), ([\d,]+) bytes")


class Large(NamedTuple):
    """A call and what its bytes are.

    Attributes:
        row: The call.
        parts: The bytes of each slot that has some, the largest first; `rest` are names, moments, errors and notes.
        media: What in it is binary: bytes by media type.

    """

    row: Row
    parts: dict[str, int]
    media: dict[str, int]

    @property
    def size(self) -> int:
        """All its bytes."""
        return sum(self.parts.values())

    @property
    def request(self) -> str:
        """What was asked, in one line."""
        return describe(self.row.kind, self.row.request_json)


def largest_of(cassette: Path, ids: Iterable[str]) -> list[Large]:
    """Return what some calls are made of.

    Raises:
        CassetteError: The file cannot be read.

    """
    file = AnyFile(cassette)
    rows = [(row, file.chunks(row.id)) for job in ids if (row := file.row(job)) is not None]
    return [_large(row, chunks) for row, chunks in rows]


def _large(row: Row, chunks: Sequence[Chunk]) -> Large:
    slots = {
        "request": _bytes([row.request_json]),
        "response": _bytes([row.response_json, *(chunk.body for chunk in chunks)]),
        "data": _bytes([row.data_json]),
    }
    slots["rest"] = _bytes(row) + _bytes(chunk.body for chunk in chunks) - sum(slots.values())
    parts = {name: size for name, size in sorted(slots.items(), key=lambda slot: -slot[1]) if size}
    shown = (
        request_part(row.request_json, is_http=is_http(row.kind)),
        response_part(row.response_json, lambda: chunks, is_http=is_http(row.kind)),
    )
    return Large(row, parts, dict(sum(map(_media, shown), Counter()).most_common()))


def _bytes(values: Iterable[Any]) -> int:
    return sum(len(value.encode(errors="surrogatepass")) for value in values if isinstance(value, str))


def _media(part: Part | None) -> Counter[str]:
    found: Counter[str] = Counter()
    for media_type, size in _MEDIA.findall(part.text if part else ""):
        found["binary" if " " in media_type else media_type] += int(size.replace(",", ""))
    return found


def largest_lines(largest: list[Large], whole: int) -> Iterator[str]:
    """Yield lines about the largest calls.

    Args:
        largest: The calls.
        whole: How many bytes all calls take.

    """
    rows = [
        (short(one.row), size_of(one.size), share_of(one.size, whole), f"{_made_of(one)}: {_named(one)}")
        for one in largest
    ]
    yield from table(("id", "size", "share", "largest calls"), rows)


def _made_of(one: Large) -> str:
    large = (slot for slot, size in one.parts.items() if size * 10 >= one.size and slot != "rest")
    largest = [f"{slot} {size_of(one.parts[slot])}" for slot in large] or [f"rest {size_of(one.parts.get('rest', 0))}"]
    media = [f"{media_type} {size_of(size)}" for media_type, size in one.media.items()]
    return ", ".join(largest) + (f" ({', '.join(media)})" if media else "")


def _named(one: Large) -> str:
    kind = "" if is_http(one.row.kind) or one.request.startswith(one.row.kind) else f"{one.row.kind}: "
    return one_line(f"{kind}{one_line(one.request, _LONGEST)} {one.row.scope or ''}", 2 * _LONGEST)


def largest_tree(one: Large) -> dict[str, Any]:
    """Return a call for programs."""
    return {
        "id": one.row.id,
        "test": one.row.scope or None,
        "kind": one.row.kind,
        "request": one.request,
        "bytes": one.size,
        "parts": one.parts,
        "media": one.media,
    }
