"""What all commands have in common: errors, JSON, colours, the cassette they are about, what they load."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pytest_recorded import recorder, use_cassette
from pytest_recorded.cli.output import cassette_path

HEAVY = (
    "pydantic", "httpx", "httpx2", "pytest", "_pytest", "syrupy", "sqlite3", "yaml", "asyncio", "rich.console",
    "rich.progress", "rich.syntax",
)  # fmt: skip


@pytest.fixture
def cassette(tmp_path):
    path = tmp_path / "cassettes" / "jobs.db"
    ask = recorder(kind="cli.output")(lambda question: question)
    for scope in ("tests/test_a.py::test_x", "tests/test_a.py::test_y", "tests/test_b.py::test_z"):
        with use_cassette(path, scope=scope):
            ask("é")
    return path


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["rename", "--help"], ["query", "--help"], ["tail", "--help"]],
    ids=" ".join,
)
def test_nothing_heavy_is_loaded_for_help(arguments):
    """Typer itself may load pydantic for the arguments of a command, and for nothing less."""
    heavy = HEAVY if len(arguments) == 1 else [name for name in HEAVY if name != "pydantic"]
    script = (
        "import sys\nfrom pytest_recorded.cli.app import run\n"
        f"try: run({arguments!r})\nexcept SystemExit: pass\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize("arguments", [["nonsense"], ["rename"], ["rename", "a", "b", "--wrong"]])
def test_a_command_that_is_wrong_is_told_on_stderr_and_exits_with_2(cli, arguments):
    done = cli(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "Error" in done.err
    assert "Traceback" not in done.err


def test_an_error_is_one_line_however_narrow_the_terminal_is(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / ("a" * 60) / ("b" * 60) / "jobs.db"
    done = cli("rename", "x", "y", f"--cassette={path}")
    assert (done.code, done.out) == (2, "")
    assert done.err == f"{path}: does not exist. Name another one with --cassette.\n"


def test_an_error_of_the_system_is_a_message_too(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cassettes").write_text("a file where a folder should be")
    done = cli("rename", "x", "y")
    assert (done.code, done.out) == (2, "")
    assert "cassettes" in done.err
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    done = cli("rename", "x", "y")
    assert (done.code, done.out) == (2, "")
    assert "No such file or directory" in done.err


def test_answers_for_programs_are_json_in_any_encoding(cassette, tmp_path):
    """Where the output cannot take a letter it is escaped, and half a surrogate pair is in every encoding."""
    script = "from pytest_recorded.cli.output import say_json\nsay_json({'é': '\\udc80'})"
    for encoding, expected in (("utf-8", '"é": "\\udc80"'), ("ascii", '"\\u00e9": "\\udc80"')):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONIOENCODING": encoding},
            capture_output=True,
            check=True,
        )
        assert expected in done.stdout.decode()


def test_the_cassette_is_that_of_the_project_from_its_subfolders_too(tmp_path, monkeypatch):
    (tmp_path / "pytest.ini").write_text("[pytest]\nrecord_cassette = data/calls.db\n")
    inside = tmp_path / "tests" / "deep"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert cassette_path(None) == tmp_path / "data" / "calls.db"
    monkeypatch.chdir(tmp_path)
    assert str(cassette_path(None)) == os.path.join("data", "calls.db")  # noqa: PTH118 - as the system writes it


def test_without_an_ini_file_it_is_the_nearest_one_at_the_usual_place(cassette, tmp_path, monkeypatch):
    inside = tmp_path / "src" / "deep"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert cassette_path(None) == cassette
    cassette.unlink()
    assert str(cassette_path(None)) == os.path.join("cassettes", "jobs.db")  # noqa: PTH118 - likewise


def complete(line, cassette):
    return subprocess.run(
        [sys.executable, "-m", "pytest_recorded"],
        cwd=cassette.parent.parent,
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


def test_the_shell_completes_the_names_of_recorded_tests(cassette):
    done = complete("pytest-recorded rename tests/test_a", cassette)
    assert done.stdout.split() == ["tests/test_a.py::test_x", "tests/test_a.py::test_y"]


def test_completion_without_a_cassette_says_nothing_and_makes_none(tmp_path):
    done = complete("pytest-recorded rename tests/test_a", tmp_path / "cassettes" / "jobs.db")
    assert (done.stdout.strip(), done.stderr) == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_cassette_is_no_message_while_a_shell_completes(cassette):
    cassette.write_bytes(b"x" * 200)
    done = complete("pytest-recorded rename tests/test_a", cassette)
    assert (done.stdout.strip(), done.stderr) == ("", "")
