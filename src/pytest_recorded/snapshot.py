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
from urllib.parse import unquote_plus

from syrupy.exceptions import SnapshotDoesNotExist, TaintedSnapshotError
from syrupy.extensions.amber import AmberSnapshotExtension

from .delta import told
from .frame import current_frame
from .jobs import Job
from .message import HttpRequest, HttpResponse
from .outline import lines_of, read, write
from .paths import DEEP
from .plain import IGNORED, Masked, Plain
from .scope import Scope
from .target import target_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from syrupy.assertion import SnapshotAssertion

    from .paths import Path

__all__ = ["RecordedExtension", "compare"]

_SHOWN_LINES: Final = 12
_LONGEST_LINE: Final = 160
# pytest cuts longer explanations unless it is asked not to: what to type has to be in the part that is left.
_FEW_LINES: Final = 5
_LLM_CALL: Final = "pytest_recorded.llm.call"


class RecordedExtension(AmberSnapshotExtension):
    """Writes recorded calls and their data by lines that can be read; all else as syrupy's Amber does."""

    _place: tuple[str, str] = ("", "")

    def serialize(self, data: Any, **options: Any) -> str:
        """Return the text of a value; `exclude`, `include` and `matcher` are syrupy's."""
        if not _has_ours(data, _models()):
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
        command = f"pytest {_recording_again()}--snapshot-update {shlex.quote(test) if test else ''}"
        return [f"snapshot {name} in {shown}", f"accept: {command}"]


def _recording_again() -> str:
    """Return the option that makes the next run record what this one has: of a test that fails nothing is taken over.

    `""` if the next run has the same answers without it.
    """
    scope = _scope()
    if scope is None or scope.options.failed:
        return ""
    is_new = any(ticket.source == "staging" for ticket in list(scope.tickets))
    return f"--record-mode={scope.mode} " if is_new else ""


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


def _scope() -> Scope | None:
    """Return the scope of the test that compares; None if it is not recorded."""
    frame = current_frame()
    return frame.book if frame is not None and isinstance(frame.book, Scope) else None


def _models() -> dict[Any, tuple[Path, ...]]:
    """Return the models of the data of the test that compares, and of each what does not matter of its instances."""
    scope = _scope()
    if scope is None:
        return {}
    found: dict[Any, tuple[Path, ...]] = {projection.model: scope.ignore for _, projection in scope.projections}
    for kind in {ticket.call.kind: None for ticket in list(scope.tickets)}:
        if (projection := scope.projection_of((kind,))) is not None:
            known = found.get(projection.model, ())
            found[projection.model] = tuple(dict.fromkeys([*known, *_ignored(kind)]))
    return found


def _has_ours(value: Any, models: dict[Any, tuple[Path, ...]]) -> bool:
    """Return whether a value is of ours, or has some in its lists, tuples and dicts."""
    seen: set[int] = set()
    left = [value]
    while left:
        value = left.pop()
        if _is_ours(value) or type(value) in models:
            return True
        if isinstance(value, (list, tuple, dict)) and id(value) not in seen:
            seen.add(id(value))
            left += value.values() if isinstance(value, dict) else value
    return False


def _is_ours(value: Any) -> bool:
    cls = type(value)
    # `Data` stands on a higher floor, and the models of calls of models load pydantic.
    is_data = isinstance(value, list) and hasattr(value, "__recorded_ignore__")
    return is_data or cls in _STAND_INS or cls.__module__ == _LLM_CALL


def _tree(value: Any, options: dict[str, Any]) -> Any:
    models = _models()
    return Plain(_STAND_INS, **options)(_marked(value, models) if models else value)


def _marked(value: Any, models: dict[Any, tuple[Path, ...]], above: frozenset[int] = frozenset()) -> Any:
    """Return a value in whose lists, tuples and dicts each datum comes with what does not matter of it."""
    cls = type(value)
    if cls in models:
        return Masked(value, models[cls])
    if cls not in (list, tuple, dict) or id(value) in above:
        return value
    above |= {id(value)}
    if cls is dict:
        return {key: _marked(item, models, above) for key, item in value.items()}
    return [_marked(item, models, above) for item in value]


def _ignored(kind: str) -> tuple[Path, ...]:
    """Return what does not matter of a call: what its test ignores, and what its function does."""
    frame, target = current_frame(), target_of(kind)
    if frame is not None:
        return frame.book.ignored_in(kind)
    return target.slots.ignore if target is not None else ()


def _job(job: Job) -> OrderedDict[str, Any]:
    ignore, data = _ignored(job.kind), job.data
    answer = {"response": _message(job.response, ignore)} if data is None else {"data": Masked(data, ignore)}
    if job.error_json is not None:
        answer = {**({} if data is None else answer), "error": job.error}
    return OrderedDict(kind=job.kind, request=_message(job.request, ignore), **answer)


def _message(value: Any, ignore: tuple[Path, ...]) -> Any:
    """Return what was asked or answered, without what does not matter: of HTTP that is of the body and of the query."""
    if isinstance(value, HttpRequest):
        return _request(value, ignore)
    return _response(value, ignore) if isinstance(value, HttpResponse) else Masked(value, ignore)


def _request(request: HttpRequest, ignore: tuple[Path, ...] = ()) -> OrderedDict[str, Any]:
    body = {"body": Masked(_body(request), ignore)} if request.content else {}
    return OrderedDict(method=request.method, url=_url(request.url, ignore), **body)


def _response(response: HttpResponse, ignore: tuple[Path, ...] = ()) -> OrderedDict[str, Any]:
    end = {} if response.end == "complete" else {"end": response.end}
    return OrderedDict(status=response.status, body=Masked(_body(response), ignore), **end)


def _url(url: str, ignore: tuple[Path, ...]) -> str:
    """Return a URL with `<ignored>` for parameters that do not matter: they are named as fields at any depth are."""
    names = {str(path[-1]) for path in ignore if path[:-1] == (DEEP,)}
    start, mark, query = url.partition("?")
    shown = [
        f"{name}={IGNORED}" if unquote_plus(name) in names else parameter
        for parameter in query.split("&")
        for name in [parameter.partition("=")[0]]
    ]
    return f"{start}{mark}{'&'.join(shown)}"


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
