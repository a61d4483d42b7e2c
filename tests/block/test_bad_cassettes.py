"""A cassette that cannot be used is named by `use_cassette`, with what is wrong and what to do; it is left as it is."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys

import pytest
import recorded

from pytest_recorded import CassetteError, ConfigurationError, MissingRecording, Recorder, recorder, use_cassette

calls = []


@recorder(kind="bad.ask")
def ask(question):
    calls.append(question)
    return {"answer": question}


@pytest.fixture
def path(tmp_path):
    """A cassette with forty calls of a block called `block`."""
    made = tmp_path / "cassettes" / "jobs.db"
    with use_cassette(made, scope="block"):
        for number in range(40):
            ask(f"{number:0300}")
    calls.clear()
    return made


def alter(path, script):
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()


def overwrite(path, start, stop, byte=b"\xff"):
    with path.open("r+b") as file:
        file.seek(start)
        file.write(byte * (stop - start))


def cut(path, length):
    os.truncate(path, length)


def folder(path):
    path.unlink()
    path.mkdir()


def foreign(path):
    path.unlink()
    alter(path, "PRAGMA journal_mode=WAL; CREATE TABLE cookies (name TEXT);")


def seed(path):
    path.unlink()
    with recorded.Recorder(path=str(path)) as book:
        book.connection()


def ledger(path):
    path.unlink()
    with Recorder(path):
        ask("a")
    calls.clear()


RESTORE = r"Restore it \(git checkout\), or delete it and record again with --record-mode=once\."
BAD = {
    "empty": (lambda path: cut(path, 0), rf"is empty \(0 bytes\): it was cut off, or never written\. {RESTORE}"),
    "text": (lambda path: path.write_text("interactions: []\n" * 20), rf"is no SQLite file\. {RESTORE}"),
    "lfs": (
        lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
        r"is a Git LFS pointer, not the file itself\. Run: git lfs pull",
    ),
    "cut in the header": (lambda path: cut(path, 60), rf"is cut off after 60 bytes\. {RESTORE}"),
    "cut in a page": (lambda path: cut(path, 9000), rf"malformed\. The file is damaged\. {RESTORE}"),
    "cut between pages": (lambda path: cut(path, 8192), rf"malformed\. The file is damaged\. {RESTORE}"),
    "no table": (
        lambda path: alter(path, "DROP TABLE meta"),
        rf"no such table: meta\. The file is damaged\. {RESTORE}",
    ),
    "no schema": (lambda path: alter(path, "DELETE FROM meta"), r"does not say which schema it has\. The file is dam"),
    "newer": (
        lambda path: alter(path, "UPDATE meta SET value = '99' WHERE key = 'schema'"),
        r"has schema 99; this pytest-recorded reads up to 1\. Install a newer one: pip install -U pytest-recorded",
    ),
    "odd schema": (lambda path: alter(path, "UPDATE meta SET value = 'x' WHERE key = 'schema'"), r"has schema x; this"),
    "foreign": (
        foreign,
        r"is a SQLite file of another program\. Give the cassette another path \(--record-cassette=…\)\.",
    ),
    "seed": (
        seed,
        r"was written by the package `recorded`; it is left as it is\. Give the cassette another path "
        r"\(--record-cassette=…\)\. To read on what it has, .*: pytest-recorded migrate \S+jobs\.db NEW\.db",
    ),
    "ledger": (ledger, r"is in WAL mode\. If a Recorder writes to it, give the cassette another path"),
    "folder": (folder, r"is a folder; a cassette is a file, such as cassettes/jobs\.db"),
    "loop": (
        lambda path: (path.unlink(), path.symlink_to(path)),
        r"cannot be read \(Too many levels of symbolic links\)\. Check the path",
    ),
    "long name": (
        lambda path: path.with_name("x" * 300),
        r"cannot be read \(File name too long\)\. Check the path",
    ),
}


def tree(path):
    """Return all files of a folder with their bytes."""
    found = [file for file in path.rglob("*") if not file.is_dir()]
    return {str(file): b"" if file.is_symlink() else file.read_bytes() for file in found}


@pytest.mark.parametrize("mode", ["none", "once", "rewrite"])
@pytest.mark.parametrize("case", BAD)
def test_a_bad_cassette_is_refused_before_any_call_and_left_as_it_is(path, case, mode):
    breaks, words = BAD[case]
    made = breaks(path)
    path = made if isinstance(made, type(path)) else path
    before = tree(path.parent)
    with pytest.raises(CassetteError, match=words) as raised, use_cassette(path, mode=mode, scope="block"):
        ask(f"{0:0300}")
    assert str(raised.value).startswith(f"{path}: ")
    assert tree(path.parent) == before
    assert calls == []


@pytest.mark.parametrize("mode", ["none", "once", "rewrite"])
def test_a_page_that_is_damaged_is_a_miss_of_the_calls_on_it_that_says_so(path, mode):
    """SQLite reads a page when it is asked for. Recording again is no help: a damaged file takes no recordings."""
    overwrite(path, 4096, 12288)
    before = path.read_bytes()
    with pytest.raises(MissingRecording) as raised, use_cassette(path, mode=mode, scope="block"):
        ask(f"{0:0300}")
    assert str(raised.value) == (
        f"The recording of bad.ask cannot be read.\n  test:     block\n  cassette: {path}, mode {mode}\n"
        f"  reason:   {path}: database disk image is malformed. The file is damaged. "
        f"Restore it (git checkout), or delete it and record again with --record-mode=once."
    )
    assert path.read_bytes() == before
    assert calls == []


def test_a_cassette_in_a_missing_folder_is_made_with_it(tmp_path):
    with use_cassette(tmp_path / "not" / "yet" / "there.db"):
        ask("a")
    assert (tmp_path / "not" / "yet" / "there.db").is_file()
    calls.clear()


def test_a_cassette_below_a_file_says_where_its_calls_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "file").write_text("mine")
    with (
        pytest.raises(
            CassetteError, match=r"jobs\.db: cannot be written \(.*What has been recorded is kept in \S+temp"
        ),
        use_cassette(tmp_path / "file" / "jobs.db", mode="once"),
    ):
        ask("a")
    assert (tmp_path / "file").read_text() == "mine"
    calls.clear()


def test_a_cassette_among_snapshots_is_refused(tmp_path):
    with (
        pytest.raises(
            ConfigurationError, match=r"is in a folder of snapshots.* Put it somewhere else, such as cassett"
        ),
        use_cassette(tmp_path / "__snapshots__" / "jobs.db"),
    ):
        ask("a")
    assert list(tmp_path.iterdir()) == []
    assert calls == []


PROGRAM = """
import sys
from pathlib import Path
from pytest_recorded import CassetteError, MissingRecording, recorder, use_cassette

