"""The command `tail`: the latest calls, and those that are being recorded, while they are.

The law of this file: nothing is kept open and nothing is locked. Each look opens the files as they are then, and a
staging file that is gone by then has been taken over into the cassette.
"""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import typer

from ..errors import CassetteError, SerializationError
from ..jobs import Job
from ..queries import open_jobs
from ..selection import selection_from
from ..staging import is_call, read_attempts, staging_files
from ..store.diagnosis import is_there
from ..store.looking import AnyFile
from ..takeover import final_row
from .calls import line_of
from .output import fail, say, to_json
from .slots import tree_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from ..job import Chunk, Row
    from ..selection import Selection

__all__ = ["run_tail"]

_EVERY_SECONDS: Final = 0.3
# Calls end in another order than that in which they are seen, since each is stored by its own process.
_SLACK: Final = timedelta(seconds=60)
# What was changed just now may change again without a new time of change.
_JUST_NOW_SECONDS: Final = 2.0
_MOST_FAILURES: Final = 10

Signature = tuple[tuple[int, int], ...]


def run_tail(cassette: Path, number: int, kind: str | None, *, follow: bool, as_json: bool) -> int:
    """Say which calls were the last, and with `follow` those that come until Ctrl-C; return the exit code.

    Args:
        cassette: The file.
        number: How many at first.
        kind: A kind, or a glob of kinds and names; None for all.
        follow: Whether to go on.
        as_json: Whether each is a line of JSON.

    Raises:
        CassetteError: The file is missing, or cannot be read.
        UsageError: The number is none.

    """
    selection = selection_from(kind=kind, limit=number or None)
    watch = _Watch(cassette, selection)
    if not is_there(cassette) and not staging_files(cassette):
        if not follow:
            raise CassetteError(cassette, "does not exist. Name another one with --cassette.")
        fail(f"{cassette}: does not exist yet; waiting for the first calls.")
    # To end it is no fault.
    with contextlib.suppress(KeyboardInterrupt):
        jobs = watch.latest(number)
        _say(jobs, as_json=as_json)
        while follow:
            time.sleep(_EVERY_SECONDS)
            _say(watch.fresh(), as_json=as_json)
        if number and not jobs:
            fail(f"{cassette}: no recorded call fits.")
        return 0 if jobs or not number else 1
    return 0


def _say(jobs: Iterable[Job], *, as_json: bool) -> None:
    for job in jobs:
        if as_json:
            typer.echo(to_json(tree_of(job), indent=None))
        else:
            say(line_of(job))


class _Watch:
    """Looks at a cassette and at the staging files of its sessions, again and again."""

    def __init__(self, cassette: Path, selection: Selection) -> None:
        self._cassette = cassette
        self._selection = selection
        self._seen: set[tuple[str, str | None]] = set()
        #: By file, since when calls are asked for; of staging files at first all are.
        self._since = {cassette: _stored(datetime.now(UTC) - _SLACK)}
        self._signatures: dict[Path, Signature] = {}
        #: The tests of attempts, by staging file and id.
        self._tests: dict[tuple[Path, str], str] = {}
        self._failures = 0

    def latest(self, number: int) -> list[Job]:
        """Return the last calls, the oldest first; all that are there count as seen."""
        jobs = self.fresh()
        if is_there(self._cassette):
            older = open_jobs(self._cassette).query(kind=self._selection.kind, limit=number or 1)
            jobs += [job for job in older if self._is_new(job.id, job.completed_at)]
        return sorted(jobs, key=lambda job: job.completed_at or job.submitted_at)[-number:] if number else []

    def fresh(self) -> list[Job]:
        """Return the calls that have ended since, in the order in which they did."""
        jobs = [job for path in (self._cassette, *staging_files(self._cassette)) for job in self._of(path)]
        return sorted(filter(self._selection.takes, jobs), key=lambda job: job.completed_at or "")

    def _of(self, path: Path) -> list[Job]:
        signature = _signature(path)
        if signature is None or signature == self._signatures.get(path):
            return []
        try:
            jobs = self._read(path)
        except (CassetteError, SerializationError):
            # It may be taken over, or checked out, at this moment.
            self._failures += path == self._cassette
            if self._failures > _MOST_FAILURES:
                raise
            return []
        self._signatures[path] = signature
        self._failures = 0 if path == self._cassette else self._failures
        return jobs

    def _read(self, path: Path) -> list[Job]:
        file = AnyFile(path)
        rows = file.ended_since(self._since.get(path, ""))
        if rows:
            self._since[path] = _before(rows[-1].completed_at or "")
        jobs = []
        for row in rows:
            final = row if path == self._cassette else self._final(path, file, row)
            if final is not None and self._is_new(final.id, final.completed_at):
                jobs.append(Job.of(final, _chunks(file, row.id)))
        return jobs

    def _final(self, path: Path, file: AnyFile, row: Row) -> Row | None:
        """Return a staged row as it will be in the cassette; None if it is no call."""
        if not is_call(row):
            return None
        if row.scope and (path, row.scope) not in self._tests:
            self._tests.update({(path, attempt.id): attempt.scope for attempt in read_attempts(file)})
        return final_row(row, self._tests.get((path, row.scope), ""))

    def _is_new(self, job_id: str, completed_at: str | None) -> bool:
        """Return whether a call is seen for the first time: those that are taken over were seen when they were made."""
        call = (job_id, completed_at)
        is_new = call not in self._seen
        self._seen.add(call)
        return is_new


def _chunks(file: AnyFile, staged: str) -> Callable[[str], list[Chunk]]:
    """Return what reads the pieces of an answer by the id that the call has while it is staged."""
    return lambda _id: file.chunks(staged)


def _signature(path: Path) -> Signature | None:
    """Return what changes when a file does; None if it is not there."""
    found = []
    for name in (path.name, f"{path.name}-wal"):
        with contextlib.suppress(OSError):
            stat = path.with_name(name).stat()
            is_settled = time.time() - stat.st_mtime > _JUST_NOW_SECONDS
            found.append((stat.st_mtime_ns if is_settled else time.time_ns(), stat.st_size))
    return tuple(found) or None


def _stored(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _before(moment: str) -> str:
    try:
        return _stored(datetime.fromisoformat(moment) - _SLACK)
    except (ValueError, OverflowError):
        return ""
