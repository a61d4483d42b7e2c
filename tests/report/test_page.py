"""The HTML report in a browser: what a reader clicks, types and sees."""

from __future__ import annotations

import json
import os
from functools import partial

import pytest

import chromium
import samples
from pytest_recorded.report import write_report
from samples import call, change, report

MAKERS = {
    "realistic": samples.realistic,
    "hostile": samples.hostile,
    "many": partial(samples.many, 2_000),
    "empty": partial(samples.report, unchanged=212),
}


@pytest.fixture(scope="module")
def tab():
    if chromium.program() is None:
        missing = "no Chromium on the PATH: apt-get install chromium"
        if os.environ.get("CI", "") not in ("", "0", "false"):
            pytest.fail(missing)
        pytest.skip(missing)
    with chromium.browser() as page:
        yield page


@pytest.fixture(scope="module")
def urls(tmp_path_factory):
    """Return the URL of a written report, by its name."""
    folder, written = tmp_path_factory.mktemp("reports"), {}

    def url(name, made=None):
        path = folder / f"{name}.html"
        if name not in written:
            write_report(made or MAKERS[name](), path, samples.documents)
            written[name] = path.as_uri()
        return written[name]

    return url


@pytest.fixture
def page(tab):
    """The browser's page, as wide as a desk's, on a screen in light."""
    tab.resize(1280, 900)
    tab.media(color_scheme="light")
    return tab


def shown(page):
    """Return what the page shows of what is chosen."""
    return page.run("location.hash"), page.texts("#list .row"), page.texts("#detail"), page.texts("[aria-pressed=true]")


@pytest.mark.parametrize("name", MAKERS)
def test_a_report_opens_without_an_error_and_within_its_policy(page, urls, name):
    page.open(urls(name))

    assert page.texts("h1")[0]
    assert page.trouble == []


def test_what_breaks_the_policy_would_be_seen(page, urls):
    page.open(urls("realistic"))

    page.run(
        "new Promise(done => { document.addEventListener('securitypolicyviolation', done);"
        "const one = document.createElement('script'); one.textContent = 'window.broken = 1';"
        "document.body.append(one) })"
    )

    assert "Content Security Policy" in json.dumps(page.trouble)
    assert page.run("window.broken") is None


def test_hostile_text_is_text(page, urls):
    for way in ("", "#show=whole", "#view=side", f"#call={7:032x}"):
        page.open(urls("hostile") + way)

        assert page.run("[window.broken, document.scripts.length, document.images.length]") == [None, 2, 0]
        assert page.run("[...document.links].every(link => link.href.startsWith(location.href.split('#')[0] + '#'))")
    assert samples.HOSTILE["script"] in page.run("document.getElementById('list').textContent")
    assert "\u202e" not in page.run("document.body.textContent")


def test_a_change_is_shown_by_its_words(page, urls):
    page.open(urls("realistic") + f"#call={11:032x}")

    assert page.texts("#detail del") == ["sent", "will", "three"]
    assert page.texts("#detail ins") == ["shipped", "should", "four"]
    both = samples.OLD_PROSE.replace("sent", "sentshipped").replace("will", "willshould").replace("three", "threefour")
    assert page.texts("#detail .prose") == [both]


def test_big_integers_are_exact(page, urls):
    big = report(call(1, change("$.id", 2**70, 2**70 + 1), change("$.items", {"id": 2**70}, {"id": 2**70 + 1})))

    page.open(urls("big", big))

    assert page.texts("#detail .line") == ["1180591620717411303424", "1180591620717411303425"]
    page.open(urls("big") + f"#call={1:032x}&show=whole")
    assert '"big": 12345678901234567890123,' in page.texts("#detail .line")


def test_classes_tests_kinds_models_and_words_filter(page, urls):
    page.open(urls("realistic"))
    everything = page.texts("#list .row")

    page.click("[data-class=breaking]")
    breaking = page.texts("#list .row")
    page.click("[data-class=text]")
    both = page.texts("#list .row")
    page.click("[data-class=breaking]")

    assert [line.split()[0] for line in breaking] == ["breaking", "breaking"]
    assert both == [*breaking, *page.texts("#list .row")]
    page.click("#clear")
    assert page.texts("#list .row") == everything
    for name, value, groups in (
        ("test", "tests/test_time.py::test_now", 1),
        ("kind", "http.api.openai.com", 4),
    ):
        page.run(f"(() => {{ {name}.value = '{value}'; {name}.dispatchEvent(new Event('change')) }})()")
        assert len(page.texts("#list .row")) == groups
        assert page.run("document.getElementById('status').textContent").startswith(f"{groups} group")
        page.click("#clear")


