"""The table of routes: what is asked where, who answers it, and what an error looks like there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from . import anthropic, bedrock, chat, cohere, google, huggingface, ollama, others, responses

if TYPE_CHECKING:
    from collections.abc import Callable

    from .asked import Answer, Asked


class Route(NamedTuple):
    """A row of the table.

    Attributes:
        method: Of the request.
        pattern: Of its path; `{name}` stands for anything but slashes.
        answer: What answers it; it gets the request, and for the how-manieth time it came.
        failed: What an error with a status and a message looks like.

    """

    method: str
    pattern: str
    answer: Callable[[Asked, int], Answer]
    failed: Callable[[int, str], Answer]

    def place(self, method: str, path: str) -> dict[str, str] | None:
        """Return what the pattern finds in a path; None if the route is another."""
        names = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.pattern)
        found = re.fullmatch(names, path) if method == self.method else None
        return found.groupdict() if found else None


# What an SDK of a provider gets as its base URL.
BASES = {
    "openai": "/openai/v1",
    "anthropic": "/anthropic",
    "google": "/google",
    "mistral": "/mistral",
    "groq": "/groq",
    "cohere": "/cohere",
    "ollama": "/ollama",
    "bedrock": "/bedrock",
    "huggingface": "/huggingface",
}

ROUTES = (
    Route("POST", "/openai/v1/chat/completions", chat.complete, chat.failed),
    Route("POST", "/openai/v1/responses", responses.respond, chat.failed),
    Route("POST", "/openai/v1/embeddings", others.embed, chat.failed),
    Route("POST", "/openai/v1/files", others.upload, chat.failed),
    Route("POST", "/anthropic/v1/messages", anthropic.answer, anthropic.failed),
    Route("POST", "/anthropic/v1/files", others.upload_at_anthropic, anthropic.failed),
    Route("POST", "/google/{version}/models/{model}:generateContent", google.generate, google.failed),
    Route("POST", "/google/{version}/models/{model}:streamGenerateContent", google.stream, google.failed),
    Route("POST", "/google/{version}/models/{model}:batchEmbedContents", others.embed_at_google, google.failed),
    Route("POST", "/google/upload/{version}/files", others.begin_upload, google.failed),
    Route("POST", "/google/upload/{version}/files/{number}", others.finish_upload, google.failed),
    Route("POST", "/mistral/v1/chat/completions", chat.complete_for_mistral, chat.failed_at_mistral),
    Route("POST", "/mistral/v1/embeddings", others.embed, chat.failed_at_mistral),
    Route("POST", "/mistral/v1/files", others.upload, chat.failed_at_mistral),
    Route("POST", "/groq/openai/v1/chat/completions", chat.complete_for_groq, chat.failed),
    Route("POST", "/cohere/v2/chat", cohere.chat, cohere.failed),
    Route("POST", "/cohere/v2/embed", others.embed_at_cohere, cohere.failed),
    Route("POST", "/ollama/api/chat", ollama.chat, ollama.failed),
    Route("POST", "/ollama/api/embed", others.embed_at_ollama, ollama.failed),
    Route("POST", "/bedrock/model/{model}/converse", bedrock.converse, bedrock.failed),
    Route("POST", "/bedrock/model/{model}/converse-stream", bedrock.converse_stream, bedrock.failed),
    Route("POST", "/bedrock/model/{model}/invoke", bedrock.invoke, bedrock.failed),
    Route("POST", "/bedrock/model/{model}/invoke-with-response-stream", bedrock.invoke_stream, bedrock.failed),
    Route("POST", "/huggingface/v1/chat/completions", chat.complete, huggingface.failed),
    Route("POST", "/huggingface/generate", huggingface.generate, huggingface.failed),
)
