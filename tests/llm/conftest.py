"""Exchanges made by hand: what was asked where, and the bytes of what was answered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_recorded import HttpRequest, HttpResponse, llm

# Of a chat; with it come the other forms' own.
URL = "http://127.0.0.1:8000"


def encoded(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


class Wire:
    """Makes exchanges, and reads them."""

    @staticmethod
    def request(url: str, asked: Any = b"", method: str = "POST", **headers: str) -> HttpRequest:
        url = url if "://" in url else URL + url
        named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        return HttpRequest(method, url, named, encoded(asked))

    @staticmethod
    def response(answered: Any, status: int = 200, end: str = "complete", **headers: str) -> HttpResponse:
        named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        return HttpResponse(status, "", named, encoded(answered), end=end)

    @staticmethod
    def sse(*events: Any, end: str = "\n") -> bytes:
        """Return events as they are sent; a text is sent as it is."""
        datas = [event if isinstance(event, str) else json.dumps(event) for event in events]
        return "".join(f"data: {data}{end}{end}" for data in datas).encode()

    def call(self, url: str, asked: Any, answered: Any, status: int = 200, **more: Any) -> Any:
        """Return what an exchange says as a call of a language model."""
        return llm.llm_call(self.request(url, asked), self.response(answered, status, **more))

    def dump(self, url: str, asked: Any, answered: Any, status: int = 200, **more: Any) -> Any:
        """Return the same without what is not known; None if it is no such call."""
        call = self.call(url, asked, answered, status, **more)
        return None if call is None else call.model_dump(exclude_none=True)


@pytest.fixture(scope="session")
def wire() -> Wire:
    """What makes exchanges, and reads them."""
    return Wire()
