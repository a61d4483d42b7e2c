"""Calls of language models are found by their names, whether these are stored or not."""

from __future__ import annotations

import contextlib
import json
import sqlite3

import pytest
import yaml

from pytest_recorded import open_jobs
from pytest_recorded.options import Options
from pytest_recorded.vcr import Importer

URL = "https://api.example.com/v1/chat/completions"
ASKED = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Where?"}]}
ANSWERED = {
    "object": "chat.completion",
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Let me see."}}],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500},
}
CHAT = f"""
import httpx, pytest
pytestmark = pytest.mark.recorded

def ask():
    return httpx.post("{URL}", json={ASKED!r}, timeout=20)

"""


def import_call(example):
    """Import what vcrpy has recorded of the call."""
    headers = {"Content-Type": ["application/json"]}
    request = {"method": "POST", "uri": URL, "headers": headers, "body": json.dumps(ASKED)}
    status = {"code": 200, "message": "OK"}
    response = {"status": status, "headers": headers, "body": {"string": json.dumps(ANSWERED)}}
    file = example.folder / "calls.yaml"
    file.write_text(yaml.safe_dump({"version": 1, "interactions": [{"request": request, "response": response}]}))
    Importer(example.cassette, Options(), scope="test_a.py::test_x").run([file])


@pytest.mark.parametrize("notes", ["those of an import", "none"])
def test_a_call_of_a_model_of_which_nothing_is_noted_is_found_by_its_name(example, notes):
    """In assertions, in queries, and among the names that are nearest."""
    example.write(
        test_a=CHAT + "def test_x(recorded):\n    ask()\n"
        "    (job,) = recorded.jobs\n"
        "    assert recorded.calls('llm.*') == [job] == recorded.calls('llm.openai.chat') == recorded.calls('*.chat')\n"
        "    assert list(recorded.query(kind='llm.*')) == [job] == list(recorded.query(kind='llm.openai.chat'))\n"
        "    assert recorded.calls('llm.anthropic.*') == [] == list(recorded.query(kind='llm.anthropic.*'))\n"
        "    assert [call.text for call in recorded.llm.calls] == ['Let me see.'] == [recorded.data('llm.*')[0].text]\n"
        "    with pytest.raises(AssertionError, match='did you mean llm.openai.chat'):\n"
        "        recorded.one('openai.chat')\n"
    )
    import_call(example)
    if notes == "none":
        with contextlib.closing(sqlite3.connect(example.cassette)) as connection, connection:
            connection.execute("UPDATE jobs SET info_json = NULL, data_json = NULL")
    replayed = example.run("--record-mode=none")
    assert replayed.outcomes == {"passed": 1}, replayed.output
    with open_jobs(example.cassette) as jobs:
        assert [job.info.get("llm") for job in jobs.query(kind="llm.openai.*")] == [None]
        assert list(jobs.query(kind="llm.anthropic.*")) == []
        assert [job.kind for job in jobs.last(5, kind="llm.*")] == ["http.api.example.com"]
