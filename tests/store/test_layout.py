"""Equal rows are equal bytes, whichever SQLite has written the file."""

from __future__ import annotations

import random
import shutil
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from pytest_recorded.job import Chunk
from pytest_recorded.store import build as module
from pytest_recorded.store.build import Changes, build
from pytest_recorded.store.layout import lay_out

PAGE = 4096
ROOT = Path(__file__).parents[2]


class Apsw:
    """A connection of apsw's SQLite, as `build` uses that of Python."""

    def __init__(self, path, *, read_only):
        self._connection = apsw.Connection(
            f"{path.absolute().as_uri()}?mode=rwc",
            flags=apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE,
        )
        assert not read_only

    @property
    def rowcount(self):
        return self._connection.changes()

    def execute(self, statement, parameters=()):
        self._rows = self._connection.cursor().execute(statement, parameters)
        return self

    def executemany(self, statement, rows):
        self._connection.cursor().executemany(statement, (tuple(row) for row in rows))

    def executescript(self, script):
        self._connection.cursor().execute(script).fetchall()

    def create_function(self, name, arguments, function, *, deterministic):
        self._connection.createscalarfunction(name, function, arguments, deterministic=deterministic)

    def fetchone(self):
        return next(self._rows, None)

    def fetchall(self):
        return list(self._rows)

    def __iter__(self):
        return self._rows

    def close(self):
        self._connection.close()


@pytest.fixture
def by_apsw(monkeypatch):
    """Let cassettes be built by apsw's SQLite."""

    def use():
        monkeypatch.setattr(module, "connect", Apsw)

    return use


