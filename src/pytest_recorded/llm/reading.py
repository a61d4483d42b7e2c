"""What an answer says, read from its plain form by one function for each; streams are folded to it first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .folding import METRICS
from .tree import arguments_of, at, count_of, joined, mapping, maps, said, total

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["fields_of"]


def fields_of(form: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of an `LLMCall` that a plain answer of a form says."""
    return {"response_model": said(at(body, "model")), **_READERS[form](body)}


def _tool(name: Any, arguments: Any) -> dict[str, Any]:
    return {"name": said(name), "arguments": arguments_of(arguments)}


def _reasons(values: list[Any]) -> list[str]:
    return [reason for value in values if (reason := said(value)) is not None]


def _by_index(choices: Any) -> list[dict[str, Any]]:
    return sorted(maps(choices), key=lambda choice: count_of(choice.get("index")) or 0)


def _chat(body: dict[str, Any]) -> dict[str, Any]:
    choices = _by_index(body.get("choices"))
    first = choices[0] if choices else {}
    message = mapping(first.get("message"))
    calls = [mapping(call.get("function")) for call in maps(message.get("tool_calls"))]
    if isinstance(old := message.get("function_call"), dict):
        calls.append(old)
    return {
        "text": said(_content(message.get("content")), message.get("refusal"), first.get("text")),
        "tool_calls": [_tool(call.get("name"), call.get("arguments")) for call in calls],
        "finish_reasons": _reasons([choice.get("finish_reason") or choice.get("stop_reason") for choice in choices]),
        **_usage(mapping(body.get("usage"))),
    }


def _content(content: Any) -> str | None:
    """Return the text of a content, which is one or has parts, some of them thoughts."""
    if not isinstance(content, list):
        return said(content)
    return joined([part.get("text") for part in maps(content) if part.get("type") in ("text", "output_text", None)])


def _usage(used: dict[str, Any]) -> dict[str, Any]:
    """Return the counts of OpenAI's: those of the cache and of reasoning are a part of the others."""
    asked, answered = used.get("prompt_tokens"), used.get("completion_tokens")
    reads = at(used, "prompt_tokens_details", "cached_tokens")
    reasoned = at(used, "completion_tokens_details", "reasoning_tokens")
    # xAI's reasoning is no part of what was completed; the sum tells.
    if reasoned and total(asked, answered, reasoned) == count_of(used.get("total_tokens")):
        answered = total(answered, reasoned)
    return {
        "input_tokens": count_of(asked),
        "output_tokens": count_of(answered),
        "cache_read_tokens": count_of(reads, used.get("prompt_cache_hit_tokens"), used.get("num_cached_tokens")),
        "cache_creation_tokens": count_of(at(used, "prompt_tokens_details", "cache_write_tokens")),
        "reasoning_tokens": count_of(reasoned, used.get("reasoning_tokens")),
    }


def _responses(body: dict[str, Any]) -> dict[str, Any]:
    items, used = maps(body.get("output")), mapping(body.get("usage"))
    parts = [part for item in items if item.get("type") == "message" for part in maps(item.get("content"))]
    refusals = [part.get("refusal") for part in parts if part.get("type") == "refusal"]
    status = body.get("status")
    reason = said(at(body, "incomplete_details", "reason"))
    return {
        "text": joined([p.get("text") for p in parts if p.get("type") == "output_text"]) or joined(refusals),
        "tool_calls": [_response_tool(item) for item in items if item.get("type") in _TOOL_ITEMS],
        "finish_reasons": [reason]
        if reason
        else [status]
        if status in ("completed", "incomplete", "cancelled")
        else [],
        "input_tokens": count_of(used.get("input_tokens")),
        "output_tokens": count_of(used.get("output_tokens")),
        "cache_read_tokens": count_of(at(used, "input_tokens_details", "cached_tokens")),
        "cache_creation_tokens": count_of(at(used, "input_tokens_details", "cache_write_tokens")),
        "reasoning_tokens": count_of(at(used, "output_tokens_details", "reasoning_tokens")),
    }


