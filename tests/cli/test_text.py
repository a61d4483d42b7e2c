"""The commands that write a cassette down and read it again."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

FILES = [
    "cassette.json", "tests-test_chat.py-test_plain.json", "tests-test_chat.py-test_stream.json",
    "tests-test_shop.py-test_gold-1.json", "tests-test_shop.py-test_price.json",
]  # fmt: skip


@pytest.fixture
def before(cassette):
    """The bytes of the cassette, before it is taken away to be made again."""
    found = cassette.read_bytes()
    yield found
    if cassette.exists():
        assert cassette.read_bytes() == found


@pytest.fixture
def gone(cassette, before):
    """Take the cassette away, to be made again."""
    return cassette.unlink


def test_lines_on_stdout_are_the_cassette_again(cli, gone, monkeypatch, before, cassette):
    text = cli("export").out
    assert [json.loads(line)["kind"] for line in text.splitlines()[1:]].count("reading.price") == 4
    gone()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))
    done = cli("import", "-")
    assert (done.code, done.out) == (0, "- imported into cassettes/jobs.db: 7 added\n")
    assert cassette.read_bytes() == before


@pytest.mark.parametrize("path", ["calls.jsonl", "calls/"])
def test_a_file_or_a_folder_is_the_cassette_again(path, cli, gone, before, cassette, tmp_path):
    done = cli("export", path)
    number = "1 file" if path.endswith("l") else "5 files"
    assert (done.code, done.out) == (0, f"7 calls of cassettes/jobs.db in {path}: {number} written\n")
    assert cli("export", path).out == f"7 calls of cassettes/jobs.db in {path}: no file has changed\n"
    if path == "calls/":
        assert sorted(file.name for file in (tmp_path / "calls").iterdir()) == FILES
    gone()
    assert cli("import", path).code == 0
    assert cassette.read_bytes() == before
    assert cli("import", path).out == f"{path} imported into cassettes/jobs.db: 7 there already\n"
    assert cli("check").code == 0


def test_what_was_written_and_removed_is_said_for_programs(cli, cassette, alter, tmp_path):
    cli("export", "calls", "--split")
    done = cli("export", "calls", "--json").json
    assert done == {"cassette": "cassettes/jobs.db", "path": "calls", "calls": 7, "written": [], "removed": []}
    cli("rename", "tests/test_chat.py::test_plain", "tests/test_chat.py::test_short")
    assert cli("export", "calls", "--json").json["removed"] == ["calls/tests-test_chat.py-test_plain.json"]
    cli("rename", "tests/test_chat.py::test_short", "tests/test_chat.py::test_plain")
    assert cli("export", "calls").out.endswith("in calls: 1 file written, 1 file removed\n")


def test_with_json_and_no_path_it_is_the_lines_that_it_always_is(cli, cassette):
    assert cli("export", "--json").out == cli("export").out


def test_a_path_that_may_be_either_is_asked_about(cli, cassette, tmp_path):
    done = cli("export", "calls.txt")
    assert done.code == 2
    assert "calls.txt may be a file or a folder. Name a file calls.jsonl, a folder with a slash" in done.err
    assert not (tmp_path / "calls.txt").exists()


def test_a_part_is_exported_and_is_nothing_to_be_exact_with(cli, cassette):
    done = cli("export", "part.jsonl", "--test", "tests/test_shop.py::test_gold[1]", "--kind", "reading.*")
    assert done.out == "2 calls of cassettes/jobs.db in part.jsonl: 1 file written\n"
    assert len(cli("export", "--kind", "llm.*").out.splitlines()) == 3
    done = cli("import", "part.jsonl", "--exact")
    assert done.code == 2
    assert "this is a part of a cassette" in done.err


def test_what_no_call_fits_writes_nothing(cli, cassette, tmp_path):
    done = cli("export", "none.jsonl", "--test", "nobody")
    assert (done.code, done.out, done.err) == (1, "", "cassettes/jobs.db: no recorded call fits.\n")
    done = cli("export", "none.jsonl", "--test", "nobody", "--json")
    assert (done.code, done.json["calls"], done.json["written"]) == (1, 0, [])
    assert not (tmp_path / "none.jsonl").exists()


def test_other_answers_are_named_and_taken_when_that_is_asked_for(cli, cassette, alter, before):
    cli("export", "calls.jsonl")
    alter("response_json = '8'", "scope LIKE '%test_price'")
    changed = cassette.read_bytes()
    done = cli("import", "calls.jsonl")
    assert done.code == 1
    assert done.out == (
        "cassettes/jobs.db has other answers to 2 calls of calls.jsonl:\n"
        '  tests/test_shop.py::test_price: reading.price(item="milk")\n'
        '  tests/test_shop.py::test_price: reading.price(item="tea")\n'
        "Nothing was imported. With --replace the answers of the text are taken; with --exact it is all there is.\n"
    )
    refused = cli("import", "calls.jsonl", "--json").json["refused"]
    assert [one["test"] for one in refused] == ["tests/test_shop.py::test_price"] * 2
    assert cassette.read_bytes() == changed
    dry = cli("import", "calls.jsonl", "--replace", "--dry-run")
    assert dry.out == "calls.jsonl would be imported into cassettes/jobs.db: 2 replaced, 5 there already\n"
    assert cassette.read_bytes() == changed
    assert cli("import", "calls.jsonl", "--replace", "--json").json == {
        "cassette": "cassettes/jobs.db", "path": "calls.jsonl", "dry_run": False, "added": 0, "replaced": 2,
        "there": 5, "removed": 0, "refused": [],
    }  # fmt: skip


def test_many_other_answers_are_counted(cli, cassette, alter, before):
    cli("export", "calls.jsonl")
    text = cassette.parent.parent / "calls.jsonl"
    header, *lines = text.read_text().splitlines()
    call = json.loads(lines[0])
    del call["response_body_style"]
    many = [json.dumps(call | {"seq": number, "response": number}) for number in range(13)]
    text.write_text("\n".join([header, *many]))
    cli("import", "calls.jsonl", "--replace", "--cassette", "many.db")
    text.write_text("\n".join([header, *(line.replace('"response": ', '"response": 9') for line in many)]))
    done = cli("import", "calls.jsonl", "--cassette", "many.db")
    assert "other answers to 13 calls" in done.out
    assert "\n  and 3 more\n" in done.out


def test_what_is_wrong_in_the_text_is_one_message_and_nothing_is_made(cli, cassette, gone, tmp_path):
    cli("export", "calls.jsonl")
    gone()
    file = tmp_path / "calls.jsonl"
    file.write_text(file.read_text().replace('"attempt":0', '"attempt":"0"', 1))
    done = cli("import", "calls.jsonl")
    assert done.code == 2
    assert "calls.jsonl, line 2: $.attempt: it is a text, not a whole number." in done.err
    assert "Traceback" not in done.err
    assert not cassette.exists()


def test_a_token_that_is_written_into_the_text_is_found_by_check(cli, cassette, tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP_API_KEY", "sk-8f7e6d5c4b3a29180f")
    cli("export", "calls.jsonl")
    file = tmp_path / "calls.jsonl"
    file.write_text(file.read_text().replace("milk", "sk-8f7e6d5c4b3a29180f"))
    assert cli("import", "calls.jsonl", "--cassette", "new.db").code == 0
    done = cli("check", "--cassette", "new.db")
    assert done.code == 1
    assert "SHOP_API_KEY" in done.out


def test_a_cassette_in_place_of_text_is_told_how_to_become_it(cli, cassette):
    done = cli("import", "cassettes/jobs.db", "--cassette", "new.db")
    assert done.code == 2
    assert "pytest-recorded export calls.jsonl --cassette=cassettes/jobs.db" in done.err


def test_what_is_exported_commands_no_terminal(cli, cassette, alter):
    alter("response_json = '\"\u001b[2J\u202e\u2028'||char(155)||'\"'", "kind = 'reading.count'")
    assert not set(cli("export").out) & set("\u001b\u202e\u2028\x9b")


def test_whoever_stops_reading_ends_the_command_quietly(cassette):
    command = f"{sys.executable} -m pytest_recorded export --cassette {cassette} | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stdout.startswith('{"pytest-recorded":"cassette"')
    assert done.stderr == ""
