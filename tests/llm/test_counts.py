"""Tokens mean the same for all providers, whatever these count by themselves."""

from __future__ import annotations

import genai_prices
import pytest

from pytest_recorded import llm

CHAT = ("/v1/chat/completions", {"model": "m", "messages": []})
ANTHROPIC = ("/v1/messages", {"model": "m", "messages": [], "max_tokens": 9})
COUNTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "reasoning_tokens")


def counts(call):
    return tuple(getattr(call, name) for name in COUNTS)


OF_CHAT = {
    "OpenAI's: cache and reasoning are parts of the others": (
        {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
         "prompt_tokens_details": {"cached_tokens": 80, "cache_write_tokens": 10},
         "completion_tokens_details": {"reasoning_tokens": 30}},
        (100, 50, 80, 10, 30)),
    "xAI's: reasoning is no part of what was completed, as the sum tells": (
        {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 180,
         "completion_tokens_details": {"reasoning_tokens": 30}},
        (100, 80, None, None, 30)),
    "DeepSeek's: the cache has a name of its own": (
        {"prompt_tokens": 100, "completion_tokens": 50, "prompt_cache_hit_tokens": 64}, (100, 50, 64, None, None)),
    "none": (None, (None,) * 5),
    "nonsense": ({"prompt_tokens": -1, "completion_tokens": "7", "prompt_tokens_details": [1]}, (None,) * 5),
    "what is no count": (
        {"prompt_tokens": True, "completion_tokens": 1.5, "completion_tokens_details": {"reasoning_tokens": 1e400}},
        (None,) * 5),
    "whole numbers that are written with a point": ({"prompt_tokens": 7.0}, (7, None, None, None, None)),
}  # fmt: skip


@pytest.mark.parametrize("whose", OF_CHAT)
def test_the_counts_of_a_chat_include_their_parts(wire, whose):
    used, expected = OF_CHAT[whose]
    call = wire.call(*CHAT, {"choices": [{"message": {"content": "Hello"}}], "usage": used})
    assert counts(call) == expected
    assert call.text == "Hello"


def test_what_anthropic_counts_beside_its_input_is_a_part_of_ours(wire):
    used = {"input_tokens": 3, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 20, "output_tokens": 7}
    assert counts(wire.call(*ANTHROPIC, {"content": [], "usage": used})) == (33, 7, 10, 20, None)
    assert counts(wire.call(*ANTHROPIC, {"content": [], "usage": {"input_tokens": 3}})) == (3, None, None, None, None)


def test_the_counts_of_a_message_that_is_streamed_are_the_last_ones_not_their_sum(wire):
    streamed = wire.sse(
        {"type": "message_start", "message": {"usage": {"input_tokens": 3, "output_tokens": 1}}},
        {"type": "message_delta", "usage": {"input_tokens": 5, "output_tokens": 4}},
        {"type": "message_delta", "usage": {"output_tokens": 9}},
    )
    assert counts(wire.call(*ANTHROPIC, streamed))[:2] == (5, 9)


def test_cohere_is_asked_for_what_it_bills(wire):
    used = {"billed_units": {"input_tokens": 3, "output_tokens": 2}, "tokens": {"input_tokens": 70, "output_tokens": 4}}
    url, asked = "/v2/chat", {"model": "m", "messages": []}
    assert counts(wire.call(url, asked, {"message": {}, "usage": used}))[:2] == (3, 2)
    del used["billed_units"]
    assert counts(wire.call(url, asked, {"message": {}, "usage": used}))[:2] == (70, 4)


@pytest.mark.parametrize(
    ("body", "counted"),
    [
        ({"outputs": [{"text": "Hello", "stop_reason": "stop"}]}, (5, 4)),
        ({"generation": "Hello", "prompt_token_count": 6, "generation_token_count": 7}, (6, 7)),
        ({"inputTextTokenCount": 6, "results": [{"tokenCount": 7, "outputText": "Hello"}]}, (6, 7)),
        ({"choices": [{"text": "Hello", "stop_reason": "stop"}]}, (5, 4)),
    ],
    ids=["mistral", "llama", "titan", "deepseek"],
)
def test_what_a_model_of_bedrocks_does_not_count_its_headers_do(wire, body, counted):
    headers = {"x_amzn_bedrock_input_token_count": "5", "x_amzn_bedrock_output_token_count": "4"}
    call = wire.call("/model/m/invoke", {"prompt": "Hi"}, body, **headers)
    assert (call.text, counts(call)[:2]) == ("Hello", counted)


