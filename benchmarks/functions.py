"""Replaying a function: an automatic key inside a cassette, against the keyed replay of `recorded`."""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING, Any

import recorded
from recorded._recorder import _set_default_for_testing

import pytest_recorded

from .result import Result
from .timing import interleaved, median, per_call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .scale import Scale

__all__ = ["answer", "cassette_of", "measure", "payload", "peer_answer", "peer_in"]

_WARM_UP = 100


def payload(number: int) -> dict[str, Any]:
    """Return what the recorded functions take."""
    return {"prompt": f"Say in one sentence what happened in the year {number}.", "number": number}


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    return {"answer": f"In {request['number']} nothing happened.", "tokens": 7}


#: The same function, recorded by us and by the peer.
answer = pytest_recorded.recorder(kind="bench.answer")(_answer)
peer_answer = recorded.recorder(kind="bench.answer")(_answer)


@contextlib.contextmanager
def peer_in(path: Path) -> Iterator[None]:
    """Let the peer record into a file: the swap of its default is what its own tests use, `configure` works once."""
    _set_default_for_testing(recorded.Recorder(str(path)))
    try:
        yield
    finally:
        _set_default_for_testing(None)


def measure(scale: Scale, folder: Path) -> Iterator[Result]:
    """Measure replays at each size, and how they grow with it."""
    smallest, largest = scale.rows[0], scale.rows[-1]
    variants: dict[str, Callable[[int], float]] = {}
    for size in (smallest, largest):
        cassette_of(folder, size)
        _peer_file(folder, size)
        variants[f"ours {size}"] = lambda number, size=size: _ours(folder, size, _picked(size, scale.calls, number))
        variants[f"peer {size}"] = lambda number, size=size: _peer(folder, size, _picked(size, scale.calls, number))
    times = {name: median(values) * 1e6 for name, values in interleaved(scale.rounds, variants).items()}
    for size in (smallest, largest):
        ours, theirs = times[f"ours {size}"], times[f"peer {size}"]
        what = f"replay of a function, automatic key, {size:,} rows"
        yield Result(what, ours, "µs", "recorded, keyed", theirs, target=0.8 if size == smallest else None)
    yield Result(
        f"  growth from {smallest:,} to {largest:,} rows",
        times[f"ours {largest}"] / times[f"ours {smallest}"],
        "x",
        "recorded, keyed",
        times[f"peer {largest}"] / times[f"peer {smallest}"],
        limit=1.5,
    )


def cassette_of(folder: Path, size: int) -> Path:
    """Return a cassette with calls of a function, made if need be."""
    path = folder / f"functions-{size}.db"
    if not path.exists():
        with pytest_recorded.use_cassette(path, mode="all"):
            for number in range(size):
                answer(payload(number))
    return path


def _peer_file(folder: Path, size: int) -> None:
    with peer_in(_peer_path(folder, size)):
        for number in range(size):
            peer_answer(payload(number), key=f"answer-{number}")


def _peer_path(folder: Path, size: int) -> Path:
    return folder / f"functions-{size}-recorded.db"


def _picked(size: int, count: int, number: int) -> list[int]:
    """Return different calls for each round, in no order, those to warm up with first."""
    return random.Random(number).sample(range(size), count + _WARM_UP)


def _ours(folder: Path, size: int, picked: list[int]) -> float:
    arguments = [(payload(number),) for number in picked]
    with pytest_recorded.use_cassette(cassette_of(folder, size), mode="none"):
        per_call(answer, arguments[:_WARM_UP])
        return per_call(answer, arguments[_WARM_UP:])


def _peer(folder: Path, size: int, picked: list[int]) -> float:
    arguments = [(payload(number), f"answer-{number}") for number in picked]
    with peer_in(_peer_path(folder, size)):
        per_call(_peer_keyed, arguments[:_WARM_UP])
        return per_call(_peer_keyed, arguments[_WARM_UP:])


def _peer_keyed(request: dict[str, Any], key: str) -> Any:
    return peer_answer(request, key=key)
