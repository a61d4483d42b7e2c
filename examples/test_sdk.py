"""An SDK's calls: it speaks HTTP, so that the marker is all it takes."""

import asyncio

import openai
import pytest

API = "http://127.0.0.1:8000/v1"
KEY = "sk-example-0123456789abcdef"


def chat(question, **more):
    return {"model": "demo-1", "messages": [{"role": "user", "content": question}], **more}


@pytest.mark.recorded
def test_an_answer():
    client = openai.OpenAI(base_url=API, api_key=KEY)
    answer = client.chat.completions.create(**chat("What is the capital of Italy?"))
    assert "Rome" in answer.choices[0].message.content


@pytest.mark.recorded
def test_a_stream_comes_token_by_token():
    client = openai.OpenAI(base_url=API, api_key=KEY)
    with client.chat.completions.create(**chat("Count to five.", stream=True)) as events:
        tokens = [event.choices[0].delta.content for event in events]
    assert tokens == ["one", " two", " three", " four", " five"]


@pytest.mark.recorded
def test_concurrent_calls_find_their_answers_in_any_order():
    async def ask(*questions):
        async with openai.AsyncOpenAI(base_url=API, api_key=KEY) as client:
            asked = [client.chat.completions.create(**chat(question)) for question in questions]
            return [answer.choices[0].message.content for answer in await asyncio.gather(*asked)]

    assert asyncio.run(ask("one", "two", "three")) == ["You said: one", "You said: two", "You said: three"]


def test_the_fixture_gives_the_calls_of_its_test(recorded):
    client = openai.OpenAI(base_url=API, api_key=KEY)
    client.chat.completions.create(**chat("What is the capital of Italy?"))
    (job,) = recorded.jobs
    assert job.request.json()["messages"][0]["content"] == "What is the capital of Italy?"
    assert job.response.status == 200
    assert KEY not in str(job.request)
