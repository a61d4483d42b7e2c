"""Which line of the user's code led here."""

from __future__ import annotations

import os
import sysconfig
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["user_line"]

_OURS: Final = os.path.dirname(__file__) + os.sep  # noqa: PTH120 - compared with what code objects have, as text
_STANDARD: Final = tuple(
    {sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib")} | {os.path.dirname(os.__file__) + os.sep}  # noqa: PTH120
)
_INSTALLED: Final = ("site-packages", "dist-packages")
# Whoever runs tests is never the one who called.
_RUNNERS: Final = ("_pytest", "pluggy", "pytest", "xdist", "execnet")


def user_line(frame: FrameType | None) -> str:
    """Return the innermost line of the user's code as `file:line in function`.

    A thread or a task may have none: then it is that of an installed library, and without one the name of the thread.
    """
    library = ""
    while frame is not None:
        path = frame.f_code.co_filename
        if not path.startswith(("<", _OURS)):
            installed = _within_installed(path)
            if installed and not library and not installed.startswith(_RUNNERS):
                library = _said(installed, frame)
            elif not installed and not path.startswith(_STANDARD):
                return _said(_shown(path), frame)
        frame = frame.f_back
    return library or f"the thread {threading.current_thread().name}"


def _within_installed(path: str) -> str:
    """Return where in the folder of installed packages a file is; `""` if it is not there."""
    for name in _INSTALLED:
        _, found, rest = path.rpartition(f"{os.sep}{name}{os.sep}")
        if found:
            return rest
    return ""


def _shown(path: str) -> str:
    try:
        return path.removeprefix(os.getcwd() + os.sep)  # noqa: PTH109 - see above
    except OSError:
        # The current folder is gone.
        return path


def _said(path: str, frame: FrameType) -> str:
    return f"{path}:{frame.f_lineno} in {frame.f_code.co_name}"
