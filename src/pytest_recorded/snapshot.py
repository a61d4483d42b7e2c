"""syrupy: how calls and their data are written into snapshots, and what is said when they differ.

The law of this file: it is the only one that imports syrupy. What is not ours is written, compared and shown as syrupy
does it, in the same files, so that a test file may have snapshots of both kinds.
"""

from __future__ import annotations

import os
import pathlib
import shlex
import sqlite3
from collections import OrderedDict
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from syrupy.exceptions import SnapshotDoesNotExist, TaintedSnapshotError
from syrupy.extensions.amber import AmberSnapshotExtension

from .delta import told
from .jobs import Job
from .message import HttpRequest, HttpResponse
from .outline import lines_of, read, write
from .plain import Plain, masked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from syrupy.assertion import SnapshotAssertion

    from .paths import Path

__all__ = ["RecordedExtension", "compare"]

_SHOWN_LINES: Final = 12
_LONGEST_LINE: Final = 160
# pytest cuts longer explanations unless it is asked not to: what to type has to be in the part that is left.
_FEW_LINES: Final = 5


class RecordedExtension(AmberSnapshotExtension):
    """Writes recorded calls and their data by lines that can be read; all else as syrupy's Amber does."""

    _place: tuple[str, str] = ("", "")

    def serialize(self, data: Any, **options: Any) -> str:
        """Return the text of a value; `exclude`, `include` and `matcher` are syrupy's."""
        if not _is_ours(data):
            return super().serialize(data, **options)
        return write(_tree(data, options))

    def read_snapshot_data_from_location(self, snapshot_location: str, snapshot_name: str, session_id: str) -> Any:
        """Return a stored text, and remember where it was looked for."""
        self._place = (snapshot_location, snapshot_name)
        return super().read_snapshot_data_from_location(
            snapshot_location=snapshot_location, snapshot_name=snapshot_name, session_id=session_id
        )

    def diff_lines(self, serialized_data: Any, snapshot_data: Any) -> Iterator[str]:
        """Yield what differs, by path, where the snapshot is, and how it is brought up to date."""
        lines = _difference(str(snapshot_data), str(serialized_data))
        if lines is None:
            yield from super().diff_lines(serialized_data, snapshot_data)
            return
        where = self._where()
        yield from [*lines, *where] if len(lines) <= _FEW_LINES else [*where, *lines]

    def diff_snapshots(self, serialized_data: Any, snapshot_data: Any) -> Any:
        """Return what differs between two texts, as it is stored for `snapshot(diff=…)`."""
        lines = _difference(str(snapshot_data), str(serialized_data))
        return super().diff_snapshots(serialized_data, snapshot_data) if lines is None else "\n".join(lines)

    def _where(self) -> list[str]:
        location, name = self._place
        here, path = pathlib.Path.cwd(), pathlib.Path(location)
        shown = path.relative_to(here) if path.is_relative_to(here) else path
        test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
        return [f"snapshot {name} in {shown}", f"accept: pytest --snapshot-update {shlex.quote(test) if test else ''}"]


def compare(data: list[Any], snapshot: SnapshotAssertion) -> bool:
    """Return whether data are those of a snapshot, whatever its extension is.

    Raises:
        Exception: A filter or matcher of the user's has raised it; syrupy would show it as a difference.

    """
    extension = snapshot.extension
    if isinstance(extension, RecordedExtension):
        is_equal = snapshot == data
    elif isinstance(extension, AmberSnapshotExtension):
        is_equal = snapshot(extension_class=_beside(type(extension))) == data
    else:
        is_equal = snapshot == _tree(data, {})
    fault = snapshot.executions[snapshot.num_executions - 1].exception
    if fault is not None and not isinstance(fault, (SnapshotDoesNotExist, TaintedSnapshotError)):
        raise fault
    return bool(is_equal)


@lru_cache(maxsize=64)
def _beside(extension: type[AmberSnapshotExtension]) -> type[AmberSnapshotExtension]:
    """Return our extension for the files of another one: its folders, names and version are kept."""
    if extension is AmberSnapshotExtension:
        return RecordedExtension
    return type(f"Recorded{extension.__name__}", (RecordedExtension, extension), {})


def _is_ours(value: Any) -> bool:
    if isinstance(value, list) and value and all(type(item) is Job for item in value):
        return True
    return _ignored(value) is not None or type(value) in _STAND_INS


def _tree(value: Any, options: dict[str, Any]) -> Any:
    tree = Plain(_STAND_INS, **options)(value)
    return [masked(item, _ignored(value) or ()) for item in tree] if type(tree) is list else tree


def _ignored(value: Any) -> tuple[Path, ...] | None:
    """Return what does not matter of `Data`, which stands on a higher floor; None of any other value."""
    return getattr(value, "__recorded_ignore__", None) if isinstance(value, list) else None


def _job(job: Job) -> OrderedDict[str, Any]:
    data = job.data
    answer = {"response": job.response} if data is None else {"data": data}
    if job.error_json is not None:
        answer = {"data": data, "error": job.error} if data is not None else {"error": job.error}
    return OrderedDict(kind=job.kind, request=job.request, **answer)


def _request(request: HttpRequest) -> OrderedDict[str, Any]:
    body = {"body": _body(request)} if request.content else {}
    return OrderedDict(method=request.method, url=request.url, **body)


def _response(response: HttpResponse) -> OrderedDict[str, Any]:
    end = {} if response.end == "complete" else {"end": response.end}
    return OrderedDict(status=response.status, body=_body(response), **end)


def _body(message: HttpRequest | HttpResponse) -> Any:
    try:
        return message.json()
    except (ValueError, RecursionError):
        pass
    try:
        message.content.decode()
    except UnicodeDecodeError:
        return message.content
    return message.text


_STAND_INS: Final[dict[type, Callable[[Any], Any]]] = {
    Job: _job,
    HttpRequest: _request,
    HttpResponse: _response,
    sqlite3.Row: dict,
}


def _difference(old: str, new: str) -> list[str] | None:
    """Return what differs between two texts; None if they are not both ours."""
    try:
        tree = read(new)
        if old == "":
            return _beginning(lines_of(tree))
        return told(read(old), tree)
    except ValueError:
        return None


def _beginning(lines: list[str]) -> list[str]:
    shown = [line if len(line) <= _LONGEST_LINE else line[: _LONGEST_LINE - 1] + "…" for line in lines[:_SHOWN_LINES]]
    return [*shown, f"… and {len(lines) - _SHOWN_LINES} more lines"] if len(lines) > _SHOWN_LINES else shown
