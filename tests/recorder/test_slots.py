"""Slots: what models keep of requests, answers, data and errors."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import re
from typing import Generic, TypeVar

import pydantic
import pytest

from pytest_recorded import RecordedWarning, recorder

T = TypeVar("T")


class View(pydantic.BaseModel):
    id: int
    total: decimal.Decimal = decimal.Decimal("0.10")


class Page(pydantic.BaseModel, Generic[T]):
    items: list[T]


@dataclasses.dataclass
class Card:
    id: int
    note: str = "none"


@dataclasses.dataclass
class Line:
    id: int


class Strict(pydantic.BaseModel):
    id: int

    @pydantic.field_validator("id")
    @classmethod
    def _odd(cls, value):
        if value == 13:
            raise KeyError("a validator with a fault of its own")
        if value == 14:
            pytest.fail("a validator that asserts with pytest")
        return value


class Wide:
    """An object of some SDK: attributes, and much that cannot be stored."""

    def __init__(self, id_):
        self.id = id_
        self.connection = object()


WIDE = {"id": 7, "total": "1.50", "more": {"x": [1, 2]}}
FITS = {
    "pydantic": (View, WIDE, View(id=7, total=decimal.Decimal("1.50"))),
    "dataclass": (Card, WIDE, Card(7)),
    "pydantic of a pydantic": (View, View(id=8), View(id=8)),
    "dataclass of an object": (Card, Card(9, "x"), Card(9, "x")),
    "list": (list[View], [WIDE, WIDE], [View(id=7, total=decimal.Decimal("1.50"))] * 2),
    "empty list": (list[View], [], []),
    "dictionary": (dict[str, View], {"a": {"id": 7}}, {"a": View(id=7)}),
    "union": (View | None, WIDE, View(id=7, total=decimal.Decimal("1.50"))),
    "generic": (Page[Card], {"items": [WIDE]}, Page[Card](items=[Card(7)])),
}


@pytest.fixture
def answering(request):
    """A function that gives what it is told to, with slots."""

    def make(**slots):
        answers = slots.pop("answers")

        @recorder(kind=f"slots.{request.node.name}", **slots)
        def answer(order=None):
            return answers

        return answer

    return make


@pytest.mark.parametrize("case", FITS)
def test_the_data_model_picks_what_matters_out_of_the_answer(rec, answering, case):
    model, answers, data = FITS[case]
    assert answering(data=model, answers=answers)() is answers
    (job,) = rec.jobs
    assert (job.data, type(job.data)) == (data, type(data))
    assert job.response == answers


class Cents(pydantic.BaseModel):
    v: int = 0

    @pydantic.field_validator("v", mode="before")
    @classmethod
    def _in_cents(cls, v):
        return v * 100


class Hidden(pydantic.BaseModel):
    id: int
    price: str = pydantic.Field(exclude=True)


class Aliased(pydantic.BaseModel):
    n: int = pydantic.Field(default=0, alias="id")


ONE_WAY = {
    "alias": (Aliased, {"id": 2}, Aliased(id=2), '{"n":2}'),
    "validator": (Cents, {"v": 2}, Cents(v=2), '{"v":200}'),
    "excluded": (Hidden, {"id": 1, "price": "2"}, Hidden(id=1, price="2"), '{"id":1}'),
}


@pytest.mark.parametrize("case", ONE_WAY)
def test_data_is_what_the_model_makes_of_the_answer_and_not_of_what_is_stored(rec, answering, case):
    model, answers, data, stored = ONE_WAY[case]
    answering(data=model, answers=answers)()
    (job,) = rec.jobs
    assert (job.data, type(job.data), job.data_json) == (data, model, stored)
    assert job.data is job.data


def test_stored_data_that_the_model_would_pick_otherwise_from_the_answer_is_what_is_stored(rec, answering):
    """Whoever looks at a recording from outside sees what is in it."""
    answering(data=Cents, answers={"v": 2})()
    (job,) = rec.jobs
    assert dataclasses.replace(job, response_json='{"v":3}').data == {"v": 200}
    assert dataclasses.replace(job, response_json='{"v":3}', data_json='{"v":0}').data == Cents(v=0)


def test_stored_data_can_be_read_where_the_answer_cannot(rec, answering):
    answering(data=Card, answers={"id": 2})()
    (job,) = rec.jobs
    assert dataclasses.replace(job, response_json='{"id":').data == Card(2)


@pytest.mark.filterwarnings("ignore::pytest_recorded.RecordedWarning")
def test_data_is_kept_only_of_calls_that_are_recorded(rec, answering):
    """The answer of an SDK that cannot be stored has no row that could answer, whatever the projection."""
    answering(data=Card, answers=Wide(1))(key="k")
    assert [job.status for job in rec.jobs] == ["interrupted"]


def test_data_is_plain_json_that_sql_can_ask_for(rec, answering):
    answering(data=View, answers=WIDE)()
    assert rec._ledger._rows(
        "SELECT json_extract(data_json, '$.id'), json_extract(data_json, '$.total') FROM jobs"
    ) == [(7, "1.50")]


MISFITS = {
    "missing": (View, {}, r"\$\.id: it does not fit View: Field required"),
    "wrong type": (list[View], [WIDE, {"id": "x"}], r"\$\[1\]\.id: it does not fit list.*: Input should be a"),
    "several": (View, {"id": "x", "total": "y"}, r"\$\.id: .* \(and 1 more\)"),
    "a fault of the model": (Strict, {"id": 13}, r".*Strict cannot be applied \(KeyError"),
    "the end of the test": (Strict, {"id": 14}, r".*Strict cannot be applied \(Failed"),
    "nothing": (Card, None, r"\$: it does not fit Card"),
}


@pytest.mark.parametrize("case", MISFITS)
def test_an_answer_that_does_not_fit_warns_with_its_path_and_is_recorded_without_data(rec, answering, case):
    model, answers, said = MISFITS[case]
    with pytest.warns(RecordedWarning, match=rf"has no data\. {said}") as caught:
        assert answering(data=model, answers=answers)() is answers
    assert caught[0].filename == __file__
    assert (rec.jobs[0].status, rec.jobs[0].data, rec.jobs[0].response) == ("completed", None, answers)


def test_a_response_that_does_not_fit_its_model_is_stored_as_it_is(rec, answering):
    with pytest.warns(RecordedWarning, match=r"the response is stored as it is\. \$\.id"):
        answering(response=View, answers={})()
    assert rec.jobs[0].response == {}


def test_a_response_model_makes_its_class_known(rec):
    @recorder(response=Card, kind="slots.known")
    def unannotated():
        return Card(1)

    assert [unannotated(key="k"), unannotated(key="k")] == [Card(1), Card(1)]


def test_the_request_model_picks_what_is_kept_of_the_arguments(rec, answering):
    answer = answering(request=Line, answers=1)
    answer({"id": 1, "trace": object()}, key="k")
    answer({"id": 1, "trace": object()}, key="k")
    assert [job.request for job in rec.jobs] == [{"id": 1}]


def test_several_arguments_are_one_object_to_the_request_model(rec):
    @dataclasses.dataclass
    class Both:
        order: int
        amount: int

    @recorder(request=Both, kind="slots.both")
    def place(order, amount, connection):
        return order

    place(1, 2, object())
    assert rec.jobs[0].request == {"order": 1, "amount": 2}


def test_arguments_that_do_not_fit_are_stored_as_they_are(rec, answering):
    with pytest.warns(RecordedWarning, match=r"the request is stored as it is\. \$\.id: it does not fit Line"):
        answering(request=Line, answers=1)({"x": 1})
    assert rec.jobs[0].request == {"order": {"x": 1}}


def test_a_model_with_numbers_that_json_has_not_got_is_kept(rec, answering):
    class Measure(pydantic.BaseModel):
        value: float

    answering(data=Measure, answers={"value": float("inf")})()
    assert rec.jobs[0].data == Measure(value=float("inf"))


def test_a_generators_data_is_made_of_the_list_of_its_items(rec):
    @recorder(data=list[Card], kind="slots.stream")
    def stream():
        yield {"id": 1, "x": 1}
        yield {"id": 2}

    list(stream())
    assert rec.jobs[0].data == [Card(1), Card(2)]


def test_exceptions_that_are_named_as_error_are_known(rec):
    hidden = type("HiddenError", (Exception,), {"__module__": "somewhere.else"})

    @recorder(error=(hidden, KeyError), kind="slots.errors")
    def fail():
        raise hidden("no")

    for _ in range(2):
        with pytest.raises(hidden, match="no"):
            fail(key="k", retry_failed=False)
    assert len(rec.jobs) == 1


def test_annotations_are_read_through_other_decorators_partials_and_instances(rec):
    """What matters is what the function says that somebody has written."""
    import functools  # noqa: PLC0415 - the decorator of this test

    def other(fn):
        @functools.wraps(fn)
        def around(*args, **kwargs):
            return fn(*args, **kwargs)

        return around

    class Calling:
        def __call__(self, n) -> Card:
            return Card(n)

    def plain(n) -> Card:
        return Card(n)

    for n, fn in enumerate([other(plain), functools.partial(plain), Calling()]):
        decorated = recorder(kind=f"slots.written.{n}")(fn)
        assert [decorated(n, key="k"), decorated(n, key="k")] == [Card(n), Card(n)]
    assert len(rec.jobs) == 3


def test_an_answer_of_an_unknown_class_says_how_to_make_it_known(rec):
    @dataclasses.dataclass
    class Local:
        at: dt.date

    @recorder(kind="slots.local")
    def local():
        return Local(dt.date(2030, 1, 2))

    with pytest.warns(RecordedWarning, match=re.escape("Make it known: annotate the function's return type with it")):
        assert local(key="k") == Local(dt.date(2030, 1, 2))
    assert rec.jobs[0].status == "interrupted"
