"""The seam of aiohttp: what a connector gives for a request.

One connection is one exchange, below redirects, cookies, authentication, middlewares and retries, which stay aiohttp's
own. The connection's protocol is aiohttp's too, so that it parses, live or recorded, and makes its own responses and
exceptions of what came. Left alone are connectors that say `__recorded__ = False`, WebSockets, and everything while
another tool has patched the session.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import sys
from typing import TYPE_CHECKING, Any, Final

from ..codec import decode, dump_error, encode, load_error, load_tree, to_text
from ..drive import adrive
from ..errors import SerializationError
from ..job import Answer, Status
from ..message import HttpRequest
from ..objects import Types
from ._stdlib import WireCall, WirePieces
from .exchange import book_for_http, says_done
from .framing import join_response, parse_request
from .handler import Handler, connected
from .sources import Live, Recorded, reads_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import ModuleType

    from ..book import Book
    from ..call import Ticket
    from ..job import Found
    from ..message import HttpResponse
    from .handler import Source

__all__ = ["is_loaded", "patch"]

_PROXY_AUTH: Final = "Proxy-Authorization"
_OWN: Final = ("aiohttp.client_exceptions", "aiohttp.http_exceptions")
_INTERIM: Final = frozenset({*range(100, 200)} - {101})
# More than a body that has been unpacked at once may have.
_UNLIMITED: Final = 2**30

# What exceptions of httpx are here.
_FROM_HTTPX: Final = {
    "ConnectError": "ClientConnectorError",
    "ProxyError": "ClientProxyConnectionError",
    "ConnectTimeout": "ConnectionTimeoutError",
    "PoolTimeout": "ConnectionTimeoutError",
    "WriteTimeout": "SocketTimeoutError",
    "ReadTimeout": "SocketTimeoutError",
    "ReadError": "ClientOSError",
    "WriteError": "ClientOSError",
    "RemoteProtocolError": "ServerDisconnectedError",
}


def is_loaded(module: ModuleType) -> bool:
    """Return whether aiohttp is there completely."""
    return hasattr(module, "ClientSession") and hasattr(module, "TraceConfig")


def patch(module: ModuleType) -> None:
    """Make the requests of connectors pass the recorder."""
    connector: Any = module.BaseConnector
    connector.connect = _connecting(connector.connect, _Library(module))


def _connecting(connect: Callable[..., Awaitable[Any]], library: _Library) -> Callable[..., Awaitable[Any]]:
    async def connect_recorded(self: Any, req: Any, traces: Any, timeout: Any) -> Any:  # noqa: ASYNC109 - aiohttp's
        book = book_for_http()
        if book is None or library.leaves_alone(self, req):
            return await connect(self, req, traces=traces, timeout=timeout)
        loop = asyncio.get_running_loop()
        exchange = _Exchange(
            library, book, connect=connect, connector=self, request=req, traces=traces, timeout=timeout
        )
        handler = library.handler(loop, exchange.ask, is_expecting="expect" in req.headers)
        return connected(library.module, handler, self, req.connection_key, loop)

    return connect_recorded


class _Library:
    """aiohttp: the module, and our class on top of its own."""

    def __init__(self, module: ModuleType) -> None:
        self.module: Any = module
        self.protocol = self.module.client_proto.ResponseHandler
        self.handler = type("RecordedHandler", (Handler, self.protocol), {})
        self._genuine: Any = None

    def leaves_alone(self, connector: Any, request: Any) -> bool:
        """Return whether what a connector does for a request is not ours to record."""
        if getattr(connector, "__recorded__", True) is False or "upgrade" in request.headers:
            return True
        way = self.module.ClientSession._request  # noqa: SLF001 - what the tools patch that answer for aiohttp
        if way is not self._genuine:
            passes_for = str(getattr(way, "__globals__", {}).get("__name__"))
            if passes_for.startswith("vcr.") or not str(getattr(way, "__module__", "")).startswith("aiohttp."):
                return True
            self._genuine = way
        return False

    def error(self, name: str) -> Any:
        """Return a class of aiohttp's exceptions; before 3.10 its timeouts are one."""
        own = self.module.client_exceptions
        return getattr(own, name, None) or (own.ServerTimeoutError if "Timeout" in name else None)


