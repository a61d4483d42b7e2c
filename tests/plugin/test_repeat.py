"""`--record-repeat`: a recorded test runs several times, and its last run is the one that everybody hears of."""

from __future__ import annotations

import itertools
import json
import re
import uuid
import xml.etree.ElementTree as ET

import pytest

HEAD = 'import os, pytest, world\npytestmark = pytest.mark.recorded("world.ask")\n'
ASKS = HEAD + "def test_x(): world.ask('a')\n"
XDIST = ("xdist.plugin",)
AGAIN = "--record-mode=verify"
# A world whose every answer is another one: the number of calls that were made before.
COUNTING = """
from pathlib import Path
LOG = Path(__file__).with_name("calls.log")
def ask(question):
    with LOG.open("a") as log:
        log.write(f"{question}\\n")
    return LOG.read_text().count("\\n")
"""
# A line in order.log for whatever happens.
ORDER = "from pathlib import Path\ndef note(what):\n    with Path(__file__).with_name('order.log').open('a') as log:\n"
ORDER += "        log.write(what + ' ')\n"


def order(example):
    log = example.folder / "order.log"
    found = log.read_text().split()
    log.unlink()
    return found


@pytest.mark.parametrize("mode", ["verify", "rewrite", "all"])
def test_a_recorded_test_runs_so_many_times_and_is_told_of_once(example, mode):
    example.write(test_a=ASKS).run()
    example.forget_calls()
    result = example.run(f"--record-mode={mode}", "--record-repeat=3", "-v")
    assert (result.code, result.outcomes) == (0, {"passed": 1})
    assert example.calls == ["a", "a", "a"]
    # Its calls are counted as they are in one run.
    assert sum(result.counts.values()) == 1
    assert result.output.count("test_a.py::test_x PASSED") == 1


def test_a_test_that_is_not_recorded_runs_once(example):
    example.write(order=ORDER, test_a=ASKS + "\n@pytest.fixture\ndef plain(): pass\n")
    example.write(test_b="import order\ndef test_plain(): order.note('plain')\n").run()
    order(example)
    example.run(AGAIN, "--record-repeat=3")
    assert order(example) == ["plain"]


FIXTURES = """
import order, pytest, world
pytestmark = pytest.mark.recorded("world.ask")

@pytest.fixture(scope="session")
def wide():
    order.note("wide")
    yield
    order.note("wide-down")

@pytest.fixture(scope="module")
def module(wide):
    order.note("module")
    yield
    order.note("module-down")

@pytest.fixture
def own(module):
    order.note("own")
    yield
    order.note("own-down")

def setup_function(): order.note("setup")

class TestIt:
    def test_x(self, own):
        # Whatever a test leaves on its class's instance is gone the next time.
        assert not hasattr(self, "seen")
        self.seen = True
        order.note("x")
        world.ask("x")

def test_y(own):
    order.note("y")
"""


def test_fixtures_of_a_test_are_set_up_each_time_and_wider_ones_once(example):
    example.write(order=ORDER, test_a=FIXTURES).run()
    once = order(example)
    result = example.run(AGAIN, "--record-repeat=2")
    assert (result.code, result.outcomes) == (0, {"passed": 2}), result.output
    twice = order(example)
    x, y = ["own", "x", "own-down"], ["setup", "own", "y", "own-down"]
    assert once == ["wide", "module", *x, *y, "module-down", "wide-down"]
    assert twice == ["wide", "module", *x, *x, *y, *y, "module-down", "wide-down"]


UNITTEST = """
import unittest, pytest, order, world

@pytest.mark.recorded("world.ask")
class TestIt(unittest.TestCase):
    @classmethod
    def setUpClass(cls): order.note("class")
    def setUp(self):
        assert not hasattr(self, "seen")
        self.seen = True
        order.note("setUp")
    def tearDown(self): order.note("tearDown")
    def test_x(self): self.assertEqual(world.ask("a"), {"answer": "A"})
"""


def test_a_test_case_of_unittest_is_repeated_within_its_class(example):
    example.write(order=ORDER, test_a=UNITTEST).run()
    order(example)
    example.forget_calls()
    result = example.run(AGAIN, "--record-repeat=3")
    assert (result.code, result.outcomes, result.counts) == (0, {"passed": 1}, {"unchanged": 1})
    assert order(example) == ["class", *["setUp", "tearDown"] * 3]
    assert example.calls == ["a"] * 3


