"""Conflicts for people and for programs: whose call it is, what was asked, what differs between the sides."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..changes.calls import Pair
from ..changes.comparing import Terms, compare
from ..changes.views import Side
from ..conflicts import Choice, chosen
from ..errors import RecordedError
from ..miss import describe
from ..options import read_options
from ..report import change_lines
from ..report.tree import tree_of
from .ini import ini_options
from .output import option_for, say, say_pieces
from .revisions import is_rebasing
from .words import one_line, short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..changes.model import Call
    from ..conflicts import Conflict
    from ..entry import Entry

__all__ = ["command_for", "say_conflicts", "tests_of", "trees_of", "what_to_do", "whose_sides"]

_IN_A_REBASE: Final = "In a rebase ours is the branch that is built upon, and theirs is the commit that is put on it."
_WRITTEN: Final = "    the answers differ in how they are written, and in nothing else"
_OF_INI: Final = ("ignore", "list_keys")
_LONGEST: Final = 160
_TO_THE_SECOND: Final = len("2030-01-02T03:04:05")


def what_to_do(cassette: Path) -> str:
    """Return in words how the conflicts of a cassette are settled."""
    return f"Ours is replayed until one is chosen: {command_for(cassette)} --ours|--theirs|--newer [ID…]"


def command_for(cassette: Path) -> str:
    """Return the command that lists conflicts of a cassette."""
    return shlex.join(["pytest-recorded", "resolve", *option_for(cassette)])


def say_conflicts(conflicts: Sequence[Conflict]) -> None:
    """Print conflicts: of each its id, its tests, what was asked, and what differs between ours and theirs."""
    terms, width = _terms(), shutil.get_terminal_size().columns
    for conflict in conflicts:
        row = conflict.ours.row
        say(f"{short(row)}  {', '.join(tests_of(conflict)) or '(no test)'}", "bold")
        asked = describe(row.kind, row.request_json)
        say("  " + one_line(asked if asked.startswith(row.kind) else f"{row.kind}: {asked}", _LONGEST))
        say(f"    ours of {_moment(conflict.ours)}, theirs of {_moment(conflict.theirs)}")
        call = _compared(conflict, terms)
        if call is None:
            say(_WRITTEN)
        else:
            say_pieces(change_lines(call, width=width))


def whose_sides(folder: Path) -> Iterator[str]:
    """Yield in words which side is which, where it is not what one expects."""
    if is_rebasing(folder):
        yield _IN_A_REBASE


def trees_of(conflicts: Sequence[Conflict]) -> list[dict[str, Any]]:
    """Return conflicts for programs."""
    terms = _terms()
    return [_tree(conflict, _compared(conflict, terms)) for conflict in conflicts]


def tests_of(conflict: Conflict) -> tuple[str, ...]:
    """Return the tests that make a call."""
    if conflict.ours.row.scope:
        return (conflict.ours.row.scope,)
    return tuple(sorted({*conflict.ours.users, *conflict.theirs.users}))


def _tree(conflict: Conflict, call: Call | None) -> dict[str, Any]:
    row = conflict.ours.row
    return {
        "id": row.id,
        "tests": list(tests_of(conflict)),
        "kind": row.kind,
        "request": describe(row.kind, row.request_json),
        "ours": {"recorded_at": row.submitted_at, "status": row.status},
        "theirs": {"recorded_at": conflict.theirs.row.submitted_at, "status": conflict.theirs.row.status},
        "newer": str(chosen(conflict, Choice.NEWER)),
        "changes": [] if call is None else [tree_of(change) for change in call.changes],
    }


def _compared(conflict: Conflict, terms: Terms) -> Call | None:
    ours, theirs = (Side(entry.row, entry.chunks) for entry in (conflict.ours, conflict.theirs))
    return compare(Pair(ours, theirs), tests_of(conflict), terms)[0]


def _terms() -> Terms:
    try:
        options = read_options(ini_options(Path.cwd(), _OF_INI), where="ini file", from_code=False, of_run=True)
    except (RecordedError, OSError):
        # In the middle of a merge the ini file may be in conflict itself.
        options = {}
    return Terms(options.get("ignore", ()), options.get("list_keys", {}))


def _moment(entry: Entry) -> str:
    return entry.row.submitted_at[:_TO_THE_SECOND].replace("T", " ")
