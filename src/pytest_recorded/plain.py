"""Any value as plain data that is read by people: dicts, lists, texts, numbers, and words for everything else.

The law of this file: equal values give equal trees, on any run, Python and hash seed. Sets are sorted, models are given
by their fields, and no address in memory is ever shown. The tree is for reading and comparing; nothing is made from it.
"""

from __future__ import annotations

import dataclasses
import math
import re
import types
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from hashlib import blake2b
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

from .converters import converter_of
from .misfit import Misfit
from .objects import object_state
from .paths import change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .paths import Path

    Filter = Callable[..., bool]
    Within = tuple[tuple[Any, type], ...]

__all__ = ["IGNORED", "Bare", "Masked", "Plain", "masked"]

_DEEPEST: Final = 99
_LONGEST_BYTES: Final = 64
_LONGEST_INT_BITS: Final = 10_000
_ADDRESS: Final = re.compile(r"\b0x[0-9a-fA-F]{5,}")


class Bare(str):
    """A word for what JSON has not got: `Status.OPEN`, `Decimal("1.50")`, `<ignored>`. It equals no text."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is Bare and str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((Bare, str(self)))

    def __repr__(self) -> str:
        return str(self)


IGNORED: Final = Bare("<ignored>")


def masked(tree: Any, paths: Iterable[Path]) -> Any:
    """Return a tree in which `<ignored>` stands wherever the paths lead, as those of the option `ignore` do."""
    for path in paths:
        tree = change(tree, path, lambda _value: IGNORED)
    return tree


class Masked(NamedTuple):
    """A value, and what of it does not matter: a stand-in may have some among its items."""

    value: Any
    ignore: tuple[Path, ...]


class Plain:
    """Turns values into plain trees.

    `<ignored>` stands for what does not matter of the items of a list that has `__recorded_ignore__`, as `Data` has.

    Args:
        stand_ins: For classes, what stands for their values.
        exclude: Says of a place, by `prop` and `path`, that it is left out. All three are called as by syrupy.
        include: Says of a place that it stays; all others go.
        matcher: Returns what stands for the value `data` at `path`: most often the value itself.

    """

    def __init__(
        self,
        stand_ins: Mapping[type, Callable[[Any], Any]] | None = None,
        *,
        exclude: Filter | None = None,
        include: Filter | None = None,
        matcher: Callable[..., Any] | None = None,
    ) -> None:
        self._stand_ins = stand_ins or {}
        self._exclude = exclude
        self._include = include
        self._matcher = matcher
        self._above: set[int] = set()

    def __call__(self, value: Any, path: Within = ()) -> Any:
        """Return the tree of a value that stands at a path."""
        if type(value) is Masked:
            return masked(self(value.value, path), value.ignore)
        if self._matcher is not None:
            value = self._matcher(data=value, path=path)
        stand_in = self._stand_ins.get(type(value))
        if stand_in is None and (converter := converter_of(type(value))) is not None:
            stand_in = converter.dump
        if stand_in is not None:
            value = stand_in(value)
        leaf = _leaf(value)
        if leaf is not _NO_LEAF:
            return leaf
        if id(value) in self._above or len(path) > _DEEPEST:
            return Bare("…")
        self._above.add(id(value))
        try:
            return self._container(value, path)
        finally:
            self._above.discard(id(value))

    def _container(self, value: Any, path: Within) -> Any:
        if isinstance(value, Mapping):
            return self._entries(value.items(), path, is_sorted=not isinstance(value, OrderedDict))
        if isinstance(value, AbstractSet):
            return sorted((self(item, (*path, (item, type(item)))) for item in value), key=_order)
        fields = _fields(value)
        if fields is not None:
            return self._entries(fields.items(), path, is_sorted=False)
        if isinstance(value, (Sequence, deque)):
            ignore = getattr(value, "__recorded_ignore__", ())
            return [masked(self(item, place), ignore) for item, place in self._kept(enumerate(value), path)]
        if isinstance(value, BaseException):
            told: Any = _message(value)
            if isinstance(value, BaseExceptionGroup):
                told = {"message": value.message, "errors": value.exceptions}
            return {Bare(_class_name(type(value))): self(told, (*path, ("message", str)))}
        return self._object(value, path)

    def _kept(self, items: Iterable[tuple[Any, Any]], path: Within) -> Iterator[tuple[Any, Within]]:
        """Yield the items that stay, each with its path."""
        for name, item in items:
            if self._exclude is not None and self._exclude(prop=name, path=path):
                continue
            if self._include is None or self._include(prop=name, path=path):
                yield item, (*path, (name, type(item.value if type(item) is Masked else item)))

    def _entries(self, items: Iterable[tuple[Any, Any]], path: Within, *, is_sorted: bool) -> dict[Any, Any]:
        entries = [(self._key(place[-1][0]), self(item, place)) for item, place in self._kept(items, path)]
        if is_sorted:
            entries.sort(key=lambda entry: (type(entry[0]) is Bare, _order(entry[0])))
        made: dict[Any, Any] = {}
        for key, item in entries:
            # Keys of one look are told apart.
            made[Bare(f"{key} {len(made)}") if key in made else key] = item
        return made

    def _key(self, key: Any) -> Any:
        if type(key) is str:
            return key
        shown = Plain(self._stand_ins)(key)
        return Bare(_one_line(shown if type(shown) is Bare else repr(shown)))

    def _object(self, value: Any, path: Within) -> Any:
        name = _class_name(type(value))
        shown = _own_repr(value)
        state = _attributes(value)
        if shown is not None and not _ADDRESS.search(shown) and not (state and "{" in shown):
            # A set in a repr is in the order of the hash seed; then the attributes are the better choice.
            return {Bare(name): shown} if "\n" in shown else Bare(_one_line(shown))
        if not state:
            return Bare(f"<{name}>")
        return {Bare(name): self._entries(state.items(), path, is_sorted=True)}


_NO_LEAF: Final = object()


def _leaf(value: Any) -> Any:
    """Return what stands for a value that has no parts."""
    kind = type(value)
    if value is None or kind in _PLAIN:
        return value
    if isinstance(value, Enum):
        name = value.name if value.name is not None else repr(value.value)
        return Bare(f"{kind.__name__}.{name}")
    if isinstance(value, str):
        return str.__str__(value)
    return _number(value) if isinstance(value, (int, float)) else _word(value)


_PLAIN: Final = frozenset({str, bool, Bare})


def _number(value: float) -> Any:
    if isinstance(value, int):
        return int(value) if value.bit_length() <= _LONGEST_INT_BITS else Bare(f"int {hex(value)}")
    return float(value) if math.isfinite(value) else Bare(float.__repr__(value))


def _word(value: Any) -> Any:
    for base, word in _WORDS:
        if isinstance(value, base):
            return Bare(_one_line(word(value)))
    return _NO_LEAF


def _bytes(value: Any) -> str:
    content = bytes(value)
    if len(content) > _LONGEST_BYTES:
        return f"<{len(content)} bytes, blake2b {blake2b(content, digest_size=8).hexdigest()}>"
    is_text = content.isascii() and content.decode("ascii").isprintable()
    return repr(content) if is_text else f"<bytes {content.hex(' ')}>"


def _callable(value: Any) -> str:
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", type(value).__name__)
    return f"<{type(value).__name__} {module}.{name}>" if module else f"<{type(value).__name__} {name}>"


_WORDS: Final[tuple[tuple[Any, Callable[[Any], str]], ...]] = (
    (datetime, datetime.isoformat),
    (date, date.isoformat),
    (time, time.isoformat),
    (timedelta, lambda value: timedelta.__repr__(value).removeprefix("datetime.")),
    (Decimal, lambda value: f'Decimal("{value}")'),
    (UUID, str),
    ((bytes, bytearray, memoryview), _bytes),
    (PurePath, lambda value: f'Path("{value.as_posix()}")'),
    (types.ModuleType, lambda value: f"<module {value.__name__}>"),
    (type, lambda value: f"<class {_class_name(value)}>"),
    ((types.FunctionType, types.BuiltinFunctionType, types.MethodType), _callable),
    (complex, repr),
    (type(...), repr),
)


def _fields(value: Any) -> Mapping[str, Any] | None:
    """Return the fields of a model, a dataclass or a named tuple, by their names; None for anything else."""
    cls = type(value)
    if hasattr(cls, "__attrs_attrs__"):
        return {spec.name: getattr(value, spec.name, Bare("<not set>")) for spec in cls.__attrs_attrs__}
    try:
        state = object_state(value)
    except Misfit as misfit:
        return {"<unreadable>": misfit.problem}
    if state is None:
        return None
    specs = getattr(cls, "__pydantic_fields__", {}) if not dataclasses.is_dataclass(cls) else {}
    fields = {name: item for name, item in state.fields.items() if not getattr(specs.get(name), "exclude", None)}
    # What else a dataclass carries is no part of its equality.
    return {**fields, **state.extra} if specs or hasattr(cls, "__pydantic_extra__") else fields


def _attributes(value: Any) -> dict[str, Any]:
    names = [name for cls in type(value).__mro__ for name in _slots(cls)]
    found = {name: getattr(value, name) for name in names if hasattr(value, name)}
    return {name: item for name, item in {**found, **getattr(value, "__dict__", {})}.items() if name[:1] != "_"}


def _slots(cls: type) -> tuple[str, ...]:
    slots = cls.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _own_repr(value: Any) -> str | None:
    """Return the repr that a class has thought of itself; None if it has not, or fails."""
    if getattr(type(value), "__repr__", None) is object.__repr__:
        return None
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - it is the user's, and not what is looked at
        return None


def _message(error: BaseException) -> str:
    try:
        return _ADDRESS.sub("0x…", str(error))
    except Exception:  # noqa: BLE001 - likewise
        return ""


def _class_name(cls: type) -> str:
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def _one_line(text: str) -> Bare:
    return Bare("".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text))


def _order(tree: Any) -> tuple[Any, ...]:
    """Return what trees are sorted by: numbers by their size, all else by how it is written."""
    if type(tree) in (int, float):
        return (0, tree, repr(tree))
    return (1, 0, tree) if type(tree) is str else (2, 0, repr(tree))
