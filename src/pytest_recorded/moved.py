"""Which tests have other names than their recordings: told by the calls that they make.

The law of this file: a name takes recordings from one that is certainly gone only, and one from one. What is said
together (a file, a folder, all parameters of a test) is what `rename` does with that name, no more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final, NamedTuple

from .roll import below, renamed, split

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from .store.sqlite import CassetteFile

__all__ = ["Move", "Newcomer", "fold", "moves"]

# Tests with more than half of their calls in common are one; what nearly all call (a log-in) makes none of them one.
_ALIKE: Final = 0.5
_MOST_COMPARED: Final = 200
_MOST_FOLDED: Final = 200


class Newcomer(NamedTuple):
    """A test, or a shared fixture, that asks for calls and has no recordings.

    Attributes:
        name: Its scope's name.
        calls: What it asks for: kinds and keys.
        has_missed: Whether it was refused a call: then it may be about to ask for more.

    """

    name: str
    calls: frozenset[tuple[str, str]]
    has_missed: bool


class Move(NamedTuple):
    """A name that recordings have, and the one that they should have: of a test, or of all below."""

    old: str
    new: str
    #: How many tests that are.
    tests: int = 1
    #: Whether the new name has recordings, too, that would have to go.
    is_taken: bool = False

    @property
    def verb(self) -> str:
        """The command that does it."""
        return "rename --replace" if self.is_taken else "rename"


@dataclass
class _Left:
    """The recordings of names that are gone, and were not given to anybody yet."""

    calls: dict[str, frozenset[tuple[str, str]]]
    by_calls: dict[frozenset[tuple[str, str]], list[str]] = field(default_factory=lambda: defaultdict(list))
    by_call: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for name, calls in self.calls.items():
            self.by_calls[calls].append(name)
            for call in calls:
                self.by_call[call].append(name)


def moves(file: CassetteFile, newcomers: Iterable[Newcomer], gone: Collection[str]) -> list[Move]:
    """Return which recordings are those of tests that have other names by now, the fewest moves that say so.

    Args:
        file: The cassette.
        newcomers: Tests without recordings.
        gone: The names in the cassette that are certainly not there any more.

    Raises:
        CassetteError: It cannot be read.

    """
    asking = [one for one in newcomers if one.calls]
    if not asking or not gone:
        return []
    left = _Left({name: frozenset((call.kind, call.key) for call in file.addresses(name)) for name in gone})
    return fold(_pairs(asking, left), file.scopes(), set(gone))


def _pairs(asking: list[Newcomer], left: _Left) -> dict[str, str]:
    """Return new names by old ones."""
    pairs: dict[str, str] = {}
    rest = []
    for one in asking:
        same = [name for name in left.by_calls.get(one.calls, ()) if name not in pairs]
        if same:
            pairs[_most_alike(one.name, same)] = one.name
        else:
            rest.append(one)
    for one in rest[:_MOST_COMPARED]:
        common = Counter(name for call in one.calls for name in left.by_call.get(call, ()) if name not in pairs)
        likely = {name: share for name in common if (share := _share(one, left.calls[name])) > _ALIKE}
        if likely:
            best = max(likely.values())
            pairs[_most_alike(one.name, [name for name, share in likely.items() if share == best])] = one.name
    return pairs


def _share(one: Newcomer, recorded: frozenset[tuple[str, str]]) -> float:
    """Return which share of their calls two tests have in common; of one that was refused a call, of its own."""
    return len(one.calls & recorded) / len(one.calls if one.has_missed else one.calls | recorded)


def _most_alike(name: str, others: list[str]) -> str:
    """Return the name that is most like another one; of a test in another file the same test."""
    if len(others) == 1:
        return others[0]
    matcher = SequenceMatcher(b=name, autojunk=False)

    def likeness(other: str) -> float:
        matcher.set_seq1(other)
        return (other.partition("::")[2] == name.partition("::")[2]) + matcher.ratio()

    return max(others[:_MOST_COMPARED], key=likeness)


def fold(pairs: dict[str, str], known: Collection[str], gone: Collection[str]) -> list[Move]:
    """Return the fewest names that have to be renamed: of folders, files, classes, tests with all their parameters.

    Args:
        pairs: New names by old ones.
        known: All names in the cassette.
        gone: Those that are of nobody any more.

    """
    folded: dict[tuple[str, str], bool] = {}
    found: Counter[tuple[str, str]] = Counter()
    for number, (old, new) in enumerate(pairs.items()):
        for ends in _beginnings(old, new):
            if ends not in folded:
                folded[ends] = number < _MOST_FOLDED and _go_together(*ends, pairs, below(known, ends[0]), gone)
            if folded[ends]:
                found[ends] += 1
                break
        else:
            found[old, new] += 1
    return [Move(old, new, number, bool(renamed(known, old, new)[1])) for (old, new), number in found.items()]


def _go_together(before: str, after: str, pairs: dict[str, str], names: list[str], gone: Collection[str]) -> bool:
    """Return whether all names that begin in one way are free to begin in another, and of each file one is known to."""
    renamed = {name: after + name[len(before) :] for name in names}
    if not all(name in gone and pairs.get(name, new) == new for name, new in renamed.items()):
        return False
    files = {name.file for name in map(split, names) if not name.is_fixture}
    return files <= {split(name).file for name in names if name in pairs}


def _beginnings(old: str, new: str) -> Iterator[tuple[str, str]]:
    """Yield how two names begin that go on in the same way, the shortest first."""
    bare = old.partition("[")[0]
    ends = [place for place in range(1, len(bare)) if bare[place] in "/@" or bare.startswith("::", place)]
    for place in (*ends, len(bare)):
        rest = old[place:]
        before, after = old[:place], new.removesuffix(rest) if rest else new
        if after and before != after and new == after + rest:
            yield before, after
