"""What a clone knows about cassettes: its configuration, and the `.gitattributes` of the repository.

The law of this file: nothing is changed that we have not written, and nothing at all where something of somebody else's
is in the way; where a write fails, running it again does the rest. The attributes are committed, and name two drivers;
what these are is written into the configuration of each clone, because git runs no command that a repository has
brought along.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from ..changes.lines import FORMAT
from ..errors import UsageError
from .attributes import DRIVER, file_pattern, marked, quoted, with_marks, without_marks
from .repository import run_git

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .repository import Repository

__all__ = ["State", "install", "look", "uninstall"]

TEXTCONV: Final = f"diff.{DRIVER}.textconv"
MERGE: Final = f"merge.{DRIVER}.driver"
# What git has kept of the texts of versions, if the user has asked for it.
_CACHE: Final = f"refs/notes/textconv/{DRIVER}"
# Whatever Python it was written for; a per cent sign in its path is two.
_OURS: Final = re.compile(r".+ -m pytest_recorded (textconv|merge)( .*)?")
_HOW_TO_DROP: Final = "To have ours instead, take it away: git config --local --unset-all {name}"


class State(NamedTuple):
    """How a repository stands.

    Attributes:
        patterns: Of the files that are cassettes, as they stand in `.gitattributes`.
        python: The Python that git runs for them; `""` if none is configured.
        problems: What is missing or wrong, each in a sentence that says what to do.
        changed: What was changed just now.

    """

    patterns: list[str]
    python: str
    problems: list[str]
    changed: list[str]


def install(repository: Repository, patterns: Sequence[str]) -> State:
    """Let git read and merge cassettes in this clone.

    Args:
        repository: The repository, and the cassette in it.
        patterns: Of further cassettes, as `.gitattributes` has them.

    Raises:
        UsageError: Something of somebody else's is in the way, or nothing may be written. Nothing is changed then, or
            what is changed does no harm.

    """
    for pattern in patterns:
        if not pattern.strip() or pattern.startswith("!"):
            raise UsageError(
                f"--pattern={pattern!r}: git takes no such pattern. Write it as in --pattern='cassettes/*.db'"
            )
    found = _local(repository.top)
    _need_ours(found)
    _need_no_driver(repository, patterns)
    file = _attributes_file(repository.top)
    changed = []
    for name, value in _wanted().items():
        # A user may have his own mind about what is no command.
        if found.get(name, []) != [value] and (name in (TEXTCONV, MERGE) or name not in found):
            _configure(repository.top, "--replace-all", name, value)
            changed.append(f"{'changed' if name in found else 'set'} {name}")
    lines = [file_pattern(repository.path), *(quoted(pattern.strip()) for pattern in patterns)]
    changed += _rewrite(file, lambda content: with_marks(content, lines))
    return look(repository)._replace(changed=changed)


def uninstall(repository: Repository) -> State:
    """Take away what `install` has written, and nothing else.

    Raises:
        UsageError: Something may not be written.

    """
    found, changed = _local(repository.top), []
    for name, value in reversed(_wanted().items()):
        is_command = name in (TEXTCONV, MERGE)
        is_ours = all(map(_is_ours, found.get(name, []))) if is_command else found.get(name) == [value]
        if name in found and is_ours:
            _configure(repository.top, "--unset-all", name)
            changed.append(f"unset {name}")
    changed += _rewrite(_attributes_file(repository.top), without_marks)
    if run_git(repository.top, "rev-parse", "--verify", "--quiet", _CACHE)[0]:
        run_git(repository.top, "update-ref", "-d", _CACHE)
    return State([], "", [], changed)


def look(repository: Repository) -> State:
    """Return how a repository stands, for one cassette and for this clone."""
    values = {name: found[-1] for name, found in _config(repository.top).items()}
    commands = {name: values.get(name, "") for name in (TEXTCONV, MERGE)}
    problems = [problem for name, command in commands.items() if (problem := _problem_of(name, command))]
    problems += _unmarked(repository)
    if not problems and not commands[TEXTCONV].endswith(f"={FORMAT}"):
        problems.append("the configuration is of another version of pytest-recorded")
    content = _read(repository.top / ".gitattributes")
    return State(marked(content), _python(commands[TEXTCONV]), problems, [])


def _wanted() -> dict[str, str]:
    if not sys.executable:
        raise UsageError("this Python does not know where it is (sys.executable is empty). Run it by its path.")
    # A module of the repository's own with the name of one that we use is not ours to run: -P.
    command = f"{shlex.quote(Path(sys.executable).as_posix())} -P -m pytest_recorded"
    return {
        TEXTCONV: f"{command} textconv --format={FORMAT}",
        f"diff.{DRIVER}.xfuncname": "^([^ ].*)$",
        # git before 2.44 leaves the labels as they stand here.
        MERGE: f"{command.replace('%', '%%')} merge %O %A %B --path %P --marker-size %L --labels %X %Y",
        # The last one: git refuses to merge anything by a driver that has a name and no command.
        f"merge.{DRIVER}.name": "recorded calls, by their addresses",
    }


def _is_ours(command: str) -> bool:
    return _OURS.fullmatch(command) is not None


def _python(command: str) -> str:
    """Return the Python of a command of ours; `""` if it is none."""
    try:
        return shlex.split(command)[0] if _is_ours(command) else ""
    except ValueError:
        return ""


def _problem_of(name: str, command: str) -> str:
    """Return what is wrong with a command of the configuration; `""` if nothing is."""
    if not command:
        return f"{name} is not configured in this clone"
    if not _is_ours(command):
        return f"{name} is another command: {command}"
    python = _python(command.replace("%%", "%"))
    if shutil.which(python) is None:
        return f"{name} runs {python}, which is gone"
    if Path(python) != Path(sys.executable) and not _has_us(python):
        return f"{name} runs {python}, which has no pytest-recorded"
    return ""


def _has_us(python: str) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - the user's own configuration, which git would run
            [python, "-P", "-c", "import pytest_recorded"], stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError:
        return False
    return done.returncode == 0


def _config(top: Path, *scope: str) -> dict[str, list[str]]:
    """Return what is configured about our drivers, all values of each name."""
    said, _ = run_git(top, "config", *scope, "--null", "--list")
    found: dict[str, list[str]] = {}
    for entry in said.split("\0"):
        name, _, value = entry.partition("\n")
        if name.startswith((f"diff.{DRIVER}.", f"merge.{DRIVER}.")):
            found.setdefault(name, []).append(value)
    return found


def _local(top: Path) -> dict[str, list[str]]:
    return _config(top, "--local")


def _configure(top: Path, *arguments: str) -> None:
    _, problem = run_git(top, "config", "--local", *arguments)
    if problem:
        raise UsageError(
            f"git could not write the configuration of {top} ({problem.removeprefix('error: ')}). Give this user the "
            f"right to write to it, or see who else is writing, and run this again."
        )


def _need_ours(found: dict[str, list[str]]) -> None:
    """Raise if a command that is configured is somebody else's."""
    for name in (TEXTCONV, MERGE):
        for command in found.get(name, []):
            if not _is_ours(command):
                raise UsageError(
                    f"{name} is configured already, as another command: {command}. It is left as it is. "
                    f"{_HOW_TO_DROP.format(name=name)}"
                )


