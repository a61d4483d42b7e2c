"""A small LLM-like HTTP API on 127.0.0.1, with OpenAI's wire format for chat completions, plain and streamed.

It answers from a list: there is no model in it. It is for the demo, and for trying things out without an account. Its
second version words and judges in another way, and says more.
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
_REWORDED: Final = {
    "The capital of Italy is Rome.": "Rome is the capital of Italy.",
    "Yes, somebody is waiting for help.": "No, this is a question.",
}
_TOKEN_SECONDS: Final = 0.02


def answer_to(prompt: str, version: int = 1) -> str:
    """Return what a version of the API, 1 or 2, answers to a prompt."""
    asked = prompt.lower()
    if "complaint" in asked and any(word in asked for word in _COMPLAINTS):
        answer = "Yes, somebody is waiting for help."
    else:
        answer = next((answer for words, answer in _ANSWERS if words in asked), f"You said: {prompt}")
    return answer if version == 1 else _REWORDED.get(answer, answer)


class DemoApi:
    """The API, as a context manager.

    Args:
        port: Where it listens; 0 for any port that is free.
        version: What it answers: 1 or 2.

    Attributes:
        port: Where it listens.
        url: Where it is, as `http://127.0.0.1:8000`.
        calls: How many requests it has answered.
        more: What it says in each answer besides.

    Raises:
        OSError: The port is taken.

    """

    def __init__(self, port: int = 0, version: int = 1) -> None:
        self.calls = 0
        self.version = version
        self.more: dict[str, Any] = {"service_tier": "default"} if version > 1 else {}
        self._server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"api": self}))
        self.port: int = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
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
        answer = answer_to(asked["messages"][-1]["content"], self.api.version)
        if asked.get("stream"):
            self._stream(
                asked["model"], answer, tells_usage=(asked.get("stream_options") or {}).get("include_usage", False)
            )
        else:
            self._send(200, _completion(asked["model"], answer) | self.api.more)

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
