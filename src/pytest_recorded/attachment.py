"""`attach` and `attach_error`: what a recorded function says about itself while it runs."""

from __future__ import annotations

from typing import Any

from .book import warn
from .errors import AttachKeyError, ConfigurationError, SerializationError
from .frame import current_frame
from .function import FunctionCall

__all__ = ["attach", "attach_error"]


def attach(key: str, value: Any, *, flush: bool = False) -> None:
    """Add a field to the data of the recorded call that is running; outside of one, do nothing.

    Args:
        key: The field.
        value: What it holds. If it cannot be stored, a `RecordedWarning` says so.
        flush: Store it at once instead of when the call ends, so that it survives a kill. Inside a cassette there is
            no row before the call ends, and this makes no difference.

    Raises:
        AttachKeyError: The call has a data model without such a field.
        ConfigurationError: The key is no string.

    """
    ticket = _running()
    if ticket is None:
        return
    _check_field(ticket, key)
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
    ticket = _running()
    if ticket is None:
        return
    try:
        ticket.error_payload = ticket.call.noted_error(payload)
    except SerializationError as error:
        warn(f"the payload of attach_error() is left out. {error}")


def _running() -> Any:
    """Return the ticket of the recorded function that is running, or None."""
    frame = current_frame()
    ticket = frame.inside if frame is not None else None
    return ticket if ticket is not None and ticket.is_awaited and isinstance(ticket.call, FunctionCall) else None


def _check_field(ticket: Any, key: str) -> None:
    if not isinstance(key, str):
        raise ConfigurationError(f"attach({key!r}, …): the name of a field is a string.")
    model = ticket.call.target.slots.data
    if model is not None and model.fields is not None and key not in model.fields:
        raise AttachKeyError(kind=ticket.call.kind, model=model.name, key=key, declared=model.fields)
