"""A server whose every answer is a script of bytes, gates and cuts; and the clients that talk to it."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import struct
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import anyio
import httpx
import httpx2
import pytest
import requests
import trustme
import urllib3

from pytest_recorded import use_cassette

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

FAILURES = (
    OSError, http.client.HTTPException, httpx.HTTPError, httpx2.HTTPError, urllib3.exceptions.HTTPError,
    aiohttp.ClientError,
)  # fmt: skip
# Parts of an answer besides bytes: events to wait for, and functions of the request that return bytes.
CLOSE, RESET, HANG = "close", "reset", "hang"
PATIENCE = 10
# Making one takes as long as everything else a client does together, and nothing here is encrypted.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def reply(
    body: bytes = b"",
    *headers: tuple[str, str],
    status: int = 200,
    reason: str = "OK",
    version: str = "HTTP/1.1",
    length: int | None = -1,
) -> bytes:
    """Return the bytes of a response; `length`: what it says, -1 for the truth, None for nothing."""
    lines = [f"{version} {status} {reason}", *(f"{name}: {value}" for name, value in headers)]
    if length is not None:
        lines.append(f"Content-Length: {len(body) if length < 0 else length}")
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body


def chunked_head(*headers: tuple[str, str], status: int = 200) -> bytes:
    """Return the head of a chunked response."""
    return reply(b"", ("Transfer-Encoding", "chunked"), *headers, status=status, length=None)


def chunk(data: bytes = b"") -> bytes:
    """Return a chunk of a chunked response; without data the last one."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def chunked(*pieces: bytes, headers: tuple[tuple[str, str], ...] = ()) -> tuple[bytes, ...]:
    """Return a whole chunked response, in parts."""
    return (chunked_head(*headers), *map(chunk, pieces), chunk())


@dataclass(frozen=True)
class Asked:
    """A request as the server has read it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass
class Server:
    """Counts requests and answers each by the script of its path."""

    asked: list[Asked] = field(default_factory=list)
    scripts: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    # What test modules build answers of.
    reply = staticmethod(reply)
    head = staticmethod(chunked_head)
    chunk = staticmethod(chunk)
    chunked = staticmethod(chunked)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._over = threading.Event()
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._waited_for: set[threading.Event] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def count(self) -> int:
        """How many requests have been read."""
        return len(self.asked)

    def on(self, path: str, *answers: Any) -> str:
        """Answer requests of a path by these scripts, one after the other, the last for ever; return the URL."""
        self.scripts[path] = [answer if isinstance(answer, tuple) else (answer,) for answer in answers]
        return self.url + path

    def stop(self) -> None:
        """Refuse connections from now on, and cut those that are open."""
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for gate in self._waited_for:
            gate.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection, len(self._connections)), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection, connection.makefile("rb") as file, contextlib.suppress(OSError, ValueError):
            while (asked := _read(connection, file, number)) is not None and not self._over.is_set():
                self.asked.append(asked)
                path = asked.target.partition("?")[0].removeprefix(self.url)
                answers = self.scripts.get(path, [(reply(b"nothing here", status=404, reason="Not Found"),)])
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                if not self._answer(connection, asked, answer):
                    return

    def _answer(self, connection: socket.socket, asked: Asked, answer: Iterable[Any]) -> bool:
        """Send an answer; return whether the connection stays open."""
        for part in answer:
            if isinstance(part, threading.Event):
                self._waited_for.add(part)
                if not part.wait(PATIENCE) or self._over.is_set():
                    return False
            elif part == HANG:
                self._over.wait(PATIENCE)
                return False
            elif part == CLOSE:
                connection.shutdown(socket.SHUT_RDWR)
                return False
            elif part == RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            else:
                connection.sendall(part(asked) if callable(part) else part)
        return True


def _read(connection: socket.socket, file: Any, number: int) -> Asked | None:
    first = file.readline().decode("latin-1").split()
    if len(first) < 2:
        return None
    headers: dict[str, str] = {}
    while line := file.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = b""
    if "chunked" in headers.get("transfer-encoding", ""):
        while size := int(file.readline(), 16):
            body += file.read(size)
            file.readline()
        while file.readline().strip():
            pass
    else:
        body = file.read(int(headers.get("content-length", 0)))
    return Asked(first[0], first[1], headers, body, number)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of this test."""
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Any]:
    """A server that speaks TLS, also behind a proxy that it is itself."""
    authority, certificate = trustme.CA(), tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    class Secure(Server):
        def _serve(self, connection: socket.socket, number: int) -> None:
            with connection, contextlib.suppress(OSError):
                if connection.recv(1, socket.MSG_PEEK) == b"C":
                    while not connection.recv(1000).endswith(b"\r\n\r\n"):
                        pass
                    connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                super()._serve(context.wrap_socket(connection, server_side=True), number)

    made: Any = Secure()
    made.certificate, made.proxy = str(certificate), made.url
    made.url = f"https://localhost:{made.port}"
    yield made
    made.stop()


