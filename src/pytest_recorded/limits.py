"""Ages, shares, budgets and counts, as users write them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final, NamedTuple

from .errors import ConfigurationError

__all__ = ["Budget", "age_text", "read_age", "read_budget", "read_count", "read_share", "share_text"]

_UNITS: Final = {"h": "hours", "d": "days", "w": "weeks"}
_MOST_REPEATED: Final = 100
# Whatever is older than the calendar can count is as old as can be.
_LONGEST_AGE: Final = timedelta(days=365_000)


class Budget(NamedTuple):
    """How much may be called: so many calls, or for so much money; the other is None.

    Attributes:
        calls: A number of calls.
        usd: US dollars.

    """

    calls: int | None
    usd: float | None

    def __str__(self) -> str:
        if self.calls is not None:
            return f"{self.calls} call{'' if self.calls == 1 else 's'}"
        usd = self.usd or 0.0
        return f"${usd:,.2f}" if round(usd, 2) == usd else f"${usd:,.9f}".rstrip("0")

    @property
    def doubled(self) -> str:
        """Twice as much, as `read_budget` reads it."""
        if self.calls is not None:
            return f"{self.calls * 2 or 1}calls"
        return f"{(self.usd or 0.5) * 2:.9f}".rstrip("0").rstrip(".")


def read_age(text: str, *, where: str) -> timedelta:
    """Return an age, as `30d`.

    Raises:
        ConfigurationError: It is none.

    """
    found = re.fullmatch(r"(\d{1,6})\s*([hdw])", text.strip().lower())
    if found is None:
        raise ConfigurationError(f"{where}={text} is no age. Write hours, days or weeks: 12h, 30d, 8w.")
    return min(timedelta(**{_UNITS[found[2]]: int(found[1])}), _LONGEST_AGE)


def age_text(age: timedelta) -> str:
    """Return an age as `read_age` reads it."""
    return f"{age.days}d" if not age.seconds else f"{age // timedelta(hours=1)}h"


def read_share(text: str, *, where: str) -> float:
    """Return a share, as `10%`: more than 0, and 1 at most.

    Raises:
        ConfigurationError: It is none.

    """
    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?)\s*%", text.strip())
    share = float(found[1]) / 100 if found is not None else 0.0
    if not 0 < share <= 1:
        raise ConfigurationError(f"{where}={text} is no share. Write a percentage: 10%, 2.5%, 100%.")
    return share


def share_text(share: float) -> str:
    """Return a share as `read_share` reads it."""
    return f"{share * 100:g}%"


def read_count(text: str, *, where: str) -> int:
    """Return how often something is done: 1 to 100 times.

    Raises:
        ConfigurationError: It is no such number.

    """
    found = re.fullmatch(r"\d{1,3}", text.strip())
    if found is None or not 1 <= int(found[0]) <= _MOST_REPEATED:
        raise ConfigurationError(f"{where}={text} is no number of times. Write a whole number from 1 to 100.")
    return int(found[0])


def read_budget(text: str, *, where: str) -> Budget:
    """Return a budget: `2.50`, `$2.50` or `2.50 USD` is money, `200 calls` is calls.

    Raises:
        ConfigurationError: It is none.

    """
    calls = re.fullmatch(r"(\d{1,9})\s*calls?", text.strip().lower())
    if calls is not None:
        return Budget(int(calls[1]), None)
    money = re.fullmatch(r"\$?\s*(\d{1,9}(?:\.\d{1,9})?)\s*(?:usd)?", text.strip().lower())
    if money is None:
        raise ConfigurationError(f"{where}={text} is no budget. Write US dollars (2.50) or calls (200calls).")
    return Budget(None, float(money[1]))
