"""The calls of language models among some calls: what they were, what they have used together, assertions on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .compare import differences, distance
from .errors import ConfigurationError
from .llm import Usage, dollars, figures
from .llm.prices import Price
from .shown import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .jobs import Job
    from .llm import LLMCall, ToolCall

__all__ = ["LLMCalls"]

_SHOWN = 3
_SHOWN_FIELDS = 6


class LLMCalls:
    """The calls of language models among some calls.

    Args:
        jobs: The calls.

    """

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._calls = [call for job in jobs if (call := job.llm) is not None]

    @property
    def calls(self) -> list[LLMCall]:
        """The calls, in the order in which they were made."""
        return list(self._calls)

    @property
    def usage(self) -> Usage:
        """What they have used together."""
        return Usage.sum(figures(call, _price(call)) for call in self._calls)

    @property
    def input_tokens(self) -> int:
        """Tokens of all prompts, as far as they were told."""
        return self.usage.input_tokens

    @property
    def output_tokens(self) -> int:
        """Tokens of all answers, as far as they were told."""
        return self.usage.output_tokens

    @property
    def cost_usd(self) -> float | None:
        """What the calls have cost in US dollars, at the prices of the day of their recording.

        None if that is known of none of them; see `usage.unpriced` for how many it is not known of.
        """
        usage = self.usage
        return usage.cost_usd if usage.priced or not usage.calls else None

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tools that the models wanted to be called, in their order."""
        return [tool for call in self._calls for tool in call.tool_calls]

    def assert_tokens(self, *, max_input: int | None = None, max_output: int | None = None) -> None:
        """Assert that the calls have used no more tokens together than they may.

        Raises:
            AssertionError: They have; or one that was answered does not tell how many it has used.
            ConfigurationError: No limit is given.

        """
        __tracebackhide__ = True
        if max_input is None and max_output is None:
            raise ConfigurationError("assert_tokens takes max_input=, max_output= or both.")
        for name, most in (("input_tokens", max_input), ("output_tokens", max_output)):
            if most is None:
                continue
            silent = [call for call in self._calls if getattr(call, name) is None and call.error is None]
            if silent and not (name == "output_tokens" and all(call.operation == "embeddings" for call in silent)):
                raise AssertionError(
                    f"{len(silent)} of {len(self._calls)} calls do not tell their {name} ({_named(silent[0])}). "
                    f"Streams in OpenAI's format tell them with stream_options={{'include_usage': True}}."
                )
            used = getattr(self.usage, name)
            if used > most:
                raise AssertionError(f"{used:,} {name} were used, {most:,} are allowed:\n{self._each(name)}")

    def assert_cost(self, *, max_usd: float) -> None:
        """Assert that the calls have not cost more than they may.

        Raises:
            AssertionError: They have; or the price of one that was answered is not known.

        """
        __tracebackhide__ = True
        silent = [call for call in self._calls if call.cost_usd is None and call.error is None]
        if silent:
            raise AssertionError(
                f"no price is recorded for {len(silent)} of {len(self._calls)} calls ({_named(silent[0])}). They come "
                f"from the extra: pip install 'pytest-recorded[llm]', then record again."
            )
        cost = self.cost_usd or 0.0
        if cost > max_usd:
            raise AssertionError(
                f"{dollars(cost)} were spent, {dollars(max_usd)} are allowed:\n{self._each('cost_usd')}"
            )

    def assert_tool_called(self, name: str, arguments: Any = None, *, times: int | None = None) -> None:
        """Assert that a model wanted a tool to be called.

        Args:
            name: The tool.
            arguments: What it was to be given, compared in part as in `assert_called`; None for anything.
            times: How often; None for at least once.

        Raises:
            AssertionError: It did not; it says what was called instead, nearest first.

        """
        __tracebackhide__ = True
        tools = self.tool_calls
        met = [tool for tool in tools if tool.name == name and not _differing(tool, arguments)]
        if (met and times is None) or len(met) == times:
            return
        wanted = f"{name} with {shown(arguments)}" if arguments is not None else name
        how = "was not called" if not met else f"was called {len(met)} times"
        expected = "" if times is None else f", expected {times}"
        raise AssertionError("\n".join([f"the tool {wanted} {how}{expected}{_instead(tools, name, arguments)}"]))

    def _each(self, name: str) -> str:
        values = sorted(self._calls, key=lambda call: -(getattr(call, name) or 0))[:_SHOWN]
        return "\n".join(f"  {_value(getattr(call, name), name)}  {_named(call)}" for call in values)

    def __len__(self) -> int:
        return len(self._calls)

    def __repr__(self) -> str:
        usage = self.usage
        return f"<LLMCalls: {usage.calls} calls, {usage.input_tokens} input and {usage.output_tokens} output tokens>"


def _price(call: LLMCall) -> Price | None:
    return None if call.cost_usd is None else Price(call.cost_usd, "")


def _value(value: Any, name: str) -> str:
    if value is None:
        return "unknown"
    return dollars(value) if name == "cost_usd" else f"{value:,}"


def _named(call: LLMCall) -> str:
    return f"{call.name or 'a call'} of {call.response_model or call.request_model or 'an unknown model'}"


def _differing(tool: ToolCall, arguments: Any) -> list[Any]:
    return [] if arguments is None else differences(arguments, tool.arguments)


def _instead(tools: list[ToolCall], name: str, arguments: Any) -> str:
    if not tools:
        return "; no tool was called"
    same = sorted(
        (distance(found), number, found)
        for number, tool in enumerate(tools)
        if tool.name == name and (found := _differing(tool, arguments))
    )
    lines = [
        f"  #{number + 1} {name}  " + "; ".join(str(difference) for difference in found[:_SHOWN_FIELDS])
        for _, number, found in same[:_SHOWN]
    ]
    others = sorted({tool.name or "(no name)" for tool in tools if tool.name != name})
    if others:
        lines.append(f"  other tools that were called: {', '.join(others[:10])}")
    return ":\n" + "\n".join(lines) if lines else ""
