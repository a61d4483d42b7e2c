"""Whatever comes, reading it raises nothing, and what is read can be stored."""

from __future__ import annotations

import json
from binascii import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_recorded import HttpRequest, HttpResponse, llm
from pytest_recorded.codec import dump, load, to_text
from pytest_recorded.llm.tree import arguments_of
from pytest_recorded.objects import Types

MESSAGES = [{"role": "user", "content": "Hi"}]
FORMS = {
    "chat": ("/v1/chat/completions", {"messages": []}),
    "completions": ("/v1/completions", {"prompt": "Hi"}),
    "responses": ("/v1/responses", {"model": "m", "input": "Hi"}),
    "embeddings": ("/v1/embeddings", {"input": "Hi"}),
    "anthropic": ("/v1/messages", {"model": "m", "messages": [], "max_tokens": 1}),
    "gemini": ("/v1beta/models/g:generateContent", {"contents": []}),
    "gemini_embed": ("/v1beta/models/g:embedContent", {"content": {}}),
    "converse": ("/model/m/converse", {"messages": []}),
    "invoke": ("/model/m/invoke", {"prompt": "Hi"}),
    "ollama": ("/api/chat", {"model": "m", "messages": []}),
    "ollama_generate": ("/api/generate", {"model": "m", "prompt": "Hi"}),
    "cohere": ("/v2/chat", {"messages": []}),
    "cohere_v1": ("/v1/chat", {"message": "Hi"}),
    "cohere_embed": ("/v2/embed", {"texts": []}),
}
# Every name that is read anywhere: with them a tree that is made at random gets into the corners of the readers.
WORDS = """
choices index delta message content text refusal tool_calls function function_call name arguments id finish_reason
stop_reason usage prompt_tokens completion_tokens total_tokens prompt_tokens_details cached_tokens cache_write_tokens
completion_tokens_details reasoning_tokens x_groq model provider system_fingerprint output status incomplete_details
reason type item output_index content_index response input input_tokens output_tokens input_tokens_details
content_block partial_json citation thinking signature cache_read_input_tokens cache_creation_input_tokens candidates
parts thought functionCall args finishReason usageMetadata promptTokenCount candidatesTokenCount thoughtsTokenCount
toolUsePromptTokenCount cachedContentTokenCount promptFeedback blockReason modelVersion messageStart role
contentBlockStart contentBlockDelta contentBlockIndex start toolUse reasoningContent reasoningText messageStop
stopReason metadata p inputTokens outputTokens cacheReadInputTokens generation outputText results tokenCount outputs
done done_reason prompt_eval_count eval_count tool_plan billed_units tokens meta event_type generation_id parameters
error code detail data embedding embeddings amazon-bedrock-invocationMetrics inputTokenCount inputTextTokenCount
"""
NAMES = WORDS.split()
SAID = """
text tool_use message function_call refusal output_text reasoning message_start content_block_start content_block_delta
message_delta error response.completed response.failed response.output_item.added response.output_item.done
response.output_text.delta response.function_call_arguments.delta message-start content-start content-delta
tool-call-start tool-call-delta message-end text-generation stream-end thinking
"""
KINDS = SAID.split()

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 1, 2, -1, 10**30, 1e308, 0.5]),
    st.sampled_from([*KINDS, "", "{", '{"a": 1}', "\ud800", "null"]),
    st.text(max_size=5),
)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=25,
)
SETTINGS = settings(
    max_examples=50,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
LONG = settings(SETTINGS, max_examples=120)


def read(form, content, status=200, **more):
    """Read an exchange in every way there is; what is read has to be storable."""
    url, asked = FORMS[form]
    request = HttpRequest("POST", f"http://h{url}", (), json.dumps(asked).encode())
    response = HttpResponse(status, "", (), content, **more)
    llm.fold(request, response)
    call = llm.llm_call(request, response)
    assert llm.name_of(request, response) == (call and call.name)
    if call is not None:
        llm.LLMCall.model_validate(json.loads(call.model_dump_json()))
        tree = call.model_dump(mode="json", exclude_none=True)
        assert load(to_text(tree), Types()) == tree
        dump(call).encode()
        llm.Usage.of(llm.figures(call))
        for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "reasoning_tokens"):
            assert getattr(call, name) is None or 0 <= getattr(call, name) < 2**56
    return call


def dumped(tree):
    return json.dumps(tree).encode()


@pytest.mark.parametrize("form", FORMS)
@SETTINGS
@given(tree=st.dictionaries(st.sampled_from(NAMES), trees, max_size=6))
def test_any_plain_answer_is_read(form, tree):
    read(form, dumped(tree))


@pytest.mark.parametrize("form", FORMS)
@SETTINGS
@given(events=st.lists(trees, max_size=5), cut=st.integers(0, 20))
def test_any_stream_is_read_wherever_it_was_cut(form, events, cut):
    sent = b"".join(b"data: " + dumped(event) + b"\n\n" for event in events)
    read(form, sent[: len(sent) - cut], end="failed")
    lines = b"\n".join(map(dumped, events))
    read(form, lines[: len(lines) - cut])
    read(form, dumped(events))


