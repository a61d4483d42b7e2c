"""The first example of the README, whose cassette is that of this repository: cassettes/jobs.db."""

import httpx
import pytest


def ask(question):
    chat = {"model": "demo-1", "messages": [{"role": "user", "content": question}]}
    answer = httpx.post("http://127.0.0.1:8000/v1/chat/completions", json=chat).json()
    return answer["choices"][0]["message"]["content"]


@pytest.mark.recorded  # all HTTP of this test goes through the cassette
def test_capital():
    assert "Rome" in ask("What is the capital of Italy?")
