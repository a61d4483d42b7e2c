"""A whole run of the agent is replayed: what the model says, and what its tools answer."""

import pytest
import railway
from openai import OpenAI
from travel_agent import TooManyStepsError, travel

pytestmark = pytest.mark.recorded


@pytest.fixture
def client():
    with OpenAI(base_url="http://127.0.0.1:8000/v1", api_key="sk-example-0123456789abcdef") as client:
        yield client


def test_the_cheapest_train_is_found_and_booked(client, recorded):
    assert travel(client, "Book me the cheapest train from Milan to Rome.") == "You have seat 7A in IC 513."

    find = ("railway.find_trains", {"origin": "Milan", "destination": "Rome"})
    book = ("railway.book_seat", {"train": "IC 513"})
    recorded.assert_order(["llm.openai.chat", find, "llm.openai.chat", book, "llm.openai.chat"])
    recorded.llm.assert_tool_called("book_seat", arguments={"train": "IC 513", "passenger": "Ann"}, times=1)


def test_tools_answer_with_objects_of_their_own_also_when_replayed(client, recorded):
    travel(client, "Book me the cheapest train from Milan to Rome.")
    found, booked = recorded.calls("railway.*")
    assert found.response[1] == railway.Train("IC 513", "09:10", 34.5)
    assert found.data == {"trains": 2}
    assert booked.response == railway.Booking("IC 513", "Ann", "7A")


def test_the_agent_is_told_of_a_tool_that_fails_and_says_so(client, recorded):
    assert travel(client, "Book me a train from Milan to Naples.") == "I am sorry: no seat is left in IC 727."

    failed = recorded.one("railway.book_seat", status="failed")
    assert isinstance(failed.error, railway.NoSeatError)
    told = recorded.calls("llm.*")[-1].request.json()["messages"][-1]
    assert (told["role"], told["content"]) == ("tool", f"error: {failed.error}")


def test_what_needs_no_tool_uses_none(client, recorded):
    assert travel(client, "What is the capital of Italy?").startswith("I can only book trains.")
    recorded.assert_not_called("railway.*")
    assert recorded.llm.tool_calls == []


def test_an_agent_that_does_not_come_to_an_end_is_stopped(client, recorded):
    with pytest.raises(TooManyStepsError, match="no answer after 3 steps"):
        travel(client, "Show me every train from Milan to Rome, again and again.", max_steps=3)
    recorded.assert_called("llm.*", times=3)
    recorded.assert_called("railway.find_trains", times=3)
