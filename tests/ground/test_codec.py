from __future__ import annotations

import asyncio
import enum
import functools
import json
import re
import subprocess
import sys
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, make_dataclass
from datetime import datetime, tzinfo
from typing import Any, NamedTuple, TypedDict

import pydantic
import pytest
import typing_extensions

from pytest_recorded.codec import canonical, dump, dump_error, encode, load, load_error, to_text
from pytest_recorded.errors import ConfigurationError, RecordedFailure, SerializationError
from pytest_recorded.objects import Types, classes_in, register, registered


@dataclass
class Node:
    item: Any = None
    children: list[Node] = field(default_factory=list)


class Leaf(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)

    item: Any = None


class Label(enum.Enum):
    NEW = 1


class Frozen(NamedTuple):
    item: Any = None


class Person(pydantic.BaseModel):
    label: Label


def deep(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def deep_dict(depth):
    value = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def deep_tuple(depth):
    value = ()
    for _ in range(depth):
        value = (value,)
    return value


def cyclic_list():
    value = [1]
    value.append({"again": value})
    return value


def cyclic_node():
    value = Node()
    value.children.append(value)
    return value


def cyclic_model():
    value = Leaf()
    value.item = (value,)
    return value


class Lazy:
    def __getstate__(self):
        raise AssertionError


# What cannot be stored, and where the message has to say that it is.
UNSTORABLE = [
    (object(), "$"),
    ({"items": [1, 2, 3, {"conn": threading.Lock()}]}, "$.items[3].conn"),
    ({"a b": {"c": (1, {2: print})}}, "$['a b'].c[1][2]"),
    ({1: {"x": Lazy()}}, "$[1].x"),
    ({("a",): Lazy()}, "$[<tuple>]"),
    ({Lazy: 1}, "$[<type>]"),
    (Node(item=[lambda: 1]), "$.item[0]"),
    (Leaf(item={"x": type}), "$.item.x"),
    ([{1, 2}, {Label.NEW, Ellipsis}], "$[1]{}"),
    (ValueError("x", object()), "$.args[1]"),
    ([0, OrderedDict()], "$[1]"),
    ([datetime(2020, 1, 1, tzinfo=type("Odd", (tzinfo,), {})())], "$[0]"),
    ({"a": range(3)}, "$.a"),
]


@pytest.mark.parametrize(("value", "path"), UNSTORABLE, ids=[path for _, path in UNSTORABLE])
def test_what_cannot_be_stored_says_so_with_its_path(value, path):
    with pytest.raises(SerializationError) as caught:
        dump(value)
    assert caught.value.path == path
    assert str(caught.value).startswith(f"{path}: ")


def test_the_message_names_the_type_and_what_to_do():
    with pytest.raises(SerializationError, match=r"type _thread\.lock cannot be stored\. .*ignore=\[…\]"):
        dump([threading.Lock()])


@pytest.mark.parametrize("make", [cyclic_list, cyclic_node, cyclic_model])
def test_a_value_that_contains_itself_is_a_serialization_error(make):
    with pytest.raises(SerializationError, match="contains itself"):
        dump(make())


@pytest.mark.parametrize("make", [deep, deep_dict, deep_tuple])
def test_a_value_that_is_nested_too_deeply_is_a_serialization_error(make):
    with pytest.raises(SerializationError, match="nested too deeply"):
        dump(make(100_000))


@pytest.mark.parametrize("write", [to_text, canonical])
def test_a_tree_that_is_nested_too_deeply_is_a_serialization_error(write):
    with pytest.raises(SerializationError, match="nested too deeply"):
        write(deep(100_000))


@pytest.mark.parametrize("depth", range(900, 1100, 10))
@pytest.mark.parametrize("make", [deep, deep_dict, deep_tuple])
def test_at_the_limit_of_nesting_a_value_comes_back_or_is_refused(make, depth):
    try:
        text = dump(make(depth))
        again = load(text)
    except SerializationError as refused:
        problem = refused.problem
    else:
        problem = None
        assert dump(again) == text
    assert problem is None or "nested too deeply" in problem


def test_200_levels_are_not_too_deep():
    assert load(dump(deep_tuple(100))) == deep_tuple(100)
    assert load(dump(deep_dict(200))) == deep_dict(200)


def test_an_integer_that_python_would_not_print_comes_back():
    for number in (10**5000, -(10**5000), 2**100_000):
        assert load(dump({"n": [number], number: 1})) == {"n": [number], number: 1}


def test_two_surrogates_side_by_side_are_refused_because_json_would_join_them():
    with pytest.raises(SerializationError, match="two surrogates"):
        dump({"a": "\ud83d\ude00"})
    assert load(dump("\ude00\ud83d")) == "\ude00\ud83d"


def test_text_and_bytes_are_readable_in_the_file():
    assert dump("Grüße 😀 \n") == '"Grüße 😀 \\n"'
    assert dump(b'{"a": "Gr\xc3\xbc\xc3\x9fe"}') == '{"py:bytes":["{\\"a\\": \\"Grüße\\"}"]}'
    assert dump(bytearray(b"\x00\x01")) == '{"py:bytearray":"AAE="}'
    assert load('{"py:bytes":"YWJj"}') == b"abc"


def test_a_number_that_json_has_not_got_is_tagged_wherever_it_comes_from():
    assert to_text({"a": float("nan"), "b": [float("-inf")]}) == '{"a":{"py:float":"nan"},"b":[{"py:float":"-inf"}]}'
    assert canonical({"b": 10**5000}) == canonical({"b": {"py:int": hex(10**5000)}})


def test_a_dict_whose_keys_are_no_strings_has_one_canonical_text():
    one = {1: "a", "b": 2, (3,): {5: 6, 4: 7}}
    other = {(3,): {4: 7, 5: 6}, "b": 2, 1: "a"}
    assert canonical(encode(one)) == canonical(encode(other))
    assert list(load(dump(other))) == list(other)


def test_names_stay_keys_of_json_where_other_keys_are_no_strings():
    """There they are seen by those who look for secrets."""
    assert dump({"password": 1, 2: 3}) == '{"py:dict":[{"password":1},[2,3]]}'
    assert load('{"py:dict":[["password",1],[2,3]]}') == {"password": 1, 2: 3}


# Classes that change after they were recorded.


def test_a_field_that_a_class_has_gained_takes_its_default():
    old = dump(make_dataclass("Order", [("id", int)])(7))
    grown = make_dataclass("Order", [("id", int), ("note", str, "none"), ("lines", list, field(default_factory=list))])
    assert load(old, Types([grown])) == grown(7)


def test_a_named_tuple_that_has_gained_a_field_takes_its_default():
    class Grown(NamedTuple):
        id: int
        note: str = "none"

    Grown.__qualname__ = "Pair"
    assert load('{"py:object":{"class":"shop.Pair","fields":{"id":1}}}', Types([Grown])) == Grown(1)


def test_a_model_that_has_gained_a_field_takes_its_default_and_the_field_counts_as_unset():
    old = dump(pydantic.create_model("Order", id=int)(id=7))
    grown = pydantic.create_model(
        "Order", id=int, note=(str, "none"), lines=(list, pydantic.Field(default_factory=list)),
        twice=(int, pydantic.Field(default_factory=lambda data: data["id"] * 2)),
    )  # fmt: skip
    again = load(old, Types([grown]))
    assert again == grown(id=7)
    assert again.twice == 14
    assert again.model_fields_set == {"id"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (make_dataclass("Order", [("id", int)])(7), make_dataclass("Order", [("id", int), ("name", str)])),
        (pydantic.create_model("Order", id=int)(id=7), pydantic.create_model("Order", id=int, name=str)),
        (NamedTuple("Order", [("id", int)])(7), NamedTuple("Order", [("id", int), ("name", str)])),
    ],
)
def test_a_field_gained_without_a_default_says_so_and_what_to_do(old, new):
    with pytest.raises(SerializationError, match=r"Order has no field name, .*Give it a default, or record the call"):
        load(dump([old]), Types([new]))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (make_dataclass("Order", [("id", int), ("name", str)])(7, "x"), make_dataclass("Order", [("id", int)])(7)),
        (
            pydantic.create_model("Order", id=int, name=str)(id=7, name="x"),
            pydantic.create_model("Order", id=int)(id=7),
        ),
        (NamedTuple("Order", [("id", int), ("name", str)])(7, "x"), NamedTuple("Order", [("id", int)])(7)),
    ],
)
def test_a_field_that_a_class_has_lost_is_dropped(old, new):
    again = load(dump(old), Types([type(new)]))
    assert again == new
    assert not hasattr(again, "name")


