"""The commands unused and prune: what is not certain is not unused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from pytest_recorded import recorder, use_cassette
from pytest_recorded.store.sqlite import CassetteFile
from pytest_recorded.unused import NOT_ASKED, Unused, remove

HEAD = """
import pytest, world
from pytest_recorded import use_cassette
pytestmark = pytest.mark.recorded("world.ask")
"""

# What each test asks for when it is recorded; `LESS` are the questions that it does not ask any more.
SUITE = (
    HEAD
    + """
LESS = {less}
FAIL = {fail}

def ask(*questions):
    for question in questions:
        if question not in LESS:
            world.ask(question)

@pytest.fixture(scope="module")
def client():
    ask("client", "client gone")
    yield
    ask("end")

def test_passes(client):
    ask("a", "a gone", "a", "b")

def test_uses_everything(client):
    ask("c")

def test_fails():
    ask("d", "d gone")
    assert not FAIL

def test_skips():
    ask("e", "e gone")
    if FAIL:
        pytest.skip("later")

@pytest.mark.xfail(strict=False)
def test_is_expected_to_fail():
    ask("f", "f gone")
    assert not FAIL

@pytest.mark.recorded(live=["world.a*"] if FAIL else [])
def test_runs_live():
    ask("g")

@pytest.mark.parametrize("number", [1, 2])
def test_with_parameters(number):
    ask(f"h {{number}}", f"h {{number}} gone")

def test_with_a_block_of_its_own():
    with use_cassette("cassettes/jobs.db", scope="orders"):
        ask("i", "i gone")

class TestClass:
    def test_in_it(self):
        ask("j", "j gone")
"""
)

UNMARKED = """
import world
from pytest_recorded import recorder, use_cassette

ask = recorder(kind="world.block")(world.ask)
GONE = {gone}

def test_block():
    with use_cassette("cassettes/jobs.db"):
        ask("k")
        if not GONE:
            ask("k gone")
"""

SHARED = """
import pytest, world
pytestmark = pytest.mark.recorded("world.tell", scope="suite")
GONE = {gone}

def test_one():
    world.tell("both")
    if not GONE:
        world.tell("one gone")

def test_two():
    world.tell("both")
"""

EVERYTHING = {
    "test_suite.py::test_passes": ["a gone"],
    "test_suite.py@client": ["client gone"],
    "test_suite.py::test_with_parameters[1]": ["h 1 gone"],
    "test_suite.py::test_with_parameters[2]": ["h 2 gone"],
    "test_suite.py::TestClass::test_in_it": ["j gone"],
    "test_unmarked.py::test_block": ["k gone"],
}


@pytest.fixture
def suite(project):
    """A suite that was recorded, and asks for less by now: see `EVERYTHING`."""
    project.write(test_suite=SUITE.format(less=[], fail=False), test_unmarked=UNMARKED.format(gone=False)).pytest()
    return project.write(
        test_suite=SUITE.format(
            less=[f"{n} gone" for n in ("a", "client", "d", "e", "f", "h 1", "h 2", "i", "j")], fail=True
        ),
        test_unmarked=UNMARKED.format(gone=True),
    )


def by_test(done):
    found = {}
    for unused in done.json["unused"]:
        question = unused["request"].partition('question="')[2].partition('"')[0]
        found.setdefault(unused["test"], []).append(question)
    return found


@pytest.mark.parametrize("workers", [(), ("--", "-p", "xdist", "-n2")], ids=["alone", "workers"])
def test_of_tests_that_passed_it_lists_what_they_did_not_ask_for(suite, cli, workers):
    """Not what failed, skipped, xfailed, live and block's own recordings have; with workers as without."""
    before = suite.cassette.read_bytes()
    done = cli("unused", "--json", *workers)
    assert (done.code, done.err) == (2, "")
    assert by_test(done) == EVERYTHING
    assert {unused["why"] for unused in done.json["unused"]} == {"not asked for"}
    assert done.json["failed"] == ["test_suite.py::test_fails"]
    assert (done.json["complete"], done.json["whole"]) == (False, True)
    assert "1 test failed; what they recorded is not judged: test_suite.py::test_fails" in done.json["problem"]
    assert suite.cassette.read_bytes() == before


def test_of_tests_that_are_deselected_nothing_is_listed(suite, cli):
    done = cli("unused", "--json", "--", "-k", "test_passes")
    assert done.code == 1
    assert by_test(done) == {"test_suite.py::test_passes": ["a gone"], "test_suite.py@client": ["client gone"]}
    assert done.json["whole"] is False


def test_of_a_file_that_is_named_only_its_own_tests_are_judged(suite, cli):
    done = cli("unused", "--json", "test_unmarked.py")
    assert done.code == 1
    assert by_test(done) == {"test_unmarked.py::test_block": ["k gone"]}


