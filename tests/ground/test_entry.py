from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_recorded.canonical import to_text
from pytest_recorded.entry import Entry, load_object, read_entry, write_entry
from pytest_recorded.errors import SerializationError
from pytest_recorded.job import Address, Chunk, Row, Status, job_id
from pytest_recorded.shown import COMMANDS

WHERE = "calls.jsonl, line 3"
# Two surrogates side by side are no text of a file, and what reads bytes that are no UTF-8 makes the low ones only.
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.text('a\x00\x7f\u2028\udc80\udcff\U0001f600"\\')
NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1)
ODD_JSON = [
    "", "NaN", "[Infinity]", "1e2", "1E400", "-0", "-0.0", "0.1000000000000000055", "1" * 700, "1" * 5000, "\ufeff{}",
    '{"a":1,"a":2}', '"\\ud83d\\ude00"', '"\\ud83d"', '"\\u00e9"', '"é"', '{"a": 1}', "[1,2]\n", "null", "true", '""',
    "not JSON", "\x00", '"\\u0000"', '"a\u2028b"', '{"py:float":"nan"}',
    "[" * 60 + "]" * 60, "[" * 70 + "]" * 70, "[" * 900 + "]" * 900, "[" * 100_000,
]  # fmt: skip
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
SLOTS = st.none() | TREES.map(to_text) | TEXTS | st.sampled_from(ODD_JSON)


def row_of(**values) -> Row:
    given_row = {"scope": "t.py::test_a", "kind": "shop.ask", "key": "k", "seq": 0, "attempt": 0, "parent_id": None,
                 "status": "completed", "owner": None, "submitted_at": "2030", "started_at": None, "beat_at": None,
                 "completed_at": None} | dict.fromkeys(Row._fields[-5:]) | values  # fmt: skip
    address = Address(given_row["scope"], given_row["kind"], given_row["key"] or "", given_row["seq"])
    return Row(**{"id": job_id(address, given_row["attempt"]), **given_row})


@st.composite
def entries(draw):
    times = {name: draw(st.none() | TEXTS) for name in ("parent_id", "owner", "started_at", "beat_at", "completed_at")}
    row = row_of(
        scope=draw(TEXTS), kind=draw(TEXTS), key=draw(st.none() | TEXTS), seq=draw(NUMBERS), attempt=draw(NUMBERS),
        status=draw(st.sampled_from([status.value for status in Status])), submitted_at=draw(TEXTS), **times,
        **{name: draw(SLOTS) for name in Row._fields[-5:]},
    )  # fmt: skip
    if row.key is None or draw(st.booleans()):
        row = row._replace(id=draw(TEXTS))
    pieces = draw(st.lists(st.tuples(NUMBERS, st.floats(allow_nan=False), SLOTS.map(lambda text: text or "")),
                           unique_by=lambda piece: piece[0], max_size=4))  # fmt: skip
    return Entry(row, tuple(Chunk(*piece) for piece in pieces), tuple(draw(st.lists(TEXTS, max_size=3))))


@given(entries())
def test_what_is_read_back_is_what_was_written(entry):
    line = write_entry(entry)
    assert read_entry(line, WHERE) == entry
    # Numbers that are equal are not always the same.
    assert [math.copysign(1, piece.offset_ms) for piece in read_entry(line, WHERE).chunks] == [
        math.copysign(1, piece.offset_ms) for piece in entry.chunks
    ]


@given(entries())
def test_a_line_is_one_line_of_json_that_commands_no_terminal(entry):
    line = write_entry(entry)
    assert not COMMANDS.search(line)
    assert "\n" not in line
    assert len(line.splitlines()) == 1
    assert type(json.loads(line.encode())) is dict


@pytest.mark.parametrize("text", ODD_JSON, ids=range(len(ODD_JSON)))
def test_the_text_of_a_slot_is_kept_to_the_letter_whatever_it_says(text):
    entry = Entry(row_of(request_json=text, info_json=text), (Chunk(0, 1.5, text),))
    assert read_entry(write_entry(entry), WHERE) == entry


def test_people_read_the_address_first_and_then_what_was_asked_and_answered():
    row = row_of(request_json='{"a":[1,2.5]}', response_json="null", completed_at="2031")
    entry = Entry(row, (Chunk(0, 0.1, '"one"'), Chunk(1, 2.0, "two")), ("t.py::test_b",))
    assert write_entry(entry) == (
        '{"scope":"t.py::test_a","kind":"shop.ask","key":"k","seq":0,"attempt":0,"status":"completed",'
        '"submitted_at":"2030","completed_at":"2031","request":{"a":[1,2.5]},"response":null,'
        '"chunks":[{"seq":0,"offset_ms":0.1,"body":"one"},{"seq":1,"offset_ms":2.0,"body_text":"two"}],'
        '"users":["t.py::test_b"]}'
    )


def test_a_slot_without_a_value_is_not_one_that_says_null():
    absent, null = row_of(response_json=None), row_of(response_json="null")
    assert write_entry(Entry(absent)) != write_entry(Entry(null))
    assert read_entry(write_entry(Entry(absent)), WHERE).row.response_json is None


def test_an_id_that_does_not_follow_from_the_address_is_kept():
    keyless = row_of(key=None)._replace(id="018f")
    assert read_entry(write_entry(Entry(keyless)), WHERE).row == keyless
    assert '"id"' not in write_entry(Entry(row_of()))


