"""What the pytest session that runs this process has decided, for code that is not called by it.

The plugin says it when it starts, so that a `use_cassette` in an unmarked test obeys the command line too.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Ambient", "begin", "current_node", "current_test", "end", "now_running"]


class Ambient(NamedTuple):
    """A pytest session.

    Attributes:
        root: Its rootdir.
        command_line: The record mode given on the command line, or None.
        shared: What its tests and blocks have in common, by name: `staging`, the session of its staging files;
            `allowance_of`, which says what a scope may spend on live calls.

    """

    root: Path
    command_line: str | None
    shared: dict[str, Any]


# The sessions that run in this process, innermost last: pytester nests them.
_sessions: list[Ambient] = []


def begin(session: Ambient) -> None:
    """Say that a session begins in this process."""
    _sessions.append(session)


def end() -> None:
    """Say that the innermost session has ended."""
    _sessions.pop()


def now_running() -> Ambient | None:
    """Return the pytest session of this process, or None."""
    return _sessions[-1] if _sessions else None


def current_node() -> str:
    """Return the node id of the test that is running, whether it is recorded or not; `""` if there is none."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]


def current_test() -> tuple[Path, str, Path] | None:
    """Return the file of the test that is running, the rest of its node id, and the rootdir; or None."""
    session, node = now_running(), current_node()
    if session is None or not node:
        return None
    file, _, rest = node.partition("::")
    return session.root / file, rest, session.root
