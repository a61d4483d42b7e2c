"""One call that has changed, made of its two rows."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..call import request_digest
from ..diff import ABSENT, diff, path_text
from ..errors import RecordedError
from ..jobs import Job
from ..miss import describe
from .classes import Found, Rules, compared, worst
from .groups import fingerprint, of_chain
from .model import ORDER, Call, Change, ChangeClass, Figures
from .views import request_tree, view_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..job import Row
    from ..jobs import Choose
    from .views import Side
__all__ = ["Pair", "asks_the_same", "call_of", "figures_of", "lost_call", "of_figures"]

_MOST_CHANGES: Final = 100
_LONGEST: Final = 20_000
_LONGEST_INT_BITS: Final = 10_000
_LONGEST_REQUEST: Final = 300
# From where on tokens, money and time are worth a word: a fifth more or less; twice the time, and a second at least.
_SHARE: Final = 0.2
_FEW_TOKENS: Final = 20
_TIMES: Final = 2.0
_SHORT_MS: Final = 1_000.0

_HINT_COARSE: Final = (
    "Comparing its answers in full would have taken too long: what differs is given in large parts. With ignore= or "
    "list_keys= there may be less to compare."
)
_HINT_PLACEHOLDER: Final = (
    "Its request was sent with the placeholder of a secret that an earlier answer has; with --record-verify-serve=live "
    "it is sent with what that call has answered just now."
)


class Pair(NamedTuple):
    """A call as it was recorded and as it is made now; one of them is None for a call that is new, or gone.

    Attributes:
        old: The recorded one.
        new: The other one.
        root: The id of the call whose changed answer has led to this one.

    """

    old: Side | None
    new: Side | None
    root: str | None = None

    @property
    def id(self) -> str:
        """The id of the recorded row; of a call that was not recorded, what its row's would be."""
        side = self.old or self.new
        assert side is not None  # noqa: S101 - there is no pair without a call
        return side.row.id


def call_of(pair: Pair, tests: Sequence[str], rules: Rules, choose: Choose | None) -> tuple[Call | None, Figures]:
    """Return what has changed in a call, None if nothing has; and what it has used.

    Args:
        pair: The call.
        tests: Who makes it.
        rules: What is known of it besides.
        choose: Says by a call's names which model picks its data; None: the data are those that are stored.

    """
    used = Figures()
    try:
        if pair.old is None or pair.new is None:
            found = [_alone(pair)]
        else:
            used = figures_of(pair.old, pair.new)
            old, new = view_of(pair.old, choose, pair.new), view_of(pair.new, choose, pair.old)
            found = sorted(
                (*_of_request(pair.old.row, pair.new.row), *compared(old, new, rules), *of_figures(used)),
                key=lambda one: ORDER[one.change_class],
            )
    except RecordedError as error:
        found = [Found("call", "replace", (), ChangeClass.ERROR, ABSENT, f"could not be compared: {error}")]
    except Exception as error:  # noqa: BLE001 - a file may hold anything; what cannot be compared is never clean
        found = [Found("call", "replace", (), ChangeClass.ERROR, ABSENT, f"could not be compared: {error!r}")]
    if pair.root is not None and not any(one.change_class is ChangeClass.REQUEST for one in found):
        found.insert(0, Found("call", "replace", (), ChangeClass.REQUEST, ABSENT, ABSENT))
    return (_changed(pair, found, tests, used) if found else None), used


def lost_call(pair: Pair, tests: Sequence[str], why: str) -> Call:
    """Return a call that could not be compared."""
    return _changed(pair, [Found("call", "replace", (), ChangeClass.ERROR, ABSENT, why)], tests, Figures())


def _alone(pair: Pair) -> Found:
    side = pair.new or pair.old
    assert side is not None  # noqa: S101 - see Pair.id
    asked = describe(side.row.kind, side.row.request_json)
    if pair.old is None:
        return Found("call", "add", (), ChangeClass.REQUEST, ABSENT, asked)
    return Found("call", "remove", (), ChangeClass.REQUEST, asked, ABSENT)


def asks_the_same(old: Row, new: Row) -> bool:
    """Return whether two calls ask for the same: what is ignored of a request does not count."""
    has_one_address = (old.kind, old.key, old.seq) == (new.kind, new.key, new.seq)
    # Whoever has chosen the key may have asked for something else with it.
    return has_one_address and request_digest(old) == request_digest(new)


def _of_request(old: Row, new: Row) -> list[Found]:
    if asks_the_same(old, new):
        return []
    edits = diff(request_tree(old), request_tree(new)).edits
    return [Found("request", edit.op, edit.path, ChangeClass.REQUEST, edit.old, edit.new) for edit in edits]


