"""The commands that look after a cassette."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads annotations
from typing import Annotated

import typer

from .completion import KindsOption, TestsOption, tests
from .output import CassetteOption, JsonOption, cassette_path, many, option_for, say, say_json

__all__ = ["accept", "check", "diff", "project", "prune", "rename", "unused"]

_PytestArguments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PYTEST_ARGUMENTS",
        help="What pytest is to be given: tests, or options after `--`: -- -n 4 -k shop.",
    ),
]


def rename(
    old: Annotated[
        str,
        typer.Argument(
            help="The name before: of a test (tests/test_shop.py::test_total), a class, a file or a folder.",
            autocompletion=tests,
        ),
    ],
    new: Annotated[str, typer.Argument(help="The name now.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Let go what the new name has recorded of the same calls.")
    ] = False,
    cassette: CassetteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a renamed or moved test keep its recordings.

    With a test go its parametrisations; with a class, a file or a folder all tests in it and their shared fixtures.
    """
    from ..rename import rename_scope  # noqa: PLC0415 - each command loads what it needs

    path = cassette_path(cassette)
    renamed = rename_scope(path, old, new, replaces=replace, option=option_for(path))
    calls, replaced = sum(one.calls for one in renamed), sum(one.replaced for one in renamed)
    if as_json:
        parts = [one._asdict() for one in renamed]
        say_json(
            {"cassette": str(path), "old": old, "new": new, "calls": calls, "replaced": replaced, "renamed": parts}
        )
        return
    if len(renamed) > 1:
        for one in renamed:
            say(f"{one.old} → {one.new}: {many(one.calls, 'call')}")
    instead = f", in place of {many(replaced, 'recording')} that it had of them" if replaced else ""
    say(f"{many(calls, 'call')} of {old} now belong{'s' if calls == 1 else ''} to {new}{instead}")


def unused(
    arguments: _PytestArguments = None,
    cassette: CassetteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the recordings that nobody asks for.

    The tests are run, replayed, to find out.

    Exit code 0: there are none. 1: there are. 2: some tests failed, or pytest did not come to its end; what is certain
    is listed all the same.
    """
    from .unused import run_unused  # noqa: PLC0415 - each command loads what it needs

    raise typer.Exit(run_unused(cassette_path(cassette), arguments or [], as_json=as_json))


def prune(
    arguments: _PytestArguments = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove them; without it nothing is written.")] = False,
    parameters: Annotated[
        bool, typer.Option("--parameters", help="Those of parameters that tests do not have here, too.")
    ] = False,
    cassette: CassetteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove the recordings that nobody asks for.

    They are those that `unused` lists, but for what looks like the recordings of a renamed test, and for those of
    parameters that a test does not have on this machine.

    Exit code 0: there are none, or they are removed. 1: there are, and --yes was not given. 2: as of `unused`; with
    --yes what is certain is removed all the same.
    """
    from .unused import run_prune  # noqa: PLC0415 - each command loads what it needs

    code = run_prune(cassette_path(cassette), arguments or [], writes=yes, parameters=parameters, as_json=as_json)
    raise typer.Exit(code)


def project(
    arguments: _PytestArguments = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write it; without it nothing is written.")] = False,
    cassette: CassetteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Pick the data of recordings again, where a model has changed.

    The tests are run, replayed: their models are in force for what they have recorded. No call is made again. The
    tokens and the cost of calls of language models are noted where they are not.

    Exit code 0: all is as it would be recorded now, or is written. 1: some is not, and --yes was not given. 2: some
    tests failed, or pytest did not come to its end, or a recording does not fit its model; what is certain is written
    all the same.
    """
    from .project import run_project  # noqa: PLC0415 - each command loads what it needs

    raise typer.Exit(run_project(cassette_path(cassette), arguments or [], writes=yes, as_json=as_json))


def accept(
    fingerprints: Annotated[
        list[str],
        typer.Argument(metavar="FINGERPRINT…", help="Of the groups, as the report names them; all: all of them."),
    ],
    cassette: CassetteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take over answers that the last verification has found.

    Nothing is called again. An answer is taken as a whole; one that has changed worse as well stays as it is, and so
    does a row that was recorded again since.

    Exit code 0: all are accepted. 1: some were refused. 2: nothing was verified, or it has no such group.
    """
    from .accept import run_accept  # noqa: PLC0415 - each command loads what it needs

    raise typer.Exit(run_accept(cassette_path(cassette), fingerprints, as_json=as_json))


def diff(
    old: Annotated[
        str | None,
        typer.Argument(
            metavar="OLD",
            help="A file, or a git revision of the cassette: HEAD~1, main:path/to/jobs.db. Without it: what the last "
            "verification has found.",
        ),
    ] = None,
    new: Annotated[
        str | None, typer.Argument(metavar="NEW", help="Likewise; without it the cassette as it is.")
    ] = None,
    *,
    report: Annotated[
        list[str] | None,
        typer.Option("--report", metavar="PATH", help="Write a report: .html, .json, .md. May be repeated."),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="PATH", help="What does not matter, besides record_ignore: $..created."),
    ] = None,
    list_keys: Annotated[
        list[str] | None,
        typer.Option(
            "--list-keys", metavar="PATH", help="By which field items of a list are told apart: $.items[*].sku."
        ),
    ] = None,
    test: TestsOption = None,
    kind: KindsOption = None,
    cassette: CassetteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what differs between two cassettes, and how badly.

    Nothing is called, and no test is run.

    Exit code 0: nothing, or only what is ignored, tokens, cost or time. 1: something. 2: they cannot be compared.
    """
    from .diff import Asked, run_diff  # noqa: PLC0415 - each command loads what it needs

    asked = Asked(old, new, *(tuple(given or ()) for given in (report, ignore, list_keys, test, kind)))
    raise typer.Exit(run_diff(asked, cassette_path(cassette), as_json=as_json))


def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILES", help="Cassettes to look at, instead of the one of the project."),
    ] = None,
    max_age: Annotated[
        str, typer.Option("--max-age", metavar="AGE", help="Name rows that are older: 12h, 30d, 8w.")
    ] = "",
    cassette: CassetteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find damage, secrets, rows too old, rows never found.

    Secrets are found by value (those of this environment) and by name, as redaction finds them. Nothing is run.

    FILES are looked at one by one, each with the ini file that is nearest to it, as pre-commit gives them.

    Exit code 0: nothing, or only notes. 1: something was found. 2: there is no cassette, or one is none; others are
    looked at all the same.
    """
    from .check import run_check, run_checks  # noqa: PLC0415 - each command loads what it needs

    if not files:
        raise typer.Exit(run_check(cassette_path(cassette), max_age=max_age, as_json=as_json))
    if cassette is not None:
        raise typer.BadParameter("files are given as well. Name all cassettes as files.", param_hint="--cassette")
    raise typer.Exit(run_checks(files, max_age=max_age, as_json=as_json))
