"""Two values compared, and where they differ: paths as `$.choices[0].text`, which `ignore=` takes too.

What is expected may be less than what is there, and may hold objects whose own `__eq__` decides, as those of
dirty-equals do. The law of this file: it compares anything, and never raises.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .misfit import field
from .objects import object_state
from .shown import clip, shown, shown_pair

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["ABSENT", "Difference", "differences", "distance"]


class _Absent:
    def __repr__(self) -> str:
        return "(absent)"


#: Stands for a value that is not there.
ABSENT: Final = _Absent()

_MOST: Final = 1_000
_LONGEST_PATH: Final = 80
_NUMBERS: Final = (int, float, complex, Decimal, Fraction)


class Difference(NamedTuple):
    """One place where two values differ.

    Attributes:
        path: Where: `$.items[2].name`.
        expected: What was expected there; `ABSENT` for nothing.
        actual: What is there; `ABSENT` for nothing.
        problem: Why they could not be compared, if that is it.

    """

    path: str
    expected: Any
    actual: Any
    problem: str = ""

    def __str__(self) -> str:
        path = clip(self.path, _LONGEST_PATH)
        problem = f" ({self.problem})" if self.problem else ""
        if self.actual is ABSENT:
            return f"{path}: missing{problem}"
        if self.expected is ABSENT:
            return f"{path}: not expected, was {shown(self.actual)}"
        expected, actual = shown_pair(self.expected, self.actual)
        return f"{path}: expected {expected}, was {actual}{problem}"


def differences(expected: Any, actual: Any, *, partial: bool = True) -> list[Difference]:
    """Return where a value is not what was expected, in the order of what was expected; at most 1,000 places.

    Pydantic models, dataclasses and, where a dict is expected, named tuples are compared by their fields, lists and
    tuples element by element. `True` is not `1`; `1` is `1.0`; NaN is NaN; a compiled pattern is searched in a text.

    Args:
        expected: What was expected.
        actual: What is there.
        partial: Whether a dict may have more fields than are expected.

    """
    found: list[Difference] = []
    # Where a pair is: that of the pair around it, and a segment. It becomes a path only where there is a difference.
    todo: list[tuple[Any, Any, Any]] = [((), expected, actual)]
    # Values that contain themselves come back to the same pair. It is kept, so that no other object takes its place.
    seen: dict[tuple[int, int], tuple[Any, Any]] = {}
    while todo and len(found) < _MOST:
        place, want, have = todo.pop()
        try:
            pairs = _inside(want, have, partial=partial)
            if pairs is None:
                if not _is_same(want, have):
                    found.append(Difference(_path(place), want, have))
            elif (id(want), id(have)) not in seen:
                seen[id(want), id(have)] = want, have
                todo += [((place, segment), *pair) for segment, *pair in reversed(pairs)]
        except Exception as error:  # noqa: BLE001 - their code is the user's
            problem = f"comparing them raised {type(error).__name__}"
            found.append(Difference(_path(place), want, have, problem))
    return found


def distance(found: Sequence[Difference]) -> tuple[int, int]:
    """Return how far a value is from what was expected: how many leaves of it differ, how many places are missing."""
    return (
        sum(_leaves(difference.expected) for difference in found),
        sum(difference.actual is ABSENT for difference in found),
    )


def _path(place: Any) -> str:
    segments = []
    while place:
        place, name = place
        segments.append(field(name) if isinstance(name, str) else f"[{shown(name)}]")
    return "$" + "".join(reversed(segments))


def _inside(want: Any, have: Any, *, partial: bool) -> list[tuple[Any, Any, Any]] | None:
    """Return the parts of two values that belong together, with their names or indexes; None for leaves."""
    if isinstance(want, (list, tuple)) and isinstance(have, (list, tuple)):
        pairs = zip_longest(want, have, fillvalue=ABSENT)
        return [(index, left, right) for index, (left, right) in enumerate(pairs)]
    expected = _fields(want)
    there = None if expected is None else _fields(have)
    if expected is None or there is None:
        return None
    names = [*expected] if partial else [*expected, *(name for name in there if name not in expected)]
    return [(name, expected.get(name, ABSENT), there.get(name, ABSENT)) for name in names]


def _fields(value: Any) -> Mapping[Any, Any] | None:
    if isinstance(value, Mapping):
        return value
    state = object_state(value)
    return None if state is None else {**state.fields, **state.extra}


def _is_same(want: Any, have: Any) -> bool:
    if want is have:
        return True
    if want is ABSENT or have is ABSENT:
        return False
    if isinstance(want, _NUMBERS) and isinstance(have, _NUMBERS):
        is_nan = want != want and have != have  # noqa: PLR0124 - what NaN is known by
        return isinstance(want, bool) is isinstance(have, bool) and (is_nan or bool(want == have))
    if isinstance(want, (set, frozenset)) and isinstance(have, (set, frozenset)):
        return {_marked(item) for item in want} == {_marked(item) for item in have}
    if isinstance(want, re.Pattern) and isinstance(have, type(want.pattern)):
        return want.search(have) is not None
    return bool(want == have) or _is_same_plain(want, have)


def _is_same_plain(want: Any, have: Any) -> bool:
    """Return whether what is expected is equal to a value as plain data: somebody's `__eq__` may know dicts only."""
    try:
        plain = _plain(have)
    except RecursionError:
        return False
    return plain is not have and bool(want == plain)


def _marked(item: Any) -> Any:
    """Return an element of a set as what no other type's is equal to."""
    if type(item) in (tuple, frozenset):
        return type(item)(map(_marked, item))
    return isinstance(item, bool), item


def _plain(value: Any) -> Any:
    """Return a value in which models and dataclasses are dicts; the very value if there are none."""
    if type(value) in (list, tuple):
        items = type(value)(map(_plain, value))
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    fields = _fields(value)
    if fields is None:
        return value
    plain = {name: _plain(item) for name, item in fields.items()}
    is_changed = fields is not value or any(plain[name] is not item for name, item in fields.items())
    return plain if is_changed else value


def _leaves(value: Any) -> int:
    """Return how many leaves a value has, at least one."""
    return sum(1 for _ in _walk(value))


def _walk(value: Any) -> Iterator[None]:
    todo = [value]
    for _ in range(_MOST):
        if not todo:
            return
        item = todo.pop()
        inner = list(item.values()) if type(item) is dict else item if type(item) in (list, tuple) else ()
        if inner:
            todo += inner
        else:
            yield
