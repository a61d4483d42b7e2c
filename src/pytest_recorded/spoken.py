"""The calls of language models among some calls: what they were, what they have used together, assertions on them."""

from __future__ import annotations

import math
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .compare import differences, distance
from .errors import ConfigurationError
from .llm import Usage, dollars, figures
from .llm.prices import Price, price, why_unpriced
from .shown import shown
from .wanted import name_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .jobs import Job
    from .llm import LLMCall, ToolCall

__all__ = ["LLMCalls"]

_SHOWN = 3
_SHOWN_FIELDS = 6
_SHOWN_KINDS = 8
_HIDDEN = (
    "Seen are calls over HTTP. A recorded function hides those that are made inside of it: record the HTTP calls "
    "instead of the function. What another process, a WebSocket or gRPC sends is not seen."
)


class LLMCalls:
    """The calls of language models among some calls.

    Args:
        jobs: The calls.
        beside: What a failure is to say besides: about calls that are not among these.

    """

    def __init__(self, jobs: Iterable[Job], beside: str = "") -> None:
        self._jobs = list(jobs)
        self._beside = beside
        self._made = [(job, call) for job in self._jobs if (call := job.llm) is not None]
        self._calls = [call for _, call in self._made]

    @property
    def calls(self) -> list[LLMCall]:
        """The calls, in the order in which they were made."""
        return list(self._calls)

    @property
    def usage(self) -> Usage:
        """What they have used together."""
        return Usage.sum(figures(call, _price(call)) for call in self._priced)

    @property
    def input_tokens(self) -> int:
        """Tokens of all prompts, as far as they were told."""
        return self._tokens.input_tokens

    @property
    def output_tokens(self) -> int:
        """Tokens of all answers, as far as they were told."""
        return self._tokens.output_tokens

    @property
    def _tokens(self) -> Usage:
        """What they have used together, without what it has cost: no price has to be looked up."""
        return Usage.sum(map(figures, self._calls))

    @cached_property
    def _priced(self) -> list[LLMCall]:
        """The calls, those whose price was not noted at the price that is known here of the day of their recording."""
        return [
            call.model_copy(update={"cost_usd": found.usd})
            if call.cost_usd is None and (found := price(call, job.recorded_at)) is not None
            else call
            for job, call in self._made
        ]

    @property
    def cost_usd(self) -> float | None:
        """What the calls have cost in US dollars, at the prices of the day of their recording.

        None if that is known of none of them; see `usage.unpriced` for how many it is not known of. What was not noted
        when they were recorded is known if the extra `llm` is installed by now.
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
            AssertionError: They have; or one that was answered does not tell how many it has used; or there are none.
            ConfigurationError: No limit is given, or one that is no number of tokens.

        """
        __tracebackhide__ = True
        if max_input is None and max_output is None:
            raise ConfigurationError("assert_tokens takes max_input=, max_output= or both.")
        for option, given in (("max_input", max_input), ("max_output", max_output)):
            if given is not None and (type(given) is not int or given < 0):
                raise ConfigurationError(f"{option}={shown(given)} is no number of tokens.")
        self._assert_any("assert_tokens")
        for name, most in (("input_tokens", max_input), ("output_tokens", max_output)):
            if most is None:
                continue
            silent = [call for call in self._calls if getattr(call, name) is None and call.error is None]
            if silent and not (name == "output_tokens" and all(call.operation == "embeddings" for call in silent)):
                raise AssertionError(
                    f"{len(silent)} of {len(self._calls)} calls do not tell their {name} ({_named(silent[0])}). "
                    f"Streams in OpenAI's format tell them with stream_options={{'include_usage': True}}."
                )
            used = getattr(self._tokens, name)
            if used > most:
                raise AssertionError(f"{used:,} {name} were used, {most:,} are allowed:\n{self._each(name)}")

    def assert_cost(self, *, max_usd: float) -> None:
        """Assert that the calls have not cost more than they may.

        Raises:
            AssertionError: They have; or the price of one that was answered is not known; or there are none.
            ConfigurationError: The limit is no amount of dollars.

        """
        __tracebackhide__ = True
        if type(max_usd) not in (int, float) or not 0 <= max_usd < math.inf:
            raise ConfigurationError(f"max_usd={shown(max_usd)} is no amount of dollars.")
        self._assert_any("assert_cost")
        silent = [call for call in self._priced if call.cost_usd is None and call.error is None]
        if silent:
            raise AssertionError(
                f"no price is known of {len(silent)} of {len(self._calls)} calls ({_named(silent[0])}). "
                f"{why_unpriced(silent[0])}"
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
            AssertionError: It did not; it says what was called instead, nearest first; or no model was called.
            ConfigurationError: `name` is no text, or `times` no number of calls.

        """
        __tracebackhide__ = True
        if not isinstance(name, str) or not name:
            raise ConfigurationError(f"assert_tool_called({shown(name)}): the name of a tool is text.")
        if times is not None and (type(times) is not int or times < 0):
            raise ConfigurationError(f"times={shown(times)} is no number of calls.")
        self._assert_any("assert_tool_called")
        tools = self.tool_calls
        met = [tool for tool in tools if tool.name == name and not _differing(tool, arguments)]
        if (met and times is None) or len(met) == times:
            return
        wanted = f"{name} with {shown(arguments)}" if arguments is not None else name
        how = "was not called" if not met else f"was called {len(met)} times"
        expected = "" if times is None else f", expected {times}"
        raise AssertionError("\n".join([f"the tool {wanted} {how}{expected}{_instead(tools, name, arguments)}"]))

    def _assert_any(self, assertion: str) -> None:
        """Assert that there is a call: of none, any limit would be kept."""
        __tracebackhide__ = True
        if self._calls:
            return
        counts = Counter(job.kind for job in self._jobs).most_common()
        kinds = [name_of(kind) + (f" ({number} times)" if number > 1 else "") for kind, number in counts[:_SHOWN_KINDS]]
        more = [f"and {len(counts) - _SHOWN_KINDS} more kinds"] if len(counts) > _SHOWN_KINDS else []
        text = f"{assertion}: no call of a language model is among the calls"
        if kinds:
            text += f", which are: {', '.join([*kinds, *more])}. {_HIDDEN}"
        else:
            text += ": this test has made no calls."
        raise AssertionError("\n".join([text, *([self._beside] if self._beside else [])]))

    def _each(self, name: str) -> str:
        calls = self._priced if name == "cost_usd" else self._calls
        values = sorted(calls, key=lambda call: -(getattr(call, name) or 0))[:_SHOWN]
        return "\n".join(f"  {_value(getattr(call, name), name)}  {_named(call)}" for call in values)

    def __len__(self) -> int:
        return len(self._calls)

    def __repr__(self) -> str:
        usage = self._tokens
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
