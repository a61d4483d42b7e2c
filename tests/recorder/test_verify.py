"""Verifying generators: run again as far as they ran, and given as they are recorded."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from pytest_recorded import recorder, use_cassette

WORLD = {"answer": "old", "end": None, "ran": 0}


@recorder(kind="verify.count")
def count(limit):
    WORLD["ran"] += 1
    for number in itertools.islice(itertools.count(), limit):
        yield f"{WORLD['answer']} {number}"
    if WORLD["end"]:
        raise WORLD["end"]
    return WORLD["answer"]


@recorder(kind="verify.acount")
async def acount(limit):
    WORLD["ran"] += 1
    for number in itertools.islice(itertools.count(), limit):
        yield f"{WORLD['answer']} {number}"
    if WORLD["end"]:
        raise WORLD["end"]


def read(limit, first=None):
    stream = count(limit)
    items = list(itertools.islice(stream, first))
    stream.close()
    return items


def aread(limit, first=None):
    async def reading():
        stream, items = acount(limit), []
        while len(items) != first and (item := await anext(stream, None)) is not None:
            items.append(item)
        await stream.aclose()
        return items

    return asyncio.run(reading())


@pytest.fixture(autouse=True)
def _world(monkeypatch):
    for name, value in {"answer": "old", "end": None, "ran": 0}.items():
        monkeypatch.setitem(WORLD, name, value)


@pytest.fixture
def verified(tmp_path, verifying):
    """Record a call, change the world, verify it; return what was given then, and what was counted."""

    def run(call, **change):
        with use_cassette(tmp_path / "jobs.db"):
            recorded = call()
        WORLD.update(change)
        with verifying(use_cassette(tmp_path / "jobs.db", mode="verify")) as block:
            given = call()
        assert given == recorded
        return {name: number for name, number in block._scope.counts.items() if number}

    return run


BOTH = pytest.mark.parametrize("reader", [read, aread])


@BOTH
def test_a_generator_that_yields_the_same_has_not_changed(reader, verified):
    assert verified(lambda: reader(3)) == {"unchanged": 1}
    assert WORLD["ran"] == 2


@BOTH
def test_a_generator_that_yields_something_else_has_changed_and_gives_what_is_recorded(reader, verified):
    assert verified(lambda: reader(3), answer="new") == {"changed": 1}


@BOTH
def test_a_generator_that_fails_now_has_changed_and_gives_what_is_recorded(reader, verified):
    assert verified(lambda: reader(3), end=OSError("gone")) == {"changed": 1}


@BOTH
@pytest.mark.parametrize("first", [1, 2])
def test_an_endless_generator_is_run_as_far_as_its_recorded_caller_ran_it(reader, first, verified):
    assert verified(lambda: reader(None, first)) == {"unchanged": 1}