def test_a_private_attribute_that_a_model_has_gained_takes_its_default():
    class Before(pydantic.BaseModel):
        id: int

    class After(pydantic.BaseModel):
        id: int
        _cache: dict = pydantic.PrivateAttr(default_factory=dict)

    After.__qualname__ = Before.__qualname__
    assert load(dump(Before(id=1)), Types([After]))._cache == {}


def test_a_class_that_has_become_something_else_says_so():
    Order = type("Order", (), {})  # noqa: N806
    with pytest.raises(SerializationError, match="is no dataclass, pydantic model or named tuple any more"):
        load('{"py:object":{"class":"a.Order","fields":{}}}', Types([Order]))
    with pytest.raises(SerializationError, match="is no enumeration any more"):
        load('{"py:enum":["a.Order","X"]}', Types([Order]))
    with pytest.raises(SerializationError, match="Label has no member 'OLD' any more; record the call again"):
        load('{"py:enum":["a.Label","OLD"]}', Types([Label]))


# Which class is meant.


def test_a_class_that_was_moved_is_found_by_its_qualified_name():
    assert load('{"py:object":{"class":"elsewhere.before.Node","fields":{"item":1}}}', Types([Node])) == Node(1)


def test_a_class_of_the_same_name_in_another_module_is_another_class(monkeypatch):
    """Both exist: a value of one must not come back as the other."""
    other = type(sys)("other_shop")
    other.Node, other.Node.Node = (make_dataclass("Node", [("item", int)]) for _ in range(2))
    other.Node.__module__ = other.Node.Node.__module__ = "other_shop"
    other.Node.Node.__qualname__ = "Node.Node"
    monkeypatch.setitem(sys.modules, "other_shop", other)
    for cls in (other.Node, other.Node.Node):
        with pytest.raises(SerializationError, match="is not known here"):
            load(dump(cls(1)), Types([Node]))


