"""The command `check`: what is wrong with a cassette, for people and for programs."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..check import CODES, Finding, Severity, check
from ..limits import read_age
from ..options import Options, read_options
from .ini import ini_options
from .output import many, progress, say, say_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..check import Checked

__all__ = ["run_check"]

_STYLES: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: None}
_SHORT: Final = 8
_OF_INI: Final = ("match", "ignore", "redact")


def run_check(cassette: Path, *, max_age: str, as_json: bool) -> int:
    """Say what is wrong with a cassette; return the exit code.

    Raises:
        CassetteError: It is missing, or no cassette.
        UsageError: The age is none, or an option of the ini file is wrong.

    """
    age = read_age(max_age, where="--max-age") if max_age else None
    options = Options(**read_options(ini_options(Path.cwd(), _OF_INI), where="ini file", from_code=False))
    with progress("checking") as show:
        checked = check(cassette, options, os.environ, max_age=age, progress=show)
    if as_json:
        say_json(_tree(cassette, checked))
    else:
        for finding in checked.findings:
            say(_line(finding), _STYLES[finding.severity])
        for advice in dict.fromkeys(f"{finding.code}: {finding.advice}" for finding in checked.findings):
            say(advice)
        say(f"{cassette}: {many(checked.rows, 'row')}, {', '.join(_counts(checked.findings)) or 'nothing found'}.")
    return 0 if checked.is_good else 1


def _line(finding: Finding) -> str:
    where = " ".join(part for part in (finding.test, finding.kind, finding.id[:_SHORT], finding.path) if part)
    return f"{finding.severity} {finding.code}: {f'{where}: ' if where else ''}{finding.message}"


def _counts(findings: list[Finding]) -> Iterator[str]:
    numbers = Counter(finding.code for finding in findings)
    for code in CODES:
        if numbers[code]:
            yield f"{numbers[code]:,} {code}"


def _tree(cassette: Path, checked: Checked) -> dict[str, Any]:
    return {
        "cassette": str(cassette),
        "rows": checked.rows,
        "ok": checked.is_good,
        "findings": [
            {
                "code": finding.code,
                "severity": str(finding.severity),
                "id": finding.id or None,
                "test": finding.test or None,
                "kind": finding.kind or None,
                "path": finding.path or None,
                "message": finding.message,
                "advice": finding.advice,
            }
            for finding in checked.findings
        ],
    }
