"""The tests that share one cassette, in one session: the file they are served from and the file they record into."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from .drift import is_failure
from .errors import CassetteError, ConfigurationError
from .location import why_read_only
from .modes import RecordMode
from .roll import folder_of, is_of
from .staging import Leftover, Session, Staging, keep_verified, leftovers
from .store.diagnosis import is_there
from .store.sqlite import CassetteFile, StagingFile
from .takeover import Taken, take_over, take_over_leftovers

if TYPE_CHECKING:
    from collections.abc import Callable

    from .job import Address, Chunk, Row
    from .roll import Roll

__all__ = ["Suite"]


class Suite:
    """A cassette in use.

    Args:
        path: The cassette; it need not exist.
        session: Whose staging file takes what is recorded.

    Raises:
        CassetteError: The file exists and cannot be used.
        ConfigurationError: It may not be where it is.

    """

    def __init__(self, path: Path, session: Session) -> None:
        if "__snapshots__" in path.parts:
            raise ConfigurationError(
                f"the cassette {path} is in a folder of snapshots: `pytest --snapshot-update` deletes files there "
                f"that are no snapshots. Put it somewhere else, such as cassettes/jobs.db."
            )
        self.path = path
        self.session = session
        self.staging = Staging(path, session)
        self.file = CassetteFile(path) if is_there(path) else None
        #: How many calls the cassette has.
        self.count = len(self.file) if self.file is not None else 0
        #: Calls that were made, or were still running, after their test had ended, in words.
        self.late: list[str] = []
        #: The attempts of this process by their scopes, the oldest first.
        self.attempts: dict[str, list[str]] = {}
        #: Returns which tests there are; None where nobody knows.
        self.roll: Callable[[], Roll] | None = None
        #: What tells a command of ours, and pytest, to take this cassette; nothing where they do so by themselves.
        self.option: list[str] = []
        self.typed: list[str] = []
        self._lock = threading.Lock()
        self._leftovers: list[Leftover] | None = None
        self._kept: dict[tuple[str, str], list[tuple[StagingFile, str]]] = {}

    @property
    def shown_path(self) -> Path:
        """The cassette's path as the user would write it."""
        here = Path.cwd()
        return self.path.relative_to(here) if self.path.is_relative_to(here) else self.path

    @property
    def folder(self) -> Path:
        """The suite's folder: that of the cassette, or the one above if it is called `cassettes`."""
        return folder_of(self.path)

    @cached_property
    def why_read_only(self) -> str:
        """Why nothing may be recorded into the cassette, in words; `""` if something may."""
        return why_read_only(self.path)

    def name_of(self, file: Path, rest: str, root: Path) -> str:
        """Return the scope's name of a test: its node id, seen from the folder of its suite.

        So a test has one name from wherever pytest is started. Where the suite's folder is in none of the projects
        that are tested, as that of an installed cassette, it is the node id.

        Args:
            file: The test's file, or a folder.
            rest: What follows the file in the node id.
            root: The rootdir.

        """
        file = Path(os.path.normpath(file))
        if file.is_relative_to(self.folder):
            shown = _seen_from(self.folder, file)
        else:
            shown = _seen_around(self.folder, file, root)
        return f"{shown}::{rest}" if rest else shown

    def find_kept(self, scope: str, address: Address, mode: str) -> tuple[Row, list[Chunk]] | None:
        """Return what a failed or killed session of the same mode has kept for a call of a scope.

        A failure is none of it: most likely it is why the test has failed, and to try again is what is wanted.
        """
        for ledger, attempt in self._kept_of(mode, scope):
            try:
                row = ledger.row_at(address._replace(scope=attempt))
                if row is not None and not is_failure(row):
                    return row, ledger.chunks(row.id)
            except CassetteError:
                continue
        return None

    def _kept_of(self, mode: str, scope: str) -> list[tuple[StagingFile, str]]:
        """Return where the attempts at a scope are kept, the latest first."""
        with self._lock:
            if self._leftovers is None:
                self._leftovers = list(leftovers(self.path, self.session.id))
                self._kept = defaultdict(list)
                for leftover in self._leftovers:
                    for attempt in leftover.attempts:
                        self._kept[attempt.mode, attempt.scope].insert(0, (leftover.ledger, attempt.id))
            return self._kept.get((mode, scope), [])

    def recover(self) -> Taken:
        """Take over the finished tests of dead sessions.

        Raises:
            CassetteError: The cassette cannot be written.

        """
        taken = take_over_leftovers(self.path, self.session.id)
        if any(taken):
            self.reopen()
        return taken

    def take_over(self, *, good_since: str = "") -> Taken:
        """Take over what this session has recorded, by whichever process; `good_since`: see `takeover.take_over`.

        Raises:
            CassetteError: The cassette cannot be written; what was recorded is kept in staging.

        """
        self.close()
        path = self.staging.existing()
        taken = Taken()
        if path is not None and self.session.mode == RecordMode.VERIFY:
            keep_verified(self.path, StagingFile(path))
        elif path is not None:
            taken = take_over(self.path, StagingFile(path), good_since=good_since)
            # What was kept of dead sessions may be in the cassette by now.
            take_over_leftovers(self.path, self.session.id)
        self.reopen()
        return taken

    def reopen(self) -> None:
        """Read the cassette as it is now."""
        if self.file is not None:
            self.file.close()
        self.file = CassetteFile(self.path) if is_there(self.path) else None

    def close(self) -> None:
        """Close the files."""
        if self.file is not None:
            self.file.close()
        self.staging.close()
        for leftover in self._leftovers or ():
            leftover.ledger.close()
        self._leftovers = None


def _seen_around(folder: Path, file: Path, root: Path) -> str:
    """Return what a file beside the folder of a suite is called."""
    # One of them may have been reached through a link; a file that is a link has a name of its own.
    real = Path(os.path.realpath(file.parent)) / file.name
    real_folder = Path(os.path.realpath(folder))
    if real.is_relative_to(real_folder):
        return _seen_from(real_folder, real)
    if is_of(folder, root):
        return _seen_from(folder, file)
    is_ours = is_of(real_folder, Path(os.path.realpath(root)))
    return _seen_from(real_folder, real) if is_ours else _seen_from(root, file)


def _seen_from(base: Path, file: Path) -> str:
    try:
        return Path(os.path.relpath(file, base)).as_posix()
    except ValueError:
        # Another drive: there is no way from one to the other.
        return file.as_posix()
