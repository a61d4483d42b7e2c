"""Which calls of two files belong together, and what is said of those that have no counterpart."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing

import pytest

from pytest_recorded import Recorder, recorder, use_cassette
from pytest_recorded.changes.comparing import Comparison, Terms
from pytest_recorded.changes.files import Recorded, order_of
from pytest_recorded.diff import ABSENT
from pytest_recorded.errors import CassetteError
from pytest_recorded.paths import parse
from sides import TEST, chat, function, http, side, write

PRICES = {"tea": 5, "milk": 2}

price = recorder(kind="files.price")(lambda item: PRICES[item])
of = recorder(kind="files.of")(lambda item: {"of": PRICES[item]})


@pytest.fixture
def compare(tmp_path):
    """Compare two files, or the calls of two files; the comparison is looked at while they are open."""
    opened = []

    def compared(old, new, *, keeps=False, **terms):
        paths = []
        for name, given in (("old", old), ("new", new)):
            paths.append(write(tmp_path / f"{name}.db", *given) if isinstance(given, list | tuple) else given)
        before = [(path, path.read_bytes()) for path in paths]
        for path in paths:
            opened.append(Recorded(path, path.name))  # noqa: PERF401 - the second may fail
        comparison = Comparison(*opened[-2:], Terms(**terms), keeps=keeps)
        assert all(path.read_bytes() == content for path, content in before), "nothing is written"
        assert not [*tmp_path.glob("*.db-*")], "nothing is made beside it"
        return comparison

    yield compared
    for file in opened:
        file.close()


def told(comparison):
    """Return the calls that have changed: the class, then each change by slot, what happened and where."""
    return [
        (str(call.change_class), [(change.slot, change.op, change.path) for change in call.changes])
        for call in comparison.report.calls
    ]


NEW, GONE = ("request", [("call", "add", "$")]), ("request", [("call", "remove", "$")])


def test_calls_at_one_address_belong_together_whatever_their_order(compare):
    old = [http({"n": n}, url=f"https://a.example/{n}", scope=f"test_{n % 3}", at=n) for n in range(9)]
    new = [http({"n": n, "more": 1}, url=f"https://a.example/{n}", scope=f"test_{n % 3}", at=9 - n) for n in range(9)]
    comparison = compare(old, new)
    assert told(comparison) == [("shape", [("response", "add", "$.more")])] * 9
    assert (comparison.report.compared, len(comparison.report.groups)) == (9, 1)
    assert comparison.report.cassettes == ("old.db", "new.db")
    assert comparison.report.mode == "diff"


def test_one_file_does_not_differ_from_itself(compare):
    calls = [
        http({}),
        function(5),
        function(streamed=["a"], sent={"n": 1}),
        function(raised=OSError("x"), sent={"n": 2}),
    ]
    report = compare(calls, calls).report
    assert (report.compared, report.totals, report.calls) == (4, {"unchanged": 4}, ())


def test_another_time_and_other_volatile_headers_are_no_difference(compare):
    old, new = (
        [http({"a": 1}, headers=(("content-type", "application/json"), ("date", day)), at=at, ms=100 + at)]
        for day, at in (("Mon", 0), ("Tue", 50))
    )
    assert compare(old, new).report.totals == {"unchanged": 1}


def test_a_repeated_request_is_compared_in_its_order(compare):
    old, new = ([http({"state": state}, seq=seq, at=seq) for seq, state in enumerate(states)]
                for states in (["wait", "wait", "done"], ["wait", "done", "done", "done"]))  # fmt: skip
    comparison = compare(old, new)
    assert told(comparison) == [NEW, ("value", [("response", "replace", "$.state")])]


def test_of_several_attempts_the_last_one_counts(compare):
    last = function(5)
    first = function(raised=OSError("x"))
    later = last._replace(row=last.row._replace(attempt=1, id="f" * 32))
    assert told(compare([first, later], [last])) == []
    assert told(compare([first], [first, later])) == [("breaking", [("error", "remove", "$")])]


def test_tests_that_are_on_one_side_only_are_new_and_gone(compare):
    old, new = (
        [http({}, scope="test_a"), http({}, scope="test_b")],
        [http({}, scope="test_b"), http({}, scope="test_c")],
    )
    comparison = compare(old, new)
    assert told(comparison) == [GONE, NEW]
    assert [call.tests for call in comparison.report.calls] == [("test_a",), ("test_c",)]


def test_a_renamed_kind_is_a_call_that_is_gone_and_one_that_is_new(compare):
    comparison = compare([function(5, kind="shop.price")], [function(5, kind="shop.cost")])
    assert sorted(told(comparison)) == [NEW, GONE]
    assert {call.kind for call in comparison.report.calls} == {"shop.price", "shop.cost"}


def test_a_request_of_which_the_key_is_made_in_another_way_is_found(compare):
    old, new = ([http({"n": n}, url=f"https://a.example/{n}", key=f"{key}{n}", at=n) for n in range(5)] for key in "ab")
    assert told(compare(old, new)) == []
    backwards = [http({"n": n}, url=f"https://a.example/{n}", key=f"b{n}", at=9 - n) for n in range(5)]
    assert told(compare(old, backwards)) == [], "by the request, not by the place"
    new[3] = http({"n": 33}, url="https://a.example/3", key="b3", at=3)
    assert told(compare(old, new)) == [("value", [("response", "replace", "$.n")])]


def test_a_request_that_is_another_one_is_compared_with_that_in_its_place(compare):
    old, new = ([http({"a": 1}, sent={"q": q}, at=1)] for q in ("tea", "milk"))
    comparison = compare(old, new)
    assert told(comparison) == [("request", [("request", "replace", "$.json.q")])]
    assert comparison.report.calls[0].chain is None


def test_a_conversation_that_was_recorded_again_is_one_chain(compare):
    def conversation(*answers):
        asked = ["hello", *answers]
        return [
            http({"say": answer}, url="https://a.example/chat", sent={"said": asked[: at + 1]}, at=at)
            for at, answer in enumerate(answers)
        ]

    comparison = compare(conversation("a", "b", "c"), conversation("x", "y", "z"))
    root, *rest = sorted(comparison.report.calls, key=lambda call: call.chain is not None)
    assert (root.change_class, root.chain) == ("value", None)
    assert [(call.change_class, call.chain) for call in rest] == [("request", root.id)] * 2
    assert [(str(group.change_class), len(group.calls)) for group in comparison.report.groups] == [
        ("request", 2),
        ("value", 1),
    ]


def test_shared_calls_are_no_chain_and_name_the_tests_that_use_them(tmp_path, compare):
    files = []
    for name, value, user in (("o", 1, "test_a"), ("n", 2, "test_b")):
        calls = [http({"v": value}, scope=""), http({}, scope="", sent={"v": value}, at=9)]
        files.append(
            write(tmp_path / f"{name}.db", *calls, uses=[(user, calls[0].row.id), ("test_z", calls[0].row.id)])
        )
    comparison = compare(*files)
    assert {call.tests: call.chain for call in comparison.report.calls} == {
        ("test_a", "test_b", "test_z"): None,
        (): None,
    }
    assert compare(*files, tests=("test_b",)).report.compared == 1
    assert compare(*files, tests=("test_x",)).report.compared == 0


def test_globs_choose_tests_and_kinds(compare):
    calls = [
        http({}, scope="tests/test_a.py::test_x[1]"),
        function(5, scope="tests/test_a.py::test_x[2]"),
        chat(scope="tests/test_b.py::test_y"),
    ]

    def number(**terms):
        return compare(calls, calls, **terms).report.compared

    assert number() == 3
    assert number(tests=("tests/test_a.py::*",)) == 2
    assert number(tests=("tests/test_a.py::test_x[1]",)) == 1, "brackets of a node id are no glob"
    assert number(tests=("*test_y", "*x?1?")) == 2
    assert number(kinds=("shop.*",)) == 1
    assert number(kinds=("http.*",)) == 2
    assert number(kinds=("llm.openai.*",)) == 1
    assert number(tests=("*test_x*",), kinds=("llm.*",)) == 0


def test_what_is_ignored_and_list_keys_hold_for_two_files(compare):
    old, new = ([http({"at": at, "items": [{"sku": "a", "n": 1}]})] for at in (1, 2))
    comparison = compare(old, new, ignore=(parse("$.at", where="test"),))
    assert told(comparison) == [("volatile", [("response", "replace", "$.at")])]
    old, new = ([http({"items": [{"sku": sku, "n": 1}]})] for sku in "ab")
    assert told(compare(old, new)) == [("value", [("response", "replace", "$.items[0].sku")])]
    apart = compare(old, new, list_keys={"$.items": "sku"})
    assert told(apart) == [("value", [("response", "remove", "$.items[0]"), ("response", "add", "$.items[0]")])]


def test_data_of_models_that_are_not_known_are_compared_as_they_are_stored(compare):
    def total(number):
        note = f"It costs {number} dollars."
        return [function({"price": number, "colour": str(number)}, data={"total": number, "note": note})]

    assert told(compare(total(5), total(6))) == [
        (
            "projection",
            [("data", "replace", "$.total"), ("data", "replace", "$.note"), ("response", "replace", "$.colour")],
        )
    ]


def test_data_that_a_changed_model_has_picked_again_are_a_difference(compare):
    old, new = ([http({"a": 1}, data=data)] for data in ({"a": 1, "b": 2}, {"a": 1}))
    assert told(compare(old, new)) == [("breaking", [("data", "remove", "$.b")])]


def test_what_a_function_without_a_model_returns_counts_as_its_data(compare):
    assert told(compare([function({"price": 5})], [function({"price": 6})])) == [
        ("projection", [("response", "replace", "$.price")])
    ]
    attached = [function({"price": n}, data={"n": n}, info={"attached": ["n"]}) for n in (5, 6)]
    assert told(compare(attached[:1], attached[1:]))[0] == (
        "projection", [("data", "replace", "$.n"), ("response", "replace", "$.price")],
    )  # fmt: skip


def test_calls_of_language_models_are_compared_as_what_was_said(compare):
    whole = chat("Paris is it.")
    again = chat("Paris is it.", said={"id": "chatcmpl-9", "created": 5}, usage=(11, 5), at=60)
    events = chat("Paris is it.", streamed=True, key=whole.row.key)
    noted = chat("Paris is it.", data={"provider": "openai", "operation": "chat", "text": "Paris is it."})
    for other in (again, events, noted):
        assert told(compare([whole], [other])) == told(compare([other], [whole])) == []
    assert told(compare([whole], [chat("Paris is that city.")])) == [("projection", [("data", "replace", "$.text")])]
    tools = [chat(tools=[(name, {})]) for name in ("weather", "forecast")]
    assert told(compare(tools[:1], tools[1:]))[0][0] == "breaking"


def test_calls_that_have_used_other_amounts_are_summed_up(compare):
    old, new = ([http({}, info={"llm": {"input_tokens": n, "cost_usd": n / 10}}, ms=n), http({}, sent={}, ms=9)]
                for n in (2, 3))  # fmt: skip
    metrics = compare(old, new).report.metrics
    assert (metrics.tokens, metrics.cost_usd, metrics.latency_ms) == ((2, 3), (0.2, 0.3), (5.5, 6.0))


BROKEN = {
    "response": "response_json = '{'",
    "request": "request_json = '{\"method\"'",
    "info": "info_json = 'x'",
    "data": "data_json = '{'",
    "UTF-8": "response_json = CAST(x'7bff7d' AS TEXT)",
    "UTF-8 in a string": "data_json = CAST(x'7b2261223a22ff227d' AS TEXT)",
    "status": "status = 'odd'",
    "blob": "response_json = x'ff'",
}


@pytest.mark.parametrize("which", ["old", "new", "both"])
@pytest.mark.parametrize("name", BROKEN)
def test_a_row_that_cannot_be_read_is_an_error_also_where_both_files_have_it(tmp_path, compare, name, which):
    calls = [http({"n": n}, url=f"https://a.example/{n}", scope=f"test_{n}") for n in range(3)]
    paths = {each: write(tmp_path / f"{each}.db", *calls) for each in ("old", "new")}
    for each, path in paths.items():
        if which in (each, "both"):
            with closing(sqlite3.connect(path)) as connection, connection:
                connection.execute("PRAGMA ignore_check_constraints = ON")
                connection.execute(f"UPDATE jobs SET {BROKEN[name]} WHERE scope = 'test_1'")
    report = compare(*paths.values(), keeps=True)
    assert [(call.tests, str(call.change_class)) for call in report.report.calls] == [(("test_1",), "error")]
    assert report.report.totals == {"error": 1, "unchanged": 2}
    assert "could not be compared" in report.report.calls[0].changes[0].new
    assert len(report.documents(report.report.calls[0])) == 2, "whatever it is, it stops no report"


def test_a_page_that_is_damaged_ends_the_comparison(tmp_path, compare):
    calls = [http({"n": "x" * 5000}, url=f"https://a.example/{n}") for n in range(50)]
    good, bad = (write(tmp_path / name, *calls) for name in ("good.db", "bad.db"))
    content = bytearray(bad.read_bytes())
    content[8 * 4096 : 40 * 4096] = b"\xff" * (32 * 4096)
    bad.write_bytes(content)
    with pytest.raises(CassetteError, match=r"bad\.db: .*The file is damaged"):
        compare(good, bad)


def test_whole_answers_are_given_for_what_has_changed(compare):
    one, other = http({"a": 1, "b": 1}), http({"a": 2, "b": 1})
    comparison = compare([one, function(1)], [other, function(1), function(2, sent={"n": 1})], keeps=True)
    documents = {call.kind: comparison.documents(call) for call in comparison.report.calls}
    assert documents["http.api.example.com"][0]["body"] == {"a": 1, "b": 1}
    assert documents["http.api.example.com"][1]["body"] == {"a": 2, "b": 1}
    assert documents["shop.price"] == (ABSENT, 2)


def test_the_file_of_a_recorder_is_compared_too_also_calls_without_keys(tmp_path, compare, monkeypatch):
    monkeypatch.setattr(f"{__name__}.PRICES", {"rice": 1})
    paths = [tmp_path / "old.db", tmp_path / "new.db"]
    for path, now, items in zip(paths, (5, 6), (["tea", "milk", "rice"], ["rice", "milk", "tea"]), strict=True):
        PRICES["tea"] = PRICES["milk"] = now
        with Recorder(path):
            assert [of(item) for item in items]
            assert of("tea", key="order-7")
    comparison = compare(*paths)
    assert told(comparison) == [("projection", [("response", "replace", "$.of")])] * 3
    assert comparison.report.totals == {"projection": 3, "unchanged": 1}


def test_what_a_run_has_staged_says_nothing_of_calls_that_it_has_not_made(tmp_path, compare, monkeypatch):
    cassette = tmp_path / "cassettes" / "jobs.db"
    with use_cassette(cassette, scope="test_a"):
        price("tea")
        price("milk")
    with use_cassette(cassette, scope="test_b"):
        price("milk")
    monkeypatch.setitem(PRICES, "tea", 7)
    with use_cassette(cassette, scope="test_a", mode="all"):
        price("tea")
        (staged,) = (cassette.parent / ".staging").glob("*.db")
        comparison, backwards = compare(cassette, staged), compare(staged, cassette)
    assert [(call.tests, str(call.change_class)) for call in comparison.report.calls] == [(("test_a",), "projection")]
    assert comparison.report.compared == 1
    assert [call.changes[0].new for call in backwards.report.calls] == [5]


def test_files_in_a_folder_that_is_read_only_are_compared(tmp_path, compare):
    folder = tmp_path / "shop"
    folder.mkdir()
    paths = [write(folder / f"{name}.db", http({"n": name})) for name in "ab"]
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert told(compare(*paths)) == [("value", [("response", "replace", "$.n")])]
    finally:
        folder.chmod(stat.S_IRWXU)


def test_calls_come_in_the_order_in_which_the_other_file_has_them(tmp_path):
    names = ["b", "a", "é", "\U0001f600", "\uffff", "Z", "a b", "a\x01", ""]
    calls = [side(f"k.{name}", '{"n":1}', scope=scope, key=key)
             for name in names[:3] for scope in names for key in ("k", "é", "\uffff", "\U0001f600")]  # fmt: skip
    with Recorded(write(tmp_path / "x.db", *calls), "x.db") as file:
        orders = [order_of(one) for one in file.sides()]
    assert orders == sorted(orders)
    assert len(orders) == len(calls)


def test_a_file_is_called_what_the_user_calls_it(tmp_path):
    path = tmp_path / "jobs.db"
    with pytest.raises(CassetteError) as missing:
        Recorded(path, "HEAD~1:jobs.db")
    assert str(missing.value) == "HEAD~1:jobs.db: does not exist. Check the path."


def test_a_test_has_no_calls_of_others(compare):
    calls = [http({"n": n}, scope=scope) for n, scope in enumerate([TEST, TEST + "[x]", "", TEST[:-1]])]
    assert told(compare(calls, calls)) == []
