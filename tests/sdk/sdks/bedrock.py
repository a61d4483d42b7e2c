"""Amazon's SDK, with credentials that are none."""

from __future__ import annotations

import json
from functools import cache

from .base import ABOUT, KEY, MODEL, SCHEMA, Sdk, said


@cache
def _session():
    """Return a session, which reads long descriptions of services once."""
    import boto3

    return boto3.Session("planted-id", KEY, region_name="eu-central-1")


class Boto3(Sdk):
    """Bedrock's converse; a client that tries again would do so after a pause of its own."""

    name, package, provider = "boto3", "boto3", "bedrock"
    attempts = 1
    decodes = has_async = False

    def client(self, url, **more):
        from botocore.config import Config

        return _session().client(
            "bedrock-runtime", endpoint_url=url, config=Config(retries={"total_max_attempts": self.attempts}, **more)
        )

    def chat(self, client, text, **more):
        return client.converse(modelId=MODEL, messages=[{"role": "user", "content": [{"text": text}]}], **more)

    def tools(self, client, text):
        return self.chat(client, text, toolConfig=self._offer())

    def stream(self, client, text, **more):
        said_here = [{"role": "user", "content": [{"text": text}]}]
        return client.converse_stream(modelId=MODEL, messages=said_here, **more)["stream"]

    def stream_tools(self, client, text):
        return self.stream(client, text, toolConfig=self._offer())

    def _offer(self):
        return {"tools": [{"toolSpec": {"name": "weather", "description": ABOUT, "inputSchema": {"json": SCHEMA}}}]}


class Boto3Invoke(Boto3):
    """A model of Bedrock's that is invoked in its maker's format."""

    name = "boto3-invoke"
    tools = stream_tools = None

    def _body(self, text):
        return json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 50, "messages": said(text)})

    def chat(self, client, text):
        answer = client.invoke_model(modelId="anthropic.m-1:0", body=self._body(text))
        return answer | {"body": answer["body"].read()}

    def stream(self, client, text):
        return client.invoke_model_with_response_stream(modelId="anthropic.m-1:0", body=self._body(text))["body"]
