"""The table of the SDKs that are tested, as far as they are installed. Each is imported when it is first used."""

from __future__ import annotations

from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from .base import KEY, SCENARIOS, Sdk
from .bedrock import Boto3, Boto3Invoke
from .litellm import LiteLLM, LiteLLMAnthropic
from .makers import Anthropic, Cohere, Google, HuggingFace, HuggingFaceText, Mistral, Ollama
from .openai import Groq, LangChain, OpenAI, OpenAIResponses

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KEY", "SCENARIOS", "TABLE", "Sdk", "each", "is_installed", "rows"]

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
    LiteLLM,
    LiteLLMAnthropic,
)


def each(wanted: Callable[[Sdk], bool] = lambda _sdk: True) -> pytest.MarkDecorator:
    """Return the parameters of a test: SDKs, each at once and asynchronously."""
    return pytest.mark.parametrize("sdk", rows(wanted), ids=lambda sdk: sdk.id)


def rows(wanted: Callable[[Sdk], bool] = lambda _sdk: True) -> list[Sdk]:
    """Return the SDKs that are installed, each at once and asynchronously."""
    there = [cls for cls in TABLE if is_installed(cls.package)]
    made = [cls(is_async=is_async) for cls in there for is_async in (False, True) if cls.has_async or not is_async]
    return [sdk for sdk in made if wanted(sdk)]


@cache
def is_installed(package: str) -> bool:
    """Return whether there is a package, without importing it."""
    return bool(list(metadata.distributions(name=package)))
