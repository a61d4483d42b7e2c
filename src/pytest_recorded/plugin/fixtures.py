"""Code of the user that has to run in a frame: each step of a fixture, of whichever flavour, and coroutine tests.

A ContextVar that is set in a hook does not reach a coroutine that somebody else's task runs; it has to be set within.
"""

from __future__ import annotations

import functools
import inspect
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    Gate = Callable[[], AbstractContextManager[None]]

__all__ = ["steps_of", "within"]


def steps_of(fn: Callable[..., Any]) -> int:
    """Return in how many steps a fixture runs: two if it yields."""
    return 2 if inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn) else 1


def within(fn: Any, gate: Gate) -> Any:
    """Return a function of the same flavour, each step of which runs in a context.

    Args:
        fn: A fixture function, bound or not.
        gate: Makes the context of a step.

    """
    if isinstance(fn, types.MethodType):
        # pytest binds a fixture that is a method to the instance of the test.
        return types.MethodType(within(fn.__func__, gate), fn.__self__)
    if inspect.iscoroutinefunction(fn):
        return _coroutine(fn, gate)
    if inspect.isasyncgenfunction(fn):
        return _async_generator(fn, gate)
    return _generator(fn, gate) if inspect.isgeneratorfunction(fn) else _plain(fn, gate)


def _plain(fn: Any, gate: Gate) -> Any:
    @functools.wraps(fn)
    def step(*args: Any, **kwargs: Any) -> Any:
        with gate():
            return fn(*args, **kwargs)

    return step


def _coroutine(fn: Any, gate: Gate) -> Any:
    @functools.wraps(fn)
    async def step(*args: Any, **kwargs: Any) -> Any:
        with gate():
            return await fn(*args, **kwargs)

    return step


def _generator(fn: Any, gate: Gate) -> Any:
    @functools.wraps(fn)
    def steps(*args: Any, **kwargs: Any) -> Any:
        stream = fn(*args, **kwargs)
        try:
            while True:
                with gate():
                    try:
                        value = next(stream)
                    except StopIteration:
                        return
                yield value
        finally:
            stream.close()

    return steps


def _async_generator(fn: Any, gate: Gate) -> Any:
    @functools.wraps(fn)
    async def steps(*args: Any, **kwargs: Any) -> Any:
        stream = fn(*args, **kwargs)
        try:
            while True:
                with gate():
                    try:
                        value = await anext(stream)
                    except StopAsyncIteration:
                        return
                yield value
        finally:
            await stream.aclose()

    return steps
