"""What calls say, for programs: trees that are JSON, bodies parsed, streams folded, no tags of types.

The law of this file: whatever is stored, a call is a tree; a slot that cannot be read is None, and why is in `problem`.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from .. import llm
from ..canonical import load_tree
from ..check.damage import SLOTS, faults_in
from ..errors import RecordedError
from ..llm.events import body_of
from ..message import HttpRequest, HttpResponse
from ..prompt import chunks_of, duration_of
from ..readable import plain_tree
from ..totals import figures_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..jobs import Job

__all__ = ["body_bytes", "folded", "problem_of", "read_slot", "size_in", "tree_of"]

_TOO_DEEP: Final = "it is nested too deeply"
_DEEPEST: Final = 200
_PROBLEMS: Final = (RecordedError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


def tree_of(job: Job) -> dict[str, Any]:
    """Return a call as JSON, all of it."""
    read = {name: read_slot(job, name) for name in _READERS}
    problem = problem_of(job) or next((problem for _, problem in read.values() if problem), "")
    return {
        "id": job.id,
        "test": job.scope or None,
        "kind": job.kind,
        "key": job.key,
        "seq": job.seq,
        "attempt": job.attempt,
        "status": job.status.value,
        "recorded_at": job.submitted_at,
        "duration_ms": duration_of(job),
        "bytes": size_in(job),
        "llm": _figures(job),
        "problem": problem or None,
        **{name: tree for name, (tree, _) in read.items()},
    }


def _figures(job: Job) -> dict[str, Any] | None:
    figures = figures_of(job)
    return figures and {name: value for name, value in figures.items() if not isinstance(value, dict | list)}


def read_slot(job: Job, name: str) -> tuple[Any, str]:
    """Return what is in a slot of a call, and why it cannot be read, `""` if it can.

    Args:
        job: The call.
        name: `request`, `response`, `data` or `error`.

    """
    try:
        tree = _READERS[name](job)
        return (None, f"{name}: {_TOO_DEEP}") if _is_too_deep(tree) else (tree, "")
    except RecursionError:
        return None, f"{name}: {_TOO_DEEP}"
    except _PROBLEMS as error:
        return None, f"{name}: {error}"


def _is_too_deep(tree: Any) -> bool:
    """Return whether a tree is nested so deeply that not every program could write or read it."""
    level = [tree]
    for _ in range(_DEEPEST):
        level = [part for node in level for part in _parts(node)]
        if not level:
            return False
    return True


def _parts(node: Any) -> Iterable[Any]:
    return node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()


def problem_of(job: Job) -> str:
    """Return what of a call cannot be read, and why; `""` if all can be."""
    for slot in SLOTS:
        text = getattr(job, f"{slot}_json")
        for where, fault in faults_in(text, slot, str(job.kind)) if text is not None else ():
            return f"{where}: {fault}"
    return ""


def size_in(job: Job) -> int:
    """Return how many bytes a call takes, the pieces of its answer included."""
    texts = [value for name in job.__dataclass_fields__ if isinstance(value := getattr(job, name), str)]
    texts += [chunk.body for chunk in _chunks(job)] if _is_stream(job) else []
    return sum(len(text.encode(errors="surrogatepass")) for text in texts)


def _is_stream(job: Job) -> bool:
    return '"py:stream"' in str(job.response_json)[:100]


def _chunks(job: Job) -> list[Any]:
    try:
        return list(chunks_of(job))
    except RecordedError:
        return []


def _request_of(job: Job) -> Any:
    """Return what was asked: method, URL, headers and body, or the arguments by name."""
    request = job.request
    if not isinstance(request, HttpRequest):
        return _plain(job.request_json)
    tree = load_tree(job.request_json or "null")
    form = next((form for form in ("json", "parts", "form", "text", "bytes") if form in tree), "")
    content = tree.get(form)
    body = _base64(content.encode("latin-1")) if form == "bytes" and isinstance(content, str) else content
    return {"method": request.method, "url": request.url, "headers": [*map(list, request.headers)], "body": body}


def _response_of(job: Job) -> Any:
    """Return what came back: status, headers and body, what a function returned, or a list of what it yielded."""
    if _is_stream(job):
        return [_plain(chunk.body) for chunk in _chunks(job)]
    response = job.response
    if not isinstance(response, HttpResponse):
        return _plain(job.response_json)
    return {
        "status": response.status,
        "reason": response.reason,
        "headers": [*map(list, response.headers)],
        "body": _body(job, response),
        "end": response.end,
    }


def _body(job: Job, response: HttpResponse) -> Any:
    request = job.request
    tree = llm.fold(request, response) if isinstance(request, HttpRequest) and not response.encoded else None
    if tree is not None or response.content.strip() == b"null":
        return tree
    try:
        return response.content.decode()
    except UnicodeDecodeError:
        return _base64(response.content)


def folded(job: Job) -> tuple[int, Any] | None:
    """Return of a streamed HTTP answer of how many events it was made, and what it would have been whole."""
    try:
        request, response = job.request, job.response
        if not isinstance(request, HttpRequest) or not isinstance(response, HttpResponse):
            return None
        events = body_of(response.content).events
        tree = llm.fold(request, response) if events else None
    except _PROBLEMS:
        return None
    return None if not events or _is_too_deep(tree) else (len(events), tree)


def body_bytes(job: Job, *, of_request: bool) -> bytes | None:
    """Return the body of an HTTP call as it was; None if it is no such call, or the body is not stored.

    Raises:
        SerializationError: It cannot be read.

    """
    message = job.request if of_request else job.response
    return message.content if isinstance(message, HttpRequest | HttpResponse) else None


def _data_of(job: Job) -> Any:
    """Return the data: what is stored, else of a call of a language model what it was."""
    if job.data_json is not None:
        return _plain(job.data_json)
    call = job.llm
    return None if call is None else call.model_dump(mode="json", exclude_none=True, exclude={"cost_usd"})


def _error_of(job: Job) -> Any:
    """Return what was raised: its type, its message, and what was attached to it."""
    tree = load_tree(job.error_json) if job.error_json is not None else None
    if not isinstance(tree, dict) or "type" not in tree:
        return plain_tree(tree, whole=True)
    named = {"type": str(tree["type"]).removeprefix("builtins."), "message": tree.get("message")}
    return {**named, "payload": plain_tree(tree["payload"], whole=True)} if "payload" in tree else named


def _plain(text: str | None) -> Any:
    return None if text is None else plain_tree(load_tree(text), whole=True)


def _base64(content: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(content).decode()}


_READERS: Final[dict[str, Callable[[Job], Any]]] = {
    "request": _request_of,
    "response": _response_of,
    "data": _data_of,
    "error": _error_of,
}
