"""What is wrong with a cassette, or worth to be known."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

__all__ = ["CODES", "Finding", "Severity"]


class Severity(StrEnum):
    """How bad a finding is: errors and warnings make a check fail, notes do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


#: What is looked for, and how bad each is.
CODES: Final = {
    "damaged": Severity.ERROR,
    "conflict": Severity.ERROR,
    "secret": Severity.ERROR,
    "old": Severity.WARNING,
    "unmatched": Severity.WARNING,
    "staging": Severity.NOTE,
}


_ADVICE: Final = {
    "damaged": "Restore the file (git checkout), or record those tests again: pytest --record-mode=rewrite TEST",
    "conflict": "Choose a side: pytest-recorded resolve --ours|--theirs|--newer [ID…]; or record it again.",
    "secret": (
        "Revoke it. Declare it, if it is not secret by default: --record-redact=NAME, or env:VARIABLE. Record again: "
        "pytest --record-mode=rewrite TEST. It stays in the history of the repository, until that is rewritten."
    ),
    "old": "Record again: pytest --record-mode=rewrite TEST",
    "unmatched": (
        "Their keys were made without record_match and record_ignore of the ini file: unless their tests have options "
        "of their own, they are never found. Record again: pytest --record-mode=rewrite TEST"
    ),
    "staging": "What their tests have finished is taken over by the next run that records.",
}


class Finding(NamedTuple):
    """One thing that was found.

    Attributes:
        code: One of `CODES`.
        message: What it is; never the secret itself.
        id: The row; `""` if it is about the whole file. Likewise what follows.
        test: The row's scope.
        kind: The row's kind.
        path: Where in the row, as `request: $.headers[2]`.

    """

    code: str
    message: str
    id: str = ""
    test: str = ""
    kind: str = ""
    path: str = ""

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return CODES[self.code]

    @property
    def advice(self) -> str:
        """What to do about it."""
        return _ADVICE[self.code]
