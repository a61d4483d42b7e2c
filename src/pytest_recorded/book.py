"""Who decides about calls and stores them.

The law of this file: deciding never waits. `settle` either decides or says how long to wait before asking again; the
drivers in `drive` do the waiting and the calling, in a thread or on an event loop, so that each path exists once. And a
fault in recording never reaches the caller: he gets his value, and a `RecordedWarning`.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final

from .choice import is_among
from .environment import Environment
from .errors import RecordedError, RecordedWarning, SerializationError, UsageError
from .job import Answer, Status
from .modes import Act
from .options import MATCH
from .target import target_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .budget import Allowance
    from .call import Call, Ticket
    from .guard import Policy
    from .job import Chunk, Found
    from .options import Hook
    from .paths import Path
    from .projection import Projection
    from .redact import Secrets
    from .rules import Rules
    from .stream import Pieces
    from .target import Target

__all__ = ["FOREVER", "Book", "Outcome", "is_cancellation", "is_outcome", "warn"]

#: What a call gives its caller: a value, or an exception to raise.
Outcome = tuple[Any, BaseException | None]

FOREVER: Final = float("inf")
_FIRST_PAUSE: Final = 0.001
_LONGEST_PAUSE: Final = 0.05
# Looking up a member of an enumeration costs as much as comparing with ten; a replay is a matter of microseconds.
_COMPLETED: Final = Status.COMPLETED
_INTERRUPTED: Final = Status.INTERRUPTED
_REPLAY: Final = Act.REPLAY
_IN_FLIGHT: Final = frozenset({Status.PENDING, Status.RUNNING})


class Book(ABC):
    """Who decides about calls and stores them: a scope of a cassette, or a recorder."""

    #: Whether calls may still be made in it.
    is_open = True
    #: Whether it belongs to one test: then a call after its end is late, not somebody else's.
    is_test = False
    #: Whether a recorded call inside a recorded call is recorded too.
    nests = False
    #: Whether it warns of answers that their models do not fit; else it tells of them in another way.
    warns_of_misfits = True
    #: Whether HTTP calls are recorded in it.
    takes_http = False
    #: The functions that are recorded by their dotted paths.
    targets: Mapping[str, Target] = {}
    #: What is left out of keys, and the parts of an HTTP request that keys cover.
    ignore: tuple[Path, ...] = ()
    match: tuple[str, ...] = MATCH
    #: What picks the data of calls that say nothing about it themselves, by globs of their kinds.
    projections: tuple[tuple[str, Projection], ...] = ()
    #: The user's functions that see an HTTP request, or a response, before it is stored.
    before_record_request: tuple[Hook, ...] = ()
    before_record_response: tuple[Hook, ...] = ()
    #: What holds for connections past the recorder; None if what is around it says so.
    guard: Policy | None = None
    #: What it may spend on live calls; None for as much as it takes.
    budget: Allowance | None = None

    def __init__(self, rules: Rules) -> None:
        self._environment = Environment(rules)
        #: What is declared as secret, if that can be found by its name or its place.
        self.declared = rules if rules.names or rules.paths else None
        #: Places in requests and answers whose content is secret.
        self.redacted = rules.paths
        #: Streams that are still being read.
        self.streams: set[Pieces] = set()

    @property
    def secrets(self) -> Secrets:
        """The secrets of this book, those of the environment as it is now among them."""
        return self._environment.secrets()

    def projection_of(self, names: Iterable[str]) -> Projection | None:
        """Return what picks the data of a call: its function's own model, or the first whose glob fits a name of it.

        Args:
            names: Its kind, and what else it is found by.

        """
        kind, *_ = names = tuple(names)
        target = self._target_of(kind)
        if target is not None and target.slots.data is not None:
            return target.slots.data
        for glob, projection in self.projections:
            if any(is_among(name, (glob,)) for name in names):
                return projection
        return None

    def ignored_in(self, kind: str) -> tuple[Path, ...]:
        """Return what does not matter of a call: what is ignored here, and what its function ignores."""
        target = self._target_of(kind)
        return self.ignore if target is None else (*self.ignore, *target.slots.ignore)

    def is_spared(self, kind: str, globs: tuple[str, ...]) -> bool:
        """Return whether calls of a kind are not to be made again: its function says so, or one of some globs."""
        target = self._target_of(kind)
        return is_among(kind, globs) or (target is not None and not target.slots.verify)

    def _target_of(self, kind: str) -> Target | None:
        # Another test may record the same function in another way.
        return next((own for own in self.targets.values() if own.kind == kind), None) or target_of(kind)

    def settle(self, ticket: Ticket) -> float | None:
        """Decide about a call.

        Returns:
            None if it is decided: see `ticket.act`. Else the seconds to wait before asking again, while somebody else
            makes the very same call; `FOREVER` for a call whose recording is that it was cancelled.

        Raises:
            MissingRecording: The mode refuses the call.

        """
        __tracebackhide__ = True
        if ticket.is_decided:
            return None
        while True:
            found = ticket.found = self.find(ticket)
            if found is not None and found.status != _COMPLETED and found.status in _IN_FLIGHT:
                if self.give_up_dead(ticket, found):
                    continue
                if self._is_inside(ticket, found):
                    ticket.act = Act.PASS
                    return None
                ticket.pause = min(ticket.pause * 2 or _FIRST_PAUSE, _LONGEST_PAUSE)
                return ticket.pause
            act = ticket.act = self.decide(ticket, found)
            if act is not _REPLAY and self.budget is not None:
                act = ticket.act = self.budget.allow(ticket, act)
            if act is _REPLAY:
                return FOREVER if found is not None and found.status == _INTERRUPTED else None
            if ticket.is_awaited and not self.begin(ticket):
                if self.budget is not None:
                    self.budget.give_back()
                continue
            return None

    def _is_inside(self, ticket: Ticket, found: Found) -> bool:
        """Return whether a call would wait for itself.

        So does a recorded function that calls itself with the same key, and whoever asks for the same stream again
        before he has read the first one to its end.
        """
        around = ticket.parent
        while around is not None and around.id != found.id:
            around = around.parent
        if around is not None:
            return True
        return any(stream.ticket.id == found.id and stream.is_read_here() for stream in list(self.streams))

    @abstractmethod
    def open(self, call: Call) -> Ticket:
        """Take a call in: give it its address."""

    @abstractmethod
    def find(self, ticket: Ticket) -> Found | None:
        """Return what is known of a call's address."""

    @abstractmethod
    def give_up_dead(self, ticket: Ticket, found: Found) -> bool:
        """Return whether a call in flight was given up because whoever made it is gone."""

    @abstractmethod
    def decide(self, ticket: Ticket, found: Found | None) -> Act:
        """Return what to do with a call."""

    @abstractmethod
    def begin(self, ticket: Ticket) -> bool:
        """Claim the address of a call that is about to run; False if somebody else was faster."""

    @abstractmethod
    def store(self, ticket: Ticket, answer: Answer) -> None:
        """Store how a call ended."""

    def recall(self, ticket: Ticket) -> Outcome | None:
        """Return the recorded answer; None if it cannot be read and the call has to run instead."""
        assert ticket.found is not None  # noqa: S101 - there is no replay without a row
        try:
            outcome = ticket.call.recall(ticket.found, ticket)
        except Exception as error:  # noqa: BLE001 - rebuilding a value runs code of its class
            if not isinstance(error, RecordedError):
                error = SerializationError(f"the recorded value cannot be rebuilt ({_said(error)})")
            self.unreadable(ticket, error)
            ticket.act = Act.PASS
            return None
        ticket.release()
        return outcome

    @abstractmethod
    def unreadable(self, ticket: Ticket, error: RecordedError) -> None:
        """Say that a recorded answer cannot be read; raise where the call may not run instead."""

    def ended(self, ticket: Ticket, value: Any) -> Outcome:
        """Take in what a call returned; return what its caller gets."""
        if ticket.act is Act.PASS:
            return ticket.call.unrecorded(value, ticket), None
        try:
            answer = ticket.call.answer(value, ticket)
            if answer is None:
                ticket.is_stream = True
                return ticket.call.tee(value, ticket), None
        except Exception as error:  # noqa: BLE001 - storing a value runs code of its class
            self.lose(ticket, "ran, but its answer cannot be recorded.", error)
            return self.instead(ticket) or (value, None)
        except BaseException:
            self.drop(ticket)
            raise
        self.keep(ticket, answer)
        return self.instead(ticket) or (value, None)

    def failed(self, ticket: Ticket, error: BaseException) -> Outcome | None:
        """Take in what a call raised; return what its caller gets instead, if anything."""
        if ticket.act is Act.PASS:
            return None
        if is_cancellation(error):
            self.keep(ticket, Answer(Status.INTERRUPTED, None, ticket.attached_json(), _CANCELLED))
        elif is_outcome(error):
            try:
                answer = ticket.call.failure(error, ticket)
            except Exception as problem:  # noqa: BLE001 - storing an exception runs code of its class
                self.lose(ticket, f"raised {type(error).__name__}, which cannot be recorded.", problem)
                return self.instead(ticket)
            self.keep(ticket, answer)
            return self.instead(ticket)
        else:
            self.drop(ticket)
        return None

    def instead(self, ticket: Ticket) -> Outcome | None:
        """Return the recorded answer of a call that ran only to be compared with it."""
        return self.recall(ticket) if ticket.act is Act.COMPARE and ticket.found is not None else None

    def keep(self, ticket: Ticket, answer: Answer) -> None:
        """Store how a call ended; a fault in storing never reaches the caller."""
        call = ticket.call
        try:
            answer, problem = call.projected(answer, ticket)
            ticket.info_json = answer.info_json or ticket.info_json
            if self.budget is not None:
                self.budget.spend(ticket)
            self.store(ticket, answer)
        except Exception as error:  # noqa: BLE001 - see above
            self.lose(ticket, "ran, but could not be recorded:", error)
        except BaseException:
            self.drop(ticket)
            raise
        if ticket.act is not Act.COMPARE:
            ticket.release()
        if problem and self.warns_of_misfits:
            warn(f"{call.kind} {problem}")

    def lose(self, ticket: Ticket, problem: str, error: Exception) -> None:
        """Say why a call is not recorded."""
        # First of all nobody may wait for it any longer: where warnings are errors, the next line raises.
        self.drop(ticket)
        if isinstance(error, RecordedWarning):
            raise error
        warn(f"{ticket.call.kind} {problem} {error if isinstance(error, RecordedError) else _said(error)}")

    def drop(self, ticket: Ticket) -> None:
        """Forget a call whose answer is not stored."""
        with contextlib.suppress(Exception):
            self.not_stored(ticket)

    @abstractmethod
    def chunks(self, ticket: Ticket) -> list[Chunk]:
        """Return the pieces of a recorded stream."""

    @abstractmethod
    def read_on(self, ticket: Ticket, pieces: int) -> BaseException:
        """Return what a caller gets who reads a stream further than it is recorded."""

    @abstractmethod
    def flush(self, ticket: Ticket, data_json: str) -> None:
        """Store the data of a call that still runs, where it has a row already."""

    @abstractmethod
    def not_stored(self, ticket: Ticket) -> None:
        """Clean up after a call whose answer is not stored."""


