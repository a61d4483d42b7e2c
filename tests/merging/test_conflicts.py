"""What both sides have answered in different ways is kept until somebody chooses."""

from __future__ import annotations

import json
import re
from contextlib import closing

import pytest

from pytest_recorded.conflicts import Choice, resolve
from pytest_recorded.entry import Entry, write_entry
from pytest_recorded.errors import CassetteError
from pytest_recorded.rename import rename_scope
from pytest_recorded.store.build import Changes, build
from pytest_recorded.store.sqlite import CassetteFile
from pytest_recorded.workplace import workshop
from sides import TEST, write
from three import MILK, RICE, again, conflicts_in, meta, price, rows_in


def test_other_answers_on_both_sides_are_a_conflict_that_the_file_keeps_and_replays_as_ours(three):
    base, ours, theirs = price(1), price(2, at=5), price(3, at=6)
    done = three([base, price(4, MILK)], [ours, price(4, MILK)], [theirs, price(4, MILK)])
    (conflict,) = done.conflicts
    assert done.merged.conflicts == done.conflicts
    assert [entry.row for entry in conflict] == [base.row, ours.row, theirs.row]
    assert done.answers == ['{"price":2}', '{"price":4}']
    assert done.came == {}
    with closing(CassetteFile(done.path)) as file:
        assert file.find(ours.row.address).response_json == '{"price":2}'


def test_the_same_key_for_another_request_is_a_conflict_though_the_answers_are_equal(three):
    ours, theirs = (price(1, item, key="mine", info={"request": f"b2:{item['item']}"}, at=1) for item in (MILK, RICE))
    assert len(three(None, [ours], [theirs]).conflicts) == 1
    same = [price(1, item, key="mine", info={"request": "b2:1"}, at=1) for item in (MILK, RICE)]
    assert three(None, [same[0]], [same[1]]).conflicts == []


def test_a_failure_against_an_answer_is_a_conflict(three):
    done = three([price(1)], [price(2)], [price(0, raised=ValueError("no"))])
    assert [entry.row.status for entry in done.conflicts[0]] == ["completed", "completed", "failed"]


@pytest.mark.parametrize(("prefer", "kept"), [("ours", 2), ("theirs", 3), ("newer", 2)])
def test_a_choice_that_is_given_settles_all_conflicts(three, prefer, kept):
    done = three([price(1)], [price(2, at=6)], [price(3, at=5)], prefer=Choice(prefer))
    assert done.answers == [f'{{"price":{kept}}}']
    assert (done.conflicts, done.merged.conflicts, done.merged.settled) == ([], [], 1)
    assert "conflict:" not in "".join(meta(done.path))


def test_theirs_is_taken_with_all_its_attempts(three):
    failed, good = price(0, raised=ValueError("no")), again(price(1, at=5), 1)
    assert three(None, [price(7)], [failed, good], prefer=Choice.THEIRS).rows == [failed.row, good.row]


def test_both_sides_merged_the_other_way_round_are_the_same_conflict(three):
    sides = [price(1)], [price(2, at=5)], [price(3, at=6)]
    one, other = three(*sides), three(sides[0], sides[2], sides[1])
    assert one.conflicts[0].ours == other.conflicts[0].theirs
    assert one.conflicts[0].theirs == other.conflicts[0].ours
    resolve(one.path, {one.conflicts[0].id: Choice.OURS})
    resolve(other.path, {other.conflicts[0].id: Choice.THEIRS})
    assert one.bytes == other.bytes


@pytest.mark.parametrize(("choice", "kept"), [("ours", 2), ("theirs", 3), ("newer", 3)])
def test_a_settled_conflict_leaves_the_file_that_has_that_side_alone(three, choice, kept):
    sides = price(2, at=5), price(3, at=6)
    done = three([price(1)], [sides[0]], [sides[1]])
    (conflict,) = done.conflicts
    assert resolve(done.path, {conflict.id: Choice(choice)}) == {conflict.id: "ours" if kept == 2 else "theirs"}
    expected = three([sides[kept - 2]], [sides[kept - 2]], [sides[kept - 2]])
    assert done.bytes == expected.bytes


