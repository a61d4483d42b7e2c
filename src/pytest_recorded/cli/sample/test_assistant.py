"""Tests of a small LLM application. The first run records its calls, later runs are served from the cassette."""

from __future__ import annotations

from typing import Any

import assistant
import pytest


@pytest.mark.recorded
def test_answer() -> None:
    """All HTTP of this test goes through the cassette."""
    assert "Rome" in assistant.complete("What is the capital of Italy?")


@pytest.mark.recorded
def test_stream() -> None:
    """A streamed answer is replayed in the pieces in which it came."""
    tokens = list(assistant.stream("Count to five."))
    assert "".join(tokens) == "one two three four five"
    assert len(tokens) > 1


@pytest.mark.recorded("assistant.classify", kind="assistant.classify")
def test_complaint() -> None:
    """A function that is named by its dotted path is recorded as a whole; the HTTP inside it is not."""
    assert assistant.classify("My parcel never came.")["complaint"]
    assert not assistant.classify("Thank you, lovely shop.")["complaint"]


@pytest.mark.recorded
def test_looks_at_its_calls(recorded: Any) -> None:
    """The fixture gives the calls of a test, recorded or replayed."""
    assistant.complete("What is the capital of Italy?")
    (job,) = recorded.jobs
    assert job.request.json()["model"] == "demo-1"
    assert job.response.status == 200
