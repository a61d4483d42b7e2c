"""What holds of every merge."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_recorded.conflicts import Choice, resolve
from pytest_recorded.merging import merge
from pytest_recorded.units import Source
from sides import function, http, write
from three import again, conflicts_in, rows_in

FEW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ITEMS = [{"item": name} for name in ("tea", "milk", "Ω")]
SCOPES = ("", "t::a", "t::é")
TESTS = ("t::a", "t::b")
PLACES = [(scope, item) for scope in SCOPES for item in range(len(ITEMS))]


@st.composite
def units(draw):
    """What stands at an address, as a function of the address: one or two attempts, some answer, some data."""
    answer, at, fails = draw(st.integers(0, 2)), draw(st.integers(0, 2)), draw(st.booleans())
    data = draw(st.sampled_from([None, {"n": 1}, {"n": 2}]))
    is_http, is_stream, users = draw(st.booleans()), draw(st.booleans()), draw(st.sets(st.sampled_from(TESTS)))

    def made(scope, item):
        common = {"scope": scope, "at": at, "data": data, "sent": ITEMS[item]}
        if item == 0 and is_http:
            side = http({"price": answer}, headers=(("date", f"{at}"),), **common)
        elif item == 0:
            side = function({"price": answer}, kind="http.shop", **common)
        elif is_stream:
            side = function(streamed=[1, answer], kind="shop.stream", **common)
        else:
            side = function({"price": answer}, **common)
        several = [side]
        if fails:
            failed = function(raised=ValueError("no"), kind=side.row.kind, **common)
            first = failed.row._replace(key=side.row.key, request_json=side.row.request_json, id=side.row.id)
            several = [failed._replace(row=first), again(side, 1)]
        return several, users if scope == "" else ()

    return made


CASSETTES = st.dictionaries(st.sampled_from(PLACES), units(), max_size=5)


@pytest.fixture
def files(tmp_path):
    """Write cassettes and merge them."""
    number = count()

    class Files:
        @staticmethod
        def write(cassette):
            made = [make(*place) for place, make in cassette.items()]
            sides = [side for several, _ in made for side in several]
            uses = {(user, several[-1].row.id) for several, users in made for user in users}
            return write(tmp_path / f"{next(number)}.db", *sides, uses=uses)

        @staticmethod
        def merge(base, ours, theirs):
            into = tmp_path / f"{next(number)}.db"
            merged = merge(Source(base, "base"), Source(ours, "ours"), Source(theirs, "theirs"), into=into)
            assert merged.conflicts == conflicts_in(into)
            return into

    return Files


@FEW
@given(CASSETTES, CASSETTES)
def test_what_only_one_side_or_both_alike_have_changed_is_the_outcome_to_the_last_byte(files, base, other):
    base, other = files.write(base), files.write(other)
    for sides in ((other, other), (base, other), (other, base)):
        assert files.merge(base, *sides).read_bytes() == other.read_bytes()


@FEW
@given(CASSETTES, CASSETTES, CASSETTES)
def test_sides_that_are_exchanged_exchange_the_sides_of_conflicts_and_nothing_else(files, base, ours, theirs):
    base, ours, theirs = map(files.write, (base, ours, theirs))
    one, other = files.merge(base, ours, theirs), files.merge(base, theirs, ours)
    found, swapped = conflicts_in(one), conflicts_in(other)
    addresses = [conflict.ours.row.address for conflict in found]
    assert addresses == [conflict.ours.row.address for conflict in swapped]
    for conflict, exchanged in zip(found, swapped, strict=True):
        assert conflict.base == exchanged.base
        assert (conflict.ours, conflict.theirs) == (exchanged.theirs, exchanged.ours)
    kept = [[row for row in rows_in(path)[0] if row.address not in addresses] for path in (one, other)]
    assert kept[0] == kept[1]
    if all(conflict.ours.row.attempt == conflict.theirs.row.attempt for conflict in found):
        assert rows_in(one)[1] == rows_in(other)[1]


@FEW
@given(CASSETTES, CASSETTES, st.sets(st.sampled_from(PLACES)))
def test_changes_to_different_calls_never_conflict_and_are_all_there(files, base, changed, mine):
    """A side has the calls of its own places as they have changed, all others as they were."""
    ours = {place: make for place, make in (base | changed).items() if place in mine or place in base}
    ours = {place: changed.get(place, make) if place in mine else base[place] for place, make in ours.items()}
    theirs = {place: make for place, make in (base | changed).items() if place not in mine or place in base}
    theirs = {place: base[place] if place in mine else changed.get(place, make) for place, make in theirs.items()}
    expected = files.write(base | changed)
    done = files.merge(files.write(base), files.write(ours), files.write(theirs))
    assert conflicts_in(done) == []
    assert done.read_bytes() == expected.read_bytes()


@FEW
@given(CASSETTES, CASSETTES, CASSETTES)
def test_no_answer_that_a_side_has_recorded_is_lost(files, base, ours, theirs):
    paths = [*map(files.write, (base, ours, theirs))]
    done = files.merge(*paths)
    known, before = answers(done), answers(paths[0])
    for conflict in conflicts_in(done):
        known |= {answer(conflict.ours.row), answer(conflict.theirs.row)}
    for side in paths[1:]:
        assert answers(side) - before <= known


@FEW
@given(CASSETTES, CASSETTES, CASSETTES, st.sampled_from([Choice.OURS, Choice.THEIRS]))
def test_a_merge_whose_conflicts_are_all_settled_is_like_one_without(files, base, ours, theirs, choice):
    paths = [*map(files.write, (base, ours, theirs))]
    done = files.merge(*paths)
    conflicts = conflicts_in(done)
    resolve(done, dict.fromkeys((conflict.id for conflict in conflicts), choice))
    assert conflicts_in(done) == []
    last = {row.address: row for row in rows_in(done)[0]}
    for conflict in conflicts:
        kept = conflict.ours if choice is Choice.OURS else conflict.theirs
        assert last[kept.row.address] == kept.row


def answers(path):
    """Return the last answer of each call."""
    last = {row.address: row for row in rows_in(path)[0]}
    return {answer(row) for row in last.values()}


def answer(row):
    body = row.response_json and row.response_json.partition('"body"')[2]
    return row.address, row.status, body or row.response_json