def test_theirs_with_another_number_of_attempts_takes_its_place_and_who_shared_ours_shares_it(three, tmp_path):
    failed, good = price(0, raised=ValueError("no"), scope=""), again(price(1, at=5, scope=""), 1)
    other = price(7, at=6, scope="")
    ours = write(tmp_path / "o.db", failed, good, uses={("t::a", good.row.id)})
    theirs = write(tmp_path / "t.db", other, uses={("t::b", other.row.id)})
    for sides, left in (((ours, theirs), other.row), ((theirs, ours), good.row)):
        done = three(None, *sides)
        resolve(done.path, {done.conflicts[0].id: Choice.THEIRS})
        assert rows_in(done.path) == ([left], {left.id: ["t::a", "t::b"]})


def test_what_failed_before_theirs_was_tried_again_stays(three):
    failed = price(0, raised=ValueError("no"))
    ours, theirs = again(price(1, at=5), 1), again(price(2, at=6), 1)
    done = three([failed], [failed, ours], [failed, theirs])
    resolve(done.path, {done.conflicts[0].id: Choice.THEIRS})
    assert rows_in(done.path)[0] == [failed.row, theirs.row]


def test_a_conflict_that_was_settled_in_the_meantime_is_left_out(three):
    done = three([price(1)], [price(2)], [price(3)])
    (conflict,) = done.conflicts
    resolve(done.path, {conflict.id: Choice.OURS})
    assert resolve(done.path, {conflict.id: Choice.THEIRS}) == {}
    assert done.answers == ['{"price":2}']


# Conflicts of before.


@pytest.fixture
def unsettled(three):
    """A cassette with a conflict: ours says 2, theirs says 3; and both with a call of milk."""
    milk = price(4, MILK)
    return three([price(1), milk], [price(2, at=5), milk], [price(3, at=6), milk]).path


def test_a_conflict_that_nobody_has_settled_is_carried_by_whichever_side_has_it(three, unsettled):
    rest = [price(2, at=5), price(4, MILK)]
    for base, ours, theirs in ((rest, unsettled, [*rest, price(5, RICE)]), (rest, [*rest, price(5, RICE)], unsettled)):
        done = three(base, ours, theirs)
        assert done.conflicts == conflicts_in(unsettled)
        assert done.merged.conflicts == [], "it is no conflict of this merge"
        assert '{"price":5}' in done.answers


def test_a_conflict_that_one_side_has_settled_is_settled(three, unsettled):
    for choice, kept in ((Choice.OURS, 2), (Choice.THEIRS, 3)):
        settled = unsettled.with_name(f"{choice}.db")
        settled.write_bytes(unsettled.read_bytes())
        resolve(settled, {conflicts_in(settled)[0].id: choice})
        for sides in ((settled, unsettled), (unsettled, settled)):
            done = three(unsettled, *sides)
            assert (done.conflicts, done.answers) == ([], [f'{{"price":{kept}}}', '{"price":4}'])


def test_a_conflict_that_each_side_has_settled_in_another_way_is_one_again(three, unsettled):
    """As where branches were merged into each other crosswise: git's base is then a merge of its own."""
    paths = []
    for choice in (Choice.OURS, Choice.THEIRS):
        paths.append(unsettled.with_name(f"{choice}.db"))
        paths[-1].write_bytes(unsettled.read_bytes())
        resolve(paths[-1], {conflicts_in(unsettled)[0].id: choice})
    done = three(unsettled, *paths)
    (conflict,) = done.conflicts
    assert conflict.base is None
    assert (conflict.ours.row, conflict.theirs.row) == (price(2, at=5).row, price(3, at=6).row)
    assert three(unsettled, paths[0], paths[0]).conflicts == []


def test_a_third_answer_to_a_call_in_conflict_leaves_the_latest_two(three, unsettled):
    rest = [price(1), price(4, MILK)]
    other = [price(9, at=7), price(4, MILK)]
    assert [entry.row.response_json for entry in three(rest, unsettled, other).conflicts[0][1:]] == [
        '{"price":2}',
        '{"price":9}',
    ]


