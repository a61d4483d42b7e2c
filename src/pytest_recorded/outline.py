"""Plain trees as lines that are read, compared and merged line by line; and back, to compare them by path.

::

    - text:
        | A text of several lines
        | stands in a block.
      city: "Rome"
      status: Status.OPEN
      [7]: null
      tags:
        - "a"

What is in quotes is text, what is a number is one, and bare words stand for what JSON has not got. A key that is no
text is in brackets. The law of this file: different trees are different lines.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from .plain import Bare

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["lines_of", "read", "scalar", "write"]

_STEP: Final = "  "
_NAME: Final = re.compile(r"[^\W\d][\w-]*")
_ENTRY: Final = re.compile(r'(?P<name>[^\W\d][\w-]*|"(?:[^"\\]|\\.)*"|\[(?P<bare>.*?)\]):(?: (?P<rest>.*)|$)')
# What would end a line somewhere, or cannot be encoded.
_SPECIAL: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff]")


def write(tree: Any) -> str:
    """Return a plain tree as text."""
    return "\n".join(lines_of(tree))


def lines_of(tree: Any) -> list[str]:
    """Return a plain tree as lines."""
    if type(tree) is list and tree:
        return [line for item in tree for line in _behind("- ", lines_of(item))]
    if type(tree) is dict and tree:
        return [line for key, item in tree.items() for line in _entry(_key(key), item)]
    if type(tree) is str and "\n" in tree:
        return [_margin(line) for line in tree.split("\n")]
    return [scalar(tree)]


def _behind(mark: str, lines: list[str]) -> Iterator[str]:
    yield mark + lines[0]
    yield from (_STEP + line for line in lines[1:])


def _entry(key: str, item: Any) -> list[str]:
    lines = lines_of(item)
    is_block = (type(item) in (list, dict) and item) or (type(item) is str and "\n" in item)
    return [f"{key}:", *(_STEP + line for line in lines)] if is_block else [f"{key}: {lines[0]}"]


def _key(key: str) -> str:
    if type(key) is Bare:
        return f"[{key}]"
    return key if _NAME.fullmatch(key) else scalar(key)


def _margin(line: str) -> str:
    if _SPECIAL.search(line):
        return f"|{scalar(line)}"
    return f"| {line}" if line else "|"


def scalar(value: Any) -> str:
    """Return a tree without parts, or an empty one, on one line."""
    if type(value) is Bare:
        return str(value) if _is_plainly_bare(value) else f"<{value}>"
    text = json.dumps(value, ensure_ascii=False)
    return _SPECIAL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _is_plainly_bare(word: str) -> bool:
    return word[:1] not in ("", "|", " ") and not word.startswith("- ") and not _ENTRY.match(word) and _is_word(word)


def _is_word(text: str) -> bool:
    try:
        json.loads(text, parse_constant=Bare)
    except ValueError:
        return True
    return False


def read(text: str) -> Any:
    """Return the tree of a text that `write` has written.

    Raises:
        ValueError: The text is not of that kind.

    """
    try:
        tree, end = _Reader(text.split("\n")).block(0, 0)
    except (RecursionError, IndexError) as error:
        raise ValueError("it is nested too deeply, or cut") from error
    if end != text.count("\n") + 1 or write(tree) != text:
        raise ValueError("it is no outline")
    return tree


class _Reader:
    """Reads blocks: the lines from one on that are indented so far, and what they stand for."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def block(self, at: int, indent: int) -> tuple[Any, int]:
        line = self._line(at, indent) or ""
        if line.startswith("- "):
            return self._list(at, indent)
        if line.startswith("|"):
            return self._text(at, indent)
        return self._dict(at, indent) if _ENTRY.match(line) else (_value(line), at + 1)

    def _line(self, at: int, indent: int) -> str | None:
        """Return a line without its indent; None if it is not in the block."""
        if at >= len(self._lines) or not self._lines[at].startswith(" " * indent):
            return None
        line = self._lines[at][indent:]
        return None if line.startswith(" ") else line

    def _list(self, at: int, indent: int) -> tuple[list[Any], int]:
        items = []
        while (line := self._line(at, indent)) is not None and line.startswith("- "):
            self._lines[at] = " " * (indent + 2) + line[2:]
            item, at = self.block(at, indent + 2)
            items.append(item)
        return items, at

    def _dict(self, at: int, indent: int) -> tuple[dict[Any, Any], int]:
        entries: dict[Any, Any] = {}
        while (line := self._line(at, indent)) is not None and (entry := _ENTRY.match(line)):
            name = entry["name"]
            key = Bare(entry["bare"]) if entry["bare"] is not None else json.loads(name) if name[0] == '"' else name
            if entry["rest"] is None:
                entries[key], at = self.block(at + 1, indent + 2)
            else:
                entries[key], at = _value(entry["rest"]), at + 1
        return entries, at

    def _text(self, at: int, indent: int) -> tuple[str, int]:
        found = []
        while (line := self._line(at, indent)) is not None and line.startswith("|"):
            found.append(json.loads(line[1:]) if line.startswith('|"') else line[2:])
            at += 1
        return "\n".join(found), at


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=Bare)
    except ValueError:
        return Bare(text)
