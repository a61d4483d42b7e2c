"""An HTTP request and its response as values: what crosses the border between a client library and the recorder.

They are named tuples because two of them are made for each replay: a frozen dataclass takes three times as long.
"""

from __future__ import annotations

import base64
import json
import re
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote_plus

from . import body as bodies
from .borders import moved, rebordered
from .canonical import canonical
from .errors import SerializationError
from .known import REDACTED
from .paths import DEEP, change, drop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .paths import Path
    from .redact import Edit, Mask

__all__ = ["HttpRequest", "HttpResponse", "lasting_headers", "same_response", "without"]

Headers = tuple[tuple[str, str], ...]

# Only these request headers are stored. A deny-list would leak the day an SDK renames its header.
_STORED_HEADERS: Final = frozenset(
    {
        "accept", "accept-language", "content-type", "if-match", "if-modified-since", "if-none-match", "range",
        "anthropic-version", "anthropic-beta", "openai-beta", "mcp-protocol-version", "x-amz-target",
    }
)  # fmt: skip

_PORTS: Final = {"http": 80, "https": 443}
_URL_PARTS: Final = frozenset({"scheme", "host", "port", "path"})

# Headers that differ between two equal answers.
_VOLATILE_HEADER: Final = re.compile(
    r"date|age|expires|last-modified|etag|server-timing|via|cf-ray|alt-svc|report-to|nel|traceparent|tracestate"
    r"|set-cookie|content-length|transfer-encoding|content-encoding|connection|keep-alive|retry-after(-ms)?"
    r"|x-(amz-cf-\w+|served-by|cache|cache-hits|timer|runtime|envoy-.*)"
    r"|.*(request-?id|trace-?id|correlation-?id|ratelimit.*|rate-limit.*|processing-ms|response-time|traceresponse)",
    re.IGNORECASE,
)


class HttpRequest(NamedTuple):
    """A request as it was sent: absolute URL, headers in order, the whole body."""

    method: str
    url: str
    headers: Headers
    content: bytes = b""

    def header(self, name: str) -> str:
        """Return the value of a header, repeated ones joined by commas; `""` if there is none."""
        return _header(self.headers, name)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode(errors="replace")

    def json(self) -> Any:
        """Return the body as parsed JSON.

        Raises:
            ValueError: The body is not JSON.

        """
        return json.loads(self.content)

    @property
    def kind(self) -> str:
        """What was called: `http.` and the host."""
        return _kind_at(self._netloc())

    @property
    def scheme(self) -> str:
        """The URL's scheme: `http` or `https`."""
        return self.url.partition("://")[0].lower()

    @property
    def host(self) -> str:
        """The URL's host in small letters; an IPv6 address in brackets."""
        return self.kind.removeprefix("http.")

    @property
    def port(self) -> int | None:
        """The URL's port; where it has none, that of its scheme."""
        port = self._netloc().rpartition("@")[2].rpartition("]")[2].rpartition(":")[2]
        return int(port) if port.isdecimal() else _PORTS.get(self.scheme)

    @property
    def path(self) -> str:
        """The URL's path, without its query."""
        _, slash, path = self.url.partition("://")[2].partition("?")[0].partition("/")
        return slash + path

    def _netloc(self) -> str:
        return self.url.partition("://")[2].partition("/")[0].partition("?")[0]

    def canonical(self, match: Sequence[str], ignore: tuple[Path, ...], secret: tuple[Path, ...] = ()) -> str:
        """Return the text whose digest is this request's key.

        Args:
            match: Which parts count: `method`, `url`, or of it `scheme`, `host`, `port`, `path`; `query`, `body`,
                `header:NAME`. With the URL or its path counts which range of what lies there is asked for.
            ignore: Paths into the body, or names of fields and query parameters, that do not count.
            secret: Paths into the body where any value is as good as another.

        Raises:
            SerializationError: The body is JSON, nested too deeply.

        """
        url, _, query = self.url.partition("?")
        parts: dict[str, Any] = {}
        for part in match:
            if part == "method":
                parts["method"] = self.method
            elif part == "url":
                parts["url"] = url
            elif part in _URL_PARTS:
                parts[part] = getattr(self, part)
            elif part == "query":
                names = {str(path[-1]) for path in ignore if path[:-1] == (DEEP,)}
                parts["query"] = "?" + _without_parameters(bodies.sorted_query(query), names)
            elif part == "body":
                body = self._body()
                # The JSON string "a" is another body than the text a.
                parts["body"] = {body.form: _body_tree(body, ignore, secret)} if body.form else None
            else:
                parts[part] = self.header(part.removeprefix("header:"))
        if (asked := self.header("range")) and ("url" in parts or "path" in parts):
            parts["range"] = asked
        return canonical(parts)

    def tree(self) -> dict[str, Any]:
        """Return what is stored of this request; its body is parsed where it can be, to be read and queried."""
        body = self._body()
        headers = [[name, value] for name, value in self.headers if name.lower() in _STORED_HEADERS]
        stored = {"method": self.method, "url": self.url, "headers": headers}
        return {**stored, body.form: body.tree} if body.form else stored

    def _body(self) -> bodies.Body:
        return bodies.parse_body(self.content, self.header("content-type"))

    @classmethod
    def from_tree(cls, tree: Any) -> HttpRequest:
        """Return a stored request; its body is the text of what was stored of it.

        Raises:
            SerializationError: The tree is no request.

        """
        try:
            headers = tuple((str(name), str(value)) for name, value in tree.get("headers", ()))
            form = next((name for name in ("json", "form", "parts", "text", "bytes") if name in tree), "")
            content = tree.get(form, "")
            if form == "bytes" and isinstance(content, str):
                body = content.encode("latin-1")
            else:
                text = (
                    content if isinstance(content, str) and form != "json" else json.dumps(content, ensure_ascii=False)
                )
                body = text.encode(errors="surrogatepass")
            return cls(str(tree["method"]), str(tree["url"]), headers, body if form else b"")
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise SerializationError(f"the stored request is no HTTP request ({error!r})") from None