@pytest.fixture
def cassette(tmp_path: Path) -> Callable[..., use_cassette]:
    """Blocks that record into, and replay from, one cassette of this test."""

    def block(mode: str = "once", **options: Any) -> use_cassette:
        return use_cassette(tmp_path / "cassettes" / "jobs.db", mode=mode, **options)

    return block


# The clients. Whatever they are, `see` makes one request and returns everything that a caller can see of what came.


def _seen(**what: Any) -> dict[str, Any]:
    return {"error": None, "pieces": [], **what}


def _of_httpx(seen: dict[str, Any], response: Any, how: str) -> None:
    seen.update(
        status=response.status_code,
        reason=response.reason_phrase,
        version=response.http_version,
        headers=[(name.decode(), value.decode("latin-1")) for name, value in response.headers.raw],
        url=str(response.url),
        encoding=response.encoding if how == "read" else response.charset_encoding,
        history=[(past.status_code, str(past.url), past.content) for past in response.history],
        asked=[(past.request.method, str(past.request.url)) for past in (*response.history, response)],
        next=str(response.next_request and response.next_request.url),
    )
    if how == "read":
        assert response.elapsed.total_seconds() >= 0
        seen.update(pieces=[response.content], text=response.text, cookies=sorted(response.cookies.keys()))


def _see_sync(lib: Any, method: str, url: str, how: str, limit: int | None, **more: Any) -> dict[str, Any]:
    seen = _seen()
    options = {name: more.pop(name) for name in ("follow_redirects", "timeout", "auth", "proxy") if name in more}
    try:
        with lib.Client(trust_env=False, verify=NO_TLS, **options) as client:
            if how == "read":
                _of_httpx(seen, client.request(method, url, **more), how)
            else:
                with client.stream(method, url, **more) as response:
                    _of_httpx(seen, response, how)
                    seen["pieces"] += islice(getattr(response, "iter_" + how)(), limit)
    except FAILURES as error:
        seen["error"] = (type(error), str(error))
    return seen


async def _see_async(lib: Any, method: str, url: str, how: str, limit: int | None, **more: Any) -> dict[str, Any]:
    seen = _seen()
    options = {name: more.pop(name) for name in ("follow_redirects", "timeout", "auth", "proxy") if name in more}
    try:
        async with lib.AsyncClient(trust_env=False, verify=NO_TLS, **options) as client:
            if how == "read":
                _of_httpx(seen, await client.request(method, url, **more), how)
            else:
                async with client.stream(method, url, **more) as response:
                    _of_httpx(seen, response, how)
                    async with contextlib.aclosing(getattr(response, "aiter_" + how)()) as pieces:
                        while len(seen["pieces"]) != limit and (piece := await anext(pieces, None)) is not None:
                            seen["pieces"].append(piece)
    except FAILURES as error:
        seen["error"] = (type(error), str(error))
    return seen


def _of_stdlib(seen: dict[str, Any], response: Any, how: str, limit: int | None) -> None:
    seen.update(
        status=response.status,
        reason=response.reason,
        version={10: "HTTP/1.0", 11: "HTTP/1.1"}[response.version],
        headers=response.getheaders(),
        url=getattr(response, "url", None),
        encoding=response.headers.get_content_charset(),
        length=response.length,
        will_close=response.will_close,
    )
    pieces = seen["pieces"]
    while len(pieces) != limit and (piece := _read_piece(response, how)):
        pieces.append(piece)
        if how == "read":
            break
    seen["closed"] = response.isclosed()


def _read_piece(response: Any, how: str) -> bytes:
    if how == "readinto":
        buffer = bytearray(7)
        return bytes(buffer[: response.readinto(buffer)])
    if how == "peek":
        ahead = response.peek(5)
        return ahead + b"|" + response.read(3) if ahead else b""
    if how == "some":
        return response.read(5)
    return getattr(response, how)()


