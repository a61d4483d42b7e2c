"""The tree of a cassette as calls: what vcrpy and cassetter store, in all their versions, as values of ours.

The law of this file: a tree may hold anything. What is no call is refused with its reason, and the rest goes on.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import Counter
from http import HTTPStatus
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from ..message import HttpRequest, HttpResponse
from .bodies import decode
from .fields import (
    PORTS,
    Refused,
    as_1_1,
    as_1_2,
    as_map,
    guessed_type,
    headers_of,
    is_null,
    json_bytes,
    moment_of,
    one_line,
    resolved,
    text_of,
    url_of,
)
from .parse import Unreadable

__all__ = ["Interaction", "Reading", "read_tree"]

_SMALLEST_STATUS: Final = 100
_LARGEST_STATUS: Final = 999
_FORM: Final = "application/x-www-form-urlencoded"
_EXACT_FLOAT: Final = 2**53
_STANDS_FOR: Final = re.compile(
    r"[\[<{(*_-]*(?:REDACTED|FILTERED|SCRUBBED|HIDDEN|MASKED|CENSORED|REMOVED)[\]>})*_-]*|\*{3,}|X{4,}"
)


class Interaction(NamedTuple):
    """One recorded call.

    Attributes:
        request: What was asked.
        response: What came back, its body decoded.
        recorded_at: When, as it is stored; `""` if that is not known.
        notes: What whoever replays it should know.

    """

    request: HttpRequest
    response: HttpResponse
    recorded_at: str
    notes: tuple[str, ...]


class Reading(NamedTuple):
    """What a cassette holds.

    Attributes:
        tool: `vcrpy` or `cassetter`.
        interactions: Its calls that can be taken, in their order.
        refused: Why others cannot, and how many they are.

    """

    tool: str
    interactions: list[Interaction]
    refused: Counter[str]


def read_tree(tree: Any) -> Reading:
    """Return the calls in the tree of a cassette.

    Raises:
        Unreadable: It is no cassette.

    """
    items = _items(tree)
    others = _others(tree)
    is_cassetter = bool(others) or any(_is_cassetter(item) for item in items[:1])
    if isinstance(tree, dict) and (version := tree.get("version", 1)) not in (1, "1"):
        raise Unreadable(f"its format has the version {str(version)[:20]!r}; what is known here is 1.")
    reading = Reading("cassetter" if is_cassetter else "vcrpy", [], others)
    read = _of_cassetter if is_cassetter else _of_vcrpy
    for item in items:
        try:
            reading.interactions.append(read(item))
        except Refused as refused:
            reading.refused[str(refused)] += 1
        except RecursionError:
            reading.refused["its body is nested too deeply"] += 1
    return reading


def _items(tree: Any) -> list[Any]:
    if isinstance(tree, list) and tree and isinstance(tree[0], dict) and "request" in tree[0]:
        # As vcrpy wrote before its version 1.
        return tree
    known = ("interactions", "grpc_interactions", "ws_interactions")
    if not isinstance(tree, dict) or not any(name in tree for name in known):
        raise Unreadable("it is no cassette: it has no `interactions`.", is_foreign=True)
    items = tree.get("interactions")
    if items is None or is_null(items):
        return []
    if not isinstance(items, list):
        raise Unreadable("it is no cassette: its `interactions` are no list.")
    return items


def _others(tree: Any) -> Counter[str]:
    """Return what a cassette of cassetter holds besides HTTP."""
    found: Counter[str] = Counter()
    for field, name in (("grpc_interactions", "gRPC"), ("ws_interactions", "WebSocket")):
        items = tree.get(field) if isinstance(tree, dict) else None
        if isinstance(items, list) and items:
            found[f"{name} is recorded at the level of functions: decorate them with @recorder"] = len(items)
    return found


def _is_cassetter(item: Any) -> bool:
    response = as_map(as_map(item).get("response"))
    return not isinstance(response.get("status", {}), dict)


# What vcrpy stores.


def _of_vcrpy(item: Any) -> Interaction:
    asked, answered = _parts(item)
    notes: list[str] = []
    asked, content = _asked_body(asked, notes)
    request = _request(asked, _old_uri(asked), content, notes)
    if not request.content and _expected_body(request):
        notes.append("the request's body was not recorded: replay with match=method,url,query")
    status = answered.get("status", answered.get("status_code"))
    code, reason = (status.get("code"), status.get("message")) if isinstance(status, dict) else (status, None)
    body = answered["body"] if "body" in answered else answered.get("content")
    content = _vcrpy_body(body, answered)
    response = _response(code, reason, answered.get("headers"), content, notes)
    return Interaction(request, response, moment_of(item, response), tuple(notes))


def _parts(item: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    asked, answered = as_map(item).get("request"), as_map(item).get("response")
    if not isinstance(asked, dict) or not isinstance(answered, dict):
        raise Refused("it has no request and response")
    return asked, answered


def _old_uri(asked: dict[str, Any]) -> str:
    """Return the URL of a request, also of one from before vcrpy 1."""
    if "uri" in asked or "host" not in asked:
        return text_of(asked.get("uri", asked.get("url")), "URL")
    scheme, host = text_of(asked.get("protocol"), "URL"), text_of(asked.get("host"), "URL")
    return f"{scheme}://{host}:{asked.get('port') or PORTS.get(scheme, '')}{text_of(asked.get('path'), 'URL')}"


def _asked_body(asked: dict[str, Any], notes: list[str]) -> tuple[dict[str, Any], bytes]:
    """Return a request with its content type, and its body: of aiohttp vcrpy stores what json= or data= was given."""
    body = asked.get("body")
    is_pieces = isinstance(body, list) and any(isinstance(piece, bytes) for piece in body)
    is_wrapped = isinstance(body, dict) and body.keys() == {"base64_string"}
    if "parsed_body" in asked or not isinstance(body, dict | list) or is_pieces or is_wrapped:
        return asked, _vcrpy_body(body, asked)
    tree, headers = resolved(body, as_1_1), list(headers_of(asked.get("headers")))
    said = next((value.lower() for name, value in headers if name.lower() == "content-type"), "")
    fields = _form_fields(tree)
    if fields is not None and said.startswith(_FORM):
        return asked, urlencode(fields).encode()
    if fields is not None and "json" not in said:
        notes.append("its body was stored as fields, and is taken as JSON: as a form it cannot match")
    if not said:
        headers.append(("Content-Type", "application/json"))
    return asked | {"headers": [list(pair) for pair in headers]}, json_bytes(tree)


def _form_fields(tree: Any) -> list[tuple[str, str]] | None:
    """Return the fields of what may have been a form: texts by name; None if it was none."""
    pairs = list(tree.items()) if isinstance(tree, dict) else tree
    flat = all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs)  # noqa: PLR2004 - name and value
    texts = flat and all(isinstance(name, str) and isinstance(value, str) for name, value in pairs)
    return [(name, value) for name, value in pairs] if texts else None


def _vcrpy_body(body: Any, owner: dict[str, Any]) -> bytes:
    if "parsed_body" in owner:
        # Widely used with vcrpy: a serialiser that stores JSON as YAML, to be read.
        return json_bytes(resolved(owner["parsed_body"], as_1_1))
    if isinstance(body, dict):
        if "base64_string" in body:
            return _from_base64(body["base64_string"])
        body = body.get("string")
    if isinstance(body, list):
        return b"".join(_vcrpy_body(piece, {}) for piece in body)
    if is_null(body):
        return b""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode(errors="surrogatepass")
    raise Refused("its body is neither text nor bytes")


def _from_base64(text: Any) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError, TypeError):
        raise Refused("its body is no base64") from None


def _expected_body(request: HttpRequest) -> bool:
    length = request.header("content-length")
    return length.isdigit() and length.strip("0") != ""


# What cassetter stores.


def _of_cassetter(item: Any) -> Interaction:
    asked, answered = _parts(item)
    notes: list[str] = []
    request = _request(asked, text_of(asked.get("uri"), "URL"), _cassetter_body(asked, notes), notes)
    response = _response(
        answered.get("status"), None, answered.get("headers"), _cassetter_body(answered, notes), notes, is_decoded=True
    )
    return Interaction(request, response, moment_of(item, response), tuple(notes))


def _cassetter_body(owner: dict[str, Any], notes: list[str]) -> bytes:
    if "body_type" in owner:
        kind, content, is_text = owner["body_type"], owner.get("body_content"), True
    else:
        body = as_map(owner.get("body"))
        kind, content, is_text = body.get("type", "none"), body.get("content"), False
    if kind == "none":
        return b""
    if kind == "text":
        return text_of(content, "body").encode(errors="surrogatepass")
    if kind == "binary":
        try:
            return bytes.fromhex(text_of(content, "body"))
        except ValueError:
            raise Refused("its body is no hexadecimal text") from None
    if kind != "json":
        raise Refused(f"its body has the type {str(kind)[:20]!r}")
    try:
        tree = json.loads(text_of(content, "body")) if is_text else resolved(content, as_1_2)
    except ValueError:
        raise Refused("its body is no JSON") from None
    if _has_lost_digits(tree):
        notes.append("cassetter has rounded long numbers of its bodies")
    return json_bytes(tree)


def _has_lost_digits(tree: Any) -> bool:
    todo = [tree]
    while todo:
        value = todo.pop()
        if isinstance(value, float) and abs(value) >= _EXACT_FLOAT:
            return True
        todo += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return False


# What both have.


def _request(asked: dict[str, Any], uri: str, content: bytes, notes: list[str]) -> HttpRequest:
    method = text_of(asked.get("method"), "method")
    if not re.fullmatch(r"[!-~]+", method):
        raise Refused("its method is no word")
    headers = tuple(headers_of(asked.get("headers")))
    if content and not any(name.lower() == "content-type" for name, _ in headers):
        headers = (*headers, *guessed_type(content))
    request = HttpRequest(method, url_of(uri), headers, content)
    text = request.text
    if content and _STANDS_FOR.fullmatch(text.strip()):
        notes.append(f"a body replaced by {text.strip()[:40]!r} cannot match: replay with match=method,url,query")
    return request


def _response(
    code: Any, reason: Any, headers: Any, content: bytes, notes: list[str], *, is_decoded: bool = False
) -> HttpResponse:
    try:
        status = int(code)
    except (TypeError, ValueError, OverflowError):
        status = 0
    if not _SMALLEST_STATUS <= status <= _LARGEST_STATUS:
        raise Refused("its response has no status")
    pairs = tuple(headers_of(headers))
    if any(name.lower() == "transfer-encoding" for name, _ in pairs):
        # A response has but one of the two; vcrpy adds a length when it decodes a body.
        pairs = tuple((name, value) for name, value in pairs if name.lower() != "content-length")
    response = HttpResponse(status, _phrase(status, reason), pairs)
    encoding = response.header("content-encoding")
    if is_decoded or not encoding or not content:
        return response._replace(content=content)
    if any(name.lower().startswith("x-amz-checksum-") for name, _ in pairs):
        # Its reader compares the checksum of the encoded body.
        return response._replace(content=content, encoded=True)
    decoded = decode(content, encoding)
    if decoded.why:
        notes.append(decoded.why)
    return response._replace(content=decoded.content, encoded=decoded.is_encoded)


def _phrase(status: int, reason: Any) -> str:
    if isinstance(reason, str) and not is_null(reason):
        return one_line(reason)
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
