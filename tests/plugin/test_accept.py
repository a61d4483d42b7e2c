"""Answers that were verified become the recorded ones, without a call; a row is taken as a whole or stays."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time

import pytest

from pytest_recorded import open_jobs, recorder, use_cassette
from pytest_recorded.changes.accepting import Accepted, accept, last_verified
from pytest_recorded.changes.model import Call, ChangeClass, Report

TEST = """
import pytest, world
from pydantic import BaseModel

class Answer(BaseModel):
    value: int
    note: str = ""

@pytest.mark.recorded("world.get", data=Answer{more})
@pytest.mark.parametrize("n", {numbers})
def test_get(n):
    assert isinstance(world.get(n), dict)
"""
WORLD = """
import json
from pathlib import Path

HERE = Path(__file__).parent

def get(n):
    with (HERE / "calls.log").open("a") as log:
        log.write(f"{n}\\n")
    return json.loads((HERE / "world.json").read_text())[str(n)]
"""


class Shop:
    """A suite of tests that each make one call, and what that is answered."""

    def __init__(self, example):
        self.example = example
        example.write(world=WORLD)

    def answer(self, *values):
        said = {n: value if isinstance(value, dict) else {"value": value} for n, value in enumerate(values)}
        (self.example.folder / "world.json").write_text(json.dumps(said))
        return self

    def tests(self, numbers="range(3)", more=""):
        self.example.write(test_a=TEST.format(numbers=numbers, more=more))
        return self

    def verify(self, *args):
        self.example.run("--record-mode=verify", "--record-report=report.json", *args)
        self.example.forget_calls()
        return Report.model_validate_json((self.example.folder / "report.json").read_bytes())

    @property
    def values(self):
        return [json.loads(row[0]).get("value") for row in self.example.rows("response_json")]


@pytest.fixture
def shop(example):
    made = Shop(example).answer(1, 2, 3).tests()
    assert example.run().counts == {"recorded": 3}
    assert sorted(made.values) == [1, 2, 3]
    return made


def test_all_that_was_found_is_accepted_without_calling_again(shop):
    shop.answer(10, 2, 30).verify()
    result = shop.example.run("--record-accept=all")
    assert (result.code, shop.example.calls, sorted(shop.values)) == (0, [], [2, 10, 30])
    assert "cassettes/jobs.db: 2 accepted" in result.output
    assert shop.example.run("--record-mode=none").counts == {"replayed": 3}
    assert shop.verify().calls == ()


def test_a_group_is_accepted_by_its_fingerprint_and_others_stay(shop):
    report = shop.answer(10, {"value": 2, "note": "a"}, {"value": "3"}).verify()
    by_class = {str(group.change_class): group.fingerprint for group in report.groups}
    result = shop.example.run(f"--record-accept={by_class['projection']}", "--record-mode=none")
    assert "accepted" in result.output
    assert sorted(map(str, shop.values)) == ["10", "2", "3"]
    assert [type(value) for value in sorted(shop.values, key=str)] == [int, int, int]


def test_accepting_while_verifying_takes_what_this_run_has_found(shop):
    report = shop.answer(10, 2, 3).verify()
    result = shop.example.run("--record-mode=verify", f"--record-accept={report.groups[0].fingerprint}")
    assert (result.code, sorted(shop.values)) == (0, [2, 3, 10])
    assert "1 accepted" in result.output


@pytest.mark.parametrize("mode", ["once", "verify"])
def test_what_a_run_has_found_is_accepted_in_all_cassettes_of_its_tests(shop, mode):
    shop.tests("[0]").example.write(test_b=TEST.format(numbers="[1, 2]", more=", cassette='cassettes/other.db'"))
    shop.example.run("--record-mode=rewrite")
    shop.answer(10, 20, 30).verify()
    result = shop.example.run("--record-accept=all", f"--record-mode={mode}")
    assert (result.code, "jobs.db: 1 accepted" in result.output, "other.db: 2 accepted" in result.output) == (0, 1, 1)
    assert shop.example.run("--record-mode=none").counts == {"replayed": 3}
    assert shop.verify().calls == ()


def test_who_verifies_accepts_nothing_of_what_an_earlier_run_has_found(shop):
    report = shop.answer(10, 2, 3).verify()
    shop.answer(1, 2, 3)
    for fingerprint, said in (("all", ""), (report.groups[0].fingerprint, "this run has no group")):
        result = shop.example.run("--record-mode=verify", f"--record-accept={fingerprint}", "-k", "nothing")
        assert (said in result.output, "1 accepted" in result.output, sorted(shop.values)) == (True, False, [1, 2, 3])


@pytest.mark.parametrize("mode", ["rewrite", "all"])
def test_who_records_all_again_has_nothing_to_accept(shop, mode):
    result = shop.example.run(f"--record-mode={mode}", "--record-accept=all")
    assert (result.code, sorted(shop.example.calls)) == (pytest.ExitCode.USAGE_ERROR, ["0", "1", "2"])
    assert f"--record-accept is of no use in mode {mode}" in result.output


def test_an_answer_that_has_changed_worse_as_well_stays(shop):
    report = shop.answer({"value": 1, "extra": 5}, {"value": "x", "extra": 5}, 3).verify()
    (shape,) = [group.fingerprint for group in report.groups if str(group.change_class) == "shape"]
    result = shop.example.run(f"--record-accept={shape}", "--record-mode=none")
    assert "1 accepted, 1 refused" in result.output
    assert "it has changed worse as well" in result.output
    assert [json.loads(row[0]).get("extra") for row in shop.example.rows("response_json")].count(5) == 1


def test_a_row_that_was_recorded_again_since_is_not_overwritten(shop):
    shop.answer(10, 2, 3).verify()
    shop.answer(100, 2, 3)
    shop.example.run("--record-mode=rewrite")
    result = shop.example.run("--record-accept=all", "--record-mode=none")
    assert ("1 refused" in result.output, "it was recorded again since; verify again" in result.output) == (True, True)
    assert sorted(shop.values) == [2, 3, 100]


def test_what_was_accepted_is_not_accepted_again(shop):
    shop.answer(10, 2, 3).verify()
    shop.example.run("--record-accept=all")
    before = shop.example.cassette.read_bytes()
    assert "0 accepted, 1 already" in shop.example.run("--record-accept=all").output
    assert shop.example.cassette.read_bytes() == before


def test_a_call_that_has_failed_cannot_be_accepted(shop):
    (shop.example.folder / "world.json").write_text("{}")
    shop.verify()
    result = shop.example.run("--record-accept=all", "--record-mode=none")
    assert "0 accepted, 3 refused" in result.output
    assert sorted(shop.values) == [1, 2, 3]


def test_calls_of_new_tests_come_in(shop):
    shop.answer(1, 2, 3, 4).tests("[0, 1, 3]").verify()
    result = shop.example.run("--record-accept=all", "--record-mode=none")
    assert (result.outcomes, sorted(shop.values)) == ({"passed": 3}, [1, 2, 3, 4])


def test_a_call_that_its_test_no_longer_makes_goes(example):
    text = 'import pytest, world\n@pytest.mark.recorded("world.ask")\ndef test_x():\n    world.ask("one")\n'
    example.write(test_a=text + '    world.ask("two")\n')
    example.run()
    example.write(test_a=text)
    example.run("--record-mode=verify")
    assert "1 accepted" in example.run("--record-accept=all", "--record-mode=none").output
    assert [row[3] for row in example.rows()] == ['{"answer":"ONE"}']
    assert "0 accepted, 1 already\n" in example.run("--record-accept=all", "--record-mode=none").output


def test_another_request_takes_the_place_of_the_recorded_one(example):
    text = 'import pytest, world\n@pytest.mark.recorded("world.ask")\ndef test_x():\n    world.ask("one")\n'
    example.write(test_a=text)
    example.run()
    example.write(test_a=text.replace("one", "two"))
    example.run("--record-mode=verify")
    example.forget_calls()
    result = example.run("--record-accept=all", "--record-mode=none")
    assert (result.outcomes, example.calls, [row[3] for row in example.rows()]) == (
        {"passed": 1},
        [],
        ['{"answer":"TWO"}'],
    )


TALK = """
import pytest, world

