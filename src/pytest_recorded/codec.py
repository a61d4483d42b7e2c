"""Python values as JSON text and back, equal and of equal type.

Plain JSON stays as it is. Everything else becomes an object with one key, a tag that begins with `py:`::

    (1, 2)                     {"py:tuple": [1, 2]}
    Order(id=7)                {"py:object": {"class": "shop.Order", "fields": {"id": 7}}}

The law of this file: reading a text runs no code that the text chose and imports nothing. A class is only ever one
that the caller hands over in `Types`; objects are rebuilt from their state, their `__init__` is not called. A text that
does not fit raises `SerializationError` with the path of the misfit.
"""

from __future__ import annotations

import base64
import re
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag
from math import isfinite
from pathlib import Path, PosixPath, PurePath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from .canonical import LONG_INT_BITS, canonical, load_tree, pack_float, pack_int, to_text
from .converters import converter_of
from .errors import SerializationError
from .failures import pack_error, rebuild_error
from .misfit import Misfit, at, field, walk
from .objects import Types, class_name, dumped, object_state, rebuild_enum, rebuild_object

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "canonical",
    "decode",
    "dump",
    "dump_error",
    "encode",
    "is_plain",
    "load",
    "load_error",
    "load_tree",
    "to_text",
]

_LARGE: Final = 1 << 63
_SCALARS: Final = frozenset({str, bool, type(None)})
_LONGEST_REASON: Final = 200
_ZONE: Final = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def is_plain(value: Any) -> bool:
    """Return whether a value is JSON already and would come back equal and of equal type."""
    kind = type(value)
    if kind is dict:
        for key, item in value.items():
            if type(key) is not str or (type(item) not in _SCALARS and not is_plain(item)):
                return False
        return len(value) != 1 or not str(next(iter(value))).startswith("py:")
    if kind in _SCALARS:
        return True
    if kind is int:
        return bool(-_LARGE < value < _LARGE or value.bit_length() < LONG_INT_BITS)
    if kind is list:
        return all(map(is_plain, value))
    return kind is float and bool(isfinite(value))


def dump(value: Any) -> str:
    """Return a value as JSON text.

    Raises:
        SerializationError: The value, or something in it, cannot be stored.

    """
    return to_text(encode(value))


def load(text: str, types: Types | None = None) -> Any:
    """Return the value of a JSON text.

    Raises:
        SerializationError: The text is no JSON, a tag is wrong, or a class is not known.

    """
    tree = load_tree(text)
    return decode(tree, types or Types()) if '"py:' in text else tree


def encode(value: Any) -> Any:
    """Return a value as a JSON tree. A plain value is returned as it is, not copied.

    Raises:
        SerializationError: The value, or something in it, cannot be stored.

    """
    try:
        if is_plain(value):
            return value
    except RecursionError:
        pass
    return walk(_pack, value)


def dump_error(error: BaseException) -> tuple[str, list[str]]:
    """Return an exception as JSON text, and the paths of what could not be stored and was left out."""
    lost: list[str] = []
    packed = pack_error(error, _pack, lost)
    try:
        text = to_text(packed)
    except SerializationError:
        packed = {"type": packed["type"], "message": ascii(packed["message"]), "args": []}
        text, lost = to_text(packed), [".args"]
    return text, ["$" + path for path in lost]


def load_error(text: str, types: Types) -> BaseException:
    """Return the exception of a JSON text; `RecordedFailure` stands in for one of an unknown class.

    Raises:
        SerializationError: The text is no JSON, or no exception.

    """
    error: BaseException = walk(lambda: _unpack_tag("py:error", load_tree(text), types))
    return error


def _pack(value: Any) -> Any:
    pack = _PACKERS.get(type(value))
    if pack is not None:
        return pack(value)
    converter = converter_of(type(value))
    if converter is not None:
        return {"py:object": {"class": class_name(type(value)), **dumped(converter, value, _pack)}}
    for base, pack in _PACKED_BY_BASE:
        if isinstance(value, base):
            return pack(value)
    return _pack_object(value)


def _pack_items(items: Any) -> list[Any]:
    return [at(f"[{index}]", _pack, item) for index, item in enumerate(items)]


def _pack_dict(value: dict[Any, Any]) -> Any:
    if all(type(key) is str for key in value) and not (len(value) == 1 and next(iter(value)).startswith("py:")):
        return {key: at(field(key), _pack, item) for key, item in value.items()}
    return {"py:dict": [_pack_entry(key, item) for key, item in value.items()]}


