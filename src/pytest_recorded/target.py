"""A function whose calls are recorded (`Target`), and what is said about it (`Slots`)."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from typing import TYPE_CHECKING, Any, NamedTuple

from .binding import binder_for
from .objects import Types, classes_in, registered
from .paths import DEEP

if TYPE_CHECKING:
    from collections.abc import Callable

    from .paths import Path
    from .projection import Projection
    from .rules import Rules

__all__ = ["Slots", "Target", "target_of"]


class Slots(NamedTuple):
    """What a decorator or a marker says about a function besides its kind."""

    key: Callable[..., str | None] | None = None
    request: Projection | None = None
    response: Projection | None = None
    data: Projection | None = None
    error: Projection | None = None
    errors: tuple[type[BaseException], ...] = ()
    ignore: tuple[Path, ...] = ()
    redact: Rules | None = None
    verify: bool = True


class Target:
    """A function whose calls are recorded.

    Args:
        fn: The function itself.
        kind: What its calls are called.
        slots: The rest of what its decorator or marker says.
        receiver: Whether its first parameter is the `self` or `cls` of a method.

    """

    def __init__(self, fn: Callable[..., Any], kind: str, slots: Slots, *, receiver: bool = False) -> None:
        self.fn = fn
        self.kind = kind
        self.slots = slots
        self.binder = binder_for(fn, receiver=receiver)
        #: Names of arguments that are left out before anything is made of them: they need not be storable.
        self.ignored = {path[-1] for path in slots.ignore if len(path) == 1 or path[:-1] == (DEEP,)}
        #: Whether its arguments are its request, as they are.
        self.is_simple = not (slots.request or slots.ignore or slots.redact)
        self._types: Types | None = None
        self._registered = 0
        _targets[kind] = self

    @property
    def types(self) -> Types:
        """The classes that recorded values of this function may be rebuilt to."""
        known = registered()
        if self._types is None or len(known) != self._registered:
            self._registered = len(known)
            self._types = Types({*known, *self._own_classes()})
        return self._types

    def _own_classes(self) -> set[type]:
        slots = (self.slots.request, self.slots.response, self.slots.data, self.slots.error)
        named = [*self._annotations(), *(slot.model for slot in slots if slot), *self.slots.errors]
        # An exception that the function's module names is one that it may raise.
        module = list(getattr(_written(self.fn), "__globals__", {}).values())
        named += [cls for cls in module if isinstance(cls, type) and issubclass(cls, BaseException)]
        return {cls for item in named for cls in classes_in(item)}

    def _annotations(self) -> list[Any]:
        hints: list[Any] = []
        fn = _written(self.fn)
        for name, annotation in getattr(fn, "__annotations__", {}).items():
            one = types.SimpleNamespace(__annotations__={name: annotation})
            try:
                hints += typing.get_type_hints(one, getattr(fn, "__globals__", {})).values()
            except Exception:  # noqa: BLE001, S112 - a name that only type checkers see is no class we could know
                continue
        return hints


def _written(fn: Any) -> Any:
    """Return the function as it is written: under other decorators, in a partial, as the method of an instance."""
    fn = fn.func if isinstance(fn, functools.partial) else fn
    fn = fn if inspect.isroutine(fn) else type(fn).__call__
    return inspect.unwrap(fn)


# The functions by their kinds: they know the classes of their recorded values.
_targets: dict[str, Target] = {}


def target_of(kind: str) -> Target | None:
    """Return the function whose calls have a kind, if this process knows it."""
    return _targets.get(kind)
