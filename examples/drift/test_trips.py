"""Tests of what their projections pick: that is what `verify` weighs a change by."""

import pytest
import trips

# The APIs may be anywhere: the host does not count.
pytestmark = pytest.mark.recorded(match=["method", "path", "query", "body"])

WARM = {"Athens", "Florence", "Izmir", "Lisbon"}
CITIES = sorted(WARM | {"Bergen", "Cork", "Dublin", "Espoo", "Graz", "Hamburg", "Jena", "Krakow"})


@pytest.fixture
def advisor():
    with trips.Advisor() as advisor:
        yield advisor


@pytest.mark.recorded(data=trips.Weather)
@pytest.mark.parametrize("city", CITIES)
def test_it_is_warm_in_some_cities(advisor, city):
    assert (advisor.weather(city).celsius > 20) is (city in WARM)


@pytest.mark.recorded(data=trips.Rate, ignore=["as_of"])
def test_money_has_a_rate(advisor, recorded):
    """From which day it is is ignored: that is another one in each recording."""
    advisor.rate("CHF")
    assert recorded.data(trips.Rate) == [trips.Rate(currency="CHF", rate=0.95)]


def test_nobody_is_on_strike(advisor):
    assert advisor.strikes() == []


def test_two_trains_go_to_rome(advisor):
    assert advisor.trains("Milan", "Rome") == ["FR 9611", "IC 513"]


def test_a_model_packs_the_suitcase(advisor, recorded):
    advisor.suitcase("Lisbon")
    assert "sun cream" in recorded.llm.calls[0].text


def test_a_model_names_a_museum(advisor, recorded):
    assert "tile museum" in advisor.sight("Lisbon")
    recorded.llm.assert_cost(max_usd=0.001)


def test_a_model_looks_for_trains(advisor, recorded):
    advisor.tool_call("A train from Milan to Rome, please.")
    recorded.llm.assert_tool_called("find_trains", {"origin": "Milan", "destination": "Rome"})


@pytest.mark.recorded("trips.send", kind="mail.send", verify=False)
def test_advice_is_mailed_once(recorded):
    """Recorded as a function, and never sent again: not even when everything else is verified."""
    assert trips.send("ann@example.com", "Take the train.") == 1
    recorded.assert_called("mail.send", times=1, request={"to": "ann@example.com"})
