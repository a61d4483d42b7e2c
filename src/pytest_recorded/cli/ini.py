"""The options that a project's ini file has, for commands: found and read as pytest does, without running it."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Final

from ..errors import ConfigurationError
from ..location import locate
from ..options import DEFAULT_CASSETTE

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ini_options", "project_cassette", "rootdir"]

# In pytest's order, each with the tables that it may have its options in.
_FILES: Final = {
    "pytest.toml": ("pytest",),
    ".pytest.toml": ("pytest",),
    "pytest.ini": ("pytest",),
    ".pytest.ini": ("pytest",),
    "pyproject.toml": ("tool.pytest", "tool.pytest.ini_options"),
    "tox.ini": ("pytest",),
    "setup.cfg": ("tool:pytest",),
}


def ini_options(folder: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """Return options as the nearest ini file of pytest has them, in a folder or above it.

    Args:
        folder: Where to begin.
        names: The options' names, without `record_`.

    Raises:
        ConfigurationError: The file cannot be read.

    """
    found = _nearest(folder)[1] or {}
    return {
        name: value if isinstance(value, list) else str(value).split("\n")
        for name in names
        if (value := found.get(f"record_{name}"))
    }


def rootdir(folder: Path) -> Path:
    """Return the folder that pytest takes for its root, by the ini file: the folder itself where there is none.

    Raises:
        ConfigurationError: The file cannot be read.

    """
    return _nearest(folder)[0]


def project_cassette(folder: Path) -> Path:
    """Return the cassette of the project that a folder is in, whether it exists or not.

    That is what the ini file says; where there is no ini file, the nearest one at the usual place.

    Raises:
        ConfigurationError: The ini file cannot be read, or names a package that is not there.

    """
    root, found = _nearest(folder)
    if found is None:
        root = next((place for place in (folder, *folder.parents) if (place / DEFAULT_CASSETTE).is_file()), folder)
    return locate(str((found or {}).get("record_cassette", DEFAULT_CASSETTE)), root, where="ini file")


def _nearest(folder: Path) -> tuple[Path, dict[str, Any] | None]:
    for place in (folder, *folder.parents):
        for name, tables in _FILES.items():
            file = place / name
            if file.is_file() and (found := _tables(file, tables)) is not None:
                return place, found
    return folder, None


def _tables(file: Path, names: tuple[str, ...]) -> dict[str, Any] | None:
    """Return what the tables of a file have for pytest; None if it has none of them."""
    try:
        if file.suffix == ".toml":
            found = [table for name in names if (table := _table(file, name)) is not None]
        else:
            import iniconfig  # noqa: PLC0415 - comes with pytest, and reads as it does

            try:
                sections = iniconfig.IniConfig(str(file))
            except iniconfig.ParseError as error:
                raise ValueError(error) from None
            found = [dict(sections[name].items()) for name in names if name in sections]
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{file} cannot be read ({error}). pytest cannot read it, either.") from None
    if not found and "pytest" not in file.name:
        return None
    return {name: value for table in found for name, value in table.items()}


def _table(file: Path, name: str) -> dict[str, Any] | None:
    table: Any = tomllib.loads(file.read_text(encoding="utf-8"))
    for part in name.split("."):
        table = table.get(part) if isinstance(table, dict) else None
    return table if isinstance(table, dict) else None
