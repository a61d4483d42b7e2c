"""What is stored of a call, as text for a reader: JSON indented, streams joined, binary content described.

Whoever wants it `whole` gets binary content as base64.

The law of this file: whatever is stored, there is a text for it; nothing raises.
"""

from __future__ import annotations

import base64
import json
import re
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Final, NamedTuple, ParamSpec

from .body import parse_body
from .canonical import load_tree
from .errors import SerializationError
from .message import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .job import Chunk

P = ParamSpec("P")

__all__ = ["Part", "error_part", "media_in", "plain_tree", "request_part", "response_part", "value_part"]

# Base64 of this length in a JSON value is content for a program, not for a reader.
_BASE64: Final = re.compile(r"(?:data:(?P<type>[\w.+-]+/[\w.+-]+)[^,]{0,100},)?(?P<base64>[A-Za-z0-9+/_-]{200,}={0,2})")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Part(NamedTuple):
    """A slot of a call.

    Attributes:
        line: What stands above its text, in one line; or `""`.
        text: The text.
        language: `json`, `text`, or `""` for a text that is no content but says something about it.

    """

    line: str
    text: str
    language: str


def _or_as_it_is(
    part: Callable[Concatenate[str | None, P], Part | None],
) -> Callable[Concatenate[str | None, P], Part | None]:
    """Make a function return a stored text as it is, where nothing can be made of it."""

    @wraps(part)
    def safe(text: str | None, /, *args: P.args, **kwargs: P.kwargs) -> Part | None:
        try:
            return part(text, *args, **kwargs)
        except (SerializationError, RecursionError, ValueError, TypeError, KeyError):
            return Part("", str(text), "text")

    return safe


@_or_as_it_is
def request_part(text: str | None, *, is_http: bool, whole: bool = False) -> Part | None:
    """Return the request of a call."""
    tree = _tree(text)
    if not is_http or not isinstance(tree, dict) or "method" not in tree:
        return value_part(text, whole=whole)
    request = HttpRequest.from_tree(tree)
    body = _stored_body(tree, request.header("content-type"), whole=whole)
    return body._replace(line=f"{request.method} {request.url}")


def _stored_body(tree: dict[str, Any], media_type: str, *, whole: bool) -> Part:
    form = next((form for form in ("json", "parts", "form", "text", "bytes") if form in tree), "")
    content = tree.get(form)
    if form == "bytes":
        if whole and isinstance(content, str):
            return _binary(content.encode("latin-1"), media_type, whole=whole)
        return Part("", _described(_size(content), media_type), "")
    if form in ("json", "parts"):
        return Part("", _json(content if whole else _without_binary(content)), "json")
    return _text(str(content).encode(errors="replace") if form else b"", media_type, whole=whole)


def _size(content: Any) -> int:
    """Return the size of stored bytes: a letter each, or only their digest and their size."""
    return int(content["size"]) if isinstance(content, dict) else len(content)


@_or_as_it_is
def response_part(
    text: str | None, chunks: Callable[[], Sequence[Chunk]], *, is_http: bool, whole: bool = False
) -> Part | None:
    """Return the response of a call."""
    tree = _tree(text)
    if is_http and isinstance(tree, dict) and "status" in tree:
        response = HttpResponse.from_tree(tree)
        media_type = response.header("content-type")
        show = _binary if response.encoded else _body
        body = show(response.content, media_type, whole=whole)
        line = f"{response.status} {response.reason}".strip()
        return body._replace(line=line if response.end == "complete" else f"{line}, body {response.end} early")
    if isinstance(tree, dict) and "py:stream" in tree:
        pieces = [plain_tree(_tree(chunk.body), whole=whole) for chunk in chunks()]
        if pieces and all(isinstance(piece, str) for piece in pieces):
            return Part("", "".join(pieces), "text")
        return Part("", _json(pieces), "json")
    return value_part(text, whole=whole)


@_or_as_it_is
def error_part(text: str | None) -> Part | None:
    """Return what a call raised."""
    tree = _tree(text)
    if not isinstance(tree, dict) or "type" not in tree:
        return value_part(text)
    line = f"{str(tree['type']).removeprefix('builtins.')}: {tree.get('message', '')}"
    return Part("", line if "payload" not in tree else f"{line}\n{_json(plain_tree(tree['payload']))}", "text")


