"""Where a session records: one file per session and cassette, beside the cassette and never committed.

Everything in it is a job. The session is one; each attempt at a test is one, in the scope of that test; the calls of an
attempt are jobs in the scope of that attempt. An attempt that is `completed` has passed, one that is still `running`
when its session is gone was killed.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .codec import load_tree, to_text
from .errors import CassetteError, SerializationError
from .job import Address, Answer, Place, Row, Status
from .modes import RecordMode
from .store.lease import Beat, is_alive, now, owner
from .store.sqlite import StagingFile
from .workplace import staging_folder, staging_folders

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .store.sqlite import Reader

__all__ = [
    "Attempt",
    "Leftover",
    "Session",
    "Staging",
    "day_of",
    "discard",
    "end_session",
    "forget",
    "is_call",
    "keep_verified",
    "last_session",
    "leftovers",
    "new_id",
    "read_attempts",
    "staging_files",
    "verified_files",
]

_SESSION: Final = "recorded.session"
_ATTEMPT: Final = "recorded.attempt"
_CUT_SHORT: Final = '"cut short"'
# What a session has verified is another file than what it records: nothing takes it over.
_VERIFIED: Final = ".verified-"
_KEEP_SECONDS: Final = 14 * 24 * 3600
_TIME_DIGITS: Final = 14
_MICROSECONDS_OF_DAY: Final = 24 * 3600 * 1_000_000


def new_id() -> str:
    """Return an id for a job: 32 hex digits that sort by time."""
    return f"{time.time_ns() // 1000:0{_TIME_DIGITS}x}{os.urandom(9).hex()}"


def day_of(new: str) -> int:
    """Return the day on which an id was made: a number of days, of UTC."""
    return int(new[:_TIME_DIGITS], 16) // _MICROSECONDS_OF_DAY


class Session(NamedTuple):
    """A run of pytest, or of one `use_cassette` block; xdist's workers share that of their controller."""

    id: str
    owner: str
    mode: str

    @classmethod
    def new(cls, mode: str) -> Session:
        """Return the session of this process."""
        return cls(new_id(), owner(), mode)


class Attempt(NamedTuple):
    """One attempt at a test (or at a fixture, or a block): where its calls are and how it ended."""

    id: str
    scope: str
    mode: str
    status: str
    completed_at: str
    takes_failed: bool
    live: tuple[str, ...] = ()
    #: What has changed in its calls, as JSON; None if that was not looked at.
    told: str | None = None
    #: Whether it came to its end: it was not skipped, and did not fail as expected.
    is_whole: bool = True

    @property
    def drops(self) -> bool:
        """Whether what it has not called again goes: it was rewritten, and it is known that it calls no more."""
        return self.mode == RecordMode.REWRITE and self.status == Status.COMPLETED and self.is_whole

    @property
    def counts(self) -> bool:
        """Whether its calls are taken over into the cassette."""
        return self.status == Status.COMPLETED or (self.takes_failed and self.status == Status.FAILED)


class Staging:
    """The staging file of one session and one cassette; made when the first call is recorded."""

    def __init__(self, cassette: Path, session: Session) -> None:
        self.cassette = cassette
        self.session = session
        self._lock = threading.Lock()
        self._ledger: StagingFile | None = None
        self._beat: Beat | None = None

    @property
    def _name(self) -> str:
        if self.session.mode == RecordMode.VERIFY:
            return f"{self.cassette.name}{_VERIFIED}{self.session.id}.db"
        return f"{self.cassette.name}-{self.session.id}.db"

    def existing(self) -> Path | None:
        """Return the file if a process of the session has made it."""
        for folder in staging_folders(self.cassette):
            # A folder of another user may hide what is in it: then we have made nothing there.
            with contextlib.suppress(OSError):
                if (path := folder / self._name).exists():
                    return path
        return None

    @property
    def ledger(self) -> StagingFile:
        """The file, made if need be.

        Raises:
            CassetteError: It cannot be made.

        """
        with self._lock:
            if self._ledger is None:
                self._ledger = self._made()
            return self._ledger

    def _made(self) -> StagingFile:
        ledger = StagingFile(staging_folder(self.cassette) / self._name)
        row = _row(self.session.id, _SESSION, None, {"mode": self.session.mode})
        # The first process of the session says whose it is; the others find it said.
        ledger.insert(row._replace(owner=self.session.owner, beat_at=row.started_at))
        self._beat = Beat(lambda: ledger.beat((self.session.owner, owner())))
        self._beat.begin()
        return ledger

    @contextlib.contextmanager
    def reading(self) -> Iterator[StagingFile | None]:
        """Lend the file to be read; None if there is none."""
        path = None if self._ledger is not None else self.existing()
        reader = self._ledger if path is None else StagingFile(path)
        try:
            yield reader
        finally:
            if path is not None and reader is not None:
                reader.close()

    def begin(self, scope: str, mode: str, *, takes_failed: bool, live: tuple[str, ...] = ()) -> str:
        """Begin an attempt; return its id."""
        attempt = new_id()
        more = {"failed": takes_failed, "live": list(live)}
        request = {"scope": scope, "mode": mode, **{name: value for name, value in more.items() if value}}
        self.ledger.insert(_row(attempt, _ATTEMPT, self.session.id, request))
        return attempt

    def end(self, attempt: str, *, passed: bool, is_whole: bool = True, told: str | None = None) -> None:
        """End an attempt; `told`: what has changed in its calls, as JSON."""
        place = Place(attempt, Address("", _ATTEMPT, attempt, 0), 0)
        status = Status.COMPLETED if passed else Status.FAILED
        self.ledger.finish(place, Answer(status, told, None if is_whole else _CUT_SHORT))

    def close(self) -> None:
        """Close the file."""
        if self._beat is not None:
            self._beat.close()
        if self._ledger is not None:
            self._ledger.close()
        self._ledger = self._beat = None


