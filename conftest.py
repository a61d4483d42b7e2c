"""What all tests share: pytest's own test tools, and an environment without the CI's say in record modes."""

from __future__ import annotations

import contextlib
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from pytest_recorded import RecordedWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_recorded import use_cassette

pytest_plugins = ["pytester"]


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
