"""The seam of urllib3, and so of requests and botocore: what a pool does with one of its connections.

`_make_request` is one exchange, below the retries and redirects of `urlopen`, so that each of those is a call of its
own. For its time the connection has a wire instead of a socket, as http.client's own connections have: urllib3 sends
and parses itself, live or recorded, and makes its own responses and exceptions of what came.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import io
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

from ..codec import load_tree, to_text
from ..job import Answer, Status
from ._stdlib import Wire, WireCall, WirePieces, with_more
from .exchange import book_for_http
from .kin import in_stdlib

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from ..book import Book
    from ..call import Ticket
    from ..job import Found
    from ..message import HttpRequest

__all__ = ["is_loaded", "patch"]

_CERT_REQUIRED: Final = 2
# After these a server may still have answered, and urllib3 looks whether it has.
_SWALLOWED: Final = frozenset({errno.EPIPE, errno.ESHUTDOWN, errno.EPROTOTYPE, errno.ECONNRESET})

_Method = Any


def is_loaded(module: ModuleType) -> bool:
    """Return whether urllib3 is there completely."""
    return hasattr(module, "PoolManager") and hasattr(module, "connectionpool")


def patch(module: ModuleType) -> None:
    """Make the requests of pools pass the recorder."""
    library: Any = module
    if not issubclass(library.connection.HTTPConnection, http.client.HTTPConnection):
        return
    last = _Last()
    plain, secure = library.connectionpool.HTTPConnectionPool, library.connectionpool.HTTPSConnectionPool
    plain._make_request = _requesting(plain._make_request, library, last)  # noqa: SLF001 - see above
    secure._prepare_proxy = _preparing(secure._prepare_proxy)  # noqa: SLF001 - it connects
    retry = library.util.retry.Retry
    retry.sleep = _sleeping(retry.sleep, last)


class _Last(threading.local):
    """The last exchange of a thread."""

    is_replayed = False


def _book_for(pool: Any, connection: Any) -> Book | None:
    """Return the book that a pool's exchange belongs to; None if it passes through.

    The connections of other tools that record are none of http.client's.
    """
    book = book_for_http()
    if book is None or not isinstance(connection, http.client.HTTPConnection):
        return None
    if getattr(pool, "__recorded__", True) is False or getattr(connection, "__recorded__", True) is False:
        return None
    # Frames of HTTP/2 are no text.
    return None if type(connection).__module__.startswith("urllib3.http2") else book


def _requesting(make: _Method, library: Any, last: _Last) -> _Method:
    def _make_request(self: Any, conn: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        last.is_replayed = False
        if _book_for(self, conn) is None:
            return make(self, conn, method, url, *args, **kwargs)
        if conn.sock is None:
            # urllib3 warns of connections that are not, before they are made.
            conn.is_verified = _is_verified(library, conn)
        wire = conn.sock = _Wire(library, self, conn, url)
        try:
            return make(self, conn, method, url, *args, **kwargs)
        finally:
            last.is_replayed = not wire.is_live
            wire.unplug()

    return _make_request


def _preparing(prepare: _Method) -> _Method:
    def _prepare_proxy(self: Any, conn: Any) -> None:
        if _book_for(self, conn) is None:
            prepare(self, conn)
            return
        # Whether there is anything to connect to, only the request will tell.
        vars(conn)["connect"] = lambda: None
        try:
            prepare(self, conn)
        finally:
            del vars(conn)["connect"]

    return _prepare_proxy


def _sleeping(sleep: _Method, last: _Last) -> _Method:
    def sleep_unless_replayed(self: Any, response: Any = None) -> None:
        if not last.is_replayed:
            sleep(self, response)

    return sleep_unless_replayed


def _is_verified(library: Any, connection: Any) -> bool:
    context, wanted = getattr(connection, "ssl_context", None), getattr(connection, "cert_reqs", None)
    if wanted is None and context is not None:
        wanted = context.verify_mode
    required: bool = library.util.ssl_.resolve_cert_reqs(wanted) == _CERT_REQUIRED
    return required or bool(getattr(connection, "assert_fingerprint", None))


class _Wire(Wire):
    """Stands in for a connection's socket, for one exchange."""

    def __init__(self, library: Any, pool: Any, connection: Any, target: str) -> None:
        super().__init__(connection, connection.sock)
        self.is_live = False
        self._library = library
        self._pool = pool
        self._target = target
        self._ready: Any = None

    def unplug(self) -> None:
        """Give the connection its socket, if it has got one by now."""
        if self._connection.sock is self:
            self._connection.sock = self._real
        if self._ready is not None:
            self._ready.close()
            self._ready = None

    def fileno(self) -> int:
        """Return a number that is ready to be read: botocore waits for the server to want the body."""
        if self._ready is None:
            self._ready, other = socket.socketpair()
            other.close()
        number: int = self._ready.fileno()
        return number

    def makefile(self, *args: Any, **kwargs: Any) -> Any:
        """Return the response as a file; without a buffer, what botocore waits for."""
        return io.BytesIO(b"HTTP/1.1 100 Continue\r\n\r\n") if args[1:] == (0,) else super().makefile(*args, **kwargs)

    def _exchange(self) -> None:
        super()._exchange()
        if not self.is_live:
            # What fails from now on is not the proxy's fault.
            self._connection._has_connected_to_proxy = True  # noqa: SLF001 - nobody else knows

    def _call(self, book: Book, asked: HttpRequest) -> WireCall:
        return _Call(book, asked, self._library, self._pool, self._connection)

    def _live(self, data: bytes) -> Any:
        self.is_live = True
        if self._real is None:
            self._connect()
        try:
            self._real.sendall(data)
        except OSError as error:
            if error.errno not in _SWALLOWED:
                raise
        return self._real.makefile("rb")

    def _connect(self) -> None:
        connection = self._connection
        connection.sock = None
        try:
            connection.connect()
        except OSError as error:
            tunneled = connection._tunnel_host  # noqa: SLF001 - set_tunnel() leaves no trace but this
            url = self._pool.proxy.url if tunneled and self._pool.proxy else self._target
            self._pool._raise_timeout(err=error, url=url, timeout_value=connection.timeout)  # noqa: SLF001 - as it does
            raise
        finally:
            # One that has got no further than its socket is closed like any other.
            self._real, connection.sock = connection.sock, self
        for name, args in self._settings:
            getattr(self._real, name)(*args)


