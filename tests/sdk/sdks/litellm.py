"""litellm, which cannot live beside openai 3: its tests are there if it is, as it is in `.ci/matrix`."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import ClassVar

from .base import KEY, MODEL, TOOLS, Sdk, said


class LiteLLM(Sdk):
    """litellm over the SDK of openai; asynchronous calls are told to use httpx, because they prefer aiohttp.

    Attributes:
        prefix: Of the model's name: who is asked.
        base: What follows the provider's base URL.

    """

    name, package, provider = "litellm-openai", "litellm", "openai"
    prefix: ClassVar[str] = "openai"
    base: ClassVar[str] = ""
    is_over_aiohttp: ClassVar[bool] = False

    def client(self, url, **more):
        import litellm

        litellm.telemetry = False
        litellm.suppress_debug_info = True
        litellm.disable_aiohttp_transport = not self.is_over_aiohttp
        # Else clients are used again whose event loops are closed.
        litellm.in_memory_llm_clients_cache.flush_cache()
        if self.is_async:
            litellm.module_level_aclient = litellm.AsyncHTTPHandler(timeout=60)
            cached = SimpleNamespace(aclose=litellm.close_litellm_async_clients)
            self.opened = [litellm.module_level_aclient, cached]
        call = litellm.acompletion if self.is_async else litellm.completion
        return partial(call, model=f"{self.prefix}/{MODEL}", api_base=url + self.base, api_key=KEY, **more)

    def chat(self, client, text, **more):
        return client(messages=said(text), **more)

    def tools(self, client, text):
        return self.chat(client, text, tools=TOOLS)

    def stream(self, client, text):
        return self.chat(client, text, stream=True)

    def stream_tools(self, client, text):
        return self.chat(client, text, tools=TOOLS, stream=True)


class LiteLLMAnthropic(LiteLLM):
    """litellm in Anthropic's format, over an HTTP client of its own."""

    name = "litellm-anthropic"
    provider = prefix = "anthropic"
    attempts = 1
