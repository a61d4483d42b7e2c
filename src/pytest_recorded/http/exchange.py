"""One HTTP call, whichever library makes it."""

from __future__ import annotations

import re
import threading
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Final

from ..body import digest_text
from ..codec import dump_error, load_error, load_tree, to_text
from ..drive import current_task
from ..errors import RecordedFailure
from ..frame import current_frame
from ..job import Answer, Found, Status
from ..llm import name_of
from ..message import HttpRequest, HttpResponse, without
from ..noting import with_data
from ..objects import Types
from ..redact import Mask
from ..stream import Pieces
from ..versions import versions_here
from .framing import has_body
from .hooks import hooked_request, hooked_response
from .kin import HTTPX, library_in_httpx

if TYPE_CHECKING:
    from ..book import Book, Outcome
    from ..call import Ticket
    from ..choice import Host
    from ..message import Headers

__all__ = [
    "AWAITED",
    "BodyPieces",
    "HttpCall",
    "HttpPieces",
    "book_for_http",
    "direct_url",
    "header_pairs",
    "says_done",
    "with_more",
]

# Statuses after which SDKs try again, after a pause that they take from the response or make up.
_RETRIED: Final = frozenset({408, 409, 425, 429, *range(500, 600)})
_AT_ONCE: Final = {"retry-after": "0", "retry-after-ms": "1"}

#: Marks an exception that came while the response was awaited, after the request had been sent.
AWAITED: Final = "response"

# How APIs in OpenAI's format end a stream.
_DONE: Final = b"data: [DONE]"
_NEAR_THE_END: Final = 64

_NETLOC: Final = re.compile(r"[^/?#]*")

# Headers of nearly every request, which carry no secret.
_HARMLESS: Final = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "content-type", "host", "user-agent"}
)


def book_for_http() -> Book | None:
    """Return the book that the HTTP call which is about to be made belongs to; None if it passes through.

    Inside a recorded call nothing is recorded again: the outermost seam records once.
    """
    frame = current_frame()
    if frame is None or not frame.book.takes_http:
        return None
    return frame.book if frame.inside is None or frame.inside.is_left_out else None


def says_done(body: bytes) -> bool:
    """Return whether a body is a stream of events that has said its last one.

    Some clients close there, others read on for the end that follows: neither has closed it early.
    """
    return body[-_NEAR_THE_END:].rstrip().endswith(_DONE)


