"""The support desk of a shop: language models sort its letters, draft answers, and translate them."""

import asyncio
from collections.abc import Iterator
from typing import Literal

import anthropic
import openai
from openai.types.chat import ChatCompletionMessageParam, ParsedChatCompletion
from pydantic import BaseModel

GPT = "gpt-4o-mini"
CLAUDE = "claude-haiku-4-5"


class Ticket(BaseModel):
    """What a letter is about."""

    topic: Literal["delivery", "payment", "other"]
    is_urgent: bool
    summary: str


def triage(client: openai.OpenAI, letter: str) -> Ticket:
    """Sort a letter.

    Raises:
        ValueError: The model has refused to.

    """
    answer = client.chat.completions.parse(model=GPT, messages=_sorting(letter), response_format=Ticket)
    return _ticket(answer)


async def triage_all(client: openai.AsyncOpenAI, letters: list[str]) -> list[Ticket]:
    """Sort letters, all at once.

    Raises:
        ValueError: The model has refused to sort one of them.

    """
    parse = client.chat.completions.parse
    asked = [parse(model=GPT, messages=_sorting(letter), response_format=Ticket) for letter in letters]
    return [_ticket(answer) for answer in await asyncio.gather(*asked)]


def _sorting(letter: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "system", "content": "Say what this letter is about."}, {"role": "user", "content": letter}]


def _ticket(answer: ParsedChatCompletion[Ticket]) -> Ticket:
    message = answer.choices[0].message
    if message.parsed is None:
        raise ValueError(f"the model has not sorted the letter: {message.refusal or message.content}")
    return message.parsed


def draft(client: openai.OpenAI, letter: str) -> Iterator[str]:
    """Yield an answer to a letter, piece by piece."""
    events = client.chat.completions.create(
        model=GPT,
        messages=[{"role": "user", "content": f"Answer this letter in two sentences. {letter}"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    for event in events:
        for choice in event.choices:
            yield choice.delta.content or ""


def review(client: anthropic.Anthropic, answer: str) -> str:
    """Return what another model thinks of an answer."""
    said = client.messages.create(
        model=CLAUDE, max_tokens=100, messages=[{"role": "user", "content": f"Review this answer. {answer}"}]
    )
    return "".join(block.text for block in said.content if block.type == "text")


def translate(client: anthropic.Anthropic, answer: str, language: str) -> Iterator[str]:
    """Yield an answer in another language, piece by piece."""
    asked = f"Translate into {language}. {answer}"
    with client.messages.stream(model=CLAUDE, max_tokens=500, messages=[{"role": "user", "content": asked}]) as stream:
        yield from stream.text_stream
