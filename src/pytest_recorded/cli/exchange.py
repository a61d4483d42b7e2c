"""The commands that write a cassette down as text, and read it again."""

from __future__ import annotations

from typing import Annotated

import typer

from .completion import KindsOption, TestsOption  # noqa: TC001 - typer reads annotations
from .output import CassetteOption, JsonOption, cassette_path

__all__ = ["export", "import_"]


def export(
    path: Annotated[
        str | None,
        typer.Argument(
            metavar="PATH",
            help="A file (calls.jsonl), or a folder (calls/), which gets a file for each test. Without it: stdout.",
        ),
    ] = None,
    *,
    split: Annotated[bool, typer.Option("--split", help="PATH is a folder, also without a slash.")] = False,
    test: TestsOption = None,
    kind: KindsOption = None,
    cassette: CassetteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a cassette down as text.

    A call is a line of JSON; in a folder each test is a file with a key on each line. Files of tests that are gone are
    removed; nothing but what was exported is overwritten.

    Exit code 0: it is written. 1: no call fits --test and --kind. 2: the cassette cannot be read, or PATH not written.
    """
    from .text import run_export  # noqa: PLC0415 - each command loads what it needs

    filters = (tuple(test or ()), tuple(kind or ()))
    raise typer.Exit(run_export(cassette_path(cassette), path, filters, splits=split, as_json=as_json))


def import_(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A file or a folder that was exported; - is stdin.")],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the calls that the cassette has with another answer.")
    ] = False,
    exact: Annotated[bool, typer.Option("--exact", help="Likewise, and take out all that is not in PATH.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing, only say what would be done.")] = False,
    cassette: CassetteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a cassette of text, or add text to one.

    All is taken or nothing. Where there is no cassette, the new one has the bytes of the one that was exported.

    Exit code 0: it is done, or all is there already. 1: nothing was done, as the cassette has other answers. 2: PATH is
    not what export writes, or the cassette is wrong.
    """
    from .text import run_import  # noqa: PLC0415 - each command loads what it needs

    choice = "exact" if exact else "replace" if replace else "add"
    raise typer.Exit(run_import(cassette_path(cassette), path, choice, is_dry=dry_run, as_json=as_json))