@pytest.mark.parametrize(
    ("url", "asked", "answered", "counted"),
    [
        ("/v1/embeddings", {"input": "Hi"}, {"data": [], "usage": {"prompt_tokens": 3, "completion_tokens": 0}}, 3),
        ("/v2/embed", {"texts": []}, {"embeddings": {}, "meta": {"billed_units": {"input_tokens": 3}}}, 3),
        ("/api/embed", {"model": "m", "input": "Hi"}, {"embeddings": [], "prompt_eval_count": 3}, 3),
        ("/model/t/invoke", {"inputText": "Hi"}, {"embedding": [], "inputTextTokenCount": 3}, 3),
        ("/v1beta/models/g:embedContent", {"content": {}}, {"embedding": {}}, None),
    ],
    ids=["openai", "cohere", "ollama", "titan", "gemini"],
)
def test_an_embedding_has_input_tokens_and_says_nothing(wire, url, asked, answered, counted):
    call = wire.call(url, asked, answered)
    assert (call.operation, call.text, *counts(call)[:2]) == ("embeddings", None, counted, None)


def test_a_call_that_says_nothing_of_itself_has_no_name():
    assert llm.LLMCall().name is None
    assert llm.figures(llm.LLMCall(input_tokens=3)) == {"input_tokens": 3}


PEER = {
    "chat": (
        *CHAT, ("openai", "chat"),
        {"model": "gpt-4o", "choices": [], "usage": {
            "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 80}, "completion_tokens_details": {"reasoning_tokens": 30}}}),
    "responses": (
        "/v1/responses", {"model": "m", "input": "Hi"}, ("openai", "responses"),
        {"model": "gpt-4o", "output": [], "usage": {
            "input_tokens": 100, "output_tokens": 50, "total_tokens": 150,
            "input_tokens_details": {"cached_tokens": 80}, "output_tokens_details": {"reasoning_tokens": 30}}}),
    "anthropic": (
        *ANTHROPIC, ("anthropic", "default"),
        {"model": "claude-sonnet-4-5", "content": [], "usage": {
            "input_tokens": 3, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 20, "output_tokens": 7}}),
    "gemini": (
        "/v1beta/models/g:generateContent", {"contents": []}, ("google", "default"),
        {"modelVersion": "gemini-2.5-pro", "candidates": [], "usageMetadata": {
            "promptTokenCount": 8, "candidatesTokenCount": 4, "thoughtsTokenCount": 6, "cachedContentTokenCount": 2,
            "toolUsePromptTokenCount": 1}}),
    "bedrock": (
        "/model/m/converse", {"messages": []}, ("aws", "default"),
        {"output": {}, "usage": {
            "inputTokens": 3, "outputTokens": 5, "cacheReadInputTokens": 10, "cacheWriteInputTokens": 2}}),
    "mistral": (
        *CHAT, ("mistral", "default"),
        {"model": "mistral-large-latest", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5}}),
    "cohere": (
        "/v2/chat", {"model": "m", "messages": []}, ("cohere", "default"),
        {"message": {}, "usage": {"billed_units": {"input_tokens": 3, "output_tokens": 2}, "tokens": {}}}),
}  # fmt: skip


@pytest.mark.parametrize("form", PEER)
def test_we_count_as_the_library_counts_that_knows_the_prices(wire, form):
    url, asked, (provider, flavor), body = PEER[form]
    theirs = genai_prices.extract_usage(body, provider_id=provider, api_flavor=flavor).usage
    call = wire.call(url, asked, body)
    assert (call.input_tokens, call.output_tokens) == (theirs.input_tokens, theirs.output_tokens)
    assert (call.cache_read_tokens or 0, call.cache_creation_tokens or 0) == (
        theirs.reported_value("cache_read_tokens"),
        theirs.reported_value("cache_write_tokens"),
    )
