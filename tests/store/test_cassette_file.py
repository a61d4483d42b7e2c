"""A cassette that is replayed: opened to be read, and left as it was."""

from __future__ import annotations

import pytest

from pytest_recorded.errors import CassetteError
from pytest_recorded.job import Address, Chunk, job_id
from pytest_recorded.store.build import Changes, build
from pytest_recorded.store.sqlite import CassetteFile

FIRST = Address("test_a", "shop.ask", "k", 0)


def stamp(path):
    return path.read_bytes(), path.stat().st_mtime_ns


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def reader(cassette):
    """The cassette, open."""
    made = CassetteFile(cassette)
    yield made
    made.close()


def test_it_is_never_in_wal_mode(cassette, query):
    assert cassette.read_bytes()[18:20] == b"\x01\x01"
    assert query(cassette, "PRAGMA journal_mode") == [("delete",)]


def test_reading_it_changes_neither_bytes_nor_times_and_leaves_nothing_beside(cassette, reader):
    before, beside = stamp(cassette), names(cassette.parent)
    found = reader.find(FIRST)
    assert (found.id, found.attempt, found.status, found.response_json) == (None, 0, "completed", '"answer"')
    assert (len(reader), reader.has_scope("test_b"), reader.kinds("test_a")) == (3, True, ["shop.ask"])
    assert (stamp(cassette), names(cassette.parent)) == (before, beside)
    reader.close()
    assert (stamp(cassette), names(cassette.parent)) == (before, beside)


def test_it_can_be_read_in_a_folder_that_nobody_may_write_to(cassette, start):
    """As root nothing is read-only, until the right to pass over permissions is given away."""
    cassette.parent.chmod(0o555)
    cassette.chmod(0o444)
    try:
        out, err = start(
            """
            import ctypes, os, sys
            from pathlib import Path
            if os.getuid() == 0:
                header = (ctypes.c_uint32 * 2)(0x20080522, 0)
                assert ctypes.CDLL(None).capset(header, (ctypes.c_uint32 * 6)()) == 0
            assert not os.access(".", os.W_OK)
            from pytest_recorded.store.sqlite import CassetteFile
            print(len(CassetteFile(Path("jobs.db"))))
            """
        ).communicate()
    finally:
        cassette.parent.chmod(0o755)
    assert (out, err) == ("3\n", "")


def test_it_cannot_be_written_to(reader):
    with reader._using() as connection, pytest.raises(Exception, match="readonly"):
        connection.execute("DELETE FROM jobs")


def test_the_id_of_a_row_follows_from_its_address(reader):
    assert reader.row_at(FIRST).id == job_id(FIRST, 0)
    assert reader.row(job_id(FIRST, 0)).address == FIRST


def test_a_cassette_that_is_replaced_is_read_on_as_it_was_when_it_was_opened(cassette, reader, folder, row):
    assert len(reader) == 3
    build(cassette, Changes(fresh=[(row("test_new"), ())]), folder)
    assert (len(reader), reader.has_scope("test_new")) == (3, False)
    reader.close()
    assert (len(reader), reader.has_scope("test_new")) == (4, True)


def test_addresses_of_many_calls_are_told_apart(reader):
    assert reader.addresses("test_a") == [FIRST, FIRST._replace(seq=1)]
    assert (reader.count_seqs("test_a", "shop.ask", "k"), reader.count_seqs("test_a", "shop.ask", "x")) == (2, 0)
    assert reader.find(FIRST._replace(seq=2)) is None
    assert reader.scopes() == ["test_a", "test_b"]


def test_other_tests_that_recorded_the_same_request_are_found(tmp_path, folder, row):
    path = tmp_path / "many.db"
    build(path, Changes(fresh=[(row(f"test_{n}"), ()) for n in range(8)]), folder)
    reader = CassetteFile(path)
    assert reader.other_scopes("test_0", "shop.ask", "k") == [f"test_{n}" for n in range(1, 6)]
    assert reader.other_scopes("test_0", "shop.ask", "other") == []
    reader.close()


def test_chunks_come_in_their_order(tmp_path, folder, row):
    path = tmp_path / "stream.db"
    chunks = tuple(Chunk(n, n * 1.5, f"piece {n}") for n in range(20))
    one = row("test_a", response_json='{"py:stream":{"end":"complete"}}')
    build(path, Changes(fresh=[(one, tuple(reversed(chunks)))]), folder)
    reader = CassetteFile(path)
    assert tuple(reader.chunks(one.id)) == chunks
    reader.close()


@pytest.mark.parametrize(("said", "count"), [("7", 7), ("many", 0), ("-1", 0)])
def test_its_length_is_what_it_says_of_itself(cassette, alter, said, count):
    """Counting them would take as long as there are rows."""
    alter(cassette, f"UPDATE meta SET value = '{said}' WHERE key = 'jobs'")
    reader = CassetteFile(cassette)
    assert len(reader) == count
    reader.close()


def test_opening_it_badly_leaves_no_connection_behind(cassette, alter):
    """What is left behind warns when it is collected, and warnings are errors here."""
    alter(cassette, "DROP TABLE meta")
    with pytest.raises(CassetteError, match="no such table: meta"):
        len(CassetteFile(cassette))
