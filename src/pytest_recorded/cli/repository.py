"""git, asked by the commands: always in the folder that is meant, whoever has called us."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

from ..errors import UsageError

__all__ = ["Repository", "has_git", "places", "repository_of", "run_git", "standing"]

# A hook of git runs with these, and they are about the repository of the hook.
_OF_HOOKS: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")


class Repository(NamedTuple):
    """A repository that a file lies in.

    Attributes:
        top: The root of its work tree.
        path: Of the file, from there, with slashes.

    """

    top: Path
    path: str


def has_git() -> bool:
    """Return whether there is a git to be asked."""
    return shutil.which("git") is not None


def standing(file: Path) -> tuple[Path, Path]:
    """Return the folder of a file, or of those above it the first that is there, and the rest of its path."""
    path = Path(os.path.abspath(file))  # noqa: PTH100 - a link is followed by git, not by us
    folder = next(above for above in path.parents if above.is_dir())
    return folder, path.relative_to(folder)


def repository_of(file: Path) -> Repository:
    """Return the repository that a file lies in, or will lie in.

    Raises:
        UsageError: There is none that has a work tree, or no git.

    """
    if not has_git():
        raise UsageError("git is needed for this, and it is not on the PATH. Install it, or mend the PATH.")
    folder, inside = standing(file)
    top, prefix, problem = places(folder)
    if problem:
        raise UsageError(
            f"{folder} is in no work tree of git ({problem}). Run it in a clone that has files (a bare repository has "
            f"none), or make this a repository: git init. For a cassette elsewhere: --cassette=PATH."
        )
    return Repository(Path(top), f"{prefix}{inside.as_posix()}")


def places(folder: Path) -> tuple[str, str, str]:
    """Return the root of a folder's work tree, the way from there (`""`, or `calls/`), and why there is none."""
    found, problem = run_git(folder, "rev-parse", "--show-toplevel", "--show-prefix")
    top, _, prefix = found.partition("\n")
    return top, prefix, problem


def run_git(folder: Path, *arguments: str, into: object = subprocess.PIPE) -> tuple[str, str]:
    """Return what git says in a folder, and what it complains of; `into`: the file that takes what it says."""
    environment = {name: value for name, value in os.environ.items() if name not in _OF_HOOKS}
    done = subprocess.run(  # noqa: S603 - no shell; what the user has written is an argument of its own
        ["git", *arguments],  # noqa: S607 - the git that is on the PATH
        cwd=folder,
        env=environment | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
        stdin=subprocess.DEVNULL,
        stdout=into,  # type: ignore[call-overload]  # a file, or a pipe
        stderr=subprocess.PIPE,
        check=False,
    )
    said = (done.stdout or b"").decode(errors="surrogateescape").strip("\n")
    if done.returncode == 0:
        return said, ""
    complaints = done.stderr.decode(errors="replace").strip().splitlines()
    return "", complaints[0].removeprefix("fatal: ") if complaints else f"git ended with {done.returncode}"