def test_a_line_is_written_and_read_by_whoever_has_little_of_the_stack_left():
    entry = Entry(row_of(request_json="[" * 400 + "]" * 400, response_json="[" * 63 + "]" * 63))
    assert '"request_text":"[[' in write_entry(entry)

    def deep(left):
        return deep(left - 1) if left else read_entry(write_entry(entry), WHERE)

    assert deep(600) == entry


def test_a_tag_in_one_place_changes_no_number_in_another():
    entry = Entry(row_of(request_json="9" * 640), (Chunk(0, math.inf, "9" * 640),))
    assert read_entry(write_entry(entry), WHERE) == entry


LINE = write_entry(Entry(row_of(request_json="1"), (Chunk(0, 1.0, "1"),)))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", r"line 3, column 1: this is no JSON"),
        (LINE[:-1], r"line 3, column \d+: this is no JSON"),
        ('{\n"scope": ,', "line 3, line 2, column 10"),
        ("[]", "it is a list, not an object"),
        ("7", "it is a whole number, not an object"),
        ("{}", r"line 3: \$\.scope: it is missing"),
        (LINE.replace('"seq":0', '"seq":"x"', 1), r"\$\.seq: it is a text, not a whole number"),
        (LINE.replace('"seq":0', '"seq":true', 1), r"\$\.seq: it is true or false, not a whole number"),
        (LINE.replace('"seq":0', f'"seq":{2**64}', 1), r"\$\.seq: it has more than 64 bits"),
        (LINE.replace('"seq":0', '"seq":' + "1" * 5000, 1), "cannot be read"),
        (LINE.replace("completed", "done"), r"\$\.status: it is 'done', not completed, failed"),
        (LINE.replace('"key":"k",', ""), r"\$\.id: it is missing, and a call without a key"),
        (LINE.replace('"key":"k"', '"key":null'), r"\$\.key: it is missing"),
        (LINE.replace('"request"', '"reqest"'), r"'reqest' is not known here: did you mean request\?"),
        (LINE.replace('"request"', '"zzz"'), "'zzz' is not known here: known are attempt, "),
        (LINE.replace('"request":1', '"request":1,"request_text":"1"'), "both request and request_text"),
        (LINE.replace('"request":1', '"request_text":1'), r"\$\.request_text: it is a whole number, not a text"),
        (LINE.replace('"request":1', '"request":NaN'), "NaN is no number of JSON"),
        (LINE.replace('"request":1', '"request":{"a":1,"a":2}'), "the name 'a' twice"),
        (LINE.replace('"request":1', '"request":' + "[" * 100_000), "nested too deeply"),
        (LINE.replace('"body":1', '"body":1},{"seq":0,"offset_ms":2.0,"body":1'), "two pieces have the same seq"),
        (LINE.replace('"offset_ms":1.0', '"offset_ms":"1"'), r"\$\.chunks\[0\]\.offset_ms: it is a text, not a number"),
        (LINE.replace('"offset_ms":1.0,', ""), r"\$\.chunks\[0\]\.offset_ms: it is missing"),
        (LINE.replace('"body":1', '"bdy":1'), r"\$\.chunks\[0\]: the name 'bdy' is not known .*did you mean body\?"),
        (LINE.replace(',"body":1', ""), r"\$\.chunks\[0\]\.body: it is missing"),
        (LINE.replace('[{"seq"', '[7,{"seq"'), r"\$\.chunks\[0\]: it is a whole number, not an object"),
        (LINE.replace('"chunks":[', '"users":"t","chunks":['), r"\$\.users: it is a text, not a list"),
        (LINE.replace('"chunks":[', '"users":["t",7],"chunks":['), r"\$\.users\[1\]: it is a whole number, not a text"),
    ],
    ids=range(28),
)  # fmt: skip
def test_what_is_no_call_is_refused_with_its_place_and_what_to_do(line, said):
    with pytest.raises(SerializationError, match=said) as caught:
        read_entry(line, WHERE)
    assert str(caught.value).startswith(WHERE)
    assert "Correct it, or export the cassette again." in str(caught.value)


def test_an_offset_may_be_written_as_a_whole_number():
    assert read_entry(LINE.replace('"offset_ms":1.0', '"offset_ms":1'), WHERE).chunks[0].offset_ms == 1.0


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (Entry(row_of(seq="x")), r"\$\.seq: it is a text"),
        (Entry(row_of(response_json=b"1")), r"\$\.response: it is bytes"),
        (Entry(row_of(request_json="\ud83d\ude00")), "two surrogates side by side"),
        (Entry(row_of(), (Chunk(0, 1.0, b"x"),)), r"\$\.chunks\[0\]\.body: it is bytes"),
        (Entry(row_of(), (Chunk(0, None, "x"),)), r"\$\.chunks\[0\]\.offset_ms: it is missing"),
        (Entry(row_of(), (), (7,)), r"\$\.users\[0\]: it is a whole number"),
    ],
    ids=range(6),
)
def test_a_row_that_no_sound_file_has_is_named_and_not_written(entry, said):
    with pytest.raises(SerializationError, match=said) as caught:
        write_entry(entry)
    assert entry.row.id in str(caught.value)
    assert "pytest-recorded check" in str(caught.value)


def test_a_text_of_bytes_that_are_no_utf8_comes_back_as_those_bytes():
    torn = b'"\xff\xc3"'.decode(errors="surrogateescape")
    back = read_entry(write_entry(Entry(row_of(response_json=torn))), WHERE).row.response_json
    assert back.encode(errors="surrogateescape") == b'"\xff\xc3"'


def test_an_object_is_read_with_its_names_in_their_order():
    assert list(load_object('{"b": 1, "a": 2}', WHERE)) == ["b", "a"]
