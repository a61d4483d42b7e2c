"""Data of the calls of a test: which model picks them, what becomes of those that do not fit, what is stored."""

from __future__ import annotations

import json
import sqlite3

import pytest

HEAD = """
import os, json
import httpx, pytest, pydantic, world
from pytest_recorded import recorder, attach, RecordedWarning, use_cassette
URL = os.environ["WORLD_URL"]

class Order(pydantic.BaseModel):
    id: int
    total: float = 0

class Named(pydantic.BaseModel):
    name: str

class Asked(pydantic.BaseModel):
    path: str
    id: int | None = None

    @classmethod
    def from_job(cls, job):
        if job.response is None or job.response.status != 200:
            return None
        return cls(path=job.request.path, id=job.response.json().get("id"))

def get(path):
    return httpx.get(URL + path, timeout=20)

ask = recorder(kind="world.ask")(world.ask)
KIND = "http.127.0.0.1"
"""

ANSWERS = {
    "/order": (200, "application/json", {"id": 7, "total": 2.5, "wide": ["and", "wider"]}),
    "/name": (200, "application/json", {"name": "tea"}),
    "/missing": (404, "application/json", {"problem": "no such order"}),
    "/page": (200, "text/html", "<h1>tea</h1>"),
    "/secret": (200, "application/json", {"name": "Bearer sk-abcdefghijklmnop1234567890", "password": "hunter22222"}),
}


def answers(path, _body):
    status, kind, value = ANSWERS[path]
    return status, kind, (value if isinstance(value, str) else json.dumps(value)).encode()


@pytest.fixture(scope="module")
def shop(serve):
    return serve(answers)


@pytest.fixture
def project(example, shop, monkeypatch):
    """A project whose tests ask a shop."""
    monkeypatch.setenv("WORLD_URL", shop)
    return example


def twice(project, outcome=None):
    """Record, and replay: what a test says of its data holds in both."""
    for args in ((), ("--record-mode=none",)):
        assert project.run(*args).outcomes == (outcome or {"passed": 1})


def stored(project):
    connection = sqlite3.connect(project.folder / "cassettes/jobs.db")
    try:
        return [
            json.loads(data) if data else None
            for (data,) in connection.execute("SELECT data_json FROM jobs ORDER BY submitted_at")
        ]
    finally:
        connection.close()


CHOSEN = {
    "a marker": ("@pytest.mark.recorded(data=Order)", ""),
    "a marker with globs": ('@pytest.mark.recorded(data={"orders.*": Named, "http.*": Order})', ""),
    "a class's marker": ("", "pytestmark = pytest.mark.recorded(data=Order)"),
    "the options' fixture": (
        "@pytest.mark.recorded",
        "@pytest.fixture\ndef recorded_options(): return {'data': Order}",
    ),
    "the projections' fixture": (
        "@pytest.mark.recorded",
        "@pytest.fixture\ndef recorded_projections(): return {'nothing.*': Named, 'http.*': Order}",
    ),
    "both fixtures": (
        "@pytest.mark.recorded",
        "@pytest.fixture\ndef recorded_options(): return {'ignore': ['x']}\n"
        "@pytest.fixture\ndef recorded_projections(): return {'http.*': Order}",
    ),
    "the nearest": (
        '@pytest.mark.recorded(data={"http.*": Order})',
        "@pytest.fixture(scope='session')\ndef recorded_projections(): return {'*': Named}",
    ),
}


@pytest.mark.parametrize("case", CHOSEN)
def test_the_data_of_http_calls_are_picked_by_what_is_said_of_the_test(project, case):
    marker, more = CHOSEN[case]
    project.write(
        test_a=f"{HEAD}\n{more}\n{marker}\ndef test_x(recorded):\n"
        '    get("/order")\n    assert [job.data for job in recorded.jobs] == [Order(id=7, total=2.5)]\n'
    )
    twice(project)
    assert stored(project) == [{"id": 7, "total": 2.5}]


