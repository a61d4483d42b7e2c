"""The command line: `pytest-recorded …`. Each command is a few lines around what the library does.

Exit codes: 0 done, 1 the answer is no (a demo that went live, a test without recordings, an import that left something
out), 2 the command or its input is wrong.
"""

from __future__ import annotations

from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command line."""
    from .app import run  # noqa: PLC0415 - typer and rich are for the command line only

    run()
