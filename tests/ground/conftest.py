"""What the tests of the ground floor share: how hypothesis searches, and what two values have in common."""

from __future__ import annotations

import dataclasses
from datetime import datetime, time
from decimal import Decimal

import pydantic
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ground",
    deadline=None,
    database=None,
    derandomize=True,
    max_examples=80,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("ground")


def describe(value):  # noqa: PLR0911 - one line for each kind of value
    """Return a value as plain data that is equal for two values only if they are equal and of equal type, all through.

    NaN is equal to itself here, `0.0` is not `-0.0`, and the order of a dict counts.
    """
    kind = type(value)
    if isinstance(value, BaseException):
        state = {name: item for name, item in vars(value).items() if name != "__notes__"}
        filenames = (getattr(value, "filename", None), getattr(value, "filename2", None))
        parts = (value.args, state, getattr(value, "__notes__", None), filenames)
        return (kind, *map(describe, parts))
    if isinstance(value, pydantic.BaseModel):
        extra, private = value.__pydantic_extra__, value.__pydantic_private__
        return (kind, describe(vars(value)), describe(extra), describe(private), frozenset(value.model_fields_set))
    if dataclasses.is_dataclass(value):
        fields = tuple((spec.name, describe(getattr(value, spec.name, None))) for spec in dataclasses.fields(value))
        extra = {name: item for name, item in getattr(value, "__dict__", {}).items() if name != "__orig_class__"}
        return (kind, fields, frozenset((name, describe(item)) for name, item in extra.items()))
    if isinstance(value, dict):
        return (kind, tuple((describe(key), describe(item)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return (kind, tuple(map(describe, value)))
    if isinstance(value, set | frozenset):
        return (kind, frozenset(map(describe, value)))
    if isinstance(value, datetime | time):
        return (kind, value.isoformat(), value.fold, type(value.tzinfo), str(value.tzinfo))
    return (kind, repr(value)) if isinstance(value, float | complex | Decimal | bytearray) else (kind, value)


@pytest.fixture(scope="session", name="described")
def _described():
    return describe
