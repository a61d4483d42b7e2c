"""Bedrock's converse, in JSON and as an AWS event stream, and a model that is invoked in Anthropic's format."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import anthropic
from .asked import Answer
from .frames import compact, message
from .mind import Talk, Tool, Turn, think

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .asked import Asked

STREAM = "application/vnd.amazon.eventstream"


def converse(asked: Asked, number: int) -> Answer:
    """Answer a request."""
    turn = think(_talk(asked.json), number)
    blocks = [{"toolUse": _use(call) | {"input": call.arguments}} for call in turn.calls]
    said = {"message": {"role": "assistant", "content": blocks or [{"text": turn.text}]}}
    body = {"output": said, "stopReason": _reason(turn), "usage": _usage(turn), "metrics": {"latencyMs": 551}}
    return Answer.of(body, 200, ("x-amzn-requestid", f"00000000-0000-4000-8000-0000{turn.id}"))


def converse_stream(asked: Asked, number: int) -> Answer:
    """Answer a request with a stream, each event padded."""
    turn = think(_talk(asked.json), number)
    events = [
        message(kind, payload | {"p": "abcdefgh"[: place % 8]}) for place, (kind, payload) in enumerate(_events(turn))
    ]
    return Answer.streamed(*events, content_type=STREAM)


def invoke(asked: Asked, number: int) -> Answer:
    """Answer a model that is asked in Anthropic's format."""
    answer = anthropic.answer(asked, number)
    return replace(answer, headers=(("x-amzn-bedrock-input-token-count", "7"), *answer.headers))


def invoke_stream(asked: Asked, number: int) -> Answer:
    """Answer it with a stream: Anthropic's events as base64 in AWS's."""
    wanted = replace(asked, body=compact(asked.json | {"stream": True}))
    datas = [frame.partition(b"data: ")[2].strip() for frame in anthropic.answer(wanted, number).frames]
    events = [message("chunk", {"bytes": base64.b64encode(data).decode()}) for data in datas]
    return Answer.streamed(*events, content_type=STREAM)


def failed(status: int, text: str) -> Answer:
    """Return an error."""
    kind = "ThrottlingException" if status == 429 else "InternalServerException"
    return Answer.of({"message": text}, status, ("x-amzn-errortype", kind))


def _talk(body: dict[str, Any]) -> Talk:
    text, results = "", []
    for said in body["messages"]:
        told = [block["toolResult"]["content"] for block in said["content"] if "toolResult" in block]
        if said["role"] == "user" and not told:
            text, results = "".join(block.get("text", "") for block in said["content"]), []
        results += [str(one.get("text") or json.dumps(one.get("json"))) for content in told for one in content]
    specs = [tool["toolSpec"] for tool in (body.get("toolConfig") or {}).get("tools") or ()]
    return Talk(text, tuple(Tool(spec["name"], spec["inputSchema"]["json"]) for spec in specs), tuple(results))


def _use(call: Any) -> dict[str, Any]:
    return {"toolUseId": call.id, "name": call.name}


def _reason(turn: Turn) -> str:
    return "tool_use" if turn.calls else "end_turn"


def _usage(turn: Turn) -> dict[str, int]:
    """Return the usage of a turn: what was cached is counted beside the input, and is a part of the sum."""
    asked = turn.input_tokens - turn.cached_tokens
    used = {"inputTokens": asked, "outputTokens": turn.output_tokens, "totalTokens": turn.total_tokens}
    return {**used, "cacheReadInputTokens": turn.cached_tokens, "cacheWriteInputTokens": 0}


def _events(turn: Turn) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "messageStart", {"role": "assistant"}
    for call in turn.calls:
        yield "contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": _use(call)}}
        half = len(call.text) // 2
        for piece in (call.text[:half], call.text[half:]):
            yield "contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": piece}}}
    for word in turn.words:
        yield "contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": word}}
    yield "contentBlockStop", {"contentBlockIndex": 0}
    yield "messageStop", {"stopReason": _reason(turn)}
    yield "metadata", {"usage": _usage(turn), "metrics": {"latencyMs": 551}}
