"""Recording without a cassette: any function's calls as rows of a `jobs.db`, idempotent where they have a key."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from .book import Book, warn
from .call import Ticket, request_digest
from .errors import CassetteError, RecordedError, RecordedFailure, RecordedWarning, SerializationError, UsageError
from .frame import carry_over_threads, current_frame, step_into, step_out_of
from .function import is_cut_short
from .job import Address, Answer, Place, Status
from .jobs import Job
from .modes import Act, Known, RecordMode, decide
from .queries import FileQueries
from .rules import rules_from
from .staging import new_id
from .store.lease import Beat, is_alive, owner
from .store.looking import look_into
from .store.sqlite import Ledger

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping

    from .call import Call
    from .job import Chunk, Found
    from .selection import Moment

__all__ = ["Recorder", "configure", "connection", "default_recorder", "get", "last", "query"]

# The calls that this process is making, by their ids. A row that says this process is making it, and is not among them,
# was left behind: by a full disk, or a KeyboardInterrupt in the wrong moment.
_in_flight: set[str] = set()


class Recorder(Book, FileQueries):
    """Records calls into a SQLite file.

    A call with a key is idempotent: a completed one answers, also from another process; one in flight is joined; a
    failed one runs again, unless it is made with `retry_failed=False`. A call without a key always runs and is always
    recorded.

    As a context manager it takes the calls that are made inside the block; without one, see `configure`.

    Args:
        path: The file; made at the first call, its folder too. `:memory:` keeps the calls in memory until `close`.
        redact: What is secret besides what is secret by default, see the option `redact`.

    Raises:
        ConfigurationError: `redact` cannot be read.

    """

    nests = True

    def __init__(self, path: str | Path = "jobs.db", *, redact: Iterable[str] = ()) -> None:
        super().__init__(rules_from(redact, where="Recorder: redact"))
        self.path = Path(path)
        is_file = str(path) != ":memory:"
        with contextlib.suppress(OSError):
            # It stays where it is when the current folder changes; unless that is gone already.
            self.path = self.path.absolute() if is_file else self.path
        self._reader = self._ledger = Ledger(self.path if is_file else ":memory:")
        self._beat = Beat(lambda: self._ledger.beat([owner()]))
        self._lock = threading.Lock()
        self._blocks = 0
        carry_over_threads()

    # The calls recorded so far.

    @property
    def jobs(self) -> list[Job]:
        """The recorded calls, oldest first.

        Raises:
            CassetteError: The file cannot be read.

        """
        return [Job.of(row, self._ledger.chunks) for row in self._ledger.rows()]

    def connection(self) -> sqlite3.Connection:
        """Return a connection of your own to the file, to read it with SQL; close it when you are done.

        It is read only, and sees what is recorded meanwhile. Of calls in memory it reads a copy.

        Raises:
            CassetteError: There is no file, or it cannot be read.

        """
        if not self._ledger.exists():
            raise CassetteError(self.path, "does not exist: nothing is recorded yet. The first call makes it.")
        # The ledger's own connection keeps the file in a state that others can read while it is written.
        self._ledger.open()
        return self._ledger.copy() if self.path == Path(":memory:") else look_into(self.path)

    def close(self) -> None:
        """Close the file. Streams that are still being read are stored as closed."""
        for stream in list(self.streams):
            stream.abandon()
        self._beat.close()
        self._ledger.close()

    def __enter__(self) -> Self:
        with self._lock:
            self._blocks += 1
        step_into(self)
        return self

    def __exit__(self, *_exc: object) -> None:
        step_out_of(self)
        with self._lock:
            self._blocks -= 1
            is_last = self._blocks == 0
        if is_last:
            self.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, *exc: object) -> None:
        self.__exit__(*exc)

    # What a call meets; see Book.

    def open(self, call: Call) -> Ticket:
        """Take a call in; only one with a key has an address."""
        ticket = Ticket(self, call)
        frame = current_frame()
        if frame is not None and frame.book is self:
            ticket.parent = frame.inside
        if call.is_named:
            ticket.address = Address("", call.kind, call.key(), 0)
        return ticket

    def settle(self, ticket: Ticket) -> float | None:
        """Decide about a call; a file that cannot be used never keeps a function from running."""
        try:
            return super().settle(ticket)
        except RecordedWarning:
            raise
        except Exception as error:  # noqa: BLE001 - a file may hold anything where a number is expected
            ticket.act = Act.PASS
            self.lose(ticket, "runs, but is not recorded:", error)
            return None

    def find(self, ticket: Ticket) -> Found | None:
        """Return the last call with the same key."""
        return None if ticket.address is None else self._ledger.find(ticket.address)

    def give_up_dead(self, ticket: Ticket, found: Found) -> bool:
        """Give up a call whose process is gone."""
        place = Place(found.id or "", ticket.address, found.attempt)
        lease = self._ledger.lease(place)
        if lease is None or lease[0] != Status.RUNNING:
            return False
        if is_alive(*lease[1:]) and (lease[1] != owner() or place.id in _in_flight):
            return False
        return self._ledger.interrupt(place)

    def decide(self, ticket: Ticket, found: Found | None) -> Act:
        """Return what to do with a call: the table's row for `resume`, or `new_episodes` if failures stay."""
        if found is None or found.status == Status.INTERRUPTED:
            known = Known.NEW_CALL
        else:
            known = Known.FAILURE if found.status == Status.FAILED else Known.ANSWER
            if self._asks_another(ticket, found):
                warn(
                    f"{ticket.call.kind} was called with the key {ticket.call.key()!r}, which is recorded with "
                    f"another request. The recorded answer is given. Use another key for another request."
                )
        mode = RecordMode.RESUME if ticket.call.retry_failed else RecordMode.NEW_EPISODES
        act = decide(mode, known)
        ticket.id = (found.id or "") if found is not None and act is Act.REPLAY else ""
        return act

    def _asks_another(self, ticket: Ticket, found: Found) -> bool:
        recorded = request_digest(found)
        try:
            return recorded is not None and recorded != ticket.call.request_digest()
        except SerializationError:
            # What was recorded could be stored.
            return True

    def begin(self, ticket: Ticket) -> bool:
        """Say that a call runs; False if another thread or process has just begun the same."""
        ticket.attempt = ticket.found.attempt + 1 if ticket.found is not None else 0
        ticket.id = new_id()
        ticket.start()
        _in_flight.add(ticket.id)
        is_first = False
        try:
            is_first = self._ledger.insert(ticket.row("", None, owner=owner()))
        finally:
            if not is_first:
                _in_flight.discard(ticket.id)
        if is_first:
            self._beat.begin()
            return True
        if self.find(ticket) == ticket.found:
            raise CassetteError(self.path, "takes no call, and has none. Move it away: a new one is made.")
        return False

    def store(self, ticket: Ticket, answer: Answer) -> None:
        """Store how a call ended."""
        if answer.status == Status.COMPLETED and is_cut_short(answer):
            # Half a stream is no answer to the next caller.
            answer = answer._replace(status=Status.INTERRUPTED)
        if not self._ledger.finish(ticket.place, answer):
            raise CassetteError(self.path, "another process has taken this one for dead and given the call up.")
        self._over(ticket)

    def not_stored(self, ticket: Ticket) -> None:
        """Free the key of a call whose answer is not stored."""
        if self._over(ticket):
            self._ledger.interrupt(ticket.place)

    def _over(self, ticket: Ticket) -> bool:
        """Say that a call runs no longer; False if that is known."""
        if ticket.id not in _in_flight:
            return False
        _in_flight.discard(ticket.id)
        self._beat.end()
        return True

    def unreadable(self, ticket: Ticket, error: RecordedError) -> None:
        """Say that a recorded answer cannot be read; the call runs."""
        warn(f"{ticket.call.kind} runs, because its recorded answer cannot be read: {error}")

    def chunks(self, ticket: Ticket) -> list[Chunk]:
        """Return the pieces of a recorded stream."""
        return self._ledger.chunks(ticket.id)

    def read_on(self, _ticket: Ticket, pieces: int) -> BaseException:
        """Return what a caller gets who reads a stream further than it is recorded."""
        return RecordedFailure("GeneratorExit", f"the recorded stream was closed after {pieces} pieces")

    def flush(self, ticket: Ticket, data_json: str) -> None:
        """Store the data of a call that still runs."""
        try:
            self._ledger.attach(ticket.place, data_json)
        except CassetteError as error:
            warn(f"{ticket.call.kind}: attached data could not be stored: {error}")


