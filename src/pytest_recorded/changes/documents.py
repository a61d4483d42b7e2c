"""What a run has found, read from its staging file; and the whole answers of the calls that have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..diff import ABSENT
from ..errors import CassetteError
from ..staging import read_attempts
from ..store.diagnosis import is_there
from ..store.looking import AnyFile
from ..store.sqlite import CassetteFile, StagingFile
from ..takeover import final_row
from .attempt import Told, Where, read_told
from .views import Side, view_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..job import Address
    from ..staging import Attempt
    from ..store.sqlite import Reader
    from .model import Call

__all__ = ["Finding", "Findings"]


class Finding(NamedTuple):
    """What one attempt has told.

    Attributes:
        attempt: Which of those at its scope.
        told: What it has told.

    """

    attempt: Attempt
    told: Told


class Findings:
    """What the tests of a session have found in one cassette.

    Args:
        cassette: The cassette, as it was before anything of the session was taken over.
        staging: The staging file of the session.
        only_reads: Whether nothing is to be written beside the staging file: it may lie in a folder that is read only.

    Raises:
        CassetteError: One of the two cannot be read.

    """

    def __init__(self, cassette: Path, staging: Path, *, only_reads: bool = False) -> None:
        self.cassette = cassette
        self.staging = staging
        self._file = CassetteFile(cassette) if is_there(cassette) else None
        self._ledger: Reader = AnyFile(staging) if only_reads else StagingFile(staging)
        try:
            self.all = [*self._read()]
        except (ValueError, KeyError, TypeError) as error:
            raise CassetteError(staging, f"does not tell what has changed ({error}). Verify again.") from error
        self._places = {
            call.id: (finding.attempt, where)
            for finding in self.all
            for call, where in zip(finding.told.calls, finding.told.where, strict=True)
        }

    def _read(self) -> Iterator[Finding]:
        attempts: dict[str, list[Attempt]] = {}
        for attempt in read_attempts(self._ledger):
            attempts.setdefault(attempt.scope, []).append(attempt)
        for several in attempts.values():
            if several[-1].told is not None:
                yield _counting(several)

    def calls(self) -> list[Call]:
        """Return the calls that have changed, those of all attempts."""
        return [call for finding in self.all for call in finding.told.calls]

    def where(self, call: Call) -> tuple[Attempt, Where]:
        """Return which attempt has told of a call, and where its rows are."""
        return self._places[call.id]

    def has(self, call: Call) -> bool:
        """Return whether a call is one of these."""
        return call.id in self._places

    def new(self, call: Call) -> Side | None:
        """Return the live row of a call as it would be in the cassette."""
        attempt, where = self._places[call.id]
        if where.new is None:
            return None
        row = self._ledger.row_at(where.new._replace(scope=attempt.id))
        if row is None and where.new.scope == "":
            # Tests share it.
            row = self._ledger.row_at(where.new)
        return None if row is None else Side(final_row(row, where.new.scope), self._ledger.chunks(row.id))

    def old(self, call: Call) -> Side | None:
        """Return the recorded row of a call."""
        where = self._places[call.id][1]
        return self.recorded(where.old) if where.old is not None else None

    def recorded(self, address: Address) -> Side | None:
        """Return the recorded row of an address."""
        row = self._file.row_at(address) if self._file is not None else None
        return None if row is None or self._file is None else Side(row, self._file.chunks(row.id))

    def documents(self, call: Call) -> tuple[Any, Any]:
        """Return the whole old and new answer of a call; `ABSENT` for one that there is not."""
        old, new = self.old(call), self.new(call)
        return document(old, new), document(new, old)

    def close(self) -> None:
        """Close the files."""
        if self._file is not None:
            self._file.close()
        self._ledger.close()


def _counting(attempts: list[Attempt]) -> Finding:
    """Return what counts of the attempts at one scope: what the last has told.

    Where the budget did not suffice for that one, it is what the one has told that has compared the most.
    """
    found = [Finding(attempt, read_told(attempt.told)) for attempt in reversed(attempts) if attempt.told is not None]
    if "over_budget" in found[0].told.not_verified:
        return max(found, key=lambda one: one.told.compared)
    return found[0]


def document(side: Side | None, other: Side | None) -> Any:
    """Return the whole answer of a call as a tree; `ABSENT` if there is none, or it cannot be read."""
    if side is None:
        return ABSENT
    try:
        view = view_of(side, None, other)
    except Exception:  # noqa: BLE001 - a file may hold anything, and the report says that it cannot be read
        return ABSENT
    if view.error is not None:
        return {"error": view.error}
    if isinstance(view.status, int):
        return {"status": view.status, "headers": view.headers, "body": None if view.body is ABSENT else view.body}
    return None if view.body is ABSENT else view.body
