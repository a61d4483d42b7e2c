"""Cohere's chat, version 2: messages as OpenAI's, content in parts, and events whose data says what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .asked import Answer
from .chat import talk_of
from .frames import event
from .mind import Turn, think

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .asked import Asked


def chat(asked: Asked, number: int) -> Answer:
    """Answer a request."""
    turn = think(talk_of(asked.json["messages"], asked.json.get("tools")), number)
    if asked.json.get("stream"):
        return Answer.streamed(*(event(e, e["type"]) for e in _events(turn)))
    said: dict[str, Any] = {"role": "assistant"}
    if turn.calls:
        said |= {"tool_plan": "I will look it up.", "tool_calls": [_call(call, call.text) for call in turn.calls]}
    else:
        said["content"] = [{"type": "text", "text": turn.text}]
    return Answer.of({"id": turn.id, "message": said, "finish_reason": _reason(turn), "usage": _usage(turn)})


def failed(status: int, message: str) -> Answer:
    """Return an error."""
    return Answer.of({"id": "e1", "message": message}, status)


def _call(call: Any, arguments: str) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _reason(turn: Turn) -> str:
    return "TOOL_CALL" if turn.calls else "COMPLETE"


def _usage(turn: Turn) -> dict[str, Any]:
    tokens = {"input_tokens": turn.input_tokens, "output_tokens": turn.output_tokens}
    return {"billed_units": tokens, "tokens": tokens, "cached_tokens": turn.cached_tokens}


def _events(turn: Turn) -> Iterator[dict[str, Any]]:
    begun = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    yield {"type": "message-start", "id": turn.id, "delta": {"message": begun}}
    if turn.calls:
        (call,) = turn.calls
        yield {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I will look it up."}}}
        yield {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": _call(call, "")}}}
        half = len(call.text) // 2
        for piece in (call.text[:half], call.text[half:]):
            delta = {"message": {"tool_calls": {"function": {"arguments": piece}}}}
            yield {"type": "tool-call-delta", "index": 0, "delta": delta}
        yield {"type": "tool-call-end", "index": 0}
    else:
        start = {"message": {"content": {"type": "text", "text": ""}}}
        yield {"type": "content-start", "index": 0, "delta": start}
        for word in turn.words:
            yield {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": word}}}}
        yield {"type": "content-end", "index": 0}
    yield {"type": "message-end", "delta": {"finish_reason": _reason(turn), "usage": _usage(turn)}}
