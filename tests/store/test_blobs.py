"""Large texts are kept once, and whoever reads rows finds them there."""

from __future__ import annotations

import gc
import json
import random
import sqlite3
import weakref
from contextlib import closing

import pytest

from pytest_recorded.canonical import POINTER
from pytest_recorded.check import check
from pytest_recorded.codec import dump, load
from pytest_recorded.errors import CassetteError
from pytest_recorded.job import Chunk
from pytest_recorded.options import Options
from pytest_recorded.store import blobs
from pytest_recorded.store.build import Changes, build
from pytest_recorded.store.looking import AnyFile, copy_with, look_into
from pytest_recorded.store.sqlite import CassetteFile

SLOTS = ("request_json", "response_json", "data_json", "error_json")
WORDS = random.Random(7).choices([f"word{n}" for n in range(200)], k=4000)


def text_of(size, start=""):
    """Return a text of JSON, of a size."""
    return json.dumps((start + " ".join(WORDS))[: size - 2])


def is_pointer(text):
    """Return whether a text stands for one that is elsewhere."""
    return text.startswith(POINTER)


def conversation(turns):
    """Return the request of a conversation after some turns."""
    messages = [
        {"role": "user" if n % 2 else "assistant", "content": " ".join(WORDS[n * 40 :][:200])} for n in range(turns)
    ]
    return json.dumps({"model": "m", "messages": messages}, separators=(",", ":"))


@pytest.fixture
def made(tmp_path, folder, row):
    """Make a cassette of rows, and return its path."""

    def make(*rows, name="jobs.db", chunks=()):
        path = tmp_path / name
        build(path, Changes(fresh=[(each, tuple(chunks)) for each in rows]), folder)
        return path

    return make


@pytest.mark.parametrize("slot", SLOTS)
@pytest.mark.parametrize("size", [4095, 4096, 70_000])
def test_a_text_of_any_size_is_read_as_it_was_in_each_slot_and_by_each_reader(made, row, slot, size):
    one = row("test_a", **{slot: text_of(size)})
    path = made(one, row("test_b"))
    with closing(CassetteFile(path)) as file, closing(look_into(path)) as connection:
        assert file.row_at(one.address) == AnyFile(path).row(one.id) == one
        found = file.find(one.address)
        assert (found.response_json, found.error_json) == (one.response_json, one.error_json)
        assert connection.execute(f"SELECT {slot} FROM jobs WHERE scope = 'test_a'").fetchone() == (text_of(size),)


def test_a_small_text_stays_in_its_row_for_plain_sql_and_a_large_one_has_a_pointer_there(made, row, query):
    path = made(row("small", response_json=text_of(4095)), row("large", response_json=text_of(4096)))
    (large, small) = (text for (text,) in query(path, "SELECT response_json FROM jobs ORDER BY scope"))
    assert small == text_of(4095)
    assert is_pointer(large)
    assert set(json.loads(large)) == {"py:blob"}
    assert query(path, "SELECT encoding, length(digest) FROM blobs") == [("zlib", 32)]


def test_a_text_that_many_rows_have_is_kept_once(made, row, query):
    path = made(*(row(f"test_{n}", response_json=text_of(9000)) for n in range(20)))
    assert query(path, "SELECT count(*) FROM blobs") == [(1,)]
    with closing(CassetteFile(path)) as file:
        assert {each.response_json for each in file.rows()} == {text_of(9000)}


def test_what_compressing_does_not_make_smaller_is_kept_as_it_is():
    noise = random.Random(3).randbytes(5000)
    with closing(sqlite3.connect(":memory:")) as connection:
        keeper = blobs.Keeper(connection)
        connection.execute("SELECT keep_whole(?), keep_whole(?)", (noise, noise.hex().encode())).fetchone()
    (plain, data), (packed, other) = keeper.blobs.values()
    assert (plain, data, packed) == ("plain", noise, "zlib")
    assert len(other) < 0.6 * len(noise.hex())


