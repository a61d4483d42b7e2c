from __future__ import annotations

import io
import re

import pytest

import samples
from pytest_recorded.changes.model import ChangeClass, Noise
from pytest_recorded.report import terminal_lines
from pytest_recorded.report.columns import columns, fitted, wrapped
from samples import call, change, report

TEXT, VALUE, PROJECTION = ChangeClass.TEXT, ChangeClass.VALUE, ChangeClass.PROJECTION


def test_nothing_is_said_when_nothing_has_changed(told):
    assert told(report(unchanged=212)) == ""
    assert told(report(unchanged=212, not_verified={"no_verify": 3})) == ""


def test_nothing_is_said_of_what_is_ignored_unless_it_has_just_been_found_to_vary(told):
    ignored = call(1, change("$.id", 1, 2, kind=ChangeClass.VOLATILE))

    assert told(report(ignored)) == ""
    assert "$.id" in told(report(ignored).model_copy(update={"noise": (Noise(kind="shop", path="$.id", calls=1),)}))


def test_the_title_counts_what_has_changed_and_the_table_its_classes(told):
    lines = told(samples.realistic(), width=100).splitlines()

    assert re.fullmatch(r"=+ changed responses: 13 of 211 calls \(verify\) =+", lines[0])
    assert lines[1].split() == ["class", "calls", "groups", "tests"]
    assert lines[2].split() == ["error", "1", "1", "1", "tokens", "18,204", "->", "18,771", "+3.1%"]
    assert lines[3].split()[:4] == ["request", "4", "1", "1"]
    assert lines[4].split()[4:] == ["median", "time", "812", "ms", "->", "770", "ms", "-5.2%"]


def test_a_group_names_its_class_its_place_its_tests_and_its_values(told):
    text = told(samples.realistic(), width=100)

    assert re.search(
        r"^breaking x2  [0-9a-f]{12}  openai\.chat  response "
        r"\$\.choices\[\*\]\.message\.refusal  string -> \(absent\)\n"
        r"    tests/test_agent\.py::test_plan, ::test_retry\n"
        r'    - \$\.choices\[0\]\.message\.refusal  "none"\n'
        r'    - \$\.choices\[0\]\.message\.refusal  "no reason"\n',
        text,
        re.MULTILINE,
    )
    assert '    ~ $.currency  "EUR" -> null\n' in text
    assert "    ~ status  200 -> 500\n" in text


def test_prose_is_shown_by_its_words_without_colours(told):
    text = told(samples.realistic(), width=200)

    assert "    ~ $.text  84% alike: Your order 4711 was [-sent-]{+shipped+} on Monday" in text


def test_a_text_that_has_changed_is_never_all_alike(told):
    text = told(report(call(1, change("$.text", "a b c", "a b d", kind=TEXT, similarity=0.999))), width=200)

    assert "    ~ $.text  99% alike: a b [-c-]{+d+}\n" in text


def test_prose_that_is_equal_far_and_wide_is_left_out(told):
    old = f"{'before ' * 500}old{' after' * 500}"

    text = told(report(call(1, change("$.text", old, old.replace("old", "new"), kind=TEXT))), width=200)

    assert re.search(r"\$\.text  ….{30,50}\[-old-\]\{\+new\+\}.{30,50}…\n", text)


def test_the_worst_class_comes_first_and_what_is_not_worth_reading_is_only_counted(told):
    text = told(samples.realistic())

    found = re.findall(r"^(\w+)(?: x\d+)?  [0-9a-f]{12}  ", text, re.MULTILINE)
    assert found == ["error", "request", "breaking", "breaking", "projection", "projection", "text", "shape"]
    assert "not shown: 2 groups of value, 1 group of volatile, 1 group of metrics\n" in text
    assert "$.usage" not in text


def test_values_are_shown_when_nothing_worse_has_changed(told):
    text = told(report(call(1, change("$.id", 1, 2, kind=VALUE))))

    assert "    ~ $.id  1 -> 2\n" in text
    assert "not shown" not in text


