"""`attach` looks at the value too: what does not fit its field is an error at the line that attaches."""

from __future__ import annotations

import dataclasses
import threading
from typing import Annotated

import pydantic
import pytest
import typing_extensions
from pydantic import AfterValidator, ConfigDict, Field, field_validator, model_validator

from pytest_recorded import AttachKeyError, AttachValueError, UsageError, attach, recorder, use_cassette


class Line(pydantic.BaseModel):
    price: float


def _even(number: int) -> int:
    if number % 2:
        raise ValueError("it is odd")
    return number


class Order(pydantic.BaseModel):
    id: int = Field(0, gt=-1)
    total: float = 0.0
    lines: list[Line] = []
    around: Order | None = None
    pairs: Annotated[int, AfterValidator(_even)] = 0
    price: float = 0.0

    @field_validator("price", mode="before")
    @classmethod
    def in_euros(cls, price: object) -> object:
        return price.removeprefix("€") if isinstance(price, str) else price


@dataclasses.dataclass
class Parcel:
    id: int = 0
    lines: list[Line] = dataclasses.field(default_factory=list)


class Letter(typing_extensions.TypedDict, total=False):
    id: int
    lines: list[Line]


class Strict(pydantic.BaseModel):
    model_config = ConfigDict(strict=True)
    id: int = 0


class Whole(pydantic.BaseModel):
    """One whose own code sees all fields before they are looked at."""

    total: float = 0.0

    @model_validator(mode="before")
    @classmethod
    def in_euros(cls, fields: dict) -> dict:
        return {name: item.removeprefix("€") if isinstance(item, str) else item for name, item in fields.items()}


class Needy(pydantic.BaseModel):
    """One of whose fields needs another."""

    low: int = 0
    high: int = 9

    @field_validator("high")
    @classmethod
    def above(cls, high: int, info: pydantic.ValidationInfo) -> int:
        if high < info.data["low"]:
            raise ValueError("it is below")
        return high


class Open(pydantic.BaseModel):
    model_config = ConfigDict(extra="allow")
    id: int = 0


class Numbers(Open):
    __pydantic_extra__: dict[str, int] = Field(init=False)


class OpenLetter(typing_extensions.TypedDict, total=False):
    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]
    id: int


def attaching(kind, model, *pairs):
    """Return a recorded function that attaches."""

    @recorder(kind=f"values.{kind}", data=model)
    def place():
        for key, value in pairs:
            attach(key, value)
        return {}

    return place


@pytest.mark.parametrize(
    ("model", "key", "value", "said"),
    [
        pytest.param(
            Order, "total", "abc", r"total: float of the data model Order\. \$\.total: .* number", id="number"
        ),
        pytest.param(Order, "id", -5, r"id: int of the data model Order\. \$\.id: .* greater than -1", id="bound"),
        pytest.param(Order, "lines", "no list", r"\$\.lines: .* valid list", id="list"),
        pytest.param(Order, "lines", [Line(price=1), {"price": "x"}], r"\$\.lines\[1\]\.price: .* number", id="deep"),
        pytest.param(Order, "around", {"around": {"total": "x"}}, r"\$\.around\.around\.total: ", id="recursive"),
        pytest.param(Order, "pairs", 3, r"\$\.pairs: Value error, it is odd", id="annotated"),
        pytest.param(Order, "price", "€ much", r"\$\.price: .* valid number", id="own-validator"),
        pytest.param(Parcel, "lines", [{"price": "x"}], r"model Parcel\. \$\.lines\[0\]\.price: ", id="dataclass"),
        pytest.param(Letter, "id", "x", r"id: int of the data model Letter\. \$\.id: .* integer", id="typed-dict"),
        pytest.param(Strict, "id", "7", r"\$\.id: .* valid integer", id="strict"),
        pytest.param(Numbers, "more", "x", r"the field more of the data model Numbers\. \$\.more: ", id="extra"),
    ],
)
def test_a_value_that_does_not_fit_is_an_error_with_its_path_and_the_type_of_the_field(
    rec, request, model, key, value, said
):
    place = attaching(request.node.callspec.id, model, (key, value))
    with pytest.raises(AttachValueError, match=said) as caught:
        place(key="k")
    assert isinstance(caught.value, UsageError)
    assert caught.traceback[-3].path.samefile(__file__)
    assert rec.jobs[0].status == "interrupted"


@pytest.mark.parametrize(
    ("model", "key", "value"),
    [
        pytest.param(Order, "total", 2, id="int-for-float"),
        pytest.param(Order, "lines", [Line(price=1)], id="instances"),
        pytest.param(Order, "around", Order(id=2), id="recursive"),
        pytest.param(Order, "price", "€2.5", id="own-validator"),
        pytest.param(Parcel, "id", 3, id="dataclass"),
        pytest.param(Letter, "lines", [{"price": 1}], id="typed-dict"),
        pytest.param(Whole, "total", "€2.5", id="validator-of-the-whole"),
        pytest.param(Needy, "high", 5, id="validator-that-needs-another-field"),
    ],
)
def test_a_value_that_the_model_takes_is_attached(rec, request, model, key, value):
    attaching(f"fit.{request.node.callspec.id}", model, (key, value))()
    assert rec.jobs[0].attached.keys() == {key}


@pytest.mark.parametrize("model", [Open, Numbers, OpenLetter], ids=lambda model: model.__name__)
def test_a_model_that_takes_any_field_has_any_attached(path, model):
    place = attaching(f"open.{model.__name__}", model, ("id", 1), ("more", 2))
    expected = {"id": 1, "more": 2} if model is OpenLetter else model(id=1, more=2)
    for _ in range(2):
        with use_cassette(path) as cassette:
            place()
            assert cassette.jobs[0].data == expected


@pytest.mark.parametrize("model", [Order, Parcel, Letter, Strict], ids=lambda model: model.__name__)
def test_another_model_takes_only_its_own(rec, model):
    with pytest.raises(AttachKeyError, match="has no field 'more'"):
        attaching(f"closed.{model.__name__}", model, ("more", 2))()


def test_a_value_in_a_call_that_has_no_row_of_its_own_has_to_fit_too(path):
    inner = attaching("inner", Order, ("total", "abc"))

    @recorder(kind="values.outer")
    def outer():
        inner()

    with use_cassette(path), pytest.raises(AttachValueError, match=r"inside 'values\.inner'"):
        outer()


def test_threads_may_attach_the_first_values_of_a_model_at_once(rec):
    @recorder(kind="values.threads", data=Order)
    def place():
        threads = [threading.Thread(target=attach, args=("total", n)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    place()
    assert rec.jobs[0].attached.keys() == {"total"}
