"""OpenAI's SDK, and those that are made like it or stand on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import FILE, FUNCTION, KEY, MODEL, TOOLS, Sdk, said

if TYPE_CHECKING:
    from collections.abc import Mapping


class OpenAI(Sdk):
    """OpenAI's chat completions."""

    name = package = provider = "openai"

    def client(self, url, **more):
        import openai

        return (openai.AsyncOpenAI if self.is_async else openai.OpenAI)(api_key=KEY, base_url=url, **more)

    def chat(self, client, text, **more):
        return client.chat.completions.create(model=MODEL, messages=said(text), **more)

    def tools(self, client, text):
        return self.chat(client, text, tools=TOOLS)

    def stream(self, client, text):
        return self.chat(client, text, stream=True, stream_options={"include_usage": True})

    def stream_tools(self, client, text):
        return self.chat(client, text, tools=TOOLS, stream=True)

    def embed(self, client, text):
        return client.embeddings.create(model=MODEL, input=[text, "another"])

    def upload(self, client, _text):
        return client.files.create(file=FILE, purpose="batch")

    def pause(self, client, headers: Mapping[str, str]) -> float:
        """Return how long the SDK waits before it tries again, in seconds, as it reads a response's headers."""
        from openai._models import FinalRequestOptions

        return client._calculate_retry_timeout(2, FinalRequestOptions(method="post", url="/"), headers)


class OpenAIResponses(OpenAI):
    """OpenAI's responses."""

    name = "openai-responses"
    embed = upload = None

    def chat(self, client, text, **more):
        return client.responses.create(model=MODEL, input=text, **more)

    def tools(self, client, text):
        return self.chat(client, text, tools=[{"type": "function", **FUNCTION}])

    def stream(self, client, text):
        return self.chat(client, text, stream=True)

    def stream_tools(self, client, text):
        return self.chat(client, text, tools=[{"type": "function", **FUNCTION}], stream=True)


class Groq(OpenAI):
    """Groq's chat completions, in a client that is made like OpenAI's."""

    name = package = provider = "groq"
    embed = upload = None

    def client(self, url, **more):
        import groq

        return (groq.AsyncGroq if self.is_async else groq.Groq)(api_key=KEY, base_url=url, **more)

    def stream(self, client, text):
        return self.chat(client, text, stream=True)

    def pause(self, client, headers):
        from groq._models import FinalRequestOptions

        return client._calculate_retry_timeout(2, FinalRequestOptions(method="post", url="/"), headers)


class LangChain(Sdk):
    """langchain's model of OpenAI's."""

    name, package, provider = "langchain-openai", "langchain-openai", "openai"

    def client(self, url, **more):
        import httpx2
        from langchain_openai import ChatOpenAI

        # Its own asynchronous client is one for all event loops, and is never closed.
        self.opened = [httpx2.AsyncClient()] if self.is_async else []
        over = {"http_async_client": self.opened[0]} if self.is_async else {}
        return ChatOpenAI(model=MODEL, api_key=KEY, base_url=url, stream_usage=True, **over, **more)

    def chat(self, client, text):
        return (client.ainvoke if self.is_async else client.invoke)(text)

    def tools(self, client, text):
        return self.chat(client.bind_tools(TOOLS), text)

    def stream(self, client, text):
        return (client.astream if self.is_async else client.stream)(text)

    def stream_tools(self, client, text):
        return self.stream(client.bind_tools(TOOLS), text)
