"""What goes to the network past the recorder: it is noticed at the sockets, named, and blocked where that is asked for.

The functions of the module `socket` are wrapped once in a process and stay so; whose a connection is they find out by
`frame.current_frame()`. What belongs to a recorded call that is being made is the recorder's own. Everything else is
judged by the nearest policy: that of the block, the test or the fixture that it is made in, else that of the session.
"""

from __future__ import annotations

import errno
import functools
import socket
import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from .ambient import current_node
from .errors import NetworkBlocked
from .frame import carry_over_threads, current_frame, running_test
from .network import Peer, peer_of
from .trace import user_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .frame import Frame
    from .network import AllowedHost

__all__ = ["Attempt", "Log", "Policy", "begin", "end", "install", "policy_within"]

_FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)
# More names and more lines than these nobody reads, and a suite may run for days.
_MOST_ADDRESSES: Final = 10_000
_MOST_ATTEMPTS: Final = 1_000


class Attempt(NamedTuple):
    """Somebody who goes to the network past the recorder.

    Attributes:
        test: Whose it is: a test, a shared fixture or a module that is being collected.
        peer: The host and the port.
        line: The line of the user's code.
        is_blocked: Whether it was blocked.

    """

    test: str
    peer: str
    line: str
    is_blocked: bool


class Log:
    """The attempts of a session, from whichever thread, until they are told."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._attempts: Counter[Attempt] = Counter()
        self._last: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
        #: What is being collected, while something is.
        self.place = ""

    def note(self, attempt: Attempt, sock: Any) -> None:
        """Take an attempt in. A socket that tries the same peer again, as one that does not block, is at it still."""
        with self._lock:
            if sock is not None:
                if self._last.get(sock) == attempt.peer:
                    return
                self._last[sock] = attempt.peer
            if attempt not in self._attempts and len(self._attempts) >= _MOST_ATTEMPTS:
                attempt = attempt._replace(peer="further hosts", line="")
            self._attempts[attempt] += 1

    def take(self) -> list[tuple[str, str, str, bool, int]]:
        """Return the attempts since the last time, each once, with how often it was made."""
        with self._lock:
            taken, self._attempts = self._attempts, Counter()
        return [(*attempt, count) for attempt, count in taken.items()]


class Policy(NamedTuple):
    """What holds for connections that are not the recorder's.

    Attributes:
        blocks: Whether they are blocked.
        allowed: The hosts that nothing is said about.
        log: Where they are noted; None if nobody asks.
        fixed: The options that stand on the command line, which no block overrides.
        test: Whose connections they are; `""` for those of whatever pytest is at.

    """

    blocks: bool = False
    allowed: tuple[AllowedHost, ...] = ()
    log: Log | None = None
    fixed: frozenset[str] = frozenset()
    test: str = ""


# The policies of the sessions in this process, innermost last: pytester nests them.
_sessions: list[Policy] = []
# The names that were resolved to an address, the last one last.
_names: dict[str, tuple[str, ...]] = {}
_lock = threading.Lock()
_local = threading.local()


def begin(policy: Policy) -> None:
    """Let a policy hold for everything that no nearer one holds for, until `end`."""
    _sessions.append(policy)


def end(policy: Policy) -> None:
    """Let a session's policy hold no longer."""
    if policy in _sessions:
        _sessions.remove(policy)


def policy_within(given: Mapping[str, Any], name: str) -> Policy | None:
    """Return the policy of a block: what it says itself, on top of what holds around it; None if it says nothing."""
    if not given:
        return None
    around = _policy(current_frame()) or Policy()
    own = {name: value for name, value in given.items() if name not in around.fixed}
    return around._replace(
        blocks=own.get("block_network", around.blocks),
        allowed=own.get("allowed_hosts", around.allowed),
        test=name,
    )


def _policy(frame: Frame | None) -> Policy | None:
    """Return the nearest policy: of the frame, of the running test, of the session."""
    for start in (frame, running_test()):
        inner = start
        while inner is not None:
            if inner.book.guard is not None:
                return inner.book.guard
            inner = inner.outer
    return _sessions[-1] if _sessions else None


# The decision.


def _judged(peer: Peer, sock: Any = None, *, asks: bool = True) -> NetworkBlocked | None:
    """Note whoever goes to a peer past the recorder; return what is to be raised if he may not.

    Args:
        peer: Whom he means.
        sock: His socket; None if he only looks somebody up, which is nothing to be noted unless it is blocked.
        asks: Whether others are asked about the peer.

    """
    frame = current_frame()
    if frame is not None and frame.inside is not None and not frame.inside.is_over:
        return None
    policy = _policy(frame)
    if policy is None or not (policy.blocks or (policy.log is not None and sock is not None)):
        return None
    names = _names.get(str(peer.ip), ())
    if peer.is_local or any(entry.takes(peer, names) for entry in policy.allowed):
        return None
    if sock is None and (not asks or peer.host == socket.gethostname().lower()):
        return None
    name = names[-1] if names else ""
    test = policy.test or (policy.log.place if policy.log is not None else "") or current_node()
    line = getattr(_local, "line", "") or user_line(sys._getframe(1))  # noqa: SLF001 - only the stack knows
    if policy.log is not None:
        policy.log.note(Attempt(test, peer.shown(name), line, policy.blocks), sock)
    return NetworkBlocked.of(peer.shown(name), name or peer.host, test, line) if policy.blocks else None


