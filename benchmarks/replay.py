"""Replaying an httpx call: against the client's own MockTransport, vcrpy and cassetter."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx

from .chat import BODY, DEFAULT, JSON_BODY, chat_request, path_of, recorded_by, replaying
from .result import Result
from .server import answer_to
from .timing import interleaved, median, per_call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .scale import Scale

__all__ = ["measure"]

_WARM_UP = 5
_BYTES = "MockTransport, bytes: its answer is ready; json: it is a dict, as in httpx's own documentation"
_HEADERS = {"server": "BaseHTTP/0.6 Python/3", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}


def _mocked(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, headers=_HEADERS, json=_CHAT)


def _mocked_bytes(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, headers={**_HEADERS, "content-type": "application/json"}, content=_BODY)


_BODY = answer_to("the sales")
_CHAT = json.loads(_BODY)


def measure(scale: Scale, folder: Path) -> Iterator[Result]:
    """Measure replays at each size, and how they grow with it."""
    ours = {}
    with httpx.Client() as client:
        for size in scale.interactions:
            url = recorded_by(folder, size)
            took = _against_mock(scale, folder, client, size, url)
            ours[size] = took["ours"]
            what = f"httpx replay of a chat, {size:,} interactions"
            yield Result(what, took["ours"], "ms", "MockTransport, json", took["mock"], target=1.5)
            yield Result(what, took["ours"], "ms", "MockTransport, bytes", took["mock of bytes"], note=_BYTES)
            what = f"  the same with AsyncClient, {size:,}"
            yield Result(what, took["async ours"], "ms", "MockTransport, json", took["async mock"], target=1.5)
            yield from _against_peers(scale, folder, client, size, url)
    smallest, largest = min(ours), max(ours)
    growth = ours[largest] / ours[smallest]
    yield Result(f"httpx replay, growth from {smallest:,} to {largest:,}", growth, "x", limit=1.25)


def _spread(size: int, count: int) -> list[int]:
    """Return the numbers of chats, from the first to the last of a cassette."""
    return [number * size // count for number in range(count)]


def _against_mock(scale: Scale, folder: Path, client: httpx.Client, size: int, url: str) -> dict[str, float]:
    path = path_of(folder, "pytest-recorded", size)
    picked = _spread(size, min(scale.requests, size) + _WARM_UP)

    def mock(_number: int, handler: Callable[[httpx.Request], httpx.Response] = _mocked) -> float:
        with httpx.Client(transport=httpx.MockTransport(handler)) as mocked:
            return _timed(mocked, url, picked)

    def ours(_number: int) -> float:
        with replaying("pytest-recorded", path):
            return _timed(client, url, picked)

    def async_mock(_number: int) -> float:
        return asyncio.run(_timed_async(url, picked, httpx.MockTransport(_mocked)))

    def async_ours(_number: int) -> float:
        with replaying("pytest-recorded", path):
            return asyncio.run(_timed_async(url, picked, None))

    variants = {
        "mock": mock,
        "mock of bytes": lambda number: mock(number, _mocked_bytes),
        "ours": ours,
        "async mock": async_mock,
        "async ours": async_ours,
    }
    return {name: median(values) * 1e3 for name, values in interleaved(scale.rounds, variants).items()}


def _timed(client: httpx.Client, url: str, picked: list[int]) -> float:
    questions = [(url, chat_request(number)) for number in picked]

    def ask(url: str, question: dict[str, Any]) -> None:
        client.post(url, json=question)

    per_call(ask, questions[:_WARM_UP])
    return per_call(ask, questions[_WARM_UP:])


async def _timed_async(url: str, picked: list[int], transport: httpx.AsyncBaseTransport | None) -> float:
    questions = [(url, chat_request(number)) for number in picked]
    loop = asyncio.get_running_loop()
    # Nothing here is encrypted, and to load certificates takes longer than all the rest.
    async with httpx.AsyncClient(transport=transport, verify=False) as client:
        for url_, question in questions[:_WARM_UP]:
            await client.post(url_, json=question)
        started = loop.time()
        for url_, question in questions[_WARM_UP:]:
            await client.post(url_, json=question)
        return (loop.time() - started) / (len(questions) - _WARM_UP)


def _against_peers(scale: Scale, folder: Path, client: httpx.Client, size: int, url: str) -> Iterator[Result]:
    # A peer that looks through its whole cassette is asked a few questions only, at places all over the cassette.
    count = max(1, min(size, scale.slow_requests) // scale.few_rounds)

    def of(tool: str, match_on: tuple[str, ...] = ()) -> Any:
        def timed(number: int) -> float:
            moved = number / (scale.few_rounds + 1)
            places = [1 + int((place + moved) * (size - 1) / count) for place in range(count)]
            with replaying(tool, path_of(folder, tool, size), match_on) as cassette:
                return _asked_at(client, url, places, cassette.play_counts if tool == "vcrpy" else None)

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
        yield Result(f"httpx replay, {size:,} interactions", took["ours"], "ms", name, took[name], note=note)


def _asked_at(client: httpx.Client, url: str, places: list[int], played: Any) -> float:
    """Return the seconds for a request, on average, as it is after all those before it in the cassette."""
    client.post(url, json=chat_request(0))
    total = 0.0
    for place in places:
        question = chat_request(place)
        if played is not None:
            # What vcrpy has played it passes over, one by one.
            played.clear()
            played.update(range(place))
        total += per_call(lambda question=question: client.post(url, json=question), [()])
    return total / len(places)
