"""Reading what was exported, or what somebody has written in its form.

The law of this file: all of it is read and found to be right before anything is made of it; whatever is wrong is named
with its file, its line and its place there.
"""

from __future__ import annotations

import shlex
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

from ..entry import Entry, entry_of, read_entry
from ..errors import SerializationError, UsageError
from ..job import Status, job_id
from ..shown import shown
from .format import HEADER_FILE, Header, header_of, need_storable, test_of
from .names import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["STDIN", "Text", "read_text"]

#: What stands for stdin in place of a path.
STDIN: Final = "-"

_SQLITE: Final = b"SQLite format 3"
_RUNNING: Final = (Status.PENDING, Status.RUNNING)


class Text(NamedTuple):
    """What was exported.

    Attributes:
        header: What is said of the cassette.
        entries: Its calls.

    """

    header: Header
    entries: list[Entry]


def read_text(path: Path) -> Text:
    """Read a file or a folder that was exported; `-` is stdin.

    Raises:
        OSError: It cannot be read.
        SerializationError: It is not what an export writes, or no cassette could have it.
        UsageError: It is not there, or has links or other files in it.

    """
    if path.is_dir():
        header, found = _of_folder(path)
    elif str(path) == STDIN or path.exists():
        header, found = _of_file(path)
    else:
        raise UsageError(f"{path} does not exist. Name a file or a folder that pytest-recorded export has written.")
    places: dict[tuple[Any, ...], str] = {}
    entries = []
    for entry, where in found:
        _need_of_cassette(entry, where)
        place = (*entry.row.address, entry.row.attempt)
        if (other := places.setdefault(place, where)) is not where:
            raise SerializationError(f"this call is there already: {other}. Remove one of them.", where)
        entries.append(entry)
    return Text(header, entries)


def _of_file(path: Path) -> tuple[Header, Iterator[tuple[Entry, str]]]:
    lines = _lines(path)
    first = next(lines, None)
    if first is None:
        raise SerializationError("it is empty. Export the cassette again.", str(path))
    return header_of(*first), ((read_entry(line, where), where) for line, where in lines)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield lines that are not empty, each with where it is; only a line feed ends a line."""
    with _opened(path) as file:
        for number, line in enumerate(file, 1):
            if number == 1 and line.startswith(_SQLITE):
                raise UsageError(
                    f"{path} is a SQLite file. Text is made of it by: "
                    f"pytest-recorded export calls.jsonl --cassette={shlex.quote(str(path))}"
                )
            where = f"{path}, line {number}" if str(path) != STDIN else f"stdin, line {number}"
            text = _decoded(line, where)
            if text.strip():
                yield text.rstrip("\r\n"), where


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if str(path) == STDIN:
        yield sys.stdin.buffer
        return
    with path.open("rb") as file:
        yield file


def _decoded(raw: bytes, where: str) -> str:
    try:
        # Editors of Windows put a mark before the first letter.
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SerializationError(f"it is no UTF-8 from byte {error.start} on. Save it as UTF-8.", where) from None


def _of_folder(folder: Path) -> tuple[Header, Iterator[tuple[Entry, str]]]:
    file = folder / HEADER_FILE
    if not file.exists():
        raise UsageError(
            f"{folder} has no {HEADER_FILE}, which every exported folder has. Name such a folder, or restore that "
            f"file; cassettes of vcrpy are for pytest-recorded import-vcr."
        )
    header = header_of(_text_of(file), str(file))
    files = sorted(path for path in folder.glob(f"*{SUFFIX}") if path.name != HEADER_FILE)
    return header, (found for path in files for found in _of_test(path))


def _of_test(path: Path) -> Iterator[tuple[Entry, str]]:
    scope, calls = test_of(_text_of(path), str(path))
    for number, tree in enumerate(calls):
        where = f"{path}: $.calls[{number}]"
        if type(tree) is not dict:
            raise SerializationError(f"it is no object, but {shown(tree)}. Correct it.", where)
        if "scope" in tree:
            raise SerializationError("it has a scope of its own; it is said at the top of the file. Remove it.", where)
        yield entry_of({"scope": scope, **tree}, where), where


def _text_of(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        raise UsageError(f"{path} is a link, or no file. Only the files of the folder itself are read: remove it.")
    return _decoded(path.read_bytes(), str(path))


def _need_of_cassette(entry: Entry, where: str) -> None:
    """Raise `SerializationError` if no cassette has such a call."""
    row = entry.row
    if row.key is None or row.id != job_id(row.address, row.attempt):
        raise SerializationError(
            "the call has an id of its own, as those in the jobs.db of a Recorder have. A cassette has calls with an "
            "address only: import what was exported from one.",
            where,
        )
    if row.status in _RUNNING:
        raise SerializationError(f"the call has not ended: it is {row.status}. Remove it.", where)
    slots = (row.request_json, row.response_json, row.data_json, row.error_json, row.info_json)
    names = (row.scope, row.kind, row.key, row.parent_id, row.owner)
    times = (row.submitted_at, row.started_at, row.beat_at, row.completed_at)
    need_storable((*names, *times, *slots, *entry.users, *(chunk.body for chunk in entry.chunks)), where)
