"""Values of a report as text: cut so that what differs is seen, and prose by its words.

The law of this file: it shows anything, and what it returns commands no terminal and turns no letters around.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..diff import words
from ..plain import Bare
from ..shown import harmless, in_one_line
from .tree import json_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..changes.model import Change

__all__ = [
    "LONGEST_FIELD",
    "Edit",
    "alike",
    "edit_of",
    "edit_of_trees",
    "in_words",
    "is_prose",
    "place",
    "shortened",
    "text_of",
]

#: How many characters of a value are looked at.
LONGEST_FIELD: Final = 20_000
# Before the first difference, of a value that is cut.
_BEFORE: Final = 200
# Words of a text that is read as prose.
_PROSE: Final = 3
# Of a text that has changed, however long it is.
_MOST_ALIKE: Final = 0.99
# Letters in a row that two texts do not have in common by chance.
_NO_CHANCE: Final = 80

Words = list[tuple[str, str]]


class Edit(NamedTuple):
    """An old value and a new one as text, by what is equal (`=`), what went (`-`) and what came (`+`).

    Attributes:
        words: The parts, in their order.
        is_prose: Whether the values are texts for readers, shown without quotes.
        cut: What is not shown, in a sentence; `""` if everything is.

    """

    words: Words
    is_prose: bool
    cut: str


def text_of(value: Any, *, indent: int | None = None) -> str:
    """Return a value as JSON writes it; what JSON has not got as the word for it."""
    return harmless(str(value)) if isinstance(value, Bare) else json_text(value, indent=indent)


def is_prose(value: Any) -> bool:
    """Return whether a value is a text for readers: some words."""
    return (
        isinstance(value, str) and not isinstance(value, Bare) and len(value[:2_000].split(None, _PROSE)) > _PROSE - 1
    )


def edit_of(change: Change, longest: int = LONGEST_FIELD) -> Edit:
    """Return what a change does to its value; of a long one the part that differs first.

    Of data that do not fit it says why: what they have been tells nothing.
    """
    if change.op == "invalid":
        return edit_of_trees((change.new,), (change.new,), longest)
    return edit_of_trees(
        (change.old,) if change.has_old else (), (change.new,) if change.has_new else (), longest, is_cut=change.is_cut
    )


def edit_of_trees(
    old: tuple[Any, ...], new: tuple[Any, ...], longest: int = LONGEST_FIELD, *, is_cut: bool = False
) -> Edit:
    """Return the same of a value that may be there or not, before and after: none of it, or one."""
    prose = all(map(is_prose, (*old, *new)))
    if old and new:
        new = (_in_order_of(old[0], new[0]),)
    one, other = (_joined(side, is_prose=prose) for side in (old, new))
    whole = max(len(one), len(other))
    one, other, start = _window(one, other, longest)
    if not old or not new:
        parts = [(sign, text) for sign, text in (("-", one), ("+", other)) if text]
    else:
        # More is compared than is shown: where two texts are cut they differ, because they are.
        parts = _by_words(one, other, is_value=_is_atom(*old, *new))
        if is_cut or whole > start + max(len(one), len(other)):
            parts = _without_their_end(parts)
    parts = list(_beginning(parts, longest))
    cut = ""
    if whole > longest:
        cut = f"{longest:,} of {whole:,} characters are shown" + (f", from the {start + 1:,}th on" if start else "")
    elif is_cut:
        cut = "the values are too large to be given in full"
    return Edit([(sign, harmless(text)) for sign, text in parts], prose, cut)


def _in_order_of(old: Any, new: Any, deepest: int = 200) -> Any:
    """Return a new tree with its names in the order of the old one: another order is no difference."""
    if isinstance(old, dict) and isinstance(new, dict) and deepest:
        names = [*(name for name in old if name in new), *(name for name in new if name not in old)]
        return {name: _in_order_of(old.get(name), new[name], deepest - 1) for name in names}
    if isinstance(old, list) and isinstance(new, list) and deepest:
        return [_in_order_of(*pair, deepest - 1) for pair in zip(old, new, strict=False)] + new[len(old) :]
    return new


def _joined(side: tuple[Any, ...], *, is_prose: bool) -> str:
    if not side:
        return ""
    return side[0] if is_prose else text_of(side[0], indent=2)


def _is_atom(*values: Any) -> bool:
    """Return whether values are read as a whole: numbers, names, words of our own."""
    return not any(isinstance(value, dict | list) or is_prose(value) for value in values)


def _by_words(old: str, new: str, *, is_value: bool) -> Words:
    if old == new:
        return [("=", old)] if old else []
    return [("-", old), ("+", new)] if is_value else words(old, new)


def _window(old: str, new: str, longest: int) -> tuple[str, str, int]:
    """Return what is compared of two texts: from where they begin to differ; and which character that is."""
    if max(len(old), len(new)) <= longest:
        return old, new, 0
    same = _first_difference(old, new) if old and new else 0
    start = max(0, same - _BEFORE) if same > longest - _BEFORE else 0
    end = start + max(longest, LONGEST_FIELD)
    return old[start:end], new[start:end], start


def _without_their_end(parts: Words) -> Words:
    """Return the parts of two texts that were cut, up to the last place where they are surely in step."""
    sure = [at for at, (sign, text) in enumerate(parts) if at and sign == "=" and len(text) >= _NO_CHANCE]
    return parts[: sure[-1] + 1] if sure else parts


def _beginning(parts: Words, longest: int) -> Iterator[tuple[str, str]]:
    """Yield parts up to so many characters of each side."""
    left = {"-": longest, "+": longest}
    for sign, text in parts:
        sides = "-+" if sign == "=" else sign
        room = min(left[side] for side in sides)
        if room:
            yield sign, text[:room]
        if sign == "=" and len(text) >= room:
            return
        for side in sides:
            left[side] -= min(len(text), room)


def _first_difference(old: str, new: str, step: int = 4_096) -> int:
    at = 0
    while at < min(len(old), len(new)) and old[at : at + step] == new[at : at + step]:
        at += step
    return next(
        (place for place in range(at, min(len(old), len(new))) if old[place] != new[place]), min(len(old), len(new))
    )


def shortened(parts: Words, around: int) -> Words:
    """Return the parts of an edit, of what is equal only so much as stands around what is not.

    Args:
        parts: The parts.
        around: Characters before and after each part that differs.

    """
    shown: Words = []
    for place, (sign, text) in enumerate(parts):
        before, after = (around if place else 0), (around if place + 1 < len(parts) else 0)
        if sign == "=" and len(text) > before + after + 1:
            text = text[:before] + "…" + (text[-after:] if after else "")  # noqa: PLW2901 - the same text, shorter
        shown.append((sign, text))
    return shown


def alike(change: Change) -> str:
    """Return how much of a text is the same, in words; `""` of what is no text."""
    return "" if change.similarity is None else f"{min(change.similarity, _MOST_ALIKE):.0%} alike"


def in_words(change: Change) -> str | None:
    """Return what a change is in words, if it is none of a value to another one."""
    if change.op == "invalid":
        return in_one_line(str(change.new))
    if change.op == "reorder":
        return "the same items in another order"
    if change.slot == "call" and change.op != "replace":
        return "a new call" if change.op == "add" else "a call that is not made any more"
    return "another call in its place" if not (change.has_old or change.has_new) else None


def place(slot: str, path: str) -> str:
    """Return where a change is, as `response $.total`; the slot itself has no path."""
    return slot if path in ("", "$") else f"{slot} {in_one_line(path)}"
