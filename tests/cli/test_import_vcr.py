"""The command import-vcr: what it prints, what it exits with, and where its options come from."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from pytest_recorded.cli.app import app
from pytest_recorded.cli.ini import ini_options
from pytest_recorded.errors import ConfigurationError, UsageError


def write(path, *paths, version=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    ok = {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "x"}}
    calls = [
        {"request": {"method": "GET", "uri": f"http://a.example{one}", "headers": {}, "body": None}, "response": ok}
        for one in paths
    ]
    path.write_text(json.dumps({"version": version, "interactions": calls}))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one recorded test, as pytest-recording leaves it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text("def test_x(): pass\n")
    write(tmp_path / "tests/cassettes/test_a/test_x.json", "/1", "/1", "/2")
    return tmp_path


def run(*args):
    done = CliRunner().invoke(app, ["import-vcr", *args])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def scopes(project):
    connection = sqlite3.connect(project / "cassettes" / "jobs.db")
    found = [scope for (scope,) in connection.execute("SELECT DISTINCT scope FROM jobs ORDER BY scope")]
    connection.close()
    return found


def test_it_says_what_was_taken_for_which_test(project):
    write(project / "tests/cassettes/test_a/gone.json", "/3", ":x")
    assert run("tests/cassettes") == (
        1,
        "tests/cassettes/test_a/gone.json → test_a/gone\n"
        "  1 call taken, 1 not\n"
        "  not taken: its URL is none\n"
        '  note: no test was found for it; replay with use_cassette(…, scope="test_a/gone"), or say --test\n'
        "tests/cassettes/test_a/test_x.json → tests/test_a.py::test_x\n"
        "  3 calls taken\n"
        "  note: the same request was made before: their answers come in the order of the file\n"
        "2 files imported into cassettes/jobs.db: 4 calls taken, 1 not\n",
    )
    assert scopes(project) == ["test_a/gone", "tests/test_a.py::test_x"]


def test_it_says_the_same_as_json(project):
    code, output = run("tests", "--json", "--dry-run")
    tree = json.loads(output)
    (file,) = tree.pop("files")
    assert (code, tree) == (
        0,
        {
            "cassette": "cassettes/jobs.db", "dry_run": True, "complete": True, "taken": 3, "replaced": 0, "there": 0,
            "kept": 0, "refused": 0,
        },
    )  # fmt: skip
    assert file["scopes"] == ["tests/test_a.py::test_x"]
    assert not (project / "cassettes").exists()


def test_what_is_there_already_is_said(project):
    run("tests")
    path = project / "tests/cassettes/test_a/test_x.json"
    path.write_text(path.read_text().replace('"x"', '"y"'))
    code, output = run("tests")
    assert (code, output.splitlines()[1:]) == (
        0,
        [
            "  0 calls taken, 3 kept as they are",
            "  note: the same request was made before: their answers come in the order of the file",
            "  note: what the cassette has already is kept; --replace replaces it",
            "1 file imported into cassettes/jobs.db: 0 calls taken, 3 kept as they are",
        ],
    )
    assert "3 replaced" in run("tests", "--replace")[1]
    assert "3 there already" in run("tests")[1]


def test_a_file_that_cannot_be_read_is_named_and_the_exit_code_says_so(project):
    write(project / "tests" / "cassettes" / "new.json", version=7)
    (project / "tests" / "other.json").write_text("{}")
    code, output = run("tests")
    assert code == 1
    assert "tests/cassettes/new.json: not read, its format has the version '7'; what is known here is 1.\n" in output
    assert "tests/other.json: skipped, it is no cassette: it has no `interactions`.\n" in output
    assert output.endswith("\n1 file imported into cassettes/jobs.db: 3 calls taken\n")
    code, output = run("tests/cassettes/new.json")
    assert output.endswith("\n0 files imported into cassettes/jobs.db: 0 calls taken\n")


@pytest.mark.parametrize("option", ["--test=tests/test_b.py::test_y", "--scope=tests/test_b.py::test_y"])
def test_whose_the_calls_are_can_be_said(project, option):
    path = "tests/cassettes/test_a/test_x.json"
    assert run(path, option)[0] == 0
    assert scopes(project) == ["tests/test_b.py::test_y"]


def test_wrong_arguments_say_what_to_do(project):
    with pytest.raises(UsageError, match="Give one of them"):
        run("tests", "--scope=a", "--test=b::c")
    with pytest.raises(UsageError, match="no node id"):
        run("tests", "--test=b")
    with pytest.raises(ConfigurationError, match="import-vcr: match has no part 'colour'"):
        run("tests", "--match=colour")


def test_as_a_process_it_exits_with_2_and_one_line_where_nothing_can_be_done(project):
    done = subprocess.run(
        [sys.executable, "-m", "pytest_recorded", "import-vcr", "nowhere"],
        cwd=project, env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "nowhere does not exist. Name the files or folders with the cassettes to import.\n"


def test_progress_is_shown_on_a_terminal_and_the_output_stays_what_it_is(project):
    master, slave = os.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "pytest_recorded", "import-vcr", "tests", "--json"],
        cwd=project, env={**os.environ, "TERM": "xterm"}, stdout=subprocess.PIPE, stderr=slave, text=True, check=True,
    )  # fmt: skip
    os.close(slave)
    shown = b""
    with contextlib.suppress(OSError):
        while piece := os.read(master, 65536):
            shown += piece
    os.close(master)
    assert b"reading" in shown
    assert json.loads(done.stdout)["taken"] == 3


INI = {
    "pytest.ini": "[pytest]\nrecord_ignore =\n    at\n    id\n",
    "pyproject.toml": "[tool.pytest.ini_options]\nrecord_ignore = ['at', 'id']\n",
    "tox.ini": "[pytest]\nrecord_ignore =\n  at\n  id\n",
    "setup.cfg": "[tool:pytest]\nrecord_ignore =\n  at\n  id\n",
}


@pytest.mark.parametrize("name", INI)
def test_options_are_those_of_the_ini_file(project, name):
    """The calls of /1?at=1 and /1?at=2 have one key then, unless the command line says otherwise."""
    (project / name).write_text(INI[name])
    path = project / "tests/cassettes/test_a/test_x.json"
    write(path, "/1?at=1", "/1?at=2")
    assert "note: the same request was made before" in run("tests", "--dry-run")[1]
    assert "made before" not in run("tests", "--dry-run", "--ignore=id")[1]


def test_a_pyproject_without_pytest_is_not_the_ini_file(project):
    (project / "pyproject.toml").write_text("[tool.pytest]\nrecord_match = ['url']\n")
    folder = project / "deep" / "er"
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert ini_options(folder, ("match", "ignore")) == {"match": ["url"]}
    (folder / "pytest.ini").write_text("")
    assert ini_options(folder, ("match", "ignore")) == {}


def test_an_ini_file_that_cannot_be_read_says_so(project):
    (project / "pyproject.toml").write_text("[")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        ini_options(project, ("match",))


def test_from_a_folder_below_the_root_nothing_is_imported_because_no_test_would_find_it(project, monkeypatch):
    (project / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(project / "tests")
    with pytest.raises(UsageError, match=f"root of this project is {project}, .* Run import-vcr there"):
        CliRunner().invoke(app, ["import-vcr", "cassettes"], catch_exceptions=False)
    assert not list(project.rglob("jobs.db"))