def test_a_chain_is_one_group_that_names_the_call_that_began_it(told):
    text = told(samples.realistic(), width=150)

    (first,) = (group.fingerprint for group in samples.realistic().groups if group.change_class == ChangeClass.REQUEST)
    assert (
        f"request x4  {first}  openai.chat  request $.messages[*].content  string\n"
        "    tests/test_agent.py::test_plan\n"
        "    chain: 4 later calls ask something else because of call 000000000000 POST https://api.example.com/v1/orders/2\n"
        '    ~ $.messages[2].content  "shipped Monday" -> "sent Monday"\n'
    ) in text
    assert text.count("chain") == 1


def test_of_a_chain_the_first_changes_are_enough(told):
    asked = [change(f"$.a[{at}]", 1, 2, slot="request", kind=ChangeClass.REQUEST) for at in range(5)]

    text = told(report(*(call(at, one, chain="f" * 32) for at, one in enumerate(asked))))

    assert text.count("~ $.a[") == 2
    assert "    ... and 3 more\n" in text


def test_lines_do_not_end_in_spaces(told):
    text = told(samples.realistic(), width=60)

    assert not [line for line in text.splitlines() if line.endswith(" ")]


def test_a_chain_whose_first_call_is_not_in_the_report_is_one_all_the_same(told):
    text = told(report(call(1, change("$.a", 1, 2, slot="request", kind=ChangeClass.REQUEST), chain="f" * 32)))

    assert "    chain: 1 later call asks something else because of call ffffffffffff\n" in text


def test_calls_of_one_group_that_follow_from_several_are_no_chain(told):
    asked = change("$.a", 1, 2, slot="request", kind=ChangeClass.REQUEST)

    text = told(report(call(1, asked, chain="f" * 32), call(2, asked, chain="e" * 32)))

    assert "chain" not in text
    assert "request x2" in text


def test_calls_that_are_each_others_chain_do_not_hang(told):
    calls = [
        call(one, change("$.a", one, 2, slot="request", kind=ChangeClass.REQUEST), chain=f"{other:032x}")
        for one, other in ((1, 2), (2, 1))
    ]

    assert "changed responses: 2 of 2 calls" in told(report(*calls))


def test_a_call_that_came_or_went_is_told_in_words(told):
    text = told(
        report(
            call(1, change("$", new="GET /a", slot="call", kind=ChangeClass.REQUEST)),
            call(2, change("$", "GET /b", slot="call", kind=ChangeClass.REQUEST)),
            call(3, change("$", slot="call", op="replace", kind=ChangeClass.REQUEST)),
            call(4, change("$", new="could not be compared", slot="call", op="replace", kind=ChangeClass.ERROR)),
            call(5, change("$.items")),
        ),
        width=120,
    )

    assert "    + call  a new call: GET /a\n" in text
    assert "    - call  a call that is not made any more: GET /b\n" in text
    assert "    ~ call  another call in its place\n" in text
    assert '    ~ call  "could not be compared"\n' in text
    assert "    ~ $.items  the same items in another order\n" in text


def test_why_data_do_not_fit_is_said_once(told):
    calls = [
        call(at, change("$", {"city": at}, "$.celsius: Field required", slot="data", op="invalid")) for at in range(5)
    ]

    text = told(report(*calls))

    assert "    ! data  $.celsius: Field required\n" in text
    assert "more" not in text.partition("! data")[2]
    assert "city" not in text
    assert re.search(r"^breaking x5  [0-9a-f]{12}  http\.api\.example\.com  data$", text, re.MULTILINE)


def test_what_accepts_is_named_with_a_group_that_has_an_answer(told):
    text = told(samples.realistic())

    worst = next(group for group in samples.realistic().groups if group.change_class != ChangeClass.ERROR)
    assert f"accept: pytest --record-accept={worst.fingerprint}   all: pytest --record-accept=all\n" in text
    assert "accept" not in told(report(call(1, change("$.a", 1, 2)), mode="rewrite"))
    assert "accept" not in told(samples.realistic(), accept=None)


def test_where_the_report_is_written_is_said_or_how_it_is_written(told):
    assert "report: none was written; see --record-report=changes.html\n" in told(samples.realistic())
    assert "report: a.html, b.json\n" in told(samples.realistic(), written=["a.html", "b.json"])


