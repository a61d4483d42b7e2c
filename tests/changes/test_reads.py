from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Generic, NotRequired, TypeVar

import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, RootModel
from typing_extensions import TypedDict

from pytest_recorded.paths import EVERY
from pytest_recorded.reads import reads_of

T = TypeVar("T")


class Line(BaseModel):
    sku: str
    price: float | None = None


class Order(BaseModel):
    id: int
    lines: list[Line]
    by_day: dict[str, Line]
    note: Annotated[str, Field(max_length=5)] = ""
    total: float = Field(alias="Total")
    first: str = Field(validation_alias=AliasPath("lines", 0, "sku"))
    either: str = Field(validation_alias=AliasChoices("one", "other"))
    extra: dict[str, Any] = {}
    meta: Any = None


class Both(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    total: int = Field(alias="Total")


class Tree(BaseModel):
    name: str
    children: list[Tree] = []


class Page(BaseModel, Generic[T]):
    items: list[T]


class Names(RootModel[list[str]]):
    pass


@dataclass
class Point:
    x: int
    tag: Line


class Typed(TypedDict):
    a: int
    b: NotRequired[Line]


@pytest.mark.parametrize(
    ("model", "fields", "trees"),
    [
        (
            Order,
            {("id",), ("lines", EVERY, "sku"), ("lines", EVERY, "price"), ("by_day", EVERY, "sku"),
             ("by_day", EVERY, "price"), ("note",), ("Total",), ("lines", 0, "sku")},
            {("extra", EVERY), ("meta",)},
        ),
        (Both, set(), set()),
        (Tree, {("name",)}, {("children", EVERY)}),
        (Page[Line], {("items", EVERY, "sku"), ("items", EVERY, "price")}, set()),
        (list[Line], {(EVERY, "sku"), (EVERY, "price")}, set()),
        (Names, {(EVERY,)}, set()),
        (Point, {("x",), ("tag", "sku"), ("tag", "price")}, set()),
        (Typed, {("a",), ("b", "sku"), ("b", "price")}, set()),
        (tuple[int, Line], {(EVERY,), (EVERY, "sku"), (EVERY, "price")}, set()),
        (Line | Names | None, {("sku",), ("price",), (EVERY,)}, set()),
    ],
    ids=["order", "both", "tree", "generic", "list", "root", "dataclass", "typed dict", "tuple", "union"],
)  # fmt: skip
def test_a_model_reads_where_its_fields_are(model, fields, trees):
    reads = reads_of(model)
    assert (set(reads.fields), set(reads.trees)) == (fields, trees)


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        (("id",), True),
        (("lines",), True),
        (("lines", 3, "sku"), True),
        (("lines", 3, "colour"), False),
        (("by_day", "2026-01-01", "price"), True),
        (("meta", "deep", "down"), True),
        (("Total",), True),
        (("total",), False),
        (("one",), False),
        (("other_things",), False),
        ((), True),
    ],
)
def test_a_place_is_needed_if_it_is_read_or_holds_what_is_read(path, needed):
    assert reads_of(Order).needs(path) is needed
