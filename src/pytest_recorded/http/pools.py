"""What the seams of urllib3 and of urllib3-future share: a pool's exceptions, its pauses, and how it decodes."""

from __future__ import annotations

import contextlib
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from ..codec import dump_error, load_error, load_tree, to_text
from ..job import Answer, Status
from ..message import HttpRequest
from ..objects import Types
from .exchange import BodyPieces, HttpCall, direct_url, with_more
from .kin import in_stdlib

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..book import Book
    from ..call import Ticket
    from ..job import Found
    from ..message import Headers, HttpResponse

__all__ = ["IS_REPLAYED", "PoolCall", "PoolPieces", "decoded", "header_texts", "is_verified", "requested", "sleeping"]

#: Whether the last exchange of a thread or a task was replayed.
IS_REPLAYED: Final[ContextVar[bool]] = ContextVar("pytest_recorded_is_replayed", default=False)

_CERT_REQUIRED: Final = 2
_HTTP: Final = 80
_HTTPS: Final = 443

Chunks = list[tuple[float, bytes]]


def sleeping(sleep: Any) -> Any:
    """Return a method of `Retry` that does not sleep after a replay."""

    def sleep_unless_replayed(self: Any, response: Any = None) -> None:
        if not IS_REPLAYED.get():
            sleep(self, response)

    return sleep_unless_replayed


class PoolCall(HttpCall):
    """One exchange of a pool: how its exceptions are stored, and made again.

    Args:
        book: Where it is made.
        request: What is asked.
        via: The library that asks.
        library: It, as a module.
        pool: Whose exchange it is.
        connection: The connection that the pool has chosen for it.

    """

    def __init__(self, book: Book, request: HttpRequest, via: str, *, library: Any, pool: Any, connection: Any) -> None:
        super().__init__(book, request, via)
        self._library = library
        self._pool = pool
        self._connection = connection

    def failure(self, error: BaseException, ticket: Ticket) -> Answer:
        """Return an exception as it is stored; of urllib3's own the text, without what it says about our objects."""
        stored = self._described(error)
        if stored is None:
            answer = super().failure(error, ticket)
        else:
            answer = Answer(Status.FAILED, None, None, self.book.secrets.hide(to_text(stored)))
        # Else urllib3 would say of a replay that the proxy is to blame.
        return with_more(answer, behind_proxy=True) if self._is_behind_proxy() else answer

    def _described(self, error: BaseException) -> dict[str, Any] | None:
        """Return an exception of urllib3's own; None if it is another."""
        cls = type(error)
        library, _, module = cls.__module__.partition(".")
        if library != self._library.__name__ or not module:
            return None
        text = str(error.args[-1]) if error.args else ""
        for owner in (self._connection, self._pool):
            text = text.removeprefix(f"{owner}: ")
        stored: dict[str, Any] = {"type": f"urllib3.{module}.{cls.__qualname__}", "message": text}
        if isinstance(error, self._library.exceptions.IncompleteRead):
            stored["cut"] = (error.partial, error.expected)
        elif error.args and isinstance(error.args[-1], Exception):
            # A proxy's and a certificate's say what is behind them.
            cause = error.args[-1]
            stored["message"] = str(error.args[0])
            stored["cause"] = self._described(cause) or load_tree(dump_error(cause)[0])
        return stored

    def _is_behind_proxy(self) -> bool:
        return getattr(self._connection, "_has_connected_to_proxy", False) is True

    def _error(self, found: Found) -> BaseException:
        tree = load_tree(found.error_json or "{}")
        if tree.get("behind_proxy") is True:
            self._connection._has_connected_to_proxy = True  # noqa: SLF001 - nobody else knows
        return self._made(tree) or super()._error(found)

    def _made(self, tree: Any) -> Exception | None:
        """Return a stored exception of urllib3's own; None if it is another."""
        module, _, name = str(tree.get("type", "")).rpartition(".")
        is_ours = module.startswith("urllib3.")
        module = self._library.__name__ + module.removeprefix("urllib3")
        cls = vars(sys.modules[module]).get(name) if is_ours and module in sys.modules else None
        if not isinstance(cls, type) or not issubclass(cls, Exception):
            return None
        cut, cause, message = tree.get("cut"), tree.get("cause"), str(tree.get("message", ""))
        if cut and issubclass(cls, self._library.exceptions.IncompleteRead):
            return cls(*cut)
        if cause:
            inner = self._made(cause) or load_error(to_text(cause), Types())
            is_blaming = issubclass(cls, self._library.exceptions.ProxyError)
            return cls(message, inner) if is_blaming else self._around(cls, inner)
        return self._own_error(cls, message)

    def _around(self, cls: type[Exception], inner: BaseException) -> Exception:
        """Return an exception of urllib3's own around another; one that needs more than it gets its text."""
        return cls(inner) if issubclass(cls, self._library.exceptions.SSLError) else self._own_error(cls, str(inner))

    def _own_error(self, cls: type[Exception], message: str) -> Exception:
        own = self._library.exceptions
        error: Any = cls.__new__(cls)
        if issubclass(cls, own.NewConnectionError):
            own.NewConnectionError.__init__(error, self._connection, message)
        elif issubclass(cls, own.RequestError):
            own.RequestError.__init__(error, self._pool, self.request.url, message)
        elif issubclass(cls, own.ConnectTimeoutError):
            own.ConnectTimeoutError.__init__(error, self._connection, message)
        else:
            Exception.__init__(error, message)
        made: Exception = error
        return made

    def httpx_error(self, name: str, message: str) -> BaseException | None:
        """Return what an exception of httpx is here."""
        own = self._library.exceptions
        if name == "ConnectError":
            return self._own_error(own.NewConnectionError, message)
        if name == "ConnectTimeout":
            return self._own_error(own.ConnectTimeoutError, message)
        return in_stdlib(name, message)

    def other_error(self, error: BaseException, *, awaited: bool) -> BaseException:
        """Return what an exception of the standard library is here: a connection that fails is urllib3's to tell."""
        if awaited or not isinstance(error, OSError) or type(error).__module__ == "ssl":
            return error
        own = self._library.exceptions
        cls = own.ConnectTimeoutError if isinstance(error, TimeoutError) else own.NewConnectionError
        return self._own_error(cls, f"Failed to establish a new connection: {error}")


