"""git shows cassettes as text: one call after the other, one line for each place, and nothing but what has changed."""

from __future__ import annotations

import base64
import json
import os
import re
import sqlite3
import subprocess
import sys
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest

from pytest_recorded.changes.files import Recorded
from pytest_recorded.changes.lines import FORMAT, lines_of_file
from pytest_recorded.codec import to_text
from pytest_recorded.entry import Entry, write_entry
from pytest_recorded.job import Status
from pytest_recorded.store.build import Changes, build
from pytest_recorded.workplace import workshop
from sides import TEST, chat, function, http, write

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*/cassettes/jobs.db"))


@pytest.fixture
def path(tmp_path, monkeypatch):
    """The usual cassette of a project."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "cassettes" / "jobs.db"
    path.parent.mkdir()
    return path


@pytest.fixture
def shown(cli, path):
    """What textconv prints of calls: `shown(http({"price": 1}))`."""

    def text(*sides, **more):
        write(path, *sides, **more)
        return converted(cli, path)

    return text


def converted(cli, path):
    done = cli("textconv", str(path))
    assert (done.code, done.err) == (0, "")
    return done.out


def changed(old, new):
    """The lines that went, and those that came."""
    before, after = old.splitlines(), new.splitlines()
    return [line for line in before if line not in after], [line for line in after if line not in before]


# What a call looks like.


def test_a_call_is_its_test_and_request_and_then_a_line_for_each_place(shown):
    assert shown(http({"price": 1, "tags": ["a", {}]}, sent={"item": "tea"}, data={"price": 1})) == (
        f"{TEST} POST https://api.example.com/orders/7\n"
        "  request header content-type: application/json\n"
        '  request $.item: "tea"\n'
        "  status: 200\n"
        "  header content-type: application/json\n"
        "  response $.price: 1\n"
        '  response $.tags[0]: "a"\n'
        "  response $.tags[1]: {}\n"
        "  data $.price: 1\n"
    )


def test_a_function_has_no_status_unless_it_failed(shown):
    good = shown(function({"total": 5}, sent={"item": "tea", "amount": 2}))
    assert good == (
        f'{TEST} shop.price(item="tea", amount=2)\n'
        '  request $.item: "tea"\n  request $.amount: 2\n  response $.total: 5\n'
    )
    bad = shown(function(raised=LookupError("sold out")))
    assert '  status: failed\n  error $.type: "builtins.LookupError"\n' in bad
    assert '  error $.message: "sold out"\n' in bad


def test_values_of_types_that_json_has_not_got_are_no_texts(shown):
    from decimal import Decimal  # noqa: PLC0415 - of this test alone

    assert "response $.total: decimal(1.5)" in shown(function({"total": Decimal("1.5")}))
    assert 'response $.total: "1.5"' in shown(function({"total": "1.5"}))


def test_times_ids_and_headers_that_vary_are_not_there(shown):
    """The same answer that was recorded at another time is the same text."""
    one = http({"a": 1}, at=1, ms=5, headers=[("content-type", "application/json"), ("date", "Monday")])
    other = http({"a": 1}, at=99, ms=70, headers=[("content-type", "application/json"), ("date", "Friday")])
    assert shown(one) == shown(other)


def test_an_answer_of_a_language_model_is_shown_without_what_is_another_in_each_answer(shown):
    one = chat("Paris.", said={"id": "chatcmpl-1", "created": 1}, usage=(10, 5))
    other = chat("Paris.", said={"id": "chatcmpl-2", "created": 2}, usage=(10, 6))
    assert shown(one) == shown(other)
    assert 'response $.choices[0].message.content: "Paris."' in shown(one)


def test_an_id_that_a_language_model_gives_to_a_tool_is_shown(shown):
    def answer(tool_use, order):
        tool = {"type": "tool_use", "id": tool_use, "name": "cancel", "input": {"id": order, "usage": {"n": 1}}}
        usage = {"input_tokens": 1, "output_tokens": 2}
        message = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": [tool],
            "usage": usage,
        }
        sent = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Cancel it."}]}
        return http(message, url="https://api.anthropic.com/v1/messages", sent=sent)

    one = shown(answer("toolu_1", "order-17"))
    assert '  response $.content[0].input.id: "order-17"\n  response $.content[0].input.usage.n: 1\n' in one
    assert "toolu_1" not in one
    assert changed(one, shown(answer("toolu_2", "order-18"))) == (
        ['  response $.content[0].input.id: "order-17"'], ['  response $.content[0].input.id: "order-18"'],
    )  # fmt: skip


def test_a_stream_of_a_language_model_is_one_answer(shown):
    text = shown(chat("Paris is it, I think.", streamed=True))
    assert 'response $.choices[0].message.content: "Paris is it, I think."' in text
    assert "delta" not in text


def test_a_stream_of_a_function_is_a_line_for_each_item(shown):
    assert "  response $[0]: 1\n  response $[1]: 2\n" in shown(function(streamed=[1, 2]))


def test_a_text_of_several_lines_is_as_many_so_that_a_changed_one_is_one(shown):
    old, new = (shown(function({"note": f"a\n{word}\nc"})) for word in ("b", "B"))
    assert "  response $.note | a\n  response $.note | b\n  response $.note | c\n" in old
    assert changed(old, new) == (["  response $.note | b"], ["  response $.note | B"])


def test_no_text_is_cut(shown):
    long = "x" * 100_000
    assert f'response $.note: "{long}"' in shown(function({"note": long}))


def test_binary_content_is_its_type_its_size_and_a_digest(shown):
    image = http(b"\x89PNG\xff" * 100, headers=[("content-type", "image/png")])
    assert re.search(r"  response: <image/png, 500 bytes, blake2b [0-9a-f]{16}>\n", shown(image))
    inline = "data:image/png;base64," + base64.b64encode(bytes(range(256))).decode()
    old = shown(function({"image": inline}))
    assert re.search(r"  response \$.image: <image/png, \d+ bytes, blake2b [0-9a-f]{16}>\n", old)
    assert shown(function({"image": inline.replace("AAEC", "AAED")})) != old


def test_an_upload_has_its_parts_and_no_boundary(shown):
    def upload(boundary):
        body = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n\0\udcff\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="title"\r\n\r\nTea\r\n--{boundary}--\r\n'
        ).encode("utf-8", "surrogateescape")
        from pytest_recorded.message import HttpRequest  # noqa: PLC0415 - of this test alone

        kind = ("content-type", f"multipart/form-data; boundary={boundary}")
        tree = HttpRequest("POST", "https://api.example.com/orders/7", (kind,), body).tree()
        return http({"ok": True})._replace(row=http({"ok": True}).row._replace(request_json=to_text(tree)))

    text = shown(upload("abc"))
    assert "  request header content-type: multipart/form-data\n" in text
    assert re.search(r"  request \$\[0\].file.content.bytes: <bytes, 2 bytes, blake2b [0-9a-f]{16}>\n", text)
    assert '  request $[1].title: "Tea"\n' in text
    assert shown(upload("xyz")) == text


def test_a_call_that_was_made_before_and_a_key_and_attempts_are_named(shown):
    again = shown(http({"n": 1}), http({"n": 2}, seq=1))
    assert [line for line in again.splitlines() if line.startswith(TEST)] == [
        f"{TEST} POST https://api.example.com/orders/7",
        f"{TEST} POST https://api.example.com/orders/7 #2",
    ]
    chosen = function(1, key="order-17")
    assert "  key: order-17\n" in shown(chosen)
    assert "key:" not in shown(function(1))
    third = chosen._replace(row=chosen.row._replace(attempt=2))
    assert "  attempts: 3\n" in shown(third)


def test_a_shared_call_names_the_tests_that_use_it(shown):
    shared = http({"a": 1}, scope="")
    uses = {("test_b.py::test_y", shared.row.id), ("test_a.py::test_x", shared.row.id)}
    text = shown(shared, uses=uses)
    assert text.startswith("(shared) POST ")
    assert "  used by: test_a.py::test_x\n  used by: test_b.py::test_y\n" in text
    assert shown(http({"a": 1}, scope="")).startswith("(no test) POST ")


def test_a_changed_request_stays_where_it_was_among_the_calls_of_its_test(shown):
    """The order of a test's calls is that of what they ask, not that of the digests of it."""
    texts = [shown(*(function(n, sent={"item": item}) for n, item in enumerate(items))) for items in ("abc", "aBc")]
    orders = [re.findall(r'item="(\w)"', text) for text in texts]
    assert orders == [["a", "b", "c"], ["B", "a", "c"]]
    three = [function(n, sent={"question": f"{n} {word}?"}) for n, word in enumerate(("who", "where", "when"))]
    other = [three[0], function(1, sent={"question": "1 whence?"}), three[2]]
    assert re.findall(r'question="(\d)', shown(*other)) == ["0", "1", "2"]


