from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum, IntFlag, StrEnum, auto
from itertools import pairwise
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar
from uuid import UUID

import pydantic
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_recorded.codec import canonical, dump, dump_error, encode, is_plain, load, load_error
from pytest_recorded.objects import Types

T = TypeVar("T")


class Colour(Enum):
    RED = "r"
    GREEN = (1, 2)
    ALSO_RED = "r"  # noqa: PIE796 - an alias


class Word(StrEnum):
    ONE = "one"
    TAG = "py:tuple"


class Number(IntEnum):
    ZERO = 0
    MINUS = -1


class Right(Flag):
    READ = auto()
    WRITE = auto()
    RUN = auto()


class Bits(IntFlag):
    A = 1
    B = 2


class Point(NamedTuple):
    x: Any
    y: Any = 0


@dataclass
class Order:
    what: Any
    lines: Any = field(default_factory=list)
    name: ClassVar[str] = "order"


@dataclass
class LargeOrder(Order):
    size: Any = 0


@dataclass(frozen=True, slots=True)
class Frozen:
    item: Any
    other: Any = None


@dataclass(slots=True)
class Slotted:
    item: Any
    made: Any = field(init=False, default=1)
    missing: Any = field(init=False)


@dataclass(kw_only=True, eq=False)
class Strict:
    """Its checks would fail for what it holds: reading it back must not run them."""

    item: Any

    def __post_init__(self):
        if self.item == "refused":
            raise AssertionError

    def __setattr__(self, name, value):
        if value == "refused":
            raise AssertionError
        super().__setattr__(name, value)


@dataclass
class Box(Generic[T]):
    content: T


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow", populate_by_name=True, arbitrary_types_allowed=True)

    item: Any
    renamed: Any = pydantic.Field(default=1, alias="reNamed")
    made: Any = pydantic.Field(default_factory=list)
    _hidden: Any = pydantic.PrivateAttr(default=None)
    _absent: Any = pydantic.PrivateAttr()

    @pydantic.computed_field
    @property
    def twice(self) -> str:
        return f"{self.item}{self.item}"


class Closed(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    inner: Any = None


class Root(pydantic.RootModel[Any]):
    pass


class Pair(pydantic.BaseModel, Generic[T]):
    first: T


@pydantic.dataclasses.dataclass
class Checked:
    number: int
    item: Any = None


class ShopError(Exception):
    """Its constructor takes other arguments than it passes on."""

    def __init__(self, code, *, detail):
        super().__init__(f"code {code}")
        self.code = code
        self.detail = detail


class DiskError(OSError):
    pass


KNOWN = Types(
    [
        Colour, Word, Number, Right, Bits, Point, Order, LargeOrder, Frozen, Slotted, Strict, Box, Model, Closed, Root,
        Pair[int], Pair[Any], Checked, ShopError, DiskError,
    ]
)  # fmt: skip


def has_no_pair(text):
    """JSON cannot hold two surrogates side by side, see test_codec.py."""
    return not any(0xD800 <= ord(one) < 0xDC00 and 0xDC00 <= ord(other) < 0xE000 for one, other in pairwise(text))


texts = st.text() | st.text(st.characters(exclude_categories=()), max_size=8).filter(has_no_pair)
powers = st.sampled_from([63, 64, 1999, 2000, 14_000])
integers = st.integers() | st.builds(lambda power, sign, more: sign * 2**power + more, powers, st.sampled_from([1, -1]),
                                     st.integers(-2, 2))  # fmt: skip
zones = st.none() | st.timezones() | st.just(UTC) | st.timedeltas(
    timedelta(hours=-23), timedelta(hours=23)
).map(timezone)  # fmt: skip
moments = st.builds(
    lambda moment, zone, fold: moment.replace(tzinfo=zone, fold=fold), st.datetimes(), zones, st.integers(0, 1)
)
decimals = st.decimals(allow_nan=False) | st.sampled_from(
    [Decimal(text) for text in ("NaN", "-NaN12", "sNaN", "-sNaN7", "Infinity", "-0", "0E-100", "1E+1000", "1.00")]
)
flags = st.sampled_from([Right(0), Right.READ, Right.READ | Right.RUN, ~Right.READ, Bits(0), Bits.A | Bits.B, Bits(4)])
enums = st.sampled_from([*Colour, Colour.ALSO_RED, *Word, *Number]) | flags
path_texts = st.text(st.characters(exclude_characters="\0"), max_size=8)
paths = st.builds(Path, path_texts) | st.builds(PurePosixPath, path_texts) | st.builds(PureWindowsPath, path_texts)

hashable = (
    st.none() | st.booleans() | integers | st.floats(allow_nan=False) | texts | st.binary() | moments | st.dates()
    | st.timedeltas() | decimals.filter(lambda number: not number.is_nan()) | st.uuids() | paths | enums
    | st.complex_numbers(allow_nan=False)
)  # fmt: skip
hashables = st.recursive(
    hashable,
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3) | st.builds(Frozen, inner, inner)
    | st.builds(Point, inner, inner) | st.builds(Closed, inner=inner),
    max_leaves=4,
)  # fmt: skip
scalars = (
    hashable | st.floats() | st.complex_numbers() | decimals | st.binary().map(bytearray)
    | st.builds(lambda moment, zone, fold: moment.replace(tzinfo=zone, fold=fold), st.times(), zones, st.integers(0, 1))
)  # fmt: skip
tag_like = st.sampled_from(["py:tuple", "py:object", "py:", "py:dict", "py:nonsense", "class", "fields"])


