"""Fixtures that several tests share: each has a scope of its own for its calls."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..frame import Frame, entered
from ..unasked import tell
from .fixtures import steps_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from ..scope import Scope
    from .running import Running

__all__ = ["SharedFixture"]


class SharedFixture:
    """A fixture of a class, a module, a package or the session, and the scope of its calls."""

    def __init__(
        self,
        running: Running,
        fixturedef: pytest.FixtureDef[Any],
        request: pytest.FixtureRequest,
        items: list[pytest.Item],
    ) -> None:
        self._running = running
        self._items = items
        self._node = request.node
        self._steps = steps_of(fixturedef.func)
        self._scope: Scope | None = None
        self._base = fixturedef.baseid
        self._name = f"{fixturedef.argname}{_parameter(request)}"

    @contextmanager
    def gate(self) -> Iterator[None]:
        """One step of the fixture: its set-up, or its tear-down."""
        if self._scope is None:
            self._scope = self._running.shared_scope(self._items, self._node, self._base, self._name)
        scope = self._scope
        scope.host, scope.is_open = self._running.host(), True
        self._steps -= 1
        missed_before = len(scope.misses)
        passed: bool | None = False
        try:
            # No frame is around it: what the fixture leaves running serves whichever test comes.
            with entered(Frame(scope)):
                yield
            passed = True if self._steps <= 0 else None
        finally:
            scope.is_open = False
            self._running.claim(scope.misses[missed_before:])
            if passed is not None:
                self._close(scope, passed=passed)

    def _close(self, scope: Scope, *, passed: bool) -> None:
        passed = passed and not scope.misses
        scope.close(passed=passed)
        tell(scope, "fixture", passed=passed)
        self._running.add_loose(scope)


def _parameter(request: pytest.FixtureRequest) -> str:
    value = getattr(request, "param", None)
    if value is None:
        return ""
    return f"[{value if isinstance(value, str | int | float | bool) else getattr(request, 'param_index', 0)}]"
