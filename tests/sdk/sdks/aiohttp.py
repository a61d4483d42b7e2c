"""The SDKs that use aiohttp: those of openai and anthropic if they are told to, the others if they find it."""

from __future__ import annotations

from .litellm import LiteLLM
from .makers import Anthropic, Google
from .openai import OpenAI


class OpenAIOverAiohttp(OpenAI):
    """openai's asynchronous client over its client for aiohttp."""

    name = "openai-aiohttp"

    def client(self, url, **more):
        import openai

        return super().client(url, http_client=openai.DefaultAioHttpClient(), **more)


class AnthropicOverAiohttp(Anthropic):
    """anthropic's asynchronous client over its client for aiohttp."""

    name = "anthropic-aiohttp"

    def client(self, url, **more):
        import anthropic

        return super().client(url, http_client=anthropic.DefaultAioHttpClient(), **more)


class GoogleOverAiohttp(Google):
    """google-genai's asynchronous client as it is by default."""

    name = "google-genai-aiohttp"
    prefers_httpx = False


class LiteLLMOverAiohttp(LiteLLM):
    """litellm's asynchronous calls as they are by default."""

    name = "litellm-aiohttp"
    is_over_aiohttp = True


OVER_AIOHTTP = (OpenAIOverAiohttp, AnthropicOverAiohttp, GoogleOverAiohttp, LiteLLMOverAiohttp)
