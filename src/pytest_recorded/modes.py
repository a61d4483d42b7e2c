"""What happens to a call: one table, and the rule that chooses its row.

Nothing here reads a file, a clock or the environment. A call's fate depends on two facts alone: the record mode,
and what the cassette knows of the call's address (`Known`). `TABLE` answers for every pair.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from .errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TABLE", "Act", "Known", "RecordMode", "choose_mode", "decide", "is_ci", "parse_mode"]


class RecordMode(StrEnum):
    """How a suite treats calls that are recorded, and calls that are not."""

    ONCE = "once"
    NONE = "none"
    NEW_EPISODES = "new_episodes"
    ALL = "all"
    REWRITE = "rewrite"
    VERIFY = "verify"
    RESUME = "resume"
    OFF = "off"

    @property
    def records(self) -> bool:
        """True if this mode may add rows to the cassette."""
        return self in _RECORDING

    @property
    def adds(self) -> bool:
        """True if this mode adds single calls to the recordings of a test, and replaces none."""
        return self in _ADDING

    @property
    def compares(self) -> bool:
        """True if this mode calls again what is recorded, and says what has changed."""
        return self in _COMPARING


class Known(StrEnum):
    """What is known of a call's address."""

    ANSWER = "recorded"
    FAILURE = "recorded failure"
    NEW_CALL = "not recorded, test has recordings"
    NEW_TEST = "not recorded, test has none"


class Act(StrEnum):
    """What to do with a call."""

    REPLAY = "replay"
    RUN = "run, record"
    REPLACE = "run, replace"
    RETRY = "run again, record the next attempt"
    COMPARE = "run live, compare"
    REFUSE = "refuse"
    PASS = "run"  # noqa: S105 - it lets a call pass


def _row(answer: Act, failure: Act, new_call: Act, new_test: Act) -> Mapping[Known, Act]:
    return {Known.ANSWER: answer, Known.FAILURE: failure, Known.NEW_CALL: new_call, Known.NEW_TEST: new_test}


TABLE: Final[Mapping[RecordMode, Mapping[Known, Act]]] = {
    RecordMode.ONCE: _row(Act.REPLAY, Act.REPLAY, Act.REFUSE, Act.RUN),
    RecordMode.NONE: _row(Act.REPLAY, Act.REPLAY, Act.REFUSE, Act.REFUSE),
    RecordMode.NEW_EPISODES: _row(Act.REPLAY, Act.REPLAY, Act.RUN, Act.RUN),
    RecordMode.ALL: _row(Act.REPLACE, Act.REPLACE, Act.RUN, Act.RUN),
    RecordMode.REWRITE: _row(Act.REPLACE, Act.REPLACE, Act.RUN, Act.RUN),
    RecordMode.VERIFY: _row(Act.COMPARE, Act.COMPARE, Act.COMPARE, Act.COMPARE),
    RecordMode.RESUME: _row(Act.REPLAY, Act.RETRY, Act.RUN, Act.RUN),
    RecordMode.OFF: _row(Act.PASS, Act.PASS, Act.PASS, Act.PASS),
}

_RECORDING: Final = frozenset(mode for mode, row in TABLE.items() if Act.RUN in row.values())
_ADDING: Final = frozenset(
    mode for mode, row in TABLE.items() if (row[Known.ANSWER], row[Known.NEW_CALL]) == (Act.REPLAY, Act.RUN)
)
_COMPARING: Final = frozenset(mode for mode, row in TABLE.items() if row[Known.ANSWER] in (Act.REPLACE, Act.COMPARE))

# Modes that call the world again must be asked for by whoever starts the run; written into a test they would be
# forgotten there and pay for every run.
FROM_CODE: Final = (RecordMode.ONCE, RecordMode.NONE, RecordMode.NEW_EPISODES, RecordMode.OFF)


def decide(mode: RecordMode, known: Known) -> Act:
    """Return what to do with a call."""
    return TABLE[mode][known]


def parse_mode(value: object, *, where: str, from_code: bool = False) -> RecordMode:
    """Read a record mode.

    Args:
        value: What the user wrote.
        where: Where he wrote it, for the message.
        from_code: True for markers, fixtures and ini files, where only `FROM_CODE` modes may be written.

    Raises:
        ConfigurationError: It is no mode, or one that may not be written there.

    """
    good = FROM_CODE if from_code else tuple(RecordMode)
    try:
        mode = RecordMode(str(value))
    except ValueError:
        mode = None
    if mode in good:
        return mode
    listed = ", ".join(good)
    if mode is not None:
        raise ConfigurationError(
            f"{where}: mode {mode.value!r} calls the world again and may only be asked for on the command line "
            f"(pytest --record-mode={mode.value}) or in use_cassette(). Here you can write: {listed}."
        )
    raise ConfigurationError(f"{where}: {value!r} is no record mode. Choose one of: {listed}.")


def is_ci(value: str | None) -> bool:
    """Return whether the value of the environment variable `CI` says that this is a CI run."""
    return value is not None and value.strip().lower() not in {"", "0", "false"}


def choose_mode(
    *,
    command_line: RecordMode | None = None,
    marker: RecordMode | None = None,
    fixture: RecordMode | None = None,
    ini: RecordMode | None = None,
    ci: bool = False,
) -> RecordMode:
    """Return the mode that holds: command line > marker > fixture > ini > default.

    In CI nothing but the command line turns recording on: a recording mode written anywhere else becomes `none`.
    """
    if command_line is not None:
        return command_line
    written = marker or fixture or ini
    if not ci:
        return written or RecordMode.ONCE
    if written is None or written.records:
        return RecordMode.NONE
    return written
