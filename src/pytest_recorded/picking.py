"""What a projection picks out of a value, as it is stored: a tree, beside what a function has attached to it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

from . import codec
from .errors import SerializationError

if TYPE_CHECKING:
    from .projection import Projection

__all__ = ["Picked", "encode", "only_attached", "picked", "with_attached"]


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


class Picked(NamedTuple):
    """The data of a call.

    Attributes:
        value: The instance that the model has made; what was attached where it has made none.
        tree: What of it is stored; None if there is none.
        problem: What is wrong with it; `""` if nothing is.

    """

    value: Any
    tree: Any
    problem: str = ""


def only_attached(model: Projection, attached: dict[str, Any], values: dict[str, Any], problem: str = "") -> Picked:
    """Return the data of a call of which a model makes nothing; see `with_attached`."""
    return Picked(model.read(values), attached, problem) if attached else Picked(None, None, problem)


def with_attached(model: Projection, value: Any, attached: dict[str, Any], values: dict[str, Any]) -> Picked:
    """Return what a model picks out of a value together with what was attached, which counts where both have a field.

    Args:
        model: The model.
        value: The value.
        attached: What was attached, as it is stored.
        values: What was attached.

    """
    try:
        made = _made(model, value, values)
        tree = encode(model.tree(made))
        if attached and isinstance(tree, dict):
            return Picked(model.updated(made, values), {**tree, **attached})
    except SerializationError as error:
        return only_attached(model, attached, values, f"has no data. {error}")
    if attached:
        what = type(tree).__name__
        return Picked(made, tree, f"is told too much: what was attached is left out, because its data is a {what}.")
    return Picked(made, tree)


def _made(model: Projection, value: Any, values: dict[str, Any]) -> Any:
    if values and isinstance(value, dict):
        # A field may be required and only be attached.
        with contextlib.suppress(SerializationError):
            return model.project(model.filled(value, values))
    try:
        return model.project(value)
    except SerializationError:
        if values:
            with contextlib.suppress(SerializationError):
                return model.project(model.filled({}, values))
        raise
