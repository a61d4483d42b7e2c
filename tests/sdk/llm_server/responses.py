"""OpenAI's responses: items, and named events for each step of them."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from .asked import Answer
from .chat import CREATED, text_of
from .frames import event
from .mind import Talk, Tool, Turn, think

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .asked import Asked


def respond(asked: Asked, number: int) -> Answer:
    """Answer a request."""
    given = asked.json["input"]
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    last = max((place for place, item in enumerate(items) if item.get("role") == "user"), default=0)
    results = [str(item["output"]) for item in items[last:] if item.get("type") == "function_call_output"]
    tools = [Tool(tool["name"], tool.get("parameters") or {}) for tool in asked.json.get("tools") or ()]
    turn = think(Talk(text_of(items[last]["content"]), tuple(tools), tuple(results)), number)
    if not asked.json.get("stream"):
        return Answer.of(_response(asked, turn, "completed"), 200, ("x-request-id", f"req_{turn.id}"))
    numbers = count()
    events = _events(asked, turn)
    return Answer.streamed(*(event(e | {"sequence_number": next(numbers)}, e["type"]) for e in events))


def _response(asked: Asked, turn: Turn, status: str) -> dict[str, Any]:
    is_over = status == "completed"
    used = {
        "input_tokens": turn.input_tokens,
        "input_tokens_details": {"cached_tokens": turn.cached_tokens},
        "output_tokens": turn.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": turn.total_tokens,
    }
    return {
        "id": f"resp_{turn.id}",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": f"{asked.model}-2026",
        "output": [_item(turn, status)] if is_over else [],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": asked.json.get("tools") or [],
        "top_p": 1.0,
        "usage": used if is_over else None,
    }


def _item(turn: Turn, status: str) -> dict[str, Any]:
    if turn.calls:
        (call,) = turn.calls
        arguments = call.text if status == "completed" else ""
        item = {"id": f"fc_{turn.id}", "type": "function_call", "call_id": call.id, "name": call.name}
        return {**item, "arguments": arguments, "status": status}
    content = [_part(turn.text)] if status == "completed" else []
    return {"id": f"msg_{turn.id}", "type": "message", "role": "assistant", "status": status, "content": content}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}


def _events(asked: Asked, turn: Turn) -> Iterator[dict[str, Any]]:
    for kind in ("response.created", "response.in_progress"):
        yield {"type": kind, "response": _response(asked, turn, "in_progress")}
    yield {"type": "response.output_item.added", "output_index": 0, "item": _item(turn, "in_progress")}
    yield from _call(turn) if turn.calls else _text(turn)
    yield {"type": "response.output_item.done", "output_index": 0, "item": _item(turn, "completed")}
    yield {"type": "response.completed", "response": _response(asked, turn, "completed")}


def _call(turn: Turn) -> Iterator[dict[str, Any]]:
    (call,) = turn.calls
    where = {"item_id": f"fc_{turn.id}", "output_index": 0}
    half = len(call.text) // 2
    for piece in (call.text[:half], call.text[half:]):
        yield {"type": "response.function_call_arguments.delta", **where, "delta": piece, "obfuscation": turn.id}
    yield {"type": "response.function_call_arguments.done", **where, "name": call.name, "arguments": call.text}


def _text(turn: Turn) -> Iterator[dict[str, Any]]:
    where = {"item_id": f"msg_{turn.id}", "output_index": 0, "content_index": 0}
    yield {"type": "response.content_part.added", **where, "part": _part("")}
    for word in turn.words:
        yield {"type": "response.output_text.delta", **where, "delta": word, "logprobs": [], "obfuscation": turn.id}
    yield {"type": "response.output_text.done", **where, "text": turn.text, "logprobs": []}
    yield {"type": "response.content_part.done", **where, "part": _part(turn.text)}
