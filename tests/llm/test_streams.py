"""A streamed answer says what the plain one says; each pair here is one answer in both forms."""

from __future__ import annotations

import base64
import binascii
import json
import struct

import pytest

from pytest_recorded import llm

MESSAGES = [{"role": "user", "content": "Hi"}]
CHAT = ("/v1/chat/completions", {"model": "m", "messages": MESSAGES})
RESPONSES = ("/v1/responses", {"model": "m", "input": "Hi"})
COMPLETIONS = ("/v1/completions", {"model": "m", "prompt": "Once"})
ANTHROPIC = ("/v1/messages", {"model": "m", "messages": MESSAGES, "max_tokens": 9})
GEMINI = ("/v1beta/models/g:generateContent", {"contents": []})
CONVERSE = ("/model/m/converse", {"messages": []})
INVOKE = ("/model/m/invoke", {"messages": []})
OLLAMA = ("/api/chat", {"model": "m", "messages": MESSAGES})
GENERATE = ("/api/generate", {"model": "m", "prompt": "Hi"})
COHERE = ("/v2/chat", {"model": "m", "messages": MESSAGES})
COHERE_V1 = ("/v1/chat", {"message": "Hi"})


def sse(*events, end="\n"):
    datas = [event if isinstance(event, str) else json.dumps(event) for event in events]
    return "".join(f"data: {data}{end}{end}" for data in datas).encode()


def ndjson(*lines):
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def frame(payload, **headers):
    """Return a frame of Amazon's."""
    # A header that is no text, and has to be skipped.
    packed = bytes([4]) + b"when" + b"\x08" + b"\xff" * 8
    packed += b"".join(
        bytes([len(name) + 1]) + b":" + name.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
        for name, value in ((name.replace("_", "-"), value) for name, value in headers.items())
    )
    body = json.dumps(payload).encode()
    prelude = struct.pack("!II", 16 + len(packed) + len(body), len(packed))
    whole = prelude + struct.pack("!I", binascii.crc32(prelude)) + packed + body
    return whole + struct.pack("!I", binascii.crc32(whole))


def frames(*events):
    return b"".join(frame(payload, event_type=name) for event in events for name, payload in event.items())


def chunks(*events):
    return frames(*({"chunk": {"bytes": base64.b64encode(json.dumps(event).encode()).decode()}} for event in events))


def delta(index=0, finish=None, **said):
    return {"id": "c", "model": "m-1", "choices": [{"index": index, "delta": said, "finish_reason": finish}]}


def piece(index, arguments, name=None, **more):
    return {"index": index, **more, "function": {"arguments": arguments} | ({"name": name} if name else {})}


USED = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14, "prompt_tokens_details": {"cached_tokens": 4}}


def choice(index=0, finish="stop", **said):
    return {"index": index, "message": {"role": "assistant", **said}, "finish_reason": finish}


def completion(*choices, **more):
    return {"id": "c", "model": "m-1", "choices": [*choices], **more}


def function(name, arguments):
    return {"type": "function", "function": {"name": name, "arguments": arguments}}


def gemini(*parts, **more):
    return {"candidates": [{"content": {"role": "model", "parts": [*parts]}, **more}], "modelVersion": "g-1"}


def item(number, **more):
    return {"type": "response.output_item.done", "output_index": number, "item": more}


def block(number, kind, **more):
    return {"type": f"content_block_{kind}", "index": number, **more}


