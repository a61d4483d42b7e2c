"""Moving the recordings of a test that has got another name."""

from __future__ import annotations

import shlex
from difflib import get_close_matches
from typing import TYPE_CHECKING

from .errors import CassetteError, UsageError
from .staging import workshop
from .store.build import Changes, build, exclusive
from .store.sqlite import CassetteFile
from .takeover import final_row

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["rename_scope"]


def rename_scope(cassette: Path, old: str, new: str) -> int:
    """Give the recordings of one test to another; return how many calls that are.

    Args:
        cassette: The cassette.
        old: The test's name in it.
        new: The name to have.

    Raises:
        CassetteError: The cassette is missing, or cannot be read or written.
        UsageError: The old name has no recordings, or the new one has some already.

    """
    if not cassette.exists():
        raise CassetteError(cassette, "does not exist. Name another one with --cassette.")
    folder = workshop(cassette)
    with exclusive(folder / f"{cassette.name}.lock"):
        file = CassetteFile(cassette)
        try:
            changes = _changes(file, old, new)
        finally:
            file.close()
        build(cassette, changes, folder)
    return len({row.address for row, _ in changes.fresh}) + len(changes.uses)


def _changes(file: CassetteFile, old: str, new: str) -> Changes:
    rows, uses = file.rows(old), file.uses_of(old)
    if not rows and not uses:
        known = file.scopes()
        close = get_close_matches(old, known, n=3, cutoff=0.5)
        hint = f" Did you mean: {', '.join(close)}?" if close else ""
        raise UsageError(f"{file.path} has no recordings of {old!r}.{hint}")
    if file.has_scope(new) or file.has_uses(new):
        raise UsageError(
            f"{file.path} has recordings of {new!r} already. Move them out of the way first: "
            f"pytest-recorded rename {shlex.quote(new)} {shlex.quote(new + '.before')}"
        )
    changes = Changes()
    for row in rows:
        changes.gone.add(row.address)
        changes.fresh.append((final_row(row, new), tuple(file.chunks(row.id))))
    changes.gone_tests.add(old)
    changes.uses |= {(new, job) for job in uses}
    return changes
