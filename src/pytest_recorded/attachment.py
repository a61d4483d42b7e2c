"""`attach` and `attach_error`: what a recorded function says about itself while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .book import warn
from .errors import AttachKeyError, ConfigurationError, SerializationError
from .frame import Frame, current_frame
from .function import FunctionCall

if TYPE_CHECKING:
    from .target import Target

__all__ = ["attach", "attach_error"]


def attach(key: str, value: Any, *, flush: bool = False) -> None:
    """Add a field to the data of the recorded call that is running; outside of one, do nothing.

    Where a recorded function calls another one in a test, only the outer call is recorded: what the inner one attaches
    is checked against its own model, and kept nowhere.

    Args:
        key: The field.
        value: What it holds. If it cannot be stored, a `RecordedWarning` says so.
        flush: Store it at once instead of when the call ends, so that it survives a kill. Inside a cassette there is
            no row before the call ends, and this makes no difference.

    Raises:
        AttachKeyError: The call has a data model without such a field.
        ConfigurationError: The key is no string.

    """
    frame = _running()
    if frame is None:
        return
    ticket = frame.inside
    _check_field(frame.nested or ticket.call.target, key)
    if frame.nested is not None:
        return
    try:
        ticket.attach(key, ticket.call.noted(key, value))
    except SerializationError as error:
        warn(f"attach({key!r}, …) is left out. {error}")
        return
    if flush:
        ticket.book.flush(ticket, ticket.attached_json())


def attach_error(payload: Any) -> None:
    """Say what belongs to the error of the recorded call that is running, if it raises; the last payload counts.

    Outside of a recorded call, do nothing.

    Args:
        payload: Stored through the `error` model of the function, or as it is. If it cannot be stored, a
            `RecordedWarning` says so.

    """
    frame = _running()
    if frame is None:
        return
    try:
        if frame.nested is None:
            frame.inside.error_payload = frame.inside.call.noted_error(payload)
        elif frame.nested.slots.error is not None:
            frame.nested.slots.error.project(payload)
    except SerializationError as error:
        warn(f"the payload of attach_error() is left out. {error}")


def _running() -> Frame | None:
    """Return the frame of the function that runs for a recorded call, or nested in one; None if there is none."""
    frame = current_frame()
    ticket = frame.inside if frame is not None else None
    if frame is None or ticket is None or ticket.is_over or not ticket.is_awaited:
        return None
    return frame if frame.nested is not None or isinstance(ticket.call, FunctionCall) else None


def _check_field(target: Target, key: str) -> None:
    if not isinstance(key, str):
        raise ConfigurationError(f"attach({key!r}, …): the name of a field is a string.")
    model = target.slots.data
    if model is not None and model.fields is not None and key not in model.fields:
        raise AttachKeyError(kind=target.kind, model=model.name, key=key, declared=model.fields)