def header_pairs(raw: Any) -> Headers:
    """Return headers as pairs of strings."""
    return tuple([(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw])


def direct_url(target: str) -> str:
    """Return the URL that a proxy is asked for as it would be without one: no credentials, no usual port, a path."""
    scheme, _, rest = target.partition("://")
    netloc = _NETLOC.match(rest)[0]  # type: ignore[index]  # it matches anything
    host, path = netloc.rpartition("@")[2].lower(), rest[len(netloc) :]
    host = host.removesuffix(":443" if scheme == "https" else ":80")
    return f"{scheme}://{host}{path if path.startswith('/') else '/' + path}"


def with_more(answer: Answer, **more: Any) -> Answer:
    """Return a failure that says more than its exception does."""
    return answer._replace(error_json=to_text({**load_tree(answer.error_json or "{}"), **more}))


def _at_once(response: HttpResponse) -> HttpResponse:
    """Return a response whose retry may come at once: a replay never sleeps."""
    if response.status not in _RETRIED and not response.header("retry-after"):
        return response
    headers = [(name, _AT_ONCE.get(name.lower(), value)) for name, value in response.headers]
    if not response.header("retry-after-ms"):
        headers.append(("retry-after-ms", _AT_ONCE["retry-after-ms"]))
    return response._replace(headers=tuple(headers))


class HttpCall:
    """One HTTP call; a seam says how its library's responses and exceptions are read and made.

    Args:
        book: Where it is made.
        request: What is asked.
        via: The library that asks.

    """

    is_named = False
    retry_failed = True

    def __init__(self, book: Book, request: HttpRequest, via: str) -> None:
        self.kind = request.kind
        self.request = request
        self.book = book
        self._via = via
        self._key = ""

    @abstractmethod
    def native(self, response: HttpResponse, error: BaseException | None) -> Any:
        """Return the library's own response; reading its body to the end raises the error, if there is one."""

    @abstractmethod
    def httpx_error(self, name: str, message: str) -> BaseException | None:
        """Return what an exception of httpx or httpx2 is in the library; None if it has none for it."""

    @abstractmethod
    def other_error(self, error: BaseException, *, awaited: bool) -> BaseException:
        """Return what an exception that came to another library is in this one; `awaited`: after the request."""

    @abstractmethod
    def exhaust(self, stream: Any, ticket: Ticket) -> None:
        """Read a response's body; see `Call.exhaust`."""

    async def aexhaust(self, stream: Any, ticket: Ticket) -> None:
        """Read an asynchronous response's body; only a library that has such responses has another way to."""
        self.exhaust(stream, ticket)

    @abstractmethod
    def tee(self, value: Any, ticket: Ticket) -> Any:
        """Return the library's response, its body recorded while it is read."""

    def key(self) -> str:
        """Return the key; see `Call.key`."""
        if not self._key:
            secrets = self.book.secrets
            for name, value in self.request.headers:
                if name.lower() not in _HARMLESS:
                    secrets.observe_header(name, value)
            self._key = digest_text(
                secrets.hide(self.request.canonical(self.book.match, self.book.ignore, self.book.redacted))
            )
        return self._key

    def host(self) -> Host:
        """Return where it goes."""
        return self.request.host, self.request.port

    def request_digest(self) -> str:
        """Return the key: nobody chooses another for an HTTP call."""
        return self.key()

    def request_json(self) -> str:
        """Return the request as it is stored, were it not for the user's hooks."""
        return self._stored(self.request)

    def kept_request(self, ticket: Ticket) -> str:
        """Return the request as it is stored.

        Raises:
            RecordedError: A hook has made none of it.

        """
        return self._stored(hooked_request(self.request, ticket))

    def _stored(self, request: HttpRequest) -> str:
        secrets = self.book.secrets
        tree = request.tree()
        if "form" in tree:
            tree["form"] = secrets.hide(tree["form"], form=True)
        if "json" in tree:
            tree["json"] = without(tree["json"], self.book.redacted)
        return secrets.hide(to_text(tree))

    def info_json(self) -> str:
        """Return which library made the call, and with which versions of it and of what has called it."""
        return to_text({"via": self._via, "versions": versions_here()})

    def answer(self, value: Any, ticket: Ticket) -> Answer | None:
        """Return None: every response is a stream until its body has been read."""

    def failure(self, error: BaseException, _ticket: Ticket) -> Answer:
        """Return an exception as it is stored."""
        return Answer(Status.FAILED, None, None, self.book.secrets.hide(dump_error(error)[0]))

    def projected(self, answer: Answer, ticket: Ticket) -> tuple[Answer, str]:
        """Return the answer with its data; see `Call.projected`."""
        if not ticket.book.projections and name_of(self.request) is None:
            return answer, ""
        return with_data(answer, ticket)

    def unrecorded(self, value: Any, _ticket: Ticket) -> Any:
        """Return the library's response as it is."""
        return value

    def recall(self, found: Found, ticket: Ticket) -> Outcome:
        """Return the recorded response, or the exception that came instead."""
        self._ticket = ticket
        error = self._error(found) if found.error_json else None
        if found.response_json is None:
            return None, error or RecordedFailure("HTTP", "the recorded call has no response")
        return self.native(_at_once(HttpResponse.from_tree(load_tree(found.response_json))), error), None

    def recorded_length(self, ticket: Ticket) -> int | None:
        """Return after how many bytes the recorded caller has left a body; None if he has read all of it."""
        text = ticket.found.response_json if ticket.found is not None else None
        recorded = HttpResponse.from_tree(load_tree(text)) if text is not None else None
        return None if recorded is None or recorded.end not in ("closed", "cancelled") else len(recorded.content)

    def read_on(self, pieces: int) -> BaseException:
        """Return what a caller gets who reads a body further than it is recorded."""
        return self.book.read_on(self._ticket, pieces)

    def _error(self, found: Found) -> BaseException:
        tree = load_tree(found.error_json or "{}")
        library, _, name = str(tree.get("type", "")).rpartition(".")
        awaited = tree.get("at") == AWAITED or found.response_json is not None
        if as_httpx := library_in_httpx(f"{library}.{name}", awaited=awaited):
            library, name = HTTPX[0], as_httpx
        if library in HTTPX and (error := self.httpx_error(name, str(tree.get("message", "")))) is not None:
            return error
        error = load_error(found.error_json or "{}", Types())
        via = load_tree(found.info_json or "{}").get("via")
        if isinstance(error, RecordedFailure) or via == self._via or {via, self._via} == {*HTTPX}:
            return error
        return self.other_error(error, awaited=awaited)


class HttpPieces(Pieces):
    """What has passed of a response's body so far, as it came over the wire."""

    def __init__(self, ticket: Ticket, head: HttpResponse) -> None:
        super().__init__(ticket)
        # Until it has been read, whoever has got it here would wait in vain for the answer to the very same request.
        self.reader = current_task() or threading.get_ident()
        self._head = head
        self._chunks: list[tuple[float, bytes]] = []

    def add(self, item: bytes) -> None:
        """Take in a chunk."""
        if item:
            self._chunks.append((self.elapsed(), bytes(item)))

    def decoded(self, chunks: list[tuple[float, bytes]]) -> list[tuple[float, bytes]] | None:
        """Return the chunks without their content encoding; None if it cannot be undone."""
        return chunks

    def answer(self, end: str, _returned: Any, error: BaseException | None) -> Answer:
        """Return the response as it is stored."""
        chunks = self.decoded(self._chunks) if self._head.header("content-encoding") else self._chunks
        encoded = chunks is None
        chunks = self._chunks if chunks is None else chunks
        response = self._head._replace(
            parts=self._head.parts if len(chunks) == len(self._chunks) else (),
            content=b"".join(chunk for _, chunk in chunks),
            chunks=tuple((at, len(chunk)) for at, chunk in chunks) if len(chunks) > 1 else (),
            end=end,
            encoded=encoded,
        )
        mask = Mask(self.ticket.book.secrets, self.ticket.tag)
        stored = hooked_response(response, self.ticket, mask).masked(mask, self.ticket.book.redacted)
        text = to_text(stored.tree())
        if error is None:
            return Answer(Status.COMPLETED, text)
        return self.ticket.call.failure(error, self.ticket)._replace(response_json=text)


class BodyPieces(HttpPieces):
    """What has passed of a body whose library has read the head."""

    def __init__(self, ticket: Ticket, head: HttpResponse, method: str) -> None:
        super().__init__(ticket, head)
        self._method = method

    def left(self) -> None:
        """Store what has passed: whoever reads the body reads no further."""
        body = b"".join(chunk for _, chunk in self._chunks)
        is_whole = (
            not has_body(self._method, self._head.status)
            or self._head.header("content-length") == str(len(body))
            or says_done(body)
        )
        self.finish("complete" if is_whole else "closed")

    def abandon(self) -> None:
        """Store what has passed: the test is over."""
        self.left()
