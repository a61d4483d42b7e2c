"""What is no export is refused, whole, with its place; whatever somebody has written there."""

from __future__ import annotations

import json
import os

import pytest

from pytest_recorded.errors import SerializationError, UsageError
from pytest_recorded.text import HEADER_FILE, read_text


@pytest.fixture
def lines(cassette, row, export, tmp_path):
    """Change the lines of an export of two calls, and read them: `lines({2: "…"})`; None takes a line away."""
    export(cassette([row(), row(seq=1)]))
    path = tmp_path / "calls.jsonl"
    good = path.read_text().split("\n")[:-1]

    def changed(changes=(), more=()):
        texts = [dict(changes).get(number, line) for number, line in enumerate(good, 1)]
        path.write_text("".join(f"{line}\n" for line in (*texts, *more) if line is not None))
        return read_text(path)

    changed.good = good
    return changed


@pytest.fixture
def folder(cassette, row, export, tmp_path):
    """A folder of two tests."""
    export(cassette([row("test_a"), row("test_b"), row("test_b", seq=1)], "two.db"), "calls")
    return tmp_path / "calls"


def test_an_export_is_read_with_its_header_and_its_calls(lines, folder):
    text = lines()
    assert (text.header.facts, text.header.is_whole, len(text.entries)) == ({}, True, 2)
    assert [entry.row.scope for entry in read_text(folder).entries] == ["test_a", "test_b", "test_b"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda good: {1: None, 2: None, 3: None}, r"calls\.jsonl: it is empty"),
        (lambda good: {1: None}, r'line 1: it does not say "pytest-recorded": "cassette"'),
        (lambda good: {1: good[0].replace("1", "2", 1)}, r"line 1: \$\.format: it is 2; .* reads up to 1\. Install"),
        (lambda good: {1: good[0].replace("1", "true", 1)}, r"line 1: \$\.format: it is True, not the version"),
        (lambda good: {1: good[0].replace('"facts":{}', '"facts":[]')}, r"line 1: \$\.facts: it is no object"),
        (lambda good: {1: good[0].replace('"facts":{}', '"facts":{"a":1}')}, r"line 1: \$\.facts: it is no object"),
        (lambda good: {1: good[0].replace('"facts":{}', '"facts":{"a":"\\ud800"}')}, r"line 1.*half a letter"),
        (lambda good: {1: good[0].replace('"facts"', '"tests":"x","facts"')}, r"line 1: \$\.tests: it is no list"),
        (lambda good: {1: good[0].replace('"facts"', '"fact"')}, "line 1: the name 'fact' is not known here"),
        (lambda good: {2: good[1][:-20]}, r"line 2, column \d+: this is no JSON"),
        (lambda good: {3: good[1]}, r"line 3: this call is there already: .*line 2\. Remove one"),
        (lambda good: {2: good[1].replace('"key":"k",', '"id":"7",')}, r"line 2: the call has an id of its own"),
        (lambda good: {2: good[1].replace('"key":', '"id":"7","key":')}, r"line 2: the call has an id of its own"),
        (lambda good: {2: good[1].replace("completed", "running", 1)}, "line 2: the call has not ended: it is running"),
        (lambda good: {2: good[1].replace("shop.ask", "\\udcff")}, r"line 2: '\\udcff' has half a letter"),
        (lambda good: {2: good[1].replace('"response":', '"data_text":"\\ud800","data":')}, "line 2: it has both"),
        (lambda good: {2: good[1].replace('"response":"answer"', '"data_text":"\\ud800"')}, r"line 2.*half a letter"),
        (lambda good: {2: good[1][:-1] + ',"users":["\\ud800"]}'}, "line 2.*half a letter"),
        (lambda good: {2: "<<<<<<< ours"}, r"line 2, column 1: this is no JSON"),
    ],
    ids=range(19),
)  # fmt: skip
def test_lines_that_are_no_export_are_refused_with_file_and_line(change, said, lines):
    with pytest.raises(SerializationError, match=said) as caught:
        lines(change(lines.good))
    assert "calls.jsonl" in str(caught.value)


