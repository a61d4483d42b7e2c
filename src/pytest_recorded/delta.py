"""What differs between two plain trees, by path, in few lines.

The law of this file: however large the trees are, the answer is short, comes soon, and names the first differences.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .misfit import field
from .outline import scalar, write
from .plain import Bare

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["ABSENT", "Difference", "differences", "told"]

ABSENT: Final = object()

_MOST_DIFFERENCES: Final = 20
_MOST_COUNTED: Final = 10_000
_MOST_LINES: Final = 6
_LONGEST_LINE: Final = 160
_LONGEST_VALUE: Final = 60
_MOST_ALIGNED: Final = 400
_CONTEXT: Final = 3
_WORDS: Final = re.compile(r"\s+|\w+|[^\w\s]")


class Difference(NamedTuple):
    """One place where two trees differ; `ABSENT` is the value of a tree that has no such place."""

    path: str
    old: Any
    new: Any


def differences(old: Any, new: Any, path: str = "$") -> Iterator[Difference]:
    """Yield where two trees differ, in the order of the trees. Lists are aligned: an item put in is one difference."""
    if old is not ABSENT and new is not ABSENT and type(old) is type(new):
        if old == new and _same_numbers(old, new):
            return
        if type(old) is dict:
            for key in {**old, **new}:
                yield from differences(old.get(key, ABSENT), new.get(key, ABSENT), path + _segment(key))
            return
        if type(old) is list:
            for at, (one, other) in _aligned(old, new):
                yield from differences(one, other, f"{path}[{at}]")
            return
    yield Difference(path, old, new)


def _same_numbers(old: Any, new: Any) -> bool:
    """Return whether equal trees are written alike, too: 1 is not 1.0, nor true."""
    if type(old) is dict:
        return all(_same_numbers(item, new[key]) for key, item in old.items())
    if type(old) is list:
        return all(map(_same_numbers, old, new))
    return type(old) is type(new) and (type(old) is not float or repr(old) == repr(new))


def _segment(key: str) -> str:
    return f"[{key}]" if type(key) is Bare else field(key)


def _aligned(old: list[Any], new: list[Any]) -> Iterator[tuple[int, tuple[Any, Any]]]:
    """Yield the pairs of items that may differ, each with where it is: in the new list, or if it is gone in the old."""
    one, other = [write(item) for item in old], [write(item) for item in new]
    start, end = _equal_ends(one, other)
    old_end, new_end = len(old) - end, len(new) - end
    for tag, low, high, new_low, new_high in _blocks(one[start:old_end], other[start:new_end]):
        if tag == "equal":
            continue
        paired = min(high - low, new_high - new_low)
        for step in range(paired):
            yield start + new_low + step, (old[start + low + step], new[start + new_low + step])
        for at in range(start + low + paired, start + high):
            yield at, (old[at], ABSENT)
        for at in range(start + new_low + paired, start + new_high):
            yield at, (ABSENT, new[at])


def _equal_ends(one: Sequence[str], other: Sequence[str]) -> tuple[int, int]:
    """Return how many items are equal at the start, and how many of the rest at the end."""
    shorter = min(len(one), len(other))
    start = next((at for at in range(shorter) if one[at] != other[at]), shorter)
    end = next((at for at in range(shorter - start) if one[-1 - at] != other[-1 - at]), shorter - start)
    return start, end


def _blocks(one: Sequence[str], other: Sequence[str]) -> Sequence[tuple[str, int, int, int, int]]:
    if len(one) * len(other) > _MOST_ALIGNED**2:
        # Aligning takes the square of it; far more than this is not read by anybody.
        return [("replace", 0, len(one), 0, len(other))]
    return SequenceMatcher(None, one, other, autojunk=False).get_opcodes()


def told(old: Any, new: Any) -> list[str]:
    """Return what differs between two trees as lines, by path, bounded in number and length."""
    lines: list[str] = []
    count = 0
    for count, found in enumerate(differences(old, new), 1):
        if count <= _MOST_DIFFERENCES:
            lines += _lines(found)
        if count == _MOST_COUNTED:
            break
    if count > _MOST_DIFFERENCES:
        more = f"{count - _MOST_DIFFERENCES}{' or' if count == _MOST_COUNTED else ''}"
        lines.append(f"… and {more} more differences")
    return [_clip(line, _LONGEST_LINE) for line in lines]


def _lines(found: Difference) -> list[str]:
    path, old, new = found
    if new is ABSENT:
        return [f"{path}: {_shown(old)} is gone"]
    if old is ABSENT:
        return [f"{path}: {_shown(new)} is new"]
    if type(old) is str and type(new) is str:
        if "\n" in old or "\n" in new:
            return _changed_lines(path, old.split("\n"), new.split("\n"))
        if len(old) + len(new) > _LONGEST_VALUE:
            return [f"{path}: {_changed_words(old, new)}"]
    return [f"{path}: {_shown(old)} → {_shown(new)}"]


def _shown(tree: Any) -> str:
    """Return a value on one line: the start of it, and how much there is."""
    if type(tree) is list and tree:
        return _clip(f"[{', '.join(map(_shown, tree[:5]))}{', …' if len(tree) > 5 else ''}]", _LONGEST_VALUE)  # noqa: PLR2004
    if type(tree) is dict and tree:
        entries = [f"{_segment(key).lstrip('.')}: {_shown(item)}" for key, item in list(tree.items())[:5]]
        return _clip(f"{{{', '.join(entries)}}}", _LONGEST_VALUE)
    return _clip(scalar(tree), _LONGEST_VALUE)


def _changed_lines(path: str, old: list[str], new: list[str]) -> list[str]:
    start, end = _equal_ends(old, new)
    blocks = _blocks(old[start : len(old) - end], new[start : len(new) - end])
    changed: list[str] = []
    for tag, low, high, new_low, new_high in blocks:
        if tag != "equal":
            changed += [f"  - {line}" for line in old[start + low : start + high]]
            changed += [f"  + {line}" for line in new[start + new_low : start + new_high]]
    count = sum(max(high - low, new_high - new_low) for tag, low, high, new_low, new_high in blocks if tag != "equal")
    title = f"{path}: {count} of {max(len(old), len(new))} lines differ{'s' if count == 1 else ''}"
    if len(changed) > _MOST_LINES:
        half = _MOST_LINES // 2
        gone = [line for line in changed if line.startswith("  -")][:half]
        come = [line for line in changed if line.startswith("  +")][: _MOST_LINES - len(gone)]
        changed = [*gone, *come, f"  … and {len(changed) - len(gone) - len(come)} more lines"]
    return [title, *(line.expandtabs(4) for line in changed)]


def _changed_words(old: str, new: str) -> str:
    """Return a long line with the words that differ marked: `the order was [-sent-]{+shipped+} on`."""
    one, other = _WORDS.findall(old), _WORDS.findall(new)
    start, end = _equal_ends(one, other)
    blocks = _blocks(one[start : len(one) - end], other[start : len(other) - end])
    parts = ["".join(one[max(0, start - 2 * _CONTEXT) : start])]
    if start > 2 * _CONTEXT:
        parts.insert(0, "…")
    for tag, low, high, new_low, new_high in blocks:
        gone, come = "".join(one[start + low : start + high]), "".join(other[start + new_low : start + new_high])
        if tag == "equal":
            parts.append(gone if len(gone) < _LONGEST_VALUE else f"{gone[:20]} … {gone[-20:]}")
        else:
            parts.append((f"[-{_clip(gone, 40)}-]" if gone else "") + (f"{{+{_clip(come, 40)}+}}" if come else ""))
    parts.append("".join(one[len(one) - end : len(one) - end + 2 * _CONTEXT]))
    if end > 2 * _CONTEXT:
        parts.append("…")
    return scalar("".join(parts))[1:-1].replace('\\"', '"')


def _clip(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
