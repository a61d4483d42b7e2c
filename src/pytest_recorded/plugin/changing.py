"""What a run that calls the world again has found: reported once in a session, by whoever speaks to the user."""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..changes.documents import Findings
from ..changes.gathering import fails, gathered
from ..errors import CassetteError, RecordedError
from ..modes import RecordMode
from ..report import render_markdown, terminal_lines, write_report
from ..roll import folder_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..changes.attempt import Told
    from ..changes.documents import Finding
    from ..changes.model import Call, Report
    from ..options import Options
    from .session import TestSession

__all__ = ["Changing", "properties"]

_MOST_PROPERTIES = 20
_NOT_TAKEN = "Its test has failed: what is recorded of it stays as it is."
_ASKED_FOR = (
    "{path} is in requests, too: where it is ignored they have other keys, and those that differ in nothing else have "
    "one. Ignore it only in tests that may be recorded again: @pytest.mark.recorded(ignore=[…])"
)


def properties(calls: Sequence[Call]) -> list[tuple[str, str]]:
    """Return what a test's report says of its calls that have changed: the worst class, and the fingerprints."""
    if not calls:
        return []
    from ..changes.model import ORDER  # noqa: PLC0415 - loads pydantic, which there is for calls that have changed

    worst = min(calls, key=lambda call: ORDER[call.change_class]).change_class
    found = dict.fromkeys(change.fingerprint for call in calls for change in call.changes)
    return [
        ("recorded.class", str(worst)),
        *(("recorded.fingerprint", fingerprint) for fingerprint in list(found)[:_MOST_PROPERTIES]),
    ]