@_or_as_it_is
def value_part(text: str | None, *, whole: bool = False) -> Part | None:
    """Return a stored value; None where nothing is stored."""
    if text is None:
        return None
    tree = plain_tree(load_tree(text), whole=whole)
    return Part("", tree, "text") if isinstance(tree, str) else Part("", _json(tree), "json")


def _tree(text: str | None) -> Any:
    try:
        return None if text is None else load_tree(text)
    except SerializationError:
        return None


def _body(content: bytes, media_type: str, *, whole: bool) -> Part:
    body = parse_body(content, media_type)
    if body.form != "json":
        return _text(content, media_type, whole=whole)
    return Part("", _json(body.tree if whole else _without_binary(body.tree)), "json")


def _text(content: bytes, media_type: str, *, whole: bool) -> Part:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return _binary(content, media_type, whole=whole)
    if _CONTROL.search(text):
        return _binary(content, media_type, whole=whole)
    return Part("", text, "text" if text else "")


def _binary(content: bytes, media_type: str, *, whole: bool) -> Part:
    described = _described(len(content), media_type)
    return Part("", f"{described}\n{base64.b64encode(content).decode()}" if whole else described, "")


def _described(size: int, media_type: str) -> str:
    return f"binary content, {media_type.partition(';')[0].strip() or 'of no named type'}, {size:,} bytes"


def _json(tree: Any) -> str:
    return json.dumps(tree, ensure_ascii=False, indent=2)


def _without_binary(tree: Any) -> Any:
    if isinstance(tree, dict):
        if tree.keys() == {"bytes"} and isinstance(tree["bytes"], str | dict):
            # A file in a multipart body.
            return f"<{_described(_size(tree['bytes']), '')}>"
        return {name: _without_binary(item) for name, item in tree.items()}
    if isinstance(tree, list):
        return [_without_binary(item) for item in tree]
    if isinstance(tree, str) and (media := media_in(tree)) is not None:
        media_type, encoded = media
        return f"<{_described(len(encoded.rstrip('=')) * 3 // 4, media_type)}>"
    return tree


def media_in(text: str) -> tuple[str, str] | None:
    """Return the type (`""` if it is not named) and the base64 of a text that is content for programs, else None."""
    found = _BASE64.fullmatch(text)
    if found is None or not _looks_random(found["base64"]):
        return None
    return found["type"] or "", found["base64"]


def _looks_random(text: str) -> bool:
    """Return whether a text has letters of all sorts, as base64 has, and words have not."""
    return all(any(sort(letter) for letter in text) for sort in (str.isupper, str.islower, str.isdigit))


def plain_tree(tree: Any, *, whole: bool = False) -> Any:
    """Return a stored tree without the tags of its types.

    Args:
        tree: The tree.
        whole: Whether binary content stays, as base64; else it is described.

    """
    if isinstance(tree, list):
        return [plain_tree(item, whole=whole) for item in tree]
    if not isinstance(tree, dict):
        return tree if whole else _without_binary(tree)
    if len(tree) == 1:
        ((tag, content),) = tree.items()
        if tag.startswith("py:"):
            return _untagged(tag, content, whole=whole)
    return {name: plain_tree(item, whole=whole) for name, item in tree.items()}


def _untagged(tag: str, content: Any, *, whole: bool) -> Any:
    if tag == "py:object" and isinstance(content, dict):
        fields = content.get("fields")
        shown = plain_tree(content.get("value") if fields is None else fields, whole=whole)
        more = plain_tree(content.get("extra") or {}, whole=whole)
        return {**shown, **more} if isinstance(shown, dict) else shown
    if tag in ("py:bytes", "py:bytearray"):
        return {"base64": content} if whole and isinstance(content, str) else _bytes(content)
    if tag in ("py:datetime", "py:time", "py:enum", "py:path") and isinstance(content, list) and content:
        return content[-1] if tag in ("py:enum", "py:path") else content[0]
    if tag == "py:error" and isinstance(content, dict):
        return f"{content.get('type')}: {content.get('message')}"
    return plain_tree(content, whole=whole)


def _bytes(content: Any) -> Any:
    if isinstance(content, list):
        return content[0] if content else ""
    try:
        return f"<{_described(len(base64.b64decode(content)), '')}>"
    except (ValueError, TypeError):
        return content
