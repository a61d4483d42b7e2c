"""A scanner of Python files: what it finds depends on a file's text alone, so that no text is scanned twice.

    python code_scanner.py FOLDER

The reports are kept in scans.db; a file that was scanned before, by this name or another, is not scanned again.
"""

import ast
import hashlib
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel

from pytest_recorded import Recorder, recorder


class Severity(StrEnum):
    LOW = "low"
    HIGH = "high"


class Finding(BaseModel):
    line: int
    rule: str
    severity: Severity


class Report(BaseModel):
    """What there is in a file."""

    lines: int
    worst: Severity | None
    findings: list[Finding]


class Summary(BaseModel):
    """What reports are looked for by."""

    lines: int
    worst: Severity | None


def digest(text: str) -> str:
    """Return the key of a text: another text is another call, the same text is the same call."""
    return hashlib.sha256(text.encode()).hexdigest()


@recorder(kind="scanner.scan", key=digest, data=Summary)
def scan(text: str) -> Report:
    """Scan the text of a file."""
    findings = sorted(_findings(text), key=lambda finding: finding.line)
    severities = {finding.severity for finding in findings}
    worst = next((severity for severity in (Severity.HIGH, Severity.LOW) if severity in severities), None)
    return Report(lines=len(text.splitlines()), worst=worst, findings=findings)


def _findings(text: str) -> Iterator[Finding]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        yield Finding(line=getattr(error, "lineno", None) or 1, rule="is no Python", severity=Severity.LOW)
        return
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="eval" | "exec" as name)):
                yield Finding(line=node.lineno, rule=f"calls {name}", severity=Severity.HIGH)
            case ast.ExceptHandler(type=None):
                yield Finding(line=node.lineno, rule="catches everything", severity=Severity.LOW)


def scan_folder(folder: Path) -> dict[Path, Report]:
    """Scan the Python files of a folder."""
    return {path: scan(path.read_text(encoding="utf-8", errors="replace")) for path in sorted(folder.rglob("*.py"))}


def main(folder: Path, database: Path) -> None:
    """Scan a folder, and sum up all that was ever scanned."""
    with Recorder(database) as book:
        for path, report in scan_folder(folder).items():
            for finding in report.findings:
                print(f"{path.relative_to(folder)}:{finding.line}: {finding.rule}")
        risky = list(book.query(kind="scanner.*", where_data={"worst": "high"}, limit=None))
        print(f"{len(risky)} of {len(book.jobs)} texts that were ever scanned are risky.")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path("scans.db"))
