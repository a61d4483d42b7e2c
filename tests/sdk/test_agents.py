"""Agents of several turns: the model is replayed, the tools run, and what they return is a part of the next request."""

from __future__ import annotations

import json

import anyio
import pytest

from pytest_recorded import MissingRecording
from sdks import KEY

FRAMEWORKS = ["pydantic-ai", "pydantic-ai-responses", "langchain", "langchain-async"]
MADE_ANEW = ("timestamp", "run_id", "conversation_id")
AGENTS = pytest.mark.parametrize("framework", FRAMEWORKS)


class Weather:
    """A tool, and how often it was called."""

    def __init__(self, answer="fine, 21 °C"):
        self.asked = []
        self.answer = answer

    def look(self, city):
        self.asked.append(city)
        return f"{self.answer} ({len(self.asked)})"


def _pydantic_ai(framework, url, weather):
    """Return how an agent of pydantic-ai is run."""
    from openai import AsyncOpenAI
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    async def arun(text):
        async with AsyncOpenAI(api_key=KEY, base_url=url) as client:
            model = OpenAIResponsesModel if framework.endswith("responses") else OpenAIChatModel
            agent = Agent(model("m-1", provider=OpenAIProvider(openai_client=client)), instructions="Be short.")

            @agent.tool_plain
            def weather_in(city: str) -> str:
                """Tell the weather in a city."""
                return weather.look(city)

            done = await agent.run(text)
        return done.output, _untimed(json.loads(done.all_messages_json())), done.usage

    return arun


def _untimed(value):
    """Return messages without what each run makes anew."""
    if isinstance(value, dict):
        return {
            name: _untimed(item)
            for name, item in value.items()
            if name not in ("timestamp", "run_id", "conversation_id")
        }
    return [_untimed(item) for item in value] if isinstance(value, list) else value


def _langchain(framework, url, weather):
    """Return how an agent of langchain's parts is run: a model that is bound to a tool, until it calls it no more."""
    from httpx2 import AsyncClient
    from langchain_core.messages import HumanMessage
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI

    @tool
    def weather_in(city: str) -> str:
        """Tell the weather in a city."""
        return weather.look(city)

    async def arun(text):
        messages = [HumanMessage(text)]
        async with AsyncClient() as client:
            model = ChatOpenAI(model="m-1", api_key=KEY, base_url=url, http_async_client=client)
            bound = model.bind_tools([weather_in])
            while messages[-1].type != "ai":
                is_async = framework.endswith("async")
                messages.append(await bound.ainvoke(messages) if is_async else bound.invoke(messages))
                messages += [await weather_in.ainvoke(call) for call in messages[-1].tool_calls]
        return messages[-1].content, [message.model_dump(exclude={"id"}) for message in messages], None

    return arun


def _run(framework, url, weather, text="What is the weather?"):
    make = _langchain if framework.startswith("langchain") else _pydantic_ai
    return anyio.run(make(framework, url, weather), text)


@AGENTS
def test_an_agent_goes_the_same_way_again_and_its_tools_run(framework, llm, twice):
    weathers = []

    def play():
        weathers.append(Weather())
        return _run(framework, llm.url_of("openai"), weathers[-1])

    output, messages, _ = twice(play)
    assert llm.count == 3
    assert "fine, 21 °C (1) fine, 21 °C (2)" in output
    assert "fine, 21 °C (2)" in json.dumps(messages, ensure_ascii=False, default=str)
    assert [weather.asked for weather in weathers] == [["city 0 of 1 €", "city 1 of 1 €"]] * 2


@AGENTS
def test_a_tool_that_returns_something_else_is_a_miss_that_shows_it(framework, llm, cassette):
    url = llm.url_of("openai")
    with cassette():
        _run(framework, url, Weather())
    with pytest.raises((MissingRecording, AttributeError)) as caught, cassette("none") as replayed:
        _run(framework, url, Weather("rain, 9 °C"))
    # The asynchronous model of langchain takes what is no Exception for an answer, and fails on it.
    told = caught.value.__notes__[0] if framework == "langchain-async" else str(caught.value)
    assert 'recorded: "fine, 21 °C (1)"' in told
    assert 'now:      "rain, 9 °C (1)"' in told
    assert replayed.play_count == 1
    assert llm.count == 3
