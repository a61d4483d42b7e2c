"""What varies by itself from one live answer to the next: places that `ignore` can name.

The law of this file: left out of every answer, the places that are found leave equal answers; and as little as possible
is left out.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from ..canonical import canonical
from ..errors import ConfigurationError, SerializationError
from ..misfit import field
from ..paths import DEEP, EVERY, change, children, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..paths import Path

__all__ = ["varying", "written"]

_LISTS: Final = frozenset({"list", "py:tuple"})
_UNORDERED: Final = frozenset({"py:set", "py:frozenset"})


def varying(answers: Sequence[Any]) -> list[Path]:
    """Return where several live answers to one call differ: the fewest paths, and as deep as they can be.

    A place in a list stands for that place in all of its elements. A list that has another length, or another order, is
    named itself: no path can name what came and went in it. Nothing is returned of what only the whole answer could be
    left out for.

    Args:
        answers: The answers, as trees.

    """
    found: set[Path] = set()
    todo: list[tuple[Path, list[Any]]] = [((), list(answers))]
    while todo:
        path, trees = todo.pop()
        parts = _parts(trees)
        if parts is not None:
            todo += [((*path, name), items) for name, items in parts]
        elif not _are_equal(trees):
            found.add(_readable(path))
    outermost = {path for path in found if not any(path[:length] in found for length in range(len(path)))}
    return sorted((path for path in outermost if all(_is_left_of(answer, path) for answer in answers)), key=written)


def written(path: Path) -> str:
    """Return a path as the option `ignore` takes it."""
    return "$" + "".join(_segment(name) for name in path)


def _segment(name: str | int) -> str:
    if isinstance(name, int):
        return f"[{name}]"
    return name if name == EVERY else field(name)


def _parts(trees: list[Any]) -> list[tuple[Any, list[Any]]] | None:
    """Return what is to be compared next, by its name in a path; None if it can only be named as a whole."""
    inner = [children(tree) for tree in trees]
    types = {_type_of(tree) for tree in trees}
    if not all(inner) or len(types) > 1 or types & _UNORDERED:
        return None
    names = [[name for name, _ in items] for items in inner]
    if any(name in (None, EVERY, DEEP) for each in names for name in each):
        return None
    if types <= _LISTS:
        if len(set(map(len, names))) > 1 or _is_reordered(inner):
            return None
        return [(EVERY, list(items)) for items in zip(*([item for _, item in each] for each in inner), strict=True)]
    by_name = [dict(items) for items in inner]
    parts = {name: [each.get(name, _ABSENT) for each in by_name] for each in names for name in each}
    return list(parts.items())


class _Absent:
    """What is there in some of the answers only."""


_ABSENT = _Absent()


def _are_equal(trees: list[Any]) -> bool:
    if any(isinstance(tree, _Absent) for tree in trees):
        return False
    try:
        return len({canonical(tree) for tree in trees}) == 1
    except SerializationError:
        # Nested too deeply to tell.
        return False


def _type_of(tree: Any) -> str:
    """Return which type a tree has, or stands for."""
    if type(tree) is dict and len(tree) == 1 and (tag := next(iter(tree))).startswith("py:"):
        content = tree[tag]
        return f"{tag} {content.get('class')}" if type(content) is dict else str(tag)
    return type(tree).__name__


def _is_reordered(inner: list[list[tuple[Any, Any]]]) -> bool:
    """Return whether lists have the same elements in another order."""
    try:
        texts = [[canonical(item) for _, item in items] for items in inner]
    except SerializationError:
        return False
    return any(each != texts[0] for each in texts) and all(Counter(each) == Counter(texts[0]) for each in texts)


def _readable(path: Path) -> Path:
    """Return a path that is read as it is written, or that of the nearest place around it."""
    while path:
        with suppress(ConfigurationError):
            if parse(written(path), where="noise") == path:
                break
        path = path[:-1]
    return path


class _Taken:
    """What a path names."""


_TAKEN = _Taken()


def _is_left_of(answer: Any, path: Path) -> bool:
    """Return whether an answer has more than what a path names."""
    try:
        todo = [change(answer, path, lambda _value: _TAKEN)]
    except SerializationError:
        return bool(path)
    while todo:
        tree = todo.pop()
        inner = children(tree)
        if not inner and not isinstance(tree, _Taken):
            return True
        todo += [item for _, item in inner]
    return False
