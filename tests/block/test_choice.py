"""Live and left out functions of every flavour, in blocks."""

from __future__ import annotations

import asyncio

import pytest

from pytest_recorded import MissingRecording, RecordedWarning, attach, recorder, use_cassette

CALLS = []


@recorder(kind="chosen.model")
def model(question):
    CALLS.append(question)
    return question.upper()


@recorder(kind="chosen.tool")
def plain():
    attach("tokens", 7)
    return [model("a")]


@recorder(kind="chosen.tool_async")
async def coroutine():
    return await asyncio.gather(asyncio.to_thread(model, "a"))


@recorder(kind="chosen.tool_stream")
def generator():
    got = yield model("a")
    return got


@recorder(kind="chosen.tool_astream")
async def async_generator():
    yield model("a")


async def _collected(stream):
    return [item async for item in stream]


WAYS = {
    "plain": plain,
    "coroutine": lambda: asyncio.run(coroutine()),
    "generator": lambda: list(generator()),
    "async_generator": lambda: asyncio.run(_collected(async_generator())),
}


@pytest.fixture
def path(tmp_path):
    CALLS.clear()
    return tmp_path / "cassettes" / "jobs.db"


def counts(block):
    return {name: number for name, number in block._scope.counts.items() if number}


@pytest.mark.parametrize("way", WAYS)
def test_what_a_live_function_calls_runs_too(way, path):
    for mode in ("once", "none"):
        with use_cassette(path, mode=mode, live="chosen.tool*") as block:
            assert WAYS[way]() == ["A"]
        assert (counts(block), block.jobs) == ({"live": 1}, [])
    assert CALLS == ["a", "a"]


@pytest.mark.parametrize("way", WAYS)
def test_what_a_left_out_function_calls_is_recorded(way, path):
    for mode, counted in (("once", {"live": 1, "recorded": 1}), ("none", {"live": 1, "replayed": 1})):
        with use_cassette(path, mode=mode, kinds="chosen.model") as block:
            assert WAYS[way]() == ["A"]
        assert counts(block) == counted
        assert [job.kind for job in block.jobs] == ["chosen.model"]
    assert CALLS == ["a"]


def test_a_live_generator_takes_what_is_sent_and_returns_what_it_returns(path):
    def around():
        return (yield from generator())

    with use_cassette(path, mode="none", live="chosen.tool*"):
        stream = around()
        assert next(stream) == "A"
        with pytest.raises(StopIteration) as stop:
            stream.send(17)
        assert stop.value.value == 17
        left = generator()
        assert next(left) == "A"
        left.close()


@recorder(kind="chosen.failing")
def failing():
    yield model("a")
    raise LookupError("broken")


def test_a_live_generator_raises_what_it_raises(path):
    with use_cassette(path, mode="none", live="chosen.*") as block, pytest.raises(LookupError, match="broken"):
        list(failing())
    assert counts(block) == {"live": 1}


def test_a_live_function_needs_no_arguments_that_can_be_stored(path):
    @recorder(kind="chosen.odd")
    def odd(thing):
        return thing

    with use_cassette(path, mode="none", live="chosen.odd"):
        assert odd(odd) is odd
    with use_cassette(path, mode="once"), pytest.warns(RecordedWarning, match="its request cannot be stored"):
        assert odd(odd) is odd


def test_a_recorded_function_that_calls_a_live_one_is_served_without_it(path):
    @recorder(kind="chosen.outer")
    def outer():
        return plain()

    for mode in ("once", "none"):
        with use_cassette(path, mode=mode, live="chosen.tool") as block:
            assert outer() == ["A"]
        assert [job.kind for job in block.jobs] == ["chosen.outer"]
    assert CALLS == ["a"]


def test_recordings_of_a_live_kind_are_not_counted_as_unused(path):
    with use_cassette(path):
        plain()
        model("b")
    with use_cassette(path, mode="none", live="chosen.tool") as block:
        plain()
        assert not block.all_played
        model("b")
        assert block.all_played
    assert counts(block) == {"live": 1, "replayed": 1}
    with use_cassette(path, mode="rewrite", live="chosen.tool"):
        model("b")
    with use_cassette(path, mode="none"):
        assert plain() == ["A"]
        assert model("b") == "B"


def test_a_block_inside_a_live_function_records_its_own_calls(path, tmp_path):
    @recorder(kind="chosen.own_block")
    def own_block():
        with use_cassette(tmp_path / "own.db", mode="once") as inner:
            model("a")
        return len(inner)

    with use_cassette(path, mode="none", live="chosen.own_block"):
        assert own_block() == 1


def test_a_live_kind_does_not_make_other_calls_live(path):
    with use_cassette(path, mode="none", live="chosen.tool") as block:
        with pytest.raises(MissingRecording):
            model("a")
        block._scope.misses.clear()
    assert CALLS == []
