"""What the shell completes from the cassette: tests, kinds, ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from .output import cassette_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..store.looking import AnyFile

__all__ = ["KindsOption", "TestsOption", "ids", "kinds", "tests"]

_MOST: Final = 50


def tests(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the recorded tests that begin like this."""
    return _from_file(ctx, lambda file: [name for name in file.scopes() if name and name.startswith(incomplete)])


def kinds(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the recorded kinds that begin like this."""
    return _from_file(ctx, lambda file: [kind for kind in file.all_kinds() if kind.startswith(incomplete)])


def ids(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return ids that begin like this, short."""
    from .words import short  # noqa: PLC0415 - each command loads what it needs

    return _from_file(ctx, lambda file: [short(row) for row in file.rows_named(incomplete.lower(), _MOST)])


def _from_file(ctx: typer.Context, names: Callable[[AnyFile], list[str]]) -> list[str]:
    from ..errors import RecordedError  # noqa: PLC0415 - each command loads what it needs
    from ..store.looking import AnyFile  # noqa: PLC0415 - likewise

    try:
        return names(AnyFile(cassette_path(ctx.params.get("cassette"))))
    except RecordedError:
        # A shell has no place for messages while it completes.
        return []


TestsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--test",
        metavar="GLOB",
        help="Only these tests: a node id, or a glob. May be repeated.",
        autocompletion=tests,
    ),
]
KindsOption = Annotated[
    list[str] | None,
    typer.Option("--kind", metavar="GLOB", help="Only these kinds. May be repeated.", autocompletion=kinds),
]
