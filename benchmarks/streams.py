"""The first token of a stream: live, and while it is recorded."""

from __future__ import annotations

import contextlib
import itertools
from time import perf_counter
from typing import TYPE_CHECKING, Any

import httpx

from .chat import TOOLS, chat_request, recording
from .result import Result
from .server import PAUSE_SECONDS, serving
from .timing import interleaved, median_gap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .scale import Scale

__all__ = ["measure"]


def measure(scale: Scale, folder: Path) -> Iterator[Result]:
    """Measure how much later the first token comes."""
    numbers = itertools.count()
    with serving() as address, httpx.Client() as client:
        url = f"{address}/v1/chat/completions"

        def variant(tool: str) -> Any:
            return lambda _number: _first_token(client, url, tool, folder / f"stream-{next(numbers)}")

        took = interleaved(scale.rounds, {tool: variant(tool) for tool in ("", *TOOLS)})
    later = {tool: median_gap(took[tool], took[""]) * 1e3 for tool in TOOLS}
    for tool in list(TOOLS)[1:]:
        yield Result(
            "first streamed token later than live", later["pytest-recorded"], "ms", tool, later[tool], limit=5,
            note=f"{PAUSE_SECONDS * 1000:.0f} ms between the events",
        )  # fmt: skip


def _first_token(client: httpx.Client, url: str, tool: str, path: Path) -> float:
    """Return the seconds to the first token; the stream is read to its end."""
    block = recording(tool, path.with_suffix(f".{TOOLS[tool]}")) if tool else contextlib.nullcontext()
    with block:
        # The first call makes the files.
        client.post(url, json=chat_request(0))
        started = perf_counter()
        with client.stream("POST", url, json={**chat_request(1), "stream": True}) as response:
            lines = response.iter_lines()
            next(lines)
            first = perf_counter() - started
            for _ in lines:
                pass
    return first