PAIRS = {
    "a chat, with its usage in an event without choices": (
        CHAT,
        completion(choice(content="Hello you"), usage=USED),
        sse(delta(role="assistant", content=""), delta(content="Hello"), delta(content=" you"), delta(finish="stop"),
            {"id": "c", "model": "m-1", "choices": [], "usage": USED}, "[DONE]"),
    ),
    "a chat of several choices, whose pieces come in any order": (
        CHAT,
        completion(choice(0, content="ab"), choice(1, "length", content="xy")),
        sse(delta(1, content="x"), delta(0, content="a"), delta(1, content="y", finish="length"), delta(0, content="b"),
            delta(0, finish="stop")),
    ),
    "tools, whose pieces come in any order": (
        CHAT,
        completion(choice(0, "tool_calls", tool_calls=[function("f", '{"a": 1}'), function("g", '{"b": "é"}')])),
        sse(delta(tool_calls=[piece(1, "", "g", id="2")]), delta(tool_calls=[piece(0, '{"a"', "f", id="1")]),
            delta(tool_calls=[piece(1, '{"b": '), piece(0, ": 1}")]), delta(tool_calls=[piece(1, '"é"}')]),
            delta(finish="tool_calls")),
    ),
    "tools that are all numbered 0, and told apart by their ids": (
        CHAT,
        completion(choice(0, tool_calls=[function("f", "{}"), function("g", '{"b": 2}')])),
        sse(delta(tool_calls=[piece(0, "{}", "f", id="1"), piece(0, '{"b": 2}', "g", id="2")]), delta(finish="stop")),
    ),
    "tools without numbers": (
        CHAT,
        completion(choice(0, tool_calls=[function("f", '{"a": 1}'), function("g", "{}")])),
        sse(delta(tool_calls=[{"id": "1", "function": {"name": "f", "arguments": '{"a"'}}]),
            delta(tool_calls=[{"function": {"arguments": ": 1}"}}]),
            delta(tool_calls=[{"id": "2", "function": {"name": "g", "arguments": "{}"}}]), delta(finish="stop")),
    ),
    "a tool whose arguments are no JSON, and one without any": (
        CHAT,
        completion(choice(0, tool_calls=[function("f", '{"a": '), {"function": {"name": "g"}}])),
        sse(delta(tool_calls=[piece(0, '{"a"', "f"), piece(0, ": ")]), delta(tool_calls=[piece(1, None, "g")]),
            delta(finish="stop")),
    ),
    "a function call of the old kind": (
        CHAT,
        completion(choice(0, "function_call", content=None, function_call={"name": "f", "arguments": '{"a": 1}'})),
        sse(delta(function_call={"name": "f", "arguments": '{"a"'}), delta(function_call={"arguments": ": 1}"}),
            delta(finish="function_call")),
    ),
    "a refusal": (
        CHAT,
        completion(choice(content=None, refusal="I will not.")),
        sse(delta(content=None, refusal="I "), delta(refusal="will not."), delta(finish="stop")),
    ),
    "thoughts of Mistral's, which are parts of the content": (
        CHAT,
        completion(choice(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
                                   {"type": "text", "text": "Hello"}])),
        sse(delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]), delta(content="Hel"),
            delta(content="lo", finish="stop")),
    ),
    "thoughts of DeepSeek's": (
        CHAT,
        completion(choice(content="4", reasoning_content="2 + 2")),
        sse(delta(reasoning_content="2 + "), delta(reasoning_content="2"), delta(content="4", finish="stop")),
    ),
    "the usage of Groq's": (
        CHAT,
        completion(choice(content="Hello"), usage=USED, x_groq={"id": "r"}),
        sse(delta(content="Hello"), delta(finish="stop") | {"x_groq": {"id": "r", "usage": USED}}),
    ),
    "halves of one character in two pieces": (
        CHAT,
        completion(choice(content="🏛")),
        rb'data: {"model": "m-1", "choices": [{"index": 0, "delta": {"content": "\ud83c"}}]}' + b"\n\n"
        rb'data: {"choices": [{"index": 0, "delta": {"content": "\udfdb"}, "finish_reason": "stop"}]}' + b"\n\n",
    ),
    "a completion": (
        COMPLETIONS,
        {"model": "m-1", "choices": [{"index": 0, "text": "upon a", "finish_reason": "length"}], "usage": USED},
        sse({"model": "m-1", "choices": [{"index": 0, "text": "upon", "finish_reason": None}]},
            {"choices": [{"index": 0, "text": " a", "finish_reason": "length"}]}, {"choices": [], "usage": USED}),
    ),
    "a response, which comes whole when it is completed": (
        RESPONSES,
        {"object": "response", "status": "completed", "model": "m-1", "usage": {"input_tokens": 3, "output_tokens": 2},
         "output": [{"type": "reasoning", "summary": []},
                    {"type": "message", "content": [{"type": "output_text", "text": "Hello"}]},
                    {"type": "function_call", "name": "f", "arguments": '{"a": 1}'}]},
        sse({"type": "response.created", "response": {"object": "response", "status": "in_progress", "output": []}},
            {"type": "response.output_text.delta", "output_index": 1, "delta": "Hel", "obfuscation": "xx"},
            {"type": "response.completed", "response": {
                "object": "response", "status": "completed", "model": "m-1",
                "usage": {"input_tokens": 3, "output_tokens": 2},
                "output": [{"type": "reasoning", "summary": []},
                           {"type": "message", "content": [{"type": "output_text", "text": "Hello"}]},
                           {"type": "function_call", "name": "f", "arguments": '{"a": 1}'}]}}),
    ),
    "a response that is not complete": (
        RESPONSES,
        {"object": "response", "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"},
         "output": [{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}]},
        sse({"type": "response.incomplete", "response": {
            "object": "response", "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"},
            "output": []}}, item(0, type="message", content=[{"type": "refusal", "refusal": "No."}])),
    ),
    "a message of Anthropic's with a thought, two texts and a tool": (
        ANTHROPIC,
        {"type": "message", "model": "m-1", "stop_reason": "tool_use",
         "content": [{"type": "thinking", "thinking": "Hm", "signature": "s"}, {"type": "text", "text": "One "},
                     {"type": "text", "text": "two"}, {"type": "tool_use", "name": "f", "input": {"a": [1]}},
                     {"type": "tool_use", "name": "g", "input": {}}],
         "usage": {"input_tokens": 3, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 20,
                   "output_tokens": 7}},
        sse({"type": "message_start", "message": {
                "type": "message", "model": "m-1", "content": [], "stop_reason": None,
                "usage": {"input_tokens": 3, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 20,
                          "output_tokens": 1}}},
            {"type": "ping"},
            block(0, "start", content_block={"type": "thinking", "thinking": "", "signature": ""}),
            block(0, "delta", delta={"type": "thinking_delta", "thinking": "Hm"}),
            block(0, "delta", delta={"type": "signature_delta", "signature": "s"}), block(0, "stop"),
            block(1, "start", content_block={"type": "text", "text": ""}),
            block(1, "delta", delta={"type": "text_delta", "text": "One "}),
            block(2, "start", content_block={"type": "text", "text": ""}),
            block(2, "delta", delta={"type": "text_delta", "text": "two"}),
            block(3, "start", content_block={"type": "tool_use", "name": "f", "input": {}}),
            block(3, "delta", delta={"type": "input_json_delta", "partial_json": ""}),
            block(3, "delta", delta={"type": "input_json_delta", "partial_json": '{"a": '}),
            block(3, "delta", delta={"type": "input_json_delta", "partial_json": "[1]}"}),
            block(4, "start", content_block={"type": "tool_use", "name": "g", "input": {}}),
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"},
             "usage": {"input_tokens": None, "output_tokens": 7}},
            {"type": "message_stop"}),
    ),
    "Gemini's, in lines that end as those of HTTP do": (
        GEMINI,
        gemini({"text": "Hm", "thought": True}, {"text": "Hello"}, {"functionCall": {"name": "f", "args": {"a": 1}}},
               finishReason="STOP")
        | {"usageMetadata": {"promptTokenCount": 8, "candidatesTokenCount": 4, "thoughtsTokenCount": 6,
                             "cachedContentTokenCount": 2, "toolUsePromptTokenCount": 1}},
        sse(gemini({"text": "H", "thought": True}), gemini({"text": "m", "thought": True}), gemini({"text": "Hel"})
            | {"usageMetadata": {"promptTokenCount": 8, "candidatesTokenCount": 1}}, gemini({"text": "lo"}),
            gemini({"functionCall": {"name": "f", "args": {"a": 1}}}),
            gemini({"text": ""}, finishReason="STOP")
            | {"usageMetadata": {"promptTokenCount": 8, "candidatesTokenCount": 4, "thoughtsTokenCount": 6,
                                 "cachedContentTokenCount": 2, "toolUsePromptTokenCount": 1}}, end="\r\n"),
    ),
    "Gemini's, as an array": (
        GEMINI,
        gemini({"text": "Hello"}, finishReason="STOP"),
        json.dumps([gemini({"text": "Hel"}), gemini({"text": "lo"}, finishReason="STOP")], indent=1).encode(),
    ),
    "a prompt that Gemini blocks": (
        GEMINI,
        {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 8}},
        sse({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 8}}),
    ),
    "Bedrock's converse": (
        CONVERSE,
        {"output": {"message": {"content": [{"reasoningContent": {"reasoningText": {"text": "Hm"}}}, {"text": "Hello"},
                                            {"toolUse": {"name": "f", "input": {"a": 1}}}]}},
         "stopReason": "tool_use",
         "usage": {"inputTokens": 3, "outputTokens": 5, "cacheReadInputTokens": 10, "cacheWriteInputTokens": 2}},
        frames({"messageStart": {"role": "assistant", "p": "abc"}},
               {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "H"}}}},
               {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "m"}}}},
               {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"text": "Hel"}, "p": "a"}},
               {"contentBlockStart": {"contentBlockIndex": 2, "start": {"toolUse": {"name": "f", "toolUseId": "1"}}}},
               {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"text": "lo"}}},
               {"contentBlockDelta": {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '{"a"'}}}},
               {"contentBlockDelta": {"contentBlockIndex": 2, "delta": {"toolUse": {"input": ": 1}"}}}},
               {"messageStop": {"stopReason": "tool_use"}},
               {"metadata": {"usage": {"inputTokens": 3, "outputTokens": 5, "cacheReadInputTokens": 10,
                                       "cacheWriteInputTokens": 2}}}),
    ),
    "Anthropic's, invoked at Bedrock": (
        INVOKE,
        {"type": "message", "model": "claude", "content": [{"type": "text", "text": "Hello"}],
         "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 2}},
        chunks({"type": "message_start", "message": {"model": "claude", "usage": {"input_tokens": 3}}},
               block(0, "start", content_block={"type": "text", "text": ""}),
               block(0, "delta", delta={"type": "text_delta", "text": "Hello"}),
               {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
               {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 99}}),
    ),
    "Amazon's own, invoked at Bedrock": (
        INVOKE,
        {"output": {"message": {"content": [{"text": "Hello"}]}}, "stopReason": "end_turn",
         "usage": {"inputTokens": 3, "outputTokens": 2, "cacheReadInputTokenCount": 1}},
        chunks({"messageStart": {"role": "assistant"}},
               {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "Hello"}}},
               {"messageStop": {"stopReason": "end_turn"}},
               {"metadata": {"usage": {"inputTokens": 3, "outputTokens": 2, "cacheReadInputTokenCount": 1}}}),
    ),
    "Meta's, invoked at Bedrock": (
        INVOKE,
        {"generation": "Hello", "prompt_token_count": 3, "generation_token_count": 2, "stop_reason": "stop"},
        chunks({"generation": "Hel", "prompt_token_count": 3, "generation_token_count": 1, "stop_reason": None},
               {"generation": "lo", "prompt_token_count": None, "generation_token_count": 2, "stop_reason": "stop"}),
    ),
    "OpenAI's form, invoked at Bedrock": (
        INVOKE,
        completion(choice(content="Hello"), usage=USED),
        chunks(delta(content="Hel"), delta(content="lo", finish="stop") | {"usage": USED}),
    ),
    "Ollama's chat": (
        OLLAMA,
        {"model": "m", "done": True, "done_reason": "stop", "prompt_eval_count": 3, "eval_count": 2,
         "message": {"role": "assistant", "content": "Hello", "thinking": "Hm",
                     "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}},
        ndjson({"model": "m", "message": {"role": "assistant", "content": "", "thinking": "Hm"}, "done": False},
               {"model": "m", "message": {"role": "assistant", "content": "Hel"}, "done": False},
               {"model": "m", "message": {"role": "assistant", "content": "lo",
                                          "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}},
               {"model": "m", "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop",
                "prompt_eval_count": 3, "eval_count": 2}),
    ),
    "Ollama's generate": (
        GENERATE,
        {"model": "m", "response": "Hello", "done": True, "done_reason": "length", "eval_count": 2},
        ndjson({"model": "m", "response": "Hel", "done": False}, {"model": "m", "response": "lo", "done": False},
               {"model": "m", "response": "", "done": True, "done_reason": "length", "eval_count": 2}),
    ),
    "Cohere's chat, version 2": (
        COHERE,
        {"id": "1", "finish_reason": "TOOL_CALL",
         "message": {"role": "assistant", "tool_plan": "Look it up", "content": [{"type": "text", "text": "Hello"}],
                     "tool_calls": [function("f", '{"a": 1}'), function("g", "{}")]},
         "usage": {"billed_units": {"input_tokens": 3.0, "output_tokens": 2.0}, "tokens": {"input_tokens": 70}}},
        sse({"type": "message-start", "id": "1", "delta": {"message": {"role": "assistant"}}},
            {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "Look it up"}}},
            {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
            {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "Hello"}}}},
            {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": function("f", "")}}},
            {"type": "tool-call-delta", "index": 0,
             "delta": {"message": {"tool_calls": {"function": {"arguments": '{"a": 1}'}}}}},
            {"type": "tool-call-start", "index": 1, "delta": {"message": {"tool_calls": function("g", "{}")}}},
            {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": {
                "billed_units": {"input_tokens": 3.0, "output_tokens": 2.0}, "tokens": {"input_tokens": 70}}}}),
    ),
    "Cohere's chat, version 1": (
        COHERE_V1,
        {"text": "Hello", "generation_id": "1", "finish_reason": "COMPLETE",
         "tool_calls": [{"name": "f", "parameters": {"a": 1}}], "meta": {"billed_units": {"input_tokens": 3}}},
        ndjson({"event_type": "stream-start", "generation_id": "1"}, {"event_type": "text-generation", "text": "Hel"},
               {"event_type": "text-generation", "text": "lo"},
               {"event_type": "stream-end", "finish_reason": "COMPLETE",
                "response": {"text": "Hello", "generation_id": "1", "finish_reason": "COMPLETE",
                             "tool_calls": [{"name": "f", "parameters": {"a": 1}}],
                             "meta": {"billed_units": {"input_tokens": 3}}}}),
    ),
}  # fmt: skip

