"""Streams folded: from the pieces of an answer to the one JSON body that would have come if it had not been streamed.

One function for each form. Pieces that do not look as they should are left out; a stream that was cut off gives what it
has said so far.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .tree import arguments_of, at, mapping, maps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["METRICS", "fold_events"]

# Texts that come in pieces.
_GROWING: Final = frozenset(
    {"content", "refusal", "reasoning", "reasoning_content", "arguments", "text", "thinking", "signature", "response"}
)
# Where the pieces of an input are until they are all there.
_PIECES: Final = " pieces"
# What of a delta is put together by its own rules.
_OWN: Final = ("tool_calls", "function_call")
# What Bedrock adds to the last event of a model that is invoked.
METRICS: Final = "amazon-bedrock-invocationMetrics"


def fold_events(form: str, events: list[Any]) -> Any:
    """Return the body that the events of a form would have been; the list of them if no form is known."""
    folded = _FOLDS.get(form)
    return events if folded is None else folded(maps(events))


def _grown(into: dict[str, Any], piece: dict[str, Any]) -> dict[str, Any]:
    """Add a piece to what has come: growing texts are joined, lists go on, what is said again replaces."""
    for name, value in piece.items():
        old = into.get(name)
        if value is None and name in into:
            continue
        if name in _GROWING and isinstance(value, str):
            into[name] = [*old, {"type": "text", "text": value}] if isinstance(old, list) else (_text(old) + value)
        elif isinstance(value, list):
            into[name] = [*_parts(old), *value]
        else:
            into[name] = value
    return into


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _parts(value: Any) -> list[Any]:
    """Return what a list goes on from, which may have begun as a text."""
    if isinstance(value, list):
        return value
    return [{"type": "text", "text": value}] if isinstance(value, str) and value else []


def _number(slots: dict[int, dict[str, Any]], index: Any) -> int:
    """Return the number of a piece; the last one where none is said."""
    return index if type(index) is int else max(slots, default=0)


def _slot(slots: dict[int, dict[str, Any]], index: Any) -> dict[str, Any]:
    """Return what has come of the thing of a number."""
    return slots.setdefault(_number(slots, index), {})


def _in_order(slots: dict[int, Any]) -> list[Any]:
    return [slots[index] for index in sorted(slots)]


def _last(events: Iterable[dict[str, Any]], *but: str) -> dict[str, Any]:
    """Return what events say beside some names: the last of each that is not null."""
    found: dict[str, Any] = {}
    for event in events:
        for name, value in event.items():
            if name not in but and (value is not None or name not in found):
                found[name] = value
    return found


def _chat(events: list[dict[str, Any]]) -> dict[str, Any]:
    body = _last(events, "choices", "object", "obfuscation")
    if body.get("usage") is None and isinstance(used := at(body, "x_groq", "usage"), dict):
        body["usage"] = used
    choices: dict[int, dict[str, Any]] = {}
    calls: dict[int, dict[int, dict[str, Any]]] = {}
    for event in events:
        for choice in maps(event.get("choices")):
            index = _number(choices, choice.get("index"))
            slot = choices.setdefault(index, {"index": index})
            delta = mapping(choice.get("delta"))
            for piece in maps(delta.get("tool_calls")):
                _call(calls.setdefault(index, {}), piece)
            message = slot.setdefault("message", {})
            _grown(message, {name: value for name, value in delta.items() if name not in _OWN})
            if isinstance(old := delta.get("function_call"), dict):
                _grown(message.setdefault("function_call", {}), old)
            if choice.get("finish_reason") is not None:
                slot["finish_reason"] = choice["finish_reason"]
    for index, made in calls.items():
        choices[index]["message"]["tool_calls"] = _in_order(made)
    if not choices and "error" in body:
        return body
    return {**body, "object": "chat.completion", "choices": _in_order(choices)}


def _call(calls: dict[int, dict[str, Any]], piece: dict[str, Any]) -> None:
    """Add a piece to the call that it is of; some servers number all of them 0, or none."""
    index, given = piece.get("index"), piece.get("id")
    if type(index) is not int:
        index = max(calls, default=-1) + (1 if given or at(piece, "function", "name") or not calls else 0)
    elif given and calls.get(index, {}).get("id") not in (None, given):
        index = max(calls) + 1
    call = calls.setdefault(index, {})
    function = mapping(piece.get("function"))
    others = {name: value for name, value in piece.items() if name not in ("function", "index")}
    call.update({name: value for name, value in others.items() if value not in (None, "")})
    into = call.setdefault("function", {})
    if isinstance(whole := function.get("arguments"), dict):
        into["arguments"] = whole
        function = {name: value for name, value in function.items() if name != "arguments"}
    _grown(into, {name: value for name, value in function.items() if value not in (None, "")})


def _completions(events: list[dict[str, Any]]) -> dict[str, Any]:
    choices: dict[int, dict[str, Any]] = {}
    for event in events:
        for choice in maps(event.get("choices")):
            _grown(_slot(choices, choice.get("index")), choice)
    body = _last(events, "choices", "obfuscation")
    return body if not choices and "error" in body else {**body, "choices": _in_order(choices)}


def _responses(events: list[dict[str, Any]]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    items: dict[int, dict[str, Any]] = {}
    for event in events:
        kind = str(event.get("type"))
        if isinstance(response := event.get("response"), dict):
            body = {**body, **response}
        elif kind == "response.output_item.done":
            items[_index(event, items)] = mapping(event.get("item"))
        elif kind == "response.output_item.added":
            items.setdefault(_index(event, items), dict(mapping(event.get("item"))))
        elif kind.endswith(".delta"):
            _item_grown(_slot(items, event.get("output_index")), kind, event)
        elif kind == "error" or "error" in event:
            body["error"] = event.get("error") or event
    if not body.get("output"):
        body["output"] = _in_order(items)
    return body


def _index(event: dict[str, Any], slots: dict[int, Any]) -> int:
    index = event.get("output_index")
    return index if type(index) is int else max(slots, default=-1) + 1


def _item_grown(item: dict[str, Any], kind: str, event: dict[str, Any]) -> None:
    """Add a piece to an item that may never be done."""
    delta = _text(event.get("delta"))
    if kind == "response.function_call_arguments.delta":
        item["arguments"] = _text(item.get("arguments")) + delta
    elif kind in ("response.output_text.delta", "response.refusal.delta"):
        name, part = ("text", "output_text") if "text" in kind else ("refusal", "refusal")
        content = item["content"] = maps(item.get("content"))
        if not content or content[-1].get("type") != part or content[-1].get("_place") != event.get("content_index"):
            content.append({"type": part, name: "", "_place": event.get("content_index")})
        content[-1][name] = _text(content[-1].get(name)) + delta


def _anthropic(events: list[dict[str, Any]]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    for event in events:
        kind, delta = event.get("type"), mapping(event.get("delta"))
        if kind == "message_start":
            body = dict(mapping(event.get("message")))
        elif kind == "content_block_start":
            _slot(blocks, event.get("index")).update(mapping(event.get("content_block")))
        elif kind == "content_block_delta":
            _block_grown(_slot(blocks, event.get("index")), delta)
        elif kind == "message_delta":
            used = {name: value for name, value in mapping(event.get("usage")).items() if value is not None}
            body = {**body, **delta, "usage": {**mapping(body.get("usage")), **used}}
        if "error" in event:
            body["error"] = event["error"]
    for block in blocks.values():
        if text := block.pop(_PIECES, None):
            block["input"] = arguments_of(text)
    return {**body, "content": _in_order(blocks)} if body or blocks else body


def _block_grown(block: dict[str, Any], delta: dict[str, Any]) -> None:
    if isinstance(piece := delta.get("partial_json"), str):
        block[_PIECES] = _text(block.get(_PIECES)) + piece
    elif isinstance(cited := delta.get("citation"), dict):
        block["citations"] = [*_parts(block.get("citations")), cited]
    else:
        _grown(block, {name: value for name, value in delta.items() if name != "type"})


def _gemini(events: list[dict[str, Any]]) -> dict[str, Any]:
    candidates: dict[int, dict[str, Any]] = {}
    used: dict[str, Any] = {}
    for event in events:
        used.update({name: value for name, value in mapping(event.get("usageMetadata")).items() if value is not None})
        for candidate in maps(event.get("candidates")):
            index = candidate.get("index", 0)
            slot = _slot(candidates, index)
            content = mapping(candidate.get("content"))
            parts = maps(at(slot, "content", "parts"))
            for part in maps(content.get("parts")):
                _part(parts, part)
            slot.update({name: value for name, value in candidate.items() if value is not None})
            slot["content"] = {**mapping(slot.get("content")), **content, "parts": parts}
    body = _last(events, "candidates", "usageMetadata")
    if candidates:
        body["candidates"] = _in_order(candidates)
    return {**body, "usageMetadata": used} if used else body


def _part(parts: list[dict[str, Any]], part: dict[str, Any]) -> None:
    """Add a part; a text goes on in the one before, if both are thought or both are said."""
    text, last = part.get("text"), parts[-1] if parts else {}
    if isinstance(text, str) and isinstance(last.get("text"), str) and last.get("thought") == part.get("thought"):
        parts[-1] = {**last, **part, "text": last["text"] + text}
    else:
        parts.append(part)


def _converse(events: list[dict[str, Any]]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    role: Any = "assistant"
    blocks: dict[int, dict[str, Any]] = {}
    for event in events:
        role = at(event, "messageStart", "role") or role
        start = mapping(event.get("contentBlockStart"))
        piece = mapping(event.get("contentBlockDelta"))
        if isinstance(use := at(start, "start", "toolUse"), dict):
            _slot(blocks, start.get("contentBlockIndex"))["toolUse"] = {**use, "input": ""}
        elif piece:
            _block(_slot(blocks, piece.get("contentBlockIndex")), mapping(piece.get("delta")))
        told = (event.get("messageStop"), event.get("metadata"))
        body.update({k: v for part in told for k, v in mapping(part).items() if k != "p"})
        body.update({name: event[name] for name in ("error", METRICS) if name in event})
    for block in blocks.values():
        if isinstance(use := block.get("toolUse"), dict):
            use["input"] = arguments_of(use.get("input"))
    if not blocks and "stopReason" not in body:
        return body
    return {"output": {"message": {"role": role, "content": _in_order(blocks)}}, **body}


def _block(block: dict[str, Any], delta: dict[str, Any]) -> None:
    if isinstance(text := delta.get("text"), str):
        block["text"] = _text(block.get("text")) + text
    if isinstance(piece := at(delta, "toolUse", "input"), str):
        use = block["toolUse"] = mapping(block.get("toolUse"))
        use["input"] = _text(use.get("input")) + piece
    if isinstance(thought := at(delta, "reasoningContent", "text"), str):
        told = block.setdefault("reasoningContent", {"reasoningText": {"text": ""}})["reasoningText"]
        told["text"] += thought


def _invoke(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what a model of Bedrock's has said in its maker's form, which its events tell."""
    metrics = {name: event[name] for event in events for name in (METRICS,) if name in event}
    if any(event.get("type") == "message_start" for event in events):
        return {**_anthropic(events), **metrics}
    if any("contentBlockDelta" in event or "messageStop" in event for event in events):
        return {**_converse(events), **metrics}
    if any("choices" in event for event in events):
        return {**_chat(events), **metrics}
    names = ("generation", "outputText")
    body = _last(events, *names)
    for name in names:
        if any(name in event for event in events):
            body[name] = "".join([_text(event.get(name)) for event in events])
    return body


