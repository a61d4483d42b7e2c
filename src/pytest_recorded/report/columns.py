"""Texts in the columns of a terminal: cut and wrapped by what letters take on a screen, not by their number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from unicodedata import combining, east_asian_width

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Markup", "Piece", "columns", "fitted", "wrapped"]

Markup = dict[str, bool]
#: A text, and how pytest's terminal shows it.
Piece = tuple[str, Markup]

_ELLIPSIS: Final = "…"


def columns(text: str) -> int:
    """Return how many columns a text takes."""
    return len(text) if text.isascii() else sum(map(_columns_of, text))


def _columns_of(letter: str) -> int:
    return 0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1


def fitted(line: Iterable[Piece], width: int) -> Iterator[Piece]:
    """Yield a line of one width at most; where it is cut it ends in an ellipsis."""
    pieces = [piece for piece in line if piece[0]]
    left = width if sum(columns(text) for text, _ in pieces) <= width else width - 1
    for text, markup in pieces:
        taken = _head(text, left)
        left -= columns(taken)
        if taken != text:
            yield taken + _ELLIPSIS, markup
            return
        yield text, markup


def _head(text: str, width: int) -> str:
    """Return as much of a text as fits."""
    if columns(text) <= width:
        return text
    for at, letter in enumerate(text):
        width -= _columns_of(letter)
        if width < 0:
            return text[:at]
    return text


def wrapped(line: Iterable[Piece], width: int, *, indent: int, most: int) -> Iterator[list[Piece]]:
    """Yield a line as lines of one width at most.

    Args:
        line: The line.
        width: Of each line.
        indent: Columns before the second line and those after it.
        most: How many lines; what is left over is cut off.

    """
    lines: list[list[Piece]] = [[]]
    left = width
    for text, markup in line:
        while text:
            taken = text if len(lines) == most else _broken(text, left, is_first=left == width - indent)
            if taken:
                lines[-1].append((taken, markup))
            left -= columns(taken)
            text = text[len(taken) :]  # noqa: PLW2901 - what is left of it
            if text:
                _strip(lines[-1])
                lines.append([(" " * indent, {})])
                left = width - indent
                # Where a line breaks a space is not seen.
                text = text.lstrip(" ")  # noqa: PLW2901 - the same
    yield from lines


def _strip(line: list[Piece]) -> None:
    """Take the spaces off a line's end."""
    if line:
        text, markup = line[-1]
        line[-1] = text.rstrip(" "), markup


def _broken(text: str, width: int, *, is_first: bool) -> str:
    """Return as much of a text as fits on the rest of a line, if it can be up to the end of a word."""
    head = _head(text, max(width, 0))
    if head == text:
        return text
    at = head.rfind(" ")
    if at > 0:
        return head[:at]
    return head if is_first else ""
