"""What the exceptions of one library are in another: a test recorded with one client may be replayed with the next."""

from __future__ import annotations

from http.client import RemoteDisconnected
from typing import Final

__all__ = ["HTTPX", "in_httpx", "in_stdlib", "is_awaited", "library_in_httpx"]

#: The libraries whose exceptions have the same names.
HTTPX: Final = ("httpx", "httpx2")

# What urllib3's own exceptions are in httpx. Those that come after the request has been sent are urllib3-future's.
_URLLIB3: Final = {
    "NewConnectionError": "ConnectError",
    "NameResolutionError": "ConnectError",
    "ConnectTimeoutError": "ConnectTimeout",
    "ReadTimeoutError": "ConnectTimeout",
    "ProxyError": "ProxyError",
}
_URLLIB3_AWAITED: Final = {
    "ReadTimeoutError": "ReadTimeout",
    "IncompleteRead": "RemoteProtocolError",
    "InvalidChunkLength": "RemoteProtocolError",
    "ProtocolError": "RemoteProtocolError",
}

# What aiohttp's own exceptions are in httpx.
_AIOHTTP: Final = {
    "aiohttp.client_exceptions.ClientConnectorError": "ConnectError",
    "aiohttp.client_exceptions.ClientConnectorDNSError": "ConnectError",
    "aiohttp.client_exceptions.ClientConnectorSSLError": "ConnectError",
    "aiohttp.client_exceptions.ClientConnectorCertificateError": "ConnectError",
    "aiohttp.client_exceptions.UnixClientConnectorError": "ConnectError",
    "aiohttp.client_exceptions.ServerFingerprintMismatch": "ConnectError",
    "aiohttp.client_exceptions.ClientProxyConnectionError": "ProxyError",
    "aiohttp.client_exceptions.ClientHttpProxyError": "ProxyError",
    "aiohttp.client_exceptions.ConnectionTimeoutError": "ConnectTimeout",
    "aiohttp.client_exceptions.SocketTimeoutError": "ReadTimeout",
    "aiohttp.client_exceptions.ServerDisconnectedError": "RemoteProtocolError",
    "aiohttp.client_exceptions.ClientOSError": "ReadError",
    "aiohttp.http_exceptions.HttpProcessingError": "RemoteProtocolError",
}

_IN_STDLIB: Final[dict[str, type[Exception]]] = {
    "ConnectError": ConnectionError,
    "ProxyError": ConnectionError,
    "WriteError": ConnectionError,
    "ReadError": ConnectionError,
    "ConnectTimeout": TimeoutError,
    "PoolTimeout": TimeoutError,
    "WriteTimeout": TimeoutError,
    "ReadTimeout": TimeoutError,
    "RemoteProtocolError": RemoteDisconnected,
}
# Those that come after the request has been sent.
_AWAITED: Final = frozenset({"ReadError", "ReadTimeout", "RemoteProtocolError"})


def is_awaited(name: str) -> bool:
    """Return whether an exception of httpx comes while a response is awaited."""
    return name in _AWAITED


def in_stdlib(name: str, message: str) -> BaseException | None:
    """Return an exception of httpx as one of the standard library; None if it has none for it."""
    cls = _IN_STDLIB.get(name)
    return cls(message) if cls is not None else None


def in_httpx(error: BaseException, *, awaited: bool) -> str:
    """Return the name that httpx has for an exception of the standard library; `""` if it has none.

    Args:
        error: The exception.
        awaited: Whether the request had been sent.

    """
    if type(error).__module__ == "http.client":
        return "RemoteProtocolError"
    if isinstance(error, TimeoutError):
        return "ReadTimeout" if awaited else "ConnectTimeout"
    if isinstance(error, OSError):
        return "ReadError" if awaited else "ConnectError"
    return ""


def library_in_httpx(name: str, *, awaited: bool) -> str:
    """Return the name that httpx has for an exception of urllib3 or aiohttp; `""` if it has none.

    Args:
        name: The exception's class, with its module.
        awaited: Whether the request had been sent.

    """
    if name in _AIOHTTP:
        return _AIOHTTP[name]
    module, _, name = name.rpartition(".")
    return (_URLLIB3_AWAITED if awaited else _URLLIB3).get(name, "") if module == "urllib3.exceptions" else ""
