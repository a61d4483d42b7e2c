from __future__ import annotations

import re

import pytest

import samples
from pytest_recorded.changes.model import ChangeClass
from pytest_recorded.report import render_markdown
from pytest_recorded.report.markdown import _fenced
from samples import call, change, report

FENCE = re.compile(r"^(`{3,})\w*$\n.*?^\1$\n", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)(`+)(?!`)(?:(?!\n\n).)+?(?<!`)\1(?!`)", re.DOTALL)
CODE = re.compile(r"<code>[^<>]*</code>")


def outside_of_code(text):
    """Return a text without its blocks and spans of code, as GitHub finds them."""
    return CODE.sub("", SPAN.sub("", FENCE.sub("", text)))


def test_the_worst_groups_are_open_and_the_others_are_folded():
    text = render_markdown(samples.realistic())

    opened = re.findall(r"^### (\w+):", text, re.MULTILINE)
    assert opened == ["error", "request", "breaking", "breaking", "projection", "projection"]
    assert re.findall(r"^<summary>(\w+):", text, re.MULTILINE) == ["text", "shape"]
    assert text.count("<details>") == text.count("</details>") == 2


def test_it_begins_with_the_totals():
    text = render_markdown(samples.realistic())

    assert text.startswith("## Changed responses: 13 of 211 calls (verify)\n\n`cassettes/jobs.db`\n")
    assert "| breaking | 2 | 2 | 2 | the status, " in text
    assert "tokens 18,204 → 18,771  +3.1% · cost $0.0412 → $0.0453  +10.0% · median time 812 ms → 770 ms" in text


def test_changes_are_diffs():
    text = render_markdown(samples.realistic())

    assert '```diff\n@@ data $.currency (replace) @@\n- "EUR"\n+ null\n```\n' in text
    assert f"@@ data $.text (replace, 84% alike) @@\n- {samples.OLD_PROSE}\n+ {samples.NEW_PROSE}\n" in text
    assert "the same items in another order" in render_markdown(report(call(1, change("$.items"))))


def test_a_text_that_has_changed_is_never_all_alike():
    one = call(1, change("$.text", "a b c", "a b d", kind=ChangeClass.TEXT, similarity=0.999))

    assert "$.text (replace, 99% alike) @@" in render_markdown(report(one))


def test_why_data_do_not_fit_is_said_and_not_what_they_were():
    broken = report(call(1, change("$", {"city": 1}, "$.celsius: Field required", slot="data", op="invalid")))

    assert "```diff\n@@ data (invalid) @@\n! $.celsius: Field required\n```\n" in render_markdown(broken)


def test_a_chain_names_the_call_that_began_it_and_what_is_not_shown_is_counted():
    text = render_markdown(samples.realistic())

    assert text.count("A chain: 4 later calls ask something else because of call `000000000000` `POST https://api") == 1
    assert "Not shown: 2 groups of value, 1 group of volatile, 1 group of metrics.\n" in text
    assert "Not made again: 2 `no_verify`, 1 `budget`.\n" in text
    assert "```ini\nrecord_ignore =\n    $.created\n```\n" in text


def test_a_report_of_no_changes_says_so():
    assert render_markdown(report(unchanged=212)).endswith("\nNothing has changed.\n")


@pytest.mark.parametrize("name", samples.HOSTILE)
def test_recorded_text_stays_in_code(name):
    text = samples.HOSTILE[name]
    hostile = report(
        call(
            1,
            change(f"$['{text}']", text, f"{text} more", kind=ChangeClass.TEXT),
            change("$.open", text, {text: text}),
            kind=text, request=text, hint=text, tests=(text, f"{text}`", f"`{text}"), name=text,
        ),
        call(2, change("$.r", 1, 2, slot="request", kind=ChangeClass.REQUEST), chain=f"{1:032x}"),
        cassettes=(text,),
        not_verified={text: 1},
        noise=(samples.Noise(kind=text, path=text, calls=1),),
    )  # fmt: skip

    shown = render_markdown(hostile)

    left = outside_of_code(shown)
    assert not re.search(r"@everyone|#1|<script|<img|<!--|javascript|https:|# heading|\ud800|`", left), left
    assert left.count("<details>") == left.count("</details>") == 1
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", shown)


@pytest.mark.parametrize("longest", ["```", "x\n````\ny ``` z"])
def test_a_block_has_a_longer_fence_than_any_in_it(longest):
    first, *_, last, _ = _fenced(longest, "diff").split("\n")

    assert first == last + "diff"
    assert last not in longest


def test_spans_hold_what_they_are_given():
    text = render_markdown(report(call(1, change("$.a", 1, 2), tests=("a.py::test[`x`]", "`", "", " b ", "``"))))

    assert "Tests: ``a.py::test[`x`]``, `` ` ``, `  `, `  b  `, ``` `` ```" in text


@pytest.mark.parametrize("limit", [3_000, 20_000, 900_000])
def test_it_is_smaller_than_its_limit_and_says_what_was_cut(limit):
    text = render_markdown(samples.many(3_000), limit)

    assert len(text.encode()) < limit
    assert text.count("<details>") == text.count("</details>")
    assert bool(re.search(r"\*\*Cut:\*\* [\d,]+ of [\d,]+ groups are left out", text)) == (limit < 200_000)


def test_letters_count_as_bytes():
    calls = [
        call(at, change(f"$.text_{at}", f"日本語 {at} 前", f"中国語 {at} 後", kind=ChangeClass.TEXT))
        for at in range(300)
    ]

    assert len(render_markdown(report(*calls), 20_000).encode()) < 20_000


def test_a_limit_that_leaves_no_room_is_refused():
    with pytest.raises(ValueError, match="give it 10,000 or more"):
        render_markdown(samples.realistic(), 300)


def test_a_megabyte_of_value_is_cut():
    text = render_markdown(report(call(1, change("$.a", "x " * 500_000, "y " * 500_000))))

    assert len(text) < 10_000
    assert "20,000 of 1,000,000 characters are shown" in text
