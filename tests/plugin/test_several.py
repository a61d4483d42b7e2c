"""What a run says of tests that have several cassettes, and what it tells to type where pytest was started."""

from __future__ import annotations

import re
import shlex
from contextlib import closing
from dataclasses import replace

import pytest

from pytest_recorded.conflicts import Conflict
from pytest_recorded.entry import Entry
from pytest_recorded.store.build import Changes, build
from pytest_recorded.store.sqlite import CassetteFile
from pytest_recorded.workplace import workshop

HEAD = 'import os, pytest, world\npytestmark = pytest.mark.recorded("world.ask")\n'
CONFTEST = "import pytest\n@pytest.fixture(scope='session')\ndef recorded_cassette(): return 'recordings/sub.db'\n"
LOGIN = "import pytest, world\n@pytest.fixture(scope='session')\ndef login():\n    for q in {0!r}: world.ask(q)\n"


def sub(example, **files):
    """Write files of a suite of its own, in the folder `sub`."""
    folder = example.folder / "sub"
    folder.mkdir(exist_ok=True)
    for name, text in {"conftest": CONFTEST, **files}.items():
        (folder / f"{name}.py").write_text(text)
    return example


def commands(result):
    """Return the commands of ours that a run tells to type."""
    found = re.findall(r"pytest-recorded (?:prune|rename) .*", result.output)
    return [shlex.split(command.partition("   (")[0]) for command in found]


def test_of_a_test_whose_fixture_has_another_cassette_both_are_said_to_have_unused_recordings(example):
    example.write(conftest=LOGIN.format("pq"))
    sub(example, test_s=HEAD + "def test_x(login):\n    for q in 'abc': world.ask(q)\n").run()
    example.write(conftest=LOGIN.format("p"))
    result = sub(example, test_s=HEAD + "def test_x(login): world.ask('a')\n").run()
    assert result.counts == {"replayed": 2, "unused": 3}
    assert re.findall(r"not asked for, of tests that passed: (.*)", result.output) == [
        "sub/test_s.py::test_x (1)",
        "sub/test_s.py::test_x (2)",
    ]
    assert commands(result) == [
        ["pytest-recorded", "prune", "sub/test_s.py::test_x"],
        ["pytest-recorded", "prune", "--cassette=sub/recordings/sub.db", "sub/test_s.py::test_x"],
    ]


SHARED = HEAD.replace('"world.ask")', '"world.ask", scope="suite")')


@pytest.mark.parametrize("mode", ["none", "once", "verify", "rewrite"])
def test_a_shared_recording_that_one_test_asks_for_no_more_and_another_does_is_not_unused(example, mode):
    both = "def test_x(): world.ask('shared')\ndef test_y(): world.ask('shared')\n"
    example.write(test_a=SHARED + both).run()
    one = "def test_x(): pass\ndef test_y(): world.ask('shared')\n"
    result = example.write(test_a=SHARED + one).run(f"--record-mode={mode}")
    assert result.code == 0
    assert "unused" not in result.counts
    assert "not made any more" not in result.output


def test_what_is_to_be_typed_names_the_cassette_of_the_test(example):
    """A renamed test that is refused its call, and one that has recorded it again."""
    sub(example, test_s=HEAD + "def test_x(): world.ask('a')\n").run()
    moved = sub(example, test_s=HEAD + "def test_y(): world.ask('a')\n")
    old, new = "../test_s.py::test_x", "../test_s.py::test_y"
    cassette = "--cassette=sub/recordings/sub.db"
    assert commands(moved.run("--record-mode=none")) == [["pytest-recorded", "rename", cassette, old, new]]
    assert commands(moved.run()) == [["pytest-recorded", "rename", "--replace", cassette, old, new]]


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "workers"])
def test_what_is_to_be_typed_is_for_the_folder_where_pytest_was_started(example, monkeypatch, workers):
    """As pytest's own summary names tests."""
    sub(example, test_s=HEAD + "def test_x():\n    for q in 'ab': world.ask(q)\ndef test_y(): pass\n").run()
    sub(example, test_s=HEAD + "def test_x(): world.ask('a')\ndef test_y(): world.ask('c')\n")
    inside = replace(example, folder=example.folder / "sub", env={"PYTHONPATH": str(example.folder)})
    result = inside.spawn("--record-mode=none", *workers, plugins=("xdist",) * bool(workers))
    assert "FAILED test_s.py::test_y" in result.output
    assert "To record it: pytest --record-mode=once test_s.py::test_y\n" in result.output
    assert commands(result) == [["pytest-recorded", "prune", "--cassette=recordings/sub.db", "test_s.py::test_x"]]


def test_what_pytest_is_to_run_has_the_cassette_that_was_typed(example):
    """Else it would be recorded into another one."""
    example.write(test_a=HEAD + "def test_x(): world.ask('a')\n")
    result = example.run("--record-mode=none", "--record-cassette=other.db")
    assert "To record it: pytest --record-mode=once --record-cassette=other.db test_a.py::test_x\n" in result.output


def test_a_conflict_is_said_with_the_cassette_that_it_is_in(example):
    sub(example, test_s=HEAD + "def test_x(): world.ask('a')\n").run()
    cassette = example.folder / "sub" / "recordings" / "sub.db"
    with closing(CassetteFile(cassette)) as file:
        ours = Entry(next(iter(file.rows("../test_s.py::test_x"))), (), ())
    theirs = ours._replace(row=ours.row._replace(response_json="1"))
    conflict = Conflict(None, ours, theirs)
    build(cassette, Changes(facts={conflict.name: conflict.text()}), workshop(cassette))
    result = example.run()
    told = "1 conflict: pytest-recorded resolve --cassette=sub/recordings/sub.db"
    assert [line for line in result.output.splitlines() if "1 conflict" in line] == [
        f"recorded: cassette sub/recordings/sub.db (1 call, {told})",
        f"  sub/recordings/sub.db: {told}",
    ]
