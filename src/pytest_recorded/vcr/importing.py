"""Cassettes of vcrpy and cassetter, written as rows of ours.

A row has the key, the redaction and the numbering that our own recording of its request would have: the calls of a file
pass a `Scope`, in their order, as the calls of a test do. The cassette is then built as after every session.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus

from ..codec import to_text
from ..drift import same_answer
from ..errors import ConfigurationError, SerializationError, UsageError
from ..http.exchange import HttpCall
from ..job import Answer, Status
from ..modes import RecordMode
from ..redact import Mask
from ..scope import Scope
from ..staging import Session
from ..store.build import Changes, build, exclusive
from ..suite import Suite
from ..takeover import final_row
from ..workplace import workshop
from .interactions import read_tree
from .owners import Owners, files_below, stem_of
from .parse import SUFFIXES, Unreadable, parse_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..call import Ticket
    from ..job import Row
    from ..message import HttpRequest
    from ..options import Options
    from .interactions import Interaction, Reading
    from .owners import Owner

__all__ = ["FileReport", "Importer", "Report"]

# When that is not known. A file's own time would be another one after each checkout.
_UNKNOWN: Final = "1970-01-01T00:00:00.000000Z"
#: What cassetter puts in the place of secrets.
_FILTERED: Final = "[FILTERED]"
# Looks like a credential, so that it is hidden wherever a credential would be.
_CREDENTIAL: Final = "Zq7Fi1t3r3dVa1u3Xk9"
# What often stands for a secret.
_STAND_IN: Final = re.compile(r"(?<![A-Za-z0-9])(?:REDACTED|FILTERED|SCRUBBED|CENSORED|\*{3,}|X{4,})(?![A-Za-z0-9])")
# No library makes these calls: what a seam adds to one is not asked for.
_Asked: Final[Any] = HttpCall


@dataclass
class FileReport:
    """What became of a file.

    Attributes:
        path: The file.
        tool: Who wrote it: `vcrpy` or `cassetter`; `""` if it could not be read.
        scopes: Whose its calls are now.
        has_test: Whether those are tests that were found.
        taken: Rows that were added.
        replaced: Rows that were put in the place of others.
        there: Rows that the cassette had already, with the same answer.
        kept: Rows that the cassette had already, with another answer, and has still.
        refused: Why calls were not taken, and how many.
        notes: What whoever replays them should know, and of how many calls.
        problem: Why nothing was taken; `""` if the file could be read.
        is_skipped: Whether it was found in a folder and is no cassette.

    """

    path: str
    tool: str = ""
    scopes: list[str] = field(default_factory=list)
    has_test: bool = False
    taken: int = 0
    replaced: int = 0
    there: int = 0
    kept: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    problem: str = ""
    is_skipped: bool = False


@dataclass
class Report:
    """What became of all files.

    Attributes:
        cassette: Where the rows are.
        is_dry: Whether nothing was written, because nothing was to be.
        files: What became of each, in the order in which they were read.

    """

    cassette: str
    is_dry: bool
    files: list[FileReport] = field(default_factory=list)

    def total(self, name: str) -> int:
        """Return a number over all files."""
        return sum(getattr(file, name) for file in self.files)

    @property
    def refused(self) -> int:
        """How many calls were not taken."""
        return sum(sum(file.refused.values()) for file in self.files)

    @property
    def is_complete(self) -> bool:
        """Whether everything was taken, or is there already."""
        return not self.refused and not any(file.problem and not file.is_skipped for file in self.files)


@dataclass
class _File:
    """A file on its way.

    Attributes:
        path: The file.
        folder: The folder that was named, and the file found in; None if the file itself was.
        report: What became of it.
        reading: What it holds.
        owners: The tests that it belongs to.

    """

    path: Path
    folder: Path | None
    report: FileReport
    reading: Reading | None = None
    owners: list[Owner] = field(default_factory=list)

    @property
    def order(self) -> tuple[bool, str]:
        """Where it stands among the files: a test's own cassette is replayed before others that it names."""
        return any(owner.is_extra for owner in self.owners), self.path.as_posix()


