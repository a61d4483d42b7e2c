"""One call of a recorded function."""

from __future__ import annotations

import contextlib
import types
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from .body import digest_text
from .book import Outcome, is_outcome, warn
from .codec import canonical, decode, dump_error, load, load_error, load_tree, to_text
from .cover import Cover
from .errors import RecordedFailure, SerializationError
from .job import Answer, Chunk, Found, Status
from .noting import with_data
from .paths import drop
from .picking import encode, picked
from .redact import Mask
from .stream import AsyncTee, Pieces, Replay, Tee, Unrecorded, areplayed, replayed
from .target import Target
from .versions import version_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .book import Book
    from .call import Ticket
    from .frame import Frame
    from .projection import Projection

__all__ = ["FunctionCall", "Target", "is_cut_short", "nested_stream"]


_COMPLETED: Final = Status.COMPLETED


class FunctionCall:
    """One call of a recorded function."""

    __slots__ = ("_arguments", "_cover", "_key", "_tree", "book", "is_named", "kind", "retry_failed", "target")

    def __init__(
        self,
        target: Target,
        book: Book,
        arguments: dict[str, Any],
        key: str | None,
        *,
        retry_failed: bool = True,
    ) -> None:
        self.target = target
        self.kind = target.kind
        self.retry_failed = retry_failed
        self.is_named = key is not None
        self.book = book
        self._arguments = arguments
        self._key = key
        self._tree: Any = None
        #: What is secret because of its place; None where nothing is.
        self._cover: Cover | None = None
        if target.slots.redact is not None or book.declared is not None:
            self._cover = Cover([rules for rules in (target.slots.redact, book.declared) if rules], book)

    # What is asked.

    def key(self) -> str:
        """Return the key; see `Call.key`."""
        if self.is_named:
            return self.book.secrets.hide(self._key or "")
        if self._key is None:
            self._key = self.request_digest()
        return self._key

    def host(self) -> None:
        """Return None: a function is called here."""

    def request_digest(self) -> str:
        """Return the digest of the canonical request, its secrets hidden."""
        return digest_text(self._hidden(canonical(self._request())))

    def _request(self) -> Any:
        if self._tree is None:
            arguments = self._arguments
            if self.target.is_simple and not self.book.ignore and self._cover is None:
                self._tree = encode(arguments)
                return self._tree
            if self.target.ignored:
                arguments = {name: arguments[name] for name in arguments if name not in self.target.ignored}
            if self.target.slots.request is not None:
                arguments = self._projected(arguments, self.target.slots.request)
            tree = encode(arguments)
            if ignore := self.target.slots.ignore + self.book.ignore:
                tree = drop(tree, ignore)
            self._tree = tree if self._cover is None else self._cover.tree(tree)
        return self._tree

    def _projected(self, arguments: dict[str, Any], model: Projection) -> Any:
        if self._cover is not None:
            # Paths speak of the arguments, not of what the model picks out of them.
            with contextlib.suppress(SerializationError):
                self._cover.tree(encode(arguments))
        value = next(iter(arguments.values())) if len(arguments) == 1 else arguments
        try:
            return picked(model, value)
        except SerializationError as error:
            warn(f"{self.kind}: the request is stored as it is. {error}")
            return arguments

    def request_json(self) -> str | None:
        """Return the arguments as they are stored; None, with a warning, if they cannot be."""
        try:
            return self._hidden(to_text(self._request()))
        except SerializationError as error:
            warn(f"{self.kind} is recorded without its request. {error}")
            return None

    def kept_request(self, _ticket: Ticket) -> str | None:
        """Return the arguments as they are stored."""
        return self.request_json()

    def info_json(self) -> str | None:
        """Return the request's digest if the key says nothing about it, and the version of a function's library."""
        info: dict[str, Any] = {}
        if self.is_named:
            with contextlib.suppress(SerializationError):
                info["request"] = self.request_digest()
        if versions := version_of(self.target.fn):
            info["versions"] = versions
        return to_text(info) if info else None

    def _hidden(self, text: str) -> str:
        text = self.book.secrets.hide(text)
        return text if self._cover is None else self._cover.text(text)

    # What it says about itself.

    def noted(self, name: str, value: Any) -> Any:
        """Return what is attached, as a tree of its own: what becomes of the value later does not matter.

        Raises:
            SerializationError: It cannot be stored.

        """
        return self._snapshot({name: encode(value)})[name]

    def noted_error(self, payload: Any) -> Any:
        """Return what is attached to the error, likewise."""
        model = self.target.slots.error
        return self._snapshot({"payload": encode(payload) if model is None else picked(model, payload)})["payload"]

    def _snapshot(self, tree: dict[str, Any]) -> Any:
        if self._cover is not None:
            tree = self._cover.tree(tree)
        return load_tree(self._hidden(to_text(tree)))

    # What comes of it.

    def answer(self, value: Any, ticket: Ticket) -> Answer | None:
        """Return what the function returned as it is stored; None for a generator."""
        if isinstance(value, types.GeneratorType | types.AsyncGeneratorType):
            return None
        text = self.stored(value, Mask(self.book.secrets, ticket.tag))
        self.check(value)
        return Answer(Status.COMPLETED, text, ticket.attached_json())

    def check(self, value: Any) -> None:
        """Warn of an answer that does not fit the model of the response."""
        if self.target.slots.response is not None:
            try:
                self.target.slots.response.project(value)
            except SerializationError as error:
                warn(f"{self.kind}: the response is stored as it is. {error}")

    def projected(self, answer: Answer, ticket: Ticket) -> tuple[Answer, str]:
        """Return the answer with its data; see `Call.projected`."""
        slot = self.target.slots.data
        if ticket.attached is None and slot is None and not ticket.book.projections:
            return answer, ""
        return with_data(answer, ticket, slot)

    def stored(self, value: Any, mask: Mask) -> str:
        """Return a value as text, its secrets masked.

        Raises:
            SerializationError: It cannot be stored, or could not be rebuilt from what is stored.

        """
        tree = encode(value)
        if self._cover is not None:
            tree = self._cover.tree(tree, mask)
        text = to_text(tree)
        if '"py:' in text:
            load(text, self.target.types)
        return self._masked(text, mask)

    def _masked(self, text: str, mask: Mask) -> str:
        text = mask.text(text)
        return text if self._cover is None else self._cover.text(text)

    def failure(self, error: BaseException, ticket: Ticket) -> Answer:
        """Return an exception as it is stored."""
        text, lost = dump_error(error)
        name = type(error).__name__
        if lost:
            warn(f"{self.kind} raised {name}; its replay will lack what cannot be stored: {', '.join(lost)}.")
        if not self._can_raise(text):
            warn(f"{self.kind} raised {name}, which its replay cannot raise: call pytest_recorded.register({name}).")
        if ticket.error_payload is not None or self._cover is not None:
            tree = load_tree(text)
            if ticket.error_payload is not None:
                tree["payload"] = ticket.error_payload
            text = to_text(tree if self._cover is None else self._cover.tree(tree))
        return Answer(Status.FAILED, None, ticket.attached_json(), self._hidden(text))

    def _can_raise(self, text: str) -> bool:
        try:
            return not isinstance(load_error(text, self.target.types), RecordedFailure)
        except Exception:  # noqa: BLE001 - making an exception runs code of its class
            return False

    def recall(self, found: Found, ticket: Ticket) -> Outcome:
        """Return what the recorded call returned or raised."""
        text = found.response_json
        if found.status == _COMPLETED:
            if text is None:
                return None, None
            if '"py:' not in text:
                return load_tree(text), None
        if text is not None and text.startswith(_STREAM):
            return self._recall_stream(found, text, ticket), None
        if found.status == Status.FAILED:
            return None, load_error(found.error_json or "null", self.target.types)
        return load(text or "null", self.target.types), None

    def _recall_stream(self, found: Found, text: str, ticket: Ticket) -> Any:
        known = self.target.types
        tree = load_tree(text)["py:stream"]
        recorded = Replay(
            [load(chunk.body, known) for chunk in ticket.book.chunks(ticket)],
            tree["end"],
            decode(tree.get("returned"), known),
            load_error(found.error_json, known) if found.error_json else None,
            tuple(tree.get("thrown", ())),
        )

        def read_on() -> BaseException:
            return ticket.book.read_on(ticket, len(recorded.items))

        return areplayed(recorded, read_on) if tree.get("async") else replayed(recorded, read_on)

    def exhaust(self, stream: Any, ticket: Ticket) -> None:
        """Run a generator as far as it ran when it was recorded, and close it; see `Call.exhaust`."""
        with _noted(), contextlib.closing(stream):
            for _ in islice(stream, self._recorded_length(ticket)):
                pass

    async def aexhaust(self, stream: Any, ticket: Ticket) -> None:
        """Run an asynchronous generator likewise."""
        left = self._recorded_length(ticket)
        with _noted():
            async with contextlib.aclosing(stream):
                while left != 0 and await anext(stream, self) is not self:
                    left = None if left is None else left - 1

    def _recorded_length(self, ticket: Ticket) -> int | None:
        """Return after how many items the recorded caller has left a generator; None if he has not."""
        found = ticket.found
        text = found.response_json if found is not None else None
        if text is None or not text.startswith((_STREAM + '{"end":"closed"', _STREAM + '{"end":"cancelled"')):
            return None
        return len(ticket.book.chunks(ticket))

    def tee(self, value: Any, ticket: Ticket) -> Any:
        """Return the generator, wrapped so that it is recorded while it runs."""
        return _teed(value, _Items(self, ticket, is_async=isinstance(value, types.AsyncGeneratorType)))

    def unrecorded(self, value: Any, ticket: Ticket) -> Any:
        """Return what the function returned; a generator wrapped, so that what it calls is called inside of it."""
        is_stream = isinstance(value, types.GeneratorType | types.AsyncGeneratorType)
        return _teed(value, Unrecorded(ticket)) if is_stream else value


