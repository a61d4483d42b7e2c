"""The seam of the standard library: http.client, and so urllib.request, xmlrpc.client and whoever uses them.

A connection's socket is replaced by a `Wire`, which collects a request as its bytes come and gives the response as a
file. http.client itself parses what it reads there, live or recorded, so that its objects and its exceptions are its
own. urllib3's connections are left to its own seam, which has wires too, and vcrpy's to vcrpy.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import sys
from bisect import bisect_left, bisect_right
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Final

from ..codec import load_tree
from ..drive import drive
from ..message import HttpRequest, HttpResponse
from .exchange import AWAITED, HttpCall, HttpPieces, book_for_http, direct_url, says_done, with_more
from .files import RecordedFile, TeeFile
from .framing import decode_body, is_whole, join_response, parse_request, split_response
from .kin import HTTPX, in_stdlib, is_awaited

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from ..book import Book, Outcome
    from ..call import Ticket
    from ..job import Answer, Found
    from .framing import Head

__all__ = ["Wire", "WireCall", "WirePieces", "is_loaded", "patch"]


_HTTPS: Final = 443
# How far up the stack vcrpy is, if it is the one who calls.
_NEAR: Final = 16
# More than this http.client does not read as one line, ended or not.
_LONGEST_LINE: Final = 65536


def is_loaded(module: ModuleType) -> bool:
    """Return whether http.client is there completely."""
    return hasattr(module, "HTTPSConnection")


def patch(module: ModuleType) -> None:
    """Make the requests of connections pass the recorder."""
    plain: Any = module.HTTPConnection
    plain.send = _sending(plain.send)
    for connection in (plain, module.HTTPSConnection):
        connection.connect = _connecting(connection.connect)


def _takes(connection: Any) -> bool:
    """Return whether what a connection is about to do belongs to a book."""
    return (
        book_for_http() is not None
        and not any(base.__module__.startswith("urllib3.") for base in type(connection).__mro__)
        and not _is_vcrpy_asking()
    )


def _is_vcrpy_asking() -> bool:
    """Return whether the call is vcrpy's: its stand-in for a connection has one of these inside."""
    frame = sys._getframe(2) if "vcr" in sys.modules else None  # noqa: SLF001 - only the stack knows
    for _ in range(_NEAR):
        if frame is None:
            return False
        if str(frame.f_globals.get("__name__")).startswith("vcr."):
            return True
        frame = frame.f_back
    return False


def _sending(send: Callable[..., Any]) -> Callable[..., Any]:
    def send_recorded(self: Any, data: Any) -> Any:
        is_ready = isinstance(self.sock, Wire) or (self.sock is None and not self.auto_open)
        if not is_ready and _takes(self):
            self.sock = Wire(self, self.sock)
        return send(self, data)

    return send_recorded


def _connecting(connect: Callable[..., Any]) -> Callable[..., Any]:
    def connect_recorded(self: Any) -> None:
        # Whether there is anything to connect to, only the request will tell. A class that does more than connect
        # calls this from a method of its own, and needs a socket.
        if type(self).connect is connect_recorded and not Wire.is_connecting(self) and _takes(self):
            self.sock = Wire(self, None)
        else:
            connect(self)

    return connect_recorded