def test_prune_removes_what_unused_lists_and_nothing_else(suite, cli):
    before = sorted(suite.scopes())
    dry = cli("prune", "test_unmarked.py", "test_suite.py::test_passes")
    assert (dry.code, sorted(suite.scopes())) == (1, before)
    assert "Nothing is removed without --yes." in dry.out
    done = cli("prune", "--yes", "test_unmarked.py", "test_suite.py::test_passes")
    assert done.code == 0
    assert "3 recordings removed, " in done.out
    gone = [
        ("test_suite.py::test_passes", "a gone"),
        ("test_suite.py@client", "client gone"),
        ("test_unmarked.py::test_block", "k gone"),
    ]
    assert sorted(suite.scopes()) == [row for row in before if row not in gone]
    bytes_before = suite.cassette.read_bytes()
    again = cli("prune", "--yes", "test_unmarked.py", "test_suite.py::test_passes")
    assert (again.code, suite.cassette.read_bytes()) == (0, bytes_before)
    # What is left is still asked for, and found.
    suite.pytest("--recorded-mode=none", "test_unmarked.py", "test_suite.py::test_passes")


SIMPLE = HEAD + "def test_x(): world.ask('x')\ndef test_y(): world.ask('y')\n"


def test_where_everything_is_asked_for_it_finds_nothing(project, cli):
    project.write(test_a=SIMPLE).pytest()
    done = cli("unused")
    assert (done.code, done.out) == (0, "None of 2 recordings unused, 0 bytes.\n")


def test_recordings_of_a_test_that_is_gone_are_listed_if_all_tests_of_its_file_were_looked_for(project, cli):
    project.write(test_a=SIMPLE).pytest()
    project.write(test_a=HEAD + "def test_x(): world.ask('x')\n", test_b="def test_b(): pass\n")
    done = cli("unused")
    assert done.code == 1
    assert 'test_a.py::test_y: test not found\n  world.ask(question="y") (from today, ' in done.out
    for part in (["test_a.py"], ["--", "-k", "x"], ["--", "--deselect=test_b.py"]):
        assert cli("unused", *part).code == 1, part
    for part in (["test_b.py"], ["test_a.py::test_x"], ["--", "--ignore=test_a.py"]):
        assert cli("unused", *part).code == 0, part
    assert cli("prune", "--yes").code == 0
    assert project.scopes() == [("test_a.py::test_x", "x")]


def test_from_a_subfolder_only_its_tests_are_looked_for(project, cli, monkeypatch):
    project.write(test_a=SIMPLE).pytest()
    project.write(test_a=HEAD + "def test_x(): world.ask('x')\n")
    (project.folder / "deep").mkdir()
    (project.folder / "deep" / "test_deep.py").write_text("def test_deep(): pass\n")
    monkeypatch.chdir(project.folder / "deep")
    done = cli("unused")
    assert done.code == 0
    assert "Not all tests were looked for" in done.out


def test_tests_of_a_file_that_skips_itself_are_not_gone(project, cli):
    project.write(test_a=SIMPLE).pytest()
    project.write(test_a="import pytest\npytest.skip('no', allow_module_level=True)\n", test_b="def test_b(): pass\n")
    assert cli("unused").code == 0


@pytest.mark.parametrize("broken", ["def test_x(:\n", "import nowhere\n"], ids=["syntax", "import"])
def test_where_tests_cannot_be_collected_nothing_is_unused(project, cli, broken):
    project.write(test_a=SIMPLE).pytest()
    project.write(test_a=broken, test_b="def test_b(): pass\n")
    before = project.cassette.read_bytes()
    done = cli("prune", "--yes", "--json")
    assert (done.code, done.json["unused"]) == (2, [])
    assert "pytest did not come to its end (exit code 2)" in done.json["problem"]
    assert "test_a.py" in done.json["problem"]
    assert project.cassette.read_bytes() == before
    assert cli("unused", "--json", "--", "--continue-on-collection-errors").json["unused"] == []


def test_a_worker_that_crashes_leaves_nothing_that_is_certain_about_its_test(project, cli):
    project.write(test_a=SIMPLE).pytest()
    project.write(test_a=HEAD + "import os\ndef test_x(): os._exit(1)\ndef test_y(): world.ask('y')\n")
    done = cli("unused", "--json", "--", "-p", "xdist", "-n1")
    assert (done.code, done.json["unused"]) == (2, [])
    assert done.json["failed"] == ["test_a.py::test_x"]


def test_where_there_are_no_tests_it_cannot_tell(project, cli):
    project.write(test_a=SIMPLE).pytest()
    (project.folder / "test_a.py").unlink()
    done = cli("prune", "--yes")
    assert done.code == 2
    assert "No tests were found." in done.out
    assert len(project.scopes()) == 2


