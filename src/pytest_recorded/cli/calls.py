"""The commands `query`, `last` and `prompt`: calls, a line each, as JSON, or as text for a language model."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import typer

from ..errors import CassetteError, UsageError
from ..freshness import age_of
from ..limits import read_age
from ..miss import describe
from ..prompt import to_prompt
from ..queries import JobsFile, open_jobs
from ..store.diagnosis import is_there
from ..totals import figures_of
from .output import fail, say, say_json, to_json
from .slots import problem_of, size_in, tree_of
from .words import one_line, short, size_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ..jobs import Job

__all__ = ["found", "line_of", "opened", "run_last", "run_prompt", "run_query"]

_LONGEST: Final = 120
_AGE: Final = re.compile(r"\d+[hdw]")
_STATUS: Final = re.compile(r'\{"status":(\d{3}),')


def opened(cassette: Path) -> JobsFile:
    """Return the file, to be read.

    Raises:
        CassetteError: It is missing, or cannot be read.

    """
    if not is_there(cassette):
        raise CassetteError(cassette, "does not exist. Name another one with --cassette.")
    return open_jobs(cassette)


def run_query(cassette: Path, filters: dict[str, Any], *, as_json: bool) -> int:
    """Say which calls fit; return the exit code.

    Raises:
        CassetteError: The file is missing, or cannot be read.
        UsageError: A filter is wrong.

    """
    return _say_calls(cassette, opened(cassette).query(**_arguments(filters)), as_json=as_json)


def run_last(cassette: Path, number: int, kind: str | None, status: list[str] | None, *, as_json: bool) -> int:
    """Say which calls were the last; return the exit code.

    Raises:
        CassetteError: The file is missing, or cannot be read.
        UsageError: An argument is wrong.

    """
    jobs = opened(cassette).last(number, kind=kind, status=status or None)
    return _say_calls(cassette, jobs, as_json=as_json)


def run_prompt(cassette: Path, ids: Sequence[str], filters: dict[str, Any], budget: int, *, as_json: bool) -> int:
    """Print calls as Markdown for a language model; return the exit code.

    Args:
        cassette: The file.
        ids: The ids of calls; where there are none, those that fit the filters.
        filters: As of `run_query`.
        budget: The most characters.
        as_json: Whether the text is printed as JSON.

    Raises:
        CassetteError: The file is missing, or cannot be read.
        UsageError: A filter, an id or the budget is wrong.

    """
    file = opened(cassette)
    jobs = found(cassette, file, ids) if ids else list(file.query(**_arguments(filters)))
    text = to_prompt(jobs, budget) if jobs else ""
    if as_json:
        say_json({"cassette": str(cassette), "ids": [job.id for job in jobs], "prompt": text})
    elif jobs:
        say(text)
    elif not ids:
        fail(f"{cassette}: no recorded call fits.")
    return 0 if jobs and (not ids or len(jobs) == len(ids)) else 1


def found(cassette: Path, file: JobsFile, ids: Iterable[str]) -> list[Job]:
    """Return the calls with some ids; of those that no call has, a message is printed.

    Raises:
        CassetteError: The file cannot be read.
        UsageError: Several ids begin like one of them, or it is too short.

    """
    jobs = []
    for start in ids:
        job = file.get(start)
        if job is None:
            fail(f"{cassette}: no recorded call has an id that begins with {start}.")
        else:
            jobs.append(job)
    return jobs


def _arguments(filters: dict[str, Any]) -> dict[str, Any]:
    """Return what the user has written as arguments of `query`."""
    where = dict(_equation(text) for text in filters.pop("where", None) or ())
    times = {name: _moment(filters.get(name), where=f"--{name}") for name in ("since", "until")}
    limit = filters.get("limit")
    return {**filters, **times, "status": filters.get("status") or None, "where_data": where, "limit": limit or None}


def _moment(text: str | None, *, where: str) -> Any:
    return datetime.now(UTC) - read_age(text, where=where) if text and _AGE.fullmatch(text) else text


def _equation(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise UsageError(f"--where={text}: write FIELD=VALUE, such as city=Rome, total=5 or paid=true.")
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value


def _say_calls(cassette: Path, jobs: Iterable[Job], *, as_json: bool) -> int:
    """Print calls as they come."""
    number = 0
    for number, text in enumerate(map(_json if as_json else line_of, jobs), 1):
        if as_json:
            typer.echo(("[\n" if number == 1 else ",\n") + text, nl=False)
        else:
            say(text)
    if as_json:
        typer.echo("\n]" if number else "[]")
    elif not number:
        fail(f"{cassette}: no recorded call fits.")
    return 0 if number else 1


def _json(job: Job) -> str:
    return to_json(tree_of(job), indent=2)


def line_of(job: Job) -> str:
    """Return a call on one line: id, age, how it ended, its size, what was asked, tokens, the test."""
    size = size_of(size_in(job))
    parts = "  ".join(part for part in _parts(job) if part)
    return f"{short(job)}  {age_of(job.submitted_at):>4}  {_ending(job):<9}  {size:>6}  {parts}"


def _ending(job: Job) -> str:
    """Return how a call ended: its status, and of HTTP calls that of the answer."""
    answered = _STATUS.match(str(job.response_json)) if job.kind.startswith("http.") else None
    return answered[1] if answered is not None and job.status.value == "completed" else job.status.value


def _parts(job: Job) -> Iterator[str]:
    asked = describe(job.kind, job.request_json)
    yield one_line(asked, _LONGEST)
    if problem := problem_of(job):
        yield f"[cannot be read: {one_line(problem, _LONGEST)}]"
    elif figures := figures_of(job):
        tokens = [figures.get(f"{way}_tokens") for way in ("input", "output")]
        used = "+".join(f"{count:,}" if type(count) is int else "?" for count in tokens)
        yield f"[{one_line(str(figures.get('name')), _LONGEST)}, {used} tokens]"
    yield one_line(job.scope, _LONGEST)
