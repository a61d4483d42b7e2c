"""What happens while recorded tests run: their scopes are opened and closed, their misses remembered."""

from __future__ import annotations

import inspect
from collections import Counter
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from _pytest._code.code import ReprEntryNative, ReprExceptionInfo, ReprFileLocation, ReprTraceback

from ..errors import ConfigurationError, MissingRecording, RecordedError
from ..frame import carry_over_threads, framed, held, pop_test, push_test, switch, switch_back
from ..http import listen
from ..options import projections_from
from ..scope import Scope
from ..spending import spent_and_saved
from ..unasked import tell
from .fixtures import within
from .marker import read_markers, rest_of
from .overriding import CASSETTE, OPTIONS, PROJECTIONS, Said, given, is_known, overriding, said_of_shared, said_to
from .shared import SharedFixture
from .typed import typed_test

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from ..projection import Projection
    from ..target import Target
    from .marker import Marked
    from .session import TestSession

__all__ = ["Beginning", "Running"]


class _Attempt:
    """One attempt at a recorded test."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.frame = framed(scope)
        self.has_failed = False
        # Whether it was not skipped, and did not fail as expected.
        self.is_whole = True
        # How many misses there were when the current phase began.
        self.missed_before = 0


_attempt = pytest.StashKey["_Attempt | None"]()


class Beginning:
    """The hook that opens scopes: inside of all wrappers, so that an error in it is an error of the set-up."""

    def __init__(self, running: Running) -> None:
        self._running = running

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Open the scope of a recorded test."""
        self._running.begin_if_recorded(item)


