"""What has changed in a call of a language model is what it says: ids, times, pieces and counts are no change."""

from __future__ import annotations

import pytest

from pytest_recorded.errors import RecordedWarning
from sdks import rows
from seeing import see

# Some SDKs, when they are loaded, use what pydantic has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

NAMES = {
    "openai", "openai-responses", "anthropic", "google-genai", "mistralai", "groq", "cohere", "ollama",
    "huggingface-hub", "boto3", "boto3-invoke",
}  # fmt: skip
SDKS = rows(lambda sdk: sdk.name in NAMES and not sdk.is_async)


def changes(cassette, sdk, llm, scenario):
    """Record a scenario, verify it while the model says it in other words, and return what has changed."""
    url = llm.url_of(sdk.provider)
    with cassette():
        see(sdk, url, scenario, "Ciao €")
    with pytest.warns(RecordedWarning, match="1 changed"), cassette("verify") as block:
        see(sdk, url, scenario, "Ciao €")
    (call,) = block._scope.changes
    return call


@pytest.mark.parametrize("scenario", ["chat", "stream"])
@pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.id)
def test_another_wording_is_a_change_of_the_text_alone(sdk, scenario, llm, cassette):
    call = changes(cassette, sdk, llm, scenario)
    assert [(str(one.change_class), one.slot, one.path) for one in call.changes] == [("text", "data", "$.text")]
    assert 0.5 < call.changes[0].similarity < 1
    assert (call.name, call.model) != (None, None)


TOOLS = rows(lambda sdk: sdk.name in NAMES - {"boto3-invoke"} and not sdk.is_async)


@pytest.mark.parametrize("scenario", ["tools", "stream_tools"])
@pytest.mark.parametrize("sdk", TOOLS, ids=lambda sdk: sdk.id)
def test_another_argument_of_a_tool_is_a_change_of_the_projection_alone(sdk, scenario, llm, cassette):
    call = changes(cassette, sdk, llm, scenario)
    assert {(str(one.change_class), one.slot) for one in call.changes} == {("projection", "data")}
    assert all(one.path.startswith("$.tool_calls[0].arguments.") for one in call.changes)