class Importer:
    """Imports files into one cassette.

    Args:
        cassette: The cassette; it need not exist.
        options: `match`, `ignore` and `redact`, as the suite will replay with.
        scope: Whose the calls of a single file are: a name, or a test's node id; by default what its place tells.
        replaces: Whether rows that the cassette has already are replaced.
        is_dry: Whether nothing is to be written.
        placeholders: What stands for secrets in the files, besides `[FILTERED]` in those of cassetter.

    """

    def __init__(
        self,
        cassette: Path,
        options: Options,
        *,
        scope: str = "",
        replaces: bool = False,
        is_dry: bool = False,
        placeholders: Iterable[str] = (),
    ) -> None:
        self._cassette = cassette
        self._options = replace(options, mode=RecordMode.NONE, cassette=str(cassette), scope="test")
        self._scope = scope
        self._replaces = replaces
        self._is_dry = is_dry
        self._placeholders = tuple(placeholders)
        if not all(text.strip() for text in self._placeholders):
            raise ConfigurationError("--placeholder is empty. Name the text that stands for secrets: '<TOKEN>'.")
        self._suite: Suite
        self._scopes: dict[str, Scope] = {}
        self._changes = Changes()

    def run(self, paths: Iterable[Path], progress: Callable[[int, int], None] = lambda _done, _all: None) -> Report:
        """Import files, and folders with all that is in them.

        Args:
            paths: Where they are.
            progress: Told how many of how many files have been read.

        Raises:
            UsageError: A path does not exist, no cassettes are there, or a scope is given for several.
            CassetteError: The cassette cannot be read or written.

        """
        files = list(_found(paths))
        if not files:
            raise UsageError(f"no cassettes there. They are called {', '.join(sorted(SUFFIXES))}.")
        if self._scope and len(files) > 1:
            raise UsageError(
                f"these are {len(files)} files, and a scope is one file's. Import them one by one, or without it."
            )
        self._suite = Suite(self._cassette.absolute(), Session.new(RecordMode.NONE))
        with contextlib.closing(self._suite):
            owners = Owners(self._suite.folder)
            for done, file in enumerate(files):
                progress(done, len(files))
                self._read(file, owners)
            progress(len(files), len(files))
            self._merge(sorted(files, key=lambda file: file.order))
        return Report(str(self._cassette), self._is_dry, [file.report for file in files])

    def _read(self, file: _File, owners: Owners) -> None:
        try:
            file.reading = read_tree(parse_file(file.path))
        except Unreadable as error:
            file.report.problem = str(error)
            file.report.is_skipped = file.folder is not None and error.is_foreign
            return
        file.report.tool = file.reading.tool
        file.report.refused = file.reading.refused
        if not self._scope:
            file.owners = owners.of(file.path)

    def _merge(self, files: list[_File]) -> None:
        with contextlib.ExitStack() as stack:
            folder = None
            if not self._is_dry and any(file.reading and file.reading.interactions for file in files):
                folder = workshop(self._suite.path)
                stack.enter_context(exclusive(folder / f"{self._suite.path.name}.lock"))
                # What another session has added in the meantime is there, too.
                self._suite.reopen()
            taken_by: dict[str, _File] = {}
            for file in files:
                if file.reading is not None:
                    self._add(file, file.reading, taken_by)
            if folder is not None and self._changes:
                self._suite.close()
                build(self._suite.path, self._changes, folder)

    def _add(self, file: _File, reading: Reading, taken_by: dict[str, _File]) -> None:
        report = file.report
        report.scopes, report.has_test = self._names(file)
        for name in report.scopes:
            other = taken_by.setdefault(name, file)
            if other is not file and (_is_twin(other.path, file.path) or not report.has_test):
                report.is_skipped = _is_twin(other.path, file.path)
                hint = "" if report.is_skipped else " Import it alone, with --scope."
                report.problem = f"not taken: the calls of {name} are those of {other.report.path} already.{hint}"
                report.scopes = []
                return
            for interaction in reading.interactions:
                self._take(self._scope_of(name), interaction, report)

    def _names(self, file: _File) -> tuple[list[str], bool]:
        """Return whose the calls of a file are, and whether those are tests that were found."""
        if self._scope:
            return [self._scope], False
        if file.owners:
            root = Path.cwd()
            return [self._suite.name_of(owner.file, owner.rest, root) for owner in file.owners], True
        place = file.path.relative_to(file.folder) if file.folder is not None else Path(file.path.name)
        return [place.with_name(stem_of(place)).as_posix()], False

    def _scope_of(self, name: str) -> Scope:
        if name not in self._scopes:
            self._scopes[name] = Scope(self._suite, name, self._options)
        return self._scopes[name]

    def _take(self, scope: Scope, interaction: Interaction, report: FileReport) -> None:
        stand_ins = self._stand_ins(report.tool)
        call = _Asked(scope, _with_credentials(interaction.request, stand_ins), report.tool)
        try:
            call.key()
            ticket = scope.open(call)
            row = _row(ticket, interaction, report.tool)
        except SerializationError as error:
            report.refused[f"it cannot be stored ({error.problem})"] += 1
            return
        notes = list(interaction.notes)
        for credential, text in stand_ins.items():
            if credential in (row.request_json or ""):
                row = row._replace(request_json=(row.request_json or "").replace(credential, to_text(text)[1:-1]))
                notes.append(
                    f"{text} stands where nothing is secret by default: name the field with --redact or --ignore"
                )
        if found := _STAND_IN.search(f"{call.request.url}\n{call.request.text}"):
            notes.append(f"{found[0]} may stand for a secret: --placeholder='{found[0]}' takes it for one")
        notes += [
            f"{part.removeprefix('header:')} is named by match=, and was not recorded"
            for part in scope.match
            if part.startswith("header:") and not call.request.header(part.removeprefix("header:"))
        ]
        if row.seq:
            notes.append("the same request was made before: their answers come in the order of the file")
        report.notes.update(notes)
        ticket.release()
        self._place(row, report)

    def _stand_ins(self, tool: str) -> dict[str, str]:
        """Return credentials, and what they stand for in the files of a tool."""
        texts = dict.fromkeys((*self._placeholders, *((_FILTERED,) if tool == "cassetter" else ())))
        return {f"{_CREDENTIAL}{number}": text for number, text in enumerate(texts)}

    def _place(self, row: Row, report: FileReport) -> None:
        """Put a row where it belongs, unless something is there."""
        file = self._suite.file
        old = file.row_at(row.address) if file is not None else None
        if file is None or old is None:
            report.taken += 1
        elif same_answer(old, row, file.chunks(old.id), ()):
            report.there += 1
            return
        elif not self._replaces:
            report.kept += 1
            return
        else:
            report.replaced += 1
            self._changes.gone.add(row.address)
        self._changes.fresh.append((row, ()))


