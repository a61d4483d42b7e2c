"""Which tests there are, and which recordings are those of tests with other names."""

from __future__ import annotations

import pytest

from pytest_recorded.moved import Move, fold
from pytest_recorded.roll import NOT_FOUND, OTHER_PARAMETERS, Name, Roll, below, folder_of, split


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        ("t/a.py::test_x", Name("t/a.py", ("test_x",))),
        ("t/a.py::TestC::test_x[a::b@c/d]", Name("t/a.py", ("TestC", "test_x"))),
        ("t/@api/a.py::test_x", Name("t/@api/a.py", ("test_x",))),
        ("t/a.py@client[1]", Name("t/a.py", ("client",), is_fixture=True)),
        ("t/a.py::TestC@client", Name("t/a.py", ("TestC", "client"), is_fixture=True)),
        ("t/@api@client", Name("t/@api", ("client",), is_fixture=True)),
        (".@client", Name(".", ("client",), is_fixture=True)),
        ("orders", Name("")),
        ("", Name("")),
    ],
    ids=str,
)
def test_a_name_has_a_file_and_what_is_in_it(scope, name):
    assert split(scope) == name


def test_below_a_folder_are_its_files_and_its_fixtures_but_below_a_test_no_block_with_a_slash():
    known = ["t/a.py::test_x", "t/b/c.py::test_y", "t@client", "t2/a.py::test_x", "block", "block/a"]
    assert sorted(below(known, "t")) == ["t/a.py::test_x", "t/b/c.py::test_y", "t@client"]
    assert below(known, "t/b/") == ["t/b/c.py::test_y"]
    assert below(known, "block") == ["block"]
    assert below(known, "") == []


ALL = [f"t/a.py::{name}" for name in ("test_x[1]", "test_x[2]", "TestC::test_y")]


def pairs(old, new):
    """Return pairs of names: those of t/a.py that have a part, each with another one in its place."""
    return {name: name.replace(old, new) for name in ALL if old in name}


@pytest.mark.parametrize(
    ("moved", "known", "gone", "expected"),
    [
        (pairs("t/", "u/"), ALL, ALL, [Move("t", "u", 3)]),
        (pairs("t/", "u/"), [*ALL, "t/b.py::test_z"], ALL, [Move("t/a.py", "u/a.py", 3)]),
        (pairs("t/", "u/"), [*ALL, "t/b.py::test_z"], [*ALL, "t/b.py::test_z"], [Move("t/a.py", "u/a.py", 3)]),
        (pairs("t/", "u/"), [*ALL, "t@client"], [*ALL, "t@client"], [Move("t", "u", 3)]),
        (pairs("test_x", "test_z"), ALL, ALL[:2], [Move("t/a.py::test_x", "t/a.py::test_z", 2)]),
        (pairs("TestC", "TestD"), ALL, ALL, [Move("t/a.py::TestC", "t/a.py::TestD", 1)]),
        ({ALL[0]: "u/a.py::test_x[1]"}, ALL, ALL[:1], [Move(ALL[0], "u/a.py::test_x[1]", 1)]),
        ({ALL[0]: "u/a.py::test_x[1]"}, ALL, ALL, [Move("t", "u", 1)]),
        (
            {ALL[0]: "u/a.py::test_x[1]", ALL[2]: "u/b.py::TestC::test_y"},
            ALL,
            ALL,
            [Move("t/a.py::test_x", "u/a.py::test_x", 1), Move("t/a.py::TestC", "u/b.py::TestC", 1)],
        ),
        ({ALL[0]: "t/a.py::test_x[3]"}, ALL, ALL[:1], [Move(ALL[0], "t/a.py::test_x[3]", 1)]),
    ],
    ids=[
        "folder",
        "file",
        "other-file-gone",
        "with-fixture",
        "parameters",
        "class",
        "one",
        "one-of-all-gone",
        "split",
        "parameter",
    ],
)  # fmt: skip
def test_the_fewest_names_are_renamed_that_take_nothing_from_a_test_that_is_there(moved, known, gone, expected):
    assert fold(moved, known, gone) == expected


@pytest.fixture
def roll(tmp_path):
    """What there is: a file that was looked into as a whole, and one that was not."""
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "a.py").write_text(
        "import sys\nif sys.platform == 'x':\n    def test_elsewhere(): pass\n"
        "try:\n    import nowhere\nexcept ImportError: pass\nelse:\n    async def test_optional(): pass\n"
        "class Base:\n    def test_inherited(self): pass\nclass TestC(Base):\n    pass\n"
        "def helper():\n    def test_inside(): pass\n"
    )
    (tmp_path / "t" / "b.py").write_text("")
    (tmp_path / "t" / "broken.py").write_text("def test_x(:\n")
    return Roll(tmp_path / "cassettes" / "jobs.db", tmp_path, ["t/a.py::test_x[1]"], ["t/a.py", "t/broken.py"])


@pytest.mark.parametrize(
    ("scope", "lack"),
    [
        ("t/a.py::test_x[1]", ""),
        ("t/a.py::test_x[2]", OTHER_PARAMETERS),
        ("t/a.py::test_x", OTHER_PARAMETERS),
        ("t/a.py::test_gone", NOT_FOUND),
        ("t/a.py::test_elsewhere", ""),
        ("t/a.py::test_optional[1]", ""),
        ("t/a.py::test_inside", NOT_FOUND),
        ("t/a.py::TestC::test_inherited", ""),
        ("t/a.py::TestC::test_gone", NOT_FOUND),
        ("t/a.py::TestD::test_inherited", NOT_FOUND),
        ("t/b.py::test_x", ""),
        ("t/broken.py::test_x", ""),
        ("t/gone.py::test_x", NOT_FOUND),
        ("t/gone.py@client", NOT_FOUND),
        ("t/gone@client", NOT_FOUND),
        ("t/a.py@client", ""),
        ("me@example", ""),
        ("shop::orders", ""),
        ("", ""),
    ],
)
def test_gone_is_only_what_is_certainly_gone(roll, scope, lack):
    assert roll.lack(scope) == lack


def test_where_other_projects_may_name_tests_a_missing_file_is_not_gone(tmp_path):
    """A cassette in neither a folder around the project nor one within it is of several, for all that is known."""
    for name in ("one", "shared"):
        (tmp_path / name).mkdir()
    here, beside = (Roll(tmp_path / folder / "jobs.db", tmp_path / "one", (), ()) for folder in ("one/data", "shared"))
    assert here.is_gone("test_a.py::test_x")
    assert not beside.is_gone("test_a.py::test_x")
    assert not beside.knows("test_a.py::test_x")


def test_the_folder_of_a_suite_is_the_same_however_its_cassette_is_named(tmp_path):
    assert folder_of(tmp_path / "cassettes" / "jobs.db") == tmp_path
    assert folder_of(tmp_path / "one" / ".." / "cassettes" / "jobs.db") == tmp_path
    assert folder_of(tmp_path / "calls.db") == tmp_path


def test_of_what_is_installed_below_the_rootdir_nothing_is_known(tmp_path):
    """The tests that its cassette names are those of its author."""
    roll = Roll(tmp_path / "lib" / "site-packages" / "acme" / "cassettes" / "jobs.db", tmp_path, (), ())
    assert not roll.is_gone("t/test_a.py::test_x")
