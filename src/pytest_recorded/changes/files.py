"""Files with recorded calls, to be compared: cassettes, what a run has staged, the `jobs.db` of a Recorder.

The law of this file: calls come one after the other, in the order of their addresses, so that a file of any size takes
little memory; nothing is written, and what cannot be read is read as it stands, so that it is seen.
"""

from __future__ import annotations

from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, Self

from ..entry import Entry
from ..errors import CassetteError
from ..job import Chunk, Row, Status
from ..selection import Selection
from ..staging import is_call, read_attempts
from ..store import sql
from ..store.diagnosis import FAULTS, explain
from ..store.looking import AnyFile, look_into
from ..takeover import final_row, has_ended
from .views import Side

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


__all__ = ["Recorded", "order_of"]

_STATUSES: Final = frozenset(status.value for status in Status)
_OWN_KINDS: Final = "recorded.*"


class Recorded:
    """A file with recorded calls.

    Args:
        path: The file.
        shown: What the user calls it.

    Attributes:
        shown: What the user calls it.
        is_partial: Whether a run has staged it: then it has the calls that were made, and says nothing of others.

    Raises:
        CassetteError: There is none, or it cannot be read; whatever is asked of it may raise that.

    """

    def __init__(self, path: Path, shown: str) -> None:
        self.path = path
        self.shown = shown
        # Of shared calls in a staging file, by their ids in a cassette.
        self._staged_ids: dict[str, str] = {}
        self._torn: set[str] = set()
        self._has_torn = False
        try:
            reader = AnyFile(path)
            own = reader.select(Selection(kind=_OWN_KINDS, scope="", limit=None))
            self.is_partial = not all(map(is_call, own))
            self._attempts = {each.scope: each for each in read_attempts(reader)} if self.is_partial else {}
            self._connection = look_into(path)
        except CassetteError as error:
            raise self._named(error) from error
        self._connection.text_factory = self._text
        # All that is read is of one moment.
        self._connection.execute("BEGIN")

    def sides(self) -> Iterator[Side]:
        """Yield the calls that have ended as a cassette would have them, by `order_of`; only the last attempts."""
        for _, attempts in groupby(self._rows(), key=_place):
            *_, (row, chunks_id, is_torn) = attempts
            chunks = self._chunks(chunks_id)
            if self._take_torn() or is_torn:
                self._torn.add(row.id)
            yield Side(row, chunks)

    def entries(self) -> Iterator[Entry]:
        """Yield all that the file has of calls, each attempt at each, in the order of their addresses.

        Of what a run has staged it is the calls that have ended, as a cassette would have them.

        Raises:
            CassetteError: A text is no UTF-8: whoever writes it down would write something else.

        """
        for row, chunks_id, is_torn in self._rows(only_ended=False):
            entry = Entry(row, tuple(self._chunks(chunks_id)), tuple(self.users(row)))
            if self._take_torn() or is_torn:
                who = f"{row.scope or 'shared by all tests'}, {row.kind}, id {row.id}"
                raise CassetteError(
                    self.shown,
                    f"has a call ({who}) with a text that is no UTF-8. The file is damaged: restore it (git checkout), "
                    f"or record that call again.",
                )
            yield entry

    def facts(self) -> dict[str, str]:
        """Return what a cassette says about itself, but for what follows from its rows; other files say nothing.

        Raises:
            CassetteError: Pieces of an answer are there, or uses of a call, but not the call.

        """
        if not self._has_meta or not any(self._execute(sql.META, "jobs")):
            return {}
        facts = dict(self._execute(sql.FACTS))
        for (job,) in self._execute(sql.STRAYS):
            raise CassetteError(
                self.shown, f"has pieces or uses of the call {job}, but not the call. See pytest-recorded check."
            )
        return facts

    def is_torn(self, side: Side) -> bool:
        """Return whether a text of a call is no UTF-8, so that no test can be served with it."""
        return side.row.id in self._torn

    def users(self, row: Row) -> list[str]:
        """Return the tests that share a call."""
        return self._users.get(self._staged_ids.get(row.id, row.id), [])

    def fact(self, name: str) -> str | None:
        """Return what the file says of itself under a name; None if it does not."""
        found = [*self._execute(sql.META, name)] if self._has_meta else []
        return found[0][0] if found else None

    @cached_property
    def _has_meta(self) -> bool:
        return any(self._execute(sql.HAS_META))

    def _rows(self, *, only_ended: bool = True) -> Iterator[tuple[Row, str, bool]]:
        """Yield rows, each with the id by which the file knows the pieces of its answer, and whether it is torn."""
        if not self.is_partial:
            yield from self._read(sql.BY_PLACE, only_ended=only_ended)
            return
        for row, staged_id, is_torn in self._read(sql.OF_SCOPE_BY_PLACE, ""):
            if is_call(row):
                final = final_row(row, "")
                self._staged_ids[final.id] = staged_id
                yield final, staged_id, is_torn
        for scope, attempt in sorted(self._attempts.items(), key=lambda item: _bytes(item[0])):
            for row, staged_id, is_torn in self._read(sql.OF_SCOPE_BY_PLACE, attempt.id):
                yield final_row(row, scope), staged_id, is_torn

    def _read(self, statement: str, *parameters: str, only_ended: bool = True) -> Iterator[tuple[Row, str, bool]]:
        for columns in self._execute(statement, *parameters):
            row, is_torn = Row._make(columns), self._take_torn()
            # One that has a status of its own is read, and cannot be compared.
            if not only_ended or has_ended(row) or row.status not in _STATUSES:
                yield row, row.id, is_torn

    def _text(self, raw: bytes) -> str:
        """Return a text; one that is no UTF-8 differs from all that are, and does not end the comparison."""
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self._has_torn = True
            return raw.decode(errors="surrogateescape")

    def _take_torn(self) -> bool:
        """Return whether one of the texts that were read since the last time is no UTF-8."""
        is_torn, self._has_torn = self._has_torn, False
        return is_torn

    @cached_property
    def _has_chunks(self) -> bool:
        return any(self._execute(sql.HAS_CHUNKS))

    def _chunks(self, job_id: str) -> list[Chunk]:
        return [Chunk._make(columns) for columns in self._execute(sql.CHUNKS, job_id)] if self._has_chunks else []

    @cached_property
    def _users(self) -> dict[str, list[str]]:
        names = {attempt.id: attempt.scope for attempt in self._attempts.values()}
        users: dict[str, list[str]] = {}
        for test, job in self._execute(sql.USES):
            users.setdefault(job, []).append(names.get(test, test))
        return users

    def _execute(self, statement: str, *parameters: str) -> Iterator[Any]:
        try:
            # `yield from` would close the cursor of who stops early, maybe when the file is closed already.
            for columns in self._connection.execute(statement, parameters):  # noqa: UP028 - see above
                yield columns
        except FAULTS as error:
            raise self._named(explain(self.path, error)) from error

    def _named(self, error: CassetteError) -> CassetteError:
        """Return an error that calls the file as the user does."""
        return CassetteError(self.shown, error.problem.replace(str(self.path), self.shown))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def order_of(side: Side) -> tuple[Any, ...]:
    """Return what the calls of a file are sorted by, and what two calls of one address have in common."""
    row = side.row
    seq = row.seq if type(row.seq) is int else -1
    return _bytes(row.scope), _bytes(row.kind), row.key is not None, _bytes(row.key or ""), seq


def _place(found: tuple[Row, str, bool]) -> tuple[Any, ...]:
    row = found[0]
    # Without a key each call is a place of its own.
    return row.scope, row.kind, row.key, row.seq, row.id if row.key is None else None


def _bytes(text: Any) -> bytes:
    """Return a name as SQLite sorts it; in a damaged file it may be anything."""
    return str(text).encode(errors="surrogateescape")
