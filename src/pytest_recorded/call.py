"""A call on its way (`Call`), and what a book has decided about it (`Ticket`)."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Protocol

from .codec import load_tree, to_text
from .errors import SerializationError
from .job import Answer, Place, Row, Status
from .modes import Act
from .store.lease import now

if TYPE_CHECKING:
    from .book import Book
    from .choice import Host
    from .job import Address, Found

__all__ = ["Call", "Ticket", "request_digest"]

# Looking up a member of an enumeration costs as much as comparing with ten; a replay is a matter of microseconds.
_REPLAY: Final = Act.REPLAY
#: What the notes of a call of a language model contain.
_FIGURES: Final = '"llm":'

_AWAITED: Final = frozenset({Act.RUN, Act.REPLACE, Act.RETRY, Act.COMPARE})


class Call(Protocol):
    """A call on its way: what is asked, how its answer is stored, and how it is given again."""

    # Where it is made.
    book: Book
    kind: str
    # True if the caller chose the key: then the request may be another one than the recorded.
    is_named: bool
    # Whether a recorded failure is to be tried again, where that is the caller's choice.
    retry_failed: bool

    def key(self) -> str:
        """Return the key.

        Raises:
            SerializationError: There is none, because the request cannot be stored.

        """

    def host(self) -> Host | None:
        """Return the host and the port that an HTTP call goes to; None for a function."""

    def request_digest(self) -> str:
        """Return the digest of the request, which is the key unless the caller chose another."""

    def request_json(self) -> str | None:
        """Return the request as it is stored, were it not for the user's hooks."""

    def kept_request(self, ticket: Ticket) -> str | None:
        """Return the request as it is stored, once, when the call runs.

        Raises:
            RecordedError: It cannot be, and the call is not to be recorded without it.

        """

    def info_json(self) -> str | None:
        """Return what else is stored of the call."""

    def answer(self, value: Any, ticket: Ticket) -> Answer | None:
        """Return what came back as it is stored; None for a stream, which reports its own end."""

    def failure(self, error: BaseException, ticket: Ticket) -> Answer:
        """Return an exception as it is stored."""

    def projected(self, answer: Answer, ticket: Ticket) -> tuple[Answer, str]:
        """Return the answer with what its projection picks, and what is wrong with that, `""` if nothing is."""

    def unrecorded(self, value: Any, ticket: Ticket) -> Any:
        """Return what came back from a call that is not recorded; a generator still runs inside of its call."""

    def tee(self, value: Any, ticket: Ticket) -> Any:
        """Return a stream, wrapped so that it is recorded while it passes."""

    def exhaust(self, stream: Any, ticket: Ticket) -> None:
        """Read a stream that is to be compared as far as it was read when it was recorded, and close it."""

    async def aexhaust(self, stream: Any, ticket: Ticket) -> None:
        """Read an asynchronous stream likewise."""

    def recall(self, found: Found, ticket: Ticket) -> tuple[Any, BaseException | None]:
        """Return the recorded answer: what to return, or what to raise.

        Raises:
            SerializationError: What is stored cannot be read.

        """


class Ticket:
    """One call in one book: where it belongs, what is to be done, and what came of it."""

    # Values of the class are those of most tickets; an instance has only what is its own.
    act = Act.PASS
    #: Whether it was decided when it was taken in: it has no address to look at.
    is_decided = False
    #: Whether the book has nothing to do with it, only perhaps with what is called inside of it.
    is_left_out = False
    #: Whether it runs without being recorded or compared, though it was to be.
    is_lost = False
    address: Address | None = None
    attempt = 0
    found: Found | None = None
    #: Where its row is: "cassette" or "staging"; "" while there is none.
    source = ""
    #: The row's id there.
    id = ""
    #: The recorded call that it is made in.
    parent: Ticket | None = None
    pause = 0.0
    attached: dict[str, Any] | None = None
    error_payload: Any = None
    #: Whether what came back is a stream, which reports its own end.
    is_stream = False
    started_at = ""
    request_json: str | None = None
    info_json: str | None = None

    def __init__(self, book: Book, call: Call) -> None:
        self.book = book
        self.call = call

    @property
    def place(self) -> Place:
        """Where its row is, once it has one."""
        return Place(self.id, self.address, self.attempt)

    def tag(self) -> str:
        """Six hex digits that are the same for the same call in every recording: they mark its placeholders."""
        if self.address is None:
            return self.id[-6:]
        return blake2b("\0".join(map(str, self.address)).encode(errors="surrogatepass"), digest_size=3).hexdigest()

    def release(self) -> None:
        """Let go of what was asked and answered: a scope remembers its tickets, not the bodies of all its calls."""
        self.call = _Over(self.call.kind)  # type: ignore[assignment]
        found = self.found
        if found is not None:
            self.found = None
            if self.act is _REPLAY and found.info_json is not None and _FIGURES in found.info_json:
                # What it has saved is summed up at the end of its test.
                self.info_json = found.info_json
            if not self.id or self.act is Act.COMPARE:
                self.id, self.attempt = found.id or "", found.attempt

    @property
    def is_over(self) -> bool:
        """Whether what was asked has been let go of."""
        return isinstance(self.call, _Over)

    @property
    def is_running(self) -> bool:
        """Whether it is to be recorded, and has not come to its end."""
        return bool(self.started_at) and not self.is_over and self.act not in (Act.PASS, Act.COMPARE)

    def start(self) -> None:
        """Note what is asked, before the function that runs can change it."""
        self.started_at = now()
        self.request_json = self.call.kept_request(self)
        self.info_json = self.call.info_json()

    def row(self, scope: str, answer: Answer | None, *, owner: str | None = None) -> Row:
        """Return the call as a row: of a call that has ended, or of one that runs."""
        address, moment = self.address, self.started_at
        key, seq = (address.key, address.seq) if address else (None, 0)
        parent = self.parent.id if self.parent else None
        if answer is None:
            return Row(
                self.id, scope, self.call.kind, key, seq, self.attempt, parent, Status.RUNNING, owner, moment,
                moment, moment, None, self.request_json, None, None, None, self.info_json,
            )  # fmt: skip
        return Row(
            self.id, scope, self.call.kind, key, seq, self.attempt, parent, answer.status, None, moment, moment,
            None, answer.completed_at or now(), self.request_json, answer.response_json, answer.data_json,
            answer.error_json, self.info_json,
        )  # fmt: skip

    def attach(self, name: str, tree: Any) -> None:
        """Add a field to what its data will be; threads may do so at the same time."""
        self.__dict__.setdefault("attached", {})[name] = tree

    def attached_json(self) -> str | None:
        """Return what has been attached so far as it is stored."""
        return to_text(dict(self.attached)) if self.attached else None

    @property
    def is_compared_stream(self) -> bool:
        """Whether what came back is a stream that is only to be compared: its caller gets the recorded one."""
        return self.is_stream and self.act is Act.COMPARE and self.found is not None

    @property
    def is_awaited(self) -> bool:
        """Whether the call runs and its answer is wanted: to be stored, or to be compared."""
        return self.act in _AWAITED


class _Over:
    """What is left of a call."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind


def request_digest(found: Found | Row) -> str | None:
    """Return the digest of the request of a recorded call whose key was chosen by its caller."""
    try:
        info = load_tree(found.info_json) if found.info_json else None
    except SerializationError:
        return None
    digest = info.get("request") if isinstance(info, dict) else None
    return digest if isinstance(digest, str) else None
