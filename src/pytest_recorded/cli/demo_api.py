"""A small LLM-like HTTP API on 127.0.0.1, with OpenAI's wire format for chat completions, plain and streamed.

It answers from a list: there is no model in it. It is for the demo, and for trying things out without an account.
"""

from __future__ import annotations

import json
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

__all__ = ["DemoApi", "answer_to"]

_ANSWERS: Final = (
    ("capital of italy", "The capital of Italy is Rome."),
    ("capital of france", "The capital of France is Paris."),
    ("count to five", "one two three four five"),
    ("complaint", "No, this is praise."),
)
_COMPLAINTS: Final = ("never", "broken", "late", "refund")
_TOKEN_SECONDS: Final = 0.02


def answer_to(prompt: str) -> str:
    """Return what the API answers to a prompt."""
    asked = prompt.lower()
    if "complaint" in asked and any(word in asked for word in _COMPLAINTS):
        return "Yes, somebody is waiting for help."
    return next((answer for words, answer in _ANSWERS if words in asked), f"You said: {prompt}")


class DemoApi:
    """The API, as a context manager.

    Args:
        port: Where it listens; 0 for any port that is free.

    Attributes:
        url: Where it is, as `http://127.0.0.1:8000`.
        calls: How many requests it has answered.

    """

    def __init__(self, port: int = 0) -> None:
        self.calls = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"api": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        # How long `shutdown` may have to wait, in seconds.
        serve = partial(self._server.serve_forever, poll_interval=0.05)
        self._thread = threading.Thread(target=serve, name="demo-api", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: DemoApi

    def do_POST(self) -> None:
        """Answer a request."""
        asked = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        self.api.calls += 1
        if self.path != "/v1/chat/completions":
            self._send(404, {"error": {"message": f"no such path: {self.path}"}})
            return
        answer = answer_to(asked["messages"][-1]["content"])
        if asked.get("stream"):
            self._stream(
                asked["model"], answer, tells_usage=(asked.get("stream_options") or {}).get("include_usage", False)
            )
        else:
            self._send(200, _completion(asked["model"], answer))

    def _send(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, model: str, answer: str, *, tells_usage: bool) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for index, word in enumerate(answer.split(" ")):
            time.sleep(_TOKEN_SECONDS)
            self._chunk(f"data: {json.dumps(_delta(model, word if index == 0 else ' ' + word))}\n\n")
        if tells_usage:
            self._chunk(f"data: {json.dumps({**_delta(model, ''), 'choices': [], 'usage': _usage(answer)})}\n\n")
        self._chunk("data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, event: str) -> None:
        data = event.encode()
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()

    def log_message(self, *_args: Any) -> None:
        """Print nothing."""


def _completion(model: str, answer: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-demo",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}],
        "usage": _usage(answer),
    }


def _usage(answer: str) -> dict[str, int]:
    words = len(answer.split())
    return {"prompt_tokens": 10, "completion_tokens": words, "total_tokens": 10 + words}


def _delta(model: str, word: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-demo",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}],
    }
