"""Gemini's contents: candidates of parts; a stream is of whole answers, in lines that end as those of HTTP do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .asked import Answer
from .frames import event
from .mind import Talk, Tool, Turn, think

if TYPE_CHECKING:
    from .asked import Asked


def generate(asked: Asked, number: int) -> Answer:
    """Answer a request."""
    turn = think(_talk(asked.json), number)
    return Answer.of(_content(asked, turn, _parts(turn), is_last=True))


def stream(asked: Asked, number: int) -> Answer:
    """Answer a request with a stream."""
    turn = think(_talk(asked.json), number)
    parts = [*_parts(turn), {"text": ""}] if turn.calls else [{"text": word} for word in turn.words]
    answers = [_content(asked, turn, [part], is_last=part is parts[-1]) for part in parts]
    return Answer.streamed(*(event(answer, end=b"\r\n") for answer in answers))


def failed(status: int, message: str) -> Answer:
    """Return an error."""
    name = "RESOURCE_EXHAUSTED" if status == 429 else "INTERNAL"
    return Answer.of({"error": {"code": status, "message": message, "status": name}}, status)


def _talk(body: dict[str, Any]) -> Talk:
    text, results = "", []
    for content in body["contents"]:
        told = [part["functionResponse"]["response"] for part in content["parts"] if "functionResponse" in part]
        if content.get("role", "user") == "user" and not told:
            text, results = "".join(part.get("text", "") for part in content["parts"]), []
        results += [str(answer) for answer in told]
    declared = [one for tool in body.get("tools") or () for one in tool.get("functionDeclarations") or ()]
    tools = [Tool(one["name"], _schema(one)) for one in declared]
    return Talk(text, tuple(tools), tuple(results))


def _schema(declared: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a function, under the names that they have been sent by."""
    names = ("parameters", "parametersJsonSchema", "parameters_json_schema")
    return next((declared[name] for name in names if declared.get(name)), {})


def _parts(turn: Turn) -> list[dict[str, Any]]:
    calls = [{"functionCall": {"name": call.name, "args": call.arguments}} for call in turn.calls]
    return calls or [{"text": turn.text}]


def _content(asked: Asked, turn: Turn, parts: list[dict[str, Any]], *, is_last: bool) -> dict[str, Any]:
    candidate = {"content": {"parts": parts, "role": "model"}, "index": 0}
    said = turn.output_tokens if is_last else 1
    return {
        "candidates": [candidate | ({"finishReason": "STOP"} if is_last else {})],
        "usageMetadata": {
            "promptTokenCount": turn.input_tokens,
            "candidatesTokenCount": said,
            "cachedContentTokenCount": turn.cached_tokens,
            "totalTokenCount": turn.input_tokens + said,
        },
        "modelVersion": f"{asked.model}-2026",
        "responseId": turn.id,
    }
