"""Ollama's chat: a line of JSON for each piece, and the counts in the last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .asked import Answer
from .chat import talk_of
from .frames import line
from .mind import think

if TYPE_CHECKING:
    from .asked import Asked


def chat(asked: Asked, number: int) -> Answer:
    """Answer a request, which is streamed unless it says otherwise."""
    turn = think(talk_of(asked.json["messages"], asked.json.get("tools")), number)
    head = {"model": asked.model, "created_at": "2026-01-01T00:00:00.123456Z"}
    last = {
        "done": True,
        "done_reason": "stop",
        "total_duration": 5_191_566_416,
        "load_duration": 2_154_458,
        "prompt_eval_count": turn.input_tokens,
        "prompt_eval_duration": 383_809_000,
        "eval_count": turn.output_tokens,
        "eval_duration": 4_799_921_000,
    }
    calls = [{"function": {"name": call.name, "arguments": call.arguments}} for call in turn.calls]
    if not asked.json.get("stream", True):
        return Answer.of({**head, "message": _message(turn.text, calls), **last})
    pieces: list[dict[str, Any]] = [_message(word) for word in turn.words]
    pieces += [_message("", [call]) for call in calls]
    lines = [line({**head, "message": piece, "done": False}) for piece in pieces]
    end = line({**head, "message": _message(""), **last})
    return Answer.streamed(*lines, end, content_type="application/x-ndjson")


def failed(status: int, message: str) -> Answer:
    """Return an error."""
    return Answer.of({"error": message}, status)


def _message(text: str, calls: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"role": "assistant", "content": text} | ({"tool_calls": calls} if calls else {})