SAID = {
    "a chat, with its usage in an event without choices": {
        "text": "Hello you", "finish_reasons": ["stop"], "input_tokens": 9, "output_tokens": 5, "cache_read_tokens": 4},
    "a chat of several choices, whose pieces come in any order": {"text": "ab", "finish_reasons": ["stop", "length"]},
    "tools, whose pieces come in any order": {
        "tool_calls": [{"name": "f", "arguments": {"a": 1}}, {"name": "g", "arguments": {"b": "é"}}]},
    "a tool whose arguments are no JSON, and one without any": {
        "tool_calls": [{"name": "f", "arguments": '{"a": '}, {"name": "g", "arguments": {}}]},
    "a function call of the old kind": {"tool_calls": [{"name": "f", "arguments": {"a": 1}}]},
    "a refusal": {"text": "I will not."},
    "thoughts of Mistral's, which are parts of the content": {"text": "Hello"},
    "thoughts of DeepSeek's": {"text": "4"},
    "the usage of Groq's": {"provider": "groq", "input_tokens": 9},
    "halves of one character in two pieces": {"text": "🏛"},
    "a completion": {"text": "upon a", "operation": "text_completion", "finish_reasons": ["length"], "input_tokens": 9},
    "a response, which comes whole when it is completed": {
        "text": "Hello", "tool_calls": [{"name": "f", "arguments": {"a": 1}}], "finish_reasons": ["completed"]},
    "a response that is not complete": {"text": "No.", "finish_reasons": ["max_output_tokens"]},
    "a message of Anthropic's with a thought, two texts and a tool": {
        "text": "One two", "tool_calls": [{"name": "f", "arguments": {"a": [1]}}, {"name": "g", "arguments": {}}],
        "input_tokens": 33, "cache_read_tokens": 10, "cache_creation_tokens": 20, "output_tokens": 7},
    "Gemini's, in lines that end as those of HTTP do": {
        "text": "Hello", "tool_calls": [{"name": "f", "arguments": {"a": 1}}], "finish_reasons": ["STOP"],
        "input_tokens": 9, "output_tokens": 10, "reasoning_tokens": 6, "cache_read_tokens": 2, "request_model": "g",
        "response_model": "g-1"},
    "Gemini's, as an array": {"text": "Hello"},
    "a prompt that Gemini blocks": {"finish_reasons": ["SAFETY"], "input_tokens": 8},
    "Bedrock's converse": {
        "text": "Hello", "tool_calls": [{"name": "f", "arguments": {"a": 1}}], "finish_reasons": ["tool_use"],
        "input_tokens": 15, "output_tokens": 5, "cache_read_tokens": 10, "cache_creation_tokens": 2},
    "Anthropic's, invoked at Bedrock": {
        "provider": "aws.bedrock", "text": "Hello", "input_tokens": 3, "output_tokens": 2, "response_model": "claude"},
    "Amazon's own, invoked at Bedrock": {"text": "Hello", "input_tokens": 4, "cache_read_tokens": 1},
    "Meta's, invoked at Bedrock": {
        "text": "Hello", "input_tokens": 3, "output_tokens": 2, "finish_reasons": ["stop"]},
    "OpenAI's form, invoked at Bedrock": {"text": "Hello", "input_tokens": 9, "response_model": "m-1"},
    "Ollama's chat": {
        "text": "Hello", "tool_calls": [{"name": "f", "arguments": {"a": 1}}], "input_tokens": 3, "output_tokens": 2},
    "Ollama's generate": {"text": "Hello", "operation": "text_completion", "finish_reasons": ["length"]},
    "Cohere's chat, version 2": {
        "text": "Hello", "tool_calls": [{"name": "f", "arguments": {"a": 1}}, {"name": "g", "arguments": {}}],
        "input_tokens": 3, "output_tokens": 2, "finish_reasons": ["TOOL_CALL"]},
    "Cohere's chat, version 1": {
        "text": "Hello", "tool_calls": [{"name": "f", "arguments": {"a": 1}}], "input_tokens": 3},
}  # fmt: skip


