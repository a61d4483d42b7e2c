"""The command diff says what differs between cassettes, revisions, and the last verification, and writes to none."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing, suppress

import pytest
from pydantic import BaseModel

from pytest_recorded import recorder, use_cassette
from pytest_recorded.changes.model import Report
from pytest_recorded.staging import verified_files
from sides import TEST, chat, function, http, write

WORLD = {"tea": 5, "note": "It was sent on Monday morning.", "steps": ["a", "b"], "sold out": ""}


class Order(BaseModel):
    total: int
    note: str


@recorder(kind="diffcli.order", data=Order)
def order():
    return {"total": WORLD["tea"], "note": WORLD["note"], "at": 1}


@recorder(kind="diffcli.steps")
def steps():
    yield from WORLD["steps"]


@recorder(kind="diffcli.sell")
def sell():
    if WORLD["sold out"]:
        raise LookupError(WORLD["sold out"])
    return "sold"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The folder of a project, with no git but that of the test."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


@pytest.fixture
def path(tmp_path):
    """The usual cassette."""
    path = tmp_path / "cassettes" / "jobs.db"
    path.parent.mkdir()
    return path


def git(*arguments):
    own = ["-c", "user.name=Shop", "-c", "user.email=shop@example.com", "-c", "core.autocrlf=false"]
    done = subprocess.run(["git", *own, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(message="recorded"):
    git("add", "--all", "--force", ".")
    git("commit", "--quiet", "-m", message)


@pytest.fixture
def repository(path):
    """A repository of which the cassette has had the prices 1, 2 and 3; in the work tree it is 3."""
    git("init", "--quiet", "--initial-branch=main")
    for price in (1, 2, 3):
        write(path, http({"price": price}), function(5))
        commit()
    return path


def told(done):
    return [(change["old"], change["new"]) for call in done.json["calls"] for change in call["changes"]]


# Two files.


def test_the_same_calls_are_one_line_and_exit_code_0(cli, folder):
    for name in "ab":
        write(folder / f"{name}.db", http({"price": 1}), function(5))
    before = sorted(folder.iterdir()), [(path.read_bytes(), path.stat().st_mtime_ns) for path in folder.glob("*.db")]
    done = cli("diff", "a.db", "b.db")
    assert (done.code, done.out, done.err) == (0, "no difference: 2 calls\n", "")
    assert before == (
        sorted(folder.iterdir()), [(path.read_bytes(), path.stat().st_mtime_ns) for path in folder.glob("*.db")],
    )  # fmt: skip


def test_what_differs_is_told_as_pytest_tells_it_and_nothing_can_be_accepted(cli, folder):
    write(folder / "a.db", http({"price": 1}), function(5))
    write(folder / "b.db", http({"price": 2}), function(5))
    done = cli("diff", "a.db", "b.db")
    assert done.code == 1
    assert "changed responses: 1 of 2 calls (diff)" in done.out
    assert "~ $.price  1 -> 2" in done.out
    assert TEST in done.out
    assert "accept" not in done.out
    assert done.out.endswith("report: none was written; see --report=changes.html\n")
    assert "\x1b" not in done.out, "no colours where nobody sees them"


def test_a_terminal_has_colours_unless_it_is_asked_for_none(folder):
    write(folder / "a.db", http({"price": "\x1b[2J"}))
    write(folder / "b.db", http({"price": 2}))
    pty = pytest.importorskip("pty", reason="there are terminals of this kind on POSIX only")
    for extra, is_coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        primary, secondary = pty.openpty()
        environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest_recorded", "diff", "a.db", "b.db"],
            env=environment | {"TERM": "xterm", "COLUMNS": "80"} | extra, stdout=secondary, stdin=secondary,
        )  # fmt: skip
        os.close(secondary)
        shown = b""
        try:
            while part := os.read(primary, 65536):
                shown += part
        except OSError:
            # Linux says so when the other end is closed.
            pass
        finally:
            os.close(primary)
        assert process.wait() == 1
        assert (b"\x1b[31m" in shown) is is_coloured
        assert b"\x1b[2J" not in shown, "what was recorded commands no terminal"


def test_as_json_it_is_the_report_of_the_published_schema(cli, folder):
    write(folder / "a.db", http({"price": 1, "name": "Café"}), function(5))
    write(folder / "b.db", http({"price": None}), function(5), function(6, sent={"n": 1}))
    done = cli("diff", "a.db", "b.db", "--json")
    report = Report.model_validate_json(done.out)
    assert (done.code, report.mode, report.compared, report.cassettes) == (1, "diff", 3, ("a.db", "b.db"))
    assert report.totals == {"request": 1, "shape": 1, "unchanged": 1}
    (shape,) = (call for call in report.calls if call.change_class == "shape")
    assert {(one.op, one.path, one.has_old, one.has_new) for one in shape.changes} == {
        ("replace", "$.price", True, True), ("remove", "$.name", True, False),
    }  # fmt: skip
    assert cli("diff", "a.db", "b.db", "--json").out == done.out
    same = cli("diff", "a.db", "a.db", "--json")
    assert (same.code, Report.model_validate_json(same.out).calls) == (0, ())


def test_json_is_json_in_any_encoding(folder):
    write(folder / "a.db", http({"a": "Café 😀"}))
    write(folder / "b.db", http({"a": "\ud800"}))
    done = subprocess.run(
        [sys.executable, "-m", "pytest_recorded", "diff", "a.db", "b.db", "--json"],
        env=os.environ | {"PYTHONIOENCODING": "latin-1"}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert json.loads(done.stdout)["calls"][0]["changes"][0]["old"] == "Café 😀"


def test_reports_are_written_as_their_names_say(cli, folder):
    write(folder / "a.db", http({"price": 1, "whole": "answer of old"}))
    write(folder / "b.db", http({"price": 2, "whole": "answer of old"}))
    done = cli("diff", "a.db", "b.db", "--report=out/x.html", "--report", "out/x.json", "--report=x.md")
    assert done.code == 1
    assert "report: out/x.html, out/x.json, x.md" in done.out
    page = (folder / "out" / "x.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "answer of old" in page, "the page has whole answers"
    assert Report.model_validate_json((folder / "out" / "x.json").read_text()).totals["value"] == 1
    assert "$.price" in (folder / "x.md").read_text()


def test_a_report_is_written_also_where_nothing_differs(cli, folder):
    write(folder / "a.db", http({}))
    assert cli("diff", "a.db", "a.db", "--report=x.json").code == 0
    assert Report.model_validate_json((folder / "x.json").read_text()).totals == {"unchanged": 1}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--report=x.pdf"], "x.pdf is no report. Its name ends in .html, .json, .md."),
        (["--ignore=$"], "'$' alone would leave nothing"),
        (["--list-keys=$.items"], "names no field of a list's items"),
        (["--test=nothing*", "--kind=x"], "no call fits --test=nothing*, --kind=x: there is nothing to compare."),
    ],
)
def test_a_wrong_option_is_an_error_before_anything_is_written(cli, folder, arguments, words):
    write(folder / "a.db", http({}))
    done = cli("diff", "a.db", "a.db", "--report=good.html", *arguments)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert not (folder / "good.html").exists()


def test_a_report_that_cannot_be_written_is_an_error(cli, folder):
    write(folder / "a.db", http({}))
    (folder / "taken").write_text("")
    done = cli("diff", "a.db", "a.db", "--report=taken/x.html")
    assert (done.code, done.out) == (2, "")
    assert "taken" in done.err


def test_what_does_not_matter_is_taken_from_the_ini_file_and_the_command_line(cli, folder):
    for name, one, other in (("a", 1, 1), ("b", 2, 2)):
        lines = [{"sku": "x", "n": 1}] if name == "a" else [{"sku": "y", "n": 1}]
        write(folder / f"{name}.db", http({"at": one, "id": other, "lines": lines}))
    (folder / "pytest.ini").write_text("[pytest]\nrecord_ignore = $.at\nrecord_list_keys = $.lines[*].sku\n")
    done = cli("diff", "a.db", "b.db", "--ignore=id", "--json")
    assert [(change["op"], change["path"]) for change in done.json["calls"][0]["changes"]] == [
        ("remove", "$.lines[0]"), ("add", "$.lines[0]"),
    ]  # fmt: skip
    done = cli("diff", "a.db", "b.db", "--ignore=id", "--ignore=$.lines")
    assert (done.code, done.out) == (0, "no difference: 1 call (1 volatile)\n")
    done = cli("diff", "a.db", "b.db", "--ignore=id", "--list-keys=$.lines[*].n", "--json")
    assert [change["path"] for change in done.json["calls"][0]["changes"]] == ["$.lines[0].sku"]


def test_other_tokens_cost_and_times_are_no_difference(cli, folder):
    for name, used in (("a", 10), ("b", 90)):
        write(folder / f"{name}.db", chat(usage=(used, 5), info={"llm": {"name": "openai.chat", "input_tokens": used}}))
    done = cli("diff", "a.db", "b.db")
    assert (done.code, done.out) == (0, "no difference: 1 call (1 metrics)\n")
    assert cli("diff", "a.db", "b.db", "--json").json["metrics"]["tokens"] == [10, 90]


def test_tests_and_kinds_are_chosen_by_globs(cli, folder):
    for name, n in (("a", 1), ("b", 2)):
        write(folder / f"{name}.db", http({"n": n}), function(n), http({"n": n}, scope="test_b"))
    assert len(cli("diff", "a.db", "b.db", "--json").json["calls"]) == 3
    assert (
        len(cli("diff", "a.db", "b.db", "--json", "--test", TEST, "--kind=shop.*", "--kind=other").json["calls"]) == 1
    )
    assert len(cli("diff", "a.db", "b.db", "--json", "--test=test_b", "--test=tests/*").json["calls"]) == 3


def make_foreign(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE a (b)")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_bytes(b""), "x.db: is empty (0 bytes)"),
        (lambda path: path.write_text("hello " * 40), "x.db: is no SQLite file"),
        (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"),
        (make_foreign, "of another program"),
    ],
    ids=["empty", "text", "lfs", "foreign"],
)
def test_a_file_that_is_no_cassette_cannot_be_compared(cli, folder, make, words):
    make(folder / "x.db")
    write(folder / "a.db", http({}))
    for arguments in (["a.db", "x.db"], ["x.db", "a.db"]):
        done = cli("diff", *arguments)
        assert (done.code, done.out) == (2, "")
        assert words in done.err


def test_a_row_that_is_damaged_is_an_error_and_never_the_same(cli, folder):
    write(folder / "a.db", http({"a": 1}), function(5))
    with closing(sqlite3.connect(folder / "a.db")) as connection, connection:
        connection.execute("UPDATE jobs SET response_json = '{' WHERE kind LIKE 'http%'")
    done = cli("diff", "a.db", "a.db", "--json", "--report=x.html")
    assert (done.code, done.json["totals"]) == (1, {"error": 1, "unchanged": 1})


@pytest.mark.parametrize(
    "name",
    ["a b.db", "$(touch x).db", "'\".db", "a\nb.db", "é😀.db", "a:b.db", "-x.db", "HEAD", "%s?mode=rw#.db", "[a]*.db"],
)
def test_a_file_may_have_any_name(cli, folder, name):
    write(folder / name, http({"a": 1}))
    write(folder / "b.db", http({"a": 2}))
    done = cli("diff", "--json", "--", name, "b.db")
    assert (done.code, done.json["cassettes"]) == (1, [name, "b.db"])
    assert "\n" not in cli("diff", "--", name, "missing.db").err.rstrip("\n").replace("a\nb.db", "")
    assert sorted(path.name for path in folder.iterdir()) == sorted([name, "b.db"])


def test_really_recorded_calls_with_models_streams_and_failures(cli, folder, monkeypatch):
    """Each of them has the class of what has changed in it."""

    def record(path):
        with use_cassette(path, scope="tests/test_shop.py::test_order"):
            order()
            list(steps())
            with suppress(LookupError):
                sell()

    record(folder / "a.db")
    record(folder / "same.db")
    for name, value in (("note", "It was sent on Tuesday morning."), ("steps", ["a", "c"]), ("sold out", "no tea")):
        monkeypatch.setitem(WORLD, name, value)
    record(folder / "b.db")
    assert cli("diff", "a.db", "same.db").out == "no difference: 3 calls\n"
    done = cli("diff", "a.db", "b.db", "--json")
    assert {call["kind"]: call["class"] for call in done.json["calls"]} == {
        "diffcli.sell": "error", "diffcli.steps": "projection", "diffcli.order": "text",
    }  # fmt: skip
    monkeypatch.setitem(WORLD, "tea", 6)
    record(folder / "c.db")
    assert {call["class"] for call in cli("diff", "b.db", "c.db", "--json").json["calls"]} == {"projection"}
    assert {call["class"] for call in cli("diff", "b.db", "a.db", "--json").json["calls"]} == {
        "breaking", "projection", "text",
    }  # fmt: skip


# Revisions.


@pytest.mark.parametrize(
    ("arguments", "changes"),
    [
        ("HEAD", []),
        ("HEAD~1", [(2, 3)]),
        ("HEAD~2", [(1, 3)]),
        ("HEAD~2 HEAD~1", [(1, 2)]),
        ("HEAD~1 HEAD~2", [(2, 1)]),
        ("main main^", [(3, 2)]),
        ("first", [(1, 3)]),
        ("HEAD~1:cassettes/jobs.db cassettes/jobs.db", [(2, 3)]),
        ("cassettes/jobs.db first", [(3, 1)]),
    ],
)
def test_a_revision_has_the_cassette_that_it_had(cli, repository, arguments, changes):
    git("tag", "-a", "first", "HEAD~2", "-m", "The first one")
    before = repository.read_bytes(), git("status", "--porcelain"), sorted(repository.parent.iterdir())
    done = cli("diff", *arguments.split(), "--json")
    assert (told(done), done.code) == (changes, 1 if changes else 0)
    assert before == (repository.read_bytes(), git("status", "--porcelain"), sorted(repository.parent.iterdir()))


def test_a_work_tree_that_is_dirty_differs_from_its_revision(cli, repository):
    write(repository, http({"price": 4}), function(5))
    assert told(cli("diff", "HEAD", "--json")) == [(3, 4)]
    assert cli("diff", "HEAD", "--json").json["cassettes"] == ["HEAD:cassettes/jobs.db", "cassettes/jobs.db"]
    assert told(cli("diff", "HEAD~1", "HEAD", "--json")) == [(2, 3)]


def test_a_revision_is_named_by_its_hash_from_a_subfolder_too(cli, repository, folder, monkeypatch):
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "tests" / "deep").mkdir(parents=True)
    monkeypatch.chdir(folder / "tests" / "deep")
    assert told(cli("diff", git("rev-parse", "--short", "HEAD~1"), "--json")) == [(2, 3)]
    assert told(cli("diff", "HEAD~1:cassettes/jobs.db", "--json")) == [(2, 3)]


def test_a_cassette_that_was_elsewhere_then_is_named_with_its_path(cli, repository, folder):
    (folder / "recorded calls").mkdir()
    moved = repository.rename(folder / "recorded calls" / "ü.db")
    commit("moved")
    write(moved, http({"price": 9}), function(5))
    named = "--cassette=recorded calls/ü.db"
    done = cli("diff", "HEAD~1", named)
    assert (done.code, done.out) == (2, "")
    assert "HEAD~1:recorded calls/ü.db: is not there" in done.err
    assert "Say where it was: HEAD~1:path/to/jobs.db" in done.err
    assert told(cli("diff", "HEAD~1:cassettes/jobs.db", named, "--json")) == [(3, 9)]
    assert told(cli("diff", "HEAD", named, "--json")) == [(3, 9)]


def test_a_cassette_that_is_gone_from_the_work_tree_is_in_its_revisions(cli, repository):
    shutil.rmtree(repository.parent)
    assert told(cli("diff", "HEAD~1", "HEAD", "--json")) == [(2, 3)]
    done = cli("diff", "HEAD~1")
    assert (done.code, "cassettes/jobs.db: does not exist" in done.err) == (2, True)


def test_what_is_a_file_and_a_revision_is_the_file_and_a_folder_is_none(cli, repository, folder):
    git("branch", "old", "HEAD~2")
    git("branch", "docs", "HEAD~1")
    write(folder / "old", http({"price": 7}), function(5))
    (folder / ".staging").exists()
    (folder / "docs").mkdir()
    assert told(cli("diff", "old", "--json")) == [(7, 3)]
    assert told(cli("diff", "refs/heads/old", "--json")) == [(1, 3)]
    assert told(cli("diff", "docs", "--json")) == [(2, 3)]


@pytest.mark.parametrize(
    "given",
    [
        "nonsense",
        "HEAD~99",
        "nonsense:cassettes/jobs.db",
        "HEAD^{tree}",
        "-x",
        "--since=today",
        ":/x",
        "",
        "a b",
        "😀",
    ],
)
def test_what_is_neither_a_file_nor_a_revision_is_an_error(cli, repository, folder, given):
    done = cli("diff", "--", given)
    assert (done.code, done.out) == (2, "")
    assert "is no revision of the git repository" in done.err
    assert not (folder / "x").exists()


def test_without_a_repository_a_revision_cannot_be_read(cli, path, folder):
    write(path, http({}))
    done = cli("diff", "HEAD~1")
    assert done.code == 2
    assert f"HEAD~1 is no file, and {path.parent} is in no git repository that can be read (" in done.err


def test_without_git_a_revision_cannot_be_read_and_files_can(cli, repository, monkeypatch):
    monkeypatch.setenv("PATH", str(repository.parent))
    done = cli("diff", "HEAD~1")
    assert done.code == 2
    assert "git is needed, and it is not on the PATH" in done.err
    assert cli("diff", "cassettes/jobs.db").code == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "HEAD:cassettes/jobs.db: is empty (0 bytes)"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs fetch origin HEAD"),
        (b"text " * 99, "HEAD:cassettes/jobs.db: is no SQLite file"),
    ],
    ids=["empty", "lfs", "text"],
)
def test_a_revision_with_another_file_at_its_path_is_an_error(cli, repository, content, words):
    good = repository.read_bytes()
    repository.write_bytes(content)
    commit()
    repository.write_bytes(good)
    done = cli("diff", "HEAD")
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert "pytest-recorded-" not in done.err, "no temporary file is named"


def test_a_hook_of_git_asks_the_repository_of_the_cassette(cli, repository, monkeypatch):
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    monkeypatch.setenv("GIT_PREFIX", "")
    assert told(cli("diff", "HEAD~1", "--json")) == [(2, 3)]


# The last verification.


@pytest.fixture
def verified(project):
    """A project whose last verification has found that one of two answers has changed."""
    test = "import world, pytest\n\n@pytest.mark.recorded('world.ask')\ndef test_{0}():\n    world.ask('{0}')\n"
    project.write(test_tea=test.format("tea"), test_milk=test.format("milk"))
    project.pytest()
    project.write(world="def ask(question):\n    return {'answer': question.replace('tea', 'coffee')}\n")
    project.pytest("--record-mode=verify", "--record-fail-on=never", "--record-report=run.json")
    return project


def test_the_last_verification_is_looked_at_again_without_running_a_test(cli, verified, folder):
    """It has the classes and fingerprints of the run's own report, and is over once its answers are accepted."""
    (staged,) = verified_files(verified.cassette)
    for each in (staged.parent, verified.cassette.parent):
        each.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        done, said = cli("diff", "--json", "--report=again.html"), cli("diff")
        two = cli("diff", "cassettes/jobs.db", str(staged), "--json")
    finally:
        for each in (staged.parent, verified.cassette.parent):
            each.chmod(stat.S_IRWXU)
    assert (done.code, done.json) == (1, json.loads((folder / "run.json").read_text()))
    assert done.json["mode"] == "verify"
    fingerprint = done.json["groups"][0]["fingerprint"]
    assert f"accept: pytest-recorded accept {fingerprint}   all: pytest-recorded accept all" in said.out
    assert "coffee" in (folder / "again.html").read_text()
    assert (two.code, two.json["mode"], two.json["compared"]) == (1, "diff", 2)
    assert [group["fingerprint"] for group in two.json["groups"]] == [fingerprint]
    assert not [*staged.parent.glob("*-wal"), *verified.cassette.parent.glob("*-*")], "nothing is made beside the files"
    assert cli("diff", "--test=test_milk.py::*").code == 0
    assert cli("accept", "all").code == 0
    assert (cli("diff").code, cli("diff").out) == (0, "no difference: 2 calls\n")


def test_what_was_recorded_again_since_is_told_with_the_report(cli, verified):
    with use_cassette(verified.cassette, scope="test_tea.py::test_tea", mode="all"):
        recorder(kind="world.ask")(lambda question: {"answer": question + "!"})("tea")
    done = cli("diff", "--json")
    assert [call["hint"] for call in done.json["calls"]] == ["It was recorded again since: verify again."]


def test_without_a_verification_it_says_how_to_make_one(cli, path):
    write(path, http({}))
    done = cli("diff")
    assert (done.code, done.out) == (2, "")
    assert "Run: pytest --record-mode=verify; or name a file or a revision: pytest-recorded diff HEAD~1" in done.err


@pytest.mark.parametrize("option", ["--kind=http.*", "--ignore=a", "--list-keys=$.a[*].b"])
def test_what_was_found_is_told_as_it_was_found(cli, path, option):
    write(path, http({}))
    done = cli("diff", option)
    assert (done.code, done.out) == (2, "")
    assert "are for two files: pytest-recorded diff OLD [NEW]" in done.err