def test_a_renamed_test_is_told_the_command_and_prune_leaves_its_recordings(project, cli):
    """By the calls that it asks for; a test that has recordings is none."""
    project.write(test_a=SIMPLE).pytest()
    project.write(test_a=SIMPLE.replace("test_y", "test_entirely_different"))
    done = cli("prune", "--yes")
    assert done.code == 2
    assert "test_a.py::test_y may have been renamed: pytest-recorded rename test_a.py::test_y test_a.py::" in done.out
    assert "1 of them look like those of a renamed test" in done.out
    assert len(project.scopes()) == 2
    assert cli("rename", "test_a.py::test_y", "test_a.py::test_entirely_different").code == 0
    assert cli("unused").code == 0


def test_the_command_that_renames_names_the_cassette_that_was_looked_at(project, cli):
    marked = SIMPLE.replace('"world.ask")', '"world.ask", cassette="own.db")')
    project.write(test_a=marked).pytest()
    project.write(test_a=marked.replace("test_y", "test_entirely_different"))
    command = "pytest-recorded rename --cassette=own.db test_a.py::test_y test_a.py::test_entirely_different\n"
    assert command in cli("unused", "--cassette=own.db").out


def test_where_the_new_name_of_a_file_has_recordings_too_the_command_that_is_told_replaces_them(project, cli):
    project.write(test_new=SIMPLE).pytest()
    (project.folder / "test_new.py").unlink()
    more = SIMPLE + "def test_z(): world.ask('z')\n"
    project.write(test_old=more).pytest()
    (project.folder / "test_old.py").unlink()
    project.write(test_new=more)
    done = cli("unused")
    assert "test_old.py may have been renamed: pytest-recorded rename --replace test_old.py test_new.py\n" in done.out
    assert cli("rename", "test_old.py", "test_new.py").code != 0
    assert cli("rename", "--replace", "test_old.py", "test_new.py").code == 0
    assert cli("unused").code == 0


def test_a_test_that_is_called_nearly_the_same_may_be_a_renamed_one(project, cli):
    project.write(test_a=SIMPLE).pytest()
    project.write(test_a=HEAD + "def test_x(): world.ask('x')\ndef test_yy(): world.ask('something else')\n")
    assert [one["renamed"] for one in cli("unused", "--json").json["unused"]] == ["test_a.py::test_yy"]


def test_a_failed_attempt_before_a_rerun_does_not_count(project, cli):
    """What the attempt that passed did not ask for is unused, also if the failed one did."""
    project.write(test_a=HEAD + "def test_x(): world.ask('x'); world.ask('first')\n").pytest()
    retried = "N = []\ndef test_x():\n    N.append(1); world.ask('x')\n    assert len(N) > 1\n"
    project.write(test_a=HEAD + retried)
    done = cli("unused", "--json", "--", "-p", "pytest_rerunfailures", "--reruns=1")
    assert done.code == 1
    assert by_test(done) == {"test_a.py::test_x": ["first"]}


def test_shared_recordings_are_unused_if_no_test_asks_for_them_and_all_have_run(project, cli):
    project.write(test_a=SHARED.format(gone=False)).pytest()
    project.write(test_a=SHARED.format(gone=True))
    assert cli("unused", "test_a.py").code == 0
    done = cli("unused", "--json")
    assert [(one["test"], one["why"], one["request"]) for one in done.json["unused"]] == [
        (None, "no test uses it", 'world.tell(question="one gone")')
    ]
    assert cli("prune", "--yes").code == 0
    assert [question for _, question in project.scopes()] == ["both"]
    project.pytest("--recorded-mode=none")


def test_what_tests_share_is_judged_from_a_subfolder_by_the_command_that_is_told(project, cli, monkeypatch):
    project.write(test_a=SHARED.format(gone=False)).pytest()
    (project.folder / "deep").mkdir()
    (project.folder / "deep" / "test_deep.py").write_text("def test_deep(): pass\n")
    project.write(test_a=SHARED.format(gone=True))
    assert (
        "What tests share is judged only where all of them run: pytest-recorded prune .\n"
        in cli("prune", "test_a.py").out
    )
    monkeypatch.chdir(project.folder / "deep")
    said = cli("prune").out.partition("What tests share is judged only where all of them run: ")[2].splitlines()[0]
    assert said == "pytest-recorded prune .."
    done = cli(*said.split()[1:], "--yes")
    assert 'world.tell(question="one gone")' in done.out
    assert "Not all tests" not in done.out
    assert [question for _, question in project.scopes()] == ["both"]


