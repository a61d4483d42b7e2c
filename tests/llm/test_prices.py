"""What a call has cost, and what calls have cost together."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from importlib import metadata
from types import ModuleType

import genai_prices
import pytest
from genai_prices import data_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_recorded import LLMCall, llm
from pytest_recorded.llm import prices

DAY = datetime(2026, 6, 1, tzinfo=UTC)
GPT = LLMCall(
    provider="openai",
    operation="chat",
    request_model="gpt-4o",
    response_model="gpt-4o-2024-08-06",
    input_tokens=1000,
    output_tokens=100,
)


@pytest.fixture
def loaded_anew():
    """A library that is loaded when it is asked for, in this test and after it."""
    prices._library.cache_clear()
    yield
    prices._library.cache_clear()


def test_a_call_has_a_price_and_says_by_whose_prices():
    # 2.50 and 10 dollars a million.
    found = llm.price(GPT, DAY)
    assert found == llm.Price(0.0035, f"genai-prices {metadata.version('genai-prices')}")


def test_what_was_read_from_a_cache_and_written_to_one_has_prices_of_its_own():
    call = LLMCall(
        provider="anthropic",
        operation="chat",
        request_model="claude-sonnet-4-5",
        input_tokens=1000,
        output_tokens=100,
        cache_read_tokens=600,
        cache_creation_tokens=300,
    )
    # 3 and 15 dollars a million; a tenth of 3 for what was read, five quarters of it for what was written.
    expected = (100 * 3 + 600 * 0.3 + 300 * 3.75 + 100 * 15) / 1e6
    assert llm.price(call, DAY).usd == pytest.approx(expected, abs=1e-12)


def test_the_price_is_that_of_the_day_of_the_call():
    """o3 has become four fifths cheaper on 10 June 2025."""
    call = GPT.model_copy(update={"request_model": "o3", "response_model": None})
    before, after = (llm.price(call, datetime(2025, 6, day, 12)).usd for day in (1, 20))  # noqa: DTZ001 - as UTC
    assert (before, after) == (0.014, 0.0028)
    assert llm.price(call, datetime(2025, 6, 1, 12, tzinfo=UTC)).usd == before


def test_the_price_is_that_of_the_time_of_day_in_utc():
    """deepseek-chat costs half as much between 16:30 and 0:30."""
    call = GPT.model_copy(update={"provider": "deepseek", "request_model": "deepseek-chat", "response_model": None})
    by_day, by_night = (llm.price(call, datetime(2025, 6, 1, hour, tzinfo=UTC)).usd for hour in (12, 20))
    assert by_day > by_night > 0
    tokyo = timezone(timedelta(hours=9))
    assert llm.price(call, datetime(2025, 6, 2, 5, tzinfo=tokyo)).usd == by_night
    assert llm.price(call, datetime(2025, 6, 1, 20)).usd == by_night  # noqa: DTZ001 - as UTC


def test_a_model_that_has_answered_under_a_name_of_its_own_is_priced_by_the_one_that_was_asked_for():
    assert llm.price(GPT.model_copy(update={"response_model": "mine-7"}), DAY) == llm.price(GPT, DAY)


def test_embeddings_cost_what_they_are_given():
    call = LLMCall(provider="openai", operation="embeddings", request_model="text-embedding-3-small", input_tokens=1000)
    assert llm.price(call, DAY).usd == 0.00002


@pytest.mark.parametrize(
    "change",
    [
        {"response_model": "no-such-model", "request_model": "another"},
        {"response_model": None, "request_model": None},
        {"provider": "ollama"},
        {"provider": None},
        {"input_tokens": None},
        {"output_tokens": None},
        {"cache_read_tokens": 5000},
    ],
    ids=lambda change: ", ".join(f"{name} {value}" for name, value in change.items()),
)
def test_what_is_not_known_has_no_price(change):
    assert llm.price(GPT.model_copy(update=change), DAY) is None


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o"),
        ("azure.ai.openai", "gpt-4o"),
        ("anthropic", "claude-sonnet-4-5"),
        ("aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("gcp.gemini", "gemini-2.5-flash"),
        ("gcp.vertex_ai", "gemini-2.5-flash"),
        ("mistral_ai", "mistral-large-latest"),
        ("groq", "llama-3.3-70b-versatile"),
        ("cohere", "command-r-plus"),
        ("deepseek", "deepseek-chat"),
        ("x_ai", "grok-4"),
    ],
)
def test_the_providers_have_their_names_in_the_library(provider, model):
    call = GPT.model_copy(update={"provider": provider, "request_model": model, "response_model": None})
    assert llm.price(call, DAY).usd > 0


def test_prices_that_somebody_has_fetched_are_not_taken(loaded_anew):
    """The version that is stored beside a price says which prices these are."""
    expected = llm.price(GPT, DAY)
    prices._library.cache_clear()
    data_snapshot.set_custom_snapshot(data_snapshot.DataSnapshot(providers=[], from_auto_update=True))
    try:
        assert llm.price(GPT, DAY) == expected
    finally:
        data_snapshot.set_custom_snapshot(None)


def test_without_the_library_there_are_no_prices(monkeypatch, loaded_anew):
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    assert llm.price(GPT, DAY) is None


def test_a_library_that_is_another_than_ours_gives_no_prices(monkeypatch, loaded_anew):
    monkeypatch.setitem(sys.modules, "genai_prices.data", ModuleType("genai_prices.data"))
    assert llm.price(GPT, DAY) is None


def test_a_library_that_breaks_gives_no_prices(monkeypatch, loaded_anew):
    def broken(**_):
        raise RuntimeError("broken")

    monkeypatch.setattr(genai_prices, "Usage", broken)
    assert llm.price(GPT, DAY) is None


def test_prices_are_found_without_a_network():
    code = (
        "import sys, datetime; from pytest_recorded import llm;"
        "assert 'genai_prices' not in sys.modules;"
        "sys.addaudithook(lambda event, args: sys.exit(event) if event.startswith('socket.connect') "
        "or event == 'socket.getaddrinfo' else None);"
        "call = llm.LLMCall(provider='openai', request_model='gpt-4o', input_tokens=9, output_tokens=9);"
        "assert llm.price(call, datetime.datetime.now(datetime.timezone.utc)).usd > 0"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_figures_of_a_call_are_its_name_its_tokens_and_its_price():
    call = GPT.model_copy(update={"cache_read_tokens": 0, "reasoning_tokens": 7})
    assert llm.figures(call, llm.price(call, DAY)) == {
        "name": "openai.chat",
        "input_tokens": 1000,
        "output_tokens": 100,
        "cache_read_tokens": 0,
        "reasoning_tokens": 7,
        "cost_usd": 0.0035,
        "prices": f"genai-prices {metadata.version('genai-prices')}",
    }
    assert llm.figures(LLMCall(provider="ollama", operation="chat")) == {"name": "ollama.chat"}


def test_usage_is_the_sum_of_figures():
    entries = [
        llm.figures(GPT, llm.Price(0.1, "any 1")),
        llm.figures(GPT, llm.Price(0.2, "any 1")),
        llm.figures(GPT.model_copy(update={"output_tokens": None})),
    ]
    used = llm.Usage.sum(entries)
    assert used == llm.Usage(calls=3, input_tokens=3000, output_tokens=200, cost_usd=0.3, priced=2)
    assert used.unpriced == 1
    assert llm.Usage.sum([]) == llm.Usage()
    assert sum([used, used], llm.Usage()) == llm.Usage(6, 6000, 400, 0.6, 4)


def test_a_call_that_costs_nothing_has_a_price():
    assert llm.Usage.of({"cost_usd": 0}) == llm.Usage(calls=1, priced=1)


@pytest.mark.parametrize("cost", [float("inf"), float("nan"), -1, True, "1", None])
def test_a_cost_that_is_none_is_not_known(cost):
    assert llm.Usage.of({"cost_usd": cost}) == llm.Usage(calls=1)


@settings(max_examples=100, deadline=None, database=None, derandomize=True)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(st.sampled_from(["input_tokens", "output_tokens", "cost_usd", "name"]), inner)
        ),
    )
)
def test_figures_that_are_none_are_a_call_of_which_nothing_is_known(entry):
    used = llm.Usage.of(entry) + llm.Usage.of({"input_tokens": 1, "cost_usd": 0.5})
    assert used.calls == 2
    assert used.input_tokens >= 1
    assert 0.5 <= used.cost_usd < float("inf")
    assert used.priced in (1, 2)


UNPRICED = {
    "a provider that has none": ({"provider": "ollama"}, "There are no prices of ollama: limit its tokens instead."),
    "no provider": ({"provider": None}, "There are no prices of a provider that is not known"),
    "no tokens": ({"output_tokens": None}, "stream_options={'include_usage': True}"),
    "a model that is not known": (
        {"request_model": "gpt-from-home", "response_model": None},
        f"genai-prices {metadata.version('genai-prices')} does not know this model of openai.",
    ),
}


@pytest.mark.parametrize("what", UNPRICED)
def test_why_a_call_has_no_price_is_said_for_what_it_is(what):
    changed, said = UNPRICED[what]
    call = GPT.model_copy(update=changed)
    assert llm.price(call, DAY) is None
    assert said in prices.why_unpriced(call)
    assert "pytest-recorded[llm]" not in prices.why_unpriced(call)
