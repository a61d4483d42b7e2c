"""What has changed in the calls of one attempt at a test, found where its models are: in the process where it ran.

It is noted at the attempt's own row in the staging file. There the end of the session reads it, and `accept`.
"""

from __future__ import annotations

import json
from collections import Counter
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

from ..drift import same_answer
from ..job import Address, is_http
from ..jobs import Job, llm_projection
from ..modes import RecordMode
from ..reads import reads_of
from ..takeover import final_row, has_ended
from .calls import Pair, call_of, figures_of, lost_call, of_figures
from .chains import Root, matched
from .classes import Rules
from .model import ORDER, Call, ChangeClass, Figures, Noise
from .repeats import noise_in, told_of
from .views import Side

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..scope import Scope
    from ..store.sqlite import CassetteFile, StagingFile
    from .repeats import Varying

__all__ = ["Told", "Where", "digest_of", "read_told", "tell"]

_NOT_COMPARED: Final = "its live answer could not be stored, so that there is nothing to compare"


class Where(NamedTuple):
    """Where the two rows of a changed call are.

    Attributes:
        old: Address of the recorded one in the cassette; None if there is none.
        new: Address of the live one as it would be in the cassette; None if there is none.
        digest: Of the recorded row, to know whether it has changed since; `""` if there is none.

    """

    old: Address | None
    new: Address | None
    digest: str


class Told(NamedTuple):
    """What an attempt tells of its calls.

    Attributes:
        calls: Those that have changed.
        where: For each of them where its rows are.
        compared: How many were compared.
        figures: What the compared calls have used.
        not_verified: Number of calls by the reason for which they were not made again.
        noise: What has varied between several attempts by itself.

    """

    calls: list[Call]
    where: list[Where]
    compared: int
    figures: list[Figures]
    not_verified: dict[str, int]
    noise: list[Noise]

    def counts(self) -> Counter[str]:
        """Return what is counted of them: new calls, those that have changed for the reader, and the others.

        Those that are gone are counted as unused.
        """
        least = ORDER[ChangeClass.VOLATILE]
        new = gone = changed = 0
        for call, where in zip(self.calls, self.where, strict=True):
            if where.old is None:
                new += 1
            elif where.new is None and call.change_class is ChangeClass.REQUEST:
                gone += 1
            elif ORDER[call.change_class] < least:
                changed += 1
        return Counter(new=new, changed=changed, unchanged=max(0, self.compared - new - gone - changed))

    def text(self) -> str:
        """Return it as JSON."""
        return json.dumps(
            {
                "calls": [call.model_dump(mode="json", exclude_unset=True) for call in self.calls],
                "where": self.where,
                "compared": self.compared,
                "figures": [each.model_dump(mode="json") for each in self.figures],
                "not_verified": self.not_verified,
                "noise": [each.model_dump(mode="json") for each in self.noise],
            }
        )


def read_told(text: str) -> Told:
    """Return what an attempt has told.

    Raises:
        ValueError: The text is none of it.

    """
    tree = json.loads(text)
    where = [Where(old and Address(*old), new and Address(*new), digest) for old, new, digest in tree["where"]]
    return Told(
        [Call.model_validate(call) for call in tree["calls"]],
        where,
        tree["compared"],
        [Figures.model_validate(each) for each in tree["figures"]],
        tree["not_verified"],
        [Noise.model_validate(each) for each in tree["noise"]],
    )


def digest_of(side: Side) -> str:
    """Return a digest of a recorded row with its pieces."""
    text = repr((tuple(side.row), [tuple(chunk) for chunk in side.chunks]))
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def tell(scope: Scope, unasked: set[Address]) -> str | None:
    """Compare what a scope has made live with what is recorded; return what there is to tell, as JSON.

    Args:
        scope: The scope, at its end.
        unasked: Addresses of its recordings that it has not asked for.

    """
    if scope.mode is RecordMode.VERIFY:
        # What is left out here waits for a run that asks for it.
        unasked = {address for address in unasked if address.kind not in scope.left_out}
    if not (_awaited(scope) or scope.not_verified or unasked):
        return None
    told = _compared(scope, unasked)
    scope.changes = told.calls
    if scope.mode is RecordMode.VERIFY:
        for what, number in told.counts().items():
            scope.add_count(what, number)
        # They count as compared, not as replayed.
        awaited = {ticket.address for ticket in scope.tickets if ticket.is_awaited}
        scope.add_count("replayed", -len(scope.joined - awaited))
    scope.attempt()
    return told.text()


