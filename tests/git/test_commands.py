"""The commands merge and resolve, by hand."""

from __future__ import annotations

import json
import re
from contextlib import closing

import pytest

from pytest_recorded.cli.app import run
from pytest_recorded.store.sqlite import CassetteFile
from sides import function, http, write


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Run a command in a folder of its own: its exit code, what it says, what it complains of."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def started(*arguments):
        with pytest.raises(SystemExit) as ended:
            run(arguments)
        return ended.value.code or 0, *capsys.readouterr()

    return started


def price(item, value, **more):
    return function({"price": value}, sent={"item": item}, **more)


@pytest.fixture
def sides(tmp_path):
    """Files in which tea has the prices 1, 2 and 3, and of ours and theirs each has one call of its own."""
    write(tmp_path / "base.db", price("tea", 1))
    write(tmp_path / "ours.db", price("tea", 2, at=5), price("milk", 20))
    write(tmp_path / "theirs.db", price("tea", 3, at=6), price("rice", 30))
    return tmp_path


FILES = ("base.db", "ours.db", "theirs.db")


def answers(path):
    with closing(CassetteFile(path)) as file:
        return sorted(row.response_json for row in file.rows())


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.db")}


# merge


def test_ours_gets_the_outcome_and_each_conflict_is_told(command, sides):
    code, said, _ = command("merge", *FILES)
    assert code == 1
    assert said.splitlines() == [
        "ours.db: 1 call from theirs, 1 from ours, 1 conflict:",
        f"{said.splitlines()[1][:12]}  tests/test_shop.py::test_total",
        '  shop.price(item="tea")',
        "    ours of 2030-01-02 03:04:10, theirs of 2030-01-02 03:04:11",
        "    ~ response $.price  2 -> 3",
        "Ours is replayed until one is chosen: "
        "pytest-recorded resolve --cassette=ours.db --ours|--theirs|--newer [ID…], "
        "then git add ours.db",
    ]
    assert answers(sides / "ours.db") == ['{"price":20}', '{"price":2}', '{"price":30}']


def test_of_many_conflicts_the_first_are_told_and_how_many_more_there_are(command, sides):
    for at, name in enumerate(FILES):
        write(sides / name, *(price(f"item {number}", at) for number in range(22)))
    code, said, _ = command("merge", *FILES)
    assert (code, said.count("~ response $.price")) == (1, 20)
    assert "\n... and 2 more: pytest-recorded resolve --cassette=ours.db\n" in said
    assert command("resolve", "--cassette=ours.db")[1].count("~ response $.price") == 22


def test_the_outcome_may_have_a_file_of_its_own(command, sides):
    before = contents(sides)
    for _ in range(2):
        assert command("merge", *FILES, "--output=merged.db", "--newer")[:2] == (
            0,
            "merged.db: 1 call from theirs, 1 from ours, 1 conflict settled by --newer.\n",
        )
        assert answers(sides / "merged.db") == ['{"price":20}', '{"price":30}', '{"price":3}']
    assert {name: text for name, text in contents(sides).items() if name != "merged.db"} == before


def test_folders_of_the_outcome_are_made_and_a_link_to_it_stays_one(command, sides):
    (sides / "link.db").symlink_to("deep/er/merged.db")
    for name in ("deep/er/merged.db", "link.db"):
        assert command("merge", *FILES, f"--output={name}", "--ours")[0] == 0
    assert (sides / "link.db").is_symlink()
    assert [path.name for path in (sides / "deep" / "er").iterdir()] == ["merged.db"]


def test_an_empty_base_is_none(command, sides):
    (sides / "none.db").write_bytes(b"")
    code, said, _ = command("merge", "none.db", *FILES[1:], "--theirs")
    assert (code, said) == (0, "ours.db: 1 call from theirs, 1 from ours, 1 conflict settled by --theirs.\n")
    code, _, complaint = command("merge", "base.db", "none.db", "theirs.db")
    assert code == 2
    assert "ours (none.db): is empty (0 bytes)" in complaint


def test_the_same_files_are_merged_in_one_word(command, sides):
    assert command("merge", "base.db", "base.db", "base.db")[:2] == (0, "base.db: nothing has changed.\n")


