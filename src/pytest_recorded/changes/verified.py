"""What the last verification has found, as far as it still stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..drift import same_answer
from ..modes import RecordMode
from .attempt import digest_of
from .gathering import gathered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .attempt import Told
    from .comparing import Terms
    from .documents import Findings
    from .model import Call, Report

__all__ = ["standing"]

_SINCE = "It was recorded again since: verify again."


def standing(findings: Findings, shown: str, terms: Terms) -> Report:
    """Return what a verification has found, without what is in the cassette by now.

    Args:
        findings: What it has found.
        shown: What the user calls the cassette.
        terms: Of which tests.

    """
    told = [
        finding.told._replace(calls=[*_standing(findings, finding.told)])
        for finding in findings.all
        if terms.takes_test(finding.attempt.scope)
    ]
    return gathered(told, mode=RecordMode.VERIFY, cassettes=[shown])


def _standing(findings: Findings, told: Told) -> Iterator[Call]:
    for call in told.calls:
        if not _is_taken(findings, call):
            is_older = _is_older(findings, call) and not call.hint
            yield call.model_copy(update={"hint": _SINCE}) if is_older else call


def _is_taken(findings: Findings, call: Call) -> bool:
    """Return whether the cassette has the live answer of a call, or has dropped a call that is gone."""
    where, new = findings.where(call)[1], findings.new(call)
    if where.new is None:
        return where.old is not None and findings.recorded(where.old) is None
    now = findings.recorded(where.new)
    return new is not None and now is not None and same_answer(now.row, new.row, now.chunks, new.chunks)


def _is_older(findings: Findings, call: Call) -> bool:
    """Return whether the cassette has another recording of a call than the one that was compared."""
    where, old = findings.where(call)[1], findings.old(call)
    return (digest_of(old) if old is not None else "") != where.digest
