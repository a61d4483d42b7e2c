"""`attach` and `attach_error`: what a recorded function says about itself."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pydantic
import pytest

from pytest_recorded import (
    AttachKeyError,
    ConfigurationError,
    RecordedWarning,
    Recorder,
    attach,
    attach_error,
    recorder,
    use_cassette,
)


@dataclasses.dataclass
class View:
    id: int
    note: str = ""


class Refusal(pydantic.BaseModel):
    code: int


class Stranger(pydantic.BaseModel):
    code: int
    at: dt.date | None = None


def stored(path, column="data_json"):
    """Return what another connection sees right now."""
    connection = sqlite3.connect(path)
    try:
        return [value for (value,) in connection.execute(f"SELECT {column} FROM jobs ORDER BY submitted_at")]
    finally:
        connection.close()


def test_what_is_attached_becomes_the_data(rec):
    @recorder
    def place():
        attach("id", 7)
        attach("at", dt.date(2030, 1, 2))
        attach("id", 8)

    place()
    assert rec.jobs[0].data == {"id": 8, "at": dt.date(2030, 1, 2)}


def test_an_attached_model_comes_back_as_plain_data_where_its_class_is_not_known(path):
    """What was attached beside it comes back as ever."""

    @recorder(kind="attach.stranger")
    def place():
        attach("stranger", Stranger(code=1, at=dt.date(2030, 1, 2)))
        attach("strangers", [Stranger(code=2), {"in": Stranger(code=3)}])
        attach("at", dt.date(2030, 1, 2))
        attach_error(Stranger(code=4))
        raise ValueError("no")

    plain = {
        "stranger": {"code": 1, "at": "2030-01-02"},
        "strangers": [{"code": 2, "at": None}, {"in": {"code": 3, "at": None}}],
        "at": dt.date(2030, 1, 2),
    }
    for _ in range(2):
        with use_cassette(path) as cassette:
            with pytest.raises(ValueError, match="no"):
                place()
            (job,) = cassette.jobs
            assert (job.data, job.error_payload) == (plain, {"code": 4, "at": None})


def test_an_attached_model_comes_back_as_an_instance_where_its_class_is_known(rec):
    @recorder(kind="attach.friend")
    def place() -> Refusal:
        attach("friend", Refusal(code=1))
        attach_error(Refusal(code=2))
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        place()
    assert (rec.jobs[0].data, rec.jobs[0].error_payload) == ({"friend": Refusal(code=1)}, Refusal(code=2))


@pytest.mark.parametrize(
    "stored", ['{"py:object": {"fields": {}, "extra": [1]}}', '{"py:new": {"x": [1]}}', '{"py:set": 1}']
)
def test_what_nothing_can_be_made_of_breaks_no_job(rec, path, stored):
    @recorder(kind="attach.damaged")
    def place():
        attach("x", 1)

    place()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE jobs SET data_json = ?", [f'{{"x": {stored}}}'])
    connection.close()
    assert rec.jobs[0].data is not None


def test_what_is_attached_is_added_to_the_projection_and_wins(rec):
    @recorder(data=View, kind="attach.view")
    def place():
        attach("note", "attached")
        return {"id": 7, "note": "returned"}

    place()
    assert rec.jobs[0].data == View(7, "attached")


def test_data_may_be_attached_as_a_whole_by_a_function_that_returns_something_else(rec):
    """What it returns need not fit then."""

    @recorder(data=View, kind="attach.whole")
    def place():
        attach("id", 7)
        return "done"

    place()
    assert rec.jobs[0].data == View(7)


def test_a_part_that_does_not_make_a_whole_warns(rec):
    @recorder(data=View, kind="attach.part")
    def place():
        attach("note", "alone")

    with pytest.warns(RecordedWarning, match=r"attach\.part has no data"):
        place()
    assert rec.jobs[0].data == {"note": "alone"}


def test_nothing_can_be_attached_to_a_list(rec):
    @recorder(data=list[View], kind="attach.list")
    def place():
        attach("note", "x")
        return [{"id": 1}]

    with pytest.warns(RecordedWarning, match="what was attached is left out, because its data is a list"):
        place()
    assert rec.jobs[0].data == [View(1)]


def test_a_field_that_the_model_has_not_got_is_an_error_that_lists_its_fields(rec):
    @recorder(data=View, kind="attach.typed")
    def place():
        attach("nte", "x")

    with pytest.raises(
        AttachKeyError, match=r"'attach\.typed': the data model View has no field 'nte'\. It has: id, note"
    ):
        place()


def test_the_name_of_a_field_is_a_string(rec):
    @recorder
    def place():
        attach(3, "x")

    with pytest.raises(ConfigurationError, match="the name of a field is a string"):
        place()


@pytest.mark.parametrize("error", [AttachKeyError, ConfigurationError], ids=lambda error: error.__name__)
@pytest.mark.parametrize("retry_failed", [False, True])
def test_a_mistake_in_how_the_library_is_used_is_no_answer(rec, error, retry_failed):
    """Once it is corrected the call runs, also where failures are not to be tried again."""
    keys = [3 if error is ConfigurationError else "nte", "note"]

    @recorder(data=View, kind=f"attach.corrected.{error.__name__}.{retry_failed}")
    def place():
        attach(keys.pop(0), "x")
        return {"id": 1}

    with pytest.raises(error):
        place(key="k", retry_failed=retry_failed)
    assert [(job.status, job.error) for job in rec.jobs] == [("interrupted", None)]
    assert place(key="k", retry_failed=retry_failed) == {"id": 1}
    assert rec.jobs[-1].data == View(1, "x")


def test_a_mistake_in_a_generator_is_no_answer_either(rec):
    keys = ["nte", "note"]

    @recorder(data=View, kind="attach.corrected.stream")
    def stream():
        yield 1
        attach(keys.pop(0), "x")
        attach("id", 1)

    with pytest.raises(AttachKeyError):
        list(stream(key="k", retry_failed=False))
    assert [job.status for job in rec.jobs] == ["interrupted"]
    assert list(stream(key="k", retry_failed=False)) == [1]
    assert rec.jobs[-1].data == View(1, "x")


@pytest.mark.parametrize("is_async", [False, True])
def test_a_mistake_in_a_generator_is_told_where_its_answer_is_only_compared(path, is_async):
    keys = ["note", "nte"]

    @recorder(data=View, kind=f"attach.verified.{is_async}")
    def steps():
        attach("id", 1)
        attach(keys.pop(0), "x")
        yield 1

    @recorder(data=View, kind=f"attach.verified.async.{is_async}")
    async def asteps():
        attach("id", 1)
        attach(keys.pop(0), "x")
        yield 1

    async def read():
        return [item async for item in asteps()]

    ask = (lambda: asyncio.run(read())) if is_async else lambda: list(steps())
    with use_cassette(path):
        assert ask() == [1]
    # What could not be compared is never taken for unchanged.
    told = pytest.warns(RecordedWarning, match="1 changed")
    with told, use_cassette(path, mode="verify"), pytest.raises(AttachKeyError):
        ask()


def test_a_mistake_that_its_caller_catches_is_not_replayed_after_it_is_corrected(path):
    keys = ["nte", "note"]

    @recorder(data=View, kind="attach.corrected.cassette")
    def place():
        attach(keys.pop(0), "x")
        return {"id": 1}

    with use_cassette(path), pytest.raises(AttachKeyError):
        place()
    with use_cassette(path, mode="new_episodes"):
        assert place() == {"id": 1}


def test_what_cannot_be_stored_is_left_out_with_a_warning_at_its_line(rec):
    @recorder
    def place():
        attach("good", 1)
        attach("bad", [print])
        return "done"

    with pytest.warns(RecordedWarning, match=r"attach\('bad', …\) is left out\. \$\[0\]") as caught:
        assert place() == "done"
    assert caught[0].filename == __file__
    assert rec.jobs[0].data == {"good": 1}


def test_what_becomes_of_a_value_after_it_was_attached_changes_nothing(rec):
    @recorder
    def place():
        items = [1]
        attach("items", items)
        items.append(2)

    place()
    assert rec.jobs[0].data == {"items": [1]}


def test_a_field_that_looks_like_a_tag_comes_back(rec):
    @recorder
    def place():
        attach("py:tuple", [1])
        attach("x", {"py:set": (1, 2)})

    place()
    assert rec.jobs[0].data == {"py:tuple": [1], "x": {"py:set": (1, 2)}}


def test_flushed_data_is_seen_by_others_while_the_call_runs(path):
    seen = []

    @recorder
    def place():
        attach("kept", 1)
        seen.append(stored(path))
        attach("at_once", 2, flush=True)
        seen.append(stored(path))

    with Recorder(path):
        place()
    assert seen == [[None], ['{"kept":1,"at_once":2}']]


def test_flushed_data_survives_a_kill(python, path):
    process = python.start(
        """
        import sys
        from pytest_recorded import Recorder, attach, recorder

        @recorder
        def place():
            attach("paid", True, flush=True)
            print("paid", flush=True)
            sys.stdin.readline()

        with Recorder("jobs.db"): place(key="k")
        """
    )
    assert process.says() == "paid"
    process.kill()
    assert stored(path) == ['{"paid":true}']


@pytest.mark.parametrize("flush", [False, True])
@pytest.mark.parametrize("error", [ValueError("no"), asyncio.CancelledError(), KeyboardInterrupt()], ids=repr)
def test_what_was_attached_to_a_call_that_fails_is_kept(rec, error, flush):
    @recorder
    def place():
        attach("step", 1, flush=flush)
        raise error

    with pytest.raises(type(error)):
        place()
    assert rec.jobs[0].data == ({"step": 1} if flush or not isinstance(error, KeyboardInterrupt) else None)


def test_a_generator_may_attach_too(rec):
    @recorder
    def stream():
        attach("first", 1)
        yield 1
        attach("second", 2)
        yield 2

    for _ in stream():
        attach("outside", 3)
    assert rec.jobs[0].data == {"first": 1, "second": 2}


@pytest.mark.asyncio
async def test_tasks_and_executors_attach_to_the_call_that_started_them(rec):
    @recorder
    async def place():
        async def inner(n):
            attach(f"task {n}", n)

        await asyncio.gather(inner(1), inner(2))
        await asyncio.to_thread(attach, "to_thread", 3)
        await asyncio.get_running_loop().run_in_executor(None, attach, "executor", 4)
        thread = threading.Thread(target=attach, args=("thread", 5))
        thread.start()
        thread.join()

    await place()
    assert rec.jobs[0].data == {"task 1": 1, "task 2": 2, "to_thread": 3, "executor": 4, "thread": 5}


def test_threads_that_attach_at_once_lose_nothing(path):
    @recorder
    def place():
        with ThreadPoolExecutor(8) as pool:
            for n in range(400):
                pool.submit(attach, str(n), n)

    with Recorder(path) as rec:
        place()
        assert rec.jobs[0].data == {str(n): n for n in range(400)}


def test_concurrent_calls_have_data_of_their_own(path):
    everybody = threading.Barrier(2)

    @recorder
    def place(n):
        everybody.wait()
        attach("n", n)
        everybody.wait()

    with Recorder(path) as rec, ThreadPoolExecutor(2) as pool:
        list(pool.map(place, [1, 2]))
        assert sorted((job.request["n"], job.data["n"]) for job in rec.jobs) == [(1, 1), (2, 2)]


def test_the_innermost_call_takes_what_is_attached(rec):
    @recorder
    def inner():
        attach("who", "inner")

    @recorder
    def outer():
        attach("who", "outer")
        inner()

    outer()
    assert [job.data for job in rec.jobs] == [{"who": "outer"}, {"who": "inner"}]


def test_outside_of_a_recorded_call_nothing_happens(rec):
    attach("x", object())
    attach(3, 3, flush=True)
    attach_error(object())
    assert rec.jobs == []


def test_a_bare_call_may_attach_whatever_it_likes():
    @recorder(data=View, kind="attach.bare")
    def place():
        attach("unknown", object())
        attach_error(object())
        return 1

    assert place() == 1


def test_a_replay_attaches_nothing(rec):
    @recorder
    def place():
        attach("n", 1)

    place(key="k")
    place(key="k")
    assert [job.data for job in rec.jobs] == [{"n": 1}]


def test_a_thread_that_outlives_its_call_attaches_nothing(path):
    over, said = threading.Event(), threading.Event()

    @recorder
    def place():
        def late():
            over.wait(30)
            attach("late", 1, flush=True)
            said.set()

        threading.Thread(target=late).start()

    with Recorder(path) as rec:
        place()
        over.set()
        assert said.wait(30)
        assert rec.jobs[0].data is None


def test_the_payload_of_an_error_is_kept_through_its_model(rec):
    @recorder(error=Refusal, kind="attach.refusal")
    def place():
        attach_error({"code": 1})
        attach_error({"code": 2, "more": object()})
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        place()
    (job,) = rec.jobs
    assert (job.error_payload, job.error.args) == (Refusal(code=2), ("refused",))


def test_without_a_model_the_payload_is_kept_as_it_is_and_as_it_was(rec):
    @recorder
    def place():
        payload = {"at": dt.date(2030, 1, 2), "steps": [1]}
        attach_error(payload)
        payload["steps"].append(2)
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        place()
    assert rec.jobs[0].error_payload == {"at": dt.date(2030, 1, 2), "steps": [1]}


def test_a_payload_of_a_call_that_does_not_fail_is_not_kept(rec):
    @recorder
    def place():
        attach_error({"code": 1})

    place()
    assert (rec.jobs[0].error, rec.jobs[0].error_payload) == (None, None)


@pytest.mark.parametrize(
    ("model", "payload", "said"),
    [(Refusal, {}, r"\$\.code: it does not fit Refusal"), (None, object(), r"\$: a value of")],
)
def test_a_payload_that_does_not_fit_is_left_out_with_a_warning_at_its_line(rec, model, payload, said):
    @recorder(error=model, kind=f"attach.misfit.{model}")
    def place():
        attach_error(payload)
        raise ValueError("refused")

    with (
        pytest.warns(RecordedWarning, match=rf"the payload of attach_error\(\) is left out\. {said}") as caught,
        pytest.raises(ValueError, match="refused"),
    ):
        place()
    assert caught[0].filename == __file__
    assert (rec.jobs[0].error.args, rec.jobs[0].error_payload) == (("refused",), None)
