"""From one HTTP exchange to what it says as a call of a language model.

The law of this file: a streamed answer is folded to the plain one first, and there is one reader of the plain form. So
both say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..errors import RecordedFailure
from .events import body_of
from .folding import METRICS, fold_events
from .reading import fields_of
from .tree import at, count_of, mapping, maps, parsed, said
from .wire import Wire, is_answer, provider_of, wire_of

if TYPE_CHECKING:
    from ..message import HttpRequest, HttpResponse
    from .call import LLMCall

__all__ = ["fold", "llm_call", "name_of"]

_BAD: Final = 400
_MOST_SHOWN: Final = 1000


class _Answer(NamedTuple):
    body: Any
    came_in_events: bool


def name_of(request: HttpRequest, response: HttpResponse | None = None) -> str | None:
    """Return what a call of a language model is named: provider and operation, `openai.chat`.

    None if it is no such call. Of other HTTP calls no body is parsed.
    """
    wire = wire_of(request)
    answer = _answer_of(wire, response) if wire is not None else None
    return None if wire is None or answer is None else f"{provider_of(wire, answer.body)}.{wire.operation}"


def fold(request: HttpRequest, response: HttpResponse) -> Any:
    """Return the JSON body that would have come if the answer had not been streamed.

    Of an answer that was not streamed that is its body, parsed; of a stream that is no language model's the list of its
    events; None if the body is no JSON. Never raises.
    """
    wire = wire_of(request)
    return _folded(wire.form if wire is not None else "", response).body


def llm_call(
    request: HttpRequest, response: HttpResponse | None, *, error: BaseException | str | None = None
) -> LLMCall | None:
    """Return what an HTTP exchange says as a call of a language model; None if it is none.

    Never raises: what a body does not say as it should is left out. `cost_usd` is None: see `price`.

    Args:
        request: What was sent.
        response: What came back; None if nothing did.
        error: What was raised while the answer was waited for, or read.

    """
    wire = wire_of(request)
    answer = _answer_of(wire, response) if wire is not None else None
    if wire is None or answer is None:
        return None
    fault = _fault(answer.body, response) or _raised(error)
    fields = fields_of(wire.form, answer.body) if isinstance(answer.body, dict) else {}
    from .call import LLMCall  # noqa: PLC0415 - pydantic is loaded by those that look at calls of models

    return LLMCall(
        provider=provider_of(wire, answer.body),
        operation=wire.operation,
        request_model=wire.model,
        streamed=wire.streamed or answer.came_in_events,
        error=fault,
        **fields | ({"finish_reasons": []} if fault else {}),
    )


def _answer_of(wire: Wire, response: HttpResponse | None) -> _Answer | None:
    """Return the answer of a form; None if it cannot be one."""
    if response is None:
        return _Answer(None, came_in_events=False)
    answer = _folded(wire.form, response)
    return answer if response.end != "complete" or is_answer(wire, response.status, answer.body) else None


def _folded(form: str, response: HttpResponse) -> _Answer:
    value, events = body_of(response.content)
    if isinstance(value, list) and form == "gemini":
        # Google streams an array of answers where it is not asked for events.
        value, events = None, value
    if events is not None:
        value = fold_events(form, events)
    if form == "invoke" and isinstance(value, dict) and METRICS not in value:
        headers = {name: response.header(f"x-amzn-bedrock-{kind}-token-count") for name, kind in _COUNTED.items()}
        counts = {name: count_of(parsed(header)) for name, header in headers.items()}
        if told := {name: count for name, count in counts.items() if count is not None}:
            value = {**value, METRICS: told}
    return _Answer(value, came_in_events=events is not None)


_COUNTED: Final = {"inputTokenCount": "input", "outputTokenCount": "output"}


def _fault(body: Any, response: HttpResponse | None) -> str | None:
    """Return why an answer is none: its type or code, and its message."""
    if response is None:
        return None
    is_bad = response.status >= _BAD
    told = mapping(body)
    if isinstance(body, list) and maps(body):
        told = maps(body)[0]
    error = told.get("error")
    if not is_bad and (error is None or error == "" or error is False):
        return None
    inner = mapping(error) or told
    header = response.header("x-amzn-errortype").partition(":")[0]
    code = inner.get("code")
    names = (code, inner.get("type"), inner.get("status"), inner.get("__type"), header)
    kind = said(*names) or (str(response.status) if is_bad else str(code) if type(code) is int else None)
    text = said(inner.get("message"), error, inner.get("Message"), inner.get("detail"), at(inner, "detail", "message"))
    text = text or said(response.reason) or ("error" if kind is None else None)
    return ": ".join([part for part in (kind, text) if part])[:_MOST_SHOWN]


def _raised(error: BaseException | str | None) -> str | None:
    if error is None or isinstance(error, str):
        return said(error)
    name, text = type(error).__name__, str(error)
    if isinstance(error, RecordedFailure):
        # What it says is how its class is made known, which is of no use where nothing is raised.
        name, text = error.type_name.rpartition(".")[2], error.message
    return said(f"{name}: {text}" if text else name)
