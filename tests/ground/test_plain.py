from __future__ import annotations

import dataclasses
import re
import sqlite3
from collections import OrderedDict, deque
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag, IntEnum, StrEnum
from fractions import Fraction
from functools import cached_property
from pathlib import PurePosixPath, PureWindowsPath
from types import MappingProxyType
from typing import NamedTuple, TypedDict
from uuid import UUID

import pydantic
import pytest

from pytest_recorded import converters, register
from pytest_recorded.outline import write
from pytest_recorded.paths import parse
from pytest_recorded.plain import IGNORED, Bare, Plain, masked


class Colour(Enum):
    RED = "r"


class Level(IntEnum):
    HIGH = 2


class Word(StrEnum):
    YES = "yes"


class Right(Flag):
    READ = 1
    WRITE = 2


class City(pydantic.BaseModel):
    name: str = pydantic.Field(alias="cityName")
    secret: str = pydantic.Field(default="s", exclude=True)

    @cached_property
    def length(self):
        return len(self.name)


class Trip(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    stops: list[City]
    tags: set[str]


class Names(pydantic.RootModel[list[str]]):
    pass


@dataclasses.dataclass
class Point:
    x: int
    y: City | None = None


class Pair(NamedTuple):
    left: int
    right: object


class Typed(TypedDict):
    a: int


class Slotted:
    __slots__ = ("_hidden", "shown")

    def __init__(self):
        self.shown, self._hidden = 1, 2


class Addressed:
    def __init__(self):
        self.value = 3

    def __repr__(self):
        return f"<Addressed at {id(self):#x}>"


class Tagged:
    def __init__(self):
        self.tags = {"b", "a", "c"}

    def __repr__(self):
        return f"Tagged({self.tags})"


class Broken:
    def __repr__(self):
        raise RuntimeError


class Money:
    def __init__(self, cents):
        self.cents = cents


class Loop:
    def __init__(self):
        self.me = self


def home():
    return City(cityName="Rome")


VALUES = {
    "text": ("a", '"a"'),
    "numbers": ([1, 1.0, -0.0, 10**20, 1e300], "- 1\n- 1.0\n- -0.0\n- 100000000000000000000\n- 1e+300"),
    "no numbers": ([float("nan"), float("inf"), -float("inf")], "- nan\n- inf\n- -inf"),
    "constants": ([None, True, False, ...], "- null\n- true\n- false\n- Ellipsis"),
    "enums": ([Colour.RED, Level.HIGH, Word.YES], "- Colour.RED\n- Level.HIGH\n- Word.YES"),
    "flags": ([Right.READ | Right.WRITE, Right(0)], "- Right.READ|WRITE\n- Right.0"),
    "times": (
        [datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), date(2026, 1, 2), time(3, 4), timedelta(hours=1)],
        "- 2026-01-02T03:04:05+00:00\n- 2026-01-02\n- 03:04:00\n- timedelta(seconds=3600)",
    ),
    "decimals": ([Decimal("1.50"), Fraction(1, 2), 1 + 2j], '- Decimal("1.50")\n- Fraction(1, 2)\n- (1+2j)'),
    "uuid": (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    "paths": ([PurePosixPath("a/b"), PureWindowsPath("a\\b")], '- Path("a/b")\n- Path("a/b")'),
    "bytes": ([b"plain", b"\x00\xff", bytearray(b"x")], "- b'plain'\n- <bytes 00 ff>\n- b'x'"),
    "many bytes": (b"x" * 100, "<100 bytes, blake2b 9ab81e889c7b4221>"),
    "sets": ([{10, 9, 2}, frozenset({"b", "a"})], '- - 2\n  - 9\n  - 10\n- - "a"\n  - "b"'),
    "sequences": ([(1, 2), deque([3]), range(2)], "- - 1\n  - 2\n- - 3\n- - 0\n  - 1"),
    "dicts are sorted": ({"b": 1, "a": 2}, "a: 2\nb: 1"),
    "ordered dicts are not": (OrderedDict(b=1, a=2), "b: 1\na: 2"),
    "mappings": (MappingProxyType({"a": Typed(a=1)}), "a:\n  a: 1"),
    "keys": ({1: "a", "1": "b", None: 0, (1, "x"): 0}, '"1": "b"\n[1]: "a"\n[None]: 0\n[[1, \'x\']]: 0'),
    "models": (
        Trip(stops=[City(cityName="Rome")], tags={"b", "a"}, more=1),
        'stops:\n  - name: "Rome"\ntags:\n  - "a"\n  - "b"\nmore: 1',
    ),
    "root models": (Names(["a"]), 'root:\n  - "a"'),
    "dataclasses": (Point(1, City(cityName="Rome")), 'x: 1\ny:\n  name: "Rome"'),
    "named tuples": (Pair(1, Pair(2, 3)), "left: 1\nright:\n  left: 2\n  right: 3"),
    "errors": (ValueError("no"), '[ValueError]: "no"'),
    "groups": (ExceptionGroup("two", [KeyError("k")]), None),
    "slots": (Slotted(), None),
    "addresses": ([Addressed(), object(), ValueError(f"at {object()}")], None),
    "broken": (Broken(), None),
    "functions": ([home, len, City, re], None),
    "loops": (Loop(), None),
    "lambdas": (lambda: 1, None),
    "patterns": (re.compile("a"), "re.compile('a')"),
    "empty": ([[], {}, "", (), set()], '- []\n- {}\n- ""\n- []\n- []'),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_shown_as_people_read_it_and_never_with_an_address(name):
    value, expected = VALUES[name]
    text = write(Plain()(value))
    assert expected is None or text == expected
    assert "0x7" not in text
    assert text == write(Plain()(value))


def test_objects_are_given_by_class_and_public_fields_where_their_repr_says_nothing_lasting():
    shown = write(Plain()([Addressed(), Slotted(), Tagged(), Broken(), Loop(), ValueError(f"at {Addressed()}")]))
    module = __name__
    assert shown == "\n".join(
        [
            f"- [{module}.Addressed]:",
            "    value: 3",
            f"- [{module}.Slotted]:",
            "    shown: 1",
            f"- [{module}.Tagged]:",
            "    tags:",
            '      - "a"',
            '      - "b"',
            '      - "c"',
            f"- <{module}.Broken>",
            f"- [{module}.Loop]:",
            "    me: …",
            '- [ValueError]: "at <Addressed at 0x…>"',
        ]
    )


def test_a_property_that_was_looked_at_is_no_part_of_a_model():
    city = City(cityName="Rome")
    before = write(Plain()(city))
    assert city.length == 4
    assert write(Plain()(city)) == before


def test_a_row_of_sqlite_is_shown_by_its_columns():
    """It has a repr of its own without them, and two rows would look equal."""
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    row = connection.execute("SELECT 1 AS a, 'x' AS b").fetchone()
    connection.close()
    assert Plain({sqlite3.Row: dict})([row]) == [{"a": 1, "b": "x"}]


def test_a_class_with_registered_functions_is_shown_as_it_is_stored(monkeypatch):
    monkeypatch.setattr(converters, "_converters", {})
    register(Money, dump=lambda money: {"cents": money.cents}, load=lambda tree, cls: cls(tree["cents"]))
    assert Plain()([Money(5)]) == [{"cents": 5}]


def test_a_value_that_contains_itself_or_is_nested_without_end_is_cut():
    loop = []
    loop.append(loop)
    assert Plain()(loop) == [Bare("…")]
    deep = []
    for _ in range(300):
        deep = [deep]
    assert "…" in write(Plain()(deep))
    twice = [1]
    assert Plain()([twice, twice]) == [[1], [1]]


def test_a_word_equals_no_text():
    assert Bare("a") != "a"
    assert Bare("a") == Bare("a")
    assert len({Bare("1"): 1, "1": 2}) == 2


def test_filters_and_matchers_are_asked_with_the_names_that_syrupy_uses():
    asked = []

    def matcher(*, data, path):
        asked.append(".".join(str(name) for name, _ in path))
        return IGNORED if data == 7 else data

    def exclude(*, prop, path):
        return prop == "gone" and len(path) == 1

    tree = Plain(exclude=exclude, matcher=matcher)([{"a": 7, "gone": 1, "b": {"gone": 2}}])
    assert tree == [{"a": IGNORED, "b": {"gone": 2}}]
    assert asked == ["", "0", "0.a", "0.b", "0.b.gone"]


def test_ignored_places_are_masked_by_path_and_by_name():
    tree = Plain()({"id": 1, "items": [{"id": 2, "at": 3}], "at": 4})
    paths = [parse(path, where="test") for path in ("id", "$.items[*].at")]
    assert masked(tree, paths) == {"id": IGNORED, "items": [{"id": IGNORED, "at": IGNORED}], "at": 4}
    assert tree["id"] == 1
