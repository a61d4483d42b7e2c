"""Rows in the cassette: added to what is there, never in place, the same bytes each time."""

from __future__ import annotations

import json
import sqlite3

import httpx
import pytest

from pytest_recorded import recorder, use_cassette
from pytest_recorded.errors import ConfigurationError, SerializationError, UsageError
from pytest_recorded.http.exchange import HttpCall
from pytest_recorded.options import Options, read_options
from pytest_recorded.vcr import Importer


def call(path="/", answer="x", method="GET", body=None, **headers):
    return {
        "request": {"method": method, "uri": f"http://a.example{path}", "headers": headers, "body": body},
        "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": answer}},
    }


def write(path, *calls):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"version": 1, "interactions": calls}))
    return path


def run(tmp_path, *paths, options=None, **how):
    given = read_options(options or {}, where="test", from_code=False)
    return Importer(tmp_path / "cassettes" / "jobs.db", Options(**given), **how).run(paths or [tmp_path / "old"])


def rows(tmp_path, columns="scope, kind, seq, json_extract(response_json, '$.body')"):
    connection = sqlite3.connect(tmp_path / "cassettes" / "jobs.db")
    found = connection.execute(f"SELECT {columns} FROM jobs ORDER BY scope, kind, key, seq").fetchall()
    connection.close()
    return found


def test_the_same_request_several_times_is_numbered_in_the_order_of_the_file(tmp_path):
    write(tmp_path / "old" / "poll.json", call(answer="queued"), call(answer="running"), call(answer="done"))
    (file,) = run(tmp_path).files
    assert rows(tmp_path) == [
        ("poll", "http.a.example", seq, body) for seq, body in enumerate(("queued", "running", "done"))
    ]
    assert file.notes == {"the same request was made before: their answers come in the order of the file": 2}


def test_importing_twice_changes_no_byte(tmp_path):
    write(tmp_path / "old" / "a.json", call(), call("/x"))
    write(tmp_path / "old" / "deep" / "a.json", call())
    first = run(tmp_path)
    path = tmp_path / "cassettes" / "jobs.db"
    before = (path.read_bytes(), path.stat().st_ino)
    again = run(tmp_path)
    assert (path.read_bytes(), path.stat().st_ino) == before
    assert (first.total("taken"), again.total("taken"), again.total("there")) == (3, 0, 3)
    assert {scope for scope, *_ in rows(tmp_path)} == {"a", "deep/a"}


def test_what_the_cassette_has_is_kept_unless_it_is_to_be_replaced(tmp_path):
    path = write(tmp_path / "old" / "a.json", call(answer="first"), call("/x", answer="same"))
    run(tmp_path)
    write(path, call(answer="second"), call("/x", answer="same"), call("/y", answer="more"))
    report = run(tmp_path)
    assert [report.total(name) for name in ("taken", "there", "kept", "replaced")] == [1, 1, 1, 0]
    assert sorted(body for *_, body in rows(tmp_path)) == ["first", "more", "same"]
    report = run(tmp_path, replaces=True)
    assert [report.total(name) for name in ("taken", "there", "kept", "replaced")] == [0, 2, 0, 1]
    assert sorted(body for *_, body in rows(tmp_path)) == ["more", "same", "second"]


def test_other_rows_of_the_cassette_stay(tmp_path):
    ask = recorder(kind="importing.ask")(lambda: 1)
    with use_cassette(tmp_path / "cassettes" / "jobs.db", scope="mine"):
        ask()
    write(tmp_path / "old" / "a.json", call())
    run(tmp_path)
    assert [scope for scope, *_ in rows(tmp_path)] == ["a", "mine"]


def test_a_dry_run_says_the_same_and_writes_nothing(tmp_path):
    write(tmp_path / "old" / "a.json", call())
    before = sorted(tmp_path.rglob("*"))
    report = run(tmp_path, is_dry=True)
    assert sorted(tmp_path.rglob("*")) == before
    assert report.is_dry
    assert report.files == run(tmp_path).files