@LONG
@given(content=st.binary(max_size=60), status=st.sampled_from([200, 404, 500]), form=st.sampled_from([*FORMS]))
def test_any_bytes_are_read(content, status, form):
    read(form, content, status)
    read(form, b"data: " + content + b"\n\n" + content, status)


@LONG
@given(tree=trees, status=st.sampled_from([400, 404, 500]), form=st.sampled_from([*FORMS]))
def test_any_error_is_read(tree, status, form):
    call = read(form, dumped(tree), status)
    assert call is None or call.error


@LONG
@given(content=st.binary(max_size=40) | trees.map(dumped), path=st.sampled_from([url for url, _ in FORMS.values()]))
def test_any_request_is_looked_at(content, path):
    request = HttpRequest("POST", f"http://h{path}", (), content)
    answered = HttpResponse(200, "", (), b'{"choices": []}')
    assert llm.name_of(request, answered) == getattr(llm.llm_call(request, answered), "name", None)


@LONG
@given(head=st.binary(max_size=50), tail=st.binary(max_size=20), size=st.integers(0, 2**32 - 1))
def test_any_frames_of_amazons_are_read(head, tail, size):
    start = size.to_bytes(4) + len(head).to_bytes(4)
    frame = start + crc32(start).to_bytes(4) + head + tail
    read("converse", frame)
    right = (16 + len(head) + len(tail)).to_bytes(4) + len(head).to_bytes(4)
    read("converse", right + crc32(right).to_bytes(4) + head + tail + b"\0\0\0\0" + frame)


DEEP = 100_000


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("content", [b"[" * DEEP, b'{"choices":' * DEEP, b"data: " + b"[" * DEEP + b"\n\n"])
def test_an_answer_that_is_nested_deeply_is_read(form, content):
    read(form, content)
    read(form, content, end="failed")


@pytest.mark.parametrize("depth", [99, 101, 250, 900, 5000])
@pytest.mark.parametrize("as_text", [True, False])
def test_arguments_that_are_nested_too_deeply_to_be_stored_are_kept_as_text(depth, as_text):
    deep = "[" * depth + "]" * depth
    given = json.dumps(f'{{"a": {deep}}}') if as_text else f'{{"a": {deep}}}'
    content = (
        f'{{"choices": [{{"message": {{"tool_calls": [{{"function": {{"name": "f", "arguments": {given}}}}}]}}}}]}}'
    )
    call = read("chat", content.encode())
    if call is not None and call.tool_calls:
        assert isinstance(call.tool_calls[0].arguments, dict) is (depth < 100)


def test_arguments_that_no_writer_of_json_can_write_are_named_as_such():
    deep = []
    for _ in range(DEEP):
        deep = [deep]
    assert arguments_of(deep) == "(nested too deeply)"


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
def test_arguments_that_are_no_numbers_of_json_are_kept_as_text(number):
    arguments = f'{{"a": {number}}}'
    body = {"choices": [{"message": {"tool_calls": [{"function": {"name": "f", "arguments": arguments}}]}}]}
    assert isinstance(read("chat", dumped(body)).tool_calls[0].arguments, str)
    whole = dumped(body).replace(json.dumps(arguments).encode(), arguments.encode())
    assert isinstance(read("chat", whole).tool_calls[0].arguments, str)


def test_a_number_of_many_digits_is_no_fault():
    read("chat", b'{"choices": [], "usage": {"prompt_tokens": ' + b"9" * 5000 + b"}}")
    read("chat", b'data: {"choices": [], "usage": {"prompt_tokens": ' + b"9" * 5000 + b"}}\n\n")


def test_half_a_character_is_replaced_in_texts_and_arguments():
    calls = [{"function": {"name": "f", "arguments": {"\udc00": "\ud800"}}}]
    body = {"model": "\ud800", "choices": [{"message": {"content": "a\ud800", "tool_calls": calls}}]}
    call = read("chat", dumped(body))
    assert (call.text, call.response_model) == ("a\ufffd", "\ufffd")
    assert call.tool_calls[0].arguments == {"\ufffd": "\ufffd"}


def test_an_answer_of_ten_megabytes_is_read():
    words = ["x" * 1000] * 10_000
    plain = read("chat", dumped({"choices": [{"message": {"content": "".join(words)}}]}))
    sent = b"".join(b"data: " + dumped({"choices": [{"delta": {"content": word}}]}) + b"\n\n" for word in words)
    assert plain.text == read("chat", sent).text
    assert len(plain.text) == 10_000_000


@pytest.mark.parametrize(
    "count", ["9" * 5000, "9" * 30, "٣" * 5000, "-1", ""], ids=["long", "large", "Arabic", "less", "none"]
)
def test_a_header_that_counts_what_cannot_be_counts_nothing(wire, count):
    """Python refuses to read a number of thousands of digits, and no SQL integer holds one of thirty."""
    headers = {"x_amzn_bedrock_input_token_count": count, "x_amzn_bedrock_output_token_count": "4"}
    call = wire.call("/model/m/invoke", {"prompt": "Hi"}, {"generation": "Hello"}, **headers)
    assert (call.text, call.input_tokens, call.output_tokens) == ("Hello", None, 4)
