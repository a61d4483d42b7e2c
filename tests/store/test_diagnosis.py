"""What is wrong with a file: each message says which file, what was seen in it and what to do."""

from __future__ import annotations

import random
import sqlite3

import pytest
import recorded

from pytest_recorded.errors import CassetteError
from pytest_recorded.store.build import Changes, build
from pytest_recorded.store.diagnosis import explain, inspect_cassette, inspect_ledger, is_there, need_schema
from pytest_recorded.store.sqlite import CassetteFile, Ledger, StagingFile

RESTORE = "Restore it (git checkout), or delete it and record again with --record-mode=once."
MOVE = "Restore it from a copy, or move it away: a new one is made."


def seen(folder):
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def bad(tmp_path, alter):
    """Make a bad file."""

    def make(how):
        path = tmp_path / "bad" / "jobs.db"
        path.parent.mkdir()
        if how == "folder":
            path.mkdir()
        elif how == "seed":
            with recorded.Recorder(path=str(path)) as book:
                book.connection()
        elif how == "foreign in WAL mode":
            alter(path, "PRAGMA journal_mode=WAL; CREATE TABLE cookies (name)")
        elif how == "foreign, with a table of jobs":
            alter(path, "CREATE TABLE jobs (id, kind, key, status)")
        elif how == "foreign, no table at all":
            alter(path, "CREATE TABLE x (y); DROP TABLE x;")
        else:
            path.write_bytes(CONTENT[how])
        return path

    return make


CONTENT = {
    "empty": b"",
    "text": b"interactions: []",
    "pickle": b"\x80\x04" + b"x" * 5000,
    "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
    "cut": b"SQLite format 3\0" + b"\0" * 30,
    "header only": b"SQLite format 3\0" + b"\x10\0\x01\x01\0\x40\x20\x20" + b"\xff" * 4072,
}
SAID = {
    "folder": "is a folder; a cassette is a file, such as cassettes/jobs.db.",
    "empty": f"is empty (0 bytes): it was cut off, or never written. {RESTORE}",
    "text": f"is no SQLite file. {RESTORE}",
    "pickle": f"is no SQLite file. {RESTORE}",
    "pointer": "is a Git LFS pointer, not the file itself. Run: git lfs pull",
    "cut": f"is cut off after 46 bytes. {RESTORE}",
    "header only": "is a SQLite file of another program. Give the cassette another path (--record-cassette=…).",
    "foreign in WAL mode": "is a SQLite file of another program. Give the cassette another path (--record-cassette=…).",
    "foreign, with a table of jobs": (
        "is a SQLite file of another program. Give the cassette another path (--record-cassette=…)."
    ),
    "seed": (
        "was written by the package `recorded`; it is left as it is. Give the cassette another path "
        "(--record-cassette=…). To read on what it has, make a copy that a Recorder can use: "
        "pytest-recorded migrate {path} NEW.db"
    ),
}


@pytest.mark.parametrize("how", SAID)
def test_what_is_no_cassette_is_named_and_left_without_a_trace(bad, how):
    path = bad(how)
    before = seen(path.parent)
    for use in (lambda: len(CassetteFile(path)), lambda: inspect_cassette(path)):
        with pytest.raises(CassetteError) as raised:
            use()
        assert str(raised.value) == f"{path}: {SAID[how].format(path=path)}"
        assert (raised.value.path, raised.value.problem) == (path, SAID[how].format(path=path))
    assert seen(path.parent) == before


OF_A_LEDGER = {
    "folder": SAID["folder"],
    "text": f"is no SQLite file. {MOVE}",
    "pickle": f"is no SQLite file. {MOVE}",
    "pointer": SAID["pointer"],
    "cut": f"is cut off after 46 bytes. {MOVE}",
    "foreign in WAL mode": "is a SQLite file of another program. Give the recorder another path: Recorder(…).",
    "foreign, with a table of jobs": (
        "is a SQLite file of another program. Give the recorder another path: Recorder(…)."
    ),
    "seed": (
        "was written by the package `recorded`; it is left as it is. Give the recorder another path: Recorder(…). "
        "To read on what it has, make a copy that a Recorder can use: pytest-recorded migrate {path} NEW.db"
    ),
}


@pytest.mark.parametrize("how", OF_A_LEDGER)
def test_what_is_no_ledger_is_named_and_left_without_a_trace(bad, row, how):
    path = bad(how)
    before = seen(path.parent)
    with pytest.raises(CassetteError) as raised:
        Ledger(path).insert(row())
    assert str(raised.value) == f"{path}: {OF_A_LEDGER[how].format(path=path)}"
    assert seen(path.parent) == before


@pytest.mark.parametrize("how", ["empty", "foreign, no table at all"])
def test_a_file_that_has_nothing_is_as_good_as_none_to_a_ledger(bad, row, how):
    path = bad(how)
    ledger = Ledger(path)
    assert ledger.insert(row())
    ledger.close()


def test_each_kind_of_file_of_ours_is_told_from_the_others(tmp_path, cassette, row):
    for made in (Ledger(tmp_path / "ledger.db"), StagingFile(tmp_path / "staging.db")):
        made.insert(row())
        made.close()
    with pytest.raises(CassetteError, match=r"is a cassette, not the file of a Recorder\. Give the recorder another"):
        Ledger(cassette).rows()
    for path in (tmp_path / "ledger.db", tmp_path / "staging.db"):
        with pytest.raises(
            CassetteError, match=r"is in WAL mode\. If a Recorder writes to it, give the cassette anoth"
        ):
            len(CassetteFile(path))