def test_what_is_typed_is_found_in_values_too(page, urls):
    page.open(urls("realistic"))

    for side in ("IT WILL ARR", "IT SHOULD ARR"):
        page.click("#clear")
        page.press("/", *side, "Escape")
        assert [line.split()[0] for line in page.texts("#list .row")] == ["text"]
    assert page.run("location.hash") == "#q=IT+SHOULD+ARR"
    page.run("(() => { q.value = 'there is no such thing'; q.dispatchEvent(new Event('input')) })()")
    assert page.texts("#list") == ["No change fits these filters."]
    assert page.texts("#detail") == [""]


def test_models_filter_where_there_are_several(page, urls):
    page.open(urls("many") + "#model=model-1&class=text")

    assert page.texts("#list .row .count") == ["\u00d7667"]
    assert page.run("model.value") == "model-1"


def test_a_link_shows_the_same_again(page, urls):
    page.open(urls("realistic"))
    page.click("[data-class=breaking]")
    page.press("j", "Enter", "j", "s", "w")
    before = shown(page)

    page.open(urls("realistic") + before[0])

    assert shown(page) == before
    assert "view=side" in before[0]
    assert "call=" in before[0]
    page.run("new Promise(done => { addEventListener('popstate', done, {once: true}); location.hash = '#class=text' })")
    assert [line.split()[0] for line in page.texts("#list .row")] == ["text"]
    page.run("new Promise(done => { addEventListener('popstate', done, {once: true}); history.back() })")
    assert shown(page) == before


def test_keys_go_through_groups_and_calls(page, urls):
    page.open(urls("realistic"))
    chosen = partial(page.texts, "#list [aria-current] .where")

    assert chosen() == ["status"]
    page.press("j", "j")
    assert chosen() == ["response $.choices[*].message.refusal"]
    page.press("Enter", "j")
    assert chosen() == ["POST https://api.example.com/v1/orders/2"]
    assert page.run("document.activeElement.getAttribute('aria-current')") == "true"
    assert len(page.texts("#detail article")) == 1
    page.press("j", "j")
    assert chosen() == ["response $.choices[*].message.tool_calls[*].function.arguments.unit"]
    assert page.texts("#list .call-row") == []
    page.press("k", "Enter", "j", "k", "Enter", "j")
    assert chosen() == ["response $.choices[*].message.tool_calls[*].function.arguments.unit"]
    page.press(*"k" * 9)
    assert chosen() == ["status"]
    page.press("?")
    assert page.run("document.getElementById('help').open")
    page.press("Escape", "/")
    assert page.run("document.activeElement.id") == "q"
    page.press("j", "Escape")
    assert page.run("[document.getElementById('help').open, q.value, document.activeElement.id]") == [False, "j", ""]


def test_everything_that_can_be_used_has_a_name(page, urls):
    page.open(urls("realistic") + "#open=1")

    unnamed = page.run(
        "[...document.querySelectorAll('button, select, input, nav, main section, dialog')]"
        ".filter(one => !(one.matches('button') && one.textContent.trim()))"
        ".filter(one => !one.ariaLabel && !one.hasAttribute('aria-labelledby')).map(one => one.outerHTML)"
    )

    assert unnamed == []


def test_whole_answers_stand_side_by_side_or_below_each_other(page, urls):
    page.open(urls("realistic") + f"#call={11:032x}&show=whole")

    inline = page.texts("#detail .line")
    page.click("[data-to=side]")
    left, right = (page.texts(f"#detail .pair > :nth-child({side})") for side in (1, 2))

    old, new = (json.loads(json.dumps(side)) for side in samples.documents(samples.realistic().calls[0]))
    assert json.loads("".join(left)) == old | {"id": f"{11:032x}"}
    assert json.loads("".join(right)) == new | {
        "id": f"{11:032x}",
        "extra": {"request": "POST https://api.example.com/v1/orders/11"},
    }
    assert len(left) == len(right) < len(inline)
    page.click("[data-set=show][data-to='']")
    assert page.texts("#detail .pair > :first-child") == [samples.OLD_PROSE]


def test_a_chain_leads_to_the_call_that_began_it(page, urls):
    page.open(urls("realistic") + f"#call={6:032x}")

    page.click("#detail .chain a")

    assert page.texts("#detail h3") == ["POST https://api.example.com/v1/orders/2"]
    said, *later = page.texts("#detail .chain")[0].splitlines()
    assert said == "4 later calls of its test ask something else because of it:"
    assert later == [f"POST https://api.example.com/v1/orders/{number}" for number in (4, 5, 6, 7)]
    assert page.texts("#detail .figures")[0].split("\n")[1] == "180 → 190 +5.6%"


def test_a_chain_whose_first_call_is_not_in_the_page_says_so(page, urls):
    page.open(urls("rootless", report(call(1, change("$.a", 1, 2, kind=samples.ChangeClass.REQUEST), chain="f" * 32))))

    assert page.texts("#detail .chain") == ["Follows from a changed answer before it: it is not in this report"]
    assert page.texts("#list .sub")[0].endswith("follows from another change")
    assert page.trouble == []


