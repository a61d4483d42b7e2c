"""Recorded things in a few words: ages, sizes, ids, tables."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from ..shown import clip

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..job import Row
    from ..jobs import Job

__all__ = ["one_line", "share_of", "short", "size_of", "table"]

_SHORT: Final = 12
# Those of a Recorder begin with the time, to the microsecond.
_SHORT_BY_TIME: Final = 18
_SPACES: Final = re.compile(r"\s+")
_THOUSAND: Final = 1000
_TEN: Final = 10
_HUNDREDTH: Final = 0.01


def short(call: Job | Row) -> str:
    """Return the first digits of a call's id, which are enough to find it by."""
    return str(call.id)[: _SHORT if call.scope else _SHORT_BY_TIME]


def one_line(text: str, longest: int) -> str:
    """Return a text on one line, at most so many letters of it."""
    return clip(_SPACES.sub(" ", text[: longest * 4]).strip(), longest)


def size_of(size: float) -> str:
    """Return a number of bytes: `950 B`, `1.2 kB`, `34 MB`."""
    if size < _THOUSAND:
        return f"{int(size)} B"
    for unit in ("kB", "MB", "GB"):
        size /= _THOUSAND
        if size < _THOUSAND or unit == "GB":
            break
    return f"{size:.1f} {unit}" if size < _TEN else f"{size:,.0f} {unit}"


def share_of(part: float, whole: float) -> str:
    """Return which share of a whole something is: `41%`, `<1%`."""
    share = part / whole if whole else 0.0
    return "<1%" if 0 < share < _HUNDREDTH else f"{share:.0%}"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table: numbers to the right, the name, which is last, to the left. Columns with nothing in them go."""
    lines = [tuple(headings), *map(tuple, rows)]
    columns = [column for column in zip_longest(*lines, fillvalue="") if any(column[1:])]
    widths = [max(map(len, column)) for column in columns]
    return [
        "  ".join([*(cell.rjust(width) for cell, width in zip(cells[:-1], widths, strict=False)), cells[-1]])
        for cells in zip(*columns, strict=True)
    ]
