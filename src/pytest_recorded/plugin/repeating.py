"""`--record-repeat`: a recorded test runs several times; the last time counts, those before show what varies by itself.

The law of this file: pytest, and whoever listens to it, hears of one run of a test. What the runs before it have cost,
and whatever of them outlived them, is told with the report of the one that counts.
"""

from __future__ import annotations

import copy
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import runtestprotocol

from ..spending import sum_told

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from .running import Running

__all__ = ["Repeating"]


class Repeating:
    """Hooks around the tests that are recorded; to be registered after all others of ours, to be around those.

    Args:
        running: What runs a recorded test.
        times: How often each is run.

    """

    def __init__(self, running: Running, times: int) -> None:
        self._running = running
        self._times = times
        # What the runs before the one that counts have told.
        self._told: list[dict[str, Any]] = []
        self._attempts: list[Any] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Run a recorded test as often as it runs besides the time that counts, which is left to pytest."""
        if not self._running.has(item):
            return
        # The fixtures of a test are torn down where another test of the same place follows; wider ones are kept.
        sibling = copy.copy(item)
        for _ in range(self._times - 1):
            if item.session.shouldstop or item.session.shouldfail:
                break
            with self._rehearsing(item):
                runtestprotocol(item, nextitem=sibling, log=False)

    @contextmanager
    def _rehearsing(self, item: pytest.Item) -> Iterator[None]:
        """See to it that nothing of a run is left on the test, and that nobody hears of its subtests either."""
        session, properties = item.session, list(item.user_properties)
        relay = session.gethookproxy
        session.gethookproxy = lambda path: _Quiet(relay(path))  # type: ignore[assignment, method-assign, return-value]  # they are asked alike
        self._running.is_rehearsal = True
        try:
            yield
        finally:
            self._running.is_rehearsal = False
            del session.gethookproxy
            item.user_properties[:] = properties
            item._report_sections.clear()  # noqa: SLF001 - what was printed would be shown again with each later run
            # Each run of a test has an instance of its class to itself. Some versions of pytest leave a None there.
            if item.__dict__.pop("_instance", None) is not None:
                item._obj = None  # type: ignore[attr-defined]  # noqa: SLF001 - the method is bound to the instance

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Keep what a run tells for the report of the one that counts."""
        report = yield
        told, attempts = getattr(report, "recorded", None), getattr(report, "recorded_network", [])
        if self._running.is_rehearsal:
            self._told += [told] if told is not None else []
            self._attempts += attempts
        elif told is not None:
            told["usage"] = sum_told([*(one["usage"] for one in self._told), told["usage"]])
            told["late"] = [late for one in (*self._told, told) for late in one["late"]]
            if self._attempts:
                report.recorded_network = [*self._attempts, *attempts]  # type: ignore[attr-defined]
            self._told, self._attempts = [], []
        return report


class _Quiet:
    """Hooks that tell nobody of reports."""

    def __init__(self, relay: Any) -> None:
        self._relay = relay

    def __getattr__(self, name: str) -> Any:
        return getattr(self._relay, name)

    def pytest_runtest_logreport(self, **_given: Any) -> list[Any]:
        """Do nothing."""
        return []