def _see_connection(method: str, url: str, how: str, limit: int | None, **more: Any) -> dict[str, Any]:
    seen, parts = _seen(), urlsplit(url)
    cls = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = cls(parts.hostname or "", parts.port, timeout=more.get("timeout", PATIENCE))
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, target, more.get("content"), more.get("headers") or {})
        with connection.getresponse() as response:
            _of_stdlib(seen, response, how, limit)
    except FAILURES as error:
        seen["error"] = (type(error), str(error))
    connection.close()
    return seen


def _see_urllib(method: str, url: str, how: str, limit: int | None, **more: Any) -> dict[str, Any]:
    seen = _seen()
    request = urllib.request.Request(url, more.get("content"), more.get("headers") or {}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), *more.get("handlers", ()))
    try:
        try:
            response = opener.open(request, timeout=more.get("timeout", PATIENCE))
        except urllib.error.HTTPError as error:
            response = error
            seen["raised"] = str(error)
        with response:
            _of_stdlib(seen, response, how, limit) if isinstance(response, http.client.HTTPResponse) else _of_error(
                seen, response
            )
    except FAILURES as error:
        seen["error"] = (type(error), str(error))
    return seen


def _of_error(seen: dict[str, Any], response: urllib.error.HTTPError) -> None:
    seen.update(
        status=response.code,
        reason=response.reason,
        version={10: "HTTP/1.0", 11: "HTTP/1.1"}[response.fp.version],
        headers=response.headers.items(),
        url=response.url,
        pieces=[response.read()],
    )


def _see_urllib3(method: str, url: str, how: str, limit: int | None, **more: Any) -> dict[str, Any]:
    seen = _seen()
    seconds = more.pop("timeout", PATIENCE)
    # Of a total its errors say what was left.
    timeout = urllib3.Timeout(connect=seconds, read=seconds)
    options = {"body": more.get("content"), "headers": more.get("headers"), "timeout": timeout, "retries": False}
    try:
        with urllib3.PoolManager() as manager:
            response = manager.request(method, url, preload_content=how == "read", **options)
            seen.update(
                status=response.status,
                reason=response.reason,
                version=response.version,
                headers=list(response.headers.items()),
                url=response.geturl(),
                length=response.length_remaining,
            )
            if how == "read":
                seen["pieces"] = [response.data] if response.data else []
            elif how == "readinto":
                while len(seen["pieces"]) != limit and (size := response.readinto(buffer := bytearray(7))):
                    seen["pieces"].append(bytes(buffer[:size]))
            elif how == "read1" and hasattr(response, how):
                while len(seen["pieces"]) != limit and (piece := response.read1()):
                    seen["pieces"].append(piece)
            else:
                seen["pieces"] += islice(response.stream(5 if how == "some" else 65536), limit)
            response.close()
    except FAILURES as error:
        seen["error"] = (type(error), _without_address(str(error)))
    return seen


def _without_address(text: str) -> str:
    return re.sub(r"( object)? at 0x\w+", "", text)


def _see_requests(method: str, url: str, how: str, limit: int | None, **more: Any) -> dict[str, Any]:
    seen = _seen()
    options = {"timeout": more.get("timeout", PATIENCE), "stream": how != "read"}
    try:
        with requests.Session() as session:
            session.trust_env = False
            with session.request(
                method, url, data=more.get("content"), headers=more.get("headers"), **options
            ) as response:
                assert response.elapsed.total_seconds() >= 0
                seen.update(
                    status=response.status_code,
                    reason=response.reason,
                    version=response.raw.version,
                    headers=list(response.raw.headers.items()),
                    url=response.url,
                    encoding=response.encoding,
                    cookies=sorted(session.cookies.keys()),
                    history=[(past.status_code, past.url, past.content) for past in response.history],
                )
                if how == "read":
                    seen.update(pieces=[response.content] if response.content else [], text=response.text)
                elif how == "lines":
                    seen["pieces"] += islice(response.iter_lines(), limit)
                else:
                    seen["pieces"] += islice(response.iter_content(5 if how == "some" else None), limit)
    except FAILURES as error:
        seen["error"] = (type(error), _without_address(str(error)))
    return seen


