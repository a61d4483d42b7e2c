"""Anthropic's messages: blocks, and named events for each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .asked import Answer
from .chat import text_of
from .frames import event
from .mind import Talk, Tool, Turn, think

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .asked import Asked


def answer(asked: Asked, number: int) -> Answer:
    """Answer a request."""
    turn = think(_talk(asked.json), number)
    if asked.json.get("stream"):
        return Answer.streamed(*(event(e, e["type"]) for e in _events(asked, turn)))
    blocks = [_block(call) | {"input": call.arguments} for call in turn.calls]
    content = blocks or [{"type": "text", "text": turn.text}]
    message = _message(asked, turn) | {"content": content, "stop_reason": _reason(turn), "usage": _usage(turn)}
    return Answer.of(message, 200, ("request-id", f"req_{turn.id}"))


def failed(status: int, message: str) -> Answer:
    """Return an error."""
    kind = "rate_limit_error" if status == 429 else "api_error"
    return Answer.of({"type": "error", "error": {"type": kind, "message": message}, "request_id": None}, status)


def _talk(body: dict[str, Any]) -> Talk:
    text, results = "", []
    for message in body["messages"]:
        blocks = message["content"] if isinstance(message["content"], list) else []
        told = [text_of(block.get("content")) for block in blocks if block["type"] == "tool_result"]
        if message["role"] == "user" and not told:
            text, results = text_of(message["content"]), []
        results += told
    tools = [Tool(tool["name"], tool.get("input_schema") or {}) for tool in body.get("tools") or ()]
    return Talk(text, tuple(tools), tuple(results))


def _message(asked: Asked, turn: Turn) -> dict[str, Any]:
    head = {"id": f"msg_{turn.id}", "type": "message", "role": "assistant", "model": asked.model, "content": []}
    return {**head, "stop_reason": None, "stop_sequence": None, "usage": _usage(turn) | {"output_tokens": 1}}


def _usage(turn: Turn) -> dict[str, int]:
    return {
        "input_tokens": turn.input_tokens - turn.cached_tokens,
        "cache_read_input_tokens": turn.cached_tokens,
        "cache_creation_input_tokens": 0,
        "output_tokens": turn.output_tokens,
    }


def _block(call: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}


def _reason(turn: Turn) -> str:
    return "tool_use" if turn.calls else "end_turn"


def _events(asked: Asked, turn: Turn) -> Iterator[dict[str, Any]]:
    yield {"type": "message_start", "message": _message(asked, turn)}
    yield {"type": "content_block_start", "index": 0, "content_block": _start(turn)}
    yield {"type": "ping"}
    for word in turn.words:
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
    for call in turn.calls:
        half = len(call.text) // 2
        for piece in (call.text[:half], call.text[half:]):
            delta = {"type": "input_json_delta", "partial_json": piece}
            yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    reason = {"stop_reason": _reason(turn), "stop_sequence": None}
    yield {"type": "message_delta", "delta": reason, "usage": _usage(turn)}
    yield {"type": "message_stop"}


def _start(turn: Turn) -> dict[str, Any]:
    return _block(turn.calls[0]) if turn.calls else {"type": "text", "text": ""}