def test_two_known_classes_of_one_name_are_told_apart_by_their_modules():
    one, two = (make_dataclass("Order", [("id", int)]) for _ in range(2))
    one.__module__, two.__module__ = "one", "two"
    types = Types([one, two])
    assert type(load(dump(one(1)), types)) is one
    assert type(load(dump(two(1)), types)) is two
    with pytest.raises(SerializationError, match="is not known here"):
        load('{"py:object":{"class":"three.Order","fields":{"id":1}}}', types)


def test_a_class_that_is_not_known_says_how_to_make_it_known():
    with pytest.raises(SerializationError) as caught:
        load('[{"py:object":{"class":"shop.Order","fields":{}}}]')
    assert str(caught.value) == (
        "$[0]: the class shop.Order is not known here. Make it known: annotate the function's return type with it, "
        "name it as response= or data=, or call pytest_recorded.register(…)"
    )


def test_registered_classes_bring_those_that_their_fields_name():
    @dataclass
    class Registered:
        label: Label
        unknown: NotThere  # noqa: F821 - a name that only type checkers see

    register(Registered)
    assert {Registered, Label} <= registered()
    with pytest.raises(ConfigurationError, match=r"register\(\) takes classes, not 'shop.Order'\."):
        register("shop.Order")


def test_an_annotation_names_the_classes_in_it_however_deep():
    class Extra(TypedDict):
        leaf: Leaf

    class Both(NamedTuple):
        node: Node
        person: Person

    class Late(typing_extensions.TypedDict):
        point: Frozen

    found = set(classes_in(dict[str, list[Both | None]] | Extra | Late))
    assert {Both, Node, Label, Leaf, Frozen} <= found
    assert found.isdisjoint({int, str, dict, list})


# Objects with something special about them.


def test_what_a_class_can_work_out_again_is_not_stored():
    class Report(pydantic.BaseModel):
        rows: list[int]

        @functools.cached_property
        def lock(self):
            return threading.Lock()

    @dataclass
    class Cached:
        rows: list[int]

        @functools.cached_property
        def lock(self):
            return threading.Lock()

    for value in (Report(rows=[1]), Cached([1])):
        assert value.lock is not None
        again = load(dump(value), Types([type(value)]))
        assert again == value
        assert again.lock is not value.lock


