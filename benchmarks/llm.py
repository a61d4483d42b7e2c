"""Reading a call of a language model from its HTTP exchange: beside parsing its JSON, and beside genai-prices."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import genai_prices

from pytest_recorded import HttpRequest, HttpResponse, llm

from .chat import chat_request
from .result import Result
from .timing import interleaved, median, per_call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .scale import Scale

__all__ = ["measure"]

_ANSWER_BYTES = 2_048
_WORDS = 100
_USED = {"prompt_tokens": 80, "completion_tokens": 400, "total_tokens": 480}
_HEAD = {"id": "chatcmpl-1", "created": 1_780_000_000, "model": "gpt-4o-mini-2024-07-18", "system_fingerprint": "fp_1"}


def measure(scale: Scale, folder: Path) -> Iterator[Result]:  # noqa: ARG001 - nothing is written
    """Measure what reading a call takes, plain and streamed, and what its price takes."""
    asked = json.dumps(chat_request(1)).encode()
    request = HttpRequest("POST", "https://api.openai.com/v1/chat/completions", (), asked)
    other = HttpRequest("POST", "https://api.example.com/v1/orders", (), asked)
    plain, streamed = (HttpResponse(200, "OK", (), content) for content in (_plain(), _streamed()))
    datas = [line[6:] for line in streamed.content.split(b"\n") if line.startswith(b"data: {")]
    call, day = llm.llm_call(request, plain), datetime(2026, 6, 1, tzinfo=UTC)
    variants: dict[str, Callable[[], Any]] = {
        "plain": lambda: llm.llm_call(request, plain),
        "streamed": lambda: llm.llm_call(request, streamed),
        "other": lambda: llm.llm_call(other, plain),
        "price": lambda: llm.price(call, day),
        "parse plain": lambda: (json.loads(asked), json.loads(plain.content)),
        "parse streamed": lambda: (json.loads(asked), [json.loads(data) for data in datas]),
        "peer": lambda: genai_prices.extract_usage(json.loads(plain.content), provider_id="openai", api_flavor="chat"),
    }
    calls = [()] * scale.calls
    rounds = {name: lambda _number, made=made: per_call(made, calls) for name, made in variants.items()}
    took = {name: median(times) * 1e6 for name, times in interleaved(scale.rounds, rounds).items()}
    what = f"a chat answer of {_ANSWER_BYTES:,} bytes read as an LLMCall"
    yield Result(what, took["plain"], "µs", "json.loads of both bodies", took["parse plain"], limit=100)
    yield Result(what, took["plain"], "µs", "genai-prices, extract_usage", took["peer"])
    events = f"the same as a stream of {_WORDS} events"
    yield Result(events, took["streamed"], "µs", "json.loads of each", took["parse streamed"], target=2)
    yield Result("a call of another API looked at", took["other"], "µs", limit=5)
    yield Result("the price of a call", took["price"], "µs", "genai-prices, extract_usage", took["peer"])


def _plain() -> bytes:
    """Return an answer as large as those of the other benchmarks."""

    def body(text: str) -> bytes:
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return json.dumps({**_HEAD, "object": "chat.completion", "choices": [choice], "usage": _USED}).encode()

    return body("x" * (_ANSWER_BYTES - len(body(""))))


def _streamed() -> bytes:
    def event(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {**_HEAD, "object": "chat.completion.chunk", "choices": [choice], **more}
        return b"data: " + json.dumps(chunk).encode() + b"\n\n"

    words = [event({"content": f"word{number} "}) for number in range(_WORDS - 1)]
    return b"".join([*words, event({}, "stop", usage=_USED), b"data: [DONE]\n\n"])
