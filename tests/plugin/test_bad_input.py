"""Bad input is answered with what happened, what was seen and what to do; and nothing is lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess

import pytest
import recorded

HEAD = 'import pytest, world\n@pytest.mark.recorded("world.ask")\n'
TEST = HEAD + "def test_x(): world.ask('a')\n"


def _corrupt(path):
    data = bytearray(path.read_bytes())
    data[4096 * 1 : 4096 * 3] = b"\xff" * 8192
    path.write_bytes(data)


def _foreign(path):
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE cookies (name TEXT)")
    connection.commit()
    connection.close()


def _seed(path):
    path.unlink()
    with recorded.Recorder(path=str(path)) as book:
        book.connection()


def _wal(path):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


def _newer(path):
    connection = sqlite3.connect(path)
    connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    connection.commit()
    connection.close()


def _folder(path):
    path.unlink()
    path.mkdir()


BROKEN = {
    "empty": (lambda path: path.write_bytes(b""), "is empty (0 bytes): it was cut off, or never written. Restore it"),
    "text": (lambda path: path.write_text("interactions: []"), "is no SQLite file. Restore it (git checkout)"),
    "lfs": (
        lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
        "is a Git LFS pointer, not the file itself. Run: git lfs pull",
    ),
    "foreign": (_foreign, "is a SQLite file of another program. Give the cassette another path"),
    "seed": (_seed, "was written by the package `recorded`; it is left as it is. Give the cassette another path"),
    "wal": (_wal, "is in WAL mode. If a Recorder writes to it, give the cassette another path (--record-cassette=…)"),
    "cut": (lambda path: os.truncate(path, 9000), "is malformed. The file is damaged. Restore it (git checkout)"),
    "newer": (_newer, "has schema 99; this pytest-recorded reads up to 1. Install a newer one"),
    "corrupt": (_corrupt, "The file is damaged. Restore it (git checkout), or delete it"),
    "folder": (_folder, "is a folder; a cassette is a file"),
}


@pytest.mark.parametrize("mode", ["once", "none", "rewrite", "verify"])
@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_cassette_is_an_error_of_each_recorded_test_that_says_what_to_do(example, how, mode):
    breaks, words = BROKEN[how]
    example.write(test_a=TEST + "def test_unmarked(): pass\n")
    example.run()
    example.forget_calls()
    breaks(example.cassette)
    before = example.cassette.read_bytes() if example.cassette.is_file() else b""
    result = example.run(f"--record-mode={mode}")
    assert result.code == pytest.ExitCode.TESTS_FAILED
    assert result.outcomes["passed"] == 1
    assert words in result.output.replace("\n", " ")
    assert "INTERNALERROR" not in result.output
    assert (example.cassette.read_bytes() if example.cassette.is_file() else b"") == before
    assert example.calls == []


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_cassette_that_may_not_be_read_says_so(example, what):
    example.write(test_a=TEST).run()
    target = example.cassette if what == "file" else example.cassette.parent
    target.chmod(0)
    result = _without_rights(example, "--record-mode=none", "test_a.py")
    target.chmod(0o755)
    words = "cannot be read: permission denied. Give this user the right to read it."
    assert f"cassette cassettes/jobs.db (cannot be used: {words})" in result
    assert f"{example.cassette}: {words}" in result
    assert "1 error" in result
    assert "INTERNALERROR" not in result


def test_a_staging_folder_that_another_user_has_closed_is_passed_over(example, tmp_path_factory):
    temporary = tmp_path_factory.mktemp("elsewhere")
    temporary.chmod(0o777)
    example.env["TMPDIR"] = str(temporary)
    (example.folder / "cassettes" / ".staging").mkdir(parents=True)
    (example.folder / "cassettes" / ".staging").chmod(0)
    result = _without_rights(example.write(test_a=TEST))
    (example.folder / "cassettes" / ".staging").chmod(0o755)
    assert "cassettes/jobs.db: 1 added" in result
    assert example.run("--record-mode=none").counts == {"replayed": 1}


def _without_rights(example, *args):
    """Run pytest in a process that may do only what the modes of files say."""
    # To root every file is open, unless it gives that up.
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"] if os.getuid() == 0 else []
    done = subprocess.run(
        [*drop, *example.command("-p", "no:cacheprovider", *args)],
        cwd=example.folder,
        env=example.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_replaying_leaves_no_trace_in_git_nor_beside_the_cassette(example):
    """Neither bytes nor time of the cassette change; what recording leaves beside it is ignored."""

    def git(*args):
        return subprocess.run(["git", *args], cwd=example.folder, capture_output=True, text=True, check=True).stdout

    example.write(test_a=TEST).run("-p", "no:cacheprovider")
    git("init", "-q")
    git("add", "cassettes", "test_a.py")
    assert git("status", "--porcelain", "cassettes") == "A  cassettes/jobs.db\n"
    before = example.cassette.read_bytes(), example.cassette.stat().st_mtime_ns
    for mode in ("none", "once", "new_episodes"):
        assert example.run(f"--record-mode={mode}", "-p", "no:cacheprovider").counts == {"replayed": 1}
    assert (example.cassette.read_bytes(), example.cassette.stat().st_mtime_ns) == before
    assert git("status", "--porcelain", "cassettes") == "A  cassettes/jobs.db\n"
    assert sorted(path.name for path in example.cassette.parent.iterdir()) == [".staging", "jobs.db"]


def test_a_read_only_checkout_is_replayed_without_a_trace(example):
    example.write(test_a=TEST).run()
    shutil.rmtree(example.cassette.parent / ".staging")
    before = example.cassette.read_bytes()
    example.cassette.chmod(0o444)
    example.cassette.parent.chmod(0o555)
    example.forget_calls()
    for mode in ("none", "once"):
        output = _without_rights(example, f"--record-mode={mode}")
        assert "recorded: 1 replayed" in output
    assert [path.name for path in example.cassette.parent.iterdir()] == ["jobs.db"]
    assert example.cassette.read_bytes() == before
    assert example.calls == []


def test_recording_into_a_folder_that_may_not_be_written_loses_nothing(example, tmp_path_factory):
    temporary = tmp_path_factory.mktemp("elsewhere")
    temporary.chmod(0o777)
    example.env["TMPDIR"] = str(temporary)
    closing = 'from pathlib import Path; Path("cassettes").chmod(0o555)'
    example.cassette.parent.mkdir()
    output = _without_rights(example.write(test_a=TEST.replace("world.ask('a')", f"world.ask('a'); {closing}")))
    assert "cannot be written" in output
    assert f"Make the folder {example.cassette.parent} one that this user may write to" in output.replace("\n", " ")
    example.cassette.parent.chmod(0o777)
    output = _without_rights(example.write(test_a=TEST))
    assert "recorded: 1 replayed" in output
    assert example.calls == ["a"]


def test_nothing_is_called_that_could_not_be_recorded(example):
    example.write(test_a=TEST)
    example.cassette.parent.mkdir()
    example.cassette.parent.chmod(0o555)
    output = _without_rights(example)
    example.cassette.parent.chmod(0o777)
    assert f"The cassette is read-only: the folder {example.cassette.parent} may not be written" in output
    assert "recorded: 0 replayed, 0 recorded, 0 live, 1 missed" in output
    assert example.calls == []
    assert list(example.cassette.parent.iterdir()) == []


def test_a_cassette_in_a_missing_folder_is_made(example):
    example.write(test_a=TEST)
    assert example.run("--record-cassette=not/yet/there.db").counts == {"recorded": 1}
    assert (example.folder / "not" / "yet" / "there.db").exists()


def test_a_full_disk_costs_no_value_and_is_named(example):
    """The test is run with a limit on the size of files, which SQLite meets as it meets a full disk."""
    example.write(
        world=(example.folder / "world.py").read_text() + "\ndef big(n):\n    called(n)\n    return 'x' * 3_000_000\n",
        test_a="import pytest, resource, world\n"
        '@pytest.mark.recorded("world.big")\n'
        "def test_x():\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))\n"
        "    try:\n        assert len(world.big(1)) == 3_000_000\n"
        "    finally:\n        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n",
    )
    result = example.spawn("-W", "default")
    assert (result.outcomes, result.counts) == ({"passed": 1}, {"live": 1})
    assert "RecordedWarning: world.big ran, but could not be recorded" in result.output
    assert "check its space" in result.output or "free some space" in result.output


def test_a_disk_that_is_full_at_the_end_leaves_the_old_cassette_and_what_was_recorded(example):
    """The cassette cannot be built anew, what is recorded just so fits; the next run takes it over."""
    example.write(
        world=(example.folder / "world.py").read_text() + "\nimport random\ndef big(n):\n    called(n)\n"
        "    return random.Random(1).randbytes(600_000).hex()\n",
        test_a="import pytest, resource, world\n"
        "pytestmark = pytest.mark.recorded('world.big', 'world.ask')\n"
        "def test_big(): world.big('big')\n",
    ).run()
    before = example.cassette.read_bytes()
    example.write(
        test_b=HEAD.replace("import ", "import resource, ") + "def test_x():\n    world.ask('a')\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, resource.RLIM_INFINITY))\n"
    )
    result = example.spawn("test_b.py")
    assert (result.code, result.outcomes, result.counts) == (1, {"passed": 1}, {"recorded": 1})
    assert (
        f"{example.cassette}: disk I/O error. The disk could not be written or read: check its space" in result.output
    )
    assert (example.cassette.read_bytes(), len(example.staged)) == (before, 1)
    # This run is in this very process, which goes on without a limit.
    example.write(test_b=HEAD + "def test_x():\n    world.ask('a')\n")
    assert example.run("--record-mode=once").counts == {"replayed": 2}
    assert (example.calls, example.staged) == (["big", "a"], [])


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ('"world.aks"', "'world.aks' does not exist: world has no 'aks'. Did you mean 'world.ask'?"),
        ('"wrld.ask"', "'wrld.ask' does not exist: there is no module 'wrld'"),
        ('"world.LOG"', "'world.LOG' is not callable; it is a PosixPath."),
        ('"pathlib.Path"', "'pathlib.Path' is a class. Name a method of it: 'pathlib.Path.…'."),
        ('"world"', "'world' is no dotted path. Write it as 'shop.llm.complete'."),
        ('"datetime.datetime.now"', "cannot be replaced"),
        ('world.ask, mode="once"', "is no dotted path. Name a function as a string"),
        ('mode="onec"', "'onec' is no record mode. Choose one of: once, none, new_episodes, off."),
        ('mode="rewrite"', "mode 'rewrite' calls the world again and may only be asked for on the command line"),
        (
            'moed="once"',
            "there is no argument 'moed'. Did you mean 'mode'? It takes: allowed_hosts, before_record_request, ",
        ),
        ('scope="session"', "scope='session' is not possible. Choose one of: test, suite."),
        (
            'match=["hots"]',
            "match has no part 'hots'. It takes: method, url, query, body, scheme, host, port, path, or header:NAME",
        ),
        ('ignore=["$.a["]', "'$.a[' is no path from '[' on. Write '$.messages[0].content'"),
        ("ignore=[5]", "ignore takes a list of strings, not [5]"),
        ("redact=[5]", "redact takes a list of strings, not [5]"),
        ('failed="maybe"', "failed='maybe' is neither yes nor no"),
        ('kind="x"', "kind= says something about functions. Name them first"),
        ('"world.ask", "world.aask", kind="x"', "kind='x' with 2 functions would mix up their calls"),
        ('"world.ask", kind="http.x"', "kinds that begin with 'http.' are those of HTTP calls"),
        ('"world.ask", data=dict', "data=<class 'dict'> is no model. Give a pydantic model, a dataclass, a TypedDict"),
        ('"world.ask", key="k"', "key='k' is no function. Give one that makes the key from the arguments"),
        ('cassette="__snapshots__/jobs.db"', "is in a folder of snapshots: `pytest --snapshot-update` deletes files"),
    ],
)
def test_a_wrong_marker_is_an_error_of_its_test_that_says_what_is_right(example, marker, words):
    example.write(
        test_a=f"import pytest, world\n@pytest.mark.recorded({marker})\ndef test_x(): pass\ndef test_y(): pass\n"
    )
    result = example.run()
    assert result.outcomes == {"passed": 1, "error": 1}
    assert words in result.output.replace("\n", " ")
    assert "During handling" not in result.output
    assert "pytest_recorded/" not in result.output


@pytest.mark.parametrize(
    "markers",
    [
        ['@pytest.mark.recorded(mode="once")', '@pytest.mark.recorded(mode="none")'],
        ['@pytest.mark.recorded("world.ask", kind="a")', '@pytest.mark.recorded("world.ask", kind="b")'],
    ],
)
def test_two_markers_that_contradict_each_other_are_an_error(example, markers):
    example.write(test_a="import pytest, world\n" + "\n".join(markers) + "\ndef test_x(): pass\n")
    result = example.run()
    assert result.outcomes == {"error": 1}
    assert "two markers of test_x contradict each other" in result.output


def test_a_wrong_ini_option_stops_the_run_with_a_message(example):
    example.pytester.makeini("[pytest]\npythonpath = .\nrecord_mode = rewrite\n")
    result = example.write(test_a=TEST).run()
    assert result.code == pytest.ExitCode.USAGE_ERROR
    assert "ini file: mode 'rewrite' calls the world again" in result.output


def test_an_unknown_flag_is_pytests_own_error(example):
    result = example.write(test_a=TEST).run("--record-mod=once")
    assert result.code == pytest.ExitCode.USAGE_ERROR


def test_an_answer_that_cannot_be_stored_reaches_the_caller_with_a_warning_that_names_the_place(example):
    example.write(
        world=(example.folder / "world.py").read_text() + "\ndef odd(): return {'items': [1, {'conn': object()}]}\n",
        test_a="import pytest, world\n@pytest.mark.recorded('world.odd')\ndef test_x(): assert world.odd()['items']\n",
    )
    result = example.run("-W", "default")
    assert (result.outcomes, result.counts) == ({"passed": 1}, {"live": 1})
    assert "$.items[1].conn: a value of type builtins.object cannot be stored" in result.output


def test_a_cassette_for_a_whole_run_in_a_folder_of_snapshots_is_refused(example):
    result = example.write(test_a=TEST).run("--record-cassette=tests/__snapshots__/jobs.db")
    assert "Put it somewhere else, such as cassettes/jobs.db" in result.output.replace("\n", " ")
    assert not (example.folder / "tests").exists()
