"""A body that is taken apart, for people to read, is put together again to the last letter."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_recorded.errors import SerializationError
from pytest_recorded.styles import LINES, taken_apart, writer

TREE = {"id": 1, "a": [1.5, None, {}], "text": "é</b> & \u2028"}
# What programs write, and how we call that.
WRITTEN = {
    '{"a":[1,{"b":[]}]}': "json compact",
    '{"a":1}\n': "json compact newline",
    "{}": "json compact",
    "[]\n": "json compact newline",
    '{"a": [1, {"b": []}]}': "json spaced",
    '{"a": "\\u00e9"}': "json spaced ascii",
    '{"a":"é"}': "json compact",
    '{"a":"\\u0001"}': "json compact",
    '{"a":"\\ud83d"}': "json compact ascii",
    '{"a":"\\ud83d\\ude00","b":"\\u2028"}': "json compact ascii",
    '{\n  "a": [\n    1\n  ],\n  "b": {}\n}\n': "json indent=2 newline",
    '{\n    "a": "\\u00e9"\n}': "json indent=4 ascii",
    "[\n  [\n    1\n  ]\n]": "json indent=2",
    '{"a":"\\u003cb\\u003e \\u0026 é \\u2028"}\n': "json compact html newline",
    '{"a": "\\u003c\\u00e9"}': "json spaced ascii html",
    '{"a":"http:\\/\\/example.com\\/\\u00e9"}': "json compact ascii slashes",
    '{"a":"\\/ é"}': "json compact slashes",
    # The escapes are of a text in a text.
    '{"a":"{\\"b\\": \\"\\\\u003c </i>\\"}"}': "json compact",
    '{"a":1.0,"b":-0.0,"c":1e+300,"d":12345678901234567890123}': "json compact",
}  # fmt: skip
# JSON that is not written so by anybody whom we know, or cannot be a tree.
ODD = [
    '{"a": 1,"b": 2}', ' {"a":1}', '{"a":1} ', '{"a":1}\r', '{"a" : 1}', '\ufeff{"a":1}', '{"a":1,"a":1}',
    "[1e2]", "[1E400]", "[-0]", "[1.50]", "[0.00001]", "[1e-7]", "[NaN]", "[-Infinity]", "[0.1000000000000000055]",
    '["\\u00E9"]', '["\\u0061"]', '["\\/","/"]', '["é","\\u00e9"]', '["\\u003c","<"]', '["\ud83d","\\ud83d"]',
    "[" + "1" * 5000 + "]", "[1,]", "{", "[", "[" * 100_000, "[]]", "", "plain", '"text"', "null", "7",
]  # fmt: skip
LINE_BY_LINE = [
    "\n", "a\n", "\n\n", "data: 1\n\ndata: [DONE]\n\n", "a\r\nb\r\n", '{"a":1}\n{"a":2}\n', '{\n   "a": 1\n}', "{}\n\n",
    '{\n\t"a": 1\n}', '{\n  "a": 1.50\n}\n', '{\r\n  "a": 1\r\n}', "\x00\n\u2028\n\ud83d",
]  # fmt: skip

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.text('</&\u2028é"\\\x7f\ud83d', max_size=5)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
INNER = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))
TREES = st.lists(INNER, max_size=3) | st.dictionaries(TEXTS, INNER, max_size=3)


def dumped(tree, *, layout, is_ascii, escaped, end):
    """Write a tree as some program does, without our help."""
    text = json.dumps(tree, ensure_ascii=is_ascii, **layout)
    return re.sub(escaped, lambda letter: "\\/" if letter[0] == "/" else f"\\u{ord(letter[0]):04x}", text) + end


PROGRAMS = st.fixed_dictionaries(
    {
        "layout": st.sampled_from(
            [{"separators": (",", ":")}, {}, {"indent": 2}, {"indent": 4}, {"indent": 3}, {"separators": (", ", ":")}]
        ),
        "is_ascii": st.booleans(),
        "escaped": st.sampled_from(["(?!)", "[<>&\u2028\u2029]", "/"]),
        "end": st.sampled_from(["", "\n", "\r\n"]),
    }
)  # fmt: skip


def together(opened):
    style, parts = opened
    return writer(style)(parts)


@pytest.mark.parametrize(("text", "style"), WRITTEN.items(), ids=range(len(WRITTEN)))
def test_json_as_programs_write_it_is_a_tree_with_the_style_of_the_program(text, style):
    assert taken_apart(text) == (style, json.loads(text))
    assert together(taken_apart(text)) == text


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_a_text_that_no_style_writes_stays_one(text):
    assert taken_apart(text) is None


@pytest.mark.parametrize("text", LINE_BY_LINE, ids=range(len(LINE_BY_LINE)))
def test_other_texts_of_several_lines_are_these_lines(text):
    assert taken_apart(text) == (LINES, text.split("\n"))
    assert together(taken_apart(text)) == text


@given(TREES, PROGRAMS)
def test_a_tree_is_recognised_in_each_of_the_styles_and_is_that_text_again(tree, program):
    text = dumped(tree, **program)
    opened = taken_apart(text)
    is_known = program["layout"] not in ({"indent": 3}, {"separators": (", ", ":")}) and program["end"] != "\r\n"
    # Two halves of a letter that stand side by side are one in JSON.
    if is_known and json.loads(text) == tree:
        assert opened
        assert opened[0].startswith("json ")
        assert repr(opened[1]) == repr(tree)
    assert opened is None or together(opened) == text


@given(TREES, PROGRAMS, st.data())
def test_what_is_nearly_of_a_style_is_not_taken_for_it(tree, program, data):
    text = dumped(tree, **program)
    at = data.draw(st.integers(0, len(text)))
    removed = data.draw(st.integers(0, 2))
    put = data.draw(st.sampled_from(["", " ", "0", ".0", "\n", "\\u0041", ",", "e1", '"']))
    text = text[:at] + put + text[at + removed :]
    opened = taken_apart(text)
    assert opened is None or together(opened) == text


@given(st.text(), st.sampled_from(["{", "[", ""]))
@example("\r\n\n", "")
def test_any_text_is_itself_again(text, beginning):
    opened = taken_apart(beginning + text)
    assert opened is None or together(opened) == beginning + text


def test_a_tree_that_was_changed_is_written_in_its_style():
    changed = TREE | {"more": ["/", "<", True]}
    assert writer("json indent=2 html newline")(changed) == (
        '{\n  "id": 1,\n  "a": [\n    1.5,\n    null,\n    {}\n  ],\n'
        '  "text": "é\\u003c/b\\u003e \\u0026 \\u2028",\n'
        '  "more": [\n    "/",\n    "\\u003c",\n    true\n  ]\n}\n'
    )
    assert writer("json compact ascii slashes")(["é/"]) == '["\\u00e9\\/"]'
    assert writer("json spaced")("text") == '"text"'
    assert writer("lines")([]) == ""


@pytest.mark.parametrize(
    ("style", "said"),
    [
        ("json spcaed", r"'json spcaed' is no style of a body: did you mean 'json spaced'\?"),
        ("line", r"did you mean 'lines'\?"),
        ("json", "is no style"),
        ("json newline compact", "is no style"),
        ("json indent=1000000000", "is no style"),
        ("", "known are 'lines' and such as 'json compact'"),
        ("yaml\x1b[31m", r"'yaml\\x1b\[31m' is no style"),
    ],
)
def test_a_style_that_is_not_known_is_named(style, said):
    with pytest.raises(SerializationError, match=said):
        writer(style)


@pytest.mark.parametrize(
    ("style", "parts", "said"),
    [
        ("lines", "a\nb", r"it is 'a\\nb', not a list of texts"),
        ("lines", ["a", 7], r"it is \['a', 7\], not a list of texts"),
        ("lines", {"a": "b"}, "not a list of texts"),
        ("json compact", [float("inf")], "a number that is too large for JSON"),
        ("json indent=4", [float("nan")], "a number that is too large for JSON"),
    ],
)
def test_parts_that_cannot_be_written_in_a_style_are_refused(style, parts, said):
    with pytest.raises(SerializationError, match=said):
        writer(style)(parts)


@pytest.mark.parametrize("style", ["json compact", "json indent=2"])
def test_parts_that_are_nested_too_deeply_are_refused(style):
    tree = []
    for _ in range(100_000):
        tree = [tree]
    with pytest.raises(SerializationError, match="nested too deeply to be written"):
        writer(style)(tree)
