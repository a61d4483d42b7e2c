"""git itself shows a cassette as text, wherever it compares one, in a clone that is set up."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest

from sides import function, http, write


def git(*arguments):
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def history(tmp_path_factory, git_environment):
    """A repository that is set up, with the prices 1 and 2, a change that is not seen, and a mended file."""
    top = tmp_path_factory.mktemp("history")
    path = top / "cassettes" / "jobs.db"
    path.parent.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in git_environment.items():
            patch.setenv(name, value)
        patch.chdir(top)
        git("init", "--quiet", "--initial-branch=main")
        subprocess.run([sys.executable, "-m", "pytest_recorded", "git", "install"], check=True, capture_output=True)
        for message, price, at in (("one", 1, 0), ("two", 2, 0), ("later", 2, 50)):
            write(path, *calls(price, at))
            git("add", "--all")
            git("commit", "--quiet", "-m", message)
        path.write_bytes(b"broken")
        git("commit", "--quiet", "--all", "-m", "broken")
        write(path, *calls(2, 50))
        git("commit", "--quiet", "--all", "-m", "mended")
    return top


def calls(price, at):
    many = {f"field{n}": n for n in range(20)}
    return (
        http({"before": many, "price": price, "after": many}, at=at, scope="test_a.py::test_y"),
        function(5, at=at, scope="test_a.py::test_z"),
    )


@pytest.fixture(autouse=True)
def environment(monkeypatch, git_environment, history):
    """Where git is asked, if nothing else is said."""
    for name, value in git_environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(history)


@pytest.fixture
def repository(history, tmp_path, monkeypatch):
    """A copy of it, to be changed."""
    shutil.copytree(history, tmp_path / "repository")
    monkeypatch.chdir(tmp_path / "repository")
    return tmp_path / "repository" / "cassettes" / "jobs.db"


ONE_LINE = ["-  response $.price: 1", "+  response $.price: 2"]
HUNK = re.compile(r"^@@ .* @@ (.*)$", re.MULTILINE)


def edits(diff):
    return [line for line in diff.splitlines() if re.match(r"[-+](?![-+])", line)]


def test_git_log_shows_one_changed_field_as_one_line_below_the_name_of_its_test():
    two = git("log", "-p", "-1", ":/two")
    assert edits(two) == ONE_LINE
    assert HUNK.findall(two) == ["test_a.py::test_y POST https://api.example.com/orders/7"]
    assert "Binary" not in two


def test_git_log_goes_on_past_a_version_that_is_no_cassette_and_shows_no_change_where_none_is_visible():
    log = git("log", "-p", "--format=commit %s", "--", "cassettes")
    commits = {part.split("\n", 1)[0]: part for part in log.split("commit ")[1:]}
    assert list(commits) == ["mended", "broken", "later", "two", "one"]
    assert "+(no cassette: is no SQLite file." in commits["broken"]
    assert '+  content: "broken"' in commits["broken"]
    assert edits(commits["later"]) == []
    assert edits(commits["two"]) == ONE_LINE


def test_git_blame_says_of_each_line_which_commit_has_changed_it():
    commit = git("rev-parse", "--short=8", ":/two").strip()
    blamed = git("blame", "--textconv", "--abbrev=7", "main~2", "--", "cassettes/jobs.db")
    (line,) = [line for line in blamed.splitlines() if "response $.price" in line]
    assert line.startswith(commit)


def test_git_diff_shows_what_is_in_the_work_tree_and_what_is_staged_and_stash_shows_what_it_keeps(repository):
    write(repository, *calls(3, 50))
    expected = ["-  response $.price: 2", "+  response $.price: 3"]
    assert edits(git("diff")) == expected
    assert edits(git("diff", "--cached")) == []
    git("add", "--all", "cassettes/jobs.db")
    assert edits(git("diff", "--cached")) == expected
    git("stash")
    assert edits(git("stash", "show", "-p", "--textconv")) == expected
    git("stash", "pop")
    git("commit", "--quiet", "--all", "-m", "three")
    assert edits(git("show")) == expected


def test_a_clone_that_is_not_set_up_has_what_git_has_without_us(history, tmp_path, monkeypatch):
    """The attributes name drivers that nobody has configured: a diff says that files differ, a merge is a conflict."""
    monkeypatch.chdir(tmp_path)
    git("clone", "--quiet", str(history), "clone")
    monkeypatch.chdir(tmp_path / "clone")
    path = tmp_path / "clone" / "cassettes" / "jobs.db"
    git("checkout", "--quiet", "-b", "other")
    write(path, *calls(4, 0))
    assert "Binary files a/cassettes/jobs.db and b/cassettes/jobs.db differ" in git("diff")
    git("commit", "--quiet", "--all", "-m", "four")
    git("checkout", "--quiet", "main")
    write(path, *calls(5, 0))
    ours = path.read_bytes()
    git("commit", "--quiet", "--all", "-m", "five")
    done = subprocess.run(["git", "merge", "other"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Cannot merge binary files: cassettes/jobs.db" in done.stdout + done.stderr
    assert path.read_bytes() == ours, "ours stays as it is, and opens"
