"""What differs between two files with recorded calls.

Calls at one address belong together; then, within one scope, those with one request, and then those at one position of
their kind. The models of the tests are not known here: the data of a call are those that are stored.
"""

from __future__ import annotations

from collections import defaultdict, deque
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..canonical import load_tree
from ..choice import is_among
from ..diff import ABSENT
from ..drift import same_answer
from ..errors import RecordedError
from ..job import Row, Status, is_http
from ..jobs import Job, is_llm_call
from ..selection import may_name_llm
from .calls import Pair, asks_the_same, call_of, figures_of, lost_call
from .chains import Root, matched
from .classes import Rules
from .documents import document
from .files import order_of
from .gathering import Tally, report_of
from .model import ORDER, Call, ChangeClass, Figures
from .views import opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ..jobs import Choose
    from ..paths import Path
    from .files import Recorded
    from .model import Report
    from .views import Side

    Joined = tuple[Side | None, Side | None]

__all__ = ["MODE", "Comparison", "Terms", "compare"]

#: What a report of two files has as its mode.
MODE: Final = "diff"
_LEAST: Final = ORDER[ChangeClass.VOLATILE]
_FIRST_SLOT: Final = Row._fields.index("request_json")
_NO_UTF8: Final = "could not be compared: what is stored is no UTF-8"


class Terms(NamedTuple):
    """What is compared, and what of it matters.

    Attributes:
        ignore: What does not matter.
        list_keys: By which fields items of lists are told apart, by the paths of the lists.
        tests: Globs of the tests whose calls are compared; of none means of all.
        kinds: Globs of the kinds that are compared; of none means of all.

    """

    ignore: tuple[Path, ...] = ()
    list_keys: Mapping[str, str] = {}
    tests: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def takes_test(self, test: str) -> bool:
        """Return whether the calls of a test are compared; a node id with brackets is no glob."""
        return not self.tests or test in self.tests or is_among(test, self.tests)

    def takes(self, side: Side) -> bool:
        """Return whether a call is compared, by its kind, or by its name if it is one of a language model."""
        if not self.kinds or is_among(side.row.kind, self.kinds):
            return True
        # To know the name of a call takes reading it.
        return any(map(may_name_llm, self.kinds)) and any(is_among(name, self.kinds) for name in _names(side))


class Comparison:
    """Compares two files.

    Args:
        old: The one.
        new: The other.
        terms: What is compared.
        keeps: Whether the whole answers of what has changed are kept, for `documents`.

    Attributes:
        report: What has changed.

    Raises:
        CassetteError: A file cannot be read.

    """

    def __init__(self, old: Recorded, new: Recorded, terms: Terms, *, keeps: bool = False) -> None:
        self._old = old
        self._new = new
        self._terms = terms
        self._keeps = keeps
        self._kept: dict[str, Pair] = {}
        self._calls: list[Call] = []
        self._compared = 0
        self._used = Tally()
        for scope, found in groupby(_joined(old.sides(), new.sides()), key=_scope):
            self._compare(scope, found)
        report = report_of(self._calls, mode=MODE, compared=self._compared, figures=[self._used.figures()])
        # The old one comes first.
        self.report: Report = report.model_copy(update={"cassettes": (old.shown, new.shown)})

    def documents(self, call: Call) -> tuple[Any, Any]:
        """Return the whole old and new answer of a call; `ABSENT` for one that there is not, or cannot be read."""
        pair = self._kept.get(call.id)
        return (ABSENT, ABSENT) if pair is None else (document(pair.old, pair.new), document(pair.new, pair.old))

    def _compare(self, scope: str, found: Iterable[Joined]) -> None:
        """Compare the calls of one scope."""
        come: list[Side] = []
        gone: list[Side] = []
        roots: list[Root] = []
        for old, new in found:
            if old is not None and new is not None:
                call = self._add(Pair(old, new))
                # Calls that tests share belong to no conversation.
                if call is not None and scope and ORDER[call.change_class] < _LEAST:
                    roots.append(Root(call.id, new.row.submitted_at))
            elif new is not None:
                come.append(new)
            elif old is not None:
                gone.append(old)
        come, gone = _in_order(come), _in_order(gone)
        for pair in _asking_the_same(come, gone):
            self._add(pair)
        for pair in matched(come, gone, roots):
            # What a run has not staged it may not have asked for.
            if not (self._new.is_partial if pair.new is None else pair.old is None and self._old.is_partial):
                self._add(pair)

    def _add(self, pair: Pair) -> Call | None:
        """Compare a call, if it is meant; return it if it has changed."""
        tests = self._tests(pair)
        if not self._is_meant(pair, tests):
            return None
        self._compared += 1
        if self._is_torn(pair):
            call: Call | None = lost_call(pair, tests, _NO_UTF8)
        elif pair.root is None and _is_same(pair):
            self._used.add(_used(pair))
            return None
        else:
            call, used = compare(pair, tests, self._terms)
            self._used.add(used)
        if call is not None:
            self._calls.append(call)
            if self._keeps:
                self._kept[call.id] = pair
        return call

    def _tests(self, pair: Pair) -> Sequence[str]:
        row = _either(pair).row
        if row.scope:
            return (row.scope,)
        old = self._old.users(pair.old.row) if pair.old is not None else ()
        new = self._new.users(pair.new.row) if pair.new is not None else ()
        return sorted({*old, *new})

    def _is_torn(self, pair: Pair) -> bool:
        old, new = pair.old, pair.new
        return (old is not None and self._old.is_torn(old)) or (new is not None and self._new.is_torn(new))

    def _is_meant(self, pair: Pair, tests: Sequence[str]) -> bool:
        # What no test is known to share is nobody's.
        return any(map(self._terms.takes_test, tests or ("",))) and self._terms.takes(_either(pair))


