from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt  # noqa: TC003 - pydantic reads it
import math
import sys
import typing
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar

import pydantic
import pytest
from typing_extensions import TypedDict

from pytest_recorded.errors import ConfigurationError, SerializationError
from pytest_recorded.misfit import Misfit, at, field, walk
from pytest_recorded.projection import projection_for

T = TypeVar("T")


class Item(pydantic.BaseModel):
    price: Decimal
    tags: list[str] = []


class Order(pydantic.BaseModel):
    id: int = pydantic.Field(alias="order id", validation_alias=pydantic.AliasChoices("order id", "id"))
    items: dict[str, Item] = {}


@dataclasses.dataclass
class Card:
    id: int
    note: str = "none"


class Typed(TypedDict, total=False):
    id: int
    note: str


class Page(pydantic.BaseModel, Generic[T]):
    items: list[T]


class Pair(NamedTuple):
    id: int


class Faulty(pydantic.BaseModel):
    id: Any

    @pydantic.field_validator("id")
    @classmethod
    def _check(cls, value):
        return 1 / value

    @pydantic.field_serializer("id")
    def _shown(self, value):
        if value < 0:
            raise OSError("no way to show it")
        return value


class Aliased(pydantic.BaseModel):
    n: int = pydantic.Field(default=0, alias="id")


class Deep(pydantic.BaseModel):
    text: str = pydantic.Field(validation_alias=pydantic.AliasPath("choices", 0, "text"))


class Nested(pydantic.BaseModel):
    items: list[Aliased]


class Swapped(pydantic.BaseModel):
    one: int = pydantic.Field(alias="other")
    other: int = pydantic.Field(alias="one")


