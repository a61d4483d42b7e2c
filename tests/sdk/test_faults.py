"""What goes wrong, goes wrong the same way again: broken streams, readers that leave, servers that are busy."""

from __future__ import annotations

import pytest

from llm_server import Busy, Cut, Held
from sdks import each
from seeing import see

AT_ONCE = (("retry-after-ms", "1"),)


@each()
def test_a_stream_that_the_server_cut_gives_the_same_items_and_the_same_exception(sdk, llm, twice):
    llm.faults = [Cut(after=6)]
    (live,) = twice(lambda: see(sdk, llm.url_of(sdk.provider), "stream", "Ciao €"))
    assert live.items
    assert "vu." not in repr(live.items)
    assert live.error is not None


@each()
def test_a_stream_that_its_reader_left_is_not_read_to_its_end(sdk, llm, twice, cassette):
    llm.faults = [Held(after=6)]
    (live,) = twice(lambda: see(sdk, llm.url_of(sdk.provider), "stream", "Ciao €", limit=2))
    assert len(live.items) == 2
    with cassette("none") as block:
        (job,) = block.jobs
    assert job.response.end == "closed"


@each(lambda sdk: sdk.attempts > 1 or sdk.patience)
def test_a_call_that_was_tried_again_is_tried_again(sdk, llm, twice):
    llm.faults = [Busy(429, AT_ONCE)]
    (live,) = twice(lambda: see(sdk, llm.url_of(sdk.provider), "chat", "Ciao €", **sdk.patience))
    assert llm.count == 2
    assert "vu." in repr(live.value)


@each()
@pytest.mark.parametrize("scenario", ["chat", "stream"])
def test_an_error_after_the_last_attempt_is_the_same_exception(sdk, scenario, llm, twice):
    llm.faults = [Busy(500, AT_ONCE)] * sdk.attempts
    (live,) = twice(lambda: see(sdk, llm.url_of(sdk.provider), scenario, "Ciao €"))
    assert llm.count == (sdk.attempts if scenario == "chat" or sdk.retries_streams else 1)
    assert f"Too much at once, {llm.count}." in repr(live.error)


@each(lambda sdk: hasattr(sdk, "pause"))
def test_an_sdk_reads_from_a_replay_that_it_may_try_again_at_once(sdk, llm, twice):
    """Asked is the SDK itself how long it would wait, with the headers that it was given."""
    llm.faults = [Busy(429, (("retry-after", "7"),))]
    pauses = []

    def play():
        (seen,) = see(sdk, llm.url_of(sdk.provider), "chat", "Ciao €", max_retries=0)
        pauses.append(sdk.pause(sdk.client(llm.url), seen.raised.response.headers))
        return seen

    twice(play)
    live, replayed = pauses
    assert live >= 7
    assert 0 < replayed <= 0.001
