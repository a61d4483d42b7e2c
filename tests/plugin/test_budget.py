"""`--record-budget`: a run spends so many live calls, or so many dollars, over all of its processes, and no more."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import sys

import pytest

from pytest_recorded.budget import Purse, Spent
from pytest_recorded.errors import CassetteError
from pytest_recorded.limits import Budget, read_budget
from pytest_recorded.llm import prices
from pytest_recorded.store.counting import CountFile

HEAD = 'import pytest, world\npytestmark = pytest.mark.recorded("world.ask")\n'
FOUR = HEAD + "@pytest.mark.parametrize('n', range(4))\ndef test_x(n): world.ask(str(n))\n"
XDIST = ("xdist.plugin",)
CHANGED = ("question.upper()", "question.upper() + '!'")


def said(result):
    return re.findall(r"^  (budget: \S.*)$", result.output, re.MULTILINE)


@pytest.fixture
def recorded_example(example):
    """Four tests with a recording each."""
    example.write(test_a=FOUR).run()
    example.forget_calls()
    return example


# Calls.


def test_a_run_that_verifies_goes_live_as_often_as_the_budget_allows_and_replays_the_rest(recorded_example):
    result = recorded_example.run("--record-mode=verify", "--record-budget=3calls")
    assert (result.code, result.outcomes) == (0, {"passed": 4})
    assert recorded_example.calls == ["0", "1", "2"]
    assert result.counts == {"replayed": 1, "unchanged": 3}
    assert said(result) == ["budget: 3 of 3 calls, 1 call not verified"]


def test_the_report_says_how_many_calls_were_not_verified_for_want_of_a_budget(recorded_example):
    recorded_example.run("--record-mode=verify", "--record-budget=3calls", "--record-report=report.json")
    report = json.loads((recorded_example.folder / "report.json").read_text())
    assert (report["compared"], report["not_verified"]) == (3, {"over_budget": 1})


def test_a_budget_that_is_not_used_up_changes_nothing_and_says_what_was_used(recorded_example):
    result = recorded_example.run("--record-mode=verify", "--record-budget=10calls")
    assert (result.code, len(recorded_example.calls)) == (0, 4)
    assert said(result) == ["budget: 4 of 10 calls"]


def test_what_was_found_is_not_forgotten_by_a_rerun_that_the_budget_did_not_suffice_for(example):
    example.write(
        test_a=HEAD + "ran = []\ndef test_x():\n    world.ask('a')\n    ran.append(1)\n    assert len(ran) > 1\n"
    )
    reruns = ("--reruns=1", "--record-report=report.json")
    example.run(*reruns, plugins=("rerunfailures",))
    example.write(world=(example.folder / "world.py").read_text().replace(*CHANGED))
    result = example.run("--record-mode=verify", "--record-budget=1calls", *reruns, plugins=("rerunfailures",))
    report = json.loads((example.folder / "report.json").read_text())
    assert (result.code, report["compared"], [call["class"] for call in report["calls"]]) == (1, 1, ["projection"])


@pytest.mark.parametrize("mode", ["once", "new_episodes"])
def test_a_call_beyond_the_budget_that_would_be_recorded_is_refused_with_the_command_that_goes_on(example, mode):
    result = example.write(test_a=FOUR).run(f"--record-mode={mode}", "--record-budget=3calls")
    assert (result.code, result.outcomes) == (1, {"passed": 3, "failed": 1})
    assert result.counts == {"recorded": 3, "missed": 1}
    assert (example.calls, len(example.rows())) == (["0", "1", "2"], 3)
    assert said(result) == ["budget: 3 of 3 calls, 1 call refused"]
    for line in (
        'world.ask(question="3") was not called: the budget of this run is spent.',
        "  test:     test_a.py::test_x[3]",
        f"  cassette: cassettes/jobs.db, mode {mode}",
        "  budget:   3 calls, for all tests and all workers together",
        f"To go on with this test: pytest --record-mode={mode} --record-budget=6calls 'test_a.py::test_x[3]'",
    ):
        assert line in result.output
    # As it says.
    again = example.run(f"--record-mode={mode}", "--record-budget=6calls", "test_a.py::test_x[3]")
    assert (again.outcomes, again.counts) == ({"passed": 1}, {"recorded": 1})


@pytest.mark.parametrize("mode", ["rewrite", "all"])
def test_a_recorded_call_that_is_to_be_replaced_beyond_the_budget_fails_its_test_and_stays(recorded_example, mode):
    world = (recorded_example.folder / "world.py").read_text()
    recorded_example.write(world=world.replace(*CHANGED))
    result = recorded_example.run(f"--record-mode={mode}", "--record-budget=3calls")
    assert (result.code, result.outcomes) == (1, {"passed": 3, "failed": 1})
    answers = [answer for (answer,) in recorded_example.rows("response_json")]
    assert answers == ['{"answer":"0!"}', '{"answer":"1!"}', '{"answer":"2!"}', '{"answer":"3"}']


def test_a_failure_that_is_to_be_tried_again_beyond_the_budget_is_refused(example):
    test = HEAD.replace("ask", "fail") + (
        "@pytest.mark.parametrize('n', range(2))\ndef test_x(n):\n    try: world.fail(str(n))\n"
        "    except ValueError: pass\n"
    )
    example.write(test_a=test).run()
    example.forget_calls()
    result = example.run("--record-mode=resume", "--record-budget=1call")
    assert (result.outcomes, example.calls) == ({"passed": 1, "failed": 1}, ["0"])


def test_a_call_that_was_never_recorded_is_refused_beyond_the_budget_also_where_it_is_only_verified(recorded_example):
    recorded_example.write(test_a=FOUR.replace("world.ask(str(n))", "world.ask(str(n + 1))"))
    result = recorded_example.run("--record-mode=verify", "--record-budget=3calls")
    assert result.outcomes == {"passed": 3, "failed": 1}
    assert "budget of this run is spent" in result.output
    assert recorded_example.calls == ["1", "2", "3"]


def test_no_except_turns_a_refused_call_green(example):
    test = HEAD + "def test_x():\n    try: world.ask('a')\n    except BaseException: pass\n"
    result = example.write(test_a=test).run("--record-budget=0calls")
    assert (result.outcomes, example.calls) == ({"failed": 1}, [])
    assert said(result) == ["budget: 0 of 0 calls, 1 call refused"]


def test_what_is_replayed_costs_nothing(recorded_example):
    for mode in ("once", "none", "new_episodes"):
        result = recorded_example.run(f"--record-mode={mode}", "--record-budget=0calls")
        assert (result.code, result.counts, said(result)) == (0, {"replayed": 4}, [])


@pytest.mark.parametrize("option", ["--record-mode=off", "--record-live=world.*"])
def test_calls_that_are_not_recorded_on_purpose_do_not_count(recorded_example, option):
    result = recorded_example.run(option, "--record-budget=1call")
    assert (result.code, result.counts, said(result)) == (0, {"live": 4}, [])


def test_a_budget_in_the_ini_file_holds_for_every_run(example):
    example.pytester.makeini("[pytest]\npythonpath = .\nrecord_budget = 3 calls\n")
    assert example.write(test_a=FOUR).run().counts == {"recorded": 3, "missed": 1}
    # Each run has its own.
    assert example.run().counts == {"replayed": 3, "recorded": 1}


def test_a_failed_call_counts_too(example):
    test = HEAD.replace("ask", "fail") + (
        "@pytest.mark.parametrize('n', range(3))\ndef test_x(n):\n"
        "    with pytest.raises(ValueError): world.fail(str(n))\n"
    )
    result = example.write(test_a=test).run("--record-budget=2calls")
    assert (result.outcomes, example.calls) == ({"passed": 2, "failed": 1}, ["0", "1"])


def test_a_call_kept_from_a_failed_run_costs_nothing(example):
    example.write(test_a=HEAD + "def test_x():\n    world.ask('a')\n    assert 0\n").run()
    result = example.write(test_a=HEAD + "def test_x():\n    world.ask('a')\n").run("--record-budget=0calls")
    assert (result.code, result.counts) == (0, {"kept": 1})


def test_a_call_whose_key_is_recorded_with_another_request_is_not_replayed_beyond_the_budget(example):
    world = "from pytest_recorded import recorder\n@recorder(kind='budget.named', key=lambda q: 'one')\n"
    world += "def ask(q): return q\n"
    test = "import pytest, world\n@pytest.mark.recorded\ndef test_x(): world.ask('a')\n"
    example.write(world=world, test_a=test).run()
    result = example.write(test_a=test.replace("'a'", "'b'")).run("--record-mode=verify", "--record-budget=0calls")
    assert result.outcomes == {"failed": 1}
    assert "the key 'one' is recorded with another request" in result.output


def test_threads_of_a_test_spend_together(example):
    example.write(
        test_a=HEAD + "from concurrent.futures import ThreadPoolExecutor\n"
        "def test_x():\n"
        "    def one(n):\n"
        "        try: world.ask(str(n))\n"
        "        except BaseException: pass\n"
        "    with ThreadPoolExecutor(8) as pool: list(pool.map(one, range(40)))\n"
    )
    result = example.run("--record-budget=25calls")
    assert (result.counts, len(example.calls)) == ({"recorded": 25, "missed": 15}, 25)


def test_repeated_tests_spend_each_time(recorded_example):
    result = recorded_example.run("--record-mode=verify", "--record-repeat=2", "--record-budget=5calls")
    assert recorded_example.calls == ["0", "0", "1", "1", "2"]
    # Of the third test only the run before the one that counts was live.
    assert result.counts == {"unchanged": 2, "replayed": 2}
    assert said(result) == ["budget: 5 of 5 calls, 2 calls not verified"]


BLOCK = """
from pytest_recorded import recorder, use_cassette
import pytest, world
ask = recorder(kind="budget.block")(world.ask)

