"""urllib3's own HTTP/2, which it has to be told to speak: its frames are no text, and its responses come as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..drive import drive
from ..message import HttpResponse
from .framing import packed
from .pools import IS_REPLAYED, PoolCall, PoolPieces, header_texts, requested

if TYPE_CHECKING:
    from ..book import Book
    from ..call import Ticket
    from ..message import HttpRequest

__all__ = ["exchange_in_frames", "speaks_frames"]


def speaks_frames(connection: Any) -> bool:
    """Return whether a connection speaks HTTP/2."""
    return type(connection).__module__.startswith("urllib3.http2")


def exchange_in_frames(
    make: Any, library: Any, book: Book, target: tuple[Any, Any, str, str], options: dict[str, Any]
) -> Any:
    """Make one exchange over HTTP/2.

    Args:
        make: `_make_request`.
        library: urllib3.
        book: Where the call belongs.
        target: The pool, its connection, the method and the URL.
        options: The other arguments of `_make_request`.

    """
    pool, connection, method, url = target
    body: Any = options.get("body")
    if hasattr(body, "read"):
        body = options["body"] = body.read()
    content = body.encode() if isinstance(body, str) else bytes(body or b"")
    asked = requested(pool, method, url, options.get("headers"), content)
    call = _Call(book, asked, url, library=library, pool=pool, connection=connection)

    def live() -> Any:
        IS_REPLAYED.set(False)
        return make(pool, connection, method, url, **options)

    IS_REPLAYED.set(True)
    response = drive(call, live)
    response.retries, response._pool = options.get("retries"), pool  # noqa: SLF001 - as the pool does
    return response


class _Call(PoolCall):
    """One exchange over HTTP/2."""

    def __init__(self, book: Book, request: HttpRequest, target: str, **owners: Any) -> None:
        super().__init__(book, request, "urllib3", **owners)
        self._target = target

    def native(self, response: HttpResponse, error: BaseException | None) -> Any:
        """Return the library's response."""
        if error is not None:
            # Another client has recorded how the body broke off; here it comes as a whole or not at all.
            raise error
        headers, pieces = packed(response, self.request.method)
        return self._library.http2.connection.HTTP2Response(
            status=response.status,
            headers=self._library.HTTPHeaderDict(headers),
            request_url=self._target,
            data=b"".join(pieces),
        )

    def tee(self, value: Any, ticket: Ticket) -> Any:
        """Return the response, recorded: its body is there."""
        head = HttpResponse(value.status, "", header_texts(value.headers), http_version="HTTP/2")
        pieces = PoolPieces(ticket, head, self.request.method, self._library)
        pieces.note(value.data)
        pieces.finish("complete")
        return value

    def exhaust(self, stream: Any, ticket: Ticket) -> None:
        """Do nothing: a response comes as a whole."""
