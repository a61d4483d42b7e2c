"""The marker, the ini option and the fixture: which tests are recorded, and how."""

from __future__ import annotations

import pytest

HEAD = "import pytest, world\n"


@pytest.mark.parametrize(
    "test",
    [
        '@pytest.mark.recorded("world.ask")\ndef test_x(): world.ask("a")',
        '@pytest.mark.recorded("world.ask")\nclass TestX:\n    def test_x(self): world.ask("a")',
        'pytestmark = pytest.mark.recorded("world.ask")\ndef test_x(): world.ask("a")',
        '@pytest.mark.recorded\n@pytest.mark.recorded("world.ask")\ndef test_x(): world.ask("a")',
        '@pytest.mark.parametrize("q", [pytest.param("a", marks=pytest.mark.recorded("world.ask"))])\n'
        "def test_x(q): world.ask(q)",
        'import unittest\n@pytest.mark.recorded("world.ask")\nclass TestX(unittest.TestCase):\n'
        '    def test_x(self): world.ask("a")',
    ],
    ids=["function", "class", "module", "two", "parameter", "unittest"],
)
def test_a_marker_works_wherever_pytest_takes_one(example, test):
    example.write(test_a=HEAD + test)
    assert example.run().counts == {"recorded": 1}
    assert example.run("--record-mode=none").counts == {"replayed": 1}
    assert example.calls == ["a"]


@pytest.mark.parametrize("where", ["ini", "command line"])
def test_recorded_all_records_every_test(example, where):
    example.write(
        world=(example.folder / "world.py").read_text()
        + "\nimport pytest_recorded\nask = pytest_recorded.recorder(ask)\n",
        test_a=HEAD + 'def test_x(): world.ask("a")',
    )
    if where == "ini":
        example.pytester.makeini("[pytest]\npythonpath = .\nrecorded_all = true\n")
    args = ("--recorded-all",) if where == "command line" else ()
    assert example.run(*args).counts == {"recorded": 1}
    assert example.run(*args, "--record-mode=none").counts == {"replayed": 1}


def test_a_decorated_function_in_an_unmarked_test_runs_bare(example):
    example.write(
        test_a=HEAD + "import pytest_recorded\nask = pytest_recorded.recorder(world.ask)\n"
        'def test_x(): assert ask("a") == {"answer": "A"}'
    )
    for _ in range(2):
        assert example.run().outcomes == {"passed": 1}
    assert example.calls == ["a", "a"]
    assert sorted(path.name for path in example.folder.glob("*.db")) == []


def test_a_suite_that_configures_a_recorder_records_decorated_functions_of_unmarked_tests(example):
    example.write(
        conftest="import pytest_recorded, pathlib\n"
        "pytest_recorded.configure(pathlib.Path(__file__).with_name('own.db'))\n",
        test_a=HEAD + "import pytest_recorded\nask = pytest_recorded.recorder(kind='ask')(world.ask)\n"
        'def test_x(): assert ask("a", key="one") == {"answer": "A"}',
    )
    for _ in range(2):
        assert example.spawn().outcomes == {"passed": 1}
    assert example.calls == ["a"]
    assert (example.folder / "own.db").exists()


def test_a_decorated_function_in_a_marked_test_goes_through_the_cassette(example):
    example.write(
        test_a=HEAD + "import pytest_recorded\nask = pytest_recorded.recorder(kind='shop.ask')(world.ask)\n"
        '@pytest.mark.recorded\ndef test_x(): assert ask("a") == {"answer": "A"}'
    )
    assert example.run().counts == {"recorded": 1}
    assert example.run("--record-mode=none").counts == {"replayed": 1}
    assert example.rows("scope, kind") == [("test_a.py::test_x", "shop.ask")]


def test_the_fixture_activates_recording_without_a_marker(example):
    example.write(
        test_a=HEAD + "import pytest_recorded\nask = pytest_recorded.recorder(kind='ask')(world.ask)\n"
        "def test_x(recorded):\n"
        '    ask("a"); ask("b"); ask("a")\n'
        "    assert [job.request['question'] for job in recorded.jobs] == ['a', 'b', 'a']\n"
        "    assert [job.seq for job in recorded.jobs] == [0, 0, 1]\n"
        "    assert [job.response['answer'] for job in recorded.jobs] == ['A', 'B', 'A']\n"
        "    assert recorded.mode == 'once'\n"
        "    assert recorded.cassette.path.name == 'jobs.db'\n"
    )
    assert example.run().counts == {"recorded": 3}
    assert example.run().counts == {"replayed": 3}


def test_the_fixture_activates_recording_when_it_is_asked_for_late(example):
    example.write(
        test_a=HEAD + "import pytest_recorded\nask = pytest_recorded.recorder(kind='ask')(world.ask)\n"
        "def test_x(request):\n"
        "    recorded = request.getfixturevalue('recorded')\n"
        '    ask("a")\n'
        "    assert len(recorded.jobs) == 1\n"
        "def test_y(): pass\n"
    )
    assert example.run().counts == {"recorded": 1}
    assert example.run("--record-mode=none").counts == {"replayed": 1}


