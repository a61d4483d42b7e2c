"""The text form: what its files begin with, and which tests and calls are in them.

::

    calls.jsonl     the header on the first line, then a call a line
    calls/
      cassette.json the header
      test_a.json   the calls of one test

The header says which version of this form it is, which facts the cassette keeps about itself, and of which tests and
kinds the calls are, if not of all.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..entry import load_object
from ..errors import SerializationError
from ..shown import shown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = [
    "FORMAT",
    "HEADER_FILE",
    "MARK",
    "Header",
    "header_of",
    "is_header",
    "need_format",
    "need_storable",
    "scope_in",
    "test_of",
    "test_tree",
]

#: The version of this form.
FORMAT: Final = 1
#: What every file says that was exported, and what of it is in there.
MARK: Final = "pytest-recorded"
#: The file of a folder that has its header.
HEADER_FILE: Final = "cassette.json"

_CASSETTE: Final = "cassette"
_TEST: Final = "test"
_HEADER_NAMES: Final = {MARK, "format", "tests", "kinds", "facts"}
_TEST_NAMES: Final = {MARK, "format", "scope", "calls"}
_CORRECT: Final = "Correct it, or export the cassette again."
# How a file begins that was exported, also after somebody has indented it in his own way.
_BEGINNING: Final = re.compile(
    rf'\s*{{\s*"{MARK}"\s*:\s*"(?P<what>{_CASSETTE}|{_TEST})"\s*,\s*"format"\s*:\s*\d+\s*'
    rf'(?:,\s*"scope"\s*:\s*(?P<scope>"(?:[^"\\]|\\.)*"))?'
)
_LONGEST_BEGINNING: Final = 65_536


class Header(NamedTuple):
    """What is said of a cassette before its calls.

    Attributes:
        facts: Facts that the cassette keeps about itself, by name.
        tests: Globs of the tests whose calls these are; of none means of all.
        kinds: Globs of their kinds; likewise.

    """

    facts: dict[str, str]
    tests: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether all that the cassette had is there."""
        return not self.tests and not self.kinds

    def tree(self) -> dict[str, Any]:
        """Return the header as JSON."""
        parts = {"tests": list(self.tests), "kinds": list(self.kinds)}
        return {
            MARK: _CASSETTE,
            "format": FORMAT,
            **{name: part for name, part in parts.items() if part},
            "facts": self.facts,
        }


def header_of(text: str, where: str) -> Header:
    """Return the header that a text is; `where`: where it stands, for messages.

    Raises:
        SerializationError: It is none, or of a later version.

    """
    tree = load_object(text, where)
    need_format(tree, _CASSETTE, _HEADER_NAMES, where)
    facts, tests, kinds = tree.get("facts", {}), tree.get("tests", []), tree.get("kinds", [])
    if type(facts) is not dict or not all(type(value) is str for value in facts.values()):
        raise SerializationError(f"it is no object with texts. {_CORRECT}", f"{where}: $.facts")
    need_storable((*facts, *facts.values()), f"{where}: $.facts")
    for name, part in (("tests", tests), ("kinds", kinds)):
        if type(part) is not list or not all(type(glob) is str for glob in part):
            raise SerializationError(f"it is no list of texts. {_CORRECT}", f"{where}: $.{name}")
    return Header(facts, tuple(tests), tuple(kinds))


def test_of(text: str, where: str) -> tuple[str, list[Any]]:
    """Return the test whose file this is, and the trees of its calls; `where`: see `header_of`.

    Raises:
        SerializationError: It is no such file, or of a later version.

    """
    tree = load_object(text, where)
    need_format(tree, _TEST, _TEST_NAMES, where)
    for name, kind, what in (("scope", str, "text"), ("calls", list, "list")):
        if type(tree.get(name)) is not kind:
            raise SerializationError(f"it is missing, or no {what}. {_CORRECT}", f"{where}: $.{name}")
    return tree["scope"], tree["calls"]


def test_tree(scope: str) -> dict[str, Any]:
    """Return what the file of a test begins with, as JSON, before its calls."""
    return {MARK: _TEST, "format": FORMAT, "scope": scope}


def need_format(tree: dict[str, Any], what: str, names: set[str], where: str) -> None:
    """Raise `SerializationError` if an object is not what it should be, or is of a later version."""
    if tree.get(MARK) != what:
        raise SerializationError(f'it does not say "{MARK}": "{what}", as what export writes does. {_CORRECT}', where)
    version = tree.get("format")
    if type(version) is not int or version < 1:
        raise SerializationError(
            f"it is {shown(version)}, not the version of this form. {_CORRECT}", f"{where}: $.format"
        )
    if version > FORMAT:
        raise SerializationError(
            f"it is {version}; this pytest-recorded reads up to {FORMAT}. "
            f"Install a newer one: pip install -U pytest-recorded",
            f"{where}: $.format",
        )
    if unknown := sorted(tree.keys() - names):
        raise SerializationError(
            f"the name {shown(unknown[0])} is not known here: known are {', '.join(sorted(names))}. {_CORRECT}", where
        )


def need_storable(texts: Iterable[str | None], where: str) -> None:
    """Raise `SerializationError` if one of some texts is none that a file can hold."""
    for text in texts:
        try:
            (text or "").encode()
        except UnicodeEncodeError:
            raise SerializationError(
                f"{shown(text)} has half a letter, which no file can hold. {_CORRECT}", where
            ) from None


def scope_in(path: Path) -> str | None:
    """Return the test whose exported file this is, `""` for calls that tests share; None if it is none.

    Only its beginning is looked at: who has had a conflict in the middle of it still has the file of an export.
    """
    found = _begun(path)
    return None if found is None or found["what"] != _TEST or found["scope"] is None else _unquoted(found["scope"])


def is_header(path: Path) -> bool:
    """Return whether a file begins with the header of an export."""
    found = _begun(path)
    return found is not None and found["what"] == _CASSETTE


def _begun(path: Path) -> re.Match[str] | None:
    # What a link leads to is not what was exported here.
    if path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        return _BEGINNING.match(file.read(_LONGEST_BEGINNING).decode("utf-8-sig", "replace"))


def _unquoted(text: str) -> str | None:
    try:
        return str(json.loads(text))
    except ValueError:
        return None
