"""A call returns or raises exactly what the bare function would."""

from __future__ import annotations

import asyncio
import types

import pytest

from pytest_recorded import RecordedWarning, Recorder, recorder


class WeirdError(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class UnstorableError(Exception):
    def __init__(self, connection):
        super().__init__("lost", connection)
        self.connection = connection


class Connection:
    """Nothing that could be stored."""


class Explosive:
    """Its class cannot be asked for, as that of a proxy that has nothing behind it."""

    @property
    def __class__(self):
        raise RuntimeError("working outside of a context")


class Wordless:
    def __str__(self):
        raise RuntimeError("no words")

    __repr__ = __str__


@recorder
def give(value):
    return value


@recorder
async def agive(value):
    return value


@recorder
def fail(error):
    raise error


@recorder
async def afail(error):
    raise error


def called(fn, *args, **kwargs):
    """Call a function; run a coroutine without an event loop, which would look at what it returns and raises."""
    answer = fn(*args, **kwargs)
    if type(answer) is not types.CoroutineType:
        return answer
    try:
        answer.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waits")


PLAIN = [None, 0, "text", [1], {"a": 1}, (1, 2), {3}, b"bytes", 1.5]
# What makes them, because pytest itself cannot look at all of them.
STRANGE = [Connection, Explosive, object, lambda: print, lambda: {"deep": [{"conn": Connection()}]}]
ERRORS = [
    ValueError("no"),
    StopIteration(3),
    StopAsyncIteration(),
    SystemExit(2),
    KeyboardInterrupt(),
    GeneratorExit(),
    asyncio.CancelledError(),
    ExceptionGroup("two", [ValueError(1), ExceptionGroup("inner", [KeyError("k")])]),
    BaseExceptionGroup("all", [KeyboardInterrupt()]),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    OSError(2, "missing", "file"),
    RecursionError("deep"),
]
STRANGE_ERRORS = [
    WeirdError,
    lambda: UnstorableError(Connection()),
    lambda: ValueError(Wordless()),
    lambda: ValueError(Explosive()),
]


@pytest.mark.parametrize("fn", [give, agive])
@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_a_call_returns_the_very_object_that_the_function_returns(rec, fn, value):
    assert called(fn, value) is value
    assert rec.jobs[0].response == value


@pytest.mark.filterwarnings("ignore::pytest_recorded.RecordedWarning")
@pytest.mark.parametrize("fn", [give, agive])
@pytest.mark.parametrize("make", STRANGE, ids=["object", "proxy", "bare object", "function", "nested"])
def test_a_call_returns_the_very_object_also_if_it_cannot_be_stored(rec, fn, make):
    value = make()
    assert called(fn, value) is value
    assert rec.jobs[0].status == "interrupted"


@pytest.mark.parametrize(
    ("fn", "error"),
    # A coroutine cannot raise StopIteration.
    [(fail, error) for error in ERRORS] + [(afail, error) for error in ERRORS if type(error) is not StopIteration],
    ids=lambda part: type(part).__name__ if isinstance(part, BaseException) else part.__name__,
)
def test_a_call_raises_the_very_exception_that_the_function_raises(rec, fn, error):
    with pytest.raises(type(error)) as caught:
        called(fn, error)
    assert caught.value is error
    assert not any("pytest_recorded" in str(line.path) for line in caught.traceback[-1:])
    assert rec.jobs[0].status in ("failed", "interrupted")


@pytest.mark.filterwarnings("ignore::pytest_recorded.RecordedWarning")
@pytest.mark.parametrize("fn", [fail, afail])
@pytest.mark.parametrize("make", STRANGE_ERRORS, ids=["no words", "connection", "argument without words", "proxy"])
def test_a_call_raises_the_very_exception_also_if_it_cannot_be_stored(rec, fn, make):
    error = make()
    with pytest.raises(type(error)) as caught:
        called(fn, error)
    assert caught.value is error
    assert rec.jobs[0].status in ("failed", "interrupted")


def test_an_exception_keeps_its_cause_context_and_notes(rec):
    cause, error = KeyError("cause"), ValueError("error")

    @recorder
    def chained():
        try:
            raise cause
        except KeyError as problem:
            error.add_note("look here")
            raise error from problem

    with pytest.raises(ValueError, match="error") as caught:
        chained()
    assert (caught.value.__cause__, caught.value.__context__) == (cause, cause)
    assert caught.value.__notes__ == ["look here"]
    assert rec.jobs[0].error.__notes__ == ["look here"]


WRONG = [((), {}), ((1, 2), {}), ((1,), {"value": 2}), ((1,), {"other": 2}), ((), {"error": 1})]


@pytest.mark.parametrize(("args", "kwargs"), WRONG)
def test_arguments_that_do_not_fit_raise_the_functions_own_type_error_and_are_no_call(rec, args, kwargs):
    with pytest.raises(TypeError) as bare:
        give.__wrapped__(*args, **kwargs)
    with pytest.raises(TypeError) as decorated:
        give(*args, **kwargs)
    assert str(decorated.value) == str(bare.value)
    assert rec.jobs == []


@pytest.mark.parametrize(("args", "kwargs"), WRONG)
def test_arguments_that_do_not_fit_a_coroutine_function_raise_its_own_type_error(rec, args, kwargs):
    with pytest.raises(TypeError) as bare:
        agive.__wrapped__(*args, **kwargs)
    with pytest.raises(TypeError) as decorated:
        called(agive, *args, **kwargs)
    assert str(decorated.value) == str(bare.value)
    assert rec.jobs == []


def test_positional_only_and_keyword_only_parameters_keep_their_rules(rec):
    @recorder
    def strict(first, /, second, *, third):
        return [first, second, third]

    assert strict(1, second=2, third=3) == [1, 2, 3]
    for call in (lambda: strict(first=1, second=2, third=3), lambda: strict(1, 2, 3)):
        with pytest.raises(TypeError, match=r"strict\(\)"):
            call()
    assert [job.request for job in rec.jobs] == [{"first": 1, "second": 2, "third": 3}]


@pytest.mark.filterwarnings("ignore::pytest_recorded.RecordedWarning")
def test_what_a_function_raises_in_a_deep_recursion_is_a_recursion_error(rec):
    @recorder
    def deep(n):
        return deep(n + 1)

    with pytest.raises(RecursionError):
        deep.__wrapped__(0)
    assert {job.status for job in rec.jobs} <= {"failed", "interrupted"}


def test_a_function_that_returns_an_awaitable_gives_that_awaitable(rec):
    @recorder
    def later():
        return agive.__wrapped__(3)

    with pytest.warns(RecordedWarning, match="coroutine cannot be stored"):
        answer = later()
    assert asyncio.run(answer) == 3


def test_what_a_caller_does_to_request_and_answer_after_the_call_changes_no_row(rec):
    @recorder
    def place(order):
        return order["items"]

    order = {"items": [1]}
    place(order, key="k").append(2)
    order["items"].append(3)
    assert (rec.jobs[0].request, rec.jobs[0].response) == ({"order": {"items": [1]}}, [1])
    place(order, key="other").clear()
    replayed = place({"items": [1]}, key="k")
    replayed.append(4)
    assert place({"items": [1]}, key="k") == [1]


def test_what_a_function_does_to_its_arguments_changes_no_request(rec):
    @recorder
    def drain(items):
        return [items.pop() for _ in range(len(items))]

    drain([1, 2])
    assert rec.jobs[0].request == {"items": [1, 2]}


def test_a_mutable_default_is_stored_as_it_was_when_the_call_began(rec):
    @recorder
    def collect(item, bag=[]):  # noqa: B006 - its change is the point
        bag.append(item)
        return list(bag)

    collect(1)
    collect(2)
    assert [job.request for job in rec.jobs] == [{"item": 1, "bag": []}, {"item": 2, "bag": [1]}]


def test_a_bare_call_outside_of_any_recorder_is_just_the_function():
    """Under pytest a decorated function in an unmarked test runs bare."""
    value = Connection()
    assert give(value) is value
    assert give(value, key="k", retry_failed=False) is value


def test_a_recorder_that_has_been_left_takes_no_more_calls(path):
    with Recorder(path) as rec:
        give(1)
    give(2)
    assert [job.response for job in rec.jobs] == [1]
    rec.close()
