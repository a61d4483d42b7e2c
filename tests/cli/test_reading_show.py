"""The commands about one call: `show` for people, `get` for programs."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
from pathlib import Path

import pytest

PLAIN = "kind LIKE 'http.%' AND scope LIKE '%test_plain'"
STREAM = "kind LIKE 'http.%' AND scope LIKE '%test_stream'"
TEA = "data_json LIKE '%tea%'"
GOLD = "status = 'failed'"


def http(body, content_type="application/json", **more):
    """Return the stored response of an HTTP call."""
    answer = {"status": 200, "reason": "OK", "http_version": "HTTP/1.1", "headers": [["content-type", content_type]]}
    return json.dumps({**answer, "body": body, **more}, separators=(",", ":"))


def test_show_says_what_was_asked_and_what_came_back(cli, cassette, id_of):
    done = cli("show", id_of(PLAIN)[:8])
    assert done.code == 0
    for part in (
        "http.127.0.0.1  tests/test_chat.py::test_plain\n",
        f"id:        {id_of(PLAIN)}\n",
        "status:    completed after ",
        "llm:       openai.chat, ",
        "\nRequest  POST http://127.0.0.1:",
        '\n      "content": "Count to five."\n',
        "\nResponse  200 OK\n{\n",
        '"content": "one two three four five"',
        '\nData\n{\n  "provider": "openai"',
    ):
        assert part in done.out
    assert "content-type" not in done.out


def test_show_folds_a_stream_and_gives_it_raw_if_it_is_asked_to(cli, cassette, id_of):
    folded = cli("show", id_of(STREAM)).out
    assert "folded from" in folded
    assert '"content": "one two three four five"' in folded
    raw = cli("show", id_of(STREAM), "--raw").out
    assert "data: [DONE]" in raw
    assert "folded" not in raw


@pytest.mark.parametrize("depth", [5, 300, 20_000])
def test_a_stream_that_is_no_models_is_the_list_of_its_events(cli, cassette, alter, id_of, depth):
    """Unless one of them is nested too deeply: then it is shown as it came."""
    alter("request_json = ?", PLAIN, '{"method":"GET","url":"http://127.0.0.1/events","headers":[]}')
    event = "[" * depth + "]" * depth
    alter("response_json = ?", PLAIN, http(f'data: {{"n": 1}}\n\ndata: {event}\n\n', "text/event-stream"))
    done = cli("show", id_of(PLAIN))
    assert done.code == 0
    if depth < 20_000:
        assert ("folded from 2 events" in done.out) == (depth == 5)
        assert (f"data: {event}" in done.out) == (depth == 300)


def test_show_of_a_function_has_its_values_without_tags(cli, cassette, id_of):
    done = cli("show", id_of(TEA))
    assert '"item": "tea"' in done.out
    assert '"raw": "<binary content, of no named type, 2 bytes>"' in done.out
    assert '"py:' not in done.out
    assert '{\n    "base64": "/wA="\n  }' in cli("show", id_of(TEA), "--full").out


def test_show_of_a_failure_has_its_error(cli, cassette, id_of):
    done = cli("show", id_of(GOLD))
    assert "status:    failed after" in done.out
    assert "\nError\nLookupError: sold out\n" in done.out


def test_show_of_a_generator_has_what_it_yielded(cli, cassette, id_of):
    assert "\nResponse\n0 1 2 \n" in cli("show", id_of("kind = 'reading.count'")).out
    assert cli("get", id_of("kind = 'reading.count'")).json == ["0 ", "1 ", "2 "]


def test_show_shows_several_calls_and_names_those_that_are_not_there(cli, cassette, id_of):
    done = cli("show", id_of(TEA), "ffffffff", id_of(GOLD))
    assert done.code == 1
    assert done.out.index(id_of(TEA)) < done.out.index(id_of(GOLD))
    assert done.err == "cassettes/jobs.db: no recorded call has an id that begins with ffffffff.\n"
    done = cli("show", id_of(TEA), "ffffffff", "--json")
    assert (done.code, [call["id"] for call in done.json]) == (1, [id_of(TEA)])


def test_an_ambiguous_id_is_told_with_its_candidates(cli, cassette, alter, id_of):
    alter("id = 'abcd' || substr(id, 5)", "kind = 'reading.price'")
    for command in ("show", "get", "prompt"):
        done = cli(command, "abcd")
        assert (done.code, done.out) == (2, "")
        assert "several ids begin with 'abcd': " in done.err
        assert id_of(TEA) in done.err
        assert "reading.price" in done.err


@pytest.mark.parametrize("full", [False, True], ids=["short", "full"])
def test_large_contents_are_shortened_with_their_size(cli, cassette, alter, id_of, full):
    alter("response_json = ?", PLAIN, http("start" + "x" * 50_000 + "end", "text/plain"))
    out = cli("show", id_of(PLAIN), *(["--full"] if full else [])).out
    assert ("x" * 50_000 in out) == full
    assert "start" in out
    assert "end" in out
    assert ("(50 kB; --full shows all of it)" in out) != full


@pytest.mark.parametrize("full", [False, True], ids=["short", "full"])
def test_binary_contents_are_described_or_base64(cli, cassette, alter, id_of, full):
    content = base64.b64encode(bytes(range(256))).decode()
    alter("response_json = ?", PLAIN, http({"py:bytes": content}, "image/png"))
    out = cli("show", id_of(PLAIN), *(["--full"] if full else [])).out
    assert "binary content, image/png, 256 bytes" in out
    assert (content in out) == full
    assert ("content-type: image/png" in out) == full
    assert cli("get", id_of(PLAIN)).json["body"] == {"base64": content}


def test_show_highlights_json_on_a_terminal_only(cli, cassette, id_of, monkeypatch):
    """And what was recorded commands the terminal there no more than elsewhere."""
    from pytest_recorded.cli import show  # noqa: PLC0415 - loads rich

    plain = cli("show", id_of(PLAIN)).out
    assert "\x1b" not in plain
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    show._print('{"a": "\x9b"}', "json")
    assert "\x1b[" in terminal.getvalue()
    assert "\x9b" not in terminal.getvalue()
    assert "\\x9b" in terminal.getvalue()


def test_get_gives_what_programs_ask_for(cli, cassette, id_of):
    answer = cli("get", id_of(PLAIN)).json
    assert (answer["status"], answer["reason"], answer["end"]) == (200, "OK", "complete")
    assert answer["body"]["choices"][0]["message"]["content"] == "one two three four five"
    assert ["content-type", "application/json"] in answer["headers"]
    asked = cli("get", id_of(PLAIN), "--request").json
    assert asked["method"] == "POST"
    assert asked["body"]["messages"][0]["content"] == "Count to five."
    assert cli("get", id_of(PLAIN), "--data").json["text"] == "one two three four five"
    assert cli("get", id_of(TEA)).json == {"item": "tea", "of": [1, 2], "raw": {"base64": "/wA="}}
    assert cli("get", id_of(TEA), "--request", "--json").json == {"item": "tea"}
    assert cli("get", id_of(TEA), "--data").json == {"item": "tea", "total": 3, "paid": True}
    assert cli("get", id_of(GOLD), "--error").json == {"type": "LookupError", "message": "sold out"}
    assert cli("get", id_of(GOLD)).json is None


def test_get_folds_a_stream(cli, cassette, id_of):
    body = cli("get", id_of(STREAM)).json["body"]
    assert body["choices"][0]["message"]["content"] == "one two three four five"


def test_data_of_a_call_of_a_model_are_there_without_being_stored(cli, cassette, alter, id_of):
    alter("data_json = NULL", PLAIN)
    assert cli("get", id_of(PLAIN), "--data").json["text"] == "one two three four five"
    assert '"text": "one two three four five"' in cli("show", id_of(PLAIN)).out


@pytest.mark.parametrize(
    ("body", "content"),
    [("data: 1\n\n\x1b[31m", b"data: 1\n\n\x1b[31m"), ({"py:bytes": "AAH/"}, b"\x00\x01\xff"), ("", b"")],
    ids=["text", "bytes", "nothing"],
)
def test_get_raw_gives_a_body_byte_for_byte(cassette, alter, id_of, capfdbinary, body, content):
    from pytest_recorded.cli.app import run  # noqa: PLC0415 - loads typer

    alter("response_json = ?", PLAIN, http(body, "text/plain"))
    with pytest.raises(SystemExit) as ended:
        run(["get", id_of(PLAIN), "--raw"])
    assert (ended.value.code or 0, capfdbinary.readouterr().out) == (0, content)


@pytest.mark.parametrize("arguments", [[], ["--data"]], ids=["response", "data"])
def test_get_raw_is_for_http(cli, cassette, id_of, arguments):
    done = cli("get", id_of(TEA), "--raw", *arguments)
    assert (done.code, done.out) == (2, "")
    assert "--raw is for bodies of HTTP calls" in done.err


def test_get_raw_does_not_write_to_a_terminal(cli, cassette, id_of, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    done = cli("get", id_of(PLAIN), "--raw")
    assert (done.code, done.out) == (2, "")
    assert "Send them into a file" in done.err


def test_get_of_what_cannot_be_read_says_why(cli, cassette, alter, id_of):
    alter("response_json = '{'", PLAIN)
    done = cli("get", id_of(PLAIN))
    assert (done.code, done.out) == (1, "")
    assert "cannot be read: response" in done.err
    assert cli("get", id_of(PLAIN), "--request").code == 0


def test_numbers_that_json_has_not_got_are_texts(cli, cassette, alter, id_of):
    alter("response_json = ?", PLAIN, http('{"a": NaN, "b": -Infinity, "c": 12345678901234567890123}'))
    done = cli("get", id_of(PLAIN))
    body = json.loads(done.out, parse_constant=pytest.fail)["body"]
    assert body == {"a": "nan", "b": "-inf", "c": 12345678901234567890123}


def test_the_shape_of_a_call_in_json_is_the_documented_one(cli, cassette):
    text = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    documented = re.findall(
        r"^\| `(\w+)` \|", text.split("### A call as JSON", 1)[1].split("\n## ", 1)[0], re.MULTILINE
    )
    for arguments in (["query"], ["last"]):
        assert all(list(call) == documented for call in cli(*arguments, "--json").json)
