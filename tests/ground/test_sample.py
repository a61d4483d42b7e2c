"""Whose turn it is: each test has one in each cycle of days."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_recorded.sample import days_of_cycle, has_turn


@pytest.mark.parametrize(
    ("share", "days"),
    [(1.0, 1), (0.5, 2), (0.1, 10), (0.07, 15), (0.05, 20), (0.025, 40), (0.01, 100), (0.3, 4), (0.75, 2)],
)
def test_a_cycle_is_as_long_as_it_takes_for_all_to_have_had_their_turn(share, days):
    assert days_of_cycle(share) == days


@settings(max_examples=100)
@given(st.text(), st.floats(0.001, 1), st.integers(0, 10**6))
def test_every_test_has_its_turn_exactly_once_in_the_days_of_a_cycle(name, share, first):
    cycle = range(first, first + days_of_cycle(share))
    assert sum(has_turn(name, share, day) for day in cycle) == 1


def test_the_turns_are_spread_evenly_over_the_days():
    names = [f"tests/test_shop.py::test_order[{number}]" for number in range(2000)]
    counts = [sum(has_turn(name, 0.1, day) for name in names) for day in range(10)]
    assert sum(counts) == 2000
    assert all(150 < count < 250 for count in counts)


def test_whose_turn_it_is_is_the_same_on_every_machine():
    """A digest, not a hash of Python's, which is another one in each process."""
    assert [day for day in range(30) if has_turn("test_a.py::test_x", 0.1, day)] == [5, 15, 25]
