"""Hugging Face's text generation: a text, or an event for each token of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .asked import Answer
from .frames import event
from .mind import Talk, think

if TYPE_CHECKING:
    from .asked import Asked


def generate(asked: Asked, number: int) -> Answer:
    """Answer a request."""
    turn = think(Talk(asked.json["inputs"]), number)
    if not asked.json.get("stream"):
        return Answer.of([{"generated_text": turn.text}])
    last = len(turn.words)
    events = [
        {
            "index": place,
            "token": {"id": place, "text": word, "logprob": -0.5, "special": False},
            "generated_text": turn.text if place == last else None,
            "details": None,
        }
        for place, word in enumerate(turn.words, 1)
    ]
    return Answer.streamed(*map(event, events))


def failed(status: int, message: str) -> Answer:
    """Return an error."""
    return Answer.of({"error": message, "error_type": "overloaded"}, status)
