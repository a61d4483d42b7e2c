"""Which form of which provider a request is in: told by its path and its body together, whatever the host.

The law of this file: a path alone names nothing, since many APIs have one that ends in `/messages`. What was asked has
to look like it, and so has what was answered, if anything was.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote

from .tree import at, mapping, parsed, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..message import HttpRequest

__all__ = ["Wire", "has_form", "is_answer", "provider_of", "wire_of"]


class Wire(NamedTuple):
    """The form of a request to a language model.

    Attributes:
        form: Whose wire form it is: `chat`, `responses`, `anthropic` …
        operation: As OpenTelemetry names it: `chat`, `generate_content`, `text_completion`, `embeddings`.
        provider: Who is asked, if the form or the place tells; `""` if several speak it.
        model: Which model is asked for, if that is said.
        streamed: Whether the answer is asked for as a stream.

    """

    form: str
    operation: str
    provider: str
    model: str | None
    streamed: bool


class _Shape(NamedTuple):
    form: str
    operation: str
    provider: str
    fits: Callable[[HttpRequest, dict[str, Any]], bool]
    path: str
    method: str = "POST"


def _is_list(name: str) -> Callable[[HttpRequest, dict[str, Any]], bool]:
    return lambda _request, body: isinstance(body.get(name), list)


def _has(*names: str) -> Callable[[HttpRequest, dict[str, Any]], bool]:
    return lambda _request, body: any(body.get(name) is not None for name in names)


def _is_anthropic(request: HttpRequest, body: dict[str, Any]) -> bool:
    if not isinstance(body.get("messages"), list):
        return False
    is_named = isinstance(body.get("model"), str) and "max_tokens" in body
    return is_named or "anthropic_version" in body or bool(request.header("anthropic-version"))


def _is_ollama(name: str) -> Callable[[HttpRequest, dict[str, Any]], bool]:
    return lambda _request, body: isinstance(body.get("model"), str) and name in body


def _is_response(_request: HttpRequest, body: dict[str, Any]) -> bool:
    return ("model" in body and "input" in body) or "prompt" in body or "previous_response_id" in body


def _is_any(request: HttpRequest, body: dict[str, Any]) -> bool:
    return bool(body) or request.method == "GET"


# Each pattern is one of a path's end; `model` is what it says about that.
_SHAPES: Final = (
    _Shape("chat", "chat", "", _is_list("messages"), r"/chat/completions"),
    _Shape("responses", "chat", "", _is_response, r"/responses"),
    # An answer that is made in the background is asked for again and again.
    _Shape("responses", "chat", "", _is_any, r"/responses/resp_[\w-]+", "GET"),
    _Shape("completions", "text_completion", "", _has("prompt"), r"(?<!/chat)/completions"),
    _Shape("embeddings", "embeddings", "", _has("input"), r"(?<!/api)/embeddings"),
    _Shape("anthropic", "chat", "", _is_anthropic, r"/messages"),
    _Shape("anthropic", "chat", "", _is_anthropic, r"/models/(?P<model>[^/:]+):(?:streamR|r)awPredict"),
    _Shape(
        "gemini",
        "generate_content",
        "",
        _is_list("contents"),
        r"/(?P<model>[^/:]+):(?:streamGenerate|generate)Content",
    ),
    _Shape("gemini_embed", "embeddings", "", _has("content"), r"/(?P<model>[^/:]+):embedContent"),
    _Shape("gemini_embed", "embeddings", "", _is_list("requests"), r"/(?P<model>[^/:]+):batchEmbedContents"),
    _Shape("converse", "chat", "aws.bedrock", _is_list("messages"), r"/model/(?P<model>[^/]+)/converse(?:-stream)?"),
    _Shape(
        "invoke",
        "chat",
        "aws.bedrock",
        _is_any,
        r"/model/(?P<model>[^/]+)/invoke(?:-with-response-stream)?",
    ),
    _Shape("cohere", "chat", "cohere", _is_list("messages"), r"/v2/chat"),
    _Shape("cohere_v1", "chat", "cohere", _has("message"), r"/v1/chat"),
    _Shape("cohere_embed", "embeddings", "cohere", _has("texts", "images", "inputs"), r"/v[12]/embed"),
    _Shape("ollama", "chat", "ollama", _is_ollama("messages"), r"/api/chat"),
    _Shape("ollama", "text_completion", "ollama", _is_ollama("prompt"), r"/api/generate"),
    _Shape("ollama_embed", "embeddings", "ollama", _is_ollama("input"), r"/api/embed"),
    _Shape("ollama_embed", "embeddings", "ollama", _is_ollama("prompt"), r"/api/embeddings"),
)
_PATHS: Final = tuple((shape, re.compile(f"{shape.path}/?\\Z")) for shape in _SHAPES)
# One look tells most requests from all of these: they are to other APIs.
_ANY_PATH: Final = re.compile(f"(?:{'|'.join(shape.path.replace('?P<model>', '?:') for shape in _SHAPES)})/?\\Z")

# What the answer of a form has at least one of, and what an error of it may have.
_ANSWERS: Final = {
    "chat": ("choices",),
    "responses": ("output",),
    "completions": ("choices",),
    "embeddings": ("data",),
    "anthropic": ("content",),
    "gemini": ("candidates", "usageMetadata", "promptFeedback"),
    "gemini_embed": ("embedding", "embeddings"),
    "converse": ("output", "stopReason"),
    "cohere": ("message", "finish_reason"),
    "cohere_v1": ("text", "generation_id"),
    "cohere_embed": ("embeddings",),
    "ollama": ("done",),
    "ollama_embed": ("embedding", "embeddings"),
}
_ERRORS: Final = ("error", "errors", "message", "detail", "type", "code", "__type", "Message")
_BAD: Final = 400
# What answers so does not know the path.
_NOT_THERE: Final = (404, 405)

# Who speaks OpenAI's form: by host, or by a part of the path, as gateways have it.
_HOSTS: Final = (
    (re.compile(r"openai\.azure\.com$|cognitiveservices\.azure\.com$"), "azure.ai.openai"),
    (re.compile(r"(inference|models|services)\.ai\.azure\.com$"), "azure.ai.inference"),
    (re.compile(r"(^|\.)aiplatform\.googleapis\.com$|-aiplatform\.googleapis\.com$"), "gcp.vertex_ai"),
    (re.compile(r"generativelanguage\.googleapis\.com$"), "gcp.gemini"),
    (re.compile(r"bedrock[\w.-]*\.amazonaws\.com(\.cn)?$"), "aws.bedrock"),
    (re.compile(r"(^|\.)groq\.com$"), "groq"),
    (re.compile(r"(^|\.)mistral\.ai$"), "mistral_ai"),
    (re.compile(r"(^|\.)together\.(xyz|ai)$"), "together"),
    (re.compile(r"(^|\.)fireworks\.ai$"), "fireworks"),
    (re.compile(r"(^|\.)openrouter\.ai$"), "openrouter"),
    (re.compile(r"(^|\.)deepseek\.com$"), "deepseek"),
    (re.compile(r"(^|\.)x\.ai$"), "x_ai"),
    (re.compile(r"(^|\.)perplexity\.ai$"), "perplexity"),
    (re.compile(r"(^|\.)cohere\.(com|ai)$"), "cohere"),
    (re.compile(r"(^|\.)cerebras\.ai$"), "cerebras"),
    (re.compile(r"(^|\.)anthropic\.com$"), "anthropic"),
    (re.compile(r"(^|\.)(huggingface\.co|huggingface\.cloud)$"), "huggingface"),
    (re.compile(r"(^|\.)ollama\.com$"), "ollama"),
    (re.compile(r"(^|\.)openai\.com$"), "openai"),
)
_OLLAMA_PORT: Final = 11434
_PARTS: Final = {
    "groq": "groq",
    "mistral": "mistral_ai",
    "huggingface": "huggingface",
    "openrouter": "openrouter",
    "deepseek": "deepseek",
    "ollama": "ollama",
    "together": "together",
    "cohere": "cohere",
    "perplexity": "perplexity",
    "cerebras": "cerebras",
    "deployments": "azure.ai.openai",
}
_MODELS: Final = (
    (re.compile(r"claude-"), "anthropic"),
    (re.compile(r"gemini-"), "gcp.gemini"),
    (re.compile(r"(open-)?(mistral|mixtral|ministral|magistral|codestral|devstral|pixtral|voxtral)-"), "mistral_ai"),
    (re.compile(r"deepseek-(chat|reasoner)"), "deepseek"),
    (re.compile(r"grok-"), "x_ai"),
    (re.compile(r"command-"), "cohere"),
    (re.compile(r"sonar\b"), "perplexity"),
)


def has_form(path: str) -> bool:
    """Return whether a path is one that requests to language models have; of others nothing more is read."""
    return _ANY_PATH.search(path) is not None


def wire_of(request: HttpRequest) -> Wire | None:
    """Return the form of a request; None if it is none to a language model."""
    path = request.path
    if not has_form(path):
        return None
    body: dict[str, Any] | None = None
    for shape, placed in _shapes_at(path):
        if request.method != shape.method:
            continue
        body = mapping(parsed(request.content)) if body is None else body
        if shape.fits(request, body):
            model = said(unquote(placed)) if placed else said(body.get("model"))
            provider = shape.provider or _asked(shape.form, request, path)
            operation = _invoked(body) if shape.form == "invoke" else shape.operation
            return Wire(shape.form, operation, provider, model, _is_streamed(shape.form, request, path, body))
    return None


@lru_cache(maxsize=256)
def _shapes_at(path: str) -> list[tuple[_Shape, str | None]]:
    """Return the shapes that a path can be of, with the models that it names."""
    found = [(shape, pattern.search(path)) for shape, pattern in _PATHS]
    return [(shape, match.groupdict().get("model")) for shape, match in found if match is not None]


def _invoked(body: dict[str, Any]) -> str:
    if "messages" in body:
        return "chat"
    is_embedding = "inputText" in body and "textGenerationConfig" not in body
    return "embeddings" if is_embedding or "texts" in body else "text_completion"


def _is_streamed(form: str, request: HttpRequest, path: str, body: dict[str, Any]) -> bool:
    if form == "ollama":
        return body.get("stream") is not False
    # Of Google's and Amazon's the path says it, and of a stored response the query.
    if body.get("stream") is True or "stream" in path.rpartition("/")[2]:
        return True
    return request.method == "GET" and "stream=true" in request.url.partition("?")[2]


def _asked(form: str, request: HttpRequest, path: str) -> str:
    if provider := _at_host(request.host):
        # A place of Azure's where the models of many are, those of OpenAI in their own form.
        return "azure.ai.openai" if provider == "azure.ai.inference" and "/openai/" in path else provider
    if "/publishers/" in path:
        return "gcp.vertex_ai"
    if form.startswith("gemini"):
        return "gcp.gemini"
    if request.port == _OLLAMA_PORT:
        return "ollama"
    return next((_PARTS[part] for part in path.split("/") if part in _PARTS), "")


@lru_cache(maxsize=256)
def _at_host(host: str) -> str:
    return next((provider for pattern, provider in _HOSTS if pattern.search(host)), "")


def provider_of(wire: Wire, body: Any) -> str:
    """Return who was asked: told by the form, the place, the answer or the model, else whose form it is."""
    if wire.provider:
        return wire.provider
    if at(body, "x_groq") is not None:
        return "groq"
    if at(body, "system_fingerprint") == "fp_ollama":
        return "ollama"
    if isinstance(at(body, "provider"), str) and str(at(body, "id")).startswith("gen-"):
        return "openrouter"
    models = [model for model in (wire.model, at(body, "model")) if isinstance(model, str)]
    owner = "anthropic" if wire.form == "anthropic" else "openai"
    return next((provider for pattern, provider in _MODELS for model in models if pattern.match(model)), owner)


def is_answer(wire: Wire, status: int, body: Any) -> bool:
    """Return whether a folded body can answer a request of a form: a page that says 404 cannot."""
    if status >= _BAD:
        return status not in _NOT_THERE or any(name in mapping(body) for name in _ERRORS)
    if not isinstance(body, dict):
        return False
    names = _ANSWERS.get(wire.form)
    return names is None or any(name in body for name in names) or "error" in body
