"""One session of pytest: its options, its cassettes, what it takes over at its end."""

from __future__ import annotations

import os
import shlex
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..ambient import now_running
from ..errors import CassetteError, ConfigurationError, RecordedError
from ..freshness import Freshness, oldest_good
from ..guard import Log, Policy
from ..location import find_cassettes, locate
from ..modes import RecordMode, choose_mode, is_ci
from ..options import DEFAULT_CASSETTE, Options
from ..staging import Session as StagingSession
from ..staging import Staging, last_session, new_id
from ..store.diagnosis import is_there
from ..store.lease import owner
from ..store.sqlite import CassetteFile
from ..suite import Suite
from .header import conflicts_in
from .keeping import Attendance
from .table import command_line_mode, command_line_options, ini_options, is_guarded
from .typed import option_for, typed_cassette

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest

    from ..budget import Allowance, Purse
    from ..scope import Scope
    from ..takeover import Taken

__all__ = ["TestSession"]

_CHOICE: Final = frozenset(("hosts", "ignore_hosts", "kinds", "live"))
_WHY_SAMPLE: Final = "replaying all tests costs nothing."
_WHY_REPEAT: Final = "recorded answers do not vary."
_ACCEPTS_ITSELF: Final = (
    "--record-accept is of no use in mode {mode}, which takes over all that has changed. Leave one of the two out."
)