def _compared(scope: Scope, unasked: set[Address]) -> Told:
    file, tests = scope.suite.file, (scope.name,) if scope.name else ()
    pairs, come, told = [], [], Told([], [], 0, [], dict(scope.not_verified), [])
    with scope.suite.staging.reading() as staged:
        noise = noise_in(scope, staged, _awaited(scope)) if staged is not None else {}
        rules = _RulesOf(scope, noise)
        told = told._replace(noise=told_of(noise))
        for address in _awaited(scope):
            old, new = _old(file, address), _new(scope, staged, address)
            if new is None:
                told = _with_lost(told, old, tests)
            elif old is None:
                come.append(new)
            else:
                pairs.append(Pair(old, new))
    told = _with(told, pairs, tests, rules)
    others = matched(come, _in_order(_old(file, address) for address in unasked), _roots(scope, told, pairs))
    # No changes: what the mode `all` has not asked for stays recorded, a test that has no recordings gets its first.
    keeps, is_first = scope.mode is RecordMode.ALL, scope.mode.records and not scope.has_recordings
    others = [pair for pair in others if not (pair.new is None and keeps) and not (pair.old is None and is_first)]
    return _with(told, others, tests, rules)


def _in_order(sides: Iterable[Side | None]) -> list[Side]:
    known = [side for side in sides if side is not None]
    return sorted(known, key=lambda side: (side.row.submitted_at, side.row.seq, side.row.id))


def _roots(scope: Scope, told: Told, pairs: Iterable[Pair]) -> list[Root]:
    """Return the calls whose changed answers the test has gone on with."""
    if not scope.serves_live:
        return []
    least = ORDER[ChangeClass.VOLATILE]
    changed = {call.id for call in told.calls if ORDER[call.change_class] < least}
    return [Root(pair.id, pair.new.row.submitted_at) for pair in pairs if pair.new is not None and pair.id in changed]


def _awaited(scope: Scope) -> list[Address]:
    """Return the addresses of the calls that were made live, in their order."""
    joined = scope.joined
    tickets = [one for one in list(scope.tickets) if one.is_awaited or one.is_lost or one.address in joined]
    return list(dict.fromkeys(ticket.address for ticket in tickets if ticket.address is not None))


def _old(file: CassetteFile | None, address: Address) -> Side | None:
    row = file.row_at(address) if file is not None else None
    return None if row is None or file is None else Side(row, file.chunks(row.id))


def _new(scope: Scope, staged: StagingFile | None, address: Address) -> Side | None:
    row = staged.row_at(scope.staged_address(address)) if staged is not None else None
    if row is None or staged is None or not has_ended(row):
        return None
    return Side(final_row(row, address.scope), staged.chunks(row.id))


def _with_lost(told: Told, old: Side | None, tests: Sequence[str]) -> Told:
    """Return what is told, with a call of whose live answer nothing is known: it is not taken for unchanged."""
    if old is None:
        return told
    call = lost_call(Pair(old, None), tests, _NOT_COMPARED)
    return told._replace(
        calls=[*told.calls, call],
        where=[*told.where, Where(old.row.address, None, digest_of(old))],
        compared=told.compared + 1,
    )


def _with(told: Told, pairs: Iterable[Pair], tests: Sequence[str], rules: _RulesOf) -> Told:
    calls, where, figures, compared = [*told.calls], [*told.where], [*told.figures], told.compared
    for pair in pairs:
        compared += 1
        old, new = pair.old, pair.new
        if (unchanged := _unchanged(pair)) is not None:
            figures.append(unchanged)
            continue
        side = old or new
        assert side is not None  # noqa: S101 - see Pair
        call, used = call_of(pair, tests, rules.of(side), rules.scope.projection_of)
        figures.append(used)
        if call is not None:
            calls.append(call)
            where.append(
                Where(
                    old and old.row.address,
                    new and new.row.address,
                    digest_of(old) if old is not None else "",
                )
            )
    return told._replace(calls=calls, where=where, figures=figures, compared=compared)


def _unchanged(pair: Pair) -> Figures | None:
    """Return what a call has used of which nothing has changed; None of one that is to be looked at closely."""
    old, new = pair.old, pair.new
    if old is None or new is None or pair.root is not None or old.row.address != new.row.address:
        return None
    try:
        used = figures_of(old, new) if same_answer(old.row, new.row, old.chunks, new.chunks) else None
    except Exception:  # noqa: BLE001 - a file may hold anything; whoever looks closely says what is wrong
        return None
    return None if used is None or of_figures(used) else used


class _RulesOf:
    """What is known of the calls of a scope besides their answers."""

    def __init__(self, scope: Scope, noise: Varying) -> None:
        self.scope = scope
        self._noise = noise

    def of(self, side: Side) -> Rules:
        """Return what is known of one."""
        scope = self.scope
        projection = Job.of(side.row, side.chunks, scope.projection_of).projection
        reads_call = projection == llm_projection()
        reads = None if projection is None or projection.takes_job else reads_of(projection.model)
        # A function says by what it returns what matters; who has no model for it sees all of that.
        sees_all = projection is None and not is_http(side.row.kind)
        ignore = (*scope.ignored_in(side.row.kind), *self._noise.get(side.row.kind, ()))
        return Rules(ignore, reads, reads_call, sees_all, scope.options.list_keys)
