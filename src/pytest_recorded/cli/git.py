"""The commands for git: `git install`, `git uninstall`, `git status`; and `textconv`, which git calls."""

from __future__ import annotations

import shlex
from pathlib import Path  # noqa: TC003 - typer reads annotations
from typing import TYPE_CHECKING, Annotated

import typer

from .output import CassetteOption, JsonOption, cassette_path, say, say_json

if TYPE_CHECKING:
    from .clone import State
    from .repository import Repository

__all__ = ["app", "textconv"]

app = typer.Typer(help="Let git show and merge cassettes by their calls.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def install(
    pattern: Annotated[
        list[str] | None,
        typer.Option(
            "--pattern",
            metavar="PATTERN",
            help="Further cassettes, as .gitattributes names files: 'cassettes/*.db'. May be repeated.",
        ),
    ] = None,
    cassette: CassetteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set this clone up to show and merge cassettes by their calls.

    Written are the configuration of the clone, which is of this machine, and .gitattributes in the root of the
    repository, which is to be committed.

    Exit code 0: it is set up, or was already. 1: it is not in force; what is said says why. 2: it cannot be, or
    somebody else's settings are in the way.
    """
    from .clone import install as put  # noqa: PLC0415 - each command loads what it needs

    repository = _repository(cassette)
    state = put(repository, pattern or [])
    if as_json:
        say_json(_tree(repository, state))
    else:
        _say_changes(state, "set up already; nothing is changed")
        _say_problems(state)
        if any(".gitattributes" in change for change in state.changed):
            say("Commit .gitattributes. The configuration is of this clone alone: each clone runs this once.")
    raise typer.Exit(1 if state.problems else 0)


@app.command()
def uninstall(cassette: CassetteOption = None, as_json: JsonOption = False) -> None:
    """Take away what `git install` has written, and nothing else."""
    from .clone import uninstall as take_away  # noqa: PLC0415 - each command loads what it needs

    repository = _repository(cassette)
    state = take_away(repository)
    if as_json:
        say_json({"repository": str(repository.top), "changed": state.changed})
    else:
        _say_changes(state, "nothing was set up; nothing is changed")


@app.command()
def status(cassette: CassetteOption = None, as_json: JsonOption = False) -> None:
    """Say whether git shows and merges the cassette by its calls here.

    Exit code 0: it does. 1: it does not. 2: there is no repository, or no git.
    """
    from .clone import look  # noqa: PLC0415 - each command loads what it needs

    repository = _repository(cassette)
    state = look(repository)
    if as_json:
        say_json(_tree(repository, state))
    else:
        if not state.problems:
            say(f"{repository.path}: git shows and merges it by its calls, with {state.python}")
        _say_problems(state)
        if state.problems:
            say(f"Set it up, or mend it: pytest-recorded git install{_option(cassette)}")
    raise typer.Exit(1 if state.problems else 0)


def _option(cassette: Path | None) -> str:
    return "" if cassette is None else f" --cassette={shlex.quote(str(cassette))}"


def textconv(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A cassette, or whatever git takes for one.")],
    wanted: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="What git is set up for: `git install` writes it.")
    ] = "",
) -> None:
    """Print a cassette as text, call by call, for git to compare.

    The exit code is 0 whatever the file is: what is wrong with it is printed.
    """
    from .textconv import run_textconv  # noqa: PLC0415 - each command loads what it needs

    run_textconv(file, wanted=wanted)


def _repository(cassette: Path | None) -> Repository:
    from .repository import repository_of  # noqa: PLC0415 - each command loads what it needs

    return repository_of(cassette_path(cassette))


def _say_changes(state: State, nothing: str) -> None:
    for change in state.changed:
        say(change)
    if not state.changed:
        say(nothing)


def _say_problems(state: State) -> None:
    for problem in state.problems:
        say(problem, "yellow")


def _tree(repository: Repository, state: State) -> dict[str, object]:
    return {
        "repository": str(repository.top),
        "cassette": repository.path,
        "ok": not state.problems,
        "patterns": state.patterns,
        "python": state.python or None,
        "problems": state.problems,
        "changed": state.changed,
    }
