"""Which tests have their turn on which day: each has one in each cycle of days.

Whose turn it is follows from a test's name and the day alone, so that all processes and all machines agree.
"""

from __future__ import annotations

import math
from hashlib import blake2b

__all__ = ["days_of_cycle", "has_turn"]

# Shares are percentages: what a float adds to one is far behind these decimals.
_DIGITS = 9


def days_of_cycle(share: float) -> int:
    """Return after how many days all tests have had their turn, if each day has this share of them."""
    return math.ceil(round(1 / share, _DIGITS))


def has_turn(name: str, share: float, day: int) -> bool:
    """Return whether it is a test's turn.

    Args:
        name: The test's name.
        share: The share of the tests that has its turn each day: more than 0, and 1 at most.
        day: The number of a day.

    """
    days = days_of_cycle(share)
    digest = blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % days == day % days
