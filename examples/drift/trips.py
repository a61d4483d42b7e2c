"""Advice for a trip: what a tourist office knows, and what two language models make of it."""

import os
from typing import Any, Self

import httpx
from pydantic import BaseModel

#: Here, or wherever the APIs are today.
URL = os.environ.get("TRIPS_URL", "http://127.0.0.1:8000")
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "find_trains",
            "description": "Find the trains from one town to another.",
            "parameters": {
                "type": "object",
                "properties": {"origin": {"type": "string"}, "destination": {"type": "string"}},
            },
        },
    }
]


class Weather(BaseModel):
    city: str
    celsius: float
    sky: str


class Rate(BaseModel):
    currency: str
    rate: float


class Advisor:
    """Knows where to ask; a context manager."""

    def __init__(self, url: str = URL) -> None:
        self._http = httpx.Client(base_url=url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    def weather(self, city: str) -> Weather:
        return Weather.model_validate(self._answer(self._http.get("/office/weather", params={"city": city})))

    def rate(self, currency: str) -> Rate:
        return Rate.model_validate(self._answer(self._http.get("/office/rates", params={"currency": currency})))

    def strikes(self) -> list[str]:
        strikes: list[str] = self._answer(self._http.get("/office/strikes"))
        return strikes

    def trains(self, origin: str, destination: str) -> list[str]:
        towns = {"origin": origin, "destination": destination}
        return [train["name"] for train in self._answer(self._http.get("/railway/trains", params=towns))]

    def suitcase(self, city: str) -> str:
        """Return what a model would pack."""
        asked = {"role": "user", "content": f"What belongs into a suitcase for {city}?"}
        body = {"model": "claude-haiku-4-5", "max_tokens": 200, "messages": [asked]}
        text: str = self._answer(self._http.post("/v1/messages", json=body))["content"][0]["text"]
        return text

    def sight(self, city: str) -> str:
        """Return what a model would look at."""
        text: str = self._chat(f"Name one museum in {city}.")["content"]
        return text

    def tool_call(self, wish: str) -> dict[str, Any]:
        """Return which tool a model would call, as the provider says it."""
        called: dict[str, Any] = self._chat(wish, tools=TOOLS)["tool_calls"][0]["function"]
        return called

    def _chat(self, asked: str, **more: Any) -> Any:
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": asked}], **more}
        return self._answer(self._http.post("/v1/chat/completions", json=body))["choices"][0]["message"]

    @staticmethod
    def _answer(response: httpx.Response) -> Any:
        return response.raise_for_status().json()


def send(to: str, text: str) -> int:
    """Mail advice to somebody; return the number of the mail."""
    number: int = httpx.post(f"{URL}/office/mails", json={"to": to, "text": text}).json()["number"]
    return number
