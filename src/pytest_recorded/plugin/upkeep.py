"""A plugin of its own: tells in a file what the tests of a session ask a cassette for.

`pytest-recorded unused` and `project` run pytest with `-p pytest_recorded.plugin.upkeep`. The file has a line of JSON
for each test that has ended, and a last one about the session; without that line the session has not come to its end.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..reprojection import picked_in
from ..staging import Session
from ..suite import Suite
from ..unasked import listeners
from .keeping import has_parts_of_files
from .marker import rest_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from ..scope import Scope
    from ..unasked import Asked

# Options that leave out tests of which pytest then does not know at all.
_NARROWING = ("lf", "stepwise", "ignore", "ignore_glob")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that the command gives."""
    group = parser.getgroup("recorded")
    group.addoption("--recorded-asked", metavar="FILE", help="tell there what tests ask for (of pytest-recorded)")
    group.addoption("--recorded-asked-of", metavar="CASSETTE", help="the cassette that is asked")
    group.addoption("--recorded-asked-data", action="store_true", help="tell what the data of its recordings would be")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to listen."""
    if config.getoption("--recorded-asked"):
        config.pluginmanager.register(_Telling(config), "recorded-telling-asked")


class _Telling:
    """Gathers where tests run, in each of xdist's workers; writes where reports arrive."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._is_worker = hasattr(config, "workerinput")
        self._suite = Suite(Path(config.getoption("--recorded-asked-of")), Session.new("none"))
        self._cassette = os.path.realpath(config.getoption("--recorded-asked-of"))
        self._tells_data = config.getoption("--recorded-asked-data")
        self._asked: list[Asked] = []
        #: What is known of the whole session.
        self._collected: dict[str, str] = {}
        self._skipped: list[str] = []
        # Names of all tests that were found, and of the files that were looked through; of others, which have more.
        self._known: set[str] = set()
        self._files: set[str] = set()
        self._partial: set[str] = set()
        self._count = 0
        self._is_whole = not any(config.getoption(name, None) for name in _NARROWING) and _starts_at_the_root(config)
        self._file = None
        if not self._is_worker:
            self._file = Path(config.getoption("--recorded-asked")).open("w", encoding="utf-8")  # noqa: SIM115 - closed at the end
        listeners.append(self._hear)

    # Where tests run.

    def _hear(self, asked: Asked, scope: Scope) -> None:
        """Take in what a scope has asked for. The models of its data are where it was open, and nowhere else."""
        if self._tells_data and os.path.realpath(asked.cassette) == self._cassette:
            asked = asked._replace(data=tuple(picked_in(scope)))
        self._asked.append(asked)

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        """Take in that tests are left out."""
        if list(items):
            self._is_whole = False

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Take in that there is a test, whoever leaves it out afterwards."""
        self._known.add(self._name(item.path, rest_of(item)))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take in which files were looked through, and what could not be collected, or skips itself."""
        base, _, rest = report.nodeid.partition("::")
        path = self._config.rootpath / base
        if report.failed:
            self._is_whole = False
        elif report.skipped:
            self._skipped.append(self._name(path, rest))
        if not path.is_file():
            return
        (self._files if report.passed else self._partial).add(self._name(path, ""))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Take in which tests there are."""
        self._collected = {item.nodeid: self._name(item.path, rest_of(item)) for item in session.items}
        self._count = len(self._collected)

    def _name(self, file: Path, rest: str) -> str:
        return self._suite.name_of(file, rest, self._config.rootpath)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, None, None]:
        """Let a report say what was asked for until then; what is an attribute of it travels to the controller."""
        if not self._config.pluginmanager.hasplugin("dsession"):
            report.recorded_asked = self._take()  # type: ignore[attr-defined]
        self._write({
            "test": report.nodeid,
            "of": self._count,
            "when": report.when,
            "outcome": "xfailed" if hasattr(report, "wasxfail") else report.outcome,
            # A worker that has crashed says nothing of what was asked for.
            "asked": getattr(report, "recorded_asked", None),
        })  # fmt: skip
        return (yield)

    # Once in a session.

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Take in how many tests there are."""
        self._count = len(ids)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take in what a worker tells at its end; one that has crashed tells nothing that the others do not."""
        if told := getattr(node, "workeroutput", {}).get("recorded_asked"):
            self._collected |= told["collected"]
            self._skipped += told["skipped"]
            self._known |= set(told["known"])
            self._files |= set(told["files"])
            self._is_whole = self._is_whole and told["whole"]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Tell of the whole session."""
        told = {
            "collected": self._collected,
            "skipped": self._skipped,
            "whole": self._is_whole,
            "known": sorted(self._known),
            "files": [] if has_parts_of_files(self._config) else sorted(self._files - self._partial),
            "root": str(self._config.rootpath),
        }
        if self._is_worker:
            session.config.workeroutput["recorded_asked"] = told  # type: ignore[attr-defined]
            return
        self._write({"exit": int(exitstatus), **told, "late": self._take()})

    def pytest_unconfigure(self) -> None:
        """Listen no more."""
        listeners.remove(self._hear)
        if self._file is not None:
            self._file.close()

    def _take(self) -> list[dict[str, Any]]:
        """Return what was asked for since this was called last, as xdist can carry it."""
        taken = [
            {**one._asdict(), "calls": list(map(tuple, one.calls)), "data": list(map(tuple, one.data))}
            for one in self._asked
        ]
        self._asked.clear()
        return taken

    def _write(self, told: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(told) + "\n")
            self._file.flush()


def _starts_at_the_root(config: pytest.Config) -> bool:
    """Return whether pytest looks for tests everywhere: from its rootdir on, which is named or where it is started."""
    if hasattr(config, "workerinput"):
        # The controller knows.
        return True
    start = config.invocation_params.dir
    if config.args_source is pytest.Config.ArgsSource.ARGS:
        return any(os.path.realpath(start / argument) == os.path.realpath(config.rootpath) for argument in config.args)
    return start == config.rootpath