@pytest.mark.parametrize("what", PAIRS)
def test_a_streamed_answer_says_what_the_plain_one_says(wire, what):
    (url, asked), plain, streamed = PAIRS[what]
    read = wire.call(url, asked, plain).model_dump(exclude={"streamed"})
    came = wire.call(url, asked, streamed)
    assert came.model_dump(exclude={"streamed"}) == read
    assert came.streamed is True
    said = wire.dump(url, asked, plain)
    assert {name: said.get(name) for name in SAID.get(what, {})} == SAID.get(what, {})


# Halves of a character are joined when they are read; a fold leaves them as they came.
FOLDED = [what for what in PAIRS if not what.startswith("halves")]


@pytest.mark.parametrize("what", FOLDED)
def test_folding_gives_a_body_that_is_read_as_the_plain_one(wire, what):
    (url, asked), plain, streamed = PAIRS[what]
    folded = llm.fold(wire.request(url, asked), wire.response(streamed))
    assert isinstance(folded, dict)
    json.dumps(folded)
    assert wire.call(url, asked, folded) == wire.call(url, asked, plain)
    assert llm.fold(wire.request(url, asked), wire.response(plain)) == plain


def test_events_are_told_by_what_comes_whatever_their_headers_say(wire):
    events = sse(delta(content="Hello", finish="stop"))
    for kind in ("text/event-stream", "application/json", "text/plain"):
        assert wire.call(*CHAT, events, content_type=kind).text == "Hello"


