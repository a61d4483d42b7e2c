"""`where_data`: what the data of a job has to be equal to, by top-level keys.

The law of this file: it compares JSON with JSON. `True` is not `1`, `1` is `1.0`, and None is null or a missing key.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from .canonical import load_tree
from .errors import SerializationError, UsageError

__all__ = ["data_of", "matches_data", "where_from"]


def where_from(where: Any) -> dict[str, Any]:
    """Return the argument `where_data`, checked.

    Raises:
        UsageError: It is no dict of JSON values.

    """
    if where is None:
        return {}
    if not isinstance(where, Mapping):
        raise UsageError(f"where_data={where!r} is no dict. Write the keys of the data: where_data={{'city': 'Rome'}}.")
    for name, value in where.items():
        if type(name) is not str:
            raise UsageError(f"where_data has the key {name!r}; keys of data are text.")
        if not _is_json(value):
            raise UsageError(
                f"where_data[{name!r}] is {type(value).__name__}: {value!r:.80}. Data is stored as JSON: give the "
                f"value as it is there: text, a finite number, True, False, None, or lists and dicts of them."
            )
    return dict(where)


def _is_json(value: Any) -> bool:
    if type(value) is list:
        return all(map(_is_json, value))
    if type(value) is dict:
        return all(type(name) is str and _is_json(item) for name, item in value.items())
    # Enumerations of texts and numbers compare as what they are.
    return value is None or isinstance(value, str | int) or (isinstance(value, float) and isfinite(value))


def data_of(text: str | None) -> Any:
    """Return the tree of stored data; None where it is no JSON."""
    if text is None:
        return None
    try:
        tree = load_tree(text)
    except SerializationError:
        return None
    # Python reads NaN and Infinity, which are no JSON; to find them takes a look at each number.
    return tree if ("NaN" not in text and "Infinity" not in text) or _is_json(tree) else None


def matches_data(tree: Any, where: Mapping[str, Any]) -> bool:
    """Return whether a tree is an object that is equal to `where` in each of its keys; others are free."""
    return not where or (type(tree) is dict and all(_equal(tree.get(name), value) for name, value in where.items()))


def _equal(stored: Any, wanted: Any) -> bool:
    if isinstance(stored, bool) or isinstance(wanted, bool):
        return stored is wanted
    if type(stored) is list and type(wanted) is list:
        return len(stored) == len(wanted) and all(map(_equal, stored, wanted))
    if type(stored) is dict and type(wanted) is dict:
        return stored.keys() == wanted.keys() and all(_equal(stored[name], wanted[name]) for name in wanted)
    return bool(stored == wanted)
