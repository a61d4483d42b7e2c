"""A walk through a value that knows, when something does not fit, where it was.

The path costs nothing until it is needed: each level adds its own segment while the misfit travels outwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import SerializationError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Misfit", "at", "field", "walk"]


class Misfit(Exception):  # noqa: N818 - never leaves a walk; users see SerializationError
    """Something in a value does not fit; `path` grows while it travels outwards."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        self.path: list[str] = []


def at(segment: str, step: Callable[..., Any], *args: Any) -> Any:
    """Run one step of a walk, one segment further inside."""
    try:
        return step(*args)
    except Misfit as misfit:
        misfit.path.append(segment)
        raise


def walk(step: Callable[..., Any], *args: Any) -> Any:
    """Run a whole walk.

    Raises:
        SerializationError: Something did not fit, or the nesting is too deep.

    """
    try:
        return step(*args)
    except Misfit as misfit:
        raise SerializationError(misfit.problem, "$" + "".join(reversed(misfit.path))) from None
    except RecursionError:
        raise SerializationError("the value contains itself, or is nested too deeply") from None


def field(name: str) -> str:
    """Return a field name as a segment of a path."""
    return f".{name}" if name.isidentifier() else f"[{name!r}]"
