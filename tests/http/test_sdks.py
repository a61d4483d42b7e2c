"""The SDKs of openai and anthropic, talking to a server of ours in their wire formats."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import anthropic
import anyio
import openai
import pytest

from pytest_recorded import MissingRecording

# It leaves generators behind, and trio says so.
pytestmark = pytest.mark.filterwarnings("ignore:Async generator 'openai:ResourceWarning")

BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])
WORDS = ["The", " capital", " of", " Italy", " is", " Rome", " 🏛"]


def _json(value):
    return json.dumps(value).encode()


def _openai_chunk(delta, finish=None):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m-1", "choices": [choice]}


OPENAI_EVENTS = [
    *[b"data: " + _json(_openai_chunk({"content": word})) + b"\n\n" for word in WORDS],
    b"data: " + _json(_openai_chunk({}, "stop")) + b"\n\n",
    b"data: [DONE]\n\n",
]
ANTHROPIC_EVENTS = [
    b"event: " + event["type"].encode() + b"\ndata: " + _json(event) + b"\n\n"
    for event in (
        {
            "type": "message_start",
            "message": {
                "id": "m1", "type": "message", "role": "assistant", "model": "c-1", "content": [],
                "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 1},
            },
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *[
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
            for word in WORDS
        ],
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 7},
        },
        {"type": "message_stop"},
    )
]  # fmt: skip


@pytest.fixture
def api(server):
    """Both APIs: a plain answer, or a stream if one is asked for."""
    openai_answer = {
        "id": "c1", "object": "chat.completion", "created": 1, "model": "m-1",
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "".join(WORDS)}}
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10},
    }  # fmt: skip
    anthropic_answer = {
        "id": "m1", "type": "message", "role": "assistant", "model": "c-1", "stop_reason": "end_turn",
        "stop_sequence": None, "content": [{"type": "text", "text": "".join(WORDS)}],
        "usage": {"input_tokens": 3, "output_tokens": 7},
    }  # fmt: skip

    def answer(plain, events):
        def answered(asked):
            if not json.loads(asked.body).get("stream"):
                return server.reply(_json(plain), ("Content-Type", "application/json"))
            return b"".join(server.chunked(*events, headers=(("Content-Type", "text/event-stream"),)))

        return answered

    server.on("/v1/chat/completions", answer(openai_answer, OPENAI_EVENTS))
    server.on("/v1/messages", answer(anthropic_answer, ANTHROPIC_EVENTS))
    return server


ASKED = {"model": "m-1", "messages": [{"role": "user", "content": "What is the capital of Italy?"}]}


def _openai(api, *, stream, **more):
    with openai.OpenAI(api_key="sk-test-1234567890", base_url=api.url + "/v1", **more) as client:
        answer = client.chat.completions.create(**ASKED, stream=stream)
        if not stream:
            return [answer.choices[0].message.content, answer.usage.total_tokens]
        return [chunk.choices[0].delta.content or "" for chunk in answer]


def _anthropic(api, *, stream, **more):
    with anthropic.Anthropic(api_key="sk-ant-test-1234567890", base_url=api.url, **more) as client:
        if not stream:
            answer = client.messages.create(**ASKED, max_tokens=50)
            return [answer.content[0].text, answer.usage.output_tokens]
        with client.messages.stream(**ASKED, max_tokens=50) as stream_of_text:
            return [*stream_of_text.text_stream, stream_of_text.get_final_message().usage.output_tokens]


async def _aopenai(api, stream):
    async with openai.AsyncOpenAI(api_key="sk-test-1234567890", base_url=api.url + "/v1") as client:
        answer = await client.chat.completions.create(**ASKED, stream=stream)
        if not stream:
            return [answer.choices[0].message.content, answer.usage.total_tokens]
        return [chunk.choices[0].delta.content or "" async for chunk in answer]


async def _aanthropic(api, stream):
    async with anthropic.AsyncAnthropic(api_key="sk-ant-test-1234567890", base_url=api.url) as client:
        if not stream:
            answer = await client.messages.create(**ASKED, max_tokens=50)
            return [answer.content[0].text, answer.usage.output_tokens]
        async with client.messages.stream(**ASKED, max_tokens=50) as stream_of_text:
            return [text async for text in stream_of_text.text_stream]


PLAIN_OR_STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])


@PLAIN_OR_STREAMED
@pytest.mark.parametrize("ask", [_openai, _anthropic], ids=["openai", "anthropic"])
def test_a_chat_is_the_same_again(ask, stream, api, cassette, tmp_path):
    with cassette() as recorded:
        live = ask(api, stream=stream)
        assert len(recorded) == 1
    assert "".join(map(str, live)).startswith("".join(WORDS))
    api.stop()
    with cassette("none") as replayed:
        assert ask(api, stream=stream) == live
    assert replayed.play_count == 1
    assert b"test-1234567890" not in (tmp_path / "cassettes" / "jobs.db").read_bytes()


@BACKENDS
@PLAIN_OR_STREAMED
@pytest.mark.parametrize("ask", [_aopenai, _aanthropic], ids=["openai", "anthropic"])
def test_an_asynchronous_chat_is_the_same_again(ask, stream, backend, api, cassette):
    with cassette() as recorded:
        live = anyio.run(ask, api, stream, backend=backend)
        assert len(recorded) == 1
    assert "".join(map(str, live)).startswith("".join(WORDS))
    api.stop()
    with cassette("none"):
        assert anyio.run(ask, api, stream, backend=backend) == live


@PLAIN_OR_STREAMED
@pytest.mark.parametrize("ask", [_openai, _anthropic], ids=["openai", "anthropic"])
def test_a_chat_recorded_at_once_is_found_by_the_asynchronous_client(ask, stream, api, cassette):
    with cassette():
        live = ask(api, stream=stream)
    api.stop()
    other = {_openai: _aopenai, _anthropic: _aanthropic}[ask]
    with cassette("none"):
        replayed = anyio.run(other, api, stream)
    assert replayed == live[: len(replayed)]


def test_each_event_reaches_the_caller_before_the_next_is_sent(server, cassette):
    gates = [threading.Event() for _ in OPENAI_EVENTS]
    steps = [step for gate, event in zip(gates, OPENAI_EVENTS, strict=True) for step in (gate, server.chunk(event))]
    head = server.head(("Content-Type", "text/event-stream"))
    server.on("/v1/chat/completions", (head, *steps, server.chunk()))
    with cassette(), openai.OpenAI(api_key="x", base_url=server.url + "/v1") as client:
        stream = client.chat.completions.create(**ASKED, stream=True)
        for gate, word in zip(gates, WORDS, strict=False):
            gate.set()
            assert next(stream).choices[0].delta.content == word
        stream.close()
    with cassette("none"):
        client = openai.OpenAI(api_key="x", base_url=server.url + "/v1")
        stream = client.chat.completions.create(**ASKED, stream=True)
        assert [next(stream).choices[0].delta.content for _ in WORDS] == WORDS
        stream.close()


@pytest.mark.parametrize("status", [429, 500])
@pytest.mark.parametrize("ask", [_openai, _anthropic], ids=["openai", "anthropic"])
def test_retries_after_errors_come_at_once_in_a_replay(ask, status, api, cassette, monkeypatch):
    path = "/v1/chat/completions" if ask is _openai else "/v1/messages"
    busy = api.reply(
        _json({"error": {"message": "busy"}}), ("retry-after-ms", "30"), ("Retry-After", "7"), status=status
    )
    api.on(path, busy, busy, *[part for answer in api.scripts[path] for part in answer])
    with cassette() as recorded:
        live = ask(api, stream=False)
        assert [job.response.status for job in recorded.jobs] == [status, status, 200]
    api.stop()
    pauses = []
    monkeypatch.setattr("time.sleep", pauses.append)
    with cassette("none"):
        assert ask(api, stream=False) == live
    assert len(pauses) == 2
    assert max(pauses) <= 0.001


@pytest.mark.parametrize("ask", [_openai, _anthropic], ids=["openai", "anthropic"])
def test_an_error_of_the_api_is_the_same_exception_again(ask, api, cassette):
    path = "/v1/chat/completions" if ask is _openai else "/v1/messages"
    api.on(path, api.reply(_json({"error": {"message": "no such model", "type": "invalid"}}), status=404))
    seen = []
    for mode in ("once", "none"):
        with cassette(mode), pytest.raises((openai.NotFoundError, anthropic.NotFoundError)) as caught:
            ask(api, stream=False)
        seen.append((caught.type, str(caught.value), caught.value.body))
        api.stop()
    assert seen[0] == seen[1]


@pytest.mark.parametrize("ask", [_openai, _anthropic], ids=["openai", "anthropic"])
def test_a_stream_that_was_cut_is_cut_again(ask, api, cassette):
    path, events = ("/v1/chat/completions", OPENAI_EVENTS) if ask is _openai else ("/v1/messages", ANTHROPIC_EVENTS)
    head = api.head(("Content-Type", "text/event-stream"))
    api.on(path, (head, *map(api.chunk, events[:5]), "close"))
    seen = []
    for mode in ("once", "none"):
        with cassette(mode), pytest.raises(Exception, match=r"Connection error|peer closed connection") as caught:
            ask(api, stream=True)
        seen.append((caught.type, str(caught.value)))
        api.stop()
    assert seen[0] == seen[1]


@PLAIN_OR_STREAMED
@pytest.mark.parametrize("ask", [_openai, _anthropic], ids=["openai", "anthropic"])
def test_a_miss_comes_through_the_retries_of_an_sdk_at_once(ask, stream, api, cassette, monkeypatch):
    pauses = []
    monkeypatch.setattr("time.sleep", pauses.append)
    with pytest.raises(MissingRecording, match=r"POST http://127\.0\.0\.1"), cassette("none"):
        ask(api, stream=stream)
    assert pauses == []
    assert api.count == 0


@BACKENDS
@pytest.mark.parametrize("ask", [_aopenai, _aanthropic], ids=["openai", "anthropic"])
def test_a_miss_comes_through_an_asynchronous_sdk(ask, backend, api, cassette):
    with pytest.raises(MissingRecording), cassette("none"):
        anyio.run(ask, api, False, backend=backend)
    assert api.count == 0


def test_an_upload_is_found_again_whatever_its_boundary(server, cassette):
    stored = {"id": "f1", "object": "file", "bytes": 4, "created_at": 1, "filename": "a.jsonl", "purpose": "batch",
              "status": "processed"}  # fmt: skip
    server.on("/v1/files", server.reply(_json(stored), ("Content-Type", "application/json")))
    for mode in ("once", "none"):
        with cassette(mode), openai.OpenAI(api_key="x", base_url=server.url + "/v1") as client:
            assert client.files.create(file=("a.jsonl", b"data"), purpose="batch").id == "f1"
        server.stop()
    assert server.count == 1


def test_an_sdk_imported_before_us_in_another_process_is_recorded(api, tmp_path):
    program = """
import sys, openai
from pytest_recorded import use_cassette
client = openai.OpenAI(api_key="x", base_url=sys.argv[1])
with use_cassette("cassettes/jobs.db", mode=sys.argv[2]) as block:
    answer = client.chat.completions.create(model="m-1", messages=[])
print(answer.usage.total_tokens, block.play_count)
"""
    for mode, expected in (("once", "10 0"), ("none", "10 1")):
        done = subprocess.run(
            [sys.executable, "-c", program, api.url + "/v1", mode],
            cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        assert done.stdout.strip() == expected
    assert api.count == 1
