"""Tests whose cassette is in conflict are replayed, and it is said until somebody has chosen."""

from __future__ import annotations

import re
import shutil
from contextlib import closing

import pytest

from pytest_recorded.conflicts import read_conflicts
from pytest_recorded.merging import merge
from pytest_recorded.reprojection import Outdated, put_right
from pytest_recorded.store.sqlite import CassetteFile
from pytest_recorded.units import Source

TESTS = """
import pytest
import world

@pytest.mark.recorded("world.ask")
def test_tea():
    assert world.ask("tea")["answer"].startswith("TEA")

@pytest.mark.recorded("world.ask")
def test_milk():
    assert world.ask("milk")["answer"].startswith("MILK")
"""
HEADER = re.compile(r"^recorded: mode .*$", re.MULTILINE)
SAID = "1 conflict: pytest-recorded resolve"


@pytest.fixture
def unsettled(example):
    """A project whose cassette has two answers to the call of tea, `TEA!` and `TEA?`."""
    example.write(test_a=TESTS)
    example.run()
    sides = {}
    for sign in ("!", "?"):
        sides[sign] = example.folder / f"side{ord(sign)}.db"
        world = (example.folder / "world.py").read_text()
        (example.folder / "world.py").write_text(world.replace("question.upper()", f"question.upper() + '{sign}'"))
        shutil.copy(example.cassette, example.folder / "base.db")
        example.run("--record-mode=rewrite", "-k", "tea")
        shutil.copy(example.cassette, sides[sign])
        shutil.copy(example.folder / "base.db", example.cassette)
        (example.folder / "world.py").write_text(world)
    sources = [Source(path, path.name) for path in (example.folder / "base.db", *sides.values())]
    merge(*sources, into=example.cassette)
    example.forget_calls()
    return example


def conflicts(example):
    with closing(CassetteFile(example.cassette)) as file:
        return read_conflicts(file)


def test_a_cassette_in_conflict_is_replayed_and_said_at_the_start_and_at_the_end(unsettled):
    before = unsettled.cassette.read_bytes()
    for more in ((), ("-n2",)):
        result = unsettled.run(*more, plugins=("xdist",) if more else ())
        assert (result.code, result.outcomes, unsettled.calls) == (0, {"passed": 2}, [])
        assert f"cassettes/jobs.db (2 calls, {SAID})" in HEADER.search(result.output)[0]
        assert result.output.count(f"\n  cassettes/jobs.db: {SAID}") == 1
    assert unsettled.cassette.read_bytes() == before


def test_it_is_said_in_yellow(unsettled):
    assert f"\x1b[33m  cassettes/jobs.db: {SAID}\x1b[0m" in unsettled.run("--color=yes").output


def test_nothing_is_said_where_there_is_no_conflict(example):
    example.write(test_a=TESTS).run()
    assert "pytest-recorded resolve" not in example.run().output


def test_who_records_the_call_again_has_settled_the_conflict(unsettled):
    result = unsettled.run("--record-mode=rewrite")
    assert (result.code, unsettled.calls) == (0, ["tea", "milk"])
    assert conflicts(unsettled) == []
    assert "conflict:" not in unsettled.cassette.read_bytes().decode("latin-1")
    assert result.output.count("pytest-recorded resolve") == 1, "there was one at the start"


def test_who_records_ours_again_has_settled_the_conflict_with_the_file_of_our_side(unsettled):
    world = (unsettled.folder / "world.py").read_text()
    (unsettled.folder / "world.py").write_text(world.replace("question.upper()", "question.upper() + '!'"))
    result = unsettled.run("--record-mode=rewrite", "-k", "tea")
    assert (result.code, unsettled.calls, conflicts(unsettled)) == (0, ["tea"], [])
    assert unsettled.cassette.read_bytes() == (unsettled.folder / "side33.db").read_bytes()
    assert result.output.count("pytest-recorded resolve") == 1, "there was one at the start"


def test_another_test_that_is_recorded_again_settles_nothing(unsettled):
    found = conflicts(unsettled)
    unsettled.write(test_b=TESTS.replace("tea", "rice").replace("TEA", "RICE")).run("test_b.py")
    assert conflicts(unsettled) == found
    unsettled.run("--record-mode=rewrite", "-k", "milk")
    assert conflicts(unsettled) == found


def test_data_that_are_picked_again_settle_nothing(unsettled):
    (conflict,) = conflicts(unsettled)
    row = conflict.ours.row
    better = row._replace(data_json='{"n":1}')
    assert put_right(unsettled.cassette, [Outdated(row, "Model", better, "")]) == 1
    assert conflicts(unsettled) == [conflict._replace(ours=conflict.ours._replace(row=better))]
