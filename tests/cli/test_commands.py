"""The command line, as processes and through its own entry point."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys

import pytest

from pytest_recorded import open_jobs, recorder, use_cassette
from pytest_recorded.cli import demo
from pytest_recorded.errors import UsageError


def run(*args, cwd=None, **env):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest_recorded", *args],
        cwd=cwd,
        env=kept | {"COLUMNS": "200", "NO_COLOR": "1"} | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def record(path, *scopes, mode="once"):
    ask = recorder(kind="cli.ask")(lambda question: question)
    for scope in scopes:
        with use_cassette(path, scope=scope, mode=mode):
            ask("a")
            ask("b")


@pytest.fixture
def cassette(tmp_path):
    path = tmp_path / "cassettes" / "jobs.db"
    record(path, "tests/test_a.py::test_x")
    return path


def scopes(path):
    connection = sqlite3.connect(path)
    try:
        return [scope for (scope,) in connection.execute("SELECT DISTINCT scope FROM jobs ORDER BY scope")]
    finally:
        connection.close()


def pytest_in(folder, *args):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "pytest_recorded.plugin", "--record-mode=none", "-q", *args],
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def test_the_demo_records_replays_offline_verifies_and_says_what_to_type_next(tmp_path):
    """Its second run has reached no server, its third one says what has changed; it needs no plugin and minds no CI."""
    done = run("demo", CI="true", TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    (place,) = tmp_path.glob("pytest-recorded-demo-*")
    assert f"A sample suite is in {place}" in done.stdout
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("--record-mode=")]
    assert [row[:6] for row in rows] == [
        ["--record-mode=once", "5", "0", "0", "-", "5"],
        ["--record-mode=none", "0", "5", "0", "-", "0"],
        ["--record-mode=verify", "0", "0", "0", "3", "5"],
    ]
    assert "alike: [-The -]{+Rome is the +}capital of Italy[- is Rome-]." in done.stdout
    assert "~ $.complaint  true -> false" in done.stdout
    assert f"The cassette is {place / 'cassettes' / 'jobs.db'}" in done.stdout
    assert f"What has changed is in {place / 'report.html'}" in done.stdout
    assert "<title>changed responses: 3 of 5 calls (verify)</title>" in (place / "report.html").read_text()
    assert "Next:" in done.stdout
    # The suite stands on its own afterwards, and what is said to come next is what comes.
    assert "recorded: 5 replayed" in pytest_in(place)
    assert "3 accepted" in run("accept", "all", cwd=place).stdout
    assert "FAILED test_assistant.py::test_complaint" in pytest_in(place)
    # It takes no HTTP library but the standard one.
    imports = {line for line in (place / "assistant.py").read_text().splitlines() if line.startswith("import ")}
    assert imports == {"import json", "import urllib.request"}


RUNS = [
    demo._Run("once", "recorded: 0 replayed, 5 recorded, 0 live, 0 missed, 0 unused\n= 4 passed in 1s =", 0, 1.0, 5),
    demo._Run("none", "recorded: 5 replayed, 0 recorded, 0 live, 0 missed, 0 unused\n= 4 passed in 1s =", 0, 1.0, 0),
    demo._Run("verify", "recorded: 0 replayed, 0 recorded, 3 changed\n= 4 passed in 1s =", 1, 1.0, 5),
]


@pytest.mark.parametrize(
    ("at", "changed"),
    [
        (0, {"code": 1}),
        (1, {"code": 1}),
        (1, {"requests": 1}),
        (1, {"output": "recorded: 4 replayed, 0 recorded, 0 live, 0 missed, 1 unused\n= 4 passed in 1s ="}),
        (2, {"code": 0}),
        (2, {"requests": 0}),
        (2, {"output": "recorded: 0 replayed, 0 recorded, 3 changed\n= 1 failed, 3 passed in 1s ="}),
        (2, {"output": "recorded: 0 replayed, 0 recorded, 5 unchanged\n= 4 passed in 1s ="}),
    ],
    ids=str,
)
def test_a_demo_is_good_only_if_each_of_its_runs_did_what_it_should(tmp_path, at, changed):
    (tmp_path / "report.html").touch()
    assert demo._of_replay(*RUNS[:2]) == demo._of_verifying(tmp_path, RUNS, is_kept=True) == ""
    runs = [run._replace(**changed) if place == at else run for place, run in enumerate(RUNS)]
    assert demo._of_replay(*runs[:2]) if at < 2 else demo._of_verifying(tmp_path, runs, is_kept=True)


def test_a_demo_that_changes_its_cassette_or_leaves_no_report_is_no_good(tmp_path):
    assert demo._of_verifying(tmp_path, RUNS, is_kept=True)
    (tmp_path / "report.html").touch()
    assert demo._of_verifying(tmp_path, RUNS, is_kept=False)


def test_a_demo_that_records_nothing_says_so_and_exits_with_1(tmp_path):
    (tmp_path / "conftest.py").write_text("def pytest_collection_modifyitems(items): items.clear()\n")
    done = run("demo", f"--dir={tmp_path}")
    assert done.returncode == 1
    assert "The second run was not served from the cassette alone." in done.stdout
    assert "--record-mode=verify" not in done.stdout


def test_a_demo_whose_port_somebody_else_has_taken_says_so():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError, match="another program listens on"):
        demo._later(taken.getsockname()[1])


def test_the_demo_overwrites_nothing(tmp_path):
    (tmp_path / "assistant.py").write_text("mine")
    done = run("demo", f"--dir={tmp_path}")
    assert done.returncode == 2
    assert "has assistant.py already. Give the demo an empty folder" in done.stderr
    assert (tmp_path / "assistant.py").read_text() == "mine"


def test_rename_moves_the_recordings_of_a_test(cassette):
    done = run("rename", "tests/test_a.py::test_x", "tests/test_b.py::test_y", cwd=cassette.parent.parent)
    assert (done.returncode, done.stdout) == (
        0,
        "2 calls of tests/test_a.py::test_x now belong to tests/test_b.py::test_y\n",
    )
    assert scopes(cassette) == ["tests/test_b.py::test_y"]


def test_rename_of_a_test_without_recordings_names_close_ones(cassette):
    done = run("rename", "tests/test_a.py::test_y", "x", f"--cassette={cassette}")
    assert done.returncode == 2
    assert "has no recordings of 'tests/test_a.py::test_y'. Did you mean: tests/test_a.py::test_x?" in done.stderr


def test_rename_to_a_test_that_has_recordings_is_refused(cassette):
    record(cassette, "other")
    before = cassette.read_bytes()
    done = run("rename", "other", "tests/test_a.py::test_x", f"--cassette={cassette}")
    assert done.returncode == 2
    assert "has recordings of 'tests/test_a.py::test_x' already" in done.stderr
    assert cassette.read_bytes() == before


def test_rename_replaces_what_the_new_name_has_recorded_of_the_same_calls_and_nothing_else(cli, tmp_path):
    """The first answers stay; a call that only the new name has made stays its own."""
    path, answers = tmp_path / "jobs.db", iter(range(10))
    ask = recorder(kind="renaming.ask")(lambda question: (question, next(answers)))
    for scope, questions in (("t/a.py::test_x", "ab"), ("t/b.py::test_x", "bbc"), ("t/b.py::test_y", "b")):
        with use_cassette(path, scope=scope):
            for question in questions:
                ask(question)
    refused = cli("rename", "t/a.py", "t/b.py", f"--cassette={path}")
    assert refused.code == 2
    assert f"pytest-recorded rename --replace --cassette={path} t/a.py t/b.py" in refused.err
    done = cli("rename", "--replace", "t/a.py", "t/b.py", f"--cassette={path}")
    assert done.code == 0
    assert "2 calls of t/a.py now belong to t/b.py, in place of 1 recording that it had of them" in done.out
    with open_jobs(path) as jobs:
        found = {(job.scope, job.seq, *job.response) for job in jobs.query(limit=None)}
    assert found == {
        ("t/b.py::test_x", 0, "a", 0),
        ("t/b.py::test_x", 0, "b", 1),
        ("t/b.py::test_x", 1, "b", 3),
        ("t/b.py::test_x", 0, "c", 4),
        ("t/b.py::test_y", 0, "b", 5),
    }


def test_rename_of_a_folder_moves_the_shared_fixtures_of_its_conftest_too(cli, tmp_path):
    path = tmp_path / "jobs.db"
    record(path, "t/old@client", "t/old/a.py::test_x", "t/other/a.py::test_x")
    assert cli("rename", "t/old", "t/new", f"--cassette={path}").code == 0
    assert scopes(path) == ["t/new/a.py::test_x", "t/new@client", "t/other/a.py::test_x"]


def test_rename_moves_a_file_with_its_classes_parameters_and_shared_fixtures(cli, tmp_path):
    path = tmp_path / "jobs.db"
    below = ("::test_x", "::test_y[1]", "::test_y[2]", "::TestC::test_z", "@client", "::TestC@session")
    others = ("tests/a.pyx::test_x", "tests/a_b.py::test_x", "tests/c.py::test_x")
    record(path, *others, *(f"tests/a.py{name}" for name in below))
    done = cli("rename", "tests/a.py", "unit/b.py", f"--cassette={path}", "--json")
    assert done.code == 0
    assert scopes(path) == sorted([*others, *(f"unit/b.py{name}" for name in below)])
    assert done.json == {
        "cassette": str(path),
        "old": "tests/a.py",
        "new": "unit/b.py",
        "calls": 12,
        "replaced": 0,
        "renamed": [
            {"old": f"tests/a.py{n}", "new": f"unit/b.py{n}", "calls": 2, "replaced": 0} for n in sorted(below)
        ],
    }


@pytest.mark.parametrize(
    ("old", "new", "moved"),
    [
        ("t/a.py::test_x", "t/a.py::test_new", {"t/a.py::test_x[1]": "t/a.py::test_new[1]"}),
        ("t/a.py::TestC", "t/b.py::TestD", {"t/a.py::TestC::test_z": "t/b.py::TestD::test_z"}),
        ("t/", "u", {"t/a.py::test_x[1]": "u/a.py::test_x[1]", "t/a.py::TestC::test_z": "u/a.py::TestC::test_z"}),
        ("block", "other", {"block": "other"}),
    ],
    ids=["parameters", "class", "folder", "block"],
)
def test_rename_moves_what_is_below_a_name_and_nothing_else(cli, tmp_path, old, new, moved):
    path, before = tmp_path / "jobs.db", ["block", "block/s", "t/a.py::TestC::test_z", "t/a.py::test_x[1]"]
    record(path, *before)
    assert cli("rename", old, new, f"--cassette={path}").code == 0
    assert scopes(path) == sorted(moved.get(name, name) for name in before)


def test_rename_of_a_file_is_refused_as_a_whole_if_one_test_would_overwrite_another(cli, tmp_path):
    path = tmp_path / "jobs.db"
    record(path, "a.py::test_x", "a.py::test_y", "b.py::test_y")
    before = path.read_bytes()
    done = cli("rename", "a.py", "b.py", f"--cassette={path}")
    assert (done.code, done.out) == (2, "")
    assert "has recordings of 'b.py::test_y' already" in done.err
    assert path.read_bytes() == before


def test_rename_may_move_tests_into_a_folder_of_their_own(cli, tmp_path):
    """A name that moves away itself is not in the way."""
    path = tmp_path / "jobs.db"
    record(path, "t/a.py::test_x", "t/t/a.py::test_x")
    assert cli("rename", "t", "t/t", f"--cassette={path}").code == 0
    assert scopes(path) == ["t/t/a.py::test_x", "t/t/t/a.py::test_x"]


def test_renamed_calls_are_replayed(tmp_path):
    path = tmp_path / "jobs.db"
    record(path, "a.py::test_x")
    assert run("rename", "a.py", "b.py", f"--cassette={path}").returncode == 0
    record(path, "b.py::test_x", mode="none")


def test_rename_to_the_same_name_is_refused(cli, cassette):
    done = cli("rename", "tests/test_a.py::test_x", "tests/test_a.py::test_x", f"--cassette={cassette}")
    assert (done.code, done.out) == (2, "")
    assert "is its name already" in done.err


def test_rename_names_files_that_are_close(cli, cassette):
    done = cli("rename", "tests/test_b.py", "x", f"--cassette={cassette}")
    assert done.code == 2
    assert "Did you mean: tests/test_a.py" in done.err


def test_rename_without_a_cassette_makes_none(tmp_path):
    done = run("rename", "a", "b", cwd=tmp_path)
    assert done.returncode == 2
    assert "cassettes/jobs.db: does not exist. Name another one with --cassette." in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_rename_moves_the_uses_of_shared_calls(tmp_path):
    ask = recorder(kind="cli.shared")(lambda question: question)
    path = tmp_path / "jobs.db"
    with use_cassette(path, scope="suite"):
        ask("a")
    connection = sqlite3.connect(path)
    ((test,),) = connection.execute("SELECT test FROM uses").fetchall()
    connection.close()
    assert run("rename", test, "new", f"--cassette={path}").returncode == 0
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT test FROM uses").fetchall() == [("new",)]
    connection.close()


def test_migrate_copies_a_file_of_the_package_recorded_and_leaves_it_as_it_is(tmp_path):
    script = (
        "import recorded\n"
        "recorded.configure('old.db')\n"
        "@recorded.recorder(kind='migrated.place')\n"
        "def place(x):\n    if x < 0: raise ValueError(x)\n    return {'id': x}\n"
        "place(1, key='one'); place(2)\n"
        "for _ in range(2):\n    try: place(-1, key='bad')\n    except ValueError: pass\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    before = (tmp_path / "old.db").read_bytes()
    done = run("migrate", "old.db", "new.db", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "4 jobs copied from old.db to new.db\n")
    assert (tmp_path / "old.db").read_bytes() == before
    from pytest_recorded import Recorder  # noqa: PLC0415 - the reader of the copy

    place = recorder(kind="migrated.place")(lambda x: pytest.fail("it must be answered from the file"))
    with Recorder(tmp_path / "new.db") as book:
        assert place(1, key="one") == {"id": 1}
        assert sorted((job.key, job.attempt, job.status.value) for job in book.jobs if job.key) == [
            ("bad", 0, "failed"),
            ("bad", 1, "failed"),
            ("one", 0, "completed"),
        ]


def test_migrate_says_it_as_json(cli, tmp_path):
    script = "import recorded; recorded.configure('old.db'); recorded.recorder(kind='m.x')(lambda x: x)(1)"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    done = cli("migrate", str(tmp_path / "old.db"), str(tmp_path / "new.db"), "--json")
    assert done.json == {"old": str(tmp_path / "old.db"), "new": str(tmp_path / "new.db"), "jobs": 1}


def test_migrate_never_overwrites(tmp_path):
    (tmp_path / "new.db").write_text("mine")
    (tmp_path / "old.db").write_text("x")
    done = run("migrate", "old.db", "new.db", cwd=tmp_path)
    assert done.returncode == 2
    assert "new.db: exists already" in done.stderr


def test_migrate_of_something_else_says_so_and_leaves_nothing(tmp_path):
    (tmp_path / "old.db").write_text("no database")
    done = run("migrate", "old.db", "new.db", cwd=tmp_path)
    assert done.returncode == 2
    assert "old.db" in done.stderr
    assert not (tmp_path / "new.db").exists()


def test_the_version_is_that_of_the_package():
    import importlib.metadata  # noqa: PLC0415 - only here

    assert run("--version").stdout == f"pytest-recorded {importlib.metadata.version('pytest-recorded')}\n"


def test_the_help_lists_every_command():
    help_text = run("--help").stdout
    for command in ("demo", "rename", "migrate"):
        assert command in help_text


def test_a_wrong_command_exits_with_2():
    assert run("dmeo").returncode == 2


def test_the_command_line_needs_typer_and_rich_only_when_it_runs():
    script = "import sys, pytest_recorded.cli\nprint([n for n in ('typer', 'rich') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
