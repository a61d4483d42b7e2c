"""The file itself: opening it, and merging into it."""

from __future__ import annotations

import os
import shutil
from time import perf_counter
from typing import TYPE_CHECKING, Any

import httpx

import pytest_recorded

from .chat import DEFAULT, JSON_BODY, chat_request, path_of, recorded_by, replaying
from .functions import answer, cassette_of, payload
from .result import Result
from .timing import interleaved, median

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .scale import Scale

__all__ = ["measure"]

_NEW_ROWS = 100


def measure(scale: Scale, folder: Path) -> Iterator[Result]:
    """Measure what a cassette's size costs where it should cost nothing."""
    yield from _opening(scale, folder)
    yield from _opening_beside_peers(scale, folder)
    yield from _merging(scale, folder)


def _opening(scale: Scale, folder: Path) -> Iterator[Result]:
    """Measure from the beginning of a block to the end of its first replay."""

    def variant(size: int) -> Callable[[int], float]:
        path = cassette_of(folder, size)

        def timed(number: int) -> float:
            question = payload(number * size // (2 * scale.rounds + 1))
            started = perf_counter()
            with pytest_recorded.use_cassette(path, mode="none"):
                answer(question)
                return perf_counter() - started

        return timed

    took = interleaved(2 * scale.rounds, {str(size): variant(size) for size in scale.rows})
    smallest = median(took[str(scale.rows[0])]) * 1e3
    for size in scale.rows[1:]:
        yield Result(
            f"opening a cassette of {size:,} rows, first replay", median(took[str(size)]) * 1e3, "ms",
            f"one of {scale.rows[0]:,} rows", smallest, target=1.25,
        )  # fmt: skip


def _opening_beside_peers(scale: Scale, folder: Path) -> Iterator[Result]:
    size = scale.interactions[-1]
    url = recorded_by(folder, size)
    tools = {"pytest-recorded": (), "vcrpy": DEFAULT, "cassetter": JSON_BODY}
    with httpx.Client() as client:

        def variant(tool: str) -> Any:
            def timed(_number: int) -> float:
                started = perf_counter()
                with replaying(tool, path_of(folder, tool, size), tools[tool]):
                    client.post(url, json=chat_request(0))
                    return perf_counter() - started

            return timed

        took = interleaved(scale.few_rounds, {tool: variant(tool) for tool in tools})
    ours = median(took["pytest-recorded"]) * 1e3
    for tool in list(tools)[1:]:
        what = f"opening {size:,} interactions, first replay"
        yield Result(what, ours, "ms", tool, median(took[tool]) * 1e3)


@pytest_recorded.recorder(kind="bench.long")
def _long_answer(number: int) -> dict[str, Any]:
    return {"number": number, "text": f"{number} " + "The answer is long and says little. " * 64}


def _merging(scale: Scale, folder: Path) -> Iterator[Result]:
    path, copy = folder / "large.db", folder / "copy.db"
    with pytest_recorded.use_cassette(path, mode="all"):
        for number in range(scale.large_rows):
            _long_answer(number)
    megabytes = path.stat().st_size / 1e6

    def merge(number: int) -> float:
        block = pytest_recorded.use_cassette(path, mode="new_episodes")
        with block:
            for new in range(_NEW_ROWS):
                _long_answer(scale.large_rows + number * _NEW_ROWS + new)
            started = perf_counter()
        return perf_counter() - started

    def plain_copy(_number: int) -> float:
        started = perf_counter()
        shutil.copyfile(path, copy)
        with copy.open("rb+") as file:
            os.fsync(file.fileno())
        return perf_counter() - started

    took = interleaved(scale.few_rounds, {"merge": merge, "copy": plain_copy})
    yield Result(
        f"merging {_NEW_ROWS} rows into {megabytes:.0f} MB", median(took["merge"]), "s", "copying the file",
        median(took["copy"]), limit=2.0,
    )  # fmt: skip
