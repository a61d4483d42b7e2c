"""Arguments by name: `f(1)`, `f(x=1)` and `f(1, None)` are one request where `None` is the default."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Binder", "binder_for"]

_NO_DEFAULT = inspect.Parameter.empty


class Binder:
    """Binds the arguments of one function.

    Args:
        fn: The function.
        receiver: Whether its first parameter is the `self` or `cls` of a method, which is not part of the request.

    """

    def __init__(self, fn: Callable[..., Any], *, receiver: bool) -> None:
        try:
            self._signature: inspect.Signature | None = inspect.signature(fn)
        except (ValueError, TypeError):
            # Some built-in functions have none.
            self._signature = None
        parameters = list(self._signature.parameters.values()) if self._signature else []
        self.receiver = parameters[0].name if receiver and parameters else None
        kinds = {parameter.kind for parameter in parameters}
        self._is_simple = self._signature is not None and not kinds & {
            inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD,
        }  # fmt: skip
        self._positional = [parameter.name for parameter in parameters if parameter.kind is not parameter.KEYWORD_ONLY]
        self._by_keyword = {
            parameter.name for parameter in parameters if parameter.kind is not parameter.POSITIONAL_ONLY
        }
        self._defaults = {
            parameter.name: parameter.default for parameter in parameters if parameter.default is not _NO_DEFAULT
        }
        self._count = len(parameters)

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the arguments by name, defaults included; None if they do not fit the function."""
        if not self._is_simple:
            return self._bind_slowly(args, kwargs)
        bound = dict(zip(self._positional, args, strict=False))
        if len(args) > len(self._positional):
            return None
        if kwargs:
            if not self._by_keyword.issuperset(kwargs) or not bound.keys().isdisjoint(kwargs):
                return None
            bound.update(kwargs)
        if len(bound) < self._count:
            for name, default in self._defaults.items():
                bound.setdefault(name, default)
            if len(bound) < self._count:
                return None
        if self.receiver is not None:
            del bound[self.receiver]
        return bound

    def _bind_slowly(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
        if self._signature is None:
            return {"args": list(args), "kwargs": dict(kwargs)}
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError:
            return None
        bound.apply_defaults()
        # An argument tuple is a list of arguments, not a value of type tuple.
        return {
            name: list(value) if self._signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL else value
            for name, value in bound.arguments.items()
            if name != self.receiver
        }


class _PartialBinder(Binder):
    """Binds the arguments of a partial function: those that it has already are part of the request too."""

    def __init__(self, fn: functools.partial[Any], *, receiver: bool) -> None:
        super().__init__(fn.func, receiver=receiver)
        self._first, self._fixed = fn.args, fn.keywords

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the arguments by name; see `Binder.bind`."""
        return super().bind((*self._first, *args), {**self._fixed, **kwargs})


def binder_for(fn: Callable[..., Any], *, receiver: bool) -> Binder:
    """Return what binds the arguments of a function."""
    if isinstance(fn, functools.partial):
        return _PartialBinder(fn, receiver=receiver)
    return Binder(fn, receiver=receiver)
