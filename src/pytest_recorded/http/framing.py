"""HTTP/1.1 as bytes: requests as a connection sends them, responses as a socket gives them.

The law of this file: it reads what http.client reads, in the way http.client reads it, because http.client is what it
writes for.
"""

from __future__ import annotations

import gzip
import re
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from ..message import Headers, HttpResponse

__all__ = [
    "Head",
    "Request",
    "decode_body",
    "has_body",
    "is_whole",
    "join_response",
    "packed",
    "parse_request",
    "split_response",
]

_END: Final = b"\r\n\r\n"
_END_OF_HEAD: Final = re.compile(rb"\r?\n\r?\n")
_LAST_CHUNK: Final = b"0\r\n\r\n"
_BODILESS: Final = frozenset({*range(100, 200), 204, 304})
_INTERIM: Final = frozenset({100})
_SMALLEST_STATUS: Final = 100
_LARGEST_STATUS: Final = 999
# What zlib calls it.
_GZIP: Final = 31


def has_body(method: str, status: int) -> bool:
    """Return whether a response has a body, whatever its headers say."""
    return method != "HEAD" and status not in _BODILESS


class Request(NamedTuple):
    """A request as it was sent."""

    method: str
    target: str
    headers: Headers
    body: bytes


class Body(NamedTuple):
    """A response's body as far as it has been read.

    Attributes:
        chunks: Its pieces, each with where it ends in the bytes: one a chunk of a chunked body, else one.
        is_whole: Whether it is complete; None if only the end of the connection tells.
        is_broken: Whether it cannot become complete, because its framing is wrong.
        cut: Of a chunk that is not complete, how many bytes are there and how many are missing.
        broken: What is there instead of a chunk's size.
        is_chunked: Whether it is chunked.

    """

    chunks: list[tuple[int, bytes]]
    is_whole: bool | None
    is_broken: bool = False
    cut: tuple[int, int] | None = None
    broken: bytes = b""
    is_chunked: bool = False


class Head(NamedTuple):
    """A response as far as it has been read.

    Attributes:
        status: The status code.
        reason: The reason phrase.
        version: As `HTTP/1.1`.
        headers: Names and values in order.
        size: Where in the bytes the body begins.
        body: The body.

    """

    status: int
    reason: str
    version: str
    headers: Headers
    size: int
    body: Body


def is_whole(sent: bytearray) -> bool:
    """Return whether a request has been sent to its end."""
    end = sent.find(_END)
    if end < 0:
        return False
    headers = _request_head(bytes(sent[:end])).headers
    if _is_chunked(headers):
        # A chunk may end like the last one does.
        return sent.endswith(_LAST_CHUNK) and _dechunked(bytes(sent), end + len(_END)).is_whole is True
    length = _length(headers)
    return length is None or len(sent) - end - len(_END) >= length


def parse_request(sent: bytes) -> Request | None:
    """Return the request in some bytes, as far as it was sent; None if they have no head."""
    head, end, body = sent.partition(_END)
    request = _request_head(head)
    if not end or not request.target:
        return None
    if _is_chunked(request.headers):
        body = b"".join(chunk for _, chunk in _dechunked(body, 0).chunks)
    return request._replace(body=body)


@lru_cache(maxsize=32)
def _request_head(head: bytes) -> Request:
    """Return the head of a request, which is asked for whenever a part of it is sent; no target if it is none."""
    first, *lines = head.decode("latin-1").split("\r\n")
    before, _, version = first.rpartition(" ")
    method, _, target = before.partition(" ")
    return Request(method, target if version.startswith("HTTP/") else "", _headers(lines), b"")


def _headers(lines: list[str]) -> Headers:
    pairs: list[tuple[str, str]] = []
    for line in lines:
        name, colon, value = line.partition(":")
        if line[:1] in (" ", "\t") and pairs:
            before = pairs.pop()
            pairs.append((before[0], f"{before[1]}\r\n{line}"))
        elif colon:
            pairs.append((name, value.lstrip(" \t")))
    return tuple(pairs)


def _first(headers: Headers, name: str) -> str:
    return next((value for key, value in headers if key.lower() == name), "")


def _is_chunked(headers: Headers) -> bool:
    return _first(headers, "transfer-encoding").lower() == "chunked"


def _length(headers: Headers) -> int | None:
    try:
        length = int(_first(headers, "content-length"))
    except ValueError:
        return None
    return length if length >= 0 else None


def _dechunked(data: bytes, start: int, *, at_end: bool = False) -> Body:
    """Return a chunked body that begins at a position."""
    chunks: list[tuple[int, bytes]] = []
    at = start
    while True:
        line = data.find(b"\n", at) + 1 or (len(data) if at_end else 0)
        if line <= at:
            return Body(chunks, is_whole=False)
        try:
            size = int(data[at:line].partition(b";")[0], 16)
        except ValueError:
            size = -1
        if size <= 0:
            return Body(chunks, is_whole=size == 0, is_broken=size < 0, broken=data[at:line] if size < 0 else b"")
        at = line + size
        chunk = data[line:at]
        if chunk:
            chunks.append((line + len(chunk), chunk))
        if len(chunk) < size:
            return Body(chunks, is_whole=False, cut=(len(chunk), size - len(chunk)))
        at += 2


