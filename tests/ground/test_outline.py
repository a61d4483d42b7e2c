import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_recorded.outline import read, write
from pytest_recorded.plain import Bare

TEXTS = st.text() | st.sampled_from(
    ["", "\n", "a\n", "\n\n", "- a", "| a", "a: b\nc", '"', "null", " a\n  b ", "\r\n", "a\u2028b\nc"]
)
KEYS = TEXTS | st.sampled_from([Bare("1"), Bare("Status.OPEN"), Bare("(1, 'x')")])
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
    | st.sampled_from([Bare("nan"), Bare("Status.OPEN"), Bare("<ignored>"), Bare("…")])
)  # fmt: skip
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))


@given(TREES)
def test_what_is_written_is_read_again(tree):
    text = write(tree)
    assert repr(read(text)) == repr(tree)


@given(TREES)
def test_what_is_written_passes_through_a_file_of_syrupy(tree):
    """Its lines are those that a file has, whoever splits it, and it can be encoded."""
    text = write(tree)
    assert text.splitlines() == text.split("\n")
    assert text.encode().decode() == text
    assert not text.endswith("\n")
    assert text


@given(TREES, TREES)
def test_different_trees_are_different_lines(one, other):
    assert (write(one) == write(other)) == (repr(one) == repr(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a\nb", ["a", "b"]),
        ("1", 1),
        (1, 1.0),
        (1, True),
        (Bare("1"), 1),
        (Bare('"a"'), "a"),
        (None, "null"),
        (Bare("null"), None),
        ({"1": 0}, {Bare("1"): 0}),
        ({}, []),
        ("", None),
        ("a\n", "a"),
        ("a ", "a"),
        ("a\\n", "a\n"),
        (Bare("a: 1"), {"a": 1}),
        (Bare("- 1"), [1]),
    ],
    ids=itertools.count(),
)
def test_trees_that_look_alike_are_told_apart(one, other):
    assert write(one) != write(other)
    assert write([one]) != write([other])
    assert write({"k": one}) != write({"k": other})


@pytest.mark.parametrize(
    "text",
    [
        "'amber'",
        "list([\n  1,\n])",
        "dict({\n  'a': 1,\n})",
        "a: 1\n b: 2",
        "- 1\nx",
        "",
        "a:\n",
        "a: 1\na: 2",
        "- 1\n\n- 2",
        "a:  1",
    ],
)
def test_what_is_no_outline_is_refused_or_one_word(text):
    """Texts of syrupy's own serializer, and files that were edited by hand."""
    try:
        tree = read(text)
    except ValueError:
        return
    assert write(tree) == text


def test_a_merge_conflict_is_no_outline():
    with pytest.raises(ValueError, match="no outline"):
        read("- a: 1\n<<<<<<< ours\n- a: 2\n=======\n- a: 3\n>>>>>>> theirs")


def test_a_text_that_is_nested_too_deeply_is_refused():
    with pytest.raises(ValueError, match="deeply"):
        read("- " * 100_000 + "1")


def test_backslashes_and_quotes_of_a_text_of_several_lines_stay_as_they_are():
    latex = 'see \\frac{1}{2}\n"quoted"'
    assert write(latex) == '| see \\frac{1}{2}\n| "quoted"'
    assert write("a\x00\nb") == f"|{json.dumps(chr(97) + chr(0))}\n| b"