class _ExpiredError(Exception):
    """The time for the whole exchange is over; aiohttp cancels its task then."""

    def __init__(self, cancelled: BaseException) -> None:
        super().__init__()
        self.cancelled = cancelled


class _Exchange:
    """What one connection of a connector is asked for."""

    def __init__(
        self,
        library: _Library,
        book: Book,
        *,
        connect: Callable[..., Awaitable[Any]],
        connector: Any,
        request: Any,
        traces: Any,
        timeout: Any,
    ) -> None:
        self.library = library
        self.connector = connector
        self.request = request
        self._book = book
        self._connect = connect
        self._traces = traces
        self._timeout = timeout

    async def ask(self, handler: Handler, sent: bytes) -> Source:
        """Make the call; return where its response comes from."""
        __tracebackhide__ = True
        parsed = parse_request(sent)
        assert parsed is not None  # noqa: S101 - aiohttp has written it
        asked = parsed._replace(target=self._url(parsed.target))
        call = _Call(self._book, HttpRequest(*asked), self, handler)
        try:
            source: Source = await adrive(call, lambda: self._live(handler, sent))
        except _ExpiredError as expired:
            raise expired.cancelled from None
        if isinstance(source, Recorded):
            for trace in self._traces:
                await trace.send_connection_reuseconn()
        return source

    async def _live(self, handler: Handler, sent: bytes) -> Live:
        try:
            live = Live(await self._connected(), asyncio.get_running_loop())
            await live.send(self._for_proxy(sent))
        except asyncio.CancelledError as error:
            if handler.is_expired:
                raise _ExpiredError(error) from None
            raise
        return live

    async def _connected(self) -> Any:
        try:
            async with asyncio.timeout(self._timeout.connect or None):
                return await self._connect(self.connector, self.request, traces=self._traces, timeout=self._timeout)
        except TimeoutError as error:
            raise self.library.error("ConnectionTimeoutError")(
                f"Connection timeout to host {self.request.url}"
            ) from error

    def _for_proxy(self, sent: bytes) -> bytes:
        """Return a request with what only connecting has told it of its proxy."""
        if self.request.proxy is None or self.request.is_ssl() or _PROXY_AUTH not in self.request.headers:
            return sent
        line = f"\r\n{_PROXY_AUTH}: {self.request.headers[_PROXY_AUTH]}".encode()
        head, end, body = sent.partition(b"\r\n\r\n")
        return sent if line in head else head + line + end + body

    def _url(self, target: str) -> str:
        if target.startswith(("http://", "https://")):
            return target
        url = self.request.url
        host = f"[{url.raw_host}]" if ":" in url.raw_host else url.raw_host
        return f"{url.scheme}://{host}{'' if url.is_default_port() else f':{url.port}'}{target}"


