"""The command line: `pytest-recorded …`. Each command is a few lines around what the library does.

Exit codes, of every command: 0 done; 1 the answer is no (something is wrong with a cassette, a demo went live, an
import left something out, nothing recorded fits); 2 the command or its input is wrong, and one message on stderr says
how.
"""

from __future__ import annotations

import sys
from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command line."""
    if sys.argv[1:2] == ["textconv"]:
        # git calls it for each version of a file: what reads commands would take as long as what it does.
        from .textconv import run_for_git  # noqa: PLC0415 - see app.run

        run_for_git(sys.argv[2:])
    from .app import run  # noqa: PLC0415 - typer and rich are for the command line only

    run()
