"""With which libraries a call was made: the installed distributions between the user's code and the seam.

The law of this file: it is asked when a call is recorded, never for a replay, and what it cannot find out it leaves
out. What a file belongs to is looked up once.
"""

from __future__ import annotations

import inspect
import os
import sys
import sysconfig
from enum import Enum, auto
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import Distribution
    from types import FrameType

__all__ = ["version_of", "versions_here"]

_OURS: Final = str(Path(__file__).parent)
_STDLIB: Final = tuple({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")})
_RUNNERS: Final = ("_pytest", "pytest", "pluggy")
_SITES: Final = ("site-packages", "dist-packages")

_Version = tuple[str, str]


class _Other(Enum):
    USER = auto()
    NOBODY = auto()
    RUNNER = auto()


# Looking up a member of an enumeration takes longer than all else that is done for a frame.
_USER: Final = _Other.USER
_NOBODY: Final = _Other.NOBODY
_RUNNER: Final = _Other.RUNNER


# What the file of a piece of code belongs to.
_owners: dict[str, _Version | _Other] = {}


def versions_here() -> dict[str, str]:
    """Return the distributions on the stack and their versions, sorted; of the user's code only what it has called.

    What calls the user's code, as pytest and its plugins do, has no part in the call.
    """
    seen: dict[str, str] = {}
    called: dict[str, str] | None = None
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - only the stack knows who asks
    while frame is not None:
        file = frame.f_code.co_filename
        owner = _owners.get(file) or _owner(file, str(frame.f_globals.get("__name__")))
        if owner is _RUNNER:
            break
        if owner is _USER:
            called = dict(seen)
        elif owner is not _NOBODY:
            seen[owner[0]] = owner[1]
        frame = frame.f_back
    # In a thread of a library's own there is no code of the user's.
    return dict(sorted((seen if called is None else called).items()))


def version_of(function: Any) -> dict[str, str]:
    """Return the distribution that a function is from, and its version; nothing if it is the user's own."""
    function = inspect.unwrap(function)
    code, names = getattr(function, "__code__", None), getattr(function, "__globals__", None)
    owner = None if code is None or names is None else _owner(code.co_filename, str(names.get("__name__")))
    return dict([owner]) if isinstance(owner, tuple) else {}


def _owner(file: str, module: str) -> _Version | _Other:
    if file not in _owners:
        try:
            _owners[file] = _looked_up(file, module)
        except Exception:  # noqa: BLE001 - a broken installation is no reason not to record
            _owners[file] = _NOBODY
    return _owners[file]


def _looked_up(file: str, module: str) -> _Version | _Other:
    if file.startswith(("<", _OURS)):
        return _NOBODY
    if module.partition(".")[0] in _RUNNERS:
        return _RUNNER
    is_installed = any(site in file for site in _SITES)
    if not is_installed and file.startswith(_STDLIB):
        return _NOBODY
    for name in _possible_names(module):
        found = _distribution(name)
        # A project that is installed to be edited lies elsewhere than what is installed of it.
        if found is not None and file.startswith(str(found.locate_file("")) + os.sep):
            return found.metadata["Name"], found.version
    if not is_installed:
        return _USER
    top = module.partition(".")[0]
    # A namespace has as many providers as it has packages.
    names = [name for name in {*_providers().get(top, [])} if _is_file(top) or file in _files(name)]
    found = _distribution(names[0]) if len(names) == 1 else None
    return (found.metadata["Name"], found.version) if found is not None else _NOBODY


def _possible_names(module: str) -> Iterator[str]:
    """Yield how the distribution of a module may be called: `google.genai` is of no `google`, but of `google-genai`."""
    for package in accumulate(module.split("."), "{}.{}".format):
        if _is_file(package):
            yield package.replace(".", "-")


def _is_file(module: str) -> bool:
    return getattr(sys.modules.get(module), "__file__", None) is not None


@cache
def _distribution(name: str) -> Distribution | None:
    from importlib import metadata  # noqa: PLC0415 - nobody needs it before a call is recorded

    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None


@cache
def _files(name: str) -> frozenset[str]:
    found = _distribution(name)
    return frozenset(str(found.locate_file(file)) for file in found.files or ()) if found is not None else frozenset()


@cache
def _providers() -> dict[str, list[str]]:
    from importlib import metadata  # noqa: PLC0415 - see above

    return dict(metadata.packages_distributions())
