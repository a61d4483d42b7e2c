"""The commands that look after a cassette."""

from __future__ import annotations

from typing import Annotated

import typer

from .output import CassetteOption, JsonOption, cassette_path, many, say, say_json

__all__ = ["rename"]


def _recorded_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names in the cassette that begin like this, for the completion of the shell."""
    from ..errors import RecordedError  # noqa: PLC0415 - each command loads what it needs
    from ..store.sqlite import CassetteFile  # noqa: PLC0415 - likewise

    try:
        file = CassetteFile(cassette_path(ctx.params.get("cassette")))
        try:
            return [name for name in file.scopes() if name and name.startswith(incomplete)]
        finally:
            file.close()
    except RecordedError:
        # A shell has no place for messages while it completes.
        return []


def rename(
    old: Annotated[
        str,
        typer.Argument(
            help="The name before: of a test (tests/test_shop.py::test_total), a class, a file or a folder.",
            autocompletion=_recorded_names,
        ),
    ],
    new: Annotated[str, typer.Argument(help="The name now.")],
    cassette: CassetteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a renamed or moved test keep its recordings.

    With a test go its parametrisations; with a class, a file or a folder all tests in it and their shared fixtures.
    """
    from ..rename import rename_scope  # noqa: PLC0415 - each command loads what it needs

    path = cassette_path(cassette)
    renamed = rename_scope(path, old, new)
    calls = sum(one.calls for one in renamed)
    if as_json:
        parts = [one._asdict() for one in renamed]
        say_json({"cassette": str(path), "old": old, "new": new, "calls": calls, "renamed": parts})
        return
    if len(renamed) > 1:
        for one in renamed:
            say(f"{one.old} → {one.new}: {many(one.calls, 'call')}")
    say(f"{many(calls, 'call')} of {old} now belong{'s' if calls == 1 else ''} to {new}")
