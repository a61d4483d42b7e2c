"""What SDKs are for: their calls are recorded, and are the same without the server."""

from __future__ import annotations

import pytest

from sdks import each, rows
from seeing import see, see_at_once

ENCODINGS = ["gzip", "deflate", "br", "zstd"]
CASES = [pytest.param(sdk, scenario, id=f"{sdk.id}-{scenario}") for sdk in rows() for scenario in sdk.scenarios]


@pytest.mark.parametrize(("sdk", "scenario"), CASES)
def test_what_an_sdk_returns_is_the_same_again_and_each_time_the_answer_of_that_time(sdk, scenario, llm, twice):
    first, second = twice(lambda: see(sdk, llm.url_of(sdk.provider), scenario, "Ciao €", "Ciao €"))
    assert first.error is second.error is None
    assert scenario == "embed" or first != second
    if scenario.startswith("stream"):
        assert len(first.items) > 1
    if scenario in ("chat", "stream"):
        assert "vu." in repr(first)


@each()
def test_streams_read_at_the_same_time_are_found_again_in_any_order(sdk, llm, twice):
    url, texts = llm.url_of(sdk.provider), ["a", "b", "c", "d", "e"]
    live = twice(
        lambda: see_at_once(sdk, url, "stream", *texts),
        lambda: see_at_once(sdk, url, "stream", *reversed(texts))[::-1],
    )
    assert [seen.error for seen in live] == [None] * 5
    assert len({repr(seen) for seen in live}) == 5


@pytest.mark.parametrize("scenario", ["chat", "stream"])
@each(lambda sdk: sdk.decodes)
def test_answers_are_the_same_whatever_they_were_compressed_with(sdk, scenario, llm, twice):
    llm.encodings = [*ENCODINGS]
    live = twice(lambda: see(sdk, llm.url_of(sdk.provider), scenario, *ENCODINGS))
    accepted = {name.strip() for asked in llm.asked for name in asked.headers["accept-encoding"].split(",")}
    assert accepted == {*ENCODINGS}
    assert [seen.error for seen in live] == [None] * 4
    assert all("vu." in repr(seen) for seen in live)