@lru_cache(maxsize=256)
def _kind_at(netloc: str) -> str:
    netloc = netloc.rpartition("@")[2]
    host = netloc.partition("]")[0] + "]" if netloc.startswith("[") else netloc.partition(":")[0]
    return "http." + host.lower()


def _body_tree(body: bodies.Body, ignore: tuple[Path, ...], secret: tuple[Path, ...]) -> Any:
    if body.form == "form":
        names = {str(path[-1]) for path in ignore if path[:-1] in ((), (DEEP,))}
        return "&" + _without_parameters(body.tree, names)
    if body.form == "parts":
        # A part is a field of the body, and an element of it.
        return drop([part for part in (drop(part, ignore) for part in body.tree) if part], ignore)
    return without(drop(body.tree, ignore), secret) if body.form == "json" else body.tree


def without(tree: Any, secret: tuple[Path, ...], instead: Callable[[Any], Any] = lambda _value: REDACTED) -> Any:
    """Return a tree without what stands at secret places."""
    for path in secret:
        tree = change(tree, path, instead)
    return tree


def _without_parameters(query: str, names: set[str]) -> str:
    pairs = query.split("&")
    return "&".join(pair for pair in pairs if unquote_plus(pair.partition("=")[0]) not in names) if names else query


def _header(headers: Headers, name: str) -> str:
    wanted = name.lower()
    found = [value for key, value in headers if key.lower() == wanted]
    return found[0] if len(found) == 1 else ", ".join(found)


