"""Pairs of functions that store and make again what is no plain data."""

from __future__ import annotations

import datetime as dt
import enum
import json

import pytest

from pytest_recorded.codec import dump, dump_error, load, load_error
from pytest_recorded.converters import converter_of
from pytest_recorded.errors import ConfigurationError, RecordedFailure, SerializationError
from pytest_recorded.objects import Types, register
from pytest_recorded.paths import drop, parse


class Vector:
    """A value of some library: slots, no dictionary, nothing that could be looked into."""

    __slots__ = ("_parts",)

    def __init__(self, *parts):
        self._parts = parts

    def __eq__(self, other):
        return type(self) is type(other) and self._parts == other._parts

    def __hash__(self):
        return hash(self._parts)

    def parts(self):
        return list(self._parts)


class Point(Vector):
    pass


class Named(Vector):
    pass


class StatusError(Exception):
    """An exception that holds what cannot be stored."""

    def __init__(self, code, channel=None):
        super().__init__(channel)
        self._code = code

    def code(self):
        return self._code


class NotFoundError(StatusError):
    pass


class Colour(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    LOW = 1


register(Vector, dump=Vector.parts, load=lambda stored, cls: cls(*stored))
register(Named, dump=lambda value: {"parts": value.parts()}, load=lambda stored, cls: cls(*stored["parts"]))
register(StatusError, dump=StatusError.code, load=lambda stored, cls: cls(stored))
register(Level, dump=lambda value: f"level {value.name}", load=lambda stored, cls: cls[stored.split()[1]])


@pytest.mark.parametrize(
    "value",
    [Vector(1, 2.5), [Vector(), {"at": Point(1)}], Named("a"), Vector(Point(dt.date(2030, 1, 2)), b"\xff"), Level.LOW],
    ids=["itself", "subclasses", "nearest", "nested", "enumeration"],
)
def test_a_pair_stores_a_value_and_makes_it_again_of_equal_type(value):
    assert load(dump(value)) == value


def test_what_the_pair_returns_is_stored_as_plain_json_under_the_name_of_the_class():
    assert json.loads(dump(Named(1))) == {"py:object": {"class": f"{__name__}.Named", "value": {"parts": [1]}}}


def test_a_loaded_subclass_needs_no_annotation_and_one_that_was_defined_again_is_the_latest():
    class Twice(Vector):
        pass

    elder, Twice = Twice, None  # noqa: N806 - a name that is used again
    text = dump(elder(1))

    class Twice(Vector):
        pass

    known = Types()
    assert [type(load(text, known)) for _ in range(2)] == [Twice, Twice]


def test_where_its_own_class_is_not_loaded_the_registered_base_stands_in():
    text = dump(Point(1)).replace("Point", "Hidden")
    assert load(text) == Vector(1)
    text, _ = dump_error(NotFoundError(404))
    made = load_error(text.replace("NotFoundError", "HiddenError"), Types())
    assert (type(made), made.code()) == (StatusError, 404)


def test_a_base_that_cannot_stand_in_says_that_the_class_is_not_imported():
    class Base:
        pass

    class Derived(Base):
        pass

    register(Base, dump=lambda _value: 1, load=lambda _stored, cls: {Derived: 1}[cls])
    text = dump(Derived()).replace("Derived", "Hidden")
    with pytest.raises(SerializationError, match=r"raised KeyError: .* The module of .*\.Hidden is not imported here"):
        load(text)


def test_the_pair_that_is_registered_last_serves():
    class Fickle:
        pass

    register(Fickle, dump=lambda _value: 1, load=lambda _stored, cls: cls())
    register(Fickle, dump=lambda _value: 2, load=lambda _stored, cls: cls())
    assert json.loads(dump(Fickle()))["py:object"]["value"] == 2


def test_a_class_without_a_pair_of_its_own_or_its_bases_has_none():
    assert converter_of(Colour) is None
    with pytest.raises(SerializationError, match=r"of type builtins\.object cannot be stored.*register\(object, dump="):
        dump(object())


def test_an_exception_comes_back_as_its_pair_makes_it():
    text, lost = dump_error(NotFoundError(404, channel=object()))
    made = load_error(text, Types())
    assert (type(made), made.code(), lost) == (NotFoundError, 404, [])


def test_an_exception_inside_a_value_comes_back_likewise():
    (made,) = load(dump([StatusError(500, channel=object())]))
    assert (type(made), made.code()) == (StatusError, 500)


def test_an_exception_whose_pair_fails_is_stored_without_it():
    class BrokenError(Exception):
        pass

    register(BrokenError, dump=lambda error: error.nothing, load=lambda _stored, cls: cls())
    text, lost = dump_error(BrokenError("why"))
    assert lost == ["$"]
    assert load_error(text, Types([BrokenError])).args == ("why",)
    with pytest.raises(SerializationError, match=r"^\$\[0\]: dump=, registered for BrokenError, raised AttributeError"):
        dump([BrokenError("why")])


def test_what_is_made_of_an_exception_must_be_one():
    class OddError(Exception):
        pass

    register(OddError, dump=str, load=lambda stored, _cls: stored)
    text, _ = dump_error(OddError("why"))
    with pytest.raises(SerializationError, match=r"registered for .*OddError, returned str, which cannot be raised"):
        load_error(text, Types())


@pytest.mark.parametrize(
    ("dumping", "loading", "problem"),
    [
        (lambda _value: 1 / 0, None, r"^\$\.at\[1\]: dump=, registered for Faulty, raised ZeroDivisionError: "),
        (lambda _value: [object()], None, r"^\$\.at\[1\]\[0\]: a value of type builtins\.object cannot be stored"),
        (lambda value: [value], None, "contains itself, or is nested too deeply"),
        (lambda _value: 1, lambda _stored, _cls: 1 / 0, r"^\$\.at\[1\]: load=, registered for Faulty, raised ZeroDiv"),
    ],
    ids=["dump", "unstorable", "recursion", "load"],
)
def test_a_pair_that_fails_says_where_and_why(dumping, loading, problem):
    class Faulty:
        pass

    register(Faulty, dump=dumping, load=loading or (lambda _stored, cls: cls()))
    with pytest.raises(SerializationError, match=problem):
        load(dump({"at": [1, Faulty()]}))


def test_a_value_that_a_pair_has_stored_needs_the_pair_again():
    class Plain:
        pass

    text = dump(Named(1)).replace("Named", "test_a_value_that_a_pair_has_stored_needs_the_pair_again.<locals>.Plain")
    with pytest.raises(
        SerializationError, match=r"Plain was stored by a pair of functions\. Register it again: register\(…"
    ):
        load(text, Types([Plain]))


def test_a_class_that_no_pair_serves_is_not_found_by_its_name_in_a_file():
    class Stranger:
        pass

    text = dump(Named(1)).replace("Named", Stranger.__qualname__)
    with pytest.raises(SerializationError, match="is not known here"):
        load(text)
    text, _ = dump_error(StatusError(404))
    assert isinstance(load_error(text.replace("StatusError", "Stranger"), Types()), RecordedFailure)


@pytest.mark.parametrize(
    "given", [{"dump": str}, {"load": str}, {"dump": "str", "load": str}], ids=["dump", "load", "text"]
)
def test_half_a_pair_is_refused(given):
    with pytest.raises(
        ConfigurationError, match=r"register\(Colour, …\): dump= and load= are a pair of functions\. Give"
    ):
        register(Colour, **given)


@pytest.mark.parametrize("cls", [object, dict, Exception, dt.datetime])
def test_a_pair_for_a_class_of_pythons_own_is_refused(cls):
    with pytest.raises(ConfigurationError, match=rf"values of {cls.__name__} are stored as they are"):
        register(cls, dump=str, load=lambda stored, _cls: stored)


def test_paths_lead_into_what_a_pair_has_stored():
    tree = json.loads(dump({"at": [Named(1, 2), Vector("x", "y")]}))
    tree = drop(tree, [parse("$.at[0].parts", where="t"), parse("$.at[1][0]", where="t")])
    name = f"{__name__}."
    assert tree == {
        "at": [
            {"py:object": {"class": name + "Named", "value": {}}},
            {"py:object": {"class": name + "Vector", "value": [None, "y"]}},
        ]
    }
