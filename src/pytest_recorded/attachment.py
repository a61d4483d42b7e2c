"""`attach` and `attach_error`: what a recorded function says about itself while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .book import warn
from .errors import AttachKeyError, AttachValueError, ConfigurationError, SerializationError
from .fields import misfit, takes_any_field, type_of
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
        AttachValueError: The value does not fit that field.
        ConfigurationError: The key is no string.

    """
    __tracebackhide__ = True
    frame = _running()
    if frame is None:
        return
    ticket = frame.inside
    _check_field(frame.nested or ticket.call.target, key, value)
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


def _check_field(target: Target, key: str, value: Any) -> None:
    __tracebackhide__ = True
    if not isinstance(key, str):
        raise ConfigurationError(f"attach({key!r}, …): the name of a field is a string.")
    slot = target.slots.data
    if slot is None or slot.fields is None:
        return
    if key not in slot.fields and not takes_any_field(slot.model):
        raise AttachKeyError(kind=target.kind, model=slot.name, key=key, declared=slot.fields)
    if (found := misfit(slot.model, key, value)) is not None:
        problem, path = found
        written = type_of(slot.model, key)
        raise AttachValueError(kind=target.kind, model=slot.name, key=key, type=written, path=path, problem=problem)