@pytest.mark.parametrize(
    "written",
    [
        b": OPENROUTER PROCESSING\n\n: keep-alive\n\ndata: %b\n\ndata: [DONE]\n\n",
        b"\xef\xbb\xbfdata:%b\n\n",
        b"event: chunk\r\nid: 7\r\nretry: 3\r\ndata: %b\r\n\r\n",
        b"\r\rdata: %b\r\r",
        b"\n\ndata: %b",
        b'data: %b\n\ndata: {"choices": [{"index": 0, "del',
        b"data: no JSON\n\ndata: %b\n\ndata: 7\n\ndata\n\n",
    ],
    ids=["comments", "byte order mark", "named", "old lines", "no last line", "cut in an event", "other data"],
)  # fmt: skip
def test_events_are_read_however_they_are_written(wire, written):
    event = json.dumps(delta(content="A\u2028b\x85c", finish="stop"), ensure_ascii=False).encode()
    assert wire.call(*CHAT, written.replace(b"%b", event)).text == "A\u2028b\x85c"


def test_the_data_of_an_event_may_have_several_lines(wire):
    written = json.dumps(delta(content="Hello", finish="stop"), indent=1)
    events = "".join(f"data: {line}\n" for line in written.splitlines()) + "\n"
    assert wire.call(*CHAT, events.encode()).text == "Hello"


