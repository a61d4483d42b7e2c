"""SDKs speak HTTP, so that the marker is all it takes. Plain or streamed, a call is read into one model."""

import asyncio

import openai
import pytest
import support_desk as desk

from pytest_recorded import to_prompt

LATE = "My parcel is late. I need it today."
ANSWER = "We are sorry. Your parcel comes tomorrow."

pytestmark = pytest.mark.recorded


def test_a_letter_becomes_a_ticket(gpt, recorded):
    assert desk.triage(gpt, LATE) == desk.Ticket(topic="delivery", is_urgent=True, summary="My parcel is late")
    recorded.assert_called("llm.openai.chat", request={"json": {"response_format": {"type": "json_schema"}}})


def test_an_answer_comes_in_pieces(gpt, recorded):
    pieces = list(desk.draft(gpt, LATE))
    assert len(pieces) > 3
    call = recorded.one("llm.*").llm
    assert call.text == "".join(pieces) == ANSWER
    assert (call.streamed, call.finish_reasons) == (True, ["stop"])


def test_letters_that_are_sorted_at_once_find_their_answers_in_any_order(gpt):
    async def topics(*letters):
        async with openai.AsyncOpenAI(base_url=gpt.base_url, api_key=gpt.api_key) as client:
            return [ticket.topic for ticket in await desk.triage_all(client, list(letters))]

    asked = topics("My parcel is lost.", "My card was charged twice.", "Do you sell tea?")
    assert asyncio.run(asked) == ["delivery", "payment", "other"]


def test_a_letter_is_answered_within_its_budget(gpt, claude, recorded, snapshot):
    """The snapshot has what `recorded_projections` picks: of both SDKs the same, whole or streamed."""
    answer = "".join(desk.draft(gpt, LATE))
    assert desk.review(claude, answer).startswith("Polite")
    assert "".join(desk.translate(claude, answer, "German")) == "Ihr Paket kommt morgen."

    recorded.assert_order(["llm.openai.*", "llm.anthropic.*", "llm.anthropic.*"])
    recorded.llm.assert_tokens(max_input=40, max_output=20)
    recorded.llm.assert_cost(max_usd=0.001)
    assert recorded.data("llm.*") == snapshot


def test_calls_are_context_for_another_model(gpt, recorded):
    "".join(desk.draft(gpt, LATE))
    context = to_prompt(recorded.jobs, budget=1_500)
    assert len(context) <= 1_500
    assert LATE in context
    assert "sk-example" not in context


@pytest.mark.recorded("support_desk.triage", kind="desk.triage", ignore=["client"])
def test_a_function_of_the_app_may_be_recorded_as_a_whole(gpt, recorded):
    """It is named by its path, and nothing inside of it is recorded."""
    assert desk.triage(gpt, "Do you sell tea?").topic == "other"
    assert recorded.one().kind == "desk.triage"
