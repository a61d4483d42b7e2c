"""The seam of urllib3-future, and so of niquests: what a pool does with one of its connections.

urllib3-future is installed under urllib3's name, speaks HTTP/1.1, 2 and 3 by itself, and has an asynchronous twin of
each class. `_make_request` is one exchange here too, but there is no wire to stand in for: a live exchange goes its own
way, and its response's low-level source of pieces is recorded while it is read. A replay gives the library's own
response on top of a recorded source; it makes no connection.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import warnings
from typing import TYPE_CHECKING, Any, Final

from ..book import FOREVER
from ..drive import adrive, drive, sleep
from ..message import HttpRequest, HttpResponse
from .exchange import AWAITED, book_for_http, with_more
from .framing import has_body, packed
from .kin import is_awaited
from .pools import IS_REPLAYED, PoolCall, header_texts, is_verified, requested, sleeping
from .segments import ClosingSource, Segments, SourcePieces

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from ..book import Book
    from ..call import Ticket
    from ..job import Answer

__all__ = ["is_loaded", "patch"]

_VERSIONS: Final = {"HTTP/1.0": 10, "HTTP/1.1": 11, "HTTP/2": 20, "HTTP/3": 30}
_NAMES: Final = {number: name for name, number in _VERSIONS.items()}
_SWITCHING: Final = 101

_Method = Any


def is_loaded(module: ModuleType) -> bool:
    """Return whether urllib3-future is there completely."""
    return hasattr(module, "AsyncPoolManager") and hasattr(module, "connectionpool")


def patch(module: ModuleType) -> None:
    """Make the requests of pools pass the recorder; another library that calls itself urllib3 is left alone."""
    library: Any = module
    if not is_loaded(module):
        return
    for seam in (_Sync(library), _Async(library)):
        plain, secure = seam.pools
        plain._make_request = seam.requesting(plain._make_request)  # noqa: SLF001 - see above
        secure._prepare_proxy = seam.preparing(secure._prepare_proxy)  # noqa: SLF001 - it connects
        plain.happy_eyeballs = _Race()
    retry = library.util.retry.Retry
    retry.sleep, retry.async_sleep = sleeping(retry.sleep), _async_sleeping(retry.async_sleep)


def _async_sleeping(sleep_: _Method) -> _Method:
    async def sleep_unless_replayed(self: Any, response: Any = None) -> None:
        if not IS_REPLAYED.get():
            await sleep_(self, response)

    return sleep_unless_replayed


def _book_for(pool: Any, connection: Any = None, options: Any = None) -> Book | None:
    """Return the book that a pool's exchange belongs to; None if it passes through: WebSockets are no exchanges."""
    if options is not None and options.get("extension") is not None:
        return None
    if getattr(pool, "__recorded__", True) is False or getattr(connection, "__recorded__", True) is False:
        return None
    return book_for_http()


@contextlib.contextmanager
def _preloading(response: Any) -> Iterator[None]:
    """Read a response at once, as the connection that makes it does: its errors name no pool, which it has not yet."""
    response._preloaded_content = True  # noqa: SLF001 - see above
    pool, response._pool = response._pool, None  # noqa: SLF001 - see above
    try:
        yield
    finally:
        response._pool = pool  # noqa: SLF001 - see above


class _Race:
    """Whether a pool connects to all of a host's addresses at once: not before it is known what will be asked."""

    def __get__(self, pool: Any, _owner: Any = None) -> Any:
        if pool is None:
            return False
        return vars(pool).get("happy_eyeballs", False) if _book_for(pool) is None else False

    def __set__(self, pool: Any, races: Any) -> None:
        vars(pool)["happy_eyeballs"] = races


class _Sync:
    """The library's synchronous half."""

    def __init__(self, library: Any) -> None:
        self.library = library
        self.pools: tuple[Any, Any] = (library.HTTPConnectionPool, library.HTTPSConnectionPool)
        self.response = library.HTTPResponse
        self.source = library.backend.LowLevelResponse
        self.recorded = type("RecordedSource", (ClosingSource, self.source), {})
        self.reads = f"_{self.source.__name__}__internal_read_st"

    def requesting(self, make: _Method) -> _Method:
        """Return `_make_request`, recorded."""

        def _make_request(pool: Any, conn: Any, method: str, url: str, body: Any = None, **more: Any) -> Any:
            IS_REPLAYED.set(False)
            book = _book_for(pool, conn, more)
            if book is None:
                return make(pool, conn, method, url, body, **more)
            content, body = _read(self.library, conn, method, body)
            asked = requested(pool, method, url, more.get("headers"), content)
            call = _Call(book, asked, seam=self, pool=pool, connection=conn, target=url, options=more)
            try:
                response = drive(call, lambda: make(pool, conn, method, url, body, **call.live_options()))
            finally:
                IS_REPLAYED.set(not call.is_live)
            if not call.is_live and more.get("on_post_connection") is not None:
                more["on_post_connection"](call.connection_info())
            if more.get("preload_content", True) and response.status != _SWITCHING:
                with _preloading(response):
                    response._body = response.read(decode_content=response.decode_content)  # noqa: SLF001 - see there
            return response

        return _make_request

    def preparing(self, prepare: _Method) -> _Method:
        """Return `_prepare_proxy`, which leaves connecting to the exchange: it may be a recorded one."""

        def _prepare_proxy(pool: Any, conn: Any) -> None:
            if _book_for(pool, conn) is None:
                prepare(pool, conn)
                return
            vars(conn)["connect"] = lambda: None
            try:
                prepare(pool, conn)
            finally:
                del vars(conn)["connect"]

        return _prepare_proxy

    def teed(self, read: Any, pieces: SourcePieces) -> Any:
        """Return the function that a source reads with, recorded."""

        def read_recorded(*args: Any) -> Any:
            with pieces.watched():
                came = read(*args)
            pieces.take(came)
            return came

        return read_recorded

    def recalled(self, call: _Call, response: HttpResponse, error: BaseException | None, pieces: list[bytes]) -> Any:
        """Return such a function for a recorded body."""
        segments = Segments(call, response, error, pieces)

        def read(size: int | None, _stream: int | None) -> Any:
            return segments.take(size)

        return read