# What a cancelled call has as its error; its replay waits to be cancelled again.
_CANCELLED: Final = '{"type":"asyncio.exceptions.CancelledError","message":""}'


def is_cancellation(error: BaseException) -> bool:
    """Return whether an exception cancels a task."""
    asyncio, trio = sys.modules.get("asyncio.exceptions"), sys.modules.get("trio")
    if asyncio is not None and isinstance(error, asyncio.CancelledError):
        return True
    return trio is not None and isinstance(error, trio.Cancelled)


def is_outcome(error: BaseException) -> bool:
    """Return whether an exception is what a call came to.

    KeyboardInterrupt, a skip and a miss are not, and neither is a mistake in how this library is used: once it is
    corrected, nothing may raise it again.
    """
    return isinstance(error, Exception | SystemExit) and not isinstance(error, UsageError)


def _said(error: Exception) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - an exception may be unable to say what it is about
        return type(error).__name__


def warn(message: str) -> None:
    """Warn at the line of the user's code that led here."""
    package = __name__.partition(".")[0] + "."
    depth, frame = 1, sys._getframe(1)  # noqa: SLF001 - warnings.warn's skip_file_prefixes needs Python 3.12
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith(package):
        depth, frame = depth + 1, frame.f_back
    warnings.warn(message, RecordedWarning, stacklevel=depth + 1)
