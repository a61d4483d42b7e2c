"""A recorded call as users see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .codec import load, load_error, load_tree, to_text
from .drift import is_http
from .errors import SerializationError
from .job import Status
from .message import HttpRequest, HttpResponse
from .objects import Types
from .target import target_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .job import Chunk, Row

__all__ = ["Job"]


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
    request_json: str | None = field(repr=False)
    response_json: str | None = field(repr=False)
    data_json: str | None = field(repr=False)
    error_json: str | None = field(repr=False)
    info_json: str | None = field(repr=False)
    _chunks: Sequence[Chunk] | Callable[[str], Sequence[Chunk]] = field(repr=False, compare=False)

    @classmethod
    def of(cls, row: Row, chunks: Sequence[Chunk] | Callable[[str], Sequence[Chunk]]) -> Job:
        """Return the job of a row, with the pieces of its answer if it was streamed, or what reads them by its id."""
        values = {**row._asdict(), "status": Status(row.status), "_chunks": chunks}
        return cls(**{name: value for name, value in values.items() if name not in ("owner", "beat_at")})

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
        """The projection: an instance of the data model, or what was attached."""
        return self._read("data", self._value(self.data_json))

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
            return _tree(text)


def _tree(text: str | None) -> Any:
    return None if text is None else load_tree(text)
