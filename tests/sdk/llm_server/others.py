"""What is no conversation: embeddings, and files that are uploaded."""

from __future__ import annotations

import base64
import struct
from typing import TYPE_CHECKING, Any

from .asked import Answer
from .chat import CREATED
from .mind import vector

if TYPE_CHECKING:
    from .asked import Asked


def embed(asked: Asked, _number: int) -> Answer:
    """Answer as OpenAI and Mistral do: numbers, or their bytes as base64."""
    texts = _texts(asked.json["input"])
    as_bytes = asked.json.get("encoding_format") == "base64"
    vectors = [base64.b64encode(struct.pack("<8f", *vector(t))).decode() if as_bytes else vector(t) for t in texts]
    data = [{"object": "embedding", "index": index, "embedding": value} for index, value in enumerate(vectors)]
    used = {"prompt_tokens": len(texts), "completion_tokens": 0, "total_tokens": len(texts)}
    body = {"id": "e1", "object": "list", "data": data, "model": f"{asked.model}-2026", "usage": used}
    return Answer.of(body)


def embed_at_cohere(asked: Asked, _number: int) -> Answer:
    """Answer as Cohere does."""
    texts = asked.json["texts"]
    billed = {"billed_units": {"input_tokens": len(texts)}, "api_version": {"version": "2"}}
    found = {"float": [vector(text) for text in texts]}
    return Answer.of(
        {"id": "e1", "texts": texts, "embeddings": found, "meta": billed, "response_type": "embeddings_by_type"}
    )


def embed_at_google(asked: Asked, _number: int) -> Answer:
    """Answer as Gemini does, which is asked for several at once."""
    texts = ["".join(part["text"] for part in one["content"]["parts"]) for one in asked.json["requests"]]
    return Answer.of({"embeddings": [{"values": vector(text)} for text in texts]})


def embed_at_ollama(asked: Asked, _number: int) -> Answer:
    """Answer as Ollama does."""
    texts = _texts(asked.json["input"])
    body = {"model": asked.model, "embeddings": [vector(text) for text in texts], "total_duration": 14_143_917}
    return Answer.of({**body, "load_duration": 1_019_500, "prompt_eval_count": len(texts)})


def upload(asked: Asked, number: int) -> Answer:
    """Take a file as OpenAI and Mistral do."""
    name, content = asked.form["file"]
    return Answer.of(_file(name, content, number) | {"purpose": asked.form["purpose"][1].decode()})


def upload_at_anthropic(asked: Asked, number: int) -> Answer:
    """Take a file as Anthropic does."""
    name, content = asked.form["file"]
    body = {"id": f"file_{number}", "type": "file", "filename": name, "mime_type": "text/plain"}
    return Answer.of({**body, "size_bytes": len(content), "created_at": "2026-01-01T00:00:00Z", "downloadable": False})


def begin_upload(asked: Asked, number: int) -> Answer:
    """Say where Google's files are sent to."""
    return Answer.of(
        {}, 200, ("x-goog-upload-url", f"{asked.base}{asked.path}/{number}"), ("x-goog-upload-status", "active")
    )


def finish_upload(asked: Asked, _number: int) -> Answer:
    """Take a file as Google does, when its last part has come."""
    name = f"files/{asked.place['number']}"
    stored = {"name": name, "mimeType": "text/plain", "sizeBytes": str(len(asked.body)), "state": "ACTIVE"}
    return Answer.of({"file": {**stored, "uri": f"{asked.base}/{name}"}}, 200, ("x-goog-upload-status", "final"))


def _file(name: str | None, content: bytes, number: int) -> dict[str, Any]:
    stored = {"id": f"file-{number}", "object": "file", "bytes": len(content), "created_at": CREATED, "filename": name}
    return {**stored, "status": "processed", "sample_type": "instruct", "source": "upload"}


def _texts(given: Any) -> list[str]:
    return [given] if isinstance(given, str) else list(given)
