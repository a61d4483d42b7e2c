"""The fields of foreign cassettes: texts, headers, URLs, times and scalars, as values of ours."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from .parse import Plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..message import HttpResponse

__all__ = [
    "PORTS",
    "Refused",
    "as_1_1",
    "as_1_2",
    "as_map",
    "guessed_type",
    "headers_of",
    "is_null",
    "json_bytes",
    "moment_of",
    "one_line",
    "resolved",
    "text_of",
    "url_of",
]

PORTS: Final = {"http": "80", "https": "443"}
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
# YAML 1.1, which PyYAML writes, knows no number with an exponent but without a point or a sign.
_OLD_FLOAT: Final = re.compile(r"[-+]?(?:[0-9][0-9_]*)?\.[0-9_]*(?:[eE][-+][0-9]+)?")
_SPECIAL: Final = {
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_BREAKS: Final = re.compile(r"[\r\n\0]+[ \t]*")
_FORM: Final = re.compile(rb"[\w.%*\[\]-]+=[^&\s=]*(?:&[\w.%*\[\]-]+=[^&\s=]*)*")
_MULTIPART: Final = re.compile(rb"--(?P<boundary>[\w'()+,./:=?-]{1,70})\r?\nContent-Disposition:", re.IGNORECASE)


class Refused(Exception):  # noqa: N818 - it is said of an interaction
    """An interaction cannot be taken; the message says why."""


def as_map(value: Any) -> dict[str, Any]:
    """Return a mapping; an empty one for what is none."""
    return value if isinstance(value, dict) else {}


def is_null(value: Any) -> bool:
    """Return whether a value is nothing, in YAML too."""
    return value is None or (isinstance(value, Plain) and value in _NULLS)


def headers_of(headers: Any) -> Iterator[tuple[str, str]]:
    """Yield headers as pairs: of a mapping to lists or texts, of a list of pairs, of a list of lines."""
    if isinstance(headers, list) and len(headers) == 1 and isinstance(headers[0], list):
        # A frozenset, as vcrpy wrote it once.
        headers = headers[0]
    if isinstance(headers, dict):
        pairs = [
            (name, one) for name, value in headers.items() for one in (value if isinstance(value, list) else [value])
        ]
    elif isinstance(headers, list):
        pairs = [pair for item in headers if (pair := _pair(item)) is not None]
    else:
        pairs = []
    for name, value in pairs:
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if isinstance(value, dict | list) or is_null(value) or not re.fullmatch(r"[!-9;-~]+", name):
            continue
        yield str(name), one_line(text)


def _pair(item: Any) -> tuple[str, Any] | None:
    if isinstance(item, str):
        name, colon, value = item.partition(":")
        return (name.strip(), value.strip()) if colon else None
    if isinstance(item, list) and len(item) == 2 and isinstance(item[0], str):  # noqa: PLR2004 - name and value
        return item[0], item[1]
    return None


def one_line(text: str) -> str:
    """Return a text as a header carries it: one line, and letters as their bytes."""
    text = _BREAKS.sub(" ", text).strip()
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode("latin-1")
    return text


def guessed_type(content: bytes) -> tuple[tuple[str, str], ...]:
    """Return the content type of a body whose headers were not recorded; JSON is known by what it is."""
    if _FORM.fullmatch(content):
        return (("content-type", "application/x-www-form-urlencoded"),)
    found = _MULTIPART.match(content)
    return (("content-type", f"multipart/form-data; boundary={found['boundary'].decode()}"),) if found else ()


def url_of(uri: str) -> str:
    """Return a URL as the seams see it: without user, fragment and default port, with a path, in ASCII."""
    try:
        parts = urlsplit(uri)
        host, port = parts.netloc.rpartition("@")[2], parts.port
    except ValueError:
        raise Refused("its URL is none") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise Refused("its URL is none of HTTP")
    if port is not None and str(port) == PORTS[parts.scheme]:
        host = host.rpartition(":")[0]
    try:
        host = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise Refused("its URL is none") from None
    path, query = (_quoted(part) for part in (parts.path or "/", parts.query))
    return urlunsplit((parts.scheme, host, path, query, ""))


def _quoted(text: str) -> str:
    return quote(text, safe="!\"#$%&'()*+,/:;<=>?@[\\]^`{|}~", errors="replace")


def text_of(value: Any, what: str) -> str:
    """Return a text.

    Raises:
        Refused: It is none; `what` it should have been is said.

    """
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if not isinstance(value, str):
        raise Refused(f"its {what} is no text")
    return str(value)


def moment_of(item: Any, response: HttpResponse) -> str:
    """Return when a call was recorded: as its tool says, else as its server said."""
    said = as_map(item).get("recorded_at")
    for text, read in ((said, datetime.fromisoformat), (response.header("date"), parsedate_to_datetime)):
        if isinstance(text, str) and text and (moment := _utc(text, read)):
            return moment
    return ""


def _utc(text: str, read: Callable[[str], datetime]) -> str:
    try:
        moment = read(str(text))
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, IndexError, TypeError):
        return ""
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z" if moment.year >= 1000 else ""  # noqa: PLR2004 - four digits


# What a YAML scalar without quotes is.


def json_bytes(tree: Any) -> bytes:
    """Return JSON as bytes, as cassetter and the serialisers of vcrpy replay it."""
    return json.dumps(tree).encode()


def resolved(tree: Any, scalar: Callable[[str], Any]) -> Any:
    """Return the JSON tree of a YAML tree; `scalar` says what one without quotes is.

    Raises:
        Refused: It holds bytes.

    """
    if isinstance(tree, dict):
        return {key: resolved(value, scalar) for key, value in tree.items()}
    if isinstance(tree, list):
        return [resolved(value, scalar) for value in tree]
    if isinstance(tree, Plain):
        return scalar(tree)
    if isinstance(tree, bytes):
        raise Refused("its JSON body holds bytes")
    if tree is None or isinstance(tree, str | int | float):
        return tree
    # A date, which only TOML has.
    return str(tree)


def as_1_2(text: str) -> Any:
    """Return a scalar as YAML 1.2 has it: what cassetter writes."""
    return _scalar(text, _FLOAT, ("true", "True", "TRUE"), ("false", "False", "FALSE"))


def as_1_1(text: str) -> Any:
    """Return a scalar as YAML 1.1 has it, as far as PyYAML writes numbers: everything else is in quotes then."""
    return _scalar(text, _OLD_FLOAT, ("true",), ("false",))


def _scalar(text: str, floats: re.Pattern[str], yes: tuple[str, ...], no: tuple[str, ...]) -> Any:
    if text in _NULLS:
        return None
    if text in yes or text in no:
        return text in yes
    if text in _SPECIAL:
        return _SPECIAL[text]
    try:
        if _INTEGER.fullmatch(text):
            return int(text)
        if floats.fullmatch(text):
            return float(text.replace("_", ""))
    except ValueError:
        pass
    return str(text)