@recorder(kind="bad.ask")
def ask(question):
    print("called")
    return {"answer": question}

try:
    with use_cassette(sys.argv[1], mode=sys.argv[2], scope="block"):
        ask(f"{0:0300}" if sys.argv[2] == "none" else "new")
        print("fine")
        if "closing" in sys.argv:
            Path(sys.argv[1]).parent.chmod(0o555)
except CassetteError as error:
    print(error)
except MissingRecording as miss:
    print(miss)
"""


def without_rights(path, mode, temporary, *more):
    """Run a program that may do only what the modes of files say, also as root."""
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"] if os.getuid() == 0 else []
    done = subprocess.run(
        [*drop, sys.executable, "-c", PROGRAM, str(path), mode, *more],
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_cassette_that_may_not_be_read_says_so(path, tmp_path, what):
    target = path if what == "file" else path.parent
    target.chmod(0)
    try:
        output = without_rights(path, "none", tmp_path)
    finally:
        target.chmod(0o755)
    assert output == f"{path}: cannot be read: permission denied. Give this user the right to read it.\n"


def test_a_cassette_that_may_not_be_written_loses_nothing(path, tmp_path):
    """Whoever closes its folder while calls are made gets them next time."""
    before = path.read_bytes()
    try:
        output = without_rights(path, "new_episodes", tmp_path, "closing")
    finally:
        path.parent.chmod(0o755)
    assert output.startswith(
        f"called\nfine\n{path}: cannot be written (Permission denied). Make the folder {path.parent} one that this "
        f"user may write to, and run the same again. What has been recorded is kept in "
    )
    assert path.read_bytes() == before
    assert without_rights(path, "new_episodes", tmp_path) == "fine\n"


def test_nothing_is_called_whose_answer_could_not_be_written(path, tmp_path):
    """The folder is closed, before the call is made: it says so, and what to do."""
    shutil.rmtree(path.parent / ".staging")
    path.parent.chmod(0o555)
    try:
        said = {mode: without_rights(path, mode, tmp_path) for mode in ("new_episodes", "rewrite", "all")}
    finally:
        path.parent.chmod(0o755)
    for output in said.values():
        assert output.startswith("No recording for ")
        assert f"The cassette is read-only: the folder {path.parent} may not be written to by this user." in output
        assert "called\n" not in output
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_read_only_cassette_in_a_read_only_folder_is_replayed(path, tmp_path):
    shutil.rmtree(path.parent / ".staging")
    path.chmod(0o444)
    path.parent.chmod(0o555)
    before = path.stat().st_mtime_ns, path.read_bytes()
    try:
        assert without_rights(path, "none", tmp_path) == "fine\n"
    finally:
        path.parent.chmod(0o755)
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before
    assert [file.name for file in path.parent.iterdir()] == ["jobs.db"]


def test_a_staging_folder_of_another_user_is_passed_over(path, tmp_path):
    """It cannot even be looked into; staging is in the temporary folder then."""
    (path.parent / ".staging").chmod(0)
    try:
        assert without_rights(path, "new_episodes", tmp_path) == "called\nfine\n"
        assert without_rights(path, "new_episodes", tmp_path) == "fine\n"
    finally:
        (path.parent / ".staging").chmod(0o755)


def test_a_staging_folder_on_another_file_system_is_no_hindrance(path, monkeypatch):
    """A finished file cannot be moved from one file system to another, only copied."""
    elsewhere = path.parents[1] / "elsewhere"
    elsewhere.mkdir()
    shutil.rmtree(path.parent / ".staging")
    (path.parent / ".staging").write_text("no folder can be made here")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", elsewhere], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("this user may mount no file system")
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
    try:
        with use_cassette(path, mode="new_episodes", scope="block"):
            ask("new")
    finally:
        subprocess.run(["umount", "--lazy", elsewhere], check=True)
    assert sorted(file.name for file in path.parent.iterdir()) == [".staging", "jobs.db"]
    with use_cassette(path, mode="none", scope="block"):
        ask("new")
    assert calls == ["new"]
    calls.clear()