class Dumped(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(serialize_by_alias=True)
    n: int = pydantic.Field(alias="id")


class Several(pydantic.BaseModel):
    names: set[str]


class Share(pydantic.BaseModel):
    share: float


class Cents(pydantic.BaseModel):
    v: int = 0

    @pydantic.field_validator("v", mode="before")
    @classmethod
    def _in_cents(cls, v):
        return v * 100


class Unpacked(pydantic.BaseModel):
    text: str

    @pydantic.model_validator(mode="before")
    @classmethod
    def _unpack(cls, value):
        return {"text": value["choices"][0]["text"]}


class Hidden(pydantic.BaseModel):
    id: int
    price: str = pydantic.Field(exclude=True)


class Shown(pydantic.BaseModel):
    when: dt.date

    @pydantic.field_serializer("when")
    def _german(self, when):
        return when.strftime("%d.%m.%Y")


class Backwards(pydantic.BaseModel):
    items: list[int]

    @pydantic.field_validator("items")
    @classmethod
    def _turn(cls, items):
        return items[::-1]


def projected(model, value):
    return projection_for(model, option="data", where="@recorder").project(value)


# A model, a wide value, what is picked out of it, and how that is stored.
FITS = {
    "model": (Item, {"price": "1.50", "more": [object()]}, Item(price=Decimal("1.50")), {"price": "1.50", "tags": []}),
    "alias": (Order, {"order id": 7}, Order(id=7), {"id": 7, "items": {}}),
    "instance": (Card, Card(7, "x"), Card(7, "x"), {"id": 7, "note": "x"}),
    "dataclass": (Card, {"id": "7", "more": 1}, Card(7), {"id": 7, "note": "none"}),
    "attributes": (Item, type("Sdk", (), {"price": 2, "_client": ...})(), Item(price=2), {"price": "2", "tags": []}),
    "typed-dict": (Typed, {"id": 7, "more": 1}, {"id": 7}, {"id": 7}),
    "list": (list[Card], [{"id": 1}], [Card(1)], [{"id": 1, "note": "none"}]),
    "tuple": (tuple[Card, ...], [{"id": 1}], (Card(1),), [{"id": 1, "note": "none"}]),
    "dict": (dict[str, Card], {"a": {"id": 1}}, {"a": Card(1)}, {"a": {"id": 1, "note": "none"}}),
    "union": (Card | None, {"id": 1}, Card(1), {"id": 1, "note": "none"}),
    "union-of-models": (Item | Card, {"id": 1}, Card(1), {"id": 1, "note": "none"}),
    "generic": (Page[Card], {"items": [{"id": 1}]}, Page[Card](items=[Card(1)]),
                {"items": [{"id": 1, "note": "none"}]}),
    "default-alias": (Aliased, {"id": 7}, Aliased(id=7), {"n": 7}),
    "path": (Deep, {"choices": [{"text": "x"}]}, Deep.model_construct(text="x"), {"text": "x"}),
    "nested-alias": (Nested, {"items": [{"id": 1}]}, Nested(items=[Aliased(id=1)]), {"items": [{"n": 1}]}),
    "swapped": (Swapped, {"one": 1, "other": 2}, Swapped(one=1, other=2), {"one": 2, "other": 1}),
    "dumped-by-alias": (Dumped, {"id": 1}, Dumped(id=1), {"id": 1}),
}  # fmt: skip


@pytest.mark.parametrize("name", FITS)
def test_a_projection_picks_what_matters_and_comes_back_as_it_was(name):
    model, value, picked, tree = FITS[name]
    projection = projection_for(model, option="data", where="@recorder")
    made = projection.project(value)
    assert (made, type(made)) == (picked, type(picked))
    assert projection.tree(made) == tree
    assert projection.read(tree) == picked


def test_a_set_comes_back_in_whatever_order_it_was_stored():
    projection = projection_for(Several, option="data", where="@recorder")
    names = [str(n) for n in range(50)]
    assert projection.read({"names": names}) == Several(names=set(names))


def test_a_number_that_is_none_comes_back():
    assert math.isnan(projection_for(Share, option="data", where="@recorder").read({"share": math.nan}).share)


# A model of which what is stored gives no instance with the same data, an answer, and what is stored.
ONE_WAY = {
    "validator": (Cents, {"v": 2}, {"v": 200}),
    "model-validator": (Unpacked, {"choices": [{"text": "x"}]}, {"text": "x"}),
    "excluded": (Hidden, {"id": 1, "price": "2"}, {"id": 1}),
    "serializer": (Shown, {"when": "2026-01-02"}, {"when": "02.01.2026"}),
    "order": (Backwards, {"items": [1, 2, 3]}, {"items": [3, 2, 1]}),
}


@pytest.mark.parametrize("name", ONE_WAY)
def test_what_a_model_would_change_a_second_time_is_given_as_it_is_stored(name):
    model, value, tree = ONE_WAY[name]
    projection = projection_for(model, option="data", where="@recorder")
    assert projection.tree(projection.project(value)) == tree
    assert projection.read(tree) is tree


def test_what_is_stored_and_is_no_field_any_more_is_not_lost():
    projection = projection_for(Card, option="data", where="@recorder")
    tree = {"id": 1, "note": "x", "gone": 2}
    assert projection.read(tree) is tree
    assert projection.read({"id": 1}) == Card(1)


# A value that does not fit, where it does not, and what is said.
MISFITS = {
    "missing": (Item, {}, "$.price", "it does not fit Item: Field required"),
    "deep": (Order, {"id": 1, "items": {"a b": {"price": 1, "tags": ["x", 5]}}}, "$.items['a b'].tags[1]",
             "it does not fit Order: Input should be a valid string"),
    "alias": (Order, {}, "$['order id']", "it does not fit Order: Field required"),
    "several": (Card, {"id": 1.5, "note": 5}, "$.id", "it does not fit Card: Input should be a valid integer, got a "
                "number with a fractional part (and 1 more)"),
    "list": (list[Card], [{"id": 1}, {}], "$[1].id", "it does not fit list: Field required"),
    "nothing": (Typed, None, "$", "it does not fit Typed: Input should be a valid dictionary"),
    "fault": (Faulty, {"id": 0}, "$", "Faulty cannot be applied (ZeroDivisionError: division by zero)"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISFITS)
def test_a_value_that_does_not_fit_is_refused_with_the_path_of_its_first_misfit(name):
    model, value, path, problem = MISFITS[name]
    with pytest.raises(SerializationError) as caught:
        projected(model, value)
    assert (caught.value.path, caught.value.problem) == (path, problem)


def test_a_model_that_pydantic_cannot_use_says_so():
    lost = dataclasses.make_dataclass("Lost", [("id", "Nowhere")])
    with pytest.raises(SerializationError, match=r"^\$: Lost cannot be applied \(PydanticU\w+: .*defined"):
        projected(lost, {"id": 1})


class Ending(pydantic.BaseModel):
    """A model whose own code ends what runs it."""

    how: Any

    @pydantic.field_validator("how")
    @classmethod
    def _check(cls, how):
        if isinstance(how, BaseException):
            raise how
        return how

    @pydantic.field_serializer("how")
    def _shown(self, how):
        raise how[0]

    @classmethod
    def from_job(cls, job):
        raise job


def ends(error):
    """The ways to come upon an end in a model's code."""
    ending = projection_for(Ending, option="data", where="@recorder")
    return [
        lambda: ending.project({"how": error}),
        lambda: ending.from_job(error),
        lambda: ending.tree(ending.project({"how": [error]})),
    ]


@pytest.mark.parametrize("error", [SystemExit(3), pytest.fail.Exception("no"), pytest.skip.Exception("not here")],
                         ids=["exit", "fail", "skip"])  # fmt: skip
@pytest.mark.parametrize("way", range(3), ids=["project", "from_job", "tree"])
def test_a_model_that_ends_the_test_or_the_process_is_a_misfit(error, way):
    with pytest.raises(SerializationError, match=rf"Ending cannot be .*{type(error).__name__}: "):
        ends(error)[way]()


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit, asyncio.CancelledError])
@pytest.mark.parametrize("way", range(2), ids=["project", "from_job"])
def test_what_interrupts_a_model_from_outside_goes_on(error, way):
    with pytest.raises(error):
        ends(error())[way]()


