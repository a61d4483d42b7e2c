"""What is a call of a language model, and whose it is: told by shape, whatever the host."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from pytest_recorded import llm
from pytest_recorded.llm import wire as wires

MESSAGES = [{"role": "user", "content": "Hi"}]
CHAT = {"model": "m", "messages": MESSAGES}
CHOICES = {"choices": [{"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}]}
CLAUDE = CHAT | {"max_tokens": 9}
MESSAGE = {"type": "message", "content": [{"type": "text", "text": "Hello"}]}
CONTENTS = {"contents": [{"parts": [{"text": "Hi"}]}]}
CANDIDATES = {"candidates": [{"content": {"parts": [{"text": "Hello"}]}}]}
AZURE = "/openai/deployments/mine/chat/completions?api-version=2026-01-01"

NAMED = {
    # Where anybody may be asked.
    "/v1/chat/completions": (CHAT, CHOICES, "openai.chat"),
    "/proxy/any/chat/completions/": (CHAT, CHOICES, "openai.chat"),
    "/v1/completions": ({"model": "m", "prompt": "Once"}, {"choices": [{"text": "upon"}]}, "openai.text_completion"),
    "/v1/embeddings": ({"model": "m", "input": "Hi"}, {"data": [{"embedding": [0.5]}]}, "openai.embeddings"),
    "/v1/responses": ({"model": "m", "input": "Hi"}, {"object": "response", "output": []}, "openai.chat"),
    "/v1/messages": (CLAUDE, MESSAGE, "anthropic.chat"),
    "/v1beta/models/gemini-2:generateContent": (CONTENTS, CANDIDATES, "gcp.gemini.generate_content"),
    "/v1/publishers/google/models/g:streamGenerateContent": (CONTENTS, CANDIDATES, "gcp.vertex_ai.generate_content"),
    "/v1beta/models/g:embedContent": ({"content": {}}, {"embedding": {"values": [1]}}, "gcp.gemini.embeddings"),
    "/v1/projects/p/locations/l/publishers/anthropic/models/claude-x:rawPredict": (
        {"anthropic_version": "vertex-2023-10-16", "messages": MESSAGES, "max_tokens": 9},
        MESSAGE,
        "gcp.vertex_ai.chat",
    ),
    "/model/us.amazon.nova-lite-v1%3A0/converse": (
        {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]},
        {"output": {"message": {"content": [{"text": "Hello"}]}}, "stopReason": "end_turn"},
        "aws.bedrock.chat",
    ),
    "/model/meta.llama3/invoke": ({"prompt": "Hi"}, {"generation": "Hello"}, "aws.bedrock.text_completion"),
    "/model/amazon.titan-embed-text-v2%3A0/invoke": (
        {"inputText": "Hi"},
        {"embedding": [1.0], "inputTextTokenCount": 2},
        "aws.bedrock.embeddings",
    ),
    "/api/chat": (CHAT, {"model": "m", "message": {"content": "Hello"}, "done": True}, "ollama.chat"),
    "/api/generate": ({"model": "m", "prompt": "Hi"}, {"response": "Hello", "done": True}, "ollama.text_completion"),
    "/api/embed": ({"model": "m", "input": "Hi"}, {"embeddings": [[1.0]]}, "ollama.embeddings"),
    "/v2/chat": (CHAT, {"message": {"content": []}, "finish_reason": "COMPLETE"}, "cohere.chat"),
    "/v1/chat": ({"message": "Hi"}, {"text": "Hello", "generation_id": "g"}, "cohere.chat"),
    "/v2/embed": ({"model": "m", "texts": ["Hi"]}, {"embeddings": {"float": []}}, "cohere.embeddings"),
    # Whose it is, where several speak one form: by the host, the path, the port.
    "https://api.groq.com/openai/v1/chat/completions": (CHAT, CHOICES, "groq.chat"),
    "https://api.mistral.ai/v1/chat/completions": (CHAT, CHOICES, "mistral_ai.chat"),
    "https://api.together.xyz/v1/chat/completions": (CHAT, CHOICES, "together.chat"),
    "https://openrouter.ai/api/v1/chat/completions": (CHAT, CHOICES, "openrouter.chat"),
    "https://router.huggingface.co/v1/chat/completions": (CHAT, CHOICES, "huggingface.chat"),
    "https://mine.openai.azure.com" + AZURE: (CHAT, CHOICES, "azure.ai.openai.chat"),
    "https://mine.services.ai.azure.com/models/chat/completions": (CHAT, CHOICES, "azure.ai.inference.chat"),
    "https://mine.services.ai.azure.com/openai/v1/chat/completions": (CHAT, CHOICES, "azure.ai.openai.chat"),
    AZURE: (CHAT, CHOICES, "azure.ai.openai.chat"),
    "https://gateway.example/v1/a/b/groq/chat/completions": (CHAT, CHOICES, "groq.chat"),
    "http://localhost:11434/v1/chat/completions": (CHAT, CHOICES, "ollama.chat"),
    "http://localhost:11434/v1/messages": (CLAUDE, MESSAGE, "ollama.chat"),
    "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions": (CHAT, CHOICES, "gcp.gemini.chat"),
    "https://api.deepseek.com/anthropic/v1/messages": (CLAUDE, MESSAGE, "deepseek.chat"),
}


@pytest.mark.parametrize("url", NAMED)
def test_a_call_is_named_by_its_form_and_by_who_is_asked(wire, url):
    asked, answered, name = NAMED[url]
    request, response = wire.request(url, asked), wire.response(answered)
    assert llm.name_of(request, response) == name
    assert llm.llm_call(request, response).name == name
    assert llm.name_of(request) == name


TOLD = {
    "x_groq in the answer": ("m", CHOICES | {"x_groq": {"id": "r"}}, "groq"),
    "fp_ollama in the answer": ("m", CHOICES | {"system_fingerprint": "fp_ollama"}, "ollama"),
    "a provider in an answer of a gateway": ("m", CHOICES | {"id": "gen-1", "provider": "Any"}, "openrouter"),
    "claude": ("claude-sonnet-5", CHOICES, "anthropic"),
    "gemini": ("gemini-3-pro", CHOICES, "gcp.gemini"),
    "codestral, by the answer": ("fast", CHOICES | {"model": "codestral-latest"}, "mistral_ai"),
    "grok": ("grok-5", CHOICES, "x_ai"),
    "deepseek": ("deepseek-chat", CHOICES, "deepseek"),
    "nothing": ("gpt-6", CHOICES, "openai"),
}


@pytest.mark.parametrize("what", TOLD)
def test_where_the_place_does_not_tell_who_is_asked_the_answer_and_the_model_do(wire, what):
    model, answered, provider = TOLD[what]
    assert wire.call("/v1/chat/completions", CHAT | {"model": model}, answered).provider == provider


HTML = b"<!doctype html><title>404 Not Found</title>"
OTHERS = {
    "an API that has messages": ("/api/messages", {"messages": [{"id": 1}]}, {"messages": []}, 200),
    "an inbox that has a model": ("/v1/messages", {"messages": [], "model": "m"}, {"ok": True}, 200),
    "an inbox whose answer has a content": ("/v1/messages", {"messages": [], "model": "m"}, {"content": []}, 200),
    "a page that says 404": ("/v1/chat/completions", CHAT, HTML, 404),
    "a method that is not allowed": ("/v1/messages", CLAUDE, b"", 405),
    "a page in place of an answer": ("/v1/chat/completions", CHAT, b"<html></html>", 200),
    "a chat between people": ("/api/chat", {"model": "m", "messages": MESSAGES}, {"id": 1, "sent": True}, 200),
    "no body": ("/v1/chat/completions", b"", CHOICES, 200),
    "a body that is no object": ("/v1/chat/completions", [1], CHOICES, 200),
    "answers to a form": ("/forms/1/responses", {"answers": [1]}, {"id": 1}, 200),
    "a count of tokens": ("/v1/messages/count_tokens", CLAUDE, {"input_tokens": 3}, 200),
    "another action of a model": ("/v1beta/models/g:countTokens", CONTENTS, {"totalTokens": 3}, 200),
    "an order": ("/orders", {"model": "m", "messages": MESSAGES}, CHOICES, 200),
    "an answer that is none": ("/v1/embeddings", {"input": "Hi"}, {"vectors": []}, 200),
    "a redirect": ("/v1/chat/completions", CHAT, b"", 307),
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_only_looks_like_a_call_of_a_language_model_is_none(wire, what):
    url, asked, answered, status = OTHERS[what]
    request, response = wire.request(url, asked), wire.response(answered, status)
    assert llm.name_of(request, response) is None
    assert llm.llm_call(request, response) is None


def test_a_request_that_only_reads_is_none(wire):
    request = wire.request("/v1/chat/completions", CHAT, method="GET")
    assert llm.name_of(request, wire.response(CHOICES)) is None


def test_a_stored_response_of_openais_that_is_asked_for_again_is_a_call(wire):
    request = wire.request("/v1/responses/resp_1", method="GET")
    body = {"object": "response", "status": "completed", "model": "m", "output": [], "usage": {"input_tokens": 3}}
    call = llm.llm_call(request, wire.response(body))
    assert (call.name, call.input_tokens, call.finish_reasons) == ("openai.chat", 3, ["completed"])
    waiting = llm.llm_call(request, wire.response(body | {"status": "queued", "usage": None}))
    assert (waiting.input_tokens, waiting.finish_reasons, waiting.error) == (None, [], None)


def test_a_message_to_anthropic_is_told_by_its_header_too(wire):
    request = wire.request("/v1/messages", {"messages": MESSAGES}, anthropic_version="2026-10-21")
    assert llm.name_of(request, wire.response(MESSAGE)) == "anthropic.chat"


ARN = "arn:aws:bedrock:eu:1:inference-profile/us.x"


@pytest.mark.parametrize(
    ("url", "model"),
    [
        ("/v1beta/models/gemini-2.5-pro:generateContent", "gemini-2.5-pro"),
        (f"/model/{quote(ARN, safe='')}/converse", ARN),
    ],
)
def test_the_model_that_a_url_names_is_the_one_that_is_asked_for(wire, url, model):
    asked = CONTENTS | {"messages": MESSAGES, "model": "another"}
    assert llm.llm_call(wire.request(url, asked), None).request_model == model


def test_reading_a_name_loads_no_pydantic():
    code = (
        "import sys; from pytest_recorded import llm, HttpRequest as R;"
        "assert llm.name_of(R('POST', 'http://h/v1/chat/completions', (), b'{\"messages\": []}')) == 'openai.chat';"
        "assert 'pydantic' not in sys.modules; llm.LLMCall(); assert 'pydantic' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_table_of_forms_in_the_documents_is_that_of_the_code():
    text = (Path(__file__).parents[2] / "docs" / "llm.md").read_text(encoding="utf-8")
    lines = text.split("| form |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    documented = set()
    for line in lines:
        paths, operations = (re.findall(r"`([^`]+)`", cell) for cell in line.split("|")[2:5:2])
        found = [shape for path in paths for shape, _ in wires._shapes_at(f"/models/m{path.replace('…', '1')}")]
        found += [shape for path in paths for shape, _ in wires._shapes_at(f"/model/m{path}")]
        assert found, line
        assert {shape.operation for shape in found} <= set(operations), line
        documented |= set(found)
    assert documented == set(wires._SHAPES)
