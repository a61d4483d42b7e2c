"""Three cassettes become one, call by call."""

from __future__ import annotations

from pytest_recorded.job import Chunk
from pytest_recorded.store.build import Changes, build
from pytest_recorded.workplace import workshop
from sides import function, http, write
from three import MILK, RICE, again, meta, price


def test_what_each_side_has_added_is_in_the_outcome(three):
    done = three([price(1)], [price(1), price(2, MILK)], [price(1), price(3, RICE)])
    assert done.answers == ['{"price":1}', '{"price":2}', '{"price":3}']
    assert (done.came, done.conflicts, done.merged.conflicts) == ({"ours": 1, "theirs": 1}, [], [])


def test_what_one_side_has_replaced_or_dropped_is_so_in_the_outcome(three):
    base = [price(1), price(2, MILK), price(3, RICE)]
    for ours, theirs, came in (
        ([price(9), price(2, MILK)], base, {"ours": 2}),
        (base, [price(9), price(2, MILK)], {"theirs": 2}),
    ):
        done = three(base, ours, theirs)
        assert done.answers == ['{"price":2}', '{"price":9}']
        assert done.came == came


def test_who_is_merged_into_whom_makes_no_difference(three):
    base = [price(1), price(2, MILK)]
    ours = [price(4, at=3), price(2, MILK), price(5, RICE), http({"a": 1}, at=2)]
    theirs = [price(4, at=2), price(6, MILK), http({"a": 1}, at=1)]
    assert three(base, ours, theirs).bytes == three(base, theirs, ours).bytes


def test_the_same_answer_recorded_anew_on_both_sides_is_no_conflict_and_the_first_of_them_stays(three):
    done = three([price(1)], [price(2, at=20)], [price(2, at=10)])
    assert (done.came, done.conflicts) == ({"both": 1}, [])
    assert done.rows == [price(2, at=10).row]


def test_headers_that_vary_make_no_other_answer(three):
    kind = ("content-type", "application/json")
    one, other = (http({"price": 2}, at=at, headers=(kind, ("date", f"{at}"))) for at in (5, 6))
    done = three([http({"price": 1})], [other], [one])
    assert (done.came, done.rows) == ({"both": 1}, [one.row])


def test_a_row_that_was_renewed_on_one_side_stays_renewed(three):
    done = three([price(1)], [price(1)], [price(1, at=500)])
    assert done.rows == [price(1, at=500).row]


def test_a_row_that_was_only_renewed_gives_way_to_what_the_other_side_has_made_of_it(three):
    for renewed in ([price(1, at=5)], [http({"price": 1}, at=5, data={"n": 2})]):
        (side,) = renewed
        base = [price(1) if side.row.kind == "shop.price" else http({"price": 1}, data={"n": 1})]
        other = [price(2, at=3) if side.row.kind == "shop.price" else http({"price": 2}, at=3)]
        for sides in ((renewed, other), (other, renewed)):
            done = three(base, *sides)
            assert (done.rows, done.conflicts) == ([other[0].row], [])
            assert done.came == ({"theirs": 1} if sides[1] is other else {"ours": 1})
        for sides in ((renewed, []), ([], renewed)):
            done = three(base, *sides)
            assert done.rows == []
            assert done.came == ({"theirs": 1} if sides[1] == [] else {"ours": 1})


def test_what_both_have_dropped_is_gone_and_what_one_has_dropped_and_the_other_recorded_anew_is_kept(three):
    base = [price(1), price(2, MILK), price(3, RICE)]
    done = three(base, [price(8, MILK)], [price(9, RICE)])
    assert done.answers == ['{"price":8}', '{"price":9}']
    assert (done.came, done.conflicts) == ({"both": 1, "ours": 1, "theirs": 1}, [])


def test_both_sides_may_have_added_the_cassette(three):
    done = three(None, [price(1), price(2, MILK)], [price(1), price(3, RICE)])
    assert done.answers == ['{"price":1}', '{"price":2}', '{"price":3}']
    assert done.came == {"both": 1, "ours": 1, "theirs": 1}


def test_the_pieces_of_a_stream_come_with_it(three):
    base, other = function(streamed=["a", "b"]), function(streamed=["a", "c", "d"])
    done = three([base], [base], [other])
    assert done.chunks == [other.chunks]
    assert three([base], [other], [function(streamed=["x"])]).merged.conflicts


