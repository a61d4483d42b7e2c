"""Calls of language models in tests: what the fixture says of them, and what the last line says of their cost."""

from __future__ import annotations

import errno
import json
import re
import socket
import sqlite3
import sys

import pytest

from pytest_recorded.errors import ConfigurationError
from pytest_recorded.llm import prices
from pytest_recorded.spoken import LLMCalls

HEAD = """
import os
import httpx, pytest
from pytest_recorded import LLMCall
URL = os.environ["WORLD_URL"]
pytestmark = pytest.mark.recorded

def ask(text, path="/v1/chat/completions"):
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}
    return httpx.post(URL + path, json=body, timeout=20).json()
"""
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {
                "role": "assistant",
                "content": "Let me see.",
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "weather", "arguments": '{"city": "Rome"}'},
                    }
                ],
            },
        }
    ],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500},
}


def answers(path, body):
    is_chat = path.endswith("completions") and "messages" in json.loads(body)
    return 200, "application/json", json.dumps(ANSWER if is_chat else {"ok": True}).encode()


@pytest.fixture(scope="module")
def models(serve):
    return serve(answers)


@pytest.fixture
def project(example, models, monkeypatch):
    """A project whose tests ask a model."""
    monkeypatch.setenv("WORLD_URL", models)
    return example


def test_a_call_of_a_model_is_an_llm_call_with_tokens_and_the_price_of_its_day(project):
    project.write(
        test_a=HEAD + "def test_x(recorded):\n    ask('Where?')\n"
        "    (call,) = recorded.llm.calls\n"
        "    assert (call.provider, call.operation, call.text) == ('openai', 'chat', 'Let me see.')\n"
        "    assert (recorded.llm.input_tokens, recorded.llm.output_tokens) == (1000, 500)\n"
        "    assert recorded.llm.cost_usd == pytest.approx(0.00045)\n"
        "    assert recorded.jobs[0].data == call == recorded.data(LLMCall)[0] == recorded.data('llm.openai.*')[0]\n"
        "    recorded.assert_called('llm.*', times=1, where_data={'finish_reasons': ['tool_calls']})\n"
        "    recorded.llm.assert_tokens(max_input=1000, max_output=500)\n"
        "    recorded.llm.assert_cost(max_usd=0.001)\n"
        "    recorded.llm.assert_tool_called('weather', {'city': 'Rome'})\n"
    )
    first = project.run()
    assert first.outcomes == {"passed": 1}, first.output
    assert "0 unused; LLM: 1,500 tokens ($0.00045) spent" in first.output
    again = project.run("--record-mode=none")
    assert again.outcomes == {"passed": 1}, again.output
    assert "0 unused; LLM: 1,500 tokens ($0.00045) saved" in again.output


def test_a_call_of_a_model_can_be_asked_for_with_sql(project):
    project.write(test_a=HEAD + "def test_x(): ask('Where?')\n")
    project.run()
    connection = sqlite3.connect(project.folder / "cassettes/jobs.db")
    found = connection.execute(
        "SELECT json_extract(data_json, '$.operation'), json_extract(info_json, '$.llm.name'),"
        " json_extract(info_json, '$.llm.input_tokens'), json_extract(info_json, '$.llm.cost_usd') FROM jobs"
    ).fetchall()
    connection.close()
    assert found == [("chat", "openai.chat", 1000, pytest.approx(0.00045))]


def test_what_is_no_call_of_a_model_has_no_figures(project):
    project.write(
        test_a=HEAD + "def test_x(recorded):\n    ask('Where?', '/messages')\n"
        "    assert len(recorded.llm) == 0 and recorded.llm.cost_usd == 0 and recorded.jobs[0].data is None\n"
        "    recorded.assert_not_called('llm.*')\n"
    )
    result = project.run()
    assert result.outcomes == {"passed": 1}, result.output
    assert "LLM:" not in result.output


FAILURES = {
    "recorded.llm.assert_tokens(max_input=999)": "1,000 input_tokens were used, 999 are allowed",
    "recorded.llm.assert_cost(max_usd=0.0001)": "$0.00045 were spent, $0.00010 are allowed",
    "recorded.llm.assert_tool_called('search')": "the tool search was not called",
    "recorded.llm.assert_tool_called('weather', {'city': 'Oslo'})": "$.city: expected 'Oslo', was 'Rome'",
    "recorded.llm.assert_tool_called('weather', times=2)": "the tool weather was called 1 times, expected 2",
}


@pytest.mark.parametrize("assertion", FAILURES)
def test_a_failed_assertion_on_models_says_what_was_instead(project, assertion):
    project.write(test_a=HEAD + f"def test_x(recorded):\n    ask('Where?')\n    {assertion}\n")
    result = project.run("--record-failed")
    assert result.outcomes == {"failed": 1}
    assert FAILURES[assertion] in result.output


def test_workers_of_xdist_add_up_what_models_have_used(project):
    project.write(test_a=HEAD + "@pytest.mark.parametrize('n', range(4))\ndef test_x(n): ask(str(n))\n")
    assert "LLM: 6,000 tokens ($0.0018) spent" in project.run("-n2", plugins=("xdist.plugin",)).output
    assert "LLM: 6,000 tokens ($0.0018) saved" in project.run("-n2", plugins=("xdist.plugin",)).output


