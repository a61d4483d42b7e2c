"""What is not there on this machine, in this run, or in this order, is not unused."""

from __future__ import annotations

import pytest

HEAD = """
import os, sys, pytest, world
HERE = os.environ.get("HERE") == "1"
pytestmark = pytest.mark.recorded("world.ask")
"""

# What there is on the machine that records, and not on the one that looks: it has HERE=1.
ELSEWHERE = {
    "conftest": """
import os
collect_ignore = ["test_ignored.py"] if os.environ.get("HERE") else []
""",
    "test_platforms": HEAD
    + """
@pytest.mark.skipif(HERE, reason="not here")
def test_skipped(): world.ask("skipped")

if not HERE:
    def test_defined(): world.ask("defined")

class Base:
    if not HERE:
        def test_inherited(self): world.ask("inherited")

class TestClass(Base):
    def test_in_it(self): world.ask("class")

@pytest.mark.parametrize("platform", ["any"] if HERE else ["any", "other"])
def test_parameter(platform): world.ask(platform)

@pytest.fixture(scope="module")
def server(): world.ask("server")

if not HERE:
    def test_with_server(server): pass

@pytest.fixture(scope="module", params=["one"] if HERE else ["one", "two"])
def client(request): world.ask(f"client {request.param}")

def test_with_client(client): world.ask("with client")
""",
    "test_optional": """
import os, pytest, world
pytest.importorskip("nowhere" if os.environ.get("HERE") else "world")
@pytest.mark.recorded("world.ask")
def test_optional(): world.ask("optional")
""",
    "test_ignored": HEAD + "def test_ignored(): world.ask('ignored')\n",
    "test_shared": """
import pytest, world
@pytest.mark.recorded("world.ask", scope="suite")
def test_shared(): world.ask("shared")
""",
}

INTEGRATION = {
    "test_far": HEAD
    + """
def test_far(): world.ask("far")

@pytest.mark.recorded("world.tell", scope="suite")
def test_far_shared(): world.tell("far shared")
"""
}
BY_HAND = {"check_by_hand": HEAD + "def test_by_hand(): world.ask('by hand')\n"}


def names(done):
    """Return the tests of which something is unused."""
    return sorted({unused["test"] for unused in done.json["unused"]})


@pytest.fixture
def elsewhere(project, monkeypatch):
    """A project that was recorded as a whole, and is looked at where some of it is not there."""
    for folder, files in (("unit", ELSEWHERE), ("integration", INTEGRATION), ("manual", BY_HAND)):
        (project.folder / folder).mkdir()
        for name, text in files.items():
            (project.folder / folder / f"{name}.py").write_text(text)
    project.pytest("unit", "integration", "manual/check_by_hand.py")
    (project.folder / "pytest.ini").write_text("[pytest]\npythonpath = .\ntestpaths = unit\n")
    monkeypatch.setenv("HERE", "1")
    return project


def test_what_this_machine_or_this_configuration_leaves_out_is_kept(elsewhere, cli):
    """Skipped, not defined, ignored, optional, outside of testpaths; a parameter is listed, but goes when asked for."""
    before = elsewhere.cassette.read_bytes()
    done = cli("unused", "--json")
    found = {one["test"] for one in done.json["unused"]}
    assert found == {"unit/test_platforms.py::test_parameter[other]", "unit/test_platforms.py::test_with_client[two]"}
    assert {one["why"] for one in done.json["unused"]} == {"not among its parameters here"}
    said = cli("prune", "--yes")
    assert elsewhere.cassette.read_bytes() == before
    assert "2 of them are of parameters that their tests do not have here, as they may on another platform" in said.out
    for file in ("unit/test_ignored.py", "manual/check_by_hand.py", "integration/test_far.py"):
        assert file in said.out.partition("Not all tests were looked for: ")[2], file
    assert cli("prune", "--yes", "--parameters").code == 0
    left = {scope for scope, _ in elsewhere.scopes()}
    assert found.isdisjoint(left)
    assert {"integration/test_far.py::test_far", "unit/test_platforms.py@client[two]"} < left