ASYNC = """
import asyncio, pytest, world

@pytest.fixture
async def up(): return await world.aask("up")

@pytest.mark.MARK
@pytest.mark.recorded("world.aask")
async def test_x(up):
    assert await world.aask("a") == {"answer": "A"}
    assert up == {"answer": "UP"}
"""


@pytest.mark.parametrize(("plugin", "mark"), [("pytest_asyncio.plugin", "asyncio"), ("anyio.pytest_plugin", "anyio")])
def test_coroutine_tests_are_repeated_with_their_fixtures(example, plugin, mark):
    test = ASYNC.replace("MARK", mark)
    if mark == "asyncio":
        test = test.replace("@pytest.fixture", "import pytest_asyncio\n@pytest_asyncio.fixture")
        example.pytester.makeini("[pytest]\npythonpath = .\nasyncio_default_fixture_loop_scope = function\n")
    else:
        test += "\n@pytest.fixture\ndef anyio_backend(): return 'asyncio'\n"
    first = example.write(test_a=test).run(plugins=(plugin,))
    assert first.outcomes == {"passed": 1}, first.output
    example.forget_calls()
    result = example.run(AGAIN, "--record-repeat=3", plugins=(plugin,))
    assert (result.code, result.outcomes, result.counts) == (0, {"passed": 1}, {"unchanged": 2}), result.output
    assert example.calls == ["up", "a"] * 3


def test_a_test_that_fails_before_it_counts_does_not_fail(example):
    """Nobody hears of a run that does not count, whatever comes of it."""
    example.write(world=COUNTING, test_a=HEAD + "def test_x(): assert world.ask('a') != 2\n").run()
    result = example.run("--record-mode=rewrite", "--record-repeat=2", "--maxfail=1")
    assert (result.code, result.outcomes, result.counts) == (0, {"passed": 1}, {"recorded": 1})
    assert example.rows("response_json") == [("3",)]


def test_where_the_run_that_counts_fails_no_answer_of_those_before_it_is_taken_over(example):
    example.write(world=COUNTING, test_a=HEAD + "def test_x(): assert world.ask('a') != 3\n").run()
    before = example.cassette.read_bytes()
    result = example.run("--record-mode=rewrite", "--record-repeat=2")
    assert (result.code, result.outcomes) == (1, {"failed": 1})
    assert example.cassette.read_bytes() == before


def test_the_answers_of_the_run_that_counts_are_taken_over(example):
    example.write(world=COUNTING, test_a=ASKS).run()
    assert example.run("--record-mode=rewrite", "--record-repeat=3").code == 0
    assert example.rows("response_json") == [("4",)]
    assert example.staged == []


def test_each_run_is_an_attempt_of_its_own_in_the_staging_file(example):
    example.write(
        world=COUNTING,
        test_a=HEAD + "import sqlite3\nfrom pathlib import Path\n"
        "def test_x():\n    world.ask('a')\n"
        "    for path in Path('cassettes/.staging').glob('*.db'):\n"
        "        connection = sqlite3.connect(path)\n"
        "        rows = connection.execute(\n"
        "            'SELECT attempt.status, jobs.response_json FROM jobs attempt JOIN jobs'\n"
        "            ' ON jobs.scope = attempt.id ORDER BY attempt.submitted_at')\n"
        "        Path('seen').write_text(repr(rows.fetchall()))\n"
        "        connection.close()\n",
    ).run()
    example.run("--record-mode=rewrite", "--record-repeat=3")
    seen = (example.folder / "seen").read_text()
    assert seen == "[('failed', '2'), ('failed', '3'), ('running', '4')]"


def test_a_shared_fixture_is_recorded_once_and_its_calls_are_counted(example):
    conftest = "import pytest, world\n@pytest.fixture(scope='session')\ndef shared(): return world.ask('up')\n"
    example.write(conftest=conftest, test_a=HEAD + "def test_x(shared): world.ask('a')\n").run()
    example.forget_calls()
    result = example.run("--record-mode=rewrite", "--record-repeat=3")
    assert (result.code, result.counts) == (0, {"recorded": 2})
    assert sorted(example.calls) == ["a", "a", "a", "up"]


def test_a_rerun_runs_the_test_once_more_without_repeating(example):
    """pytest-rerunfailures counts and tells the run that counts, and those that it adds."""
    rerun = ("pytest_rerunfailures",)
    example.write(world=COUNTING, test_a=HEAD + "def test_x(): assert world.ask('a') != 3\n").run()
    result = example.run("--record-mode=rewrite", "--record-repeat=2", "--reruns=2", plugins=rerun)
    assert (result.code, result.outcomes) == (0, {"passed": 1, "rerun": 1}), result.output
    assert example.rows("response_json") == [("4",)]