async def _see_aiohttp(method: str, url: str, how: str, limit: int | None, **more: Any) -> dict[str, Any]:
    seen, seconds = _seen(), more.get("timeout", PATIENCE)
    timeout = aiohttp.ClientTimeout(total=2 * seconds, connect=seconds, sock_connect=seconds, sock_read=seconds)
    options = {"data": more.get("content"), "headers": more.get("headers")}
    try:
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=timeout) as session,
            session.request(method, url, **options) as response,
        ):
            seen.update(
                status=response.status,
                reason=response.reason,
                version=tuple(response.version),
                headers=[(name.decode(), value.decode("latin-1")) for name, value in response.raw_headers],
                url=str(response.url),
                cookies=sorted(cookie.key for cookie in session.cookie_jar),
                history=[(past.status, str(past.url), past.method) for past in response.history],
            )
            if how == "read":
                seen["pieces"] += [body] if (body := await response.read()) else []
                seen["text"] = await response.text(errors="replace")
            else:
                await _read_aiohttp(response.content, how, limit, seen["pieces"])
    except FAILURES as error:
        seen["error"] = (type(error), str(error))
    return seen


async def _read_aiohttp(content: aiohttp.StreamReader, how: str, limit: int | None, pieces: list[Any]) -> None:
    if limit == 0:
        return
    ways = {"chunks": content.iter_chunks, "some": lambda: content.iter_chunked(5), "readline": lambda: content}
    async for piece in ways.get(how, content.iter_any)():
        pieces.append(piece)
        if len(pieces) == limit:
            return


@dataclass(frozen=True)
class Client:
    """A client library, used in one of its ways."""

    name: str
    see_with: Callable[..., dict[str, Any]]
    lib: Any = None
    #: Whether it takes in what comes before its caller asks for it.
    reads_ahead: bool = False

    @property
    def is_httpx(self) -> bool:
        """Whether it is httpx or httpx2."""
        return self.lib is not None

    def see(
        self, url: str, how: str = "read", method: str = "GET", limit: int | None = None, **more: Any
    ) -> dict[str, Any]:
        """Make a request and return all that can be seen of its response, read in one way, up to a limit of pieces."""
        return self.see_with(method, url, how, limit, **more)


def _sync(lib: Any) -> Client:
    return Client(lib.__name__, lambda *args, **more: _see_sync(lib, *args, **more), lib)


def _async(lib: Any, backend: str) -> Client:
    def see(*args: Any, **more: Any) -> Any:
        return anyio.run(lambda: _see_async(lib, *args, **more), backend=backend)

    return Client(f"{lib.__name__}-{backend}", see, lib)


def _aiohttp_of(*args: Any, **more: Any) -> Any:
    return anyio.run(lambda: _see_aiohttp(*args, **more))


# Each library, at once and asynchronously, and each event loop.
HTTPX = [_sync(httpx), _async(httpx, "asyncio"), _async(httpx, "trio"), _sync(httpx2), _async(httpx2, "asyncio")]
STDLIB = [Client("http.client", _see_connection), Client("urllib", _see_urllib)]
URLLIB3 = [Client("urllib3", _see_urllib3), Client("requests", _see_requests)]
AIOHTTP = Client("aiohttp", _aiohttp_of, reads_ahead=True)


def _named(client: Client) -> str:
    return client.name


@pytest.fixture(params=[*HTTPX, *STDLIB, *URLLIB3, AIOHTTP], ids=_named)
def client(request: pytest.FixtureRequest) -> Client:
    """Each client."""
    return request.param


@pytest.fixture(params=HTTPX, ids=_named)
def httpx_client(request: pytest.FixtureRequest) -> Client:
    """Each way to use httpx and httpx2."""
    return request.param


@pytest.fixture(params=STDLIB, ids=_named)
def stdlib_client(request: pytest.FixtureRequest) -> Client:
    """Each way to use the standard library."""
    return request.param


@pytest.fixture(params=URLLIB3, ids=_named)
def urllib3_client(request: pytest.FixtureRequest) -> Client:
    """urllib3, and requests on top of it."""
    return request.param


@pytest.fixture
def clients() -> list[Client]:
    """All of them, for tests of so many cases that one block has to do for all clients."""
    return [*HTTPX, _async(httpx2, "trio"), *STDLIB, *URLLIB3, AIOHTTP]
