"""The commands `show` and `get`: one call, for people and for programs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from ..errors import UsageError
from ..freshness import age_of
from ..llm import Usage, dollars
from ..prompt import cut, duration_of, parts_of
from ..readable import Part
from ..totals import figures_of
from .calls import found, opened
from .output import console, fail, many, printable, say, say_json, to_json
from .slots import body_bytes, folded, problem_of, read_slot, size_in, tree_of
from .words import one_line, size_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ..jobs import Job

__all__ = ["run_get", "run_show"]

_LONGEST_SLOT: Final = 4_000
_LONGEST_LINE: Final = 500


def run_show(cassette: Path, ids: Sequence[str], *, raw: bool, full: bool, as_json: bool) -> int:
    """Show some calls; return the exit code.

    Args:
        cassette: The file.
        ids: The ids of the calls, or their first digits.
        raw: Whether streams are shown as they came; else they are folded.
        full: Whether large and binary contents are shown whole, and headers too.
        as_json: Whether they are shown for programs.

    Raises:
        CassetteError: The file is missing, or cannot be read.
        UsageError: Several ids begin like one of them, or it is too short.

    """
    jobs = found(cassette, opened(cassette), ids)
    if as_json:
        say_json([tree_of(job) for job in jobs])
    else:
        for number, job in enumerate(jobs):
            if number:
                say("")
            _show(job, raw=raw, full=full)
    return 0 if len(jobs) == len(ids) else 1


def _show(job: Job, *, raw: bool, full: bool) -> None:
    say(f"{one_line(job.kind, _LONGEST_LINE)}  {one_line(job.scope, _LONGEST_LINE)}".rstrip(), "bold")
    for name, value in _facts(job):
        say(f"{name + ':':<10} {one_line(value, _LONGEST_LINE)}")
    for name, part in _parts(job, raw=raw, full=full):
        say("")
        say(f"{name}  {one_line(part.line, _LONGEST_LINE)}".rstrip(), "bold")
        if full:
            for header, value in _headers(job, name):
                say(f"{one_line(header, _LONGEST_LINE)}: {value}")
        if part.text:
            _print(part.text if full else _shortened(part.text), part.language)


def _facts(job: Job) -> Iterator[tuple[str, str]]:
    yield "id", job.id
    if job.key is not None:
        yield "key", job.key + (f", number {job.seq + 1}" if job.seq else "")
    took = duration_of(job)
    yield "recorded", f"{job.submitted_at} ({age_of(job.submitted_at)} ago)"
    yield "status", job.status.value + ("" if took is None else f" after {took:,.1f} ms")
    yield "size", size_of(size_in(job))
    if (figures := figures_of(job)) is not None:
        yield "llm", _said(figures)
    if problem := problem_of(job):
        yield "problem", f"cannot be read: {problem}"


def _said(figures: dict[str, Any]) -> str:
    counts = {way: figures.get(f"{way}_tokens") for way in ("input", "output")}
    tokens = [many(count, f"{way} token") for way, count in counts.items() if type(count) is int]
    usage = Usage.of(figures)
    priced = [dollars(usage.cost_usd)] if usage.priced else []
    return ", ".join([str(figures.get("name") or "a language model"), *tokens, *priced])


def _parts(job: Job, *, raw: bool, full: bool) -> Iterator[tuple[str, Part]]:
    """Yield the slots of a call with their names: those that have something in them."""
    parts = parts_of(job, whole=full)
    stream = None if raw else folded(job)
    if (response := parts["Response"]) is not None and stream is not None:
        events, tree = stream
        line = f"{response.line}, folded from {events:,} events; --raw shows them"
        parts["Response"] = Part(line, to_json(tree, indent=2), "json")
    if parts["Data"] is None and (data := read_slot(job, "data")[0]) is not None:
        parts["Data"] = Part("", to_json(data, indent=2), "json")
    yield from ((name, part) for name, part in parts.items() if part is not None)


def _headers(job: Job, name: str) -> list[list[str]]:
    is_message = job.kind.startswith("http.") and name in ("Request", "Response")
    tree, _ = read_slot(job, name.lower()) if is_message else (None, "")
    return tree["headers"] if isinstance(tree, dict) and isinstance(tree.get("headers"), list) else []


def _shortened(text: str) -> str:
    if len(text) <= _LONGEST_SLOT:
        return text
    return f"{cut(text, _LONGEST_SLOT)}\n({size_of(len(text.encode(errors='replace')))}; --full shows all of it)"


def _print(text: str, language: str) -> None:
    """Print a text, in colours if it is JSON and people are watching."""
    if language != "json" or not sys.stdout.isatty():
        say(text)
        return
    from rich.syntax import Syntax  # noqa: PLC0415 - for people who are watching

    console().print(Syntax(printable(text), "json", theme="ansi_dark", background_color="default", word_wrap=True))


def run_get(cassette: Path, job_id: str, slots: Sequence[str], *, raw: bool) -> int:
    """Print one slot of one call as JSON, or its body as it was; return the exit code.

    Args:
        cassette: The file.
        job_id: The id of the call, or its first digits.
        slots: One of `request`, `data` or `error`; none for the response.
        raw: Whether the body of the HTTP request or response is printed, byte for byte.

    Raises:
        CassetteError: The file is missing, or cannot be read.
        UsageError: Several ids begin so, or it is too short; or what is asked for cannot be printed.

    """
    if len(slots) > 1:
        raise UsageError(f"--{' and --'.join(slots)}: one of them at a time.")
    slot = slots[0] if slots else "response"
    jobs = found(cassette, opened(cassette), [job_id])
    if not jobs:
        return 1
    (job,) = jobs
    if raw:
        _write(body_bytes(job, of_request=slot == "request"), job, slot)
        return 0
    tree, problem = read_slot(job, slot)
    if problem:
        fail(f"{job.id}: cannot be read: {problem}")
        return 1
    say_json(tree)
    return 0


def _write(content: bytes | None, job: Job, slot: str) -> None:
    if content is None or slot not in ("request", "response"):
        raise UsageError(f"{job.id}: --raw is for bodies of HTTP calls. Without it its {slot} is printed as JSON.")
    if sys.stdout.isatty():
        raise UsageError("--raw: bytes as they came may command a terminal. Send them into a file or a program.")
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
