"""Whole runs of a test suite that is replayed: many requests in one test, and one request in many tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .result import Result
from .runs import PLUGINS, run
from .server import serving
from .timing import interleaved, median

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .scale import Scale

__all__ = ["measure"]

_HEAD = """\
import httpx, pytest
{mark}
client = httpx.Client()

def ask(number):
    messages = [{{"role": "user", "content": f"Question {{number}}? " + "Think about it. " * 15}}]
    asked = {{"model": "gpt-4o-mini", "temperature": 0.2, "messages": messages}}
    answer = client.post("{url}", json=asked).json()
    assert f"Question {{number}}?" in answer["choices"][0]["message"]["content"]

"""
# Each tool compares the whole request: with the URL alone every chat would be the same.
_MARKS = {
    "": "",
    "pytest-recorded": "pytestmark = pytest.mark.recorded",
    "pytest-recording": (
        "pytestmark = pytest.mark.vcr(match_on=('method', 'scheme', 'host', 'port', 'path', 'query', 'body'))"
    ),
    "cassetter": "pytestmark = pytest.mark.vcr(match_on=['method', 'uri', 'json_body'])",
}


def measure(scale: Scale, folder: Path) -> Iterator[Result]:
    """Measure replays with each plugin, and the live run without any."""
    shapes = {
        f"1 test x {scale.suite} requests, replayed": f"def test_all():\n    for n in range({scale.suite}): ask(n)\n",
        f"{scale.suite} tests x 1 request, replayed": "".join(
            f"def test_{number}(): ask({number})\n" for number in range(scale.suite)
        ),
    }
    for place, (what, tests) in enumerate(shapes.items()):
        # The server stays until the live runs are over; those that replay do not ask it.
        with serving() as address:
            took = _replays(scale, folder / f"suite-{place}", f"{address}/v1/chat/completions", tests)
        ours = took["pytest-recorded"]
        yield Result(f"{what}: whole run", ours, "s", "live, no plugin", took[""])
        for peer in list(PLUGINS)[1:]:
            yield Result(f"{what}: whole run", ours, "s", peer, took[peer])


def _replays(scale: Scale, folder: Path, url: str, tests: str) -> dict[str, float]:
    variants: dict[str, Any] = {}
    for plugin in ("", *PLUGINS):
        project = folder / (plugin or "live")
        project.mkdir(parents=True)
        (project / "pytest.ini").write_text("[pytest]\n")
        (project / "test_chats.py").write_text(_HEAD.format(mark=_MARKS[plugin], url=url) + tests)
        if plugin:
            run(project, plugin, ["--record-mode=once"])
        replay = ["--record-mode=none"] if plugin else []
        variants[plugin] = lambda _number, project=project, plugin=plugin, replay=replay: run(project, plugin, replay)
    took = interleaved(scale.few_rounds, variants)
    return {plugin: median([cost.wall for cost in costs]) for plugin, costs in took.items()}
