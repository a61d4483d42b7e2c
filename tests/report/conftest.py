"""What a terminal would show of a report; and its lines."""

from __future__ import annotations

import pytest

from pytest_recorded.report import terminal_lines


@pytest.fixture
def told():
    """Return a report as a terminal without colours shows it."""

    def told(report, **options):
        return "".join(text for text, _ in terminal_lines(report, **options))

    return told
