"""The tools of the agent: trains, and seats in them. Each call is recorded as a whole, whatever it takes to make it."""

from dataclasses import dataclass
from http import HTTPStatus

import httpx

from pytest_recorded import attach, recorder

API = "http://127.0.0.1:8000/railway"


class NoSeatError(Exception):
    """The train is full."""


@dataclass
class Train:
    name: str
    departs: str
    euros: float


@dataclass
class Booking:
    train: str
    passenger: str
    seat: str


@recorder(kind="railway.find_trains")
def find_trains(origin: str, destination: str) -> list[Train]:
    """Find the trains of today from one town to another."""
    answer = httpx.get(f"{API}/trains", params={"origin": origin, "destination": destination}).raise_for_status()
    found = [Train(train["name"], train["departs"], train["euros"]) for train in answer.json()]
    attach("trains", len(found))
    return found


@recorder(kind="railway.book_seat")
def book_seat(train: str, passenger: str) -> Booking:
    """Book a seat in a train."""
    answer = httpx.post(f"{API}/seats", json={"train": train, "passenger": passenger})
    if answer.status_code == HTTPStatus.CONFLICT:
        raise NoSeatError(answer.json()["message"])
    return Booking(**answer.raise_for_status().json())
