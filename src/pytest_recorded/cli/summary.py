"""The commands `ls` and `stats`: how much is recorded, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from ..errors import CassetteError
from ..freshness import age_of
from ..llm import dollars
from ..store.diagnosis import is_there
from ..totals import Total, totals
from .output import fail, many, progress, say, say_json
from .words import one_line, size_of, table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["run_ls", "run_stats"]

By = Literal["test", "kind"]

_LONGEST: Final = 500

_ORDERS: Final[dict[str, Callable[[Total], Any]]] = {
    "calls": lambda total: -total.calls,
    "size": lambda total: -total.size,
    "tokens": lambda total: -total.usage.tokens,
}


def run_ls(cassette: Path, *, test: str | None, kind: str | None, by: By, sort: str, as_json: bool) -> int:
    """Say of each test, or of each kind, how much is recorded; return the exit code.

    Raises:
        CassetteError: The file is missing, or cannot be read.

    """
    found = _totals(cassette, by, test, kind)
    if sort == "age":
        found.sort(key=lambda total: total.last, reverse=True)
    elif sort in _ORDERS:
        found.sort(key=_ORDERS[sort])
    if as_json:
        say_json({"cassette": str(cassette), "by": by, "groups": [_tree(total, by) for total in found]})
    elif found:
        for line in table(("calls", "size", "age", "tokens", by), [_row(total) for total in found]):
            say(line)
    else:
        fail(f"{cassette}: no recorded call fits.")
    return 0 if found else 1


def run_stats(cassette: Path, *, test: str | None, kind: str | None, as_json: bool) -> int:
    """Say by kind what is recorded, what it has used, and all in all; return the exit code.

    Raises:
        CassetteError: The file is missing, or cannot be read.

    """
    found = _totals(cassette, "kind", test, kind)
    whole = Total.sum(found)
    size = cassette.stat().st_size
    if as_json:
        kinds = [_tree(total, "kind") for total in found]
        say_json({"cassette": str(cassette), "file_bytes": size, "total": _figures(whole), "kinds": kinds})
    elif found:
        rows = [_row_of_stats(total, _name(total)) for total in found]
        headings = ("calls", "failed", "input tokens", "output tokens", "cost", "size", "kind")
        for line in table(headings, [*rows, _row_of_stats(whole, "in all")]):
            say(line)
        if whole.usage.unpriced:
            say(f"What {many(whole.usage.unpriced, 'call')} of language models cost is not known.")
        say(f"{cassette}: {size_of(size)}, recorded from {whole.first[:10]} to {whole.last[:10]}.")
    else:
        fail(f"{cassette}: no recorded call fits.")
    return 0 if found else 1


def _totals(cassette: Path, by: By, test: str | None, kind: str | None) -> list[Total]:
    if not is_there(cassette):
        raise CassetteError(cassette, "does not exist. Name another one with --cassette.")
    with progress("reading") as show:
        return totals(cassette, by, kind=kind, scope=test, progress=show)


def _name(total: Total) -> str:
    group = total.group
    if not group.kind:
        return one_line(group.test, _LONGEST) or "(no test)"
    return one_line(f"{group.kind} llm.{group.llm}" if group.llm else group.kind, _LONGEST)


def _row(total: Total) -> tuple[str, ...]:
    tokens = f"{total.usage.tokens:,}" if total.usage.tokens else ""
    return f"{total.calls:,}", size_of(total.size), age_of(total.last), tokens, _name(total)


def _row_of_stats(total: Total, name: str) -> tuple[str, ...]:
    usage = total.usage
    used = (f"{usage.input_tokens:,}", f"{usage.output_tokens:,}") if usage.calls else ("", "")
    cost = dollars(usage.cost_usd) if usage.priced else ""
    failed = f"{total.failed:,}" if total.failed else ""
    return f"{total.calls:,}", failed, *used, cost, size_of(total.size), name


def _tree(total: Total, by: By) -> dict[str, Any]:
    group = total.group
    what = {"test": group.test or None} if by == "test" else {"kind": group.kind, "llm": group.llm or None}
    return {**what, **_figures(total)}


def _figures(total: Total) -> dict[str, Any]:
    usage = total.usage
    return {
        "calls": total.calls,
        "failed": total.failed,
        "bytes": total.size,
        "first": total.first or None,
        "last": total.last or None,
        "llm_calls": usage.calls,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd": usage.cost_usd if usage.priced else None,
        "unpriced": usage.unpriced,
    }
