"""A call as what is compared: its status, its answer as a tree, its data; of either side the same form.

Times, ids and whatever else differs between two equal answers is not in it.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .. import llm
from ..body import parse_body
from ..canonical import load_tree
from ..diff import ABSENT
from ..job import is_http
from ..jobs import Job
from ..message import HttpRequest, HttpResponse, lasting_headers
from ..noting import again
from ..plain import Bare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..job import Chunk, Row
    from ..jobs import Choose
    from ..llm import LLMCall

__all__ = [
    "OF_ONE_ANSWER",
    "Answer",
    "Side",
    "View",
    "answer_of",
    "described",
    "opened",
    "request_tree",
    "view_of",
    "without",
]

_LONGEST_BYTES: Final = 64
#: Names of fields, at any depth of an answer of a language model, that are another in each answer, and of what it says
#: that it has used: the figures have that.
OF_ONE_ANSWER: Final = frozenset({
    "id", "created", "created_at", "system_fingerprint", "responseId", "response_id", "generation_id", "call_id",
    "tool_call_id", "toolUseId", "createTime", "completed_at", "item_id", "thoughtSignature", "signature",
    "obfuscation",
    "usage", "usageMetadata", "total_duration", "load_duration", "prompt_eval_duration", "eval_duration",
    "prompt_eval_count", "eval_count", "billed_units", "tokens", "x_groq",
    "amazon-bedrock-invocationMetrics", "metrics",
})  # fmt: skip


class Side(NamedTuple):
    """One of two rows that are compared, with the pieces of its answer."""

    row: Row
    chunks: Sequence[Chunk]


class Answer(NamedTuple):
    """What came back of a call: the first fields of a `View`. Of a function its body is the tree as it is stored."""

    status: int | str
    end: str
    headers: dict[str, str]
    body: Any


class View(NamedTuple):
    """What is compared of a call.

    Attributes:
        status: Of HTTP the number, else how the call ended.
        end: How the body of a response ended.
        headers: Those that two equal answers have in common, by name.
        body: The answer as a tree; `ABSENT` if there is none.
        data: What its projection picks, as a tree; None if there is nothing.
        problem: Why its projection does not fit; `""` if it does.
        error: What was raised, as a tree; None if nothing was.
        call: The call as one of a language model; None if it is none.

    """

    status: int | str
    end: str
    headers: dict[str, str]
    body: Any
    data: Any
    problem: str
    error: Any
    call: LLMCall | None


def view_of(side: Side, choose: Choose | None, other: Side | None = None) -> View:
    """Return what is compared of a call.

    Args:
        side: The call.
        choose: Says by a call's names which model picks its data; None: the data are those that are stored.
        other: What it is compared with. Of two streams that their callers left early only what both have read counts.

    Raises:
        SerializationError: What is stored cannot be read.

    """
    row, problem = (side.row, "") if choose is None else again(side.row, side.chunks, choose)
    data = None if problem or row.data_json is None else opened(load_tree(row.data_json))
    error = None if row.error_json is None else opened(load_tree(row.error_json))
    answer = answer_of(Side(row, side.chunks), other)
    if not is_http(row.kind):
        return View(*answer._replace(body=opened(answer.body)), data, problem, error, None)
    return View(*answer, data, problem, error, Job.of(row, side.chunks).llm)


def answer_of(side: Side, other: Side | None = None) -> Answer:
    """Return what came back of a call.

    Args:
        side: The call.
        other: What it is compared with, as of `view_of`.

    Raises:
        SerializationError: What is stored cannot be read.

    """
    row = side.row
    job = Job.of(row, side.chunks)
    response = job.response if is_http(row.kind) else None
    if isinstance(response, HttpResponse):
        return Answer(response.status, response.end, lasting_headers(response), _http_body(job, response, other))
    return Answer(str(row.status), "complete", {}, _value(row, side.chunks))


def _http_body(job: Job, response: HttpResponse, other: Side | None) -> Any:
    if response.end == "closed" and other is not None:
        counterpart = Job.of(other.row, other.chunks).response
        if isinstance(counterpart, HttpResponse) and counterpart.end == "closed":
            response = response._replace(content=response.content[: len(counterpart.content)])
    folded = llm.fold(job.request, response) if isinstance(job.request, HttpRequest) else None
    if folded is not None:
        return folded
    body = parse_body(response.content, response.header("content-type"))
    if body.form == "json":
        return body.tree
    try:
        return response.content.decode()
    except UnicodeDecodeError:
        media_type = response.header("content-type").partition(";")[0].strip() or "bytes"
        return described(response.content, media_type)


def described(content: bytes, media_type: str) -> Bare:
    """Return a word for bytes: what they are, how many, and a digest that tells them from others."""
    digest = blake2b(content, digest_size=8).hexdigest()
    return Bare(f"<{media_type}, {len(content):,} bytes, blake2b {digest}>")


def _value(row: Row, chunks: Sequence[Chunk]) -> Any:
    if row.response_json is None:
        return ABSENT
    tree = load_tree(row.response_json)
    if isinstance(tree, dict) and "py:stream" in tree:
        return [load_tree(chunk.body) for chunk in chunks]
    return tree


def request_tree(row: Row) -> Any:
    """Return what was asked as a tree, by the paths that `ignore` takes: of HTTP the body, beside method and URL."""
    return ABSENT if row.request_json is None else opened(load_tree(row.request_json))


def opened(tree: Any) -> Any:
    """Return a stored tree by its fields and items; a value of a type that JSON has not got is one word.

    So `Decimal("1.5")` is not the text `1.5`, and a path leads through the fields of an object.
    """
    if type(tree) is list:
        return [opened(item) for item in tree]
    if type(tree) is not dict:
        return tree
    if len(tree) == 1:
        ((tag, content),) = tree.items()
        if tag in _OPENERS:
            return _OPENERS[tag](content)
        if tag.startswith("py:"):
            return _word(tag.removeprefix("py:"), content)
    return {name: opened(item) for name, item in tree.items()}


def without(tree: Any, names: frozenset[str], whole: frozenset[str] = frozenset()) -> Any:
    """Return a tree without the fields of some names, at any depth but for what is in the fields that stay `whole`."""
    if type(tree) is dict:
        return {
            name: item if name in whole else without(item, names, whole)
            for name, item in tree.items()
            if name not in names
        }
    return [without(item, names, whole) for item in tree] if type(tree) is list else tree


def _word(name: str, content: Any) -> Bare:
    if name in ("bytes", "bytearray"):
        return _stored_bytes(name, content)
    return Bare(f"{name}({content})")


def _stored_bytes(name: str, content: Any) -> Bare:
    """Return a word for bytes that are stored as the text they are, in a list, or in base64."""
    if type(content) is list and len(content) == 1:
        return Bare(f"{name}({content[0]})")
    if isinstance(content, str) and len(content) > _LONGEST_BYTES:
        with suppress(ValueError):
            return described(base64.b64decode(content, validate=True), name)
    return Bare(f"{name}({content})")


def _object(content: Any) -> Any:
    if type(content) is not dict:
        return _word("object", content)
    inside = {**_dict(content.get("fields")), **_dict(content.get("extra"))}
    return opened(inside) if inside or "value" not in content else opened(content["value"])


def _dict(value: Any) -> dict[str, Any]:
    return value if type(value) is dict else {}


def _items(content: Any) -> Any:
    return [opened(item) for item in content] if type(content) is list else content


_OPENERS: Final[dict[str, Callable[[Any], Any]]] = {
    "py:object": _object,
    "py:tuple": _items,
    "py:set": _items,
    "py:frozenset": _items,
}
