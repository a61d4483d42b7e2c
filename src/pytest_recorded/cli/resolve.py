"""The command `resolve`: which conflicts a merge has left in a cassette, and settling them."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Final

from ..choice import is_among
from ..conflicts import read_conflicts, resolve
from ..errors import CassetteError, UsageError
from ..store.diagnosis import is_there
from ..store.sqlite import CassetteFile
from .conflicts import say_conflicts, tests_of, trees_of, what_to_do, whose_sides
from .output import many, say, say_json
from .words import short

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..conflicts import Choice, Conflict

__all__ = ["run_resolve"]

_DIGITS: Final = re.compile("[0-9a-f]{4,32}")
_MOST: Final = 5


def run_resolve(cassette: Path, given: Sequence[str], choice: Choice | None, *, as_json: bool) -> int:
    """List conflicts, or settle them; return the exit code.

    Args:
        cassette: The cassette.
        given: First digits of ids, names or globs of tests; of none means all.
        choice: Which side is kept; None: they are listed.
        as_json: Whether it is said for programs.

    Raises:
        CassetteError: The cassette is missing, or cannot be read or written.
        UsageError: What is given names no conflict.

    """
    if not is_there(cassette):
        raise CassetteError(cassette, "does not exist. Name another one with --cassette.")
    with closing(CassetteFile(cassette)) as file:
        conflicts = read_conflicts(file)
        meant = _meant(file, conflicts, given) if given and (conflicts or choice is None) else conflicts
    settled = resolve(cassette, dict.fromkeys((conflict.id for conflict in meant), choice)) if choice and meant else {}
    left = [conflict for conflict in conflicts if conflict.id not in settled]
    if as_json:
        shown = left if choice else meant
        say_json({"cassette": str(cassette), "settled": settled, "conflicts": trees_of(shown), "left": len(left)})
    elif choice is None or not conflicts:
        _list(cassette, meant)
    else:
        counts = Counter(settled.values())
        said = ", ".join(f"{number} {side}" for side, number in sorted(counts.items()))
        say(f"{cassette}: {many(len(settled), 'conflict')} settled{f' ({said})' if said else ''}, {len(left)} left.")
        if settled and not left:
            say(f"Then: git add {shlex.quote(str(cassette))}")
    return 1 if left else 0


def _list(cassette: Path, conflicts: Sequence[Conflict]) -> None:
    if not conflicts:
        say(f"{cassette}: no conflict.")
        return
    say(f"{cassette}: {many(len(conflicts), 'conflict')}:")
    say_conflicts(conflicts)
    for line in whose_sides(cassette.absolute().parent):
        say(line)
    say(what_to_do(cassette))


def _meant(file: CassetteFile, conflicts: Sequence[Conflict], given: Sequence[str]) -> list[Conflict]:
    named = {id(conflict) for one in given for conflict in _named(file, conflicts, one)}
    return [conflict for conflict in conflicts if id(conflict) in named]


def _named(file: CassetteFile, conflicts: Sequence[Conflict], given: str) -> list[Conflict]:
    """Return the conflicts that somebody means by the first digits of an id, or by a test."""
    digits = given.lower()
    by_id = [conflict for conflict in conflicts if conflict.id.startswith(digits)] if _DIGITS.fullmatch(digits) else []
    if len(by_id) > 1:
        raise UsageError(f"{given} is the beginning of {len(by_id)} ids: {_listed(by_id)}. Give more digits.")
    found = by_id or [
        conflict
        for conflict in conflicts
        if any(test == given or is_among(test, (given,)) for test in tests_of(conflict))
    ]
    if not found:
        rows = file.rows_named(digits, 1) if _DIGITS.fullmatch(digits) else []
        what = "is recorded, and in no conflict" if rows else "names no conflict, by its id or its test"
        raise UsageError(f"{given} {what}. {f'There are: {_listed(conflicts)}' if conflicts else 'There is none'}.")
    return found


def _listed(conflicts: Sequence[Conflict]) -> str:
    names = [
        f"{short(conflict.ours.row)} ({', '.join(tests_of(conflict)) or 'no test'})" for conflict in conflicts[:_MOST]
    ]
    return ", ".join(names) + (f" and {len(conflicts) - _MOST} more" if len(conflicts) > _MOST else "")
