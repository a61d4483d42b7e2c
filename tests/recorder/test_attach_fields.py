"""What is attached to an instance of a model: it counts, however the model reads its fields."""

from __future__ import annotations

import dataclasses
import json

import pydantic
import pytest
from typing_extensions import TypedDict

from pytest_recorded import attach, recorder


@dataclasses.dataclass
class View:
    id: int
    note: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    note: View


class Loose(TypedDict):
    note: View


class Priced(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)
    id: int = pydantic.Field(alias="order")
    total: float = pydantic.Field(default=0, validation_alias=pydantic.AliasChoices("sum", "amount"))
    deep: int = pydantic.Field(default=0, validation_alias=pydantic.AliasPath("more", "deep"))

    @pydantic.field_validator("total", mode="before")
    @classmethod
    def _doubled(cls, value):
        return value * 2


ANSWERED = {
    "the alias in the answer": {"order": 1, "sum": 2, "more": {"deep": 3}},
    "only attached": {},
    "no answer": "done",
}


@pytest.mark.parametrize("case", ANSWERED)
def test_a_field_with_an_alias_is_attached_by_its_name_and_no_validator_changes_it(rec, case):
    @recorder(data=Priced, kind=f"attach.alias.{case}")
    def place():
        attach("id", 7)
        attach("total", 9.5)
        attach("deep", 8)
        return ANSWERED[case]

    place()
    data = rec.jobs[0].data
    assert (type(data), data.model_dump()) == (Priced, {"id": 7, "total": 9.5, "deep": 8})
    assert json.loads(rec.jobs[0].data_json) == data.model_dump()


@pytest.mark.parametrize("of", [Frozen, Loose, dict[str, View]], ids=["frozen", "typed dict", "dictionary"])
def test_what_is_attached_is_in_the_data_of_any_kind_of_model(rec, of):
    @recorder(data=of, kind=f"attach.of.{of}")
    def place():
        attach("note", {"id": 9, "note": "attached"})
        return {"note": {"id": 1, "note": "returned"}}

    place()
    data = rec.jobs[0].data
    assert (data["note"] if isinstance(data, dict) else data.note) == View(9, "attached")


def test_a_required_field_with_an_alias_is_attached_to_what_the_answer_has(rec):
    @recorder(data=Priced, kind="attach.alias.required")
    def place():
        attach("id", 7)
        return {"sum": 2, "more": {"deep": 3}}

    place()
    assert rec.jobs[0].data.model_dump() == {"id": 7, "total": 4, "deep": 3}
