"""Options: the same names on the command line, in the ini file, on the marker, and here."""

import time

import httpx
import pytest

from pytest_recorded import use_cassette

API = "http://127.0.0.1:8000/v1/chat/completions"


@pytest.fixture(scope="module")
def recorded_options():
    """Options for all tests of this module."""
    return {"ignore": ["$.metadata.sent_at"]}


def ask(question):
    messages = [{"role": "user", "content": question}]
    body = {"model": "demo-1", "messages": messages, "metadata": {"sent_at": time.time()}}
    return httpx.post(API, json=body).json()["choices"][0]["message"]["content"]


@pytest.mark.recorded
def test_what_varies_by_itself_is_left_out_of_the_key():
    assert ask("What is the time?") == "You said: What is the time?"


@pytest.mark.recorded(match=["method", "url"])
def test_a_test_may_say_what_counts():
    assert ask("Whatever.") == "You said: Whatever."


def test_a_block_records_a_part_of_a_test():
    with use_cassette("cassettes/jobs.db", ignore=["sent_at"]) as cassette:
        assert ask("And here?") == "You said: And here?"
    assert [job.kind for job in cassette.jobs] == ["http.127.0.0.1"]