class Running:
    """Hooks around tests and fixtures, registered when a test is recorded.

    Args:
        session: The session.
        items: The tests that are recorded.

    """

    def __init__(self, session: TestSession, items: list[pytest.Item]) -> None:
        self._session = session
        self._items = set(items)
        self._shared: dict[Any, list[pytest.Item]] = {}
        # Misses of shared fixtures that were set up for a test which is not recorded.
        self._unclaimed: list[MissingRecording] = []
        # Shared fixtures that have ended since the last test.
        self._loose: list[Scope] = []
        self._current: _Attempt | None = None
        #: Whether the test that runs will run again, and only the last time counts.
        self.is_rehearsal = False
        for item in items:
            self._prepare(item)
        carry_over_threads()

    def _prepare(self, item: pytest.Item) -> None:
        info = getattr(item, "_fixtureinfo", None)
        for definitions in getattr(info, "name2fixturedefs", {}).values():
            for definition in definitions:
                if definition.scope != "function":
                    self._shared.setdefault(definition, []).append(item)
        names: list[str] = getattr(item, "fixturenames", [])
        for fixture in (CASSETTE, OPTIONS, PROJECTIONS):
            if overriding(fixture, item) is not None:
                # Before any other fixture, because others may make calls already.
                names[:] = [fixture, *(name for name in names if name != fixture)]

    def has(self, item: pytest.Item) -> bool:
        """Return whether a test is recorded."""
        return item in self._items

    # Phases of a test.

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Begin an attempt at a test."""
        item.stash[_attempt] = None
        self._current = None
        return (yield)

    def begin_if_recorded(self, item: pytest.Item) -> None:
        """Open the scope of a recorded test, as soon as its options are known."""
        with _told_plainly():
            if item in self._items and is_known(item):
                self.begin(item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Run the test in its frame."""
        _begin_phase(item)
        with _in_its_own_task(item):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Tear the test down."""
        _begin_phase(item)
        return (yield)

    def begin(self, item: pytest.Item) -> Scope:
        """Open the scope of a test, once what fixtures say of it is known."""
        attempt = item.stash.get(_attempt, None)
        if attempt is not None:
            return attempt.scope
        with _told_plainly():
            scope = self._scope(item, read_markers(item), said_to(item), host=None)
        attempt = _Attempt(scope)
        scope.misses += self._unclaimed
        self._unclaimed = []
        item.stash[_attempt] = attempt
        self._current = attempt
        push_test(attempt.frame)
        switch(attempt.frame)
        return scope

    def _scope(
        self,
        item: pytest.Item,
        marked: Marked,
        said: Said,
        *,
        host: Scope | None,
        shared: tuple[str, str] = ("", ""),
    ) -> Scope:
        """Open a scope; `shared`: where a fixture is written that tests share, and its name."""
        options = self._session.options_for(marked.options, said.options)
        is_by_fixture = said.options.get("cassette") == options.cassette
        suite = self._session.suite(options.cassette, said.place if is_by_fixture else "")
        file, rest = item.path, rest_of(item)
        base, fixture = shared
        if fixture:
            base, _, rest = base.partition("::")
            file = self._session.root / base
        name = suite.name_of(file, rest, self._session.root) + (f"@{fixture}" if fixture else "")
        listen()
        scope = Scope(suite, name, options, is_test=not fixture, run=typed_test(item.config, item.nodeid), host=host)
        scope.targets = marked.targets
        scope.projections += _projections(given(PROJECTIONS, item, {}))
        scope.guard = self._session.policy_for(options, scope.name)
        scope.budget = self._session.allowance_of(scope)
        return scope

    # Fixtures.

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, Any, Any]:
        """Set a fixture up in the frame of its test, or in one of its own if tests share it."""
        if fixturedef.argname in (CASSETTE, OPTIONS, PROJECTIONS):
            value = yield
            item = request._pyfuncitem  # noqa: SLF001 - a session fixture's request has no public way to its test
            if fixturedef.argname == PROJECTIONS:
                if (attempt := item.stash.get(_attempt, None)) is not None:
                    with _told_plainly():
                        attempt.scope.projections += _projections(value)
            else:
                self.begin_if_recorded(item)
            return value
        function, gate = fixturedef.func, self._gate(fixturedef, request)
        if gate is not None:
            # Nothing but the attribute can be replaced; other plugins look at the flavour of the function behind it.
            fixturedef.func = within(function, gate)  # type: ignore[misc]
        try:
            return (yield)
        except MissingRecording as miss:
            # For the next test that asks for the fixture. pytest keeps exceptions itself, but no BaseException.
            key = fixturedef.cache_key(request)  # type: ignore[arg-type]  # it is a SubRequest
            fixturedef.cached_result = (None, key, (miss, miss.__traceback__))
            raise
        finally:
            fixturedef.func = function  # type: ignore[misc]

    def _gate(self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> Any:
        if fixturedef.scope != "function":
            users = self._shared.get(fixturedef)
            return None if users is None else SharedFixture(self, fixturedef, request, users).gate
        attempt = self._current
        if attempt is None or not _is_async(fixturedef.func):
            return None
        return lambda: held(attempt.frame)

    def host(self) -> Scope | None:
        """Return the scope of the test that is running."""
        return self._current.scope if self._current is not None else None

    def shared_scope(self, items: list[pytest.Item], node: Any, base: str, name: str) -> Scope:
        """Open the scope of a shared fixture.

        Its options are those of what it is shared by, a class or a module, or of the folder that it is written in: what
        a test says of itself is of that test alone, whichever comes first. Functions are recorded in it that any of its
        tests records.
        """
        # The fixture of one module is not that of another, though it is one to pytest.
        item = next((one for one in items if node in one.listchain()), items[0])
        functions: dict[str, Target] = {}
        for other in items:
            # What is wrong with a marker its own test says.
            with suppress(ConfigurationError):
                functions |= read_markers(other).targets
        with _told_plainly():
            marked = read_markers(node or item.session)._replace(targets=functions)
            said = said_of_shared(item, node, base)
            return self._scope(item, marked, said, host=self.host(), shared=(base, name))

    def add_loose(self, scope: Scope) -> None:
        """Add the calls of a shared fixture to those of the test that is running."""
        self._loose.append(scope)

    def claim(self, misses: list[MissingRecording]) -> None:
        """Keep the misses of a shared fixture for the next recorded test, if there is none now to answer for them."""
        if self._current is None:
            self._unclaimed += misses

    # Reports.

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """See to it that no test with a miss is green; end the attempt."""
        report = yield
        attempt = item.stash.get(_attempt, None)
        if attempt is None:
            return report
        misses = attempt.scope.misses[attempt.missed_before :]
        if not misses and call.excinfo is not None and isinstance(call.excinfo.value, MissingRecording):
            # That of a shared fixture, which another test was the first to ask for.
            misses = [call.excinfo.value]
        if misses:
            _turn_into_failure(report, call, misses, item)
        attempt.has_failed = attempt.has_failed or report.failed
        attempt.is_whole = attempt.is_whole and not report.skipped
        if call.when == "teardown":
            self._end(item, attempt, report)
        return report

    def _end(self, item: pytest.Item, attempt: _Attempt, report: pytest.TestReport) -> None:
        scope = attempt.scope
        pop_test(attempt.frame)
        switch_back(attempt.frame)
        item.stash[_attempt] = None
        self._current = None
        try:
            # Nothing of a rehearsal is taken over, not even if the test fails when it counts.
            scope.close(passed=not (attempt.has_failed or self.is_rehearsal), is_whole=attempt.is_whole)
        except RecordedError as error:
            _fail(report, f"The recordings of this test could not be finished.\n{error}")
        tell(scope, "test", passed=not attempt.has_failed)
        scopes = [scope]
        if not self.is_rehearsal:
            scopes, self._loose = [scope, *self._loose], []
        self._session.attendance.note(scopes)
        counts = sum((one.counts for one in scopes), Counter())
        if changes := [call for one in scopes for call in one.changes]:
            from .changing import properties  # noqa: PLC0415 - loads pydantic, which a replay has no use for

            report.user_properties += properties(changes)
        held = attempt.has_failed and counts["recorded"] + counts["kept"] and scope.uses_kept
        # Whatever is an attribute of a report travels to xdist's controller with it.
        report.recorded = {  # type: ignore[attr-defined]
            "counts": dict(counts),
            "usage": spent_and_saved(ticket for one in scopes for ticket in one.tickets),
            "cassettes": _by_cassette(scopes),
            "shares": any(one.is_shared for one in scopes),
            "late": self._session.late_calls(),
            "stale": self._session.stale(scopes),
            "kept_back": bool(held) and not scope.options.failed,
        }


def _by_cassette(scopes: list[Scope]) -> dict[str, dict[str, int]]:
    """Return what happened to calls, by the cassettes of their scopes."""
    found: dict[str, Counter[str]] = {}
    for scope in scopes:
        found.setdefault(str(scope.suite.path), Counter()).update(scope.counts)
    return {path: dict(counts) for path, counts in found.items()}


def _projections(value: Any) -> tuple[tuple[str, Projection], ...]:
    return projections_from(value, option=PROJECTIONS, where="the fixture")


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Let the message of an error of ours be all that pytest shows of it."""
    try:
        yield
    except RecordedError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


