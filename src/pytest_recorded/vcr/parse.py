"""A cassette's text as a tree of dicts, lists, strings, bytes and numbers.

The law of this file: nothing that a file says is executed or constructed. YAML is read as the events of its parser,
with the few tags that vcrpy itself writes for data; whatever else has a tag is refused. What a file may grow to by its
aliases is bounded by what it is.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import tomllib
from typing import TYPE_CHECKING, Any, Final

from ..errors import RecordedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

__all__ = ["SUFFIXES", "Plain", "Unreadable", "parse_file", "parse_text"]

#: What cassettes are called.
SUFFIXES: Final = frozenset({".yaml", ".yml", ".json", ".toml"})

_MOST_BYTES: Final = 256 * 1024 * 1024
_DEEPEST: Final = 400
# How much larger than its text a file may be with its aliases written out; vcrpy writes them for what two calls share.
_GROWTH: Final = 50
_ALLOWANCE: Final = 1_000_000

_TAGS: Final = "tag:yaml.org,2002:"
_BYTES_IO: Final = _TAGS + "python/object/new:_io.BytesIO"
_ITERATOR: Final = _TAGS + "python/object/apply:builtins.iter"
# What vcrpy writes, or wrote before its version 1, for plain data.
_PLAIN_DATA: Final = frozenset(
    {
        _BYTES_IO,
        _ITERATOR,
        *(
            _TAGS + name
            for name in (
                "str", "int", "float", "bool", "null", "timestamp", "map", "seq", "python/str", "python/unicode",
                "python/tuple", "python/object:vcr.request.Request", "python/object/apply:builtins.frozenset",
                "python/object/apply:__builtin__.frozenset",
            )
        ),
    }
)  # fmt: skip


class Unreadable(RecordedError):  # noqa: N818 - it is said of a file
    """A file is no cassette that can be read; the message says why and what to do.

    Attributes:
        is_foreign: Whether it is something else: no cassette at all.

    """

    def __init__(self, message: str, *, is_foreign: bool = False) -> None:
        self.is_foreign = is_foreign
        super().__init__(message)


class Plain(str):
    """A YAML scalar without quotes: a text or a number, which depends on who wrote it."""

    __slots__ = ()


def parse_file(path: Path) -> Any:
    """Return the tree of a file.

    Raises:
        Unreadable: It cannot be read.

    """
    try:
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise Unreadable(f"it has {size // 1024**2} MiB, more than {_MOST_BYTES // 1024**2}. Split it.")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise Unreadable(f"it cannot be opened ({error.strerror or error}).") from None
    except UnicodeDecodeError:
        raise Unreadable("it is not UTF-8. Save it as UTF-8.") from None
    return parse_text(text, path.suffix.lower())


def parse_text(text: str, suffix: str) -> Any:
    """Return the tree of a text; `suffix` says what it is written in.

    Raises:
        Unreadable: It cannot be read.

    """
    if not text.strip():
        raise Unreadable("it is empty.")
    try:
        if suffix == ".json":
            return json.loads(text)
        return tomllib.loads(text) if suffix == ".toml" else _yaml(text)
    except RecursionError:
        raise Unreadable("it is nested too deeply.") from None
    except ValueError as error:
        raise Unreadable(f"it is no valid {suffix[1:].upper()} ({_one_line(error)}).") from None


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:200]


def _yaml(text: str) -> Any:
    try:
        import yaml  # noqa: PLC0415 - an extra, and needed for YAML only
    except ImportError:
        raise Unreadable("YAML needs PyYAML: pip install 'pytest-recorded[vcr]'") from None
    tree = _Tree(_GROWTH * len(text) + _ALLOWANCE)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # Events, not nodes or values: the parser's own composing recurses in C, and dies of what is nested too deeply.
        tree.read(yaml.parse(io.StringIO(text), Loader=loader))
    except yaml.YAMLError as error:
        raise Unreadable(f"it is no valid YAML ({_one_line(error)}).") from None
    return tree.root


class _Open:
    """A list or a mapping that is being read."""

    __slots__ = ("anchor", "items", "key", "line", "size", "tag", "value")

    def __init__(self, event: Any, *, is_map: bool) -> None:
        self.value: Any = {} if is_map else []
        self.key: str | None = None
        self.tag: str = event.tag or ""
        self.anchor: str | None = event.anchor
        self.line: int = event.start_mark.line + 1
        self.size = 1


class _Tree:
    """A tree made of a YAML parser's events, without recursion.

    Args:
        most: How large it may become, counting an alias as what it stands for.

    """

    def __init__(self, most: int) -> None:
        self.root: Any = None
        self._most = most
        self._documents = 0
        self._open: list[_Open] = []
        # What an alias stands for, and how large that is.
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._take: dict[str, Callable[[Any], None]] = {
            "DocumentStartEvent": self._document,
            "ScalarEvent": self._scalar,
            "AliasEvent": self._alias,
            "MappingStartEvent": self._mapping,
            "SequenceStartEvent": self._sequence,
            "MappingEndEvent": self._close,
            "SequenceEndEvent": self._close,
        }

    def read(self, events: Iterable[Any]) -> None:
        """Read all events."""
        for event in events:
            take = self._take.get(type(event).__name__)
            if take is not None:
                take(event)

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            raise Unreadable(f"another document begins in line {event.start_mark.line + 1}; a cassette is one.")

    def _scalar(self, event: Any) -> None:
        tag, value = event.tag or "", event.value
        if tag == _TAGS + "binary":
            try:
                value = base64.b64decode(value)
            except (binascii.Error, ValueError):
                raise Unreadable(f"the !!binary in line {event.start_mark.line + 1} is no base64.") from None
        else:
            _need_data(tag, event.start_mark.line + 1)
            if not event.style and tag in ("", "!"):
                value = Plain(value)
        self._add(value, len(value) + 1, event.anchor, event)

    def _alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            raise Unreadable(f"the alias *{event.anchor} in line {event.start_mark.line + 1} stands for nothing.")
        value, size = self._anchors[event.anchor]
        self._add(value, size, None, event)

    def _mapping(self, event: Any) -> None:
        self._begin(_Open(event, is_map=True))

    def _sequence(self, event: Any) -> None:
        self._begin(_Open(event, is_map=False))

    def _begin(self, opened: _Open) -> None:
        _need_data(opened.tag, opened.line)
        if len(self._open) >= _DEEPEST:
            raise Unreadable(f"it is nested deeper than {_DEEPEST} levels in line {opened.line}.")
        self._open.append(opened)

    def _close(self, event: Any) -> None:
        done = self._open.pop()
        value = done.value
        if done.tag in (_BYTES_IO, _ITERATOR):
            value = _joined(value, "state" if done.tag == _BYTES_IO else "args")
        self._add(value, done.size, done.anchor, event)

    def _add(self, value: Any, size: int, anchor: str | None, event: Any) -> None:
        if anchor is not None:
            self._anchors[anchor] = (value, size)
        if not self._open:
            self.root = value
            return
        parent = self._open[-1]
        parent.size += size
        if parent.size > self._most:
            raise Unreadable("its aliases make it far larger than its text; write them out if that is meant.")
        if isinstance(parent.value, list):
            parent.value.append(value)
        elif parent.key is not None:
            parent.value[parent.key] = value
            parent.key = None
        elif isinstance(value, str):
            parent.key = str(value)
        else:
            raise Unreadable(f"a key in line {event.start_mark.line + 1} is no text.")


def _need_data(tag: str, line: int) -> None:
    if tag not in ("", "!") and tag not in _PLAIN_DATA:
        shown = tag.replace(_TAGS, "!!")
        raise Unreadable(
            f"the tag {shown[:100]} in line {line} stands for a Python object, which is never made from a file. "
            f"Record this cassette again."
        )


def _joined(value: Any, field: str) -> Any:
    """Return the bytes in a file or an iterator, as vcrpy writes a request's body that was one."""
    items = value.get(field) if isinstance(value, dict) else None
    first = items[0] if isinstance(items, list) and items else b""
    pieces = first if isinstance(first, list) else [first]
    return b"".join(
        piece.encode(errors="surrogatepass") if isinstance(piece, str) else piece if isinstance(piece, bytes) else b""
        for piece in pieces
    )