_default: Recorder | None = None
_default_lock = threading.RLock()


def configure(path: str | Path = "jobs.db", *, redact: Iterable[str] = ()) -> Recorder:
    """Choose where decorated functions are recorded outside of tests; return that recorder.

    Calling it again chooses anew. Under pytest it also says that decorated functions in unmarked tests are to be
    recorded there, instead of running bare.

    Args:
        path: The file.
        redact: What is secret besides what is secret by default.

    """
    global _default  # noqa: PLW0603 - one process, one default
    made = Recorder(path, redact=redact)
    with _default_lock:
        if _default is None:
            atexit.register(_close_default)
        else:
            _default.close()
        _default = made
    return made


def _close_default() -> None:
    if _default is not None:
        _default.close()


def default_recorder() -> Recorder | None:
    """Return the recorder of a call that is nobody else's; None under pytest, unless the suite has configured one."""
    if _default is None and not ("pytest" in sys.modules and "PYTEST_VERSION" in os.environ):
        with _default_lock:
            return _default or configure()
    return _default


def _recorder() -> Recorder:
    recorder = default_recorder()
    if recorder is None:
        raise UsageError(
            "Under pytest there is no default recorder. Ask the fixture for the calls of a test: recorded.query(…); "
            "open a file: pytest_recorded.open_jobs('cassettes/jobs.db'); or choose where decorated functions are "
            "recorded: pytest_recorded.configure('jobs.db')."
        )
    return recorder


def get(job_id: str) -> Job | None:
    """Return a call of the default recorder by its id; see `Recorder.get`."""
    return _recorder().get(job_id)


def last(n: int = 10, *, kind: str | None = None, status: str | Iterable[str] | None = None) -> list[Job]:
    """Return the last calls of the default recorder; see `Recorder.last`."""
    return _recorder().last(n, kind=kind, status=status)


def query(
    *,
    kind: str | None = None,
    status: str | Iterable[str] | None = None,
    key: str | None = None,
    scope: str | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    where_data: Mapping[str, Any] | None = None,
    limit: int | None = 100,
    order: str = "desc",
) -> Iterator[Job]:
    """Yield calls of the default recorder; see `Recorder.query`."""
    return _recorder().query(
        kind=kind, status=status, key=key, scope=scope, since=since, until=until, where_data=where_data, limit=limit,
        order=order,
    )  # fmt: skip


def connection() -> sqlite3.Connection:
    """Return a connection to the file of the default recorder; see `Recorder.connection`."""
    return _recorder().connection()
