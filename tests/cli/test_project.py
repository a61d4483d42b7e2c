"""The command project: where a model has changed, what is recorded has the data that it would have; nothing is lost."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections import Counter
from contextlib import closing

import pytest

from pytest_recorded.job import Chunk, job_id
from pytest_recorded.reprojection import Outdated, put_right
from pytest_recorded.store.build import Changes, build
from pytest_recorded.store.sqlite import CassetteFile

SHOP = """
from pytest_recorded import attach, recorder
import models

def order(item):
    return {"id": 7, "total": 2.5, "note": item}

def tell(item):
    return {"id": 8, "total": 1, "note": item}

@recorder(kind="shop.rate", data=models.Rated)
def rate(item):
    attach("score", len(item))
    return {"id": 9, "note": item}

@recorder(kind="shop.block")
def block(item):
    return {"id": 10, "total": 3, "note": item}

@recorder(kind="shop.globbed")
def globbed(item):
    return {"id": 8, "total": 1, "note": item}
"""

MODELS = """
import pydantic

class Order(pydantic.BaseModel):
    id: int
    {order}

class Rated(pydantic.BaseModel):
    id: int
    score: int = 0
    {rated}
"""

SUITE = """
import models, pytest, shop
from pytest_recorded import use_cassette

pytestmark = pytest.mark.recorded("shop.order", data=models.Order)
FAIL = {fail}

@pytest.fixture(scope="module")
def client():
    shop.order("client")

def test_passes(client):
    shop.order("a")
    shop.order("b")

def test_fails():
    shop.order("c")
    assert not FAIL

def test_attaches():
    shop.rate("four")

@pytest.mark.recorded("shop.tell", data=models.Order, scope="suite")
class TestShared:
    def test_one(self): shop.tell("both")
    def test_two(self): shop.tell("both")

def test_with_a_block_of_its_own():
    with use_cassette("cassettes/jobs.db", scope="orders", data={{"shop.block": models.Order}}):
        shop.block("d")

@pytest.mark.recorded("shop.tell", data=models.Rated)
def test_of_another_model():
    shop.tell("e")

@pytest.mark.recorded(data={{"shop.g*": models.Order}})
def test_of_a_glob():
    shop.globbed("f")
"""

BEFORE = {
    ("test_suite.py@client", "client"): {"id": 7, "total": 2.5},
    ("test_suite.py::test_passes", "a"): {"id": 7, "total": 2.5},
    ("test_suite.py::test_passes", "b"): {"id": 7, "total": 2.5},
    ("test_suite.py::test_fails", "c"): {"id": 7, "total": 2.5},
    ("test_suite.py::test_attaches", "four"): {"id": 9, "score": 4},
    ("", "both"): {"id": 8, "total": 1.0},
    ("orders", "d"): {"id": 10, "total": 3.0},
    ("test_suite.py::test_of_another_model", "e"): {"id": 8, "score": 0},
    ("test_suite.py::test_of_a_glob", "f"): {"id": 8, "total": 1.0},
}
# What it is with another field of `Order` and of `Rated`. The test that fails is not judged.
AFTER = {
    place: data if place[1] == "c" else {name: value for name, value in data.items() if name != "total"} | {
        "note": place[1]
    }
    for place, data in BEFORE.items()
}  # fmt: skip


def data_of(cassette):
    with closing(sqlite3.connect(f"{cassette.as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT scope, json_extract(request_json, '$.item'), data_json FROM jobs").fetchall()
    return {(scope, item): data and json.loads(data) for scope, item, data in rows}


def change(cassette, statement, *values):
    """Change a cassette as somebody might whose program is another one."""
    with closing(sqlite3.connect(cassette)) as connection, connection:
        connection.execute(statement, values)


def write(project, *, order="total: float", rated="", fail=False):
    return project.write(shop=SHOP, models=MODELS.format(order=order, rated=rated), test_suite=SUITE.format(fail=fail))


_recorded = []


@pytest.fixture
def suite(project, tmp_path_factory):
    """A suite that is recorded, once for all tests of this file."""
    write(project)
    if not _recorded:
        project.pytest()
        kept = tmp_path_factory.mktemp("recorded") / "jobs.db"
        shutil.copy(project.cassette, kept)
        _recorded.append(kept)
    project.cassette.parent.mkdir(exist_ok=True)
    shutil.copy(_recorded[0], project.cassette)
    assert data_of(project.cassette) == BEFORE
    return project


def test_where_all_is_as_it_would_be_recorded_now_not_a_byte_is_written(suite, cli):
    before = suite.cassette.read_bytes()
    done = cli("project", "--yes")
    assert (done.code, done.out) == (0, "None of 9 recordings outdated.\n")
    assert suite.cassette.read_bytes() == before


@pytest.mark.parametrize("workers", [(), ("--", "-p", "xdist", "-n2")], ids=["alone", "workers"])
def test_what_tests_that_passed_have_recorded_gets_the_data_of_the_models_that_are_in_force(suite, cli, workers):
    """What fixtures, blocks and several tests share, too, and with workers as without; without --yes it is only said.

    What was attached stays. Nothing is called again, and what is written is found by all tests.
    """
    write(suite, order="note: str", rated="note: str", fail=True)
    before = suite.cassette.read_bytes()
    dry = cli("project", "--json", *workers)
    assert (dry.code, dry.err) == (2, "")
    assert suite.cassette.read_bytes() == before
    assert Counter((one["test"], one["kind"], one["model"]) for one in dry.json["outdated"]) == {
        (None, "shop.tell", "Order"): 1,
        ("orders", "shop.block", "Order"): 1,
        ("test_suite.py::test_attaches", "shop.rate", "Rated"): 1,
        ("test_suite.py::test_of_another_model", "shop.tell", "Rated"): 1,
        ("test_suite.py::test_of_a_glob", "shop.globbed", "Order"): 1,
        ("test_suite.py::test_passes", "shop.order", "Order"): 2,
        ("test_suite.py@client", "shop.order", "Order"): 1,
    }
    assert {tuple(one["paths"]) for one in dry.json["outdated"]} == {("$.total", "$.note"), ("$.note",)}
    assert (dry.json["failed"], dry.json["misfits"]) == (["test_suite.py::test_fails"], [])
    assert (dry.json["judged"], dry.json["calls"], dry.json["written"]) == (8, 9, 0)
    done = cli("project", "--yes", "--json", *workers)
    assert (done.code, done.json["written"], data_of(suite.cassette)) == (2, 8, AFTER)
    again = cli("project", *workers, *(() if workers else ("--",)), "--deselect=test_suite.py::test_fails")
    assert (again.code, again.out.splitlines()[-1]) == (0, "None of 8 recordings outdated; 1 not judged.")
    write(suite, order="note: str", rated="note: str")
    suite.pytest("--recorded-mode=none")


@pytest.mark.parametrize("whose", ["test", "suite"])
def test_what_a_model_reads_of_the_call_itself_is_the_same_later(project, cli, whose):
    models = """
