"""Fixtures that make calls: whose recordings those are."""

from __future__ import annotations

import pytest

HEAD = 'import pytest, world\npytestmark = pytest.mark.recorded("world.ask")\n'


def test_calls_of_function_fixtures_belong_to_the_test(example):
    example.write(
        test_a=HEAD + "@pytest.fixture\ndef before():\n    world.ask('before')\n    yield\n    world.ask('after')\n"
        "def test_x(before): world.ask('a')\n"
    )
    assert example.run().counts == {"recorded": 3}
    assert {row[0] for row in example.rows()} == {"test_a.py::test_x"}
    assert example.run("--record-mode=none").counts == {"replayed": 3}


@pytest.mark.parametrize("scope", ["class", "module", "package", "session"])
def test_calls_of_a_shared_fixture_belong_to_the_fixture(example, scope):
    example.write(
        test_a=HEAD + f"@pytest.fixture(scope='{scope}')\ndef shared():\n"
        "    yield world.ask('up')['answer']\n    world.ask('down')\n"
        "class TestX:\n    def test_x(self, shared): assert shared == 'UP'; world.ask('a')\n"
        "    def test_y(self, shared): assert shared == 'UP'\n"
    )
    assert example.run().counts == {"recorded": 3}
    assert sorted({row[0] for row in example.rows()}) == ["test_a.py::TestX::test_x", "test_a.py@shared"]
    example.forget_calls()
    assert example.run("--record-mode=none").counts == {"replayed": 3}
    # Whichever test asks for it first.
    assert example.run("--record-mode=none", "-k", "test_y").counts == {"replayed": 2}
    assert example.calls == []


def test_a_shared_fixture_is_recorded_also_when_an_unmarked_test_comes_first(example):
    example.write(
        test_a="import pytest, world\n@pytest.fixture(scope='session')\n"
        "def shared(): return world.ask('up')['answer']\n"
        "def test_unmarked(shared): assert shared == 'UP'\n"
        '@pytest.mark.recorded("world.ask")\ndef test_marked(shared): assert shared == "UP"\n'
    )
    example.run()
    assert [row[0] for row in example.rows()] == ["test_a.py@shared"]
    example.forget_calls()
    assert example.run("--record-mode=none").outcomes == {"passed": 2}
    assert example.calls == []


def test_a_shared_fixture_of_unmarked_tests_alone_is_not_recorded(example):
    example.write(
        test_a="import pytest, world\n@pytest.fixture(scope='session')\ndef shared(): return world.ask('up')\n"
        "def test_unmarked(shared): pass\n"
        '@pytest.mark.recorded("world.ask")\ndef test_marked(): world.ask("a")\n'
    )
    assert example.run().counts == {"recorded": 1}


def test_each_parameter_of_a_shared_fixture_has_recordings_of_its_own(example):
    example.write(
        test_a=HEAD + "@pytest.fixture(scope='module', params=['p', 'q'])\n"
        "def shared(request): return world.ask(request.param)['answer']\n"
        "def test_x(shared): assert shared in 'PQ'\n"
    )
    assert example.run().counts == {"recorded": 2}
    assert [row[0] for row in example.rows()] == ["test_a.py@shared[p]", "test_a.py@shared[q]"]
    assert example.run("--record-mode=none").counts == {"replayed": 2}


def test_a_shared_fixture_that_fails_is_not_taken_over(example):
    example.write(
        test_a=HEAD + "@pytest.fixture(scope='module')\ndef shared():\n    world.ask('up')\n    assert 0\n"
        "def test_x(shared): pass\n"
    )
    result = example.run()
    assert result.outcomes == {"error": 1}
    assert not example.cassette.exists()


def test_a_shared_fixture_is_taken_over_even_if_the_test_fails(example):
    example.write(
        test_a=HEAD + "@pytest.fixture(scope='module')\ndef shared(): world.ask('up')\n"
        "def test_x(shared):\n    world.ask('a')\n    assert 0\n"
    )
    example.run()
    assert [row[0] for row in example.rows()] == ["test_a.py@shared"]


def test_nested_shared_fixtures_have_scopes_of_their_own(example):
    example.write(
        test_a=HEAD + "@pytest.fixture(scope='session')\ndef outer(): return world.ask('outer')\n"
        "@pytest.fixture(scope='module')\ndef inner(outer): return world.ask('inner')\n"
        "@pytest.fixture\ndef mine(inner): return world.ask('mine')\n"
        "def test_x(mine): world.ask('a')\n"
    )
    assert example.run().counts == {"recorded": 4}
    assert [row[0] for row in example.rows()] == [
        "test_a.py::test_x", "test_a.py::test_x", "test_a.py@inner", "test_a.py@outer",
    ]  # fmt: skip
    assert example.run("--record-mode=none").counts == {"replayed": 4}