def _ollama(events: list[dict[str, Any]]) -> dict[str, Any]:
    body = _last(events, "message", "response", "thinking")
    for name in ("response", "thinking"):
        if any(name in event for event in events):
            body[name] = "".join([_text(event.get(name)) for event in events])
    messages = [event["message"] for event in events if isinstance(event.get("message"), dict)]
    if messages:
        message: dict[str, Any] = {}
        for piece in messages:
            _grown(message, piece)
        body["message"] = message
    return body


def _cohere(events: list[dict[str, Any]]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    content: dict[int, dict[str, Any]] = {}
    calls: dict[int, dict[str, Any]] = {}
    plan = ""
    for event in events:
        delta, index = mapping(event.get("delta")), event.get("index")
        message = mapping(delta.get("message"))
        if isinstance(event.get("id"), str):
            body["id"] = event["id"]
        if isinstance(piece := message.get("content"), dict):
            _grown(_slot(content, index), piece)
        if isinstance(call := message.get("tool_calls"), dict):
            _call(calls, {"index": index, **call})
        plan += _text(message.get("tool_plan"))
        if event.get("type") == "message-end":
            body.update(delta)
        if "error" in event:
            body["error"] = event["error"]
    if not (content or calls or plan or "finish_reason" in body):
        return body
    told: dict[str, Any] = {"role": "assistant"}
    told |= {"tool_plan": plan} if plan else {}
    told |= {"content": _in_order(content)} if content else {}
    told |= {"tool_calls": _in_order(calls)} if calls else {}
    return {**body, "message": told}


def _cohere_v1(events: list[dict[str, Any]]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    pieces: list[str] = []
    for event in events:
        if event.get("event_type") == "text-generation":
            pieces.append(_text(event.get("text")))
        body.update(mapping(event.get("response")))
        body.update({k: event[k] for k in ("generation_id", "finish_reason", "tool_calls", "error") if k in event})
    return body if "text" in body else {**body, "text": "".join(pieces)}


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