def test_programs_are_told_as_json(command, sides):
    code, said, _ = command("merge", *FILES, "--json")
    tree = json.loads(said)
    (conflict,) = tree.pop("conflicts")
    assert (code, tree) == (1, {"cassette": "ours.db", "ours": 1, "theirs": 1, "both": 0, "settled": 0})
    assert conflict["tests"] == ["tests/test_shop.py::test_total"]
    assert (conflict["kind"], conflict["request"]) == ("shop.price", 'shop.price(item="tea")')
    assert (conflict["ours"]["recorded_at"], conflict["newer"]) == ("2030-01-02T03:04:10.000000Z", "theirs")
    assert [(change["path"], change["old"], change["new"]) for change in conflict["changes"]] == [("$.price", 2, 3)]
    assert json.loads(command("merge", *FILES, "--json", "--ours")[1])["conflicts"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("base.db", "ours.db", "no.db"), "no.db is no file"),
        ((*FILES, "--ours", "--newer"), "--ours and --newer exclude each other"),
        (("base.db", "ours.db", "text.db"), "theirs (text.db): is no SQLite file"),
        (("text.db", "ours.db", "theirs.db"), "base (text.db): is no SQLite file"),
        ((".", "ours.db", "theirs.db"), "base (.): is a folder; a cassette is a file, such as cassettes/jobs.db"),
        ((*FILES, "--output=text.db/merged.db"), "merged.db: cannot be written ("),
    ],
    ids=["missing", "choices", "theirs", "base", "folder", "output"],
)
def test_what_is_wrong_is_said_and_nothing_is_written(command, sides, monkeypatch, arguments, said):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(sides.parent))
    (sides / "text.db").write_text("hello, this is no cassette")
    before = contents(sides)
    code, out, complaint = command("merge", *arguments)
    assert (code, out) == (2, "")
    assert said in complaint
    assert contents(sides) == before


def test_what_is_ignored_is_not_told_of_a_conflict(command, sides):
    (sides / "pytest.ini").write_text("[pytest]\nrecord_ignore = $.price\n")
    _, said, _ = command("merge", *FILES)
    assert "response $.price  2 -> 3" in said
    assert "differ in how they are written" not in said


def test_answers_that_differ_in_how_they_are_written_are_told_so(command, sides):
    for name, text in zip(FILES, ('{"a":1,"b":2}', '{"b":2,"a":1}', '{"a": 1, "b": 2}'), strict=True):
        write(sides / name, http(text))
    _, said, _ = command("merge", *FILES)
    assert "    the answers differ in how they are written, and in nothing else\n" in said


# merge, of what git has


def command_in(command, repository, monkeypatch, *arguments):
    monkeypatch.chdir(repository.folder)
    return command(*arguments)


@pytest.fixture
def conflicting(bare):
    """A repository without our driver, in the middle of a merge."""
    bare.record(tea=1).commit()
    bare.switch("feature", "main").record(tea=3, rice=30, at=2).commit()
    bare.switch("main").record(tea=2, milk=20, at=1).commit()
    assert "Cannot merge binary files" in bare.git("merge", "feature", code=1)
    return bare


def test_without_the_driver_a_conflict_of_git_is_merged_by_hand(command, conflicting, monkeypatch):
    assert conflicting.prices == {"tea": 2, "milk": 20}, "git leaves ours"
    code, said, _ = command_in(command, conflicting, monkeypatch, "merge", ":1", ":2", ":3")
    assert code == 1
    assert "cassettes/jobs.db: 1 call from theirs, 1 from ours, 1 conflict:" in said
    assert (conflicting.prices, conflicting.conflicts) == ({"tea": 2, "milk": 20, "rice": 30}, {"tea": (2, 3)})


def test_what_git_has_not_merged_is_not_said_to_be_without_conflict(command, conflicting, monkeypatch):
    """Who adds ours then would lose theirs in silence."""
    before = conflicting.cassette.read_bytes()
    for choice in ([], ["--theirs"]):
        code, said, _ = command_in(command, conflicting, monkeypatch, "resolve", *choice)
        assert code == 1
        assert said == (
            "cassettes/jobs.db: git has not merged it: ours is in place, and theirs is not in it. "
            "Merge them: pytest-recorded merge :1 :2 :3\n"
        )
    assert conflicting.cassette.read_bytes() == before
    command("merge", ":1", ":2", ":3")
    assert command("resolve", "--theirs")[0] == 0
    assert command("resolve")[:2] == (0, "cassettes/jobs.db: no conflict.\n")