CUT = {
    "a chat": (CHAT, sse(delta(content="Hel"), delta(content="lo")) + b'data: {"choi', "Hello"),
    "a response": (
        RESPONSES,
        sse(
            {"type": "response.created", "response": {"object": "response", "status": "in_progress", "output": []}},
            {"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "content": []}},
            {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hel"},
            {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "lo"},
        ),
        "Hello",
    ),
    "Anthropic's": (
        ANTHROPIC,
        sse({"type": "message_start", "message": {"model": "m-1"}}, block(0, "start", content_block={"type": "text"}),
            block(0, "delta", delta={"type": "text_delta", "text": "Hello"})),
        "Hello",
    ),
    "an array of Gemini's": (GEMINI, json.dumps([gemini({"text": "a"}), gemini({"text": "b"})]).encode()[:-9], "a"),
    "Bedrock's": (
        CONVERSE,
        frames(*({"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": text}}} for text in ("a", "b")))[:-3],
        "a",
    ),
    "Ollama's": (OLLAMA, ndjson(*({"message": {"content": text}, "done": False} for text in ("a", "b")))[:-9], "a"),
    "Cohere's": (COHERE_V1, ndjson({"event_type": "text-generation", "text": "Hello"}) * 2 + b'{"ev', "HelloHello"),
}  # fmt: skip


