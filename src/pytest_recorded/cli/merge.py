"""The command `merge`: git's merge driver, and the same by hand."""

from __future__ import annotations

import re
import shlex
import sys
from contextlib import ExitStack, closing, nullcontext, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple

from ..conflicts import count_conflicts
from ..errors import CassetteError, UsageError
from ..merging import Came, merge
from ..store.sqlite import CassetteFile
from ..units import Source
from .output import many, say, say_json
from .revisions import fetch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..conflicts import Choice, Conflict
    from ..merging import Merged

__all__ = ["Asked", "run_merge"]

# git has more to say.
_MOST: Final = 20
_STAGE: Final = re.compile(":[123]($|:)")
#: What git puts in for a label that it does not know is the place of the label itself.
_NO_LABEL: Final = re.compile("(%[XY])?")


class Asked(NamedTuple):
    """What the user, or git, has asked for.

    Attributes:
        base: A file or a revision; an empty file if both sides have added the cassette.
        ours: Likewise.
        theirs: Likewise.
        path: What git calls the cassette; None where a user merges by hand.
        output: The file to write; None for ours.
        labels: What git calls ours and theirs.
        prefer: Which side of a conflict is kept.

    """

    base: str
    ours: str
    theirs: str
    path: str | None = None
    output: Path | None = None
    labels: tuple[str, str] = ("", "")
    prefer: Choice | None = None


def run_merge(asked: Asked, cassette: Path, *, as_json: bool) -> int:
    """Merge, and say what came of it; return the exit code.

    Raises:
        CassetteError: A file is missing or no cassette, or the outcome cannot be written.
        UsageError: There is no such revision.

    """
    with ExitStack() as stack:
        base, ours, theirs = (
            _source(side, given, asked, cassette, stack)
            for side, given in zip(("base", "ours", "theirs"), asked[:3], strict=True)
        )
        if ours is None or theirs is None:
            raise UsageError(f"{asked.ours if ours is None else asked.theirs} is empty; only BASE may be.")
        into = asked.output or (Path(asked.ours) if ours.path == Path(asked.ours) else cassette)
        # The file of a driver is git's own, and has no neighbours.
        merged = merge(base, ours, theirs, into=into, is_shared=asked.path is None, prefer=asked.prefer)
    shown = asked.path or str(into)
    if as_json:
        say_json(_tree(shown, merged))
    else:
        # git's own stdout may be for a program, as that of `git merge-tree` is.
        with nullcontext() if asked.path is None else redirect_stdout(sys.stderr):
            found = ", ".join(_counts(asked, merged))
            say(f"{shown}: {found or 'nothing has changed'}{':' if merged.conflicts else '.'}")
            _say_conflicts(shown, into, merged.conflicts)
    return 1 if merged.conflicts else 0


def _source(side: str, given: str, asked: Asked, cassette: Path, stack: ExitStack) -> Source | None:
    """Return a file, or that of a revision; None for one that is empty."""
    path = Path(given)
    if asked.path is not None:
        shown = f"{side} of {asked.path}"
    else:
        shown = f"{side} ({given})"
        if not path.exists():
            path = Path(stack.enter_context(TemporaryDirectory(prefix="pytest-recorded-"))) / "jobs.db"
            try:
                shown = f"{side} ({fetch(given, cassette, path)})"
            except CassetteError:
                # Where both sides have added the cassette, git has no base of it.
                if side != "base" or not _STAGE.match(given):
                    raise
                return None
    is_empty = side == "base" and not path.is_dir() and path.stat().st_size == 0
    return None if is_empty else Source(path, shown)


def _tree(shown: str, merged: Merged) -> dict[str, object]:
    counts = {str(came): merged.came[came] for came in Came}
    trees: list[dict[str, object]] = []
    if merged.conflicts:
        from .conflicts import trees_of  # noqa: PLC0415 - loads pydantic; most merges have no conflict

        trees = trees_of(merged.conflicts)
    return {"cassette": shown, **counts, "settled": merged.settled, "conflicts": trees}


def _say_conflicts(shown: str, into: Path, conflicts: Sequence[Conflict]) -> None:
    if conflicts:
        from .conflicts import command_for, say_conflicts, what_to_do, whose_sides  # noqa: PLC0415 - likewise

        say_conflicts(conflicts[:_MOST])
        if len(conflicts) > _MOST:
            say(f"... and {len(conflicts) - _MOST:,} more: {command_for(Path(shown))}")
        for line in whose_sides(Path.cwd()):
            say(line)
        say(f"{what_to_do(Path(shown))}, then git add {shlex.quote(shown)}")
    with closing(CassetteFile(into)) as file:
        earlier = count_conflicts(file) - len(conflicts)
    if earlier:
        from .conflicts import command_for  # noqa: PLC0415 - likewise

        say(f"{shown}: {many(earlier, 'earlier conflict')} not settled: {command_for(Path(shown))}")


def _counts(asked: Asked, merged: Merged) -> Iterator[str]:
    ours, theirs = ("" if _NO_LABEL.fullmatch(label) else f" ({label})" for label in asked.labels)
    whence = {Came.THEIRS: f"from theirs{theirs}", Came.OURS: f"from ours{ours}", Came.BOTH: "alike on both sides"}
    thing = "call"
    for came, words in whence.items():
        if number := merged.came[came]:
            yield f"{many(number, thing) if thing else f'{number:,}'} {words}"
            thing = ""
    if merged.settled:
        yield f"{many(merged.settled, 'conflict')} settled by --{asked.prefer}"
    if merged.conflicts:
        yield many(len(merged.conflicts), "conflict")