def _found(paths: Iterable[Path]) -> Iterable[_File]:
    """Yield the files that are named, or are in the folders that are."""
    seen: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path} does not exist. Name the files or folders with the cassettes to import.")
        folder = path if path.is_dir() else None
        inside = [file for file in files_below(path) if file.suffix.lower() in SUFFIXES] if folder else [path]
        for file in inside:
            absolute = file.absolute()
            if absolute not in seen and file.is_file():
                seen.add(absolute)
                yield _File(absolute, folder.absolute() if folder else None, FileReport(str(file)))


def _is_twin(one: Path, other: Path) -> bool:
    """Return whether two files are one cassette in two formats."""
    return one.parent == other.parent and stem_of(one) == stem_of(other)


def _with_credentials(request: HttpRequest, stand_ins: dict[str, str]) -> HttpRequest:
    """Return a request with credentials where placeholders stand for them."""
    url, content = request.url, request.content
    for credential, text in stand_ins.items():
        for written in (text, quote(text, safe=""), quote_plus(text)):
            url = url.replace(written, credential)
            content = content.replace(written.encode(errors="surrogatepass"), credential.encode())
    return request._replace(url=url, content=content)


def _row(ticket: Ticket, interaction: Interaction, tool: str) -> Row:
    """Return the row that our own recording would have made, at the time at which it was made."""
    scope = ticket.book
    ticket.started_at = interaction.recorded_at or _UNKNOWN
    ticket.request_json = ticket.call.request_json()
    ticket.info_json = to_text({"via": tool})
    text = to_text(interaction.response.masked(Mask(scope.secrets, ticket.tag), scope.redacted).tree())
    name = ticket.address.scope if ticket.address is not None else ""
    row = final_row(ticket.row(name, Answer(Status.COMPLETED, text)), name)
    return row._replace(completed_at=row.started_at)