def test_what_varies_by_itself_is_a_list_of_paths_to_paste(told):
    text = told(report(unchanged=3, noise=tuple(Noise(kind=kind, path="$.created", calls=2) for kind in "ab")))

    assert text.endswith("to ignore it, in the ini file:\nrecord_ignore =\n    $.created\n")


def test_calls_that_were_not_made_again_are_counted(told):
    assert "not made again: 2 no_verify, 1 budget\n" in told(samples.realistic())


@pytest.mark.parametrize("width", [20, 80, 200])
@pytest.mark.parametrize(
    "changed", [samples.realistic(), samples.hostile(), samples.many(60)], ids=["all", "hostile", "many"]
)
def test_no_line_is_wider_than_the_terminal(told, changed, width):
    assert max(map(columns, told(changed, width=width).splitlines())) <= max(width, 40)


def test_wide_letters_count_twice(told):
    text = told(report(call(1, change("$.text", "日本語 " * 300, "中国語 " * 300, kind=TEXT))), width=60)

    assert max(sum(2 if letter > "\u2fff" else 1 for letter in line) for line in text.splitlines()) <= 60


def test_a_large_report_is_as_long_as_a_small_one(told):
    text = told(samples.many(2_000))

    assert len(text.splitlines()) < 250
    assert re.search(r"^\.\.\. and \d+ groups of breaking, 1 group of text, \d+ groups of shape$", text, re.MULTILINE)


def test_many_changes_of_a_group_are_shown_in_part_and_equal_ones_once(told):
    calls = [call(at, change("$.total", at // 2, -1, kind=PROJECTION), tests=(f"a.py::test_{at}",)) for at in range(40)]

    text = told(report(*calls))

    assert text.count("~ $.total") == 4
    assert "    ... and 16 more\n" in text
    assert "    a.py::test_0, ::test_1, ::test_2, ::test_3 and 36 more\n" in text


def test_a_change_takes_so_many_lines_and_no_more():
    line = [("some words " * 500, {}), ("and others " * 500, {"red": True})]

    lines = [[*fitted(one, 50)] for one in wrapped(line, 50, indent=4, most=3)]

    assert [sum(columns(text) for text, _ in one) <= 50 for one in lines] == [True] * 3
    assert "".join(text for text, _ in lines[2]).startswith("    ")
    assert lines[2][-1][0].endswith("…")


def test_a_megabyte_of_value_is_cut(told):
    text = told(report(call(1, change("$.a", "x" * 1_000_000, {"k": "y" * 1_000_000}))), width=100)

    assert len(text) < 3_000
    assert "(1,000,002 characters)" in text


def test_no_recorded_text_commands_a_terminal(told):
    text = told(samples.hostile(), width=200)

    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\u2066\ud800-\udfff]", text)
    assert r"\x1b[2J" in text
    assert r"```\n\n</details>\n# heading" in text
    assert text.encode()


def test_pieces_have_markup_that_pytest_knows_and_joined_they_are_lines():
    pieces = list(terminal_lines(samples.realistic()))

    assert {name for _, markup in pieces for name in markup} <= {"red", "green", "yellow", "cyan", "bold", "light"}
    assert ("sent", {}) not in pieces
    assert ("[-sent-]", {"red": True}) in pieces
    assert ("{+shipped+}", {"green": True}) in pieces
    assert pieces[-1] == ("\n", {})


@pytest.mark.parametrize("has_colours", [True, False])
def test_pytests_own_writer_prints_it_in_colours_unless_there_are_none(request, has_colours):
    printed = io.StringIO()
    writer = type(request.config.get_terminal_writer())(printed)
    writer.hasmarkup = has_colours

    for text, markup in terminal_lines(samples.realistic()):
        writer.write(text, **markup)

    coloured, plain = "\x1b[31m[-sent-]\x1b[0m\x1b[32m{+shipped+}\x1b[0m", "was [-sent-]{+shipped+} on"
    assert (coloured if has_colours else plain) in printed.getvalue()
    assert ("\x1b" in printed.getvalue()) == has_colours
