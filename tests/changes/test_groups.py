"""The same change in many calls is one group, and its fingerprint is that of the change, not of the run."""

from __future__ import annotations

import pytest

from pytest_recorded.changes.calls import Pair, call_of
from pytest_recorded.changes.classes import Found, Rules
from pytest_recorded.changes.gathering import Tally, report_of
from pytest_recorded.changes.groups import fingerprint, groups_of, of_chain, wild
from pytest_recorded.changes.model import ChangeClass, Figures
from pytest_recorded.diff import ABSENT
from sides import http

HOSTILE = [
    "'",
    '"',
    "'\"",
    "]",
    "['a']",
    "[0]",
    "..",
    ".",
    "$",
    "a\nb",
    "\\",
    "a'b\"c",
    "[*]",
    "x'] \"]",
    "\x00",
    "\ud800",
    "a\u00b7b",
]
UUID = "123e4567-e89b-42d3-a456-426614174000"


def found(path, old=1, new=2, *, kind=ChangeClass.VALUE, slot="response", op="replace"):
    return Found(slot, op, path, kind, old, new)


def changed(old, new, **more):
    """Return a call whose answer has changed."""
    return call_of(Pair(http(old, **more), http(new, **more)), ("test",), Rules(), None)[0]


def test_the_same_change_of_forty_calls_is_one_group():
    calls = [
        changed({"items": [{"id": n, "total": 5}] * 2}, {"items": [{"id": n, "total": str(n)}] * 2}, url=f"https://a.example/{n}")
        for n in range(40)
    ]  # fmt: skip
    (group,) = groups_of(calls)
    assert (group.change_class, group.slot, group.op, group.path) == (
        "shape", "response", "replace", "$.items[*].total",
    )  # fmt: skip
    assert (group.old_type, group.new_type) == ("integer", "string")
    assert group.calls == tuple(call.id for call in calls)
    assert len(set(group.calls)) == 40


def test_a_fingerprint_is_twelve_hex_digits_that_stay_from_run_to_run():
    one = found(("items", 0, "total"), 5, "5", kind=ChangeClass.SHAPE)
    assert fingerprint(one) == "6e6a256863e8", "whoever has noted one finds it again"


@pytest.mark.parametrize(
    "other",
    [
        found(("items", 7, "total")),
        found(("items", 0, "total"), 100, -3),
    ],
    ids=["another index", "other values"],
)
def test_where_and_which_values_does_not_matter(other):
    assert fingerprint(other) == fingerprint(found(("items", 0, "total")))


@pytest.mark.parametrize(
    "other",
    [
        found(("items", 0, "sum")),
        found(("items", "total")),
        found(("items", 0, "total"), slot="data"),
        found(("items", 0, "total"), kind=ChangeClass.PROJECTION),
        found(("items", 0, "total"), op="add", old=ABSENT),
        found(("items", 0, "total"), new="2"),
        found(("items", 0, "total"), new=2.0),
        found(("items", 0, "total"), new=None),
    ],
    ids=["field", "depth", "slot", "class", "op", "type", "fraction", "null"],
)
def test_what_has_happened_makes_another_group(other):
    assert fingerprint(other) != fingerprint(found(("items", 0, "total")))


def test_each_pair_of_statuses_is_a_group_of_its_own():
    to_500, to_404 = (found((), 200, status, slot="status") for status in (500, 404))
    assert fingerprint(to_500) != fingerprint(to_404)


@pytest.mark.parametrize(
    "name",
    ["42", UUID, UUID.upper(), "2030-01-02", "2030-01-02T03:04:05Z", "deadbeef1", "US", "EUR", "tea@example.com",
     "https://a.example/x", "user_2aF9zQ81mmW0pL"],
)  # fmt: skip
def test_names_that_are_data_are_wild(name):
    assert wild(("by", name, "total")) == "$.by[*].total"


@pytest.mark.parametrize(
    "name", ["total", "id", "ID", "URL", "IP", "deadbeef", "created_at", "x-request", "Café", "a b", ""]
)
def test_names_of_fields_stay(name):
    assert "*" not in wild(("by", name, "total"))


def test_all_that_follows_from_one_call_is_one_group():
    root = "f" * 32
    follows = [
        call_of(Pair(None, http({}, url=f"https://a.example/{n}"), root), ("t",), Rules(), None)[0] for n in "ab"
    ]
    (group,) = groups_of(follows)
    assert group.fingerprint == of_chain(root) != of_chain("e" * 32)
    assert len(group.calls) == 2


def test_the_worst_groups_come_first_then_those_with_the_most_calls():
    calls = [
        changed({"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 2}, url="https://a.example/1"),
        changed({"a": 1, "b": 1}, {"a": 1, "b": 2}, url="https://a.example/2"),
    ]
    assert [(group.path, str(group.change_class), len(group.calls)) for group in groups_of(calls)] == [
        ("$.c", "shape", 1), ("$.b", "value", 2), ("$.a", "value", 1),
    ]  # fmt: skip


def test_what_several_tests_say_of_one_call_is_said_once_and_the_worst_of_it():
    mild = changed({"a": 1}, {"a": 2})
    worse = changed({"a": 1}, {})
    report = report_of(
        [call.model_copy(update={"tests": (test,)}) for call, test in ((mild, "b"), (worse, "a"), (mild, "c"))],
        mode="verify", compared=9,
    )  # fmt: skip
    assert [(call.change_class, call.tests) for call in report.calls] == [("shape", ("a", "b", "c"))]
    assert (report.compared, report.totals) == (7, {"shape": 1, "unchanged": 6})


def test_of_figures_those_count_that_are_known_on_both_sides_and_of_times_the_median():
    tally = Tally()
    for used in (
        Figures(tokens=(10, 12), cost_usd=(0.5, None), latency_ms=(1.0, 5.0)),
        Figures(tokens=(1, 2), cost_usd=(0.25, 0.5), latency_ms=(2.0, 6.0)),
        Figures(tokens=(None, 100), latency_ms=(30.0, 7.0)),
    ):
        tally.add(used)
    assert tally.figures() == Figures(tokens=(11, 14), cost_usd=(0.25, 0.5), latency_ms=(2.0, 6.0))
    assert Tally().figures() == Figures()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_field_of_any_name_has_its_group(name):
    call = changed({name: 1}, {name: 2})
    (group,) = groups_of([call])
    assert group.path == call.changes[0].path


def test_misfits_for_another_reason_are_another_group_and_an_index_is_no_reason():
    told = ["$.lines[0].sku: Field required", "$.lines[7].sku: Field required", "its body is no JSON"]
    found = [Found("data", "invalid", (), ChangeClass.BREAKING, {"a": 1}, reason) for reason in told]
    one, same, other = map(fingerprint, found)
    assert one == same != other
