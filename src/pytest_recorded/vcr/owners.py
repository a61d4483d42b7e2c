"""Which tests a cassette belongs to: pytest-recording and cassetter name it after its test.

The test is looked for in the source of its module, which is never imported. The name of a file has lost what no file
may be called, and what is too long for one; both are undone as far as the source tells.
"""

from __future__ import annotations

import ast
import os
import re
from dataclasses import dataclass, field
from hashlib import md5
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .parse import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Owner", "Owners", "files_below", "stem_of"]

_FORBIDDEN: Final = str.maketrans(dict.fromkeys("<>?%*:|\"'/\\", "-"))
_CUT: Final = re.compile(r"(?P<start>.*)\.\.\.(?P<digest>[0-9a-f]{32})", re.DOTALL)
_MODULE: Final = re.compile(r"test_.*\.py|.*_test\.py")
_NOT_OURS: Final = frozenset({"node_modules", "site-packages", "__pycache__"})


class Owner(NamedTuple):
    """A test that a cassette belongs to.

    Attributes:
        file: Its module.
        rest: What follows the module in its node id.
        is_extra: Whether the cassette is one besides the test's own.

    """

    file: Path
    rest: str
    is_extra: bool = False


def files_below(root: Path) -> Iterator[Path]:
    """Yield the files of a project in their order: not those of environments, packages and hidden folders."""
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(
            name
            for name in inner
            if not (name.startswith(".") or name in _NOT_OURS or Path(folder, name, "pyvenv.cfg").exists())
        )
        yield from (Path(folder, name) for name in sorted(names))


def stem_of(path: Path) -> str:
    """Return a file's name without what says how it is written; a test's parameter may have points, too."""
    return path.name[: -len(path.suffix)] if path.suffix.lower() in SUFFIXES else path.name


@dataclass
class _Test:
    """A test function as its source has it."""

    classes: tuple[str, ...]
    name: str
    is_parametrized: bool
    # The cassettes that markers name: its own, and others besides.
    own: set[str] = field(default_factory=set)
    extra: set[str] = field(default_factory=set)

    @property
    def rest(self) -> str:
        return "::".join((*self.classes, self.name))

    @property
    def base(self) -> str:
        """What its cassette is called, without parameters."""
        return ".".join((*self.classes[-1:], self.name))


