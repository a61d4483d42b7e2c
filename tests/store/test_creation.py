"""A ledger is complete from the moment it is there."""

import sqlite3

import pytest

from pytest_recorded.store import creation
from pytest_recorded.store.sqlite import Ledger

FILES = 40
OPENS = """
    import sys
    from pathlib import Path
    from pytest_recorded.job import Row
    from pytest_recorded.store.sqlite import StagingFile

    me, others = sys.argv[1], sys.argv[2].split(",")
    def fail(*error):
        Path("failed").touch()
        sys.__excepthook__(*error)

    sys.excepthook = fail
    for number in range(int(sys.argv[3])):
        Path(f"{number}.{me}").touch()
        while not all(Path(f"{number}.{name}").exists() for name in others):
            assert not Path("failed").exists(), "another process has failed"
        file = StagingFile(Path(f"{number}.db"))
        file.insert(Row(me, me, "k", "k", 0, 0, None, "completed", None, "2030", *[None] * 8))
        file.close()
    """


def test_processes_that_make_a_file_at_the_same_moment_all_write_to_it(folder, start, query):
    names = "abcd"
    processes = [start(OPENS, name, ",".join(names), str(FILES)) for name in names]
    assert [process.communicate()[1] for process in processes] == [""] * len(names)
    for number in range(FILES):
        path = folder.parent / f"{number}.db"
        assert query(path, "SELECT scope FROM jobs ORDER BY scope") == [(name,) for name in names]
        assert query(path, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("links", [True, False])
def test_nothing_but_the_file_is_left(links, tmp_path, monkeypatch):
    if not links:

        def refuse(*_args):
            raise OSError("this file system has no links")

        monkeypatch.setattr(creation.os, "link", refuse)
    ledger = Ledger(tmp_path / "deep" / "jobs.db")
    assert ledger.rows() == []
    ledger.close()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["jobs.db"]


def test_a_file_that_has_come_in_the_meantime_is_the_one(tmp_path, row):
    path = tmp_path / "jobs.db"
    with_a_row = Ledger(path)
    with_a_row.insert(row())
    with_a_row.close()
    creation.make(path, Ledger._layout)
    assert len(Ledger(path).rows()) == 1


def test_an_empty_file_is_filled(tmp_path, row):
    """As `tempfile` makes them."""
    path = tmp_path / "jobs.db"
    path.touch()
    ledger = Ledger(path)
    assert ledger.insert(row())
    ledger.close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (1,)
    connection.close()
