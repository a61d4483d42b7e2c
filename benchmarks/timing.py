"""Measuring side by side on a noisy machine: round by round, each round all variants, medians over the rounds."""

from __future__ import annotations

import gc
from collections import deque
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["interleaved", "median", "median_gap", "per_call"]


def interleaved(rounds: int, variants: dict[str, Callable[[int], Any]]) -> dict[str, list[Any]]:
    """Return what each variant returns in each round, after one round that does not count.

    Each round begins with another variant, so that none always runs in the wake of the same one.
    """
    order = deque(variants)
    measured: dict[str, list[Any]] = {name: [] for name in variants}
    for number in range(rounds + 1):
        for name in order:
            gc.collect()
            value = variants[name](number)
            if number:
                measured[name].append(value)
        order.rotate(-1)
    return measured


def per_call(call: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> float:
    """Return the seconds that a call takes, on average over some arguments."""
    arguments = list(arguments)
    started = perf_counter()
    for given in arguments:
        call(*given)
    return (perf_counter() - started) / len(arguments)


def median_gap(values: list[float], floor: list[float]) -> float:
    """Return how much more one variant takes than another: the median over the rounds of the difference."""
    return median([value - least for value, least in zip(values, floor, strict=True)])
