"""The arguments of `query`, and which jobs they mean."""

from __future__ import annotations

import datetime as dt
import time

import pytest

from pytest_recorded.errors import UsageError
from pytest_recorded.job import Row, Status
from pytest_recorded.jobs import Job
from pytest_recorded.selection import may_name_llm, selection_from

ROW = Row(
    "0" * 32, "test_a.py::test_x[1]", "shop.ask", "k", 0, 0, None, "completed", None, "2030-01-02T03:04:05.000006Z",
    None, None, None, None, None, None, None, None,
)  # fmt: skip


@pytest.fixture
def in_rome(monkeypatch):
    """Local time is that of Rome."""
    monkeypatch.setenv("TZ", "Europe/Rome")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"status": "done"}, r"'done' is no status.*pending, running, completed, failed, interrupted"),
        ({"status": ["failed", "done"]}, "'done' is no status"),
        ({"status": []}, "no status is named"),
        ({"status": 5}, "5 is no status"),
        ({"limit": 0}, r"limit=0 is no number of jobs\. Give 1 or more, or None"),
        ({"limit": -1}, "limit=-1"),
        ({"limit": True}, "limit=True"),
        ({"limit": "5"}, "limit='5'"),
        ({"order": "newest"}, "'desc', newest first, or 'asc'"),
        ({"kind": 5}, "kind=5 is int"),
        ({"key": 5}, "key=5 is int"),
        ({"scope": b"x"}, "scope=b'x' is bytes"),
        ({"since": "yesterday"}, r"since='yesterday' is no moment.*'2030-01-31T12:00:00Z'.*local time"),
        ({"until": 5.0}, "until=5.0 is no moment"),
        ({"where_data": "a"}, "no dict"),
    ],
    ids=str,
)
def test_a_wrong_argument_is_refused_with_what_to_give(arguments, said):
    with pytest.raises(UsageError, match=said):
        selection_from(**arguments)


@pytest.mark.parametrize(
    ("given", "since", "until"),
    [
        (dt.date(2030, 7, 2), "2030-07-01T22:00:00.000000Z", "2030-07-02T21:59:59.999999Z"),
        ("2030-07-02", "2030-07-01T22:00:00.000000Z", "2030-07-02T21:59:59.999999Z"),
        (dt.datetime.fromisoformat("2030-07-02T01:00"), "2030-07-01T23:00:00.000000Z", None),
        ("2030-07-02T01:00", "2030-07-01T23:00:00.000000Z", None),
        ("2030-07-02 01:00:00.5Z", "2030-07-02T01:00:00.500000Z", None),
        (dt.datetime(2030, 7, 2, 1, tzinfo=dt.UTC), "2030-07-02T01:00:00.000000Z", None),
        (dt.datetime(2030, 7, 2, tzinfo=dt.timezone(dt.timedelta(hours=5))), "2030-07-01T19:00:00.000000Z", None),
        (dt.datetime.max, "9999-12-31T23:59:59.999999Z", None),  # noqa: DTZ901 - as a user may write it
        (dt.datetime.min, "0001-01-01T00:00:00.000000Z", None),  # noqa: DTZ901 - likewise
    ],
    ids=repr,
)
def test_moments_are_local_time_unless_they_say_which_and_a_date_is_the_whole_day(in_rome, given, since, until):
    selection = selection_from(since=given, until=given)
    assert (selection.since, selection.until) == (since, until or since)


@pytest.mark.parametrize(
    "arguments",
    [
        {"since": "2030-01-02T03:04:05.000006Z", "until": "2030-01-02T03:04:05.000006Z"},
        {"kind": "shop.*"},
        {"kind": "shop.[!b]sk"},
        {"key": "k"},
        {"status": Status.COMPLETED},
        {"status": ("failed", "completed")},
        {"scope": "test_a.py::test_x[1]"},
        {"scope": "test_a.py::*"},
    ],
    ids=str,
)
def test_a_job_is_taken(arguments):
    assert selection_from(**arguments).takes(Job.of(ROW, ()))


@pytest.mark.parametrize(
    "arguments",
    [
        {"since": "2030-01-02T03:04:05.000007Z"},
        {"until": "2030-01-02T03:04:05.000005Z"},
        {"kind": "shop"},
        {"kind": "Shop.*"},
        {"kind": "llm.*"},
        {"key": "K"},
        {"key": ""},
        {"status": "failed"},
        {"scope": ""},
        {"scope": "test_b.py*"},
        {"where_data": {"a": None}},
    ],
    ids=str,
)
def test_a_job_is_not_taken(arguments):
    assert not selection_from(**arguments).takes(Job.of(ROW, ()))


@pytest.mark.parametrize(
    "info", ['{"llm":{"name":"openai.chat"}}', '{"via":"httpx","llm":{"name":"openai.chat","a":1}}']
)
def test_a_call_of_a_language_model_goes_by_its_name_too(info):
    job = Job.of(ROW._replace(kind="http.api.openai.com", info_json=info), ())
    for kind in ("llm.*", "llm.openai.chat", "http.*", "l?m.[o]*", "*.chat"):
        assert selection_from(kind=kind).takes(job), kind
    assert not selection_from(kind="llm.anthropic.*").takes(job)


@pytest.mark.parametrize("info", ["{", '{"llm":5}', '{"llm":{}}', '["llm"]', None])
def test_information_that_cannot_be_read_gives_no_name(info):
    assert selection_from(kind="shop.ask").takes(Job.of(ROW._replace(info_json=info), ()))
    assert not selection_from(kind="llm.*").takes(Job.of(ROW._replace(info_json=info), ()))


@pytest.mark.parametrize("kind", ["llm.*", "*", "l*", "[l]lm.x", "?lm.*", "*.chat", "llm.openai.chat"])
def test_these_kinds_may_mean_calls_of_language_models(kind):
    assert may_name_llm(kind)


@pytest.mark.parametrize("kind", ["shop.*", "http.*", "llm", "l", "lm*", ""])
def test_for_these_kinds_no_answer_has_to_be_read(kind):
    assert not may_name_llm(kind)


@pytest.mark.parametrize("request_json", ["{", "[]", '{"method": 5, "url": []}', '{"method": "GET"}', None])
def test_a_request_that_cannot_be_read_is_found_by_its_kind_alone(request_json):
    job = Job.of(ROW._replace(kind="http.api.openai.com", request_json=request_json), ())
    assert job.names == ("http.api.openai.com",)
    assert selection_from(kind="http.*").takes(job)
    assert not selection_from(kind="llm.*").takes(job)
