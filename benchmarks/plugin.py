"""What the plugin costs those who have it installed and do not use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .result import Result
from .runs import PLUGINS, Cost, run
from .timing import interleaved, median_gap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .scale import Scale

__all__ = ["measure"]

_MARKED = "import pytest\n@pytest.mark.recorded\ndef test_marked(): pass\n"
_WITH_MARKED = "one marked"


def measure(scale: Scale, folder: Path) -> Iterator[Result]:
    """Measure the start, and what each unmarked test takes."""
    yield from _start(scale, folder)
    yield from _per_test(scale, folder)


def _project(folder: Path, tests: int, *, marked: bool = False) -> Path:
    project = folder / f"unmarked-{tests}{'-marked' if marked else ''}"
    project.mkdir(exist_ok=True)
    (project / "pytest.ini").write_text("[pytest]\n")
    (project / "test_many.py").write_text("".join(f"def test_{number}(): pass\n" for number in range(tests)))
    if marked:
        (project / "test_marked.py").write_text(_MARKED)
    return project


def _start(scale: Scale, folder: Path) -> Iterator[Result]:
    project = _project(folder, 1)

    def variant(plugin: str) -> Any:
        return lambda _number: run(project, plugin)

    took = interleaved(scale.starts, {plugin: variant(plugin) for plugin in ("", *PLUGINS)})
    later = {plugin: _gap(took[plugin], took[""], "wall") * 1e3 for plugin in PLUGINS}
    work = {plugin: _gap(took[plugin], took[""], "cpu") * 1e3 for plugin in PLUGINS}
    for peer in list(PLUGINS)[1:]:
        yield Result("installed: start of pytest, wall", later["pytest-recorded"], "ms", peer, later[peer], limit=15)
        yield Result("  the same, processor time", work["pytest-recorded"], "ms", peer, work[peer])


def _gap(took: list[Cost], floor: list[Cost], what: str) -> float:
    return median_gap([getattr(cost, what) for cost in took], [getattr(cost, what) for cost in floor])


def _per_test(scale: Scale, folder: Path) -> Iterator[Result]:
    variants: dict[str, Any] = {}
    for tests in scale.tests:
        for plugin in ("", *PLUGINS, _WITH_MARKED):
            is_marked = plugin == _WITH_MARKED
            project = _project(folder, tests, marked=is_marked)
            chosen = "pytest-recorded" if is_marked else plugin
            variants[f"{plugin} {tests}"] = lambda _number, project=project, chosen=chosen: run(project, chosen)
    took = interleaved(scale.runs, variants)

    def slope(plugin: str) -> float:
        """Return the microseconds of processor time that a test takes longer than without a plugin."""
        few, many = (_gap(took[f"{plugin} {tests}"], took[f" {tests}"], "cpu") for tests in scale.tests)
        return (many - few) / (scale.tests[1] - scale.tests[0]) * 1e6

    note = f"processor time, from {scale.tests[0]:,} to {scale.tests[1]:,} tests"
    slopes = {plugin: slope(plugin) for plugin in (*PLUGINS, _WITH_MARKED)}
    for peer in list(PLUGINS)[1:]:
        yield Result(
            "installed: per unmarked test", slopes["pytest-recorded"], "µs", peer, slopes[peer], limit=10, note=note
        )
        yield Result(
            "  the same, with one recorded test in the run", slopes[_WITH_MARKED], "µs", peer, slopes[peer], limit=10
        )