def test_the_order_of_calls_does_not_depend_on_when_they_were_recorded(shown):
    items = [function(n, sent={"item": str(n)}, at=n) for n in range(12)]
    late = [function(n, sent={"item": str(n)}, at=99 - n) for n in range(12)]
    assert shown(*items) == shown(*late)


def test_what_two_branches_have_made_of_a_call_is_shown_beside_ours(cli, path, shown):
    base, ours, theirs = (http({"price": price, "of": "tea"}) for price in (1, 2, 3))
    sides = {name: write_entry(Entry(*side)) for name, side in (("base", base), ("ours", ours), ("theirs", theirs))}
    write(path, ours)
    build(path, Changes(facts={f"conflict:{ours.row.id}": json.dumps(sides)}), workshop(path))
    text = converted(cli, path)
    assert "  response $.price: 2\n" in text
    assert text.endswith(
        "  conflict: ours is replayed; pytest-recorded resolve settles it\n"
        "  base: response $.price: 1\n  theirs: response $.price: 3\n"
    )
    assert "of" not in "".join(re.findall(r"^  theirs: .*$", text, re.MULTILINE))
    build(path, Changes(facts={f"conflict:{ours.row.id}": "{'"}), workshop(path))
    assert converted(cli, path).endswith('  conflict: "{\'"\n'), "one that cannot be read is shown as it is"


