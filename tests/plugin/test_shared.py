"""What tests share: suite-wide recordings and fixtures, whichever test comes first."""

import subprocess
import sys

import pytest

HEAD = "import pytest, world\n"
SUITE = '@pytest.mark.recorded("world.CALL", scope="suite")\n'


@pytest.mark.parametrize("mode", ["all", "rewrite"])
def test_a_call_of_the_suite_is_replaced_once_in_a_session(example, mode):
    example.write(
        test_a=HEAD + "".join(SUITE.replace("CALL", "ask") + f'def test_{n}(): world.ask("a")\n' for n in "xyz")
    )
    assert example.run().counts == {"recorded": 1, "replayed": 2}
    example.forget_calls()
    again = example.run(f"--record-mode={mode}")
    assert (again.code, again.counts) == (0, {"recorded": 1, "replayed": 2})
    assert example.calls == ["a"]
    assert example.run("--record-mode=none").counts == {"replayed": 3}


def test_a_failure_of_the_suite_is_tried_again_by_each_test_that_resumes_it(example):
    body = '    with pytest.raises(ValueError): world.fail("a")\n'
    example.write(test_a=HEAD + "".join(SUITE.replace("CALL", "fail") + f"def test_{n}():\n{body}" for n in "xy"))
    example.run()
    assert example.run("--record-mode=resume").outcomes == {"passed": 2}
    assert example.run("--record-mode=none").outcomes == {"passed": 2}


TOKEN = '@pytest.fixture(scope="session")\ndef token(): return world.ask("token")["answer"]\n'
ASK = 'import pytest_recorded\n@pytest.mark.recorded("world.ask"{})\ndef test_{}(token): assert token == "TOKEN"\n'


def test_the_options_of_one_test_are_not_those_of_a_fixture_that_others_share(example):
    example.write(test_a=HEAD + TOKEN + ASK.format(', cassette="other.db"', "first") + ASK.format("", "second"))
    example.run()
    assert [row[0] for row in example.rows("scope")] == ["test_a.py@token"]
    assert example.run("--record-mode=none", "-k", "second").outcomes == {"passed": 1, "deselected": 1}


def test_a_test_that_is_off_does_not_turn_a_shared_fixture_off(example):
    example.write(test_a=HEAD + TOKEN + ASK.format(', mode="off"', "first") + ASK.format("", "second"))
    example.run()
    example.forget_calls()
    assert example.run("--record-mode=none").outcomes == {"passed": 2}
    assert example.calls == []


def test_a_wrong_marker_is_the_error_of_its_own_test(example):
    example.write(test_a=HEAD + TOKEN + ASK.format(", mod=1", "first") + ASK.format("", "second"))
    assert example.run().outcomes == {"passed": 1, "error": 1}


def test_a_miss_of_a_shared_fixture_that_an_unmarked_test_has_set_up_fails_the_recorded_one(example):
    example.write(
        test_a=HEAD + '@pytest.fixture(scope="session")\ndef token():\n'
        '    try: return world.ask("token")\n    except BaseException: return None\n'
        "def test_unmarked(token): pass\n"
        '@pytest.mark.recorded("world.ask")\ndef test_marked(token): pass\n'
    )
    result = example.run("--record-mode=none")
    assert (result.code, result.counts) == (1, {"missed": 1})
    assert "test_unmarked" not in result.output.partition("short test summary")[2]


def test_a_key_that_is_used_twice_in_a_test_answers_the_second_call_too(example):
    example.write(
        inner="import pytest_recorded, world\n"
        "@pytest_recorded.recorder(kind='twice')\ndef g(x): return [x, world.ask(str(x))]\n",
        test_a=HEAD + "import inner\n@pytest.mark.recorded\n"
        'def test_x(): assert inner.g(1, key="A") == inner.g(1, key="A")\n',
    )
    assert example.run().counts == {"recorded": 1, "replayed": 1}
    assert example.calls == ["1"]
    assert example.run("--record-mode=none").counts == {"replayed": 2}
    assert example.run("--record-mode=rewrite").counts == {"recorded": 1, "replayed": 1}