def _is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


@contextmanager
def _in_its_own_task(item: pytest.Item) -> Iterator[None]:
    """See to it that a coroutine test has its frame in the task that runs it, whoever makes that task."""
    attempt = item.stash.get(_attempt, None)
    holder: Any = getattr(getattr(item, "obj", None), "hypothesis", None)
    name = "inner_test"
    if holder is None:
        holder, name = item, "obj"
    function = getattr(holder, name, None)
    if attempt is None or not inspect.iscoroutinefunction(function):
        yield
        return
    setattr(holder, name, within(function, lambda: held(attempt.frame)))
    try:
        yield
    finally:
        setattr(holder, name, function)


def _begin_phase(item: pytest.Item) -> None:
    attempt = item.stash.get(_attempt, None)
    if attempt is not None:
        attempt.missed_before = len(attempt.scope.misses)


def _turn_into_failure(
    report: pytest.TestReport, call: pytest.CallInfo[None], misses: list[MissingRecording], item: pytest.Item
) -> None:
    text = "\n\n".join(dict.fromkeys(str(miss) for miss in misses))
    raised = call.excinfo.value if call.excinfo is not None else None
    if report.failed and not isinstance(raised, MissingRecording):
        report.sections.append(("recorded: calls without a recording", text))
        return
    where = _line_of(misses[0], item)
    _fail(report, f"{text}\n\n{where}" if where else text)


def _line_of(miss: MissingRecording, item: pytest.Item) -> str:
    """Return the line of the test from which the call was made."""
    trace, found = miss.__traceback__, ""
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(item.path):
            found = f"{item.location[0]}:{trace.tb_lineno}: in {trace.tb_frame.f_code.co_name}"
        trace = trace.tb_next
    return found


def _fail(report: pytest.TestReport, text: str) -> None:
    report.outcome = "failed"
    file, line, _ = report.location
    # As text alone it would stand in the summary as a whole, in CI, and a second time in what is written for JUnit.
    crash = ReprFileLocation(file, (line or 0) + 1, text.partition("\n")[0])
    report.longrepr = ReprExceptionInfo(ReprTraceback([ReprEntryNative([f"{text}\n"])], None, "native"), crash)
    if hasattr(report, "wasxfail"):
        del report.wasxfail
