"""A call that is not recorded: how long its error takes, and how long it is."""

from __future__ import annotations

import contextlib
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import vcr.errors

import pytest_recorded

from .chat import BODY, chat_request, path_of, recorded_by, replaying
from .result import Result
from .timing import interleaved, median

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .scale import Scale

__all__ = ["measure"]

_MISSES = (pytest_recorded.MissingRecording, vcr.errors.CannotOverwriteExistingCassetteException)


class _Miss(NamedTuple):
    seconds: float
    characters: int


def measure(scale: Scale, folder: Path) -> Iterator[Result]:
    """Measure a miss in the largest cassette."""
    size = scale.interactions[-1]
    url = recorded_by(folder, size)
    with httpx.Client() as client:

        def variant(tool: str, match_on: tuple[str, ...] = ()) -> Any:
            return lambda number: _missed(
                client, url, size + number, replaying(tool, path_of(folder, tool, size), match_on)
            )

        took = interleaved(
            scale.few_rounds, {"ours": variant("pytest-recorded"), "vcrpy, with body": variant("vcrpy", BODY)}
        )
    ours, theirs = took["ours"], took["vcrpy, with body"]
    yield Result(
        f"a miss at {size:,} interactions", median([miss.seconds for miss in ours]) * 1e3, "ms", "vcrpy, with body",
        median([miss.seconds for miss in theirs]) * 1e3,
    )  # fmt: skip
    yield Result(
        "  length of its message", median([miss.characters for miss in ours]), "chars", "vcrpy, with body",
        median([miss.characters for miss in theirs]), limit=3_000,
    )  # fmt: skip


def _missed(client: httpx.Client, url: str, number: int, block: Any) -> _Miss:
    missed: list[_Miss] = []
    # The block of ours raises its misses again when it ends, whoever has caught them inside.
    with contextlib.suppress(*_MISSES), block:
        client.post(url, json=chat_request(0))
        started = perf_counter()
        try:
            client.post(url, json=chat_request(number))
        except _MISSES as miss:
            missed.append(_Miss(perf_counter() - started, len(str(miss))))
    return missed[0]
