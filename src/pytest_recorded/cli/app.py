"""The commands and their arguments."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from .. import __version__
from ..errors import RecordedError, UsageError
from ..options import DEFAULT_CASSETTE, Options, read_options

__all__ = ["app", "run"]

app = typer.Typer(
    name="pytest-recorded",
    help="Record the calls of your tests once, replay them offline from one SQLite cassette.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

CassetteOption = Annotated[Path, typer.Option("--cassette", help="The cassette.", show_default=True)]


def run() -> NoReturn:
    """Run the command line; what goes wrong is one message, not a traceback."""
    try:
        app()
    except RecordedError as error:
        Console(stderr=True).print(f"{error}", style="red", markup=False, highlight=False)
        sys.exit(2)
    sys.exit(0)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pytest-recorded {__version__}")
        raise typer.Exit


@app.callback()
def common(
    _version_wanted: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options of all commands."""


@app.command()
def demo(
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Write the sample suite here instead of in a temporary folder.")
    ] = None,
) -> None:
    """Record a small suite against a local LLM-like API, stop the API, and replay it offline."""
    from .demo import run_demo  # noqa: PLC0415 - each command loads what it needs

    raise typer.Exit(run_demo(folder, Console()))


@app.command()
def rename(
    old: Annotated[str, typer.Argument(help="The test's node id before, as tests/test_shop.py::test_total.")],
    new: Annotated[str, typer.Argument(help="The test's node id now.")],
    cassette: CassetteOption = Path(DEFAULT_CASSETTE),
) -> None:
    """Let a renamed or moved test keep its recordings."""
    from ..rename import rename_scope  # noqa: PLC0415 - each command loads what it needs

    count = rename_scope(cassette, old, new)
    typer.echo(f"{count} call{'' if count == 1 else 's'} of {old} now belong to {new}")


@app.command("import-vcr")
def import_vcr(  # noqa: PLR0917 - typer hands arguments over by name
    paths: Annotated[list[Path], typer.Argument(help="Cassettes, or folders with them: .yaml, .yml, .json, .toml.")],
    cassette: CassetteOption = Path(DEFAULT_CASSETTE),
    scope: Annotated[
        str, typer.Option(help="Whose the calls of one file are: the name for use_cassette(scope=…).")
    ] = "",
    test: Annotated[
        str, typer.Option(help="Whose they are: a test's node id, as tests/test_shop.py::test_total.")
    ] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Replace what the cassette has already.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing, only say what would be taken.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Say it as JSON.")] = False,
    match: Annotated[list[str] | None, typer.Option(help="As --record-match; by default as in the ini file.")] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="As --record-ignore; by default as in the ini file.")] = None,
    redact: Annotated[list[str] | None, typer.Option(help="As --record-redact; by default as in the ini file.")] = None,
    placeholder: Annotated[
        list[str] | None, typer.Option(help="What stands for secrets in these cassettes, as REDACTED.")
    ] = None,
) -> None:
    """Import cassettes of vcrpy, pytest-recording and cassetter; they are left as they are.

    Exit code 0: everything was taken, or is there already. 1: something was not taken, the rest was. 2: nothing was,
    because an argument, a path or the cassette is wrong.
    """
    from ..vcr import Importer  # noqa: PLC0415 - each command loads what it needs
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
        cassette,
        Options(**{**found, **typed}),
        scope=scope or test,
        replaces=replace,
        is_dry=dry_run,
        placeholders=placeholder or (),
    )
    raise typer.Exit(run_import(importer, paths, as_json=as_json, echo=typer.echo))


@app.command()
def migrate(
    old: Annotated[Path, typer.Argument(help="A jobs.db written by the package `recorded`; it is left as it is.")],
    new: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")],
) -> None:
    """Copy a jobs.db of the package `recorded` into a file that a Recorder can use."""
    from ..store.migrate import migrate_seed  # noqa: PLC0415 - each command loads what it needs

    count = migrate_seed(old, new)
    typer.echo(f"{count} job{'' if count == 1 else 's'} copied from {old} to {new}")
