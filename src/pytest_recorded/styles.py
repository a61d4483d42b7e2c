r"""The bodies of HTTP for people to read: JSON as a tree, any other text of several lines as a list of them.

::

    '{"a": 1}\n'           "json spaced newline"   {"a": 1}
    'data: 1\n\ndata: 2'   "lines"                 ["data: 1", "", "data: 2"]

The law of this file: a text that is taken apart here is put together again to the last letter. A body of JSON is stored
as the text that came, since JSON that is written again is another text; but nearly all of it was written by a few
programs, each in a style of its own, and who knows the style can write that text from the tree.
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from functools import cache, partial
from itertools import product
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .errors import SerializationError
from .shown import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["LINES", "STYLES", "taken_apart", "writer"]

#: The style of a text that is no JSON, or JSON that none of our styles writes.
LINES: Final = "lines"

_LAYOUTS: Final[dict[str, dict[str, Any]]] = {
    "compact": {"separators": (",", ":")},
    "spaced": {"separators": (", ", ": ")},
    "indent=2": {"indent": 2},
    "indent=4": {"indent": 4},
}
_INDENTED: Final = "\n"
_ASCII: Final = "ascii"
# What Go and Rails escape so that it can stand in HTML, and PHP.
_ESCAPED: Final = {
    "html": {letter: f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"},
    "slashes": {"/": r"\/"},
}
_NEWLINE: Final = "newline"


class _Style(NamedTuple):
    """How a program writes JSON.

    Attributes:
        layout: Where it has white space.
        ascii: Whether other letters are escaped.
        escaped: Which letters are besides; `""` for none.
        newline: Whether a line break is at the end.

    """

    layout: str
    ascii: str = ""
    escaped: str = ""
    newline: str = ""

    @property
    def name(self) -> str:
        return " ".join(["json", *filter(None, self)])

    def write(self, tree: Any) -> str:
        """Return a tree as text.

        Raises:
            RecursionError: It is nested too deeply.
            ValueError: It has a number that JSON has not.

        """
        text = _encoder(self.layout, bool(self.ascii))(tree)
        # Such letters are nowhere in JSON but in strings.
        for letter, escape in _ESCAPED.get(self.escaped, {}).items():
            text = text.replace(letter, escape)
        return f"{text}\n" if self.newline else text


#: The styles of JSON, by their names.
STYLES: Final = {
    style.name: style
    for style in map(_Style._make, product(_LAYOUTS, ("", _ASCII), ("", *_ESCAPED), ("", _NEWLINE)))
}  # fmt: skip


@cache
def _encoder(layout: str, is_ascii: bool) -> Callable[[Any], str]:
    return json.JSONEncoder(
        ensure_ascii=is_ascii, check_circular=False, allow_nan=False, **_LAYOUTS[layout]
    ).encode  # fmt: skip


def taken_apart(text: str) -> tuple[str, Any] | None:
    """Return the style of a text, and its tree or its lines; None if it is best read as it is."""
    if text.startswith(("{", "[")):
        try:
            tree = json.loads(text)
            style = next((style for style in _styles_like(text) if style.write(tree) == text), None)
        except (ValueError, RecursionError):
            style = None
        if style:
            return style.name, tree
    return (LINES, text.split("\n")) if "\n" in text else None


def _styles_like(text: str) -> Iterator[_Style]:
    """Yield the styles in which a text may have been written, the plainest first."""
    layouts = ["compact", "spaced"]
    if text.startswith(_INDENTED, 1):
        layouts = ["indent=4" if text.startswith("    ", 2) else "indent=2"]
    # What a text has none of was not escaped in it, or is not there to be escaped.
    ascii_too = ["", _ASCII] if "\\u" in text and text.isascii() else [""]
    escaped = ["", *(name for name, letters in _ESCAPED.items() if any(map(text.__contains__, letters.values())))]
    newline = _NEWLINE if text.endswith("\n") else ""
    for choice in product(layouts, ascii_too, escaped):
        yield _Style(*choice, newline)


def writer(name: str) -> Callable[[Any], str]:
    """Return what puts the parts of a body together, in a style.

    It raises `SerializationError` for parts that cannot be written in that style.

    Raises:
        SerializationError: There is no such style.

    """
    if name == LINES:
        return _joined
    if style := STYLES.get(name):
        return partial(_written, style)
    close = get_close_matches(name, [LINES, *STYLES], n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {LINES!r} and such as {next(iter(STYLES))!r}"
    raise SerializationError(f"{shown(name)} is no style of a body: {hint}")


def _joined(lines: Any) -> str:
    if type(lines) is not list or not all(type(line) is str for line in lines):
        raise SerializationError(f"it is {shown(lines)}, not a list of texts, as the lines of a body are")
    return "\n".join(lines)


def _written(style: _Style, tree: Any) -> str:
    try:
        return style.write(tree)
    except RecursionError:
        raise SerializationError("it is nested too deeply to be written") from None
    except ValueError:
        raise SerializationError("it has a number that is too large for JSON") from None
