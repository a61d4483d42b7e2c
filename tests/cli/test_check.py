"""The command check names what is wrong with a cassette by its place, never by its content, and writes nothing."""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from pytest_recorded import recorder, use_cassette
from pytest_recorded.check import check
from pytest_recorded.codec import to_text
from pytest_recorded.errors import UsageError
from pytest_recorded.http.exchange import HttpCall
from pytest_recorded.job import Address, Row, Status, job_id
from pytest_recorded.limits import read_age
from pytest_recorded.message import HttpRequest, HttpResponse
from pytest_recorded.options import Options, read_options
from pytest_recorded.scope import Scope
from pytest_recorded.staging import Session, Staging
from pytest_recorded.store.build import Changes, build
from pytest_recorded.suite import Suite
from pytest_recorded.workplace import workshop

ROOT = Path(__file__).parents[2]
KEY = "sk-9aF3kd82jcmPq7Wz"
MOMENT = "2030-01-02T03:04:05.000006Z"

ask = recorder(kind="check.ask")(lambda question: {"answer": question})


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """A project without secrets in its environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SHOP_API_KEY", raising=False)
    return tmp_path


@pytest.fixture
def cassette(tmp_path):
    return tmp_path / "cassettes" / "jobs.db"


def record(cassette, *questions):
    with use_cassette(cassette, scope="test_a.py::test_x"):
        for question in questions:
            ask(question)


def request(**more):
    parts = {"method": "POST", "url": "https://api.example/v1", "headers": (), "content": b'{"a": 1}'} | more
    return HttpRequest(**parts)


def add(cassette, sent=None, *, headers=(), body="ok", key=None, **more):
    """Add the row of an HTTP call as it stands here, past all redaction."""
    sent = sent or request()
    if key is None:
        key = HttpCall(Scope(Suite(cassette, Session.new("none")), "", Options()), sent, "httpx").key()
    address = Address("test_b.py::test_y", sent.kind, key, 0)
    values = {
        "status": Status.COMPLETED,
        "submitted_at": MOMENT,
        "started_at": MOMENT,
        "completed_at": MOMENT,
        "request_json": to_text(sent.tree()),
        "response_json": to_text(HttpResponse(200, "OK", headers, body.encode()).tree()),
        "info_json": '{"via":"httpx"}',
    }
    fields = dict.fromkeys(Row._fields) | address._asdict() | values | {"id": job_id(address, 0), "attempt": 0} | more
    build(cassette, Changes(fresh=[(Row(**fields), ())]), workshop(cassette))


def alter(cassette, statement, *values):
    with closing(sqlite3.connect(cassette, isolation_level=None)) as connection:
        connection.execute(statement, values)


def found(done):
    return [(finding["code"], finding["path"]) for finding in done.json["findings"]]


def test_a_good_cassette_has_nothing_and_is_left_as_it_is(cli, cassette):
    record(cassette, "a", "b")
    add(cassette, headers=(("content-type", "text/plain"), ("set-cookie", "session=redacted; Path=/")))
    shutil.rmtree(cassette.parent / ".staging")
    before = cassette.read_bytes(), cassette.stat().st_mtime_ns
    done = cli("check")
    assert (done.code, done.out, done.err) == (0, "cassettes/jobs.db: 3 rows, nothing found.\n", "")
    assert (cassette.read_bytes(), cassette.stat().st_mtime_ns) == before
    assert [path.name for path in cassette.parent.iterdir()] == ["jobs.db"]


@pytest.mark.parametrize("path", sorted((ROOT / "cassettes").glob("*.db")), ids=lambda path: path.name)
def test_the_cassettes_of_this_repository_are_good(path):
    assert check(path, Options(), {"SHOP_API_KEY": KEY}).findings == []


def test_without_a_cassette_it_says_so_and_makes_none(cli, tmp_path):
    done = cli("check")
    assert (done.code, done.out) == (2, "")
    assert "cassettes/jobs.db: does not exist. Name another one with --cassette." in done.err
    assert list(tmp_path.iterdir()) == []


def foreign(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE jobs (a)")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (foreign, "is a SQLite file of another program"),
        (lambda path: path.write_bytes(b""), "is empty (0 bytes)"),
        (lambda path: path.write_text("hello " * 40), "is no SQLite file"),
        (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"),
        (lambda path: path.mkdir(), "is a folder"),
    ],
    ids=["foreign", "empty", "text", "lfs", "folder"],
)
def test_a_file_that_is_no_cassette_is_an_error_not_a_finding(cli, tmp_path, make, words):
    make(tmp_path / "x.db")
    done = cli("check", "--cassette=x.db", "--json")
    assert (done.code, done.out) == (2, "")
    assert words in done.err


def test_a_schema_from_the_future_is_an_error(cli, cassette):
    record(cassette, "a")
    alter(cassette, "UPDATE meta SET value = '99' WHERE key = 'schema'")
    done = cli("check")
    assert done.code == 2
    assert "has schema 99" in done.err


# Secrets by value.

SPELLED = {
    "plain": KEY,
    "url": quote(KEY + "/é&"),
    "json": json.dumps({"x": f'say "{KEY}"'}),
    "sentence": f"the key is {KEY}, you know",
    "base64": base64.b64encode(f"user:{KEY}".encode()).decode(),
    "base64 one later": base64.b64encode(f"users:{KEY}!".encode()).decode(),
    "base64 two later": base64.b64encode(f"a user:{KEY}!!".encode()).decode(),
    "base64 for urls": base64.urlsafe_b64encode(b"\xff\xfe" + KEY.encode()).decode(),
}


@pytest.mark.parametrize("how", SPELLED)
def test_a_secret_of_this_environment_is_found_however_it_is_written(cli, cassette, monkeypatch, how):
    """It was recorded where the variable was not set."""
    record(cassette, "a", {"deep": ["x", SPELLED[how]]})
    assert cli("check").code == 0
    monkeypatch.setenv("SHOP_API_KEY", KEY)
    done = cli("check", "--json")
    assert (done.code, done.json["ok"]) == (1, False)
    places = [(finding["path"], finding["message"]) for finding in done.json["findings"]]
    assert places == [
        ("request: $.question.deep[1]", "the value of SHOP_API_KEY"),
        ("response: $.answer.deep[1]", "the value of SHOP_API_KEY"),
    ]
    assert KEY not in done.out
    assert {(finding["code"], finding["severity"], finding["test"]) for finding in done.json["findings"]} == {
        ("secret", "error", "test_a.py::test_x")
    }


@pytest.mark.parametrize("value", [KEY.encode() + b"\xff", f"\xff{KEY}".encode("latin-1"), bytearray(KEY.encode())])
def test_a_secret_in_bytes_is_found(cli, cassette, monkeypatch, value):
    record(cassette, value)
    monkeypatch.setenv("SHOP_API_KEY", KEY)
    assert found(cli("check", "--json")) == [("secret", "request: $.question"), ("secret", "response: $.answer")]


def test_a_declared_variable_is_a_secret_too(cli, cassette, monkeypatch, tmp_path):
    record(cassette, "the pin is 4711x")
    monkeypatch.setenv("PIN", "4711x")
    assert cli("check").code == 0
    (tmp_path / "pytest.ini").write_text("[pytest]\nrecord_redact = env:PIN\n")
    done = cli("check", "--json")
    assert [finding["message"] for finding in done.json["findings"]] == ["the value of PIN"] * 2


def test_a_short_value_that_is_declared_is_found_in_bytes_too(cli, cassette, monkeypatch, tmp_path):
    record(cassette, b"the pin\xff4711x")
    monkeypatch.setenv("PIN", "4711x")
    (tmp_path / "pytest.ini").write_text("[pytest]\nrecord_redact = env:PIN\n")
    assert found(cli("check", "--json")) == [("secret", "request: $.question"), ("secret", "response: $.answer")]


def test_a_short_or_wordy_value_is_none(cli, cassette, monkeypatch):
    record(cassette, "monkey", "a-sentence-of-words-only")
    monkeypatch.setenv("OTHER_API_KEY", "monkey")
    monkeypatch.setenv("SHOP_TOKEN", "a-sentence-of-words-only")
    assert cli("check").code == 0


def test_a_secret_in_the_name_of_a_test_is_found_and_not_printed(cli, cassette, monkeypatch):
    with use_cassette(cassette, scope=f"test_a.py::test_x[{KEY}]"):
        ask("a")
    monkeypatch.setenv("SHOP_API_KEY", KEY)
    done = cli("check", "--json")
    assert found(done) == [("secret", "scope")]
    assert KEY not in done.out + cli("check").out


def test_a_secret_in_a_streamed_item_and_in_an_exception_is_found(cli, cassette, monkeypatch):
    @recorder(kind="check.stream")
    def stream():
        yield "a"
        yield f"key {KEY}"
        raise ValueError(f"no {KEY}")

    with use_cassette(cassette, scope="test_a.py::test_x"), pytest.raises(ValueError, match="no "):
        list(stream())
    monkeypatch.setenv("SHOP_API_KEY", KEY)
    assert {path.partition(":")[0] for _, path in found(cli("check", "--json"))} == {"chunk 1", "error"}


# Secrets by name.

PLANTED = {
    "header": ({"headers": (("x-request-id", "1"), ("x-api-key", KEY))}, "response: $.headers[1][1]"),
    "cookie": ({"headers": (("set-cookie", f"session={KEY}; Path=/"),)}, "response: $.headers[0][1]"),
    "account": ({"headers": (("openai-organization", "org-shop"),)}, "response: $.headers[0][1]"),
    "field": ({"body": '{"user": {"password": "hunter2"}}'}, "response: $.body"),
    "parameter": ({"sent": request(url="https://api.example/v1?api_key=alice")}, "request: $.url"),
    "user of a url": ({"sent": request(url="https://bob:hunter2@api.example/")}, "request: $.url"),
    "json": ({"sent": request(content=b'{"a": [{"client_secret": "abc"}]}')}, "request: $.json.a[0].client_secret"),
    "form": (
        {
            "sent": request(
                headers=(("content-type", "application/x-www-form-urlencoded"),), content=b"password=x&user=y"
            )
        },
        "request: $.form",
    ),
    "bearer": ({"body": f"curl -H 'Authorization: Bearer {KEY}'"}, "response: $.body"),
}


@pytest.mark.parametrize("where", PLANTED)
def test_what_redaction_would_hide_by_its_name_is_found(cli, cassette, where):
    planted, path = PLANTED[where]
    add(cassette, key="b2:00", **planted)
    done = cli("check", "--json")
    assert (done.code, found(done)) == (1, [("secret", path)])
    assert done.json["findings"][0]["message"] == "a secret by the name of its field"
    for secret in (KEY, "hunter2", "alice", "org-shop"):
        assert secret not in done.out


def test_a_request_header_that_carries_a_key_is_found(cli, cassette):
    stored = to_text({**request().tree(), "headers": [["accept", "*/*"], ["x-api-key", KEY]]})
    add(cassette, request_json=stored)
    assert found(cli("check", "--json")) == [("secret", "request: $.headers[1][1]")]


def test_what_the_ini_file_declares_is_found_by_its_name_and_its_place(cli, cassette, tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\nrecord_redact =\n    ssn\n    $.user.born\n")
    add(cassette, request(content=b'{"user": {"born": "1970"}, "ssn": "078-05-1120"}'), key="b2:00")
    assert found(cli("check", "--json")) == [("secret", "request: $.json.user.born"), ("secret", "request: $.json.ssn")]


def test_pictures_in_base64_are_no_secrets(cli, cassette):
    """However much of one looks like a credential; nor are placeholders, versions and numbers of tokens."""
    picture = base64.b64encode(bytes(range(256)) * 40).decode()
    body = {
        "image": f"data:image/png;base64,{picture}",
        "usage": {"total_tokens": 12},
        "token": "redacted-0a1b2c-1",
        "password": "redacted",
        "pin": 0,
        "code": "invalid_request",
        "key": "users/1",
    }
    add(cassette, headers=(("x-ratelimit-remaining-tokens", "149"), ("etag", f'"{KEY}"')), body=json.dumps(body))
    assert cli("check").out.endswith("nothing found.\n")


# Damage.


@pytest.mark.parametrize(
    ("statement", "path", "words"),
    [
        ("UPDATE jobs SET response_json = '{broken'", "response: $", "not JSON"),
        ("UPDATE jobs SET info_json = x'ff'", "info: $", "bytes, not text"),
        ("UPDATE jobs SET id = 'mine'", "id", "does not follow"),
        ("""UPDATE jobs SET response_json = '{"status": 200}'""", "response: $", "no HTTP response"),
        ("""UPDATE jobs SET request_json = '{"method": "GET"}'""", "request: $", "no HTTP request"),
        ("INSERT INTO chunks VALUES ('gone', 0, 0, '1')", None, "the row is not"),
        ("INSERT INTO uses VALUES ('test_a.py::test_x', 'gone')", None, "the row is not"),
    ],
)
def test_damage_is_named_by_its_place(cli, cassette, statement, path, words):
    add(cassette)
    alter(cassette, statement)
    done = cli("check", "--json")
    assert (done.code, found(done)) == (1, [("damaged", path)])
    assert words in done.json["findings"][0]["message"]
    assert done.json["findings"][0]["advice"].startswith("Restore the file (git checkout)")


def test_a_page_that_was_overwritten_is_damage(cli, cassette):
    record(cassette, *(f"{number}" * 300 for number in range(60)))
    with cassette.open("r+b") as file:
        file.seek(-3 * 4096, 2)
        file.write(b"\xff" * 4096)
    done = cli("check", "--json")
    assert done.code == 1
    assert {code for code, _ in found(done)} == {"damaged"}


# Ages.


def test_rows_that_are_too_old_are_named(cli, cassette):
    record(cassette, "a")
    old = (datetime.now(UTC) - timedelta(days=31)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    add(cassette, submitted_at=old)
    assert cli("check").code == 0
    done = cli("check", "--max-age=30d", "--json")
    assert (done.code, found(done)) == (1, [("old", None)])
    assert done.json["findings"][0]["message"] == f"recorded on {old[:10]}"
    assert done.json["findings"][0]["severity"] == "warning"
    assert cli("check", "--max-age=5w").code == 0


def test_what_was_imported_without_a_date_is_older_than_anything(cli, cassette):
    add(cassette, submitted_at="1970-01-01T00:00:00.000000Z")
    assert "of unknown age" in cli("check", "--max-age=500w").out


def test_ages_have_units():
    assert [read_age(text, where="--max-age") for text in ("12h", "30d", " 8W ")] == [
        timedelta(hours=12),
        timedelta(days=30),
        timedelta(weeks=8),
    ]
    for text in ("30", "d", "1m", "-1d", "1d2h", "9999999d"):
        with pytest.raises(UsageError, match=r"Write hours, days or weeks: 12h, 30d, 8w"):
            read_age(text, where="--max-age")


def test_a_wrong_age_is_told_and_exits_with_2(cli, cassette):
    record(cassette, "a")
    assert cli("check", "--max-age=soon").code == 2


# Requests that are never found.


@pytest.mark.parametrize("option", ["record_match = method, url, body, header:x-shop", "record_ignore = a"])
def test_a_request_whose_key_was_made_with_other_options_is_named(cli, cassette, tmp_path, option):
    add(cassette)
    assert cli("check").code == 0
    (tmp_path / "pytest.ini").write_text(f"[pytest]\n{option}\n")
    done = cli("check", "--json")
    assert (done.code, found(done)) == (1, [("unmatched", "key")])


def test_a_request_that_the_options_find_is_not_named(cli, cassette, tmp_path):
    """Neither is one whose key was made in a way that is not known here: by options of its test, by a hook."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nrecord_ignore = other\n")
    add(cassette)
    assert cli("check").code == 0
    (tmp_path / "pytest.ini").write_text("[pytest]\nrecord_ignore = a\n")
    suite = Suite(cassette, Session.new("none"))
    options = Options(**read_options({"ignore": ["a"]}, where="test"))
    cassette.unlink()
    add(cassette, key=HttpCall(Scope(suite, "", options), request(), "httpx").key())
    assert cli("check").code == 0
    cassette.unlink()
    add(cassette, key="b2:made by a hook")
    assert cli("check").code == 0


