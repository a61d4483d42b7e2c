"""What is written down, and what is overwritten and removed: nothing but what was exported."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from pytest_recorded.changes.comparing import Terms
from pytest_recorded.changes.files import Recorded
from pytest_recorded.errors import CassetteError, SerializationError, UsageError
from pytest_recorded.job import Chunk
from pytest_recorded.text import Source, export_lines


def files(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.fixture
def three(cassette, row):
    """A cassette of three tests and a shared call."""
    shared = row("", kind="shop.login")
    rows = [row("test_a"), row("test_b", kind="shop.tell"), (row("test_b", seq=1), (Chunk(0, 1.5, '"x"'),)), shared]
    return cassette(rows, uses={("test_c", shared.id)}, facts={f"conflict:{row('test_a').id}": "{}", "mark": "1"})


def test_lines_begin_with_the_header_and_then_there_is_a_line_for_each_call(three, export, tmp_path):
    assert export(three).calls == 4
    header, *lines = map(json.loads, (tmp_path / "calls.jsonl").read_text().split("\n")[:-1])
    assert list(header) == ["pytest-recorded", "format", "facts"]
    assert header["pytest-recorded"] == "cassette"
    assert header["format"] == 1
    assert [(line["scope"], line.get("users")) for line in lines] == [
        ("", ["test_c"]), ("test_a", None), ("test_b", None), ("test_b", None)
    ]  # fmt: skip


def test_a_folder_has_a_file_for_each_test_with_a_name_on_each_line(three, export, tmp_path):
    done = export(three, "calls")
    assert {path.name for path in done.written} == {"cassette.json", "shared.json", "test_a.json", "test_b.json"}
    text = (tmp_path / "calls" / "test_b.json").read_text()
    tree = json.loads(text)
    assert (tree["scope"], len(tree["calls"])) == ("test_b", 2)
    assert all(line.count('": ') <= 1 for line in text.splitlines())
    assert text.endswith("}\n")


def test_what_has_not_changed_is_not_written_again(three, export, tmp_path, cassette, row):
    export(three, "calls")
    before = {path.name: path.stat().st_ino for path in (tmp_path / "calls").iterdir()}
    assert export(three, "calls").written == ()
    changed = row("test_b", kind="shop.tell", response_json="2")
    cassette([changed], gone={changed.address})
    assert [path.name for path in export(three, "calls").written] == ["test_b.json"]
    after = {path.name: path.stat().st_ino for path in (tmp_path / "calls").iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"test_b.json"}


def test_files_of_tests_that_are_gone_are_removed_and_others_are_not(three, export, tmp_path, cassette, row):
    export(three, "calls")
    folder = tmp_path / "calls"
    (folder / "package.json").write_text('{"name": "mine"}')
    (folder / "notes.txt").write_text("mine")
    copy = folder / "my-copy.json"
    copy.write_text((folder / "test_a.json").read_text())
    (folder / "broken.json").write_text('{"pytest-recorded": "test", "format": 1, "scope": "\\x"}')
    cassette([], gone={row("test_a").address})
    done = export(three, "calls")
    assert [path.name for path in done.removed] == ["test_a.json"]
    assert set(files(folder)) == {
        "cassette.json", "shared.json", "test_b.json", "package.json", "notes.txt", "my-copy.json", "broken.json"
    }  # fmt: skip


def test_a_file_that_a_conflict_stands_in_is_still_known_as_that_of_a_test(three, export, tmp_path):
    export(three, "calls")
    file = tmp_path / "calls" / "test_a.json"
    good = file.read_text()
    file.write_text(good.replace('"status"', '<<<<<<< ours\n"status"').replace("  ", "\t"))
    export(three, "calls")
    assert file.read_text() == good


@pytest.mark.parametrize("name", ["cassette.json", "test_b.json"])
def test_a_file_of_somebody_else_is_not_overwritten_and_nothing_is_written(name, three, export, tmp_path):
    folder = tmp_path / "calls"
    folder.mkdir()
    (folder / name).write_text('{"name": "mine"}')
    with pytest.raises(UsageError, match=f"{name} was not written by pytest-recorded export.*Name another folder"):
        export(three, "calls")
    assert files(folder) == {name: '{"name": "mine"}'}


def test_a_link_is_not_written_through(three, export, tmp_path):
    folder, mine = tmp_path / "calls", tmp_path / "mine.json"
    export(three, "calls")
    mine.write_text((folder / "test_a.json").read_text().replace("answer", "mine"))
    (folder / "test_a.json").unlink()
    (folder / "test_a.json").symlink_to(mine)
    with pytest.raises(UsageError, match=r"test_a\.json was not written"):
        export(three, "calls")
    (folder / "test_a.json").unlink()
    (folder / "test_a.json").symlink_to("/nowhere")
    with pytest.raises(UsageError, match=r"test_a\.json was not written"):
        export(three, "calls")
    assert "mine" in mine.read_text()


def test_a_file_that_is_none_of_an_export_is_not_overwritten(three, export, tmp_path):
    (tmp_path / "calls.jsonl").write_text('{"a": 1}\n')
    with pytest.raises(UsageError, match=r"calls\.jsonl was not written by pytest-recorded export"):
        export(three)
    assert (tmp_path / "calls.jsonl").read_text() == '{"a": 1}\n'


def test_a_file_that_cannot_be_finished_stays_as_it_was(three, export, tmp_path, cassette, row):
    export(three)
    export(three, "calls")
    before = (tmp_path / "calls.jsonl").read_bytes(), files(tmp_path / "calls")
    cassette([row("test_b", seq=5)])
    with closing(sqlite3.connect(three)) as connection, connection:
        connection.execute("UPDATE jobs SET response_json = x'31' WHERE seq = 5")
    for name in ("calls.jsonl", "calls"):
        with pytest.raises(SerializationError, match=r"\$\.response: it is bytes"):
            export(three, name)
    assert ((tmp_path / "calls.jsonl").read_bytes(), files(tmp_path / "calls")) == before
    assert not list(tmp_path.rglob("*.new"))


def test_a_text_that_is_no_utf8_is_named_before_anything_is_written(three, export, tmp_path):
    with closing(sqlite3.connect(three)) as connection, connection:
        connection.execute("UPDATE jobs SET response_json = CAST(x'22ff22' AS TEXT) WHERE scope = 'test_b' AND seq = 1")
    for name in ("calls.jsonl", "calls"):
        with pytest.raises(CassetteError, match=r"test_b, shop\.ask, id [0-9a-f]{32}\) with a text that is no UTF-8"):
            export(three, name)
        assert not (tmp_path / name).exists()


def test_pieces_and_uses_of_no_call_are_named_and_not_left_out(three, export):
    for statement in ("INSERT INTO uses VALUES ('test_z', 'abc')", "INSERT INTO chunks VALUES ('abd', 0, 0, '')"):
        with closing(sqlite3.connect(three)) as connection, connection:
            connection.execute(statement)
        with pytest.raises(CassetteError, match=r"has pieces or uses of the call ab., but not the call"):
            export(three)


@pytest.mark.parametrize(
    ("filters", "scopes", "facts"),
    [
        ({"tests": ("test_a",)}, {"test_a"}, 2),
        ({"tests": ("test_[ab]",)}, {"test_a", "test_b"}, 2),
        ({"tests": ("test_c",)}, {""}, 1),
        ({"kinds": ("shop.tell",)}, {"test_b"}, 1),
        ({"kinds": ("shop.*",), "tests": ("test_b",)}, {"test_b"}, 1),
        ({"tests": ("nobody",)}, set(), 1),
    ],
    ids=range(6),
)
def test_a_part_is_what_was_asked_for_and_says_so(filters, scopes, facts, three, export, tmp_path):
    export(three, **filters)
    header, *lines = map(json.loads, (tmp_path / "calls.jsonl").read_text().split("\n")[:-1])
    assert {line["scope"] for line in lines} == scopes
    assert {name: tuple(header[name]) for name in ("tests", "kinds") if name in header} == filters
    assert len(header["facts"]) == facts


def test_a_part_is_not_written_over_the_whole(three, export, tmp_path):
    export(three, "calls")
    before = files(tmp_path / "calls")
    with pytest.raises(UsageError, match="was exported with neither --test nor --kind, and would be of other calls"):
        export(three, "calls", tests=("test_a",))
    assert files(tmp_path / "calls") == before
    export(three, "part", tests=("test_a",))
    with pytest.raises(UsageError, match="was exported with --test=test_a, and"):
        export(three, "part")


def test_whoever_has_a_test_whose_name_differs_in_case_only_keeps_it(cassette, row, export, tmp_path):
    path = cassette([row("Test_a")])
    export(path, "calls")
    cassette([row("test_a")], gone={row("Test_a").address})
    done = export(path, "calls")
    assert [path.name for path in done.removed] == ["Test_a.json"]
    assert set(files(tmp_path / "calls")) == {"cassette.json", "test_a.json"}


def test_lines_are_written_as_they_are_made(three):
    with Recorded(three, "jobs.db") as file:
        source, written = Source(file, Terms()), []
        export_lines(source, written.append)
    assert len(written) == 5
    assert all(line.count("\n") == 1 and line.endswith("\n") for line in written)


def test_all_is_of_one_moment_while_somebody_goes_on_recording(tmp_path):
    from pytest_recorded import Recorder, recorder  # noqa: PLC0415 - only here

    ask = recorder(kind="text.moment")(lambda what: what)
    with Recorder(tmp_path / "ledger.db"):
        ask("one")
        with Recorded(tmp_path / "ledger.db", "ledger.db") as file:
            source, written = Source(file, Terms()), []
            ask("two")
            export_lines(source, written.append)
    assert len(written) == 2
