"""What a projection picks out of a value, as it is stored: a tree, beside what a function has attached to it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from . import codec
from .errors import SerializationError
from .objects import Types

if TYPE_CHECKING:
    from .projection import Projection

__all__ = ["encode", "picked", "with_attached"]


def encode(value: Any) -> Any:
    """Return a value as a tree; see `codec.encode`. A fault in the value's own code is one more reason not to store it.

    Raises:
        SerializationError: It cannot be stored.

    """
    try:
        return codec.encode(value)
    except SerializationError:
        raise
    except Exception as error:
        raise SerializationError(f"a value in it raised {type(error).__name__} when it was looked at") from error


def picked(model: Projection, value: Any) -> Any:
    """Return what a model picks out of a value, as a tree.

    Raises:
        SerializationError: It does not fit.

    """
    return encode(model.tree(model.project(value)))


def with_attached(model: Projection, value: Any, attached: dict[str, Any]) -> tuple[Any, str]:
    """Return what a model picks out of a value together with what was attached, which counts where both have a field.

    Returns:
        The tree, None if there is none, and what is wrong with it, `""` if nothing is.

    """
    try:
        tree = _merged(model, value, attached)
    except SerializationError as error:
        return attached or None, f"has no data. {error}"
    if attached and not isinstance(tree, dict):
        return tree, f"is told too much: what was attached is left out, because its data is a {type(tree).__name__}."
    return ({**tree, **attached} if attached else tree), ""


def _merged(model: Projection, value: Any, attached: dict[str, Any]) -> Any:
    if attached and isinstance(value, dict):
        # A field may be required and only be attached.
        with contextlib.suppress(SerializationError):
            return picked(model, {**value, **codec.decode(attached, Types())})
    try:
        return picked(model, value)
    except SerializationError:
        if attached and _fits(model, attached):
            return {}
        raise


def _fits(model: Projection, value: Any) -> bool:
    try:
        model.project(value)
    except SerializationError:
        return False
    return True
