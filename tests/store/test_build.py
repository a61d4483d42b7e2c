"""A new cassette from the old one and some changes."""

from __future__ import annotations

import itertools
import random
import sqlite3

import pytest

from pytest_recorded.changes.files import Recorded
from pytest_recorded.errors import CassetteError
from pytest_recorded.job import Chunk
from pytest_recorded.store import build as module
from pytest_recorded.store.build import Changes, build, exclusive
from pytest_recorded.store.sqlite import CassetteFile

CHUNKS = (Chunk(0, 0.0, "a"), Chunk(1, 2.5, "b"))


def scopes(query, path):
    return [scope for (scope,) in query(path, "SELECT scope FROM jobs")]


def test_equal_rows_in_any_order_are_equal_bytes(tmp_path, folder, row):
    rows = [
        (row(f"test_{n % 7}", key=f"k{n}", response_json="x" * (n * 97 % 5000)), CHUNKS[: n % 3]) for n in range(60)
    ]
    uses = {(f"test_{n}", rows[n][0].id) for n in range(20)}
    made = []
    for number in range(3):
        random.Random(number).shuffle(rows)
        path = tmp_path / f"{number}.db"
        build(path, Changes(fresh=list(rows), uses=set(uses)), folder)
        made.append(path.read_bytes())
    assert made[0] == made[1] == made[2]


def test_equal_rows_are_equal_bytes_whether_they_came_at_once_or_one_by_one(tmp_path, folder, row):
    rows = [(row(f"test_{n}", response_json="x" * 700), CHUNKS) for n in range(12)]
    build(tmp_path / "once.db", Changes(fresh=rows), folder)
    for one in reversed(rows):
        build(tmp_path / "slowly.db", Changes(fresh=[one]), folder)
    build(tmp_path / "slowly.db", Changes(fresh=[(row("gone"), ())]), folder)
    build(tmp_path / "slowly.db", Changes(gone={row("gone").address}), folder)
    assert (tmp_path / "once.db").read_bytes() == (tmp_path / "slowly.db").read_bytes()


def test_a_row_that_is_put_in_place_of_an_equal_one_changes_no_byte(cassette, folder, row):
    before = cassette.read_bytes()
    build(cassette, Changes(fresh=[(row("test_a"), ())], gone={row("test_a").address}), folder)
    assert cassette.read_bytes() == before


def test_no_byte_tells_which_sqlite_wrote_the_file_or_how_often(cassette):
    header = cassette.read_bytes()[:100]
    assert [int.from_bytes(header[at : at + 4], "big") for at in (24, 92, 96)] == [1, 1, 3_045_000]
    assert int.from_bytes(header[16:18], "big") == 4096
    assert header[68:72] == b"pyrc"
    connection = sqlite3.connect(cassette)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_the_file_says_how_many_calls_it_has_and_which_schema(cassette, folder, query, row):
    assert build(cassette, Changes(fresh=[(row("test_c"), ())]), folder) == 4
    assert query(cassette, "SELECT key, value FROM meta") == [("jobs", "4"), ("schema", "1")]


def test_what_is_no_text_is_no_fact_and_stops_nobody(cassette, folder, query, row, alter):
    alter(cassette, "INSERT INTO meta VALUES (x'ff', 'b'), ('c', x'ff'), (x'636f6e666c6963743a', x'ff')")
    reader = CassetteFile(cassette)
    assert set(reader.facts("")) == {"jobs", "schema"}
    reader.close()
    with Recorded(cassette, "jobs.db") as recorded:
        assert recorded.facts() == {}
    build(cassette, Changes(fresh=[(row("test_c"), ())], facts={"a": "one"}), folder)
    assert query(cassette, "SELECT key FROM meta") == [("a",), ("jobs",), ("schema",)]


def test_facts_about_the_file_stay_until_they_are_taken_away(cassette, folder, query, row):
    build(cassette, Changes(facts={"b": "two", "a": "one", "jobs": "999"}), folder)
    build(cassette, Changes(fresh=[(row("test_c"), ())], facts={"b": None}), folder)
    assert query(cassette, "SELECT key, value FROM meta") == [("a", "one"), ("jobs", "4"), ("schema", "1")]


def test_what_is_gone_goes_with_all_attempts_and_chunks(tmp_path, folder, query, row):
    path = tmp_path / "jobs.db"
    first, second = row("test_a", status="failed"), row("test_a", attempt=1)
    kept = row("test_a", seq=1)
    build(path, Changes(fresh=[(first, CHUNKS), (second, CHUNKS), (kept, CHUNKS)]), folder)
    build(path, Changes(gone={first.address}), folder)
    assert query(path, "SELECT id FROM jobs") == [(kept.id,)]
    assert query(path, "SELECT job_id, seq, offset_ms, body FROM chunks") == [(kept.id, *chunk) for chunk in CHUNKS]


