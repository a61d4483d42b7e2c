"""The report of what has changed: one model, which the terminal, HTML, JSON and Markdown show. Loads pydantic.

The law of this file: it is the published form. `Report.model_json_schema()` is what docs/report.schema.json has, and
whatever changes its meaning changes `VERSION`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ORDER", "VERSION", "Call", "Change", "ChangeClass", "Figures", "Group", "Noise", "Report"]

#: Of the report's form.
VERSION: Final = 1


class ChangeClass(StrEnum):
    """How badly a call has changed; the worst comes first. A call has the worst class of its changes."""

    #: The live call failed, or could not be compared.
    ERROR = "error"
    #: The code asks something else: a call is new, or gone, or its request is another one.
    REQUEST = "request"
    #: The class of the status, a field that a projection reads, the name or an argument of a tool call.
    BREAKING = "breaking"
    #: What a projection picks.
    PROJECTION = "projection"
    #: Only prose inside of a projection.
    TEXT = "text"
    #: Fields that no projection reads came, went, or have another type.
    SHAPE = "shape"
    #: Values that no projection reads.
    VALUE = "value"
    #: What is ignored, or has been seen to vary by itself.
    VOLATILE = "volatile"
    #: Tokens, cost or time, beyond a limit.
    METRICS = "metrics"


#: The classes by how bad they are: 0 is the worst.
ORDER: Final = {each: place for place, each in enumerate(ChangeClass)}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)


class Change(_Part):
    """One place where an answer, or a request, is another one.

    Attributes:
        slot: What it is a part of. `call` is the call itself: it is new, or gone. `metrics` are those of `Figures`.
        op: What happened there. `invalid`: the projection does not fit any more; `new` says why. `reorder`: a list has
            the same items in another order.
        path: Where, from `$`; of what came in the new value, else in the old one.
        old: The old value; not there for what was added.
        new: The new value; not there for what was removed.
        similarity: Of texts, from 0 (nothing in common) to 1.
        is_cut: Whether the values are too large to be given in full.
        fingerprint: Of its group: 12 hex digits.

    """

    slot: Literal["call", "request", "status", "headers", "response", "data", "error", "metrics"]
    op: Literal["add", "remove", "replace", "reorder", "invalid"]
    path: str
    change_class: ChangeClass = Field(validation_alias="class", serialization_alias="class")
    old: Any = None
    new: Any = None
    similarity: float | None = None
    is_cut: bool = False
    fingerprint: str

    @property
    def has_old(self) -> bool:
        """Whether there is an old value: null is one."""
        return "old" in self.model_fields_set

    @property
    def has_new(self) -> bool:
        """Whether there is a new value."""
        return "new" in self.model_fields_set


class Figures(_Part):
    """What a call has used, the old answer's and the new one's; None where it is not known.

    Attributes:
        tokens: Input and output tokens of a call of a language model.
        cost_usd: What it has cost, in US dollars.
        latency_ms: How long it took, in milliseconds.

    """

    tokens: tuple[int | None, int | None] = (None, None)
    cost_usd: tuple[float | None, float | None] = (None, None)
    latency_ms: tuple[float | None, float | None] = (None, None)


class Call(_Part):
    """A call that has changed.

    Attributes:
        id: Of the recorded row; of a call that was not recorded, what its row's would be.
        kind: What was called.
        name: What a call of a language model is named, as `openai.chat`.
        model: The language model that was asked for.
        request: What was asked, in one line.
        tests: Names of the tests, or scopes, that make it.
        change_class: The worst class of its changes.
        changes: What has changed, the worst first.
        more: How many changes are not listed.
        chain: The id of the call before it in its test whose changed answer has led to another request; None for a call
            that stands for itself.
        recorded_at: When the old answer was recorded: UTC, ISO 8601.
        hint: What may be the reason, or what to do, in a sentence; mostly `""`.
        metrics: What it has used.

    """

    id: str
    kind: str
    name: str | None = None
    model: str | None = None
    request: str
    tests: tuple[str, ...]
    change_class: ChangeClass = Field(validation_alias="class", serialization_alias="class")
    changes: tuple[Change, ...]
    more: int = 0
    chain: str | None = None
    recorded_at: str | None = None
    hint: str = ""
    metrics: Figures = Figures()


class Group(_Part):
    """The same change in one or many calls.

    Attributes:
        fingerprint: 12 hex digits that are the same for the same change in every run.
        change_class: Of the change.
        slot: Of the change.
        op: Of the change.
        path: With `*` for indexes and for names that look like data.
        old_type: JSON's name of the old value's type; None if there is none.
        new_type: Likewise of the new one.
        calls: Ids of the calls.

    """

    fingerprint: str
    change_class: ChangeClass = Field(validation_alias="class", serialization_alias="class")
    slot: str
    op: str
    path: str
    old_type: str | None = None
    new_type: str | None = None
    calls: tuple[str, ...]


class Noise(_Part):
    """A place that varies from one live answer to the next by itself.

    Attributes:
        kind: Of the calls.
        path: As the option `ignore` takes it.
        calls: In how many calls.

    """

    kind: str
    path: str
    calls: int


class Report(_Part):
    """What has changed.

    Attributes:
        version: Of this form.
        mode: The record mode of the run (`verify`, `rewrite`, `all`), or `diff` for two files.
        cassettes: The files that were compared, as the user writes their paths.
        compared: How many calls were compared.
        totals: Number of calls by class, and of those that are `unchanged`.
        not_verified: Number of calls by the reason for which they were not made again.
        groups: The changes, each once: the worst class first, then those with the most calls.
        calls: The calls that have changed, the worst first.
        noise: What varies by itself; found with `--record-repeat`.
        metrics: The sums over all compared calls of which both are known; of the times the medians.

    """

    version: Literal[1] = VERSION
    mode: str
    cassettes: tuple[str, ...] = ()
    compared: int = 0
    totals: dict[str, int]
    not_verified: dict[str, int] = Field(default_factory=dict)
    groups: tuple[Group, ...]
    calls: tuple[Call, ...]
    noise: tuple[Noise, ...] = ()
    metrics: Figures = Figures()