def with_attributes(value, attributes):
    for name, item in attributes.items():
        vars(value)[name] = item
    return value


def with_private(model, hidden):
    model._hidden = hidden
    return model


def with_notes(error, notes):
    for note in notes:
        error.add_note(note)
    return error


def slotted(item, missing):
    value = Slotted(item)
    if missing is not None:
        value.missing = missing
    return value


def refused(item):
    value = Strict(item=item)
    vars(value)["item"] = ["refused", item]
    return value


def undecodable(data, reason):
    return UnicodeDecodeError("utf-8", data + b"\xff", len(data), len(data) + 1, reason)


def errors(inner):
    plain = (
        st.builds(ValueError, inner) | st.builds(KeyError, inner, inner) | st.builds(RuntimeError)
        | st.builds(StopIteration, inner)
        | st.builds(ShopError, texts, detail=inner)
        | st.builds(FileNotFoundError, st.just(2), texts, texts)
        | st.builds(OSError, st.integers(1000, 2000), texts, texts, st.none(), texts)
        | st.builds(DiskError, st.integers(1000, 2000), texts, texts) | st.builds(OSError, texts)
        | st.builds(undecodable, st.binary(), texts)
        | st.builds(lambda doc: json.JSONDecodeError("no", doc, 0), texts)
    )  # fmt: skip
    grouped = plain | st.builds(ExceptionGroup, texts, st.lists(plain, min_size=1, max_size=2))
    noted = st.builds(with_notes, grouped | st.builds(SystemExit, st.integers()), st.lists(texts, max_size=2))
    return st.builds(with_attributes, noted, st.dictionaries(texts.map(lambda name: "a" + name), inner, max_size=2))


def models(inner):
    more = st.dictionaries(st.text().map(lambda name: "extra " + name), inner, max_size=2)
    whole = st.builds(lambda item, extra: Model(item=item, **extra), inner, more)
    renamed = st.builds(lambda item, other: Model(item=item, reNamed=other), inner, inner)
    return (
        st.builds(with_private, whole | renamed, inner) | st.builds(Root, inner)
        | st.builds(Pair[int], first=st.integers()) | st.builds(Pair[Any], first=inner)
        | st.builds(Checked, st.integers(), inner) | st.builds(Model.model_construct, item=inner)
    )  # fmt: skip


def containers(inner):
    return (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(texts, inner)
        | st.dictionaries(hashables, inner, max_size=3) | st.dictionaries(tag_like, inner, max_size=2)
        | st.sets(hashables, max_size=4) | st.frozensets(hashables, max_size=4)
        | st.builds(Point, inner, inner) | st.builds(Order, inner) | st.builds(LargeOrder, inner, inner, inner)
        | st.builds(with_attributes, st.builds(Order, inner), st.dictionaries(texts, inner, max_size=2))
        | st.builds(Frozen, inner) | st.builds(slotted, inner, inner) | st.builds(refused, inner)
        | st.builds(Box[int], inner) | models(inner) | errors(inner)
    )  # fmt: skip


values = st.recursive(scalars | tag_like, containers, max_leaves=12)


def shuffled(value, seed):
    """Return an equal value whose dicts and sets have another order."""
    rng = random.Random(seed)
    if isinstance(value, dict):
        items = [(key, shuffled(item, seed)) for key, item in value.items()]
        rng.shuffle(items)
        return dict(items)
    if type(value) in (list, tuple):
        return type(value)(shuffled(item, seed) for item in value)
    if type(value) in (set, frozenset):
        return type(value)(rng.sample(list(value), len(value)))
    return value


@given(value=values)
def test_every_supported_value_comes_back_equal_and_of_equal_type(value, described):
    again = load(dump(value), KNOWN)
    assert described(again) == described(value)


@given(value=values)
def test_a_value_that_was_read_is_written_as_the_same_text(value):
    text = dump(value)
    # The text of an exception shows sets in whatever order they have.
    assume("py:error" not in text)
    assert dump(load(text, KNOWN)) == text


@given(value=values)
def test_a_stored_text_is_json_that_any_reader_accepts_and_any_file_can_hold(value):
    text = dump(value)
    assert text.encode().decode() == text
    json.loads(text, parse_constant=lambda name: 1 / 0)


@given(value=values, seed=st.integers())
def test_equal_values_have_equal_canonical_texts_whatever_the_order_of_their_dicts_and_sets(value, seed):
    assert canonical(encode(shuffled(value, seed))) == canonical(encode(value))


@given(value=values)
def test_a_canonical_text_holds_the_whole_value(value):
    text = canonical(encode(value))
    assume("py:error" not in text)
    assert canonical(encode(load(text, KNOWN))) == text


@given(value=values)
def test_what_is_plain_is_stored_as_the_json_that_it_is(value, described):
    if is_plain(value):
        assert encode(value) is value
        assert described(json.loads(dump(value))) == described(value)


@given(error=errors(values))
def test_every_exception_comes_back_with_its_arguments_attributes_and_notes(error, described):
    text, lost = dump_error(error)
    assert lost == []
    assert described(load_error(text, KNOWN)) == described(error)


@given(value=values)
def test_writing_a_value_leaves_it_as_it_was(value, described):
    before = described(value)
    dump(value)
    assert described(value) == before


@given(number=st.uuids() | st.dates() | st.timedeltas() | decimals)
def test_a_value_that_json_has_not_got_is_stored_under_one_tag(number):
    ((tag, _),) = json.loads(dump(number)).items()
    kind = {UUID: "py:uuid", date: "py:date", timedelta: "py:timedelta", Decimal: "py:decimal"}[type(number)]
    assert tag == kind