def test_times_of_the_pieces_of_a_stream_make_no_other_answer(three):
    one = function(streamed=["a", "b"], at=1)
    late = one._replace(row=one.row, chunks=tuple(Chunk(c.seq, c.offset_ms + 7, c.body) for c in one.chunks))
    done = three([function(streamed=["z"])], [late], [one])
    assert done.came == {"both": 1}
    assert done.chunks in ([late.chunks], [one.chunks])


def test_all_attempts_at_a_call_come_together(three):
    failed = price(0, raised=ValueError("no"))
    good = again(price(1, at=5), 1)
    done = three([failed], [failed], [failed, good])
    assert [row.attempt for row in done.rows] == [0, 1]
    assert done.came == {"theirs": 1}


def test_of_two_equal_answers_the_one_with_the_longer_history_stays(three):
    failed = price(0, raised=ValueError("no"))
    good, short = again(price(1, at=9), 1), again(price(1, at=5), 1)
    for sides in (([failed, good], [short]), ([short], [failed, good])):
        done = three(None, *sides)
        assert done.rows == [failed.row, good.row]


def test_data_that_were_picked_again_on_one_side_are_in_the_outcome_whoever_has_them(three):
    old, new = {"price": 1}, {"total": 1}
    base = http({"price": 1}, data=old)
    ours, theirs = http({"price": 1}, data=new, at=9), http({"price": 1}, data=old, info={"versions": "2"}, at=8)
    for sides in ((ours, theirs), (theirs, ours)):
        done = three([base], [sides[0]], [sides[1]])
        (row,) = done.rows
        assert done.came == {"both": 1}
        assert (row.data_json, row.info_json) == ('{"total":1}', '{"versions":"2"}')
        assert row.submitted_at == theirs.row.submitted_at


def test_data_of_http_that_both_have_picked_anew_follow_from_the_answer_and_are_no_conflict(three):
    sides = [http({"price": 1}, data={"n": n}, at=n) for n in (0, 1, 2)]
    done = three([sides[0]], [sides[2]], [sides[1]])
    assert done.conflicts == []
    assert done.rows == [sides[1].row]


def test_what_a_function_has_attached_is_a_part_of_its_answer(three):
    sides = [price(1, data={"n": n}, at=n) for n in (0, 1, 2)]
    assert three([sides[0]], [sides[0]], [sides[1]]).conflicts == []
    assert len(three([sides[0]], [sides[2]], [sides[1]]).conflicts) == 1


def test_who_shares_a_call_is_merged_pair_by_pair(three, tmp_path):
    shared, other = price(1, scope=""), price(2, MILK, scope="")
    one, two = shared.row.id, other.row.id
    base = write(tmp_path / "b.db", shared, other, uses={("t::a", one), ("t::b", one), ("t::b", two)})
    ours = write(tmp_path / "o.db", shared, other, uses={("t::a", one), ("t::c", one), ("t::b", two)})
    theirs = write(tmp_path / "t.db", shared, other, uses={("t::a", one), ("t::b", one), ("t::b", two), ("t::d", two)})
    done = three(base, ours, theirs)
    assert done.users == {one: ["t::a", "t::c"], two: ["t::b", "t::d"]}
    assert done.bytes == three(base, theirs, ours).bytes


def test_who_drops_a_shared_call_says_nothing_about_who_uses_it(three, tmp_path):
    shared, anew = price(1, scope=""), price(2, scope="", at=5)
    one = shared.row.id
    base = write(tmp_path / "b.db", shared, uses={("t::a", one)})
    theirs = write(tmp_path / "t.db", anew, uses={("t::a", one)})
    for sides in (([], theirs), (theirs, [])):
        done = three(base, *sides)
        assert done.users == {one: ["t::a"]}
        assert done.came == ({"theirs": 1} if sides[1] == theirs else {"ours": 1})


def test_a_fact_about_the_file_is_merged_as_a_call_is(three, tmp_path):
    paths = [write(tmp_path / f"{name}.db", price(1)) for name in "bot"]
    said = ({"a": "1", "b": "1", "c": "1"}, {"a": "2", "b": "1", "d": "z"}, {"a": "1", "b": "3", "c": "1", "d": "y"})
    for path, facts in zip(paths, said, strict=True):
        build(path, Changes(facts=facts), workshop(path))
    base, ours, theirs = paths
    done = three(base, ours, theirs)
    found = meta(done.path)
    assert {name: found.get(name) for name in "abcd"} == {"a": "2", "b": "3", "c": None, "d": "y"}
    assert done.bytes == three(base, theirs, ours).bytes
