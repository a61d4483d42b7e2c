"""Pairs of functions that users register: how values of a foreign class are stored, and made again.

The law of this file: a pair serves its class and all subclasses; the nearest base wins. A file never names a function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Converter", "convert_with", "converter_of", "served_classes"]

# Their values are stored before anybody asks for a converter.
_OURS = frozenset({"builtins", "datetime", "decimal", "pathlib", "uuid"})


class Converter(NamedTuple):
    """How values of a class are stored.

    Attributes:
        cls: The class it was registered for.
        dump: Takes a value; returns what is stored instead of it.
        load: Takes what is stored, and the class of the value; returns the value.

    """

    cls: type
    dump: Callable[[Any], Any]
    load: Callable[[Any, type], Any]


_converters: dict[type, Converter] = {}


def convert_with(cls: type, dump: Any, load: Any) -> None:
    """Store the values of a class, and of its subclasses, with a pair of functions.

    Raises:
        ConfigurationError: It is no pair of functions, or the class is one of Python's own that is stored already.

    """
    if not callable(dump) or not callable(load):
        raise ConfigurationError(
            f"register({cls.__name__}, …): dump= and load= are a pair of functions. Give both: dump=lambda value: …, "
            f"load=lambda stored, cls: …"
        )
    if cls.__module__ in _OURS:
        raise ConfigurationError(
            f"register({cls.__name__}, dump=…, load=…): values of {cls.__name__} are stored as they are. Register a "
            f"class of your own, or one of a library."
        )
    _converters[cls] = Converter(cls, dump, load)


def converter_of(cls: type) -> Converter | None:
    """Return the pair that serves a class, or None."""
    if not _converters:
        return None
    return next((_converters[base] for base in cls.__mro__ if base in _converters), None)


def served_classes() -> Iterator[type]:
    """Yield every loaded class that a pair serves; one that was defined again comes after its elder."""
    todo, seen = list(_converters), set[type]()
    for cls in todo:
        if cls not in seen:
            seen.add(cls)
            yield cls
            todo += type.__subclasses__(cls)