def _peer_of(sock: Any, address: Any) -> Peer | None:
    """Return whom an address means; None if it is nobody in a network, or what only `socket` can complain about."""
    if sock.family not in _FAMILIES or not isinstance(address, tuple) or len(address) < 2:  # noqa: PLR2004 - host, port
        return None
    return peer_of(*address[:2]) if isinstance(address[0], str | bytes | bytearray) else None


# The functions of the module `socket`.


def install() -> None:
    """See to it that connections are noticed, whoever else has replaced something in `socket` since the last time."""
    carry_over_threads()
    classes = getattr(socket.socket, "__mro__", ())
    # pytest-socket puts a class of its own there for a while.
    genuine = next((cls for cls in classes if cls.__module__ == "socket"), socket.socket)
    for owner, wrappers in ((genuine, _METHODS), (socket, _FUNCTIONS)):
        for name, wrapper in wrappers.items():
            found = getattr(owner, name, None)
            # The mark says whose it is: pytester forgets our modules, and loads them anew.
            if found is not None and getattr(found, "_guards", None) is not _local:
                wrapped = functools.update_wrapper(wrapper(found), found, updated=())
                vars(wrapped)["_guards"] = _local
                setattr(owner, name, wrapped)


def _connecting(connect: Callable[..., Any]) -> Any:
    def connect_if_allowed(self: Any, address: Any, /) -> Any:
        __tracebackhide__ = True
        peer = _peer_of(self, address)
        if peer is not None and (blocked := _judged(peer, self)) is not None:
            raise blocked
        return connect(self, address)

    return connect_if_allowed


def _connecting_ex(connect_ex: Callable[..., Any]) -> Any:
    def connect_ex_if_allowed(self: Any, address: Any, /) -> Any:
        peer = _peer_of(self, address)
        if peer is not None and _judged(peer, self) is not None:
            return errno.ECONNREFUSED
        return connect_ex(self, address)

    return connect_ex_if_allowed


def _sending(send: Callable[..., Any], *, at: int) -> Any:
    def send_if_allowed(self: Any, *args: Any) -> Any:
        __tracebackhide__ = True
        peer = _peer_of(self, args[at]) if len(args) > max(at, 0) else None
        if peer is not None and (blocked := _judged(peer, self)) is not None:
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
        if (blocked := _judged(peer, asks=not is_read)) is not None:
            raise blocked
        found = resolve(*args, **kwargs)
        if not is_read:
            _remember(peer.host, found)
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
            if (blocked := _judged(peer_of(host), asks=not is_read)) is not None:
                raise blocked
        return find_name(address, *flags)

    vars(find_name_if_allowed)["__submitted__"] = lambda: _with_line(find_name_if_allowed)
    return find_name_if_allowed


def _argument(args: tuple[Any, ...], kwargs: dict[str, Any], place: int, name: str) -> Any:
    return args[place] if len(args) > place else kwargs.get(name)


def _with_line(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that knows the line of whoever lets an executor look a name up, as event loops do."""
    if _policy(current_frame()) is None:
        return resolve
    line = user_line(sys._getframe(1))  # noqa: SLF001 - only the stack knows

    def resolve_for_submitter(*args: Any, **kwargs: Any) -> Any:
        _local.line = line
        try:
            return resolve(*args, **kwargs)
        finally:
            _local.line = ""

    return resolve_for_submitter


def _remember(name: str, found: Any) -> None:
    """Remember to which addresses a name was resolved."""
    for address in _addresses(found):
        ip = str(peer_of(address).ip)
        with _lock:
            others = (known for known in _names.pop(ip, ()) if known != name)
            _names[ip] = (*others, name)
            if len(_names) > _MOST_ADDRESSES:
                del _names[next(iter(_names))]


def _addresses(found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, tuple):
        yield from found[2]
    else:
        for *_, address in found:
            yield str(address[0])


_METHODS: Final[dict[str, Callable[[Any], Any]]] = {
    "connect": _connecting,
    "connect_ex": _connecting_ex,
    "sendto": functools.partial(_sending, at=-1),
    "sendmsg": functools.partial(_sending, at=3),
}
_FUNCTIONS: Final[dict[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(("getaddrinfo", "gethostbyname", "gethostbyname_ex"), _resolving),
    **dict.fromkeys(("gethostbyaddr", "getnameinfo"), _naming),
}
