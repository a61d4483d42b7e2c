"""One recorded call as text: a JSON object that has all of its row, its chunks and the tests that share it.

The law of this file: what is read back is what was written, to the last byte. A slot stands there as the tree that it
is, for people to read, where writing that tree again gives the stored text; else the stored text itself stands there as
a string, under a name of its own: `request_text` in place of `request`. So does the body of an HTTP call, which is a
text in its slot: as a tree or as lines, whose style stands beside the slot: `response_body_style`. What is NULL is left
out, and so is an id that follows from the address.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from difflib import get_close_matches
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from .canonical import load_tree, pack_float, to_text
from .errors import SerializationError
from .job import Chunk, Row, Status, is_http, job_id
from .jsontext import one_line
from .shown import shown
from .styles import taken_apart, writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Entry", "entry_of", "load_object", "read_entry", "write_entry", "written"]


class Entry(NamedTuple):
    """One recorded call, all of it.

    Attributes:
        row: Its row.
        chunks: The pieces of its answer, if that was a stream.
        users: The tests that share it.

    """

    row: Row
    chunks: tuple[Chunk, ...] = ()
    users: tuple[str, ...] = ()


_SLOTS: Final = ("request", "response", "data", "error", "info")
_TEXT: Final = "_text"
# Where the slots of HTTP have a body that is a text.
_BODIES: Final = {"request": "text", "response": "body"}
_STYLE: Final = "_body_style"
# What an object has, in this order, and whether it may be left out.
_PLAIN: Final = {
    "id": True,
    "scope": False,
    "kind": False,
    "key": True,
    "seq": False,
    "attempt": False,
    "parent_id": True,
    "status": False,
    "owner": True,
    "submitted_at": False,
    "started_at": True,
    "beat_at": True,
    "completed_at": True,
}
_NUMBERS: Final = frozenset({"seq", "attempt"})
_STATUSES: Final = frozenset(status.value for status in Status)
_NAMES: Final = frozenset(
    {*_PLAIN, *_SLOTS, *(slot + _TEXT for slot in _SLOTS), *(slot + _STYLE for slot in _BODIES), "chunks", "users"}
)
_CHUNK_NAMES: Final = frozenset({"seq", "offset_ms", "body", "body" + _TEXT})
_LARGEST_INT: Final = (1 << 63) - 1
# A tree is read inside of others, by whoever has got how much of Python's stack left.
_DEEPEST: Final = 64
_DAMAGED: Final = "The file is damaged; pytest-recorded check says where"
_CORRECT: Final = "Correct it, or export the cassette again"


def write_entry(entry: Entry) -> str:
    """Return a call as one line of JSON, without a line break; equal calls have equal lines.

    Raises:
        SerializationError: It is none that a sound file could have: a number that is a text, bytes.

    """
    return written(entry, one_line)


def written(entry: Entry, write: Callable[[Any], str]) -> str:
    """Return a call as what writes trees writes of it.

    Raises:
        SerializationError: See `write_entry`.

    """
    try:
        return write(_tree(entry))
    except SerializationError as error:
        raise _placed(error, f"the call {shown(entry.row.id)}", _DAMAGED) from None


def _tree(entry: Entry) -> dict[str, Any]:
    row = entry.row
    tree: dict[str, Any] = {"id": row.id}
    for name, may_lack in _PLAIN.items():
        value = getattr(row, name)
        if value is not None or not may_lack:
            tree[name] = _need_plain(value, name, "$")
    if row.key is not None and row.id == job_id(row.address, row.attempt):
        del tree["id"]
    bodies = _BODIES if is_http(row.kind) else {}
    for slot in _SLOTS:
        _put(tree, slot, getattr(row, f"{slot}_json"), bodies.get(slot))
    if entry.chunks:
        tree["chunks"] = [_chunk_tree(chunk, f"$.chunks[{n}]") for n, chunk in enumerate(entry.chunks)]
    if entry.users:
        tree["users"] = _names(entry.users)
    return tree


def _chunk_tree(chunk: Chunk, path: str) -> dict[str, Any]:
    offset = pack_float(_need(chunk.offset_ms, float, f"{path}.offset_ms"))
    tree = {"seq": _need_plain(chunk.seq, "seq", path), "offset_ms": offset}
    _put(tree, "body", _need(chunk.body, str, f"{path}.body"))
    return tree


def _put(tree: dict[str, Any], name: str, text: str | None, body: str | None = None) -> None:
    """Put a stored text into an object, as a tree if that says it all; `body`: where it may have a text of HTTP."""
    if text is None:
        return
    _need(text, str, f"$.{name}")
    try:
        found = load_tree(text)
        is_exact = not _is_deep(found) and to_text(found) == text
    except SerializationError:
        is_exact = False
    if is_exact:
        if body and (style := _open(found, body)):
            tree[name + _STYLE] = style
        tree[name] = found
    else:
        tree[name + _TEXT] = text


def _open(slot: Any, name: str) -> str | None:
    """Put the parts of a body in place of its text; return the style in which they make that text, if they do."""
    text = slot.get(name) if type(slot) is dict else None
    opened = taken_apart(text) if type(text) is str else None
    if opened is None or _is_deep([opened[1]]):
        return None
    style, slot[name] = opened
    return style


def _is_deep(tree: Any) -> bool:
    level = [tree]
    for _ in range(_DEEPEST):
        level = list(chain.from_iterable(map(_items, level)))
        if not level:
            return False
    return True


def _items(tree: Any) -> Iterable[Any]:
    return tree.values() if type(tree) is dict else tree if type(tree) is list else ()


def read_entry(line: str, where: str) -> Entry:
    """Return the call that a line of JSON is.

    Args:
        line: What `write_entry` has written, or somebody who knows the format.
        where: Where it stands, for messages: `calls.jsonl, line 3`.

    Raises:
        SerializationError: It is no JSON, or no call.

    """
    return entry_of(load_object(line, where), where)


def load_object(text: str, where: str) -> dict[str, Any]:
    """Return the JSON object of a text; `where`: see `read_entry`.

    Raises:
        SerializationError: It is none, or a name stands in it twice.

    """
    try:
        return _object(json.loads(text, object_pairs_hook=_without_twins, parse_constant=_refuse_constant), "$")
    except SerializationError as error:
        raise _placed(error, where, _CORRECT) from None
    except json.JSONDecodeError as error:
        place = f"column {error.colno}" if error.lineno == 1 else f"line {error.lineno}, column {error.colno}"
        raise SerializationError(f"this is no JSON ({error.msg}). {_CORRECT}.", f"{where}, {place}") from None
    except RecursionError:
        raise SerializationError(f"it is nested too deeply to be read. {_CORRECT}.", where) from None
    except ValueError as error:
        raise SerializationError(f"it cannot be read ({error}). {_CORRECT}.", where) from None


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise SerializationError(f"an object has the name {shown(twin)} twice, and only one of them would be read")
    return tree


def _refuse_constant(name: str) -> NoReturn:
    raise SerializationError(f"{name} is no number of JSON")


def entry_of(tree: dict[str, Any], where: str) -> Entry:
    """Return the call that a JSON object is; `where`: see `read_entry`.

    Raises:
        SerializationError: It is none.

    """
    try:
        return _entry(tree)
    except SerializationError as error:
        raise _placed(error, where, _CORRECT) from None


def _entry(tree: dict[str, Any]) -> Entry:
    _need_known(tree, _NAMES, "$")
    values: dict[str, Any] = {
        name: _need_plain(tree.get(name), name, "$") if name in tree or not may_lack else None
        for name, may_lack in _PLAIN.items()
    }
    tree = tree | {slot: _closed(tree, slot, values["kind"]) for slot in _BODIES if slot + _STYLE in tree}
    values |= {f"{slot}_json": _stored(tree, slot, "$") for slot in _SLOTS}
    row = Row(**values)
    if row.status not in _STATUSES:
        raise SerializationError(f"it is {shown(row.status)}, not {', '.join(sorted(_STATUSES))}", "$.status")
    if row.key is None and row.id is None:
        raise SerializationError("it is missing, and a call without a key is known by its id", "$.id")
    if row.id is None:
        row = row._replace(id=job_id(row.address, row.attempt))
    pieces = _need(tree.get("chunks", []), list, "$.chunks")
    chunks = tuple(_chunk(piece, f"$.chunks[{n}]") for n, piece in enumerate(pieces))
    if len({chunk.seq for chunk in chunks}) != len(chunks):
        raise SerializationError("two pieces have the same seq", "$.chunks")
    return Entry(row, chunks, tuple(_names(_need(tree.get("users", []), list, "$.users"))))


def _chunk(tree: Any, path: str) -> Chunk:
    _need_known(_object(tree, path), _CHUNK_NAMES, path)
    body = _need(_stored(tree, "body", path), str, f"{path}.body")
    return Chunk(_need_plain(tree.get("seq"), "seq", path), _offset(tree.get("offset_ms"), path), body)


def _offset(value: Any, path: str) -> float:
    if type(value) is dict and value.get("py:float") in ("inf", "-inf", "nan"):
        return float(value["py:float"])
    # Whoever writes by hand writes 5 as well.
    whole = type(value) is int and abs(value) <= _LARGEST_INT
    return float(_need(float(value) if whole else value, float, f"{path}.offset_ms"))


def _stored(tree: dict[str, Any], name: str, path: str) -> str | None:
    """Return the stored text of a slot."""
    if name + _TEXT not in tree:
        return to_text(tree[name]) if name in tree else None
    if name in tree:
        raise SerializationError(f"it has both {name} and {name}{_TEXT}, and only one can be what was stored", path)
    return str(_need(tree[name + _TEXT], str, f"{path}.{name}{_TEXT}"))


def _closed(tree: dict[str, Any], slot: str, kind: str) -> dict[str, Any]:
    """Return a slot with the text of its body in place of the parts."""
    style, name = slot + _STYLE, _BODIES[slot]
    if not is_http(kind):
        raise SerializationError(f"{shown(kind)} is no call of HTTP, whose bodies have a style", f"$.{style}")
    _need(tree[style], str, f"$.{style}")
    opened = tree.get(slot)
    if type(opened) is not dict or name not in opened:
        raise SerializationError(f"it has no {name}, and {style} says how that is written", f"$.{slot}")
    with _at(f"$.{style}"):
        write = writer(tree[style])
    with _at(f"$.{slot}.{name}"):
        return opened | {name: write(opened[name])}


@contextmanager
def _at(path: str) -> Iterator[None]:
    try:
        yield
    except SerializationError as error:
        raise SerializationError(error.problem, path) from None


def _names(tests: Iterable[Any]) -> list[str]:
    return [_need(test, str, f"$.users[{n}]") for n, test in enumerate(tests)]


def _object(tree: Any, path: str) -> dict[str, Any]:
    _need(tree, dict, path)
    return tree  # type: ignore[no-any-return]  # so it is


def _need_known(tree: dict[str, Any], names: frozenset[str], path: str) -> None:
    for name in tree:
        if name not in names:
            close = get_close_matches(name, sorted(names), n=1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(names))}"
            raise SerializationError(f"the name {shown(name)} is not known here: {hint}", path)


def _need_plain(value: Any, name: str, path: str) -> Any:
    _need(value, int if name in _NUMBERS else str, f"{path}.{name}")
    if name in _NUMBERS and abs(value) > _LARGEST_INT:
        raise SerializationError("it has more than 64 bits", f"{path}.{name}")
    return value


def _need(value: Any, kind: type[Any], path: str) -> Any:
    if type(value) is not kind:
        is_missing = value is None
        raise SerializationError(
            "it is missing" if is_missing else f"it is {_type_of(value)}, not {_KINDS[kind]}", path
        )
    return value


_KINDS: Final[dict[type[Any], str]] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "an object",
    bool: "true or false",
}


def _type_of(value: Any) -> str:
    return _KINDS.get(type(value), type(value).__name__)


def _placed(error: SerializationError, where: str, advice: str) -> SerializationError:
    """Return what is wrong with where it is and what to do about it."""
    path = "" if error.path == "$" else f": {error.path}"
    return SerializationError(f"{error.problem}{'' if error.problem.endswith('?') else '.'} {advice}.", where + path)