class _Call(WireCall):
    """One exchange of a pool."""

    def __init__(self, book: Book, request: HttpRequest, library: Any, pool: Any, connection: Any) -> None:
        super().__init__(book, request, "urllib3")
        self._library = library
        self._pool = pool
        self._connection = connection

    def failure(self, error: BaseException, ticket: Ticket) -> Answer:
        """Return an exception as it is stored; of urllib3's own the text, without what it says about our objects."""
        cls = type(error)
        if not cls.__module__.startswith("urllib3."):
            answer = super().failure(error, ticket)
            # Else urllib3 would say of a replay that the proxy is to blame.
            return with_more(answer, behind_proxy=True) if self._is_behind_proxy() else answer
        text = str(error.args[-1]) if error.args else ""
        for owner in (self._connection, self._pool):
            text = text.removeprefix(f"{owner}: ")
        stored = {"type": f"{cls.__module__}.{cls.__qualname__}", "message": text}
        return Answer(Status.FAILED, None, None, self.book.secrets.hide(to_text(stored)))

    def _is_behind_proxy(self) -> bool:
        return getattr(self._connection, "_has_connected_to_proxy", False) is True

    def _error(self, found: Found) -> BaseException:
        tree = load_tree(found.error_json or "{}")
        if tree.get("behind_proxy") is True:
            self._connection._has_connected_to_proxy = True  # noqa: SLF001 - nobody else knows
        library, _, name = str(tree.get("type", "")).rpartition(".")
        cls = (
            vars(sys.modules[library]).get(name) if library.startswith("urllib3.") and library in sys.modules else None
        )
        if isinstance(cls, type) and issubclass(cls, Exception):
            return self._own_error(cls, str(tree.get("message", "")))
        return super()._error(found)

    def _own_error(self, cls: type[Exception], message: str) -> Exception:
        own = self._library.exceptions
        error: Any = cls.__new__(cls)
        if issubclass(cls, own.NewConnectionError):
            own.NewConnectionError.__init__(error, self._connection, message)
        elif issubclass(cls, own.RequestError):
            own.RequestError.__init__(error, self._pool, self.request.url, message)
        elif issubclass(cls, own.ConnectTimeoutError):
            own.ConnectTimeoutError.__init__(error, self._connection, message)
        else:
            Exception.__init__(error, message)
        made: Exception = error
        return made

    def httpx_error(self, name: str, message: str) -> BaseException | None:
        """Return what an exception of httpx is here."""
        own = self._library.exceptions
        if name == "ConnectError":
            return self._own_error(own.NewConnectionError, message)
        if name == "ConnectTimeout":
            return self._own_error(own.ConnectTimeoutError, message)
        return in_stdlib(name, message)

    def other_error(self, error: BaseException, *, awaited: bool) -> BaseException:
        """Return what an exception of the standard library is here: a connection that fails is urllib3's to tell."""
        if awaited or not isinstance(error, OSError) or type(error).__module__ == "ssl":
            return error
        own = self._library.exceptions
        cls = own.ConnectTimeoutError if isinstance(error, TimeoutError) else own.NewConnectionError
        return self._own_error(cls, f"Failed to establish a new connection: {error}")

    def pieces(self, ticket: Ticket) -> WirePieces:
        """Return what takes in a response while it is read."""
        return _Pieces(ticket, self.request.method, self._library)


class _Pieces(WirePieces):
    """What has been read of a response."""

    def __init__(self, ticket: Ticket, method: str, library: Any) -> None:
        super().__init__(ticket, method)
        self._library = library
        self._is_complete = False

    def answer(self, end: str, returned: Any, error: BaseException | None) -> Answer:
        """Return the response as it is stored."""
        self._is_complete = end == "complete"
        return super().answer(end, returned, error)

    def decoded(self, chunks: list[tuple[float, bytes]]) -> list[tuple[float, bytes]] | None:
        """Return the body as urllib3 decodes it, piece for piece; None if it cannot.

        Packed anew, one that has broken off might be longer than what it announces.
        """
        names = [name.lower() for name, _ in self._head.headers]
        if not (chunks and self._is_complete) or any(name.startswith("x-amz-checksum-") for name in names):
            # Nor would it have the checksum that its reader compares.
            return None
        headers = {"content-encoding": self._head.header("content-encoding")}
        with contextlib.suppress(self._library.exceptions.DecodeError):
            return _decode(self._library.HTTPResponse(b"", headers=headers, preload_content=False), chunks)
        return None


def _decode(response: Any, chunks: list[tuple[float, bytes]]) -> list[tuple[float, bytes]] | None:
    response._init_decoder()  # noqa: SLF001 - reading it would join its pieces
    if response._decoder is None:  # noqa: SLF001 - see above
        return None
    decode: Callable[..., bytes] = response._decode  # noqa: SLF001 - see above
    pieces = [(at, decode(chunk, decode_content=True, flush_decoder=False)) for at, chunk in chunks]
    pieces.append((chunks[-1][0], decode(b"", decode_content=True, flush_decoder=True)))
    return [(at, piece) for at, piece in pieces if piece] or None
