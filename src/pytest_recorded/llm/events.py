"""The pieces of a streamed answer: server-sent events, lines of JSON, a JSON array, Amazon's binary frames.

Which of them it is, is told by the bytes: headers are lost on the way more often than that.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .tree import mapping, parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Body", "body_of"]

_SSE: Final = re.compile(r"[\r\n]*(?:(?:data|event|id|retry)(?::|[\r\n])|:)")
_BETWEEN: Final = re.compile(r"[\s,]*")
_DECODER: Final = json.JSONDecoder()
_PRELUDE: Final = struct.Struct("!III")
_SMALLEST_FRAME: Final = 16
# How many bytes the values of Amazon's headers take, by their types; -1: their size stands before them.
_SIZES: Final = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 6: -1, 7: -1, 8: 8, 9: 16}


class Body(NamedTuple):
    """A body as far as it is JSON: one value, or the values of a stream."""

    value: Any = None
    events: list[Any] | None = None


def body_of(content: bytes) -> Body:
    """Return a body, parsed. Never raises: what is no JSON is None, what was cut off ends where it was cut."""
    if _is_frames(content):
        return Body(events=list(_frames(content)))
    text = content.decode(errors="replace").removeprefix("\ufeff")
    if _SSE.match(text):
        return Body(events=list(_sent(text)))
    try:
        return Body(json.loads(text))
    except (ValueError, RecursionError):
        events = list(_values(text))
        return Body(events=events) if events else Body()


def _values(text: str) -> Iterator[Any]:
    """Yield the objects of lines of JSON, or those of an array that was cut off."""
    place = _skipped(text, 0)
    if text.startswith("[", place):
        place += 1
    while (place := _skipped(text, place)) < len(text):
        try:
            value, place = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            return
        if not isinstance(value, dict):
            return
        yield value


def _skipped(text: str, place: int) -> int:
    between = _BETWEEN.match(text, place)
    return between.end() if between else place


def _sent(text: str) -> Iterator[Any]:
    """Yield the data of server-sent events, as far as they are JSON; one named `error` is an error."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    name, data = "", []
    for line in (*text.split("\n"), ""):
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif line.startswith("event:"):
            name = line[6:].strip()
        elif not line and data:
            value = parsed("\n".join(data))
            if name == "error" and not (isinstance(value, dict) and ("error" in value or "type" in value)):
                yield {"error": value}
            elif value is not None:
                yield value
            name, data = "", []


def _is_frames(content: bytes) -> bool:
    if len(content) < _SMALLEST_FRAME or content[0]:
        return False
    size, _, checksum = _PRELUDE.unpack_from(content)
    return bool(size >= _SMALLEST_FRAME and binascii.crc32(content[:8]) == checksum)


def _frames(content: bytes) -> Iterator[Any]:
    """Yield what Amazon's frames hold: their payload under the name of their type, or the events of the model."""
    place = 0
    while place + _SMALLEST_FRAME <= len(content):
        size, head, _ = _PRELUDE.unpack_from(content, place)
        start, end = place + _PRELUDE.size, place + size
        if size < _SMALLEST_FRAME + head or end > len(content):
            return
        headers = _headers(content[start : start + head])
        payload = parsed(content[start + head : end - 4])
        if fault := headers.get(":exception-type") or headers.get(":error-code"):
            told = mapping(payload).get("message") or headers.get(":error-message")
            yield {"error": {"type": fault, "message": told}}
        elif isinstance(inner := mapping(payload).get("bytes"), str):
            yield _unwrapped(inner)
        else:
            yield {headers.get(":event-type", ""): payload}
        place = end


def _unwrapped(inner: str) -> Any:
    try:
        return parsed(base64.b64decode(inner))
    except ValueError:
        return None


def _headers(data: bytes) -> dict[str, str]:
    """Return the headers of a frame that are texts."""
    found, place = {}, 0
    try:
        while place < len(data):
            name = data[place + 1 : (place := place + 1 + data[place])].decode(errors="replace")
            kind, size = data[place], _SIZES[data[place]]
            place += 1
            if size < 0:
                size = int.from_bytes(data[place : place + 2])
                place += 2
            if kind == 7:  # noqa: PLR2004 - a text, as Amazon counts its types
                found[name] = data[place : place + size].decode(errors="replace")
            place += size
    except (IndexError, KeyError):
        pass
    return found
