"""The commands that list: `ls`, `stats`, `query`, `last`, `prompt`; and what all that read have in common."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from pytest_recorded import Recorder, recorder
from pytest_recorded.cli.output import printable, say_json
from pytest_recorded.cli.words import size_of
from pytest_recorded.freshness import age_of

READING = (
    ["ls"], ["ls", "--by=kind"], ["stats"], ["query"], ["last"], ["tail"], ["prompt"], ["show", "{id}"],
    ["get", "{id}"], ["get", "{id}", "--request"],
)  # fmt: skip
LISTING = (["query", "--limit=0"], ["last", "99"], ["tail", "-n99"])


def named(arguments):
    return " ".join(arguments)


def snapshot(folder):
    return {path: (path.stat().st_mtime_ns, path.is_file() and path.read_bytes()) for path in folder.rglob("*")}


def requests(done):
    """Return what was asked by the calls of a listing in JSON."""
    return [call["request"].get("item") or call["kind"] for call in done.json]


def test_ls_lists_the_tests_with_their_calls_in_columns(cli, cassette):
    lines = cli("ls").out.splitlines()
    assert lines[0].split() == ["calls", "size", "age", "tokens", "test"]
    assert [(line.split()[0], line.split()[-1]) for line in lines[1:]] == [
        ("2", "tests/test_chat.py::test_plain"),
        ("1", "tests/test_chat.py::test_stream"),
        ("2", "tests/test_shop.py::test_gold[1]"),
        ("2", "tests/test_shop.py::test_price"),
    ]
    # The names stand below each other, numbers end below each other.
    assert {line.index("tests/") for line in lines[1:]} == {lines[0].rindex("test")}
    plain = next(line for line in lines if line.endswith("test_plain"))
    tokens = cli("ls", "*test_plain", "--json").json["groups"][0]
    end = lines[0].index("tokens") + len("tokens")
    assert plain[:end].split()[-1] == str(tokens["input_tokens"] + tokens["output_tokens"]) != "0"


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["*test_chat*"], ["tests/test_chat.py::test_plain", "tests/test_chat.py::test_stream"]),
        (["tests/test_shop.py::test_gold[1]"], ["tests/test_shop.py::test_gold[1]"]),
        (["--kind=reading.c*"], ["tests/test_shop.py::test_gold[1]"]),
        (["--kind=llm.*"], ["tests/test_chat.py::test_plain", "tests/test_chat.py::test_stream"]),
        (["--kind=llm.openai.chat", "--by=kind"], ["http.127.0.0.1"]),
        (["--by=kind"], ["http.127.0.0.1", "reading.count", "reading.price"]),
        (["--by=kind", "--sort=calls"], ["reading.price", "http.127.0.0.1", "reading.count"]),
        (["--by=kind", "--sort=size"], ["http.127.0.0.1", "reading.price", "reading.count"]),
        (["--by=kind", "--sort=tokens"], ["http.127.0.0.1", "reading.count", "reading.price"]),
        (["--by=kind", "--sort=age"], ["reading.price", "http.127.0.0.1", "reading.count"]),
    ],
    ids=named,
)
def test_ls_takes_globs_and_sorts(cli, cassette, arguments, names):
    by = "kind" if "--by=kind" in arguments else "test"
    done = cli("ls", *arguments, "--json")
    assert done.code == 0
    assert [group[by] for group in done.json["groups"]] == names


def test_stats_sums_up_what_the_calls_say_one_by_one(cli, cassette):
    calls = cli("query", "--limit=0", "--json").json
    stats = cli("stats", "--json").json
    total = stats["total"]
    assert (total["calls"], total["failed"], total["llm_calls"], total["unpriced"]) == (7, 1, 2, 2)
    assert total["bytes"] == sum(call["bytes"] for call in calls)
    assert total["input_tokens"] == sum((call["llm"] or {}).get("input_tokens", 0) for call in calls) > 0
    assert total["first"] == min(call["recorded_at"] for call in calls)
    assert total["last"] == max(call["recorded_at"] for call in calls)
    assert stats["file_bytes"] == cassette.stat().st_size
    assert {kind["kind"]: kind["llm"] for kind in stats["kinds"]} == {
        "http.127.0.0.1": "openai.chat",
        "reading.count": None,
        "reading.price": None,
    }


def test_stats_shows_costs_where_they_are_known(cli, cassette, alter):
    noted = '{"llm":{"name":"openai.chat","input_tokens":1200,"output_tokens":7,"cost_usd":0.0123}}'
    alter("info_json = ?", "scope LIKE '%test_plain' AND kind LIKE 'http.%'", noted)
    done = cli("stats")
    assert done.out.splitlines()[0].split() == [
        "calls", "failed", "input", "tokens", "output", "tokens", "cost", "size", "share", "kind",
    ]  # fmt: skip
    assert "1,200" in done.out
    assert "$0.0123" in done.out
    assert "What 1 call of language models cost is not known." in done.out
    assert "in all" in done.out


def test_calls_of_models_without_stored_figures_are_counted_by_what_they_say(cli, cassette, alter):
    before = cli("stats", "--json").json["total"]
    alter("info_json = NULL", "kind LIKE 'http.%'")
    assert cli("stats", "--json").json["total"]["input_tokens"] == before["input_tokens"] > 0
    assert cli("ls", "--kind=llm.*", "--json").json["groups"][0]["llm_calls"] == 1
    (call,) = cli("query", "--scope=*test_plain", "--kind=http.*", "--json").json
    assert call["llm"]["name"] == "openai.chat"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--kind=reading.*", "--order=asc"], ["tea", "milk", "gold", "reading.count", "last"]),
        (["--kind=reading.price", "--limit=2"], ["last", "gold"]),
        (["--status=failed"], ["gold"]),
        (["--status=failed", "--status=completed", "--kind=reading.price", "-n1"], ["last"]),
        (["--scope=tests/test_shop.py::test_gold[1]"], ["reading.count", "gold"]),
        (["--test=*::test_price"], ["milk", "tea"]),
        (["--where=item=tea"], ["tea"]),
        (["--where=total=4"], ["last", "milk"]),
        (["--where", 'total="4"', "--where=item=milk"], []),
        (["--where=paid=false"], ["last", "milk"]),
        (["--where=paid=0"], []),
        (["--since=1h", "--kind=reading.count"], ["reading.count"]),
        (["--until=1h"], []),
        (["--since=2000-01-01", "--until=2000-12-31"], []),
    ],
    ids=named,
)
def test_query_takes_what_the_read_api_takes(cli, cassette, arguments, expected):
    done = cli("query", *arguments, "--json")
    assert requests(done) == expected
    assert done.code == (0 if expected else 1)


def test_query_finds_calls_by_their_key(cli, cassette):
    (call,) = cli("query", "--where=item=tea", "--json").json
    assert [found["id"] for found in cli("query", "--key", call["key"], "--json").json] == [call["id"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["query", "--status=done"], "'done' is no status"),
        (["query", "--where=city"], "write FIELD=VALUE"),
        (["query", "--since=yesterday"], "is no moment"),
        (["prompt", "--budget=5"], "give a number of characters"),
        (["show", "abc"], "give 4 digits of it or more"),
        (["get", "{id}", "--data", "--error"], "--data and --error: one of them at a time"),
    ],
    ids=named,
)
def test_input_that_is_wrong_is_told_and_exits_with_2(cli, cassette, id_of, arguments, message):
    done = cli(*(argument.format(id=id_of("kind = 'reading.count'")) for argument in arguments))
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_a_call_is_a_line_with_what_people_look_for(cli, cassette, id_of):
    """Id, age, how it ended, size, what was asked, tokens, the test."""
    lines = cli("query", "--order=asc").out.splitlines()
    assert re.fullmatch(
        r'[0-9a-f]{12} +\d+[sm]  completed +\d+ B  reading\.price\(item="tea"\)  tests/test_shop\.py::test_price',
        lines[0],
    )
    assert "failed" in lines[2]
    chat = next(line for line in lines if "test_plain" in line)
    assert re.search(
        r"  200  .*POST http://127\.0\.0\.1:\d+/v1/chat/completions  \[openai\.chat, \d+\+\d+ tokens\]", chat
    )
    assert lines[0].startswith(id_of("data_json LIKE '%tea%'")[:12])


def test_last_gives_the_newest_first(cli, cassette):
    assert requests(cli("last", "1", "--json")) == ["last"]
    assert requests(cli("last", "--status=failed", "--json")) == ["gold"]
    assert requests(cli("last", "--kind=reading.price", "--json")) == ["last", "gold", "milk", "tea"]
    newest = [line.split()[0] for line in cli("last", "3").out.splitlines()]
    assert newest == [line.split()[0] for line in cli("query", "--limit=3").out.splitlines()]


def test_prompt_prints_calls_for_a_language_model_of_a_size_that_is_known(cli, cassette, id_of):
    tea = id_of("data_json LIKE '%tea%'")
    done = cli("prompt", tea[:12])
    assert done.out.startswith("# reading.price\n")
    assert f"- id: {tea}" in done.out
    assert len(cli("prompt", "--budget=1000").out) <= 1001
    assert cli("prompt", "--kind=reading.*", "--order=asc", "--json").json["ids"][0] == tea
    assert cli("prompt", tea, "ffffffff").code == 1


@pytest.mark.parametrize(
    ("arguments", "empty"),
    [
        (["ls", "nope"], {"cassette": "cassettes/jobs.db", "by": "test", "groups": []}),
        (["query", "--kind=nope"], []),
        (["last", "--kind=nope"], []),
        (["prompt", "--kind=nope"], {"cassette": "cassettes/jobs.db", "ids": [], "prompt": ""}),
        (["show", "ffffffff"], []),
    ],
    ids=named,
)
def test_what_does_not_fit_exits_with_1_and_says_nothing_on_stdout(cli, cassette, arguments, empty):
    done = cli(*arguments)
    assert (done.code, done.out) == (1, "")
    assert "no recorded call" in done.err
    done = cli(*arguments, "--json")
    assert (done.code, done.json) == (1, empty)


@pytest.mark.parametrize("arguments", READING, ids=named)
def test_without_a_cassette_there_is_a_message_and_no_file(cli, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    done = cli(*(argument.format(id="f" * 32) for argument in arguments))
    assert (done.code, done.out) == (2, "")
    assert done.err == "cassettes/jobs.db: does not exist. Name another one with --cassette.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", READING, ids=named)
def test_reading_changes_no_byte_and_makes_no_file(cli, cassette, id_of, arguments):
    arguments = [argument.format(id=id_of("kind = 'reading.count'")) for argument in arguments]
    cassette.parent.chmod(0o555)
    before = snapshot(cassette.parent.parent)
    try:
        assert cli(*arguments).code == 0
        assert snapshot(cassette.parent.parent) == before
    finally:
        cassette.parent.chmod(0o755)


@recorder(kind="reading.ledger")
def greet(name):
    return f"hello {name}"


@pytest.mark.parametrize("arguments", READING, ids=named)
def test_the_file_of_a_recorder_is_read_while_it_is_open(cli, tmp_path, arguments):
    path = tmp_path / "jobs.db"
    with Recorder(path) as ledger:
        greet("Ann", key="one")
        before = sorted(tmp_path.iterdir())
        (job,) = ledger.last(1)
        done = cli(*(argument.format(id=job.id) for argument in arguments), f"--cassette={path}")
        assert (done.code, done.err) == (0, "")
        assert "reading.ledger" in done.out or "Ann" in done.out or "(no test)" in done.out
        assert sorted(tmp_path.iterdir()) == before


BAD = {
    "request_json": '{"item":',
    "response_json": "[1, 2",
    "data_json": "nonsense",
    "error_json": '{"type":',
    "info_json": '{"llm":',
    "submitted_at": "some day",
    "completed_at": "later",
    "key": "",
}


def calls_in(done, command):
    """Return the calls of an answer in JSON; those of `tail` are lines."""
    return [json.loads(line) for line in done.out.splitlines()] if command == "tail" else done.json


@pytest.mark.parametrize("column", BAD)
@pytest.mark.parametrize("arguments", [*LISTING, ["show", "{id}"]], ids=named)
def test_a_row_that_is_bad_is_listed_with_what_is_wrong(cli, cassette, alter, id_of, arguments, column):
    for kind in ("reading.count", "http.127.0.0.1"):
        job_id = id_of(f"kind = '{kind}'")
        alter(f"{column} = ?", "id = ?", BAD[column], job_id)
        done = cli(*(argument.format(id=job_id) for argument in arguments))
        assert done.code == 0
        assert job_id[:12] in done.out
        assert ("cannot be read" in done.out) == column.endswith("_json")
        done = cli(*(argument.format(id=job_id) for argument in arguments), "--json")
        (call,) = [call for call in calls_in(done, arguments[0]) if call["id"] == job_id]
        assert (call["problem"] is not None) == column.endswith("_json")


@pytest.mark.parametrize("cost", ["NaN", "Infinity", "-1", "1" + "0" * 400, "true", '"1"', "[1]"])
def test_a_cost_that_is_none_is_not_known(cli, cassette, alter, id_of, cost):
    alter("info_json = ?", "kind LIKE 'http.%'", f'{{"llm":{{"name":"x","input_tokens":1,"cost_usd":{cost}}}}}')
    assert cli("stats", "--json").json["total"]["cost_usd"] is None
    done = cli("show", id_of("kind LIKE 'http.%'"))
    assert "llm:       x, 1 input token\n" in done.out
    for arguments in (["ls"], ["query"], ["query", "--json"], ["tail", "--json"]):
        assert cli(*arguments).code == 0


@pytest.mark.parametrize("column", BAD)
def test_sums_have_bad_rows_in_them(cli, cassette, alter, column):
    alter(f"{column} = ?", "kind = 'http.127.0.0.1'", BAD[column])
    assert cli("stats", "--json").json["total"]["calls"] == 7
    assert cli("ls").code == 0


def test_a_text_that_is_no_utf8_is_shown_as_far_as_it_can_be_read(cli, cassette):
    with contextlib.closing(sqlite3.connect(cassette)) as connection, connection:
        broken = "CAST(x'7b22ff223a317d' AS TEXT)"
        connection.execute(f"UPDATE jobs SET request_json = {broken}, scope = {broken} WHERE kind = 'reading.count'")
    for arguments in (["ls"], ["stats"], ["query"], ["last"], ["tail"]):
        done = cli(*arguments)
        assert (done.code, done.err) == (0, "")


EVIL = "\x1b]0;owned\x07\x9b31m\u202e\u2028\x7f"


@pytest.mark.parametrize("arguments", [*READING, *LISTING], ids=named)
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_no_recorded_text_commands_the_terminal(cli, cassette, alter, id_of, arguments, as_json):
    job_id = id_of("kind = 'reading.count'")
    text = json.dumps({EVIL: EVIL}, ensure_ascii=False)
    bare = ("scope", "kind", "key", "submitted_at", "error_json")
    columns = dict.fromkeys(bare, EVIL) | {"request_json": text, "data_json": text}
    columns["response_json"] = json.dumps(EVIL, ensure_ascii=False)
    alter(", ".join(f"{name} = ?" for name in columns), "id = ?", *columns.values(), job_id)
    arguments = [argument.format(id=job_id) for argument in arguments]
    done = cli(*arguments, *(["--json"] if as_json else []))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e]", done.out + done.err)
    if as_json:
        assert calls_in(done, arguments[0])


def test_what_the_output_cannot_take_is_escaped(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert printable("é\udc80\n\tx") == "\\xe9\\udc80\n\tx"
    say_json({"é": float("nan"), "deep": [float("inf")]})
    sys.stdout.flush()
    assert json.loads(raw.getvalue()) == {"é": "nan", "deep": ["inf"]}


@pytest.mark.parametrize("depth", [100, 300, 700, 930, 20_000])
@pytest.mark.parametrize("kind", ["reading.count", "http.127.0.0.1"])
def test_what_is_nested_too_deeply_is_said_to_be(cli, cassette, alter, id_of, kind, depth):
    """Somewhere between reading it and writing it the stack would end."""
    deep = "[" * depth + "]" * depth
    http = {"status": 200, "reason": "OK", "http_version": "HTTP/1.1", "headers": [], "body": deep}
    alter("response_json = ?", f"kind = '{kind}'", json.dumps(http) if kind.startswith("http") else deep)
    alter("info_json = ?", f"kind = '{kind}'", json.dumps({"llm": {"name": "x", "y": [[]]}}).replace("[]", deep))
    done = cli("get", id_of(f"kind = '{kind}'"))
    # What is too deep for the reader of JSON is a text, as a body: how deep that is depends on the Python.
    assert done.code in ((0,) if depth == 100 else (0, 1) if depth > 700 and kind.startswith("http") else (1,))
    assert ("cannot be read: response: " in done.err) == bool(done.code)
    for arguments in (["query"], ["show", id_of(f"kind = '{kind}'")], ["ls"], ["stats"], ["tail"]):
        assert cli(*arguments).code == cli(*arguments, "--json").code == 0


def test_a_reader_that_has_had_enough_is_no_error(cassette):
    """As `pytest-recorded query | head -1`."""
    with contextlib.closing(sqlite3.connect(cassette)) as connection, connection:
        connection.executemany(
            "INSERT INTO jobs SELECT ?, ?, kind, key, seq, attempt, parent_id, status, owner, submitted_at, started_at,"
            " beat_at, completed_at, request_json, response_json, data_json, error_json, info_json"
            " FROM jobs WHERE kind = 'reading.count' AND scope LIKE 'tests%'",
            [(f"{number:032x}", f"more/{number}") for number in range(2000)],
        )
    for arguments in (["query", "--limit=0"], ["ls"], ["query", "--limit=0", "--json"]):
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest_recorded", *arguments],
            cwd=cassette.parent.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        process.stderr.close()
        process.wait(timeout=60)


@pytest.mark.parametrize(
    ("ago", "expected"),
    [
        (timedelta(seconds=-90), "0s"),
        (timedelta(minutes=5), "5m"),
        (timedelta(hours=3), "3h"),
        (timedelta(days=40), "40d"),
        (timedelta(days=800), "2y"),
    ],
    ids=str,
)
def test_ages_are_short(ago, expected):
    assert age_of((datetime.now(UTC) - ago - timedelta(milliseconds=1)).isoformat()) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (34_500, "34 kB"),
        (2_345_678, "2.3 MB"),
        (7_000_000_000_000, "7,000 GB"),
    ],
)
def test_sizes_are_short(size, expected):
    assert size_of(size) == expected


def complete(line, folder):
    done = subprocess.run(
        [sys.executable, "-m", "pytest_recorded"],
        cwd=folder,
        env={
            **os.environ,
            "_PYTEST_RECORDED_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(line.split()) - 1),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.split()


def test_the_shell_completes_ids_and_kinds(cassette, id_of):
    job_id = id_of("kind = 'reading.count'")
    assert complete(f"pytest-recorded show {job_id[:5]}", cassette.parent.parent) == [job_id[:12]]
    assert complete("pytest-recorded ls --kind reading", cassette.parent.parent) == ["reading.count", "reading.price"]


SEED = """
import recorded
recorded.configure("jobs.db")
@recorded.recorder(kind="seed.place")
def place(order): return {"order": order}
place(1, key="one")
"""


def test_a_jobs_db_of_the_package_recorded_is_read(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-c", SEED], check=True)
    before = sorted(tmp_path.iterdir())
    assert cli("ls", "--cassette=jobs.db").out.splitlines()[1].endswith("(no test)")
    assert cli("stats", "--cassette=jobs.db").out.splitlines()[1].endswith("seed.place")
    (call,) = cli("query", "--key=one", "--cassette=jobs.db", "--json").json
    assert call["request"] == 1
    assert cli("get", call["id"][:12], "--cassette=jobs.db").json == {"order": 1}
    assert sorted(tmp_path.iterdir()) == before


def test_the_short_ids_of_a_recorders_file_name_one_call_each(tmp_path, cli):
    """They begin with the time, and many calls are made in a moment."""
    path = tmp_path / "many.db"
    with Recorder(path):
        for number in range(200):
            greet(f"{number}")
    ids = [line.split()[0] for line in cli("last", "200", f"--cassette={path}").out.splitlines()]
    assert len(set(ids)) == 200
    assert cli("get", ids[0], f"--cassette={path}").json == "hello 199"