class _Async(_Sync):
    """The library's asynchronous half."""

    def __init__(self, library: Any) -> None:
        super().__init__(library)
        self.pools = (library.AsyncHTTPConnectionPool, library.AsyncHTTPSConnectionPool)
        self.response = library.AsyncHTTPResponse
        self.source = library.backend._async.AsyncLowLevelResponse  # noqa: SLF001 - it has no other name
        self.recorded = type("RecordedSource", (ClosingSource, self.source), {})
        self.reads = f"_{self.source.__name__}__internal_read_st"

    def requesting(self, make: _Method) -> _Method:
        async def _make_request(pool: Any, conn: Any, method: str, url: str, body: Any = None, **more: Any) -> Any:
            IS_REPLAYED.set(False)
            book = _book_for(pool, conn, more)
            if book is None:
                return await make(pool, conn, method, url, body, **more)
            content, body = await _aread(self.library, conn, method, body)
            asked = requested(pool, method, url, more.get("headers"), content)
            call = _Call(book, asked, seam=self, pool=pool, connection=conn, target=url, options=more)
            try:
                response = await adrive(call, lambda: make(pool, conn, method, url, body, **call.live_options()))
            finally:
                IS_REPLAYED.set(not call.is_live)
            if not call.is_live and more.get("on_post_connection") is not None:
                await more["on_post_connection"](call.connection_info())
            if more.get("preload_content", True) and response.status != _SWITCHING:
                with _preloading(response):
                    response._body = await response.read(decode_content=response.decode_content)  # noqa: SLF001 - see there
            return response

        return _make_request

    def preparing(self, prepare: _Method) -> _Method:
        async def nothing() -> None:
            pass

        async def _prepare_proxy(pool: Any, conn: Any) -> None:
            if _book_for(pool, conn) is None:
                await prepare(pool, conn)
                return
            vars(conn)["connect"] = nothing
            try:
                await prepare(pool, conn)
            finally:
                del vars(conn)["connect"]

        return _prepare_proxy

    def teed(self, read: Any, pieces: SourcePieces) -> Any:
        async def read_recorded(*args: Any) -> Any:
            with pieces.watched():
                came = await read(*args)
            pieces.take(came)
            return came

        return read_recorded

    def recalled(self, call: _Call, response: HttpResponse, error: BaseException | None, pieces: list[bytes]) -> Any:
        segments = Segments(call, response, error, pieces)

        async def read(size: int | None, _stream: int | None) -> Any:
            if response.end == "cancelled" and segments.is_at_end(size):
                await sleep(FOREVER)
            return segments.take(size)

        return read


def _parts(library: Any, connection: Any, method: str, body: Any) -> Any:
    """Return a body that can be read once only, in pieces; None if it is one that can be looked at."""
    if body is None or isinstance(body, str | bytes | bytearray | memoryview):
        return None
    return library.util.request.body_to_chunks(body, method=method, blocksize=connection.blocksize)


def _read(library: Any, connection: Any, method: str, body: Any) -> tuple[bytes, Any]:
    """Return a body's bytes, and a body that is sent in the same framing."""
    parts = _parts(library, connection, method, body)
    if parts is None:
        return _content(body), body
    if hasattr(parts.chunks, "__aiter__"):
        # The library will say that it does not take these.
        return b"", body
    return _sent_alike(b"".join(map(_content, parts.chunks)), parts)


async def _aread(library: Any, connection: Any, method: str, body: Any) -> tuple[bytes, Any]:
    """Return an asynchronous body likewise."""
    parts = _parts(library, connection, method, body)
    if parts is None or not hasattr(parts.chunks, "__aiter__"):
        return _read(library, connection, method, body)
    return _sent_alike(b"".join([_content(chunk) async for chunk in parts.chunks]), parts)


def _content(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body or b"")