import pydantic

class Timed(pydantic.BaseModel):
    whose: str
    ended: str
    took: float

    @classmethod
    def from_job(cls, job):
        return cls(whose=job.scope, ended=job.completed_at, took=job.duration_ms)
"""
    test = """
import models, pytest, world
@pytest.mark.recorded("world.ask", data=models.Timed, scope="WHOSE")
def test_x(): world.ask("x")
"""
    project.write(models=models, test_x=test.replace("WHOSE", whose)).pytest()
    assert cli("project").out == "None of 1 recording outdated.\n"
    assert stored(project.cassette)[0][0]["whose"] == ("test_x.py::test_x" if whose == "test" else "")


def test_it_says_for_people_what_differs_by_test_kind_and_model(suite, cli):
    write(suite, order="note: str")
    done = cli("project", "test_suite.py::test_passes")
    assert (done.code, done.out) == (
        1,
        "test_suite.py::test_passes\n"
        "  shop.order, Order: 2 recordings with other data, at $.total, $.note\n"
        "test_suite.py@client\n"
        "  shop.order, Order: 1 recording with other data, at $.total, $.note\n"
        "Not all tests were looked for: what the others recorded is not judged.\n"
        "3 of 3 recordings outdated; 6 not judged.\n"
        "Nothing is written without --yes.\n",
    )
    assert cli("project", "test_suite.py::test_passes", "--yes").code == 0
    changed = {place for place, data in data_of(suite.cassette).items() if data != BEFORE[place]}
    assert changed == {
        ("test_suite.py@client", "client"),
        ("test_suite.py::test_passes", "a"),
        ("test_suite.py::test_passes", "b"),
    }


def test_a_row_that_its_model_does_not_fit_keeps_its_data_and_is_listed_with_the_path(suite, cli):
    write(suite, order="note: int")
    before = suite.cassette.read_bytes()
    done = cli("project", "--yes", "test_suite.py::test_with_a_block_of_its_own")
    assert (done.code, suite.cassette.read_bytes()) == (2, before)
    assert done.out.startswith('orders\n  shop.block(item="d"): $.note: it does not fit Order: ')
    assert done.out.endswith(
        "None of 1 recording outdated; 8 not judged.\n1 recording does not fit, and keeps its data.\n"
    )
    (misfit,) = cli("project", "--json", "test_suite.py::test_with_a_block_of_its_own").json["misfits"]
    assert (misfit["test"], misfit["model"]) == ("orders", "Order")
    assert misfit["problem"].startswith("$.note: it does not fit Order")


def test_what_no_model_picks_any_more_has_no_data_and_what_was_attached_stays(suite, cli):
    suite.write(shop=SHOP.replace(", data=models.Rated", ""))
    suite.write(test_suite=re.sub(r"(, )?data=({{.*?}}|models\.\w+)", "", SUITE).format(fail=False))
    assert cli("project", "--yes").code == 0
    kept = {("test_suite.py::test_attaches", "four"): {"score": 4}}
    assert data_of(suite.cassette) == {place: kept.get(place) for place in BEFORE}


def test_a_recording_of_a_function_that_is_not_called_any_more_stays(suite, cli):
    """Nobody says which model it would have."""
    write(suite, order="note: str")
    suite.write(test_suite=SUITE.format(fail=False).replace('shop.order("', 'print("'))
    assert cli("project", "--yes", "test_suite.py::test_passes").code == 0
    assert data_of(suite.cassette) == BEFORE


def test_of_two_models_for_one_shared_recording_the_one_that_it_has_stays(suite, cli):
    """Else that of the first test; a model that does not fit comes last. So to write twice is to write once."""
    models = MODELS.format(order="note: str", rated="total: float")
    two = """
