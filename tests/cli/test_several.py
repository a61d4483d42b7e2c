"""Commands in a repository with several cassettes."""

import os
import subprocess
import sys

import pytest

CONFTEST = "import pytest\n@pytest.fixture\ndef recorded_cassette(): return 'cassettes/jobs.db'\n"
TEST = 'import pytest, world\n@pytest.mark.recorded("world.ask")\ndef test_x(): world.ask("{0}"); world.ask("more")\n'


@pytest.fixture
def suites(project):
    """Two suites with tests of one name, of which the second has a call too many."""
    for name in "ab":
        folder = project.folder / name
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "conftest.py").write_text(CONFTEST)
        (folder / "test_x.py").write_text(TEST.format(name))
    project.pytest()
    (project.folder / "b" / "test_x.py").write_text(TEST.format("b").replace('; world.ask("more")', ""))
    return project


@pytest.mark.parametrize("command", [("ls",), ("stats",), ("check",), ("unused",), ("query",), ("rename", "x", "y")])
def test_a_command_that_finds_no_cassette_lists_those_below(cli, suites, command):
    done = cli(*command)
    assert done.code == 2
    assert done.err == (
        "cassettes/jobs.db: does not exist. Name another one with --cassette.\n"
        "Below this folder there are: a/cassettes/jobs.db, b/cassettes/jobs.db.\n"
    )


def test_the_error_of_a_cassette_that_is_there_lists_none(cli, suites):
    (suites.folder / "cassettes").mkdir()
    (suites.folder / "cassettes" / "jobs.db").write_text("text")
    assert "Below this folder" not in cli("ls").err
    # Named by its side, it is no path.
    complaint = cli("merge", *["cassettes/jobs.db"] * 3).err
    assert "is no SQLite file" in complaint
    assert "Below this folder" not in complaint


def test_what_a_suite_has_unused_is_found_from_the_root_and_pruned_in_its_cassette_alone(cli, suites):
    before = (suites.folder / "a" / "cassettes" / "jobs.db").read_bytes()
    assert cli("unused", "--cassette=a/cassettes/jobs.db").out == "None of 2 recordings unused, 0 bytes.\n"
    found = cli("unused", "--json", "--cassette=b/cassettes/jobs.db").json
    assert [(one["test"], one["why"]) for one in found["unused"]] == [("test_x.py::test_x", "not asked for")]
    assert cli("prune", "--yes", "--cassette=b/cassettes/jobs.db").code == 0
    assert cli("unused", "--cassette=b/cassettes/jobs.db").out == "None of 1 recording unused, 0 bytes.\n"
    assert (suites.folder / "a" / "cassettes" / "jobs.db").read_bytes() == before


def test_a_test_is_renamed_in_the_suite_that_is_named(cli, suites):
    assert cli("rename", "test_x.py::test_x", "test_x.py::test_y", "--cassette=b/cassettes/jobs.db").code == 0
    listed = {name: cli("ls", "--json", f"--cassette={name}/cassettes/jobs.db").json["groups"] for name in "ab"}
    assert [[group["test"] for group in listed[name]] for name in "ab"] == [
        ["test_x.py::test_x"],
        ["test_x.py::test_y"],
    ]


def test_what_a_command_says_to_type_names_the_cassette_that_it_was_given(cli, suites):
    option = "--cassette=b/cassettes/jobs.db"
    (suites.folder / "b" / "test_x.py").write_text(TEST.format("b").replace("test_x()", "test_y()"))
    assert f"pytest-recorded rename {option} test_x.py::test_x test_x.py::test_y\n" in cli("unused", option).out
    suites.pytest()
    refused = cli("rename", "test_x.py::test_x", "test_x.py::test_y", option).err
    assert f"pytest-recorded rename --replace {option} test_x.py::test_x test_x.py::test_y;" in refused
    assert f"pytest-recorded rename {option} test_x.py::test_y test_x.py::test_y.before" in refused


def test_two_suites_are_compared(cli, suites):
    done = cli("diff", "a/cassettes/jobs.db", "b/cassettes/jobs.db", "--json")
    assert (done.code, done.json["cassettes"]) == (1, ["a/cassettes/jobs.db", "b/cassettes/jobs.db"])


@pytest.mark.parametrize(("begun", "found"), [("", ["a", "b"]), ("b/", ["b"]), ("c", [])])
def test_the_shell_completes_cassettes(suites, begun, found):
    line = f"pytest-recorded ls --cassette {begun}"
    done = subprocess.run(
        [sys.executable, "-c", "from pytest_recorded.cli import main; main()"],
        cwd=suites.folder,
        env=os.environ
        | {
            "_PYTEST_RECORDED_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": "3",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == [f"{name}/cassettes/jobs.db" for name in found]


def test_the_ini_file_may_name_a_cassette_of_a_package(cli, project):
    (project.folder / "pytest.ini").write_text("[pytest]\nrecord_cassette = acme_nowhere:jobs.db\n")
    done = cli("ls")
    assert (done.code, done.err.startswith("ini file: there is no package 'acme_nowhere'")) == (2, True)