def _sent_alike(content: bytes, parts: Any) -> tuple[bytes, Any]:
    if parts.content_length is not None:
        return content, content
    return content, io.StringIO(content.decode()) if parts.is_string else iter([content])


class _Call(PoolCall):
    """One exchange of a pool."""

    def __init__(
        self,
        book: Book,
        request: HttpRequest,
        *,
        seam: _Sync,
        pool: Any,
        connection: Any,
        target: str,
        options: dict[str, Any],
    ) -> None:
        super().__init__(book, request, "urllib3-future", library=seam.library, pool=pool, connection=connection)
        self.is_live = False
        self._seam = seam
        self._target = target
        self._options = options
        self._version = 11

    def live_options(self) -> dict[str, Any]:
        """Return how the exchange is made for real: at once, its body not read before it is recorded."""
        self.is_live = True
        return {**self._options, "preload_content": False, "multiplexed": False}

    def connection_info(self) -> Any:
        """Return what is known of the recorded connection: its version."""
        info, versions = self._library.ConnectionInfo(), self._library.HttpVersion
        info.http_version = {20: versions.h2, 30: versions.h3}.get(self._version, versions.h11)
        return info

    def native(self, response: HttpResponse, error: BaseException | None) -> Any:
        """Return the library's response, on top of a recorded source."""
        if self._pool.scheme == "https" and not is_verified(self._library, self._connection):
            text = f"The certificate of {self._pool.host!r} was not verified when its answer was recorded."
            warnings.warn(text, self._library.exceptions.InsecureRequestWarning, stacklevel=2)
        headers, pieces = packed(response, self.request.method, is_cut=response.end != "complete")
        self._version = _VERSIONS.get(response.http_version, 11)
        is_bodied = has_body(self.request.method, response.status)
        source = self._seam.source(
            self.request.method,
            response.status,
            self._version,
            response.reason,
            self._library.HTTPHeaderDict(headers),
            self._seam.recalled(self, response, error, pieces) if is_bodied else None,
        )
        lent = self._options.get("response_conn")
        made = self._seam.response(
            body=source,
            headers=source.msg,
            status=response.status,
            version=self._version,
            reason=response.reason,
            preload_content=False,
            decode_content=self._options.get("decode_content", True),
            original_response=source,
            enforce_content_length=self._options.get("enforce_content_length", True),
            request_method=self.request.method,
            request_url=self._target,
            connection=lent,
            police_officer=self._pool.pool if lent is not None else None,
        )
        made.retries, made._pool = self._options.get("retries"), self._pool  # noqa: SLF001 - as the pool does
        return made

    def failure(self, error: BaseException, ticket: Ticket) -> Answer:
        """Return an exception as it is stored; one that came while a response was awaited says so."""
        answer, own = super().failure(error, ticket), self._library.exceptions
        return with_more(answer, at=AWAITED) if isinstance(error, own.ProtocolError | own.ReadTimeoutError) else answer

    def httpx_error(self, name: str, message: str) -> BaseException | None:
        """Return what an exception of httpx is here."""
        error = super().httpx_error(name, message)
        return None if error is None else self.other_error(error, awaited=is_awaited(name))

    def other_error(self, error: BaseException, *, awaited: bool) -> BaseException:
        """Return what an exception of the standard library is here."""
        own = self._library.exceptions
        if awaited and isinstance(error, TimeoutError):
            return self._own_error(own.ReadTimeoutError, "Read timed out.")
        if isinstance(error, http.client.IncompleteRead):
            return own.IncompleteRead(len(error.partial), error.expected)  # type: ignore[no-any-return]
        if isinstance(error, http.client.HTTPException):
            return self._own_error(own.ProtocolError, str(error))
        return super().other_error(error, awaited=awaited)

    def tee(self, value: Any, ticket: Ticket) -> Any:
        """Return the response, its source recorded while it is read."""
        headers = header_texts(value.headers)
        version = _NAMES.get(value.version, "HTTP/1.1")
        head = HttpResponse(value.status, value.reason or "", headers, http_version=version)
        pieces, source = SourcePieces(ticket, head, self.request.method, self._library), value._fp  # noqa: SLF001 - see above
        read = getattr(source, self._seam.reads, None)
        if value.status == _SWITCHING:
            # What follows is no body.
            pieces.drop()
        elif read is None or source.closed:
            pieces.finish("complete")
        else:
            setattr(source, self._seam.reads, self._seam.teed(read, pieces))
            source.__class__, source.recorded_pieces = self._seam.recorded, pieces
        return value

    def exhaust(self, stream: Any, ticket: Ticket) -> None:
        """Read a response as far as it was read when it was recorded; see `Call.exhaust`."""
        # What it raises has been noted, and is compared.
        with contextlib.suppress(Exception), contextlib.closing(stream):
            stream.read(self.recorded_length(ticket), decode_content=False)

    async def aexhaust(self, stream: Any, ticket: Ticket) -> None:
        """Read an asynchronous response likewise."""
        with contextlib.suppress(Exception):
            try:
                await stream.read(self.recorded_length(ticket), decode_content=False)
            finally:
                await stream.close()