if sys.version_info < (3, 12):

    class Untaken(typing.TypedDict):
        id: int

    @pytest.mark.parametrize("model", [Untaken, list[Untaken], Untaken | None], ids=["itself", "list", "union"])
    def test_a_typed_dict_that_pydantic_cannot_use_says_which_to_use(model):
        with pytest.raises(ConfigurationError) as caught:
            projection_for(model, option="data", where="@recorder on shop.place")
        assert str(caught.value) == (
            f"@recorder on shop.place: data={model!r} is a typing.TypedDict, which cannot be used before Python 3.12. "
            f"Use typing_extensions.TypedDict."
        )


def test_the_value_itself_is_in_no_message():
    """It may be wide, or secret."""
    with pytest.raises(SerializationError) as caught:
        projected(Card, {"id": "S3cr3tS3cr3tS3cr3t"})
    assert "S3cr3t" not in str(caught.value)


def test_an_instance_that_json_has_not_got_says_so():
    projection = projection_for(Faulty, option="data", where="@recorder")
    with pytest.raises(SerializationError, match=r"Faulty cannot be stored as JSON \(.*no way to show it"):
        projection.tree(projection.project({"id": -1}))


def test_what_is_stored_and_does_not_fit_any_more_is_given_as_it_is():
    projection = projection_for(list[Card], option="data", where="@recorder")
    assert projection.read([{"note": "x"}]) == [{"note": "x"}]


def test_no_model_is_no_projection():
    assert projection_for(None, option="data", where="@recorder") is None


@pytest.mark.parametrize("model", [int, str, dict, list[int], "Order", Card(1), Pair, 5, object, list, [Card]],
                         ids=str)  # fmt: skip
def test_what_is_no_model_says_what_to_give(model):
    with pytest.raises(ConfigurationError) as caught:
        projection_for(model, option="response", where="@recorder on shop.place")
    assert str(caught.value) == (
        f"@recorder on shop.place: response={model!r} is no model. Give a pydantic model, a dataclass, a TypedDict, or "
        f"a list or union of them."
    )


FIELDS = [
    (Order, ["id", "items"]),
    (Card, ["id", "note"]),
    (Typed, ["id", "note"]),
    (list[Card], None),
    (Card | None, None),
]


@pytest.mark.parametrize("index", range(len(FIELDS)))
def test_a_model_has_fields_and_a_generic_has_none(index):
    model, fields = FIELDS[index]
    assert projection_for(model, option="data", where="@recorder").fields == fields


# Walks, in which a misfit learns where it is.


def dig(tree):
    if tree == "bad":
        raise Misfit("it is bad")
    if isinstance(tree, dict):
        return {name: at(field(name), dig, item) for name, item in tree.items()}
    if isinstance(tree, list):
        return [at(f"[{index}]", dig, item) for index, item in enumerate(tree)]
    return tree


@pytest.mark.parametrize(
    ("tree", "path"),
    [("bad", "$"), ({"a": {"b": ["x", "bad"]}}, "$.a.b[1]"), ({"a b": {"ü": "bad"}}, "$['a b'].ü"),
     ({"it's": [["bad"]]}, '$["it\'s"][0][0]'), ({"": "bad"}, "$['']"), ({"class": {"1": "bad"}}, "$.class['1']")],
    ids=["itself", "deep", "blank", "quote", "empty", "keyword"],
)  # fmt: skip
def test_a_misfit_says_where_it_was(tree, path):
    with pytest.raises(SerializationError) as caught:
        walk(dig, tree)
    assert (caught.value.problem, caught.value.path) == ("it is bad", path)
    assert str(caught.value) == f"{path}: it is bad"
    assert caught.value.__suppress_context__


def test_a_walk_without_a_misfit_gives_what_it_found():
    assert walk(dig, {"a": [1]}) == {"a": [1]}
    with pytest.raises(ZeroDivisionError):
        walk(lambda: 1 / 0)
