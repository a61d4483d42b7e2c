"""The same change in many calls is one group, known by a fingerprint that is the same in every run."""

from __future__ import annotations

import ast
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from ..diff import ABSENT, path_text, type_name
from .model import ORDER, Group

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .classes import Found
    from .model import Call, Change

__all__ = ["fingerprint", "groups_of", "of_chain", "wild"]

_INDEX: Final = re.compile(r"\[\d+\]")
_DIGITS: Final = 12
# Names of fields that are data: numbers, ids, dates, addresses, codes such as `US` and `EUR`.
_DATA: Final = re.compile(
    r"\d+|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|(?=[^\d]*\d)[0-9a-fA-F]{8,}|\d{4}-\d\d-\d\d.*|(?!ID|URL|URI|ARN|IP|OS|TTL|SKU)[A-Z]{2,3}|.*@.*|.*://.*"
    r"|(?=[^\d]*\d)[A-Za-z0-9_-]{16,}"
)
_SEGMENT: Final = re.compile(r"""\.([^.\[]+)|\[(\d+|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]""")


def wild(path: Iterable[str | int]) -> str:
    """Return a path with `*` for indexes and for names that look like data."""
    segments = ["[*]" if isinstance(part, int) or _DATA.fullmatch(part) else path_text((part,))[1:] for part in path]
    return "$" + "".join(segments)


def fingerprint(found: Found) -> str:
    """Return 12 hex digits that stand for a change: for its class, its place, and the types before and after."""
    types = (_type(found.old), _type(found.new))
    return _digest(found.change_class, found.slot, found.op, wild(found.path), *types, *_told_apart(found))


def _told_apart(found: Found) -> tuple[str, ...]:
    """Return what tells changes of one place and one type apart: one status is not another, nor is one misfit."""
    if found.slot == "status":
        return str(found.old), str(found.new)
    return (_INDEX.sub("[*]", str(found.new)),) if found.op == "invalid" else ()


def of_chain(root: str) -> str:
    """Return the fingerprint of all that follows from the changed answer of one call."""
    return _digest("chain", root)


def _digest(*parts: str | None) -> str:
    text = "\0".join("" if part is None else part for part in parts)
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:_DIGITS]


def _type(value: Any) -> str | None:
    return None if value is ABSENT else type_name(value)


def groups_of(calls: Iterable[Call]) -> tuple[Group, ...]:
    """Return the groups of some calls: the worst class first, then those with the most calls."""
    first: dict[str, Change] = {}
    ids: dict[str, dict[str, None]] = {}
    for call in calls:
        for change in call.changes:
            known = first.setdefault(change.fingerprint, change)
            if ORDER[change.change_class] < ORDER[known.change_class]:
                first[change.fingerprint] = change
            ids.setdefault(change.fingerprint, {})[call.id] = None
    groups = [_group(first[each], tuple(ids[each])) for each in first]
    return tuple(sorted(groups, key=_rank))


def _rank(group: Group) -> tuple[Any, ...]:
    return ORDER[group.change_class], -len(group.calls), group.path, group.fingerprint


def _segments(path: str) -> Iterator[str | int]:
    """Yield what `path_text` has made a text of; a field may have any name."""
    for name, item in _SEGMENT.findall(path):
        yield name or ast.literal_eval(item)


def _group(change: Change, calls: tuple[str, ...]) -> Group:
    return Group(
        fingerprint=change.fingerprint,
        change_class=change.change_class,
        slot=change.slot,
        op=change.op,
        path=wild(_segments(change.path)),
        old_type=type_name(change.old) if change.has_old else None,
        new_type=type_name(change.new) if change.has_new else None,
        calls=calls,
    )
