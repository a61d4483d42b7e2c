"""What has failed, and that it is known who was asked, and for what."""

from __future__ import annotations

import json
import struct
from binascii import crc32

import pytest

from pytest_recorded import RecordedFailure, llm

MESSAGES = [{"role": "user", "content": "Hi"}]
CHAT = ("/v1/chat/completions", {"model": "m", "messages": MESSAGES})
ANTHROPIC = ("/v1/messages", {"model": "m", "messages": MESSAGES, "max_tokens": 9})
GEMINI = ("/v1beta/models/m:streamGenerateContent", {"contents": []})
CONVERSE = ("/model/m/converse", {"messages": []})
RESPONSES = ("/v1/responses", {"model": "m", "input": "Hi"})
OLLAMA = ("/api/chat", {"model": "m", "messages": MESSAGES})
COHERE = ("/v2/chat", {"model": "m", "messages": MESSAGES})

REFUSED = {
    "OpenAI's": (
        CHAT, 400, {"error": {"message": "Too long.", "type": "invalid_request_error", "code": "context_length"}},
        "context_length: Too long."),
    "OpenAI's, without a code": (
        CHAT, 429, {"error": {"message": "Slow down.", "type": "requests", "code": None}}, "requests: Slow down."),
    "a path that is there, for a model that is not": (
        CHAT, 404, {"error": {"message": "No such model.", "code": "not_found"}}, "not_found: No such model."),
    "Mistral's": (CHAT, 401, {"object": "error", "message": "Who?", "type": "auth"}, "auth: Who?"),
    "a gateway's": (CHAT, 401, {"detail": "Who?"}, "401: Who?"),
    "OpenRouter's, with a number": (CHAT, 402, {"error": {"message": "Pay.", "code": 402}}, "402: Pay."),
    "a page of a proxy's": (CHAT, 502, b"<html>Bad Gateway</html>", "502"),
    "Anthropic's": (
        ANTHROPIC, 529, {"type": "error", "error": {"type": "overloaded_error", "message": "Busy."}},
        "overloaded_error: Busy."),
    "Google's": (
        GEMINI, 429, {"error": {"code": 429, "message": "No quota.", "status": "RESOURCE_EXHAUSTED"}},
        "RESOURCE_EXHAUSTED: No quota."),
    "Google's, as an array": (
        GEMINI, 400, [{"error": {"code": 400, "message": "Bad.", "status": "INVALID_ARGUMENT"}}],
        "INVALID_ARGUMENT: Bad."),
    "Ollama's": (OLLAMA, 404, {"error": "model 'm' not found"}, "404: model 'm' not found"),
    "Cohere's": (COHERE, 422, {"id": "1", "message": "No."}, "422: No."),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_an_error_is_told_by_its_code_and_its_message_and_who_was_asked_is_known(wire, what):
    (url, asked), status, answered, error = REFUSED[what]
    call = wire.call(url, asked, answered, status)
    assert (call.error, call.request_model, call.finish_reasons) == (error, "m", [])
    assert call.provider
    assert call.operation
    assert (call.text, call.tool_calls, call.input_tokens) == (None, [], None)


def test_an_error_of_bedrocks_is_named_by_its_header(wire):
    request = wire.request(*CONVERSE)
    response = wire.response({"message": "Slow down."}, 429, x_amzn_errortype="ThrottlingException:http://internal/")
    assert llm.llm_call(request, response).error == "ThrottlingException: Slow down."


def test_the_reason_of_a_status_stands_in_for_a_message(wire):
    response = wire.response(b"", 503)._replace(reason="Service Unavailable")
    assert llm.llm_call(wire.request(*CHAT), response).error == "503: Service Unavailable"


STREAMED = {
    "OpenAI's": (
        CHAT,
        [{"choices": [{"index": 0, "delta": {"content": "Hel"}}]}, {"error": {"message": "Oh.", "code": "broken"}}],
        "Hel", "broken: Oh."),
    "OpenRouter's, which is a reason to end, too": (
        CHAT,
        [{"choices": [{"index": 0, "delta": {"content": "Hel"}, "finish_reason": "error"}],
          "error": {"message": "Oh.", "code": 502}}],
        "Hel", "502: Oh."),
    "Anthropic's": (
        ANTHROPIC,
        [{"type": "message_start", "message": {"model": "m-1"}},
         {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "Hel"}},
         {"type": "error", "error": {"type": "overloaded_error", "message": "Busy."}}],
        "Hel", "overloaded_error: Busy."),
    "that of a response that failed": (
        RESPONSES,
        [{"type": "response.failed", "response": {
            "object": "response", "status": "failed", "output": [], "error": {"code": "broken", "message": "Oh."}}}],
        None, "broken: Oh."),
    "that of a response, as an event": (
        RESPONSES, [{"type": "error", "code": "rate_limit", "message": "Slow down."}], None, "rate_limit: Slow down."),
    "Google's": (
        GEMINI,
        [{"candidates": [{"content": {"parts": [{"text": "Hel"}]}}]}, {"error": {"code": 500, "status": "INTERNAL"}}],
        "Hel", "INTERNAL"),
    "Ollama's": (OLLAMA, [{"message": {"content": "Hel"}, "done": False}, {"error": "out of memory"}],
                 "Hel", "out of memory"),
}  # fmt: skip