def _need_no_driver(repository: Repository, patterns: Iterable[str]) -> None:
    """Raise if files have drivers of somebody else's, by whichever file of attributes that is."""
    paths = [repository.path, *_matching(repository.top, patterns)]
    for path, (diff, merge, _) in _attributes(repository.top, paths).items():
        for name, driver in (("diff", diff), ("merge", merge)):
            if driver not in _TAKEN_OVER:
                lfs = " What is in Git LFS is a pointer to git, which can neither show nor merge the file itself."
                raise UsageError(
                    f"{path} has the attribute {name}={driver} already, which is left as it is. To have ours, take it "
                    f"away from where it stands: a .gitattributes in the root or in a folder of the file, "
                    f".git/info/attributes, or what core.attributesFile names.{lfs if driver == 'lfs' else ''}"
                )


# What says nothing of a driver, as `*.db binary` does: the last line holds.
_TAKEN_OVER: Final = ("unspecified", "unset", "set", DRIVER)


def _matching(top: Path, patterns: Iterable[str]) -> list[str]:
    """Return the files of a repository that patterns name."""
    paths = [f":(glob){pattern.strip().removeprefix('/')}" for pattern in patterns]
    return run_git(top, "ls-files", "-z", "--", *paths)[0].split("\0")[:-1] if paths else []


def _attributes(top: Path, paths: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    """Return of files which drivers they have for diffs and for merges, and whether they are text, as git has it."""
    said, _ = run_git(top, "check-attr", "-z", "diff", "merge", "text", "--", *paths)
    parts = said.split("\0")[:-1]
    values = {(path, name): value for path, name, value in zip(*[iter(parts)] * 3, strict=True)}
    return {path: (values[path, "diff"], values[path, "merge"], values[path, "text"]) for path, _ in values}


def _unmarked(repository: Repository) -> list[str]:
    """Return what is wrong with the attributes of the cassette."""
    *drivers, text = _attributes(repository.top, [repository.path]).get(repository.path, ("", "", ""))
    # By `auto` a file with NUL bytes is no text; by `text` its line ends are changed, which damages it.
    if drivers == [DRIVER, DRIVER] and text in ("unset", "auto"):
        return []
    if file_pattern(repository.path) in marked(_read(repository.top / ".gitattributes")):
        problem = (
            f"{repository.path} has a line in .gitattributes, and another one says otherwise: below it, in a "
            f".gitattributes of its folder, or in .git/info/attributes. Take that away"
        )
        return [problem]
    return [f".gitattributes does not say that {repository.path} is a cassette"]


def _attributes_file(top: Path) -> Path:
    file = top / ".gitattributes"
    if file.is_symlink():
        raise UsageError(
            f"{file} is a link, and git reads no attributes from links. Make it a file, and run this again."
        )
    if file.is_dir():
        raise UsageError(f"{file} is a folder, where git expects a file. Move it away, and run this again.")
    return file


def _read(file: Path) -> bytes:
    return file.read_bytes() if file.is_file() else b""


def _rewrite(file: Path, change: Callable[[bytes], bytes]) -> list[str]:
    """Change a file in one step; one that is empty then goes. Return what was done, in words."""
    before = _read(file)
    after = change(before)
    if after == before:
        return []
    if not after:
        file.unlink()
        return [f"removed {file.name}"]
    made = file.with_name(f"{file.name}.{DRIVER}")
    try:
        made.write_bytes(after)
        if file.exists():
            shutil.copymode(file, made)
        made.replace(file)
    except OSError as error:
        if made.is_file():
            made.unlink()
        raise UsageError(
            f"{file} could not be written ({error.strerror}). Give this user the right to write to {file.parent}, and "
            f"run this again."
        ) from None
    return [f"{'changed' if before else 'made'} {file.name}"]
