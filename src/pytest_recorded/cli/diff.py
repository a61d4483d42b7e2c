"""The command `diff`: what differs between two cassettes, or between one and what its last verification has found."""

from __future__ import annotations

import json
import re
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple

import typer

from ..changes.comparing import Comparison, Terms
from ..changes.documents import Findings
from ..changes.files import Recorded
from ..changes.gathering import fails
from ..changes.model import ORDER, ChangeClass
from ..changes.verified import standing
from ..errors import UsageError
from ..options import read_options
from ..report import render_json, terminal_lines, write_report
from ..staging import verified_files
from .ini import ini_options
from .output import many, say, say_pieces
from .revisions import fetch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..changes.model import Report
    from ..report.files import Documents

__all__ = ["Asked", "run_diff"]

_OF_INI: Final = ("ignore", "list_keys")
_WORST_THAT_COUNTS: Final = "any"


class Asked(NamedTuple):
    """What the user has asked for.

    Attributes:
        old: A file or a revision; None for what the last verification has found.
        new: Likewise; None for the cassette as it is.
        reports: Files that the report is written to.
        ignore: Paths of what does not matter, besides those of the ini file.
        list_keys: By which fields items of lists are told apart, likewise.
        tests: Globs of tests; of none means of all.
        kinds: Globs of kinds; of none means of all.

    """

    old: str | None
    new: str | None
    reports: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    list_keys: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


def run_diff(asked: Asked, cassette: Path, *, as_json: bool) -> int:
    """Say what differs; return the exit code.

    Raises:
        CassetteError: A file is missing, or cannot be read.
        OSError: A report cannot be written.
        UsageError: An argument is wrong, there is no such revision, or nothing to compare.

    """
    terms, reports = _terms(asked)
    with ExitStack() as stack:
        if asked.old is None:
            report, documents = _verified(asked, terms, cassette, stack)
        else:
            old = _opened(asked.old, cassette, stack)
            new = _opened(asked.new, cassette, stack) if asked.new is not None else _cassette(cassette, stack)
            comparison = Comparison(old, new, terms, keeps=any(name.lower().endswith(".html") for name in reports))
            report, documents = comparison.report, comparison.documents
        if not report.compared and (asked.tests or asked.kinds):
            raise UsageError(f"no call fits {_filters(asked)}: there is nothing to compare. See pytest-recorded ls.")
        for name in reports:
            write_report(report, Path(name), documents)
    if as_json:
        typer.echo(_json(report), nl=False)
    else:
        _print(report, reports)
    return 1 if _differs(report) else 0


def _terms(asked: Asked) -> tuple[Terms, tuple[str, ...]]:
    """Return what of the calls matters, and the files to write."""
    given = {"ignore": asked.ignore, "list_keys": asked.list_keys, "report": asked.reports}
    own = read_options(given, where="command line", of_run=True)
    ini = read_options(ini_options(Path.cwd(), _OF_INI), where="ini file", from_code=False, of_run=True)
    ignore, keys = (*ini.get("ignore", ()), *own["ignore"]), ini.get("list_keys", {}) | own["list_keys"]
    return Terms(ignore, keys, asked.tests, asked.kinds), own["report"]


def _filters(asked: Asked) -> str:
    filters = [f"--test={glob}" for glob in asked.tests] + [f"--kind={glob}" for glob in asked.kinds]
    return ", ".join(filters)


def _opened(given: str, cassette: Path, stack: ExitStack) -> Recorded:
    """Open a file, or a cassette as it was in a revision."""
    path, shown = Path(given), given
    if not path.exists() or path.is_dir():
        folder = stack.enter_context(TemporaryDirectory(prefix="pytest-recorded-"))
        path = Path(folder) / "jobs.db"
        shown = str(fetch(given, cassette, path))
    return stack.enter_context(Recorded(path, shown))


def _cassette(cassette: Path, stack: ExitStack) -> Recorded:
    return stack.enter_context(Recorded(cassette, str(cassette)))


def _verified(asked: Asked, terms: Terms, cassette: Path, stack: ExitStack) -> tuple[Report, Documents]:
    """Return what the last verification has found."""
    if asked.kinds or asked.ignore or asked.list_keys:
        raise UsageError(
            "without OLD it is told what the last verification has found, as it was found. --kind, --ignore and "
            "--list-keys are for two files: pytest-recorded diff OLD [NEW]."
        )
    files = verified_files(cassette)
    if not files:
        raise UsageError(
            f"{cassette} was not verified here, or more than two weeks ago, so that there is nothing to compare it "
            f"with. Run: pytest --record-mode=verify; or name a file or a revision: pytest-recorded diff HEAD~1"
        )
    findings = Findings(cassette, files[-1], only_reads=True)
    stack.callback(findings.close)
    return standing(findings, str(cassette), terms), findings.documents


def _differs(report: Report) -> bool:
    metrics = [call for call in report.calls if call.change_class is not ChangeClass.METRICS]
    return fails(metrics, _WORST_THAT_COUNTS)


def _json(report: Report) -> str:
    """Return the report as JSON that stdout can take."""
    text, encoding = render_json(report), sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        # In JSON such letters are nowhere but in strings.
        return re.sub("[^\x00-\x7f]", lambda found: json.dumps(found[0])[1:-1], text)
    return text


def _print(report: Report, reports: Sequence[str]) -> None:
    if not _differs(report):
        rest = ", ".join(f"{report.totals[name]:,} {name}" for name in ORDER if report.totals.get(name))
        say(f"no difference: {many(report.compared, 'call')}{f' ({rest})' if rest else ''}")
        return
    width = shutil.get_terminal_size().columns
    lines = terminal_lines(
        report, width=width, written=reports, accept="pytest-recorded accept ", option="--report"
    )  # fmt: skip
    say_pieces(lines)