def test_what_is_told_to_be_typed_names_a_cassette_that_is_not_the_usual_one(command, sides):
    (sides / "calls").mkdir()
    _, said, _ = command("merge", *FILES, "--output=calls/jobs.db")
    assert said.endswith("pytest-recorded resolve --cassette=calls/jobs.db --ours|--theirs|--newer [ID…]\n")
    _, said, _ = command("resolve", "--cassette=calls/jobs.db")
    assert said.endswith("pytest-recorded resolve --cassette=calls/jobs.db --ours|--theirs|--newer [ID…]\n")


def test_stages_and_revisions_may_name_a_path(command, conflicting, monkeypatch):
    path = "cassettes/jobs.db"
    for three in (
        (f":1:{path}", f":2:{path}", f":3:{path}"),
        ("HEAD~1", "HEAD", "MERGE_HEAD"),
        (f"main~1:{path}", f"main:{path}", f"feature:{path}"),
    ):
        code, said, _ = command_in(command, conflicting, monkeypatch, "merge", *three, "--theirs")
        assert (code, said) == (
            0,
            "cassettes/jobs.db: 1 call from theirs, 1 from ours, 1 conflict settled by --theirs.\n",
        )
        assert conflicting.prices == {"tea": 3, "milk": 20, "rice": 30}


def test_of_a_cassette_that_both_have_added_git_has_no_base(command, bare, monkeypatch):
    (bare.folder / "a").write_text("a")
    bare.commit()
    bare.switch("feature", "main").record(tea=1, rice=30).commit()
    bare.switch("main").record(tea=1, milk=20).commit()
    bare.git("merge", "feature", code=1)
    code, said, _ = command_in(command, bare, monkeypatch, "merge", ":1", ":2", ":3")
    assert (code, said) == (0, "cassettes/jobs.db: 1 call from theirs, 1 from ours, 1 alike on both sides.\n")
    bare.commit()
    code, _, complaint = command_in(command, bare, monkeypatch, "merge", ":1", ":2", ":3")
    assert code == 2
    assert ":2:cassettes/jobs.db: is not there" in complaint
    assert "git has no conflict about that file" in complaint
    assert "git checkout --merge -- cassettes/jobs.db" in complaint


def test_a_broken_ini_file_is_no_reason_not_to_merge_as_a_driver(command, sides):
    (sides / "pytest.ini").write_text("<<<<<<< HEAD\n")
    code, _, said = command("merge", *FILES, "--path=cassettes/jobs.db")
    assert code == 1
    assert "response $.price  2 -> 3" in said
    code, _, complaint = command("resolve")
    assert code == 2
    assert "pytest.ini cannot be read" in complaint.replace("\n", " ")
    assert command("resolve", "--ours", "--cassette=ours.db")[0] == 0


def test_labels_that_git_gives_are_told_and_those_it_does_not_know_are_not(command, sides):
    given = ("merge", "base.db", "base.db", "theirs.db", "--path=x.db", "--output=y.db", "--labels")
    assert command(*given, "HEAD", "feature")[1:] == ("", "x.db: 2 calls from theirs (feature).\n")
    for labels in (("%X", "%Y"), ("", "")):
        assert command(*given, *labels)[1:] == ("", "x.db: 2 calls from theirs.\n")


# resolve


@pytest.fixture
def unsettled(sides, command):
    """A cassette at the usual place with two conflicts, of tea and of milk, and a call of rice."""
    test = "tests/test_shop.py::test_milk[1]"
    for name, at in zip(FILES, range(3), strict=True):
        calls = [price("tea", at, at=at), price("milk", at, at=-at, scope=test), price("rice", 9)]
        write(sides / name, *calls)
    (sides / "cassettes").mkdir()
    command("merge", *FILES, "--output=cassettes/jobs.db")
    return sides / "cassettes" / "jobs.db"


def ids(command):
    return [conflict["id"] for conflict in json.loads(command("resolve", "--json")[1])["conflicts"]]


