"""Which of the tests that a cassette names there still are.

The law of this file: what is not certainly gone is there. Certain is that a file does not exist; and of a file in which
all tests were looked for, that neither such a test was found nor the file defines one, on whichever platform.
"""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

__all__ = [
    "INSTALLED",
    "NOT_FOUND",
    "OTHER_PARAMETERS",
    "Name",
    "Roll",
    "below",
    "folder_of",
    "is_of",
    "renamed",
    "split",
]

#: Folders of an environment that have what is installed in it.
INSTALLED: Final = frozenset(("site-packages", "dist-packages"))
NOT_FOUND: Final = "test not found"
OTHER_PARAMETERS: Final = "not among its parameters here"

# What follows a name in the names below it: tests of a file or a class, parametrisations, shared fixtures.
_BELOW: Final = ("::", "[", "@")
_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_HOLDERS: Final = (ast.stmt, ast.excepthandler, ast.match_case)


class Name(NamedTuple):
    """The parts of a scope's name.

    Attributes:
        file: The test's file, or what a shared fixture is of; `""` for a block with a name of its own.
        inside: The classes in it and the function, or the fixture, without parameters.
        is_fixture: Whether it is a shared fixture's.

    """

    file: str
    inside: tuple[str, ...] = ()
    is_fixture: bool = False


def split(scope: str) -> Name:
    """Return the parts of a scope's name."""
    file, inside, rest = scope.partition("[")[0].partition("::")
    if inside:
        return Name(file, tuple(rest.replace("@", "::").split("::")), "@" in rest)
    file, at, fixture = file.rpartition("@")
    return Name(file, (fixture,), is_fixture=True) if at else Name("")


def below(known: Iterable[str], name: str) -> list[str]:
    """Return a name and those below it: of a file's or a class's tests, of a folder's files, of shared fixtures."""
    name, known = name.rstrip("/"), list(known)
    found = [one for one in known if one == name or (name and one.startswith(tuple(name + end for end in _BELOW)))]
    if name and all(one.startswith(f"{name}@") for one in found):
        # Only a folder has nothing but these; the name of a block may have a slash as well.
        found += [one for one in known if one.startswith(f"{name}/")]
    return found


def renamed(known: Collection[str], old: str, new: str) -> tuple[dict[str, str], list[str]]:
    """Return the names that change with one of them, each with the one to have; and which of those are taken."""
    names = {name: new + name[len(old) :] for name in below(known, old)}
    wanted = set(names.values()) - names.keys()
    return names, [name for name in known if name in wanted]


def folder_of(cassette: Path) -> Path:
    """Return the folder of a cassette's suite: the cassette's own, or the one above if that is called `cassettes`."""
    folder = Path(os.path.normpath(cassette)).parent
    return folder.parent if folder.name == "cassettes" else folder


def is_of(folder: Path, root: Path) -> bool:
    """Return whether a folder is one of a project, below its rootdir, and not in an environment that lies there."""
    return folder.is_relative_to(root) and INSTALLED.isdisjoint(folder.relative_to(root).parts)


class Roll:
    """What a run of pytest knows of the tests that there are.

    Args:
        cassette: The cassette.
        root: The rootdir.
        tests: The names of the tests that were found, whether they were selected or not.
        files: The files, by their names, in which all tests were looked for.

    """

    def __init__(self, cassette: Path, root: Path, tests: Collection[str], files: Collection[str]) -> None:
        self._folders = _folders(folder_of(cassette), root)
        self.tests = frozenset(tests)
        self._files = frozenset(files)
        self._found = {split(test)[:2] for test in self.tests}
        self._places: dict[str, Path | None] = {}
        self._defined: dict[str, frozenset[tuple[str, ...]] | None] = {}

    def lack(self, scope: str) -> str:
        """Return in words why a test, or a shared fixture, is not there any more; `""` if it is, or nobody knows."""
        name = split(scope)
        # What is neither in a file nor in a folder is the name of a block.
        is_place = Path(name.file).suffix or (name.is_fixture and "/" in name.file)
        if not is_place or scope in self.tests:
            return ""
        if self.is_missing(name.file):
            return NOT_FOUND
        if name.is_fixture or name.file not in self._files:
            return ""
        if name[:2] in self._found:
            return OTHER_PARAMETERS
        return "" if self._defines(name) else NOT_FOUND

    def is_gone(self, scope: str) -> bool:
        """Return whether a test, or a shared fixture, is certainly not there any more."""
        return self.lack(scope) == NOT_FOUND

    def is_missing(self, file: str) -> bool:
        """Return whether a file, or a folder, does not exist."""
        return bool(self._folders) and self._place(file) is None

    def mentions(self, fixture: Name) -> bool:
        """Return whether the file of a shared fixture, or the conftest of its folder, has a fixture of that name."""
        place = self._place(fixture.file)
        try:
            text = (place / "conftest.py" if place and place.is_dir() else place or Path()).read_bytes()
        except OSError:
            return False
        return re.search(rf"\b{re.escape(fixture.inside[-1])}\b".encode(), text) is not None

    def knows(self, scope: str) -> bool:
        """Return whether all tests were looked for in the file of a test, if there is such a file."""
        file = split(scope).file
        place = self._place(file)
        return not file or self.is_missing(file) or file in self._files or (place is not None and place.is_dir())

    def _place(self, file: str) -> Path | None:
        if file not in self._places:
            places = (folder / file for folder in self._folders)
            self._places[file] = next((place for place in places if place.exists()), None)
        return self._places[file]

    def _defines(self, name: Name) -> bool:
        """Return whether a file has, or may have, a definition of a test, if under a condition that is not met here."""
        if name.file not in self._defined:
            self._defined[name.file] = _defined_in(self._place(name.file))
        defined = self._defined[name.file]
        if defined is None or name.inside in defined:
            return True
        *around, function = name.inside
        # A class may have it of another one.
        return tuple(around) in defined and any(len(one) > 1 and one[-1] == function for one in defined)


def _folders(folder: Path, root: Path) -> tuple[Path, ...]:
    """Return from where files are named; none if tests of another rootdir may be named from there, unseen from here."""
    if root.is_relative_to(folder):
        return (folder,)
    return (folder, root) if is_of(folder, root) else ()


def _defined_in(place: Path | None) -> frozenset[tuple[str, ...]] | None:
    """Return the names of functions and classes in a file, with those of the classes around them; None if unknown."""
    if place is None or place.suffix != ".py":
        return frozenset()
    try:
        return frozenset(_definitions(ast.parse(place.read_bytes()), ()))
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None


def _definitions(node: ast.AST, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _DEFINITIONS):
            yield (*above, child.name)
            if isinstance(child, ast.ClassDef):
                yield from _definitions(child, (*above, child.name))
        elif isinstance(child, _HOLDERS):
            yield from _definitions(child, above)
