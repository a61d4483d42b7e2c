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


SPOILS = [("", ""), ("]", "]\n"), ("/", "\\/"), ("1", "1e0"), (": ", ":"), (" ", "")]
BODIES = st.sampled_from(ODD_JSON) | TEXTS | st.builds(
    lambda tree, indent, is_ascii, spoil: json.dumps(tree, indent=indent, ensure_ascii=is_ascii).replace(*spoil),
    st.lists(TREES, max_size=3) | st.dictionaries(TEXTS, TREES, max_size=3),
    st.sampled_from([None, 2, 3, 4]), st.booleans(), st.sampled_from(SPOILS),
)  # fmt: skip


@given(BODIES, BODIES, entries())
def test_the_bodies_of_an_http_call_are_what_they_were(asked, answered, entry):
    slots = {"request": {"method": "POST", "text": asked}, "response": {"body": answered, "chunks": [[0.5, 1]]}}
    try:
        texts = {f"{slot}_json": to_text(tree) for slot, tree in slots.items()}
    except SerializationError:
        # Two halves of a letter that stand side by side are in no file.
        texts = {}
    for row in (entry.row._replace(kind="http.a.b"), entry.row._replace(kind="http.a.b", **texts)):
        assert read_entry(write_entry(Entry(row)), WHERE).row == row


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
    body = to_text({"status": 200, "body": json.dumps(json.loads("[" * 62 + "]" * 62), indent=2)})
    deepest = {"request_json": "[" * 400 + "]" * 400, "response_json": body, "data_json": "[" * 63 + "]" * 63}
    entry = Entry(row_of(kind="http.a", **deepest))
    assert '"json indent=2"' in write_entry(entry)
    assert '"request_text":"[[' in write_entry(entry)

    def deep(left):
        return deep(left - 1) if left else read_entry(write_entry(entry), WHERE)

    assert deep(600) == entry


def test_a_tag_in_one_place_changes_no_number_in_another():
    entry = Entry(row_of(request_json="9" * 640), (Chunk(0, math.inf, "9" * 640),))
    assert read_entry(write_entry(entry), WHERE) == entry


def http_row(body, kind="http.api.example.com"):
    request = {"method": "POST", "url": "https://api.example.com", "headers": [], "text": "a\nb"}
    response = {"status": 200, "body": body, "end": "failed"}
    return row_of(kind=kind, request_json=to_text(request), response_json=to_text(response))


def test_the_bodies_of_an_http_call_are_read_as_trees_and_lines():
    tree = json.loads(write_entry(Entry(http_row('{"a": [1, "\\u00e9"]}\n'))))
    assert tree["request_body_style"] == "lines"
    assert tree["request"]["text"] == ["a", "b"]
    assert tree["response_body_style"] == "json spaced ascii newline"
    assert tree["response"] == {"status": 200, "body": {"a": [1, "é"]}, "end": "failed"}
    assert list(tree)[-4:] == ["request_body_style", "request", "response_body_style", "response"]


def test_a_function_that_returns_what_looks_like_a_response_has_it_as_it_is():
    row = http_row('{"a":1}', kind="shop.http.ask")
    row = row._replace(data_json=row.response_json)
    line = write_entry(Entry(row))
    assert "_style" not in line
    assert json.loads(line)["response"] == {"status": 200, "body": '{"a":1}', "end": "failed"}
    tree = json.loads(write_entry(Entry(row._replace(kind="http.ask"))))
    assert (tree["response"]["body"], tree["data"]["body"]) == ({"a": 1}, '{"a":1}')


@pytest.mark.parametrize(
    "body",
    [{"py:bytes": "/w=="}, ["a", "b"], 7, None, {"a": 1}, "one line", "", "[1e2]", "[" * 64 + "]" * 64],
    ids=range(9),
)
def test_a_body_that_is_no_text_or_no_tree_stays_what_it_is(body):
    tree = json.loads(write_entry(Entry(http_row(body))))
    assert "response_body_style" not in tree
    assert tree["response"]["body"] == body
    assert read_entry(json.dumps(tree), WHERE).row == http_row(body)


def test_a_body_is_a_tree_if_what_it_is_in_is_no_deeper_than_others():
    assert '"response_body_style":"json compact"' in write_entry(Entry(http_row("[" * 63 + "]" * 63)))
    assert '"response_body_style"' not in write_entry(Entry(http_row("[" * 64 + "]" * 64)))


def test_a_body_that_a_person_has_changed_is_written_in_its_style():
    tree = json.loads(write_entry(Entry(http_row('{\n  "price": 3\n}\n'))))
    tree["response"]["body"] |= {"price": 4.5, "more": ["é"]}
    tree["request"]["text"].append("c")
    row = read_entry(json.dumps(tree), WHERE).row
    assert json.loads(row.response_json) == {
        "status": 200, "body": '{\n  "price": 4.5,\n  "more": [\n    "é"\n  ]\n}\n', "end": "failed"
    }  # fmt: skip
    assert json.loads(row.request_json)["text"] == "a\nb\nc"
    assert list(json.loads(row.response_json)) == ["status", "body", "end"]


def test_whoever_wants_a_body_to_the_letter_writes_a_text_and_no_style():
    tree = json.loads(HTTP_LINE)
    del tree["response_body_style"]
    tree["response"]["body"] = '{"price": 5e0}'
    assert json.loads(read_entry(json.dumps(tree), WHERE).row.response_json)["body"] == '{"price": 5e0}'


HTTP_LINE = write_entry(Entry(http_row('{"a":1}')))
ANSWER = '{"status":200,"body":{"a":1},"end":"failed"}'


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"json compact"', '"json compat"', r"\$\.response_body_style: 'json compat' is no .*mean 'json compact'\?"),
        ('"json compact"', "7", r"\$\.response_body_style: it is a whole number, not a text"),
        ('"json compact"', "null", r"\$\.response_body_style: it is missing"),
        ('"json compact"', '["json compact"]', r"\$\.response_body_style: it is a list, not a text"),
        ('"json compact"', '"lines"', r"\$\.response\.body: it is \{'a': 1\}, not a list of texts"),
        ('["a","b"]', '["a",7]', r"\$\.request\.text: it is \['a', 7\], not a list of texts"),
        ('{"a":1}', '{"a":1e999}', r"\$\.response\.body: it has a number that is too large"),
        ('{"a":1}', '{"a":NaN}', "NaN is no number of JSON"),
        ('{"a":1}', '{"a":1,"a":2}', "the name 'a' twice"),
        (',"body":{"a":1}', "", r"\$\.response: it has no body, and response_body_style says how that is written"),
        (ANSWER, "7", r"\$\.response: it has no body, and"),
        (f'"response":{ANSWER}', '"response_text":""', r"\$\.response: it has no body, and"),
        (ANSWER, f'{ANSWER},"response_text":""', "both response and response_text"),
        ("http.api", "shop.api", r"\$\.request_body_style: 'shop\.api\.example\.com' is no call of HTTP"),
        ('"request_body_style"', '"data_body_style"', "'data_body_style' is not known here"),
    ],
    ids=range(15),
)  # fmt: skip
def test_a_body_that_cannot_be_put_together_is_refused_with_its_place(old, new, said):
    assert old in HTTP_LINE
    with pytest.raises(SerializationError, match=said) as caught:
        read_entry(HTTP_LINE.replace(old, new), WHERE)
    assert str(caught.value).startswith(WHERE)
    assert "Correct it, or export the cassette again." in str(caught.value)


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
