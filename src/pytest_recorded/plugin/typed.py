"""How cassettes and tests are typed in commands, where pytest was started."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..options import DEFAULT_CASSETTE

if TYPE_CHECKING:
    import pytest

__all__ = ["option_for", "typed_cassette", "typed_test"]


def typed_cassette(config: pytest.Config, cassette: Path) -> str:
    """Return the path of a cassette as it is typed."""
    here = config.invocation_params.dir
    return str(cassette.relative_to(here) if cassette.is_relative_to(here) else cassette)


def typed_test(config: pytest.Config, test: str) -> str:
    """Return a node id as it is typed, which is how pytest shows it in its summary."""
    here, (file, colons, rest) = config.invocation_params.dir, test.partition("::")
    if here == config.rootpath:
        return test
    try:
        return f"{Path(os.path.relpath(config.rootpath / file, here)).as_posix()}{colons}{rest}"
    except ValueError:
        # Another drive: there is no way from one to the other.
        return test


def option_for(config: pytest.Config, ini: dict[str, Any], cassette: Path) -> list[str]:
    """Return what tells a command of ours to take a cassette; nothing for the one that it takes by itself.

    Args:
        config: pytest's.
        ini: The options of the ini file.
        cassette: The cassette.

    """
    is_usual = cassette == config.rootpath / ini.get("cassette", DEFAULT_CASSETTE)
    is_usual = is_usual and config.invocation_params.dir.is_relative_to(config.rootpath)
    return [] if is_usual else [f"--cassette={typed_cassette(config, cassette)}"]