class _Call(WireCall):
    """One exchange of a connector."""

    def __init__(self, book: Book, request: HttpRequest, exchange: _Exchange, handler: Handler) -> None:
        super().__init__(book, request, "aiohttp")
        self._exchange = exchange
        self._library = exchange.library
        self._params = handler.params

    def awaited(self, error: BaseException) -> Recorded:
        """Return a response that never came."""
        return Recorded([], error)

    def native(self, response: HttpResponse, error: BaseException | None) -> Recorded:
        """Return a recorded response, in the reads from the network in which it came."""
        is_unpacked = bool(
            self._params.get("auto_decompress", True) and response.header("content-encoding") and not response.encoded
        )
        segments = join_response(
            # Whoever is not to unpack it gets it as it is.
            response._replace(encoded=response.encoded or is_unpacked),
            self.request.method,
            is_cut=response.end != "complete",
            cut=self._cut,
        )
        return Recorded(
            # With a broken chunk in the same read no head would ever have come out of the parser.
            reads_of(segments, response) + ([self._broken] if self._broken else []),
            error,
            is_unpacked=is_unpacked,
            is_endless=response.end == "cancelled",
            refuse=(lambda: self.read_on(len(response.pieces()))) if response.end == "closed" else None,
        )

    def failure(self, error: BaseException, ticket: Ticket) -> Answer:
        """Return an exception as it is stored; of aiohttp's own what they are made of, without our objects."""
        if isinstance(error, _ExpiredError):
            error = TimeoutError()
        cls = next((base for base in type(error).__mro__ if base.__module__ in _OWN), None)
        if cls is None:
            return super().failure(error, ticket)
        own: Any = error
        stored: dict[str, Any] = {"type": f"{cls.__module__}.{cls.__name__}", "message": str(error)}
        cause = getattr(own, "certificate_error", None) or getattr(own, "os_error", None)
        if cause is not None:
            stored["cause"] = load_tree(dump_error(cause)[0])
        elif hasattr(own, "message") and hasattr(own, "headers"):
            stored |= {"message": own.message, "status": own.status if hasattr(own, "status") else own.code}
            if cls.__module__ == _OWN[1]:
                # What has been parsed so far decides which of them it is.
                stored["type"] = f"{_OWN[1]}.HttpProcessingError"
        elif isinstance(error, self._library.module.ServerTimeoutError):
            awaited = "reading" in str(error)
            stored["type"] = f"{_OWN[0]}.{'SocketTimeoutError' if awaited else 'ConnectionTimeoutError'}"
        else:
            with contextlib.suppress(SerializationError):
                stored["args"] = encode(list(error.args))
        return Answer(Status.FAILED, None, None, self.book.secrets.hide(to_text(stored)))

    def _error(self, found: Found) -> BaseException:
        tree = load_tree(found.error_json or "{}")
        module, _, name = str(tree.get("type", "")).rpartition(".")
        if module in _OWN:
            cls = self._library.error(name) if module == _OWN[0] else vars(sys.modules[module]).get(name)
            if isinstance(cls, type) and issubclass(cls, Exception):
                return self._own_error(cls, tree)
        return super()._error(found)

    def _own_error(self, cls: type[Any], tree: dict[str, Any]) -> Exception:
        own, request, message = self._library.module.client_exceptions, self._exchange.request, str(tree["message"])
        args: tuple[Any, ...]
        named: dict[str, Any] = {}
        if issubclass(cls, own.ClientConnectorError):
            stored = tree.get("cause")
            cause = load_error(to_text(stored), Types()) if stored is not None else OSError(None, message)
            args = (request.connection_key, cause)
            if issubclass(cls, getattr(own, "UnixClientConnectorError", ())):
                args = (getattr(self._exchange.connector, "path", ""), *args)
        elif issubclass(cls, own.ClientResponseError):
            args, named = (request.request_info, ()), {"status": tree.get("status", 0), "message": message}
        elif "status" in tree:
            args, named = (), {"code": tree["status"], "message": message}
        else:
            args = tuple(decode(tree.get("args", [message]), Types()))
        made: Exception = cls(*args, **named)
        return made

    def httpx_error(self, name: str, message: str) -> BaseException | None:
        """Return what an exception of httpx is here."""
        own = self._library.error(_FROM_HTTPX.get(name, ""))
        return None if own is None else self._own_error(own, {"message": message})

    def other_error(self, error: BaseException, *, awaited: bool) -> BaseException:
        """Return what an exception of the standard library is here."""
        tree: dict[str, Any] = {"message": str(error)}
        if isinstance(error, http.client.HTTPException):
            name, tree = "ServerDisconnectedError", {"message": "Server disconnected"}
        elif isinstance(error, TimeoutError):
            name = "SocketTimeoutError" if awaited else "ConnectionTimeoutError"
        elif not isinstance(error, OSError):
            return error
        elif awaited:
            name, tree["args"] = "ClientOSError", list(error.args)
        else:
            name, tree["cause"] = _connector_error(error), load_tree(dump_error(error)[0])
        return self._own_error(self._library.error(name) or self._library.error("ClientConnectorError"), tree)

    async def aexhaust(self, stream: Any, ticket: Ticket) -> None:
        """Read a response as far as it was read when it was recorded; see `Call.exhaust`."""
        live: Live = stream
        handler = self._library.handler(asyncio.get_running_loop(), self._exchange.ask, is_expecting=False)
        handler.set_response_params(**{**self._params, "auto_decompress": False})
        try:
            handler.plug(live)
            while handler.body is None:
                await handler.read()
            left = self.recorded_length(ticket)
            await (handler.body.read() if left is None else handler.body.readexactly(left))
        except Exception:  # noqa: BLE001, S110 - what it raises has been noted, and is compared
            pass
        finally:
            handler.release(should_close=True)

    def tee(self, value: Any, ticket: Ticket) -> Any:
        """Return the source of the response, which is recorded while it passes."""
        value.pieces = _Pieces(ticket, self.request.method, value, self._library)
        return value


