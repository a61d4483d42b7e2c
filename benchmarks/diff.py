"""What differs between two JSON documents, and between two texts: how long it takes, and how many changes it is.

Each pair is compared in a process of its own, so that one that takes too long can be stopped:
`python -m benchmarks.diff TOOL PAIR SIZE ROUNDS` prints the seconds and the number of changes.
"""

from __future__ import annotations

import copy
import json
import random
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from .result import Result
from .timing import median

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .scale import Scale

__all__ = ["measure"]

_STOPPED = 20
_LONG_ENOUGH = 2


class _Found(NamedTuple):
    seconds: float
    changes: int


def measure(scale: Scale, _folder: Path) -> Iterator[Result]:
    """Measure pairs of documents, then pairs of texts."""
    for count in scale.records:
        size = round(len(json.dumps(_documents("shuffled", count)[0])) / 1e3)
        for pair in _PAIRS:
            yield from _compared(f"{size:,} kB, {pair}", [*_TOOLS], (pair, count), scale)
    for pair, count in (("edited", 300), ("edited", 4_000), ("rewritten", 4_000)):
        yield from _compared(f"{count:,} words, {pair}", [*_WORD_TOOLS], (pair, count), scale)


def _compared(what: str, tools: list[str], case: tuple[str, int], scale: Scale) -> Iterator[Result]:
    found = {tool: _run(tool, *case, scale.rounds) for tool in tools}
    ours = found.pop("pytest-recorded")
    if ours is None:
        raise RuntimeError(f"{what} took ours more than {_STOPPED} s")
    for tool, theirs in found.items():
        note = "" if theirs else f"{tool} was stopped after {_STOPPED} s; the ratio is at most this"
        taken = theirs.seconds if theirs else _STOPPED
        target = None if tool == "dictdiffer" else 1
        yield Result(what, ours.seconds * 1e3, "ms", tool, taken * 1e3, target=target, note=note)
        yield Result("  changes", ours.changes, "", tool, theirs.changes if theirs else None)


def _run(tool: str, pair: str, size: int, rounds: int) -> _Found | None:
    """Compare a pair in another process; None if it has to be stopped.

    Raises:
        RuntimeError: It has failed.

    """
    command = [sys.executable, "-m", __name__, tool, pair, str(size), str(rounds)]
    root = Path(__file__).parents[1]
    try:
        done = subprocess.run(
            command, check=False, cwd=root, timeout=_STOPPED + _LONG_ENOUGH, stdin=subprocess.DEVNULL,
            capture_output=True, text=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[1:])} failed:\n{done.stderr}")
    return _Found(*json.loads(done.stdout))


def _documents(pair: str, count: int) -> tuple[Any, Any]:
    old = [_record(number, number) for number in range(count)]
    new = copy.deepcopy(old)
    chance = random.Random(count)
    if pair == "few changes":
        for record in chance.sample(new, min(20, count)):
            record["score"] += 1
    elif pair == "inserted at the head":
        new.insert(0, _record(count, count))
    elif pair == "shuffled":
        chance.shuffle(new)
    else:
        new = [_record(number, count + number) for number in range(count)]
    return {"records": old}, {"records": new}


def _record(number: int, seed: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"user {seed}",
        "address": {"street": f"{seed} Main Street", "city": f"City {seed}", "zip": str(10_000 + seed)},
        "tags": [f"a{seed}", f"b{seed}"],
        "score": seed * 1.5,
        "note": f"{seed} " + "The quick brown fox jumps over the lazy dog. " * 6,
        "orders": [{"sku": f"s-{seed}-{place}", "n": seed + place} for place in range(3)],
    }


def _texts(pair: str, count: int) -> tuple[str, str]:
    chance = random.Random(count)
    known = ["".join(chance.choices("abcdefghij", k=chance.randrange(2, 9))) for _ in range(3_000)]
    old = [chance.choice(known) for _ in range(count)]
    new = [chance.choice(known) for _ in range(count)] if pair == "rewritten" else list(old)
    for place in chance.sample(range(count), count // 100):
        new[place] = f"new{place}"
    return _prose(old), _prose(new)


def _prose(words: list[str]) -> str:
    return " ".join(word + ("." if number % 12 == 0 else "") for number, word in enumerate(words, 1))


def _ours(old: Any, new: Any) -> int:
    return len(import_module("pytest_recorded.diff").diff(old, new, seconds=_STOPPED).edits)


def _deepdiff(old: Any, new: Any, **options: Any) -> int:
    return sum(map(len, import_module("deepdiff").DeepDiff(old, new, **options).values()))


def _jsonpatch(old: Any, new: Any) -> int:
    return len(import_module("jsonpatch").make_patch(old, new).patch)


def _dictdiffer(old: Any, new: Any) -> int:
    found = import_module("dictdiffer").diff(old, new)
    return sum(len(values) if op in ("add", "remove") else 1 for op, _, values in found)


def _our_words(old: str, new: str) -> int:
    return sum(op == "-" for op, _ in import_module("pytest_recorded.diff").words(old, new, seconds=_STOPPED))


def _difflib(old: str, new: str) -> int:
    pieces = [re.findall(r"\s+|\w+|[^\w\s]", text) for text in (old, new)]
    matcher = import_module("difflib").SequenceMatcher(None, *pieces, autojunk=False)
    return sum(op in ("delete", "replace") for op, *_ in matcher.get_opcodes())


_PAIRS = ("few changes", "inserted at the head", "shuffled", "all different")
_TOOLS: dict[str, Callable[[Any, Any], int]] = {
    "pytest-recorded": _ours,
    "deepdiff": _deepdiff,
    "deepdiff, ignore_order": lambda old, new: _deepdiff(old, new, ignore_order=True),
    "jsonpatch": _jsonpatch,
    "dictdiffer": _dictdiffer,
}
_WORD_TOOLS: dict[str, Callable[[str, str], int]] = {"pytest-recorded": _our_words, "difflib": _difflib}


def _main() -> None:
    tool, pair, size, rounds = sys.argv[1:]
    is_text = pair in ("edited", "rewritten")
    old, new = (_texts if is_text else _documents)(pair, int(size))
    compare: Callable[[Any, Any], int] = (_WORD_TOOLS if is_text else _TOOLS)[tool]
    # The first time loads the library, and does not count.
    one, other = (_texts("edited", 9)) if is_text else _documents("few changes", 1)
    compare(one, other)
    taken: list[float] = []
    changes = 0
    while len(taken) < int(rounds) and sum(taken) < _LONG_ENOUGH:
        started = perf_counter()
        changes = compare(old, new)
        taken.append(perf_counter() - started)
    print(json.dumps([median(taken), changes]))


if __name__ == "__main__":
    _main()
