"""The lines of .gitattributes that are ours come and go, and whatever else stands there stays to the last byte."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_recorded.cli.attributes import file_pattern, marked, quoted, with_marks, without_marks

MARKS = b"diff=pytest-recorded merge=pytest-recorded -text"
LINES = st.sampled_from([
    b"*.png binary", b"# a comment", b"", b"   ", b"* text=auto", b'"a b.txt" -text', b"[attr]ours -diff", b"!x",
    b"cassettes/jobs.db linguist-generated", b"cassettes/jobs.db diff=other", b"\xff\xfe", b"a\rb c", b"*.db\tdiff",
    b"*.db diff=pytest-recorded", b'"open quote',
])  # fmt: skip
ENDS = st.sampled_from([b"\n", b"\r\n"])
FILES = st.builds(
    lambda start, lines, end, last: start + end.join([*lines, b""][: len(lines) + last]),
    st.sampled_from([b"", b"\xef\xbb\xbf"]), st.lists(LINES, max_size=6), ENDS, st.booleans(),
)  # fmt: skip
PATTERNS = st.lists(st.sampled_from(["a/jobs.db", "b/*.db", '"a b/jobs.db"', "/jobs.db", "ü/x.db"]), max_size=3)


@given(FILES, PATTERNS)
def test_what_is_put_in_is_taken_out_again_and_nothing_else(content, patterns):
    put = with_marks(content, patterns)
    assert without_marks(put) == content
    assert with_marks(put, patterns) == put, "a second time changes nothing"
    assert set(marked(put)) == set(patterns)


def test_a_new_line_has_the_line_end_of_the_others_and_none_where_the_last_has_none():
    assert with_marks(b"", ["a/b.db"]) == b"a/b.db " + MARKS + b"\n"
    assert with_marks(b"* text\n", ["a/b.db"]) == b"* text\na/b.db " + MARKS + b"\n"
    assert with_marks(b"* text\r\n", ["a/b.db"]) == b"* text\r\na/b.db " + MARKS + b"\r\n"
    assert with_marks(b"* text", ["a/b.db"]) == b"* text\na/b.db " + MARKS


def test_what_else_one_of_our_lines_has_got_stays():
    line = b"a/b.db  diff=pytest-recorded linguist-generated merge=pytest-recorded -text lockable\r\n"
    assert marked(line) == ["a/b.db"]
    assert with_marks(line, ["a/b.db"]) == line
    assert without_marks(b"x\n" + line) == b"x\na/b.db linguist-generated lockable\r\n"


@pytest.mark.parametrize(
    "line", [b"*.db diff=pytest-recorded", b"*.db diff=pytest-recorded merge=pytest-recorded text", b"# a " + MARKS]
)
def test_a_line_that_we_have_not_written_stays(line):
    assert marked(line) == []
    assert without_marks(line) == line


@pytest.mark.parametrize(
    "path",
    [
        "cassettes/jobs.db", "jobs.db", "a b/jobs.db", 'a"b/jobs.db', "a\\b/jobs.db", "[a]/jobs.db", "a*/jo?s.db",
        "!a/jobs.db", "#a/jobs.db", "ü/中.db", "a\tb/jobs.db", " a/jobs.db", "a /jobs.db", "a\nb/jobs.db", "!jobs.db",
    ],
)  # fmt: skip
def test_git_understands_the_pattern_of_a_path_as_that_one_file(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    subprocess.run(["git", "init", "--quiet"], check=True)
    (tmp_path / ".gitattributes").write_bytes(with_marks(b"* diff=none\n", [file_pattern(path)]))
    others = ["x/jobs.db", "aXX/josXs.db", f"x/{path}"]
    asked = subprocess.run(
        ["git", "check-attr", "-z", "diff", "--", path, *others], capture_output=True, text=True, check=True
    )
    values = asked.stdout.split("\0")[2::3]
    assert values == ["pytest-recorded", "none", "none", "none"], (tmp_path / ".gitattributes").read_text()


def test_a_pattern_of_the_user_is_quoted_only_where_it_has_to_be():
    assert quoted("cassettes/*.db") == "cassettes/*.db"
    assert quoted("my tests/*.db") == '"my tests/*.db"'
