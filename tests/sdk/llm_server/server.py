"""The server: a thread for each connection, requests counted, answers delivered as the test has asked for."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from .asked import Answer, Asked
from .delivery import Busy, Cut, Held, first_of, packed, torn
from .routes import BASES, ROUTES, Route

if TYPE_CHECKING:
    from collections.abc import Iterable


class LlmServer:
    """A server on loopback; its port is the kernel's choice.

    Attributes:
        asked: The requests so far.
        encodings: What the next answers are compressed with, each serves one request: gzip, deflate, br, zstd.
        faults: What the next requests get instead of an answer, or happens to it; each serves one request.

    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.encodings: list[str] = []
        self.faults: list[Busy | Cut | Held] = []
        self._times: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._http = _Http(self)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def count(self) -> int:
        """How many requests have been read."""
        return len(self.asked)

    def url_of(self, provider: str) -> str:
        """Return what the provider's SDK gets as its base URL."""
        return self.url + BASES[provider]

    def stop(self) -> None:
        """Refuse connections from now on, and cut those that are open."""
        self._http.stop()
        self._thread.join()

    def decide(self, asked: Asked) -> tuple[Answer, Busy | Cut | Held | None]:
        """Return the answer to a request, and what happens to it."""
        with self._lock:
            self.asked.append(asked)
            fault = self.faults.pop(0) if self.faults else None
            encoding = self.encodings.pop(0) if self.encodings else None
            if not isinstance(fault, Busy):
                self._times[asked.digest] += 1
            number = self._times[asked.digest]
        route, place = _route(asked)
        if route is None:
            return Answer.of({"error": f"nothing is at {asked.method} {asked.path}"}, 404), None
        if isinstance(fault, Busy):
            answer = route.failed(fault.status, f"Too much at once, {len(self.asked)}.")
            return replace(answer, headers=(*answer.headers, *fault.headers)), fault
        answer = route.answer(replace(asked, place=place, base=self.url), number)
        return replace(answer, encoding=encoding), fault


def _route(asked: Asked) -> tuple[Route | None, dict[str, str]]:
    for route in ROUTES:
        place = route.place(asked.method, asked.path)
        if place is not None:
            return route, place
    return None, {}


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, owner: LlmServer) -> None:
        self.owner = owner
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: callers that go away are part of the tests."""

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, path, query, headers, self._body())
        answer, fault = self.server.owner.decide(asked)
        if isinstance(fault, Cut | Held):
            self._begin(answer)
            frames = packed(first_of(answer.frames, fault.after), answer.encoding, whole=False)
            self._send_pieces(frames)
            if isinstance(fault, Held):
                self.rfile.read(1)
            self.close_connection = True
        elif answer.is_stream:
            self._begin(answer)
            self._send_pieces(packed(answer.frames, answer.encoding))
            self.wfile.write(b"0\r\n\r\n")
        else:
            body = b"".join(packed(answer.frames, answer.encoding))
            self._begin(answer, len(body))
            self.wfile.write(body)

    do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815 - http.server's names

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _begin(self, answer: Answer, length: int | None = None) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.encoding:
            self.send_header("Content-Encoding", answer.encoding)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _send_pieces(self, frames: Iterable[bytes]) -> None:
        """Send frames in pieces that do not care for where a frame ends."""
        for piece in torn(b"".join(frames)):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
