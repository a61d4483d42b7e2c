"""The header line: mode, cassette, rows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errors import CassetteError, ConfigurationError
from ..modes import choose_mode, is_ci
from ..options import DEFAULT_CASSETTE
from .table import command_line_mode, command_line_options, has_record_mode, ini_options

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

__all__ = ["header"]


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
    shown = path.relative_to(config.rootpath) if path.is_relative_to(config.rootpath) else path
    beside = "" if has_record_mode(config) else "; --record-mode is another plugin's here, use --recorded-mode"
    is_blocked = config.option.recorded_block_network or ini.get("block_network")
    network = ", network blocked" if is_blocked else ""
    share = (config.option.recorded_sample or config.getini("record_sample")) if mode.compares else None
    sample = f", sample {share}" if share else ""
    return f"recorded: mode {mode}{because}, cassette {shown} ({_rows(path)}){sample}{network}{beside}"


def _rows(path: Path) -> str:
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
            count = len(file)
        finally:
            file.close()
    except CassetteError as error:
        return f"cannot be used: {error.problem}"
    return f"{count} call{'' if count == 1 else 's'}"
