"""What a call of a language model was, in one form for all providers. Loads pydantic."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["LLMCall", "ToolCall"]


class ToolCall(BaseModel):
    """A call of a tool that a model wants to be made.

    Attributes:
        name: Of the tool; None if the answer says none.
        arguments: What the tool is to be given: parsed, as a rule a dict; `{}` if nothing was given; the text as it
            came if that is no JSON, as of a stream that was cut off.

    """

    model_config = ConfigDict(frozen=True)

    name: str | None = None
    arguments: Any = Field(default_factory=dict)


class LLMCall(BaseModel):
    """A call of a language model, whoever was asked, plain or streamed.

    What was not said is None; the two lists are empty then. Tokens are counted as OpenTelemetry defines them, so that
    they mean the same for all providers, whatever these count by themselves: see docs/llm.md.

    Attributes:
        provider: Who was asked, as OpenTelemetry names it: `openai`, `anthropic`, `gcp.gemini`, `aws.bedrock` …
        operation: What was asked for: `chat`, `generate_content`, `text_completion`, `embeddings`.
        request_model: The model that was asked for.
        response_model: The model that has answered, by its own account.
        text: What the model has said, of several choices the first: its thoughts left out, a refusal included.
        tool_calls: The tools that the caller is to run, of several choices those of the first. What the provider runs
            itself, as a search of the web, is none.
        finish_reasons: Why it has ended, in the provider's words: one for each choice.
        input_tokens: Tokens of the prompt, those read from and written to a cache included.
        output_tokens: Tokens of the answer, those of reasoning included.
        cache_read_tokens: How many of the input tokens came from a cache.
        cache_creation_tokens: How many of the input tokens were written to a cache.
        reasoning_tokens: How many of the output tokens are thoughts.
        streamed: Whether the answer was asked for, or came, as a stream.
        cost_usd: What the call has cost, in US dollars, at the prices of the day on which it was recorded.
        error: Why there is no answer, or no whole one: its type or code, and its message.

    """

    model_config = ConfigDict(frozen=True)

    provider: str | None = None
    operation: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    text: str | None = None
    tool_calls: list[ToolCall] = Field(default_factory=list)
    finish_reasons: list[str] = Field(default_factory=list)
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_creation_tokens: int | None = None
    reasoning_tokens: int | None = None
    streamed: bool | None = None
    cost_usd: float | None = None
    error: str | None = None

    @classmethod
    def from_job(cls, job: Any) -> LLMCall | None:
        """Return what a recorded call was as a call of a language model; None if it was none."""
        found: LLMCall | None = job.llm
        return found

    @property
    def name(self) -> str | None:
        """Provider and operation: `openai.chat`; None if one of them is not known."""
        return f"{self.provider}.{self.operation}" if self.provider and self.operation else None
