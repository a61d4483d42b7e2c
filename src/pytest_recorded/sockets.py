"""Sockets, wrapped so that the guard is asked before anything is connected to or looked up.

The functions of the module `socket` are wrapped once in a process and stay so, and pass through where nobody asks.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import socket
import sys
from typing import TYPE_CHECKING, Any, Final

from .frame import carry_over_threads
from .guard import judged, remember, submitter, submitting
from .network import Peer, peer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["install"]

_FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)


def install() -> None:
    """See to it that connections are noticed, whoever else has replaced something in `socket` since the last time."""
    carry_over_threads()
    classes = getattr(socket.socket, "__mro__", ())
    # pytest-socket puts a class of its own there for a while.
    genuine = next((cls for cls in classes if cls.__module__ == "socket"), socket.socket)
    loop = getattr(sys.modules.get("uvloop"), "Loop", None)
    # aiohttp's way to look names up without `socket`, and its usual one where aiodns is installed.
    resolver = getattr(sys.modules.get("aiohttp.resolver"), "AsyncResolver", None)
    for owner, wrappers in ((genuine, _METHODS), (socket, _FUNCTIONS), (loop, _LOOP), (resolver, _RESOLVER)):
        for name, wrapper in wrappers.items():
            found = getattr(owner, name, None)
            # The mark says whose it is: pytester forgets our modules, and loads them anew.
            if found is not None and getattr(found, "_guards", None) is not judged:
                wrapped = functools.update_wrapper(wrapper(found), found, updated=())
                vars(wrapped)["_guards"] = judged
                setattr(owner, name, wrapped)


def _peer_of(sock: Any, address: Any) -> Peer | None:
    """Return whom an address means; None if it is nobody in a network, or what only `socket` can complain about."""
    if sock.family not in _FAMILIES or not isinstance(address, tuple) or len(address) < 2:  # noqa: PLR2004 - host, port
        return None
    return peer_of(*address[:2]) if isinstance(address[0], str | bytes | bytearray) else None


def _connecting(connect: Callable[..., Any]) -> Any:
    def connect_if_allowed(self: Any, address: Any, /) -> Any:
        __tracebackhide__ = True
        peer = _peer_of(self, address)
        if peer is not None and (blocked := judged(peer, self)) is not None:
            raise blocked
        return connect(self, address)

    return connect_if_allowed


def _connecting_ex(connect_ex: Callable[..., Any]) -> Any:
    def connect_ex_if_allowed(self: Any, address: Any, /) -> Any:
        peer = _peer_of(self, address)
        if peer is not None and judged(peer, self) is not None:
            return errno.ECONNREFUSED
        return connect_ex(self, address)

    return connect_ex_if_allowed


def _sending(send: Callable[..., Any], *, at: int) -> Any:
    def send_if_allowed(self: Any, *args: Any) -> Any:
        __tracebackhide__ = True
        peer = _peer_of(self, args[at]) if len(args) > max(at, 0) else None
        if peer is not None and (blocked := judged(peer, self)) is not None:
            raise blocked
        return send(self, *args)

    return send_if_allowed


def _resolving(resolve: Callable[..., Any]) -> Any:
    def resolve_if_allowed(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        host, port, flags = (_argument(args, kwargs, *known) for known in ((0, "host"), (1, "port"), (5, "flags")))
        if not isinstance(host, str | bytes | bytearray):
            return resolve(*args, **kwargs)
        peer = peer_of(host, port)
        is_read = peer.ip is not None or bool(flags and flags & socket.AI_NUMERICHOST)
        if (blocked := judged(peer, connects=False, asks=not is_read)) is not None:
            raise blocked
        found = resolve(*args, **kwargs)
        if not is_read:
            _remember_all(peer, found)
        return found

    vars(resolve_if_allowed)["__submitted__"] = lambda: _with_line(resolve_if_allowed)
    return resolve_if_allowed


def _naming(find_name: Callable[..., Any]) -> Any:
    """Guard a function that asks what an address is called."""

    def find_name_if_allowed(address: Any, /, *flags: Any) -> Any:
        __tracebackhide__ = True
        host = address[0] if isinstance(address, tuple) and address else address
        if isinstance(host, str | bytes | bytearray):
            is_read = any(flag & socket.NI_NUMERICHOST for flag in flags)
            if (blocked := judged(peer_of(host), connects=False, asks=not is_read)) is not None:
                raise blocked
        return find_name(address, *flags)

    vars(find_name_if_allowed)["__submitted__"] = lambda: _with_line(find_name_if_allowed)
    return find_name_if_allowed


def _opening(open_: Callable[..., Any], *, told_by: Callable[..., tuple[Any, Any]], connects: bool = True) -> Any:
    """Guard a coroutine function that does without `socket`; `told_by`: which arguments are host and port."""

    async def open_if_allowed(self: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        host, port = told_by(args, kwargs)
        if not isinstance(host, str | bytes | bytearray):
            return await open_(self, *args, **kwargs)
        peer = peer_of(host, port)
        if (blocked := judged(peer, connects=connects, asks=peer.ip is None)) is not None:
            raise blocked
        found = await open_(self, *args, **kwargs)
        if not connects and peer.ip is None:
            _remember_all(peer, found)
        return found

    return open_if_allowed


def _remote_address(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    address = _argument(args, kwargs, 2, "remote_addr")
    return (address[0], address[1]) if isinstance(address, tuple) and len(address) > 1 else (None, None)


def _host_and_port(args: tuple[Any, ...], kwargs: dict[str, Any], *, at: int) -> tuple[Any, Any]:
    return _argument(args, kwargs, at, "host"), _argument(args, kwargs, at + 1, "port")


def _argument(args: tuple[Any, ...], kwargs: dict[str, Any], place: int, name: str) -> Any:
    return args[place] if len(args) > place else kwargs.get(name)


def _with_line(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that knows the line of whoever lets an executor look a name up, as event loops do."""
    line = submitter()

    def resolve_for_submitter(*args: Any, **kwargs: Any) -> Any:
        with submitting(line):
            return resolve(*args, **kwargs)

    return resolve_for_submitter if line else resolve


def _remember_all(peer: Peer, found: Any) -> None:
    # A stand-in for a function that looks names up may answer anything.
    with contextlib.suppress(Exception):
        for address in _addresses(found):
            remember(peer.host, str(peer_of(address).ip))


def _addresses(found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, tuple):
        yield from found[2]
    else:
        for entry in found:
            yield str(entry["host"] if isinstance(entry, dict) else entry[-1][0])


_METHODS: Final[dict[str, Callable[[Any], Any]]] = {
    "connect": _connecting,
    "connect_ex": _connecting_ex,
    "sendto": functools.partial(_sending, at=-1),
    "sendmsg": functools.partial(_sending, at=3),
}
_LOOKING_UP: Final = functools.partial(_opening, told_by=functools.partial(_host_and_port, at=0), connects=False)
_LOOP: Final[dict[str, Callable[[Any], Any]]] = {
    "create_connection": functools.partial(_opening, told_by=functools.partial(_host_and_port, at=1)),
    "create_datagram_endpoint": functools.partial(_opening, told_by=_remote_address),
    "getaddrinfo": _LOOKING_UP,
}
_RESOLVER: Final[dict[str, Callable[[Any], Any]]] = {"resolve": _LOOKING_UP}
_FUNCTIONS: Final[dict[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(("getaddrinfo", "gethostbyname", "gethostbyname_ex"), _resolving),
    **dict.fromkeys(("gethostbyaddr", "getnameinfo"), _naming),
}
