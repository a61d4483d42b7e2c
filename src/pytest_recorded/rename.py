"""Moving the recordings of tests that have got other names: one test, or all below a class, a file, a folder."""

from __future__ import annotations

import shlex
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from .conflicts import read_conflicts, with_scope
from .errors import CassetteError, UsageError
from .roll import renamed
from .store.build import Changes, build, exclusive
from .store.diagnosis import is_there
from .store.sqlite import CassetteFile
from .takeover import final_row
from .workplace import workshop

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Renamed", "rename_scope"]


class Renamed(NamedTuple):
    """A name that recordings had, the one that they have, and how many calls that are.

    Attributes:
        old: The name before.
        new: The name that they have.
        calls: How many calls that are.
        replaced: How many of them are in the place of one that the new name had.

    """

    old: str
    new: str
    calls: int
    replaced: int = 0


def rename_scope(
    cassette: Path, old: str, new: str, *, replaces: bool = False, option: Sequence[str] = ()
) -> list[Renamed]:
    """Give the recordings of a test, and of all names below it, to another; return what was renamed.

    Args:
        cassette: The cassette.
        old: The name in it: of a test, with or without its parameters, or of a class, a file or a folder.
        new: The name to have.
        replaces: Whether the new name may have recordings: those of the same calls go, the others stay.
        option: What tells the command to take the cassette, for messages.

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
            names = _names(file, old, new, option, replaces=replaces)
            changes = Changes()
            done = [_rename(file, before, after, changes) for before, after in names.items()]
        finally:
            file.close()
        build(cassette, changes, folder)
    return done


def _names(file: CassetteFile, old: str, new: str, option: Sequence[str], *, replaces: bool) -> dict[str, str]:
    """Return the names that change, each with the one to have."""
    known = file.scopes()
    old, new = old.rstrip("/"), new.rstrip("/")
    names, taken = renamed(known, old, new)
    if not names:
        files = [] if "::" in old else [name.partition("::")[0] for name in known]
        close = get_close_matches(old, dict.fromkeys((*known, *files)), n=3, cutoff=0.5)
        hint = f" Did you mean: {', '.join(close)}?" if close else ""
        raise UsageError(f"{file.path} has no recordings of {old!r}.{hint}")
    if taken and not replaces:
        command = ("pytest-recorded", "rename")
        raise UsageError(
            f"{file.path} has recordings of {taken[0]!r} already. Let those of the same calls be replaced: "
            f"{shlex.join((*command, '--replace', *option, old, new))}; or move them out of the way first: "
            f"{shlex.join((*command, *option, taken[0], taken[0] + '.before'))}"
        )
    return names


def _rename(file: CassetteFile, old: str, new: str, changes: Changes) -> Renamed:
    rows, uses = file.rows(old), file.uses_of(old)
    fresh = [final_row(row, new) for row in rows]
    replaced = {row.address for row in fresh} & set(file.addresses(new))
    changes.gone |= replaced | {row.address for row in rows}
    changes.fresh += [(new_row, tuple(file.chunks(row.id))) for row, new_row in zip(rows, fresh, strict=True)]
    for conflict in read_conflicts(file):
        if conflict.ours.row.scope == old:
            moved = with_scope(conflict, new)
            changes.facts[moved.name] = moved.text()
    changes.gone_tests.add(old)
    changes.uses |= {(new, job) for job in uses}
    return Renamed(old, new, len({row.address for row in rows}) + len(uses), len(replaced))
