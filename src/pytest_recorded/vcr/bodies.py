"""Bodies that are stored as they came over the wire, without their content encoding."""

from __future__ import annotations

import gzip
import importlib
import io
import zlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Decoded", "decode"]

_MOST_BYTES: Final = 256 * 1024 * 1024
_GZIP: Final = b"\x1f\x8b"
_NEEDED: Final = {"br": "brotli", "zstd": "zstandard"}


class Decoded(NamedTuple):
    """A body, whether it is still encoded, and why."""

    content: bytes
    is_encoded: bool = False
    why: str = ""


def decode(content: bytes, encodings: str) -> Decoded:
    """Return a body without its content encodings.

    A body that is text already was decoded before it was stored, whatever its headers say. One that cannot be decoded
    stays as it is; a client that asks for it decodes it.

    Args:
        content: The body.
        encodings: The header `content-encoding`.

    """
    decoded = content
    for name in reversed([name.strip().lower() for name in encodings.split(",") if name.strip()]):
        if not decoded or name == "identity":
            continue
        undo = _decoder(name)
        try:
            if undo is not None:
                decoded = undo(decoded)
                continue
        except Exception:  # noqa: BLE001, S110 - each library has its own exceptions for what it cannot decode
            pass
        if decoded is content and _is_text(content):
            return Decoded(content)
        needed = _NEEDED.get(name)
        hint = f" (pip install {needed})" if undo is None and needed else ""
        return Decoded(content, is_encoded=True, why=f"kept encoded: {name[:20]} could not be undone{hint}")
    return Decoded(decoded)


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decoder(name: str) -> Callable[[bytes], bytes] | None:
    if name in ("gzip", "x-gzip"):
        return _gunzip
    if name == "deflate":
        return _inflate
    if name == "br":
        found = _first("brotli", "brotlicffi")
        return found.decompress if found is not None else None
    if name == "zstd":
        found = _first("compression.zstd", "backports.zstd")
        if found is not None:
            return found.decompress  # type: ignore[no-any-return]
        found = _first("zstandard")
        return (lambda body: _bounded(found.ZstdDecompressor().stream_reader(body))) if found is not None else None
    return None


def _first(*names: str) -> Any:
    """Return the first module that is installed."""
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


def _bounded(file: Any) -> bytes:
    body: bytes = file.read(_MOST_BYTES + 1)
    if len(body) > _MOST_BYTES:
        raise ValueError("larger than anything that was ever recorded")
    return body


def _gunzip(body: bytes) -> bytes:
    if not body.startswith(_GZIP):
        raise ValueError("no gzip")
    return _bounded(gzip.GzipFile(fileobj=io.BytesIO(body)))


def _inflate(body: bytes) -> bytes:
    try:
        return _inflated(body, zlib.MAX_WBITS)
    except zlib.error:
        # Some servers leave zlib's header out, and clients bear with them.
        return _inflated(body, -zlib.MAX_WBITS)


def _inflated(body: bytes, wbits: int) -> bytes:
    inflater = zlib.decompressobj(wbits)
    inflated = inflater.decompress(body, _MOST_BYTES)
    if not inflater.eof:
        raise ValueError("incomplete, or too large")
    return inflated
