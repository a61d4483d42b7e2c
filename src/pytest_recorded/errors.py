"""Everything that can go wrong, as one tree. Every message says what happened and what to do about it.

::

    RecordedError(Exception)
    ├── UsageError                  the caller can fix it in his code
    │   ├── ConfigurationError      an option, a marker or a decorator argument is wrong
    │   ├── AttachKeyError          attach() names a field that the data model does not have
    │   ├── AttachValueError        attach() gives a field of the data model what does not fit it
    │   └── SerializationError      a value cannot be stored, or a stored value cannot be read back
    ├── CassetteError               a cassette or a ledger file cannot be read or written
    ├── NetworkBlocked              a connection past the recorder; also a ConnectionRefusedError
    └── RecordedFailure             stands for a recorded exception whose class is not known here

    MissingRecording(BaseException) a call has no recording and the mode does not allow making one
    RecordedWarning(UserWarning)    recording did not work; the call itself did
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "AttachKeyError",
    "AttachValueError",
    "CassetteError",
    "ConfigurationError",
    "MissingRecording",
    "NetworkBlocked",
    "RecordedError",
    "RecordedFailure",
    "RecordedWarning",
    "SerializationError",
    "UsageError",
]


class RecordedError(Exception):
    """Base of every error that pytest-recorded raises, except `MissingRecording`."""


class UsageError(RecordedError):
    """The way pytest-recorded is used has to change."""


class ConfigurationError(UsageError):
    """An option, a marker argument, a decorator argument or a dotted path is wrong."""


class AttachKeyError(UsageError):
    """`attach` names a field that the declared data model does not have."""

    def __init__(self, *, kind: str, model: str, key: str, declared: list[str]) -> None:
        self.kind = kind
        self.model = model
        self.key = key
        self.declared = declared
        super().__init__(
            f"attach({key!r}, …) inside {kind!r}: the data model {model} has no field {key!r}. "
            f"It has: {', '.join(declared) or 'no fields'}. Use one of them, or add {key!r} to {model}."
        )


class AttachValueError(UsageError):
    """`attach` gives a field of the declared data model a value that does not fit it.

    Attributes:
        kind: The kind of the recorded function.
        model: The name of its data model.
        key: The field.
        type: The field's type, as it is written.
        path: What does not fit: the field, or a place in the value, as `$.lines[3].price`.
        problem: What is wrong with it.

    """

    def __init__(self, *, kind: str, model: str, key: str, type: str, path: str, problem: str) -> None:  # noqa: A002 - an attribute
        self.kind = kind
        self.model = model
        self.key = key
        self.type = type
        self.path = path
        self.problem = problem
        declared = f"{key}: {type}" if type else key
        super().__init__(
            f"attach({key!r}, …) inside {kind!r}: the value does not fit the field {declared} of the data model "
            f"{model}. {path}: {problem}. Attach a value that fits, or change the field."
        )


class SerializationError(UsageError):
    """A value cannot be stored, or a stored value cannot be read back.

    Attributes:
        problem: What is wrong with the value.
        path: Where it is, as `$.items[3].conn`; `$` is the value itself.

    """

    def __init__(self, problem: str, path: str = "$") -> None:
        self.problem = problem
        self.path = path
        super().__init__(problem, path)

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


class CassetteError(RecordedError):
    """A cassette or a ledger file cannot be read or written.

    Attributes:
        path: The file.

    """

    def __init__(self, path: Path | str, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(path, problem)

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


class NetworkBlocked(RecordedError, ConnectionRefusedError):  # noqa: N818 - what clients are told is its base
    """A connection, or the look-up of a name, past the recorder, while the network is blocked.

    A refused connection, so that clients clean up and go on as they do after one.

    Attributes:
        peer: Where to: `host:port`.
        test: Who tried.
        line: The line of his code.

    """

    peer = test = line = ""

    @classmethod
    def of(cls, peer: str, host: str, test: str, line: str) -> Self:
        """Return the error of somebody who tries to reach a peer; `host`: what he would allow."""
        who = test or "this program"
        error = cls(
            errno.ECONNREFUSED,
            f"Blocked: {who} goes to {peer}, past the recorder.\n"
            f"  at: {line}\n"
            f"To allow the host: --record-allowed-hosts={host}, also in the ini file, on the marker, in use_cassette.\n"
            f"To record the call: mark its test with @pytest.mark.recorded. That records HTTP, except where the client "
            f"has __recorded__ = False; all else by its function, with @recorder or "
            f'@pytest.mark.recorded("module.function").\n'
            f"Blocked are the sockets of this process, not the processes that it starts.",
        )
        error.peer, error.test, error.line = peer, test, line
        return error

    def __str__(self) -> str:
        return str(self.strerror)


class RecordedFailure(RecordedError):  # noqa: N818 - it stands for whatever failed then, not for an error of ours
    """Stands for a recorded exception whose class is not known here.

    Attributes:
        type_name: Full name of the class that was raised when the call was recorded.
        message: Its text.

    """

    def __init__(self, type_name: str, message: str) -> None:
        self.type_name = type_name
        self.message = message
        super().__init__(type_name, message)

    def __str__(self) -> str:
        name = self.type_name.rpartition(".")[2]
        return (
            f"the recorded call raised {self.type_name}: {self.message}\n"
            f"That class is not known here, so it could not be raised itself. Make it known: "
            f"name it in the module of the recorded function, or call pytest_recorded.register({name})."
        )


class MissingRecording(BaseException):
    """A call has no recording, and the record mode does not allow making one.

    Not an `Exception`, so that the retry loops and `except Exception` blocks of SDKs cannot turn it into
    "connection error". Whoever swallows it all the same does not get a green test: the plugin remembers it.

    Attributes:
        kind: What was called.
        reason: One of `no cassette`, `nothing for this test`, `all uses served`, `request changed`,
            `no such call`, `no key`, `finished test`, `budget spent`.

    """

    def __init__(self, message: str, *, kind: str = "", reason: str = "") -> None:
        self.kind = kind
        self.reason = reason
        super().__init__(message)


class RecordedWarning(UserWarning):
    """A call could not be recorded as asked. The caller still got his value."""