def test_what_is_fresh_takes_the_place_of_what_is_gone(cassette, folder, query, row):
    new = row("test_a", response_json='"new"')
    build(cassette, Changes(fresh=[(new, CHUNKS)], gone={new.address}), folder)
    assert query(cassette, "SELECT response_json FROM jobs WHERE scope = 'test_a'") == [('"new"',), ('"answer"',)]
    assert query(cassette, "SELECT count(*) FROM chunks") == [(2,)]


def test_uses_last_as_long_as_their_jobs_and_tests(tmp_path, folder, query, row):
    path = tmp_path / "jobs.db"
    one, two = row(key="one"), row(key="two")
    uses = {("test_a", one.id), ("test_b", one.id), ("test_b", two.id)}
    build(path, Changes(fresh=[(one, ()), (two, ())], uses=uses), folder)
    assert set(query(path, "SELECT test, job_id FROM uses")) == uses
    build(path, Changes(uses={("test_a", one.id)}), folder)
    assert set(query(path, "SELECT test, job_id FROM uses")) == uses
    build(path, Changes(gone={two.address}), folder)
    assert set(query(path, "SELECT test, job_id FROM uses")) == {("test_a", one.id), ("test_b", one.id)}
    build(path, Changes(gone_tests={"test_a"}, uses={("test_c", one.id)}), folder)
    assert set(query(path, "SELECT test, job_id FROM uses")) == {("test_b", one.id), ("test_c", one.id)}


def test_the_rest_of_the_file_is_carried_over(cassette, folder, query, alter):
    alter(cassette, "INSERT INTO edges VALUES ('u', 'd', '');")
    build(cassette, Changes(gone_tests={"x"}), folder)
    assert query(cassette, "SELECT * FROM edges") == [("u", "d", "")]


def test_two_fresh_rows_at_one_place_are_an_error_and_the_old_file_stays(cassette, folder, row):
    before = cassette.read_bytes()
    with pytest.raises(CassetteError, match="UNIQUE"):
        build(cassette, Changes(fresh=[(row("x", id="1"), ()), (row("x", id="2"), ())]), folder)
    assert cassette.read_bytes() == before
    assert list(folder.iterdir()) == []


def test_the_mode_of_the_file_is_kept(cassette, folder, row):
    cassette.chmod(0o640)
    build(cassette, Changes(fresh=[(row("test_c"), ())]), folder)
    assert cassette.stat().st_mode & 0o777 == 0o640


def test_a_link_stays_a_link_and_the_file_that_it_leads_to_is_replaced(tmp_path, cassette, folder, query, row):
    link = tmp_path / "link.db"
    link.symlink_to(cassette)
    build(link, Changes(fresh=[(row("test_c"), ())]), folder)
    assert link.is_symlink()
    assert scopes(query, cassette) == ["test_a", "test_a", "test_b", "test_c"]


def test_a_cassette_in_a_new_folder_is_made_with_it(tmp_path, folder, query, row):
    build(tmp_path / "a" / "b" / "jobs.db", Changes(fresh=[(row("test_a"), ())]), folder)
    assert scopes(query, tmp_path / "a" / "b" / "jobs.db") == ["test_a"]


def test_a_cassette_that_cannot_be_put_in_its_place_says_where_the_calls_are(tmp_path, folder, row):
    (tmp_path / "jobs.db").mkdir()
    with pytest.raises(CassetteError, match="is a folder"):
        build(tmp_path / "jobs.db", Changes(fresh=[(row("test_a"), ())]), folder)
    (tmp_path / "file").touch()
    with pytest.raises(CassetteError, match=r"cannot be written \(.*What has been recorded is kept in .*\.staging"):
        build(tmp_path / "file" / "jobs.db", Changes(fresh=[(row("test_a"), ())]), folder)
    assert list(folder.iterdir()) == []


def test_a_bad_cassette_is_not_replaced(cassette, folder, alter, row):
    alter(cassette, "UPDATE meta SET value = '2' WHERE key = 'schema'")
    before = cassette.read_bytes()
    with pytest.raises(CassetteError, match="has schema 2"):
        build(cassette, Changes(fresh=[(row("test_c"), ())]), folder)
    assert cassette.read_bytes() == before


