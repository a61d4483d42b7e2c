"""check looks at several cassettes, as pre-commit and the hooks of git give them."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sides import function, http, write

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / ".pre-commit-hooks.yaml"


@pytest.fixture(autouse=True)
def top(tmp_path, monkeypatch, git_environment):
    """A repository of two projects, each with an ini file and a cassette; a field of one is secret by its ini file."""
    for name in list(os.environ):
        if name.startswith(("GIT_", "PRE_COMMIT")):
            monkeypatch.delenv(name)
    for name, value in (git_environment | {"PRE_COMMIT_HOME": str(tmp_path / "home")}).items():
        monkeypatch.setenv(name, value)
    top = tmp_path / "mono"
    for name, ini in (("api", ""), ("shop", "record_redact = street\n")):
        (top / name / "cassettes").mkdir(parents=True)
        (top / name / "pytest.ini").write_text(f"[pytest]\n{ini}")
        write(top / name / "cassettes" / "jobs.db", function({"street": "Main Street 1"}))
    monkeypatch.chdir(top)
    git("init", "--quiet", "--initial-branch=main")
    return top


def git(*arguments):
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


API, SHOP = "api/cassettes/jobs.db", "shop/cassettes/jobs.db"


def test_only_the_files_that_are_given_are_looked_at_each_with_the_ini_file_of_its_project(cli):
    done = cli("check", API)
    assert (done.code, done.out, done.err) == (0, f"{API}: 1 row, nothing found.\n", "")
    done = cli("check", SHOP, API)
    assert done.code == 1
    assert "response: $.street: a secret by the name of its field" in done.out
    assert done.out.endswith(f"{SHOP}: 1 row, 1 secret.\n{API}: 1 row, nothing found.\n")
    assert "Main Street" not in done.out


def test_as_json_it_is_a_list_also_of_one_file(cli):
    one = cli("check", "--json", API)
    assert (one.code, one.json["ok"]) == (0, True)
    assert one.json["cassettes"] == [{"cassette": API, "rows": 1, "ok": True, "findings": []}]
    both = cli("check", "--json", API, SHOP)
    assert (both.code, both.json["ok"]) == (1, False)
    assert [(each["cassette"], each["ok"]) for each in both.json["cassettes"]] == [(API, True), (SHOP, False)]
    assert cli("check", "--json", f"--cassette={API}").json == one.json["cassettes"][0]


def test_one_that_is_no_cassette_keeps_no_other_from_being_looked_at(cli, top):
    (top / "x.db").write_text("hello")
    done = cli("check", "x.db", SHOP)
    assert done.code == 2
    assert "x.db: is no SQLite file" in done.err
    assert f"{SHOP}: 1 row, 1 secret." in done.out
    tree = cli("check", "--json", "x.db", API).json
    assert tree["ok"] is False
    assert tree["cassettes"][0]["problem"].startswith("x.db: is no SQLite file")
    assert tree["cassettes"][1]["ok"] is True


def test_an_ini_file_that_cannot_be_read_is_a_problem_of_its_cassette_alone(cli, top):
    (top / "api" / "pytest.ini").write_text("[pytest\n")
    done = cli("check", API, SHOP)
    assert (done.code, "pytest.ini cannot be read" in done.err) == (2, True)
    assert f"{SHOP}: 1 row, 1 secret." in done.out


def test_one_cassette_is_named_in_one_way(cli):
    done = cli("check", API, f"--cassette={SHOP}")
    assert (done.code, done.out) == (2, "")
    assert "Name all cassettes as files" in done.err.replace("\n", " ")
    assert cli("check", API, "--max-age=x").code == 2


# With pre-commit.


@pytest.fixture
def hook():
    """The hook that we ship."""
    (hook,) = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    return hook


def entry(hook):
    """Its command, with this Python."""
    words = shlex.split(hook["entry"])
    assert words[0] == "pytest-recorded"
    return [sys.executable, "-m", "pytest_recorded", *words[1:]]


def pre_commit(*arguments):
    command = [sys.executable, "-m", "pre_commit", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_pre_commit_takes_our_manifest_and_runs_the_hook_on_the_cassettes_that_are_staged(hook, top):
    """It is run as a local hook, as pre-commit installs no others without a network."""
    done = pre_commit("validate-manifest", str(MANIFEST))
    assert done.returncode == 0, done.stdout
    local = {**hook, "language": "system", "entry": shlex.join(entry(hook))}
    config = {"repos": [{"repo": "local", "hooks": [local]}]}
    (top / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    (top / "notes.db").write_text("no cassette, and not looked at")
    git("add", "notes.db", API, ".pre-commit-config.yaml")
    good = pre_commit("run", "--verbose")
    assert good.returncode == 0, good.stdout
    assert f"{API}: 1 row, nothing found." in good.stdout
    assert SHOP not in good.stdout, "it is not staged"
    git("add", SHOP)
    bad = pre_commit("run")
    assert bad.returncode == 1
    assert f"{SHOP}: 1 row, 1 secret." in bad.stdout


def test_a_hook_of_git_itself_runs_it_too(hook, top):
    """With the variables that git sets for its hooks, from the root of the repository."""
    script = top / ".git" / "hooks" / "pre-commit"
    script.parent.mkdir(exist_ok=True)
    script.write_text(f"#!/bin/sh\nexec {shlex.join(entry(hook))} $(git diff --cached --name-only -- '*.db')\n")
    script.chmod(0o755)
    git("add", API)
    assert f"{API}: 1 row, nothing found." in git("commit", "-m", "api")
    git("add", SHOP)
    done = subprocess.run(["git", "commit", "-m", "shop"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "1 secret" in done.stdout + done.stderr
    assert git("rev-list", "--count", "HEAD").strip() == "1"


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("cassettes/jobs.db", True), ("packages/api/cassettes/api.db", True), ("cassettes/jobs.db.txt", False),
        ("cassettes/.staging/jobs.db-1.db", False), ("mycassettes/jobs.db", False), ("data/app.db", False),
    ],
)  # fmt: skip
def test_the_hook_is_about_files_in_folders_of_cassettes(hook, path, is_one):
    import re  # noqa: PLC0415 - of this test alone

    assert (re.search(hook["files"], path) is not None) is is_one


def test_a_cassette_with_a_row_of_an_http_call_is_checked_from_any_folder(cli, top, monkeypatch):
    write(top / API, http({"street": "Main Street 1"}))
    monkeypatch.chdir(top / "shop")
    done = cli("check", f"../{API}")
    assert "secret" not in done.out, "the ini file is that of the cassette, not that of the folder"
