"""What a miss says, in which order, and never more than can be read."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
import shlex
from pathlib import Path

import pydantic
import pytest

from pytest_recorded import register
from pytest_recorded.codec import dump, encode
from pytest_recorded.job import Address, Row, job_id
from pytest_recorded.miss import LONGEST, Question, describe, explain_miss
from pytest_recorded.modes import RecordMode
from pytest_recorded.paths import drop, parse
from pytest_recorded.store.build import Changes, build
from pytest_recorded.store.sqlite import CassetteFile


@dataclasses.dataclass
class Order:
    id: int


@dataclasses.dataclass
class Receipt:
    id: int


class Model(pydantic.BaseModel):
    id: int


class Wire:
    def __init__(self, id_):
        self.id = id_


register(Wire, dump=vars, load=lambda stored, cls: cls(stored["id"]))

TEST = "tests/test_a.py::test_x"
KIND = "shop.ask"
HTTP = "http.shop.example"


def row(request, key="k", *, scope=TEST, kind=KIND, seq=0):
    empty = dict.fromkeys(Row._fields)
    address = Address(scope, kind, key, seq)
    request_json = request if isinstance(request, str) else json.dumps(request, ensure_ascii=False)
    more = {"id": job_id(address, 0), "attempt": 0, "status": "completed", "submitted_at": "2030", "response_json": "1"}
    return Row(**{**empty, **address._asdict(), **more, "request_json": request_json})


@pytest.fixture
def asked(tmp_path):
    """Ask a cassette with some rows for a call that is not among them."""
    files = []

    def ask(request, rows=(), key="new", **more):
        if rows:
            workshop = tmp_path / "workshop"
            workshop.mkdir(exist_ok=True)
            build(tmp_path / "jobs.db", Changes(fresh=[(one, ()) for one in rows]), workshop)
            files.append(CassetteFile(tmp_path / "jobs.db"))
        request_json = request if isinstance(request, str | None) else json.dumps(request, ensure_ascii=False)
        kind, test = more.pop("kind", KIND), more.pop("test", TEST)
        given = {"test": test, "mode": RecordMode.ONCE, "cassette": Path("cassettes/jobs.db"),
                 "file": files[-1] if rows else None, "address": Address(test, kind, key, more.pop("seq", 0)),
                 "request_json": request_json, "run": test}  # fmt: skip
        return explain_miss(Question(**given | more))

    yield ask
    for file in files:
        file.close()


def titles(message):
    """Return what the lines of a message begin with."""
    return [re.split(r"[:,]", line.strip())[0] for line in message.splitlines() if line.strip()]


def test_everything_is_said_in_one_order(asked):
    rows = [row({"q": "old"}), row({"q": "b"}, "new", scope="tests/test_a.py::test_old")]
    reason, message = asked({"q": "b"}, rows)
    assert reason == "request changed"
    assert message == (
        'No recording for shop.ask(q="b")\n'
        "  test:     tests/test_a.py::test_x\n"
        "  cassette: cassettes/jobs.db, mode once\n"
        "  reason:   request changed: it is recorded, but with another request\n"
        "\n"
        "Nearest recorded request, 1 field differs:\n"
        "  $.q\n"
        '    recorded: "old"\n'
        '    now:      "b"\n'
        "\n"
        "This very request is recorded for tests/test_a.py::test_old.\n"
        "\n"
        "To record it: pytest --record-mode=new_episodes tests/test_a.py::test_x   "
        "(or rewrite, to record the whole test again)"
    )


OLD = [row({"q": "a"}), row({"q": "b"}), row({"q": "c"}, "c", kind="shop.other")]


@pytest.mark.parametrize(
    ("rows", "more", "reason", "said"),
    [
        ([], {}, "no cassette", "no cassette: cassettes/jobs.db does not exist"),
        (OLD[1:2], {"test": "t"}, "nothing for this test", "nothing for this test: it has no recordings yet"),
        (OLD[1:2], {"key": "k", "seq": 1}, "all uses served",
         "all 1 uses served: this request is recorded once, and is made once more"),
        ([OLD[0], OLD[0]._replace(seq=1, id="2")], {"key": "k", "seq": 2}, "all uses served",
         "all 2 uses served: this request is recorded 2 times, and is made once more"),
        (OLD[1:2], {}, "request changed", "request changed: it is recorded, but with another request"),
        (OLD[1:2], {"key": "k", "is_known": True}, "request changed",
         "request changed: the key 'k' is recorded with another request"),
        (OLD[1:], {"kind": "shop.pay"}, "no such call",
         "request changed: the test has recordings, but none of shop.pay (only shop.ask, shop.other)"),
    ],
    ids=["no-cassette", "nothing", "served-once", "served-twice", "changed", "known-key", "no-such-call"],
)  # fmt: skip
def test_the_reason_says_which_of_five_things_it_is(asked, rows, more, reason, said):
    found, message = asked({"q": "x"}, rows, **more)
    assert found == reason
    assert f"  reason:   {said}\n" in message


# What is asked for, and what is to be typed.
COMMANDS = [
    ({}, [], f"pytest --record-mode=once {TEST}"),
    ({}, OLD[:1], f"pytest --record-mode=new_episodes {TEST}   (or rewrite, to record the whole test again)"),
    ({"key": "k", "is_known": True}, OLD[:1], f"pytest --record-mode=rewrite {TEST}"),
    ({"run": "a.py::t[x y]"}, [], "pytest --record-mode=once 'a.py::t[x y]'"),
    ({"run": ""}, [], 'use_cassette("cassettes/jobs.db", mode="once")'),
    (
        {"run": ""},
        OLD[:1],
        'use_cassette("cassettes/jobs.db", mode="new_episodes")   (or rewrite, to record all of it again)',
    ),
    ({"run": "a.py::t[" + "x" * 2000 + "]"}, [], "pytest --record-mode=once a.py::t"),
    ({"run": "a.py::" + "t" * 2000}, [], "pytest --record-mode=once a.py"),
]


@pytest.mark.parametrize("index", range(len(COMMANDS)))
def test_the_last_line_is_what_to_type(asked, index):
    more, rows, command = COMMANDS[index]
    _, message = asked({"q": "x"}, rows, **more)
    assert message.splitlines()[-1] == f"To record it: {command}"


def test_a_scope_without_a_name_says_so(asked):
    assert "  test:     (none)\n" in asked({}, [], test="")[1]


def test_at_most_three_recorded_requests_are_shown_the_nearest_first(asked):
    now = {"a": 1, "b": 1, "c": 1, "d": 1}
    rows = [row({**now, **dict.fromkeys("abcd"[:count], 2)}, str(count)) for count in (4, 2, 3, 1)]
    _, message = asked(now, rows)
    assert re.findall(r"(?:Nearest recorded request|Next nearest), (.*):", message) == [
        "1 field differs", "2 fields differ", "3 fields differ",
    ]  # fmt: skip
    assert titles(message).count("Next nearest") == 2
    assert message.index("Nearest") < message.index("Next nearest")
    # Of the nearest six fields, of the others two.
    assert "  … and 1 more\n" in message


def test_only_six_fields_of_a_request_are_shown(asked):
    names = [f"field{number}" for number in range(10)]
    _, message = asked(dict.fromkeys(names, 1), [row(dict.fromkeys(names, 2))])
    assert re.findall(r"\$\.field\d", message) == [f"$.field{number}" for number in range(6)]
    assert "  … and 4 more\n" in message


# Two requests, recorded and asked, and the field that is shown.
DIFFERENCES = [
    (KIND, {"m": [{"c": "a"}, {"c": "b"}]}, {"m": [{"c": "a"}, {"c": "x"}]}, ("$.m[1].c", '"b"', '"x"')),
    (KIND, {"m": [1]}, {"m": [1, None]}, ("$.m[1]", "(absent)", "null")),
    (KIND, {"a b": 1, "c": 2}, {"c": 2}, ("$['a b']", "1", "(absent)")),
    (KIND, {"a": []}, {"a": {}}, ("$.a", "[]", "{}")),
    (KIND, {"a": 1}, {"a": 1.0}, ("$.a", "1", "1.0")),
    (HTTP, {"method": "GET", "url": "https://a/b"}, {"method": "PUT", "url": "https://a/b"}, ("method", "GET", "PUT")),
    (HTTP, {"method": "GET", "url": "https://a/b"}, {"method": "GET", "url": "https://a/c"},
     ("url", "https://a/b", "https://a/c")),
    (HTTP, {"method": "GET", "url": "u?b=1&a=2"}, {"method": "GET", "url": "u?a=2&b=3"}, ("query.b", '"1"', '"3"')),
    (HTTP, {"method": "GET", "url": "u", "json": {"m": ["a"]}}, {"method": "GET", "url": "u", "json": {"m": ["b"]}},
     ("$.m[0]", '"a"', '"b"')),
    (HTTP, {"method": "GET", "url": "u", "text": "a"}, {"method": "GET", "url": "u", "text": "b"}, ("$", '"a"', '"b"')),
    (KIND, {"a": "x" * 100 + "1"}, {"a": "x" * 100 + "2"},
     ("$.a", "…" + "x" * 20 + '1"', "…" + "x" * 20 + '2"')),
    (KIND, {"a": "1" + "x" * 100}, {"a": "2" + "x" * 100}, ("$.a", '"1' + "x" * 58 + "…", '"2' + "x" * 58 + "…")),
]  # fmt: skip


@pytest.mark.parametrize("index", range(len(DIFFERENCES)))
def test_a_difference_is_shown_by_its_path_with_both_values_cut_around_it(asked, index):
    kind, then, now, (path, recorded, current) = DIFFERENCES[index]
    _, message = asked(now, [row(then, kind=kind)], kind=kind)
    assert f"differs:\n  {path}\n    recorded: {recorded}\n    now:      {current}\n" in message


TAGGED = {
    "a field": ({"o": Order(1)}, {"o": Order(2)}, ["$.o.id"]),
    "its class": ({"o": Order(1)}, {"o": Receipt(1)}, ["$.o (type)"]),
    "a model's": ({"o": {"in": [Model(id=1)]}}, {"o": {"in": [Model(id=2)]}}, ["$.o.in[0].id"]),
    "a tuple's item": ({"o": (1, (2, 3))}, {"o": (1, (2, 4))}, ["$.o[1][1]"]),
    "tuple or list": ({"o": (1, 2)}, {"o": [1, 2]}, ["$.o (type)"]),
    "an empty tuple": ({"o": ()}, {"o": []}, ["$.o"]),
    "a dict's item": ({"o": {1: "a", "b": 2}}, {"o": {1: "c", "b": 3}}, ["$.o.b", "$.o[1]"]),
    "what no path names": ({"o": {(1, 2): "a"}}, {"o": {(1, 2): "b"}}, ["$.o"]),
    "a pair's": ({"o": Wire(1)}, {"o": Wire(2)}, ["$.o.id"]),
    "a date": ({"o": dt.date(2030, 1, 1)}, {"o": dt.date(2030, 1, 2)}, ["$.o"]),
}


@pytest.mark.parametrize("name", TAGGED)
def test_a_difference_inside_a_value_of_pythons_is_shown_by_the_path_that_ignore_takes(asked, name):
    then, now, paths = TAGGED[name]
    _, message = asked(dump(now), [row(dump(then))])
    assert sorted(re.findall(r"^  (\$.*)$", message, re.MULTILINE)) == paths
    ignored = [parse(path, where="t") for path in paths if not path.endswith("(type)")]
    assert not ignored or drop(encode(then), ignored) == drop(encode(now), ignored)


def test_requests_that_cannot_be_read_are_no_reason_to_say_nothing(asked):
    _, message = asked("{", [row("[1", "a"), row("[" * 100_000, "b"), row({"q": 1}, "c")])
    assert message.startswith("No recording for shop.ask\n")
    assert "To record it: " in message
    assert asked(None, [row("x")])[0] == "request changed"


def test_other_tests_that_recorded_this_very_request_are_counted(asked):
    rows = [row({"q": 1}, "new", scope=f"tests/test_b.py::test_{n}[a b]") for n in range(3)]
    reason, message = asked({"q": 1}, rows)
    assert reason == "nothing for this test"
    assert "\nThis very request is recorded for tests/test_b.py::test_0[a b] and 2 more.\n" in message
    command = next(line for line in message.splitlines() if line.startswith("If that test was renamed: "))
    assert shlex.split(command.partition(": ")[2]) == [
        "pytest-recorded",
        "rename",
        "tests/test_b.py::test_0[a b]",
        TEST,
    ]


@pytest.mark.parametrize("more", [{"is_shared": True}, {"run": ""}, {"key": "other"}, {"kind": "shop.pay"}], ids=str)
def test_what_cannot_be_a_renamed_test_is_told_no_command(asked, more):
    _, message = asked({"q": 1}, [row({"q": 1}, "new", scope="tests/test_b.py::test_0")], **more)
    assert "rename" not in message


def test_half_a_command_is_never_shown(asked):
    _, message = asked({"q": 1}, [row({"q": 1}, "new", scope="tests/test_b.py::test_" + "x" * 2000)])
    assert "This very request is recorded for tests/test_b.py::test_xxx" in message
    assert "rename" not in message


HUGE = "x" * 5000
WIDE = {f"{HUGE[:200]}{number}": [HUGE, {HUGE[:300]: number}] for number in range(20)}


@pytest.mark.parametrize("kind", [KIND, HTTP, "shop." + HUGE])
@pytest.mark.parametrize("test", [TEST, "tests/test_a.py::test_x[" + HUGE + "]", "tests/" + HUGE + ".py::test_x"],
                         ids=["test", "parameter", "file"])  # fmt: skip
@pytest.mark.parametrize("how", ["none", "nothing", "changed", "known", "served", "other-kinds", "block"])
def test_a_message_stays_short_whatever_is_in_it_and_says_what_to_type(asked, kind, test, how):
    then = {"method": HUGE, "url": "https://shop.example/?" + HUGE, "json": WIDE, **WIDE}
    now = {**then, "json": {name: [] for name in WIDE}, "more": HUGE}
    rows = {
        "none": [],
        "nothing": [row(then, "new", scope="tests/" + HUGE, kind=kind)],
        "served": [row(then, "new", scope=test, kind=kind)],
        "other-kinds": [row(then, "new", scope=test, kind=f"{number}{HUGE}") for number in range(9)],
    }.get(how, [row(then, str(number), scope=test, kind=kind) for number in range(5)])
    more = {"is_known": how == "known", "cassette": Path("/" + HUGE), "typed": ("--record-cassette=/" + HUGE,)}
    more |= {"option": ("--cassette=/" + HUGE,)} | ({"run": ""} if how == "block" else {})
    _, message = asked(now, rows, test=test, kind=kind, **more)
    assert len(message) <= LONGEST < 3000
    assert message.startswith("No recording for ")
    assert re.search(r"\n\nTo record it: (pytest --record-mode=|use_cassette\()", message)


def test_of_a_large_cassette_only_so_much_is_read(asked):
    """The nearest of the first two hundred of a kind is near enough."""
    rows = [row({"n": number, "m": 1}, str(number)) for number in range(300)]
    rows.sort(key=lambda one: one.key)
    _, message = asked({"n": -1, "m": 1}, rows)
    assert message.count("1 field differs") == 3


CALLS = [
    (KIND, '{"q":"ü","n":[1,{"b":2,"a":1}]}', 'shop.ask(q="ü", n=[1,{"a":1,"b":2}])'),
    (KIND, "{}", "shop.ask()"),
    (HTTP, '{"method":"GET","url":"https://a/b"}', "GET https://a/b"),
    (KIND, None, KIND), (KIND, "", KIND), (KIND, "[1]", KIND), (KIND, "{", KIND), (HTTP, "[]", HTTP),
]  # fmt: skip


@pytest.mark.parametrize("index", range(len(CALLS)))
def test_a_call_is_described_in_one_line(index):
    kind, request_json, line = CALLS[index]
    assert describe(kind, request_json) == line


def test_a_request_that_is_stored_the_same_is_said_to_have_had_other_options(asked):
    _, message = asked({"q": "a"}, OLD[:1])
    assert "Nearest recorded request, the same as far as it is stored:\n  match=, ignore= or redact=" in message
    assert "0 fields" not in message