def test_no_recorded_text_commands_a_terminal_or_ends_a_line(shown):
    nasty = "\x1b[2J\r\u2028\u202ex\x85"
    text = shown(
        function({nasty: nasty, "text": f"a\n{nasty}\tb"}, kind=f"shop{nasty}", scope=f"test_a.py::test_x[\n{nasty}]"),
        http(nasty, headers=[("content-type", "text/plain"), ("x-note", f"a\n{nasty}")]),
    )
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", text)
    assert all(line.startswith(("  ", "test_a", "tests/")) or not line for line in text.split("\n")), text


def test_a_file_of_any_size_takes_the_memory_of_a_few_calls(path):
    """Of a test it is those of one kind, and of shared calls one."""
    for scopes in ([f"test_{n}.py::test_x" for n in range(100)], [""] * 100):
        write(path, *(function("x" * 50_000, sent={"n": n}, scope=scope) for n, scope in enumerate(scopes)))
        with Recorded(path, "this file") as recorded:
            tracemalloc.start()
            count = sum(len(line) for line in lines_of_file(recorded))
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert count > 100 * 50_000
        assert peak < 1_000_000


# Whatever the file is, git gets an answer.


def damage(path):
    write(path, *(function(n, sent={"n": n}, scope=f"test_{n % 7}.py::test_x") for n in range(300)))
    content = bytearray(path.read_bytes())
    half = len(content) // 2
    content[half : half + 4096] = b"\xff" * 4096
    path.write_bytes(content)