class HttpResponse(NamedTuple):
    """A response as it was received, its body decoded.

    Attributes:
        status: The status code.
        reason: The reason phrase.
        headers: Names and values in order, repeated ones too.
        content: The body, without its content and transfer encodings.
        http_version: As `HTTP/1.1`.
        chunks: Of a body that came in several pieces: for each its time in milliseconds since the headers, and its
            size in bytes.
        end: How the body ended: `complete`, `closed` (by the caller, early) or `failed` (see the job's error).
        encoded: True if the body is stored as it came because its content encoding could not be undone.
        parts: Of a chunked body the numbers of those pieces, from 0, after which the chunk that they are in goes on.
        ended_at: When the end of a chunked body came, in milliseconds since the headers; None if with the last piece.

    """

    status: int
    reason: str
    headers: Headers
    content: bytes = b""
    http_version: str = "HTTP/1.1"
    chunks: tuple[tuple[float, int], ...] = ()
    end: str = "complete"
    encoded: bool = False
    parts: tuple[int, ...] = ()
    ended_at: float | None = None

    def header(self, name: str) -> str:
        """Return the value of a header, repeated ones joined by commas; `""` if there is none."""
        return _header(self.headers, name)

    @property
    def text(self) -> str:
        """The body as text, in the charset of its content type, else UTF-8."""
        charset = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", self.header("content-type"), re.IGNORECASE)
        try:
            return self.content.decode(charset[1] if charset else "utf-8", errors="replace")
        except (LookupError, UnicodeError):
            return self.content.decode(errors="replace")

    def json(self) -> Any:
        """Return the body as parsed JSON.

        Raises:
            ValueError: The body is not JSON.

        """
        return json.loads(self.content)

    def pieces(self) -> list[bytes]:
        """Return the body in the pieces in which it came."""
        if not self.chunks:
            return [self.content] if self.content else []
        ends = list(accumulate(size for _, size in self.chunks))
        ends[-1] = len(self.content)
        return [self.content[start:end] for start, end in pairwise((0, *ends))]

    def tree(self) -> dict[str, Any]:
        """Return this response as it is stored."""
        text = _text_of(self.content)
        return {
            "status": self.status,
            "reason": self.reason,
            "http_version": self.http_version,
            "headers": [list(pair) for pair in self.headers],
            "body": {"py:bytes": base64.b64encode(self.content).decode()} if text is None else text,
            **({"chunks": [list(chunk) for chunk in self.chunks]} if self.chunks else {}),
            **({"end": self.end} if self.end != "complete" else {}),
            **({"encoded": True} if self.encoded else {}),
            **({"parts": list(self.parts)} if self.parts else {}),
            **({"ended_at": self.ended_at} if self.ended_at is not None else {}),
        }

    @classmethod
    def from_tree(cls, tree: Any) -> HttpResponse:
        """Return a stored response.

        Raises:
            SerializationError: The tree is no response.

        """
        try:
            body = tree["body"]
            content = body.encode() if isinstance(body, str) else base64.b64decode(body["py:bytes"])
            return cls(
                int(tree["status"]),
                str(tree["reason"]),
                tuple([(str(name), str(value)) for name, value in tree["headers"]]),
                content,
                str(tree["http_version"]),
                tuple((float(at), int(size)) for at, size in tree.get("chunks", ())),
                tree.get("end", "complete"),
                bool(tree.get("encoded")),
                tuple(map(int, tree.get("parts", ()))),
                tree.get("ended_at"),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise SerializationError(f"the stored response is no HTTP response ({error!r})") from None

    def masked(self, mask: Mask, secret: tuple[Path, ...] = ()) -> HttpResponse:
        """Return this response without its secrets; `secret`: places in its body, if that is JSON."""
        if secret:
            return self._covered(mask, secret).masked(mask)
        headers = tuple((name, mask.header(name, value)) for name, value in self.headers)
        edits: list[list[Edit]] = []
        text = _text_of(self.content)
        if text is None:
            content, encoding = mask.bytes(self.content, edits), "latin-1"
        else:
            content, encoding = mask.text(text, edits).encode(), "utf-8"
        chunks = moved(self.chunks, self.content, encoding, edits) if edits else self.chunks
        return self._replace(headers=headers, content=content, chunks=chunks)

    def _covered(self, mask: Mask, secret: tuple[Path, ...]) -> HttpResponse:
        try:
            tree = json.loads(self.content)
            covered = without(tree, secret, lambda value: _standing_in(mask, value))
        except (ValueError, RecursionError, SerializationError):
            return self
        if covered == tree:
            return self
        content = json.dumps(covered).encode()
        return self._replace(content=content, chunks=rebordered(self.chunks, self.content, content), parts=())


def _standing_in(mask: Mask, value: Any) -> Any:
    """Return what stands for a value at a secret place."""
    if value is None or type(value) is bool:
        return value
    if type(value) is str:
        return mask.value(value)
    return 0 if type(value) in (int, float) else REDACTED


def _text_of(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def same_response(old: HttpResponse, new: HttpResponse) -> bool:
    """Return whether two responses are the same answer: status, body and the headers that are not volatile.

    Of bodies that were left early only what has been read of both counts: how far that is depends on the network.
    """
    length = min(len(old.content), len(new.content)) if old.end == new.end == "closed" else None
    return (
        (old.status, old.end, old.content[:length]) == (new.status, new.end, new.content[:length])
        and _lasting(old.headers) == _lasting(new.headers)
    )  # fmt: skip


def lasting_headers(response: HttpResponse) -> dict[str, str]:
    """Return the headers that two equal answers have in common: names in small letters, repeated values joined."""
    names = sorted({name.lower() for name, _ in response.headers if not _VOLATILE_HEADER.fullmatch(name)})
    return {name: response.header(name) for name in names}


def _lasting(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in headers if not _VOLATILE_HEADER.fullmatch(name))
