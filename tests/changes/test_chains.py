"""Calls that are asked for in another way because of an earlier answer are matched by their position, as one chain."""

from __future__ import annotations

from pytest_recorded.changes.chains import Root, matched
from sides import function, moment

ROOT = Root("f" * 32, moment(10))


def asked(*items, kind="shop.price", at=20):
    """Return calls that were made one after the other."""
    return [function(5, kind=kind, sent={"item": item}, at=at + number) for number, item in enumerate(items)]


def told(pairs):
    return [
        (pair.old and pair.old.row.request_json, pair.new and pair.new.row.request_json, pair.root) for pair in pairs
    ]


def request(item):
    return '{"item":"' + item + '"}'


def test_calls_after_a_changed_answer_belong_to_those_at_their_position():
    pairs = matched(asked("a2", "b2"), asked("a", "b"), [ROOT])
    assert told(pairs) == [(request(old), request(old + "2"), ROOT.id) for old in "ab"]


def test_each_kind_is_counted_by_itself():
    come = asked("a2", kind="x") + asked("b2", kind="y")
    gone = asked("b", kind="y") + asked("a", kind="x")
    assert told(matched(come, gone, [ROOT])) == [
        (request("a"), request("a2"), ROOT.id), (request("b"), request("b2"), ROOT.id),
    ]  # fmt: skip


def test_a_longer_conversation_has_new_calls_in_its_chain():
    assert told(matched(asked("a2", "b2"), asked("a"), [ROOT])) == [
        (request("a"), request("a2"), ROOT.id), (None, request("b2"), ROOT.id),
    ]  # fmt: skip


def test_a_shorter_conversation_has_gone_calls_in_its_chain():
    assert told(matched(asked("a2"), asked("a", "b"), [ROOT])) == [
        (request("a"), request("a2"), ROOT.id), (request("b"), None, ROOT.id),
    ]  # fmt: skip
    assert told(matched([], asked("a"), [ROOT])) == [(request("a"), None, ROOT.id)]


def test_what_came_before_the_changed_answer_does_not_follow_from_it():
    pairs = matched(asked("a2", at=1) + asked("b2", at=20), asked("a", "b"), [ROOT])
    assert [root for *_, root in told(pairs)] == [None, ROOT.id]


def test_a_chain_begins_with_the_first_answer_that_has_changed():
    later = Root("e" * 32, moment(15))
    assert [root for *_, root in told(matched(asked("a2"), asked("a"), [later, ROOT]))] == [ROOT.id]


def test_without_a_changed_answer_there_is_no_chain():
    assert told(matched(asked("a2", "b2"), asked("a"), [])) == [
        (request("a"), request("a2"), None), (None, request("b2"), None),
    ]  # fmt: skip
    assert matched([], [], [ROOT]) == []
