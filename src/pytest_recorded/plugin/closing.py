"""What happens once in a session, not once in each of its processes: taking over, and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ..errors import CassetteError
from .bounds import bound_lines, is_too_old
from .keeping import Newcomers, unused_lines
from .snapshots import keep_unused
from .typed import typed_test
from .verdict import Tally, in_words, verdict_lines

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ..takeover import Taken
    from .changing import Changing
    from .session import TestSession

__all__ = ["Closing", "Distributing", "Telling"]


_NOTHING: dict[str, Any] = {"late": (), "network": (), "sampled": None, "newcomers": ()}
_NO_REPORT = "  no report is written in mode {mode}, which compares nothing: add --record-mode=verify"
_SPARED = "spared: every live call of a test has failed where it had an answer; its recordings stay as they are"


class Closing:
    """Hooks of the process that writes the cassette and speaks to the user: xdist's controller, or the only one."""

    def __init__(self, session: TestSession) -> None:
        self._session = session
        self._tally = Tally()
        self._outcomes: list[tuple[Path, Taken | CassetteError]] = []
        self._conflicts: list[tuple[Path, str]] = []
        self._failed: set[str] = set()
        self._has_kept_unused = False
        self._changing: Changing | None = None
        self._newcomers = Newcomers()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in what a test tells, from whichever process."""
        told = getattr(report, "recorded", None)
        if report.failed:
            self._failed.add(report.nodeid)
        if told is not None and report.nodeid in self._failed:
            self._has_kept_unused |= keep_unused(self._session.config)
        test = typed_test(self._session.config, report.nodeid)
        if told is not None:
            self._tally.add(test, told)
        self._tally.add_attempts(getattr(report, "recorded_network", ()), test)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take in what one of xdist's workers tells at its end; one that has crashed tells nothing."""
        self._take_in(getattr(node, "workeroutput", {}).get("recorded", _NOTHING))

    def _take_in(self, told: dict[str, Any]) -> None:
        self._tally.late += told["late"]
        self._tally.add_attempts(told["network"])
        # All workers collect, and choose, the same.
        self._tally.sampled = told["sampled"] or self._tally.sampled
        self._newcomers.add(told["newcomers"])

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Take over what was recorded."""
        self._take_in(self._session.told_controller())
        if self._session.purse is not None:
            self._tally.budget = self._session.purse.close()
        if self._session.options.mode.compares:
            self._changing = _changes(self._session, self._tally.cassettes)
        self._outcomes = self._session.take_over(self._tally.cassettes)
        self._conflicts = list(self._session.conflicts(path for path, _ in self._outcomes))
        if self._changing is not None:
            self._changing.accept(self._session)
        self._session.close()
        broken = any(isinstance(outcome, CassetteError) for _, outcome in self._outcomes)
        broken = broken or bool(self._tally.counts["missed"])
        broken = broken or (self._changing is not None and self._changing.is_broken)
        broken = broken or is_too_old(self._tally, self._session.options)
        if session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and self._tally.sampled is not None:
            # On some days it is nobody's turn.
            session.exitstatus = pytest.ExitCode.OK
        if broken and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the verdict."""
        for line in self._session.accepted:
            terminalreporter.write_line(line)
        if self._changing is not None:
            self._changing.write_to(terminalreporter)
        if not self._tally.has_something:
            return
        mode = self._session.options.mode
        verbose = terminalreporter.verbosity > 0
        lines = verdict_lines(self._tally, mode=mode, is_verbose=verbose)
        missed = [(_NO_REPORT.format(mode=mode), False)] if self._session.lacks_report else []
        why = [(line, True) for line in self._changing.verdict()] if self._changing is not None else []
        for line, is_trouble in (*lines, *why, *missed, *bound_lines(self._tally, self._session.options)):
            terminalreporter.write_line(line, red=is_trouble)
        self._write_cassettes(terminalreporter)

    def _write_cassettes(self, terminalreporter: Any) -> None:
        """Print what came of each cassette, and what is to be settled there."""
        for path, outcome in self._outcomes:
            self._write_outcome(terminalreporter, path, outcome)
        for path, said in self._conflicts:
            terminalreporter.write_line(f"  {self._session.shown(path)}: {said}", yellow=True)
        for line in (*unused_lines(self._tally, self._session), *self._newcomers.lines(self._session)):
            terminalreporter.write_line(line)
        if self._has_kept_unused:
            terminalreporter.write_line("  a recorded test failed: no unused snapshot was deleted")

    def _write_outcome(self, terminal: Any, path: Path, outcome: Taken | CassetteError) -> None:
        """Say what was taken over into a cassette; where there are several, what happened to the calls of each."""
        if isinstance(outcome, CassetteError):
            terminal.write_line(f"  {outcome}", red=True, bold=True)
            return
        said = []
        used = {name: counts for name, counts in self._tally.cassettes.items() if counts}
        if len(used) > 1 and str(path) in used:
            said.append(in_words(used[str(path)], all_of_them=False))
        if any(outcome._replace(unchanged=0)):
            said.append(", ".join(f"{number} {name}" for name, number in outcome._asdict().items() if number))
        if said:
            terminal.write_line(f"  {self._session.shown(path)}: {'; '.join(said)}")
        if outcome.spared:
            terminal.write_line(f"  {_SPARED}", red=True)


def _changes(session: TestSession, cassettes: Iterable[str]) -> Changing:
    from .changing import Changing  # noqa: PLC0415 - loads pydantic; only runs that call the world again need it

    changing = Changing(session.options, session.root, session.report_folder)
    changing.gather(session.staged(cassettes))
    return changing


class Distributing:
    """Hooks of xdist's controller towards its workers."""

    def __init__(self, session: TestSession) -> None:
        self._session = session

    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker which session it belongs to."""
        node.workerinput["recorded"] = self._session.told_workers()


class Telling:
    """The hook of an xdist worker that tells the controller what no report has told."""

    def __init__(self, session: TestSession) -> None:
        self._session = session

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell it as late as possible."""
        session.config.workeroutput["recorded"] = self._session.told_controller()  # type: ignore[attr-defined]
