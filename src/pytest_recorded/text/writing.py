"""Writing a cassette down as text.

The law of this file: memory is that of one call, and each file appears complete or not at all. Nothing is overwritten
and nothing removed but what an export has written.
"""

from __future__ import annotations

import filecmp
import os
from contextlib import contextmanager, suppress
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

from ..changes.views import Side
from ..entry import write_entry, written
from ..errors import UsageError
from ..jsontext import indented, one_line
from .format import HEADER_FILE, Header, header_of, is_header, scope_in, test_tree
from .names import SUFFIX, file_names, possible_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..changes.comparing import Terms
    from ..changes.files import Recorded
    from ..entry import Entry

__all__ = ["Exported", "Source", "export_file", "export_folder", "export_lines"]

_UNFINISHED: Final = ".pytest-recorded.new"
# Calls are items of a list in an object.
_MARGIN: Final = "    "


class Exported(NamedTuple):
    """What was exported.

    Attributes:
        calls: How many calls.
        written: The files that were written, as they have changed.
        removed: The files of tests that are gone, which were removed.

    """

    calls: int
    written: tuple[Path, ...] = ()
    removed: tuple[Path, ...] = ()


class Source:
    """The calls of a file that are to be written down.

    Args:
        file: The file.
        terms: Of which tests and kinds.

    Raises:
        CassetteError: The file is damaged; whatever is asked of it may raise that.

    """

    def __init__(self, file: Recorded, terms: Terms) -> None:
        self._file = file
        self._terms = terms
        self.shown = file.shown
        facts, ids, counted = file.facts(), set(), 0
        scopes: dict[str, None] = {}
        # Before anything is written, as what is damaged is found on the way.
        for entry in self.entries():
            scopes[entry.row.scope] = None
            counted += 1
            if facts:
                ids.add(entry.row.id)
        #: How many calls there are, and whose.
        self.calls, self.scopes = counted, list(scopes)
        header = Header(facts, terms.tests, terms.kinds)
        #: What is said before them.
        self.header = header if header.is_whole else header._replace(facts=_facts_about(ids, facts))

    def entries(self) -> Iterator[Entry]:
        """Yield the calls, in the order of their addresses."""
        terms = self._terms
        for entry in self._file.entries():
            tests = (entry.row.scope,) if entry.row.scope else entry.users or ("",)
            if any(map(terms.takes_test, tests)) and terms.takes(Side(entry.row, entry.chunks)):
                yield entry


def _facts_about(ids: set[str], facts: dict[str, str]) -> dict[str, str]:
    """Return facts without those about other calls: these have the id of theirs in their names, as `conflict:<id>`."""
    return {name: value for name, value in facts.items() if ":" not in name or name.rpartition(":")[2] in ids}


def export_lines(source: Source, write: Callable[[str], Any]) -> Exported:
    """Write the header and then each call on a line; `write` takes a line with its line break.

    Raises:
        CassetteError: The file is damaged.
        SerializationError: A row is none that a sound file has.

    """
    write(f"{one_line(source.header.tree())}\n")
    for entry in source.entries():
        write(f"{write_entry(entry)}\n")
    return Exported(source.calls)


def export_file(source: Source, path: Path) -> Exported:
    """Write a file with a call a line.

    Raises:
        CassetteError: The file is damaged.
        OSError: The file cannot be written.
        SerializationError: A row is none that a sound file has.
        UsageError: Another file is there.

    """
    path = Path(os.path.realpath(path))
    if path.exists() and not is_header(path):
        raise UsageError(f"{path} was not written by pytest-recorded export, and is left as it is. Name another file.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with _replacing(path) as (file, changed):
        export_lines(source, file.write)
    return Exported(source.calls, tuple(changed))


def export_folder(source: Source, folder: Path) -> Exported:
    """Write a folder with a file for each test, and remove those of tests that are gone.

    Raises:
        CassetteError: The file is damaged.
        OSError: A file cannot be written.
        SerializationError: A row is none that a sound file has.
        UsageError: Other files are in the way, or what the folder has was exported of other tests or kinds.

    """
    return _Folder(source, folder).export()


class _Folder:
    def __init__(self, source: Source, folder: Path) -> None:
        self._source = source
        self._folder = folder
        self._names = file_names(source.scopes)
        self._written: list[Path] = []

    def export(self) -> Exported:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._check()
        # First: a file system may take the name of one of them for that of one that is to come.
        for path in self._gone:
            path.unlink(missing_ok=True)
        with self._file(HEADER_FILE) as file:
            file.write(f"{indented(self._source.header.tree())}\n")
        for scope, entries in groupby(self._source.entries(), key=lambda entry: entry.row.scope):
            with self._file(self._names[scope]) as file:
                _write_test(scope, entries, file)
        return Exported(self._source.calls, tuple(self._written), tuple(self._gone))

    def _check(self) -> None:
        """Raise `UsageError` unless nothing is in the way."""
        header = self._folder / HEADER_FILE
        if is_header(header):
            before = header_of(header.read_text("utf-8-sig"), str(header))
            if (before.tests, before.kinds) != (self._source.header.tests, self._source.header.kinds):
                raise UsageError(
                    f"{self._folder} was exported with {_filters(before)}, and would be of other calls. "
                    f"Name another folder, or export with the same."
                )
        for name in (HEADER_FILE, *self._names.values()):
            path = self._folder / name
            is_ours = is_header(path) if name == HEADER_FILE else scope_in(path) is not None
            if not is_ours and os.path.lexists(path):
                raise UsageError(
                    f"{path} was not written by pytest-recorded export, and is left as it is. Name another folder."
                )

    @cached_property
    def _gone(self) -> list[Path]:
        """The files of tests that have no calls, of those that an export has written and named."""
        kept = set(self._names.values())
        return [
            path
            for path in sorted(self._folder.glob(f"*{SUFFIX}"))
            if path.name not in kept and (scope := scope_in(path)) is not None and path.name in possible_names(scope)
        ]

    @contextmanager
    def _file(self, name: str) -> Iterator[IO[str]]:
        with _replacing(self._folder / name) as (file, changed):
            yield file
        self._written += changed


def _filters(header: Header) -> str:
    given = [f"--test={glob}" for glob in header.tests] + [f"--kind={glob}" for glob in header.kinds]
    return " ".join(given) or "neither --test nor --kind"


def _write_test(scope: str, entries: Iterator[Entry], file: IO[str]) -> None:
    """Write the file of a test, a call after the other."""
    # Around nothing, as what is around the calls is the same whatever they are.
    beginning, _, end = indented({**test_tree(scope), "calls": [[]]}).rpartition("[]")
    for number, entry in enumerate(entries):
        file.write(f",\n{_MARGIN}" if number else beginning)
        file.write(written(entry, _without_scope))
    file.write(f"{end}\n")


def _without_scope(tree: dict[str, Any]) -> str:
    """Return a call as JSON for people; the file says whose it is."""
    return indented({name: part for name, part in tree.items() if name != "scope"}, _MARGIN)


@contextmanager
def _replacing(path: Path) -> Iterator[tuple[IO[str], list[Path]]]:
    """Lend a file that takes the place of another when it is complete, and a list that then has it if it differs."""
    made, changed = path.with_name(_UNFINISHED), list[Path]()
    made.unlink(missing_ok=True)
    try:
        with made.open("x", encoding="utf-8", newline="\n") as file:
            yield file, changed
        if not path.exists() or not filecmp.cmp(made, path, shallow=False):
            made.replace(path)
            changed.append(path)
    finally:
        with suppress(OSError):
            made.unlink(missing_ok=True)
