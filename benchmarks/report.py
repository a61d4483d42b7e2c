"""What a report over many changed calls takes: time, memory, the size of its file, and a browser's time to open it."""

from __future__ import annotations

import hashlib
import importlib.util
import tracemalloc
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from pytest_recorded.changes.model import Call, Change, ChangeClass, Group, Report
from pytest_recorded.report import terminal_lines, write_report

from .result import Result
from .timing import interleaved, median

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from .scale import Scale

__all__ = ["measure"]

_CHROMIUM = Path(__file__).parents[1] / "tests" / "report" / "chromium.py"
_SENTENCES = 12
# In MB: a page is not to keep a reader waiting, and GitHub drops a larger summary.
_LARGEST = {"HTML": 5, "HTML with whole answers": 5, "Markdown": 0.9}


def measure(scale: Scale, folder: Path) -> Iterator[Result]:
    """Measure each form of a report. No peer has anything of the kind."""
    report = _report(scale.changed)
    paths = {name: folder / f"report{name}" for name in (".html", ".json", ".md")}
    whole = folder / "whole.html"
    forms: dict[str, Callable[[], Any]] = {
        "HTML": partial(write_report, report, paths[".html"]),
        "HTML with whole answers": partial(write_report, report, whole, _documents),
        "JSON": partial(write_report, report, paths[".json"]),
        "Markdown": partial(write_report, report, paths[".md"]),
        "terminal": lambda: "".join(text for text, _ in terminal_lines(report)),
    }
    sizes = {"HTML": paths[".html"], "HTML with whole answers": whole, "JSON": paths[".json"], "Markdown": paths[".md"]}
    took = interleaved(scale.few_rounds, {name: partial(_timed, form) for name, form in forms.items()})
    for name, form in forms.items():
        what = f"{name}, {scale.changed:,} changed calls"
        yield Result(what, median(took[name]) * 1e3, "ms")
        yield Result("  memory", _peak(form) / 1e6, "MB")
        if name in sizes:
            yield Result("  file", sizes[name].stat().st_size / 1e6, "MB", limit=_LARGEST.get(name))
    yield from _opened(paths[".html"], whole, scale.few_rounds)


def _timed(form: Callable[[], Any], _number: int) -> float:
    started = perf_counter()
    form()
    return perf_counter() - started


def _peak(form: Callable[[], Any]) -> int:
    tracemalloc.start()
    form()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def _opened(plain: Path, whole: Path, rounds: int) -> Iterator[Result]:
    """Measure how long a browser takes from the request for a page to its being loaded, its script run."""
    chromium = _chromium()
    if chromium.program() is None:
        return
    with chromium.browser() as page:
        for what, path in (("opened in Chromium", plain), ("  with whole answers", whole)):
            took = [_timed(partial(page.open, path.as_uri()), number) for number in range(rounds)]
            yield Result(what, median(took) * 1e3, "ms", limit=1_000)


def _chromium() -> ModuleType:
    spec = importlib.util.spec_from_file_location("chromium", _CHROMIUM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _report(number: int) -> Report:
    """Return a report of calls of a language model: a reworded answer of 1.1 kB, a field, and a value each."""
    calls = tuple(_call(at) for at in range(number))
    groups: dict[str, tuple[Change, list[str]]] = {}
    for call in calls:
        for change in call.changes:
            groups.setdefault(change.fingerprint, (change, []))[1].append(call.id)
    return Report(
        mode="verify",
        cassettes=("cassettes/jobs.db",),
        compared=number,
        totals={"breaking": number, "unchanged": 0},
        groups=tuple(
            Group(
                fingerprint=fingerprint,
                change_class=change.change_class,
                slot=change.slot,
                op=change.op,
                path=change.path,
                calls=tuple(ids),
            )
            for fingerprint, (change, ids) in groups.items()
        ),
        calls=calls,
    )


def _call(at: int) -> Call:
    return Call(
        id=f"{at:032x}",
        kind="http.api.openai.com",
        name="openai.chat",
        model=f"model-{at % 4}",
        request=f"POST https://api.openai.com/v1/chat/completions: question {at}",
        tests=(f"tests/test_agent.py::test_answer[{at}]",),
        change_class=ChangeClass.BREAKING,
        changes=(
            _change(f"$.fields.field_{at % 300}", ChangeClass.BREAKING, at, str(at)),
            _change("$.text", ChangeClass.TEXT, _prose(at, "sent"), _prose(at, "shipped")),
            _change("$.created", ChangeClass.VALUE, at, at + 1),
        ),
    )


def _change(path: str, change_class: ChangeClass, old: Any, new: Any) -> Change:
    fingerprint = hashlib.sha256(path.encode()).hexdigest()[:12]
    return Change(
        slot="response", op="replace", path=path, change_class=change_class, old=old, new=new, fingerprint=fingerprint
    )


def _prose(at: int, word: str) -> str:
    return " ".join(
        f"Order {at}-{place} was {word if place % 5 == 0 else 'packed'} on Monday; it will arrive within three days."
        for place in range(_SENTENCES)
    )


def _documents(call: Call) -> tuple[Any, Any]:
    at = int(call.id, 16)
    return ({"text": _prose(at, "sent"), "created": at}, {"text": _prose(at, "shipped"), "created": at + 1})