def test_a_shared_recording_that_a_failing_test_may_use_is_left(project, cli):
    project.write(test_a=SHARED.format(gone=False)).pytest()
    project.write(test_a=SHARED.format(gone=True) + "    assert False\n")
    assert cli("unused", "--json").json["unused"] == []


def test_a_shared_recording_that_a_skipped_test_has_used_is_left(project, cli):
    project.write(test_a=SHARED.format(gone=False)).pytest()
    project.write(test_a=SHARED.format(gone=True).replace("def test_one():", "def test_one():\n    pytest.skip('no')"))
    assert cli("unused", "--json").json["unused"] == []


FIXTURE = """
@pytest.fixture(scope="module")
def client():
    world.ask("client")

def test_x(client):
    {instead}
"""


def test_a_shared_fixture_that_did_not_run_is_unused_only_if_all_tests_did(project, cli):
    project.write(test_a=HEAD + FIXTURE.format(instead="pass")).pytest()
    skipped = FIXTURE.format(instead="pass").replace("def test_x", "@pytest.mark.skip\ndef test_x")
    project.write(test_a=HEAD + skipped)
    assert cli("unused", "--json").json["unused"] == []
    project.write(test_a=HEAD + "def test_x(): pass\n")
    assert by_test(cli("unused", "--json")) == {"test_a.py@client": ["client"]}


def test_a_block_that_did_not_come_to_its_end_is_not_judged_though_its_test_passed(project, cli):
    block = """
from world import ask
import pytest
from pytest_recorded import recorder, use_cassette
ask = recorder(kind="world.swallowed")(ask)

def test_x():
    with pytest.raises(ZeroDivisionError), use_cassette("cassettes/jobs.db"):
        ask("a")
        {zero}
        ask("b")
"""
    project.write(test_a=block.format(zero="pass").replace("pytest.raises(ZeroDivisionError), ", "")).pytest()
    assert len(project.scopes()) == 2
    project.write(test_a=block.format(zero="raise ZeroDivisionError"))
    assert cli("unused", "--json").json["unused"] == []


def test_a_shared_fixture_that_failed_is_not_judged(project, cli):
    """Its test has passed: it failed when it was torn down, after the last test that uses it."""
    fixture = """
@pytest.fixture(scope="module")
def client():
    yield
    {first}
    world.ask("client")

def test_x(client):
    pass

def test_y():
    pass
"""
    project.write(test_a=HEAD + fixture.format(first="pass")).pytest()
    project.write(test_a=HEAD + fixture.format(first="raise ValueError"))
    done = cli("unused", "--json")
    assert (done.code, done.json["unused"]) == (2, [])


def test_what_was_recorded_again_in_the_meantime_is_not_removed(tmp_path):
    ask = recorder(kind="unused.again")(lambda question: question)
    with use_cassette(tmp_path / "jobs.db", scope="a.py::test_x"):
        ask("a")
        ask("b")
    file = CassetteFile(tmp_path / "jobs.db")
    with closing(file):
        first, second = (Unused(row, NOT_ASKED, 0) for row in file.rows())
    seen_before = replace(first, row=first.row._replace(response_json='"another answer"'))
    assert remove(tmp_path / "jobs.db", [seen_before, second]) == 1
    with closing(file):
        assert file.rows() == [first.row]


def test_prune_works_where_the_cassette_is_read_only_to_say_what_it_would_do(project, cli):
    project.write(test_a=SIMPLE).pytest()
    project.write(test_a=HEAD + "def test_x(): world.ask('x')\ndef test_y(): pass\n")
    project.cassette.chmod(0o444)
    folder = sorted(project.cassette.parent.rglob("*"))
    project.cassette.parent.chmod(0o555)
    try:
        assert cli("prune").code == 1
    finally:
        project.cassette.parent.chmod(0o755)
    assert sorted(project.cassette.parent.rglob("*")) == folder


@pytest.mark.parametrize("command", ["unused", "prune"])
def test_without_a_cassette_no_test_is_run_and_nothing_made(project, cli, command):
    project.write(test_a="from pathlib import Path\nPath('ran').touch()\n")
    done = cli(command)
    assert (done.code, done.out) == (2, "")
    assert "does not exist. Name another one with --cassette." in done.err
    assert not (project.folder / "cassettes").exists()
    assert not (project.folder / "ran").exists()


def test_a_file_of_another_program_is_refused_before_a_test_is_run(project, cli):
    project.write(test_a="from pathlib import Path\nPath('ran').touch()\n")
    connection = sqlite3.connect(project.folder / "other.db")
    connection.execute("CREATE TABLE jobs (a)")
    connection.close()
    done = cli("prune", "--yes", "--cassette=other.db")
    assert (done.code, done.out) == (2, "")
    assert "is a SQLite file of another program" in done.err
    assert not (project.folder / "ran").exists()
