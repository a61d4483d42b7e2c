"""Where a session records: one file that goes when it is taken over, or when it is old; a living one's is its own."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from pytest_recorded.errors import CassetteError
from pytest_recorded.job import Address
from pytest_recorded.staging import Staging, end_session, leftovers, new_id, read_attempts
from pytest_recorded.store.lease import owner
from pytest_recorded.store.sqlite import StagingFile
from pytest_recorded.takeover import take_over, take_over_leftovers
from pytest_recorded.workplace import staging_folders, workshop

FORTNIGHT = 14 * 24 * 3600


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A cassette that is not there yet; nothing is made in the real temporary folder."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    return tmp_path / "cassettes" / "jobs.db"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def age(path, seconds):
    then = time.time() - seconds
    for file in path.parent.glob(path.name + "*"):
        os.utime(file, (then, then))


def left(cassette):
    """Return the scopes of what the sessions that are over have left."""
    found = []
    for leftover in leftovers(cassette):
        found += [attempt.scope for attempt in leftover.attempts]
        leftover.ledger.close()
    return found


def test_nothing_is_made_before_the_first_call(path, stage):
    staging = stage(path)
    assert staging.existing() is None
    assert not path.parent.exists()


def test_it_is_one_wal_file_beside_the_cassette_that_git_ignores(path, stage, attempt, query):
    staging = stage(path)
    attempt(staging, "test_a", ["x"])
    folder = path.parent / ".staging"
    assert staging.existing().parent == folder
    assert [name for name in names(folder) if name.endswith(".db")] == [f"jobs.db-{staging.session.id}.db"]
    assert query(staging.existing(), "PRAGMA journal_mode") == [("wal",)]
    assert (folder / ".gitignore").read_text() == "*\n"


def test_the_ignore_file_of_the_user_is_kept(path, stage, attempt):
    (path.parent / ".staging").mkdir(parents=True)
    (path.parent / ".staging" / ".gitignore").write_text("mine")
    attempt(stage(path), "test_a", ["x"])
    assert (path.parent / ".staging" / ".gitignore").read_text() == "mine"


def test_it_is_in_the_temporary_folder_where_it_cannot_be_beside_the_cassette(path, stage, attempt):
    path.parent.mkdir()
    (path.parent / ".staging").write_text("no folder")
    staging = stage(path)
    attempt(staging, "test_a", ["x"])
    temporary = staging_folders(path)[1]
    assert staging.existing().parent == temporary
    assert temporary.is_relative_to(path.parents[1] / "temporary")
    staging.close()
    assert left(path) == ["test_a"]


@pytest.mark.parametrize("whose", ["a link", "another user", "everybody"])
def test_a_temporary_folder_that_others_can_write_to_is_not_used(whose, path, tmp_path):
    """Whatever they put there would end up in the cassette."""
    path.parent.mkdir()
    (path.parent / ".staging").write_text("no folder")
    private = staging_folders(path)[1].parent
    private.parent.mkdir(exist_ok=True)
    if whose == "a link":
        private.symlink_to(tmp_path)
    else:
        private.mkdir()
        private.chmod(0o777 if whose == "everybody" else 0o700)
    if whose == "another user":
        if os.getuid() != 0:
            pytest.skip("only root can give a folder away")
        os.chown(private, 12345, -1)
    assert staging_folders(path) == (path.parent / ".staging",)
    with pytest.raises(CassetteError, match="calls cannot be recorded"):
        workshop(path)


def test_the_temporary_folder_is_for_its_user_alone(path):
    path.parent.mkdir()
    (path.parent / ".staging").write_text("no folder")
    assert workshop(path).parent.stat().st_mode & 0o777 == 0o700


def test_two_cassettes_of_one_name_do_not_share_their_temporary_folder(tmp_path):
    assert staging_folders(tmp_path / "a" / "jobs.db")[1] != staging_folders(tmp_path / "b" / "jobs.db")[1]


def test_where_no_folder_can_be_written_to_the_message_names_the_cassette(path, monkeypatch):
    path.parent.mkdir()
    (path.parent / ".staging").write_text("no folder")
    monkeypatch.setattr("tempfile.tempdir", str(path.parent / ".staging"))
    with pytest.raises(
        CassetteError, match=r"jobs\.db: calls cannot be recorded: neither its folder nor the temporary"
    ):
        workshop(path)


def test_all_processes_of_a_session_share_the_file_and_it_says_whose_it_is(path, stage, attempt):
    first = stage(path, whose=owner())
    second = Staging(path, first.session)
    attempt(second, "test_b", ["y"])
    attempt(first, "test_a", ["x"])
    assert len(list((path.parent / ".staging").glob("*.db"))) == 1
    assert {scope for _, scope, *_ in read_attempts(first.ledger)} == {"test_a", "test_b"}
    (session,) = first.ledger.rows_where_kind("", "recorded.session")
    assert (session.owner, session.status, session.request_json) == (owner(), "running", '{"mode":"once"}')
    second.close()


def test_it_knows_the_mode_and_the_outcome_of_each_attempt(path, stage, attempt):
    staging = stage(path, "all")
    attempt(staging, "passed", [])
    attempt(staging, "failed", [], passed=False)
    attempt(staging, "taken all the same", [], passed=False, takes_failed=True)
    attempt(staging, "killed", [], passed=None)
    found = {made.scope: (made.mode, made.status, made.counts) for made in read_attempts(staging.ledger)}
    assert found == {
        "passed": ("all", "completed", True),
        "failed": ("all", "failed", False),
        "taken all the same": ("all", "failed", True),
        "killed": ("all", "running", False),
    }


def test_what_a_living_session_has_is_its_own(path, stage, attempt):
    attempt(stage(path, whose=owner()), "test_a", ["x"])
    assert left(path) == []
    assert not any(take_over_leftovers(path))
    assert not path.exists()


def test_what_a_dead_session_has_is_for_the_next_one(path, stage, attempt):
    staging = stage(path)
    attempt(staging, "test_a", ["x"])
    staging.close()
    assert left(path) == ["test_a"]
    assert take_over_leftovers(path).added == 1
    assert staging.existing() is None


def test_a_process_that_has_got_the_id_of_a_dead_one_is_not_taken_for_it(path, stage, attempt):
    machine, pid, _ = owner().split("/")
    attempt(stage(path, whose=f"{machine}/{pid}/1"), "test_a", ["x"])
    assert left(path) == ["test_a"]


def test_the_session_that_asks_is_none_of_those_that_are_over(path, stage, attempt):
    staging = stage(path)
    attempt(staging, "test_a", ["x"])
    assert list(leftovers(path, staging.session.id)) == []


def test_a_session_that_has_said_so_is_over_while_its_process_lives_on(path, stage, attempt):
    staging = stage(path, whose=owner())
    attempt(staging, "test_a", ["x"], passed=False)
    end_session(staging.ledger)
    staging.close()
    assert left(path) == ["test_a"]


def test_it_goes_when_it_has_been_taken_over(path, stage, attempt):
    staging = stage(path)
    attempt(staging, "test_a", ["x"])
    staging.close()
    take_over(path, StagingFile(staging.existing()))
    assert names(path.parent / ".staging") == [".gitignore", "jobs.db.lock"]


@pytest.mark.parametrize(("seconds", "kept"), [(FORTNIGHT - 3600, True), (FORTNIGHT + 3600, False)])
def test_it_goes_after_fourteen_days_with_the_files_beside_it(path, stage, attempt, seconds, kept):
    staging = stage(path)
    attempt(staging, "test_a", ["x"], passed=False)
    # Copied as a kill would leave it: with what has not been written from the log into the file.
    made = staging.existing()
    old = made.with_name(f"jobs.db-{new_id()}.db")
    for suffix in ("", "-wal", "-shm"):
        old.with_name(old.name + suffix).write_bytes(made.with_name(made.name + suffix).read_bytes())
    staging.close()
    made.unlink()
    age(old, seconds)
    assert left(path) == (["test_a"] if kept else [])
    assert old.exists() is kept
    if not kept:
        assert names(path.parent / ".staging") == [".gitignore"]


def test_that_of_a_living_session_stays_however_old_it_is(path, stage, attempt):
    """Its main file has the time of the last checkpoint, not of the last call."""
    staging = stage(path, whose=owner())
    attempt(staging, "test_a", ["x"])
    age(staging.existing(), 2 * FORTNIGHT)
    assert left(path) == []
    assert staging.existing() is not None
    assert staging.ledger.find(Address(read_attempts(staging.ledger)[0].id, "shop.ask", "x", 0))


def _rubbish(path):
    path.write_bytes(b"rubbish " * 1000)


def _damaged_rows(path):
    """Overwrite the leaves of the tree with calls, not the one that says whose they are."""
    data = bytearray(path.read_bytes())
    for start in range(0, len(data), 4096):
        page = data[start : start + 4096]
        if page[0] == 0x0A and b"xxxx" in page and b"recorded." not in page:
            data[start : start + 4096] = b"\xff" * 4096
    path.write_bytes(data)


def _newer(path):
    file = StagingFile(path)
    with file.transaction() as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    file.close()


@pytest.mark.parametrize("breaks", [_rubbish, Path.mkdir, _damaged_rows, _newer], ids=lambda fn: fn.__name__.strip("_"))
def test_a_bad_one_of_a_dead_session_stops_nobody_and_goes_when_it_is_old(path, stage, attempt, breaks):
    good, bad = stage(path), stage(path)
    attempt(bad, "test_bad", [f"{n}" for n in range(60)], response_json="x" * 500)
    bad.close()
    file = bad.existing()
    if breaks is Path.mkdir:
        file.unlink()
    breaks(file)
    attempt(good, "test_good", ["x"])
    good.close()
    assert take_over_leftovers(path).added == 1
    assert (good.existing(), bad.existing()) == (None, file)
    file.with_name(file.name + "-shm").touch()
    age(file, FORTNIGHT + 60)
    take_over_leftovers(path)
    assert breaks is Path.mkdir or names(file.parent) == [".gitignore", "jobs.db.lock"]
