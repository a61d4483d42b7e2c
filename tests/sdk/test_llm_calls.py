"""What we read from an SDK's traffic is what the SDK tells its caller."""

from __future__ import annotations

import json

import pytest

from llm_server import Busy, Cut
from pytest_recorded.llm import LLMCall, llm_call, name_of
from sdks import rows
from seeing import see

COUNTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "reasoning_tokens")
NAMES = {
    "openai": "openai.chat",
    "anthropic": "anthropic.chat",
    "google": "gcp.gemini.generate_content",
    "mistral": "mistral_ai.chat",
    "groq": "groq.chat",
    "cohere": "cohere.chat",
    "ollama": "ollama.chat",
    "bedrock": "aws.bedrock.chat",
    "huggingface": "huggingface.chat",
}


def of_chat(said):
    """Return what an SDK that is made like OpenAI's tells: text, tools, why it ended, tokens in and out."""
    (choice,), used = said["choices"], said["usage"]
    calls = [call["function"] for call in choice["message"].get("tool_calls") or ()]
    tools = [(call["name"], call["arguments"]) for call in calls]
    return choice["message"]["content"] or None, tools, choice["finish_reason"], used["prompt_tokens"], used[
        "completion_tokens"
    ]  # fmt: skip


def of_responses(said):
    (item,), used = said["output"], said["usage"]
    text = item["content"][0]["text"] if item["type"] == "message" else None
    tools = [(item["name"], item["arguments"])] if item["type"] == "function_call" else []
    return text, tools, said["status"], used["input_tokens"], used["output_tokens"]


def of_anthropic(said):
    (block,), used = said["content"], said["usage"]
    asked = used["input_tokens"] + used["cache_read_input_tokens"] + used["cache_creation_input_tokens"]
    tools = [(block["name"], block["input"])] if block["type"] == "tool_use" else []
    return block.get("text"), tools, said["stop_reason"], asked, used["output_tokens"]


def of_google(said):
    (candidate,), used = said["candidates"], said["usage_metadata"]
    (part,) = candidate["content"]["parts"]
    call = part.get("function_call")
    tools = [(call["name"], call["args"])] if call else []
    counted = (used["prompt_token_count"], used["candidates_token_count"])
    return part.get("text"), tools, candidate["finish_reason"].value, *counted


def of_cohere(said):
    message, used = said["message"], said["usage"]["billed_units"]
    tools = [(call["function"]["name"], call["function"]["arguments"]) for call in message["tool_calls"] or ()]
    text = message["content"][0]["text"] if message["content"] else None
    return text, tools, said["finish_reason"], used["input_tokens"], used["output_tokens"]


def of_ollama(said):
    calls = [call["function"] for call in said["message"].get("tool_calls") or ()]
    tools = [(call["name"], call["arguments"]) for call in calls]
    counted = (said["prompt_eval_count"], said["eval_count"])
    return said["message"]["content"] or None, tools, said["done_reason"], *counted


def of_bedrock(said):
    (block,), used = said["output"]["message"]["content"], said["usage"]
    tools = [(block["toolUse"]["name"], block["toolUse"]["input"])] if "toolUse" in block else []
    asked = used["inputTokens"] + used["cacheReadInputTokens"] + used["cacheWriteInputTokens"]
    return block.get("text"), tools, said["stopReason"], asked, used["outputTokens"]


TOLD = {
    "openai": of_chat,
    "openai-responses": of_responses,
    "anthropic": of_anthropic,
    "google-genai": of_google,
    "mistralai": of_chat,
    "groq": of_chat,
    "cohere": of_cohere,
    "ollama": of_ollama,
    "huggingface-hub": of_chat,
    "boto3": of_bedrock,
}
SDKS = rows(lambda sdk: sdk.name in TOLD)
CASES = [pytest.param(sdk, scenario, id=f"{sdk.id}-{scenario}") for sdk in SDKS for scenario in ("chat", "tools")]


def calls_of(block):
    """Return what the calls of a cassette were, and what they are named."""
    pairs = [(job, job.response) for job in block.jobs]
    calls = [llm_call(job.request, response, error=job.error) for job, response in pairs]
    return calls, [name_of(job.request, response) for job, response in pairs]


def parsed(arguments):
    return json.loads(arguments) if isinstance(arguments, str | bytes) else arguments


def fields(call, *, counted):
    """Return what a call says that does not depend on how its answer came."""
    return call.model_dump(exclude={"streamed", *(() if counted else COUNTS)})


def tells_usage(sdk, scenario):
    """Return whether a stream tells what it has used: OpenAI's does for those that ask for it, as `stream` does."""
    return (
        sdk.provider not in ("openai", "huggingface")
        or "responses" in sdk.name
        or (sdk.name, scenario) == ("openai", "chat")
    )