def test_jobs_are_the_same_recorded_and_replayed(example):
    example.write(
        test_a=HEAD + '@pytest.mark.recorded("world.ask")\n'
        "def test_x(recorded):\n"
        '    world.ask("a"); world.ask("b")\n'
        "    with open('seen.log', 'a') as seen:\n"
        "        print([(j.id, j.scope, j.kind, j.key, j.seq, j.request_json, j.response_json) for j in recorded.jobs],"
        " file=seen)\n"
    )
    example.run()
    example.run("--record-mode=none")
    first, second = (example.folder / "seen.log").read_text().splitlines()
    assert first == second


def test_parametrised_tests_have_recordings_of_their_own(example):
    example.write(
        test_a=HEAD + '@pytest.mark.recorded("world.ask")\n'
        '@pytest.mark.parametrize("q", ["a", "b/c", "d::e"])\ndef test_x(q): world.ask(q)'
    )
    assert example.run().counts == {"recorded": 3}
    assert [row[0] for row in example.rows()] == [
        "test_a.py::test_x[a]",
        "test_a.py::test_x[b/c]",
        "test_a.py::test_x[d::e]",
    ]
    assert example.run("--record-mode=none").counts == {"replayed": 3}


def test_repeated_requests_of_one_test_keep_their_answers_in_order(example):
    example.write(
        clock="import itertools\n_ticks = itertools.count()\ndef tick(): return next(_ticks)\n",
        test_a=HEAD + 'import clock\n@pytest.mark.recorded("clock.tick")\n'
        "def test_x(): assert [clock.tick() for _ in range(4)] == [0, 1, 2, 3]",
    )
    assert example.run().counts == {"recorded": 4}
    assert example.run("--record-mode=none").counts == {"replayed": 4}


def test_the_nearest_marker_wins(example):
    example.write(
        test_a=HEAD + 'pytestmark = pytest.mark.recorded("world.ask", mode="none")\n'
        '@pytest.mark.recorded(mode="off")\nclass TestX:\n'
        '    @pytest.mark.recorded(mode="once")\n    def test_x(self): world.ask("a")\n'
        '    def test_y(self): world.ask("b")\n'
        'def test_z(): world.ask("c")\n'
    )
    assert example.run().counts == {"recorded": 1, "live": 1, "missed": 1}


def test_options_of_a_marker_apply_to_its_test(example):
    example.write(
        test_a=HEAD + "import pytest_recorded\n"
        "ask = pytest_recorded.recorder(kind='ask.at')(lambda question, at: world.ask(question))\n"
        '@pytest.mark.recorded(ignore=["at"], cassette="other/calls.db")\n'
        "def test_x():\n    import time\n    ask('a', time.time_ns())\n"
    )
    assert example.run().counts == {"recorded": 1}
    assert example.run("--record-mode=none").counts == {"replayed": 1}
    assert (example.folder / "other" / "calls.db").exists()
    assert not example.cassette.exists()


def test_options_of_a_marker_with_functions_apply_to_the_functions(example):
    example.write(
        world=(example.folder / "world.py").read_text() + "\ndef stamp(question, at): return ask(question)\n",
        test_a=HEAD + '@pytest.mark.recorded("world.stamp", kind="stamps", ignore=["at"])\n'
        "def test_x():\n    import time\n    world.stamp('a', time.time_ns())\n",
    )
    assert example.run().counts == {"recorded": 1}
    assert example.run("--record-mode=none").counts == {"replayed": 1}
    assert example.rows("kind, request_json") == [("stamps", '{"question":"a"}')]


def test_a_data_model_on_the_marker_fills_the_data_of_jobs(example):
    example.write(
        test_a=HEAD + "from pydantic import BaseModel\nclass View(BaseModel):\n    answer: str\n"
        '@pytest.mark.recorded("world.ask", kind="ask", data=View)\n'
        "def test_x(recorded):\n    world.ask('a')\n    assert recorded.jobs[0].data == View(answer='A')\n"
    )
    for mode in ("once", "none"):
        assert example.run(f"--record-mode={mode}").outcomes == {"passed": 1}


def test_a_function_imported_by_name_before_is_recorded_too(example):
    example.write(
        client="from world import ask\ndef both(): return ask('a'), ask('b')\n",
        test_a=HEAD + 'import client\n@pytest.mark.recorded("world.ask")\ndef test_x(): client.both()\n',
    )
    assert example.run().counts == {"recorded": 2}


def test_holders_of_the_function_that_cannot_be_reached_are_named(example):
    example.write(
        client="from world import ask\nTOOLS = {'ask': ask}\n",
        test_a=HEAD + 'import client\n@pytest.mark.recorded("world.ask")\ndef test_x(): client.TOOLS["ask"]("a")\n',
    )
    result = example.run()
    assert "world.ask is recorded, but the dict client.TOOLS still has the function itself" in result.output