def _connector_error(error: OSError) -> str:
    if type(error).__module__ == "ssl":
        return "ClientConnectorCertificateError" if "Cert" in type(error).__name__ else "ClientConnectorSSLError"
    return "ClientConnectorDNSError" if type(error).__name__ == "gaierror" else "ClientConnectorError"


class _Pieces(WirePieces):
    """What has come of a response."""

    interim = _INTERIM

    def __init__(self, ticket: Ticket, method: str, live: Live, library: _Library) -> None:
        super().__init__(ticket, method)
        self._live = live
        self._library = library
        self._chunks = live.reads
        self._is_complete = False

    def end(self) -> None:
        """Store the response as it was left."""
        live = self._live
        self._at_end = live.is_lost
        body = live.handler.body if live.handler is not None else None
        if body is None:
            self._end_without_head(live.failure)
            return
        head = self.head()
        if head is not None and (head.body.is_whole or body.is_eof()):
            self._is_complete = True
            self.finish("complete")
        elif isinstance(live.failure, TimeoutError | asyncio.CancelledError):
            self.finish("failed", error=live.failure)
        elif live.is_lost or live.failure is not None:
            self.finish("failed", error=live.error or http.client.IncompleteRead(b""))
        else:
            last = head.body.chunks[-2:] if head is not None else []
            self.finish("complete" if says_done(b"".join(chunk for _, chunk in last)) else "closed")

    def _end_without_head(self, error: BaseException | None) -> None:
        handler = self._live.handler
        if isinstance(error, asyncio.CancelledError) and handler is not None and handler.is_expired:
            error = TimeoutError()
        if isinstance(error, Exception):
            # What has come of it was no response.
            self._chunks = []
            self.finish("failed", error=error)
        elif self._end():
            if error is None:
                # Whoever asked has not waited for the answer, so that there is none to record.
                self.ticket.book.drop(self.ticket)
            else:
                self.ticket.book.failed(self.ticket, error)

    def decoded(self, chunks: list[tuple[float, bytes]]) -> list[tuple[float, bytes]] | None:
        """Return the body as aiohttp unpacks it, piece for piece; None if it cannot."""
        if not (chunks and self._is_complete):
            # Packed anew, one that has broken off might be longer than what it announces.
            return None
        handler = self._library.protocol(self._live.loop)
        handler.set_response_params(read_until_eof=True, auto_decompress=True, read_bufsize=_UNLIMITED)
        handler.data_received(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\n\r\n" % self._head.header("content-encoding").encode("latin-1")
        )
        payload = handler._payload  # noqa: SLF001 - without waiting for it
        unpacked = []
        for at, chunk in chunks:
            handler.data_received(chunk)
            if payload.exception() is not None:
                return None
            unpacked.append((at, payload.read_nowait()))
        handler.connection_lost(None)
        if payload.exception() is not None:
            return None
        unpacked.append((chunks[-1][0], payload.read_nowait()))
        unpacked = [(at, piece) for at, piece in unpacked if piece]
        return None if [piece for _, piece in unpacked] == [piece for _, piece in chunks] else unpacked
