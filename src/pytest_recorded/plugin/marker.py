"""`@pytest.mark.recorded`: several of them, on a test, its class and its module, read as one."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from ..decorator import SLOT_ARGUMENTS, slots_from
from ..errors import ConfigurationError
from ..function import Target
from ..options import OF_TESTS, read_options, unknown_argument
from ..wrap import wrap

if TYPE_CHECKING:
    import pytest

__all__ = ["Marked", "read_markers"]

# On a marker that names functions these say something about the functions, not about the test.
_OF_FUNCTIONS = ("kind", *SLOT_ARGUMENTS)
_ONLY_OF_FUNCTIONS = tuple(name for name in _OF_FUNCTIONS if name not in OF_TESTS)


class Marked(NamedTuple):
    """What the markers of a test say.

    Attributes:
        options: Options, read.
        targets: The functions that are recorded by their dotted paths.

    """

    options: dict[str, Any]
    targets: dict[str, Target]


def read_markers(item: pytest.Item | pytest.Collector) -> Marked:
    """Return what the markers of a test, or of all tests below a node, say together: the nearest wins.

    Raises:
        ConfigurationError: An argument is wrong, or two markers at one place contradict each other.

    """
    options: dict[str, Any] = {}
    functions: dict[str, dict[str, Any]] = {}
    for place, marks in reversed(_levels(item)):
        level: dict[str, Any] = {}
        named: dict[str, dict[str, Any]] = {}
        for mark in marks:
            of_test, of_functions = _split(mark, place)
            _join(level, of_test, place)
            for path in mark.args:
                _join(named, {path: of_functions}, place)
        options |= level
        functions |= named
    read = read_options(options, where=f"the marker of {item.nodeid}")
    return Marked(read, {path: _target(path, given, item.nodeid) for path, given in functions.items()})


def _levels(item: pytest.Item | pytest.Collector) -> list[tuple[str, list[pytest.Mark]]]:
    """Return the markers by where they are, the nearest first; those of a parameter are nearer than their test's."""
    own = getattr(getattr(item, "callspec", None), "marks", ())
    levels = []
    for node, pairs in groupby(item.iter_markers_with_node("recorded"), key=lambda pair: pair[0]):
        marks = [mark for _, mark in pairs]
        near = [mark for mark in marks if mark in own]
        levels += [(f"parameter {node.name}", near)] if near else []
        levels += [(node.name, [mark for mark in marks if mark not in own])]
    return levels


def _split(mark: pytest.Mark, place: str) -> tuple[dict[str, Any], dict[str, Any]]:
    where = f"the marker `recorded` of {place}"
    of_functions = _OF_FUNCTIONS if mark.args else ()
    for name in mark.kwargs:
        if name in _ONLY_OF_FUNCTIONS and not mark.args:
            raise ConfigurationError(
                f"{where}: {name}= says something about functions. Name them first: "
                f'@pytest.mark.recorded("shop.llm.complete", {name}=…).'
            )
        if name not in OF_TESTS and name not in of_functions:
            raise unknown_argument(name, (*OF_TESTS, *_ONLY_OF_FUNCTIONS), where=where)
    for path in mark.args:
        if not isinstance(path, str):
            raise ConfigurationError(
                f"{where}: {path!r} is no dotted path. Name a function as a string: 'shop.llm.complete'."
            )
    if len(mark.args) > 1 and "kind" in mark.kwargs:
        raise ConfigurationError(
            f"{where}: kind={mark.kwargs['kind']!r} with {len(mark.args)} functions would mix up their calls. "
            f"Use a marker for each."
        )
    slots = {name: value for name, value in mark.kwargs.items() if name in of_functions}
    return {name: value for name, value in mark.kwargs.items() if name not in slots}, slots


def _join(known: dict[str, Any], more: dict[str, Any], place: str) -> None:
    for name, value in more.items():
        if name in known and known[name] != value:
            raise ConfigurationError(
                f"two markers of {place} contradict each other: {name}={known[name]!r} and {name}={value!r}. Keep one."
            )
        known[name] = value


def _target(path: str, given: dict[str, Any], where: str) -> Target:
    slots = {name: value for name, value in given.items() if name != "kind"}
    found = wrap(path)
    kind = given.get("kind") or path
    if kind.startswith("http."):
        raise ConfigurationError(f"the marker of {where}: kinds that begin with 'http.' are those of HTTP calls.")
    return Target(found.fn, kind, slots_from(slots, where=f"the marker of {where}"), receiver=found.receiver)


def rest_of(item: pytest.Item) -> str:
    """Return what follows the file in a node id, without the `@group` that xdist may have added."""
    rest = item.nodeid.partition("::")[2]
    before, at, group = rest.rpartition("@")
    marker = item.get_closest_marker("xdist_group")
    if at and marker is not None and group in (*marker.args, marker.kwargs.get("name")):
        return before
    return rest
