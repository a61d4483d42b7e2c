"""Who may go to the network past the recorder, and who has: the decision, and the log of those who tried.

What belongs to a recorded call that is being made is the recorder's own. Everything else is judged by the nearest
policy: that of the block, the test or the fixture that it is made in, else that of the session.
"""

from __future__ import annotations

import socket
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from .ambient import current_node
from .errors import NetworkBlocked
from .frame import current_frame, running_test
from .trace import user_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .frame import Frame
    from .network import HostPattern, Peer

__all__ = ["Attempt", "Log", "Policy", "begin", "end", "judged", "policy_within", "remember", "submitter", "submitting"]

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
        is_counted: Whether it belongs to a call that has been counted as live already.

    """

    test: str
    peer: str
    line: str
    is_blocked: bool
    is_counted: bool = False


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

    def take(self) -> list[tuple[str, str, str, bool, bool, int]]:
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
    allowed: tuple[HostPattern, ...] = ()
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


def judged(peer: Peer, sock: Any = None, *, connects: bool = True, asks: bool = True) -> NetworkBlocked | None:
    """Note whoever goes to a peer past the recorder; return what is to be raised if he may not.

    Args:
        peer: Whom he means.
        sock: His socket, where it is known.
        connects: False if he only looks somebody up, which is nothing to be noted unless it is blocked.
        asks: Whether others are asked about somebody who is looked up.

    """
    frame = current_frame()
    call = frame.inside if frame is not None and frame.inside is not None and not frame.inside.is_over else None
    if call is not None and not call.is_left_out:
        return None
    policy = _policy(frame)
    # So is an HTTP call that is left out.
    is_counted = call is not None and call.call.host() is not None
    if policy is None or not (policy.blocks or (policy.log is not None and connects and not is_counted)):
        return None
    names = _names.get(str(peer.ip), ())
    if peer.is_local or any(entry.takes(peer, names) for entry in policy.allowed):
        return None
    if not connects and (not asks or peer.host == socket.gethostname().lower()):
        return None
    name = names[-1] if names else ""
    test = policy.test or (policy.log.place if policy.log is not None else "") or current_node()
    line = getattr(_local, "line", "") or user_line(sys._getframe(1))  # noqa: SLF001 - only the stack knows
    if policy.log is not None:
        policy.log.note(Attempt(test, peer.shown(name), line, policy.blocks, is_counted), sock)
    return NetworkBlocked.of(peer.shown(name), name or peer.host, test, line) if policy.blocks else None


def remember(name: str, ip: str) -> None:
    """Remember that a name was resolved to an address."""
    with _lock:
        others = (known for known in _names.pop(ip, ()) if known != name)
        _names[ip] = (*others, name)
        if len(_names) > _MOST_ADDRESSES:
            del _names[next(iter(_names))]


def submitter() -> str:
    """Return the line of whoever is about to hand a look-up over to another thread; `""` if nobody asks."""
    return "" if _policy(current_frame()) is None else user_line(sys._getframe(1))  # noqa: SLF001 - see above


@contextmanager
def submitting(line: str) -> Iterator[None]:
    """Say, in the other thread, whose line it was."""
    _local.line = line
    try:
        yield
    finally:
        _local.line = ""
