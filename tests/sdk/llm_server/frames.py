"""The bytes of the formats: JSON, lines, server-sent events, AWS event streams, forms of several parts."""

from __future__ import annotations

import binascii
import email
import email.policy
import json
import struct
from typing import Any

KEEP_ALIVE = (b": keep-alive\n\n", b"\n")

_STRING = 7


def compact(value: Any) -> bytes:
    """Return a value as JSON, its characters written as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def line(value: Any) -> bytes:
    """Return a line of NDJSON."""
    return compact(value) + b"\n"


def event(value: Any, name: str | None = None, end: bytes = b"\n") -> bytes:
    """Return a server-sent event; a value that is bytes is sent as it is."""
    data = value if isinstance(value, bytes) else compact(value)
    named = b"event: " + name.encode() + end if name else b""
    return named + b"data: " + data + end + end


def message(kind: str, payload: Any) -> bytes:
    """Return a message of an AWS event stream: prelude and its checksum, headers, payload, checksum of it all."""
    headers = b"".join(
        bytes([len(name)]) + name.encode() + bytes([_STRING]) + struct.pack("!H", len(value)) + value.encode()
        for name, value in ((":event-type", kind), (":content-type", "application/json"), (":message-type", "event"))
    )
    body = compact(payload)
    prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    checked = prelude + struct.pack("!I", binascii.crc32(prelude)) + headers + body
    return checked + struct.pack("!I", binascii.crc32(checked))


def parts(content_type: str, body: bytes) -> dict[str, tuple[str | None, bytes]]:
    """Return the parts of a multipart body by their names: file name and content."""
    head = f"content-type: {content_type}\r\n\r\n".encode()
    form = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    found = {}
    for part in form.iter_parts():
        name = part.get_param("name", header="content-disposition")
        found[str(name)] = (part.get_filename(), part.get_payload(decode=True))
    return found