def test_a_link_within_a_chain_leads_out_of_the_filters(page, urls):
    page.open(urls("realistic") + f"#class=request&call={6:032x}")

    page.click("#detail .chain a")

    assert page.texts("#detail h3") == ["POST https://api.example.com/v1/orders/2"]
    assert page.run("location.hash") == f"#call={2:032x}"


@pytest.mark.parametrize("is_allowed", [True, False])
def test_a_command_is_copied_or_where_that_is_not_allowed_selected(page, urls, is_allowed):
    page.open(urls("realistic") + "#class=breaking")
    write = "window.written = text" if is_allowed else "throw new Error('not allowed')"
    page.run(
        f"Object.defineProperty(navigator, 'clipboard', {{value: {{async writeText(text) {{ {write} }}}}}});"
        "getSelection().removeAllRanges()"
    )

    page.click(".command button")
    page.run("new Promise(done => setTimeout(done))")

    (command,) = page.texts(".command code")
    assert page.run("[window.written || '', String(getSelection())]") == (
        [command, ""] if is_allowed else ["", command]
    )
    assert page.texts(".command button") == ["Copied" if is_allowed else "Copy"]


def test_long_equal_parts_are_folded_until_they_are_asked_for(page, urls):
    text = f"{'before ' * 200}old{' after' * 200}"
    page.open(urls("long", report(call(1, change("$.a", text, text.replace("old", "new"))))))

    folded = page.texts("#detail .prose")[0]
    page.click("#detail .fold")
    page.click("#detail .fold")

    assert len(folded) < 800
    assert page.texts("#detail .prose") == [text.replace("old", "oldnew")]


def test_equal_lines_are_folded_and_lines_that_went_stand_alone(page, urls):
    old = {f"name_{at:02}": at for at in range(40)}
    new = {name: at for name, at in old.items() if at != 20}
    page.open(urls("lines", report(call(1, change("$.a", old, new)))) + "#view=side")

    assert page.texts("#detail .fold") == ["… 18 equal lines …", "… 17 equal lines …"]
    assert page.texts("#detail .line.old") == ['"name_20": 20,']
    assert len(page.texts("#detail .line.none")) == 1
    assert page.texts("#detail .line.new") == []
    page.click("#detail .fold")
    page.click("#detail .fold")
    left, right = (page.texts(f"#detail .pair > :nth-child({side})") for side in (1, 2))
    assert json.loads("".join(left)) == old
    assert json.loads("".join(right)) == new
    page.click("[data-set=view][data-to='']")
    assert page.texts("#detail .line.old") == ['"name_20": 20,']


def test_of_many_calls_only_those_that_are_seen_are_made(page, urls):
    page.open(urls("many"))

    made = page.run("document.querySelectorAll('#list .row').length")
    page.run(
        "new Promise(done => { const rows = document.getElementById('list');"
        "new MutationObserver(done).observe(rows, {childList: true}); rows.scrollTop = rows.scrollHeight })"
    )

    assert made == 200
    assert page.run("document.querySelectorAll('#list .row').length") > 200
    page.open(urls("many") + f"#call={1998:032x}&class=value")
    assert page.texts("#list [aria-current] .where") == ["POST https://api.example.com/v1/orders/1998"]
    assert page.texts("#detail h3") == ["POST https://api.example.com/v1/orders/1998"]


def test_a_narrow_window_is_not_scrolled_sideways(page, urls):
    page.resize(360, 800)
    word = "w" * 500
    long = report(call(1, change("$.a", f"{word} of prose", f"{word} of words"), change(f"$.{word}", word, [word])))

    for name, made in {**dict.fromkeys(MAKERS), "unbroken": long}.items():
        page.open(urls(name, made) + ("" if made is None else f"#call={1:032x}"))
        assert page.run("document.documentElement.scrollWidth") <= 360, name


def test_light_and_dark_follow_the_reader(page, urls):
    page.open(urls("realistic"))
    background = "getComputedStyle(document.body).backgroundColor"

    light = page.run(background)
    page.media(color_scheme="dark")

    assert (light, page.run(background)) == ("rgb(255, 255, 255)", "rgb(21, 23, 26)")


def test_on_paper_the_groups_stand_below_each_other(page, urls):
    page.open(urls("realistic") + "#class=breaking")

    page.run("dispatchEvent(new Event('beforeprint'))")
    page.media("print")

    assert page.texts("#paper h2 code") == [
        "response $.choices[*].message.refusal",
        "response $.choices[*].message.tool_calls[*].function.arguments.unit",
    ]
    assert page.texts("#list, #filters") == []
    page.media()
    assert page.paper().startswith(b"%PDF")
    assert page.run("document.getElementById('paper').childElementCount") == 0
    assert page.trouble == []


def test_a_report_without_changes_says_so(page, urls):
    page.open(urls("empty"))

    assert page.texts("h1") == ["No changed responses"]
    assert page.texts("#list") == ["Nothing has changed."]