@pytest.mark.parametrize("n", range(3))
def test_block(n):
    with use_cassette("cassettes/own.db"):
        ask(str(n))
"""


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_blocks_spend_from_the_same_budget_also_where_no_test_is_recorded(example, workers):
    result = example.write(test_a=BLOCK).spawn("--record-budget=2calls", *workers, plugins=XDIST)
    assert (result.outcomes, len(example.calls)) == ({"passed": 2, "failed": 1}, 2), result.output
    assert said(result) == ["budget: 2 of 2 calls"]
    assert "budget:   2 calls, for all tests and all workers together" in result.output


def test_a_block_and_a_recorded_test_spend_together(example):
    result = example.write(test_a=BLOCK, test_b=FOUR).run("--record-budget=5calls")
    assert (result.outcomes, len(example.calls)) == ({"passed": 5, "failed": 2}, 5)
    assert said(result) == ["budget: 5 of 5 calls, 2 calls refused"]


# Workers.


def test_two_workers_make_exactly_as_many_calls_as_the_budget_has(example):
    tests = {f"test_{n}": FOUR.replace("range(4)", "range(15)") for n in "abcd"}
    example.write(**tests).run()
    example.forget_calls()
    result = example.spawn("-n2", "--record-mode=verify", "--record-budget=31calls", plugins=XDIST)
    assert (result.code, result.outcomes, len(example.calls)) == (0, {"passed": 60}, 31)
    assert said(result) == ["budget: 31 of 31 calls, 29 calls not verified"]
    assert [path for path in example.staged if "budget" in path.name] == []


def test_the_same_call_of_two_workers_is_paid_once(example):
    """Whoever waits for a call that another worker makes has not spent anything."""
    example.write(
        world=(example.folder / "world.py").read_text()
        + "\nimport time\ndef slow(q):\n    called(q)\n    time.sleep(0.4)\n    return q\n",
        **{
            f"test_{n}": 'import pytest, world\n@pytest.mark.recorded("world.slow", scope="suite")\n'
            "def test_x():\n    assert world.slow('same') == 'same'\n    world.slow('own NAME')\n".replace("NAME", n)
            for n in "ab"
        },
    )
    result = example.spawn("-n2", "--dist=loadfile", "--record-budget=3calls", plugins=XDIST)
    assert (result.code, sorted(example.calls)) == (0, ["own a", "own b", "same"])
    assert said(result) == ["budget: 3 of 3 calls"]


RACE = """
import threading, time, pytest, world

