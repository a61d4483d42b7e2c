"""OpenAI's chat completions, and what Groq, Mistral and Hugging Face have made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .asked import Answer
from .frames import KEEP_ALIVE, event
from .mind import Talk, Tool, Turn, think

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .asked import Asked

DONE = event(b"[DONE]")
CREATED = 1_767_225_600


def complete(asked: Asked, number: int) -> Answer:
    """Answer as OpenAI does: the usage of a stream only for those that have asked for it, in an event of its own."""
    if not asked.json.get("stream"):
        return _whole(asked, number)
    turn = _turn(asked, number)
    wants = asked.json.get("stream_options") or {}
    more = [event(_chunk(asked, turn) | {"choices": [], "usage": usage(turn)})] if wants.get("include_usage") else []
    return Answer.streamed(*KEEP_ALIVE, *_events(asked, turn), *more, DONE)


def complete_for_mistral(asked: Asked, number: int) -> Answer:
    """Answer as Mistral does: calls come whole, and the usage in the last event that has a choice."""
    if not asked.json.get("stream"):
        return _whole(asked, number)
    turn = _turn(asked, number)
    return Answer.streamed(*_events(asked, turn, {"usage": usage(turn)}, whole_calls=True), DONE)


def complete_for_groq(asked: Asked, number: int) -> Answer:
    """Answer as Groq does: the usage in an addition of its own to that event."""
    if not asked.json.get("stream"):
        return _whole(asked, number)
    turn = _turn(asked, number)
    return Answer.streamed(*_events(asked, turn, {"x_groq": {"id": f"req_{turn.id}", "usage": usage(turn)}}), DONE)


def failed(status: int, message: str) -> Answer:
    """Return an error."""
    kind = "rate_limit_exceeded" if status == 429 else "server_error"
    return Answer.of({"error": {"message": message, "type": kind, "param": None, "code": kind}}, status)


def failed_at_mistral(status: int, message: str) -> Answer:
    """Return an error of Mistral's."""
    return Answer.of({"object": "error", "message": message, "type": "service", "param": None, "code": None}, status)


def talk_of(messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None) -> Talk:
    """Return what a conversation of messages with roles says."""
    last = max((place for place, message in enumerate(messages) if message["role"] == "user"), default=0)
    results = [text_of(message["content"]) for message in messages[last:] if message["role"] == "tool"]
    offered = [tool.get("function") or {} for tool in tools or ()]
    return Talk(
        text_of(messages[last]["content"]),
        tuple(Tool(tool["name"], tool.get("parameters") or {}) for tool in offered),
        tuple(results),
    )


def text_of(content: Any) -> str:
    """Return the text of a message, which is one or has parts."""
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text") or part.get("content") or "") for part in content or ())


def usage(turn: Turn) -> dict[str, Any]:
    """Return the usage of a turn."""
    return {
        "prompt_tokens": turn.input_tokens,
        "completion_tokens": turn.output_tokens,
        "total_tokens": turn.total_tokens,
        "prompt_tokens_details": {"cached_tokens": turn.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def _turn(asked: Asked, number: int) -> Turn:
    return think(talk_of(asked.json["messages"], asked.json.get("tools")), number)


def _whole(asked: Asked, number: int) -> Answer:
    turn = _turn(asked, number)
    message: dict[str, Any] = {"role": "assistant", "content": turn.text or None}
    if turn.calls:
        message["tool_calls"] = [_call(call) for call in turn.calls]
    choice = {"index": 0, "message": message, "finish_reason": _reason(turn), "logprobs": None}
    return Answer.of(
        _chunk(asked, turn) | {"object": "chat.completion", "choices": [choice], "usage": usage(turn)},
        200,
        ("x-request-id", f"req_{turn.id}"),
    )


def _chunk(asked: Asked, turn: Turn) -> dict[str, Any]:
    head = {"id": f"chatcmpl-{turn.id}", "object": "chat.completion.chunk", "created": CREATED}
    return {**head, "model": f"{asked.model}-2026", "system_fingerprint": "fp_1"}


def _events(
    asked: Asked, turn: Turn, last: dict[str, Any] | None = None, *, whole_calls: bool = False
) -> Iterator[bytes]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return _chunk(asked, turn) | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield event(chunk({"role": "assistant", "content": ""}))
    for word in turn.words:
        yield event(chunk({"content": word}))
    for index, call in enumerate(turn.calls):
        first, *others = _pieces(call.text, whole=whole_calls)
        begun = {"index": index, **_call(call), "function": {"name": call.name, "arguments": first}}
        yield event(chunk({"tool_calls": [begun]}))
        for piece in others:
            yield event(chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}))
    yield event(chunk({}, _reason(turn)) | (last or {}))


def _pieces(arguments: str, *, whole: bool) -> tuple[str, ...]:
    half = len(arguments) // 2
    return (arguments,) if whole else (arguments[:half], arguments[half:])


def _call(call: Any) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.text}}


def _reason(turn: Turn) -> str:
    return "tool_calls" if turn.calls else "stop"
