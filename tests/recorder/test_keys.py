"""A key makes a call idempotent: completed ones answer, failed ones run again."""

from __future__ import annotations

import asyncio
import enum

import pytest

from pytest_recorded import ConfigurationError, RecordedFailure, RecordedWarning, Recorder, recorder

CALLS = []


class RefusedError(Exception):
    def __init__(self, order, *, code):
        super().__init__(order)
        self.code = code


class Mode(enum.StrEnum):
    FAST = "fast"


class Letter(str):
    __slots__ = ()


@pytest.fixture(autouse=True)
def _calls():
    CALLS.clear()


@recorder
def place(order):
    CALLS.append(order)
    return {"placed": order}


@recorder
async def aplace(order):
    CALLS.append(order)
    return {"placed": order}


@recorder
def refuse(order):
    CALLS.append(order)
    raise RefusedError(order, code=len(CALLS))


@recorder(key=lambda order, amount=1: f"{order}-{amount}")
def keyed(order, amount=1):
    CALLS.append(order)
    return amount


def test_the_same_key_gives_the_recorded_answer(rec):
    assert [place(1, key="k") for _ in range(3)] == [{"placed": 1}] * 3
    assert [asyncio.run(aplace(2, key="k")) for _ in range(3)] == [{"placed": 2}] * 3
    assert CALLS == [1, 2]


def test_the_answer_outlives_the_recorder(path):
    for _ in range(2):
        with Recorder(path):
            assert place(1, key="k") == {"placed": 1}
    assert CALLS == [1]


def test_another_key_and_another_kind_are_other_calls(rec):
    place(1, key="a")
    place(1, key="b")
    asyncio.run(aplace(1, key="a"))
    assert CALLS == [1, 1, 1]


def test_without_a_key_a_call_always_runs_and_is_always_recorded(rec):
    for key in (None, None):
        place(1, key=key)
    place(1)
    assert CALLS == [1, 1, 1]
    assert [(job.key, job.response) for job in rec.jobs] == [(None, {"placed": 1})] * 3


def test_an_answer_of_none_is_an_answer(rec):
    @recorder
    def nothing():
        CALLS.append(1)

    assert [nothing(key="k"), nothing(key="k")] == [None, None]
    assert CALLS == [1]


def test_a_failed_call_runs_again_and_its_history_is_kept(rec):
    for _ in range(2):
        with pytest.raises(RefusedError):
            refuse(1, key="k")
    assert [(job.attempt, job.status, job.error.code) for job in rec.jobs] == [(0, "failed", 1), (1, "failed", 2)]


def test_a_call_that_succeeds_at_last_answers_from_then_on(rec):
    @recorder
    def third_time():
        CALLS.append(1)
        if len(CALLS) < 3:
            raise ValueError(len(CALLS))
        return "charm"

    for _ in range(2):
        with pytest.raises(ValueError, match=r"[12]"):
            third_time(key="k")
    assert [third_time(key="k"), third_time(key="k")] == ["charm", "charm"]
    assert [job.status for job in rec.jobs] == ["failed", "failed", "completed"]


def test_a_recorded_failure_is_raised_again_where_it_is_not_to_be_retried(rec):
    with pytest.raises(RefusedError) as first:
        refuse("order", key="k", retry_failed=False)
    with pytest.raises(RefusedError) as second:
        refuse("order", key="k", retry_failed=False)
    assert second.value is not first.value
    assert (second.value.args, second.value.code) == (("order",), 1)
    assert CALLS == ["order"]


def test_a_recorded_exception_of_an_unknown_class_says_which_it_was_and_what_to_do(rec):
    def made():
        class LocalError(Exception):
            pass

        return LocalError("gone")

    @recorder
    def local():
        raise made()

    with pytest.warns(RecordedWarning, match=r"call pytest_recorded\.register\(LocalError\)"), pytest.raises(Exception):  # noqa: B017, PT011
        local(key="k")
    with pytest.raises(RecordedFailure, match=r"(?s)LocalError: gone.*register\(LocalError\)"):
        local(key="k", retry_failed=False)


def test_the_decorators_key_is_made_from_the_arguments(rec):
    assert [keyed("a"), keyed("a", 1), keyed(order="a"), keyed("a", 2)] == [1, 1, 1, 2]
    assert [job.key for job in rec.jobs] == ["a-1", "a-2"]


def test_a_key_at_the_call_wins_over_the_decorators(rec):
    keyed("a", key="mine")
    assert rec.jobs[0].key == "mine"


def test_the_decorators_key_of_a_method_takes_the_instance_too(rec):
    class Account:
        name = "anna"

        @recorder(kind="keys.account", key=lambda self, amount: f"{self.name}/{amount}")
        def pay(self, amount):
            return amount

    Account().pay(3)
    assert (rec.jobs[0].key, rec.jobs[0].request) == ("anna/3", {"amount": 3})


