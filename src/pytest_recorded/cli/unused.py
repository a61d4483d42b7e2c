"""The commands `unused` and `prune`: what nobody asks for, for people and for programs."""

from __future__ import annotations

import os
import shlex
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..roll import split
from ..shown import clip
from ..unused import Unused, find_unused, remove
from .asking import asked, tree_of
from .output import many, option_for, say, say_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ..told import Session

__all__ = ["run_prune", "run_unused"]

_LONGEST: Final = 160


class _Search(NamedTuple):
    """What was found.

    Attributes:
        cassette: Where.
        calls: How many calls are recorded there.
        unused: Those that nobody asks for.
        session: What the tests have told.
        problem: Why that may not be all; `""` if it is.
        not_looked_into: Files with tests that have recordings there, and that were not collected as a whole.

    """

    cassette: Path
    calls: int
    unused: list[Unused]
    session: Session
    problem: str
    not_looked_into: tuple[str, ...]
    #: What makes it judge what tests share, too; `""` where there is none, or nothing does.
    all_of_it: str
    #: Whether those go too that are of parameters which tests do not have on this machine.
    takes_parameters: bool = False

    @property
    def code(self) -> int:
        """The exit code of whoever only looks."""
        return 2 if self.problem else 1 if self.unused else 0

    @property
    def removable(self) -> list[Unused]:
        """What goes: not what looks like the recordings of a test that was renamed, or that is there elsewhere."""
        return [one for one in self.unused if one.is_certain or (self.takes_parameters and one.move is None)]

    def tree(self) -> dict[str, Any]:
        """Return this for programs."""
        return {
            "cassette": str(self.cassette),
            "calls": self.calls,
            **tree_of(self.session, self.problem),
            "bytes": sum(unused.size for unused in self.unused),
            "unused": [_tree(unused) for unused in self.unused],
        }


def run_unused(cassette: Path, arguments: Sequence[str], *, as_json: bool) -> int:
    """Say what nobody asks for; return the exit code.

    Raises:
        CassetteError: The cassette is missing, or cannot be read.

    """
    search = _search(cassette, arguments)
    if as_json:
        say_json(search.tree())
    else:
        for line in (*_lines(search), *_verdict(search)):
            say(line)
    return search.code


def run_prune(cassette: Path, arguments: Sequence[str], *, writes: bool, parameters: bool, as_json: bool) -> int:
    """Remove what nobody asks for; return the exit code.

    Args:
        cassette: The cassette.
        arguments: For pytest.
        writes: Whether it is removed; else it is only said.
        parameters: Whether that goes too which is of parameters that tests do not have on this machine.
        as_json: Whether it is said for programs.

    Raises:
        CassetteError: The cassette is missing, or cannot be read or written.

    """
    search = _search(cassette, arguments)._replace(takes_parameters=parameters)
    gone = search.removable if writes else []
    removed = remove(cassette, gone) if gone else 0
    if as_json:
        say_json({**search.tree(), "removed": removed})
    else:
        for line in (*_lines(search), *_verdict(search)):
            say(line)
        if gone:
            say(f"{many(removed, 'recording')} removed, {many(sum(unused.size for unused in gone), 'byte')}.")
        elif search.removable:
            say("Nothing is removed without --yes.")
    return search.code if search.problem or not writes else 0


def _search(cassette: Path, arguments: Sequence[str]) -> _Search:
    with asked(cassette, arguments) as run:
        files = {split(scope).file: None for scope in run.file.scopes() if not run.session.roll.knows(scope)}
        unused = find_unused(run.file, run.session)
        all_of_it = _with_all_tests(cassette, run.session.root, arguments) if run.file.has_scope("") else ""
        return _Search(cassette, len(run.file), unused, run.session, run.problem, tuple(files), all_of_it)


def _with_all_tests(cassette: Path, root: Path, arguments: Sequence[str]) -> str:
    """Return the command that runs all tests, if others were given."""
    if any(os.path.realpath(argument) == os.path.realpath(root) for argument in arguments):
        return ""
    return shlex.join(("pytest-recorded", "prune", *option_for(cassette), os.path.relpath(root)))


def _tree(unused: Unused) -> dict[str, Any]:
    row = unused.row
    return {
        "id": row.id,
        "test": row.scope or None,
        "kind": row.kind,
        "request": unused.request,
        "why": unused.why,
        "renamed": unused.renamed or None,
        "recorded_at": row.submitted_at,
        "bytes": unused.size,
    }


def _lines(search: _Search) -> Iterator[str]:
    for scope, group in groupby(search.unused, key=lambda unused: unused.row.scope):
        found = list(group)
        yield f"{scope or 'shared by all tests'}: {found[0].why}"
        for unused in found:
            kind = "" if unused.request.startswith(unused.row.kind) else f"{unused.row.kind}: "
            request = unused.request if len(unused.request) <= _LONGEST else unused.request[:_LONGEST] + "…"
            yield f"  {kind}{request} ({_age(unused.row.submitted_at)}, {many(unused.size, 'byte')})"
    moves = dict.fromkeys(unused.move for unused in search.unused if unused.move is not None)
    for move in moves:
        command = shlex.join(("pytest-recorded", *move.verb.split(), *option_for(search.cassette), move.old, move.new))
        yield f"{move.old} may have been renamed: {command}"


def _age(moment: str) -> str:
    try:
        days = (datetime.now(UTC) - datetime.fromisoformat(moment)).days
    except (TypeError, ValueError):
        return "of unknown age"
    return "from today" if days < 1 else f"{many(days, 'day')} old"


def _verdict(search: _Search) -> Iterator[str]:
    if search.problem:
        yield search.problem
    if search.session.is_over and not (search.session.is_whole and not search.not_looked_into):
        files = clip(", ".join(search.not_looked_into), _LONGEST)
        yield f"Not all tests were looked for: what the others recorded is not judged{f' ({files})' if files else ''}."
        if search.all_of_it:
            yield f"What tests share is judged only where all of them run: {search.all_of_it}"
    size = sum(unused.size for unused in search.unused)
    number = len(search.unused)
    yield f"{number or 'None'} of {many(search.calls, 'recording')} unused, {many(size, 'byte')}."
    if kept := sum(unused.move is not None for unused in search.unused):
        yield f"{kept} of them look like those of a renamed test, and are not removed by prune."
    if kept := number - kept - len(search.removable):
        yield (
            f"{kept} of them are of parameters that their tests do not have here, as they may on another platform; "
            "prune removes them with --parameters."
        )
