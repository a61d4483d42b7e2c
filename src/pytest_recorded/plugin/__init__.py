"""The pytest plugin: options, the marker, the fixtures, the header.

The law of this file: it is loaded in every run of pytest in every project that has this package, so that it imports
nothing that a run without recorded tests does not need. What works for recorded tests is loaded when there are any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .. import ambient
from ..errors import ConfigurationError
from .snapshots import forgive_unused, keep_databases, write_readably
from .table import add_aliases, add_options, command_line_mode, is_guarded

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from .calls import Recorded
    from .running import Running
    from .session import TestSession

_MARKER = (
    "recorded(*functions, mode=…, cassette=…, scope=…, match=[…], ignore=[…], redact=[…], hosts=[…], ignore_hosts=[…], "
    "kinds=[…], live=[…], data=…, before_record_request=…, before_record_response=…, failed=…, block_network=…, "
    "allowed_hosts=[…], verify_serve=…, no_verify=[…], list_keys=[…]): record the calls of this test "
    "once and replay them from then on. Without functions: all HTTP. With dotted paths: those functions "
    "too; then also kind=, key=, request=, response=, data=, error=."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options to the command line and to ini files."""
    add_options(parser)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Generator[None, Any, Any]:
    """Add names that other plugins may have too, after they have all added theirs."""
    result = yield
    add_aliases(parser)
    return result


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and see to the databases that lie where another plugin deletes what it does not know."""
    config.addinivalue_line("markers", _MARKER)
    keep_databases(config)
    ambient.begin(ambient.Ambient(config.rootpath, command_line_mode(config), {}))
    config.add_cleanup(ambient.end)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Get ready to speak to xdist's workers where there are any; elsewhere, guard the network if that is asked for."""
    config = session.config
    if config.pluginmanager.hasplugin("dsession"):
        from .closing import Distributing  # noqa: PLC0415 - see the law of this file

        config.pluginmanager.register(Distributing(_session(config)), "recorded-distributing")
    elif is_guarded(config):
        _guard(config)
    if config.option.recorded_budget or config.getini("record_budget"):
        # It holds for blocks of `use_cassette` too, also where no test is recorded.
        _session(config)
    if config.getoption("--record-accept") and not hasattr(config, "workerinput"):
        _accept(config)


def pytest_report_header(config: pytest.Config) -> str:
    """Say with which mode and which cassette this run begins."""
    from .header import header  # noqa: PLC0415 - see the law of this file

    return header(config)


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    """Say which cassettes the recorded tests have, if there are others than the usual one."""
    if config.option.verbose < 0:
        return []
    # Looked for once: with many tests that are not recorded it is all that the plugin costs them.
    marked = config.stash[_marked_key] = _recorded_among(config, items)
    if not marked:
        return []
    from .header import several  # noqa: PLC0415 - see the law of this file

    return several(config, marked)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the recorded tests that are not in the sample, after plugins that look for what belongs to each test."""
    if config.option.recorded_sample or config.getini("record_sample"):
        from .sampling import take_sample  # noqa: PLC0415 - see the law of this file

        take_sample(_session(config), items, _recorded_among(config, items))


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Take in that tests are left out, which are there for all that."""
    for item in items[:1]:
        item.config.stash[_narrowed_key] = True


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Get ready for the tests that are recorded, if there are any."""
    marked = session.config.stash.get(_marked_key, None)
    if marked is None:
        marked = _recorded_among(session.config, session.items)
    if marked and not session.config.option.collectonly:
        _session(session.config).attendance.begin(session, is_narrowed=_narrowed_key in session.config.stash)
        _running(session.config, marked)


def _recorded_among(config: pytest.Config, items: list[pytest.Item]) -> list[pytest.Item]:
    everything = config.getoption("--recorded-all") or config.getini("recorded_all")
    return [item for item in items if everything or _is_marked(item)]


def _is_marked(item: pytest.Item) -> bool:
    return item.get_closest_marker("recorded") is not None or "recorded" in getattr(item, "fixturenames", ())


_narrowed_key = pytest.StashKey[bool]()
_marked_key = pytest.StashKey[list[pytest.Item]]()
_session_key = pytest.StashKey["TestSession"]()
_running_key = pytest.StashKey["Running"]()


def _session(config: pytest.Config) -> TestSession:
    if _session_key not in config.stash:
        from .closing import Closing, Telling  # noqa: PLC0415 - see the law of this file
        from .session import TestSession  # noqa: PLC0415

        try:
            session = config.stash[_session_key] = TestSession(config)
        except ConfigurationError as error:
            raise pytest.UsageError(str(error)) from None
        if session.share is not None:
            forgive_unused(config)
        if session.worker is None:
            config.pluginmanager.register(Closing(session), "recorded-closing")
        else:
            config.pluginmanager.register(Telling(session), "recorded-telling")
    return config.stash[_session_key]


def _guard(config: pytest.Config) -> TestSession:
    session = _session(config)
    if not config.pluginmanager.hasplugin("recorded-guarding"):
        from .guarding import Guarding  # noqa: PLC0415 - see the law of this file

        config.pluginmanager.register(Guarding(session), "recorded-guarding")
    return session


def _accept(config: pytest.Config) -> None:
    from ..errors import RecordedError  # noqa: PLC0415 - see the law of this file

    session = _session(config)
    if not session.options.mode.compares:
        try:
            session.accept()
        except RecordedError as error:
            raise pytest.UsageError(str(error)) from None


def _running(config: pytest.Config, items: list[pytest.Item]) -> Running:
    if _running_key not in config.stash:
        from .running import Beginning, Running  # noqa: PLC0415 - see the law of this file

        running = config.stash[_running_key] = Running(_session(config), items)
        config.pluginmanager.register(running, "recorded-running")
        config.pluginmanager.register(Beginning(running), "recorded-beginning")
        session = _guard(config)
        write_readably(config)
        if session.times > 1:
            from .repeating import Repeating  # noqa: PLC0415

            config.pluginmanager.register(Repeating(running, session.times), "recorded-repeating")
    return config.stash[_running_key]


@pytest.fixture
def recorded(request: pytest.FixtureRequest, recorded_options: Any, recorded_cassette: Any) -> Recorded:  # noqa: ARG001 - known then
    """Record the calls of this test, and look at them: `recorded.jobs`, `recorded.mode`, `recorded.cassette`."""
    from .calls import Recorded  # noqa: PLC0415 - see the law of this file

    running = _running(request.config, [])
    return Recorded(running.begin(request.node))


@pytest.fixture(scope="session")
def recorded_options() -> dict[str, Any]:
    """Return options for the tests below a conftest, a module or a class that overrides it."""
    return {}


@pytest.fixture(scope="session")
def recorded_cassette() -> str | Path | None:
    """Return the cassette of the tests below whatever overrides it, relative to its file; None for the usual one."""
    return None


@pytest.fixture(scope="session")
def recorded_projections() -> dict[str, Any]:
    """Return models of data by globs of kinds, for the tests below whatever overrides it."""
    return {}
