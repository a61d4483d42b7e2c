"""What a call has cost: by the prices of the library genai-prices, which is optional and never fetches any."""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .usage import DIGITS

if TYPE_CHECKING:
    from datetime import datetime

    from .call import LLMCall

__all__ = ["Price", "price", "why_unpriced"]

# Who of OpenTelemetry's providers is who in the library. Models that run at home have no price.
_PROVIDERS: Final = {
    "anthropic": "anthropic",
    "aws.bedrock": "aws",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "cerebras": "cerebras",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "gcp.gemini": "google",
    "gcp.vertex_ai": "google",
    "groq": "groq",
    "mistral_ai": "mistral",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together": "together",
    "x_ai": "x-ai",
}


class Price(NamedTuple):
    """What a call has cost.

    Attributes:
        usd: In US dollars, rounded to 12 decimals.
        source: By whose prices: `genai-prices 0.2.3`.

    """

    usd: float
    source: str


class _Library(NamedTuple):
    snapshot: Any
    usage: Any
    source: str


def price(call: LLMCall, at: datetime) -> Price | None:
    """Return what a call has cost at the prices of a day; None if they are not known, or the library is not there.

    Never raises and never asks the network: the prices are those that were installed. Tokens read from and written to
    a cache have their own prices; those written are taken to live for the provider's usual time. Discounts for batches
    and surcharges for priority are not known.

    Args:
        call: What was called.
        at: When: that day's prices are taken. Without a time zone it is UTC.

    """
    provider = _PROVIDERS.get(call.provider or "")
    output_tokens = 0 if call.operation == "embeddings" else call.output_tokens
    if provider is None or call.input_tokens is None or output_tokens is None:
        return None
    library = _library()
    if library is None:
        return None
    counts = {
        "input_tokens": call.input_tokens,
        "output_tokens": output_tokens,
        "cache_read_tokens": call.cache_read_tokens,
        "cache_write_tokens": call.cache_creation_tokens,
    }
    for model in dict.fromkeys((call.response_model, call.request_model)):
        if model and (found := _found(library, counts, model, provider, at)) is not None:
            return found
    return None


def why_unpriced(call: LLMCall) -> str:
    """Return why a call has no price, and what can be done about it."""
    provider = _PROVIDERS.get(call.provider or "")
    if provider is None:
        return f"There are no prices of {call.provider or 'a provider that is not known'}: limit its tokens instead."
    if call.input_tokens is None or (call.output_tokens is None and call.operation != "embeddings"):
        return (
            "Its tokens are not told. Streams in OpenAI's format tell them with stream_options={'include_usage': True}."
        )
    library = _library()
    if library is None:
        return (
            "Prices come from the extra: pip install 'pytest-recorded[llm]'. No call has to be made again; "
            "`pytest-recorded project --yes` then writes them into the cassette."
        )
    return (
        f"{library.source} does not know this model of {provider}. A newer one may: pip install -U genai-prices, "
        f"no call has to be made again. Else limit its tokens instead."
    )


def _found(library: _Library, counts: dict[str, Any], model: str, provider: str, at: datetime) -> Price | None:
    try:
        found = library.snapshot.calc(library.usage(**counts), model, provider, None, at)
        return Price(round(float(found.total_price), DIGITS), library.source)
    except Exception:  # noqa: BLE001 - it raises many kinds for what it does not know or finds contradictory
        return None


@lru_cache(maxsize=1)
def _library() -> _Library | None:
    try:
        # Its own snapshot may be one that somebody has fetched; then the version would not say which prices these are.
        prices = importlib.import_module("genai_prices")
        providers = importlib.import_module("genai_prices.data").providers
        snapshot = importlib.import_module("genai_prices.data_snapshot").DataSnapshot(providers, from_auto_update=False)
        return _Library(snapshot, prices.Usage, f"genai-prices {prices.__version__}")
    except Exception:  # noqa: BLE001 - whatever keeps it from being loaded, calls go without a price
        return None
