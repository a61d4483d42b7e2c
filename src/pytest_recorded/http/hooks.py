"""The user's hooks: what they make of a request, and of a response, before it is stored.

The law of this file: a hook runs once for each call that is recorded, when it is recorded, and never for a replay.
Secrets are hidden after it. What a hook cannot do is not stored without it: it may be there to keep something back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ..borders import rebordered
from ..errors import UsageError
from ..frame import Frame, entered
from ..message import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from ..call import Ticket
    from ..options import Hook
    from ..redact import Mask

__all__ = ["hooked_request", "hooked_response"]

Message = TypeVar("Message", HttpRequest, HttpResponse)


def hooked_request(request: HttpRequest, ticket: Ticket) -> HttpRequest:
    """Return a request as the hooks want it stored.

    Raises:
        UsageError: A hook has failed.

    """
    hooks = ticket.book.before_record_request
    return _through(hooks, "before_record_request", request, ticket) if hooks else request


def hooked_response(response: HttpResponse, ticket: Ticket, mask: Mask) -> HttpResponse:
    """Return a response as the hooks want it stored.

    Raises:
        UsageError: A hook has failed.

    """
    hooks = ticket.book.before_record_response
    if not hooks:
        return response
    # What is secret in it, because of its place, is known from then on, wherever a hook may move it.
    response.masked(mask, ticket.book.redacted)
    made = _through(hooks, "before_record_response", response, ticket)
    if made.content == response.content:
        return made
    # Pieces of its own a hook may give; those that it has not touched are of the body that was.
    is_sized = made.chunks != response.chunks and sum(size for _, size in made.chunks) == len(made.content)
    if is_sized:
        return made
    return made._replace(chunks=rebordered(response.chunks, response.content, made.content), parts=())


def _through(hooks: tuple[Hook, ...], option: str, message: Message, ticket: Ticket) -> Message:
    # What a hook itself asks for is no call of the test's.
    with entered(Frame(ticket.book, ticket)):
        for hook in hooks:
            try:
                made = hook(message)
            except Exception as error:
                raise _fault(hook, option, message, f"raised {type(error).__name__}: {error}") from error
            if (problem := _problem(made, type(message))) is not None:
                raise _fault(hook, option, message, f"returned {problem}")
            message = made
    return message


def _fault(hook: Hook, option: str, message: HttpRequest | HttpResponse, what: str) -> UsageError:
    name = getattr(hook, "__qualname__", None) or repr(hook)
    return UsageError(
        f"Its hook {option}={name} {what}. A hook returns the {type(message).__name__} to store, changed with "
        f"`._replace(…)` or as it is. To leave calls out use hosts=, ignore_hosts= or kinds=."
    )


def _problem(made: Any, expected: type[HttpRequest | HttpResponse]) -> str | None:
    """Return what is wrong with what a hook has returned, or None."""
    if not isinstance(made, expected):
        return f"{made!r}"[:200]
    headers: Any = made.headers
    is_headers = isinstance(headers, tuple | list) and all(
        isinstance(pair, tuple | list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)  # noqa: PLR2004 - a name and a value
        for pair in headers
    )
    if not is_headers:
        return f"headers={headers!r}"[:200] + ", which are no pairs of strings"
    for name in ("content", "method", "url", "status", "reason", "http_version"):
        good = {"content": bytes, "status": int}.get(name, str)
        value = getattr(made, name, None)
        if hasattr(made, name) and not isinstance(value, good):
            return f"{name}={value!r}"[:200] + f", which is not {good.__name__}"
    return None