def compare(pair: Pair, tests: Sequence[str], terms: Terms) -> tuple[Call | None, Figures]:
    """Return what differs between two calls, None if nothing does; and what they have used; `tests`: who makes them."""
    return call_of(pair, tests, *_known(pair, terms))


def _joined(old: Iterator[Side], new: Iterator[Side]) -> Iterator[Joined]:
    """Yield the calls of two files in the order of their addresses, those at one address together."""
    one, other = next(old, None), next(new, None)
    while one is not None or other is not None:
        before = () if one is None else order_of(one)
        after = () if other is None else order_of(other)
        # Without a key there is no address.
        if before == after and one is not None and one.row.key is not None:
            yield one, other
            one, other = next(old, None), next(new, None)
        elif other is None or (one is not None and before <= after):
            yield one, None
            one = next(old, None)
        else:
            yield None, other
            other = next(new, None)


def _scope(joined: Joined) -> str:
    one, other = joined
    side = one or other
    assert side is not None  # noqa: S101 - see _joined
    return side.row.scope


def _either(pair: Pair) -> Side:
    side = pair.new or pair.old
    assert side is not None  # noqa: S101 - there is no pair without a call
    return side


def _in_order(sides: Iterable[Side]) -> list[Side]:
    return sorted(sides, key=lambda side: (side.row.submitted_at, side.row.seq, side.row.id))


def _asking_the_same(come: list[Side], gone: list[Side]) -> list[Pair]:
    """Take out of two lists the calls whose requests are the same: those whose keys are made in another way since."""
    waiting: dict[Any, deque[Side]] = defaultdict(deque)
    for side in gone:
        waiting[side.row.kind, side.row.request_json].append(side)
    pairs = [
        Pair(same.popleft(), side) for side in come if (same := waiting.get((side.row.kind, side.row.request_json)))
    ]
    taken = {id(side) for pair in pairs for side in pair[:2]}
    come[:] = [side for side in come if id(side) not in taken]
    gone[:] = [side for side in gone if id(side) not in taken]
    return pairs


def _is_same(pair: Pair) -> bool:
    """Return whether nothing has changed, without looking closely."""
    old, new = pair.old, pair.new
    if old is None or new is None:
        return False
    try:
        is_same = old == new or (
            (old.row.request_json == new.row.request_json or asks_the_same(old.row, new.row))
            and same_answer(old.row, new.row, old.chunks, new.chunks)
            and _has_same_data(old.row, new.row)
        )
        return is_same and _is_readable(old.row, new.row)
    except Exception:  # noqa: BLE001 - a file may hold anything; then it is looked at closely
        return False


def _is_readable(old: Row, new: Row) -> bool:
    """Return True; whatever is raised otherwise says why not: what cannot be read is never taken for unchanged."""
    texts: set[Any] = {*old[_FIRST_SLOT:], *new[_FIRST_SLOT:]}
    for text in texts - {None}:
        load_tree(text)
    return old.status == Status(new.status)


def _has_same_data(old: Row, new: Row) -> bool:
    # Of one answer a language model's call is read in one way, whoever has written down what was read.
    return old.data_json == new.data_json or all(_data(row) is None or is_llm_call(_data(row)) for row in (old, new))


def _data(row: Row) -> Any:
    return None if row.data_json is None else opened(load_tree(row.data_json))


def _known(pair: Pair, terms: Terms) -> tuple[Rules, Choose | None]:
    """Return what is known of a call besides its answers, and what picks its data; None: nothing does."""
    try:
        sides = [side for side in pair[:2] if side is not None]
        data = [_data(side.row) for side in sides]
        is_plain = all(each is None or is_llm_call(each) for each in data)
        reads_call = is_plain and any(len(_names(side)) > 1 for side in sides)
        sees_all = not is_http(sides[0].row.kind) and all(map(_has_no_model, sides))
    except (RecordedError, ValueError, TypeError):
        # It cannot be read, and whoever compares it says so.
        return Rules(terms.ignore, list_keys=terms.list_keys), None
    rules = Rules(terms.ignore, reads_call=reads_call, sees_all=sees_all, list_keys=terms.list_keys)
    return rules, _no_model if reads_call else None


def _no_model(_names: Iterable[str]) -> None:
    """Choose no model: then the data of a call of a language model are those of `LLMCall`."""


def _has_no_model(side: Side) -> bool:
    """Return whether a function's call has no data but what was attached."""
    data = _data(side.row)
    return data is None or (isinstance(data, dict) and data.keys() <= Job.of(side.row, side.chunks).attached.keys())


def _names(side: Side) -> tuple[str, ...]:
    try:
        return Job.of(side.row, side.chunks).names
    except ValueError:
        return (side.row.kind,)


def _used(pair: Pair) -> Figures:
    """Return what the two calls of a pair have used; nothing if that cannot be read."""
    assert pair.old is not None  # noqa: S101 - see _is_same
    assert pair.new is not None  # noqa: S101 - likewise
    try:
        return figures_of(pair.old, pair.new)
    except (RecordedError, ValueError, TypeError):
        return Figures()
