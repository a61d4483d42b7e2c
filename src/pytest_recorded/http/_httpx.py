"""The seam of httpx and of httpx2: what a client chooses as the transport of a request.

Every transport passes here, also proxies, mounts and those that are backed by another library. Left alone are
transports made for tests, those that say `__recorded__ = False`, and all of them while another tool has patched the
library's own transport or its connection pool.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any, Final

from ..drive import adrive, drive
from ..message import HttpRequest, HttpResponse
from .bodies import AsyncBody, Fed, ReplayedBody, SyncBody
from .exchange import BodyPieces, HttpCall, book_for_http, header_pairs
from .framing import has_body
from .kin import in_httpx

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from ..book import Book
    from ..call import Ticket

__all__ = ["is_loaded", "patch"]

_FOR_TESTS: Final = ("MockTransport", "ASGITransport", "WSGITransport")


def is_loaded(module: ModuleType) -> bool:
    """Return whether the library is there completely."""
    return hasattr(module, "AsyncClient") and hasattr(module, "ASGITransport")


def patch(module: ModuleType) -> None:
    """Make the requests of the library's clients pass the recorder."""
    seam = _Library(module)
    for client, transport in ((module.Client, _Transport), (module.AsyncClient, _AsyncTransport)):
        # Private, and the same in every version of httpx from 0.20 and of httpx2 so far; see docs/why.md.
        choose = client._transport_for_url  # noqa: SLF001
        client._transport_for_url = _choosing(choose, seam, transport)  # noqa: SLF001


def _choosing(choose: Callable[..., Any], seam: _Library, transport: type[Any]) -> Callable[..., Any]:
    def _transport_for_url(self: Any, url: Any) -> Any:
        chosen = choose(self, url)
        book = book_for_http()
        return chosen if book is None or seam.leaves_alone(chosen) else transport(seam, book, chosen)

    return _transport_for_url


class _Library:
    """httpx or httpx2: the module, and our classes on top of its own."""

    def __init__(self, module: ModuleType) -> None:
        self.module: Any = module
        self.name = module.__name__
        self.sync_body = type("RecordedBody", (SyncBody, self.module.SyncByteStream), {})
        self.async_body = type("RecordedBody", (AsyncBody, self.module.AsyncByteStream), {})
        both = (ReplayedBody, self.module.SyncByteStream, self.module.AsyncByteStream)
        self.replayed_body = type("ReplayedBody", both, {})
        self.fed_body = type("FedBody", (Fed, self.module.SyncByteStream), {})
        self._for_tests = tuple(getattr(self.module, name) for name in _FOR_TESTS)
        self._core = self.name.replace("httpx", "httpcore")
        self._genuine: list[Any] = []

    def leaves_alone(self, transport: Any) -> bool:
        """Return whether a transport is made for tests, or another tool is answering for it."""
        if isinstance(transport, self._for_tests) or getattr(transport, "__recorded__", True) is False:
            return True
        return type(transport).__module__.startswith("starlette.") or self._is_patched()

    def _is_patched(self) -> bool:
        """Return whether somebody has replaced the library's own way to the network: pytest-httpx, respx, vcrpy."""
        ways = [getattr(owner, method) for owner, method in self._ways()]
        if ways != self._genuine:
            if not all(map(self._is_own, ways)):
                return True
            self._genuine = ways
        return False

    def _is_own(self, way: Any) -> bool:
        """Return whether a method is the library's own, perhaps wrapped by a tool that only looks on."""
        if str(getattr(way, "__globals__", {}).get("__name__")).startswith("vcr."):
            # It passes for what it replaces.
            return False
        return str(getattr(way, "__module__", "")).partition(".")[0] in (self.name, self._core)

    def _ways(self) -> list[tuple[Any, str]]:
        core = sys.modules.get(self._core)
        pools = (
            [(core.ConnectionPool, "handle_request"), (core.AsyncConnectionPool, "handle_async_request")]
            if core
            else []
        )
        return [
            (self.module.HTTPTransport, "handle_request"),
            (self.module.AsyncHTTPTransport, "handle_async_request"),
            *pools,
        ]


