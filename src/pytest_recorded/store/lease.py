"""Who is writing, and is he still alive.

A running row has an `owner` and a `beat_at`. It is given up when its owner is gone, never because it takes long: on the
machine of the owner the process table tells at once, elsewhere the beat tells after `LEASE_SECONDS`.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import socket
import sys
import threading
import time
import weakref
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..errors import RecordedError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BEAT_SECONDS", "LEASE_SECONDS", "Beat", "is_alive", "now", "owner"]

BEAT_SECONDS: Final = 10.0
LEASE_SECONDS: Final = 60.0


def now() -> str:
    """Return the time as it is stored: UTC, ISO 8601, microseconds, `Z`."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return f"{_second(seconds)}.{nanoseconds // 1000:06d}Z"


@functools.lru_cache(maxsize=1)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def owner() -> str:
    """Return who this process is: its machine, its process id, and when it started."""
    return _owner(os.getpid())


@functools.lru_cache(maxsize=1)
def _owner(pid: int) -> str:
    return f"{_machine()}/{pid}/{_started(pid)}"


def _machine() -> str:
    """Return a name for everything that shares this process table: containers have their own."""
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = ""
    return f"{socket.gethostname()}{namespace}".replace("/", "-")


def _started(pid: int) -> str:
    """Return when a process started, so that a reused process id is not taken for it; `""` where nobody knows."""
    return _stat(pid)[1]


def _stat(pid: int) -> tuple[str, str]:
    """Return a process's state and when it started."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return fields[0], fields[19]
    except (OSError, IndexError):
        return "", ""


def is_alive(whose: str | None, beat_at: str | None) -> bool:
    """Return whether the owner of a running row is still there."""
    machine, pid, started = [*str(whose or "").split("/"), "", ""][:3]
    if machine == _machine() and _PID.fullmatch(pid) and sys.platform != "win32":
        return _process_runs(int(pid), started)
    return bool(machine) and _seconds_since(beat_at) < LEASE_SECONDS


_PID: Final = re.compile("[1-9][0-9]{0,8}")
# Killed, and only waiting for its parent to take notice.
_DEAD: Final = ("Z", "X")


def _process_runs(pid: int, started: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    state, really_started = _stat(pid)
    return state not in _DEAD and (not started or really_started == started)


def _seconds_since(moment: str | None) -> float:
    try:
        then = datetime.fromisoformat(str(moment))
    except ValueError:
        return float("inf")
    return (datetime.now(UTC) - (then if then.tzinfo else then.replace(tzinfo=UTC))).total_seconds()


class Beat:
    """A thread that says every few seconds that this process is alive, while it has something running."""

    def __init__(self, say: Callable[[], None]) -> None:
        self._say = say
        self._running = 0
        self._reset()
        _beats.add(self)

    def _reset(self) -> None:
        """Begin anew, as in a forked child: threads do not cross a fork."""
        # Reentrant: a generator that is thrown away may end in the middle of anything.
        self._lock = threading.RLock()
        self._closed: threading.Event | None = None

    def begin(self) -> None:
        """Something starts to run."""
        with self._lock:
            self._running += 1
            if self._closed is None:
                self._closed = threading.Event()
                # An interpreter that is shutting down starts no thread; the process table does without.
                with contextlib.suppress(RuntimeError):
                    threading.Thread(
                        target=self._loop, args=(self._closed,), name="pytest-recorded-beat", daemon=True
                    ).start()

    def end(self) -> None:
        """Something has ended."""
        with self._lock:
            self._running -= 1

    def close(self) -> None:
        """End the thread; what begins after that starts another."""
        with self._lock:
            if self._closed is not None:
                self._closed.set()
                self._closed = None

    def _loop(self, closed: threading.Event) -> None:
        while not closed.wait(BEAT_SECONDS):
            if self._running > 0:
                # A beat that could not be written is followed by the next one.
                with contextlib.suppress(RecordedError):
                    self._say()


_beats: weakref.WeakSet[Beat] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for beat in list(_beats):
        beat._reset()  # noqa: SLF001 - it is one of us


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
