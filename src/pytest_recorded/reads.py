"""Where a projection looks in the value that it is made of: the paths of its fields.

A model says it by its annotations and aliases. Below an annotation that says nothing more (`dict`, `Any`) all is read.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple

from .paths import EVERY

if typing.TYPE_CHECKING:
    from .paths import Path

__all__ = ["Reads", "reads_of"]

_DEEPEST: Final = 12
_MOST: Final = 2_000


class Reads(NamedTuple):
    """The places that a model reads.

    Attributes:
        fields: Paths of fields whose types are told to the last: numbers, texts.
        trees: Paths of fields of which everything below is read.

    """

    fields: tuple[Path, ...]
    trees: tuple[Path, ...]

    def needs(self, path: Path) -> bool:
        """Return whether a place is read, or holds what is read: without it a field would be gone."""
        return any(_begins(read, path) for read in self.fields) or self.within(path)

    def within(self, path: Path) -> bool:
        """Return whether a place is one of a field whose content is read as it is, or such a field, or holds one."""
        return any(_begins(read, path) or _begins(path, read) for read in self.trees)


def _begins(path: Path, start: Path) -> bool:
    """Return whether a path leads through a place; `[*]` and an index are the same."""
    return len(start) <= len(path) and all(map(_is_same, path, start))


def _is_same(one: Any, other: Any) -> bool:
    return one == other or EVERY in (one, other)


@functools.lru_cache(maxsize=256)
def reads_of(model: Any) -> Reads:
    """Return what a model reads of a value.

    Args:
        model: A pydantic model, a dataclass, a typed dict, or a generic of one.

    """
    fields: list[Path] = []
    trees: list[Path] = []
    for count, (path, is_tree) in enumerate(_walk(model, (), ())):
        if count == _MOST:
            break
        (trees if is_tree else fields).append(path)
    return Reads(tuple(dict.fromkeys(fields)), tuple(dict.fromkeys(trees)))


def _walk(annotation: Any, path: Path, above: tuple[Any, ...]) -> Iterator[tuple[Path, bool]]:
    inside = _parts(annotation)
    if inside is not None:
        for keys, part in inside:
            yield from _walk(part, (*path, *keys), above)
        return
    fields = None if annotation in above or len(path) > _DEEPEST else _fields(annotation)
    if fields is None:
        yield path, annotation not in _LEAVES
        return
    for keys, part in fields:
        yield from _walk(part, (*path, *keys), (*above, annotation))


def _parts(annotation: Any) -> list[tuple[Path, Any]] | None:
    """Return the annotations that one is made of, each with where it leads; None for one that is made of none."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return [((), inner[0])]
    if origin in (typing.Union, types.UnionType):
        return [((), part) for part in inner if part is not type(None)]
    if isinstance(origin, type) and inner and issubclass(origin, Mapping):
        return [((EVERY,), inner[-1])]
    if isinstance(origin, type) and inner and issubclass(origin, Collection):
        return [((EVERY,), part) for part in inner if part is not ...]
    return None


_LEAVES: Final = (str, int, float, bool, bytes, type(None))


def _fields(model: Any) -> list[tuple[Path, Any]] | None:
    """Return by which keys a model reads each of its fields, and their annotations; None for what has no fields.

    A field that is found by one of several keys is left out: it is not gone when one of them is.
    """
    root = getattr(model, "__pydantic_fields__", {}).get("root")
    if getattr(model, "__pydantic_root_model__", False) and root is not None:
        return [((), root.annotation)]
    if hasattr(model, "__pydantic_fields__"):
        named = [(_keys(name, spec, model), spec.annotation) for name, spec in model.__pydantic_fields__.items()]
        return [(keys, annotation) for keys, annotation in named if keys is not None]
    is_typed_dict = isinstance(model, type) and hasattr(model, "__required_keys__")
    if not (is_typed_dict or (isinstance(model, type) and dataclasses.is_dataclass(model))):
        return None
    try:
        hints = typing.get_type_hints(model, include_extras=True)
    except Exception:  # noqa: BLE001 - a name that only type checkers see
        hints = dict.fromkeys(getattr(model, "__annotations__", {}), Any)
    return [((name,), _bare(annotation)) for name, annotation in hints.items()]


def _bare(annotation: Any) -> Any:
    """Return an annotation without `Required[…]` and the like, which typed dicts have around it."""
    origin = typing.get_origin(annotation)
    is_mark = getattr(origin, "_name", None) in ("Required", "NotRequired", "ReadOnly")
    return typing.get_args(annotation)[0] if is_mark else annotation


def _keys(name: str, spec: Any, model: Any) -> Path | None:
    alias = spec.validation_alias or spec.alias
    if alias is None:
        return (name,)
    if isinstance(alias, str):
        config = getattr(model, "model_config", {})
        takes_both = config.get("populate_by_name") or config.get("validate_by_name")
        return (alias,) if alias == name or not takes_both else None
    path = getattr(alias, "path", None)
    return tuple(path) if path else None
