"""What the user declares as secret: the option `redact=`, read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .errors import ConfigurationError
from .paths import Path, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Rules", "rules_from"]


class Rules(NamedTuple):
    """What the user declared as secret besides what is secret by default."""

    names: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()


def rules_from(redact: Iterable[str], *, where: str) -> Rules:
    """Read the option `redact=`: `env:NAME`, `$.path.in.json`, or the name of a field, parameter or header.

    Raises:
        ConfigurationError: An entry is none of these.

    """
    names, variables, paths = [], [], []
    # One string alone is a list of one: its letters are names of nothing.
    for entry in (redact,) if isinstance(redact, str) else redact:
        if not isinstance(entry, str) or entry.strip() in ("", "env:"):
            raise ConfigurationError(
                f"{where}: {entry!r} names no secret. Write 'env:NAME' (the value of an environment variable), "
                f"'$.user.ssn' (a place in a body or in arguments) or 'ssn' (a field, parameter or header)."
            )
        declared = entry.strip()
        if declared.startswith("env:"):
            variables.append(declared.removeprefix("env:").strip())
        elif declared.startswith("$"):
            paths.append(parse(declared, where=where))
        else:
            names.append(declared)
    return Rules(tuple(names), tuple(variables), tuple(paths))
