"""The commands `ls` and `stats`: how much is recorded, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from ..errors import CassetteError
from ..freshness import age_of
from ..llm import dollars
from ..store.diagnosis import is_there
from ..totals import Total, Totals, totals
from .largest import largest_lines, largest_of, largest_tree
from .output import fail, many, progress, say, say_json
from .words import one_line, share_of, size_of, table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Wanted", "run_ls", "run_stats"]

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
    found = _sorted(_totals(cassette, by, test, kind).groups, sort)
    if as_json:
        say_json({"cassette": str(cassette), "by": by, "groups": [_tree(total, by) for total in found]})
    elif found:
        for line in table(("calls", "size", "age", "tokens", by), [_row(total) for total in found]):
            say(line)
    else:
        fail(f"{cassette}: no recorded call fits.")
    return 0 if found else 1


class Wanted(NamedTuple):
    """What is to be summed up, how, and how many of the largest calls are named."""

    test: str | None
    kind: str | None
    by: By
    sort: str
    largest: int


def run_stats(cassette: Path, wanted: Wanted, *, as_json: bool) -> int:
    """Say by kind, or by test, what is recorded, what it has used, and all in all; return the exit code.

    Raises:
        CassetteError: The file is missing, or cannot be read.

    """
    by = wanted.by
    found, ids = _totals(cassette, by, wanted.test, wanted.kind, wanted.largest)
    found, whole = _sorted(found, wanted.sort), Total.sum(found)
    largest = largest_of(cassette, ids) if ids else []
    size = cassette.stat().st_size
    if as_json:
        say_json({
            "cassette": str(cassette), "file_bytes": size, "total": _figures(whole),
            f"{by}s": [_tree(total, by) for total in found], "largest": [largest_tree(one) for one in largest],
        })  # fmt: skip
    elif found:
        rows = [_row_of_stats(total, whole, _name(total)) for total in (*found, whole)]
        headings = ("calls", "failed", "input tokens", "output tokens", "cost", "size", "share", by)
        for line in table(headings, [*rows[:-1], (*rows[-1][:-2], "", "in all")]):
            say(line)
        if whole.usage.unpriced:
            say(f"What {many(whole.usage.unpriced, 'call')} of language models cost is not known.")
        for line in largest_lines(largest, whole.size) if largest else ():
            say(line)
        is_all = wanted.test is None and wanted.kind is None
        of = f" on disk for {size_of(whole.size)} of calls" if is_all else " on disk"
        say(f"{cassette}: {size_of(size)}{of}, recorded from {whole.first[:10]} to {whole.last[:10]}.")
    else:
        fail(f"{cassette}: no recorded call fits.")
    return 0 if found else 1


def _sorted(found: list[Total], sort: str) -> list[Total]:
    if sort == "age":
        return sorted(found, key=lambda total: total.last, reverse=True)
    return sorted(found, key=_ORDERS[sort]) if sort in _ORDERS else found


def _totals(cassette: Path, by: By, test: str | None, kind: str | None, largest: int = 0) -> Totals:
    if not is_there(cassette):
        raise CassetteError(cassette, "does not exist. Name another one with --cassette.")
    with progress("reading") as show:
        return totals(cassette, by, kind=kind, scope=test, largest=largest, progress=show)


def _name(total: Total) -> str:
    group = total.group
    if not group.kind:
        return one_line(group.test, _LONGEST) or "(no test)"
    return one_line(f"{group.kind} llm.{group.llm}" if group.llm else group.kind, _LONGEST)


def _row(total: Total) -> tuple[str, ...]:
    tokens = f"{total.usage.tokens:,}" if total.usage.tokens else ""
    return f"{total.calls:,}", size_of(total.size), age_of(total.last), tokens, _name(total)


def _row_of_stats(total: Total, whole: Total, name: str) -> tuple[str, ...]:
    usage = total.usage
    used = (f"{usage.input_tokens:,}", f"{usage.output_tokens:,}") if usage.calls else ("", "")
    cost = dollars(usage.cost_usd) if usage.priced else ""
    failed = f"{total.failed:,}" if total.failed else ""
    return f"{total.calls:,}", failed, *used, cost, size_of(total.size), share_of(total.size, whole.size), name


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