def test_files_that_cannot_be_read_do_not_stop_the_others(tmp_path):
    old = tmp_path / "old"
    write(old / "good.json", call())
    for name, text in {
        "broken.yaml": "a: [",
        "empty.yml": "",
        "other.json": "{}",
        "pyproject.toml": "[tool]\n",
    }.items():
        (old / name).write_text(text)
    report = run(tmp_path)
    problems = {file.path.rpartition("/")[2]: (bool(file.problem), file.is_skipped) for file in report.files}
    assert problems == {
        "broken.yaml": (True, False),
        "empty.yml": (True, False),
        "good.json": (False, False),
        "other.json": (True, True),
        "pyproject.toml": (True, True),
    }
    assert not report.is_complete
    assert report.total("taken") == 1
    # A file that was named is meant.
    (named,) = run(tmp_path, old / "other.json").files
    assert (bool(named.problem), named.is_skipped) == (True, False)


def test_nothing_is_made_where_nothing_can_be_read(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "a.yaml").write_text("")
    run(tmp_path)
    assert not (tmp_path / "cassettes").exists()


def test_one_cassette_in_two_formats_is_taken_once(tmp_path):
    write(tmp_path / "old" / "a.json", call())
    (tmp_path / "old" / "a.yaml").write_text((tmp_path / "old" / "a.json").read_text())
    report = run(tmp_path)
    assert [file.problem for file in report.files] == [
        "",
        f"not taken: the calls of a are those of {tmp_path}/old/a.json already.",
    ]
    assert report.is_complete
    assert len(rows(tmp_path)) == 1


def test_files_of_one_name_in_two_folders_are_not_mixed(tmp_path):
    write(tmp_path / "one" / "a.json", call(answer="one"))
    write(tmp_path / "two" / "a.json", call(answer="two"))
    report = run(tmp_path, tmp_path / "one", tmp_path / "two")
    assert not report.is_complete
    assert report.files[1].problem.endswith("one/a.json already. Import it alone, with --scope.")
    assert [body for *_, body in rows(tmp_path)] == ["one"]
    # Below one folder their paths tell them apart.
    assert run(tmp_path, tmp_path / "one", tmp_path / "two" / "a.json", is_dry=True).total("taken") == 0
    write(tmp_path / "all" / "b" / "a.json", call(answer="three"))
    assert run(tmp_path, tmp_path / "all").total("taken") == 1


def test_a_test_is_given_its_own_cassette_before_one_that_it_names_besides(tmp_path):
    """As pytest-recording replays them, whatever they are called."""
    module = tmp_path / "tests" / "test_mod.py"
    write(tmp_path / "tests/cassettes/test_mod/test_x.json", call(answer="own"))
    write(tmp_path / "tests/cassettes/test_mod/besides.json", call(answer="besides"))
    module.write_text("import pytest\n@pytest.mark.vcr('besides.json')\ndef test_x(): pass\n")
    assert run(tmp_path, tmp_path / "tests").total("taken") == 2
    assert [body for *_, body in rows(tmp_path)] == ["own", "besides"]
    assert {scope for scope, *_ in rows(tmp_path)} == {"tests/test_mod.py::test_x"}


def test_environments_and_hidden_folders_are_not_searched_for_cassettes(tmp_path):
    write(tmp_path / "old" / "a.json", call())
    write(tmp_path / "old" / ".staging" / "b.json", call())
    write(tmp_path / "old" / "node_modules" / "c.json", call())
    assert [file.scopes for file in run(tmp_path).files] == [["a"]]


def test_keys_are_made_with_the_options_of_the_suite(tmp_path):
    body = '{"id": 1, "ssn": "078-05", "q": "a"}'
    write(tmp_path / "old" / "a.json", call("/x?at=1", method="POST", body=body))
    options = {"ignore": ["id", "at"], "redact": ["$.ssn"]}
    run(tmp_path, options=options)
    assert "078-05" not in rows(tmp_path, "request_json")[0][0]
    with use_cassette(tmp_path / "cassettes" / "jobs.db", mode="none", scope="a", **options):
        asked = {"q": "a", "ssn": "078-05", "id": 7}
        assert httpx.post("http://a.example/x?at=2", json=asked).text == "x"