def some_rows(row, number, seed=1):
    """Return rows of all sizes with their chunks: in one page, in many, with large texts, with none."""
    chance = random.Random(seed)
    rows = []
    for n in range(number):
        size = int(chance.lognormvariate(6, 1.7))
        chunks = tuple(Chunk(at, at * 1.5, "c" * chance.randrange(3000)) for at in range(n % 7 // 5))
        texts = {"request_json": "q" * chance.randrange(900), "response_json": chance.randbytes(size // 2).hex()}
        rows.append((row(f"tests/test_{n % 37}.py::test[{n}]", **texts), chunks))
    return rows


def steps(path, rows, folder):
    """Build a cassette in a few steps, as the sessions of some weeks would."""
    build(path, Changes(fresh=rows[: len(rows) // 2]), folder)
    build(path, Changes(fresh=rows[len(rows) // 2 :], uses={(f"test_{n}", rows[n][0].id) for n in range(90)}), folder)
    build(path, Changes(gone={each.address for each, _ in rows[100:150]}), folder)
    return path.read_bytes()


def test_two_versions_of_sqlite_write_the_same_bytes(tmp_path, folder, row, by_apsw):
    rows = some_rows(row, 700)
    one = steps(tmp_path / "one.db", rows, folder)
    by_apsw()
    assert steps(tmp_path / "other.db", rows, folder) == one


def test_each_version_of_sqlite_finds_the_file_sound_and_reads_the_same_rows(tmp_path, folder, row):
    path = tmp_path / "jobs.db"
    steps(path, some_rows(row, 700), folder)
    wanted = "SELECT * FROM jobs ORDER BY scope", "SELECT * FROM chunks", "SELECT * FROM uses", "SELECT * FROM blobs"
    with closing(sqlite3.connect(path)) as ours, closing(apsw.Connection(str(path))) as theirs:
        for check in ("PRAGMA integrity_check", "PRAGMA quick_check"):
            assert ours.execute(check).fetchall() == theirs.cursor().execute(check).fetchall() == [("ok",)]
        for statement in wanted:
            rows = ours.execute(statement).fetchall()
            assert rows == theirs.cursor().execute(statement).fetchall()
            assert rows


def test_a_large_cassette_has_large_pages_and_gets_small_ones_when_it_is_small_again(tmp_path, folder, row):
    """Which pages it has follows from what is in it, not from what was there before."""
    path, wanted = tmp_path / "jobs.db", tmp_path / "wanted.db"
    rows = [(row(f"test_{n:04}", response_json=random.Random(n).randbytes(1900).hex()), ()) for n in range(1500)]
    small, large = rows[:200], rows
    sizes = []
    for step in (small, large, small):
        now = {each.address for each, _ in step}
        build(path, Changes(fresh=step, gone={each.address for each, _ in rows}), folder)
        wanted.unlink(missing_ok=True)
        build(wanted, Changes(fresh=step), folder)
        assert path.read_bytes() == wanted.read_bytes()
        with closing(sqlite3.connect(path)) as connection:
            sizes += connection.execute("PRAGMA page_size").fetchone()
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (len(now),)
    assert sizes == [4096, 65_536, 4096]


def test_large_pages_are_the_same_bytes_by_two_versions_of_sqlite(tmp_path, folder, row, by_apsw):
    rows = some_rows(row, 2200)
    one = steps(tmp_path / "one.db", rows, folder)
    assert one[16:18] == b"\x00\x01"
    by_apsw()
    assert steps(tmp_path / "other.db", rows, folder) == one


def test_an_answer_that_changes_in_a_large_cassette_changes_few_of_its_pages(tmp_path, folder, row):
    path = tmp_path / "jobs.db"
    chance = random.Random(4)

    def answer():
        return chance.randbytes(int(min(chance.lognormvariate(6.8, 0.9), 2000))).hex()

    rows = [row(f"test_{n:04}", response_json=answer()) for n in range(3000)]
    build(path, Changes(fresh=[(each, ()) for each in rows]), folder)
    differing = []
    for _ in range(15):
        before = path.read_bytes()
        changed = chance.choice(rows)._replace(response_json=answer())
        build(path, Changes(fresh=[(changed, ())], gone={changed.address}), folder)
        after = path.read_bytes()
        pages = range(0, max(len(before), len(after)), 65_536)
        differing.append(sum(before[at : at + 65_536] != after[at : at + 65_536] for at in pages))
    assert sorted(differing)[len(differing) // 2] < 12
    assert len(pages) > 80


def test_laying_out_a_file_again_changes_no_byte(tmp_path, folder, row):
    path = tmp_path / "jobs.db"
    before = steps(path, some_rows(row, 300), folder)
    with closing(sqlite3.connect(path)) as connection:
        roots = [root for (root,) in connection.execute("SELECT rootpage FROM sqlite_master")]
    lay_out(path, roots, PAGE)
    assert path.read_bytes() == before


def test_what_a_file_leaves_free_is_clear_and_tells_nothing_of_what_was_there(tmp_path, folder, row):
    """A row that was removed is not to be found in the file any more, nor is a half that SQLite has moved."""
    path = tmp_path / "jobs.db"
    secret = "only-in-the-row-that-goes"
    rows = some_rows(row, 200)
    build(path, Changes(fresh=[*rows, (row("test_gone", response_json=f'"{secret * 30}"'), ())]), folder)
    assert secret.encode() in path.read_bytes()
    build(path, Changes(gone={row("test_gone").address}), folder)
    assert secret.encode() not in path.read_bytes()
    content = path.read_bytes()
    for number in range(1, len(content) // PAGE):
        page = content[number * PAGE : (number + 1) * PAGE]
        kind, block, cells, start, fragments = struct.unpack_from(">BHHHB", page)
        if kind in (2, 10):
            assert (block, fragments) == (0, 0)
            begin = (12 if kind == 2 else 8) + 2 * cells
            assert page[begin:start] == bytes(start - begin)


@pytest.mark.parametrize("size", [*range(960, 1040, 7), *range(4080, 4130, 7), *range(8170, 8210, 7), 70_000])
def test_a_row_of_any_size_at_the_borders_of_pages_is_laid_out_soundly(tmp_path, folder, row, size):
    path = tmp_path / "jobs.db"
    rows = [row(f"test_{n}", info_json="x" * size, response_json=f'"{n}"') for n in range(40)]
    build(path, Changes(fresh=[(each, ()) for each in rows]), folder)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = dict(connection.execute("SELECT scope, info_json || response_json FROM jobs"))
    assert found == {each.scope: each.info_json + each.response_json for each in rows}


@pytest.mark.parametrize(
    "cassette", sorted((ROOT / "cassettes", *ROOT.glob("examples/*/cassettes"))), ids=lambda path: path.parent.name
)
def test_the_cassettes_of_this_repository_are_as_they_would_be_written(tmp_path, folder, cassette):
    path = tmp_path / "jobs.db"
    shutil.copy(cassette / "jobs.db", path)
    build(path, Changes(gone_tests={"nobody"}), folder)
    assert path.read_bytes() == (cassette / "jobs.db").read_bytes()
