"""How badly an answer has changed: each place where it differs gets a class.

The law of this file: what a test can see through its projection weighs more than what it cannot, what is gone or has
another type weighs more than another value, and what could not be had is never taken for unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..diff import ABSENT, diff, similarity, type_name
from ..paths import drop
from .model import ORDER, ChangeClass
from .views import OF_ONE_ANSWER, without

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ..diff import Edit
    from ..paths import Path
    from ..reads import Reads
    from .views import View

__all__ = ["Found", "Rules", "compared", "lasting_body", "worst"]

_PROSE: Final = 16
_HUNDRED: Final = 100
#: Fields of the data of a call of a language model that say what it has used, or how it came, not what it has said.
_USED: Final = frozenset(
    {
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_creation_tokens",
        "reasoning_tokens",
        "cost_usd",
        "streamed",
    }
)
_OF_ONE_WAY: Final = frozenset({"content-type"})


class Rules(NamedTuple):
    """What is known of a call besides its two answers.

    Attributes:
        ignore: What does not matter in it.
        reads: Where its projection looks in the answer; None if that is not known.
        reads_call: Whether its projection is that of a call of a language model.
        sees_all: Whether the whole answer counts as what a projection picks: a function's that has none.
        list_keys: By which fields items of lists are told apart, by the paths of the lists.

    """

    ignore: tuple[Path, ...] = ()
    reads: Reads | None = None
    reads_call: bool = False
    sees_all: bool = False
    list_keys: Mapping[str, str] = {}


class Found(NamedTuple):
    """One place that differs; `ABSENT` is the value of the side that has no such place."""

    slot: str
    op: str
    path: Path
    change_class: ChangeClass
    old: Any
    new: Any
    similarity: float | None = None
    #: Whether there was no time to look further into what is given as a whole.
    is_coarse: bool = False


def worst(found: Iterable[Found]) -> ChangeClass | None:
    """Return the worst class of some changes; None if there are none."""
    return min((one.change_class for one in found), key=ORDER.__getitem__, default=None)


def compared(old: View, new: View, rules: Rules) -> list[Found]:
    """Return where two answers to one request differ, the worst first."""
    found = [*_of_outcome(old, new)]
    if not any(one.change_class in _DECISIVE for one in found):
        of_data = [*_of_data(old, new, rules)]
        found += of_data
        found += _of_tools(old, new) if not rules.reads_call else ()
        found += _of_response(old, new, rules, {_pair(one) for one in of_data})
        found += _of_headers(old, new)
    return sorted(found, key=lambda one: ORDER[one.change_class])


# What makes all that follows from it not worth telling.
_DECISIVE: Final = frozenset({ChangeClass.ERROR, ChangeClass.BREAKING})


def _of_outcome(old: View, new: View) -> Iterator[Found]:
    if new.error is not None and old.error is None:
        yield Found("error", "add", (), ChangeClass.ERROR, ABSENT, _said(new.error))
    elif old.error is not None and new.error is None:
        yield Found("error", "remove", (), ChangeClass.BREAKING, _said(old.error), ABSENT)
    elif old.error != new.error:
        for edit in diff(old.error, new.error).edits:
            yield _found("error", edit, _ERROR_FIELDS.get(str((*edit.path, "")[0]), ChangeClass.VALUE))
    elif old.status != new.status:
        how = ChangeClass.BREAKING if _sort(old.status) != _sort(new.status) else ChangeClass.VALUE
        yield Found("status", "replace", (), how, old.status, new.status)
    elif old.end != new.end:
        yield Found("status", "replace", ("end",), ChangeClass.VALUE, old.end, new.end)
    yield from _of_fault(old, new)


def _sort(status: int | str) -> Any:
    """Return the class of a status of HTTP: 2 for 200 and 201."""
    return status // _HUNDRED if isinstance(status, int) else "no HTTP"


_ERROR_FIELDS: Final = {"type": ChangeClass.BREAKING, "payload": ChangeClass.PROJECTION}


def _said(error: Any) -> Any:
    if not isinstance(error, dict):
        return error
    return f"{str(error.get('type')).removeprefix('builtins.')}: {error.get('message', '')}"


def _of_fault(old: View, new: View) -> Iterator[Found]:
    """Yield that a language model answers with an error where it did not, or no longer does, with the same status."""
    before = old.call.error if old.call is not None else None
    after = new.call.error if new.call is not None else None
    if old.status == new.status and old.error is None is new.error and (before is None) is not (after is None):
        op = "add" if before is None else "remove"
        values = (ABSENT if before is None else before, ABSENT if after is None else after)
        yield Found("error", op, (), ChangeClass.BREAKING, *values)


def _of_data(old: View, new: View, rules: Rules) -> Iterator[Found]:
    if new.problem or old.problem:
        if not old.problem:
            yield Found("data", "invalid", (), ChangeClass.BREAKING, old.data, new.problem)
        elif not new.problem:
            yield Found("data", "add", (), ChangeClass.PROJECTION, ABSENT, new.data)
        return
    before, after = _that_matters(old.data, rules.ignore), _that_matters(new.data, rules.ignore)
    if rules.reads_call:
        before, after = _without_used(before), _without_used(after)
    if before is None is not after:
        yield Found("data", "add", (), ChangeClass.PROJECTION, ABSENT, after)
        return
    found = diff(before, after, list_keys=rules.list_keys)
    for edit in found.edits:
        one = _of_projection("data", edit, _tool_class(edit) if rules.reads_call else None)
        yield one._replace(is_coarse=not found.is_complete)
    if not found.edits:
        yield from _volatile("data", old.data, new.data, rules)


def _without_used(data: Any) -> Any:
    return {name: value for name, value in data.items() if name not in _USED} if isinstance(data, dict) else data


def _of_projection(slot: str, edit: Edit, given: ChangeClass | None) -> Found:
    if given is not None:
        return _found(slot, edit, given)
    if _is_lost(edit):
        return _found(slot, edit, ChangeClass.BREAKING)
    if _is_prose(edit.old) and _is_prose(edit.new):
        return _found(slot, edit, ChangeClass.TEXT)
    return _found(slot, edit, ChangeClass.PROJECTION)


def _is_lost(edit: Edit) -> bool:
    """Return whether a field is gone, or has another type; an item that is gone from a list is no field."""
    if edit.op == "remove":
        return not (edit.path and isinstance(edit.path[-1], int))
    return _is_retyped(edit) and edit.old is not None


def _is_retyped(edit: Edit) -> bool:
    return edit.op == "replace" and _family(edit.old) != _family(edit.new)


def _family(value: Any) -> str:
    name = type_name(value)
    return "number" if name == "integer" else name


def _is_prose(value: Any) -> bool:
    # A word for what JSON has not got is no text, however many spaces are in it.
    return type(value) is str and len(value) >= _PROSE and any(map(str.isspace, value.strip()))


def _of_tools(old: View, new: View) -> Iterator[Found]:
    """Yield that the tools, or their arguments, have other names: whoever runs them runs others."""
    if old.call is None or new.call is None:
        return
    before, after = ([tool.model_dump(mode="json") for tool in call.tool_calls] for call in (old.call, new.call))
    for edit in diff({"tool_calls": before}, {"tool_calls": after}).edits:
        if _tool_class(edit) is ChangeClass.BREAKING:
            yield _found("response", edit, ChangeClass.BREAKING)


def _tool_class(edit: Edit) -> ChangeClass | None:
    """Return the class of a change in the tools that a language model calls; None for a change elsewhere."""
    path = edit.path
    if path[:1] != ("tool_calls",):
        return None
    is_name = path[2:] == ("name",)
    is_argument = len(path) == 4 and path[2] == "arguments" and edit.op in ("add", "remove")  # noqa: PLR2004 - `tool_calls[0].arguments.x`
    is_call = len(path) == 2 and edit.op in ("add", "remove", "replace")  # noqa: PLR2004 - `tool_calls[0]`
    if is_name or is_argument or is_call or _is_retyped(edit):
        return ChangeClass.BREAKING
    return ChangeClass.PROJECTION


def lasting_body(view: View, *, has_told_of_tools: bool = False) -> Any:
    """Return the answer without what is another in each answer of a language model.

    Args:
        view: The call.
        has_told_of_tools: Whether the arguments of tools, which some write as JSON in JSON, are told of elsewhere.

    """
    if view.call is None:
        return view.body
    return without(view.body, OF_ONE_ANSWER | {"arguments"} if has_told_of_tools else OF_ONE_ANSWER)


def _of_response(old: View, new: View, rules: Rules, told: set[Any]) -> Iterator[Found]:
    before, after = (lasting_body(view, has_told_of_tools=rules.reads_call) for view in (old, new))
    if before is ABSENT and after is ABSENT:
        return
    kept_before, kept_after = _that_matters(before, rules.ignore), _that_matters(after, rules.ignore)
    result = diff(kept_before, kept_after, list_keys=rules.list_keys)
    for edit in result.edits:
        if rules.sees_all:
            found = _of_projection("response", edit, None)
        else:
            found = _found("response", edit, _class_outside(edit, rules.reads))
        if rules.sees_all or found.change_class is ChangeClass.BREAKING or not _is_told(found, told, rules.reads):
            yield found._replace(is_coarse=not result.is_complete)
    if not result.edits:
        yield from _volatile("response", before, after, rules)


def _volatile(slot: str, before: Any, after: Any, rules: Rules) -> Iterator[Found]:
    """Yield what differs between two values that are equal but for what does not matter."""
    if rules.ignore:
        used = (_without_used(before), _without_used(after)) if slot == "data" and rules.reads_call else (before, after)
        for edit in diff(*used, list_keys=rules.list_keys).edits:
            yield _found(slot, edit, ChangeClass.VOLATILE)


def _is_told(found: Found, told: set[Any], reads: Reads | None) -> bool:
    """Return whether the data have told of a change in the answer that they are picked from."""
    is_picked = reads is not None and found.change_class is ChangeClass.VALUE and reads.needs(found.path)
    return bool(told) and (is_picked or _pair(found) in told)


def _class_outside(edit: Edit, reads: Reads | None) -> ChangeClass:
    is_item = bool(edit.path) and isinstance(edit.path[-1], int)
    if reads is not None and _is_lost(edit) and reads.needs(edit.path):
        return ChangeClass.BREAKING
    if (edit.op in ("add", "remove") and not is_item) or _is_retyped(edit):
        return ChangeClass.SHAPE
    return ChangeClass.VALUE


def _of_headers(old: View, new: View) -> Iterator[Found]:
    before, after = old.headers, new.headers
    if old.call is not None and new.call is not None:
        # One answer may come whole or in events.
        before, after = without(before, _OF_ONE_WAY), without(after, _OF_ONE_WAY)
    for edit in diff(before, after).edits:
        yield _found("headers", edit, ChangeClass.VALUE if edit.op == "replace" else ChangeClass.SHAPE)


def _that_matters(tree: Any, ignore: Sequence[Path]) -> Any:
    """Return a tree without what does not matter: it may be there or not."""
    return tree if tree is ABSENT else drop(tree, ignore)


def _pair(found: Found) -> Any:
    """Return what was there and what is there, as what can be looked up; 1 and 1.0 are one number."""
    return tuple((_family(value), value if _family(value) == "number" else repr(value)) for value in found[4:6])


def _found(slot: str, edit: Edit, change_class: ChangeClass) -> Found:
    is_text = _is_prose(edit.old) and isinstance(edit.new, str)
    alike = round(similarity(edit.old, edit.new), 3) if is_text else None
    return Found(slot, edit.op, edit.path, change_class, edit.old, edit.new, alike)