# Notes.


def test_staging_files_are_a_note(cli, cassette):
    record(cassette, "a")
    staging = Staging(cassette, Session.new("once"))
    staging.end(staging.begin("test_a.py::test_x", "once", takes_failed=False), passed=True)
    staging.close()
    files = sorted(path.name for path in (cassette.parent / ".staging").iterdir())
    done = cli("check", "--json")
    assert (done.code, found(done)) == (0, [("staging", None)])
    assert sorted(path.name for path in (cassette.parent / ".staging").iterdir()) == files


def test_for_people_each_finding_is_a_line_and_each_advice_is_said_once(cli, cassette):
    add(cassette, body=json.dumps({"password": "a"}), headers=(("x-api-key", KEY),))
    lines = cli("check").out.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("error secret: test_b.py::test_y http.api.example ")
    assert lines[0].endswith(" response: $.headers[0][1]: a secret by the name of its field")
    assert lines[2].startswith("secret: Revoke it.")
    assert lines[3] == "cassettes/jobs.db: 1 row, 2 secret."


def test_a_call_that_failed_and_has_no_answer_is_checked(cli, cassette):
    add(
        cassette,
        response_json=None,
        status=Status.FAILED,
        error_json=to_text({"type": "httpx.ConnectError", "message": f"password={KEY}", "args": []}),
    )
    assert found(cli("check", "--json")) == [("secret", "error: $.message")]