def test_a_file_in_wal_mode_that_another_program_has_changed_says_the_command_that_helps(cassette, alter):
    alter(cassette, "PRAGMA journal_mode=WAL")
    with pytest.raises(CassetteError, match=r"sqlite3 \S+jobs\.db 'PRAGMA journal_mode=DELETE'") as raised:
        len(CassetteFile(cassette))
    command = raised.value.problem.rpartition("'PRAGMA")[2].strip("'")
    alter(cassette, f"PRAGMA{command}")
    reader = CassetteFile(cassette)
    assert len(reader) == 3
    reader.close()


@pytest.mark.parametrize(
    ("path", "answer"), [("jobs.db", True), (".", True), ("none", False), ("jobs.db/x", False), ("none/x", False)]
)
def test_a_file_is_there_or_not(cassette, path, answer):
    assert is_there(cassette.parent / path) is answer


def test_a_file_of_which_the_system_does_not_tell_is_an_error(tmp_path):
    with pytest.raises(CassetteError, match=r"cannot be read \(File name too long\)\. Check the path and the disk"):
        is_there(tmp_path / ("x" * 300))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CassetteError, match=r"none\.db: does not exist\. Record it with --record-mode=once, or check"):
        inspect_cassette(tmp_path / "none.db")
    inspect_ledger(tmp_path / "none.db", "jobs")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("schema", ["1", 1], ids=["text", "number"])
def test_a_schema_that_is_known_is_read(schema):
    need_schema("jobs.db", schema)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("2", "jobs.db: has schema 2; this pytest-recorded reads up to 1. Install a newer one: pip install -U pytest-"),
        ("9" * 100, f"has schema {'9' * 20}; this"),
        ("-1", "has schema -1; this"),
        ("٣", "has schema ٣; this"),
        (b"1", "has schema b'1'; this"),
        (None, f"does not say which schema it has. The file is damaged. {RESTORE}"),
    ],
    ids=["next", "long", "negative", "other digits", "bytes", "none"],
)
def test_a_schema_that_is_not_known_is_named(schema, words):
    with pytest.raises(CassetteError) as raised:
        need_schema("jobs.db", schema)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("database disk image is malformed", f"The file is damaged. {RESTORE}"),
        ("file is not a database", f"The file is damaged. {RESTORE}"),
        ("no such table: jobs", f"The file is damaged. {RESTORE}"),
        ("no such column: seq", f"The file is damaged. {RESTORE}"),
        ("Could not decode to UTF-8 column 'kind'", f"The file is damaged. {RESTORE}"),
        ("database or disk is full", "The disk is full: free some space and run again. What was recorded so far is"),
        ("disk I/O error", "The disk could not be written or read: check its space and its quota."),
        ("unable to open database file", "The file or its folder cannot be opened: check that it exists and who may"),
        ("attempt to write a readonly database", "The file or its folder may not be written by this user."),
        ("database is locked", "Another process has been writing to it for 30 seconds: end that one, or run again."),
        ("bad luck", "Check that the file is sound: sqlite3 jobs.db 'PRAGMA integrity_check'"),
    ],
)
def test_what_sqlite_says_is_given_with_what_to_do(said, words):
    error = explain("jobs.db", sqlite3.DatabaseError(said))
    assert str(error).startswith(f"jobs.db: {said}. {words}")


def test_a_damaged_ledger_is_not_to_be_recorded_again():
    assert explain("jobs.db", sqlite3.DatabaseError("x malformed"), is_ledger=True).problem.endswith(MOVE)


def ask_everything(path):
    reader = CassetteFile(path)
    try:
        len(reader)
        for row in reader.rows():
            reader.find(row.address)
            reader.chunks(row.id)
            reader.uses_of(row.scope)
            reader.other_scopes("x", row.kind, row.key)
        reader.scopes()
    finally:
        reader.close()


def refusal(use, path):
    try:
        use(path)
    except CassetteError as error:
        return str(error)
    return None


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_broken_in_a_file_is_an_error_of_ours_or_does_not_matter(cassette, folder, row, seed):
    """Bytes that are overwritten anywhere, and a file that is cut off anywhere."""
    rows = [(row(f"test_{n}", response_json=f'"{n:0400}"'), ()) for n in range(30)]
    build(cassette, Changes(fresh=rows, uses={("test_1", rows[2][0].id)}), folder)
    whole, chance = cassette.read_bytes(), random.Random(seed)
    refused = 0
    for _ in range(25):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 10, 200])):
            data[chance.randrange(len(data))] = chance.randrange(256)
        cassette.write_bytes(data[: chance.choice([len(data), chance.randrange(len(data))])])
        for use in (ask_everything, lambda path: build(path, Changes(gone_tests={"x"}), folder)):
            said = refusal(use, cassette)
            refused += said is not None
            assert said is None or said.startswith(f"{cassette}: ")
    assert refused > 5
    assert [path.name for path in cassette.parent.iterdir() if path.is_file()] == ["jobs.db"]
    assert list(folder.iterdir()) == []
