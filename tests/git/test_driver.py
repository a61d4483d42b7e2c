"""git merges cassettes with our driver, wherever it merges."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from pytest_recorded.cli.app import run


@pytest.fixture
def settle(monkeypatch, capsys):
    """Settle the conflicts of a repository: `settle(repository, "--theirs")`; return what is said."""

    def resolve(repository, *arguments):
        monkeypatch.chdir(repository.folder)
        with pytest.raises(SystemExit) as ended:
            run(("resolve", *arguments))
        assert not ended.value.code
        return capsys.readouterr().out

    return resolve


@pytest.fixture
def parted(repository):
    """Two branches that have recorded the price of tea anew, with different answers; each has one call of its own."""
    repository.switch("feature", "main").record(tea=3, rice=30, at=2).commit("Ask for rice")
    return repository.switch("main").record(tea=2, milk=20, at=1).commit("Ask for milk")


def test_branches_that_have_recorded_different_calls_are_merged_without_a_conflict(repository):
    repository.switch("feature", "main").record(tea=1, rice=30).commit()
    repository.switch("main").record(tea=1, milk=20).commit()
    said = repository.git("merge", "feature")
    assert "cassettes/jobs.db: 1 call from theirs, 1 from ours." in said
    assert repository.prices == {"tea": 1, "milk": 20, "rice": 30}
    assert repository.status == ""
    assert {path.name for path in repository.folder.iterdir()} == {".git", ".gitattributes", "cassettes"}
    merged = repository.cassette.read_bytes()
    repository.switch("other", "feature").git("merge", "main~1")
    assert repository.cassette.read_bytes() == merged, "the other way round it is the same file"


def test_what_git_prints_for_programs_has_nothing_of_ours_in_it(parted):
    tree = ["git", "merge-tree", "--write-tree", "--name-only", "main", "feature"]
    done = subprocess.run(tree, cwd=parted.folder, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode == 129:
        pytest.skip("git has no such command before 2.38")
    assert re.match("[0-9a-f]{40}\ncassettes/jobs.db\n\n", done.stdout)
    assert "cassettes/jobs.db: 1 call from theirs, 1 from ours, 1 conflict:\n" in done.stderr


def test_the_same_call_recorded_anew_on_both_sides_is_merged_if_the_answers_are_equal(repository):
    repository.switch("feature", "main").record(tea=2, at=1).commit()
    repository.switch("main").record(tea=2, at=2).commit()
    assert "cassettes/jobs.db: 1 call alike on both sides." in repository.git("merge", "feature")
    assert (repository.prices, repository.status) == ({"tea": 2}, "")


def test_different_answers_are_a_conflict_that_git_names_and_that_is_settled_and_committed(parted, settle):
    said = parted.git("merge", "feature", code=1)
    assert "cassettes/jobs.db: 1 call from theirs, 1 from ours, 1 conflict:\n" in said
    assert 'test_shop.py::test_price\n  shop.price(item="tea")\n' in said
    assert "~ response $.price  2 -> 3" in said
    assert "pytest-recorded resolve --ours|--theirs|--newer [ID…], then git add cassettes/jobs.db" in said
    assert "CONFLICT (content): Merge conflict in cassettes/jobs.db" in said
    assert parted.status == "UU cassettes/jobs.db"
    assert (parted.prices, parted.conflicts) == ({"tea": 2, "milk": 20, "rice": 30}, {"tea": (2, 3)})
    assert settle(parted, "--theirs") == (
        "cassettes/jobs.db: 1 conflict settled (1 theirs), 0 left.\nThen: git add cassettes/jobs.db\n"
    )
    parted.commit()
    assert (parted.prices, parted.conflicts) == ({"tea": 3, "milk": 20, "rice": 30}, {})
    assert parted.status == ""


def test_a_conflict_that_was_committed_as_it_is_is_settled_later_without_git(parted, settle):
    parted.git("merge", "feature", code=1)
    parted.commit()
    parted.record(bread=1)
    parted.git("checkout", "--quiet", ".")
    assert parted.conflicts == {"tea": (2, 3)}
    settle(parted, "--newer")
    assert (parted.prices["tea"], parted.conflicts) == (3, {})


def test_in_a_rebase_theirs_is_the_commit_that_is_put_on_the_other_branch_and_it_is_said(parted, settle):
    parted.switch("feature")
    said = parted.git("rebase", "main", code=1)
    assert "In a rebase ours is the branch that is built upon, and theirs is the commit that is put on it." in said
    assert parted.conflicts == {"tea": (2, 3)}, "ours is main"
    settle(parted, "--theirs")
    parted.git("add", "cassettes/jobs.db")
    parted.git("rebase", "--continue")
    assert (parted.prices, parted.status) == ({"tea": 3, "milk": 20, "rice": 30}, "")
    assert parted.git("log", "--format=%s") == "Ask for rice\nAsk for milk\nrecorded"


def test_commits_are_picked_and_taken_back(parted, settle):
    parted.switch("picked", "main").git("cherry-pick", "feature", code=1)
    settle(parted, "--ours")
    parted.git("add", "cassettes/jobs.db")
    parted.git("cherry-pick", "--continue")
    assert (parted.prices, parted.conflicts) == ({"tea": 2, "milk": 20, "rice": 30}, {})
    parted.record(tea=2, milk=20, rice=30, bread=40, at=9).commit()
    said = parted.git("revert", "--no-edit", "HEAD~1")
    assert "1 call from theirs" in said
    assert parted.prices == {"tea": 2, "milk": 20, "bread": 40}


def test_what_a_commit_has_changed_and_was_recorded_anew_since_is_a_conflict_when_it_is_taken_back(repository):
    repository.record(tea=2, at=1).commit()
    repository.record(tea=3, milk=5, at=2).commit()
    repository.git("revert", "--no-edit", "HEAD~1", code=1)
    assert repository.conflicts == {"tea": (3, 1)}
    repository.git("revert", "--abort")
    assert repository.prices == {"tea": 3, "milk": 5}


def test_what_was_put_away_comes_back(parted, settle):
    parted.record(tea=4, milk=20, bread=40, at=4)
    parted.git("stash")
    parted.record(tea=2, milk=21, at=5).commit()
    parted.git("stash", "pop")
    assert (parted.prices, parted.conflicts) == ({"tea": 4, "milk": 21, "bread": 40}, {})
    parted.git("stash")
    parted.record(tea=6, milk=21, at=6).commit()
    said = parted.git("stash", "pop", code=1)
    assert 'shop.price(item="tea")' in said
    assert parted.conflicts == {"tea": (6, 4)}
    settle(parted, "--newer")
    assert parted.prices == {"tea": 6, "milk": 21, "bread": 40}


def test_both_branches_may_have_added_the_cassette(repository):
    repository.git("rm", "--quiet", "cassettes/jobs.db")
    repository.commit()
    repository.switch("feature", "main").record(tea=1, rice=30).commit()
    repository.switch("main").record(tea=1, milk=20).commit()
    said = repository.git("merge", "feature")
    assert "1 call from theirs, 1 from ours, 1 alike on both sides." in said
    assert repository.prices == {"tea": 1, "milk": 20, "rice": 30}


def test_a_cassette_that_was_moved_on_one_side_is_merged_where_it_is(repository):
    many = {f"item {number}": number for number in range(30)}
    repository.record(many, tea=1).commit()
    repository.switch("feature", "main").record(many, tea=1, rice=30).commit()
    repository.switch("main").record(many, tea=1, milk=20).git("mv", "cassettes", "calls")
    repository.commit()
    said = repository.git("merge", "feature")
    assert "calls/jobs.db: 1 call from theirs, 1 from ours." in said
    assert not repository.cassette.exists()
    (repository.folder / "calls").rename(repository.folder / "cassettes")
    assert repository.prices == {**many, "tea": 1, "milk": 20, "rice": 30}


def test_a_cassette_that_one_side_has_deleted_is_left_to_git(repository):
    repository.switch("feature", "main").record(tea=2).commit()
    repository.switch("main").git("rm", "--quiet", "cassettes/jobs.db")
    repository.commit()
    assert "CONFLICT (modify/delete)" in repository.git("merge", "feature", code=1)
    assert repository.prices == {"tea": 2}


def test_several_branches_at_once_are_refused_by_git_which_merges_them_without_drivers(repository):
    for branch, calls in (("a", {"milk": 20}), ("b", {"rice": 30})):
        repository.switch(branch, "main").record(tea=1, **calls).commit()
    repository.switch("main").record(tea=1, bread=40).commit()
    assert "Should not be doing an octopus" in repository.git("merge", "a", "b", code=2)
    assert (repository.prices, repository.status) == ({"tea": 1, "bread": 40}, "")
    repository.git("merge", "a")
    repository.git("merge", "b")
    assert repository.prices == {"tea": 1, "milk": 20, "rice": 30, "bread": 40}


def crossed(repository, ours, theirs):
    """Merge two branches into each other, each with the price of tea that it has settled for."""
    for branch, other, kept in (("main", "feature~0", ours), ("feature", "main~1", theirs)):
        repository.switch(branch).git("merge", "--no-commit", other, code=1)
        repository.record(tea=kept, milk=20, rice=30, at=kept)
        repository.commit("merged")
    repository.switch("main")


def test_branches_that_were_merged_crosswise_are_merged_though_their_bases_are_in_conflict(parted):
    crossed(parted, 3, 3)
    parted.record(tea=3, milk=20, rice=30, bread=40, at=3).commit()
    parted.git("merge", "feature")
    assert (parted.prices, parted.conflicts) == ({"tea": 3, "milk": 20, "rice": 30, "bread": 40}, {})


def test_branches_that_were_merged_crosswise_and_have_settled_a_call_differently_are_in_conflict(parted):
    crossed(parted, 2, 3)
    said = parted.git("merge", "feature", code=1)
    assert parted.conflicts == {"tea": (2, 3)}
    assert "fatal" not in said


def test_a_branch_with_a_pointer_of_git_lfs_is_a_conflict_that_leaves_ours_and_says_why(repository):
    repository.switch("feature", "main")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n"
    repository.cassette.write_text(pointer)
    repository.commit()
    repository.switch("main").record(tea=2).commit()
    before = repository.cassette.read_bytes()
    said = repository.git("merge", "feature", code=1)
    assert "theirs of cassettes/jobs.db: is a Git LFS pointer, not the file itself. Run: git lfs pull" in said
    assert repository.cassette.read_bytes() == before
    assert repository.status == "UU cassettes/jobs.db"


def test_a_driver_that_is_killed_leaves_ours_and_nothing_beside_it(parted):
    """Killed when the new file is finished and about to take its place."""
    program = parted.folder.parent / "killed.py"
    program.write_text(
        "import os, signal\n"
        "from pathlib import Path\n"
        "Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from pytest_recorded.cli import main\n"
        "main()\n"
    )
    parted.git("config", "merge.pytest-recorded.driver", f'"{sys.executable}" "{program}" merge %O %A %B --path %P')
    before = parted.cassette.read_bytes()
    # Older versions of git leave a conflict, later ones end the merge.
    parted.git("merge", "feature", code=None)
    assert parted.cassette.read_bytes() == before
    assert parted.status in ("", "UU cassettes/jobs.db")


def test_a_cassette_merges_while_the_ini_file_is_in_conflict(parted):
    for branch, text in (("feature", "[pytest]\nrecord_ignore = $..at\n"), ("main", "[pytest]\naddopts = -q\n")):
        parted.switch(branch)
        (parted.folder / "pytest.ini").write_text(text)
        parted.commit()
    said = parted.git("merge", "feature", code=1)
    assert "CONFLICT (add/add): Merge conflict in pytest.ini" in said
    assert parted.conflicts == {"tea": (2, 3)}
