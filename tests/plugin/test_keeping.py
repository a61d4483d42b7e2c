"""What a run says about recordings that nobody asks for, and what it never takes for unused."""

from __future__ import annotations

import re
import shlex

import pytest

from pytest_recorded.rename import rename_scope

HEAD = """import os, pytest, world
pytestmark = pytest.mark.recorded("world.ask")
HERE = os.environ.get("HERE") == "1"
"""
XDIST = ("xdist.plugin",)

NOT_AT_ITS_END = {
    "skips": "    if HERE: pytest.skip('here')\n",
    "skipif": "@pytest.mark.skipif(HERE, reason='here')\n",
    "xfail": "@pytest.mark.xfail(strict=False)\n    assert not HERE\n",
    "fails": "    assert not HERE\n",
    "teardown": "@pytest.mark.usefixtures('breaks')\n    if HERE: return\n",
}


def not_at_its_end(how):
    """Return a test that asks twice, or where HERE is set once and does not come to its end."""
    marks, between = re.fullmatch(r"((?:@.*\n)?)((?: .*\n)?)", NOT_AT_ITS_END[how]).groups()
    fixture = "@pytest.fixture\ndef breaks():\n    yield\n    assert not HERE\n"
    return f"{HEAD}{fixture}{marks}def test_x():\n    world.ask('first')\n{between}    world.ask('second')\n"


@pytest.mark.parametrize("mode", ["none", "once", "rewrite", "rewrite-failed", "verify"])
@pytest.mark.parametrize("how", NOT_AT_ITS_END)
def test_what_a_test_did_not_ask_for_that_did_not_come_to_its_end_is_neither_unused_nor_dropped(
    example, monkeypatch, how, mode
):
    """Nor is it a call that is not made any more: the test may make it tomorrow, or on another platform."""
    example.write(test_a=not_at_its_end(how)).run()
    before = example.cassette.read_bytes()
    monkeypatch.setenv("HERE", "1")
    result = example.run(f"--record-mode={mode.partition('-')[0]}", *["--record-failed"] * mode.endswith("failed"))
    assert "unused" not in result.counts
    assert "not made any more" not in result.output
    assert "not asked for" not in result.output
    assert example.cassette.read_bytes() == before


def test_a_rewritten_test_that_came_to_its_end_drops_what_it_has_not_called_again(example):
    example.write(test_a=HEAD + "def test_x():\n    world.ask('a')\n    world.ask('b')\n").run()
    result = example.write(test_a=HEAD + "def test_x(): pass\n").run("--record-mode=rewrite")
    assert "cassettes/jobs.db: 2 dropped" in result.output


MORE = (
    HEAD + "@pytest.mark.parametrize('n', range({tests}))\ndef test_x(n):\n    for q in 'abc'[:{calls}]: world.ask(q)\n"
)


def lines_after_the_verdict(result):
    lines = result.output.splitlines()
    start = next(place for place, line in enumerate(lines) if re.match(r"recorded: \d+ replayed", line))
    return [line for line in lines[start + 1 :] if line.startswith("  ")]


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "workers"])
def test_tests_with_unused_recordings_are_named_with_the_command_that_shows_them(example, workers):
    example.write(test_a=MORE.format(tests=2, calls=3)).run()
    example.write(test_a=MORE.format(tests=2, calls=1))
    result = (example.spawn if workers else example.run)("--record-mode=none", *workers, plugins=XDIST * bool(workers))
    assert result.counts == {"replayed": 2, "unused": 4}
    said, command = lines_after_the_verdict(result)
    assert sorted(re.findall(r"test_x\[\d\] \(\d\)", said)) == ["test_x[0] (2)", "test_x[1] (2)"]
    typed = shlex.split(command.partition("look at them: ")[2].partition("   (")[0])
    assert typed[:2] == ["pytest-recorded", "prune"]
    assert sorted(typed[2:]) == ["test_a.py::test_x[0]", "test_a.py::test_x[1]"]


def test_of_many_tests_with_unused_recordings_the_first_ten_are_named(example):
    example.write(test_a=MORE.format(tests=12, calls=2)).run()
    lines = lines_after_the_verdict(example.write(test_a=MORE.format(tests=12, calls=1)).run())
    assert lines[0].endswith("test_a.py::test_x[9] (1) and 2 more")
    assert lines[1] == "  look at them: pytest-recorded prune   (prune --yes removes them)"