_TOOL_ITEMS: Final = ("function_call", "custom_tool_call")


def _response_tool(item: dict[str, Any]) -> dict[str, Any]:
    return _tool(item.get("name"), item.get("arguments", item.get("input")))


def _embeddings(body: dict[str, Any]) -> dict[str, Any]:
    return _usage(mapping(body.get("usage"))) | {"output_tokens": None}


def _anthropic(body: dict[str, Any]) -> dict[str, Any]:
    blocks, used = maps(body.get("content")), mapping(body.get("usage"))
    reads, writes = used.get("cache_read_input_tokens"), used.get("cache_creation_input_tokens")
    return {
        "text": joined([block.get("text") for block in blocks if block.get("type") == "text"]),
        "tool_calls": [_tool(b.get("name"), b.get("input")) for b in blocks if b.get("type") == "tool_use"],
        "finish_reasons": _reasons([body.get("stop_reason")]),
        "input_tokens": total(used.get("input_tokens"), reads, writes),
        "output_tokens": count_of(used.get("output_tokens")),
        "cache_read_tokens": count_of(reads),
        "cache_creation_tokens": count_of(writes),
        "reasoning_tokens": count_of(at(used, "output_tokens_details", "thinking_tokens")),
    }


def _gemini(body: dict[str, Any]) -> dict[str, Any]:
    candidates, used = _by_index(body.get("candidates")), mapping(body.get("usageMetadata"))
    parts = maps(at(candidates[0], "content", "parts")) if candidates else []
    calls = [part["functionCall"] for part in parts if isinstance(part.get("functionCall"), dict)]
    thoughts = used.get("thoughtsTokenCount")
    return {
        "response_model": said(body.get("modelVersion")),
        "text": joined([part.get("text") for part in parts if part.get("thought") is not True]),
        "tool_calls": [_tool(call.get("name"), call.get("args")) for call in calls],
        "finish_reasons": _reasons(
            [c.get("finishReason") for c in candidates] or [at(body, "promptFeedback", "blockReason")]
        ),
        "input_tokens": total(used.get("promptTokenCount"), used.get("toolUsePromptTokenCount")),
        "output_tokens": total(used.get("candidatesTokenCount"), thoughts),
        "cache_read_tokens": count_of(used.get("cachedContentTokenCount")),
        "reasoning_tokens": count_of(thoughts),
    }


def _gemini_embed(body: dict[str, Any]) -> dict[str, Any]:
    return {"input_tokens": count_of(at(body, "usageMetadata", "promptTokenCount"))}


def _converse(body: dict[str, Any]) -> dict[str, Any]:
    blocks, used = maps(at(body, "output", "message", "content")), mapping(body.get("usage"))
    uses = [block["toolUse"] for block in blocks if isinstance(block.get("toolUse"), dict)]
    reads = count_of(used.get("cacheReadInputTokens"), used.get("cacheReadInputTokenCount"))
    writes = count_of(used.get("cacheWriteInputTokens"), used.get("cacheWriteInputTokenCount"))
    return {
        "response_model": None,
        "text": joined([block.get("text") for block in blocks]),
        "tool_calls": [_tool(use.get("name"), use.get("input")) for use in uses],
        "finish_reasons": _reasons([body.get("stopReason")]),
        "input_tokens": total(used.get("inputTokens"), reads, writes),
        "output_tokens": count_of(used.get("outputTokens")),
        "cache_read_tokens": reads,
        "cache_creation_tokens": writes,
    }


def _invoke(body: dict[str, Any]) -> dict[str, Any]:
    """Read what a model of Bedrock's has said in its maker's form; the counts of Bedrock's where that has none."""
    fields = next((read(body) for name, read in _MAKERS if name in body), {})
    metrics = mapping(body.get(METRICS))
    counts = {
        "input_tokens": count_of(metrics.get("inputTokenCount")),
        "output_tokens": count_of(metrics.get("outputTokenCount")),
    }
    return counts | {name: value for name, value in fields.items() if value is not None}