@pytest.mark.recorded("world.ask", scope="suite")
def test_x(monkeypatch):
    world.ask("first")
    clock = time.time_ns
    def overtaken():
        # The time is looked at for the first time between the decision to go live and the claim to do so.
        monkeypatch.setattr(time, "time_ns", clock)
        other = threading.Thread(target=world.ask, args=("same",))
        other.start()
        other.join()
        return clock()
    monkeypatch.setattr(time, "time_ns", overtaken)
    world.ask("same")
    world.ask("other")
"""


def test_a_call_that_somebody_else_was_faster_to_make_is_not_paid(example):
    """Both had leave to go live, and only one of them did."""
    result = example.write(test_a=RACE).run("--record-budget=3calls")
    assert (result.code, example.calls) == (0, ["first", "same", "other"]), result.output
    assert said(result) == ["budget: 3 of 3 calls"]


# Dollars.

ANSWER = {
    "object": "chat.completion",
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500},
}
ASKS = """
import os
import httpx, pytest
pytestmark = pytest.mark.recorded

def ask(text, path="/v1/chat/completions", model="gpt-4o-mini"):
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    return httpx.post(os.environ["WORLD_URL"] + path, json=body, timeout=20).json()

@pytest.mark.parametrize("n", range(4))
def test_x(n): ask(str(n))
"""


@pytest.fixture(scope="module")
def models(serve):
    def answers(path, body):
        asked = json.loads(body)
        return 200, "application/json", json.dumps(ANSWER | {"model": asked["model"]}).encode()

    return serve(answers)


@pytest.fixture
def project(example, models, monkeypatch):
    """A project whose tests ask a model; each call costs $0.00045."""
    monkeypatch.setenv("WORLD_URL", models)
    return example.write(test_a=ASKS)


def test_no_call_goes_live_any_more_once_the_dollars_are_spent(project):
    result = project.run("--record-budget=0.0009")
    assert (result.outcomes, result.counts) == ({"passed": 2, "failed": 2}, {"recorded": 2, "missed": 2})
    assert said(result) == ["budget: $0.00090 of $0.0009, 2 calls refused"]
    assert "--record-budget=0.0018 'test_a.py::test_x[2]'" in result.output


def test_a_call_may_go_beyond_the_dollars_that_began_before_they_were_spent(project):
    result = project.run("--record-budget=0.001")
    assert result.counts == {"recorded": 3, "missed": 1}
    assert said(result) == ["budget: $0.0014 of $0.001, 1 call refused"]


def test_verifying_with_dollars_replays_what_is_beyond_them(project):
    project.run()
    result = project.run("--record-mode=verify", "--record-budget=$0.0005")
    assert (result.code, result.counts) == (0, {"unchanged": 2, "replayed": 2})
    assert said(result) == ["budget: $0.00090 of $0.0005, 2 calls not verified"]


def test_dollars_are_summed_up_over_workers(project):
    result = project.spawn("-n2", "--record-budget=100", plugins=XDIST, WORLD_URL=os.environ["WORLD_URL"])
    assert (result.code, said(result)) == (0, ["budget: $0.0018 of $100.00"])


def test_calls_without_a_known_price_do_not_count_and_are_told_once(project):
    project.write(test_a=ASKS.replace("ask(str(n))", "ask(str(n), path='/messages-of-mine')"))
    result = project.run("--record-budget=0.0001")
    assert (result.code, result.counts) == (0, {"recorded": 4})
    assert said(result) == ["budget: $0.00 of $0.0001, 4 calls without a known price not counted"]
    assert "pip install" not in result.output


def test_where_the_prices_are_missing_it_says_how_they_are_got(project, monkeypatch):
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    prices._library.cache_clear()
    try:
        result = project.run("--record-budget=0.0001")
    finally:
        prices._library.cache_clear()
    assert said(result) == ["budget: $0.00 of $0.0001, 4 calls without a known price not counted"]
    assert result.output.count("prices of language models come with: pip install 'pytest-recorded[llm]'") == 1


# Where it is counted.


def test_a_counter_that_is_damaged_stops_live_calls_with_the_reason(example):
    """Nobody knows any more what was spent."""
    damage = (
        "from pathlib import Path\n"
        "def test_first(): world.ask('a')\n"
        "def test_second():\n"
        "    (path,) = Path('cassettes/.staging').glob('*budget.db')\n"
        "    import sqlite3\n"
        "    connection = sqlite3.connect(path, isolation_level=None)\n"
        "    connection.execute('DROP TABLE meta')\n"
        "    connection.close()\n"
        "    world.ask('b')\n"
    )
    result = example.write(test_a=HEAD + damage).run("--record-budget=5calls")
    assert (result.outcomes, example.calls) == ({"passed": 1, "failed": 1}, ["a"])
    assert "was not called: the budget of this run cannot be counted." in result.output
    assert [path for path in example.staged if "budget" in path.name] == []


def test_without_a_budget_nothing_is_counted_anywhere(example):
    example.write(
        test_a=HEAD + "import sys\ndef test_x(request):\n    world.ask('a')\n"
        "    assert 'pytest_recorded.budget' not in sys.modules\n"
    )
    assert example.spawn().outcomes == {"passed": 1}


def test_a_purse_is_shared_by_whoever_opens_it_and_gone_when_it_is_closed(tmp_path):
    one, other = (Purse(Budget(3, None), tmp_path / "jobs.db", "session") for _ in range(2))
    assert [one.take(), other.take(), one.take(), other.take(), one.take()] == [True, True, True, False, False]
    other.give_back()
    assert (one.take(), other.take()) == (True, False)
    assert one.close() == Spent(calls=3)
    assert one.close() == Spent()
    assert list((tmp_path / ".staging").glob("*.db*")) == []


def test_the_largest_budget_can_be_counted(tmp_path):
    purse = Purse(read_budget("999999999.999999999", where="x"), tmp_path / "jobs.db", "session")
    assert purse.take()


def test_a_number_that_is_not_there_is_zero_and_a_limit_of_zero_is_reached(tmp_path):
    counts = CountFile(tmp_path / "counts.db")
    assert counts.number("a") == 0
    assert not counts.add_below("a", 1, 0)
    assert counts.add_below("a", 5, 1)
    assert not counts.add_below("a", 1, 5)
    counts.add("a", -2)
    assert counts.number("a") == 3
    counts.close()


def test_a_number_is_a_text_as_all_facts_about_a_file_are(tmp_path):
    counts = CountFile(tmp_path / "counts.db")
    counts.add("a", 1)
    counts.add("a", 1)
    counts.close()
    connection = sqlite3.connect(tmp_path / "counts.db")
    assert connection.execute("SELECT value, typeof(value) FROM meta WHERE key = 'a'").fetchall() == [("2", "text")]
    connection.close()


def test_a_purse_that_cannot_be_opened_says_which_file(tmp_path):
    purse = Purse(Budget(3, None), tmp_path / "jobs.db", "session")
    path = tmp_path / ".staging" / "jobs.db-session-budget.db"
    path.parent.mkdir()
    path.write_text("no database at all, but long enough to be one" * 9)
    with pytest.raises(CassetteError, match=re.escape(str(path))):
        purse.take()


@pytest.mark.parametrize(
    ("text", "shown", "doubled"),
    [("200calls", "200 calls", "400calls"), ("1call", "1 call", "2calls"), ("2.5", "$2.50", "5"),
     ("0.0009", "$0.0009", "0.0018"), ("0", "$0.00", "1"), ("0calls", "0 calls", "1calls"),
     ("1000", "$1,000.00", "2000")],
)  # fmt: skip
def test_a_budget_is_said_and_doubled_in_its_own_unit(text, shown, doubled):
    budget = read_budget(text, where="x")
    assert (str(budget), budget.doubled) == (shown, doubled)
    assert read_budget(budget.doubled, where="x") != budget