def _row(job_id: str, kind: str, parent: str | None, request: dict[str, Any]) -> Row:
    moment = now()
    return Row(
        job_id, "", kind, job_id, 0, 0, parent, Status.RUNNING, None, moment, moment, None, None, to_text(request),
        None, None, None, None,
    )  # fmt: skip


class Leftover(NamedTuple):
    """The staging file of a session that is over."""

    ledger: StagingFile
    attempts: list[Attempt]


def is_call(row: Row) -> bool:
    """Return whether a row of a staging file is a call, not what the file knows of its session and its attempts."""
    return row.scope != "" or row.kind not in (_SESSION, _ATTEMPT)


def read_attempts(ledger: Reader) -> list[Attempt]:
    """Return the attempts in a staging file, oldest first."""
    return [_attempt(row) for row in ledger.rows_where_kind("", _ATTEMPT)]


def _attempt(row: Row) -> Attempt:
    request = load_tree(row.request_json or "{}")
    return Attempt(
        row.id,
        str(request.get("scope", "")),
        request.get("mode", ""),
        row.status,
        row.completed_at or "",
        bool(request.get("failed")),
        tuple(map(str, request.get("live", ()))),
        row.response_json,
        row.data_json != _CUT_SHORT,
    )


def leftovers(cassette: Path, current: str = "") -> Iterator[Leftover]:
    """Yield the staging files of sessions that are over; those older than 14 days are deleted instead.

    Args:
        cassette: The cassette they belong to.
        current: Id of the session that asks; its own file is none.

    """
    for path in _files(cassette, _VERIFIED):
        with contextlib.suppress(OSError):
            if _is_too_old(path):
                discard(StagingFile(path))
    for path in staging_files(cassette):
        if current and current in path.name:
            continue
        ledger, is_old = StagingFile(path), False
        try:
            # Before it is opened: what is in its log goes into it then, and it looks new.
            is_old = _is_too_old(path)
            if _is_running(ledger):
                ledger.close()
            elif is_old:
                discard(ledger)
            else:
                yield Leftover(ledger, read_attempts(ledger))
        except (CassetteError, SerializationError, IndexError, OSError):
            # A damaged leftover helps nobody and stops nobody; it goes when it is old.
            ledger.close()
            if is_old:
                with contextlib.suppress(OSError):
                    discard(ledger)


def _is_running(ledger: StagingFile) -> bool:
    session = ledger.rows_where_kind("", _SESSION)[0]
    return session.status == Status.RUNNING and is_alive(session.owner, session.beat_at)


def end_session(ledger: StagingFile) -> None:
    """Say that a session is over; its process may live on."""
    for session in ledger.rows_where_kind("", _SESSION):
        ledger.finish(session.place, Answer(Status.COMPLETED))


def forget(ledger: StagingFile, attempts: Iterable[Attempt]) -> None:
    """Delete attempts with their calls; shared calls stay, for others may use them."""
    for attempt in attempts:
        ledger.delete_attempt(Address("", _ATTEMPT, attempt.id, 0))


def staging_files(cassette: Path) -> list[Path]:
    """Return the staging files of a cassette, the oldest first."""
    return _files(cassette, "-")


def verified_files(cassette: Path) -> list[Path]:
    """Return the files that have the live answers of sessions which verified a cassette, the oldest first."""
    return [path for path in _files(cassette, _VERIFIED) if not _is_too_old(path)]


def last_session(cassettes: Iterable[Path]) -> dict[Path, Path]:
    """Return what the last session has verified, of cassettes and those beside them: each with its live answers."""
    known = set(cassettes)
    for folder in {cassette.parent for cassette in known}:
        verified = (folder / ".staging").glob(f"*{_VERIFIED}*.db")
        known |= {folder / path.name.partition(_VERIFIED)[0] for path in verified}
    files = [(one, path) for one in sorted(known) for path in verified_files(one)]
    last = max((_session_of(path) for _, path in files), default="")
    return {one: path for one, path in files if _session_of(path) == last}


def _session_of(path: Path) -> str:
    return path.stem.rpartition("-")[2]


def _files(cassette: Path, mark: str) -> list[Path]:
    found: list[Path] = []
    for folder in staging_folders(cassette):
        with contextlib.suppress(OSError):
            found += [
                path for path in folder.iterdir() if path.name.startswith(cassette.name + mark) and path.suffix == ".db"
            ]
    return sorted(found, key=lambda path: path.name)


def keep_verified(cassette: Path, ledger: StagingFile) -> None:
    """End a session that has verified a cassette: what it found stays, what others found before it goes."""
    end_session(ledger)
    ledger.close()
    name = Path(ledger.path).name
    for path in _files(cassette, _VERIFIED):
        older = StagingFile(path)
        with contextlib.suppress(CassetteError, SerializationError, IndexError, OSError):
            if path.name < name and not _is_running(older):
                discard(older)
        older.close()


def _is_too_old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > _KEEP_SECONDS


def discard(ledger: StagingFile) -> None:
    """Delete a staging file."""
    ledger.close()
    path = Path(ledger.path)
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
