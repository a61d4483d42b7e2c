"""What the tests of a project ask a cassette for: they are replayed to find out."""

from __future__ import annotations

import contextlib
import os
import shlex
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..errors import CassetteError
from ..store.diagnosis import is_there
from ..store.sqlite import CassetteFile
from ..told import Session
from .output import many, progress
from .replaying import replay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["Run", "asked", "tree_of"]

_PLUGIN: Final = "pytest_recorded.plugin.upkeep"
# pytest's exit code when there are no tests.
_NO_TESTS: Final = 5
_LISTED: Final = 10


class Run(NamedTuple):
    """A run of the tests that is over.

    Attributes:
        file: The cassette as it was before.
        session: What the tests have told.
        problem: Why that may not be all; `""` if it is.

    """

    file: CassetteFile
    session: Session
    problem: str


@contextlib.contextmanager
def asked(cassette: Path, arguments: Sequence[str], *, data: bool = False) -> Iterator[Run]:
    """Replay the tests, and lend what they have asked for.

    Args:
        cassette: The cassette.
        arguments: For pytest.
        data: Whether they tell what the data of their recordings would be, too.

    Raises:
        CassetteError: The cassette is missing, or cannot be read.

    """
    if not is_there(cassette):
        raise CassetteError(cassette, "does not exist. Name another one with --cassette.")
    with contextlib.closing(CassetteFile(cassette)) as file:
        # What is no cassette is told before any test runs.
        len(file)
        with progress("replaying") as show:
            done = replay(
                [*["--recorded-asked-data"] * data, f"--recorded-asked-of={cassette.absolute()}", *arguments],
                plugin=_PLUGIN,
                telling="--recorded-asked",
                show=_counting(show),
            )
        session = Session(done.told, os.path.realpath(cassette))
        problem = _problem(session, done.code, done.last_lines)
        yield Run(file, session, problem or _not_used(session, file))


def tree_of(session: Session, problem: str) -> dict[str, Any]:
    """Return for programs how much of a project's tests has told: whether all of it, and why not."""
    return {
        "complete": not problem,
        "problem": problem or None,
        "whole": session.is_whole,
        "failed": session.failed,
    }


def _counting(show: Callable[[int, int], None]) -> Callable[[dict[str, Any]], None]:
    """Return what shows the tests that have ended, of as many as are known."""
    ended = 0

    def count(told: dict[str, Any]) -> None:
        nonlocal ended
        ended += told.get("when") == "teardown"
        show(ended, told.get("of", 0) or ended)

    return count


def _problem(session: Session, code: int, last_lines: str) -> str:
    if code == _NO_TESTS and session.is_over:
        return "No tests were found. Run it where pytest finds them, or name them."
    if not session.is_over:
        return f"pytest did not come to its end (exit code {code}):\n{last_lines}"
    if session.failed:
        named = ", ".join(session.failed[:_LISTED]) + (" …" if len(session.failed) > _LISTED else "")
        return f"{many(len(session.failed), 'test')} failed; what they recorded is not judged: {named}"
    return ""


def _not_used(session: Session, file: CassetteFile) -> str:
    tests = (session.tests[scope] for scope in file.scopes() if scope in session.tests)
    if session.is_used or not any(map(session.passed, tests)):
        return ""
    return (
        f"No test that ran has the cassette {file.path}: what tests have recorded there is not judged. Let them have "
        f"it as when they recorded: pytest-recorded … -- --record-cassette={shlex.quote(str(file.path))}"
    )