class _Call(HttpCall):
    """One call of a client of the library."""

    def __init__(self, seam: _Library, book: Book, request: Any, *, is_async: bool) -> None:
        asked = HttpRequest(request.method, _url(request.url), header_pairs(request.headers.raw), request.content)
        super().__init__(book, asked, seam.name)
        self._seam = seam
        self._native_request = request
        self._is_async = is_async

    def native(self, response: HttpResponse, error: BaseException | None) -> Any:
        """Return the library's response."""
        module = self._seam.module
        if error is None and response.end == "complete" and not response.chunks:
            body = module.ByteStream(response.content)
        else:
            body = self._seam.replayed_body(response, error, self)
        return module.Response(
            response.status,
            headers=_replayed_headers(response, self.request.method),
            stream=body,
            extensions={
                "http_version": response.http_version.encode("ascii", "replace"),
                "reason_phrase": response.reason.encode("latin-1", "replace"),
            },
        )

    def httpx_error(self, name: str, message: str) -> BaseException | None:
        """Return an exception of the library."""
        cls = getattr(self._seam.module, name, None)
        if isinstance(cls, type) and issubclass(cls, self._seam.module.RequestError):
            error: BaseException = cls(message, request=self._native_request)
            return error
        return None

    def other_error(self, error: BaseException, *, awaited: bool) -> BaseException:
        """Return what an exception of the standard library is in the library."""
        return self.httpx_error(in_httpx(error, awaited=awaited), str(error)) or error

    def exhaust(self, stream: Any, ticket: Ticket) -> None:
        """Read a response's body as far as it was read when it was recorded; see `Call.exhaust`."""
        body, left = stream.stream, self.recorded_length(ticket)
        # What it raises has been noted, and is compared.
        with contextlib.suppress(Exception), contextlib.closing(body):
            if isinstance(body, SyncBody) and left != 0:
                for chunk in body:
                    left = None if left is None else max(0, left - len(chunk))
                    if left == 0:
                        break

    async def aexhaust(self, stream: Any, ticket: Ticket) -> None:
        """Read an asynchronous response's body likewise."""
        body, left = stream.stream, self.recorded_length(ticket)
        with contextlib.suppress(Exception):
            async with contextlib.aclosing(body):
                if isinstance(body, AsyncBody) and left != 0:
                    async for chunk in body:
                        left = None if left is None else max(0, left - len(chunk))
                        if left == 0:
                            break

    def tee(self, value: Any, ticket: Ticket) -> Any:
        """Return the response, its body recorded while it is read."""
        head = HttpResponse(
            value.status_code, value.reason_phrase, header_pairs(value.headers.raw), http_version=value.http_version
        )
        pieces = _Pieces(self._seam, ticket, head, self.request.method)
        if value.is_closed:
            # A transport of the user's own has made it as a whole, and nobody will read its stream.
            pieces.take_whole(value.content)
            return value
        wrap = self._seam.async_body if self._is_async else self._seam.sync_body
        value.stream = wrap(value.stream, pieces)
        return value


def _url(url: Any) -> str:
    """Return a URL without what is not sent to its path: user and password have become a header."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}{url.raw_path.decode('ascii')}"


def _replayed_headers(response: HttpResponse, method: str) -> list[tuple[bytes, bytes]]:
    """Return headers for a body that is decoded and whole: its encodings are gone, its length is what it is now."""
    is_whole = has_body(method, response.status) and response.end == "complete"
    headers = []
    for name, value in response.headers:
        lowered = name.lower()
        if lowered == "transfer-encoding" or (lowered == "content-encoding" and not response.encoded):
            continue
        if lowered == "content-length" and is_whole:
            value = str(len(response.content))  # noqa: PLW2901 - the recorded one was of the encoded body
        headers.append((name.encode("latin-1"), value.encode("latin-1")))
    return headers


class _Pieces(BodyPieces):
    """What has passed of a body."""

    def __init__(self, seam: _Library, ticket: Ticket, head: HttpResponse, method: str) -> None:
        super().__init__(ticket, head, method)
        self._seam = seam
        self._is_decoded = False

    def take_whole(self, content: bytes) -> None:
        """Take in a body as its reader sees it."""
        self._is_decoded = True
        self.note(content)
        self.finish("complete")

    def decoded(self, chunks: list[tuple[float, bytes]]) -> list[tuple[float, bytes]] | None:
        """Return the chunks as the library itself decodes them; None if it does nothing to them, or cannot."""
        if self._is_decoded:
            return chunks
        body = self._seam.fed_body(chunks)
        encoding = self._head.header("content-encoding")
        response = self._seam.module.Response(200, headers={"content-encoding": encoding}, stream=body)
        try:
            decoded = [(body.at, piece) for piece in response.iter_bytes()]
        except self._seam.module.DecodingError:
            return None
        return None if [piece for _, piece in decoded] == [piece for _, piece in chunks] else decoded


class _Transport:
    """Stands before a transport for one request."""

    def __init__(self, seam: _Library, book: Book, inner: Any) -> None:
        self._seam = seam
        self._book = book
        self._inner = inner

    def handle_request(self, request: Any) -> Any:
        """Answer a request."""
        stream = request.stream
        request.read()
        try:
            call = _Call(self._seam, self._book, request, is_async=False)
            return drive(call, lambda: self._inner.handle_request(request))
        finally:
            _use_up(request, stream)


class _AsyncTransport(_Transport):
    """Stands before an asynchronous transport for one request."""

    async def handle_async_request(self, request: Any) -> Any:
        """Answer a request."""
        stream = request.stream
        await request.aread()
        try:
            call = _Call(self._seam, self._book, request, is_async=True)
            return await adrive(call, lambda: self._inner.handle_async_request(request))
        finally:
            _use_up(request, stream)


def _use_up(request: Any, stream: Any) -> None:
    """Leave a request as one that was sent: a body that was streamed is used up, so that a redirect fails on it."""
    if request.stream is not stream:
        request.stream = stream
        del request._content  # noqa: SLF001 - read() has put it there