import models, pytest, shop
pytestmark = pytest.mark.recorded(scope="suite")
@pytest.mark.recorded("shop.tell", data=models.Rated)
def test_one(): shop.tell("both")
@pytest.mark.recorded("shop.tell", data=models.Order)
def test_two(): shop.tell("both")
"""
    suite.write(models=models + "class Never(Order):\n    never: int\n", test_suite=two)
    suite.write(test_suite=two.replace("models.Rated", "models.Never"))
    assert cli("project", "--yes").code == 0
    assert data_of(suite.cassette)["", "both"] == {"id": 8, "note": "both"}
    suite.write(test_suite=two)
    assert cli("project", "--yes").out == "None of 1 recording outdated; 8 not judged.\n"
    change(suite.cassette, "UPDATE jobs SET data_json = NULL WHERE scope = ''")
    assert cli("project", "--yes").code == 0
    assert data_of(suite.cassette)["", "both"] == {"id": 8, "score": 0, "total": 1.0}


def test_the_order_of_fields_is_no_difference_but_the_type_of_a_number_is(suite, cli):
    change(suite.cassette, "UPDATE jobs SET data_json = '{\"total\": 2.5, \"id\":7}' WHERE scope LIKE '%passes'")
    before = suite.cassette.read_bytes()
    assert cli("project", "--yes").code == 0
    assert suite.cassette.read_bytes() == before
    change(suite.cassette, "UPDATE jobs SET data_json = '{\"id\":7.0,\"total\":2.5}' WHERE scope LIKE '%passes'")
    assert cli("project", "--json").json["outdated"][0]["paths"] == ["$.id"]


@pytest.mark.parametrize("damage", ['{"id":', "[1, 2]", '"text"'], ids=["no JSON", "a list", "a text"])
def test_data_that_somebody_else_has_written_are_picked_again_or_named(suite, cli, damage):
    change(suite.cassette, "UPDATE jobs SET data_json = ? WHERE scope = 'orders'", damage)
    done = cli("project", "--json", "--yes", "test_suite.py::test_with_a_block_of_its_own")
    if damage.startswith("{"):
        assert (done.code, done.json["written"]) == (2, 0)
        assert "cannot be read" in done.json["misfits"][0]["problem"]
    else:
        assert (done.code, done.json["written"]) == (0, 1)
        assert data_of(suite.cassette) == BEFORE


def test_a_recording_that_was_made_again_in_the_meantime_is_another_one(suite):
    with closing(CassetteFile(suite.cassette)) as file:
        rows = file.rows("test_suite.py::test_passes")
    stale = rows[0]._replace(response_json="{}")
    before = suite.cassette.read_bytes()
    assert put_right(suite.cassette, [Outdated(stale, "Order", stale._replace(data_json=None), "")]) == 0
    assert suite.cassette.read_bytes() == before
    assert put_right(suite.cassette, [Outdated(rows[1], "Order", rows[1]._replace(data_json="1"), "")]) == 1
    with closing(CassetteFile(suite.cassette)) as file:
        assert file.rows("test_suite.py::test_passes") == [rows[0], rows[1]._replace(data_json="1")]


def test_other_attempts_at_a_call_the_pieces_of_its_answer_and_who_uses_it_stay(suite, tmp_path):
    with closing(CassetteFile(suite.cassette)) as file:
        (shared,) = file.rows("")
        users = file.users()
    again = shared._replace(attempt=1, id=job_id(shared.address, 1))
    pieces = (Chunk(0, 0.5, '"a"'), Chunk(1, 2.0, '"b"'))
    build(suite.cassette, Changes(fresh=[(again, pieces)], uses={("test_x.py::test_x", again.id)}), tmp_path)
    assert put_right(suite.cassette, [Outdated(again, "", again._replace(data_json="1"), "")]) == 1
    with closing(CassetteFile(suite.cassette)) as file:
        assert set(file.rows("")) == {shared, again._replace(data_json="1")}
        assert file.chunks(again.id) == list(pieces)
        assert file.users() == {**users, again.id: ["test_x.py::test_x"]}


def test_where_the_cassette_cannot_be_written_it_says_so_and_the_old_one_is_whole(suite, cli):
    write(suite, order="note: str")
    before = suite.cassette.read_bytes()
    # Where a folder is in the way of the unfinished file, not even root can write it.
    (suite.cassette.parent / ".staging" / "jobs.db.new" / "in the way").mkdir(parents=True)
    done = cli("project", "--yes", "test_suite.py::test_passes")
    assert done.code == 2
    assert "cannot be written" in done.err
    assert "Make the folder" in done.err
    assert suite.cassette.read_bytes() == before


def test_without_a_cassette_no_test_is_run_and_nothing_made(project, cli):
    project.write(test_a="from pathlib import Path\nPath('ran').touch()\n")
    done = cli("project", "--yes")
    assert (done.code, done.out) == (2, "")
    assert "does not exist. Name another one with --cassette." in done.err
    assert sorted(path.name for path in project.folder.iterdir()) == ["pytest.ini", "test_a.py", "world.py"]


ASKED = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Where?"}]}
ANSWERED = {
    "object": "chat.completion",
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "In Rome."}}],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500},
}
CHAT = """
import httpx, pytest
@pytest.mark.recorded
def test_chat(recorded):
    asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Where?"}]}
    httpx.post("https://api.openai.com/v1/chat/completions", json=asked)
    (call,) = recorded.llm.calls
    assert call.text == "In Rome."
