"""What all tests share: pytest's own test tools, and an environment without the CI's say in record modes."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Record modes depend on CI being set; a test that is about that sets it itself."""
    monkeypatch.delenv("CI", raising=False)
