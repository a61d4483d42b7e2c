"""Rows for a `Selection`, a page at a time.

The law of this file: no statement outlives a page. Between two pages anybody may write to the file, close it or replace
it, and nothing is locked. And what SQL says only narrows down: its conditions hold for every row that the selection
takes, whoever has written the JSON of that row.
"""

from __future__ import annotations

import re
import sqlite3
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from ..job import Row
from ..selection import is_glob, may_name_llm
from .schema import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..selection import Selection

    Read = Callable[..., list[Any]]

__all__ = ["fetch_readable", "narrowed", "stream"]

# In a ledger rows lie in the order in which they were recorded, and that needs no index.
_PAGE: Final = f"SELECT rowid, {COLUMNS} FROM jobs WHERE {{conditions}} AND"
_PAGE_BACKWARDS: Final = f"{_PAGE} rowid < ? ORDER BY rowid DESC LIMIT ?"
_PAGE_FORWARDS: Final = f"{_PAGE} rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?"
_LAST_ROWID: Final = "SELECT max(rowid) FROM jobs"
_ROWIDS: Final = "SELECT rowid FROM jobs WHERE {conditions} ORDER BY rowid {order} LIMIT ?"
_AT_ROWIDS: Final = f"SELECT rowid, {COLUMNS} FROM jobs WHERE rowid IN ({{places}})"
# In a cassette they lie by their addresses.
_PLACE: Final = ("scope", "kind", "key", "seq", "attempt")
_PLACES: Final = (
    f"SELECT {', '.join(_PLACE)} FROM jobs WHERE {{conditions}}"
    " ORDER BY submitted_at {order}, seq {order}, id {order} LIMIT ?"
)
# The places stand first, so that each is looked for in the tree of addresses.
_AT_PLACES: Final = (
    f"SELECT {', '.join(_PLACE)}, {COLUMNS} FROM (VALUES {{places}}) AS wanted CROSS JOIN jobs"
    f" ON {' AND '.join(f'{name} = wanted.column{n}' for n, name in enumerate(_PLACE, 1))}"
)

_FIRST_PAGE: Final = 16
_LARGEST_PAGE: Final = 128
_LARGEST_INT_BITS: Final = 2000
# JSON writes these in a string with a backslash; everything else it may, or may not.
_ALWAYS_ESCAPED: Final = re.compile('["\\\\\x00-\x1f\ud800-\udfff]')


def stream(read: Read, selection: Selection, *, by_rowid: bool) -> Iterator[Row]:
    """Yield rows in the order of a selection, all that it takes among them; those that are added meanwhile are not.

    Args:
        read: Runs a statement with its parameters and returns the rows that it finds.
        selection: Which rows.
        by_rowid: Whether the rows of the file lie in the order in which they were recorded.

    """
    has_order = by_rowid and selection.key is None
    return _in_order(read, selection) if has_order else _sorted(read, selection, by_rowid=by_rowid)


def _in_order(read: Read, selection: Selection) -> Iterator[Row]:
    """Yield candidates along the rows of a ledger."""
    conditions, values = narrowed(selection)
    if selection.newest_first:
        statement = _PAGE_BACKWARDS.format(conditions=conditions)
        end: tuple[int, ...] = ()
        place = _BEYOND
    else:
        # Whoever adds rows while he reads them would never reach the end.
        statement, end = _PAGE_FORWARDS.format(conditions=conditions), (read(_LAST_ROWID)[0][0] or 0,)
        place = -_BEYOND
    size = min(_FIRST_PAGE, selection.limit or _FIRST_PAGE)
    while True:
        page = read(statement, *values, place, *end, size)
        for _, *columns in page:
            yield Row._make(columns)
        if len(page) < size:
            return
        place, size = page[-1][0], min(size * 2, _LARGEST_PAGE)


_BEYOND: Final = (1 << 63) - 1


def _sorted(read: Read, selection: Selection, *, by_rowid: bool) -> Iterator[Row]:
    """Yield candidates where no tree has their order: their places are sorted first, then each is looked up."""
    conditions, values = narrowed(selection)
    places, look_up = (_ROWIDS, _AT_ROWIDS) if by_rowid else (_PLACES, _AT_PLACES)
    statement = places.format(conditions=conditions, order="DESC" if selection.newest_first else "ASC")
    # Mostly a few are wanted, and to find these is cheaper than to sort all.
    first = read(statement, *values, _LARGEST_PAGE)
    yield from _looked_up(read, look_up, first)
    if len(first) == _LARGEST_PAGE:
        known = set(first)
        yield from _looked_up(read, look_up, [place for place in read(statement, *values, -1) if place not in known])


