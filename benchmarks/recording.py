"""Recording a function with a key, outside and inside a cassette; and what is left of it after kill -9."""

from __future__ import annotations

import contextlib
import itertools
import signal
import sqlite3
import subprocess
import sys
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pytest_recorded

from .functions import answer, payload, peer_answer, peer_in
from .result import Result
from .timing import interleaved, median, per_call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .scale import Scale

__all__ = ["measure"]

_WARM_UP = 50
_LEAST_CALLS = 1_500
_KILLED_AFTER = 500


def measure(scale: Scale, folder: Path) -> Iterator[Result]:
    """Measure recordings that are new, each round in files of its own."""
    numbers = itertools.count()
    # Long enough that each SQLite file reaches the point where its log is written back.
    calls = max(scale.calls, _LEAST_CALLS)

    def variant(block: Callable[[Path], AbstractContextManager[Any]], call: Callable[..., Any]) -> Any:
        def timed(_round: int) -> float:
            path = folder / f"recording-{next(numbers)}.db"
            arguments = [(payload(number), f"answer-{number}") for number in range(calls + _WARM_UP)]
            with block(path):
                per_call(call, arguments[:_WARM_UP])
                return per_call(call, arguments[_WARM_UP:])

        return timed

    times = interleaved(
        scale.rounds,
        {
            "peer": variant(peer_in, _keyed_by_peer),
            "outside": variant(pytest_recorded.Recorder, _keyed),
            "inside": variant(_block, _keyed),
            "automatic": variant(_block, _automatic),
        },
    )
    took = {name: median(values) * 1e6 for name, values in times.items()}
    yield Result(
        "recording with a key, outside a cassette", took["outside"], "µs", "recorded, keyed", took["peer"], target=0.8
    )
    yield Result(
        "recording with a key, inside a cassette", took["inside"], "µs", "recorded, keyed", took["peer"], target=0.6
    )
    yield Result(
        "recording with an automatic key, inside", took["automatic"], "µs", "recorded, keyed", took["peer"], target=0.6
    )
    yield _durability(folder)


def _block(path: Path) -> AbstractContextManager[Any]:
    return pytest_recorded.use_cassette(path, mode="all")


def _keyed(request: dict[str, Any], key: str) -> Any:
    return answer(request, key=key)


def _automatic(request: dict[str, Any], _key: str) -> Any:
    return answer(request)


def _keyed_by_peer(request: dict[str, Any], key: str) -> Any:
    return peer_answer(request, key=key)


_KILLED = """\
import sys, pytest_recorded

@pytest_recorded.recorder(kind="bench.paid")
def pay(number):
    return {"paid": number}

with pytest_recorded.use_cassette(sys.argv[1], mode="all"):
    for number in range(int(sys.argv[2])):
        pay(number, key=f"bill-{number}")
    print("paid", flush=True)
    sys.stdin.read()
"""


def _durability(folder: Path) -> Result:
    """Count what a process has left behind that was killed inside its cassette's block."""
    path = folder / "killed.db"
    command = [sys.executable, "-c", _KILLED, str(path), str(_KILLED_AFTER)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    (staged,) = (folder / ".staging").glob("killed.db-*.db")
    with contextlib.closing(sqlite3.connect(staged)) as connection:
        (left,) = connection.execute("SELECT count(*) FROM jobs WHERE kind = 'bench.paid'").fetchone()
    lost = _KILLED_AFTER - left
    return Result(f"calls lost by kill -9 after {_KILLED_AFTER} recordings inside", lost, "calls", limit=0)
