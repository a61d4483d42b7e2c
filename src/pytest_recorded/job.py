"""The recorded call: where it is (`Address`), how it stands (`Status`), and the row itself (`Row`)."""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple

__all__ = ["Address", "Answer", "Chunk", "Found", "Place", "Row", "Status", "is_http", "job_id"]


class Status(StrEnum):
    """How a job stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Address(NamedTuple):
    """Where a job is. Replaying is finding a job by its address."""

    scope: str
    kind: str
    key: str
    seq: int


def job_id(address: Address, attempt: int) -> str:
    """Return the id of a row in a cassette: a digest of where it is, so that no new recording changes it."""
    place = "\0".join((address.scope, address.kind, address.key, str(address.seq), str(attempt)))
    return blake2b(place.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def is_http(kind: str) -> bool:
    """Return whether a kind is that of an HTTP call."""
    return kind.startswith("http.")


class Found(NamedTuple):
    """The part of a row that a replay needs. Of a row in a cassette the id is None: see `job_id`."""

    id: str | None
    attempt: int
    status: str
    response_json: str | None
    error_json: str | None
    info_json: str | None


class Place(NamedTuple):
    """Where one row is: its id, and if it has one its address and attempt."""

    id: str
    address: Address | None
    attempt: int


class Chunk(NamedTuple):
    """One piece of a streamed answer."""

    seq: int
    offset_ms: float
    body: str


class Answer(NamedTuple):
    """How a call ended, ready to be stored."""

    status: Status
    response_json: str | None = None
    data_json: str | None = None
    error_json: str | None = None
    chunks: tuple[Chunk, ...] = ()
    #: What is noted of the call besides, if more is known at its end than when it began.
    info_json: str | None = None
    #: When it ended, if what was noted of it may say so; else that is when it is stored.
    completed_at: str | None = None


class Row(NamedTuple):
    """One row of `jobs`, in the order of its columns. Times are UTC, ISO 8601 with microseconds and `Z`."""

    id: str
    scope: str
    kind: str
    key: str | None
    seq: int
    attempt: int
    parent_id: str | None
    status: str
    owner: str | None
    submitted_at: str
    started_at: str | None
    beat_at: str | None
    completed_at: str | None
    request_json: str | None
    response_json: str | None
    data_json: str | None
    error_json: str | None
    info_json: str | None

    @property
    def address(self) -> Address:
        """The address; a job without a key has the key `""` here and cannot be found by it."""
        return Address(self.scope, self.kind, self.key or "", self.seq)

    @property
    def place(self) -> Place:
        """Where the row is."""
        return Place(self.id, self.address, self.attempt)
