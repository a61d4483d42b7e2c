"""A JSON tree as text that is read in files and terminals: on one line, or a name on each.

The law of this file: what is written is read back as the same tree, and commands no terminal.
"""

from __future__ import annotations

import json
from typing import Any, Final

from .canonical import to_text
from .shown import COMMANDS

__all__ = ["indented", "one_line"]

_INDENT: Final = "  "
# Characters of a list that stays on one line.
_SHORT: Final = 80

_text_of: Final = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False).encode


def one_line(tree: Any) -> str:
    """Return a tree as one line of JSON that any terminal shows and none obeys.

    Raises:
        SerializationError: See `canonical.to_text`.

    """
    return _escaped(to_text(tree))


def indented(tree: Any, margin: str = "") -> str:
    """Return a tree as JSON for people: each name on a line of its own, and each item of a list, but for short lists.

    Args:
        tree: The tree.
        margin: What each line but the first begins with.

    """
    return _escaped(_indented(tree, margin))


def _indented(tree: Any, margin: str) -> str:
    within = margin + _INDENT
    if type(tree) is dict and tree:
        ends, items = "{}", [f"{_text_of(name)}: {_indented(item, within)}" for name, item in tree.items()]
    elif type(tree) is list and not _is_short(tree):
        ends, items = "[]", [_indented(item, within) for item in tree]
    else:
        return _text_of(tree)
    lines = f",\n{within}".join(items)
    return f"{ends[0]}\n{within}{lines}\n{margin}{ends[1]}"


def _is_short(items: list[Any]) -> bool:
    """Return whether a list is read better on one line: a header, a point; not the numbers of an embedding."""
    is_flat = len(items) <= _SHORT and not any(type(item) is dict or type(item) is list for item in items)
    return is_flat and len(_text_of(items)) <= _SHORT


def _escaped(text: str) -> str:
    # In JSON such letters are nowhere but in strings.
    return COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
