"""Many changed calls as one report: what they have used is summed up."""

from __future__ import annotations

import pytest

from pytest_recorded.changes.calls import Pair, lost_call
from pytest_recorded.changes.gathering import report_of
from pytest_recorded.changes.model import Figures
from sides import function


def metrics(*figures):
    return report_of((), mode="verify", compared=len(figures), figures=figures).metrics


def test_costs_are_summed_exactly_in_every_python():
    """Python 3.11 adds one float after the other, later ones do not: a tenth, ten times, is 1 in all of them."""
    tenths = [Figures(cost_usd=(0.1, 0.2))] * 10
    assert metrics(*tenths).cost_usd == (1.0, 2.0)


def test_tokens_are_summed_and_of_times_the_median_is_taken():
    found = metrics(*[Figures(tokens=(n, 2 * n), latency_ms=(n, 10 * n)) for n in (1, 2, 9)])
    assert (found.tokens, found.latency_ms) == ((12, 24), (2, 20))
    assert all(type(count) is int for count in found.tokens)


@pytest.mark.parametrize("name", ["tokens", "cost_usd", "latency_ms"])
def test_a_figure_that_only_one_side_has_is_left_out(name):
    """Else the sums of old and new would be those of different calls."""
    known, half = Figures(**{name: (3, 4)}), Figures(**{name: (100, None)})
    assert getattr(metrics(known, half), name) == (3, 4)
    assert getattr(metrics(half), name) == (None, None)


def test_a_call_that_tests_share_is_one_call_that_was_compared():
    calls = [lost_call(Pair(function(1), None), (test,), "lost") for test in ("test_a", "test_b")]
    report = report_of(calls, mode="verify", compared=3)
    assert (report.compared, report.totals) == (2, {"error": 1, "unchanged": 1})
    assert [call.tests for call in report.calls] == [("test_a", "test_b")]
