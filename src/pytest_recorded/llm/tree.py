"""Reading JSON of which nothing is certain: each function answers for any value, and none raises."""

from __future__ import annotations

import json
from typing import Any, Final

__all__ = ["arguments_of", "at", "count_of", "joined", "mapping", "maps", "parsed", "said", "total"]

# No count of tokens is beyond what a JSON number can say exactly.
_MOST: Final = 2**53
# Deeper arguments are kept as text: models of pydantic cannot be dumped far beyond this.
_MOST_DEEP: Final = 100


def parsed(text: str | bytes) -> Any:
    """Return parsed JSON; None for what is none."""
    try:
        # Told that it is UTF-8, the parser does not have to find out.
        return json.loads(text if isinstance(text, str) else text.decode(errors="replace").removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None


def mapping(value: Any) -> dict[str, Any]:
    """Return a value that is an object; an empty one for any other."""
    return value if isinstance(value, dict) else {}


def maps(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; none for any other value."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def at(value: Any, *names: str) -> Any:
    """Return what is at a path of names; None if there is nothing."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def said(*values: Any) -> str | None:
    """Return the first text that is not empty, its lone surrogates replaced; None if there is none."""
    return next((_clean(value) for value in values if isinstance(value, str) and value), None)


def joined(pieces: list[Any]) -> str | None:
    """Return pieces of text as one; None if nothing is said in them."""
    return said("".join([piece for piece in pieces if isinstance(piece, str)]))


def count_of(*values: Any) -> int | None:
    """Return the first number that can be a count: whole, not negative; None if there is none."""
    for value in values:
        if type(value) in (int, float) and 0 <= value <= _MOST and value == int(value):
            return int(value)
    return None


def total(*values: Any) -> int | None:
    """Return the sum of the counts among some values; None if none of them is one."""
    counts = [count for value in values if (count := count_of(value)) is not None]
    return sum(counts) if counts else None


def arguments_of(given: Any) -> Any:
    """Return the arguments of a tool call: parsed, `{}` if there are none, their text if that is no JSON."""
    if given is None or given == "":
        return {}
    if not isinstance(given, str):
        return _plain(given)
    try:
        return _plain(json.loads(given))
    except (ValueError, RecursionError):
        return _clean(given)


def _plain(value: Any) -> Any:
    """Return a value that every writer of JSON can write, else its text."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except RecursionError:
        return "(nested too deeply)"
    except ValueError:
        return json.dumps(value)
    if _is_deep(value):
        return _clean(text)
    return value if (clean := _clean(text)) is text else json.loads(clean)


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_MOST_DEEP):
        level = [
            child
            for node in level
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return False
    return True


def _clean(text: str) -> str:
    """Return a text that has a form in UTF-8: halves of a character that came apart are joined, others replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