"""


@pytest.fixture
def imported(project, cli):
    """A call of a language model that vcrpy has recorded, imported."""
    headers = {"Content-Type": ["application/json"]}
    call = {
        "request": {
            "method": "POST", "uri": "https://api.openai.com/v1/chat/completions", "headers": headers,
            "body": json.dumps(ASKED),
        },
        "response": {
            "status": {"code": 200, "message": "OK"}, "headers": headers, "body": {"string": json.dumps(ANSWERED)},
        },
    }  # fmt: skip
    (project.folder / "chat.json").write_text(json.dumps({"version": 1, "interactions": [call]}))
    project.write(test_chat=CHAT)
    assert cli("import-vcr", "chat.json", "--test", "test_chat.py::test_chat").code == 0
    return project


def stored(cassette):
    with closing(sqlite3.connect(f"{cassette.as_uri()}?mode=ro", uri=True)) as connection:
        return [
            tuple(json.loads(text) if text else None for text in row)
            for row in connection.execute("SELECT data_json, info_json FROM jobs")
        ]


def test_calls_of_language_models_without_figures_get_them_at_the_price_of_their_day(imported, cli):
    """And what they have cost as it is said there stays, though the library would say another price."""
    ((data, info),) = stored(imported.cassette)
    assert (data, "llm" in (info or {})) == (None, False)
    done = cli("project")
    assert (done.code, done.out) == (
        1,
        "test_chat.py::test_chat\n"
        "  http.api.openai.com, LLMCall: 1 recording with other data, at $\n"
        "  http.api.openai.com, LLMCall: tokens and cost of 1 recording\n"
        "1 of 1 recording outdated.\nNothing is written without --yes.\n",
    )
    assert cli("project", "--yes").out.endswith("1 recording written.\n")
    ((data, figured),) = stored(imported.cassette)
    figures = figured.pop("llm")
    assert figured == (info or {})
    assert figures.pop("prices").startswith("genai-prices ")
    assert figures == {
        "name": "openai.chat", "input_tokens": 1000, "output_tokens": 500, "cost_usd": pytest.approx(0.00045),
    }  # fmt: skip
    assert (data["operation"], data["text"]) == ("chat", "In Rome.")
    change(
        imported.cassette,
        "UPDATE jobs SET info_json = json_set(info_json, '$.llm.cost_usd', 99.0, '$.llm.prices', 'older'),"
        " data_json = json_set(data_json, '$.cost_usd', 99.0)",
    )
    before = imported.cassette.read_bytes()
    assert cli("project", "--yes").code == 0
    assert imported.cassette.read_bytes() == before
    change(imported.cassette, "UPDATE jobs SET info_json = json_remove(info_json, '$.llm.input_tokens')")
    assert cli("project", "--yes").code == 0
    figures = stored(imported.cassette)[0][1]["llm"]
    assert (figures["input_tokens"], figures["cost_usd"], figures["prices"]) == (1000, 99, "older")
