"""Paths into JSON trees: what `ignore=` and `redact=` name.

::

    $.messages[0].content       one place; `$` is the request (a body, or a function's arguments)
    $.messages[*].content       the same place in every element
    $..request_id               a field of that name at any depth
    request_id                  short for the line above
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from .errors import ConfigurationError, SerializationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["DEEP", "EVERY", "Path", "change", "children", "drop", "parse"]

EVERY: Final = "[*]"
DEEP: Final = ".."

Path = tuple[str | int, ...]

_SEGMENT: Final = re.compile(
    r"""(?P<deep>\.\.)(?=[^.\[])
      | \.?(?P<name>[^.\[\]'"]+)
      | \.?\[(?:(?P<every>\*)|(?P<index>\d+)|(?P<quote>['"])(?P<quoted>.*?)(?P=quote))\]
    """,
    re.VERBOSE,
)


def parse(text: str, *, where: str) -> Path:
    """Return a path.

    Args:
        text: What the user wrote.
        where: Where he wrote it, for the message.

    Raises:
        ConfigurationError: It is no path.

    """
    if not isinstance(text, str) or not text.strip():
        raise ConfigurationError(f"{where}: {text!r} is no path. {_HOW}")
    text = text.strip()
    if re.search(r"[\s,]\$", text):
        raise ConfigurationError(
            f"{where}: {text!r} is more than one path. Write each of them on a line, or in a string, of its own."
        )
    if not text.startswith("$"):
        return (DEEP, text)
    segments: list[str | int] = []
    position = 1
    while position < len(text):
        match = _SEGMENT.match(text, position)
        if match is None:
            raise ConfigurationError(f"{where}: {text!r} is no path from {text[position:]!r} on. {_HOW}")
        segments.append(_segment(match))
        position = match.end()
    if not segments:
        raise ConfigurationError(f"{where}: '$' alone would leave nothing of the request. {_HOW}")
    return tuple(segments)


_HOW: Final = "Write '$.messages[0].content', '$.items[*].id', '$..id' (at any depth) or just 'id'."


def _segment(match: re.Match[str]) -> str | int:
    if match["deep"]:
        return DEEP
    if match["every"] or match["name"] == "*":
        return EVERY
    if match["index"]:
        return int(match["index"])
    return match["name"] or match["quoted"]


def drop(tree: Any, paths: Sequence[Path]) -> Any:
    """Return a tree without what the paths name; an element of a list becomes null so that others keep their index."""
    for path in paths:
        tree = change(tree, path, _gone)
    return tree


def _gone(_value: Any) -> Any:
    return _GONE


_GONE: Final = object()


def change(tree: Any, path: Path, step: Callable[[Any], Any]) -> Any:
    """Return a tree in which `step` has been applied to every place that the path names.

    Paths speak of values, not of how their types are written down: `$.order.id` is a field of a dataclass too.

    Raises:
        SerializationError: The tree is nested too deeply.

    """
    try:
        return _change(tree, path, step)
    except RecursionError:
        raise SerializationError("the value is nested too deeply") from None


def _change(tree: Any, path: Path, step: Callable[[Any], Any]) -> Any:
    if not path:
        return step(tree)
    head, rest = path[0], path[1:]
    if head == DEEP:
        return _change_deep(tree, rest, step)
    return _map(tree, lambda name, item: _change(item, rest, step) if head in (EVERY, name) else item)


def _change_deep(tree: Any, rest: Path, step: Callable[[Any], Any]) -> Any:
    return _map(_change(tree, rest, step), lambda _name, item: _change_deep(item, rest, step))


def children(tree: Any) -> list[tuple[Any, Any]]:
    """Return what a path may name next in a tree: names or indexes, and the items there.

    An item that no path can name, of a dict whose keys are neither text nor integers, has the name None.
    """
    found: list[tuple[Any, Any]] = []

    def note(name: Any, item: Any) -> Any:
        found.append((name, item))
        return item

    _map(tree, note)
    # What is left of a tag is one value: a date, a number.
    is_value = len(found) == 1 and str(found[0][0]).startswith("py:")
    return [] if is_value else found


def _map(tree: Any, step: Callable[[Any, Any], Any]) -> Any:
    """Return a tree whose items, with their names or indexes, went through a step; what is gone is left out."""
    if type(tree) is list:
        changed = [step(index, item) for index, item in enumerate(tree)]
        return [None if item is _GONE else item for item in changed]
    if type(tree) is not dict:
        return tree
    if len(tree) == 1:
        ((tag, content),) = tree.items()
        if tag in _LISTS and type(content) is list:
            return {tag: _map(content, step)}
        if tag == "py:dict" and type(content) is list:
            entries = [_map_entry(entry, step) for entry in content]
            return {tag: [entry for entry in entries if entry is not _GONE]}
        if tag == "py:object" and type(content) is dict:
            return {tag: {name: _map_part(name, part, step) for name, part in content.items()}}
    return _map_items(tree, step)


_LISTS: Final = frozenset({"py:tuple", "py:set", "py:frozenset"})


def _map_items(items: dict[str, Any], step: Callable[[Any, Any], Any]) -> dict[str, Any]:
    changed = {name: step(name, item) for name, item in items.items()}
    return {name: item for name, item in changed.items() if item is not _GONE}


def _map_entry(entry: Any, step: Callable[[Any, Any], Any]) -> Any:
    """Return an entry of a dict whose keys are not all strings: `{name: item}`, or `[key, item]`."""
    if type(entry) is dict:
        return _map_items(entry, step) or _GONE
    if type(entry) is not list or len(entry) != 2:  # noqa: PLR2004 - somebody else's JSON
        return entry
    key, item = entry
    changed = step(key if type(key) is int else None, item)
    return _GONE if changed is _GONE else [key, changed]


def _map_part(name: str, part: Any, step: Callable[[Any, Any], Any]) -> Any:
    if name == "value":
        return _map(part, step)
    return _map_items(part, step) if name in ("fields", "extra", "private") and type(part) is dict else part