def figures_of(old: Side, new: Side) -> Figures:
    """Return what two calls have used, as far as it was noted."""
    before = _used_by(old)
    after = before if new == old else _used_by(new)
    return Figures(
        tokens=(before[0], after[0]),
        cost_usd=(before[1], after[1]),
        latency_ms=(before[2], after[2]),
    )


def _used_by(side: Side) -> tuple[int | None, float | None, float | None]:
    job = Job.of(side.row, side.chunks)
    figures = job.figures
    counts = [figures.get(name) for name in ("input_tokens", "output_tokens")]
    known = [count for count in counts if isinstance(count, int)]
    return sum(known) if known else None, _number(figures.get("cost_usd")), job.duration_ms


def _number(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) else None


def of_figures(used: Figures) -> list[Found]:
    """Return what has been used beyond a limit: a fifth more or less, or twice the time and a second at least."""
    found = []
    for name, few in (("tokens", _FEW_TOKENS), ("cost_usd", 0.0)):
        before, after = getattr(used, name)
        if before is not None and after is not None and abs(after - before) > max(few, _SHARE * before):
            found.append(Found("metrics", "replace", (name,), ChangeClass.METRICS, before, after))
    before, after = used.latency_ms
    if before is not None and after is not None and after > _TIMES * before and after - before > _SHORT_MS:
        found.append(Found("metrics", "replace", ("latency_ms",), ChangeClass.METRICS, round(before), round(after)))
    return found


def _changed(pair: Pair, found: Sequence[Found], tests: Sequence[str], used: Figures) -> Call:
    """Return a call with what was found."""
    side = pair.old or pair.new
    assert side is not None  # noqa: S101 - see Pair.id
    name, model = _named(side)
    chain = None if pair.root is None else of_chain(pair.root)
    found_class = worst(found)
    assert found_class is not None  # noqa: S101 - see the caller
    return Call(
        id=pair.id,
        kind=side.row.kind,
        name=name,
        model=model,
        request=_clean(_shortened(describe(side.row.kind, side.row.request_json), _LONGEST_REQUEST)),
        tests=tuple(map(_clean, tests)),
        change_class=found_class,
        changes=tuple(_change(one, chain) for one in found[:_MOST_CHANGES]),
        more=max(0, len(found) - _MOST_CHANGES),
        chain=pair.root,
        recorded_at=pair.old.row.submitted_at if pair.old is not None else None,
        hint=_hint(pair, found),
        metrics=used,
    )


def _named(side: Side) -> tuple[str | None, str | None]:
    """Return the name and the model of a call of a language model."""
    try:
        job = Job.of(side.row, side.chunks)
        if len(names := job.names) == 1:
            return None, None
        call = job.llm
    except Exception:  # noqa: BLE001 - a file may hold anything
        return None, None
    model = None if call is None or call.request_model is None else _clean(call.request_model)
    return names[1].removeprefix("llm."), model


_REFUSED: Final = (401, 403)


def _hint(pair: Pair, found: Sequence[Found]) -> str:
    if any(one.is_coarse for one in found):
        return _HINT_COARSE
    is_refused = any(one.slot == "status" and one.new in _REFUSED for one in found)
    sent = pair.new.row.request_json if pair.new is not None else None
    return _HINT_PLACEHOLDER if is_refused and sent is not None and "redacted-" in sent else ""


def _change(found: Found, chain: str | None) -> Change:
    values: dict[str, Any] = {}
    is_cut = False
    for name, value in (("old", found.old), ("new", found.new)):
        if value is not ABSENT:
            values[name], cut = _bounded(value)
            is_cut = is_cut or cut
    given: Any = {"slot": found.slot, "op": found.op}
    return Change(
        **given,
        path=path_text(tuple(map(_clean, found.path))),
        change_class=found.change_class,
        similarity=found.similarity,
        is_cut=is_cut,
        fingerprint=chain or fingerprint(found),
        **values,
    )


def _bounded(value: Any) -> tuple[Any, bool]:
    """Return a value as JSON has it, and whether only its beginning, if it is too large for a report."""
    if isinstance(value, str):
        return _clean(_shortened(value, _LONGEST)), len(value) > _LONGEST
    tree = _json(value)
    text = json.dumps(tree, ensure_ascii=False)
    return (_shortened(text, _LONGEST), True) if len(text) > _LONGEST else (tree, False)


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text):,} characters)"


def _json(value: Any) -> Any:
    """Return a tree that every reader of JSON takes; what JSON has not got is a text."""
    if isinstance(value, dict):
        return {_clean(name): _json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and value.bit_length() > _LONGEST_INT_BITS:
        return hex(value)
    return value


def _clean(part: Any) -> Any:
    """Return a text that has a form in UTF-8: halves of characters are escaped."""
    if not isinstance(part, str):
        return part
    text = str.__str__(part)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text