def test_the_command_names_a_cassette_that_is_not_the_projects_own(example):
    """One of a marker's in front, one of the command line's to pytest too."""
    marked = MORE.replace('"world.ask")', '"world.ask", cassette="other.db")')
    example.write(test_a=marked.format(tests=1, calls=2)).run()
    lines = lines_after_the_verdict(example.write(test_a=marked.format(tests=1, calls=1)).run())
    assert "pytest-recorded prune --cassette=other.db 'test_a.py::test_x[0]'   (" in lines[1]
    example.write(test_a=MORE.format(tests=1, calls=2)).run("--record-cassette=third.db")
    example.write(test_a=MORE.format(tests=1, calls=1))
    lines = lines_after_the_verdict(example.run("--record-cassette=third.db"))
    assert (
        "pytest-recorded prune --cassette=third.db 'test_a.py::test_x[0]' -- --record-cassette=third.db   (" in lines[1]
    )


def test_what_tests_share_is_looked_at_with_all_of_them(example):
    shared = MORE.replace('"world.ask")', '"world.ask", scope="suite")')
    example.write(test_a=shared.format(tests=1, calls=2)).run()
    lines = lines_after_the_verdict(example.write(test_a=shared.format(tests=1, calls=1)).run())
    assert "look at them: pytest-recorded prune   (" in lines[1]


def test_what_tests_share_is_looked_at_with_all_of_them_from_a_subfolder_too(example, monkeypatch):
    shared = MORE.replace('"world.ask")', '"world.ask", scope="suite")')
    folder = example.folder / "deep"
    folder.mkdir()
    (folder / "test_a.py").write_text(shared.format(tests=1, calls=2))
    example.run()
    (folder / "test_a.py").write_text(shared.format(tests=1, calls=1))
    monkeypatch.chdir(folder)
    assert "look at them: pytest-recorded prune ..   (" in lines_after_the_verdict(example.run())[1]


def test_what_the_command_line_leaves_out_for_once_is_counted_and_not_to_be_removed(example):
    example.write(test_a=MORE.format(tests=1, calls=2)).run()
    result = example.run("--record-kinds=other.*")
    assert result.counts == {"live": 2, "unused": 2}
    assert "look at them" not in result.output


def test_in_a_mode_that_compares_the_report_has_what_is_not_asked_for(example):
    example.write(test_a=MORE.format(tests=1, calls=2)).run()
    result = example.write(test_a=MORE.format(tests=1, calls=1)).run("--record-mode=verify")
    assert "not made any more" in result.output
    assert "look at them" not in result.output


def test_the_last_attempt_at_a_test_says_what_it_did_not_ask_for(example):
    example.write(test_a=HEAD + "def test_x():\n    world.ask('a')\n    world.ask('b')\n").run()
    flaky = "N = []\ndef test_x():\n    N.append(1); world.ask('a')\n    assert len(N) > 1\n"
    result = example.write(test_a=HEAD + flaky).run("--reruns=1", plugins=("pytest_rerunfailures",))
    assert result.counts["unused"] == 1
    assert "test_a.py::test_x (1)" in lines_after_the_verdict(result)[0]


TWO = HEAD + (
    "@pytest.mark.parametrize('n', ['a', 'b'])\ndef test_one(n):\n    world.ask(n); world.ask(n * 2)\n"
    "class TestC:\n    def test_two(self): world.ask('two'); world.ask('log in')\n"
)


def moved(result):
    """Return the commands that are told of tests with other names."""
    return [line.rpartition(": ")[2] for line in lines_after_the_verdict(result) if "not there any more" in line]


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "workers"])
def test_of_a_moved_file_that_was_recorded_again_one_command_keeps_the_first_answers(example, workers):
    """Told once, whoever ran its tests."""
    example.write(test_old=TWO).run()
    before = example.rows("kind, key, seq, response_json, submitted_at")
    (example.folder / "test_old.py").rename(example.folder / "test_new.py")
    result = (example.spawn if workers else example.run)("--record-mode=once", *workers, plugins=XDIST * bool(workers))
    assert result.counts == {"recorded": 6}
    said = "test_new.py asks for what test_old.py has recorded, which is not there any more (3 tests); it has"
    assert said in result.output
    assert moved(result) == ["pytest-recorded rename --replace test_old.py test_new.py"]
    renamed = rename_scope(example.cassette, "test_old.py", "test_new.py", replaces=True)
    assert sum(one.replaced for one in renamed) == 6
    assert sorted(example.rows("kind, key, seq, response_json, submitted_at")) == sorted(before)
    assert example.run("--record-mode=none").counts == {"replayed": 6}


THREE = TWO + "def test_three(): world.ask('three')\n"


