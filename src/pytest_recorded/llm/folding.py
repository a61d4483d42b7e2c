"""Streams folded: from the pieces of an answer to the one JSON body that would have come if it had not been streamed.

One function for each form. All of them sort the pieces by what they are pieces of, and put those of each together once,
so that the time grows with the stream. Pieces that do not look as they should are left out; a stream that was cut off
gives what it has said so far.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from .tree import arguments_of, at, mapping, maps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["METRICS", "fold_events"]

# What Bedrock adds to the last event of a model that is invoked.
METRICS: Final = "amazon-bedrock-invocationMetrics"

# Texts that come in pieces.
_GROWING: Final = frozenset(
    {
        "content", "refusal", "reasoning", "reasoning_content", "arguments", "text", "thinking", "signature",
        "partial_json", "input", "response", "generation", "outputText", "tool_plan",
    }
)  # fmt: skip
# What of a delta is put together by its own rules.
_OWN: Final = ("tool_calls", "function_call")

Pieces = dict[int, list[dict[str, Any]]]


def fold_events(form: str, events: list[Any]) -> Any:
    """Return the body that the events of a form would have been; the list of them if no form is known."""
    folded = _FOLDS.get(form)
    return events if folded is None else folded(maps(events))


def _merged(pieces: Iterable[dict[str, Any]], *but: str) -> dict[str, Any]:
    """Put pieces together: growing texts are joined, lists go on, of what is said again the last counts."""
    found: dict[str, list[Any]] = {}
    for piece in pieces:
        for name, value in piece.items():
            if name not in but:
                found.setdefault(name, []).append(value)
    return {name: _one(name, values) for name, values in found.items()}


def _one(name: str, values: list[Any]) -> Any:
    values = [value for value in values if value is not None]
    if name in _GROWING and all(isinstance(value, str) for value in values):
        return "".join(values) if values else None
    if any(isinstance(value, list) for value in values):
        return [item for value in values for item in _parts(value)]
    return values[-1] if values else None


def _parts(value: Any) -> list[Any]:
    """Return a content as parts: it may begin as a text and go on with parts, or the other way."""
    if isinstance(value, list):
        return value
    return [{"type": "text", "text": value}] if isinstance(value, str) and value else []


def _last(pieces: Iterable[dict[str, Any]], *but: str) -> dict[str, Any]:
    """Return what pieces say beside some names: of each the last that is not null."""
    found: dict[str, Any] = {}
    for piece in pieces:
        for name, value in piece.items():
            if name not in but and (value is not None or name not in found):
                found[name] = value
    return found


def _sorted_in(pieces: Pieces, index: Any, piece: Any) -> None:
    """Add a piece to those of its number; to the last one's where it has none."""
    number = index if type(index) is int else max(pieces, default=0)
    pieces.setdefault(number, []).append(mapping(piece))


def _in_order(slots: dict[int, Any]) -> list[Any]:
    return [slots[index] for index in sorted(slots)]


def _chat(events: list[dict[str, Any]]) -> dict[str, Any]:
    body = _last(events, "choices", "object", "obfuscation")
    if body.get("usage") is None and isinstance(used := at(body, "x_groq", "usage"), dict):
        body["usage"] = used
    choices: Pieces = {}
    for event in events:
        for choice in maps(event.get("choices")):
            _sorted_in(choices, choice.get("index"), choice)
    if not choices and "error" in body:
        return body
    return {**body, "object": "chat.completion", "choices": [_choice(n, choices[n]) for n in sorted(choices)]}


def _choice(number: int, pieces: list[dict[str, Any]]) -> dict[str, Any]:
    deltas = [mapping(piece.get("delta")) for piece in pieces]
    message = _merged(deltas, *_OWN)
    if calls := _calls([call for delta in deltas for call in maps(delta.get("tool_calls"))]):
        message["tool_calls"] = calls
    if old := [delta["function_call"] for delta in deltas if isinstance(delta.get("function_call"), dict)]:
        message["function_call"] = _merged(old)
    return {**_last(pieces, "delta"), "index": number, "message": message}