def test_a_value_whose_code_fails_while_it_is_read_cannot_be_stored_and_says_so():
    @dataclass
    class Broken:
        @property
        def item(self):
            raise ZeroDivisionError("no item")

        item: int = item

    value = object.__new__(Broken)
    with pytest.raises(
        SerializationError, match=r"the state of .*Broken cannot be read \(ZeroDivisionError: no item\)"
    ):
        dump([value])


def test_a_model_keeps_which_fields_were_given_those_beyond_its_own_included():
    class Open(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")

        a: int = 1
        b: int = 2

    value = Open(b=2, c=3)
    again = load(dump(value), Types([Open]))
    assert again.model_dump(exclude_unset=True) == value.model_dump(exclude_unset=True) == {"b": 2, "c": 3}


def test_reading_an_object_runs_no_code_of_its_class():
    calls = []

    class Watched(pydantic.BaseModel):
        item: int = 0

        def __new__(cls, *args, **kwargs):
            calls.append("new")
            return super().__new__(cls)

        def __init__(self, **data):
            calls.append("init")
            super().__init__(**data)

        def __setstate__(self, state):
            calls.append("setstate")

        @pydantic.field_validator("item")
        @classmethod
        def check(cls, value):
            calls.append("validator")
            return value

    class WatchedError(ValueError):
        def __new__(cls, *args):
            calls.append("new")
            return super().__new__(cls, *args)

        def __init__(self, *args):
            calls.append("init")
            super().__init__(*args)

    model, error = Watched(item=1), WatchedError("x")
    texts = dump(model), dump(error)
    calls.clear()
    again = [load(text, Types([Watched, WatchedError])) for text in texts]
    assert calls == []
    assert again[0] == model
    assert again[1].args == ("x",)


# Exceptions.


def test_the_parts_of_an_exception_that_cannot_be_stored_are_left_out_and_named():
    class Odd:
        def __str__(self):
            raise ZeroDivisionError

    error = ValueError("x", threading.Lock(), Odd(), cyclic := [])
    cyclic.append(cyclic)
    error.response = object()
    error.code = 7
    text, lost = dump_error(error)
    again = load_error(text, Types())
    assert lost == ["$.args[1]", "$.args[2]", "$.args[3]", "$.response"]
    assert again.args[0] == "x"
    assert "lock" in again.args[1]
    assert again.args[2] == "<Odd, its __str__ raised ZeroDivisionError>"
    assert vars(again) == {"code": 7}


def test_an_exception_that_cannot_be_shown_is_stored_all_the_same():
    class ShyError(Exception):
        def __str__(self):
            raise ZeroDivisionError

    ShyError.__notes__ = 5
    text, _ = dump_error(ShyError(1))
    assert json.loads(text)["message"] == "<ShyError, its __str__ raised ZeroDivisionError>"
    text, lost = dump_error(ValueError("\ud83d\ude00"))
    assert lost == ["$.args"]
    assert load_error(text, Types()).args == ()


def test_an_exception_of_an_unknown_class_is_a_recorded_failure_that_says_what_to_do():
    error = load_error('{"type":"shop.SoldOut","message":"no more","args":["no more"]}', Types())
    assert type(error) is RecordedFailure
    assert (error.type_name, error.message) == ("shop.SoldOut", "no more")
    assert "pytest_recorded.register(SoldOut)" in str(error)


def test_exceptions_of_python_itself_need_not_be_made_known():
    for error in (
        asyncio.CancelledError(), json.JSONDecodeError("m", "doc", 1), TimeoutError("slow"), re.error("bad", "(", 0),
        subprocess.CalledProcessError(2, ["ls"], b"out", "err"), KeyboardInterrupt(),
        ConnectionResetError(104, "reset"),
    ):  # fmt: skip
        text, lost = dump_error(error)
        again = load_error(text, Types())
        assert lost == []
        assert (type(again), again.args, vars(again), str(again)) == (
            type(error), error.args, vars(error), str(error),
        )  # fmt: skip


def test_an_exception_with_two_built_in_bases_is_made_by_the_one_that_holds_it():
    class OddError(ValueError, OSError):
        pass

    again = load(dump(OddError(1001, "x", "file")), Types([OddError]))
    assert (type(again), again.errno, again.filename) == (OddError, 1001, "file")


def test_the_short_names_of_the_seed_library_mean_built_in_exceptions():
    again = load_error('{"type":"ValueError","message":"x"}', Types())
    assert type(again) is ValueError
