"""Beside syrupy: its folders' databases are left alone, recorded calls are written readably, failures cost nothing.

The law of this file: it imports nothing, and speaks to syrupy by the options of its command line only, which are not
there where it is not loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

__all__ = ["forgive_unused", "keep_databases", "keep_unused", "write_readably"]

_DATABASES = ("db", "db-wal", "db-shm", "db-journal")


def keep_databases(config: pytest.Config) -> None:
    """Let syrupy overlook databases in its folders: it would count them as unused, and delete them on an update."""
    option = config.option
    if hasattr(option, "ignore_file_extensions"):
        given = option.ignore_file_extensions or ()
        option.ignore_file_extensions = [*given, *(name for name in _DATABASES if name not in given)]


def write_readably(config: pytest.Config) -> None:
    """Let syrupy write recorded calls as we do, on either side of `==`, unless the user has chosen an extension."""
    if getattr(config.option, "default_extension", "") is None:
        config.option.default_extension = "pytest_recorded.snapshot.RecordedExtension"


def keep_unused(config: pytest.Config) -> bool:
    """Let an update delete nothing, since a test that has failed did not get to its snapshots.

    Returns whether it would have deleted what it takes for unused.
    """
    option = config.option
    deletes = getattr(option, "update_snapshots", False) and getattr(option, "no_cleanup", None) is False
    if deletes:
        option.no_cleanup = True
    return bool(deletes)


def forgive_unused(config: pytest.Config) -> None:
    """Let snapshots that nobody asked for neither fail the run nor be deleted, where only some of the tests run.

    Of a test with parameters syrupy takes those for unused whose parameters were deselected.
    """
    for name in ("warn_unused_snapshots", "no_cleanup"):
        if hasattr(config.option, name):
            setattr(config.option, name, True)
