"""What the tests of diffs share: how hypothesis searches, and what it takes to be exactly equal."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "diff",
    deadline=None,
    database=None,
    derandomize=True,
    max_examples=120,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("diff")


def exact(value):
    """Return a tree in which what is equal is of equal type, NaN is itself, and 0.0 is not -0.0."""
    if type(value) is dict:
        return {key: exact(item) for key, item in value.items()}
    if type(value) is list:
        return list(map(exact, value))
    return (type(value), repr(value) if type(value) is float else value)


@pytest.fixture(scope="session", name="exact")
def _exact():
    return exact
