"""The HTTP clients that are measured, each also with its floor: the client itself, with no recorder and no network.

httpx has a transport made for tests, which answers above the parsing of a response. requests and aiohttp have none:
their floor is a stub of what they read from, so that they still write a request and parse a response themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp
import httpx
import requests
import urllib3
from aiohttp import web
from aiohttp.client_proto import ResponseHandler
from aiohttp.test_utils import TestServer

from .chat import chat_request
from .server import answer_to

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    Before = Callable[[int], None]

__all__ = ["CLIENTS", "Client"]

_BODY = answer_to("the sales")
_CHAT = json.loads(_BODY)
_HEADERS = {"server": "BaseHTTP/0.6 Python/3", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}
_TYPED = {**_HEADERS, "content-type": "application/json"}
_ON_THE_WIRE = (
    "\r\n".join(
        ("HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in _TYPED.items()), f"content-length: {len(_BODY)}")
    ).encode()
    + b"\r\n\r\n"
    + _BODY
)


class Client(NamedTuple):
    """A client.

    Attributes:
        name: Its name.
        floors: Its floors by their names.
        target: How many times the first of its floors a replay may take.
        timed: Returns the seconds that each of some chats takes through it: given a URL, the numbers of the chats, the
            name of a floor or `""`, and what is to be done before each, untimed.

    """

    name: str
    floors: tuple[str, ...]
    target: float
    timed: Callable[[str, Iterable[int], str, Before], list[float]]


def _nothing(_number: int) -> None:
    pass


def _each(numbers: Iterable[int], ask: Callable[[dict[str, Any]], Any], before: Before) -> list[float]:
    took = []
    for number in numbers:
        question = chat_request(number)
        before(number)
        started = perf_counter()
        ask(question)
        took.append(perf_counter() - started)
    return took


async def _each_async(numbers: Iterable[int], ask: Callable[[dict[str, Any]], Any], before: Before) -> list[float]:
    took = []
    for number in numbers:
        question = chat_request(number)
        before(number)
        started = perf_counter()
        await ask(question)
        took.append(perf_counter() - started)
    return took


# httpx.


def _answered(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, headers=_HEADERS, json=_CHAT)


def _answered_in_bytes(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, headers=_TYPED, content=_BODY)


_MOCKED = {"MockTransport, json": _answered, "MockTransport, bytes": _answered_in_bytes}


def _mock(floor: str) -> httpx.MockTransport | None:
    return httpx.MockTransport(_MOCKED[floor]) if floor else None


def _httpx(url: str, numbers: Iterable[int], floor: str = "", before: Before = _nothing) -> list[float]:
    # Nothing here is encrypted, and to load certificates takes longer than all the rest.
    with httpx.Client(transport=_mock(floor), verify=False) as client:
        return _each(numbers, lambda question: client.post(url, json=question), before)


def _httpx_async(url: str, numbers: Iterable[int], floor: str = "", before: Before = _nothing) -> list[float]:
    async def asked() -> list[float]:
        async with httpx.AsyncClient(transport=_mock(floor), verify=False) as client:
            return await _each_async(numbers, lambda question: client.post(url, json=question), before)

    return asyncio.run(asked())


# requests.


class _ReadySocket:
    """A socket that takes everything and has always the same answer."""

    def sendall(self, data: Any) -> None:
        pass

    def settimeout(self, seconds: Any) -> None:
        pass

    def makefile(self, *_args: Any, **_kwargs: Any) -> Any:
        return io.BufferedReader(io.BytesIO(_ON_THE_WIRE))

    def close(self) -> None:
        pass


class _ReadyConnection(urllib3.connection.HTTPConnection):
    # This one is not to be recorded.
    __recorded__ = False

    def connect(self) -> None:
        self.sock = _ReadySocket()

    @property
    def is_connected(self) -> bool:
        return self.sock is not None


class _ReadyPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _ReadyConnection


class _ReadyAdapter(requests.adapters.HTTPAdapter):
    """An adapter whose answer is ready: urllib3 is not asked."""

    def send(self, request: requests.PreparedRequest, *_args: Any, **_kwargs: Any) -> requests.Response:
        ready = urllib3.HTTPResponse(
            io.BytesIO(_BODY), headers=_TYPED, status=200, reason="OK", version=11, preload_content=False
        )
        return self.build_response(request, ready)


def _requests(url: str, numbers: Iterable[int], floor: str = "", before: Before = _nothing) -> list[float]:
    with requests.Session() as session:
        session.trust_env = False
        if floor == "stub socket":
            session.get_adapter(url).poolmanager.pool_classes_by_scheme = {"http": _ReadyPool}
        elif floor:
            session.mount("http://", _ReadyAdapter())
        return _each(numbers, lambda question: session.post(url, json=question), before)


# aiohttp.


class _ReadyTransport(asyncio.Transport):
    """A transport that takes everything; after the end of a request its protocol gets the answer."""

    def __init__(self, protocol: ResponseHandler) -> None:
        super().__init__()
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._is_closing = False

    def write(self, data: Any) -> None:
        if bytes(data).endswith(b"}"):
            self._loop.call_soon(self._protocol.data_received, _ON_THE_WIRE)

    def writelines(self, parts: Iterable[Any]) -> None:
        self.write(b"".join(parts))

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._loop.call_soon(self._protocol.connection_lost, None)

    abort = close


class _ReadyConnector(aiohttp.BaseConnector):
    # This one is not to be recorded.
    __recorded__ = False

    async def _create_connection(self, *_args: Any, **_kwargs: Any) -> ResponseHandler:
        protocol = ResponseHandler(asyncio.get_running_loop())
        protocol.connection_made(_ReadyTransport(protocol))
        return protocol


async def _served(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=_BODY, headers=_TYPED)


@contextlib.asynccontextmanager
async def _session(floor: str, url: str) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """Give a session and the URL that it is to ask."""
    async with contextlib.AsyncExitStack() as stack:
        if floor == "TestServer":
            application = web.Application()
            application.router.add_post("/{path:.*}", _served)
            server = await stack.enter_async_context(TestServer(application))
            url = str(server.make_url("/v1/chat/completions"))
        connector = _ReadyConnector() if floor == "stub transport" else None
        yield await stack.enter_async_context(aiohttp.ClientSession(connector=connector)), url


def _aiohttp(url: str, numbers: Iterable[int], floor: str = "", before: Before = _nothing) -> list[float]:
    async def asked() -> list[float]:
        async with _session(floor, url) as (session, address):

            async def ask(question: dict[str, Any]) -> None:
                async with session.post(address, json=question) as response:
                    await response.read()

            return await _each_async(numbers, ask, before)

    return asyncio.run(asked())


CLIENTS = (
    Client("httpx", tuple(_MOCKED), 1.5, _httpx),
    Client("httpx async", tuple(_MOCKED), 1.5, _httpx_async),
    Client("requests", ("stub socket", "stub adapter"), 1.7, _requests),
    Client("aiohttp", ("stub transport", "TestServer"), 1.7, _aiohttp),
)