class Owners:
    """The tests below a folder.

    Args:
        root: The folder of the suite.

    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[Path, _Module] = {}
        self._all: list[Path] | None = None

    def of(self, path: Path) -> list[Owner]:
        """Return the tests that a cassette belongs to; none if that cannot be told."""
        stem, module = stem_of(path), self._module_for(path.parent)
        found = [] if module is None else module.tests(stem) + module.named(path)
        if found:
            return found
        modules = [self._module(file) for file in self._files()]
        found = [owner for other in modules for owner in other.named(path)]
        if found or module is not None:
            return found
        # All cassettes in one folder: their names have to tell.
        found = [owner for other in modules for owner in other.tests(stem)]
        return found if len(found) == 1 else []

    def _module_for(self, folder: Path) -> _Module | None:
        """Return the module that a folder is named after: above it, or else the only one of that name."""
        name = f"{folder.name}.py"
        for above in folder.parents:
            if not above.is_relative_to(self._root) and above != folder.parent.parent:
                break
            if (file := above / name).is_file():
                return self._module(file)
        files = [file for file in self._files() if file.name == name]
        return self._module(files[0]) if len(files) == 1 else None

    def _module(self, file: Path) -> _Module:
        if file not in self._known:
            self._known[file] = _Module(file)
        return self._known[file]

    def _files(self) -> list[Path]:
        """Return the modules with tests."""
        if self._all is None:
            self._all = [file for file in files_below(self._root) if _MODULE.fullmatch(file.name)]
        return self._all


class _Module:
    """The tests of a module."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._tests: list[_Test] = []
        self._texts: list[str] = []
        # Classes that may have inherited tests.
        self._heirs: list[tuple[str, ...]] = []
        try:
            tree = ast.parse(file.read_bytes())
        except (OSError, SyntaxError, ValueError, RecursionError):
            return
        self._texts = [
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        self._read(tree.body, (), [*_assigned_marks(tree.body)])

    def _read(self, body: list[ast.stmt], classes: tuple[str, ...], marks: list[Any]) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self._tests.append(_test(node.name, classes, [*node.decorator_list, *marks]))
            elif isinstance(node, ast.ClassDef):
                inner = (*classes, node.name)
                if node.bases:
                    self._heirs.append(inner)
                self._read(node.body, inner, [*node.decorator_list, *_assigned_marks(node.body), *marks])
            elif isinstance(node, ast.If | ast.Try | ast.With):
                self._read(node.body, classes, marks)

    def named(self, path: Path) -> list[Owner]:
        """Return the tests whose markers name a cassette."""
        found = []
        for test in self._tests:
            is_own = any(_leads_to(name, path) for name in test.own)
            if test.is_parametrized or not (is_own or any(_leads_to(name, path) for name in test.extra)):
                continue
            found.append(Owner(self.file, test.rest, not is_own))
        return found

    def tests(self, stem: str) -> list[Owner]:
        """Return the tests whose cassette has a name: one, unless classes in classes share it."""
        cut = _CUT.fullmatch(stem)
        if cut is not None:
            return [Owner(self.file, rest) for rest in self._cut(cut["start"], cut["digest"])]
        base, bracket, parameters = stem.partition("[")
        rests = [test.rest for test in self._tests if base in (test.base, test.base.translate(_FORBIDDEN))]
        if not rests:
            first, point, name = base.rpartition(".")
            rests = ["::".join((*classes, name)) for classes in self._heirs if point and classes[-1] == first]
        if len(rests) > 1:
            return []
        return [Owner(self.file, rest + bracket + self._restored(parameters)) for rest in rests]

    def _restored(self, parameters: str) -> str:
        """Return parameters with the letters that a file's name has lost, if the source has a text that they fit."""
        for text in sorted(self._texts, key=len, reverse=True):
            shown = _as_id(text)
            lost = shown.translate(_FORBIDDEN)
            if lost == shown or not re.search(r"\w", lost) or parameters.removesuffix("]") in self._texts:
                continue
            pattern = rf"(?<![^-]){re.escape(lost)}(?=[\]-]|$)"
            # As a replacement a backslash stands for itself when there are two.
            parameters = re.sub(pattern, shown.replace("\\", r"\\"), parameters)
        return parameters

    def _cut(self, start: str, digest: str) -> Iterator[str]:
        """Yield the tests whose names were cut to this: those whose parameter is a text of the source."""
        for test in self._tests:
            if not (test.base.startswith(start) or start.startswith(test.base)):
                continue
            for parameters in ("", *(f"[{_as_id(text)}]" for text in self._texts)):
                if _digest(f"{test.base}{parameters}".translate(_FORBIDDEN)) == digest:
                    yield test.rest + parameters
                    break


def _digest(name: str) -> str:
    return md5(name.encode(), usedforsecurity=False).hexdigest()


def _as_id(text: str) -> str:
    """Return a text as pytest shows it in a test's id."""
    return text.encode("unicode_escape").decode("ascii")


def _leads_to(name: str, path: Path) -> bool:
    """Return whether a name in a marker is that of a file."""
    name = name if Path(name).suffix.lower() in SUFFIXES else name + path.suffix
    return f"/{path.as_posix()}".endswith("/" + name.removeprefix("./").lstrip("/"))


def _test(name: str, classes: tuple[str, ...], marks: list[Any]) -> _Test:
    test = _Test(classes, name, is_parametrized=False)
    for mark in marks:
        if not isinstance(mark, ast.Call):
            continue
        called = ast.unparse(mark.func).rpartition(".")[2]
        names = {arg.value for arg in mark.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)}
        if called == "parametrize":
            test.is_parametrized = True
        elif called == "default_cassette":
            test.own |= names
        elif called == "vcr":
            test.extra |= names
    return test


def _assigned_marks(body: list[ast.stmt]) -> Iterator[Any]:
    """Yield what `pytestmark` is set to."""
    for node in body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets
        ):
            yield from node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else [node.value]
