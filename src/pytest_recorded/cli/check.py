"""The command `check`: what is wrong with a cassette, for people and for programs."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..check import CODES, Finding, Severity, check
from ..errors import RecordedError
from ..limits import read_age
from ..options import Options, read_options
from .ini import ini_options
from .output import fail, many, progress, say, say_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..check import Checked

__all__ = ["run_check", "run_checks"]

_STYLES: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: None}
_SHORT: Final = 8
_OF_INI: Final = ("match", "ignore", "redact")


def run_check(cassette: Path, *, max_age: str, as_json: bool) -> int:
    """Say what is wrong with the cassette of the project around this folder; return the exit code.

    Raises:
        CassetteError: It is missing, or no cassette.
        UsageError: The age is none, or an option of the ini file is wrong.

    """
    checked = _checked(cassette, Path.cwd(), max_age)
    if as_json:
        say_json(_tree(cassette, checked))
    else:
        _say(cassette, checked)
    return 0 if checked.is_good else 1


def run_checks(cassettes: Sequence[Path], *, max_age: str, as_json: bool) -> int:
    """Say what is wrong with cassettes, each by the ini file that is nearest to it; return the exit code.

    One that cannot be looked at does not keep the others from it.

    Raises:
        UsageError: The age is none.

    """
    trees: list[dict[str, Any]] = []
    codes = {0}
    if max_age:
        read_age(max_age, where="--max-age")
    for cassette in dict.fromkeys(cassettes):
        try:
            checked = _checked(cassette, cassette.absolute().parent, max_age)
        except RecordedError as error:
            fail(error)
            codes.add(2)
            trees.append({"cassette": str(cassette), "ok": False, "problem": str(error)})
            continue
        codes.add(0 if checked.is_good else 1)
        trees.append(_tree(cassette, checked))
        if not as_json:
            _say(cassette, checked)
    if as_json:
        say_json({"ok": max(codes) == 0, "cassettes": trees})
    return max(codes)


def _checked(cassette: Path, folder: Path, max_age: str) -> Checked:
    """Look at a cassette, with the options of the ini file that is nearest to a folder."""
    age = read_age(max_age, where="--max-age") if max_age else None
    options = Options(**read_options(ini_options(folder, _OF_INI), where="ini file", from_code=False))
    with progress("checking") as show:
        return check(cassette, options, os.environ, max_age=age, progress=show)


def _say(cassette: Path, checked: Checked) -> None:
    for finding in checked.findings:
        say(_line(finding), _STYLES[finding.severity])
    for advice in dict.fromkeys(f"{finding.code}: {finding.advice}" for finding in checked.findings):
        say(advice)
    say(f"{cassette}: {many(checked.rows, 'row')}, {', '.join(_counts(checked.findings)) or 'nothing found'}.")


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