@pytest.mark.parametrize("what", STREAMED)
def test_an_error_in_a_stream_is_told_with_what_was_said_before(wire, what):
    (url, asked), events, text, error = STREAMED[what]
    streamed = b"\n".join(json.dumps(event).encode() for event in events) if what == "Ollama's" else wire.sse(*events)
    call = wire.call(url, asked, streamed)
    assert (call.text, call.error, call.finish_reasons) == (text, error, [])


def test_an_event_that_is_named_error_is_one(wire):
    streamed = wire.sse({"choices": []}) + b'event: error\ndata: {"message": "Oh.", "code": 500}\n\n'
    assert wire.call(*CHAT, streamed).error == "500: Oh."


def test_an_exception_in_a_stream_of_bedrocks_is_an_error(wire):
    payload = b'{"message":"Slow down."}'
    name, kind = b":exception-type", b"throttlingException"
    head = bytes([len(name)]) + name + b"\x07" + len(kind).to_bytes(2) + kind
    prelude = struct.pack("!II", 16 + len(head) + len(payload), len(head))
    whole = prelude + struct.pack("!I", crc32(prelude)) + head + payload + b"\0\0\0\0"
    assert wire.call(*CONVERSE, whole).error == "throttlingException: Slow down."


def test_a_call_that_got_no_answer_says_who_was_asked_and_what_was_raised(wire):
    call = llm.llm_call(wire.request(*CHAT), None, error=TimeoutError("after 3 s"))
    assert call.model_dump(exclude_none=True, exclude_defaults=True) == {
        "provider": "openai",
        "operation": "chat",
        "request_model": "m",
        "streamed": False,
        "error": "TimeoutError: after 3 s",
    }


def test_a_stream_that_failed_before_it_said_anything_is_a_call(wire):
    call = llm.llm_call(wire.request(*CHAT), wire.response(b"", end="failed"), error=ConnectionError("reset"))
    assert (call.provider, call.request_model, call.text, call.error) == ("openai", "m", None, "ConnectionError: reset")


def test_what_the_answer_says_of_an_error_comes_before_what_was_raised(wire):
    response = wire.response({"error": {"message": "Oh.", "code": "server_error"}}, 500)
    call = llm.llm_call(wire.request(*CHAT), response, error="InternalServerError: 500")
    assert call.error == "server_error: Oh."


def test_a_long_error_is_cut(wire):
    assert len(wire.call(*CHAT, {"error": {"message": "x" * 5000}}, 400).error) == 1000


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (RecordedFailure("httpx.ConnectError", "[Errno 111] Refused"), "ConnectError: [Errno 111] Refused"),
        (RecordedFailure("GeneratorExit", ""), "GeneratorExit"),
        (TimeoutError(), "TimeoutError"),
    ],
    ids=["a class", "no text", "known"],
)
def test_an_error_whose_class_is_not_known_is_told_as_what_it_was(wire, raised, said):
    assert llm.llm_call(wire.request(*CHAT), None, error=raised).error == said
