"""The SDKs of those who make models, and of those who run them."""

from __future__ import annotations

import io
from typing import ClassVar, get_args

from .base import ABOUT, FILE, KEY, MODEL, SCHEMA, TOOLS, Sdk, said


class Anthropic(Sdk):
    """Anthropic's messages."""

    name = package = provider = "anthropic"

    def client(self, url, **more):
        import anthropic

        return (anthropic.AsyncAnthropic if self.is_async else anthropic.Anthropic)(api_key=KEY, base_url=url, **more)

    def chat(self, client, text, **more):
        return client.messages.create(model=MODEL, max_tokens=50, messages=said(text), **more)

    def tools(self, client, text, **more):
        tool = {"name": "weather", "description": ABOUT, "input_schema": SCHEMA}
        return self.chat(client, text, tools=[tool], **more)

    def stream(self, client, text):
        return self.chat(client, text, stream=True)

    def stream_tools(self, client, text):
        return self.tools(client, text, stream=True)

    def upload(self, client, _text):
        return client.beta.files.upload(file=FILE)

    def pause(self, client, headers):
        from anthropic._models import FinalRequestOptions

        return client._calculate_retry_timeout(2, FinalRequestOptions(method="post", url="/"), headers)


class Google(Sdk):
    """Google's Gemini; the asynchronous client is told to use httpx2 or httpx, because it prefers aiohttp."""

    name, package, provider = "google-genai", "google-genai", "google"
    prefers_httpx: ClassVar[bool] = True

    def client(self, url, **more):
        from google import genai
        from google.genai import types

        retry = types.HttpRetryOptions(attempts=self.attempts, initial_delay=0.001, max_delay=0.002)
        # Of httpx before version 2; in between of both.
        *_, client_type, _ = get_args(types.HttpOptions.model_fields["httpx_async_client"].annotation)
        self.opened = [client_type()] if self.is_async and self.prefers_httpx else []
        over = {"httpx_async_client": self.opened[0]} if self.opened else more
        options = types.HttpOptions(base_url=url, retry_options=retry, **over)
        client = genai.Client(api_key=KEY, http_options=options)
        return client.aio if self.is_async else client

    def chat(self, client, text, **more):
        return client.models.generate_content(model=MODEL, contents=text, **more)

    def tools(self, client, text):
        return self.chat(client, text, config=self._offer())

    def stream(self, client, text, **more):
        return client.models.generate_content_stream(model=MODEL, contents=text, **more)

    def stream_tools(self, client, text):
        return self.stream(client, text, config=self._offer())

    def embed(self, client, text):
        return client.models.embed_content(model=MODEL, contents=[text, "another"])

    def upload(self, client, _text):
        return client.files.upload(file=io.BytesIO(FILE[1]), config={"mime_type": FILE[2]})

    def _offer(self):
        from google.genai import types

        function = types.FunctionDeclaration(name="weather", description=ABOUT, parameters_json_schema=SCHEMA)
        return types.GenerateContentConfig(tools=[types.Tool(function_declarations=[function])])


class Mistral(Sdk):
    """Mistral's chat, in a client that tries once, or until a minute is over."""

    name, package, provider = "mistralai", "mistralai", "mistral"
    attempts = 1
    patience: ClassVar = {"is_patient": True}

    def client(self, url, *, is_patient=False, **more):
        from mistralai.client import Mistral as Client
        from mistralai.client.utils import BackoffStrategy, RetryConfig

        retry = RetryConfig("backoff", BackoffStrategy(1, 2, 1.0, 60_000), retry_connection_errors=False)
        return Client(api_key=KEY, server_url=url, retry_config=retry if is_patient else None, **more)

    def _of(self, owner, name):
        return getattr(owner, f"{name}_async" if self.is_async else name)

    def chat(self, client, text, **more):
        return self._of(client.chat, "complete")(model=MODEL, messages=said(text), **more)

    def tools(self, client, text):
        return self.chat(client, text, tools=TOOLS)

    def stream(self, client, text, **more):
        return self._of(client.chat, "stream")(model=MODEL, messages=said(text), **more)

    def stream_tools(self, client, text):
        return self.stream(client, text, tools=TOOLS)

    def embed(self, client, text):
        return self._of(client.embeddings, "create")(model=MODEL, inputs=[text, "another"])

    def upload(self, client, _text):
        name, content, kind = FILE
        return self._of(client.files, "upload")(
            file={"file_name": name, "content": content, "content_type": kind}, purpose="batch"
        )


class Cohere(Sdk):
    """Cohere's chat, version 2."""

    name = package = provider = "cohere"
    retries_streams = False

    def client(self, url, **more):
        import cohere

        return (cohere.AsyncClientV2 if self.is_async else cohere.ClientV2)(api_key=KEY, base_url=url, **more)

    def chat(self, client, text, **more):
        return client.chat(model=MODEL, messages=said(text), **more)

    def tools(self, client, text):
        return self.chat(client, text, tools=TOOLS)

    def stream(self, client, text, **more):
        return client.chat_stream(model=MODEL, messages=said(text), **more)

    def stream_tools(self, client, text):
        return self.stream(client, text, tools=TOOLS)

    def embed(self, client, text):
        kinds = {"input_type": "search_document", "embedding_types": ["float"]}
        return client.embed(model=MODEL, texts=[text, "another"], **kinds)


class Ollama(Sdk):
    """Ollama, which knows neither keys nor retries."""

    name = package = provider = "ollama"
    attempts = 1

    def client(self, url, **more):
        import ollama

        cls = ollama.AsyncClient if self.is_async else ollama.Client
        return cls(host=url, headers={"authorization": f"Bearer {KEY}"}, **more)

    def chat(self, client, text, **more):
        return client.chat(model=MODEL, messages=said(text), **more)

    def tools(self, client, text):
        return self.chat(client, text, tools=TOOLS)

    def stream(self, client, text):
        return self.chat(client, text, stream=True)

    def stream_tools(self, client, text):
        return self.chat(client, text, tools=TOOLS, stream=True)

    def embed(self, client, text):
        return client.embed(model=MODEL, input=[text, "another"])


class HuggingFace(Sdk):
    """Hugging Face's chat."""

    name, package, provider = "huggingface-hub", "huggingface-hub", "huggingface"
    attempts = 1

    def client(self, url, **more):
        import huggingface_hub

        cls = huggingface_hub.AsyncInferenceClient if self.is_async else huggingface_hub.InferenceClient
        return cls(base_url=url, api_key=KEY, **more)

    def chat(self, client, text, **more):
        return client.chat_completion(said(text), model=None, max_tokens=50, **more)

    def tools(self, client, text):
        return self.chat(client, text, tools=TOOLS)

    def stream(self, client, text):
        return self.chat(client, text, stream=True)

    def stream_tools(self, client, text):
        return self.chat(client, text, tools=TOOLS, stream=True)


class HuggingFaceText(HuggingFace):
    """Hugging Face's text generation."""

    name = "huggingface-text"
    tools = stream_tools = None

    def chat(self, client, text, **more):
        return client.text_generation(text, model=f"{client.model or client.base_url}/generate", details=True, **more)
