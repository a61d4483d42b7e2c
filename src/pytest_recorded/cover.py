"""What is secret in one call of a function because of its place or its name: what `redact=` declares.

It is hidden there, and wherever else in the same call its value appears: in the projection, in the text of an
exception, in what is attached. Nothing is carried from one call to the next, so that keys do not depend on the order of
calls.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from .paths import DEEP, change
from .redact import REDACTED, Secrets
from .rules import Rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .book import Book
    from .redact import Mask

__all__ = ["Cover"]

# Shorter values stand elsewhere by chance.
_LEAST_ALONE: Final = 4
_LEAST_WITHIN: Final = 8
# Tags whose content is the name of a class, which is no secret.
_NAMING: Final = frozenset({"py:enum", "py:error", "py:path"})


class Cover:
    """Hides what is secret in one call.

    Args:
        rules: What the decorator or the marker of the function declares, and what its book declares.
        book: The book of the call.

    """

    def __init__(self, rules: Sequence[Rules], book: Book) -> None:
        self._names = tuple(name for declared in rules for name in declared.names)
        self._paths = (
            *(path for declared in rules for path in declared.paths),
            *((DEEP, name) for name in self._names),
        )
        self._values: set[str] = set()
        for variable in [variable for declared in rules for variable in declared.variables]:
            if value := os.environ.get(variable):
                book.secrets.learn(value)

    def tree(self, tree: Any, mask: Mask | None = None) -> Any:
        """Return a tree without its secrets; with a mask they get placeholders that are found again."""
        for path in self._paths:
            tree = change(tree, path, partial(self._hide, mask))
        return self._without_echoes(tree) if self._values else tree

    def text(self, text: str) -> str:
        """Return a text without the values of the declared names, as in `ssn=123-45-6789`."""
        return Secrets(Rules(names=self._names)).hide(text) if self._names else text

    def _hide(self, mask: Mask | None, value: Any) -> Any:
        if value is None or type(value) is bool:
            return value
        self._learn(value)
        if type(value) is str and mask is not None:
            return mask.value(value)
        return 0 if type(value) in (int, float) else REDACTED

    def _learn(self, value: Any) -> None:
        if type(value) is list:
            for item in value:
                self._learn(item)
        elif type(value) is dict and not _NAMING.intersection(value):
            content = value.get("py:object")
            if type(content) is dict:
                # Not the name of its class.
                value = {"fields": content.get("fields"), "value": content.get("value")}
            for item in value.values():
                self._learn(item)
        elif type(value) in (str, int, float) and value != REDACTED and len(str(value)) >= _LEAST_ALONE:
            self._values.add(str(value))

    def _without_echoes(self, tree: Any) -> Any:
        if type(tree) is str:
            return self._without_values(tree)
        if type(tree) is list:
            return [self._without_echoes(item) for item in tree]
        if type(tree) in (int, float):
            return 0 if str(tree) in self._values else tree
        if type(tree) is not dict:
            return tree
        clean = {name: self._without_echoes(item) for name, item in tree.items()}
        if len(tree) == 1 and next(iter(tree)).startswith("py:") and type(next(iter(tree.values()))) is str:
            # Half a UUID is none: the whole value goes.
            return tree if clean == tree else REDACTED
        return clean

    def _without_values(self, text: str) -> str:
        if text in self._values:
            return REDACTED
        for value in sorted(self._values, key=len, reverse=True):
            if len(value) >= _LEAST_WITHIN and value in text:
                text = text.replace(value, REDACTED)
        return text
