"""A request body, understood as far as its content type allows: what a key and a reader need to see of it.

Two bodies that mean the same have the same tree: JSON whatever its white space and key order, a form whatever its
order, a multipart body whatever its random boundary.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from operator import itemgetter
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode

from .canonical import load_tree
from .errors import SerializationError

__all__ = ["Body", "digest", "digest_text", "parse_body", "sorted_query"]

# Uploads are asked, not answered: beyond this size a digest tells two of them apart as well as their bytes do.
_MOST_BINARY: Final = 4096
# The start of an empty text is in this string too; it is no JSON, and nothing is lost in trying.
_STARTS_OF_JSON: Final = '{["\n\t\r '
_HEAD_ENDS: Final = re.compile(rb"(\r?\n\r?\n)")
_PARAMETER: Final = re.compile(r';\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"]*))')


class Body(NamedTuple):
    """A parsed body: one of `json`, `form`, `parts`, `text`, `bytes`, or `""` for none; and its tree."""

    form: str
    tree: Any


def digest_text(text: str) -> str:
    """Return the digest of a text."""
    try:
        return digest(text.encode())
    except UnicodeEncodeError:
        return digest(text.encode(errors="surrogatepass"))


def digest(data: bytes) -> str:
    """Return a digest with its algorithm tag: `b2:` and 32 hex digits of BLAKE2b."""
    return "b2:" + blake2b(data, digest_size=16).hexdigest()


def parse_body(content: bytes, content_type: str) -> Body:
    """Return a parsed body. Never raises: what does not parse as its type says is text or bytes."""
    if not content:
        return Body("", None)
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        text = _decoded(content)
        if text is not None and text[:1] not in _STARTS_OF_JSON:
            return Body("form", sorted_query(text))
        # The standard library's clients call everything a form that nobody has named.
        return _json_or_text(content, "")
    if media_type.startswith("multipart/"):
        parts = _parts(content, content_type)
        return Body("parts", parts) if parts is not None else _binary(content)
    return _json_or_text(content, media_type)


def _json_or_text(content: bytes, media_type: str) -> Body:
    text = _decoded(content)
    if text is None:
        return _binary(content)
    # Some clients send JSON under another name or none; JSON is recognised by what it is.
    if text[:1] in _STARTS_OF_JSON or "json" in media_type:
        try:
            return Body("json", load_tree(text))
        except SerializationError:
            pass
    return Body("text", text)


def _decoded(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _binary(content: bytes) -> Body:
    if len(content) > _MOST_BINARY:
        return Body("bytes", {"digest": digest(content), "size": len(content)})
    # A byte a letter: a secret in it can be seen, and hidden.
    return Body("bytes", content.decode("latin-1"))


def sorted_query(query: str) -> str:
    """Return a query or a form with its parameters sorted by name; those of one name keep their order."""
    if not query:
        return ""
    # Bytes that are no UTF-8 stay what they are: two of them are not the same.
    pairs = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    return urlencode(sorted(pairs, key=itemgetter(0)), errors="surrogateescape")


def _parts(content: bytes, content_type: str) -> list[dict[str, Any]] | None:
    """Return the parts of a multipart body; None if it is none."""
    boundary = _parameters(content_type).get("boundary")
    if not boundary:
        return None
    border = rb"(?:\A|\r?\n)--" + re.escape(boundary.encode("latin-1", "replace")) + rb"(?=--|[ \t]*\r?\n|[ \t]*\Z)"
    _preamble, *sections = re.split(border, content)
    parts: list[dict[str, Any]] = []
    for section in sections:
        if section.startswith(b"--"):
            return parts
        head, blank, body = _HEAD_ENDS.split(section, maxsplit=1) if _HEAD_ENDS.search(section) else (section, b"", b"")
        if not blank:
            return None
        parts.append(_part(head.decode(errors="replace"), body))
    return None


def _part(head: str, content: bytes) -> dict[str, Any]:
    """Return a part as its name and its content, so that a field is redacted and ignored by its name."""
    lines = [line.partition(":") for line in head.splitlines()]
    headers = {name.strip().lower(): value.strip() for name, _, value in lines}
    params = _parameters(headers.get("content-disposition", ""))
    body = _json_or_text(content, "")
    tree = {"bytes": body.tree} if body.form == "bytes" else body.tree
    filename = params.get("filename", params.get("filename*"))
    if filename is not None:
        tree = {"filename": filename, "type": headers.get("content-type", "text/plain"), "content": tree}
    return {params.get("name", ""): tree}


def _parameters(header: str) -> dict[str, str]:
    """Return the parameters of a header such as `form-data; name="file"`."""
    found = {}
    for name, quoted, plain in _PARAMETER.findall(header):
        found[name.lower()] = re.sub(r"\\(.)", r"\1", quoted) if quoted else plain.strip()
    return found