def test_requests_that_begin_alike_share_what_they_begin_with(made, row, query):
    turns = [conversation(count) for count in range(4, 40)]
    path = made(*(row("test_chat", key=f"k{n}", request_json=text) for n, text in enumerate(turns)))
    (kept,) = query(path, "SELECT sum(length(data)) FROM blobs")[0]
    assert kept < len(turns[-1]) < sum(map(len, turns)) / 10
    with closing(CassetteFile(path)) as file:
        assert sorted(each.request_json for each in file.rows()) == sorted(turns)


def test_a_piece_of_a_request_is_cut_off_after_an_object_or_a_line_and_is_no_smaller_than_a_kilobyte():
    for text in (conversation(30), json.dumps("a line of a prompt\n" * 900)):
        pieces = list(blobs._pieces(text.encode()))
        assert b"".join(pieces).decode() == text
        assert len(pieces) > 5
        assert all(len(piece) >= 1024 for piece in pieces[:-1])
        assert all(piece.endswith((b"},", b"\\n")) for piece in pieces[:-1])


def test_the_pieces_of_any_text_are_that_text():
    for seed in range(300):
        chance = random.Random(seed)
        text = "".join(chance.choices(["a", "\\n", "{", "},", "\u00e9", "\n"], k=chance.randrange(4000))).encode()
        assert b"".join(blobs._pieces(text)) == text


def test_a_large_piece_of_a_stream_is_kept_apart_as_well(made, row, query):
    chunks = [Chunk(0, 0.0, '"a"'), Chunk(1, 1.5, text_of(5000))]
    one = row("test_a")
    path = made(one, chunks=chunks)
    assert [is_pointer(body) for (body,) in query(path, "SELECT body FROM chunks ORDER BY seq")] == [False, True]
    with closing(CassetteFile(path)) as file:
        assert file.chunks(one.id) == chunks


def test_equal_rows_are_equal_bytes_however_their_large_texts_came_in(made, row, folder):
    rows = [row(f"test_{n}", request_json=conversation(n % 9 + 4), response_json=text_of(n * 900)) for n in range(12)]
    at_once = made(*rows)
    slowly = made(rows[5], row("gone", response_json=text_of(30_000, "only here")), name="slowly.db")
    for each in reversed(rows[:5] + rows[6:]):
        build(slowly, Changes(fresh=[(each, ())]), folder)
    build(slowly, Changes(gone={row("gone").address}), folder)
    assert slowly.read_bytes() == at_once.read_bytes()


def test_a_text_that_no_row_has_any_more_goes_and_one_that_another_row_has_stays(made, row, query, folder):
    shared, own = text_of(6000), text_of(6000, "own")
    path = made(row("a", response_json=shared), row("b", response_json=shared), row("c", request_json=own))
    build(path, Changes(gone={row("a").address, row("c").address}), folder)
    assert query(path, "SELECT count(*) FROM blobs") == [(1,)]
    build(path, Changes(gone={row("b").address}), folder)
    assert query(path, "SELECT count(*) FROM blobs") == [(0,)]


def test_a_cassette_with_large_texts_in_its_rows_is_read_and_gets_its_form_with_the_next_change(
    made, row, query, folder, alter
):
    long = text_of(5000)
    path, wanted = made(row("a")), made(row("a", response_json=long), row("b"), name="wanted.db")
    alter(path, f"UPDATE jobs SET response_json = '{long}'")
    with closing(CassetteFile(path)) as file:
        assert file.rows()[0].response_json == long
    build(path, Changes(fresh=[(row("b"), ())]), folder)
    assert path.read_bytes() == wanted.read_bytes()


def test_a_text_that_is_no_utf8_is_read_back_as_the_same_bytes(made, row, alter, folder):
    path = made(row("a"))
    alter(path, "UPDATE jobs SET response_json = CAST(x'22ff' || zeroblob(5000) || x'22' AS TEXT)")
    with pytest.raises(CassetteError, match="decode to UTF-8"), closing(CassetteFile(path)) as file:
        file.rows()
    build(path, Changes(fresh=[(row("b"), ())]), folder)
    with closing(look_into(path)) as connection:
        (text,) = connection.execute("SELECT CAST(response_json AS BLOB) FROM jobs WHERE scope = 'a'").fetchone()
    assert text == b'"\xff' + bytes(5000) + b'"'