def test_a_key_that_is_used_for_another_request_is_a_miss_when_it_is_recorded_too(example):
    example.write(
        inner="import pytest_recorded\n@pytest_recorded.recorder(kind='once')\ndef g(x): return x\n",
        test_a=HEAD + 'import inner\n@pytest.mark.recorded\ndef test_x(): inner.g(1, key="A"); inner.g(2, key="A")\n',
    )
    result = example.run()
    assert (result.outcomes, result.counts) == ({"failed": 1}, {"recorded": 1, "missed": 1})
    assert "the key 'A' is recorded with another request" in result.output


@pytest.mark.parametrize("scope", ["test", "suite"])
def test_a_verified_test_sees_its_recorded_calls(example, scope):
    example.write(
        test_a=HEAD + f'@pytest.mark.recorded("world.ask", scope="{scope}")\n'
        'def test_x(recorded):\n    world.ask("a")\n    (job,) = recorded.jobs\n'
        '    assert job.response == {"answer": "A"}\n'
    )
    example.run()
    result = example.run("--record-mode=verify")
    assert (result.code, result.counts) == (0, {"unchanged": 1})


@pytest.mark.parametrize("written", ["rewrite", "once", "all"])
@pytest.mark.parametrize("typed", ["--recorded-mode=none", "--record-mode=none"])
def test_a_mode_that_is_typed_wins_over_one_that_is_written_down(example, written, typed):
    example.pytester.makeini(f"[pytest]\npythonpath = .\naddopts = --record-mode={written}\n")
    example.write(test_a=HEAD + '@pytest.mark.recorded("world.ask")\ndef test_x(): world.ask("a")\n')
    result = example.spawn(typed, CI="1")
    assert "recorded: mode none" in result.output
    assert result.counts == {"missed": 1}
    assert example.calls == []


def test_pytest_starts_without_any_argument(example):
    example.write(test_a=HEAD + '@pytest.mark.recorded("world.ask")\ndef test_x(): world.ask("a")\n')
    done = subprocess.run(
        [sys.executable, "-m", "pytest"],
        cwd=example.folder,
        env=example.environment() | {"PYTEST_PLUGINS": "pytest_recorded.plugin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "1 recorded" in done.stdout) == (0, True), done.stdout + done.stderr


def test_the_miss_of_a_shared_fixture_is_what_each_test_says_that_uses_it(example):
    example.write(
        test_a='import pytest, world\npytestmark = pytest.mark.recorded("world.ask")\n'
        '@pytest.fixture(scope="module")\ndef shared(): return world.ask("p")\n'
        "def test_x(shared): pass\ndef test_y(shared): pass\n"
    )
    result = example.run("--record-mode=none")
    assert (result.outcomes, result.counts) == ({"error": 2}, {"missed": 1})
    assert result.output.count('\nNo recording for world.ask(question="p")') == 2
    assert "AssertionError" not in result.output


def test_the_options_of_a_module_hold_for_its_shared_fixtures_whichever_fixtures_a_test_names_first(example):
    example.write(
        test_a='import pytest, world\npytestmark = pytest.mark.recorded("world.ask")\n'
        '@pytest.fixture(scope="module")\ndef shared(): return world.ask("p")\n'
        '@pytest.fixture(scope="module")\ndef recorded_options(): return {"cassette": "own/jobs.db"}\n'
        'def test_x(shared, recorded): world.ask("q")\n'
    )
    assert example.run().outcomes == {"passed": 1}
    assert [path.parent.name for path in example.folder.rglob("jobs.db")] == ["own"]


def test_a_run_says_that_a_test_shares_what_another_one_has_recorded(example):
    """It is noted in the cassette, in a mode that records: so the file changes though all is replayed."""
    head = 'import pytest, world\npytestmark = pytest.mark.recorded("world.ask", scope="suite")\n'
    one = head + "def test_x(): world.ask('same')\n"
    example.write(test_a=one).run()
    example.write(test_a=one + "def test_y(): world.ask('same')\n")
    before = example.cassette.read_bytes()
    assert example.run("--record-mode=none").counts == {"replayed": 2}
    assert example.cassette.read_bytes() == before
    assert "\n  cassettes/jobs.db: 1 shared\n" in example.run("--record-mode=once").output
    assert example.cassette.read_bytes() != before
    assert "shared" not in example.run("--record-mode=once").output