def test_a_call_that_was_refused_says_the_same_of_it_while_it_is_recorded_and_in_each_replay(project, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("WORLD_URL", f"http://127.0.0.1:{free.getsockname()[1]}")
        project.write(
            test_a="import pathlib"
            + HEAD
            + "def test_x(recorded):\n    with pytest.raises(httpx.ConnectError): ask('Where?')\n"
            "    (call,) = recorded.llm.calls\n"
            "    assert call.error == recorded.one().data.error == pathlib.Path('said').read_text()\n"
        )
        (project.folder / "said").write_text(f"ConnectError: [Errno {errno.ECONNREFUSED}] Connection refused")
        assert project.run().outcomes == {"passed": 1}
    assert project.run("--record-mode=none").outcomes == {"passed": 1}
    ((stored,),) = project.rows("json_extract(data_json, '$.error')")
    assert stored == (project.folder / "said").read_text()


MISUSED = {
    "assert_tokens(max_input='5')": "max_input='5' is no number of tokens",
    "assert_tokens(max_input=True)": "max_input=True is no number of tokens",
    "assert_tokens(max_output=-1)": "max_output=-1 is no number of tokens",
    "assert_cost(max_usd=float('nan'))": "max_usd=nan is no amount of dollars",
    "assert_cost(max_usd=float('inf'))": "max_usd=inf is no amount of dollars",
    "assert_cost(max_usd=-0.1)": "max_usd=-0.1 is no amount of dollars",
    "assert_cost(max_usd='1')": "max_usd='1' is no amount of dollars",
    "assert_cost(max_usd=True)": "max_usd=True is no amount of dollars",
    "assert_tool_called('weather', times=-1)": "times=-1 is no number of calls",
    "assert_tool_called('weather', times=True)": "times=True is no number of calls",
    "assert_tool_called(7)": "assert_tool_called(7): the name of a tool is text",
}


@pytest.mark.parametrize("assertion", MISUSED)
def test_a_limit_that_is_none_is_the_callers_error(assertion):
    with pytest.raises(ConfigurationError, match=re.escape(MISUSED[assertion])):
        eval(f"calls.{assertion}", {"calls": LLMCalls([])})


@pytest.mark.parametrize(
    "assertion", ["assert_tokens(max_input=9)", "assert_cost(max_usd=1)", "assert_tool_called('weather', times=0)"]
)
def test_no_limit_is_kept_by_a_test_that_has_called_no_model(project, assertion):
    """A recorded function hides the model that it calls; so its limits would be kept whatever it costs."""
    project.write(
        asking=HEAD.replace("pytestmark = pytest.mark.recorded", ""),
        test_a=f"""
import asking, pytest

@pytest.mark.recorded("asking.ask")
def test_hidden(recorded):
    asking.ask("Where?"), asking.ask("When?")
    recorded.llm.{assertion}

@pytest.mark.recorded
def test_none(recorded):
    recorded.llm.{assertion}
""",
    )
    result = project.run()
    assert result.outcomes == {"failed": 2}
    name = assertion.partition("(")[0]
    assert f"{name}: no call of a language model is among the calls, which are: asking.ask (2 times)." in result.output
    assert "A recorded function hides those that are made inside of it" in result.output
    assert f"{name}: no call of a language model is among the calls: this test has made no calls." in result.output


def test_with_the_mode_off_a_limit_says_that_calls_are_not_seen(project):
    project.write(test_a=HEAD + "def test_x(recorded):\n    ask('Where?')\n    recorded.llm.assert_cost(max_usd=1)\n")
    assert "With the mode off calls run without the recorder" in project.run("--record-mode=off").output


def test_calls_that_were_recorded_without_the_extra_have_a_price_once_it_is_there(project, monkeypatch):
    """No call is made again, and what the failure says to do is enough."""
    test = HEAD + "def test_x(recorded):\n    ask('Where?')\n    "
    project.write(test_a=test + "assert recorded.llm.cost_usd is None\n")
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    prices._library.cache_clear()
    try:
        assert project.run().outcomes == {"passed": 1}
        project.write(test_a=test + "recorded.llm.assert_cost(max_usd=0.001)\n")
        assert "pip install 'pytest-recorded[llm]'. No call has to be made again" in project.run().output
    finally:
        monkeypatch.delitem(sys.modules, "genai_prices")
        prices._library.cache_clear()
    project.write(test_a=test + "recorded.llm.assert_cost(max_usd=0.001)\n")
    assert project.run("--record-mode=none").outcomes == {"passed": 1}
    project.write(
        test_a=test + "assert recorded.llm.cost_usd == pytest.approx(0.00045)\n"
        "    assert recorded.llm.usage.unpriced == 0\n    recorded.llm.assert_cost(max_usd=0.0001)\n"
    )
    assert "$0.00045 were spent, $0.00010 are allowed:" in project.run("--record-mode=none").output
