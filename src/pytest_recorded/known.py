"""Secret values that have been met, and where a text has them, however they are written there.

A value may stand in a text as it is, escaped as in JSON (also JSON in JSON) or by Python, or percent-encoded as in a
URL (also JSON in a URL); each of its characters on its own, because every library escapes others. It counts as a whole
token: `abc` is not in `abcd`.
"""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from typing import Final, NamedTuple

__all__ = ["PLACEHOLDER", "REDACTED", "Found", "Known"]

REDACTED: Final = "redacted"

#: What stands for secrets, as a pattern: it is never a secret itself.
PLACEHOLDER: Final = r"redacted(?:-[0-9a-f]{6}-\d+)?(?![A-Za-z0-9])"

_STARTS: Final = (
    r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=\\x[0-9a-fA-F]{2})|(?<=\\u[0-9a-fA-F]{4})"
    r"|(?<=\\U[0-9a-fA-F]{8})|(?<=%[0-9a-fA-F]{2})|(?<=%25[0-9a-fA-F]{2})|(?<=%2525[0-9a-fA-F]{2})"
    r"|(?<=%252525[0-9a-fA-F]{2}))"
)
_ENDS: Final = r"(?![A-Za-z0-9])"
_RUN: Final = re.compile(r"[A-Za-z0-9]+")
_RUN_AFTER_ESCAPE: Final = re.compile(
    r"(?:\\[nrtbf]|\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|%(?:25){0,3}[0-9a-fA-F]{2})([A-Za-z0-9]+)"
)
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.~-]+")
_PIECES: Final = re.compile(r"[A-Za-z0-9_.~-]+|\\+|.", re.DOTALL)
# JSON in JSON in JSON in JSON: nobody goes deeper, and a bound keeps a search in a megabyte of backslashes short.
_MOST_ESCAPES: Final = 15
_BACKSLASH: Final = r"(?:\\|%(?:25){0,3}5[cC])"
_LETTERS: Final = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
_FEW: Final = 64
_BYTE: Final = 0xFF


class Found(NamedTuple):
    """A known value in a text: from where to where, and which."""

    start: int
    end: int
    value: str


class Known:
    """Secret values and what stands for each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._placeholders: dict[str, str] = {}
        # A value is looked for by its longest run of letters and digits, which no library escapes.
        self._by_run: dict[str, list[str]] = {}
        #: What a text has to have one of, to have a known value.
        self.runs: list[str] = []

    def __len__(self) -> int:
        return len(self._placeholders)

    def add(self, value: str, placeholder: str) -> str:
        """Remember a value; return what stands for it from now on."""
        with self._lock:
            if value in self._placeholders:
                return self._placeholders[value]
            self._placeholders[value] = placeholder
            run = max(_RUN.findall(value), key=len, default="")
            if run in self._by_run:
                self._by_run[run].append(value)
            else:
                self._by_run[run] = [value]
                self.runs.append(run)
        return placeholder

    def placeholder(self, value: str) -> str:
        """Return what stands for a value that has been added."""
        return self._placeholders[value]

    def find(self, text: str, *, tokens: bool = True) -> list[Found]:
        """Return where a text has known values, from left to right.

        Args:
            text: The text.
            tokens: Whether they have to be whole tokens.

        """
        values = self._candidates(text)
        if not values:
            return []
        # The longest first: one value may be the beginning of another.
        values.sort(key=lambda value: (-len(value), value))
        found = _pattern(tuple(values), tokens).finditer(text)
        return [Found(*match.span(), values[match.lastindex - 1]) for match in found if match.lastindex]

    def _candidates(self, text: str) -> list[str]:
        """Return the values that may be in a text."""
        if len(self.runs) <= _FEW:
            runs = [run for run in self.runs if run in text]
        else:
            in_text = {"", *_RUN.findall(text), *_RUN_AFTER_ESCAPE.findall(text)}
            runs = [run for run in in_text if run in self._by_run]
        return [value for run in runs for value in self._by_run[run]] if runs else []


@lru_cache(maxsize=64)
def _pattern(values: tuple[str, ...], tokens: bool) -> re.Pattern[str]:
    """Return what matches a placeholder (no group) or one of some values (a group each)."""
    return re.compile("|".join((PLACEHOLDER, *(f"({_spelled(value, tokens=tokens)})" for value in values))))


def _spelled(value: str, *, tokens: bool) -> str:
    pieces = _PIECES.findall(value)
    befores = [False, *(piece[0] == "\\" for piece in pieces)]
    body = "".join(map(_characters, pieces, befores))
    starts = _STARTS if tokens and value[0].isalnum() else ""
    if starts and value[0].isascii():
        # Most places of a text are ruled out by one letter.
        starts = f"(?={value[0]}){starts}"
    ends = _ENDS if tokens and value[-1].isalnum() else ""
    return starts + body + ends


@lru_cache(maxsize=1024)
def _characters(piece: str, is_after_backslash: bool) -> str:
    """Return what matches a character, or a run of plain ones or of backslashes, however it is escaped.

    Args:
        piece: The character or the run.
        is_after_backslash: Whether there is a backslash before it; then that has taken those of its escape.

    """
    if _PLAIN.fullmatch(piece):
        return re.escape(piece)
    if piece[0] == "\\":
        return f"{_BACKSLASH}{{1,{_MOST_ESCAPES * len(piece)}}}+"
    # All backslashes or none, which keeps a search short; but `%5c` may be a `%` with something behind it.
    up_to = f",{_MOST_ESCAPES}}}" + ("" if piece == "%" else "+")
    escape = f"{_BACKSLASH}{{{0 if is_after_backslash else 1}{up_to}"
    units = piece.encode("utf-16-be", "surrogatepass")
    first, *more = (f"u{_hex(units[at : at + 2].hex())}" for at in range(0, len(units), 2))
    in_json = "".join((escape, first, *(f"{_BACKSLASH}{{1{up_to}{unit}" for unit in more)))
    # Percent-encoded first, or `%25` would be a `%` with something behind it.
    forms = [f"{_BACKSLASH}{{0{up_to}(?:{_in_url(piece)}|{re.escape(piece)})", in_json]
    code = ord(piece)
    forms.append(escape + (f"x{_hex(f'{code:02x}')}" if code <= _BYTE else f"U{_hex(f'{code:08x}')}"))
    if piece in _LETTERS:
        forms.append(escape + _LETTERS[piece])
    if piece == " ":
        forms.append(rf"\+|{_in_url('+')}")
    return f"(?:{'|'.join(forms)})"


def _in_url(char: str) -> str:
    # What the system could not decode stands for one byte.
    errors = "surrogateescape" if "\udc80" <= char <= "\udcff" else "surrogatepass"
    return "".join(f"%(?:25){{0,3}}{_hex(f'{byte:02x}')}" for byte in char.encode(errors=errors))


def _hex(digits: str) -> str:
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)
