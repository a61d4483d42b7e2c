"""Checking a cassette: is it whole, has it secrets, how old is it, can it be found. Nothing is written."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from ..conflicts import read_conflicts
from ..errors import CassetteError
from ..staging import staging_files
from ..store.checking import CheckedFile
from ..store.diagnosis import is_there
from .damage import faults_of
from .finding import CODES, Finding, Severity
from .keys import KeySearch
from .secrets import SecretSearch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import timedelta
    from pathlib import Path

    from ..conflicts import Conflict
    from ..job import Row
    from ..options import Options

__all__ = ["CODES", "Checked", "Finding", "Severity", "check"]


class Checked(NamedTuple):
    """What was looked at, and found."""

    rows: int
    findings: list[Finding]

    @property
    def is_good(self) -> bool:
        """Whether there is nothing but notes."""
        return all(finding.severity is Severity.NOTE for finding in self.findings)


def check(
    cassette: Path,
    options: Options,
    environment: Mapping[str, str],
    *,
    max_age: timedelta | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Checked:
    """Look through a cassette.

    Args:
        cassette: The cassette.
        options: Those of the ini file.
        environment: Environment variables, some of which hold secrets.
        max_age: Rows that are older are named; None for rows of any age.
        progress: Told how many of how many rows have been looked at.

    Raises:
        CassetteError: It is missing, or no cassette.

    """
    if not is_there(cassette):
        raise CassetteError(cassette, "does not exist. Name another one with --cassette.")
    file = CheckedFile(cassette)
    with contextlib.closing(file):
        # What is no cassette at all is an error, not a finding.
        count = len(file)
        looking = _Looking(cassette, file, options, environment, max_age)
        findings = list(looking.at_file())
        done = 0
        try:
            for scope in file.scopes():
                for row in file.rows(scope):
                    findings += looking.at_row(row)
                    done += 1
                    progress(done, count)
        except CassetteError as error:
            findings.append(Finding("damaged", error.problem))
    return Checked(done, list(dict.fromkeys(findings)))


class _Looking:
    def __init__(
        self,
        cassette: Path,
        file: CheckedFile,
        options: Options,
        environment: Mapping[str, str],
        max_age: timedelta | None,
    ) -> None:
        self._cassette = cassette
        self._file = file
        self._secrets = SecretSearch(options.redact, environment)
        self._keys = KeySearch(cassette, options)
        self._oldest = None if max_age is None else datetime.now(UTC) - max_age
        self._has_chunks: frozenset[str] = frozenset()

    def at_file(self) -> Iterator[Finding]:
        """Yield what is to be said of the whole file."""
        try:
            for fault in self._file.faults():
                yield Finding("damaged", fault)
            for digest in self._file.spoilt():
                yield Finding("damaged", f"{digest} in `blobs` is not the text that was kept there")
            self._has_chunks = frozenset(self._file.streamed())
            for job in self._file.strays():
                yield Finding("damaged", "pieces of its answer, or uses of it, are there, but the row is not", id=job)
            for conflict in read_conflicts(self._file):
                yield self._finding("conflict", conflict.ours.row, _IN_CONFLICT)
                yield from self._in_other_answers(conflict)
        except CassetteError as error:
            yield Finding("damaged", error.problem)
        for path in staging_files(self._cassette):
            yield Finding(
                "staging",
                f"{path} is of a session that is running, or keeps calls of tests that did not pass for the next run",
            )

    def _in_other_answers(self, conflict: Conflict) -> Iterator[Finding]:
        """Yield the secrets that a conflict has and its row has not."""
        for side, entry in (("base", conflict.base), ("theirs", conflict.theirs)):
            for path, how in self._secrets.secrets_of(entry.row, entry.chunks) if entry is not None else ():
                yield self._finding("secret", conflict.ours.row, how, f"{side} {path}")

    def at_row(self, row: Row) -> Iterator[Finding]:
        """Yield what is to be said of a row."""
        chunks = self._file.chunks(row.id) if row.id in self._has_chunks else []
        for path, fault in faults_of(row, chunks):
            yield self._finding("damaged", row, fault, path)
        for path, how in self._secrets.secrets_of(row, chunks):
            yield self._finding("secret", row, how, path)
        if self._oldest is not None and _moment(row) < self._oldest:
            is_known = _moment(row).year > _UNKNOWN
            yield self._finding("old", row, f"recorded on {row.submitted_at[:10]}" if is_known else "of unknown age")
        if self._keys.is_lost(row):
            yield self._finding("unmatched", row, "cannot be found with the options of the ini file", "key")

    def _finding(self, code: str, row: Row, message: str, path: str = "") -> Finding:
        hidden = self._secrets.hidden
        return Finding(code, message, row.id, hidden(row.scope), hidden(row.kind), path)


_UNKNOWN: Final = 1970
_IN_CONFLICT: Final = "two branches have recorded other answers; ours is replayed"


def _moment(row: Row) -> datetime:
    """Return when a row was recorded; one that does not say it is as old as can be."""
    try:
        moment = datetime.fromisoformat(row.submitted_at)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError):
        return datetime(_UNKNOWN, 1, 1, tzinfo=UTC)
