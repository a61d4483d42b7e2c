"""Where what is unfinished is written: beside a cassette, or in the temporary folder."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from .errors import CassetteError
from .location import owner_of

__all__ = ["staging_folder", "staging_folders", "workshop"]


def staging_folders(cassette: Path) -> tuple[Path, ...]:
    """Return where staging files of a cassette may be: beside it; in the temporary folder if it cannot be there.

    Beside one that was installed nothing is left: whoever uninstalls it would not find it.
    """
    place = hashlib.blake2b(str(cassette.absolute()).encode(), digest_size=8).hexdigest()
    private = _private()
    beside = () if owner_of(cassette) else (cassette.parent / ".staging",)
    return (*beside, private / place) if _is_ours(private) else beside


def _private() -> Path:
    """Return the folder of this user in the temporary folder."""
    return Path(tempfile.gettempdir()) / f"pytest-recorded-{_user()}"


def _user() -> int:
    user: int = getattr(os, "getuid", lambda: 0)()
    return user


def _is_ours(private: Path) -> bool:
    """Return whether a folder is this user's, or is not there yet: what others put there would end up in cassettes."""
    try:
        found = private.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == _user() and not found.st_mode & stat.S_IWOTH


def workshop(cassette: Path) -> Path:
    """Return the folder for the unfinished files of whoever writes to a cassette, made if need be.

    Raises:
        CassetteError: No folder can be written to, or the cassette belongs to an installed package.

    """
    if owner := owner_of(cassette):
        raise CassetteError(
            cassette,
            f"belongs to the installed package {owner}: nothing is written to it, for the next installation would undo "
            f"that. Write to it where that package is developed, or copy it and name the copy.",
        )
    return staging_folder(cassette)


def staging_folder(cassette: Path) -> Path:
    """Return the folder for what sessions record or verify of a cassette, made if need be.

    Raises:
        CassetteError: No folder can be written to.

    """
    for folder in staging_folders(cassette):
        try:
            if folder.parent == (private := _private()):
                private.mkdir(mode=0o700, parents=True, exist_ok=True)
                if not _is_ours(private):
                    continue
            folder.mkdir(parents=True, exist_ok=True)
            ignore = folder / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise CassetteError(cassette, "calls cannot be recorded: neither its folder nor the temporary folder is writable.")