def requested(pool: Any, method: str, target: str, headers: Any, content: bytes) -> HttpRequest:
    """Return what a pool is asked for; its target is a whole URL if a proxy is to forward it."""
    if target.startswith(("http://", "https://")):
        url = direct_url(target)
    else:
        host = f"[{pool.host}]" if ":" in pool.host else pool.host.lower()
        default = _HTTPS if pool.scheme == "https" else _HTTP
        url = f"{pool.scheme}://{host}{'' if pool.port in (None, default) else f':{pool.port}'}{target}"
    return HttpRequest(method, url, header_texts(headers or {}), content)


def header_texts(headers: Any) -> Headers:
    """Return headers, whose names and values may be bytes, as pairs of strings."""
    return tuple((_text(name), _text(value)) for name, value in headers.items())


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def is_verified(library: Any, connection: Any) -> bool:
    """Return whether a connection, once it is made, has a certificate that was verified."""
    context, wanted = getattr(connection, "ssl_context", None), getattr(connection, "cert_reqs", None)
    if wanted is None and context is not None:
        wanted = context.verify_mode
    required: bool = library.util.ssl_.resolve_cert_reqs(wanted) == _CERT_REQUIRED
    return required or bool(getattr(connection, "assert_fingerprint", None))


class PoolPieces(BodyPieces):
    """What has been read of a body that the library decodes by itself."""

    def __init__(self, ticket: Ticket, head: HttpResponse, method: str, library: Any) -> None:
        super().__init__(ticket, head, method)
        self._library = library
        self._is_complete = False

    def answer(self, end: str, returned: Any, error: BaseException | None) -> Answer:
        """Return the response as it is stored."""
        self._is_complete = end == "complete"
        return super().answer(end, returned, error)

    def decoded(self, chunks: Chunks) -> Chunks | None:
        """Return the body as the library decodes it; see `decoded()`."""
        return decoded(self._library, self._head, chunks) if self._is_complete else None


def decoded(library: Any, head: HttpResponse, chunks: Chunks) -> Chunks | None:
    """Return a complete body as urllib3 decodes it, piece for piece; None if it cannot."""
    names = [name.lower() for name, _ in head.headers]
    if not chunks or any(name.startswith("x-amz-checksum-") for name in names):
        # Nor would it have the checksum that its reader compares.
        return None
    headers = {"content-encoding": head.header("content-encoding")}
    with contextlib.suppress(library.exceptions.DecodeError):
        return _decode(library.HTTPResponse(b"", headers=headers, preload_content=False), chunks)
    return None


def _decode(response: Any, chunks: Chunks) -> Chunks | None:
    response._init_decoder()  # noqa: SLF001 - reading it would join its pieces
    if response._decoder is None:  # noqa: SLF001 - see above
        return None
    decode: Callable[..., bytes] = response._decode  # noqa: SLF001 - see above
    pieces = [(at, decode(chunk, decode_content=True, flush_decoder=False)) for at, chunk in chunks]
    pieces.append((chunks[-1][0], decode(b"", decode_content=True, flush_decoder=True)))
    return [(at, piece) for at, piece in pieces if piece] or None
