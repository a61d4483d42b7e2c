"""What becomes of recordings when only some tests run, or in another order: what did not run is left as it is."""

import json
import sqlite3
from contextlib import closing

import pytest

TESTS = """
import os, pytest, world
from pathlib import Path

@pytest.mark.recorded("world.ask", scope={scope!r})
@pytest.mark.parametrize("n", [1, 2, 3])
def test_x(n):
    asked = ["common", f"own{{n}}", f"new{{n}}"] if Path("changed").exists() else ["common", f"own{{n}}", f"gone{{n}}"]
    for question in asked[:2] if Path("asks-less").exists() else asked:
        world.ask(question)
    assert not Path(f"broken{{n}}").exists()
"""
SHUFFLING = """
import random
def pytest_collection_modifyitems(config, items):
    if seed := config.getoption("--seed"):
        random.Random(seed).shuffle(items)
def pytest_addoption(parser):
    parser.addoption("--seed")
"""
# How tests are chosen; which of them are broken; which pass, and which fail.
CHOICES = {
    "all": ((), (), {1, 2, 3}, set()),
    "-k": (("-k", "x[1]"), (), {1}, set()),
    "-x": (("-x",), (2,), {1}, {2}),
    "--lf": (("--lf",), (), {2}, set()),
    "--sw": (("--sw",), (), {2, 3}, set()),
    "any order": (("--seed=5",), (), {1, 2, 3}, set()),
}


def answers(example):
    """Return the recorded answers by who has them and what was asked."""
    rows = example.rows("scope, request_json, response_json")
    return {(scope, json.loads(asked)["question"]): json.loads(said)["answer"] for scope, asked, said in rows}


def uses(example):
    """Return who uses which shared calls."""
    with closing(sqlite3.connect(f"{example.cassette.as_uri()}?mode=ro", uri=True)) as connection:
        found = connection.execute(
            "SELECT test, request_json FROM uses JOIN jobs ON job_id = id ORDER BY test, request_json"
        ).fetchall()
    return {(test, json.loads(asked)["question"]) for test, asked in found}


def broken(example, *numbers):
    for n in (1, 2, 3):
        (example.folder / f"broken{n}").unlink(missing_ok=True)
    for n in numbers:
        (example.folder / f"broken{n}").touch()


@pytest.fixture
def recorded(example, monkeypatch):
    """Three tests that were recorded; the second one fails in a last run if need be. After that the world changes."""

    def record(scope, *, has_failed=False):
        monkeypatch.syspath_prepend(str(example.folder))
        example.write(test_a=TESTS.format(scope=scope), shuffling=SHUFFLING)
        assert example.run().outcomes == {"passed": 3}
        if has_failed:
            broken(example, 2)
            assert example.run("--record-mode=none", "--sw").outcomes == {"passed": 1, "failed": 1}
        text = (example.folder / "world.py").read_text()
        example.write(world=text.replace("question.upper()", "question.upper() + '!'"))
        return example

    return record


def expected(scope, mode, passed):
    """Return what is recorded after a run: of each test that has passed what the mode says, of the others what was."""
    found = {}
    for n in (1, 2, 3):
        again = "!" if mode in ("all", "rewrite") and n in passed else ""
        asked = {f"own{n}": again, f"gone{n}": ""}
        if n in passed:
            asked |= {} if mode == "once" else {f"new{n}": "!"}
            if mode == "rewrite":
                del asked[f"gone{n}"]
        if scope == "test":
            asked["common"] = again
        found |= {
            (f"test_a.py::test_x[{n}]" * (scope == "test"), what): what.upper() + end for what, end in asked.items()
        }
    if scope == "suite":
        found["", "common"] = "COMMON" + "!" * (mode in ("all", "rewrite") and bool(passed))
    return found


@pytest.mark.parametrize("scope", ["test", "suite"])
@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite"])
@pytest.mark.parametrize("choice", CHOICES)
def test_only_what_has_run_and_passed_is_recorded_replaced_dropped_or_called_unused(recorded, choice, mode, scope):
    args, breaks, passed, failed = CHOICES[choice]
    example = recorded(scope, has_failed=choice in ("--lf", "--sw"))
    broken(example, *breaks)
    # In mode once a test that is recorded may ask nothing more.
    (example.folder / ("asks-less" if mode == "once" else "changed")).touch()
    result = example.run(f"--record-mode={mode}", *args, plugins=("shuffling",))
    assert result.outcomes.get("passed", 0) == len(passed)
    assert result.outcomes.get("failed", 0) == len(failed)
    assert answers(example) == expected(scope, mode, passed)
    assert result.counts.get("unused", 0) == len(passed)
    if scope == "suite":
        assert {test for test, asked in uses(example) if asked == "common"} == {
            f"test_a.py::test_x[{n}]" for n in (1, 2, 3)
        }


