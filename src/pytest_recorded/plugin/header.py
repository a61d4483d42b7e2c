"""The header line: mode, cassette, rows; and which cassettes the tests have, once it is known which they are."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import CassetteError, ConfigurationError
from ..modes import choose_mode, is_ci
from ..options import DEFAULT_CASSETTE
from .table import command_line_mode, command_line_options, has_record_mode, ini_options
from .typed import option_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from ..store.sqlite import CassetteFile

__all__ = ["conflicts_in", "header", "several"]

_LISTED: Final = 3


def header(config: pytest.Config) -> str:
    """Return the line that says with which mode and which cassette a run begins."""
    try:
        ini, typed = ini_options(config), command_line_options(config)
    except ConfigurationError as error:
        return f"recorded: {error}"
    command_line, in_ci = command_line_mode(config), is_ci(os.environ.get("CI"))
    mode = choose_mode(command_line=command_line, ini=ini.get("mode"), ci=in_ci)
    because = " (CI is set)" if in_ci and command_line is None else ""
    path = config.rootpath / (typed.get("cassette") or ini.get("cassette") or DEFAULT_CASSETTE)
    shown = _shown(path, config.rootpath)
    beside = "" if has_record_mode(config) else "; --record-mode is another plugin's here, use --recorded-mode"
    is_blocked = config.option.recorded_block_network or ini.get("block_network")
    network = ", network blocked" if is_blocked else ""
    share = (config.option.recorded_sample or config.getini("record_sample")) if mode.compares else None
    sample = f", sample {share}" if share else ""
    return f"recorded: mode {mode}{because}, cassette {shown} ({_rows(path, config)}){sample}{network}{beside}"


def several(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    """Return the line that says which cassettes recorded tests have; none if that is the usual one alone.

    It is what markers and fixtures are going to say, as far as that can be known without running a test.
    """
    from ..location import locate  # noqa: PLC0415 - loaded only where tests are recorded
    from .overriding import foreseen  # noqa: PLC0415 - likewise

    root = config.rootpath
    try:
        usual = root / ini_options(config).get("cassette", DEFAULT_CASSETTE)
        if "cassette" in command_line_options(config):
            return []
    except ConfigurationError:
        return []
    found, known = dict[Path, None](), dict[Any, str]()
    for item in items:
        marked = (mark.kwargs.get("cassette") for mark in item.iter_markers("recorded"))
        path = next(filter(None, marked), None) or foreseen(item, known) or usual
        # Whatever is wrong with it, its test says so.
        with suppress(ConfigurationError, TypeError):
            found[locate(path, root, where="the marker")] = None
    paths = list(found)
    if paths in ([], [usual]):
        return []
    more = f" and {len(paths) - _LISTED} more" if len(paths) > _LISTED else ""
    listed = ", ".join(f"{_shown(path, root)} ({_rows(path, config)})" for path in paths[:_LISTED])
    return [f"recorded: cassette{'s' if len(paths) > 1 else ''} {listed}{more}"]


def _shown(path: Path, root: Path) -> Path:
    return path.relative_to(root) if path.is_relative_to(root) else path


def _rows(path: Path, config: pytest.Config) -> str:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return "none yet"
    except OSError:
        # Whatever it is, the store has words for it.
        pass
    from ..store.sqlite import CassetteFile  # noqa: PLC0415 - loaded only where there is a cassette

    try:
        file = CassetteFile(path)
        try:
            count, conflicts = len(file), conflicts_in(file, option_for(config, ini_options(config), path))
        finally:
            file.close()
    except CassetteError as error:
        return f"cannot be used: {error.problem}"
    return f"{count} call{'' if count == 1 else 's'}{f', {conflicts}' if conflicts else ''}"


def conflicts_in(file: CassetteFile, option: Sequence[str]) -> str:
    """Return in words how many conflicts a merge has left in a cassette; `""` for none.

    Args:
        file: The cassette.
        option: What tells a command to take it.

    Raises:
        CassetteError: It cannot be read.

    """
    from ..store import sql  # noqa: PLC0415 - loaded only where there is a cassette

    if not file.facts(sql.CONFLICT):
        return ""
    from ..conflicts import in_words  # noqa: PLC0415 - loaded only where there is a conflict

    return in_words(file, option)