def _llama(body: dict[str, Any]) -> dict[str, Any]:
    return {
        "text": said(body.get("generation")),
        "finish_reasons": _reasons([body.get("stop_reason")]),
        "input_tokens": count_of(body.get("prompt_token_count")),
        "output_tokens": count_of(body.get("generation_token_count")),
    }


def _titan(body: dict[str, Any]) -> dict[str, Any]:
    # A stream's pieces are the result itself.
    results = maps(body.get("results")) or [body]
    return {
        "text": said(results[0].get("outputText")),
        "finish_reasons": _reasons([result.get("completionReason") for result in results]),
        "input_tokens": count_of(body.get("inputTextTokenCount")),
        "output_tokens": total(*[r.get("tokenCount", r.get("totalOutputTextTokenCount")) for r in results]),
    }


def _mistral_text(body: dict[str, Any]) -> dict[str, Any]:
    outputs = maps(body.get("outputs"))
    texts = [output.get("text") for output in outputs]
    return {"text": said(*texts), "finish_reasons": _reasons([output.get("stop_reason") for output in outputs])}


# What a body of a maker's has, the telling names first.
_MAKERS: Final[tuple[tuple[str, Callable[[dict[str, Any]], dict[str, Any]]], ...]] = (
    ("choices", _chat),
    ("content", _anthropic),
    ("output", _converse),
    ("generation", _llama),
    ("results", _titan),
    ("outputText", _titan),
    ("outputs", _mistral_text),
    ("inputTextTokenCount", _titan),
)


def _ollama(body: dict[str, Any]) -> dict[str, Any]:
    calls = [mapping(call.get("function")) for call in maps(at(body, "message", "tool_calls"))]
    return {
        "text": said(at(body, "message", "content"), body.get("response")),
        "tool_calls": [_tool(call.get("name"), call.get("arguments")) for call in calls],
        "finish_reasons": _reasons([body.get("done_reason")]),
        "input_tokens": count_of(body.get("prompt_eval_count")),
        "output_tokens": count_of(body.get("eval_count")),
    }


def _cohere(body: dict[str, Any]) -> dict[str, Any]:
    message = mapping(body.get("message"))
    calls = [mapping(call.get("function")) for call in maps(message.get("tool_calls"))]
    return {
        "text": _content(message.get("content")),
        "tool_calls": [_tool(call.get("name"), call.get("arguments")) for call in calls],
        "finish_reasons": _reasons([body.get("finish_reason")]),
        **_billed(mapping(body.get("usage"))),
    }


def _cohere_v1(body: dict[str, Any]) -> dict[str, Any]:
    return {
        "text": said(body.get("text")),
        "tool_calls": [_tool(call.get("name"), call.get("parameters")) for call in maps(body.get("tool_calls"))],
        "finish_reasons": _reasons([body.get("finish_reason")]),
        **_billed(mapping(body.get("meta"))),
    }


def _cohere_embed(body: dict[str, Any]) -> dict[str, Any]:
    return _billed(mapping(body.get("meta"))) | {"output_tokens": None}


def _billed(used: dict[str, Any]) -> dict[str, Any]:
    """Return Cohere's counts: what is billed for, which is what OpenTelemetry asks for where both are told."""
    billed, tokens = mapping(used.get("billed_units")), mapping(used.get("tokens"))
    return {
        "input_tokens": count_of(billed.get("input_tokens"), tokens.get("input_tokens")),
        "output_tokens": count_of(billed.get("output_tokens"), tokens.get("output_tokens")),
        "cache_read_tokens": count_of(used.get("cached_tokens")),
    }


_READERS: Final[dict[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "chat": _chat,
    "completions": _chat,
    "responses": _responses,
    "embeddings": _embeddings,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "gemini_embed": _gemini_embed,
    "converse": _converse,
    "invoke": _invoke,
    "ollama": _ollama,
    "ollama_embed": _ollama,
    "cohere": _cohere,
    "cohere_v1": _cohere_v1,
    "cohere_embed": _cohere_embed,
}