def _calls(pieces: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put the pieces of calls together; some servers number all of them 0, or none."""
    calls: Pieces = {}
    ids: dict[int, Any] = {}
    for piece in pieces:
        number, given = piece.get("index"), piece.get("id")
        if type(number) is not int:
            number = max(calls, default=-1) + (1 if given or at(piece, "function", "name") or not calls else 0)
        elif given and ids.get(number) not in (None, given):
            number = max(calls) + 1
        calls.setdefault(number, []).append(piece)
        if given:
            ids[number] = given
    return [_call(calls[number]) for number in sorted(calls)]


def _call(pieces: list[dict[str, Any]]) -> dict[str, Any]:
    # Some say of what they have said already that it is empty.
    told = [{name: value for name, value in piece.items() if value != ""} for piece in pieces]
    return {**_last(told, "function", "index"), "function": _merged([mapping(p.get("function")) for p in pieces])}


def _completions(events: list[dict[str, Any]]) -> dict[str, Any]:
    choices: Pieces = {}
    for event in events:
        for choice in maps(event.get("choices")):
            _sorted_in(choices, choice.get("index"), choice)
    body = _last(events, "choices", "obfuscation")
    return body if not choices and "error" in body else {**body, "choices": [*map(_merged, _in_order(choices))]}


def _responses(events: list[dict[str, Any]]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for event in events:
        if isinstance(response := event.get("response"), dict):
            body = {**body, **response}
        elif event.get("type") == "error" or "error" in event:
            body["error"] = event.get("error") or event
    return body if body.get("output") else {**body, "output": _items(events)}


def _items(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the items of a response that never came whole."""
    items: Pieces = {}
    deltas: Pieces = {}
    for event in events:
        kind, index = str(event.get("type")), event.get("output_index")
        if kind in ("response.output_item.added", "response.output_item.done"):
            _sorted_in(items, index, event.get("item"))
            if kind.endswith("done"):
                deltas.pop(index if type(index) is int else 0, None)
        elif kind.endswith(".delta"):
            _sorted_in(deltas, index, event)
    whole = {number: _last(pieces) for number, pieces in items.items()}
    for number, pieces in deltas.items():
        whole[number] = {**whole.get(number, {}), **_unfinished(pieces)}
    return _in_order(whole)


def _unfinished(deltas: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what has come of an item that was never done."""

    def told(*kinds: str) -> str:
        return "".join([piece["delta"] for piece in deltas if piece["type"] in kinds and type(piece["delta"]) is str])

    if arguments := told("response.function_call_arguments.delta", "response.custom_tool_call_input.delta"):
        return {"arguments": arguments}
    texts = {"output_text": told("response.output_text.delta"), "refusal": told("response.refusal.delta")}
    parts = [{"type": kind, kind.removeprefix("output_"): text} for kind, text in texts.items() if text]
    return {"content": parts} if parts else {}


def _anthropic(events: list[dict[str, Any]]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    blocks: Pieces = {}
    for event in events:
        kind, delta = event.get("type"), mapping(event.get("delta"))
        if kind == "message_start":
            body = dict(mapping(event.get("message")))
        elif kind == "content_block_start":
            _sorted_in(blocks, event.get("index"), event.get("content_block"))
        elif kind == "content_block_delta":
            cited = {"citations": [delta["citation"]]} if "citation" in delta else {}
            told = {name: value for name, value in delta.items() if name not in ("type", "citation")}
            _sorted_in(blocks, event.get("index"), {**told, **cited})
        elif kind == "message_delta":
            used = _last([mapping(body.get("usage")), mapping(event.get("usage"))])
            body = {**body, **delta, "usage": used}
        if "error" in event:
            body["error"] = event["error"]
    return {**body, "content": [*map(_block, _in_order(blocks))]} if body or blocks else body


def _block(pieces: list[dict[str, Any]]) -> dict[str, Any]:
    block = _merged(pieces)
    if text := block.pop("partial_json", None):
        block["input"] = arguments_of(text)
    return block


def _gemini(events: list[dict[str, Any]]) -> dict[str, Any]:
    candidates: Pieces = {}
    for event in events:
        for candidate in maps(event.get("candidates")):
            _sorted_in(candidates, candidate.get("index", 0), candidate)
    body = _last(events, "candidates", "usageMetadata")
    if candidates:
        body["candidates"] = [*map(_candidate, _in_order(candidates))]
    used = _last([mapping(event.get("usageMetadata")) for event in events])
    return {**body, "usageMetadata": used} if used else body


def _candidate(pieces: list[dict[str, Any]]) -> dict[str, Any]:
    contents = [mapping(piece.get("content")) for piece in pieces]
    parts = [part for content in contents for part in maps(content.get("parts"))]
    # A text goes on in the part before, if both are thought or both are said.
    runs = [(key, [*run]) for key, run in groupby(parts, _voice)]
    whole = [part for voice, run in runs for part in (run if voice is None else [_merged(run)])]
    return {**_last(pieces, "content"), "content": {**_last(contents), "parts": whole}}


def _voice(part: dict[str, Any]) -> bool | None:
    """Return whether a part is thought; None if it is no text."""
    return part.get("thought") is True if isinstance(part.get("text"), str) else None


def _converse(events: list[dict[str, Any]]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    role: Any = None
    blocks: Pieces = {}
    for event in events:
        role = at(event, "messageStart", "role") or role
        start, piece = mapping(event.get("contentBlockStart")), mapping(event.get("contentBlockDelta"))
        if start or piece:
            index = start.get("contentBlockIndex", piece.get("contentBlockIndex"))
            _sorted_in(blocks, index, start.get("start") or piece.get("delta"))
        body.update(_last([mapping(event.get(name)) for name in ("messageStop", "metadata")], "p"))
        body.update({name: event[name] for name in ("error", METRICS) if name in event})
    if not blocks and "stopReason" not in body:
        return body
    content = [*map(_content_block, _in_order(blocks))]
    return {"output": {"message": {"role": role or "assistant", "content": content}}, **body}


def _content_block(pieces: list[dict[str, Any]]) -> dict[str, Any]:
    block = _merged(pieces, "toolUse", "reasoningContent")
    if uses := [piece["toolUse"] for piece in pieces if isinstance(piece.get("toolUse"), dict)]:
        use = _merged(uses)
        block["toolUse"] = {**use, "input": arguments_of(use.get("input"))}
    if thoughts := [piece["reasoningContent"] for piece in pieces if isinstance(piece.get("reasoningContent"), dict)]:
        block["reasoningContent"] = {"reasoningText": _merged(thoughts)}
    return block


def _invoke(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what a model of Bedrock's has said in its maker's form, which its events tell."""
    metrics = _last([{METRICS: event[METRICS]} for event in events if METRICS in event])
    if any(event.get("type") == "message_start" for event in events):
        return {**_anthropic(events), **metrics}
    if any("contentBlockDelta" in event or "messageStop" in event for event in events):
        return {**_converse(events), **metrics}
    if any("choices" in event for event in events):
        return {**_chat(events), **metrics}
    return _merged(events)


def _ollama(events: list[dict[str, Any]]) -> dict[str, Any]:
    body = _merged(events, "message")
    messages = [event["message"] for event in events if isinstance(event.get("message"), dict)]
    return {**body, "message": _merged(messages)} if messages else body


def _cohere(events: list[dict[str, Any]]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    content: Pieces = {}
    calls: list[dict[str, Any]] = []
    plans: list[dict[str, Any]] = []
    for event in events:
        delta, index = mapping(event.get("delta")), event.get("index")
        message = mapping(delta.get("message"))
        body.update({name: event[name] for name in ("id", "error") if name in event})
        if isinstance(piece := message.get("content"), dict):
            _sorted_in(content, index, piece)
        if isinstance(call := message.get("tool_calls"), dict):
            calls.append({"index": index, **call})
        if message.get("tool_plan"):
            plans.append({"tool_plan": message["tool_plan"]})
        if event.get("type") == "message-end":
            body.update(delta)
    if not (content or calls or plans or "finish_reason" in body):
        return body
    told: dict[str, Any] = {"role": "assistant", **_merged(plans)}
    told |= {"content": [*map(_merged, _in_order(content))]} if content else {}
    told |= {"tool_calls": _calls(calls)} if calls else {}
    return {**body, "message": told}


def _cohere_v1(events: list[dict[str, Any]]) -> dict[str, Any]:
    texts = [{"text": event.get("text")} for event in events if event.get("event_type") == "text-generation"]
    names = ("generation_id", "finish_reason", "tool_calls", "error")
    told = _last([{name: event[name] for name in names if name in event} for event in events])
    whole = _last([mapping(event.get("response")) for event in events])
    return {**told, **_merged(texts), **whole}


_FOLDS: Final[dict[str, Callable[[list[dict[str, Any]]], dict[str, Any]]]] = {
    "chat": _chat,
    "completions": _completions,
    "responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "converse": _converse,
    "invoke": _invoke,
    "ollama": _ollama,
    "cohere": _cohere,
    "cohere_v1": _cohere_v1,
}
