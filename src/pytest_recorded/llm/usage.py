"""The figures of calls of language models: what is stored beside a call, and sums of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .tree import count_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .call import LLMCall
    from .prices import Price

__all__ = ["DIGITS", "Usage", "dollars", "figures"]

# To how many decimals US dollars are rounded: a token of the cheapest models costs some billionths.
DIGITS: Final = 12
# What is more is no amount of dollars; an integer may even be too large for a float.
_TOO_MUCH: Final = 1e15

_COUNTS: Final = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "reasoning_tokens",
)


def dollars(usd: float) -> str:
    """Return an amount of US dollars in words: `$12.30`, `$0.0123`, `$0.000015`."""
    if abs(usd) >= 1 or usd == 0:
        return f"${usd:,.2f}"
    digits = 4 if abs(usd) >= 0.01 else 1 - math.floor(math.log10(abs(usd)))  # noqa: PLR2004 - a cent
    return f"${usd:.{digits}f}"


def figures(call: LLMCall, price: Price | None = None) -> dict[str, Any]:
    """Return what is stored beside a call: its name, its tokens, what it has cost, and by which library's prices.

    What is not known is left out.
    """
    counts = {name: value for name in _COUNTS if (value := getattr(call, name)) is not None}
    priced = {"cost_usd": price.usd, "prices": price.source} if price is not None else {}
    named = {"name": call.name} if call.name is not None else {}
    return {**named, **counts, **priced}


@dataclass(frozen=True, slots=True)
class Usage:
    """What calls of language models have used, together.

    Attributes:
        calls: How many they are.
        input_tokens: Tokens of their prompts; those of calls that do not tell are not in it.
        output_tokens: Tokens of their answers; likewise.
        cost_usd: What those of them have cost whose price is known, in US dollars.
        priced: How many these are.

    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    priced: int = 0

    @property
    def tokens(self) -> int:
        """Tokens of prompts and answers together."""
        return self.input_tokens + self.output_tokens

    @property
    def unpriced(self) -> int:
        """Of how many calls the price is not known."""
        return self.calls - self.priced

    @classmethod
    def of(cls, entry: Any) -> Usage:
        """Return the usage of one call from its figures; what in them is no figure counts as unknown."""
        if not isinstance(entry, dict):
            return cls(calls=1)
        cost: Any = entry.get("cost_usd")
        is_priced = type(cost) in (int, float) and 0 <= cost < _TOO_MUCH
        return cls(
            calls=1,
            input_tokens=count_of(entry.get("input_tokens")) or 0,
            output_tokens=count_of(entry.get("output_tokens")) or 0,
            cost_usd=float(cost) if is_priced else 0.0,
            priced=int(is_priced),
        )

    @classmethod
    def sum(cls, entries: Iterable[Any]) -> Usage:
        """Return the usage of some calls from their figures."""
        return sum((cls.of(entry) for entry in entries), cls())

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            round(self.cost_usd + other.cost_usd, DIGITS),
            self.priced + other.priced,
        )