@pytest.mark.parametrize("stage", ["_write", "lay_out", "_replace"])
def test_a_kill_at_any_moment_leaves_the_old_cassette(cassette, folder, start, query, row, stage):
    before = cassette.read_bytes()
    process = start(
        """
        import os, sys
        from pathlib import Path
        from pytest_recorded.job import Address, Row
        from pytest_recorded.store import build as module

        def kill(*args, really=getattr(module, sys.argv[1])):
            if sys.argv[1] != "_replace": really(*args)
            print("now", flush=True)
            sys.stdin.readline()

        setattr(module, sys.argv[1], kill)
        row = Row("1", "test_new", "k", "k", 0, 0, None, "completed", None, "2030", *[None] * 8)
        module.build(Path("jobs.db"), module.Changes(fresh=[(row, ())]), Path(".staging"))
        """,
        stage,
    )
    assert process.stdout.readline() == "now\n"
    process.kill()
    process.wait()
    assert cassette.read_bytes() == before
    assert len(list(folder.iterdir())) == 1
    build(cassette, Changes(fresh=[(row("test_c"), ())]), folder)
    assert scopes(query, cassette) == ["test_a", "test_a", "test_b", "test_c"]
    assert list(folder.iterdir()) == []


def test_nobody_reads_half_a_cassette_while_it_is_replaced_again_and_again(cassette, folder, start, row):
    process = start(
        """
        import sys
        from pathlib import Path
        from pytest_recorded.store.sqlite import CassetteFile
        print("ready", flush=True)
        seen = set()
        while not Path("stop").exists():
            reader = CassetteFile(Path("jobs.db"))
            seen.add(len(reader.rows()) == len(reader))
            reader.close()
        print(seen)
        """
    )
    assert process.stdout.readline() == "ready\n"
    for number in range(30):
        build(cassette, Changes(fresh=[(row("test_c", key=str(number)), ())]), folder)
    (cassette.parent / "stop").touch()
    assert process.communicate() == ("{True}\n", "")


HOLDS = """
    import sys
    from pathlib import Path
    from pytest_recorded.store.build import exclusive
    with exclusive(Path(".staging/jobs.db.lock")):
        print("mine", flush=True)
        sys.stdin.readline()
"""


def test_only_one_process_at_a_time_has_the_right_to_replace(folder, start, monkeypatch):
    monkeypatch.setattr(module, "_WAIT_SECONDS", 0.01)
    process = start(HOLDS)
    assert process.stdout.readline() == "mine\n"
    with pytest.raises(CassetteError, match="locked"), exclusive(folder / "jobs.db.lock"):
        raise AssertionError("it is not ours")
    process.communicate("\n")
    with exclusive(folder / "jobs.db.lock"):
        pass


def test_whoever_waits_for_the_right_gets_it_when_the_other_one_is_done(folder, start):
    first = start(HOLDS)
    assert first.stdout.readline() == "mine\n"
    second = start(HOLDS)
    first.communicate("\n")
    assert second.stdout.readline() == "mine\n"


def test_the_right_of_a_killed_process_ends_with_it(folder, start):
    process = start(HOLDS)
    assert process.stdout.readline() == "mine\n"
    process.kill()
    process.wait()
    with exclusive(folder / "jobs.db.lock"):
        pass


def test_many_processes_that_add_to_one_cassette_lose_nothing(cassette, start, query):
    code = """
        import sys
        from pathlib import Path
        from pytest_recorded.job import Row
        from pytest_recorded.store.build import Changes, build, exclusive
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(5):
            name = f"{sys.argv[1]}.{number}"
            row = Row(name, name, "k", "k", 0, 0, None, "completed", None, "2030", *[None] * 8)
            with exclusive(Path(".staging/jobs.db.lock")):
                build(Path("jobs.db"), Changes(fresh=[(row, ())]), Path(".staging"))
        """
    processes = [start(code, str(number)) for number in range(4)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate()[1] for process in processes] == [""] * 4
    made = {f"{process}.{number}" for process, number in itertools.product(range(4), range(5))}
    assert made < set(scopes(query, cassette))


def test_a_lock_that_cannot_be_made_is_a_clear_error(tmp_path):
    with (
        pytest.raises(CassetteError, match=r"The file or its folder cannot be opened"),
        exclusive(tmp_path / "none" / "jobs.db.lock"),
    ):
        raise AssertionError("it is not ours")


def test_changes_are_true_if_there_are_any(row):
    assert not Changes()
    for some in (Changes(fresh=[(row(), ())]), Changes(gone={row().address}), Changes(uses={("a", "b")})):
        assert some
    assert Changes(gone_tests={"a"})
