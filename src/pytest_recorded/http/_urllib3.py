"""The seam of urllib3, and so of requests and botocore: what a pool does with one of its connections.

`_make_request` is one exchange, below the retries and redirects of `urlopen`, so that each of those is a call of its
own. For its time the connection has a wire instead of a socket, as http.client's own connections have: urllib3 sends
and parses itself, live or recorded, and makes its own responses and exceptions of what came.
"""

from __future__ import annotations

import errno
import http.client
import io
import socket
from typing import TYPE_CHECKING, Any, Final

from . import _urllib3_future
from ._stdlib import Wire, WireCall, WirePieces
from .exchange import book_for_http
from .frames import exchange_in_frames, speaks_frames
from .pools import IS_REPLAYED, PoolCall, decoded, is_verified, sleeping

if TYPE_CHECKING:
    from types import ModuleType

    from ..book import Book
    from ..call import Ticket
    from ..job import Answer
    from ..message import HttpRequest

__all__ = ["is_loaded", "patch"]

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
        # urllib3-future, which is installed under the same name.
        _urllib3_future.patch(module)
        return
    plain, secure = library.connectionpool.HTTPConnectionPool, library.connectionpool.HTTPSConnectionPool
    plain._make_request = _requesting(plain._make_request, library)  # noqa: SLF001 - see above
    secure._prepare_proxy = _preparing(secure._prepare_proxy)  # noqa: SLF001 - it connects
    retry = library.util.retry.Retry
    retry.sleep = sleeping(retry.sleep)


def _book_for(pool: Any, connection: Any) -> Book | None:
    """Return the book that a pool's exchange belongs to; None if it passes through.

    The connections of other tools that record are none of http.client's.
    """
    book = book_for_http()
    if book is None or not isinstance(connection, http.client.HTTPConnection):
        return None
    if getattr(pool, "__recorded__", True) is False or getattr(connection, "__recorded__", True) is False:
        return None
    return book


def _requesting(make: _Method, library: Any) -> _Method:
    def _make_request(self: Any, conn: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        IS_REPLAYED.set(False)
        book = _book_for(self, conn)
        if book is None:
            return make(self, conn, method, url, *args, **kwargs)
        if speaks_frames(conn) and not args:
            return exchange_in_frames(make, library, book, (self, conn, method, url), kwargs)
        if conn.sock is None:
            # urllib3 warns of connections that are not, before they are made.
            conn.is_verified = is_verified(library, conn)
        wire = conn.sock = _Wire(library, self, conn, url)
        try:
            return make(self, conn, method, url, *args, **kwargs)
        finally:
            IS_REPLAYED.set(not wire.is_live)
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
        return _Call(book, asked, "urllib3", library=self._library, pool=self._pool, connection=self._connection)

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


class _Call(PoolCall, WireCall):
    """One exchange of a pool."""

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
        return decoded(self._library, self._head, chunks) if self._is_complete else None
