"""What recording adds to a live httpx call."""

from __future__ import annotations

import contextlib
import itertools
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

from .chat import TOOLS, chat_request, recording
from .result import Result
from .server import serving
from .timing import interleaved, median, median_gap, per_call

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .scale import Scale

__all__ = ["measure"]


class _Took(NamedTuple):
    """Seconds for a request, and for a request with its share of the end of the block."""

    request: float
    with_end: float


def measure(scale: Scale, folder: Path) -> Iterator[Result]:
    """Measure live calls, bare and while each tool records them into a new cassette."""
    numbers = itertools.count()
    with serving() as address, httpx.Client() as client:
        url = f"{address}/v1/chat/completions"

        def variant(tool: str) -> Any:
            return lambda _number: _timed(client, url, scale.requests, tool, folder / f"live-{next(numbers)}")

        took = interleaved(scale.rounds, {tool: variant(tool) for tool in ("", *TOOLS)})
    bare = [one.request for one in took[""]]
    added = {tool: median_gap([one.request for one in took[tool]], bare) * 1e3 for tool in TOOLS}
    at_end = {tool: median_gap([one.with_end for one in took[tool]], bare) * 1e3 for tool in TOOLS}
    live = median(bare) * 1e3
    ours = added["pytest-recorded"]
    yield Result("httpx call while it is recorded", live + ours, "ms", "live", live)
    for tool in list(TOOLS)[1:]:
        yield Result("  what recording adds to a live call", ours, "ms", tool, added[tool])
        yield Result(
            "  the same, with the end of the block", at_end["pytest-recorded"], "ms", tool, at_end[tool],
            note=f"cassettes of {scale.requests} calls",
        )  # fmt: skip


def _timed(client: httpx.Client, url: str, count: int, tool: str, path: Path) -> _Took:
    questions = [(url, chat_request(number)) for number in range(count + 1)]

    def ask(url: str, question: dict[str, Any]) -> None:
        client.post(url, json=question)

    block = recording(tool, path.with_suffix(f".{TOOLS[tool]}")) if tool else contextlib.nullcontext()
    with block:
        # The first call makes the files.
        ask(*questions[0])
        request = per_call(ask, questions[1:])
        ended = perf_counter()
    return _Took(request, request + (perf_counter() - ended) / count)