FAILING = HEAD + (
    "def test_a(): world.ask('a')\n"
    "def test_b(): world.ask('b'); assert not HERE\n"
    "def test_c(): world.ask('c')\n"
    "@pytest.fixture\ndef breaks():\n    yield\n    assert not HERE\n"
    "def test_teardown(breaks):\n    if not HERE: world.ask('teardown')\n"
    "def test_no_more():\n    if not HERE: world.ask('no more')\n"
    "@pytest.mark.parametrize('name', ['one', 'two'])\ndef test_p(name): world.ask(name)\n"
)
SHUFFLE = """
import pytest
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items): items.reverse()
"""
DROPPING = """
import pytest
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items): items[:] = items[:1]
"""


@pytest.mark.parametrize(
    ("arguments", "conftest", "expected"),
    [
        ((), "", ["no more"]),
        (("-k", "test_a or no_more"), "", ["no more"]),
        (("-k", "test_p and one"), "", []),
        (("-x",), "", []),
        (("--lf",), "", []),
        (("--sw",), "", []),
        ((), SHUFFLE, ["no more"]),
        ((), DROPPING, []),
    ],
    ids=["all", "k", "k-parameter", "x", "lf", "sw", "shuffled", "dropped"],
)
def test_only_what_tests_that_ran_and_passed_did_not_ask_for_is_unused(
    project, cli, monkeypatch, arguments, conftest, expected
):
    project.write(test_a=FAILING).pytest()
    monkeypatch.setenv("HERE", "1")
    if {"--lf", "--sw"} & set(arguments):
        # They go on where another run has failed.
        cli("unused", "--", "--sw")
    project.write(conftest=conftest)
    done = cli("unused", "--json", "--", *arguments)
    assert [one["request"] for one in done.json["unused"]] == [f'world.ask(question="{name}")' for name in expected]


def test_tests_of_another_project_that_has_the_same_cassette_are_not_gone(project, cli, monkeypatch):
    """Also if all tests of this one were looked for."""
    for name in ("one", "two"):
        (project.folder / name).mkdir()
        (project.folder / name / "pytest.ini").write_text(
            "[pytest]\npythonpath = ..\nrecord_cassette = ../cassettes/jobs.db\n"
        )
        (project.folder / name / f"test_{name}.py").write_text(HEAD + f"def test_{name}(): world.ask('{name}')\n")
        monkeypatch.chdir(project.folder / name)
        project.pytest_here()
    done = cli("unused", "--json")
    assert (done.code, done.json["unused"]) == (0, [])
    (project.folder / "one" / "test_one.py").unlink()
    assert [one["test"] for one in cli("unused", "--json").json["unused"]] == ["one/test_one.py::test_one"]


def test_a_shared_fixture_that_a_test_elsewhere_may_ask_for_is_kept_as_long_as_it_is_there(project, cli, monkeypatch):
    fixture = "@pytest.fixture(scope='module')\ndef client(): world.ask('client')\n"
    used = "if not HERE:\n    def test_y(client): pass\n"
    test = "def test_x(): world.ask('x')\n"
    project.write(test_a=HEAD + fixture + used + test).pytest()
    monkeypatch.setenv("HERE", "1")
    assert names(cli("unused", "--json")) == []
    project.write(test_a=HEAD + test)
    assert names(cli("unused", "--json")) == ["test_a.py@client"]


def test_a_shared_recording_whose_users_were_not_looked_for_is_kept(project, cli):
    """Whoever used it is in a file that was not looked into, or is a block of a program."""
    shared = "import pytest, world\n@pytest.mark.recorded('world.ask', scope='suite')\n"
    (project.folder / "far").mkdir()
    (project.folder / "far" / "test_far.py").write_text(shared + "def test_far(): world.ask('far')\n")
    project.write(test_a=shared + "def test_a(): world.ask('a')\n").pytest()
    (project.folder / "pytest.ini").write_text("[pytest]\npythonpath = .\nnorecursedirs = far\n")
    assert cli("unused", "--json").json["unused"] == []
    (project.folder / "far" / "test_far.py").unlink()
    assert [one["request"] for one in cli("unused", "--json").json["unused"]] == ['world.ask(question="far")']


