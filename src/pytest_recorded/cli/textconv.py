"""The command `textconv`: a cassette as text, for git.

The law of this file: it always has an answer, and never fails. git gives up a whole `git log -p` where one version of
one file cannot be shown.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..changes.files import Recorded
from ..changes.lines import FORMAT, as_it_is, lines_of_file
from ..errors import CassetteError
from ..shown import in_one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["run_for_git", "run_textconv"]

# git writes a version into a file whose name tells nobody anything, and is another one each time.
_SHOWN: Final = "this file"
_LONGEST_TEXT: Final = 4_096
_OPTION: Final = "--format="


def run_textconv(path: Path, *, wanted: str) -> None:
    """Print a file as text, in UTF-8 wherever it goes.

    Args:
        path: The file.
        wanted: The format that git is set up for; `""`: any.

    """
    if wanted not in ("", FORMAT):
        # git keeps texts, and would show what has changed here as a change there.
        from .output import fail  # noqa: PLC0415 - see run_for_git

        fail("git is set up for another version of pytest-recorded. Run: pytest-recorded git install")
    try:
        for line in _lines(path):
            sys.stdout.buffer.write(line.encode(errors="backslashreplace") + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Who reads it has seen enough; and Python would try once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run_for_git(arguments: Sequence[str]) -> None:
    """Do what git asks for, and end; return where the arguments are none that git has been given by us."""
    if len(arguments) == 2 and arguments[0].startswith(_OPTION) and not arguments[1].startswith("-"):  # noqa: PLR2004 - both
        run_textconv(Path(arguments[1]), wanted=arguments[0].removeprefix(_OPTION))
        sys.exit(0)


def _lines(path: Path) -> Iterator[str]:
    try:
        with Recorded(path, _SHOWN) as recorded:
            yield from lines_of_file(recorded)
    except CassetteError as error:
        yield f"(no cassette: {in_one_line(error.problem)})"
        yield from _content(path)
    except Exception as error:  # noqa: BLE001 - see the law of this file
        yield f"(cannot be shown: {in_one_line(repr(error))})"
        yield from _content(path)


def _content(path: Path) -> Iterator[str]:
    """Yield what tells two files apart that cannot be read: a short text as it is, of anything else a digest."""
    try:
        content = path.read_bytes()
    except OSError:
        return
    yield from as_it_is("content", content, most=_LONGEST_TEXT)
