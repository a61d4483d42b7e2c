"""What a run may spend on live calls: counted once for all of its processes, in a file of its own beside the cassette.

The law of this file: what cannot be counted is not called. Where no budget is set none of this is there.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final, NamedTuple

from . import refusal
from .errors import CassetteError
from .llm import Usage
from .modes import Act
from .spending import figures_in
from .staging import discard
from .store.counting import CountFile
from .workplace import staging_folder, staging_folders

if TYPE_CHECKING:
    from pathlib import Path

    from .call import Ticket
    from .errors import MissingRecording
    from .limits import Budget
    from .scope import Scope

__all__ = ["Allowance", "Purse", "Spent"]

_CALLS: Final = "budget.calls"
_NANODOLLARS: Final = "budget.nanodollars"
_UNPRICED: Final = "budget.unpriced"
_UNPRICED_LLM: Final = "budget.unpriced_llm"
_NANO: Final = 1_000_000_000
_LIVE: Final = frozenset({Act.RUN, Act.REPLACE, Act.RETRY, Act.COMPARE})


class Spent(NamedTuple):
    """What a run has spent of its budget.

    Attributes:
        calls: How many calls went live, if calls are counted.
        usd: What calls whose price is known have cost, in US dollars, if money is.
        unpriced: How many calls have ended whose price is not known, if money is.
        unpriced_llm: How many of these are calls of language models.

    """

    calls: int = 0
    usd: float = 0.0
    unpriced: int = 0
    unpriced_llm: int = 0


class Purse:
    """The budget of a session.

    Args:
        budget: How much may be spent.
        cassette: The cassette beside whose staging files it is counted.
        session: Id of the session, the same in all of its processes.

    """

    def __init__(self, budget: Budget, cassette: Path, session: str) -> None:
        self.budget = budget
        self._cassette = cassette
        self._name = f"{cassette.name}-{session}-budget.db"
        self._file: CountFile | None = None

    @property
    def _counts(self) -> CountFile:
        if self._file is None:
            self._file = CountFile(staging_folder(self._cassette) / self._name)
        return self._file

    def take(self) -> bool:
        """Return whether one more call may go live, and count it.

        Money is counted when a call ends: what each process has under way then may go beyond the budget.

        Raises:
            CassetteError: It cannot be counted.

        """
        if self.budget.calls is not None:
            return self._counts.add_below(_CALLS, 1, self.budget.calls)
        return self._counts.number(_NANODOLLARS) < round((self.budget.usd or 0) * _NANO)

    def allowance_of(self, scope: Scope) -> Allowance:
        """Return the budget as one scope asks for it."""
        return Allowance(self, scope)

    def give_back(self) -> None:
        """Count a call less: somebody else is making the very same one."""
        if self.budget.calls is not None:
            self._counts.add(_CALLS, -1)

    def spend(self, ticket: Ticket) -> None:
        """Count what a call has cost that has ended.

        Raises:
            CassetteError: It cannot be counted.

        """
        if self.budget.usd is None:
            return
        figures = figures_in(ticket)
        usage = Usage.of(figures)
        if usage.priced:
            self._counts.add(_NANODOLLARS, round(usage.cost_usd * _NANO))
            return
        self._counts.add(_UNPRICED, 1)
        if figures is not None:
            self._counts.add(_UNPRICED_LLM, 1)

    def close(self) -> Spent:
        """Return what all processes have spent, and delete the file: the session is over."""
        spent = Spent()
        for folder in staging_folders(self._cassette):
            # A folder of another user may hide what is in it: then we have counted nothing there.
            with contextlib.suppress(OSError):
                if (path := folder / self._name).exists():
                    counts = self._file or CountFile(path)
                    with contextlib.suppress(CassetteError):
                        spent = _read(counts)
                    discard(counts)
        return spent


def _read(counts: CountFile) -> Spent:
    calls, nanodollars, *unpriced = map(counts.number, (_CALLS, _NANODOLLARS, _UNPRICED, _UNPRICED_LLM))
    return Spent(calls, nanodollars / _NANO, *unpriced)


class Allowance:
    """The budget of a session, as one scope asks for it.

    Args:
        purse: The budget.
        scope: Whose calls are to go live.

    """

    def __init__(self, purse: Purse, scope: Scope) -> None:
        self._purse = purse
        self._scope = scope
        self.give_back = purse.give_back
        self.spend = purse.spend

    def allow(self, ticket: Ticket, act: Act) -> Act:
        """Return what to do with a call: what was decided, as long as there is a budget for it.

        Beyond it a call that was only to be compared with its recording is replayed.

        Raises:
            MissingRecording: It cannot be replayed.

        """
        __tracebackhide__ = True
        if act not in _LIVE:
            return act
        try:
            if self._purse.take():
                return act
        except CassetteError as error:
            raise self._refused(ticket, error) from error
        scope, found = self._scope, ticket.found
        if act is not Act.COMPARE or found is None:
            scope.add_count("refused")
            raise self._refused(ticket)
        if ticket.call.is_named and scope._asks_another(ticket, found):  # noqa: SLF001 - it is one of us
            raise scope._missing(ticket, is_known=True)  # noqa: SLF001 - likewise
        scope.add_count("over_budget")
        return scope._spare("over_budget")  # noqa: SLF001 - likewise

    def _refused(self, ticket: Ticket, cause: Exception | None = None) -> MissingRecording:
        scope = self._scope
        return scope.remember(refusal.over_budget(scope, ticket.call, self._purse.budget, cause))
