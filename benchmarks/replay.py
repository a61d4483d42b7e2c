"""Replaying HTTP calls: against each client's own floor, vcrpy and cassetter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .chat import BODY, DEFAULT, JSON_BODY, path_of, recorded_by, replaying
from .clients import CLIENTS
from .result import Result
from .timing import interleaved, median

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .clients import Client
    from .scale import Scale

__all__ = ["measure"]

_WARM_UP = 5
_NOTES = {
    "MockTransport, bytes": "MockTransport, bytes: its answer is ready; json: a dict, as in httpx's documentation",
    "TestServer": "TestServer: aiohttp's own tool for tests, a server in the same process",
    "stub adapter": "stub adapter: it answers above urllib3, which a replay does not; hence the floor is a stub socket",
}


def measure(scale: Scale, folder: Path) -> Iterator[Result]:
    """Measure replays with each client at each size, and how they grow with it."""
    for client in CLIENTS:
        ours: dict[int, float] = {}
        for size in scale.interactions:
            url = recorded_by(folder, size)
            took = _against_floors(scale, folder, client, size, url)
            ours[size] = took["ours"]
            what = f"{client.name} replay of a chat, {size:,} interactions"
            for place, floor in enumerate(client.floors):
                target = None if place else client.target
                note = _NOTES.get(floor, "")
                yield Result(
                    what, ours[size], "ms", floor, took[floor], target=target, note=note and f"{floor}: {note}"
                )
            yield from _against_peers(scale, folder, client, size, url)
        smallest, largest = min(ours), max(ours)
        growth = ours[largest] / ours[smallest]
        yield Result(f"{client.name} replay, growth from {smallest:,} to {largest:,}", growth, "x", limit=1.25)


def _against_floors(scale: Scale, folder: Path, client: Client, size: int, url: str) -> dict[str, float]:
    count = min(scale.requests, size) + _WARM_UP
    # From the first to the last of the cassette.
    picked = [number * size // count for number in range(count)]

    def floor(name: str) -> Callable[[int], float]:
        return lambda _number: _mean(client.timed(url, picked, name, _nothing))

    def ours(_number: int) -> float:
        with replaying("pytest-recorded", path_of(folder, "pytest-recorded", size)):
            return _mean(client.timed(url, picked, "", _nothing))

    variants = {**{name: floor(name) for name in client.floors}, "ours": ours}
    return {name: median(values) * 1e3 for name, values in interleaved(scale.rounds, variants).items()}


def _mean(took: list[float]) -> float:
    return sum(took[_WARM_UP:]) / (len(took) - _WARM_UP)


def _against_peers(scale: Scale, folder: Path, client: Client, size: int, url: str) -> Iterator[Result]:
    # A peer that looks through its whole cassette is asked a few questions only, at places all over the cassette.
    count = max(1, min(size, scale.slow_requests) // scale.few_rounds)

    def of(tool: str, match_on: tuple[str, ...] = ()) -> Callable[[int], float]:
        def timed(number: int) -> float:
            moved = number / (scale.few_rounds + 1)
            places = [1 + int((place + moved) * (size - 1) / count) for place in range(count)]
            with replaying(tool, path_of(folder, tool, size), match_on) as cassette:
                before = _played_before(cassette.play_counts) if tool == "vcrpy" else _nothing
                # The first one warms up.
                took = client.timed(url, [0, *places], "", before)[1:]
            return sum(took) / len(took)

        return timed

    variants = {
        "ours": of("pytest-recorded"),
        "vcrpy, default": of("vcrpy", DEFAULT),
        "vcrpy, with body": of("vcrpy", BODY),
        "cassetter, json_body": of("cassetter", JSON_BODY),
    }
    took = {name: median(values) * 1e3 for name, values in interleaved(scale.few_rounds, variants).items()}
    note = f"{count * scale.few_rounds} requests in all with each tool, at places all over the cassette"
    for name in list(variants)[1:]:
        yield Result(
            f"{client.name} replay, {size:,} interactions", took["ours"], "ms", name, took[name], target=1, note=note
        )


def _nothing(_number: int) -> None:
    pass


def _played_before(played: Any) -> Callable[[int], None]:
    """Return what makes vcrpy be where it is after all requests before one: what it has played it passes over."""

    def before(number: int) -> None:
        played.clear()
        played.update(range(number))

    return before
