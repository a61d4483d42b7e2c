"""What is done with the calls of an SDK besides replaying them."""

from __future__ import annotations

import pytest

from sdks import is_installed, rows
from sdks.aiohttp import OVER_AIOHTTP
from seeing import see

# google-genai has a session of its own.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

SDKS = [*rows(), *(cls(is_async=True) for cls in OVER_AIOHTTP if is_installed(cls.package))]
EACH = pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.id)
# The methods of boto3's clients are botocore's.
ON_THE_STACK = {"boto3": "botocore", "huggingface-hub": "huggingface_hub"}


@EACH
def test_a_row_names_the_sdk_and_the_library_that_made_the_call(sdk, llm, cassette):
    with cassette() as block:
        see(sdk, llm.url_of(sdk.provider), "chat", "Ciao")
    (job,) = block.jobs
    assert {ON_THE_STACK.get(sdk.package, sdk.package), job.info["via"]} <= job.versions.keys()


@EACH
def test_a_stream_is_verified_and_runs_live_where_it_is_to(sdk, llm, cassette, verifying):
    def ask():
        return see(sdk, llm.url_of(sdk.provider), "stream", "Ciao")

    with cassette():
        recorded = ask()
    # Each time the server says something else.
    with verifying(cassette("verify")) as verified:
        assert ask() == recorded
    with cassette("none", live="http.*", block_network=True) as live:
        assert ask() != recorded
    # The nearest block is the one that counts.
    with cassette("off"), cassette("none", block_network=True) as replayed:
        assert ask() == recorded
    counts = [{name: n for name, n in block._scope.counts.items() if n} for block in (verified, live, replayed)]
    assert counts == [{"changed": 1}, {"live": 1}, {"replayed": 1}]
    assert llm.count == 3
