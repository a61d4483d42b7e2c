"""What the models say: one turn for a conversation, whatever the format it came in.

A model that is offered tools calls the first of them, `TOOL_ROUNDS` times, and then tells what it was told. Every text
says for the how-manieth time it was asked, so that an answer that was swapped for another is seen.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

TOOL_ROUNDS = 2
CACHED_TOKENS = 2


@dataclass(frozen=True)
class Tool:
    """A tool that is offered."""

    name: str
    schema: dict[str, Any]


@dataclass(frozen=True)
class Talk:
    """A conversation so far: the last text of the user, and what has been done since.

    Attributes:
        text: The user's last text.
        tools: What is offered.
        results: What tools have returned since that text.

    """

    text: str
    tools: tuple[Tool, ...] = ()
    results: tuple[str, ...] = ()


@dataclass(frozen=True)
class ToolCall:
    """A call that the model wants to be made."""

    id: str
    name: str
    arguments: dict[str, Any]

    @property
    def text(self) -> str:
        """The arguments as JSON."""
        return json.dumps(self.arguments, ensure_ascii=False)


@dataclass(frozen=True)
class Turn:
    """What the model says: words, or calls of tools.

    Attributes:
        id: Another one for each turn.
        words: The text, in the pieces in which it is streamed.
        calls: What is to be called.
        input_tokens: How long the conversation is, the cached part included.
        cached_tokens: How much of it was cached.

    """

    id: str
    words: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = field(default=())
    input_tokens: int = 0
    cached_tokens: int = CACHED_TOKENS

    @property
    def text(self) -> str:
        """The text."""
        return "".join(self.words)

    @property
    def output_tokens(self) -> int:
        """How much was said."""
        return len(self.words) + 5 * len(self.calls)

    @property
    def total_tokens(self) -> int:
        """All tokens."""
        return self.input_tokens + self.output_tokens


def think(talk: Talk, number: int) -> Turn:
    """Return the turn that follows a conversation; `number`: for the how-manieth time it is asked, from 1."""
    digest = hashlib.sha256(f"{talk.text}/{len(talk.results)}/{number}".encode()).hexdigest()[:8]
    asked = CACHED_TOKENS + len(talk.text.split()) + sum(len(result.split()) for result in talk.results)
    if talk.tools and len(talk.results) < TOOL_ROUNDS:
        tool = talk.tools[0]
        call = ToolCall(f"call_{digest}", tool.name, _arguments(tool.schema, len(talk.results), number))
        return Turn(digest, calls=(call,), input_tokens=asked)
    told = "".join(f" {result}" for result in talk.results)
    text = f"Answer {number} to {talk.text}:{told} 3 € for the 🏛 in 東京, déjà vu."
    pieces = text.split(" ")
    return Turn(digest, words=(pieces[0], *(f" {piece}" for piece in pieces[1:])), input_tokens=asked)


def vector(text: str, size: int = 8) -> list[float]:
    """Return the embedding of a text; each number is exact in four bytes."""
    return [byte / 256 for byte in hashlib.sha256(text.encode()).digest()[:size]]


def _arguments(schema: dict[str, Any], call: int, number: int) -> dict[str, Any]:
    """Return arguments that fit a schema of flat objects."""
    made: dict[str, Any] = {}
    for name, about in schema.get("properties", {}).items():
        kind = str(about.get("type", "string")).lower()
        made[name] = {"integer": call, "number": call + 0.5, "boolean": True}.get(kind, f"{name} {call} of {number} €")
    return made
