"""A call that is not recorded fails its test at once, whatever an SDK catches, retries and runs in threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_recorded import MissingRecording
from sdks import each
from seeing import see, see_at_once


@each()
@pytest.mark.parametrize("scenario", ["chat", "stream"])
def test_an_altered_prompt_is_a_miss_that_no_sdk_catches_or_repeats(sdk, scenario, llm, cassette):
    url = llm.url_of(sdk.provider)
    with cassette():
        (live,) = see(sdk, url, scenario, "Ciao €")
    assert live.error is None
    nearest = r"Nearest recorded request, 1 field differs:"
    with pytest.raises(MissingRecording, match=nearest) as caught, cassette("none") as replayed:
        see(sdk, url, scenario, "Ciao $")
    assert "recorded: " in str(caught.value)
    assert llm.count == 1
    assert len(replayed._scope.misses) == 1


@each()
def test_a_miss_comes_out_of_threads_and_task_groups(sdk, llm, cassette):
    with pytest.raises((MissingRecording, BaseExceptionGroup)) as caught, cassette("none"):
        see_at_once(sdk, llm.url_of(sdk.provider), "chat", "a", "b", "c")
    missed = caught.value if isinstance(caught.value, MissingRecording) else caught.value.exceptions[0]
    assert isinstance(missed, MissingRecording)
    assert llm.count == 0


@each(lambda sdk: not sdk.is_async)
def test_a_miss_is_the_result_of_a_future(sdk, llm, cassette):
    with ThreadPoolExecutor(1) as pool, pytest.raises(MissingRecording) as caught, cassette("none"):
        future = pool.submit(see, sdk, llm.url_of(sdk.provider), "chat", "a")
        assert future.exception() is not None
    assert caught.value is future.exception()
    assert llm.count == 0