def test_a_conftests_projections_hold_for_all_tests_below_it_and_for_shared_fixtures(project):
    project.write(
        conftest="import pytest, pydantic\nclass Order(pydantic.BaseModel):\n    id: int\n"
        "@pytest.fixture(scope='session')\ndef recorded_projections(): return {'http.*': Order}\n",
        test_a=HEAD + "pytestmark = pytest.mark.recorded\n"
        '@pytest.fixture(scope="module")\ndef shared(): return get("/order").json()\n'
        'def test_x(shared, recorded):\n    get("/order")\n    assert recorded.jobs[0].data.id == 7\n'
        'def test_y(shared, recorded):\n    get("/order")\n    assert recorded.jobs[0].data.id == 7\n',
    )
    twice(project, {"passed": 2})
    assert stored(project) == [{"id": 7}] * 3


def test_what_a_function_says_of_its_own_data_wins(project):
    project.write(
        test_a=HEAD + '@recorder(kind="orders.place", data=Order)\ndef place(): return {"id": 1, "name": "own"}\n'
        '@recorder(kind="orders.name")\ndef name(): return {"id": 1, "name": "own"}\n'
        "@pytest.mark.recorded(data=Named)\ndef test_x(recorded):\n    place(), name()\n"
        "    assert [job.data for job in recorded.jobs] == [Order(id=1), Named(name='own')]\n"
    )
    twice(project)


# What a model makes of an answer is changed, or lost, if what it has made is given to it again.
ONE_WAY = """
import datetime as dt
from pydantic import AliasPath, AliasChoices, Field

class Aliased(pydantic.BaseModel):
    n: int = Field(default=0, alias="id")

class Deep(pydantic.BaseModel):
    text: str = Field(validation_alias=AliasPath("choices", 0, "text"))

class Choice(pydantic.BaseModel):
    text: str = Field(validation_alias=AliasChoices("said", "name"))

class Cents(pydantic.BaseModel):
    id: int
    at: dt.datetime = Field(default_factory=dt.datetime.now)

    @pydantic.field_validator("id", mode="before")
    @classmethod
    def _in_cents(cls, value):
        return value * 100

class Hidden(pydantic.BaseModel):
    id: int
    name: str = Field(exclude=True)

class Made(Aliased):
    @classmethod
    def from_job(cls, job):
        return cls(id=job.response["id"] + 1)

@recorder
def answered():
    return {"id": 7, "name": "tea", "choices": [{"text": "x"}]}

@recorder
def told():
    attach("n", 9)
    return {"id": 7}

def seen(recorded, model):
    (job,) = recorded.jobs
    (data,) = recorded.data(model)
    assert type(job.data) is model and job.data is job.data
    return job.data
"""


def test_data_is_the_instance_that_the_model_has_made_of_the_answer(project):
    cases = {
        "Aliased": ("answered", "n == 7"),
        "Deep": ("answered", "text == 'x'"),
        "Choice": ("answered", "text == 'tea'"),
        "Cents": ("answered", "id == 700"),
        "Hidden": ("answered", "name == 'tea'"),
        "Made": ("answered", "n == 8"),
    }
    project.write(
        test_a=HEAD
        + ONE_WAY
        + "".join(
            f"@pytest.mark.recorded(data={model})\ndef test_{model}(recorded):\n"
            f"    {call}()\n    assert seen(recorded, {model}).{what}\n"
            for model, (call, what) in [*cases.items()]
        )
        + "@pytest.mark.recorded(data=Aliased)\ndef test_told(recorded):\n"
        "    told()\n    assert seen(recorded, Aliased).n == 9\n"
    )
    twice(project, {"passed": 7})
    assert [*map(sorted, stored(project))][3] == ["at", "id"]
    assert [tree for place, tree in enumerate(stored(project)) if place != 3] == [
        {"n": 7}, {"text": "x"}, {"text": "tea"}, {"id": 7}, {"n": 8}, {"n": 9},
    ]  # fmt: skip


def test_a_model_that_fails_the_test_is_a_misfit_and_the_call_is_recorded(project):
    project.write(
        test_a=HEAD + "class Ends(Order):\n    @classmethod\n"
        "    def from_job(cls, job): pytest.fail('the model says no')\n"
        "@pytest.mark.recorded(data=Ends)\ndef test_x(recorded):\n"
        '    with pytest.warns(RecordedWarning, match="has no data. .*Ends cannot be applied"):\n'
        '        assert get("/order").status_code == 200\n'
        "        assert recorded.jobs[0].data is None\n"
    )
    twice(project)
    assert stored(project) == [None]