def test_a_fixture_that_is_a_method_is_bound_to_the_instance_of_the_test(example):
    example.write(
        test_a=HEAD + "class TestX:\n    @pytest.fixture\n    def mine(self):\n        self.answer = world.ask('a')\n"
        "    @pytest.fixture(scope='class')\n    def shared(self): return world.ask('b')\n"
        "    def test_x(self, mine, shared): assert self.answer == {'answer': 'A'}\n"
    )
    assert example.run().outcomes == {"passed": 1}
    assert example.run("--record-mode=none").counts == {"replayed": 2}


ANYIO = """
import pytest, world
pytestmark = [pytest.mark.recorded("world.aask"), pytest.mark.anyio]

@pytest.fixture(scope="module")
def anyio_backend(): return "asyncio"

@pytest.fixture(scope="SCOPE")
"""

ASYNCIO = """
import pytest, pytest_asyncio, world
pytestmark = [pytest.mark.recorded("world.aask"), pytest.mark.asyncio(loop_scope="SCOPE")]

@pytest_asyncio.fixture(scope="SCOPE", loop_scope="SCOPE")
"""

ASYNC_TESTS = """
async def answer():
    yield (await world.aask("up"))["answer"]
    await world.aask("down")

async def test_x(answer, recorded):
    await world.aask("x")
    assert "x" in [job.request["question"] for job in recorded.jobs]

async def test_y(answer, recorded):
    await world.aask("y")
    assert [job.request["question"] for job in recorded.jobs][-1] == "y"
"""


@pytest.mark.parametrize(
    ("head", "plugin"), [(ANYIO, "anyio.pytest_plugin"), (ASYNCIO, "pytest_asyncio.plugin")], ids=["anyio", "asyncio"]
)
@pytest.mark.parametrize("scope", ["function", "module"])
def test_async_fixtures_and_tests_find_their_scopes(example, head, plugin, scope):
    example.write(test_a=head.replace("SCOPE", scope) + ASYNC_TESTS)
    number, shared = (4, ["test_a.py@answer"]) if scope == "module" else (6, [])
    args = ("-W", "ignore")
    assert example.run(*args, plugins=(plugin,)).counts == {"recorded": number}
    assert sorted({row[0] for row in example.rows()}) == ["test_a.py::test_x", "test_a.py::test_y", *shared]
    example.forget_calls()
    assert example.run(*args, "--record-mode=none", plugins=(plugin,)).counts == {"replayed": number}
    assert example.calls == []


def test_hypothesis_tests_record_each_example_that_they_try(example):
    example.write(
        test_a=HEAD + "from hypothesis import given, settings, strategies as st\n"
        "@settings(derandomize=True, max_examples=5, database=None)\n"
        "@given(st.sampled_from(['a', 'b', 'c']))\ndef test_x(q): world.ask(q)\n"
    )
    recorded = example.run().counts["recorded"]
    assert example.run("--record-mode=none").counts == {"replayed": recorded}


def test_options_given_by_a_fixture_apply_to_the_tests_below_it(example):
    inner = example.folder / "inner"
    inner.mkdir()
    (inner / "conftest.py").write_text(
        "import pytest\n@pytest.fixture(scope='session')\n"
        "def recorded_options(): return {'cassette': 'cassettes/own.db', 'mode': 'new_episodes'}\n"
    )
    test = HEAD + "def test_x(): world.ask('a')\n"
    (inner / "test_b.py").write_text(test)
    example.write(test_a=test)
    assert example.run().counts == {"recorded": 2}
    assert example.rows("scope") == [("test_a.py::test_x",)]
    assert (inner / "cassettes" / "own.db").exists()
    assert example.run("--record-mode=none").counts == {"replayed": 2}


def test_a_wrong_option_given_by_a_fixture_is_an_error_of_its_tests(example):
    example.write(
        conftest="import pytest\n@pytest.fixture\ndef recorded_options(): return {'mod': 'once'}\n",
        test_a=HEAD + "def test_x(): world.ask('a')\n",
    )
    result = example.run()
    assert result.outcomes == {"error": 1}
    assert "the fixture recorded_options: there is no argument 'mod'. Did you mean 'mode'?" in result.output


ASKS = """
import pytest
from pytest_recorded import attach, recorder

@recorder(kind="fixture.ask")
def ask(city):
    attach("city", city)
    return city

@pytest.mark.recorded
def test_a(recorded):
    assert recorded.last() == []
    ask("Rome")
    assert [job.response for job in recorded.query()] == ["Rome"]
    ask("Oslo")
    assert [job.response for job in recorded.last()] == ["Oslo", "Rome"]
    assert [job.response for job in recorded.query(order="asc", kind="fixture.*")] == ["Rome", "Oslo"]
    (job,) = recorded.query(where_data={"city": "Rome"})
    assert recorded.get(job.id) == job
    assert [job.response for job in recorded.query(scope="*::test_a", order="asc")] == ["Rome", "Oslo"]

@pytest.mark.recorded
def test_b(recorded):
    ask("Lima")
    assert [job.response for job in recorded.query()] == ["Lima"]
"""


def test_the_fixture_answers_queries_about_the_calls_that_its_test_has_made(example):
    example.write(test_it=ASKS)
    assert example.run().outcomes == {"passed": 2}
    assert example.run("--record-mode=none").outcomes == {"passed": 2}
