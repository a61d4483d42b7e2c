"""A small LLM application: it talks to a chat completions API with nothing but the standard library."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

API = "http://127.0.0.1:8000"


def complete(prompt: str) -> str:
    """Return the answer to a prompt."""
    with _post(prompt, stream=False) as response:
        answer = json.load(response)
    text: str = answer["choices"][0]["message"]["content"]
    return text


def stream(prompt: str) -> Iterator[str]:
    """Yield the answer to a prompt, token by token."""
    with _post(prompt, stream=True) as response:
        for line in response:
            if line.startswith(b"data: ") and line.strip() != b"data: [DONE]":
                delta = json.loads(line.removeprefix(b"data: "))["choices"][0]["delta"]
                yield delta.get("content", "")


def classify(text: str) -> dict[str, Any]:
    """Return the mood of a text, and why; a function of ours, recorded as a whole."""
    reason = complete(f"Is this a complaint? Answer yes or no: {text}")
    return {"complaint": reason.lower().startswith("yes"), "reason": reason, "words": len(text.split())}


def _post(prompt: str, *, stream: bool) -> Any:
    body = {"model": "demo-1", "stream": stream, "messages": [{"role": "user", "content": prompt}]}
    headers = {"content-type": "application/json", "authorization": "Bearer sk-demo-0123456789abcdef"}
    request = urllib.request.Request(f"{API}/v1/chat/completions", json.dumps(body).encode(), headers)
    return urllib.request.urlopen(request, timeout=10)