@contextlib.contextmanager
def _noted() -> Iterator[None]:
    """Let nothing out that a generator raises: it has been noted, and is compared; unless it is no outcome of it."""
    try:
        yield
    except Exception as error:
        if not is_outcome(error):
            raise


def nested_stream(stream: Any, frame: Frame) -> Any:
    """Return a generator that runs inside of a recorded call, wrapped so that each of its steps runs in its frame."""
    return _teed(stream, Unrecorded(frame.inside, frame))


def _teed(stream: Any, pieces: Pieces) -> Any:
    return AsyncTee(stream, pieces) if isinstance(stream, types.AsyncGeneratorType) else Tee(stream, pieces)


# How the response of a generator begins: its pieces are rows of their own.
_STREAM: Final = '{"py:stream":'


class _Items(Pieces):
    """What a generator has yielded so far."""

    def __init__(self, call: FunctionCall, ticket: Ticket, *, is_async: bool) -> None:
        super().__init__(ticket)
        self._call = call
        self._is_async = is_async
        self._mask = Mask(ticket.book.secrets, ticket.tag)
        self._chunks: list[Chunk] = []

    def add(self, item: Any) -> None:
        """Take in an item."""
        body = self._call.stored(item, self._mask)
        self._chunks.append(Chunk(len(self._chunks), self.elapsed(), body))

    def answer(self, end: str, returned: Any, error: BaseException | None) -> Answer:
        """Return the generator's items as they are stored."""
        if error is None:
            items = [load(chunk.body, self._call.target.types) for chunk in self._chunks]
            self._call.check(items)
        how: dict[str, Any] = {"end": end}
        if self._is_async:
            how["async"] = True
        if self.thrown:
            how["thrown"] = self.thrown
        if returned is not None:
            how["returned"] = load_tree(self._call.stored(returned, self._mask))
        answer = Answer(Status.COMPLETED) if error is None else self._call.failure(error, self.ticket)
        return answer._replace(
            response_json=to_text({"py:stream": how}),
            data_json=self.ticket.attached_json(),
            chunks=tuple(self._chunks),
        )


def is_cut_short(answer: Answer) -> bool:
    """Return whether an answer is that of a generator which was not run to its end."""
    text = answer.response_json
    return text is not None and text.startswith(_STREAM) and not text.startswith(_STREAM + '{"end":"complete"')