class Changing:
    """The report of a session.

    Args:
        options: Of the run.
        root: The rootdir.
        folder: The folder that names of reports are relative to.

    """

    def __init__(self, options: Options, root: Path, folder: Path) -> None:
        self._options = options
        self._root = root
        self._folder = folder
        self._findings: list[Findings] = []
        # By the ids that calls have in the report: who has found them, and their own ids.
        self._sources: dict[str, tuple[Findings, str]] = {}
        self._accepted: set[tuple[Path, str]] = set()
        self._asked_for: list[str] = []
        self.report: Report | None = None
        #: What went wrong with it, in words.
        self.problems: list[str] = []

    def gather(self, staged: Iterable[tuple[Path, Path]]) -> None:
        """Read what the session has found; to be called before it is taken over.

        Args:
            staged: The cassettes, each with the session's staging file.

        """
        for cassette, staging in staged:
            try:
                findings = Findings(cassette, staging)
            except CassetteError as error:
                self.problems.append(str(error))
                continue
            if findings.all:
                self._findings.append(findings)
        if self._findings:
            self.report = self._made()
            varying = {noise.path for noise in self.report.noise}
            self._asked_for = sorted(set().union(*(one.asked_for(varying) for one in self._findings)))
            self._write()
        for findings in self._findings:
            findings.close()

    def _made(self) -> Report:
        return gathered(
            [self._named_apart(self._hinted(one), findings) for findings in self._findings for one in findings.all],
            mode=self._options.mode,
            cassettes=[self._shown(findings.cassette) for findings in self._findings],
        )

    def _hinted(self, finding: Finding) -> Told:
        """Return what an attempt has told, with a word on answers that are not taken over."""
        attempt, told = finding
        if not self._options.mode.records or attempt.counts:
            return told
        return told._replace(calls=[call.model_copy(update={"hint": call.hint or _NOT_TAKEN}) for call in told.calls])

    def _named_apart(self, told: Told, findings: Findings) -> Told:
        """Return what was told with ids and names of tests that are those of no other cassette."""
        return told._replace(calls=[self._under_its_id(call, findings) for call in told.calls])

    def _under_its_id(self, call: Call, findings: Findings) -> Call:
        ids = {name: own for name, own in (("id", call.id), ("chain", call.chain)) if own is not None}
        given: dict[str, Any] = {name: self._id_of(own, findings) for name, own in ids.items()}
        tests = tuple(self._seen_from_the_root(test, findings) for test in call.tests)
        return call if (given, tests) == (ids, call.tests) else call.model_copy(update={**given, "tests": tests})

    def _seen_from_the_root(self, test: str, findings: Findings) -> str:
        """Return the name of a test, as of two suites each has its own: what it is from the rootdir."""
        folder = folder_of(findings.cassette)
        if len(self._findings) == 1 or "::" not in test or not folder.is_relative_to(self._root):
            return test
        return Path(os.path.normpath(folder.relative_to(self._root) / test)).as_posix()

    def _id_of(self, own: str, findings: Findings) -> str:
        if self._sources.setdefault(own, (findings, own))[0] is findings:
            return own
        other = blake2b(f"{self._shown(findings.cassette)}\0{own}".encode(), digest_size=16).hexdigest()
        self._sources[other] = findings, own
        return other

    def _shown(self, path: Path) -> str:
        return str(path.relative_to(self._root)) if path.is_relative_to(self._root) else path.name

    def _write(self) -> None:
        assert self.report is not None  # noqa: S101 - see gather
        for name in self._options.report:
            path = self._folder / name
            try:
                write_report(self.report, path, self._documents)
            except OSError as error:
                self.problems.append(f"the report {name} cannot be written: {error.strerror or error}")
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary and self.report.calls:
            try:
                with Path(summary).open("a", encoding="utf-8") as file:
                    file.write(render_markdown(self.report))
            except OSError as error:
                self.problems.append(f"the summary {summary} cannot be written: {error.strerror or error}")

    def _documents(self, call: Call) -> tuple[Any, Any]:
        findings, own = self._sources[call.id]
        return findings.documents(call.model_copy(update={"id": own}))

    def accept(self, session: TestSession) -> None:
        """Take into the cassette what is to be accepted of what was found just now."""
        if self._options.mode is RecordMode.VERIFY:
            try:
                # Nothing else: what an earlier run has found may have gone by now.
                self._accepted = session.accept({one.cassette: one.staging for one in self._findings})
            except RecordedError as error:
                self.problems.append(str(error))

    @property
    def is_broken(self) -> bool:
        """Whether what was found, or what went wrong with it, fails the run."""
        verifies = self._options.mode is RecordMode.VERIFY
        calls = self.report.calls if self.report is not None else ()
        left = [call for call in calls if not self._is_accepted(call)]
        return bool(self.problems) or (verifies and fails(left, self._options.fail_on))

    def verdict(self) -> Iterator[str]:
        """Yield why the run fails though its tests may have passed, and that nothing was compared, if that is so."""
        if self._options.mode is not RecordMode.VERIFY or self.report is None:
            return
        left = [call for call in self.report.calls if not self._is_accepted(call)]
        if fails(left, self._options.fail_on):
            failing = [call for call in left if fails([call], self._options.fail_on)]
            number = f"{len(failing):,} changed call{'' if len(failing) == 1 else 's'}"
            yield f"  the run fails because of {number} (--record-fail-on={self._options.fail_on})"
        if not self.report.compared and self.report.not_verified:
            reasons = ", ".join(f"{number:,} {reason}" for reason, number in self.report.not_verified.items())
            yield f"  no call was made again to be compared: {reasons}"

    def _is_accepted(self, call: Call) -> bool:
        findings, own = self._sources[call.id]
        return (findings.cassette, own) in self._accepted

    def write_to(self, terminal: Any) -> None:
        """Print the report."""
        for problem in self.problems:
            terminal.write_line(f"  {problem}", red=True, bold=True)
        if self.report is not None:
            width = terminal._tw.fullwidth  # noqa: SLF001 - pytest has no public way to it
            for text, markup in terminal_lines(self.report, width=width, written=self._options.report):
                terminal.write(text, **markup)
        for path in self._asked_for:
            terminal.write_line(_ASKED_FOR.format(path=path), yellow=True)