def test_workers_repeat_tests_too(example):
    example.write(**{f"test_{n}": ASKS.replace("'a'", f"'{n}'") for n in "abc"}).run()
    example.forget_calls()
    result = example.spawn("-n2", AGAIN, "--record-repeat=3", plugins=XDIST)
    assert (result.code, result.outcomes, result.counts) == (0, {"passed": 3}, {"unchanged": 3})
    assert sorted(example.calls) == sorted("abc" * 3)


def test_what_a_test_prints_and_notes_of_itself_is_told_once(example):
    example.write(
        test_a=HEAD + "def test_x(record_property):\n    record_property('colour', 'red')\n    print('printed')\n"
        "    world.ask('a')\n    assert os.environ.get('FINE')\n",
    )
    result = example.run("--record-mode=all", "--record-repeat=3", "--junitxml=out.xml", "-o", "junit_family=xunit1")
    assert (result.code, result.output.count("\nprinted\n")) == (1, 1)
    (properties,) = ET.parse(example.folder / "out.xml").iter("properties")
    assert [one.attrib for one in properties if not one.attrib["name"].startswith("recorded.")] == [
        {"name": "colour", "value": "red"}
    ]


def test_subtests_are_told_of_once(example):
    example.write(
        test_a=HEAD + "def test_x(subtests):\n    for n in 'ab':\n        with subtests.test(n): world.ask(n)\n"
    ).run()
    result = example.run(AGAIN, "--record-repeat=3", "-v")
    assert result.code == 0
    assert len(re.findall(r"SUBPASSED|SUBPASS", result.output)) == 2


def test_money_and_connections_of_all_runs_are_counted(example, serve, monkeypatch):
    usage = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}
    message = {"role": "assistant", "content": "Hi"}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    tree = {"object": "chat.completion", "model": "gpt-4o-mini", "choices": [choice], "usage": usage}
    answer = json.dumps(tree).encode()
    monkeypatch.setenv("WORLD_URL", serve(lambda path, body: (200, "application/json", answer)))
    example.write(
        test_a="import contextlib, os, socket\nimport httpx, pytest\n@pytest.mark.recorded\ndef test_x():\n"
        "    body = {'model': 'gpt-4o-mini', 'messages': [{'role': 'user', 'content': 'Hi'}]}\n"
        "    httpx.post(os.environ['WORLD_URL'] + '/v1/chat/completions', json=body, timeout=20)\n"
        "    with contextlib.suppress(OSError): socket.create_connection(('telemetry.invalid', 443))\n",
    ).run("--block-network")
    result = example.run(AGAIN, "--record-repeat=3", "--block-network")
    assert "LLM: 4,500 tokens ($0.0014) spent" in result.output
    assert "blocked: test_a.py::test_x to telemetry.invalid:443 (test_a.py:7 in test_x, 3 times)" in result.output


@pytest.mark.parametrize("text", ["0", "101", "x"])
def test_what_is_no_number_of_times_is_a_usage_error(example, text):
    result = example.write(test_a=ASKS).run(AGAIN, f"--record-repeat={text}")
    assert result.code == pytest.ExitCode.USAGE_ERROR
    assert "Write a whole number from 1 to 100." in result.output


@pytest.mark.parametrize(("name", "is_told"), [("id", True), ("number", False)])
@pytest.mark.parametrize("is_http", [False, True], ids=["function", "http"])
def test_a_place_that_requests_have_too_is_proposed_with_a_word_of_caution(
    example, serve, monkeypatch, name, is_told, is_http
):
    """Whoever ignores it for all tests has other keys, and no recordings for them."""
    call = "world.order('a')"
    if is_http:
        varying = ({"id": uuid.uuid4().hex, "n": 1} for _ in itertools.count())
        answer = serve(lambda path, body: (200, "application/json", json.dumps(next(varying)).encode()))
        monkeypatch.setenv("WORLD_URL", answer)
        call = f"httpx.post(os.environ['WORLD_URL'], json={{'{name}': 1}})"
    example.write(
        world=f"import uuid\ndef order({name}):\n    return {{'id': uuid.uuid4().hex, 'n': 1}}\n",
        test_a="import os, httpx, pytest, world\n"
        f"@pytest.mark.recorded('world.order')\n@pytest.mark.recorded\ndef test_x(): {call}\n",
    )
    example.run()
    result = example.run("--record-mode=verify", "--record-repeat=2")
    assert (result.code, "record_ignore =" in result.output) == (0, True)
    assert ("$.id is in requests, too" in result.output) == is_told