class Wire:
    """Stands in for a connection's socket."""

    def __init__(self, connection: Any, real: Any) -> None:
        self._connection = connection
        self._real = real
        self._settings: list[tuple[str, tuple[Any, ...]]] = []
        self._sent = bytearray()
        self._answer: Any = None

    @staticmethod
    def is_connecting(connection: Any) -> bool:
        """Return whether a connection is being connected by its wire."""
        return "_recorded_wire" in vars(connection)

    def sendall(self, data: Any) -> None:
        """Take in a part of a request; when it is whole, make the call."""
        part = memoryview(data).cast("B")
        if self._answer is not None:
            # More than the head has announced; it is for the server to say what it thinks of that.
            if self._real is not None:
                self._real.sendall(part)
            return
        self._sent += part
        if is_whole(self._sent):
            self._exchange()

    def makefile(self, *_args: Any, **_kwargs: Any) -> Any:
        """Return the response as a file."""
        if self._answer is None:
            # The request claims to be longer than what was sent; again that is for the server.
            self._exchange()
        answer, self._answer = self._answer, None
        return answer

    def _exchange(self) -> None:
        data, self._sent = bytes(self._sent), bytearray()
        book, request = book_for_http(), parse_request(data)
        try:
            if book is None or request is None:
                self._answer = self._live(data)
                return
            asked = HttpRequest(request.method, self._url(request.target), request.headers, request.body)
            self._answer = drive(self._call(book, asked), lambda: self._live(data))
        except BaseException:
            if self._real is None:
                # As after any attempt to connect that has failed.
                self._connection.sock = None
            raise

    def _call(self, book: Book, asked: HttpRequest) -> WireCall:
        return WireCall(book, asked)

    def _live(self, data: bytes) -> Any:
        if self._real is None:
            self._connect()
        self._real.sendall(data)
        return self._real.makefile("rb")

    def _connect(self) -> None:
        connection = self._connection
        vars(connection)["_recorded_wire"] = self
        connection.sock = None
        try:
            connection.connect()
            self._real = connection.sock
        finally:
            connection.sock = self
            del vars(connection)["_recorded_wire"]
        for name, args in self._settings:
            getattr(self._real, name)(*args)

    def _url(self, target: str) -> str:
        if target.startswith(("http://", "https://")):
            return direct_url(target)
        connection = self._connection
        scheme = "https" if connection.default_port == _HTTPS else "http"
        # set_tunnel() leaves no trace but these.
        host, port = connection._tunnel_host, connection._tunnel_port  # noqa: SLF001
        if not host:
            host, port = connection.host, connection.port
        host = f"[{host}]" if ":" in host else host.lower()
        return f"{scheme}://{host}{'' if port == connection.default_port else f':{port}'}{target}"

    def close(self) -> None:
        """Close the real socket, if there is one."""
        if self._real is not None:
            self._real.close()
            self._real = None

    def __getattr__(self, name: str) -> Any:
        if self._real is not None:
            return getattr(self._real, name)
        if name in ("settimeout", "setsockopt", "setblocking"):
            return lambda *args: self._settings.append((name, args))
        if name == "shutdown":
            return lambda *_args: None
        raise AttributeError(f"this connection has no socket, its answers are recorded; {name!r} was asked of it")


class WireCall(HttpCall):
    """One call of a connection."""

    def __init__(self, book: Book, request: HttpRequest, via: str = "http.client") -> None:
        super().__init__(book, request, via)
        self._cut: Any = None
        self._broken = b""

    def recall(self, found: Found, ticket: Ticket) -> Outcome:
        """Return the recorded response; an exception that came while it was awaited comes again then."""
        tree = load_tree(found.error_json) if found.error_json else {}
        self._cut = tuple(tree["cut"]) if "cut" in tree else None
        self._broken = str(tree.get("broken", "")).encode("latin-1", "replace")
        value, error = super().recall(found, ticket)
        if error is not None and _was_awaited(tree):
            return self.awaited(error), None
        return value, error

    def awaited(self, error: BaseException) -> Any:
        """Return what raises an exception as soon as a response is waited for."""
        return io.BufferedReader(RecordedFile([], error))

    def native(self, response: HttpResponse, error: BaseException | None) -> Any:
        """Return a recorded response as a file."""
        is_cut = response.end != "complete"
        segments = join_response(response, self.request.method, is_cut=is_cut, cut=self._cut, broken=self._broken)
        if isinstance(error, http.client.IncompleteRead | http.client.RemoteDisconnected):
            # http.client sees by itself that the body is too short.
            error = None
        if response.end in ("closed", "cancelled"):
            return io.BufferedReader(RecordedFile(segments, None, lambda: self.read_on(len(response.pieces()))))
        return io.BufferedReader(RecordedFile(segments, error))

    def httpx_error(self, name: str, message: str) -> BaseException | None:
        """Return what an exception of httpx is here."""
        return in_stdlib(name, message)

    def other_error(self, error: BaseException, *, awaited: bool) -> BaseException:  # noqa: ARG002
        """Return an exception as it is: it is built-in, or of the standard library."""
        return error

    def exhaust(self, stream: Any, ticket: Ticket) -> None:
        """Read a response as far as it was read when it was recorded; see `Call.exhaust`."""
        response = http.client.HTTPResponse(_Once(stream), method=self.request.method)  # type: ignore[arg-type]
        # What it raises has been noted, and is compared.
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException), contextlib.closing(response):
            response.begin()
            response.read(self.recorded_length(ticket))

    def tee(self, value: Any, ticket: Ticket) -> Any:
        """Return the response's file, recorded while it is read."""
        raw = value.detach() if isinstance(value, io.BufferedReader) else value
        return io.BufferedReader(TeeFile(raw, self.pieces(ticket)))

    def pieces(self, ticket: Ticket) -> WirePieces:
        """Return what takes in a response while it is read."""
        return WirePieces(ticket, self.request.method)