def test_without_a_choice_conflicts_are_listed_and_nothing_is_written(command, unsettled):
    before = unsettled.read_bytes()
    code, said, _ = command("resolve")
    assert code == 1
    assert said.startswith("cassettes/jobs.db: 2 conflicts:\n")
    assert said.endswith("pytest-recorded resolve --ours|--theirs|--newer [ID…]\n")
    assert said.count("    ~ response $.price  1 -> 2\n") == 2
    assert unsettled.read_bytes() == before
    code, said, _ = command("resolve", "tests/test_shop.py::test_milk[1]")
    assert (code, said.count("~ response")) == (1, 1)


@pytest.mark.parametrize(
    ("choice", "kept"),
    [("--ours", ['{"price":1}'] * 2), ("--theirs", ['{"price":2}'] * 2), ("--newer", ['{"price":1}', '{"price":2}'])],
)
def test_all_conflicts_are_settled_at_once(command, unsettled, choice, kept):
    code, said, _ = command("resolve", choice)
    assert code == 0
    assert said.startswith("cassettes/jobs.db: 2 conflicts settled (")
    assert said.endswith(", 0 left.\nThen: git add cassettes/jobs.db\n")
    assert answers(unsettled) == [*kept, '{"price":9}']
    assert command("resolve")[:2] == (0, "cassettes/jobs.db: no conflict.\n")
    assert command("resolve", choice, "0123abcd")[:2] == (0, "cassettes/jobs.db: no conflict.\n")


def test_single_conflicts_are_settled_by_their_ids_and_tests(command, unsettled):
    first, _ = ids(command)
    code, said, _ = command("resolve", "--theirs", first[:8].upper())
    assert (code, said) == (1, "cassettes/jobs.db: 1 conflict settled (1 theirs), 1 left.\n")
    code, said, _ = command("resolve", "--ours", "tests/*", "--json")
    assert code == 0
    assert set(json.loads(said)["settled"].values()) == {"ours"}


def test_what_names_no_conflict_is_an_error_and_nothing_is_settled(command, unsettled):
    with closing(CassetteFile(unsettled)) as file:
        (rice,) = [row.id for row in file.rows() if "rice" in row.request_json]
    before, first = unsettled.read_bytes(), ids(command)[0]
    for given, said in (
        ((rice[:8],), f"{rice[:8]} is recorded, and in no conflict. There are: {first[:12]}"),
        ((first[:8], "tests/other.py"), "tests/other.py names no conflict, by its id or its test. There are:"),
    ):
        code, out, complaint = command("resolve", "--theirs", *given)
        assert (code, out) == (2, "")
        assert said in complaint.replace("\n", " ")
    assert unsettled.read_bytes() == before


def test_a_cassette_that_is_not_there_has_no_conflicts_to_settle(command, tmp_path):
    code, _, complaint = command("resolve", "--ours")
    assert code == 2
    assert "cassettes/jobs.db: does not exist" in complaint


# check


def test_check_fails_until_the_conflicts_are_settled(command, unsettled):
    code, said, _ = command("check")
    assert code == 1
    assert said.count("error conflict: ") == 2
    assert "two branches have recorded other answers; ours is replayed" in said
    assert "conflict: Choose a side: pytest-recorded resolve --ours|--theirs|--newer [ID…]; or record it again." in said
    command("resolve", "--ours")
    assert command("check")[:2] == (0, "cassettes/jobs.db: 3 rows, nothing found.\n")


def test_check_finds_secrets_in_answers_that_are_not_replayed(command, sides, monkeypatch):
    monkeypatch.setenv("SHOP_API_KEY", secret := "4f1c9a7b23d84e60")
    write(sides / "base.db", price("tea", secret))
    write(sides / "theirs.db", price("tea", f"{secret}!", at=6))
    command("merge", *FILES)
    said = command("check", "ours.db")[1]
    for side in ("base", "theirs"):
        assert re.search(
            rf"^error secret: .* {side} response: \$.price: the value of SHOP_API_KEY$", said, re.MULTILINE
        )
    command("resolve", "--ours", "--cassette=ours.db")
    assert command("check", "ours.db")[0] == 0


def test_a_driver_says_how_to_settle_a_conflict_though_the_ini_file_cannot_be_read(command, sides):
    """It may be in conflict itself."""
    (sides / "pytest.ini").write_text("<<<<<<< HEAD\n")
    code, _, said = command("merge", *FILES, "--path=cassettes/jobs.db")
    assert code == 1
    assert "pytest-recorded resolve --cassette=cassettes/jobs.db --ours|--theirs|--newer" in said