def test_a_model_with_from_job_is_filled_from_request_and_response_together(project):
    project.write(
        test_a=HEAD + '@pytest.mark.recorded(data=Asked)\ndef test_x(recorded):\n    get("/order"), get("/missing")\n'
        '    assert [job.data for job in recorded.jobs] == [Asked(path="/order", id=7), None]\n'
    )
    twice(project)
    assert stored(project) == [{"path": "/order", "id": 7}, None]


MISFITS = {
    "/name": r"127.0.0.1 has no data. \\$.id: it does not fit Order: Field required",
    "/page": r"127.0.0.1 has no data. .*its body is no JSON \\(text/html\\): give the model a class method from_job",
}


@pytest.mark.parametrize("path", MISFITS)
def test_an_answer_that_does_not_fit_is_recorded_and_reported_with_its_path(project, path):
    project.write(
        test_a=f"{HEAD}\n@pytest.mark.recorded(data=Order)\n"
        "def test_x(recorded):\n"
        f'    with pytest.warns(RecordedWarning, match="{MISFITS[path]}"):\n'
        f"        assert get({path!r}).status_code == 200\n"
        "        assert recorded.jobs[0].data is None\n"
    )
    twice(project)
    assert stored(project) == [None]


def test_a_misfit_is_recorded_also_where_warnings_are_errors(project):
    project.write(
        test_a=HEAD + "@pytest.mark.recorded(data=Order, failed=True)\n"
        '@pytest.mark.filterwarnings("error")\ndef test_x(): get("/name")\n'
    )
    assert project.run().outcomes == {"failed": 1}
    assert project.run("--record-mode=none").outcomes == {"passed": 1}


def test_an_error_of_http_has_no_data_and_warns_of_nothing(project):
    project.write(
        test_a=HEAD + '@pytest.mark.recorded(data=Order)\n@pytest.mark.filterwarnings("error")\n'
        'def test_x(recorded):\n    get("/missing")\n    assert recorded.jobs[0].data is None\n'
    )
    twice(project)


def test_a_model_that_has_changed_picks_from_the_recorded_answer_without_a_live_call(project):
    test = '@pytest.mark.recorded(data=Order)\ndef test_x(recorded):\n    get("/order")\n'
    project.write(test_a=HEAD + test)
    project.run()
    project.write(
        test_a=HEAD.replace("    total: float = 0", "    wide: list[str]")
        + test
        + '    assert recorded.jobs[0].data == Order(id=7, wide=["and", "wider"])\n'
    )
    assert project.run("--record-mode=none").outcomes == {"passed": 1}


def test_what_was_attached_stays_when_the_model_changes(project):
    test = (
        '@recorder(kind="orders.place", data=Order)\ndef place():\n'
        '    attach("total", 9.5)\n    return {"id": 1, "total": 1.5, "name": "tea"}\n'
        "def test_x(recorded):\n    place()\n"
    )
    project.write(test_a=HEAD + test + "    assert recorded.jobs[0].data == Order(id=1, total=9.5)\n")
    twice(project)
    project.write(
        test_a=HEAD.replace("    total: float = 0", "    total: float = 0\n    name: str")
        + test
        + "    assert recorded.jobs[0].data == Order(id=1, total=9.5, name='tea')\n"
    )
    assert project.run("--record-mode=none").outcomes == {"passed": 1}


@pytest.mark.parametrize(
    ("line", "error"), [('attach("nte", 1)', "AttachKeyError"), ('attach("total", "abc")', "AttachValueError")]
)
def test_the_report_of_a_wrong_attachment_ends_at_the_line_that_attaches(project, line, error):
    project.write(
        test_a=HEAD + f'@recorder(kind="orders.place", data=Order)\ndef place():\n    {line}\n'
        "def test_x(recorded):\n    place()\n"
    )
    result = project.run()
    assert result.outcomes == {"failed": 1}
    shown = [text for text in result.output.splitlines() if text.startswith((">", "E  "))]
    assert (shown[-2].split(maxsplit=1)[1], shown[-1].split()[1]) == (line, f"pytest_recorded.errors.{error}:")


