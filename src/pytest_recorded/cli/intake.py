"""The commands that take in what other tools have recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .output import CassetteOption, JsonOption, cassette_path, many, say, say_json

__all__ = ["import_vcr", "migrate"]


def import_vcr(  # noqa: PLR0917 - typer hands arguments over by name
    paths: Annotated[list[Path], typer.Argument(help="Cassettes, or folders with them: .yaml, .yml, .json, .toml.")],
    cassette: CassetteOption = None,
    scope: Annotated[
        str, typer.Option(help="Whose the calls of one file are: the name for use_cassette(scope=…).")
    ] = "",
    test: Annotated[
        str, typer.Option(help="Whose they are: a test's node id, as tests/test_shop.py::test_total.")
    ] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Replace what the cassette has already.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing, only say what would be taken.")] = False,
    as_json: JsonOption = False,
    match: Annotated[list[str] | None, typer.Option(help="As --record-match; by default as in the ini file.")] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="As --record-ignore; by default as in the ini file.")] = None,
    redact: Annotated[list[str] | None, typer.Option(help="As --record-redact; by default as in the ini file.")] = None,
    placeholder: Annotated[
        list[str] | None, typer.Option(help="What stands for secrets in these cassettes, as REDACTED.")
    ] = None,
) -> None:
    """Import cassettes of vcrpy, pytest-recording and cassetter.

    They are left as they are.

    Exit code 0: everything was taken, or is there already. 1: something was not taken, the rest was. 2: nothing was,
    because an argument, a path or the cassette is wrong.
    """
    from ..errors import UsageError  # noqa: PLC0415 - each command loads what it needs
    from ..options import Options, read_options  # noqa: PLC0415 - likewise
    from ..vcr import Importer  # noqa: PLC0415 - likewise
    from .import_vcr import run_import  # noqa: PLC0415 - likewise
    from .ini import ini_options, rootdir  # noqa: PLC0415 - likewise

    if scope and test:
        raise UsageError("--scope and --test both say whose the calls are. Give one of them.")
    if test and "::" not in test:
        raise UsageError(f"--test={test} is no node id of a test, such as tests/test_shop.py::test_total.")
    if (root := rootdir(Path.cwd())) != Path.cwd():
        raise UsageError(f"The root of this project is {root}, and tests are named from there. Run import-vcr there.")
    given = {"match": match, "ignore": ignore, "redact": redact}
    found = read_options(ini_options(Path.cwd(), tuple(given)), where="ini file", from_code=False)
    typed = read_options({name: value or None for name, value in given.items()}, where="import-vcr", from_code=False)
    importer = Importer(
        cassette_path(cassette),
        Options(**{**found, **typed}),
        scope=scope or test,
        replaces=replace,
        is_dry=dry_run,
        placeholders=placeholder or (),
    )
    raise typer.Exit(run_import(importer, paths, as_json=as_json))


def migrate(
    old: Annotated[Path, typer.Argument(help="A jobs.db written by the package `recorded`; it is left as it is.")],
    new: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")],
    as_json: JsonOption = False,
) -> None:
    """Copy a jobs.db of the package `recorded` for a Recorder."""
    from ..store.migrate import migrate_seed  # noqa: PLC0415 - each command loads what it needs

    count = migrate_seed(old, new)
    if as_json:
        say_json({"old": str(old), "new": str(new), "jobs": count})
        return
    say(f"{many(count, 'job')} copied from {old} to {new}")
