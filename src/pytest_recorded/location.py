"""Where a cassette is: what the user has written, as a path; whether it may be written to; which others there are.

A cassette is named by a path, or as `package:path` where it is shipped inside of an installed package.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .errors import CassetteError, ConfigurationError
from .roll import INSTALLED
from .store.diagnosis import inspect_cassette

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import Distribution

__all__ = ["find_cassettes", "is_shipped", "locate", "owner_of", "why_read_only"]

# Two letters at least: `C:` is a drive.
_SHIPPED: Final = re.compile(r"([A-Za-z_]\w+(?:\.[A-Za-z_]\w*)*):([^\\/:].*)", re.DOTALL)
_DEEPEST: Final = 6
_MOST: Final = 100
_PASSED_OVER: Final = frozenset({"__pycache__", "node_modules", *INSTALLED})


def is_shipped(written: str) -> bool:
    """Return whether a cassette is named by its package."""
    return _SHIPPED.fullmatch(written) is not None


def locate(written: str | os.PathLike[str], base: Path, *, where: str) -> Path:
    """Return the absolute path of a cassette; whether it exists is another question.

    Args:
        written: A path, or `package:path`.
        base: What a relative path is relative to.
        where: Where it was written, for messages.

    Raises:
        ConfigurationError: There is no such package, or it has no files of its own.

    """
    found = _SHIPPED.fullmatch(os.fspath(written))
    path = base / written if found is None else _folder_of(found[1], found[2], where) / found[2]
    return Path(os.path.normpath(path.absolute()))


def _folder_of(package: str, resource: str, where: str) -> Path:
    from importlib.util import find_spec  # noqa: PLC0415 - needed for such names only

    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise ConfigurationError(
            f"{where}: there is no package {package!r} for the cassette {package}:{resource}. Install it in this "
            f"environment; if it is a file with a colon in its name, write ./{package}:{resource}."
        )
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    if not folders:
        raise ConfigurationError(
            f"{where}: {package!r} is a module, not a package: it has no files. Name the package that the cassette "
            f"{resource} is in."
        )
    there = [folder for folder in folders if folder.is_dir()]
    if not there:
        raise ConfigurationError(
            f"{where}: the package {package!r} is in an archive ({folders[0]}); a cassette has to be a file. Install "
            f"it unpacked (pip install), or copy the cassette out of it and name the copy."
        )
    return next((folder for folder in there if (folder / resource).exists()), there[0])


def why_read_only(cassette: Path) -> str:
    """Return why nothing may be recorded into a cassette, in words; `""` if something may."""
    if owner := owner_of(cassette):
        return f"it belongs to the installed package {owner}"
    real = Path(os.path.realpath(cassette))
    folder = next((folder for folder in real.parents if folder.exists()), None)
    if folder is not None and folder.is_dir() and not os.access(folder, os.W_OK):
        return f"the folder {folder} may not be written to by this user"
    return ""


@cache
def owner_of(cassette: Path) -> str:
    """Return the installed distribution whose folder a cassette is in, with its version; `""` if there is none.

    A project that is installed to be edited has its files elsewhere, and is none.
    """
    real = Path(os.path.realpath(cassette))
    for folder in {Path(os.path.realpath(entry or ".")) for entry in sys.path}:
        if folder in real.parents:
            top = real.relative_to(folder).parts[0]
            for distribution in _distributions(folder):
                if f"\n{top}/" in f"\n{distribution.read_text('RECORD') or ''}":
                    return f"{distribution.metadata['Name']} {distribution.version}"
    return ""


def _distributions(folder: Path) -> Iterator[Distribution]:
    from importlib import metadata  # noqa: PLC0415 - needed by whoever records only

    return iter(metadata.distributions(path=[str(folder)]))


def find_cassettes(folder: Path) -> list[Path]:
    """Return the cassettes in a folder and below it, sorted; what is hidden or installed is passed over."""
    found: list[Path] = []
    for place, folders, files in os.walk(folder):
        here = Path(place)
        if "pyvenv.cfg" in files or len(here.relative_to(folder).parts) >= _DEEPEST:
            folders.clear()
        if "pyvenv.cfg" in files:
            continue
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _PASSED_OVER)
        found += [here / name for name in files if name.endswith(".db") and _is_cassette(here / name)]
        if len(found) >= _MOST:
            break
    return sorted(found)[:_MOST]


def _is_cassette(path: Path) -> bool:
    with contextlib.suppress(CassetteError, OSError):
        inspect_cassette(path)
        return True
    return False
