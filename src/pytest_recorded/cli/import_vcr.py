"""The command `import-vcr`: what became of each file, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .output import many, progress, say, say_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ..vcr import FileReport, Importer, Report

__all__ = ["run_import"]


def run_import(importer: Importer, paths: list[Path], *, as_json: bool) -> int:
    """Import files and say what became of them; return the exit code: 1 if something was not taken.

    Args:
        importer: Imports.
        paths: Files and folders.
        as_json: Whether to say it for programs.

    Raises:
        UsageError: A path does not exist, or has no cassettes.
        CassetteError: The cassette cannot be read or written.

    """
    with progress("reading") as show:
        report = importer.run(paths, show)
    if as_json:
        say_json(_tree(report))
    else:
        for line in _lines(report):
            say(line)
    return 0 if report.is_complete else 1


def _tree(report: Report) -> dict[str, Any]:
    totals = {name: report.total(name) for name in ("taken", "replaced", "there", "kept")}
    return {
        "cassette": report.cassette,
        "dry_run": report.is_dry,
        "complete": report.is_complete,
        **totals,
        "refused": report.refused,
        "files": [vars(file) for file in report.files],
    }


def _lines(report: Report) -> Iterator[str]:
    for file in report.files:
        yield from _of_file(file)
    counts = ", ".join(_counts(report.total, report.refused))
    what = "would be imported into" if report.is_dry else "imported into"
    imported = sum(not file.problem for file in report.files)
    yield f"{many(imported, 'file')} {what} {report.cassette}: {counts}"


def _of_file(file: FileReport) -> Iterator[str]:
    if file.problem:
        yield f"{file.path}: {'skipped' if file.is_skipped else 'not read'}, {file.problem}"
        return
    yield f"{file.path} → {', '.join(file.scopes) or '(nothing)'}"
    refused = sum(file.refused.values())
    yield f"  {', '.join(_counts(lambda name: int(getattr(file, name)), refused))}"
    for reason, number in file.refused.items():
        yield f"  not taken: {_counted(reason, number)}"
    for note, number in file.notes.items():
        yield f"  note: {_counted(note, number)}"
    if file.kept:
        yield "  note: what the cassette has already is kept; --replace replaces it"
    if file.scopes and not file.has_test:
        yield f'  note: no test was found for it; replay with use_cassette(…, scope="{file.scopes[0]}"), or say --test'


def _counts(number: Callable[[str], int], refused: int) -> Iterator[str]:
    yield many(number("taken"), "call") + " taken"
    for name, text in (("replaced", "replaced"), ("there", "there already"), ("kept", "kept as they are")):
        if number(name):
            yield f"{number(name)} {text}"
    if refused:
        yield f"{refused} not"


def _counted(text: str, number: int) -> str:
    return text if number == 1 else f"{text} ({number} calls)"