def test_who_has_made_ours_his_own_says_nothing_about_theirs(three, unsettled):
    rest = [price(1), price(4, MILK)]
    for at in (4, 5, 6):
        same = [price(2, at=at), price(4, MILK)]
        for sides in ((unsettled, same), (same, unsettled)):
            (conflict,) = three(rest, *sides).conflicts
            assert [entry.row.response_json for entry in conflict[1:]] == ['{"price":2}', '{"price":3}']
            done = three(rest, *sides, prefer=Choice.THEIRS)
            assert (done.answers, done.conflicts) == (['{"price":3}', '{"price":4}'], [])


def test_two_sides_with_the_same_conflict_have_it_once(three, unsettled):
    rest = [price(1), price(4, MILK)]
    swapped = three(rest, [price(3, at=6), price(4, MILK)], [price(2, at=5), price(4, MILK)]).path
    for sides, expected in (((unsettled, swapped), [2, 3]), ((swapped, unsettled), [3, 2])):
        (conflict,) = three(rest, *sides).conflicts
        assert [entry.row.response_json for entry in conflict[1:]] == [f'{{"price":{number}}}' for number in expected]


# What else is done to a row in conflict.


def test_a_row_that_is_recorded_anew_or_dropped_is_in_no_conflict_any_more_and_nothing_of_it_is_left(unsettled):
    for name, fresh in (("anew", [(price(8).row, ())]), ("dropped", [])):
        path = unsettled.with_name(f"{name}.db")
        path.write_bytes(unsettled.read_bytes())
        build(path, Changes(fresh=fresh, gone={price(8).row.address}), workshop(path))
        assert conflicts_in(path) == []
        assert set(meta(path)) == {"jobs", "schema"}


def test_a_later_attempt_settles_a_conflict(unsettled):
    build(unsettled, Changes(fresh=[(again(price(8), 1).row, ())]), workshop(unsettled))
    assert conflicts_in(unsettled) == []


def test_a_renamed_test_takes_its_conflict_along(unsettled):
    rename_scope(unsettled, TEST, "tests/test_cart.py::test_sum")
    (conflict,) = conflicts_in(unsettled)
    assert {entry.row.scope for entry in conflict} == {"tests/test_cart.py::test_sum"}
    assert set(meta(unsettled)) == {"jobs", "schema", f"conflict:{conflict.id}"}
    resolve(unsettled, {conflict.id: Choice.THEIRS})
    rows, _ = rows_in(unsettled)
    assert sorted(row.response_json for row in rows) == ['{"price":3}', '{"price":4}']
    assert {row.scope for row in rows} == {"tests/test_cart.py::test_sum"}


def none_of_a_merge(conflict):
    """Return texts that are no conflict, or none about this call."""
    sides = json.loads(conflict.text())
    elsewhere = json.dumps(json.loads(write_entry(Entry(price(4, MILK).row))) | {"id": conflict.id})
    others = [{side: elsewhere} for side in sides]
    wrong = json.loads(sides["theirs"])
    others += [{"theirs": json.dumps(wrong | change)} for change in ({"id": "f" * 32}, {"key": None, "id": "f" * 32})]
    broken = ("{", "[]", "{}", "[" * 100_000, '{"base":1,"ours":2,"theirs":null}')
    return *broken, '{"base":null,"ours":"{}","theirs":"{}"}', *(json.dumps(sides | other) for other in others)


def test_a_conflict_that_cannot_be_read_or_is_about_another_call_says_how_to_get_rid_of_it(three, unsettled):
    (conflict,) = conflicts_in(unsettled)
    fix = re.escape(f"Record its test again: pytest --record-mode=rewrite {conflict.ours.row.scope}")
    for text in none_of_a_merge(conflict):
        build(unsettled, Changes(facts={conflict.name: text}), workshop(unsettled))
        before = unsettled.read_bytes()
        with pytest.raises(CassetteError, match=fix):
            conflicts_in(unsettled)
        with pytest.raises(CassetteError, match=fix):
            resolve(unsettled, {conflict.id: Choice.THEIRS})
        with pytest.raises(CassetteError, match=f"^theirs: the conflict .* {fix}"):
            three([price(1)], [price(9)], unsettled)
        assert unsettled.read_bytes() == before