def test_only_a_line_feed_ends_a_line(lines):
    separators = lines.good[1].replace('"answer"', '"a\u2028b\u2029c\x85d"')
    text = lines({2: separators})
    assert text.entries[0].row.response_json == '"a\u2028b\u2029c\x85d"'


def test_lines_that_are_empty_are_passed_over(lines):
    assert len(lines({2: f"\n \n{lines.good[1]}"}, more=["", " "]).entries) == 2


def test_bytes_that_are_no_utf8_are_refused_with_their_line(lines, tmp_path):
    path = tmp_path / "calls.jsonl"
    path.write_bytes(path.read_bytes().replace(b"answer", b"ans\xffer", 1))
    with pytest.raises(SerializationError, match=r"line 2: it is no UTF-8 from byte \d+ on\. Save it as UTF-8"):
        read_text(path)


def test_what_does_not_exist_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"none\.jsonl does not exist\. Name a file or a folder"):
        read_text(tmp_path / "none.jsonl")


def altered(file, **parts):
    tree = json.loads(file.read_text()) | parts
    file.write_text(json.dumps({name: part for name, part in tree.items() if part is not None}))


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"pytest-recorded": "cassette"}, r'it does not say "pytest-recorded": "test"'),
        ({"format": 9}, r"\$\.format: it is 9; "),
        ({"format": None}, r"\$\.format: it is None, not"),
        ({"scope": 7}, r"\$\.scope: it is missing, or no text"),
        ({"scope": None}, r"\$\.scope: it is missing, or no text"),
        ({"calls": {}}, r"\$\.calls: it is missing, or no list"),
        ({"call": []}, "the name 'call' is not known here"),
        ({"calls": [7]}, r"\$\.calls\[0\]: it is no object, but 7"),
        ({"calls": [{"scope": "x"}]}, r"\$\.calls\[0\]: it has a scope of its own"),
        ({"calls": [{"kind": "x"}]}, r"\$\.calls\[0\]: \$\.seq: it is missing"),
    ],
    ids=range(10),
)
def test_a_file_of_a_folder_that_is_none_is_refused_with_its_name(parts, said, folder):
    altered(folder / "test_a.json", **parts)
    with pytest.raises(SerializationError, match=said) as caught:
        read_text(folder)
    assert "test_a.json" in str(caught.value)


def test_bad_json_in_a_folder_is_refused_with_file_line_and_column(folder):
    text = (folder / "test_b.json").read_text()
    (folder / "test_b.json").write_text(text.replace('"kind": "shop.ask",', '"kind": "shop.ask"', 1))
    with pytest.raises(SerializationError, match=r"test_b\.json, line 8, column 7: this is no JSON \(Expecting ','"):
        read_text(folder)


def test_a_call_that_two_files_have_is_refused_with_both(folder):
    (folder / "copy.json").write_text((folder / "test_a.json").read_text())
    with pytest.raises(
        SerializationError, match=r"test_a\.json: \$\.calls\[0\]: this call .*copy\.json: \$\.calls\[0\]"
    ):
        read_text(folder)


def test_a_file_of_somebody_else_in_a_folder_is_refused(folder):
    (folder / "package.json").write_text("{}")
    with pytest.raises(SerializationError, match=r"package\.json: it does not say"):
        read_text(folder)


def test_a_folder_without_header_is_none(folder):
    (folder / HEADER_FILE).unlink()
    with pytest.raises(UsageError, match=r"has no cassette\.json, which every exported folder has"):
        read_text(folder)


@pytest.mark.parametrize("name", ["test_a.json", HEADER_FILE])
def test_a_link_out_of_the_folder_is_not_followed(name, folder, tmp_path):
    (folder / name).rename(tmp_path / "elsewhere.json")
    (folder / name).symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(UsageError, match=rf"{name} is a link, or no file"):
        read_text(folder)


def test_what_is_no_file_is_not_waited_for(folder):
    os.mkfifo(folder / "pipe.json")
    with pytest.raises(UsageError, match=r"pipe\.json is a link, or no file"):
        read_text(folder)


def test_a_name_of_a_file_says_nothing_of_whose_calls_it_has(folder):
    (folder / "test_a.json").rename(folder / "other.json")
    assert {entry.row.scope for entry in read_text(folder).entries} == {"test_a", "test_b"}