def test_of_a_moved_file_and_recordings_under_its_old_name_the_command_that_works_is_told(example):
    """As a merge leaves it where one branch has moved a file, and the other one recorded again and added a test."""
    example.write(test_new=TWO).run()
    (example.folder / "test_new.py").unlink()
    example.write(test_old=THREE).run()
    (example.folder / "test_old.py").rename(example.folder / "test_new.py")
    result = example.run("--record-mode=none")
    assert result.outcomes == {"passed": 3, "failed": 1}
    command = "pytest-recorded rename --replace test_old.py test_new.py"
    assert [line.rpartition(": ")[2] for line in lines_after_the_verdict(result) if command in line] == [command]
    assert "again" not in result.output
    rename_scope(example.cassette, "test_old.py", "test_new.py", replaces=True)
    assert example.run("--record-mode=none").outcomes == {"passed": 4}


def test_of_a_moved_folder_with_missing_recordings_one_command_moves_them(example):
    for name in ("a", "b"):
        (example.folder / "old").mkdir(exist_ok=True)
        (example.folder / "old" / f"test_{name}.py").write_text(TWO)
    example.run()
    (example.folder / "old").rename(example.folder / "new")
    result = example.run("--record-mode=none")
    assert result.outcomes == {"failed": 6}
    assert moved(result) == ["pytest-recorded rename old new"]
    rename_scope(example.cassette, "old", "new")
    assert example.run("--record-mode=none").counts == {"replayed": 12}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (("test_one", "test_first"), "test_a.py::test_one test_a.py::test_first"),
        (("TestC", "TestD"), "test_a.py::TestC test_a.py::TestD"),
        (("test_two", "test_too"), "test_a.py::TestC::test_two test_a.py::TestC::test_too"),
    ],
    ids=["parameters", "class", "one"],
)
def test_a_renamed_test_or_class_is_one_command(example, changed, expected):
    example.write(test_a=TWO).run()
    result = example.write(test_a=TWO.replace(*changed)).run()
    assert moved(result) == [f"pytest-recorded rename --replace {expected}"]


ONE = HEAD + "def test_x():\n    world.ask('x'); world.ask('log in')\n"


@pytest.mark.parametrize(
    ("files", "arguments"),
    [
        ({"test_a": ONE + ONE[ONE.index("def") :].replace("test_x", "test_y")}, ()),
        ({"test_a": ONE, "test_b": ONE}, ("-k", "test_b")),
        ({"test_a": ONE.replace("test_x", "check") + "test_x = test_y = check\n"}, ("-k", "test_y")),
        ({"test_a": ONE, "test_b": ONE}, ("test_b.py",)),
        ({"test_a": ONE.replace("test_x", "test_y")}, ("test_a.py::test_y",)),
        ({"test_a": ONE.replace("def test_x", "if HERE:\n  def test_x(): pass\ndef test_y")}, ()),
        ({"test_a": HEAD + "def test_y():\n    world.ask('log in'); world.ask('y')\n"}, ()),
        ({"test_a": ONE.replace("def test_x():", "@pytest.mark.parametrize('n', [1])\ndef test_x(n):")}, ()),
    ],
    ids=["beside", "deselected", "deselected-and-made", "another-file", "named", "elsewhere", "log-in", "parameters"],
)
def test_what_is_not_certainly_the_same_test_is_not_told_to_be_one(example, files, arguments):
    """The old one is there, may be, or has little in common with the new one."""
    example.write(test_a=ONE).run()
    assert moved(example.write(**files).run(*arguments)) == []


def test_a_moved_test_is_told_whatever_was_selected_where_its_file_is_gone(example):
    example.write(test_old=TWO).run()
    (example.folder / "test_old.py").rename(example.folder / "test_new.py")
    result = example.run("--record-mode=none", "-k", "test_one")
    assert moved(result) == ["pytest-recorded rename test_old.py test_new.py"]


def test_a_file_that_was_split_is_told_test_by_test(example):
    example.write(test_old=TWO).run()
    (example.folder / "test_old.py").unlink()
    place = TWO.index("class TestC")
    result = example.write(test_b=TWO[:place], test_c=HEAD + TWO[place:]).run()
    assert sorted(moved(result)) == [
        "pytest-recorded rename --replace test_old.py::TestC test_c.py::TestC",
        "pytest-recorded rename --replace test_old.py::test_one test_b.py::test_one",
    ]


def test_what_is_told_of_many_tests_is_told_of_ten(example):
    tests = "".join(f"def test_{n}(): world.ask('{n}')\n" for n in range(12))
    example.write(test_a=HEAD + tests).run()
    result = example.write(test_a=HEAD + tests.replace("test_", "test_new_")).run()
    assert len(moved(result)) == 10
    assert "  and 2 more: pytest-recorded unused" in result.output.splitlines()
