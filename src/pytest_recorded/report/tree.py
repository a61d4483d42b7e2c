"""A report as JSON: stable, exact, and without keys for what is not there.

The law of this file: what it writes is JSON, whatever was recorded. A number that JSON has not got is a text, and so is
an integer of so many digits that Python refuses to read them; half a surrogate pair is an escape.
"""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from ..canonical import LONG_INT_BITS
from ..shown import COMMANDS

if TYPE_CHECKING:
    from ..changes.model import Report

__all__ = ["json_text", "render_json", "tree_of"]

# Of a change they are there if they are set: null is a value.
_VALUES: Final = ("old", "new")
_TOO_DEEP: Final = "<nested too deeply to be shown>"


def render_json(report: Report) -> str:
    """Return a report as JSON, as docs/report.schema.json describes it; it ends with a line break."""
    return json_text(tree_of(report), indent=2) + "\n"


def tree_of(part: BaseModel) -> dict[str, Any]:
    """Return a part of a report by its names in JSON, in the order of the model."""
    tree: dict[str, Any] = {}
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if name in _VALUES:
            if name in part.model_fields_set:
                tree[name] = value
        elif (item := _item(value)) is not None and item != {}:
            tree[field.serialization_alias or name] = item
    return tree


def _item(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return tree_of(value)
    if isinstance(value, tuple) and value and not any(isinstance(item, BaseModel) for item in value):
        # The old and the new figure, neither of which is known.
        return None if all(item is None for item in value) else list(value)
    return [tree_of(item) for item in value] if isinstance(value, tuple) else value


def json_text(tree: Any, *, indent: int | None = None) -> str:
    """Return any tree as JSON; letters are as they are, but for those that a reader cannot see."""
    try:
        text = _written(tree, indent)
    except (ValueError, TypeError):
        text = _written(_writable(tree), indent)
    except RecursionError:
        text = _written(_shallow(tree), indent)
    # In JSON such letters are nowhere but in strings.
    return COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _written(tree: Any, indent: int | None) -> str:
    separators = (",", ":") if indent is None else None
    return json.dumps(tree, indent=indent, separators=separators, ensure_ascii=False, allow_nan=False)


def _writable(tree: Any, deepest: int = 500) -> Any:
    """Return a tree in which everything has a form in JSON."""
    if isinstance(tree, dict | list) and not deepest:
        return _TOO_DEEP
    if isinstance(tree, dict):
        return {str(name): _writable(item, deepest - 1) for name, item in tree.items()}
    if isinstance(tree, list | tuple):
        return [_writable(item, deepest - 1) for item in tree]
    if isinstance(tree, float):
        return tree if isfinite(tree) else str(tree)
    if isinstance(tree, int):
        return tree if tree.bit_length() < LONG_INT_BITS else hex(tree)
    return tree if tree is None or isinstance(tree, str) else str(tree)


def _shallow(tree: Any) -> Any:
    """Return a tree of which so much is left as JSON's writer goes through, whoever has called it."""
    return _writable(tree, 100)
