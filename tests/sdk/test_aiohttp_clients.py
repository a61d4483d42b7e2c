"""The SDKs over aiohttp: each call is recorded once, not once for each library that it passes."""

from __future__ import annotations

import pytest

from llm_server import Busy, Cut, Held
from pytest_recorded import MissingRecording
from sdks import is_installed
from sdks.aiohttp import OVER_AIOHTTP
from seeing import see, see_at_once

# google-genai has a session of its own.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

SDKS = [cls(is_async=True) for cls in OVER_AIOHTTP if is_installed(cls.package)]
EACH = pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.name)
CASES = [pytest.param(sdk, scenario, id=f"{sdk.name}-{scenario}") for sdk in SDKS for scenario in sdk.scenarios]


@pytest.mark.parametrize(("sdk", "scenario"), CASES)
def test_what_an_sdk_returns_over_aiohttp_is_the_same_again(sdk, scenario, llm, twice, cassette):
    live = twice(lambda: see(sdk, llm.url_of(sdk.provider), scenario, "Ciao €", "Ciao €"))
    assert [seen.error for seen in live] == [None, None]
    assert scenario == "embed" or live[0] != live[1]
    with cassette("none") as block:
        assert len(block) == llm.count


@EACH
def test_streams_over_aiohttp_are_found_again_in_any_order(sdk, llm, twice):
    url, texts = llm.url_of(sdk.provider), ["a", "b", "c", "d", "e"]
    live = twice(
        lambda: see_at_once(sdk, url, "stream", *texts),
        lambda: see_at_once(sdk, url, "stream", *reversed(texts))[::-1],
    )
    assert [seen.error for seen in live] == [None] * 5


@EACH
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_compressed_stream_over_aiohttp_is_the_same_again(sdk, encoding, llm, twice):
    llm.encodings = [encoding]
    (live,) = twice(lambda: see(sdk, llm.url_of(sdk.provider), "stream", "Ciao €"))
    assert "vu." in repr(live.items)


@EACH
def test_a_stream_over_aiohttp_that_was_cut_is_cut_again(sdk, llm, twice):
    llm.faults = [Cut(after=6)]
    (live,) = twice(lambda: see(sdk, llm.url_of(sdk.provider), "stream", "Ciao €"))
    assert live.items
    assert live.error is not None


@EACH
def test_a_stream_over_aiohttp_that_its_reader_left_is_left_again(sdk, llm, twice):
    llm.faults = [Held(after=6)]
    (live,) = twice(lambda: see(sdk, llm.url_of(sdk.provider), "stream", "Ciao €", limit=2))
    assert len(live.items) == 2


@EACH
def test_a_call_over_aiohttp_is_tried_again_and_then_fails_the_same_way(sdk, llm, twice):
    llm.faults = [Busy(429, (("retry-after-ms", "1"),)), *[Busy(500, (("retry-after-ms", "1"),))] * (sdk.attempts - 1)]
    (live,) = twice(lambda: see(sdk, llm.url_of(sdk.provider), "chat", "Ciao €"))
    assert llm.count == sdk.attempts
    assert f"Too much at once, {llm.count}." in repr(live.error)


@EACH
@pytest.mark.parametrize("scenario", ["chat", "stream"])
def test_a_miss_comes_out_of_an_sdk_over_aiohttp(sdk, scenario, llm, cassette):
    with pytest.raises(MissingRecording), cassette("none") as replayed:
        see(sdk, llm.url_of(sdk.provider), scenario, "Ciao €")
    assert len(replayed._scope.misses) == 1
    assert llm.count == 0
