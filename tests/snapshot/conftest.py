"""The example projects of tests/plugin, with syrupy and with data of recorded calls."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_HARNESS = Path(__file__).parents[1] / "plugin" / "conftest.py"
_spec = importlib.util.spec_from_file_location("plugin_harness", _HARNESS)
harness = importlib.util.module_from_spec(_spec)
sys.modules["plugin_harness"] = harness  # its dataclasses look themselves up
_spec.loader.exec_module(harness)

example = harness.example
serve = harness.serve

# Data of a test's calls: what `ask` answered.
CONFTEST = """
import pytest
from pytest_recorded.data import Data
from pytest_recorded.paths import parse

@pytest.fixture
def data(recorded, request):
    marker = request.node.get_closest_marker("recorded")
    ignore = [parse(path, where="test") for path in marker.kwargs.get("ignore", ())] if marker else []
    return lambda: Data((job.response for job in recorded.jobs), ignore=ignore)
"""


class Project:
    """An example project whose tests compare with snapshots."""

    def __init__(self, example) -> None:
        self.example = example
        example.write(conftest=CONFTEST)

    def write(self, **files: str) -> Project:
        """Write modules."""
        self.example.write(**files)
        return self

    def run(self, *args: str, plugins: tuple[str, ...] = ("syrupy",)):
        """Run pytest with syrupy in this process."""
        return self.example.run(*args, plugins=plugins)

    @property
    def folder(self) -> Path:
        """Where the snapshots of the project are."""
        return self.example.folder / "__snapshots__"

    def text(self, name: str = "test_a") -> str:
        """Return the snapshots of a test file."""
        return (self.folder / f"{name}.ambr").read_text()


@pytest.fixture
def project(example, monkeypatch) -> Project:
    """A project with syrupy."""
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        # Syrupy would take the runs of the project for workers of the run that they are in.
        monkeypatch.delenv(name, raising=False)
    return Project(example)
