"""The guard of a session: from the collection of tests to its end connections are noticed, and told with reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ..guard import begin, end
from ..sockets import install

if TYPE_CHECKING:
    from collections.abc import Generator

    from .session import TestSession

__all__ = ["Guarding"]


class Guarding:
    """Hooks around everything that code of the user is run by."""

    def __init__(self, session: TestSession) -> None:
        self._session = session
        install()
        if session.is_guarded:
            begin(session.policy)
            session.config.add_cleanup(self._end)

    def _end(self) -> None:
        end(self._session.policy)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, Any, Any]:
        """Say which module is imported."""
        self._session.log.place = collector.nodeid
        try:
            return (yield)
        finally:
            self._session.log.place = ""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Generator[None, Any, Any]:
        """Look at sockets again: other plugins put their own methods there, and take them off again with ours."""
        install()
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Generator[None, Any, Any]:
        """Do so likewise."""
        install()
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let the last report of a test tell what has been noticed by then."""
        report = yield
        if call.when == "teardown" and (attempts := self._session.log.take()):
            # Whatever is an attribute of a report travels to xdist's controller with it.
            report.recorded_network = attempts  # type: ignore[attr-defined]
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Let go of the network: what other plugins send at the end is theirs."""
        self._end()
