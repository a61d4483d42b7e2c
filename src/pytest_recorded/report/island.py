"""What the HTML page shows, as the JSON that stands in it: texts only, and no more of them than the page may have.

The law of this file: a value travels as the text that is to be shown, by its words, so that nothing is counted,
compared or rounded by a browser. What finds no room is left out in this order: whole answers, values, calls, groups;
and each time the page says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..diff import ABSENT
from ..errors import RecordedError
from ..shown import clip, harmless
from .digest import MEANING, Digest, metric_lines, proposals, rows, title
from .tree import json_text
from .values import LONGEST_FIELD, alike, edit_of, edit_of_trees, in_words, place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..changes.model import Call, Group
    from .files import Documents
    from .values import Edit

__all__ = ["island"]

#: Bytes of the whole page, but for its shell.
_LARGEST: Final = 4_900_000
# Characters of each side of a whole answer.
_LONGEST_WHOLE: Final = 5 * LONGEST_FIELD
_LONGEST_LINE: Final = 2_000
_LONGEST_NAME: Final = 500
_MOST_NAMES: Final = 100
_MOST_CHANGES: Final = 100


class _Room:
    """How many bytes are left."""

    def __init__(self, size: int) -> None:
        self._left, self._large = size, size // 10

    def texts(self, trees: Iterable[Any], *, skips_large: bool = False) -> Iterator[str]:
        """Yield trees as JSON while there is room; null for one that would take the room of all others."""
        for tree in trees:
            text = _embedded(tree)
            if skips_large and len(text) > self._large:
                text = "null"
            # Each of them has a comma behind it.
            self._left -= len(text.encode()) + 1
            if self._left < 0:
                self._left = 0
                return
            yield text


def island(digest: Digest, documents: Documents | None = None, largest: int = _LARGEST) -> str:
    """Return what the page shows as JSON that can stand in a script element.

    Args:
        digest: The report.
        documents: Returns the whole old and new answer of a call.
        largest: It has not many more bytes than these.

    """
    report, room = digest.report, _Room(largest)
    places = {call.id: at for at, call in enumerate(report.calls)}
    head = _embedded(_head(digest))
    groups = list(room.texts(_group(group, places) for group in report.groups))
    calls = list(room.texts(_call(call, digest, places) for call in report.calls))
    shown = report.calls[: len(calls)]
    edits = ([_edit(edit_of(change)) for change in call.changes[:_MOST_CHANGES]] for call in shown)
    values = list(room.texts(edits, skips_large=True))
    wholes = [] if documents is None else list(room.texts(_whole(call, documents) for call in shown))
    lists = {"groups": groups, "calls": calls, "values": values, "wholes": wholes}
    cuts = [
        f"{missing:,} of {there:,} {what} left out: the page would become too large"
        for what, there, found in (
            ("groups are", len(report.groups), groups),
            ("calls are", len(report.calls), calls),
            ("calls have their values", len(calls), [text for text in values if text != "null"]),
            ("calls have their whole answers", 0 if documents is None else len(calls), wholes),
        )
        if (missing := there - len(found))
    ]
    parts = [f'"{name}":[{",".join(texts)}]' for name, texts in lists.items()]
    return "{" + ",".join([f'"head":{head}', f'"cuts":{_embedded(cuts)}', *parts]) + "}"


def _embedded(tree: Any) -> str:
    """Return a tree as JSON in which no tag and no comment begins."""
    return json_text(tree).replace("<", "\\u003c")


def _head(digest: Digest) -> dict[str, Any]:
    report = digest.report
    return {
        "title": title(report),
        "mode": harmless(report.mode),
        "changed": digest.changed,
        "compared": report.compared,
        "cassettes": _names(report.cassettes),
        "classes": [
            {"name": row.change_class, "calls": row.calls, "groups": row.groups, "meaning": MEANING[row.change_class]}
            for row in rows(report)
        ],
        "metrics": metric_lines(report.metrics, many=True),
        "not_verified": [f"{number:,} {harmless(reason)}" for reason, number in report.not_verified.items()],
        "noise": _names(proposals(report)),
    }


def _names(texts: Iterable[str]) -> list[str]:
    texts = [harmless(clip(text, _LONGEST_NAME)) for text in texts]
    return [*texts[:_MOST_NAMES], *([f"… and {len(texts) - _MOST_NAMES:,} more"] if len(texts) > _MOST_NAMES else [])]


def _group(group: Group, places: dict[str, int]) -> dict[str, Any]:
    return {
        "fingerprint": harmless(group.fingerprint),
        "class": group.change_class,
        "where": harmless(clip(place(group.slot, group.path), _LONGEST_LINE)),
        "op": group.op,
        # Of data that do not fit there is no new value, only the reason.
        "types": [] if group.op == "invalid" else [group.old_type, group.new_type],
        "calls": [places[name] for name in group.calls if name in places],
    }


def _call(call: Call, digest: Digest, places: dict[str, int]) -> dict[str, Any]:
    root = digest.root_of(call)
    line = {name: getattr(call, name) for name in ("id", "kind", "name", "model", "request", "hint", "recorded_at")}
    return {
        **{name: harmless(clip(text, _LONGEST_LINE)) for name, text in line.items() if text},
        "class": call.change_class,
        "tests": _names(call.tests),
        "more": call.more + max(0, len(call.changes) - _MOST_CHANGES),
        "metrics": metric_lines(call.metrics, many=False),
        "changes": [
            {
                "where": harmless(clip(place(change.slot, change.path), _LONGEST_LINE)),
                "op": change.op,
                "class": change.change_class,
                "fingerprint": harmless(change.fingerprint),
                **({} if change.similarity is None else {"similarity": alike(change)}),
                **({} if change.op == "invalid" or (said := in_words(change)) is None else {"said": said}),
            }
            for change in call.changes[:_MOST_CHANGES]
        ],
        # Its first call may not be here.
        **({} if root is None else {"chain": places.get(root, -1)}),
    }


def _edit(edit: Edit) -> dict[str, Any]:
    """Return an edit; each part begins with its sign."""
    return {
        "parts": [sign + text for sign, text in edit.words],
        **({"prose": 1} if edit.is_prose else {}),
        **({"cut": edit.cut} if edit.cut else {}),
    }


def _whole(call: Call, documents: Documents) -> dict[str, Any] | None:
    """Return what becomes of the whole answer of a call; None if there is none, before or after."""
    try:
        old, new = ([] if side is ABSENT or side is None else [side] for side in documents(call))
    except RecordedError:
        # Its file has become unreadable. What has changed is known all the same.
        return None
    return _edit(edit_of_trees(tuple(old), tuple(new), _LONGEST_WHOLE)) if old or new else None