def test_what_a_function_attaches_that_is_recorded_by_its_path_stays_out_of_the_call_around_it(project):
    project.write(
        stock='from pytest_recorded import attach\ndef find():\n    attach("name", "tea")\n    return 2.5\n',
        test_a=HEAD + "import stock\n"
        '@recorder(kind="orders.place", data=Order)\ndef place():\n    return {"id": 1, "total": stock.find()}\n'
        '@pytest.mark.recorded("stock.find", data=Named)\ndef test_x(recorded):\n    place()\n'
        "    assert [job.data for job in recorded.jobs] == [Order(id=1, total=2.5)]\n",
    )
    twice(project)


def test_data_hold_no_secret(project):
    project.write(
        test_a=HEAD + "class Leak(pydantic.BaseModel):\n    name: str\n    password: str\n"
        '@pytest.mark.recorded(data=Leak)\ndef test_x(): get("/secret")\n'
    )
    project.run()
    (data,) = stored(project)
    assert "sk-abcdefghijklmnop1234567890" not in data["name"]
    assert data["password"] != "hunter22222"


def test_a_block_has_projections_too(project):
    project.write(
        test_a=HEAD + 'def test_x():\n    with use_cassette("block.db", data=Order) as cassette:\n'
        '        get("/order")\n        assert cassette.jobs[0].data == Order(id=7, total=2.5)\n'
        "    assert cassette.jobs[0].project(Asked) == Asked(path='/order', id=7)\n"
    )
    twice_block = [project.run(*args).outcomes for args in ((), ("--record-mode=none",))]
    assert twice_block == [{"passed": 1}] * 2


@pytest.mark.parametrize(
    ("fixture", "said"),
    [
        ("5", "the fixture: recorded_projections=5 is no model"),
        ("{'http.*': 'Order'}", "the fixture: recorded_projections['http.*']='Order' is no model"),
    ],
)
def test_projections_that_are_none_are_errors_of_the_tests_set_up(project, fixture, said):
    project.write(
        test_a=f"{HEAD}\n@pytest.fixture\ndef recorded_projections(): return {fixture}\n"
        '@pytest.mark.recorded\ndef test_x(): get("/order")\n'
    )
    result = project.run()
    assert result.outcomes == {"error": 1}
    assert said in result.output


@pytest.mark.parametrize("mode", ["verify", "rewrite", "all"])
def test_an_answer_is_unchanged_whatever_model_is_asked_now(project, mode):
    test = '@pytest.mark.recorded(data=Order)\ndef test_x(recorded): get("/order")\n'
    project.write(test_a=HEAD + test)
    project.run()
    before = (project.folder / "cassettes/jobs.db").read_bytes()
    project.write(test_a=HEAD + test.replace("Order", "Asked"))
    result = project.run(f"--record-mode={mode}")
    assert result.code == 0, result.output
    assert (project.folder / "cassettes/jobs.db").read_bytes() == before


def test_of_a_function_that_tests_record_with_several_models_each_test_has_its_own(project):
    """The markers of all of them have been read when a fixture is set up that they share."""
    project.write(
        test_a=HEAD.replace("\nask = ", "\n# ask = ") + "class Said(pydantic.BaseModel):\n    answer: str\n"
        "class Loud(Said):\n    loud: bool = True\n"
        "@pytest.fixture(scope='module')\ndef shared(): world.ask('first')\n"
        "@pytest.mark.recorded('world.ask', data=Said)\n"
        "def test_one(shared, recorded):\n    world.ask('a')\n    assert recorded.jobs[-1].data == Said(answer='A')\n"
        "@pytest.mark.recorded('world.ask')\n"
        "def test_two(shared, recorded):\n    world.ask('b')\n    assert recorded.jobs[-1].data is None\n"
        "@pytest.mark.recorded('world.ask', data=Loud)\n"
        "def test_three(shared, recorded):\n    world.ask('c')\n    assert recorded.jobs[-1].data.loud\n"
    )
    twice(project, {"passed": 3})
