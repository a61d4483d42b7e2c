"""Rows as calls leave them, made of a few words: HTTP exchanges, calls of functions, calls of language models."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from pytest_recorded import HttpRequest, HttpResponse
from pytest_recorded.changes.views import Side
from pytest_recorded.codec import dump, dump_error, to_text
from pytest_recorded.job import Address, Chunk, Row, Status, job_id
from pytest_recorded.store.build import Changes, build
from pytest_recorded.workplace import workshop

BEGIN = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
JSON = (("content-type", "application/json"),)
TEST = "tests/test_shop.py::test_total"
CHAT = "https://api.openai.com/v1/chat/completions"


def moment(seconds):
    return (BEGIN + timedelta(seconds=seconds)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def side(kind, request_json, *, scope=TEST, key=..., seq=0, at=0, ms=100, chunks=(), **slots):
    """Return a call that was asked for `at` seconds after the others, and took `ms` milliseconds."""
    key = f"b2:{blake2b(request_json.encode(), digest_size=16).hexdigest()}" if key is ... else key
    place = Address(scope, kind, key or "", seq)
    row_id = (
        job_id(place, 0) if key is not None else blake2b(f"{at}{request_json}".encode(), digest_size=16).hexdigest()
    )
    times = {"submitted_at": moment(at), "started_at": moment(at), "completed_at": moment(at + ms / 1000)}
    given = {"id": row_id, "scope": scope, "kind": kind, "key": key, "seq": seq, "attempt": 0, "status": "completed"}
    return Side(Row(**dict.fromkeys(Row._fields) | given | times | {"request_json": request_json} | slots), chunks)


def http(answer=None, *, url="https://api.example.com/orders/7", sent=None, method="POST", status=200, headers=JSON,
         end="complete", data=None, info=None, **more):  # fmt: skip
    """Return an HTTP call that has answered with some JSON, or with a text or bytes as they are."""
    request = HttpRequest(method, url, JSON, b"" if sent is None else json.dumps(sent).encode())
    content = answer if isinstance(answer, bytes) else answer.encode() if isinstance(answer, str) else _json(answer)
    response = HttpResponse(status, "", tuple(headers), content, end=end)
    slots = {"response_json": to_text(response.tree()), "info_json": info and to_text(info)}
    return side(request.kind, to_text(request.tree()), data_json=data and to_text(data), **slots | more)


def function(value=None, *, kind="shop.price", raised=None, streamed=None, data=None, info=None, sent=None, **more):
    """Return the call of a function that has returned, raised or yielded something."""
    slots: dict[str, Any] = {"data_json": data and to_text(data), "info_json": info and to_text(info)}
    if raised is not None:
        slots |= {"status": Status.FAILED, "error_json": dump_error(raised)[0]}
    elif streamed is not None:
        slots["response_json"] = to_text({"py:stream": "complete"})
        more["chunks"] = tuple(Chunk(at, at * 10.0, dump(item)) for at, item in enumerate(streamed))
    else:
        slots["response_json"] = dump(value)
    return side(kind, to_text(sent or {"item": "tea"}), **slots | more)


def chat(text="Paris is it.", *, tools=(), asked="The capital of France?", model="demo-1", usage=(10, 5), said=None,
         streamed=False, **more):  # fmt: skip
    """Return a call of a language model, with OpenAI's form; `tools`: names and arguments of the tools it calls."""
    sent = {"model": model, "messages": [{"role": "user", "content": asked}], **({"stream": True} if streamed else {})}
    message = {"role": "assistant", "content": text}
    if tools:
        message["tool_calls"] = [_tool(at, *tool) for at, tool in enumerate(tools)]
    common = {"id": "chatcmpl-1", "created": 1, "model": model, "system_fingerprint": "fp_1", **(said or {})}
    used = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
    if not streamed:
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if tools else "stop"}
        answer = {"object": "chat.completion", "choices": [choice], "usage": used, **common}
        return http(answer, url=CHAT, sent=sent, **more)
    deltas = [{"role": "assistant", "content": ""}, *({"content": word} for word in text.split(" "))]
    deltas[2:] = [{"content": " " + delta["content"]} for delta in deltas[2:]]
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    events = [{"object": "chat.completion.chunk", "choices": [choice], **common} for choice in choices]
    events.append({"object": "chat.completion.chunk", "choices": [], "usage": used, **common})
    content = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    return http(content, url=CHAT, sent=sent, headers=(("content-type", "text/event-stream"),), **more)


def _tool(at, name, arguments):
    return {
        "id": f"call_{at}",
        "type": "function",
        "function": {"name": name, "arguments": json.dumps(arguments)},
    }


def _json(answer):
    return json.dumps(answer).encode()


def write(path, *sides, uses=()):
    """Write a cassette that has these calls, and nothing beside it."""
    path.unlink(missing_ok=True)
    build(path, Changes(fresh=[(each.row, tuple(each.chunks)) for each in sides], uses=set(uses)), workshop(path))
    shutil.rmtree(path.parent / ".staging")
    return path
