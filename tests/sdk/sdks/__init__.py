"""The table of the SDKs that are tested. Each is imported when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .base import KEY, SCENARIOS, Sdk
from .bedrock import Boto3, Boto3Invoke
from .makers import Anthropic, Cohere, Google, HuggingFace, HuggingFaceText, Mistral, Ollama
from .openai import Groq, LangChain, OpenAI, OpenAIResponses

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KEY", "SCENARIOS", "TABLE", "Sdk", "each", "rows"]

TABLE: tuple[type[Sdk], ...] = (
    OpenAI,
    OpenAIResponses,
    Anthropic,
    Google,
    Mistral,
    Groq,
    Cohere,
    Ollama,
    HuggingFace,
    HuggingFaceText,
    Boto3,
    Boto3Invoke,
    LangChain,
)


def each(wanted: Callable[[Sdk], bool] = lambda _sdk: True) -> pytest.MarkDecorator:
    """Return the parameters of a test: SDKs, each at once and asynchronously."""
    return pytest.mark.parametrize("sdk", rows(wanted), ids=lambda sdk: sdk.id)


def rows(wanted: Callable[[Sdk], bool] = lambda _sdk: True) -> list[Sdk]:
    """Return the SDKs, each at once and asynchronously."""
    made = [cls(is_async=is_async) for cls in TABLE for is_async in (False, True) if cls.has_async or not is_async]
    return [sdk for sdk in made if wanted(sdk)]