def _pack_entry(key: Any, item: Any) -> Any:
    # A name stays a key of JSON wherever it can: there it is seen by those who look for secrets or leave things out.
    where = f"[{key!r}]" if is_plain(key) else f"[<{type(key).__name__}>]"
    if type(key) is str:
        return {key: at(where, _pack, item)}
    return [at(where, _pack, key), at(where, _pack, item)]


def _pack_set(value: set[Any] | frozenset[Any]) -> list[Any]:
    return sorted((at("{}", _pack, item) for item in value), key=canonical)


def _pack_bytes(value: bytes | bytearray) -> Any:
    """Return bytes as the text they are, in a list, or in base64: a secret in a text can be seen and hidden."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = "\0"
    return base64.b64encode(value).decode() if _CONTROL.search(text) else [text]


def _pack_datetime(value: datetime) -> Any:
    naive = value.replace(tzinfo=None, fold=0).isoformat()
    if value.tzinfo is None and not value.fold:
        return {"py:datetime": naive}
    return {"py:datetime": [naive, _pack_zone(value.tzinfo), value.fold]}


def _pack_time(value: time) -> Any:
    return {"py:time": [value.replace(tzinfo=None, fold=0).isoformat(), _pack_zone(value.tzinfo), value.fold]}


def _pack_zone(zone: Any) -> Any:
    if zone is None:
        return None
    if type(zone) is timezone:
        offset = zone.utcoffset(None)
        return [offset.days, offset.seconds, offset.microseconds]
    key = getattr(zone, "key", None)
    if type(zone).__name__ == "ZoneInfo" and isinstance(key, str):
        return key
    raise Misfit(f"the time zone {zone!r} cannot be stored; use datetime.timezone or zoneinfo.ZoneInfo")


def _pack_path(value: PurePath) -> Any:
    if type(value) not in _PATHS.values():
        return _pack_object(value)
    return {"py:path": [type(value).__name__, str(value)]}


def _pack_enum(value: Enum) -> Any:
    content = value.value if isinstance(value, Flag) else value.name
    return {"py:enum": [class_name(type(value)), content]}


def _pack_object(value: Any) -> Any:
    state = object_state(value)
    if state is None:
        raise Misfit(
            f"a value of type {class_name(type(value))} cannot be stored. Return plain data, a dataclass or a "
            f"pydantic model; or say how it is stored: register({type(value).__name__}, dump=…, load=…). An argument "
            f"that does not matter can be left out with ignore=[…]"
        )
    fields = {name: at(field(name), _pack, item) for name, item in state.fields.items()}
    packed = {"class": class_name(type(value)), "fields": fields}
    for part, items in (("extra", state.extra), ("private", state.private)):
        if items:
            packed[part] = {name: at(field(name), _pack, item) for name, item in items.items()}
    if state.unset:
        packed["unset"] = list(state.unset)
    return {"py:object": packed}


_PATHS: Final[dict[str, type[PurePath]]] = {
    path.__name__: path for path in (PosixPath, WindowsPath, PurePosixPath, PureWindowsPath)
}

_PACKERS: Final[dict[type, Callable[[Any], Any]]] = {
    str: lambda value: value,
    bool: lambda value: value,
    type(None): lambda value: value,
    int: pack_int,
    float: pack_float,
    list: _pack_items,
    dict: _pack_dict,
    tuple: lambda value: {"py:tuple": _pack_items(value)},
    set: lambda value: {"py:set": _pack_set(value)},
    frozenset: lambda value: {"py:frozenset": _pack_set(value)},
    bytes: lambda value: {"py:bytes": _pack_bytes(value)},
    bytearray: lambda value: {"py:bytearray": _pack_bytes(value)},
    complex: lambda value: {"py:complex": [pack_float(value.real), pack_float(value.imag)]},
    datetime: _pack_datetime,
    date: lambda value: {"py:date": value.isoformat()},
    time: _pack_time,
    timedelta: lambda value: {"py:timedelta": [value.days, value.seconds, value.microseconds]},
    Decimal: lambda value: {"py:decimal": str(value)},
    UUID: lambda value: {"py:uuid": str(value)},
}

_PACKED_BY_BASE: Final[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
    (Enum, _pack_enum),
    (PurePath, _pack_path),
    (BaseException, lambda value: {"py:error": pack_error(value, _pack)}),
)


def decode(tree: Any, types: Types) -> Any:
    """Return the value of a JSON tree.

    Raises:
        SerializationError: A tag is wrong, or a class is not known.

    """
    return walk(_unpack, tree, types)


def _unpack(tree: Any, types: Types) -> Any:
    if type(tree) is dict:
        if len(tree) == 1:
            ((tag, content),) = tree.items()
            if tag.startswith("py:"):
                return _unpack_tag(tag, content, types)
        return {key: at(field(key), _unpack, item, types) for key, item in tree.items()}
    if type(tree) is list:
        return [at(f"[{index}]", _unpack, item, types) for index, item in enumerate(tree)]
    return tree


def _unpack_tag(tag: str, content: Any, types: Types) -> Any:
    unpack = _UNPACKERS.get(tag)
    if unpack is None:
        raise Misfit(f"the tag {tag!r:.100} is not known; the file may come from a newer pytest-recorded")
    try:
        return unpack(content, types)
    except (Misfit, RecursionError):
        raise
    except SerializationError as error:
        raise Misfit(error.problem) from None
    except Exception as error:  # noqa: BLE001 - the content is a stranger's: whatever goes wrong, it does not fit
        raise Misfit(f"the content of the tag {tag!r} does not fit ({_shown(error)})") from None


def _shown(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 1] + "…"


def _unpack_list(content: Any, types: Types) -> list[Any]:
    return [at(f"[{index}]", _unpack, item, types) for index, item in enumerate(_list(content))]


def _unpack_bytes(content: Any) -> bytes:
    if type(content) is list:
        (text,) = content
        return _text(text).encode()
    return base64.b64decode(_text(content), validate=True)


def _list(content: Any) -> list[Any]:
    if type(content) is not list:
        raise TypeError(f"it must be a list, not {type(content).__name__}")
    return content


def _text(content: Any) -> str:
    if type(content) is not str:
        raise TypeError(f"it must be a string, not {type(content).__name__}")
    return content


def _unpack_float(content: Any) -> float:
    if content not in ("nan", "inf", "-inf"):
        raise ValueError("it must be 'nan', 'inf' or '-inf'")
    return float(content)


def _unpack_dict(content: Any, types: Types) -> dict[Any, Any]:
    made = {}
    for entry in _list(content):
        if type(entry) is dict:
            ((key, item),) = entry.items()
            made[key] = at(f"[{key!r}]", _unpack, item, types)
        else:
            key, item = _list(entry)
            made[_unpack(key, types)] = at(f"[{key!r:.40}]", _unpack, item, types)
    return made


def _unpack_datetime(content: Any, _types: Types) -> datetime:
    if type(content) is str:
        return datetime.fromisoformat(content)
    naive, zone, fold = content
    return datetime.fromisoformat(_text(naive)).replace(tzinfo=_unpack_zone(zone), fold=fold)


def _unpack_time(content: Any, _types: Types) -> time:
    naive, zone, fold = content
    return time.fromisoformat(_text(naive)).replace(tzinfo=_unpack_zone(zone), fold=fold)


def _unpack_zone(zone: Any) -> Any:
    if zone is None:
        return None
    if type(zone) is str:
        if not _ZONE.fullmatch(zone):
            raise ValueError("it is no name of a time zone")
        from zoneinfo import ZoneInfo  # noqa: PLC0415 - rare, and it loads a file tree

        return ZoneInfo(zone)
    days, seconds, microseconds = zone
    return timezone(timedelta(days, seconds, microseconds))


def _unpack_path(content: Any, _types: Types) -> PurePath:
    name, text = content
    path = _PATHS[_text(name)]
    if path in (PosixPath, WindowsPath):
        # The other system's Path cannot be made here; Path is what it would have been.
        return Path(_text(text))
    return path(_text(text))


_UNPACKERS: Final[dict[str, Callable[[Any, Types], Any]]] = {
    "py:tuple": lambda content, types: tuple(_unpack_list(content, types)),
    "py:set": lambda content, types: set(_unpack_list(content, types)),
    "py:frozenset": lambda content, types: frozenset(_unpack_list(content, types)),
    "py:dict": _unpack_dict,
    "py:bytes": lambda content, _types: _unpack_bytes(content),
    "py:bytearray": lambda content, _types: bytearray(_unpack_bytes(content)),
    "py:float": lambda content, _types: _unpack_float(content),
    "py:int": lambda content, _types: int(_text(content), 16),
    "py:complex": lambda content, types: complex(*_unpack_list(content, types)),
    "py:datetime": _unpack_datetime,
    "py:date": lambda content, _types: date.fromisoformat(_text(content)),
    "py:time": _unpack_time,
    "py:timedelta": lambda content, _types: timedelta(*content),
    "py:decimal": lambda content, _types: Decimal(_text(content)),
    "py:uuid": lambda content, _types: UUID(_text(content)),
    "py:path": _unpack_path,
    "py:enum": rebuild_enum,
    "py:error": lambda content, types: rebuild_error(content, types, _unpack),
    "py:object": lambda content, types: rebuild_object(content, types, _unpack),
}
