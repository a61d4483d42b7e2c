"""A merge writes the whole outcome, or nothing."""

from __future__ import annotations

import sqlite3
import stat
import tracemalloc
from contextlib import closing

import pytest

from pytest_recorded.errors import CassetteError
from pytest_recorded.merging import merge
from pytest_recorded.units import Source
from sides import write
from three import MILK, price, rows_in


def test_the_outcome_takes_the_place_of_ours_with_its_rights_and_leaves_nothing_beside_it(tmp_path):
    paths = {name: tmp_path / name / "jobs.db" for name in ("base", "ours", "theirs")}
    for path, calls in zip(paths.values(), ([], [price(1)], [price(2, MILK)]), strict=True):
        path.parent.mkdir()
        write(path, *calls)
    paths["ours"].chmod(0o640)
    sources = [Source(path, name) for name, path in paths.items()]
    merge(*sources, into=paths["ours"], is_shared=False)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["jobs.db"] * 3
    assert stat.S_IMODE(paths["ours"].stat().st_mode) == 0o640
    assert len(rows_in(paths["ours"])[0]) == 2


def test_a_merge_that_changes_nothing_does_not_touch_the_file(tmp_path):
    base, theirs = write(tmp_path / "b.db", price(1)), write(tmp_path / "t.db", price(1))
    ours = write(tmp_path / "o.db", price(1), price(2, MILK))
    before = ours.stat()
    merge(Source(base, "b"), Source(ours, "o"), Source(theirs, "t"), into=ours)
    assert (ours.stat().st_ino, ours.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("side", range(3), ids=["base", "ours", "theirs"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer", id="pointer"),
        pytest.param(b"<<<<<<< HEAD\nSQLite", "has conflict markers of git in it", id="markers"),
        pytest.param(b"hello", "is no SQLite file", id="text"),
        pytest.param(b"SQLite format 3\0", "is cut off after 16 bytes", id="cut"),
        pytest.param(None, "does not exist", id="missing"),
    ],
)
def test_a_file_that_is_no_cassette_is_named_by_its_side_and_nothing_is_written(tmp_path, side, content, said):
    paths = [write(tmp_path / f"{name}.db", price(at)) for at, name in enumerate("bot")]
    paths[side].unlink()
    if content is not None:
        paths[side].write_bytes(content)
    before = [path.read_bytes() if path.exists() else None for path in paths]
    sources = map(Source, paths, ("base", "ours", "theirs"))
    with pytest.raises(CassetteError, match=said) as caught:
        merge(*sources, into=paths[1])
    assert caught.value.path == ("base", "ours", "theirs")[side]
    assert str(tmp_path) not in str(caught.value)
    assert [path.read_bytes() if path.exists() else None for path in paths] == before


def test_a_damaged_file_is_named_by_its_side_and_ours_is_left_as_it_is(tmp_path):
    calls = [price(at, {"item": f"{at}" * 900}) for at in range(30)]
    paths = [write(tmp_path / f"{name}.db", *calls, price(at, scope="z")) for at, name in enumerate("bot")]
    torn = bytearray(paths[2].read_bytes())
    torn[4096 * 3 : -4096] = b"\xff" * len(torn[4096 * 3 : -4096])
    paths[2].write_bytes(torn)
    before = paths[1].read_bytes()
    with pytest.raises(CassetteError, match=r"^theirs: .* The file is damaged"):
        merge(*map(Source, paths, ("base", "ours", "theirs")), into=paths[1])
    assert paths[1].read_bytes() == before


def test_what_has_not_changed_takes_no_memory(tmp_path):
    many = [price(at, {"item": f"{at:05}" * 4_000}) for at in range(250)]
    paths = [write(tmp_path / f"{name}.db", *many, price(at, scope=name)) for at, name in enumerate("bot")]
    size = sum(len(call.row.request_json) for call in many)
    sources = [*map(Source, paths, ("base", "ours", "theirs"))]
    merge(*sources, into=tmp_path / "first.db")
    tracemalloc.start()
    try:
        assert merge(*sources, into=paths[1]).came == {"ours": 1, "theirs": 1, "both": 1}
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < size / 5


def test_a_newer_schema_is_named_by_its_side(tmp_path):
    paths = [write(tmp_path / f"{name}.db", price(at)) for at, name in enumerate("bot")]
    with closing(sqlite3.connect(paths[2])) as connection, connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    with pytest.raises(CassetteError, match=r"^theirs: has schema 99; this pytest-recorded reads up to"):
        merge(
            *[Source(path, name) for path, name in zip(paths, ("base", "ours", "theirs"), strict=True)], into=paths[1]
        )
