"""The commands for cassettes that several branches have recorded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from .completion import tests
from .output import CassetteOption, JsonOption, cassette_path

if TYPE_CHECKING:
    from ..conflicts import Choice

__all__ = ["merge", "resolve"]

#: Of git's conflict markers; where it merges the bases of branches that were merged crosswise, it asks for larger ones.
MARKER_SIZE: Final = 7

_Ours = Annotated[bool, typer.Option("--ours", help="Of conflicts keep our side.")]
_Theirs = Annotated[bool, typer.Option("--theirs", help="Keep their side.")]
_Newer = Annotated[bool, typer.Option("--newer", help="Keep the side that was recorded last.")]


def merge(
    base: Annotated[
        str,
        typer.Argument(
            metavar="BASE",
            help="What both come from: a file, a git revision of the cassette, or :1, which git has in a conflict; an "
            "empty file if both sides have added the cassette.",
        ),
    ],
    ours: Annotated[str, typer.Argument(metavar="OURS", help="Likewise; :2 in a conflict.")],
    theirs: Annotated[str, typer.Argument(metavar="THEIRS", help="Likewise; :3 in a conflict.")],
    *,
    path: Annotated[
        str | None, typer.Option("--path", metavar="NAME", help="What git calls the cassette; for git's merge driver.")
    ] = None,
    labels: Annotated[
        tuple[str, str] | None,
        typer.Option("--labels", metavar="OURS THEIRS", help="What git calls the two sides; for the merge driver."),
    ] = None,
    marker_size: Annotated[
        int,
        typer.Option(
            "--marker-size",
            metavar="N",
            help="That of git's markers; of a merge with larger ones, whose outcome is a base, nothing is said.",
        ),
    ] = MARKER_SIZE,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="FILE", help="Write this file instead of OURS; of revisions: of the cassette."
        ),
    ] = None,
    take_ours: _Ours = False,
    take_theirs: _Theirs = False,
    take_newer: _Newer = False,
    cassette: CassetteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Merge what two branches have recorded, call by call.

    A call that only one side has changed is taken from there. One that both have recorded anew with different answers
    is a conflict: the file has both, and replays ours until `resolve` settles it.

    Exit code 0: merged. 1: there are conflicts. 2: a file is missing or no cassette; nothing is written.
    """
    from .merge import Asked, run_merge  # noqa: PLC0415 - each command loads what it needs

    prefer = _choice(ours=take_ours, theirs=take_theirs, newer=take_newer)
    is_for_base = marker_size > MARKER_SIZE
    asked = Asked(base, ours, theirs, path, output, labels or ("", ""), prefer, is_for_base)
    # The driver is told its files; it needs no project, whose ini file may be in conflict.
    project = Path(path) if path is not None else cassette_path(cassette)
    raise typer.Exit(run_merge(asked, project, as_json=as_json))


def resolve(
    conflicts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ID",
            help="First digits of its id, a test or a glob of tests; without any: all.",
            autocompletion=tests,
        ),
    ] = None,
    *,
    ours: _Ours = False,
    theirs: _Theirs = False,
    newer: _Newer = False,
    cassette: CassetteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List and settle the conflicts that a merge has left.

    A call that is recorded again is in no conflict any more.

    Exit code 0: none is left. 1: there are some. 2: there is no cassette, or no such conflict.
    """
    from .resolve import run_resolve  # noqa: PLC0415 - each command loads what it needs

    choice = _choice(ours=ours, theirs=theirs, newer=newer)
    raise typer.Exit(run_resolve(cassette_path(cassette), conflicts or [], choice, as_json=as_json))


def _choice(**given: bool) -> Choice | None:
    from ..conflicts import Choice  # noqa: PLC0415 - each command loads what it needs
    from ..errors import UsageError  # noqa: PLC0415 - likewise

    chosen = [name for name, is_given in given.items() if is_given]
    if len(chosen) > 1:
        raise UsageError(f"--{' and --'.join(chosen)} exclude each other. Give one of them.")
    return Choice(chosen[0]) if chosen else None