@pytest.mark.parametrize(("sdk", "scenario"), CASES)
def test_an_answer_says_what_the_sdk_tells_of_it_and_its_stream_says_the_same(sdk, scenario, llm, cassette):
    url = llm.url_of(sdk.provider)
    with cassette() as block:
        (whole,) = see(sdk, url, scenario, "Ciao €")
        (pieces,) = see(sdk, url, "stream" if scenario == "chat" else "stream_tools", "Ciao €")
    assert (whole.error, pieces.error) == (None, None)
    (plain, streamed), names = calls_of(block)
    said = whole.value if isinstance(whole.value, dict) else whole.value[1]
    text, tools, reason, asked, answered = TOLD[sdk.name](said)
    assert (plain.text, plain.finish_reasons) == (text, [reason])
    assert [(tool.name, tool.arguments) for tool in plain.tool_calls] == [
        (name, parsed(given)) for name, given in tools
    ]
    assert (plain.input_tokens, plain.output_tokens) == (asked, answered)
    assert names == [NAMES[sdk.provider]] * 2
    assert (plain.streamed, streamed.streamed) == (False, True)
    is_counted = tells_usage(sdk, scenario)
    assert fields(streamed, counted=is_counted) == fields(plain, counted=is_counted)
    assert is_counted or streamed.input_tokens is streamed.output_tokens is None


@pytest.mark.parametrize("sdk", rows(lambda sdk: sdk.name == "boto3-invoke"), ids=lambda sdk: sdk.id)
def test_a_model_that_is_invoked_at_bedrock_says_it_in_its_makers_form(sdk, llm, cassette):
    with cassette() as block:
        (whole,) = see(sdk, llm.url_of(sdk.provider), "chat", "Ciao €")
        see(sdk, llm.url_of(sdk.provider), "stream", "Ciao €")
    (plain, streamed), _ = calls_of(block)
    said = parsed(whole.value["body"])
    assert plain.text == said["content"][0]["text"]
    assert plain.request_model == "anthropic.m-1:0"
    assert fields(streamed, counted=True) == fields(plain, counted=True)


EMBEDDING = rows(lambda sdk: "embed" in sdk.scenarios and not sdk.is_async)


@pytest.mark.parametrize("sdk", EMBEDDING, ids=lambda sdk: sdk.id)
def test_embeddings_are_calls_that_say_nothing(sdk, llm, cassette):
    with cassette() as block:
        see(sdk, llm.url_of(sdk.provider), "embed", "Ciao €")
    (call,), (name,) = calls_of(block)
    assert name == f"{call.provider}.embeddings"
    assert (call.text, call.request_model, call.output_tokens) == (None, "m-1", None)
    assert call.input_tokens == (None if sdk.provider == "google" else 2)


UPLOADING = rows(lambda sdk: "upload" in sdk.scenarios and not sdk.is_async)


@pytest.mark.parametrize("sdk", UPLOADING, ids=lambda sdk: sdk.id)
def test_uploads_are_no_calls_of_a_model(sdk, llm, cassette):
    with cassette() as block:
        see(sdk, llm.url_of(sdk.provider), "upload", "")
    assert set(calls_of(block)[0]) == {None}


ONCE = [sdk for sdk in SDKS if not sdk.is_async]


@pytest.mark.parametrize("sdk", ONCE, ids=lambda sdk: sdk.id)
def test_an_answer_of_a_busy_server_is_an_error_of_a_known_provider(sdk, llm, cassette):
    llm.faults = [Busy(400)]
    with cassette() as block:
        (seen,) = see(sdk, llm.url_of(sdk.provider), "chat", "Ciao €")
    assert seen.error
    (call, *_), (name, *_) = calls_of(block)
    assert name == NAMES[sdk.provider]
    assert "Too much at once" in call.error
    assert (call.text, call.finish_reasons, call.input_tokens) == (None, [], None)
    assert call.request_model == ("dummy" if sdk.provider == "huggingface" else "m-1")


@pytest.mark.parametrize("sdk", ONCE, ids=lambda sdk: sdk.id)
def test_a_stream_that_broke_off_says_how_far_it_came(sdk, llm, cassette):
    llm.faults = [Cut(after=7)]
    with cassette() as block:
        see(sdk, llm.url_of(sdk.provider), "stream", "Ciao €")
    (call, *_), _ = calls_of(block)
    assert isinstance(call, LLMCall)
    assert call.finish_reasons == []
    assert call.streamed
    if sdk.name == "openai-responses":
        assert call.text in ("Answer 1", "Answer 1 to", "Answer 1 to Ciao")
    else:
        assert call.text.startswith("Answer 1")
        assert not call.text.endswith("vu.")