def test_a_shared_recording_is_judged_only_where_all_files_with_recordings_were_looked_into(project, cli):
    """Who asks for one that others have recorded is noted where something is recorded, not where it is replayed."""
    shared = "import pytest, world\n@pytest.mark.recorded('world.ask', scope='suite')\n"
    (project.folder / "far").mkdir()
    far = project.folder / "far" / "test_far.py"
    far.write_text(shared + "def test_far(): world.ask('far')\n")
    project.write(test_a=shared + "def test_a(): world.ask('a'); world.ask('both')\n").pytest()
    far.write_text(shared + "def test_far(): world.ask('far'); world.ask('both')\n")
    project.write(test_a=shared + "def test_a(): world.ask('a')\n").pytest("--recorded-mode=none")
    (project.folder / "pytest.ini").write_text("[pytest]\npythonpath = .\nnorecursedirs = far\n")
    assert cli("unused", "--json").json["unused"] == []


def test_of_a_file_that_is_gone_the_recordings_are_unused_whatever_was_selected(project, cli):
    test = HEAD + "def test_x(): world.ask('x')\n"
    project.write(test_a=test, test_b=test.replace("'x'", "'y'"), test_c=test.replace("'x'", "'z'")).pytest()
    (project.folder / "test_b.py").unlink()
    done = cli("unused", "--json", "test_a.py")
    assert [(one["test"], one["why"]) for one in done.json["unused"]] == [("test_b.py::test_x", "test not found")]


def test_names_of_blocks_that_look_like_those_of_tests_are_never_unused(project, cli):
    block = (
        "import world\nfrom pytest_recorded import recorder, use_cassette\nask = recorder(kind='here.ask')(world.ask)\n"
        "NAMES = {names}\n"
        "def test_x():\n"
        "    for name in NAMES:\n"
        "        with use_cassette('cassettes/jobs.db', scope=name): ask(name)\n"
    )
    names = ["orders", "me@example", "shop::orders", "nightly[1]", "a/b"]
    project.write(test_a=block.format(names=names)).pytest()
    project.write(test_a=block.format(names=[]))
    assert cli("unused", "--json").json["unused"] == []


SIMPLE = HEAD + "def test_x(): world.ask('x')\ndef test_y(): world.ask('y')\n"


def test_a_cassette_that_no_test_has_in_this_run_is_not_judged(project, cli):
    """As one that is named on the command line, of whoever runs the tests with it now and then."""
    project.write(test_a=SIMPLE).pytest()
    (project.folder / "other.db").write_bytes(project.cassette.read_bytes())
    done = cli("prune", "--yes", "--json", "--cassette=other.db")
    assert (done.code, done.json["cassette"], done.json["unused"]) == (2, "other.db", [])
    assert "No test that ran has the cassette other.db" in done.json["problem"]
    assert done.json["problem"].endswith("-- --record-cassette=other.db")
    assert cli("unused", "--cassette=other.db", "--", "--record-cassette=other.db").code == 0


def test_what_is_asked_of_another_cassette_is_not_asked_of_this_one(project, cli):
    project.write(test_a=SIMPLE).pytest()
    (project.folder / "other.db").write_bytes(project.cassette.read_bytes())
    other = "@pytest.mark.recorded(cassette='other.db')\ndef test_y"
    project.write(test_a=SIMPLE.replace("def test_y", other))
    assert names(cli("unused", "--json", "--cassette=other.db")) == ["test_a.py::test_x"]
    assert names(cli("unused", "--json")) == ["test_a.py::test_y"]