class _Once:
    """What http.client takes for a socket: it has a file."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def makefile(self, _mode: str) -> Any:
        return self._file


def _was_awaited(error: dict[str, Any]) -> bool:
    library, _, name = str(error.get("type", "")).rpartition(".")
    return error.get("at") == AWAITED or (library in HTTPX and is_awaited(name))


class WirePieces(HttpPieces):
    """What has been read of a response, head and framing and all."""

    #: The statuses of responses that are followed by another one.
    interim = frozenset({100})

    def __init__(self, ticket: Ticket, method: str) -> None:
        super().__init__(ticket, HttpResponse(0, "", ()))
        self._method = method
        self._at_end = False

    def note(self, item: Any) -> None:
        """Take in what was read; nothing was, if nothing more will come."""
        self._at_end = self._at_end or not item
        super().note(item)

    def abandon(self) -> None:
        """Store what has passed."""
        self.end()

    def head(self) -> Head | None:
        """Return the response as far as it has been read; None if there is nothing of it."""
        raw = b"".join(chunk for _, chunk in self._chunks)
        return split_response(raw, self._method, at_end=self._at_end, interim=self.interim)

    def end(self) -> None:
        """Store the response as it was left."""
        raw = b"".join(chunk for _, chunk in self._chunks)
        head = self.head()
        error = _complaint(raw, self._method, at_end=self._at_end)
        if error is not None:
            self._chunks.clear()
            self.finish("failed", error=error)
        elif head is None:
            # Whoever asked has not waited for the answer, so that there is none to record.
            if self._end():
                self.ticket.book.drop(self.ticket)
        elif head.body.is_whole or (head.body.is_whole is None and self._at_end):
            self.finish("complete")
        elif self._at_end or head.body.is_broken:
            self.finish("failed", error=http.client.IncompleteRead(b""))
        else:
            is_done = says_done(b"".join(chunk for _, chunk in head.body.chunks[-2:]))
            self.finish("complete" if is_done else "closed")

    def answer(self, end: str, returned: Any, error: BaseException | None) -> Answer:
        """Return the response as it is stored."""
        head = self.head()
        if head is None:
            # Nothing of a response: it was while waiting for it that the connection failed.
            return with_more(self.ticket.call.failure(error or ConnectionError("no response"), self.ticket), at=AWAITED)
        self._head, self._chunks = _received(self._chunks, head)
        answer = super().answer(end, returned, error)
        if error is None:
            return answer
        if head.body.broken:
            answer = with_more(answer, broken=self.ticket.book.secrets.hide(head.body.broken.decode("latin-1")))
        return with_more(answer, cut=head.body.cut) if head.body.cut else answer

    def decoded(self, chunks: list[tuple[float, bytes]]) -> list[tuple[float, bytes]] | None:
        """Return the body as one piece: http.client leaves decoding to its caller, who takes it as a whole."""
        body = decode_body(b"".join(chunk for _, chunk in chunks), self._head.header("content-encoding").lower())
        return None if body is None else [(chunks[-1][0], body)]


def _complaint(raw: bytes, method: str, *, at_end: bool) -> BaseException | None:
    """Return what http.client says of a response's head, if it does not take it."""
    if not at_end and b"\n" not in raw and len(raw) <= _LONGEST_LINE:
        return None

    response = http.client.HTTPResponse(_Once(io.BytesIO(raw)), method=method)  # type: ignore[arg-type]
    try:
        response.begin()
    except (OSError, ValueError, http.client.HTTPException) as error:
        return error if at_end or not isinstance(error, http.client.RemoteDisconnected) else None
    finally:
        response.close()
    return None


def _received(reads: list[tuple[float, bytes]], head: Head) -> tuple[HttpResponse, list[tuple[float, bytes]]]:
    """Return a response without its body, and that in pieces.

    They end where a chunk or a read from the network does. Times are those from the head on.
    """
    ends = list(accumulate(len(data) for _, data in reads))
    times = [at for at, _ in reads]
    start = times[bisect_left(ends, head.size)]
    chunks: list[tuple[float, bytes]] = []
    parts: list[int] = []
    for end, chunk in head.body.chunks:
        begin = end - len(chunk)
        first, last = bisect_right(ends, begin), bisect_left(ends, end)
        borders = [begin, *ends[first:last], end]
        parts += range(len(chunks), len(chunks) + len(borders) - 2)
        chunks += [
            (round(times[first + index] - start, 3), chunk[left - begin : right - begin])
            for index, (left, right) in enumerate(pairwise(borders))
        ]
    response = HttpResponse(head.status, head.reason, head.headers, http_version=head.version)
    if not head.body.is_chunked:
        return response, chunks
    if head.body.cut is not None and head.body.cut[0]:
        parts.append(len(chunks) - 1)
    ended_at = round(times[-1] - start, 3)
    is_apart = head.body.is_whole and ended_at != (chunks[-1][0] if chunks else 0.0)
    return response._replace(parts=tuple(parts), ended_at=ended_at if is_apart else None), chunks
