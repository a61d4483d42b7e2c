"""Which words of a text have changed.

Lines and sentences are aligned first, then the words in those that differ: what is long stays quick, and what is read
stays together. What two texts have in common by chance, a word here and there, is not shown as kept.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from .edits import Deadline
from .sequence import aligned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    #: What is gone, what came in its place, and what follows in both.
    Passage = tuple[str, str, str]

__all__ = ["similarity", "words"]

# Letters that are written without spaces between words: kana, ideographs.
_SINGLE: Final = (
    "\u2e80-\u2fff\u3005-\u3007\u3021-\u3029\u3031-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
# Signs above, below and around letters, which are no letters themselves; and what joins letters.
_MARKS: Final = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0963\u0971-\u0e3e"
    "\u0e40-\u0eff\u0f18-\u0fbc\u102b-\u103e\u17b4-\u17d3\u1ab0-\u1aff\u1b00-\u1b44\u1dc0-\u1dff\u200c\u200d\u20d0-\u20ff"
)
_WORDS: Final = re.compile(r"\s+|\w+|[^\w\s]")
_ANY_WORDS: Final = re.compile(
    rf"\s+|[{_SINGLE}]|(?:(?![{_SINGLE}])[\w{_MARKS}])+|[\U0001f1e6-\U0001f1ff]{{2}}"
    r"|[^\w\s][\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff]*(?:\u200d[^\w\s][\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]*)*"
)
_HAS_WORD: Final = re.compile(r"\w").search
_SENTENCES: Final = re.compile("[^\n]*?(?:[.!?](?=\\s)[^\\S\n]*|[\u3002\uff01\uff1f]|\n)|[^\n]+")
# Of the shorter side of a changed passage, this much at least is kept, or it is shown as replaced.
_LEAST_KEPT: Final = 0.25
_SECONDS: Final = 0.5


def words(old: str, new: str, *, seconds: float = _SECONDS) -> list[tuple[str, str]]:
    """Return how one text becomes another: `("=", text)`, `("-", text)` and `("+", text)`.

    Together the texts of `=` and `-` are the old one, those of `=` and `+` the new one, to the letter.

    Args:
        old: A text.
        new: Another one.
        seconds: How long it may take. Then the rest is compared coarsely.

    """
    deadline = Deadline(seconds)
    found: list[tuple[str, str]] = []
    for gone, come, kept in _sentences(old, new, deadline):
        for passage in (*_readable(gone, come, deadline), ("", "", kept)):
            found += [piece for piece in zip("-+=", passage, strict=True) if piece[1]]
    joined: list[tuple[str, str]] = []
    for op, text in found:
        if joined and joined[-1][0] == op:
            joined[-1] = (op, joined[-1][1] + text)
        else:
            joined.append((op, text))
    return joined


def similarity(old: str, new: str, *, seconds: float = _SECONDS) -> float:
    """Return how much of two texts is the same, word by word and in the same order: from 0 (nothing) to 1 (equal).

    Args:
        old: A text.
        new: Another one.
        seconds: How long it may take. Then the rest counts as another text.

    """
    if old == new:
        return 1.0
    deadline = Deadline(seconds)
    same = 0
    for gone, come, kept in _sentences(old, new, deadline):
        same += len(kept) + sum(len(word) for *_, word in _changes(_split(gone), _split(come), deadline))
    return 2 * same / (len(old) + len(new))


def _sentences(old: str, new: str, deadline: Deadline) -> Iterator[Passage]:
    return _changes(_SENTENCES.findall(old), _SENTENCES.findall(new), deadline)


def _split(text: str) -> list[str]:
    return (_WORDS if text.isascii() else _ANY_WORDS).findall(text)


def _changes(old: list[str], new: list[str], deadline: Deadline) -> Iterator[Passage]:
    """Yield how some pieces of text become others."""
    numbers: dict[str, int] = {}
    one = [numbers.setdefault(piece, len(numbers)) for piece in old]
    other = [numbers.setdefault(piece, len(numbers)) for piece in new]
    at = to = 0
    for place, there, size in [*aligned(one, other, deadline), (len(old), len(new), 0)]:
        yield "".join(old[at:place]), "".join(new[to:there]), "".join(old[place : place + size])
        at, to = place + size, there + size


def _readable(gone: str, come: str, deadline: Deadline) -> list[Passage]:
    """Return how a text becomes another; what is kept by chance, between what has changed, counts as changed."""
    whole = [(gone, come, "")]
    if not gone or not come or deadline.is_over():
        return whole
    old, new = _split(gone), _split(come)
    if not _is_kept((Counter(old) & Counter(new)).elements(), old, new):
        return whole
    found: list[_Change] = []
    for passage in _changes(old, new, deadline):
        if found and found[-1].is_followed_by_chance(passage):
            found[-1].go_on(passage)
        else:
            found.append(_Change(passage))
    is_version = not deadline.is_over() and _is_kept((change.kept for change in found), old, new)
    return [change.passage() for change in found] if is_version else whole


class _Change:
    """A passage that may grow."""

    def __init__(self, passage: Passage) -> None:
        self._gone, self._come = [passage[0]], [passage[1]]
        self.kept = passage[2]
        self._size = max(len(passage[0]), len(passage[1]))

    def is_followed_by_chance(self, passage: Passage) -> bool:
        """Return whether what is kept between this change and another one says little."""
        changed = min(self._size, max(len(passage[0]), len(passage[1])))
        return changed > 0 and (2 * len(self.kept.strip()) <= changed or not _HAS_WORD(self.kept))

    def go_on(self, passage: Passage) -> None:
        """Count what was kept as changed, and what comes next too."""
        gone, come, kept = passage
        self._gone += (self.kept, gone)
        self._come += (self.kept, come)
        self._size += len(self.kept) + max(len(gone), len(come))
        self.kept = kept

    def passage(self) -> Passage:
        return "".join(self._gone), "".join(self._come), self.kept


def _is_kept(kept: Iterable[str], old: list[str], new: list[str]) -> bool:
    """Return whether so much of one of two texts is kept that the other is a version of it."""
    return _length(kept) >= _LEAST_KEPT * min(_length(old), _length(new))


def _length(pieces: Iterable[str]) -> int:
    """Return the number of letters, white space apart."""
    return sum(len("".join(piece.split())) for piece in pieces)
