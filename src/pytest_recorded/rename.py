"""Moving the recordings of tests that have got other names: one test, or all below a class, a file, a folder."""

from __future__ import annotations

import shlex
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, NamedTuple

from .conflicts import read_conflicts, with_scope
from .errors import CassetteError, UsageError
from .staging import workshop
from .store.build import Changes, build, exclusive
from .store.diagnosis import is_there
from .store.sqlite import CassetteFile
from .takeover import final_row

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Renamed", "rename_scope"]

# What follows a name in the names below it: tests of a file or a class, parametrisations, shared fixtures.
_BELOW: Final = ("::", "[", "@")


class Renamed(NamedTuple):
    """A name that recordings had, the one that they have, and how many calls that are."""

    old: str
    new: str
    calls: int


def rename_scope(cassette: Path, old: str, new: str) -> list[Renamed]:
    """Give the recordings of a test, and of all names below it, to another; return what was renamed.

    Args:
        cassette: The cassette.
        old: The name in it: of a test, with or without its parameters, or of a class, a file or a folder.
        new: The name to have.

    Raises:
        CassetteError: The cassette is missing, or cannot be read or written.
        UsageError: The old name has no recordings, or the new one has some already.

    """
    if not is_there(cassette):
        raise CassetteError(cassette, "does not exist. Name another one with --cassette.")
    if old == new:
        raise UsageError(f"{old} is its name already. Give the old name first, then the one to have.")
    folder = workshop(cassette)
    with exclusive(folder / f"{cassette.name}.lock"):
        file = CassetteFile(cassette)
        try:
            names = _names(file, old, new)
            changes = Changes()
            renamed = [_rename(file, before, after, changes) for before, after in names.items()]
        finally:
            file.close()
        build(cassette, changes, folder)
    return renamed


def _names(file: CassetteFile, old: str, new: str) -> dict[str, str]:
    """Return the names that change, each with the one to have."""
    known = file.scopes()
    old, new = old.rstrip("/"), new.rstrip("/")
    found = [name for name in known if name == old or (old and name.startswith(tuple(old + end for end in _BELOW)))]
    # Only a folder has nothing but these; the name of a block may have a slash as well.
    found = found or [name for name in known if old and name.startswith(f"{old}/")]
    if not found:
        files = [] if "::" in old else [name.partition("::")[0] for name in known]
        close = get_close_matches(old, dict.fromkeys((*known, *files)), n=3, cutoff=0.5)
        hint = f" Did you mean: {', '.join(close)}?" if close else ""
        raise UsageError(f"{file.path} has no recordings of {old!r}.{hint}")
    names = {name: new + name[len(old) :] for name in found}
    taken = [name for name in known if name in names.values() and name not in names]
    if taken:
        raise UsageError(
            f"{file.path} has recordings of {taken[0]!r} already. Move them out of the way first: "
            f"pytest-recorded rename {shlex.quote(taken[0])} {shlex.quote(taken[0] + '.before')}"
        )
    return names


def _rename(file: CassetteFile, old: str, new: str, changes: Changes) -> Renamed:
    rows, uses = file.rows(old), file.uses_of(old)
    for row in rows:
        changes.gone.add(row.address)
        changes.fresh.append((final_row(row, new), tuple(file.chunks(row.id))))
    for conflict in read_conflicts(file):
        if conflict.ours.row.scope == old:
            moved = with_scope(conflict, new)
            changes.facts[moved.name] = moved.text()
    changes.gone_tests.add(old)
    changes.uses |= {(new, job) for job in uses}
    return Renamed(old, new, len({row.address for row in rows}) + len(uses))
