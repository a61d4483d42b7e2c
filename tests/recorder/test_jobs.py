"""A recorded call as users look at it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import re
import uuid

import pytest

from pytest_recorded import Job, RecordedFailure, RecordedWarning, Recorder, recorder, register


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Card:
    id: int
    colour: Colour = Colour.RED


@dataclasses.dataclass
class Unannotated:
    id: int


class GoneError(Exception):
    pass


@recorder
def place(card: Card, note: str = "") -> Card:
    if note == "fail":
        raise GoneError(note)
    return card


@recorder
def numbers(to):
    yield from range(to)


def test_a_job_has_request_response_and_times(rec):
    before = dt.datetime.now(dt.UTC)
    place(Card(1), note="x", key="k")
    (job,) = rec.jobs
    assert (job.request, job.response) == ({"card": Card(1), "note": "x"}, Card(1))
    assert (job.kind, job.scope, job.key, job.seq, job.attempt, job.parent_id) == (
        f"{__name__}.place",
        "",
        "k",
        0,
        0,
        None,
    )
    assert (job.status, job.error, job.data) == ("completed", None, None)
    assert re.fullmatch(r"[0-9a-f]{32}", job.id)
    for moment in (job.submitted_at, job.started_at, job.completed_at):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", moment)
    assert before <= job.recorded_at <= dt.datetime.now(dt.UTC)
    assert job.duration_ms >= 0


def test_a_job_that_still_runs_has_no_duration(rec):
    seen = []

    @recorder
    def running():
        seen.extend(rec.jobs)

    running()
    (job,) = seen
    assert (job.status, job.response, job.error, job.data, job.duration_ms) == ("running", None, None, None, None)


def test_jobs_come_in_the_order_in_which_they_were_made(rec):
    for n in range(20):
        place(Card(n))
    assert [job.response.id for job in rec.jobs] == list(range(20))
    assert [rec.get(job.id) for job in rec.jobs] == rec.jobs


def test_a_failed_job_has_its_exception(rec):
    with pytest.raises(GoneError):
        place(Card(1), "fail")
    (job,) = rec.jobs
    assert (type(job.error), job.error.args, job.response, job.status) == (GoneError, ("fail",), None, "failed")


def test_a_stream_is_the_list_of_its_items(rec):
    list(numbers(3))
    assert rec.jobs[0].response == [0, 1, 2]


def test_the_values_of_a_job_are_made_anew_each_time(rec):
    place(Card(1))
    (job,) = rec.jobs
    job.response.id = 2
    assert (job.response, job.request["card"]) == (Card(1), Card(1))


def test_jobs_of_a_closed_recorder_can_be_read(path):
    with Recorder(path) as rec:
        list(numbers(2))
        jobs = rec.jobs
    assert jobs[0].response == [0, 1]
    rec.close()


SEEN_FROM_AFAR = """
    import pytest_recorded
    (job,) = pytest_recorded.Recorder("jobs.db").jobs
    print(repr(job.{what}))
"""


PLAIN_CARD = {"id": 1, "colour": "RED"}


@pytest.mark.parametrize(
    ("what", "plain"),
    [("request", {"card": PLAIN_CARD, "note": ""}), ("response", PLAIN_CARD), ("data", None), ("error", None)],
)
def test_where_its_classes_are_not_known_a_job_is_plain_data(python, path, what, plain):
    with Recorder(path):
        place(Card(1))
    assert python.run(SEEN_FROM_AFAR.format(what=what)) == repr(plain)


def test_where_its_class_is_not_known_an_exception_says_which_it_was(python, path):
    with Recorder(path), pytest.raises(GoneError):
        place(Card(1), "fail")
    assert python.run(SEEN_FROM_AFAR.format(what="error")) == repr(RecordedFailure(f"{__name__}.GoneError", "fail"))


def test_a_registered_class_is_known_wherever_it_appears(rec):
    @recorder(kind="jobs.anything")
    def anything():
        return [Unannotated(1)]

    with pytest.warns(RecordedWarning, match=r"Unannotated is not known here\. Make it known"):
        anything()
    register(Unannotated)
    assert [anything(key="k"), anything(key="k")] == [[Unannotated(1)], [Unannotated(1)]]
    assert rec.jobs[-1].response == [Unannotated(1)]


@pytest.mark.parametrize(
    "value",
    [
        dt.datetime(2030, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
        decimal.Decimal("1.10"),
        uuid.UUID(int=5),
        (1, (2, [3])),
        {1: "a", (2, 3): "b"},
        {"py:tuple": [1]},
        b"\x00\xff",
        float("inf"),
        10**400,
        "line\nbreak \ud800 lone surrogate",
    ],
    ids=repr,
)
def test_values_come_back_equal_and_of_equal_type_in_jobs_and_replays(rec, value):
    @recorder
    def give(value):
        return value

    assert give(value, key="k") is value
    for again in (give(value, key="k"), rec.jobs[0].response, rec.jobs[0].request["value"]):
        assert (again, type(again)) == (value, type(value))
    assert len(rec.jobs) == 1


def test_a_job_is_frozen_and_shows_no_payload(rec):
    place(Card(123456))
    (job,) = rec.jobs
    assert "123456" not in repr(job)
    with pytest.raises(dataclasses.FrozenInstanceError):
        job.kind = "other"
    assert isinstance(job, Job)