@pytest.mark.recorded("world.say", verify_serve="live")
def test_a_talk():
    first = world.say("Good morning.")
    world.say(f"{first} And now?")
"""


def said(word):
    return f"def say(to):\n    return f'{word} is my answer to {{len(to)}} letters.'\n"


@pytest.fixture
def talk(example):
    """A conversation whose first answer has changed, and with it its second request."""
    example.write(world=said("Yes"), test_a=TALK)
    assert example.run().counts == {"recorded": 2}
    example.write(world=said("Not this"))
    example.run("--record-mode=verify", "--record-report=report.json")
    report = Report.model_validate_json((example.folder / "report.json").read_bytes())
    assert [str(call.change_class) for call in report.calls] == ["request", "text"]
    assert report.calls[0].chain == report.calls[1].id
    return example, [call.changes[0].fingerprint for call in report.calls]


@pytest.mark.parametrize("which", [0, 1])
def test_a_chain_is_accepted_as_one_by_whichever_fingerprint(talk, which):
    """Its later request has been made of its first answer: with one of them alone the test would miss."""
    example, fingerprints = talk
    result = example.run(f"--record-accept={fingerprints[which]}", "--record-mode=none")
    assert "2 accepted" in result.output
    assert (result.code, result.counts) == (0, {"replayed": 2})
    assert len(example.rows()) == 2


def test_a_conversation_that_was_accepted_is_not_accepted_again(talk):
    example, fingerprints = talk
    example.run("--record-accept=all", "--record-mode=none")
    before = example.cassette.read_bytes()
    for fingerprint in fingerprints:
        assert "0 accepted, 2 already\n" in example.run(f"--record-accept={fingerprint}", "--record-mode=none").output
    assert example.cassette.read_bytes() == before


def test_nothing_of_a_chain_is_accepted_if_its_first_answer_is_not(talk):
    example, fingerprints = talk
    with contextlib.closing(sqlite3.connect(example.cassette)) as cassette, cassette:
        changed = cassette.execute("UPDATE jobs SET info_json = '{}' WHERE request_json LIKE '%\"Good morning.\"%'")
        assert changed.rowcount == 1
    before = example.cassette.read_bytes()
    result = example.run(f"--record-accept={fingerprints[0]}", "--record-mode=none")
    assert "0 accepted, 2 refused" in result.output
    assert "it was recorded again since" in result.output
    assert "it follows from the new answer of a call that stays as it is" in result.output
    assert example.cassette.read_bytes() == before


@pytest.mark.parametrize("wrong", ["000000000000", "ALLES"])
def test_a_group_that_nobody_has_found_is_a_usage_error_that_lists_those_there_are(shop, wrong):
    report = shop.answer(10, 2, 3).verify()
    result = shop.example.run(f"--record-accept={wrong}")
    assert result.code == pytest.ExitCode.USAGE_ERROR
    assert f"has no group {wrong.lower()}" in result.output
    assert report.groups[0].fingerprint in result.output


def test_accepting_before_anything_was_verified_says_what_to_do(shop):
    result = shop.example.run("--record-accept=all")
    assert result.code == pytest.ExitCode.USAGE_ERROR
    assert "pytest --record-mode=verify" in result.output


def test_only_what_the_last_verification_has_found_is_there(shop):
    shop.answer(10, 2, 3).verify()
    shop.answer(1, 20, 3).verify()
    assert len(shop.example.staged) == 1
    shop.example.run("--record-accept=all")
    assert sorted(shop.values) == [1, 3, 20]


def test_verifying_some_tests_forgets_what_was_found_in_others(shop):
    shop.answer(10, 20, 3).verify()
    shop.verify("-k", "1")
    shop.example.run("--record-accept=all")
    assert sorted(shop.values) == [1, 3, 20]


def test_calls_that_tests_share_are_accepted_for_all_of_them(shop):
    example = shop.example
    example.write(
        test_a='import pytest, world\npytestmark = pytest.mark.recorded("world.get", scope="suite")\n'
        "def test_one():\n    world.get(0)\ndef test_two():\n    world.get(0)\n"
    )
    example.run("--record-mode=new_episodes")
    report = shop.answer(7, 2, 3).verify()
    assert [call.tests for call in report.calls] == [("test_a.py::test_one", "test_a.py::test_two")]
    result = example.run("--record-accept=all", "--record-mode=none")
    assert (result.outcomes, 7 in shop.values) == ({"passed": 2}, True)


def test_a_block_that_was_verified_is_accepted_from_the_command_line(example):
    example.write(
        test_a="import world\nfrom pytest_recorded import recorder, use_cassette\n"
        "ask = recorder(world.ask, kind='accepted.ask')\n"
        "def test_x():\n    with use_cassette(scope='x'):\n        ask('a')\n"
    )
    example.run()
    world = (example.folder / "world.py").read_text()
    example.write(world=world.replace("question.upper()", "question.upper() + '!'"))
    result = example.run("--record-mode=verify", "-Wdefault")
    assert "1 changed" in result.output
    example.run("--record-accept=all", "--record-mode=none")
    assert [row[3] for row in example.rows()] == ['{"answer":"A!"}']


@pytest.mark.parametrize("scope", ["test", "suite"])
def test_a_block_without_a_name_is_accepted(tmp_path, monkeypatch, verifying, scope):
    """A program has one: no test is named then, and none is missing."""
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    path, said = tmp_path / "jobs.db", ["old"]
    ask = recorder(lambda: said[0], kind=f"accepted.block.{scope}")
    with use_cassette(path, scope=scope):
        ask()
    said[0] = "new"
    with verifying(use_cassette(path, scope=scope, mode="verify")):
        assert ask() == "old"
    accepted = accept({path: last_verified(path)}, ["all"])[path]
    assert ([call.tests for call in accepted.taken], accepted.refused) == ([()], [])
    with use_cassette(path, scope=scope, mode="none"):
        assert ask() == "new"
    with open_jobs(path) as jobs:
        assert [(job.scope, job.response) for job in jobs.query()] == [("", "new")]


def test_what_stays_of_a_block_without_a_name_is_told_without_one():
    call = Call(id="1", kind="shop.x", request="shop.x()", tests=(), change_class=ChangeClass.ERROR, changes=())
    assert [*Accepted([], [(call, "why")], 0).lines()] == ["0 accepted, 1 refused", "  shop.x() stays as it is: why"]


def test_what_was_verified_two_weeks_ago_is_gone(shop):
    shop.answer(10, 2, 3).verify()
    (staged,) = shop.example.staged
    then = time.time() - 15 * 24 * 3600
    os.utime(staged, (then, then))
    assert shop.example.run("--record-accept=all").code == pytest.ExitCode.USAGE_ERROR
    shop.example.run("--record-mode=new_episodes")
    assert shop.example.staged == []


def test_a_run_that_was_killed_while_it_verified_leaves_what_it_had_found(shop):
    example = shop.answer(10, 20, 30).example
    world = (example.folder / "world.py").read_text()
    example.write(world=world + "_get = get\ndef get(n):\n    if n == 2: os._exit(9)\n    return _get(n)\nimport os\n")
    assert example.spawn("--record-mode=verify").code == 9
    example.write(world=world)
    assert "2 accepted" in example.run("--record-accept=all", "--record-mode=none").output
    assert sorted(shop.values) == [3, 10, 20]


def test_a_read_only_folder_is_verified(shop, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    folder = shop.answer(10, 2, 3).example.cassette.parent
    before = sorted(path.name for path in folder.iterdir())
    real = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode, **more: not str(path).startswith(str(folder)) and real(path, mode, **more)
    )
    result = shop.example.run("--record-mode=verify")
    assert (result.code, result.counts) == (1, {"unchanged": 2, "changed": 1})
    assert [path.name for path in folder.iterdir() if not path.name.startswith(".")] == [
        name for name in before if not name.startswith(".")
    ]


def test_an_error_of_http_is_accepted_by_the_name_of_its_group_only(example, serve):
    status = [200]
    url = serve(lambda _path, _body: (status[0], "text/plain", b"answer"))
    example.write(
        test_a="import pytest, urllib.request, urllib.error\n@pytest.mark.recorded\ndef test_x():\n"
        f"    try: urllib.request.urlopen('{url}').read()\n    except urllib.error.HTTPError as error: error.close()\n"
    )
    example.run()
    status[0] = 500
    example.run("--record-mode=verify", "--record-report=report.json")
    report = Report.model_validate_json((example.folder / "report.json").read_bytes())
    assert "its live answer is an error of HTTP" in example.run("--record-accept=all", "--record-mode=none").output
    assert '"status":200' in example.rows()[0][3]
    example.run(f"--record-accept={report.groups[0].fingerprint}", "--record-mode=none")
    assert '"status":500' in example.rows()[0][3]
