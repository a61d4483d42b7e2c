"""The commands in the order in which `--help` lists them. Each is a function of the module of its theme."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads annotations
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from .. import __version__
from ..errors import RecordedError
from . import branches, exchange, git, intake, reading, upkeep
from .output import fail, others_than

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["app", "run"]

app = typer.Typer(
    name="pytest-recorded",
    help="Record the calls of your tests once, replay them offline from one SQLite cassette.",
    epilog="Exit codes: 0 done; 1 the answer is no, or nothing fits; 2 the command or its input is wrong.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line; what goes wrong is one message, not a traceback.

    Args:
        arguments: Its arguments; those of this process by default.

    """
    try:
        app(arguments, prog_name="pytest-recorded")
    except (RecordedError, OSError) as error:
        fail(f"{error}{others_than(error)}")
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


def demo(
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Write the sample suite here instead of in a temporary folder.")
    ] = None,
) -> None:
    """Record a small suite, replay it, see what changes later.

    The API is a local one, like that of an LLM; nothing else is needed.
    """
    from rich.console import Console  # noqa: PLC0415 - each command loads what it needs

    from .demo import run_demo  # noqa: PLC0415 - likewise

    raise typer.Exit(run_demo(folder, Console()))


_COMMANDS: Final[dict[str, Callable[..., None]]] = {
    "demo": demo,
    "ls": reading.ls,
    "stats": reading.stats,
    "last": reading.last,
    "query": reading.query,
    "show": reading.show,
    "get": reading.get,
    "prompt": reading.prompt,
    "tail": reading.tail,
    "accept": upkeep.accept,
    "diff": upkeep.diff,
    "check": upkeep.check,
    "unused": upkeep.unused,
    "prune": upkeep.prune,
    "rename": upkeep.rename,
    "project": upkeep.project,
    "merge": branches.merge,
    "resolve": branches.resolve,
    "textconv": git.textconv,
    "export": exchange.export,
    "import": exchange.import_,
    "import-vcr": intake.import_vcr,
    "migrate": intake.migrate,
}

for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)
app.add_typer(git.app, name="git")
