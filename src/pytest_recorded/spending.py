"""What the calls of language models have cost that a scope made live, and what those would have that were replayed."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .codec import load_tree
from .errors import SerializationError
from .llm import Usage
from .modes import Act

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .call import Ticket

__all__ = ["figures_in", "spent_and_saved", "sum_told", "usages_from"]


def spent_and_saved(tickets: Iterable[Ticket]) -> list[dict[str, Any]]:
    """Return what was used by calls that went live and were recorded or compared, and by those that were replayed.

    Both as plain data, which xdist can carry: see `usages_from`. Empty where there was no call of a language model.
    """
    spent, saved = Usage(), Usage()
    for ticket in tickets:
        figures = figures_in(ticket)
        if figures is None:
            continue
        if ticket.act is Act.REPLAY:
            saved += Usage.of(figures)
        elif ticket.is_awaited:
            spent += Usage.of(figures)
    return _told(spent, saved)


def _told(spent: Usage, saved: Usage) -> list[dict[str, Any]]:
    return [asdict(spent), asdict(saved)] if spent.calls or saved.calls else []


def usages_from(told: list[dict[str, Any]]) -> tuple[Usage, Usage]:
    """Return what was spent and what was saved of what `spent_and_saved` has told."""
    spent, saved = (Usage(**usage) for usage in told or ({}, {}))
    return spent, saved


def sum_told(all_told: Iterable[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the sum of what `spent_and_saved` has told several times."""
    spent, saved = zip(*map(usages_from, all_told), strict=True)
    return _told(sum(spent, Usage()), sum(saved, Usage()))


def figures_in(ticket: Ticket) -> Any:
    """Return the figures of a call of a language model; None if it is none."""
    text = ticket.info_json
    if text is None or '"llm":' not in text:
        return None
    try:
        info = load_tree(text)
    except SerializationError:
        return None
    return info.get("llm") if isinstance(info, dict) else None
