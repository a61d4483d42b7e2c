"""The command `project`: the data of recorded calls, picked again by the models that are in force."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..reprojection import Outdated, find_outdated, put_right
from ..shown import clip
from .asking import asked, tree_of
from .output import many, say, say_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ..told import Session

__all__ = ["run_project"]

_SHOWN_PATHS: Final = 6
_LONGEST: Final = 160
_LONGEST_PROBLEM: Final = 400


class _Judged(NamedTuple):
    """What was found.

    Attributes:
        cassette: Where.
        calls: How many calls are recorded there.
        judged: Of how many it is known what their data would be.
        outdated: Those whose data would be others, or whose models do not fit.
        session: What the tests have told.
        problem: Why that may not be all; `""` if it is.

    """

    cassette: Path
    calls: int
    judged: int
    outdated: list[Outdated]
    session: Session
    problem: str

    @property
    def differing(self) -> list[Outdated]:
        """What there is to write."""
        return [one for one in self.outdated if one.differs]

    @property
    def misfits(self) -> list[Outdated]:
        """What a model does not fit."""
        return [one for one in self.outdated if one.problem]

    def code(self, *, writes: bool) -> int:
        """Return the exit code."""
        return 2 if self.problem or self.misfits else 1 if self.differing and not writes else 0

    def tree(self) -> dict[str, Any]:
        """Return this for programs."""
        return {
            "cassette": str(self.cassette),
            "calls": self.calls,
            "judged": self.judged,
            **tree_of(self.session, self.problem),
            "outdated": [
                {**_tree(one), "paths": one.paths, "figures": one.has_figures} for one in self.differing
            ],
            "misfits": [{**_tree(one), "problem": one.problem} for one in self.misfits],
        }  # fmt: skip


def run_project(cassette: Path, arguments: Sequence[str], *, writes: bool, as_json: bool) -> int:
    """Pick the data of recorded calls again; return the exit code.

    Args:
        cassette: The cassette.
        arguments: For pytest.
        writes: Whether it is written; else it is only said.
        as_json: Whether it is said for programs.

    Raises:
        CassetteError: The cassette is missing, or cannot be read or written.

    """
    with asked(cassette, arguments, data=True) as run:
        outdated, count = find_outdated(run.file, run.session)
        judged = _Judged(cassette, len(run.file), count, outdated, run.session, run.problem)
    written = put_right(cassette, judged.differing) if writes and judged.differing else 0
    if as_json:
        say_json({**judged.tree(), "written": written})
    else:
        for line in (*_lines(judged.outdated), *_verdict(judged)):
            say(line)
        if written:
            say(f"{many(written, 'recording')} written.")
        elif judged.differing and not writes:
            say("Nothing is written without --yes.")
    return judged.code(writes=writes)


def _tree(one: Outdated) -> dict[str, Any]:
    row = one.row
    return {
        "id": row.id,
        "test": row.scope or None,
        "kind": row.kind,
        "request": one.request,
        "model": one.model or None,
    }


def _lines(outdated: Iterable[Outdated]) -> Iterator[str]:
    for scope, of_scope in groupby(outdated, key=lambda one: one.row.scope):
        yield scope or "shared by all tests"
        for kind, of_kind in groupby(of_scope, key=lambda one: one.row.kind):
            for model, found in _by_model(of_kind).items():
                yield from _of_model(f"  {kind}, {model or 'no model'}", found)


def _by_model(outdated: Iterable[Outdated]) -> dict[str, list[Outdated]]:
    found: dict[str, list[Outdated]] = {}
    for one in outdated:
        found.setdefault(one.model, []).append(one)
    return found


def _of_model(title: str, found: Sequence[Outdated]) -> Iterator[str]:
    paths = Counter(path for one in found if not one.problem for path in one.paths)
    data = sum(bool(one.paths) for one in found)
    if data:
        more = f", … and {len(paths) - _SHOWN_PATHS} more" if len(paths) > _SHOWN_PATHS else ""
        yield f"{title}: {many(data, 'recording')} with other data, at {', '.join([*paths][:_SHOWN_PATHS])}{more}"
    figures = sum(one.has_figures for one in found)
    if figures:
        yield f"{title}: tokens and cost of {many(figures, 'recording')}"
    for one in found:
        if one.problem:
            request = "" if one.request.startswith(one.row.kind) else f"{one.row.kind}: "
            yield f"  {clip(request + one.request, _LONGEST)}: {clip(one.problem, _LONGEST_PROBLEM)}"


def _verdict(judged: _Judged) -> Iterator[str]:
    if judged.problem:
        yield judged.problem
    if judged.session.is_over and not judged.session.is_whole:
        yield "Not all tests were looked for: what the others recorded is not judged."
    number, misfits = len(judged.differing), len(judged.misfits)
    rest = judged.calls - judged.judged
    others = f"; {rest:,} not judged" if rest else ""
    yield f"{number or 'None'} of {many(judged.judged, 'recording')} outdated{others}."
    if misfits:
        yield (
            f"{many(misfits, 'recording')} do not fit, and keep their data."
            if misfits > 1
            else ("1 recording does not fit, and keeps its data.")
        )
