"""Values as messages show them: in one line, short, and cut so that what differs between two of them is seen.

The law of this file: it shows anything, however large or odd, and never raises.
"""

from __future__ import annotations

import builtins
import re
import reprlib
from itertools import islice
from typing import Any, Final

__all__ = ["COMMANDS", "LONGEST_VALUE", "clip", "cut_pair", "harmless", "in_one_line", "shown", "shown_pair"]

#: What a terminal takes as a command, what changes the direction of the letters after it, and halves of surrogate
#: pairs, which are no letters; a line break and a tab are none of them.
COMMANDS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

#: How many characters of a value a message shows.
LONGEST_VALUE: Final = 60
# Of what is shown as a text and then cut.
_MOST_ITEMS: Final = 500
_MOST_TEXT: Final = 2_000


def clip(text: str, longest: int) -> str:
    """Return a text, at most `longest` characters of it."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def harmless(text: str) -> str:
    """Return a text that is seen as it is: what commands a terminal, or turns letters around, is escaped."""
    return COMMANDS.sub(lambda found: _escaped(found[0]), text)


def in_one_line(text: str) -> str:
    """Return a text in one line, and harmless: its line breaks and tabs are escaped."""
    return harmless(text).replace("\n", "\\n").replace("\t", "\\t")


def _escaped(letter: str) -> str:
    return f"\\x{ord(letter):02x}" if letter < "\u0100" else f"\\u{ord(letter):04x}"


def cut_pair(one: str, other: str) -> tuple[str, str]:
    """Return two texts, cut so that what differs between them is seen."""
    same = next(
        (at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right),
        min(len(one), len(other)),
    )
    start = max(0, same - LONGEST_VALUE // 3) if max(len(one), len(other)) > LONGEST_VALUE else 0
    return _window(one, start), _window(other, start)


def _window(text: str, start: int) -> str:
    part = text[start : start + LONGEST_VALUE]
    return ("…" if start else "") + part + ("…" if start + LONGEST_VALUE < len(text) else "")


def shown(value: Any, longest: int = LONGEST_VALUE) -> str:
    """Return a value as Python writes it, at most `longest` characters of it."""
    return clip(_text_of(value), longest)


def shown_pair(one: Any, other: Any) -> tuple[str, str]:
    """Return two values as Python writes them, cut so that what differs between them is seen."""
    if type(one) is str and type(other) is str:
        # Before they are written, so that the place is found in texts of any length.
        return tuple(_text_of(part) for part in cut_pair(one, other))  # type: ignore[return-value]
    return cut_pair(_text_of(one), _text_of(other))


def _text_of(value: Any) -> str:
    try:
        return clip(_Writer().repr(value), _MOST_TEXT)
    except Exception as error:  # noqa: BLE001 - a value may have a type that lies about itself
        return f"<a value that cannot be shown: {type(error).__name__}>"


class _Writer(reprlib.Repr):
    """Writes values down, large ones in part."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 8
        self.maxdict = self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = 50
        self.maxdeque = self.maxarray = 50
        self.maxstring = self.maxother = 500
        self.maxlong = 100
        self.fillvalue = "…"
        self._left = _MOST_ITEMS

    def repr1(self, x: Any, level: int) -> str:
        self._left -= 1
        return super().repr1(x, level) if self._left >= 0 else self.fillvalue

    def repr_dict(self, x: dict[Any, Any], level: int) -> str:
        """Write a dict in its own order."""
        if level <= 0 and x:
            return "{…}"
        parts = [
            f"{self.repr1(key, level - 1)}: {self.repr1(item, level - 1)}"
            for key, item in islice(x.items(), self.maxdict)
        ]
        return "{" + ", ".join([*parts, *(["…"] if len(x) > self.maxdict else [])]) + "}"

    def repr_instance(self, x: Any, _level: int) -> str:
        """Write an object as it writes itself, in one line."""
        try:
            text = builtins.repr(x)
        except Exception as error:  # noqa: BLE001 - the object is the user's
            return f"<{type(x).__name__}, whose repr raises {type(error).__name__}>"
        return clip(" ".join(text.split("\n")), self.maxother)