def _looked_up(read: Read, statement: str, places: Sequence[tuple[Any, ...]]) -> Iterator[Row]:
    """Yield the rows at places, in their order, a few at first and then more at a time."""
    start, size = 0, _FIRST_PAGE
    while page := places[start : start + size]:
        width = len(page[0])
        marks = ", ".join([f"({', '.join('?' * width)})"] * len(page)) if width > 1 else ", ".join("?" * len(page))
        found = {columns[:width]: columns[width:] for columns in read(statement.format(places=marks), *chain(*page))}
        for place in page:
            if (columns := found.get(tuple(place))) is not None:
                yield Row._make(columns)
        start, size = start + size, min(size * 2, _LARGEST_PAGE)


def narrowed(selection: Selection) -> tuple[str, list[Any]]:
    """Return SQL conditions that hold for every row of a selection, and their parameters."""
    found: list[tuple[str, tuple[Any, ...]]] = []
    if selection.key is not None:
        found.append(("key = ?", (selection.key,)))
    if selection.kind is not None:
        found.append(_of_kind(selection.kind))
    if selection.scope is not None:
        exact = selection.is_scope_exact or not is_glob(selection.scope)
        found.append(("scope = ?", (selection.scope,)) if exact else _like("scope", selection.scope))
    if selection.since is not None:
        found.append(("submitted_at >= ?", (selection.since,)))
    if selection.until is not None:
        found.append(("submitted_at <= ?", (selection.until,)))
    found.append((f"status IN ({', '.join('?' * len(selection.statuses))})", selection.statuses))
    for name, value in selection.where.items():
        if value is not None:
            found += (_holding(name), *_written(value))
    return " AND ".join(condition for condition, _ in found), [value for _, values in found for value in values]


def _of_kind(kind: str) -> tuple[str, tuple[Any, ...]]:
    condition, values = _like("kind", kind) if is_glob(kind) else ("kind = ?", (kind,))
    if may_name_llm(kind):
        # Which of the HTTP calls are those of language models is known to who can read them.
        return f"({condition} OR kind GLOB 'http.*')", values
    return condition, values


def _like(column: str, glob: str) -> tuple[str, tuple[Any, ...]]:
    """Return a condition on a glob, up to its first set: Python and SQLite write those differently."""
    start, bracket, _ = glob.partition("[")
    return f"({column} GLOB ? OR {column} = ?)", (start + "*" if bracket else start, glob)


def _holding(text: str) -> tuple[str, tuple[Any, ...]]:
    """Return the condition that a text is in the JSON: as it is, or in some way with a backslash."""
    if _ALWAYS_ESCAPED.search(text):
        return "instr(data_json, '\\') > 0", ()
    return "(instr(data_json, ?) > 0 OR instr(data_json, '\\') > 0)", (text,)


def _written(value: Any) -> list[tuple[str, tuple[Any, ...]]]:
    """Return the conditions that a value is in the JSON."""
    if isinstance(value, str):
        return [_holding(str.__str__(value))]
    if isinstance(value, bool):
        return [("instr(data_json, ?) > 0", ("true" if value else "false",))]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and value.bit_length() < _LARGEST_INT_BITS:
        return [(f"(instr(data_json, ?) > 0 OR {_HAS_FRACTION})", (int.__repr__(value),))]
    return [(f"({_HAS_FRACTION})", ())] if isinstance(value, float) else []


# A number with a fraction or an exponent, which may be written in many ways. Each pattern goes from one such letter to
# the next; one that looks for the digit before it would try at every letter.
_HAS_FRACTION: Final = " OR ".join(f"data_json GLOB '*{letter}[-+0-9]*'" for letter in ".eE")


def fetch_readable(connection: sqlite3.Connection, statement: str, values: Sequence[Any]) -> list[Any]:
    """Return what a statement finds; of a text that is no UTF-8, what can be read of it."""
    try:
        return connection.execute(statement, values).fetchall()
    except sqlite3.OperationalError as error:
        if "decode to UTF-8" not in str(error):
            raise
    usual = connection.text_factory
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    try:
        return connection.execute(statement, values).fetchall()
    finally:
        connection.text_factory = usual
