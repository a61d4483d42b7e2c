"""The book of one test, one shared fixture or one `use_cassette` block: what of it is replayed, recorded, refused."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from . import refusal
from .book import Book, warn
from .call import Ticket, request_digest
from .choice import Fate, choice_of
from .errors import CassetteError, MissingRecording, RecordedError, SerializationError
from .frame import is_left_out_around
from .job import Address, Place, Status, job_id
from .kept import serve_kept
from .modes import TABLE, Act, Known, RecordMode
from .staging import new_id
from .store.lease import is_alive, owner
from .unasked import unasked_of
from .uses import leave_word

if TYPE_CHECKING:
    from .call import Call
    from .function import Target
    from .job import Answer, Chunk, Found, Row
    from .options import Options
    from .suite import Suite

__all__ = ["COUNTED", "Scope"]

# Looking up a member of an enumeration costs as much as comparing with ten; a replay is a matter of microseconds.
_FAILED: Final = Status.FAILED
_REPLAY: Final = Act.REPLAY

#: What happened to calls, as the verdict line counts it.
COUNTED: Final = ("replayed", "recorded", "live", "missed", "unused", "kept", "unchanged", "changed", "new")


class Scope(Book):
    """Decides about the calls of one test, fixture or block, and stores them.

    Args:
        suite: The cassette.
        name: The scope's name: a test's node id, or a name of the caller's own.
        options: How it records and replays.
        is_test: Whether it is one test's: then calls after its end are late.
        run: What pytest is to be asked to run to make its calls; `""` outside of tests.
        host: The test in whose set-up or tear-down a shared fixture's scope is open; it answers for its misses.

    """

    takes_http = True

    def __init__(
        self,
        suite: Suite,
        name: str,
        options: Options,
        *,
        is_test: bool = False,
        run: str = "",
        host: Scope | None = None,
    ) -> None:
        super().__init__(options.redact)
        self.suite = suite
        self.name = name
        self.options = options
        self.mode = options.mode
        self._obey(options)
        self.is_test = is_test
        self.is_open = True
        self.is_shared = options.scope == "suite"
        self.run = run
        self.host = host
        #: The functions that are recorded by their dotted paths.
        self.targets: dict[str, Target] = {}
        self._counts: Counter[str] = Counter()
        self.misses: list[MissingRecording] = []
        self.tickets: list[Ticket] = []
        #: Number of calls that were not made again to be compared, by the reason.
        self.not_verified: Counter[str] = Counter()
        #: Kinds of which calls ran without being recorded, because that is how it was chosen.
        self.left_out: set[str] = set()
        #: Where its calls are that were made again already when it asked for them, as a rule by another test.
        self.joined: set[Address | None] = set()
        #: What has changed in its calls, once it is closed.
        self.changes: list[Any] = []
        self._lock = threading.RLock()
        self._seqs: dict[tuple[str, str], count[int]] = {}
        self._attempt = ""
        self._has_recordings: bool | None = None

    def _obey(self, options: Options) -> None:
        self.warns_of_misfits = options.mode is not RecordMode.VERIFY
        verifies_live = options.mode is RecordMode.VERIFY and options.verify_serve == "live"
        #: Whether its test goes on with live answers.
        self.serves_live = options.mode.records or verifies_live
        # Whoever verifies and goes on with live answers does what records all anew, in a file that nobody takes over.
        self._acts = TABLE[RecordMode.ALL if verifies_live else options.mode]
        self._if_answered, self._if_failed = self._acts[Known.ANSWER], self._acts[Known.FAILURE]
        self.ignore = options.ignore
        self.match = options.match
        self.projections = options.data
        self.before_record_request = options.before_record_request
        self.before_record_response = options.before_record_response
        self._choice = choice_of(options.hosts, options.ignore_hosts, options.kinds, options.live)

    # What a call meets, in the order in which it meets it.

    def open(self, call: Call) -> Ticket:
        """Take a call in: give it its address.

        Raises:
            MissingRecording: The test is over, or the call has no key, and the mode makes no recordings.

        """
        __tracebackhide__ = True
        ticket = Ticket(self, call)
        if self._choice is not None and (fate := self._choice.fate(call.kind, call.host())) is not Fate.OURS:
            ticket.is_decided, ticket.is_left_out = True, fate is Fate.LEFT_OUT
            self.left_out.add(call.kind)
            if not is_left_out_around(call.kind):
                self.add_count("live")
            return ticket
        if not self.is_open:
            refusal.pass_or_refuse_late(self, ticket)
            return ticket
        try:
            key = call.key()
        except SerializationError as error:
            refusal.run_or_refuse_keyless(self, ticket, error)
            return ticket
        kind = call.kind
        if self.is_shared:
            ticket.address = Address("", kind, key, 0)
        else:
            # Each of setdefault and next is one step for all threads.
            seq = 0 if call.is_named else next(self._seqs.setdefault((kind, key), count()))
            ticket.address = Address(self.name, kind, key, seq)
        self.tickets.append(ticket)
        return ticket

    def find(self, ticket: Ticket) -> Found | None:
        """Return what the cassette, or of a shared call this session, knows of its address."""
        address, file = ticket.address, self.suite.file
        found = None
        try:
            if file is not None and address is not None:
                found = file.find(address)
                ticket.source = "cassette"
            if address is not None and self.serves_live and self._may_be_staged(ticket, found):
                staged = self.suite.staging.ledger.find(self.staged_address(address))
                if staged is not None:
                    found, ticket.source = staged, "staging"
        except CassetteError as error:
            self.unreadable(ticket, error)
        if found is None:
            ticket.source = ""
        return found

    def _may_be_staged(self, ticket: Ticket, found: Found | None) -> bool:
        """Return whether this session may have made the very call: a shared one, or one whose key the caller chose."""
        if not (self.is_shared or (ticket.call.is_named and self._attempt)):
            return False
        return found is None or self._act(found) is not _REPLAY

    def _act(self, found: Found) -> Act:
        return self._if_failed if found.status == _FAILED else self._if_answered

    def row_id(self, ticket: Ticket) -> str:
        """Return the id of a call's row, where it is."""
        found, address = ticket.found, ticket.address
        if address is None or (found is None and not ticket.source):
            return ticket.id
        if found is not None and (not ticket.id or ticket.act is Act.COMPARE):
            return found.id or job_id(address, found.attempt)
        return ticket.id or job_id(address, ticket.attempt)

    def give_up_dead(self, ticket: Ticket, found: Found) -> bool:
        """Give up a shared call that a dead worker was making."""
        ledger, place = self.suite.staging.ledger, Place(found.id or "", ticket.address, found.attempt)
        lease = ledger.lease(place)
        if lease is not None and lease[0] == Status.RUNNING and not is_alive(*lease[1:]):
            return ledger.interrupt(place)
        return False

    def decide(self, ticket: Ticket, found: Found | None) -> Act:
        """Return what to do with a call; refuse it by raising."""
        __tracebackhide__ = True
        if self.mode is RecordMode.VERIFY and self.is_spared(ticket.call.kind, self.options.no_verify):
            act = Act.REFUSE if found is None else self._spare("no_verify")
        elif found is None:
            act = self.act_if_new
        else:
            act = self._act(found)
            if (act is Act.REPLACE and ticket.source == "staging") or self._is_compared(ticket, found, act):
                # It has been made again already, a moment ago.
                act = Act.REPLAY
                self.joined.add(ticket.address)
        if act is Act.REPLAY:
            if ticket.call.is_named and self._asks_another(ticket, found):
                raise self._missing(ticket, is_known=True)
        elif act is Act.REFUSE:
            raise self._missing(ticket)
        elif act is Act.PASS:
            self.add_count("live")
        elif self.mode.records and self.suite.why_read_only:
            # Before it is called: nobody pays for an answer that is lost.
            raise self._missing(ticket, is_replaced=found is not None)
        elif found is None and self.mode.records and serve_kept(self, ticket):
            return Act.REPLAY
        return act

    def _is_compared(self, ticket: Ticket, found: Found, act: Act) -> bool:
        """Return whether another test has made a shared call already that is only to be compared."""
        if act is not Act.COMPARE or not self.is_shared or ticket.address is None:
            return False
        with suppress(CassetteError):
            is_staged = self.suite.staging.ledger.find(ticket.address) is not None
            return is_staged and not (ticket.call.is_named and self._asks_another(ticket, found))
        return False

    def _spare(self, why: str) -> Act:
        """Let a recorded call be replayed instead of making it again to compare it."""
        with self._lock:
            self.not_verified[why] += 1
        return _REPLAY

    @property
    def act_if_new(self) -> Act:
        """What to do with a call that is not recorded."""
        return self._acts[Known.NEW_CALL if self.has_recordings else Known.NEW_TEST]

    @property
    def has_recordings(self) -> bool:
        """Whether the cassette has recordings of this test."""
        if self._has_recordings is None:
            file = self.suite.file
            self._has_recordings = file is not None and (
                file.has_uses(self.name) if self.is_shared else file.has_scope(self.name)
            )
        return self._has_recordings

    @property
    def uses_kept(self) -> bool:
        """Whether calls that a failed run has paid for are used: where whoever asks has not asked for fresh ones."""
        return self.mode.adds or not self.has_recordings

    def _asks_another(self, ticket: Ticket, found: Found | None) -> bool:
        recorded = request_digest(found) if found is not None else None
        return recorded is not None and recorded != ticket.call.request_digest()

    def begin(self, ticket: Ticket) -> bool:
        """Prepare a call that is about to run; False if another worker is making the same shared call."""
        found = ticket.found
        ticket.attempt = found.attempt + 1 if found is not None and ticket.act is Act.RETRY else 0
        ticket.id = new_id()
        # Whoever verifies goes on with what is recorded.
        ticket.source = "cassette" if ticket.act is Act.COMPARE and found is not None else ""
        try:
            ticket.start()
            if not self.is_shared or ticket.act is Act.COMPARE:
                return True
            return self.suite.staging.ledger.insert(ticket.row("", None, owner=owner()))
        except RecordedError as error:
            warn(f"{ticket.call.kind} runs, but cannot be recorded: {error}")
            self.add_count("live")
            ticket.act, ticket.source, ticket.is_lost = Act.PASS, "", True
            return True

    # What comes of it.

    def store(self, ticket: Ticket, answer: Answer) -> None:
        """Store how a call ended."""
        if self.is_shared and ticket.act is not Act.COMPARE:
            self.suite.staging.ledger.finish(ticket.place, answer)
        elif not self.suite.staging.ledger.insert(self._staged(ticket, answer), answer.chunks) and not self.is_shared:
            warn(f"{ticket.call.kind} was made twice at the same time with one key; only its first answer is recorded.")
            self.add_count("live")
            return
        if ticket.act is Act.COMPARE and ticket.found is not None:
            # Whoever verifies goes on with what is recorded.
            return
        ticket.source = "staging"
        if self.mode.records:
            self.add_count("recorded")

    def _staged(self, ticket: Ticket, answer: Answer) -> Row:
        return ticket.row("" if self.is_shared else self.attempt(), answer)

    def flush(self, ticket: Ticket, data_json: str) -> None:
        """Do nothing: a call has no row before it ends, and what was attached is stored then."""

    def not_stored(self, ticket: Ticket) -> None:
        """Count a call that went live and was not recorded."""
        self.add_count("live")
        place = ticket.place
        if ticket.act is not Act.COMPARE:
            ticket.release()
        if self.is_shared and place.id:
            self.suite.staging.ledger.interrupt(place)

    def attempt(self) -> str:
        """Return the id of this attempt in the staging file."""
        with self._lock:
            if not self._attempt:
                self._attempt = self.suite.staging.begin(
                    self.name, self.mode, takes_failed=self.options.failed, live=self.options.live
                )
                self.suite.attempts.setdefault(self.name, []).append(self._attempt)
            return self._attempt

    def add_count(self, what: str, number: int = 1) -> None:
        """Count calls."""
        with self._lock:
            self._counts[what] += number

    @property
    def counts(self) -> Counter[str]:
        """What has happened to the calls, by the names of `COUNTED`."""
        # Replays are counted here, not while they happen: they are what a test does most.
        acts = [ticket.act for ticket in self.tickets]
        return self._counts + Counter(replayed=acts.count(Act.REPLAY) - self._counts["kept"])

    # Calls that cannot be served.

    def unreadable(self, ticket: Ticket, error: RecordedError) -> None:
        """Refuse a call whose recording cannot be read."""
        raise self.remember(refusal.unreadable(self, ticket.call.kind, error)) from error

    def chunks(self, ticket: Ticket) -> list[Chunk]:
        """Return the pieces of a recorded stream."""
        if ticket.source == "staging":
            return self.suite.staging.ledger.chunks(self.row_id(ticket))
        return self.suite.file.chunks(self.row_id(ticket)) if self.suite.file else []

    def read_on(self, ticket: Ticket, pieces: int) -> MissingRecording:
        """Return the miss of a caller who reads a stream further than its recorded caller did."""
        return self.remember(refusal.ended_before(self, ticket.call.kind, pieces))

    def _missing(self, ticket: Ticket, **why: bool) -> MissingRecording:
        return self.remember(refusal.not_recorded(self, ticket, **why))

    def remember(self, miss: MissingRecording) -> MissingRecording:
        """Keep a miss, which fails the test whoever swallows it."""
        self.add_count("missed")
        for scope in (self, self.host):
            if scope is not None:
                scope.misses.append(miss)
        return miss

    # The end.

    def close(self, *, passed: bool | None, is_whole: bool = True) -> None:
        """End the scope: no call is recorded in it any more.

        Args:
            passed: Whether its calls are worth taking over; None leaves that open, as a kill would.
            is_whole: Whether it came to its end: what a skipped test did not ask for it may ask for another time.

        Raises:
            CassetteError: The staging file cannot be written.

        """
        for stream in list(self.streams):
            stream.abandon()
        self.is_open = False
        refusal.name_running(self)
        unasked = unasked_of(self) if passed and is_whole else set()
        self.add_count("unused", len(unasked))
        if passed and self.mode.records:
            leave_word(self, is_whole=is_whole)
        told = None
        if self.mode.compares and passed is not None:
            from .changes.attempt import tell  # noqa: PLC0415 - loads pydantic, and a replay compares nothing

            told = tell(self, unasked)
        if self._attempt and passed is not None:
            self.suite.staging.end(self._attempt, passed=passed, is_whole=is_whole, told=told)

    def staged_address(self, address: Address) -> Address:
        """Return where a call of this scope is in the staging file."""
        return address if self.is_shared else address._replace(scope=self._attempt)

    def taken_over(self) -> None:
        """Say that what was recorded is in the cassette now."""
        for ticket in self.tickets:
            if ticket.source == "staging":
                ticket.source = "cassette"
