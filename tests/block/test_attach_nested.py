"""`attach` in a recorded function that another recorded function calls: only the outer call has a row."""

from __future__ import annotations

import asyncio
import threading

import pydantic
import pytest

from pytest_recorded import AttachKeyError, RecordedWarning, attach, attach_error, recorder, use_cassette


class Outer(pydantic.BaseModel):
    id: int
    note: str = ""


class Inner(pydantic.BaseModel):
    warehouse: str = ""


class Refusal(pydantic.BaseModel):
    code: int


@pytest.fixture
def path(tmp_path):
    return tmp_path / "calls.db"


@recorder(kind="nested.inner", data=Inner, error=Refusal)
def inner(key="warehouse"):
    attach(key, "B4")
    return 1


@recorder(kind="nested.bare")
def untyped():
    attach("anything", "x")
    return 1


@recorder(kind="nested.steps", data=Inner)
def steps():
    for _ in range(3):
        attach("warehouse", "B4")
        yield 1


@recorder(kind="nested.asteps", data=Inner)
async def asteps():
    for _ in range(3):
        attach("warehouse", "B4")
        yield 1


@recorder(kind="nested.task", data=Inner)
async def task():
    await asyncio.sleep(0)
    attach("warehouse", "B4")
    return 1


def in_a_thread():
    thread = threading.Thread(target=inner)
    thread.start()
    thread.join()


def in_steps():
    stream = steps()
    next(stream)
    attach("note", "between two steps of another")
    assert list(stream) == [1, 1]


async def in_tasks():
    await asyncio.gather(task(), task())


async def in_async_steps():
    stream = asteps()
    await anext(stream)
    attach("note", "between two steps of another")
    assert [item async for item in stream] == [1, 1]


@pytest.mark.parametrize(
    "body", [inner, untyped, in_a_thread, in_steps, in_tasks, in_async_steps], ids=lambda body: body.__name__
)
def test_what_an_inner_function_attaches_belongs_to_no_row(path, body):
    """It fits its own model, not that of the function around it, whose own attachments are kept."""

    @recorder(kind=f"nested.around.{body.__name__}", data=Outer)
    def outer():
        made = body()
        if asyncio.iscoroutine(made):
            asyncio.run(made)
        attach("id", 8)
        return {"note": "returned"}

    for _ in range(2):
        with use_cassette(path) as cassette:
            assert outer() == {"note": "returned"}
            (job,) = cassette.jobs
            between = "steps" in body.__name__
            assert job.data == Outer(id=8, note="between two steps of another" if between else "returned")


def test_a_wrong_key_in_an_inner_function_is_told_with_its_own_model(path):
    @recorder(kind="nested.wrong", data=Outer)
    def outer():
        inner("id")

    with (
        use_cassette(path),
        pytest.raises(AttachKeyError, match=r"inside 'nested\.inner': the data model Inner has no field 'id'"),
    ):
        outer()


def test_a_payload_of_an_inner_error_is_not_that_of_the_call_around_it(path):
    @recorder(kind="nested.refused", error=Refusal)
    def refused():
        attach_error({"code": 7})
        raise LookupError

    @recorder(kind="nested.fails", error=Refusal)
    def outer():
        attach_error({"code": 1})
        try:
            refused()
        except LookupError:
            raise ValueError("no") from None

    for _ in range(2):
        with use_cassette(path) as cassette:
            with pytest.raises(ValueError, match="no"):
                outer()
            assert cassette.jobs[0].error_payload == Refusal(code=1)


def test_a_payload_of_an_inner_error_has_to_fit_its_own_model(path):
    @recorder(kind="nested.misfit", error=Refusal)
    def misfit():
        attach_error({"cod": 7})

    @recorder(kind="nested.untold")
    def outer():
        misfit()

    with use_cassette(path), pytest.warns(RecordedWarning, match=r"\$\.code: it does not fit Refusal"):
        outer()