def test_a_key_function_that_returns_none_makes_a_call_without_a_key(rec):
    @recorder(key=lambda order: order or None)
    def maybe(order):
        CALLS.append(order)

    for order in ("", "", "a", "a"):
        maybe(order)
    assert CALLS == ["", "", "a"]


def test_a_key_function_that_raises_is_a_clear_error_before_anything_runs(rec):
    @recorder(key=lambda order: order["id"])
    def wrong(order):
        CALLS.append(order)

    with pytest.raises(ConfigurationError, match=r"wrong: its key= raised KeyError for these arguments") as caught:
        wrong({})
    assert isinstance(caught.value.__cause__, KeyError)
    assert CALLS == []


@pytest.mark.parametrize("key", [3, b"k", ("a",), 1.5, True], ids=repr)
def test_a_key_that_is_no_string_is_a_clear_error_before_anything_runs(rec, key):
    with pytest.raises(ConfigurationError, match=r"place: the key .* is no string\. Write key=str"):
        place(1, key=key)
    assert CALLS == []


@pytest.mark.parametrize(("key", "stored"), [(Mode.FAST, "fast"), (Letter("a"), "a"), ("ü\0\n'\"", "ü\0\n'\"")])
def test_whatever_is_a_string_can_be_a_key(rec, key, stored):
    for _ in range(2):
        place(1, key=key)
    assert CALLS == [1]
    assert rec.jobs[0].key == stored
    assert type(rec.jobs[0].key) is str


def test_a_key_that_no_file_can_hold_lets_the_call_run(rec):
    with pytest.warns(RecordedWarning, match="place runs, but is not recorded: .*surrogates not allowed"):
        assert place(1, key="\ud800") == {"placed": 1}


def test_a_function_with_parameters_of_these_names_keeps_them(rec):
    @recorder
    def lookup(key, retry_failed="mine"):
        CALLS.append(key)
        return [key, retry_failed]

    assert [lookup("a"), lookup(key="a"), lookup(key=3, retry_failed=None)] == [["a", "mine"], ["a", "mine"], [3, None]]
    assert [job.key for job in rec.jobs] == [None] * 3


def test_a_function_with_only_one_of_them_leaves_the_other_to_the_recorder(rec):
    @recorder
    def retrying(retry_failed=5):
        CALLS.append(retry_failed)
        return retry_failed

    assert [retrying(retry_failed=2, key="k"), retrying(retry_failed=2, key="k")] == [2, 2]
    assert CALLS == [2]


def test_a_function_that_takes_any_keyword_keeps_them_all(rec):
    """An API parameter of that name must not vanish from the calls of a program."""

    @recorder
    def anything(**options):
        return options

    assert anything(key="k", retry_failed=False) == {"key": "k", "retry_failed": False}
    assert (rec.jobs[0].request, rec.jobs[0].key) == ({"options": {"key": "k", "retry_failed": False}}, None)


def test_the_same_key_with_another_request_gives_the_recorded_answer_and_warns_at_the_call(rec):
    place(1, key="k")
    with pytest.warns(RecordedWarning, match=r"place was called with the key 'k', .* another request") as caught:
        assert place(2, key="k") == {"placed": 1}
    assert caught[0].filename == __file__
    assert CALLS == [1]


def test_the_same_key_with_a_request_that_cannot_be_stored_gives_the_recorded_answer_too(rec):
    """Whatever it is, it is not what was recorded; and a payment is not to be made twice."""
    place(1, key="k")
    with pytest.warns(RecordedWarning, match="another request"):
        assert place(object(), key="k") == {"placed": 1}
    assert CALLS == [1]


def test_what_is_ignored_makes_no_other_request(rec):
    @recorder(ignore=["trace", "$.order.at"])
    def traced(order, trace):
        return order

    assert traced({"id": 1, "at": 1}, trace=object(), key="k") == {"id": 1, "at": 1}
    assert traced({"id": 1, "at": 2}, trace=object(), key="k") == {"id": 1, "at": 1}
    assert rec.jobs[0].request == {"order": {"id": 1}}


def test_a_recorded_answer_that_cannot_be_read_lets_the_call_run(rec):
    place(1, key="k")
    rec._ledger._write("UPDATE jobs SET response_json = ?", ('{"py:object":{"class":"os.system","fields":{}}}',))
    with pytest.warns(RecordedWarning, match=r"place runs, because its recorded answer cannot be read: .*os\.system"):
        assert place(1, key="k") == {"placed": 1}
    assert CALLS == [1, 1]
