"""git install sets a clone up, once, and only what is ours; git uninstall takes that away, and git status tells."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys

import pytest

from pytest_recorded.changes.lines import FORMAT
from pytest_recorded.cli import clone

LINE = "cassettes/jobs.db diff=pytest-recorded merge=pytest-recorded -text\n"
COMMAND = f"{sys.executable} -P -m pytest_recorded"


@pytest.fixture(autouse=True)
def top(tmp_path, monkeypatch, git_environment):
    """A repository that has a project."""
    for name, value in (git_environment | {"GIT_CEILING_DIRECTORIES": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)
    top = tmp_path / "shop"
    top.mkdir()
    monkeypatch.chdir(top)
    git("init", "--quiet", "--initial-branch=main")
    (top / "pytest.ini").write_text("[pytest]\n")
    return top


def git(*arguments, cwd=None):
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def configured(cwd=None):
    said = git("config", "--get-regexp", r"^(diff|merge)\.pytest-recorded\.", cwd=cwd)
    return dict(line.split(" ", 1) for line in said.splitlines())


def state(top):
    """What install may change, to the last byte."""
    attributes = top / ".gitattributes"
    return (top / ".git" / "config").read_bytes(), attributes.read_bytes() if attributes.exists() else None


def test_it_writes_the_configuration_of_the_clone_and_a_line_of_attributes(cli, top):
    done = cli("git", "install")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith(
        "Commit .gitattributes. The configuration is of this clone alone: each clone runs this once.\n"
    )
    assert configured() == {
        "diff.pytest-recorded.textconv": f"{COMMAND} textconv --format={FORMAT}",
        "diff.pytest-recorded.xfuncname": "^([^ ].*)$",
        "merge.pytest-recorded.name": "recorded calls, by their addresses",
        "merge.pytest-recorded.driver": f"{COMMAND} merge %O %A %B --path %P --marker-size %L --labels %X %Y",
    }
    assert (top / ".gitattributes").read_text() == LINE
    assert sorted(path.name for path in top.iterdir()) == [".git", ".gitattributes", "pytest.ini"]


def test_a_second_time_changes_no_byte_and_says_so(cli, top):
    cli("git", "install")
    before = state(top), (top / ".gitattributes").stat().st_mtime_ns, (top / ".git" / "config").stat().st_mtime_ns
    done = cli("git", "install")
    assert (done.code, done.out) == (0, "set up already; nothing is changed\n")
    assert before == (
        state(top), (top / ".gitattributes").stat().st_mtime_ns, (top / ".git" / "config").stat().st_mtime_ns
    )  # fmt: skip


def test_uninstall_leaves_what_there_was_before_to_the_last_byte(cli, top):
    (top / ".gitattributes").write_bytes(b"# ours\r\n*.png binary\r\n*.db binary")
    git("config", "alias.st", "status")
    before = state(top)
    assert cli("git", "install").code == 0
    assert state(top) != before
    assert git("check-attr", "diff", "merge", "text", "--", "cassettes/jobs.db", "other.db").splitlines() == [
        "cassettes/jobs.db: diff: pytest-recorded", "cassettes/jobs.db: merge: pytest-recorded",
        "cassettes/jobs.db: text: unset", "other.db: diff: unset", "other.db: merge: unset", "other.db: text: unset",
    ]  # fmt: skip
    done = cli("git", "uninstall")
    assert (done.code, done.err) == (0, "")
    assert state(top) == before
    assert cli("git", "uninstall").out == "nothing was set up; nothing is changed\n"
    assert state(top) == before


def test_uninstall_drops_the_texts_that_git_has_kept_and_a_file_that_is_empty_then(cli, top):
    cli("git", "install")
    git("config", "diff.pytest-recorded.cachetextconv", "true")
    (top / "cassettes").mkdir()
    (top / "cassettes" / "jobs.db").write_text("one")
    git("add", "--all")
    git("commit", "--quiet", "-m", "one")
    git("show")
    assert git("for-each-ref", "refs/notes/textconv")
    cli("git", "uninstall")
    assert not (top / ".gitattributes").exists()
    assert git("for-each-ref", "refs/notes") == ""


def test_what_the_user_has_chosen_of_our_drivers_stays_his(cli):
    his = {"diff.pytest-recorded.cachetextconv": "true", "diff.pytest-recorded.xfuncname": "^(test.*)$"}
    for name, value in his.items():
        git("config", name, value)
    assert cli("git", "install").code == 0
    assert configured().items() >= his.items()
    cli("git", "uninstall")
    assert configured() == his


@pytest.mark.parametrize("name", ["diff.pytest-recorded.textconv", "merge.pytest-recorded.driver"])
def test_a_command_of_somebody_elses_is_refused_and_left(cli, top, name):
    git("config", name, "strings")
    before = state(top)
    done = cli("git", "install")
    assert (done.code, done.out) == (2, "")
    assert f"{name} is configured already, as another command: strings." in done.err
    assert f"git config --local --unset-all {name}" in done.err.replace("\n", " ")
    assert state(top) == before
    cli("git", "uninstall")
    assert configured()[name] == "strings"
    assert cli("git", "status").code == 1


@pytest.mark.parametrize(
    ("file", "line", "attribute"),
    [
        (".gitattributes", "*.db merge=union", "merge=union"),
        (".gitattributes", "cassettes/jobs.db diff=sqlite3", "diff=sqlite3"),
        ("cassettes/.gitattributes", "jobs.db diff=sqlite3", "diff=sqlite3"),
        (".git/info/attributes", "*.db merge=ours", "merge=ours"),
        (".gitattributes", "*.db filter=lfs diff=lfs merge=lfs -text", "Git LFS is a pointer"),
    ],
)
def test_a_driver_of_somebody_elses_for_the_same_file_is_refused_and_left(cli, top, file, line, attribute):
    (top / file).parent.mkdir(exist_ok=True)
    (top / file).write_text(line + "\n")
    before = state(top)
    done = cli("git", "install")
    assert (done.code, done.out) == (2, "")
    assert attribute in done.err
    assert "left as it is" in done.err
    assert state(top) == before
    assert (top / file).read_text() == line + "\n"


def test_a_pattern_names_further_cassettes_and_has_no_other_driver_either(cli, top):
    assert cli("git", "install", "--pattern", "packages/*/cassettes/*.db", "--pattern", "my tests/x.db").code == 0
    assert (top / ".gitattributes").read_text().splitlines()[1:] == [
        "packages/*/cassettes/*.db diff=pytest-recorded merge=pytest-recorded -text",
        '"my tests/x.db" diff=pytest-recorded merge=pytest-recorded -text',
    ]
    for folder in ("other", "more"):
        (top / folder).mkdir()
        (top / folder / "x.db").write_text("")
    (top / "other" / ".gitattributes").write_text("*.db merge=union\n")
    git("add", "--all")
    before = state(top)
    refused = cli("git", "install", "--pattern", "other/*.db")
    assert (refused.code, state(top)) == (2, before)
    assert "other/x.db has the attribute merge=union already" in refused.err
    assert cli("git", "install", "--pattern", "more/*.db").code == 0
    for wrong in ("", "!a.db"):
        assert "git takes no such pattern" in cli("git", "install", "--pattern", wrong).err


def test_the_cassette_is_that_of_the_ini_file_from_any_folder_of_the_project(cli, top, monkeypatch):
    (top / "packages" / "api" / "tests").mkdir(parents=True)
    (top / "packages" / "api" / "pytest.ini").write_text("[pytest]\nrecord_cassette = calls/api.db\n")
    monkeypatch.chdir(top / "packages" / "api" / "tests")
    done = cli("git", "install", "--json")
    assert (done.json["cassette"], done.json["ok"]) == ("packages/api/calls/api.db", True)
    assert (top / ".gitattributes").read_text().startswith("packages/api/calls/api.db diff=")
    assert cli("git", "status").out.startswith("packages/api/calls/api.db: git shows and merges it by its calls")
    assert cli("git", "status", "--cassette", str(top / "other.db")).code == 1


def test_status_says_what_is_missing_and_install_mends_a_python_that_is_gone(cli, top):
    done = cli("git", "status", "--json")
    assert (done.code, done.json["ok"], done.json["python"], done.json["patterns"]) == (1, False, None, [])
    cli("git", "install")
    assert (cli("git", "status").code, cli("git", "status", "--json").json["python"]) == (0, sys.executable)
    for python, words in (("/gone/bin/python", "which is gone"), (str(no_package(top)), "has no pytest-recorded")):
        for name in ("diff.pytest-recorded.textconv", "merge.pytest-recorded.driver"):
            git("config", name, git("config", name).replace(sys.executable, python))
        done = cli("git", "status")
        assert done.code == 1
        assert words in done.out
        assert "pytest-recorded git install" in done.out
        assert "changed diff.pytest-recorded.textconv" in cli("git", "install").out
        assert configured()["diff.pytest-recorded.textconv"] == f"{COMMAND} textconv --format={FORMAT}"
        assert cli("git", "status").code == 0


def no_package(top):
    """A Python that has nothing installed."""
    script = top / ".git" / "python"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -S -E "$@"\n')
    script.chmod(0o755)
    return script


def test_status_knows_a_configuration_of_another_version(cli):
    cli("git", "install")
    git("config", "diff.pytest-recorded.textconv", f"{COMMAND} textconv --format=0.1")
    done = cli("git", "status")
    assert (done.code, "of another version" in done.out) == (1, True)
    assert cli("git", "install").code == 0
    assert cli("git", "status").code == 0


@pytest.mark.parametrize("line", ["*.db -diff", "*.db text eol=crlf", "*.db !text"])
def test_a_line_that_says_otherwise_is_told_of(cli, top, line):
    """Ours is in the root; a nearer file of attributes holds. As text, with other line ends, a cassette is damaged."""
    (top / "cassettes").mkdir()
    (top / "cassettes" / ".gitattributes").write_text(f"{line}\n")
    done = cli("git", "install")
    assert done.code == 1
    assert "another one says otherwise" in done.out
    assert cli("git", "status").code == 1


def test_a_line_by_which_git_finds_out_itself_what_is_text_does_no_harm(cli, top):
    (top / "cassettes").mkdir()
    (top / "cassettes" / ".gitattributes").write_text("* text=auto eol=crlf\n")
    assert cli("git", "install").code == 0


@pytest.mark.parametrize("name", ["a b'c\"d$HOME %O;x", "ünï中"])
def test_a_path_of_any_name_works_when_git_runs_the_commands(cli, tmp_path, monkeypatch, name):
    """The repository and the Python have the name; git runs the commands from a folder of its own choice."""
    folder = tmp_path / name
    (folder / "cassettes").mkdir(parents=True)
    python = folder / "python"
    python.write_text(f'#!/bin/sh\necho "$*" >> "$(dirname "$0")/asked"\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(clone.sys, "executable", str(python))
    monkeypatch.chdir(folder)
    git("init", "--quiet", "--initial-branch=main")
    # Modules of the repository that have the names of others are not what is run.
    for module in ("json", "typing", "pytest_recorded"):
        (folder / f"{module}.py").write_text("raise SystemExit('not this one')\n")
    assert cli("git", "install").code == 0
    assert cli("git", "status").code == 0
    for branch in ("main", "a", "b"):
        if branch != "main":
            git("checkout", "--quiet", "-B", branch, "main")
        (folder / "cassettes" / "jobs.db").write_text(branch)
        git("add", ".gitattributes", "cassettes")
        git("commit", "--quiet", "-m", branch)
    assert "(no cassette: is no SQLite file." in git("show", "a", "--", "cassettes")
    (folder / "asked").unlink()
    subprocess.run(["git", "merge", "a"], capture_output=True, check=False)
    asked = (folder / "asked").read_text()
    assert asked.startswith("-P -m pytest_recorded merge ")
    assert " --path cassettes/jobs.db --marker-size 7 --labels " in asked


def test_linked_work_trees_share_it_also_with_configurations_of_their_own(cli, top, tmp_path, monkeypatch):
    (top / "a").write_text("a")
    git("add", "--all")
    git("commit", "--quiet", "-m", "a")
    git("config", "extensions.worktreeConfig", "true")
    git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    monkeypatch.chdir(tmp_path / "linked")
    assert cli("git", "install").code == 0
    assert (tmp_path / "linked" / ".gitattributes").read_text() == LINE
    assert configured(top) == configured(tmp_path / "linked")
    git("config", "--worktree", "diff.pytest-recorded.textconv", "strings")
    done = cli("git", "status")
    assert (done.code, "diff.pytest-recorded.textconv is another command: strings" in done.out) == (1, True)
    monkeypatch.chdir(top)
    assert "does not say that cassettes/jobs.db is a cassette" in cli("git", "status").out


def test_in_a_submodule_it_is_the_submodule_that_is_set_up(cli, top, tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    for arguments in (("init", "--quiet"), ("commit", "--quiet", "--allow-empty", "-m", "a")):
        git(*arguments, cwd=tmp_path / "other")
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "other"), "inner")
    before = state(top)
    assert cli("git", "install", "--cassette", "inner/cassettes/jobs.db").code == 0
    assert state(top) == before
    assert (top / "inner" / ".gitattributes").read_text() == LINE
    assert "pytest-recorded" in (top / ".git" / "modules" / "inner" / "config").read_text()


def test_it_works_in_a_hook_of_another_repository(cli, top, tmp_path, monkeypatch):
    """Git runs hooks with variables that name a repository; here it is another one."""
    git("init", "--quiet", str(tmp_path / "hooked"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "hooked" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "hooked"))
    assert cli("git", "install").code == 0
    assert (top / ".gitattributes").exists()
    assert not (tmp_path / "hooked" / ".gitattributes").exists()


@pytest.mark.parametrize("command", ["install", "uninstall", "status"])
def test_without_a_work_tree_or_git_it_says_what_to_do(cli, tmp_path, monkeypatch, command):
    (tmp_path / "nowhere").mkdir()
    monkeypatch.chdir(tmp_path / "nowhere")
    done = cli("git", command)
    assert (done.code, done.out) == (2, "")
    assert "git init" in done.err
    git("init", "--quiet", "--bare")
    bare = cli("git", command)
    assert (bare.code, "a bare repository has none" in bare.err.replace("\n", " ")) == (2, True)
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = cli("git", command)
    assert (missing.code, "git is needed for this" in missing.err) == (2, True)


@pytest.mark.parametrize("written", range(4))
def test_where_writing_the_configuration_fails_midway_git_still_merges(cli, top, tmp_path, monkeypatch, written):
    """Git gives up each merge of a file whose driver has a name and no command."""
    folder, real = tmp_path / "bin", shutil.which("git")
    folder.mkdir()
    (folder / "git").write_text(
        '#!/bin/sh\ncase "$*" in *--replace-all*|*--unset-all*) left=$(cat "$0.left")\n'
        f'[ "$left" = 0 ] && exit 255; echo $((left - 1)) > "$0.left";; esac\nexec {real} "$@"\n'
    )
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    for command, possible in (("install", written), ("install", 4), ("uninstall", written)):
        (folder / "git.left").write_text(str(possible))
        assert cli("git", command).code == (0 if possible == 4 else 2)
        names = {line.partition("=")[0] for line in git("config", "--local", "--list").splitlines()}
        assert "merge.pytest-recorded.driver" in names or "merge.pytest-recorded.name" not in names


def test_a_configuration_that_cannot_be_written_is_told_of_and_nothing_is_half_done(cli, top):
    (top / ".git" / "config.lock").write_text("")
    before = state(top)
    done = cli("git", "install")
    assert (done.code, done.out) == (2, "")
    assert "could not write the configuration" in done.err
    assert "could not lock config file" in done.err.replace("\n", " ")
    assert state(top) == before
    (top / ".git" / "config.lock").unlink()
    assert cli("git", "install").code == 0


@pytest.mark.parametrize(
    "make", [lambda path: path.symlink_to("other"), lambda path: path.mkdir()], ids=["link", "folder"]
)
def test_attributes_that_git_would_not_read_are_told_of_before_anything_is_written(cli, top, make):
    (top / "other").write_text("")
    make(top / ".gitattributes")
    before = (top / ".git" / "config").read_bytes()
    done = cli("git", "install")
    assert (done.code, "and run this again" in done.err.replace("\n", " ")) == (2, True)
    assert (top / ".git" / "config").read_bytes() == before


def test_attributes_that_cannot_be_written_are_told_of_and_stay_and_a_second_run_does_the_rest(cli, top):
    (top / ".gitattributes").write_text("* text\n")
    in_the_way = top / ".gitattributes.pytest-recorded"
    in_the_way.mkdir()
    for command in ("install", "install"):
        done = cli("git", command)
        assert (done.code, done.out) == (2, "")
        assert f"Give this user the right to write to {top}" in done.err.replace("\n", " ")
        assert (top / ".gitattributes").read_text() == "* text\n"
    in_the_way.rmdir()
    assert cli("git", "install").out.startswith("changed .gitattributes\n")
    assert cli("git", "status").code == 0


def test_the_mode_of_the_attributes_stays(cli, top):
    (top / ".gitattributes").write_text("* text\n")
    (top / ".gitattributes").chmod(0o640)
    cli("git", "install")
    assert (top / ".gitattributes").stat().st_mode & 0o777 == 0o640
    shutil.rmtree(top / ".git")
    assert [path.name for path in top.iterdir() if path.name.startswith(".")] == [".gitattributes"]
