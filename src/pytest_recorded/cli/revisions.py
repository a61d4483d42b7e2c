"""Cassettes as they were in a git revision.

The law of this file: git is asked, and never told to do anything: it writes nothing into the repository.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final, NamedTuple

from ..errors import CassetteError, UsageError
from .repository import has_git, places, run_git, standing

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Revision", "fetch", "has_ours_alone", "is_rebasing"]

# One of the three that the index has of a file in conflict.
# Of a line of `git ls-files`: mode, digest, stage.
_FIELDS: Final = 3
_STAGE: Final = re.compile("(:[0-3])(:.*)?", re.DOTALL)
_POINTER: Final = b"version https://git-lfs.github.com/spec/"


class Revision(NamedTuple):
    """A cassette in a revision.

    Attributes:
        name: Of the revision, as the user writes it.
        path: Of the cassette, from the root of the repository.

    """

    name: str
    path: str

    def __str__(self) -> str:
        return f"{self.name}:{self.path}"


def fetch(given: str, cassette: Path, into: Path) -> Revision:
    """Write a cassette as it was in a revision into a file.

    Args:
        given: A revision, or `REVISION:path/to/jobs.db`. Of a conflict in the index `:1`, `:2` and `:3` are revisions.
        cassette: The cassette that is meant where no path is given; its repository is asked.
        into: The file to write.

    Raises:
        UsageError: There is no such revision, no repository, or no git.
        CassetteError: The revision has no such cassette.

    """
    folder, inside = standing(cassette)
    if (stage := _STAGE.fullmatch(given)) is not None:
        name, (colon, path) = stage[1], (stage[2] or "").partition(":")[1:]
    else:
        name, colon, path = given.partition(":")
    commit, prefix = _commit(given, name, folder)
    revision = Revision(name, path if colon else f"{prefix}{inside.as_posix()}")
    with into.open("wb") as file:
        problem = run_git(folder, "cat-file", "blob", f"{commit}:{revision.path}", into=file)[1]
    if problem:
        raise _not_there(revision, problem)
    with into.open("rb") as file:
        if file.read(len(_POINTER)) == _POINTER:
            raise CassetteError(
                str(revision),
                "is a pointer of Git LFS there, not the cassette. Get the file, and compare with that: git lfs fetch "
                f"origin {name}; git cat-file --filters {revision} > old.db",
            )
    return revision


def _not_there(revision: Revision, problem: str) -> CassetteError:
    if _STAGE.fullmatch(revision.name):
        what_to_do = (
            f"git has no conflict about that file: none came of it, or it was added since. To have the conflict back "
            f"before it is committed: git checkout --merge -- {shlex.quote(revision.path)}"
        )
    else:
        what_to_do = (
            f"Say where it was: {revision.name}:path/to/jobs.db. "
            f"Revisions that have it: git log --oneline -- ':/{revision.path}'"
        )
    return CassetteError(str(revision), f"is not there ({problem}). {what_to_do}")


def is_rebasing(folder: Path) -> bool:
    """Return whether a rebase is going on in the repository of a folder."""
    if not has_git():
        return False
    found, _ = run_git(folder, "rev-parse", "--git-path", "rebase-merge", "--git-path", "rebase-apply")
    return any((folder / path).is_dir() for path in found.splitlines())


def has_ours_alone(file: Path) -> bool:
    """Return whether git has a conflict about a file, and has left ours in place, as it does without a driver."""
    if not has_git():
        return False
    folder, inside = standing(file)
    listed, _ = run_git(folder, "ls-files", "--unmerged", "--", inside.as_posix())
    stages = {fields[2]: fields[1] for line in listed.splitlines() if len(fields := line.split()[:3]) == _FIELDS}
    ours, _ = run_git(folder, "hash-object", "--no-filters", "--", inside.as_posix())
    return {"2", "3"} <= stages.keys() and stages["2"] == ours


def _commit(given: str, name: str, folder: Path) -> tuple[str, str]:
    """Return the id of a revision, and the path of a folder from the root of its repository: `""`, or `calls/`."""
    nothing = f"{given} is no file"
    if not has_git():
        raise UsageError(f"{nothing}; to look for a revision of that name git is needed, and it is not on the PATH.")
    top, prefix, problem = places(folder)
    if problem:
        raise UsageError(
            f"{nothing}, and {folder} is in no git repository that can be read ({problem}). Name a file; or, for a "
            f"revision, a cassette in a repository with --cassette=PATH."
        )
    if _STAGE.fullmatch(name):
        return name, prefix
    found, _ = run_git(folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if not name or not found:
        raise UsageError(
            f"{nothing}, and {name or 'nothing'} is no revision of the git repository {top}. Name a file, a revision "
            f"(HEAD~1, a branch, a tag), or REVISION:path/to/jobs.db."
        )
    return found, prefix