def test_a_rewritten_test_lets_go_of_a_shared_call_that_others_keep(recorded):
    """Only when the last of those that used it has been rewritten without it, it is dropped."""
    example = recorded("suite")
    example.write(test_a=TESTS.format(scope="suite").replace('["common", f"own', '[f"common{n}", f"own'))
    for number in (1, 2):
        (example.folder / "changed").touch()
        result = example.run("--record-mode=rewrite", "-k", f"x[{number}]")
        assert "1 dropped" in result.output
        assert answers(example)["", "common"] == "COMMON"
        assert (f"test_a.py::test_x[{number}]", "common") not in uses(example)
    assert "2 dropped" in example.run("--record-mode=rewrite", "-k", "x[3]").output
    assert ("", "common") not in answers(example)
    assert example.run("--record-mode=none").counts == {"replayed": 9}


def test_a_shared_call_that_one_rewritten_test_leaves_and_another_takes_up_stays(recorded):
    """Also where its answer is the same, so that its row is not written anew."""
    example = recorded("suite")
    example.write(
        world=(example.folder / "world.py").read_text().replace(" + '!'", ""),
        test_a=(example.folder / "test_a.py").read_text().replace('f"gone{n}"]\n', 'f"gone{n % 3 + 1}"]\n'),
    )
    before = answers(example)
    assert example.run("--record-mode=rewrite").outcomes == {"passed": 3}
    assert answers(example) == before
    assert ("test_a.py::test_x[1]", "gone1") not in uses(example)
    assert ("test_a.py::test_x[1]", "gone2") in uses(example)


def test_a_shared_call_that_ran_live_is_not_let_go_of(recorded):
    """Running live is a matter of one run."""
    example = recorded("suite")
    before = answers(example), uses(example)
    assert example.run("--record-mode=rewrite", "--record-live=world.*").outcomes == {"passed": 3}
    assert (answers(example), uses(example)) == before


@pytest.mark.parametrize("mode", ["rewrite", "all", "new_episodes"])
def test_a_failed_test_replaces_nothing_of_what_tests_share(recorded, mode):
    example = recorded("suite")
    broken(example, 1, 2, 3)
    before = answers(example), uses(example)
    assert example.run(f"--record-mode={mode}").outcomes == {"failed": 3}
    assert (answers(example), uses(example)) == before


# Order.

ASKING = """
import pytest, world
@pytest.mark.recorded("world.ask", scope={scope!r})
@pytest.mark.parametrize("n", range(6))
def test_x(n):
    for question in ("same", "same", "same", f"own{{n % 2}}"):
        world.ask(question)
"""


def without_times(example):
    columns = "id, scope, kind, key, seq, attempt, status, request_json, response_json, data_json, error_json"
    return example.rows(columns), uses(example)


@pytest.mark.parametrize("scope", ["test", "suite"])
def test_rows_are_the_same_in_whichever_order_and_by_however_many_workers_they_are_recorded(
    example, scope, monkeypatch
):
    monkeypatch.syspath_prepend(str(example.folder))
    example.write(test_a=ASKING.format(scope=scope), shuffling=SHUFFLING)
    found = []
    for seed in (1, 2, 3):
        example.cassette.unlink(missing_ok=True)
        assert example.run(f"--seed={seed}", plugins=("shuffling",)).outcomes == {"passed": 6}
        found.append(without_times(example))
    example.cassette.unlink()
    result = example.spawn("-n2", "--seed=4", plugins=("shuffling", "xdist"), PYTHONPATH=str(example.folder))
    assert result.outcomes == {"passed": 6}, result.output
    assert found[1:] == found[:1] * 2
    assert without_times(example) == found[0]
    # Of a suite one call each, however often and by whomever it is asked; of a test each of its calls.
    assert len(found[0][0]) == (3 if scope == "suite" else 6 * 4)
    assert example.run("--record-mode=none", "--seed=5", plugins=("shuffling",)).outcomes == {"passed": 6}


def test_a_test_that_polls_is_replayed_its_own_answers_whoever_asks_the_same_before_it(example, monkeypatch):
    """In another order than that in which they were recorded."""
    monkeypatch.syspath_prepend(str(example.folder))
    counting = (
        "from collections import Counter\nasked = Counter()\n"
        "def poll(question):\n    asked[question] += 1\n    return asked[question]\n"
    )
    tests = (
        'import pytest, world\n@pytest.mark.recorded("world.poll")\n@pytest.mark.parametrize("n", range(4))\n'
        'def test_x(n):\n    first, *others = [world.poll("job") for _ in range(3)]\n'
        "    assert (first, others) == ({0}, [first + 1, first + 2])\n"
    )
    world = (example.folder / "world.py").read_text() + counting
    example.write(world=world, test_a=tests.format("first"), shuffling=SHUFFLING)
    assert example.run("--seed=1", plugins=("shuffling",)).counts == {"recorded": 12}
    first = {scope: json.loads(said) for scope, _, seq, said in example.rows() if seq == 0}
    assert sorted(first.values()) == [1, 4, 7, 10]
    example.write(test_a=tests.format([first[f"test_a.py::test_x[{n}]"] for n in range(4)]).replace("], [", "][n], ["))
    for seed in (2, 3):
        result = example.run(f"--seed={seed}", "--record-mode=none", plugins=("shuffling",))
        assert (result.outcomes, result.counts) == ({"passed": 4}, {"replayed": 12})
