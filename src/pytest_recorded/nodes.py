"""A stored tree, node by node, each with its path as text: what tells two trees apart, one place at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .misfit import field
from .paths import children

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["nodes"]


def nodes(tree: Any) -> Iterator[tuple[str, Any, bool]]:
    """Yield the nodes of a tree in the order of the document: path, node, and whether it is a leaf.

    Paths are as `ignore=` has them. A value of a type that JSON has not got is a leaf, or leads through its tag to its
    fields and items; an empty container is a leaf. Not recursive: a body may be nested deeply.
    """
    todo = [("$", tree)]
    while todo:
        path, node = todo.pop()
        items = children(node)
        # What has an item that no path can name is shown as a whole.
        is_leaf = not items or any(name is None for name, _ in items)
        yield path, node, is_leaf
        if not is_leaf:
            todo += [(path + _segment(name), item) for name, item in reversed(items)]


def _segment(name: Any) -> str:
    return field(name) if type(name) is str else f"[{name}]"