def test_methods_static_and_class_methods_are_recorded_by_their_paths(example):
    example.write(
        shop="import world\nclass Client:\n"
        "    def __init__(self, name): self.name = name\n"
        "    def ask(self, q): return world.ask(q)\n"
        "    @classmethod\n    def cask(cls, q): return world.ask(cls.__name__ + q)\n"
        "    @staticmethod\n    def sask(q): return world.ask(q)\n",
        test_a=HEAD + 'import shop\n@pytest.mark.recorded("shop.Client.ask", "shop.Client.cask", "shop.Client.sask")\n'
        "def test_x(recorded):\n"
        "    shop.Client('n').ask('a'); shop.Client.cask('b'); shop.Client.sask('c')\n"
        "    assert [j.request for j in recorded.jobs] == [{'q': 'a'}, {'q': 'b'}, {'q': 'c'}]\n",
    )
    assert example.run().counts == {"recorded": 3}
    assert example.run("--record-mode=none").counts == {"replayed": 3}


def test_a_wrapped_function_passes_through_in_other_tests(example):
    example.write(
        test_a=HEAD + '@pytest.mark.recorded("world.ask")\ndef test_x(): world.ask("a")\n'
        '@pytest.mark.recorded\ndef test_y(): world.ask("b")\n'
        'def test_z(): world.ask("c")\n'
    )
    assert example.run().counts == {"recorded": 1}
    assert example.run("--record-mode=none").counts == {"replayed": 1}
    assert example.calls == ["a", "b", "c", "b", "c"]


def test_http_inside_a_recorded_function_is_not_recorded_again(example):
    example.write(
        inner="import pytest_recorded, world\n"
        "@pytest_recorded.recorder(kind='within')\ndef inner(q): return world.ask(q)\n"
        "@pytest_recorded.recorder(kind='around')\ndef outer(q): return inner(q)\n",
        test_a=HEAD + 'import inner\n@pytest.mark.recorded\ndef test_x(): inner.outer("a")\n',
    )
    assert example.run().counts == {"recorded": 1}
    assert example.rows("kind") == [("around",)]


@pytest.mark.parametrize("scope", ["--record-scope=suite", "ini", "marker"])
def test_in_suite_scope_the_same_request_is_one_row_of_all_tests(example, scope):
    marker = '"world.ask", scope="suite"' if scope == "marker" else '"world.ask"'
    if scope == "ini":
        example.pytester.makeini("[pytest]\npythonpath = .\nrecord_scope = suite\n")
    args = (scope,) if scope.startswith("--") else ()
    example.write(
        test_a=HEAD + f"@pytest.mark.recorded({marker})\ndef test_x(): world.ask('a'); world.ask('a')\n"
        f"@pytest.mark.recorded({marker})\ndef test_y(): world.ask('a')\n"
    )
    assert example.run(*args).counts == {"recorded": 1, "replayed": 2}
    assert example.calls == ["a"]
    assert example.rows("scope, seq") == [("", 0)]
    before = example.cassette.read_bytes()
    assert example.run(*args).counts == {"replayed": 3}
    assert example.cassette.read_bytes() == before


def test_in_suite_scope_once_refuses_a_new_call_of_a_test_that_has_recordings(example):
    test = HEAD + '@pytest.mark.recorded("world.ask", scope="suite")\ndef test_x():\n    world.ask("a")\n'
    example.write(test_a=test)
    example.run()
    result = example.write(test_a=test + '    world.ask("b")\n').run()
    assert result.counts == {"replayed": 1, "missed": 1}


def test_in_suite_scope_a_recording_that_its_test_no_longer_asks_for_is_unused(example):
    test = HEAD + '@pytest.mark.recorded("world.ask", scope="suite")\ndef test_x():\n    world.ask("a")\n'
    example.write(test_a=test + '    world.ask("b")\n')
    example.run()
    assert example.write(test_a=test).run().counts == {"replayed": 1, "unused": 1}


def test_a_named_key_inside_a_cassette_is_a_miss_when_its_request_has_changed(example):
    test = HEAD + (
        "import pytest_recorded\nask = pytest_recorded.recorder(kind='ask')(world.ask)\n"
        "@pytest.mark.recorded\ndef test_x(): ask('a', key='k')\n"
    )
    example.write(test_a=test)
    assert example.run().counts == {"recorded": 1}
    result = example.write(test_a=test.replace("'a'", "'b'")).run()
    assert result.counts == {"missed": 1}
    assert "request changed: the key 'k' is recorded with another request" in result.output
    assert "--record-mode=rewrite" in result.output


def test_a_test_keeps_its_recordings_from_wherever_pytest_is_started(example):
    folder = example.folder / "pkg"
    (folder / "tests").mkdir(parents=True)
    (folder / "tests" / "test_a.py").write_text(
        HEAD + '@pytest.mark.recorded("world.ask")\ndef test_x(): world.ask("a")'
    )
    example.pytester.makeini("[pytest]\npythonpath = .\nrecord_cassette = pkg/cassettes/jobs.db\n")
    assert example.run("pkg").counts == {"recorded": 1}
    (folder / "pytest.ini").write_text("[pytest]\npythonpath = ..\n")
    example.pytester.chdir()
    result = example.spawn("--rootdir=pkg", "-c", "pkg/pytest.ini", "pkg", "--record-mode=none")
    assert result.counts == {"replayed": 1}