@pytest.mark.parametrize("what", CUT)
def test_a_stream_that_was_cut_off_says_what_it_has_said_so_far(wire, what):
    (url, asked), streamed, text = CUT[what]
    request, response = wire.request(url, asked), wire.response(streamed, end="failed")
    call = llm.llm_call(request, response, error=ConnectionError("peer closed"))
    assert (call.text, call.finish_reasons, call.streamed) == (text, [], True)
    assert call.error == "ConnectionError: peer closed"
    left = llm.llm_call(request, response._replace(end="closed"))
    assert (left.text, left.finish_reasons, left.error) == (text, [], None)


def test_an_item_that_was_done_before_a_response_was_cut_off_is_kept_as_it_was(wire):
    done = {"type": "message", "content": [{"type": "output_text", "text": "Hello", "annotations": [1]}]}
    piece = {"type": "response.output_text.delta", "output_index": 0, "delta": "Hello"}
    folded = llm.fold(wire.request(*RESPONSES), wire.response(wire.sse(piece, item(0, **done)), end="failed"))
    assert folded["output"] == [done]


@pytest.mark.parametrize(("url", "asked", "streamed"), [
    ("/v1/chat/completions", {"messages": [], "stream": True}, True),
    ("/v1/chat/completions", {"messages": [], "stream": False}, False),
    ("/v1beta/models/g:streamGenerateContent", {"contents": []}, True),
    ("/model/m/converse-stream", {"messages": []}, True),
    ("/model/m/invoke-with-response-stream", {"messages": []}, True),
    ("/api/chat", {"model": "m", "messages": []}, True),
    ("/api/chat", {"model": "m", "messages": [], "stream": False}, False),
])  # fmt: skip
def test_a_call_without_an_answer_was_streamed_if_a_stream_was_asked_for(wire, url, asked, streamed):
    assert llm.llm_call(wire.request(url, asked), None).streamed is streamed


def test_a_stream_of_nobody_known_is_folded_to_its_events(wire):
    request = wire.request("/events", {})
    assert llm.fold(request, wire.response(sse({"a": 1}, "[DONE]", {"b": 2}))) == [{"a": 1}, {"b": 2}]
    assert llm.fold(request, wire.response(ndjson({"a": 1}, {"b": 2}))) == [{"a": 1}, {"b": 2}]
    assert llm.fold(request, wire.response(frames({"a": 1}))) == [{"a": 1}]


@pytest.mark.parametrize("body", [b"", b"<html>", b"\x00\x01\x02" * 9, b"1 2", "déjà".encode("latin-1")])
def test_what_is_no_json_is_folded_to_nothing(wire, body):
    assert llm.fold(wire.request("/anywhere", {}), wire.response(body)) is None