def test_a_header_that_match_names_and_nobody_recorded_is_said(tmp_path):
    write(tmp_path / "old" / "a.json", call(accept=["b"]), call("/x"))
    (file,) = run(tmp_path, options={"match": ["url", "header:accept"]}).files
    assert file.notes == {"accept is named by match=, and was not recorded": 1}


def test_a_placeholder_is_taken_for_the_secret_that_it_stands_for(tmp_path):
    """Where a live secret would be hidden its key is found again."""
    write(tmp_path / "old" / "a.json", call("/x?token=REDACTED"))
    (file,) = run(tmp_path, is_dry=True).files
    assert file.notes == {"REDACTED may stand for a secret: --placeholder='REDACTED' takes it for one": 1}
    (file,) = run(tmp_path, placeholders=["REDACTED"]).files
    assert file.notes == {}
    with use_cassette(tmp_path / "cassettes" / "jobs.db", mode="none", scope="a"):
        assert httpx.get("http://a.example/x?token=t0k3n-0123456789abcdef").text == "x"


@pytest.mark.parametrize("written", ["<MY TOKEN>", "%3CMY%20TOKEN%3E", "%3CMY+TOKEN%3E"], ids=["raw", "url", "form"])
def test_a_placeholder_is_known_however_it_is_written(tmp_path, written):
    typed = {"content-type": ["application/x-www-form-urlencoded"]}
    write(tmp_path / "old" / "a.json", call("/x", method="POST", body=f"a=1&token={written}", **typed))
    run(tmp_path, placeholders=["<MY TOKEN>"])
    with use_cassette(tmp_path / "cassettes" / "jobs.db", mode="none", scope="a"):
        form = {"token": "t0k3n-0123456789abcdef", "a": "1"}
        assert httpx.post("http://a.example/x", data=form).text == "x"


def test_a_placeholder_where_nothing_is_secret_is_kept_and_said(tmp_path):
    write(tmp_path / "old" / "a.json", call("/x?user=<ME>", method="POST", body='{"user": "<ME>"}'))
    (file,) = run(tmp_path, placeholders=["<ME>"]).files
    assert file.notes == {"<ME> stands where nothing is secret by default: name the field with --redact or --ignore": 1}
    ((request,),) = rows(tmp_path, "request_json")
    assert json.loads(request)["json"] == {"user": "<ME>"}


def test_the_scope_of_one_file_can_be_said(tmp_path):
    path = write(tmp_path / "old" / "a.json", call())
    run(tmp_path, path, scope="tests/test_a.py::test_x")
    assert rows(tmp_path)[0][0] == "tests/test_a.py::test_x"
    write(tmp_path / "old" / "b.json", call())
    with pytest.raises(UsageError, match="these are 2 files, and a scope is one file's"):
        run(tmp_path, scope="x")


def test_a_path_without_cassettes_says_so(tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        run(tmp_path, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no cassettes there"):
        run(tmp_path, tmp_path / "empty")
    with pytest.raises(ConfigurationError, match="--placeholder is empty"):
        run(tmp_path, placeholders=[" "])


def test_a_body_that_is_nested_too_deeply_to_be_parsed_is_text(tmp_path):
    write(tmp_path / "old" / "a.json", call(method="POST", body="[" * 100_000), call("/x"))
    assert run(tmp_path).total("taken") == 2


def test_a_call_that_cannot_be_stored_is_refused_and_the_others_are_taken(tmp_path, monkeypatch):
    def key(call):
        if call.request.url.endswith("/bad"):
            raise SerializationError("it is too odd")
        return genuine(call)

    genuine = HttpCall.key
    monkeypatch.setattr(HttpCall, "key", key)
    write(tmp_path / "old" / "a.json", call("/bad"), call("/x"))
    report = run(tmp_path)
    assert (report.total("taken"), report.refused, report.is_complete) == (1, 1, False)
    assert report.files[0].refused == {"it cannot be stored (it is too odd)": 1}
