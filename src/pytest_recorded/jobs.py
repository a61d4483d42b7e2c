"""A recorded call as users see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from . import llm
from .book import warn
from .codec import decode, load, load_error, load_tree, to_text
from .errors import SerializationError
from .job import Status, is_http
from .message import HttpRequest, HttpResponse
from .miss import describe
from .objects import Types
from .picking import Picked, only_attached, with_attached
from .projection import Projection, projection_for
from .readable import plain_tree
from .shown import clip
from .target import target_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .job import Chunk, Row
    from .llm import LLMCall

    Choose = Callable[[Iterable[str]], Projection | None]

__all__ = ["Job", "is_llm_call", "llm_projection"]

_FIRST_ERROR: Final = 400
_LONGEST_REPR: Final = 120


@dataclass(frozen=True, slots=True)
class Job:
    """One recorded call: request, response, data, error, timings, status.

    Values are rebuilt when they are asked for. One whose class is not known here, or has changed since, is given as the
    plain data that is stored.

    Attributes:
        id: 32 hex digits.
        scope: Whose call it is: a test's node id, or `""`.
        kind: What was called.
        key: The idempotency key.
        seq: n-th call with the same scope, kind and key, from 0.
        attempt: n-th attempt at it, from 0.
        parent_id: The recorded call that it was made in, or None.
        status: `completed`, `failed`, `interrupted`, `running` or `pending`.
        submitted_at: When it was asked for: UTC, ISO 8601 with microseconds and `Z`.
        started_at: When it began.
        completed_at: When it ended, or None.
        request_json: The request as it is stored; likewise the other slots.

    """

    id: str
    scope: str
    kind: str
    key: str | None
    seq: int
    attempt: int
    parent_id: str | None
    status: Status
    submitted_at: str
    started_at: str | None
    completed_at: str | None
    request_json: str | None
    response_json: str | None
    data_json: str | None
    error_json: str | None
    info_json: str | None
    _chunks: Sequence[Chunk] | Callable[[str], Sequence[Chunk]] = field(compare=False)
    _choose: Choose | None = field(default=None, compare=False)
    #: Its data, once it was asked for.
    _data: list[Picked] = field(default_factory=list, init=False, compare=False)

    @classmethod
    def of(
        cls,
        row: Row,
        chunks: Sequence[Chunk] | Callable[[str], Sequence[Chunk]],
        choose: Choose | None = None,
    ) -> Job:
        """Return the job of a row.

        Args:
            row: The row.
            chunks: The pieces of its answer, if it was streamed, or what reads them by its id.
            choose: Says by a call's names which projection is in force, for whoever looks at a call where it was made;
                elsewhere its data is what is stored.

        """
        values = {**row._asdict(), "status": Status(row.status), "_chunks": chunks, "_choose": choose}
        return cls(**{name: value for name, value in values.items() if name not in ("owner", "beat_at")})

    def __repr__(self) -> str:
        try:
            said = describe(self.kind, self.request_json)
        except Exception:  # noqa: BLE001 - a file may hold anything, and who looks for the fault looks at this
            said = self.kind
        said = said if said.isprintable() else repr(said)
        return f"<Job {clip(said, _LONGEST_REPR - len(f'<Job  {self.status}>'))} {self.status}>"

    @property
    def names(self) -> tuple[str, ...]:
        """What globs of kinds find the call by: its kind, and of an LLM call also its name, as `llm.openai.chat`."""
        try:
            name = self._llm_name() if is_http(self.kind) else None
        except Exception:  # noqa: BLE001 - a file may hold anything, and a call is found by its kind all the same
            name = None
        return (self.kind,) if name is None else (self.kind, f"llm.{name}")

    def _llm_name(self) -> str | None:
        noted = self.figures.get("name")
        if isinstance(noted, str):
            return noted
        request, response = self.request, self.response
        if not isinstance(request, HttpRequest):
            return None
        return llm.name_of(request, response if isinstance(response, HttpResponse) else None)

    @property
    def figures(self) -> dict[str, Any]:
        """What was noted of a call of a language model: its name, its tokens, its cost."""
        figures = self.info.get("llm")
        return figures if isinstance(figures, dict) else {}

    @property
    def llm(self) -> LLMCall | None:
        """The call as one of a language model, in one form for all providers; None if it is none.

        What it has cost is what was noted when it was recorded.
        """
        request, response = self.request, self.response
        if not isinstance(request, HttpRequest):
            return None
        answer = response if isinstance(response, HttpResponse) else None
        call = llm.llm_call(request, answer, error=self.error)
        cost = self.figures.get("cost_usd")
        return call.model_copy(update={"cost_usd": cost}) if call is not None and type(cost) in (int, float) else call

    @property
    def request(self) -> Any:
        """What was asked: an `HttpRequest`, or the arguments by name."""
        tree = _tree(self.request_json)
        if is_http(self.kind) and isinstance(tree, dict) and "method" in tree:
            return HttpRequest.from_tree(tree)
        return self._value(self.request_json)

    @property
    def response(self) -> Any:
        """What came back: an `HttpResponse`, what the function returned, or a list of what it yielded."""
        tree = _tree(self.response_json)
        if is_http(self.kind) and isinstance(tree, dict) and "status" in tree:
            return HttpResponse.from_tree(tree)
        if isinstance(tree, dict) and "py:stream" in tree:
            chunks = self._chunks(self.id) if callable(self._chunks) else self._chunks
            return [self._value(chunk.body) for chunk in chunks]
        return self._value(self.response_json)

    @property
    def data(self) -> Any:
        """The projection: an instance of the data model, or what was attached.

        Where the call was made, in its test, it is what the model in force makes of the recorded answer. Elsewhere it
        is what is stored: as an instance, if the model is known and still fits it. It is made once.
        """
        if not self._data:
            is_picked = self._choose is not None or (self.data_json is None and len(self.names) > 1)
            self._data.append(self._picked() if is_picked else Picked(self._stored(), None))
        value, _, problem = self._data[0]
        if problem:
            warn(f"{self.kind} {problem}")
        return value

    def _stored(self) -> Any:
        projection, value = self.projection, self._value(self.data_json)
        if projection is None or value is None:
            return value
        if len(self.names) > 1:
            # Else it was picked by a model that is not known here.
            return projection.read(value) if is_llm_call(value) else value
        try:
            picked = self._picked()
        except Exception:  # noqa: BLE001 - a file may hold anything, and what is asked for is there
            return projection.read(value)
        return picked.value if picked.tree == _tree(self.data_json) else projection.read(value)

    @property
    def projection(self) -> Projection | None:
        """What picks the data of this call, as far as it is known here."""
        names = self.names
        if self._choose is not None:
            chosen = self._choose(names)
        else:
            target = target_of(self.kind)
            chosen = target.slots.data if target is not None else None
        return llm_projection() if chosen is None and len(names) > 1 else chosen

    def project(self, model: Any) -> Any:
        """Return what another model picks out of this call.

        Args:
            model: A pydantic model, a dataclass, a typed dict, or a generic of one.

        Raises:
            ConfigurationError: It is no model.
            SerializationError: The call does not fit; the path is that of the first misfit.

        """
        projection = projection_for(model, option="model", where="project")
        if projection is None:
            return None
        return projection.from_job(self) if projection.takes_job else projection.project(self._body())

    def picked(self) -> tuple[Any, str]:
        """Return the data as it is to be stored, and what is wrong with it, `""` if nothing is."""
        _, tree, problem = self._picked()
        return tree, problem

    def _picked(self) -> Picked:
        projection = self.projection
        if projection is None:
            return Picked(self._value(self.data_json), _tree(self.data_json))
        attached = self.attached
        values = self._value(to_text(attached)) if attached else {}
        if not projection.takes_job and not self._has_body():
            return only_attached(projection, attached, values)
        try:
            value = projection.from_job(self) if projection.takes_job else self._body()
        except SerializationError as error:
            return only_attached(projection, attached, values, f"has no data. {error}")
        if value is None and projection.takes_job:
            return only_attached(projection, attached, values)
        return with_attached(projection, value, attached, values)

    def _has_body(self) -> bool:
        """Return whether there is an answer that a model of answers could fit: no exception, no error of HTTP."""
        if self.status is not Status.COMPLETED:
            return False
        response = self.response
        return not isinstance(response, HttpResponse) or response.status < _FIRST_ERROR

    def _body(self) -> Any:
        response = self.response
        if not isinstance(response, HttpResponse):
            return response
        body = llm.fold(self.request, response)
        if body is None:
            what = f"its body is no JSON ({response.header('content-type') or 'no content type'})"
            raise SerializationError(f"{what}: give the model a class method from_job(job)")
        return body

    @property
    def attached(self) -> dict[str, Any]:
        """What was attached, as it is stored."""
        tree, names = _tree(self.data_json), self.info.get("attached")
        if not isinstance(tree, dict) or not isinstance(names, list):
            return {}
        return {name: tree[name] for name in names if name in tree}

    @property
    def error(self) -> BaseException | None:
        """What was raised; `RecordedFailure` stands in for an exception whose class is not known here."""
        if self.error_json is None:
            return None
        return load_error(self.error_json, self._types())

    @property
    def info(self) -> dict[str, Any]:
        """What else is stored of the call: `via`, the library that made it, and `versions`."""
        tree = _tree(self.info_json)
        return tree if isinstance(tree, dict) else {}

    @property
    def versions(self) -> dict[str, str]:
        """With which SDKs and libraries the call was recorded: installed distributions and their versions."""
        versions = self.info.get("versions")
        return versions if isinstance(versions, dict) else {}

    @property
    def error_payload(self) -> Any:
        """What `attach_error` said about it: an instance of the error model, or what was attached."""
        tree = _tree(self.error_json)
        return self._read("error", self._value(to_text(tree["payload"])) if tree and "payload" in tree else None)

    def _read(self, slot: str, value: Any) -> Any:
        target = target_of(self.kind)
        model = getattr(target.slots, slot) if target is not None else None
        return value if model is None or value is None else model.read(value)

    @property
    def duration_ms(self) -> float | None:
        """How long it took in milliseconds, or None if it has not ended."""
        if self.started_at is None or self.completed_at is None:
            return None
        start, end = datetime.fromisoformat(self.started_at), datetime.fromisoformat(self.completed_at)
        return (end - start).total_seconds() * 1000

    @property
    def recorded_at(self) -> datetime:
        """When the call was recorded, in UTC."""
        return datetime.fromisoformat(self.submitted_at)

    def to_prompt(self, budget: int = 20_000) -> str:
        """Return this call as Markdown for a language model, of `budget` characters at most; see `to_prompt`."""
        from .prompt import to_prompt  # noqa: PLC0415 - a replay has no use for it

        return to_prompt(self, budget)

    def _types(self) -> Types:
        target = target_of(self.kind)
        return target.types if target is not None else Types()

    def _value(self, text: str | None) -> Any:
        if text is None:
            return None
        try:
            return load(text, self._types())
        except SerializationError:
            tree = _tree(text)
        try:
            return _known_parts(tree, self._types())
        except (RecursionError, TypeError, ValueError):
            # A file may hold anything.
            return tree


@lru_cache(maxsize=1)
def llm_projection() -> Projection:
    """Return what picks the data of a call of a language model where nobody says otherwise."""
    # Here, because it loads pydantic.
    from .llm.call import LLMCall  # noqa: PLC0415 - see above

    return Projection(LLMCall)


def is_llm_call(value: Any) -> bool:
    """Return whether data look like those that `llm_projection` picks."""
    return isinstance(value, dict) and {"provider", "operation"} <= value.keys() <= {*(llm_projection().fields or ())}


def _tree(text: str | None) -> Any:
    return None if text is None else load_tree(text)


def _known_parts(tree: Any, types: Types) -> Any:
    """Return a stored tree as a value; what of it cannot be rebuilt, as plain data without the tags of its types."""
    if isinstance(tree, list):
        return [_known_parts(item, types) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if len(tree) != 1 or not next(iter(tree)).startswith("py:"):
        return {name: _known_parts(item, types) for name, item in tree.items()}
    try:
        return decode(tree, types)
    except SerializationError:
        return plain_tree(tree, whole=True)