class TestSession:
    """What the tests of one session share.

    Raises:
        ConfigurationError: An option of the command line or of the ini file is wrong.

    """

    __test__ = False

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.root = config.rootpath
        self._command_line = command_line_options(config)
        self._command_line_mode = command_line_mode(config)
        self._ini = ini_options(config)
        self._is_ci = is_ci(os.environ.get("CI"))
        self._suites: dict[Path, Suite] = {}
        self.attendance = Attendance(self.root)
        #: What came of answers that were to be accepted, in words.
        self.accepted: list[str] = []
        self.worker: dict[str, Any] | None = getattr(config, "workerinput", {}).get("recorded")
        #: The options of a test that says nothing itself.
        self.options = self.options_for({}, {})
        self._need_mode_that_asks_again()
        self._purse: Purse | None = None
        #: How many of the recorded tests were chosen to run, and of how many; None without a sample.
        self.sampled: tuple[int, int] | None = None
        age = self.options.max_age
        #: Knows which recordings are too old; None if there is no such age.
        self.freshness = Freshness(oldest_good(age)) if age is not None else None
        #: Who goes to the network past the recorder.
        self.log = Log()
        #: Whether something is said about the network that holds for all tests, and what holds for those.
        self.is_guarded = is_guarded(config)
        self.policy = self.policy_for(self.options)._replace(log=self.log if self.options.block_network else None)
        if self.worker is not None:
            self.staging = StagingSession(self.worker["id"], self.worker["owner"], self.options.mode)
        else:
            self.staging = StagingSession(new_id(), owner(), self.options.mode)
        if (running := now_running()) is not None:
            running.shared.update(staging=self.staging, allowance_of=self.allowance_of)

    def _need_mode_that_asks_again(self) -> None:
        """Refuse what was typed and would do nothing; in an ini file it waits for a run in which it does."""
        mode = self.options.mode
        for name, why in (("sample", _WHY_SAMPLE), ("repeat", _WHY_REPEAT)):
            if name in self._command_line and not mode.compares:
                again = ", ".join(other for other in RecordMode if other.compares)
                raise ConfigurationError(
                    f"--record-{name} is of no use in mode {mode}: {why} "
                    f"Add --record-mode=verify (or another of: {again}), or leave it out."
                )
        if self.config.getoption("--record-accept") and mode.compares and mode is not RecordMode.VERIFY:
            raise ConfigurationError(_ACCEPTS_ITSELF.format(mode=mode))

    @property
    def lacks_report(self) -> bool:
        """Whether a report was asked for in a mode that has none; in an ini file it waits for a run that has."""
        return "report" in self._command_line and not self.options.mode.compares

    @property
    def chooses_for_once(self) -> bool:
        """Whether the command line, of this run alone, says which calls are recorded."""
        return not _CHOICE.isdisjoint(self._command_line)

    @property
    def share(self) -> float | None:
        """Which share of the recorded tests runs; None for all."""
        return self.options.sample if self.options.mode.compares else None

    @property
    def times(self) -> int:
        """How often each recorded test runs."""
        return self.options.repeat if self.options.mode.compares else 1

    @property
    def purse(self) -> Purse | None:
        """What the session may spend on live calls; None for as much as it takes."""
        budget = self.options.budget
        if self._purse is None and budget is not None:
            from ..budget import Purse  # noqa: PLC0415 - loaded only where there is a budget

            self._purse = Purse(budget, Path(self.options.cassette), self.staging.id)
        return self._purse

    def allowance_of(self, scope: Scope) -> Allowance | None:
        """Return what a scope may spend on live calls; None for as much as it takes."""
        return None if self.purse is None else self.purse.allowance_of(scope)

    def told_workers(self) -> dict[str, Any]:
        """Return what xdist's workers have to know to be of the same session."""
        mode = self._command_line_mode
        # execnet carries plain strings, not members of an enumeration.
        return {"id": self.staging.id, "owner": self.staging.owner, "mode": str(mode) if mode else None}

    def options_for(self, marked: dict[str, Any], fixture: dict[str, Any]) -> Options:
        """Return the options of a test: command line > marker > fixture > ini > default; `cassette` is absolute."""
        mode = choose_mode(
            command_line=self._command_line_mode,
            marker=marked.get("mode"),
            fixture=fixture.get("mode"),
            ini=self._ini.get("mode"),
            ci=self._is_ci,
        )
        if "cassette" in marked:
            marked = {**marked, "cassette": str(locate(marked["cassette"], self.root, where="the marker"))}
        usual = Options(cassette=str(self.root / DEFAULT_CASSETTE))
        return replace(usual, **{**self._ini, **fixture, **marked, **self._command_line, "mode": mode})

    def policy_for(self, options: Options, test: str = "") -> Policy:
        """Return what holds for the connections of a test."""
        return Policy(options.block_network, options.allowed_hosts, self.log, frozenset(self._command_line), test)

    def suite(self, cassette: str, place: str = "") -> Suite:
        """Return a cassette in use.

        Args:
            cassette: Its path.
            place: Who has named it, in words, for messages; `""` for the usual places.

        Raises:
            CassetteError: It cannot be used.
            ConfigurationError: It may not be where it is.

        """
        path = Path(cassette)
        key = _key(path)
        if key not in self._suites:
            with _named_by(place):
                suite = Suite(path, self.staging)
                suite.roll = partial(self.attendance.roll, suite)
                suite.option, suite.typed = option_for(self.config, self._ini, path), self._typed
                if self.worker is None and self.options.mode.records:
                    suite.recover()
            self._suites[key] = suite
        return self._suites[key]

    def stale(self, scopes: list[Scope]) -> list[list[str]]:
        """Return which recordings scopes were answered from that are older than they may be."""
        with suppress(RecordedError):
            return self.freshness.stale(scopes) if self.freshness is not None else []
        return []

    def late_calls(self) -> list[str]:
        """Return the calls that outlived their tests, in words, each once."""
        late = [call for suite in self._suites.values() for call in suite.late]
        for suite in self._suites.values():
            suite.late = []
        return late

    def told_controller(self) -> dict[str, Any]:
        """Return what xdist's controller has to know at the end, besides what reports have told."""
        return {
            "late": self.late_calls(), "network": self.log.take(), "sampled": self.sampled,
            "newcomers": self.attendance.told(),
        }  # fmt: skip

    @property
    def report_folder(self) -> Path:
        """The folder that names of reports are relative to: where pytest was started, of an ini file its own."""
        return self.config.invocation_params.dir if self.config.option.recorded_report else self.root

    def staged(self, cassettes: Iterable[str]) -> list[tuple[Path, Path]]:
        """Return the cassettes that this session has made calls of, each with its staging file.

        Args:
            cassettes: Paths of the cassettes that tests have used.

        """
        files = [(path, Staging(path, self.staging).existing()) for path in self._paths(cassettes)]
        return [(path, file) for path, file in files if file is not None]

    def _paths(self, cassettes: Iterable[str]) -> list[Path]:
        """Return the cassettes that this process or another one of the session has used, each once."""
        told = {_key(Path(cassette)): Path(cassette) for cassette in cassettes}
        return sorted({**told, **{key: suite.path for key, suite in self._suites.items()}}.values())

    def take_over(self, cassettes: Iterable[str]) -> list[tuple[Path, Taken | CassetteError]]:
        """Take over what all processes of this session have recorded; return what came of each cassette.

        Args:
            cassettes: Paths of the cassettes that were recorded for.

        """
        outcomes: list[tuple[Path, Taken | CassetteError]] = []
        for path in self._paths(cassettes):
            try:
                suite = self._suites.get(_key(path)) or Suite(path, self.staging)
                outcomes.append((path, suite.take_over(good_since=self.freshness.moment if self.freshness else "")))
            except (CassetteError, ConfigurationError) as error:
                problem = error if isinstance(error, CassetteError) else CassetteError(path, str(error))
                outcomes.append((path, problem))
        return outcomes

    def conflicts(self, cassettes: Iterable[Path]) -> Iterator[tuple[Path, str]]:
        """Yield the cassettes in which a merge has left conflicts, each with what there is to say about it."""
        for path in cassettes:
            # One that cannot be read has had its error already.
            with suppress(CassetteError), closing(CassetteFile(path)) as file:
                if is_there(path) and (said := conflicts_in(file, option_for(self.config, self._ini, path))):
                    yield path, said

    def accept(self, verified: dict[Path, Path] | None = None) -> set[tuple[Path, str]]:
        """Take answers that were verified into their cassettes, if that is asked for.

        Args:
            verified: The cassettes, each with the file that has its live answers; None for those of the last run.

        Returns:
            The calls that were taken, each as its cassette and its id.

        Raises:
            CassetteError: A cassette cannot be written.
            UsageError: There is nothing of that kind.

        """
        wanted: list[str] = self.config.getoption("--record-accept") or []
        if not wanted:
            return set()
        from ..changes.accepting import accept, last_verified  # noqa: PLC0415 - loads pydantic

        if verified is None:
            cassette = Path(self.options.cassette)
            verified = last_session([cassette, *find_cassettes(self.root)]) or {cassette: last_verified(cassette)}
        accepted = accept(verified, wanted)
        self.accepted = [f"{self.shown(path)}: {line}" for path, one in accepted.items() for line in one.lines()]
        return {(path, call.id) for path, one in accepted.items() for call in one.taken}

    def command(self, verb: str, cassette: Path, *arguments: str, runs: bool = False) -> str:
        """Return a command about a cassette, as it is typed; `runs`: whether it runs the tests."""
        option = option_for(self.config, self._ini, cassette)
        last = ["--", *self._typed] if runs and self._typed else []
        return shlex.join(["pytest-recorded", *verb.split(), *option, *arguments, *last])

    @property
    def _typed(self) -> list[str]:
        """Where the cassette of all tests was typed, that option: whatever is told to be run needs it again."""
        cassette = self._command_line.get("cassette")
        return [f"--record-cassette={typed_cassette(self.config, Path(cassette))}"] if cassette else []

    def shown(self, path: Path) -> str:
        """Return a path as the user knows it."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)

    def close(self) -> None:
        """Close all files."""
        for suite in self._suites.values():
            suite.close()


def _key(path: Path) -> Path:
    """Return what is the same for all ways to one cassette. One that is a link is another one than what it leads to."""
    return Path(os.path.realpath(path.parent)) / path.name


@contextmanager
def _named_by(place: str) -> Iterator[None]:
    """Let an error about a cassette say who has named it."""
    try:
        yield
    except CassetteError as error:
        raise (CassetteError(error.path, f"{error.problem} It is named by {place}.") if place else error) from None
    except ConfigurationError as error:
        raise ConfigurationError(f"{error} It is named by {place}." if place else str(error)) from None
