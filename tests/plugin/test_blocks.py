"""Blocks that a fixture opens hold in the tests that use it, beside recorded tests and inside of them."""

import pytest

HEAD = """
import pytest, world
from pytest_recorded import Recorder, recorder, use_cassette

@recorder(kind="blocks.ask")
def ask(question): return world.ask(question)

@pytest.mark.recorded
def test_marked(): ask("marked")
"""
BLOCK = """
@pytest.fixture
def block():
    with use_cassette("cassettes/jobs.db", scope="block") as cassette:
        yield cassette
"""


def scopes(example):
    return [row[0] for row in example.rows("scope")]


def test_a_block_of_a_fixture_holds_in_an_unmarked_test_beside_a_marked_one(example):
    example.write(test_a=HEAD + BLOCK + 'def test_x(block): ask("a"); assert len(block) == 1\n')
    assert example.run().outcomes == {"passed": 2}
    assert scopes(example) == ["block", "test_a.py::test_marked"]
    assert example.run("--record-mode=none").outcomes == {"passed": 2}


def test_a_block_of_a_fixture_is_nearer_than_the_marker_of_its_test(example):
    example.write(
        test_a=HEAD + BLOCK + "@pytest.mark.recorded\n"
        'def test_x(recorded, block): ask("a"); assert (len(block), len(recorded.jobs)) == (1, 0)\n'
    )
    result = example.run()
    assert (result.outcomes, result.counts) == ({"passed": 2}, {"recorded": 1})
    assert scopes(example) == ["block", "test_a.py::test_marked"]


def test_after_the_block_of_a_fixture_calls_are_the_marked_tests_again(example):
    example.write(
        test_a=HEAD + BLOCK + "@pytest.fixture\n"
        'def around():\n    ask("before"); yield; ask("after")\n'
        "@pytest.mark.recorded\n"
        'def test_x(around, block): ask("inside")\n'
    )
    assert example.run().outcomes == {"passed": 2}
    assert scopes(example) == ["block", "test_a.py::test_marked", "test_a.py::test_x", "test_a.py::test_x"]


@pytest.mark.parametrize("scope", ["module", "session"])
def test_in_the_block_of_a_shared_fixture_a_marked_test_still_has_its_own_calls(example, scope):
    example.write(
        test_a=HEAD + BLOCK.replace("fixture\n", f'fixture(scope="{scope}")\n') + 'def test_x(block): ask("a")\n'
        '@pytest.mark.recorded\ndef test_y(): ask("b")\n'
        'def test_z(block): ask("c")\n'
    )
    assert example.run().outcomes == {"passed": 4}
    assert scopes(example) == ["block", "block", "test_a.py::test_marked", "test_a.py::test_y"]


def test_a_recorder_of_a_fixture_takes_the_calls_of_an_unmarked_test(example):
    example.write(
        test_a=HEAD + "@pytest.fixture\n"
        'def rec(tmp_path):\n    with Recorder(tmp_path / "ledger.db") as made: yield made\n'
        'def test_x(rec): ask("a"); assert [job.kind for job in rec.jobs] == ["blocks.ask"]\n'
    )
    assert example.run().outcomes == {"passed": 2}
    assert scopes(example) == ["test_a.py::test_marked"]


@pytest.mark.parametrize("runner", ["asyncio", "anyio"])
def test_a_block_that_an_asynchronous_fixture_opens_leaves_other_tests_alone(example, runner):
    fixture, mark, plugin = {
        "asyncio": (
            "import pytest_asyncio\n@pytest_asyncio.fixture\n",
            "@pytest.mark.asyncio\n",
            "pytest_asyncio.plugin",
        ),
        "anyio": (
            "@pytest.fixture\n",
            '@pytest.mark.anyio\n@pytest.mark.parametrize("anyio_backend", ["asyncio"])\n',
            "anyio.pytest_plugin",
        ),
    }[runner]
    example.write(
        test_a=HEAD + fixture + "async def block():\n"
        '    async with use_cassette("cassettes/jobs.db", scope="block") as cassette:\n'
        '        ask("inside"); yield cassette\n'
        f"{mark}async def test_x(block): assert len(block) >= 1\n"
        f'{mark}@pytest.mark.recorded\nasync def test_y(): ask("b")\n'
    )
    options = ("-o", "asyncio_default_fixture_loop_scope=function") if runner == "asyncio" else ()
    assert example.run(*options, plugins=(plugin,)).outcomes == {"passed": 3}
    assert scopes(example) == [
        "block",
        "test_a.py::test_marked",
        "test_a.py::test_y" + "[asyncio]" * (runner == "anyio"),
    ]


def test_a_block_in_a_test_that_is_recorded_in_the_same_cassette_and_that_test_leave_each_others_recordings_alone(
    example,
):
    example.write(
        test_a=HEAD + "@pytest.mark.recorded\n"
        "def test_x():\n"
        '    ask("before")\n'
        '    with use_cassette("cassettes/jobs.db") as block:\n'
        '        ask("inside")\n'
        "        assert len(block) == 1\n"
    )
    example.run()
    before = example.cassette.read_bytes()
    assert scopes(example) == ["test_a.py::test_marked", "test_a.py::test_x", "test_a.py::test_x@block"]
    for mode in ("none", "rewrite", "none"):
        result = example.run(f"--record-mode={mode}")
        assert result.outcomes == {"passed": 2}
        assert "unused" not in result.counts
        assert "dropped" not in result.output
        assert example.cassette.read_bytes() == before


def test_two_blocks_of_a_test_in_one_cassette_have_a_scope_each(example):
    block = '    with use_cassette("cassettes/jobs.db", scope="%s"): ask("%s")\n'
    example.write(test_a=HEAD + "def test_x():\n" + block % ("first", "one") + block % ("second", "two"))
    example.run()
    before = example.cassette.read_bytes()
    assert scopes(example) == ["first", "second", "test_a.py::test_marked"]
    for mode in ("none", "rewrite", "none"):
        assert example.run(f"--record-mode={mode}").outcomes == {"passed": 2}
        assert example.cassette.read_bytes() == before