def foreign(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE jobs (a)")


def from_the_future(path):
    write(path, function(1))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (damage, "(no further: "),
        (foreign, "(no cassette: is a SQLite file of another program."),
        (from_the_future, "(no cassette: has schema 99; "),
        (lambda path: path.write_bytes(b""), "(no cassette: is empty (0 bytes)"),
        (lambda path: path.mkdir(), "(no cassette: is a folder"),
        (lambda path: None, "(no cassette: does not exist."),
        (lambda path: path.write_bytes(b"\0\xff" * 9), "content: <bytes, 18 bytes, blake2b "),
        (lambda path: path.write_bytes(b"SQLite format 3\0" + b"\1" * 40), "is cut off after 56 bytes"),
        (
            lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n"),
            "is a Git LFS pointer, not the file itself. Run: git lfs pull)\n  content | version",
        ),
        (lambda path: path.write_text("<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n"), "  content | <<<<<<< ours\n"),
    ],
    ids=["damaged", "foreign", "future", "empty", "folder", "gone", "binary", "cut", "lfs", "conflict"],
)
def test_a_file_that_is_no_cassette_says_what_it_is_and_is_no_failure(cli, path, make, words):
    make(path)
    text = converted(cli, path)
    assert words in text
    assert str(path.parent) not in text, "the name of a file that git has made for a moment is another one each time"


def test_two_files_that_cannot_be_read_and_differ_are_shown_to_differ(cli, path):
    texts = []
    for end in (b"a", b"b"):
        path.write_bytes(b"\0" * 9_000 + end)
        texts.append(converted(cli, path))
    assert texts[0] != texts[1]


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("response_json = '{'", '  stored response_json: "{"'),
        ("request_json = '['", '  stored request_json: "["'),
        ("data_json = ''", '  stored data_json: ""'),
        ("error_json = '{\"py:error\": 3'", "  stored error_json: "),
        ("request_json = x'ff00'", "  stored request_json: "),
        ("seq = 'x'", "POST https://api.example.com/orders/7"),
        ("response_json = cast(x'22ff22' as text)", '  response: "\\udcff"'),
        ("response_json = '" + "[" * 100_000 + "]" * 100_000 + "'", "  stored response_json: "),
    ],
    ids=["response", "request", "data", "error", "blob", "seq", "torn", "deep"],
)
def test_a_row_that_cannot_be_read_is_shown_as_it_is_stored_and_the_others_are_shown(cli, path, assignment, words):
    write(path, http({"a": 1}), function(5, scope="tests/test_z.py::test_z"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE jobs SET {assignment} WHERE kind LIKE 'http%'")
    text = converted(cli, path)
    assert words in text
    assert "tests/test_z.py::test_z shop.price" in text


def test_an_empty_cassette_says_so(cli, path, shown):
    assert shown(function(1)._replace(row=function(1).row._replace(status=Status.RUNNING))) == "(no calls)\n"


def test_git_is_answered_without_loading_what_reads_commands_and_nothing_is_written(path):
    """Git asks for each version of a file, so that the start counts for as much as the work."""
    write(path, chat("Paris."), http({"a": 1}), function(1))
    before = path.read_bytes(), path.stat().st_mtime_ns, sorted(path.parent.iterdir())
    program = (
        "import sys\nfrom pytest_recorded.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        "assert not {'pydantic', 'rich', 'pytest', 'typer'} & {*sys.modules}"
    )
    command = [sys.executable, "-c", program, "textconv", f"--format={FORMAT}", str(path)]
    done = subprocess.run(command, capture_output=True, check=False, env=os.environ | {"LC_ALL": "C"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Paris." in done.stdout
    assert (path.read_bytes(), path.stat().st_mtime_ns, sorted(path.parent.iterdir())) == before


def test_who_has_read_enough_is_not_told_of_an_error(path):
    write(path, *(function("x" * 9_000, sent={"n": n}) for n in range(50)))
    command = [sys.executable, "-m", "pytest_recorded", "textconv", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.read(10)
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 0)


def test_another_format_than_git_is_set_up_for_is_told_of_and_shown_all_the_same(cli, path):
    write(path, function(1))
    done = cli("textconv", "--format=0.1", str(path))
    assert (done.code, "git install" in done.err) == (0, True)
    assert done.out == cli("textconv", f"--format={FORMAT}", str(path)).out != ""


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.parts[-3])
def test_the_cassettes_of_the_examples_are_shown_whole(cli, example):
    text = converted(cli, example)
    assert "stored " not in text
    assert "(no further" not in text
