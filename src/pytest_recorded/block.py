"""`use_cassette`: a cassette without pytest, or for a part of a test."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from .ambient import current_test, now_running
from .book import warn
from .cassette import Cassette
from .frame import carry_over_threads, enter, framed, innermost, leave, running_test
from .guard import policy_within
from .http import listen
from .location import locate
from .modes import RecordMode, choose_mode, is_ci
from .options import DEFAULT_CASSETTE, Options, read_options
from .scope import Scope
from .sockets import install
from .staging import Session
from .suite import Suite
from .unasked import tell

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["use_cassette"]

F = TypeVar("F", bound=Callable[..., Any])


class use_cassette:  # noqa: N801 - read as a statement: with use_cassette(…)
    """Record and replay the calls of a block, or of a function that it decorates; sync and async.

    What was recorded is taken over into the cassette when the block ends without an exception. Each time the block is
    entered its calls are looked for from the beginning.

    Args:
        cassette: The file, relative to where the program is; or `package:path` of one in an installed package.
        options: Those of the marker, except that every mode may be used and `scope` may be a name for the calls of this
            block. By default they belong to the test in which the block is, else to the function that it decorates.
            Several blocks of one test that use one cassette need a name each.

    Raises:
        ConfigurationError: An option is wrong.

    """

    def __init__(self, cassette: str | os.PathLike[str] = DEFAULT_CASSETTE, **options: Any) -> None:
        given = read_options(options, where="use_cassette", from_code=False)
        self._mode = given.pop("mode", None)
        guarded = ("block_network", "allowed_hosts")
        self._guard = {name: value for name, value in given.items() if name in guarded}
        self._options = replace(Options(), cassette=str(cassette), **given)
        self._name = ""
        self._open: list[tuple[Scope, Any]] = []

    def __enter__(self) -> Cassette:
        scope = self._scope()
        self._open.append((scope, enter(framed(scope))))
        return Cassette(scope)

    def _scope(self) -> Scope:
        mode = _mode(self._mode)
        options = replace(self._options, mode=mode)
        suite = Suite(locate(self._options.cassette, Path.cwd(), where="use_cassette"), _session(mode))
        if mode.records:
            suite.recover()
        carry_over_threads()
        listen()
        own_name = options.scope if options.scope not in ("test", "suite") else ""
        test = _test_name(suite)
        scope = Scope(suite, own_name or test or self._name, options, run=test)
        scope.guard = policy_within(self._guard, scope.name)
        if scope.guard is not None:
            install()
        if (running := now_running()) is not None and (allowance_of := running.shared.get("allowance_of")) is not None:
            scope.budget = allowance_of(scope)
        return scope

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        scope, token = self._open.pop(self._place())
        leave(token)
        passed = kind is None and not scope.misses
        try:
            scope.close(passed=passed)
            tell(scope, "block", passed=passed)
            if scope.mode.compares or scope.mode.records:
                scope.suite.take_over()
                if passed:
                    scope.taken_over()
        finally:
            scope.suite.close()
        _tell_what_changed(scope)
        if kind is None and scope.misses:
            # Whoever swallowed it inside the block, the block has not had what it asked for.
            raise scope.misses[0]
        if scope.misses and isinstance(error, Exception):
            # Some callers take a miss for an answer, and fail on it for a reason of their own.
            error.add_note(f"In this block a call was missed:\n\n{scope.misses[0]}")

    def _place(self) -> int:
        """Return which of the open blocks ends here: tasks and threads may be in one at the same time."""
        here = innermost()
        places = [place for place, (scope, _) in enumerate(self._open) if here is not None and scope is here.book]
        return places[-1] if places else -1

    async def __aenter__(self) -> Cassette:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, fn: F) -> F:
        """Record and replay the calls of a function."""
        name = f"{fn.__module__}.{fn.__qualname__}"

        def block() -> use_cassette:
            made = self._again()
            made._name = name  # noqa: SLF001 - it is one of us
            return made

        decorated: F = _within(fn, block)
        return decorated

    def _again(self) -> Self:
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__, _open=[])
        return made


def _tell_what_changed(scope: Scope) -> None:
    """Warn of what verifying has found: a block has no summary of its own."""
    found = [f"{scope.counts[what]} {what}" for what in ("changed", "new") if scope.counts[what]]
    if scope.mode is RecordMode.VERIFY and found:
        warn(f"verified {scope.suite.path}: {' and '.join(found)} of the answers of this block.")


def _within(fn: Any, block: Callable[[], use_cassette]) -> Any:
    if inspect.iscoroutinefunction(fn):

        @functools.wraps(fn)
        async def in_cassette(*args: Any, **kwargs: Any) -> Any:
            with block():
                return await fn(*args, **kwargs)

    elif inspect.isasyncgenfunction(fn):

        @functools.wraps(fn)
        async def in_cassette(*args: Any, **kwargs: Any) -> Any:
            with block():
                async with contextlib.aclosing(fn(*args, **kwargs)) as stream:
                    async for item in stream:
                        yield item

    elif inspect.isgeneratorfunction(fn):

        @functools.wraps(fn)
        def in_cassette(*args: Any, **kwargs: Any) -> Any:
            with block():
                return (yield from fn(*args, **kwargs))

    else:

        @functools.wraps(fn)
        def in_cassette(*args: Any, **kwargs: Any) -> Any:
            with block():
                return fn(*args, **kwargs)

    return in_cassette


def _session(mode: RecordMode) -> Session:
    """Return the session of a block. What blocks of one run of pytest verify is accepted together with its tests'."""
    running = now_running()
    if running is None or mode is not RecordMode.VERIFY:
        return Session.new(mode)
    found = running.shared.setdefault("staging", Session.new(mode))
    return Session(found.id, found.owner, mode)


def _mode(written: RecordMode | None) -> RecordMode:
    """Return the mode of a block: in a test that of the command line comes first, and CI records nothing."""
    session = now_running()
    is_in_ci = is_ci(os.environ.get("CI"))
    if session is None:
        return written or choose_mode(ci=is_in_ci)
    command_line = RecordMode(session.command_line) if session.command_line else None
    return choose_mode(command_line=command_line, marker=written, ci=is_in_ci)


def _test_name(suite: Suite) -> str:
    """Return the name of the test that the block is in, as it is in its cassette; `""` outside of tests."""
    test, running = current_test(), running_test()
    name = suite.name_of(*test) if test is not None else ""
    outer = running.book if running is not None else None
    # A test that is recorded there itself has its own recordings: each would drop those of the other when it rewrites.
    is_taken = (
        isinstance(outer, Scope)
        and outer.name == name
        and (os.path.realpath(outer.suite.path) == os.path.realpath(suite.path))
    )
    return f"{name}@block" if name and is_taken else name