DAMAGES = {
    "gone": "DELETE FROM blobs",
    "cut off": "UPDATE blobs SET data = substr(data, 1, 20)",
    "of another form": "UPDATE blobs SET encoding = 'lzma'",
    "a number": "UPDATE blobs SET data = 7",
    "empty": "UPDATE blobs SET data = x''",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_text_that_cannot_be_read_is_damage_of_its_row_alone(made, row, alter, folder, damage):
    path = made(row("a", request_json=conversation(9), response_json=text_of(9000)), row("b", response_json='"fine"'))
    alter(path, DAMAGES[damage])
    with closing(CassetteFile(path)) as file:
        assert is_pointer(file.row_at(row("a").address).response_json)
        assert file.row_at(row("b").address).response_json == '"fine"'
    found = check(path, Options(), {}).findings
    assert {(each.code, each.test) for each in found if each.id == row("a").id} == {("damaged", "a")}
    assert {each.path for each in found if each.id == row("a").id} == {"request: $", "response: $"}
    assert any("git checkout" in each.message for each in found)
    build(path, Changes(fresh=[(row("c"), ())]), folder)
    with closing(CassetteFile(path)) as file:
        assert file.row_at(row("b").address).response_json == '"fine"'


def test_check_names_a_text_whose_bytes_are_not_those_that_were_kept(made, row, alter):
    path = made(row("a", response_json=text_of(9000)), row("b", response_json=text_of(9000, "x")))
    alter(path, "UPDATE blobs SET data = (SELECT max(data) FROM blobs)")
    messages = [each.message for each in check(path, Options(), {}).findings]
    assert len(messages) == 1
    assert "is not the text that was kept" in messages[0]


def test_pieces_that_point_to_themselves_are_damage_and_no_endless_loop(made, row, alter):
    path = made(row("a", request_json=conversation(9)))
    alter(path, "UPDATE blobs SET encoding = 'pieces', data = randomblob(0)")
    alter(path, "CREATE TABLE all_of AS SELECT digest FROM blobs; UPDATE blobs SET data = CAST(digest AS BLOB)")
    with closing(CassetteFile(path)) as file:
        assert is_pointer(file.rows()[0].request_json)


@pytest.mark.parametrize("value", [{"py:blob": "0" * 32}, [{"py:blob": 1}], '{"py:blob":"x"}'])
def test_no_value_of_a_user_is_stored_as_a_pointer(value):
    text = dump(value)
    assert not is_pointer(text)
    assert load(text) == value


def test_a_copy_in_memory_has_large_texts_of_the_cassette_and_of_the_rows_that_are_added(made, row):
    path = made(row("a", response_json=text_of(9000)), row("b", response_json=text_of(9000)))
    added = row("a", response_json=text_of(8000, "added"))
    with closing(copy_with(path, [(added, ())])) as connection:
        found = connection.execute("SELECT response_json FROM jobs ORDER BY scope").fetchall()
    assert found == [(text_of(8000, "added"),), (text_of(9000),)]


def test_a_connection_that_nobody_closes_is_not_kept_by_what_it_reads_with(made, row):
    path = made(row("a", response_json=text_of(9000)))
    connection = look_into(path)
    gone = weakref.ref(connection)
    connection.close()
    del connection
    gc.collect()
    assert gone() is None


def test_a_look_up_still_finds_its_row_by_the_tree_of_addresses(made, row):
    path = made(row("a", response_json=text_of(9000)))
    with closing(look_into(path)) as connection:
        plan = connection.execute(
            "EXPLAIN QUERY PLAN SELECT response_json FROM jobs"
            " WHERE scope = 'a' AND kind = 'k' AND key = 'k' AND seq = 0 ORDER BY attempt DESC LIMIT 1"
        ).fetchall()
    assert [step[-1] for step in plan] == [
        "SEARCH main.jobs USING PRIMARY KEY (scope=? AND kind=? AND key=? AND seq=?)"
    ]
