from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib.resources import files

import pytest

import samples
from pytest_recorded import diff
from pytest_recorded.changes.model import ChangeClass
from pytest_recorded.errors import CassetteError
from pytest_recorded.report import render_html
from pytest_recorded.report.digest import Digest
from pytest_recorded.report.island import island
from samples import call, change, report

SCRIPTS = re.compile(r"<script( [^>]*)?>(.*?)</script>", re.DOTALL)


def data_of(html):
    return json.loads(SCRIPTS.findall(html)[0][1])


def digest(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.mark.parametrize("make", [samples.realistic, samples.hostile])
def test_the_policy_allows_its_own_style_and_script_and_nothing_else(make):
    html = render_html(make(), samples.documents)

    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1]
    style, scripts = re.findall(r"<style>(.*?)</style>", html, re.DOTALL), SCRIPTS.findall(html)
    assert policy == (
        f"default-src 'none'; img-src data:; style-src {digest(style[0])}; script-src {digest(scripts[1][1])}; "
        "base-uri 'none'; form-action 'none'"
    )
    assert len(style) == 1
    assert [attributes for attributes, _ in scripts] == [' type="application/json" id="data"', ""]


def test_nothing_is_loaded_from_elsewhere_and_no_text_is_made_an_element():
    page, texts = (
        "".join(files("pytest_recorded.report").joinpath(name).read_text(encoding="utf-8") for name in names)
        for names in (("page.html", "page.css"), ("elements.js", "page.js"))
    )

    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["data:,"]
    assert not re.search(r"url\(|@import|https?:|style=|\son\w+=", page)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(|https?:|</", texts)


def test_no_tag_and_no_comment_begins_in_the_data():
    html = render_html(samples.hostile(), samples.documents)

    assert "<" not in SCRIPTS.findall(html)[0][1]
    assert html.count("</script>") == 2
    assert data_of(html)["calls"][0]["request"] == samples.HOSTILE["script"]
    assert html.encode()


def test_a_value_travels_as_text_by_its_words_and_once():
    text = "one equal text that is found once " * 20
    html = render_html(report(call(1, change("$.a", text + "old", text + "new"), change("$.n", 2**70, new=2**71))))

    prose, number = data_of(html)["values"][0]
    assert prose == {"parts": ["=" + text, "-old", "+new"], "prose": 1}
    assert number == {"parts": [f"-{2**70}", f"+{2**71}"]}
    assert html.count(text) == 1


def test_why_data_do_not_fit_is_said_and_not_what_they_were():
    broken = change("$", {"city": 1}, "$.celsius: it does not fit", slot="data", op="invalid")

    data = data_of(render_html(report(call(1, broken))))

    assert data["values"][0] == [{"parts": ["=$.celsius: it does not fit"], "prose": 1}]
    assert "said" not in data["calls"][0]["changes"][0]


@pytest.mark.parametrize("none", [None, diff.ABSENT])
def test_whole_answers_come_from_who_has_them(none):
    sides = {1: ({"a": 1}, {"a": 2}), 2: (none, {"b": 1}), 3: (none, none)}
    calls = [call(number, change("$.a", 1, 2)) for number in sides]

    wholes = data_of(render_html(report(*calls), lambda call: sides[int(call.id, 16)]))["wholes"]

    assert ["".join(part[1:] for part in whole["parts"] if part[0] != "-") for whole in wholes[:2]] == [
        '{\n  "a": 2\n}',
        '{\n  "b": 1\n}',
    ]
    assert wholes[2] is None


@pytest.mark.parametrize(
    ("largest", "left_out"),
    [
        (5_000_000, []),
        (750_000, ["calls have their whole answers"]),
        (400_000, ["calls have their values", "calls have their whole answers"]),
        (150_000, ["calls are", "calls have their values", "calls have their whole answers"]),
        (5_000, ["groups are", "calls are"]),
    ],
)
def test_a_page_has_a_largest_size_and_says_what_is_left_out(largest, left_out):
    text = island(Digest(samples.many(600)), samples.documents, largest)

    tree = json.loads(text)
    reason = r"[\d,]+ of [\d,]+ (.+) left out: the page would become too large"
    assert [re.fullmatch(reason, cut)[1] for cut in tree["cuts"]] == left_out
    assert len(text) < largest + 3_000
    assert len(tree["values"]) <= len(tree["calls"]) <= 600


def test_values_find_room_before_whole_answers_and_the_worst_calls_first():
    tree = json.loads(island(Digest(samples.many(600)), samples.documents, 400_000))

    assert 0 < len(tree["values"]) < len(tree["calls"]) == 600
    assert tree["wholes"] == []
    assert tree["calls"][0]["class"] == "breaking"


def test_a_call_that_would_take_the_room_of_all_others_goes_without_its_values():
    large = call(1, *(change(f"$.field_{at}", "x" * 20_000, "y" * 20_000) for at in range(100)))
    others = [call(at, change("$.a", 1, 2)) for at in range(2, 20)]

    data = data_of(render_html(report(large, *others)))

    assert data["values"][0] is None
    assert data["values"][18] == [{"parts": ["-1", "+2"]}]
    assert data["cuts"] == ["1 of 19 calls have their values left out: the page would become too large"]


def test_of_a_call_with_thousands_of_changes_the_first_are_shown():
    data = data_of(render_html(report(call(1, *(change(f"$.field_{at}", 1, 2) for at in range(3_000)), more=5))))

    assert len(data["calls"][0]["changes"]) == len(data["values"][0]) == 100
    assert data["calls"][0]["more"] == 2_905


def test_a_field_of_a_megabyte_is_cut_and_says_so():
    html = render_html(report(call(1, change("$.a", "x" * 1_000_000, "y" * 1_000_000), request="r" * 1_000_000)))

    (edit,) = data_of(html)["values"][0]
    assert edit["cut"] == "20,000 of 1,000,002 characters are shown"
    assert len(html) < 100_000


def test_a_group_of_which_calls_are_missing_is_shown_with_those_that_are_there():
    made = report(call(1, change("$.a", 1, 2)), call(2, change("$.a", 1, 2)))
    cut = made.model_copy(update={"calls": made.calls[:1]})

    assert data_of(render_html(cut))["groups"][0]["calls"] == [0]


def test_the_classes_are_those_that_are_there_the_worst_first():
    names = [each["name"] for each in data_of(render_html(samples.realistic()))["head"]["classes"]]

    assert names == [each.value for each in ChangeClass]


def test_the_wheel_has_the_parts_of_the_page():
    folder = files("pytest_recorded.report")

    assert sorted(item.name for item in folder.iterdir() if item.name.endswith((".css", ".html", ".js"))) == [
        "elements.js", "page.css", "page.html", "page.js",
    ]  # fmt: skip


def test_the_title_is_text():
    html = render_html(report(mode="</title><script>"))

    assert "<title>changed responses: 0 of 0 calls (&lt;/title&gt;&lt;script&gt;)</title>" in html


def test_a_call_whose_file_has_become_unreadable_is_shown_without_its_whole_answer():
    def documents(asked):
        if asked.id == f"{1:032x}":
            raise CassetteError("cassettes/jobs.db", "is damaged")
        return samples.documents(asked)

    data = data_of(render_html(report(*(call(at, change("$.a", 1, 2)) for at in (1, 2))), documents))

    assert data["wholes"][0] is None
    assert data["wholes"][1]["parts"]
    assert data["values"][0] == [{"parts": ["-1", "+2"]}]
