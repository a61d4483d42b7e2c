"""A server that speaks the SDKs' formats, cassettes, and an environment in which no SDK calls home."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from llm_server import LlmServer
from pytest_recorded import use_cassette
from sdks import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all tests of an SDK one after the other: then most of them are imported by one worker of xdist only."""

    def package(item: Any) -> str:
        return getattr(item.callspec.params.get("sdk"), "package", "") if hasattr(item, "callspec") else ""

    places = [place for place, item in enumerate(items) if item.path.is_relative_to(HERE)]
    ordered = sorted((items[place] for place in places), key=package)
    for place, item in zip(places, ordered, strict=True):
        items[place] = item


@pytest.fixture(scope="session", autouse=True)
def _nobody_calls_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Say before any SDK is imported that there is no home to call: no lists, no traces, no credentials, no proxies."""
    home = tmp_path_factory.mktemp("home")
    (home / ".agent_harnesses.json").write_text('{"standardEnvVars": [], "harnesses": {}}')
    # Certificates of their own take clients fifty times as long to load as anything else they do when they are made.
    trustme.CA().cert_pem.write_to_path(str(home / "ca.pem"))
    settings = {
        "SSL_CERT_FILE": str(home / "ca.pem"),
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "LANGSMITH_TRACING": "false",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(home / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
        "NO_PROXY": "127.0.0.1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def llm() -> Iterator[LlmServer]:
    """A server of this test."""
    with LlmServer() as server:
        yield server


@pytest.fixture
def cassette(tmp_path: Path) -> Callable[..., use_cassette]:
    """Blocks that record into, and replay from, one cassette of this test."""

    def block(mode: str = "once", **options: Any) -> use_cassette:
        return use_cassette(tmp_path / "cassettes" / "jobs.db", mode=mode, **options)

    return block


@pytest.fixture
def twice(llm: LlmServer, cassette: Callable[..., use_cassette], tmp_path: Path) -> Callable[..., Any]:
    """Play something and record it, stop the server, play it again: it has to be the same; return what it was."""

    def play_twice(play: Callable[[], Any], again: Callable[[], Any] | None = None) -> Any:
        with cassette():
            live = play()
        llm.stop()
        with cassette("none") as replayed:
            assert (again or play)() == live
        assert replayed.play_count == llm.count > 0
        stored = b"".join(path.read_bytes() for path in (tmp_path / "cassettes").rglob("*") if path.is_file())
        assert KEY.encode() not in stored
        return live

    return play_twice