def split_response(
    data: bytes, method: str, *, at_end: bool = False, interim: frozenset[int] = _INTERIM
) -> Head | None:
    """Return the response in some bytes; None if they have no head.

    Args:
        data: The bytes.
        method: The request's method.
        at_end: Whether nothing follows them: then the end of the bytes ends the head, too.
        interim: The statuses of responses that are followed by another one.

    """
    start = 0
    while True:
        end = _END_OF_HEAD.search(data, start)
        if end is None and not at_end:
            return None
        stop, following = end.span() if end is not None else (len(data), len(data))
        first, *lines = data[start:stop].decode("latin-1").replace("\r\n", "\n").split("\n")
        version, code, reason = [*first.split(None, 2), "", "", ""][:3]
        if not version.startswith("HTTP/") or not code.isdigit():
            return None
        if not _SMALLEST_STATUS <= int(code) <= _LARGEST_STATUS:
            return None
        start = following
        if int(code) not in interim:
            break
    headers = _headers(lines)
    if not has_body(method, int(code)):
        body = Body([], is_whole=True)
    elif _is_chunked(headers):
        body = _dechunked(data, start, at_end=at_end)._replace(is_chunked=True)
    else:
        body = _measured(data, start, _length(headers))
    return Head(int(code), reason.strip(), version, headers, start, body)


def _measured(data: bytes, start: int, length: int | None) -> Body:
    body = data[start:] if length is None else data[start : start + length]
    chunks = [(start + len(body), body)] if body else []
    return Body(chunks, is_whole=None if length is None else len(body) == length)


def join_response(
    response: HttpResponse,
    method: str,
    *,
    is_cut: bool = False,
    cut: tuple[int, int] | None = None,
    broken: bytes = b"",
) -> list[bytes]:
    """Return a response as a socket would give it, in segments.

    Args:
        response: The response.
        method: The request's method.
        is_cut: Whether its body ends too early, as the recorded one did.
        cut: See `Body.cut`.
        broken: See `Body.broken`.

    """
    headers, pieces = packed(response, method, is_cut=is_cut)
    version = "HTTP/1.0" if response.http_version == "HTTP/1.0" else "HTTP/1.1"
    lines = [f"{version} {response.status} {response.reason}", *(f"{name}: {value}" for name, value in headers)]
    head = "\r\n".join(lines).encode("latin-1", "replace") + _END
    if has_body(method, response.status) and _is_chunked(response.headers):
        return [head, *_chunked(pieces, response.parts, is_cut=is_cut, cut=cut), broken]
    return [head, *pieces]


def packed(response: HttpResponse, method: str, *, is_cut: bool = False) -> tuple[Headers, list[bytes]]:
    """Return headers and body of a response for whoever decodes it himself.

    Args:
        response: The response.
        method: The request's method.
        is_cut: Whether its body ends too early, as the recorded one did.

    """
    if not has_body(method, response.status):
        return response.headers, []
    pieces = [piece for piece in response.pieces() if piece]
    encoding = response.header("content-encoding").lower()
    if encoding and not response.encoded:
        encoded = _encoded(pieces, encoding)
        pieces, encoding = (encoded, encoding) if encoded is not None else (pieces, "")
    headers = []
    for name, value in response.headers:
        lowered = name.lower()
        if lowered == "content-length" and not is_cut:
            # Around its secrets the body may have become longer or shorter.
            headers.append((name, str(sum(map(len, pieces)))))
        elif lowered != "content-encoding" or encoding:
            headers.append((name, value))
    return tuple(headers), pieces


def _chunked(pieces: list[bytes], parts: tuple[int, ...], *, is_cut: bool, cut: tuple[int, int] | None) -> list[bytes]:
    """Return pieces as chunks, a segment each; those of a chunk that was cut announce more than there is."""
    rest: list[bytes] = []
    while cut is not None and pieces and sum(map(len, rest)) < cut[0]:
        rest.insert(0, pieces.pop())
    framed: list[bytes] = []
    open_chunk: list[bytes] = []
    for number, piece in enumerate(pieces):
        open_chunk.append(piece)
        if number not in parts:
            framed += _one_chunk(open_chunk)
            open_chunk = []
    if cut is not None:
        return [*framed, *_one_chunk(open_chunk + rest, missing=cut[1])]
    if is_cut:
        # How much was missing nobody has waited to see.
        return [*framed, *(_one_chunk(open_chunk, missing=1) if open_chunk else [])]
    return [*framed, *_one_chunk(open_chunk), _LAST_CHUNK] if open_chunk else [*framed, _LAST_CHUNK]


def _one_chunk(parts: list[bytes], *, missing: int = 0) -> list[bytes]:
    """Return a chunk in its parts, the last of which may be missing."""
    first, *others = parts or [b""]
    segments = [b"%x\r\n%b" % (sum(map(len, parts)) + missing, first), *others]
    if not missing:
        segments[-1] += b"\r\n"
    return segments


def _encoded(pieces: list[bytes], encoding: str) -> list[bytes] | None:
    """Return a body in a content encoding, as its reader expects it; None if the standard library has not got it.

    Each piece can be decoded as soon as it is there.
    """
    is_gzip = encoding in ("gzip", "x-gzip")
    if not is_gzip and encoding != "deflate":
        return None
    if len(pieces) < 2:  # noqa: PLR2004 - one or none
        body = b"".join(pieces)
        return [gzip.compress(body, mtime=0) if is_gzip else zlib.compress(body)]
    packer = zlib.compressobj(wbits=_GZIP if is_gzip else zlib.MAX_WBITS)
    packed = [packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) for piece in pieces[:-1]]
    return [*packed, packer.compress(pieces[-1]) + packer.flush()]


def decode_body(body: bytes, encoding: str) -> bytes | None:
    """Return a body without its content encoding; None if it has none to undo, or it cannot be undone."""
    if not body:
        return None
    try:
        if encoding in ("gzip", "x-gzip"):
            return gzip.decompress(body)
        return zlib.decompress(body) if encoding == "deflate" else None
    except (OSError, EOFError, zlib.error):
        return None
