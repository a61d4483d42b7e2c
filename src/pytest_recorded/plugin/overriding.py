"""Fixtures of ours that a project overrides: what they have returned for a test, and which cassette they name."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..errors import ConfigurationError
from ..options import read_options

if TYPE_CHECKING:
    import pytest

__all__ = [
    "CASSETTE",
    "OPTIONS",
    "PROJECTIONS",
    "Said",
    "foreseen",
    "given",
    "is_known",
    "overriding",
    "said_of_shared",
    "said_to",
]

OPTIONS: Final = "recorded_options"
CASSETTE: Final = "recorded_cassette"
PROJECTIONS: Final = "recorded_projections"
_UNKNOWN: Final = object()


class Said(NamedTuple):
    """What fixtures say of a test, or of a fixture that tests share.

    Attributes:
        options: Options, read; `cassette` is absolute.
        place: Which fixture has named the cassette, in words; `""` if none has.

    """

    options: dict[str, Any]
    place: str = ""


def overriding(name: str, item: pytest.Item) -> Any:
    """Return the fixture of ours that a project has overridden, the nearest to a test; None if it has not."""
    return next(reversed(_all(name, item, item.path)), None)


def _all(name: str, node: pytest.Item | pytest.Collector, path: Path) -> list[Any]:
    return [definition for definition in _seen_by_pytest(name, node) if _is_around(definition, path)]


def _seen_by_pytest(name: str, node: pytest.Item | pytest.Collector) -> list[Any]:
    manager = node.session._fixturemanager  # noqa: SLF001 - the only way to know whether it is overridden
    # The first is ours.
    return list(manager.getfixturedefs(name, node) or ())[1:]


def _is_around(definition: Any, path: Path) -> bool:
    """Return whether a fixture is for what is at a path; pytest gives those that are not below the rootdir to all."""
    file = _file(definition)
    if file is None or file.name != "conftest.py" or path.is_relative_to(file.parent):
        return True
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(file.parent))


def given(name: str, item: pytest.Item, default: Any) -> Any:
    """Return what such a fixture has returned, if it has."""
    value = _value(overriding(name, item), item, default)
    return default if value is _UNKNOWN else value


def is_known(item: pytest.Item) -> bool:
    """Return whether what a test needs to begin is known: the fixtures that have a say have returned."""
    return all(_value(overriding(name, item), item, None) is not _UNKNOWN for name in (OPTIONS, CASSETTE))


def _value(definition: Any, item: pytest.Item, default: Any) -> Any:
    if definition is None:
        return default
    parameter = getattr(getattr(item, "callspec", None), "params", {}).get(definition.argname)
    if definition.cached_result is not None:
        value, key, error = definition.cached_result
        # It may be of the parameter before.
        if error is None and (parameter is None or key is parameter):
            return value
    # pytest calls the one that it takes for the nearest.
    return _UNKNOWN if definition is _seen_by_pytest(definition.argname, item)[-1] else _called(definition)


def said_to(item: pytest.Item) -> Said:
    """Return what fixtures say of a test.

    Raises:
        ConfigurationError: It is wrong.

    """
    options, cassette = ((overriding(name, item), given(name, item, None)) for name in (OPTIONS, CASSETTE))
    return _said(item, options, cassette)


def foreseen(item: pytest.Item, known: dict[Any, str]) -> str:
    """Return the cassette that fixtures will name for a test, before it runs; `""` if none will, or nobody can know.

    Args:
        item: The test.
        known: What was found for others, by the fixtures.

    """
    definitions = tuple(overriding(name, item) for name in (OPTIONS, CASSETTE))
    if definitions == (None, None):
        return ""
    if definitions not in known:
        try:
            options, cassette = ((one, _called(one) if one is not None else None) for one in definitions)
            known[definitions] = _said(item, options, cassette).options.get("cassette", "")
        except Exception:  # noqa: BLE001 - whatever it is, the tests themselves will say it
            known[definitions] = ""
    return known[definitions]


def said_of_shared(item: pytest.Item, node: Any, base: str) -> Said:
    """Return what fixtures say of one that tests share: only those that are seen from it, whichever test comes first.

    Args:
        item: One of the tests.
        node: What it is shared by: a class, a module, the session.
        base: Where it is written: the base id of the fixture.

    Raises:
        ConfigurationError: It is wrong, or cannot be known.

    """
    found: list[tuple[Any, Any]] = []
    for name in (OPTIONS, CASSETTE):
        of_node = _seen_by_pytest(name, node or item.session)
        seen = [one for one in _all(name, item, item.path) if one in of_node or _is_above(one.baseid, base)]
        definition = seen[-1] if seen else None
        value = _value(definition, item, None)
        found.append((definition, _called(definition) if value is _UNKNOWN else value))
    options, cassette = found
    return _said(item, options, cassette)


def _is_above(base: str, below: str) -> bool:
    return base in {"", ".", below} or below.startswith((f"{base}/", f"{base}::"))


def _called(definition: Any) -> Any:
    """Return what a fixture returns that was not asked for by the test at hand, or was not asked for yet."""
    function = definition.func
    is_plain = not (inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function))
    if is_plain and definition.params is None and not inspect.signature(function).parameters:
        return function()
    raise ConfigurationError(
        f"{_place(definition)} is asked for a cassette that is not the one of the test at hand, as for a fixture that "
        f"tests share, and cannot be called there. Let it take no arguments, and return its value."
    )


def _said(item: pytest.Item, options: tuple[Any, Any], cassette: tuple[Any, Any]) -> Said:
    read = read_options(dict(options[1] or {}), where=f"the fixture {OPTIONS}")
    named = [(options[0], read["cassette"])] if "cassette" in read else []
    if cassette[1] is not None:
        _check(cassette[1], cassette[0])
        named.insert(0, cassette)
    if not named:
        return Said(read)
    from ..location import locate  # noqa: PLC0415 - needed where a fixture names a cassette

    # The nearer one; of two in one place that which is about nothing else.
    definition, path = max(named, key=lambda one: len(one[0].baseid))
    place, file = _place(definition), _file(definition)
    located = locate(path, file.parent if file is not None else item.config.rootpath, where=place)
    return Said({**read, "cassette": str(located)}, place)


def _check(path: Any, definition: Any) -> None:
    """Refuse what is no path."""
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise ConfigurationError(
            f"{_place(definition)} returned {path!r}. Return the path of a cassette (str or Path), or None for the "
            f"usual one."
        )


def _file(definition: Any) -> Path | None:
    """Return the file that a fixture is written in."""
    # What a code object says of its file may be of another folder, from which pytest's bytecode was copied.
    names = getattr(inspect.unwrap(definition.func), "__globals__", {})
    return Path(names["__file__"]) if names.get("__file__") else None


def _place(definition: Any) -> str:
    file = _file(definition)
    return f"the fixture {definition.argname} in {file}" if file is not None else f"the fixture {definition.argname}"
