"""What all tests share: pytest's own test tools, compiled modules, and an environment without the CI's say in modes."""

from __future__ import annotations

import compileall
import contextlib
import py_compile
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pytest_recorded
from pytest_recorded import RecordedWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_recorded import use_cassette

pytest_plugins = ["pytester"]

# Hundreds of processes are started by the tests, and each would compile the same modules again: half of its time.
sys.dont_write_bytecode = False


def pytest_configure(config: pytest.Config) -> None:
    """Compile what such a process imports: our own modules, and what pytest has loaded itself."""
    if hasattr(config, "workerinput"):
        return
    compileall.compile_dir(Path(pytest_recorded.__file__).parent, quiet=2)
    for module in list(sys.modules.values()):
        spec = getattr(module, "__spec__", None)
        if spec is not None and spec.cached and spec.origin and not Path(spec.cached).exists():
            with contextlib.suppress(OSError):  # nobody may write there
                py_compile.compile(spec.origin, quiet=2)


@pytest.fixture(autouse=True)
def _no_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write no bytecode in a test: a module that is written twice within a second would be read as it was at first."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Record modes depend on CI being set; a test that is about that sets it itself."""
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture
def verifying() -> Callable[..., Any]:
    """Enter a block that verifies, and see to it that it warns of what has changed, and of nothing else."""

    @contextlib.contextmanager
    def verified(block: use_cassette) -> Iterator[Any]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", RecordedWarning)
            with block as cassette:
                yield cassette
        told = [str(warning.message) for warning in caught if warning.category is RecordedWarning]
        counts = cassette._scope.counts
        found = [f"{counts[what]} {what}" for what in ("changed", "new") if counts[what]]
        assert [text.partition(": ")[2] for text in told] == [
            f"{' and '.join(found)} of the answers of this block." for _ in found[:1]
        ]

    return verified
