"""Verifying and recording again: what is compared, with which answer a test goes on, what fails, what is reported."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import xml.etree.ElementTree as ET

import pytest

from pytest_recorded.changes.model import Report

# What the API answers is in answers.json; each request leaves a line in asked.log.
API = """
import json, threading, http.server
from pathlib import Path

HERE = Path(__file__).parent

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with (HERE / "asked.log").open("a") as log:
            log.write(f"{self.path} {sent.decode()}\\n")
        answers = json.loads((HERE / "answers.json").read_text())
        status, body = answers.get(self.path, [404, {"error": "no such thing"}])
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    do_GET = do_POST
    def log_message(self, *args): pass

def post(url, body=None):
    import urllib.request
    request = urllib.request.Request(url, data=json.dumps(body or {}).encode(), method="POST")
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())
"""

HEAD = "import pytest, world\nfrom api import post\nfrom pydantic import BaseModel\nURL = {url!r}\n"
MODEL = """
class Order(BaseModel):
    id: int
    total: float
    note: str = ""
"""


@pytest.fixture
def api(example, serve):
    """A project, and what its API answers: `api.answers(path=body)` and `api.asked`."""
    example.write(api=API)

    def answers(path, _body):
        known = json.loads((example.folder / "answers.json").read_text())
        with (example.folder / "asked.log").open("a") as log:
            log.write(f"{path}\n")
        status, body = known.get(path, [404, {"error": "no such thing"}])
        return status, "application/json", json.dumps(body).encode()

    return Api(example, serve(answers))


class Api:
    def __init__(self, example, url):
        self.example = example
        self.url = url

    def answer(self, **paths):
        """Say what is answered: a body, or a status and a body, by path."""
        said = {f"/{path}": body if isinstance(body, list) else [200, body] for path, body in paths.items()}
        file = self.example.folder / "answers.json"
        known = json.loads(file.read_text()) if file.exists() else {}
        file.write_text(json.dumps(known | said))
        return self

    def test(self, body, name="test_a"):
        self.example.write(**{name: HEAD.format(url=self.url) + MODEL + body})
        return self

    @property
    def asked(self):
        log = self.example.folder / "asked.log"
        return log.read_text().splitlines() if log.exists() else []

    def verify(self, *args, **more):
        """Verify; return the result and the report."""
        result = self.example.run("--record-mode=verify", "--record-report=report.json", *args, **more)
        return result, self.report()

    def report(self):
        return Report.model_validate_json((self.example.folder / "report.json").read_bytes())


def seen(report):
    return {call.request.rpartition("/")[2]: str(call.change_class) for call in report.calls}


ORDER = '\n@pytest.mark.recorded(data=Order)\ndef test_order():\n    assert post(URL + "/order")[0] == 200\n'


@pytest.mark.parametrize(
    ("body", "change_class", "place"),
    [
        ({"id": 1, "total": 9.5, "extra": 1}, None, None),
        ({"id": 1, "total": 10.5, "extra": 1}, "projection", ("data", "$.total")),
        ({"id": 1, "amount": 9.5, "extra": 1}, "breaking", ("data", "$")),
        ({"id": 1, "total": "9.5", "extra": 1}, "breaking", ("response", "$.total")),
        ({"id": 1, "total": 9.5, "extra": "1"}, "shape", ("response", "$.extra")),
        ({"id": 1, "total": 9.5}, "shape", ("response", "$.extra")),
        ({"id": 1, "total": 9.5, "extra": 2}, "value", ("response", "$.extra")),
        ([201, {"id": 1, "total": 9.5, "extra": 1}], "value", ("status", "$")),
        ([500, {"error": "down"}], "breaking", ("status", "$")),
    ],
)
def test_a_change_is_as_bad_as_what_it_does_to_the_projection(api, body, change_class, place):
    api.answer(order={"id": 1, "total": 9.5, "extra": 1}).test(ORDER)
    assert api.example.run().outcomes == {"passed": 1}
    api.answer(order=body)
    result, report = api.verify()
    assert result.outcomes == {"passed": 1}
    if change_class is None:
        assert (report.calls, result.code, report.totals) == ((), 0, {"unchanged": 1})
        assert "changed responses" not in result.output
        return
    (call,) = report.calls
    assert (str(call.change_class), call.tests) == (change_class, ("test_a.py::test_order",))
    assert place in [(change.slot, change.path) for change in call.changes]
    assert result.code == (1 if change_class in ("breaking", "projection") else 0)


def test_prose_in_a_projection_is_a_class_of_its_own_and_does_not_fail(api):
    api.answer(order={"id": 1, "total": 1, "note": "The order was sent on Monday."}).test(ORDER)
    api.example.run()
    api.answer(order={"id": 1, "total": 1, "note": "The order was shipped on Monday."})
    result, report = api.verify()
    (change,) = report.calls[0].changes
    assert (result.code, str(change.change_class), change.path) == (0, "text", "$.note")
    assert 0.5 < change.similarity < 1
    assert "was [-sent-]{+shipped+} on Monday." in result.output


@pytest.mark.parametrize(
    ("fail_on", "codes"),
    [
        ("breaking", "1000"),
        ("projection", "1100"),
        ("text", "1110"),
        ("shape", "1110"),
        ("any", "1111"),
        ("never", "0000"),
    ],
)
def test_what_fails_a_run_is_said_by_fail_on(api, fail_on, codes):
    old = {"id": 1, "total": 1, "note": "The order was sent on Monday.", "extra": 1}
    api.answer(order=old).test(ORDER)
    api.example.run()
    found = ""
    for change in ({"id": "x"}, {"total": 2}, {"note": "The order was shipped on Monday."}, {"extra": 2}):
        api.answer(order=old | change)
        found += str(api.example.run("--record-mode=verify", f"--record-fail-on={fail_on}").code)
    assert found == codes


def test_a_dead_server_is_an_error_and_never_clean(api, serve):
    api.answer(order={"id": 1, "total": 1}).test(ORDER)
    api.example.run()
    api.url = "http://127.0.0.1:9"
    text = (api.example.folder / "test_a.py").read_text()
    # The recordings are of another port: the same kind, and the URL counts.
    url = text.partition("URL = '")[2].partition("'")[0]
    api.example.write(test_a=text.replace("@pytest.mark.recorded(", "@pytest.mark.recorded(match=['method', 'path'], "))
    api.example.run("--record-mode=rewrite")
    api.example.write(test_a=(api.example.folder / "test_a.py").read_text().replace(url, "http://127.0.0.1:9"))
    result, report = api.verify()
    assert (result.outcomes, result.code, seen(report)) == ({"passed": 1}, 1, {"order": "error"})
    assert "accept" not in result.output


def test_an_answer_of_a_function_without_a_model_counts_as_a_whole(example):
    example.write(
        test_a='import world, pytest\n@pytest.mark.recorded("world.ask")\ndef test_ask():\n    world.ask("a")\n'
    )
    example.run()
    world = (example.folder / "world.py").read_text()
    example.write(world=world.replace("question.upper()", "question.upper() + '!'"))
    result = example.run("--record-mode=verify", "--record-report=report.json")
    (call,) = Report.model_validate_json((example.folder / "report.json").read_bytes()).calls
    assert (result.code, str(call.change_class), call.changes[0].path) == (1, "projection", "$.answer")


@pytest.mark.parametrize("live", ["object()", "(_ for _ in ()).throw(Odd())"], ids=["value", "exception"])
def test_a_live_answer_that_cannot_be_stored_is_an_error_and_the_test_goes_on_with_the_recorded_one(example, live):
    test = '@pytest.mark.recorded("world.get")\ndef test_get():\n    assert world.get() == 1\n'
    world = "class Odd(Exception):\n    args = property(lambda self: 1 / 0)\ndef get():\n    return {}\n"
    example.write(test_a=f"import world, pytest\n{test}", world=world.format(1))
    example.run()
    example.write(world=world.format(live))
    result = example.run("--record-mode=verify", "--record-report=report.json", "-Wignore")
    (call,) = Report.model_validate_json((example.folder / "report.json").read_bytes()).calls
    assert (result.outcomes["passed"], result.code, str(call.change_class)) == (1, 1, "error")


@pytest.mark.parametrize("column", ["completed_at", "info_json"])
def test_a_row_whose_facts_cannot_be_read_is_an_error_and_ends_nothing_else(example, column):
    example.write(test_a="import world, pytest\n@pytest.mark.recorded('world.ask')\ndef test_x(): world.ask('a')\n")
    example.run()
    with contextlib.closing(sqlite3.connect(example.cassette)) as connection:
        connection.execute(f"UPDATE jobs SET {column} = '{{'")
        connection.commit()
    result = example.run("--record-mode=verify", "--record-report=report.json")
    (call,) = Report.model_validate_json((example.folder / "report.json").read_bytes()).calls
    assert (result.outcomes, result.code, str(call.change_class)) == ({"passed": 1}, 1, "error")


CHATS = """
@pytest.mark.recorded
def test_chat():
    _, one = post(URL + "/start")
    _, two = post(URL + "/next", {"after": one["id"]})
    _, three = post(URL + "/next", {"after": two["id"], "third": True})
"""


def test_a_test_goes_on_with_recorded_answers_so_that_one_change_is_one(api):
    api.answer(start={"id": 1}, next={"id": 5}).test(CHATS)
    api.example.run()
    api.answer(start={"id": 2})
    _, report = api.verify()
    assert (seen(report), report.totals) == ({"start": "value"}, {"value": 1, "unchanged": 2})


@pytest.mark.parametrize("args", [["--record-mode=verify", "--record-verify-serve=live"], ["--record-mode=rewrite"]])
def test_where_a_test_goes_on_with_live_answers_what_follows_from_one_change_is_one_chain(api, args):
    api.answer(start={"id": 1}, next={"id": 5}).test(CHATS)
    api.example.run()
    before = api.example.cassette.read_bytes()
    api.answer(start={"id": 2}, next={"id": 6})
    result = api.example.run("--record-report=report.json", *args)
    report = api.report()
    root = next(call for call in report.calls if call.chain is None)
    tail = [call for call in report.calls if call.chain is not None]
    assert (len(tail), {call.chain for call in tail}) == (2, {root.id})
    assert {str(call.change_class) for call in tail} == {"request"}
    assert [len(group.calls) for group in report.groups if str(group.change_class) == "request"] == [2]
    assert [(change.old, change.new) for change in tail[0].changes if change.slot == "request"] == [(1, 2)]
    assert "chain" in result.output
    is_written = "rewrite" in args[0]
    assert (result.counts.get("recorded"), api.example.cassette.read_bytes() == before) == (
        (3, False) if is_written else (None, True)
    )


def test_a_test_sees_the_live_answer_if_it_is_to_go_on_with_it(api):
    api.answer(order={"id": 1, "total": 1}).test(
        '\n@pytest.mark.recorded\ndef test_x(recorded):\n    got = post(URL + "/order")[1]["total"]\n'
        '    assert got == recorded.jobs[0].response.json()["total"] == 1\n'
    )
    api.example.run()
    api.answer(order={"id": 1, "total": 2})
    assert api.verify()[0].outcomes == {"passed": 1}
    assert api.verify("--record-verify-serve=live")[0].outcomes == {"failed": 1}


def test_a_login_that_is_replayed_has_a_hint(api):
    """Its token is a placeholder, which the API refuses."""
    token = "abcdefgh12345678ABCDEFGH"
    api.answer(login={"access_token": token}, me={"name": "x"}).test(
        '\n@pytest.mark.recorded\ndef test_x():\n    token = post(URL + "/login")[1]["access_token"]\n'
        '    post(URL + "/me", {"access_token": token})\n'
    )
    api.example.run()
    api.answer(me=[401, {"error": "bad token"}])
    result, report = api.verify()
    (call,) = report.calls
    assert (str(call.change_class), "--record-verify-serve=live" in call.hint) == ("breaking", True)
    assert "--record-verify-serve=live" in result.output


@pytest.mark.parametrize("how", ["marker", "option", "slot"])
def test_a_kind_that_is_not_to_be_verified_is_never_called_again_and_counted(example, how):
    marks = {
        "marker": '@pytest.mark.recorded("world.ask", no_verify=["world.a*"])',
        "option": '@pytest.mark.recorded("world.ask")',
        "slot": '@pytest.mark.recorded("world.ask", verify=False)',
    }
    example.write(test_a=f'import world, pytest\n{marks[how]}\ndef test_ask():\n    world.ask("a")\n')
    example.run()
    example.forget_calls()
    args = ["--record-no-verify=world.ask"] if how == "option" else []
    result = example.run("--record-mode=verify", "--record-report=report.json", *args)
    report = Report.model_validate_json((example.folder / "report.json").read_bytes())
    assert (result.code, example.calls, result.counts) == (0, [], {"replayed": 1})
    assert (report.not_verified, report.compared) == ({"no_verify": 1}, 0)


def test_an_order_that_was_never_recorded_is_not_placed_to_verify_it(example):
    example.write(
        test_a="import world, pytest\n"
        '@pytest.mark.recorded("world.ask", verify=False)\ndef test_ask():\n    world.ask("a")\n'
    )
    result = example.run("--record-mode=verify")
    assert (result.outcomes, example.calls) == ({"failed": 1}, [])


def test_what_is_ignored_is_volatile(api):
    api.answer(order={"id": 1, "total": 1, "at": "today"}).test(
        ORDER.replace("data=Order", "data=Order, ignore=['$.at']")
    )
    api.example.run()
    api.answer(order={"id": 1, "total": 1, "at": "tomorrow"})
    result, report = api.verify("--record-fail-on=any")
    assert (result.code, seen(report), result.counts) == (0, {"order": "volatile"}, {"unchanged": 1})


def test_items_are_told_apart_by_a_declared_field(api):
    lines = [{"sku": name, "count": 1} for name in "abcd"]
    api.answer(order={"lines": lines}).test(
        '\n@pytest.mark.recorded(list_keys=["$.lines[*].sku"])\ndef test_x():\n    post(URL + "/order")\n'
    )
    api.example.run()
    api.answer(order={"lines": [{"sku": "d", "count": 7}, *lines[:3]]})
    _, report = api.verify()
    found = {(change.op, change.path) for change in report.calls[0].changes}
    assert found == {("reorder", "$.lines"), ("replace", "$.lines[0].count")}


def test_calls_that_are_new_or_gone_are_reported(api):
    api.answer(a={"x": 1}, b={"x": 1}, c={"x": 1}).test(
        '\n@pytest.mark.recorded\ndef test_x():\n    post(URL + "/a")\n    post(URL + "/b")\n'
    )
    api.example.run()
    api.test('\n@pytest.mark.recorded\ndef test_x():\n    post(URL + "/a")\n')
    _, gone = api.verify()
    api.test(
        '\n@pytest.mark.recorded\ndef test_x():\n    post(URL + "/a")\n    post(URL + "/b")\n    post(URL + "/c")\n'
    )
    _, come = api.verify()
    assert [[(change.slot, change.op) for change in call.changes] for call in (*gone.calls, *come.calls)] == [
        [("call", "remove")],
        [("call", "add")],
    ]


def test_another_request_in_the_place_of_a_recorded_one_is_one_call_whose_request_has_changed(api):
    api.answer(a={"x": 1}).test('\n@pytest.mark.recorded\ndef test_x():\n    post(URL + "/a", {"q": "one"})\n')
    api.example.run()
    api.test('\n@pytest.mark.recorded\ndef test_x():\n    post(URL + "/a", {"q": "two"})\n')
    _, report = api.verify()
    (call,) = report.calls
    assert [(str(one.change_class), one.slot, one.old, one.new) for one in call.changes] == [
        ("request", "request", "one", "two")
    ]


def test_the_same_change_in_many_calls_is_one_group_in_every_run(api):
    api.answer(order={"id": 1, "total": 1}).test(
        '\n@pytest.mark.recorded(data=Order)\n@pytest.mark.parametrize("n", range(6))\n'
        'def test_x(n):\n    post(URL + "/order", {"n": n})\n'
    )
    api.example.run()
    api.answer(order={"id": 1, "sum": 1})
    first, second = api.verify()[1], api.verify()[1]
    assert first.groups == second.groups
    assert [len(group.calls) for group in first.groups] == [6] * len(first.groups)
    assert all(len(group.fingerprint) == 12 for group in first.groups)


def test_the_report_is_written_in_every_form_and_is_one(api):
    api.answer(order={"id": 1, "total": 1}).test(ORDER)
    api.example.run()
    api.answer(order={"id": 1, "total": 2})
    result, report = api.verify("--record-report=out/report.html", "--record-report=report.md")
    (fingerprint,) = {change.fingerprint for call in report.calls for change in call.changes}
    for name in ("out/report.html", "report.md", "report.json"):
        assert fingerprint in (api.example.folder / name).read_text(encoding="utf-8")
    assert fingerprint in result.output


def test_a_report_is_written_where_pytest_was_started_or_of_an_ini_file_beside_that(api, monkeypatch):
    folder = api.example.folder
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    api.answer(order={"id": 1, "total": 1}).test(ORDER)
    api.example.run("..", "--record-mode=verify", "--record-report=typed.json")
    assert (folder / "below" / "typed.json").exists()
    ini = next(path for name in ("tox.ini", "pytest.ini") if (path := folder / name).exists())
    ini.write_text(f"{ini.read_text()}\nrecord_report = written.json\n")
    api.example.run("..", "--record-mode=verify")
    assert (folder / "written.json").exists()


def test_a_report_that_cannot_be_written_fails_the_run_and_says_so(api):
    api.answer(order={"id": 1, "total": 1}).test(ORDER)
    api.example.run()
    (api.example.folder / "file").write_text("")
    result = api.example.run("--record-mode=verify", "--record-report=file/report.html")
    assert (result.code, "the report file/report.html cannot be written" in result.output) == (1, True)


def test_a_report_that_was_asked_for_in_a_mode_that_has_none_is_missed_aloud(api):
    api.answer(order={"id": 1, "total": 5.0}).test(ORDER)
    said = "no report is written in mode once, which compares nothing: add --record-mode=verify"
    assert said in api.example.run("--record-report=report.html").output
    assert not (api.example.folder / "report.html").exists()
    assert said not in api.example.run().output
    assert said not in api.example.run("-o", "record_report=report.html").output


def test_github_gets_its_summary(api, monkeypatch):
    summary = api.example.folder / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    api.answer(order={"id": 1, "total": 1}).test(ORDER)
    api.example.run()
    assert api.verify()[0].code == 0
    assert summary.read_text() == "before\n"
    api.answer(order={"id": 1, "total": 2})
    api.verify()
    assert summary.read_text().startswith("before\n")
    assert "projection" in summary.read_text()


def test_class_and_fingerprint_are_properties_of_the_test_in_junit_xml(api):
    api.answer(order={"id": 1, "total": 1}).test(ORDER)
    api.example.run()
    api.answer(order={"id": 1, "total": 2})
    _, report = api.verify("--junitxml=junit.xml")
    found = ET.parse(api.example.folder / "junit.xml").iter("property")
    assert [(one.get("name"), one.get("value")) for one in found] == [
        ("recorded.class", "projection"),
        ("recorded.fingerprint", report.groups[0].fingerprint),
    ]


def test_calls_of_two_suites_that_have_tests_of_one_name_are_two(example):
    test = "import pytest, world\n@pytest.mark.recorded('world.ask', cassette='{}/cassettes/jobs.db')\n"
    for suite in "ab":
        (example.folder / suite).mkdir()
        (example.folder / suite / "__init__.py").touch()
        text = test.format(suite) + "def test_x():\n    assert world.ask('a')\n"
        (example.folder / suite / "test_x.py").write_text(text)
    example.run()
    example.write(world=(example.folder / "world.py").read_text().replace("question.upper()", "question.upper() + '!'"))
    result = example.run("--record-mode=verify", "--record-report=report.json", "--record-report=report.html")
    report = Report.model_validate_json((example.folder / "report.json").read_bytes())
    assert (result.outcomes, len({call.id for call in report.calls}), report.compared) == ({"passed": 2}, 2, 2)
    assert [len(group.calls) for group in report.groups] == [2]
    accepted = example.run("--record-mode=verify", "--record-accept=all")
    assert (accepted.code, accepted.output.count("1 accepted")) == (0, 2)
    assert example.run("--record-mode=verify").counts == {"unchanged": 2}


@pytest.mark.parametrize(
    "more",
    [(), ("--record-verify-serve=live",), ("--record-budget=1calls",), ("--record-max-age=0h",)],
    ids=["recorded", "live", "budget", "age"],
)
def test_a_call_that_tests_share_is_made_once_and_reported_for_all_of_them(example, more):
    example.write(
        test_a="import pytest, world\n@pytest.mark.recorded('world.ask', scope='suite')\n"
        "@pytest.mark.parametrize('n', range(3))\ndef test_x(n):\n    assert world.ask('a') == world.ask('a')\n"
    )
    example.run()
    example.forget_calls()
    example.write(world=(example.folder / "world.py").read_text().replace("question.upper()", "question.upper() + '!'"))
    result = example.run("--record-mode=verify", "--record-report=report.json", *more)
    report = Report.model_validate_json((example.folder / "report.json").read_bytes())
    assert (result.outcomes, example.calls, result.counts) == ({"passed": 3}, ["a"], {"changed": 3, "replayed": 3})
    assert [(str(call.change_class), len(call.tests)) for call in report.calls] == [("projection", 3)]
    assert (report.compared, report.not_verified, "older than" in result.output) == (1, {}, False)


def test_workers_report_once(api):
    api.answer(order={"id": 1, "total": 1}).test(
        '\n@pytest.mark.recorded(data=Order)\n@pytest.mark.parametrize("n", range(4))\n'
        'def test_x(n):\n    post(URL + "/order", {"n": n})\n'
    )
    api.example.run()
    api.answer(order={"id": 1, "total": 2})
    result, report = api.verify("-n2", plugins=("xdist",))
    assert result.output.count("changed responses: 4 of 4 calls (verify)") == 1
    assert (report.totals, result.code) == ({"projection": 4, "unchanged": 0}, 1)


@pytest.mark.parametrize("mode", ["rewrite", "all"])
def test_recording_again_reports_what_it_replaces_and_passes(api, mode):
    api.answer(order={"id": 1, "total": 1}).test(ORDER)
    api.example.run()
    api.answer(order={"id": 1, "total": 2})
    result = api.example.run(f"--record-mode={mode}", "--record-report=report.json")
    assert (result.code, seen(api.report()), api.report().mode) == (0, {"order": "projection"}, mode)
    assert "1 replaced" in result.output
    assert '"total": 2' in api.example.rows()[0][3].replace("\\", "")


@pytest.mark.parametrize("mode", ["rewrite", "all"])
def test_what_a_test_records_for_the_first_time_is_no_change(api, mode):
    """A further call of a test that has recordings is one."""
    api.answer(order={"id": 1, "total": 1}, mail={"sent": True}).test(ORDER)
    result = api.example.run(f"--record-mode={mode}", "--record-report=report.json")
    assert (result.code, result.counts) == (0, {"recorded": 1})
    assert "changed responses" not in result.output
    assert (api.report().calls, api.report().compared) == ((), 0)
    api.test(ORDER + '    post(URL + "/mail")\n').example.run(f"--record-mode={mode}", "--record-report=report.json")
    assert seen(api.report()) == {"mail": "request"}


def test_of_a_test_that_fails_the_report_says_that_nothing_was_taken_over(api):
    body = '\n@pytest.mark.recorded(data=Order)\ndef test_order():\n    assert post(URL + "/order")[1]["total"] == 1\n'
    api.answer(order={"id": 1, "total": 1}).test(body)
    api.example.run()
    before = api.example.rows()
    api.answer(order={"id": 1, "total": 2})
    result = api.example.run("--record-mode=rewrite", "--record-report=report.json")
    (call,) = api.report().calls
    assert (result.outcomes, api.example.rows()) == ({"failed": 1}, before)
    assert call.hint == "Its test has failed: what is recorded of it stays as it is."


@pytest.mark.parametrize("mode", ["rewrite", "all"])
def test_a_dead_network_destroys_nothing_though_the_test_swallows_it(api, mode):
    """The test passes, and yet its good answer is worth more than the failure."""
    body = (
        '\n@pytest.mark.recorded(match=["method", "path"])\ndef test_x():\n'
        '    try:\n        post(URL + "/order")\n    except OSError:\n        pass\n'
    )
    api.answer(order={"id": 1, "total": 1}).test(body)
    api.example.run()
    before = api.example.rows()
    url, api.url = api.url, "http://127.0.0.1:9"
    result = api.test(body).example.run(f"--record-mode={mode}", "--record-report=report.json")
    assert (result.outcomes, api.example.rows(), seen(api.report())) == ({"passed": 1}, before, {"order": "error"})
    assert "1 spared" in result.output
    # A server that answers, if only with an error, is no dead network.
    api.url = url
    api.answer(order=[503, {"error": "later"}])
    api.test(body).example.run(f"--record-mode={mode}")
    assert '"status":503' in api.example.rows()[0][3]


COUNTING = """
from pathlib import Path

LOG = Path(__file__).with_name("calls.log")

def get(n):
    with LOG.open("a") as log:
        log.write("x")
    return {"n": n, "seen": LOG.stat().st_size, "lines": [{"at": LOG.stat().st_size, "price": 5}]}
"""


def test_the_same_answer_that_takes_much_longer_is_a_metric_and_fails_nothing(example):
    test = 'import world, pytest\n@pytest.mark.recorded("world.ask")\ndef test_ask():\n    world.ask("a")\n'
    example.write(test_a=test)
    example.run()
    world = (example.folder / "world.py").read_text()
    example.write(world=world.replace("called(question)", "called(question); import time; time.sleep(1.05)", 1))
    result = example.run("--record-mode=verify", "--record-report=report.json")
    (call,) = Report.model_validate_json((example.folder / "report.json").read_bytes()).calls
    assert (str(call.change_class), call.changes[0].path) == ("metrics", "$.latency_ms")
    assert (result.code, result.counts) == (0, {"unchanged": 1})


@pytest.mark.parametrize("mode", ["verify", "rewrite"])
def test_a_call_that_fails_each_time_it_is_repeated_is_an_error_and_nothing_varies(example, mode):
    example.write(test_a=FAILING.format(raised=""))
    example.run()
    example.write(test_a=FAILING.format(raised="    raise OSError('no network')\n"))
    example.run(f"--record-mode={mode}", "--record-report=report.json", "--record-repeat=2")
    report = Report.model_validate_json((example.folder / "report.json").read_bytes())
    assert ([str(call.change_class) for call in report.calls], report.noise) == (["error"], ())


FAILING = """
import pytest
from pytest_recorded import recorder

@recorder(kind="failing.get")
def get():
{raised}    return {{"a": 1}}

@pytest.mark.recorded
def test_x():
    get()
"""


def test_a_run_says_why_it_fails_though_its_tests_have_passed(api):
    api.answer(order={"id": 1, "total": 1}).test(ORDER)
    api.example.run()
    api.answer(order={"id": 1, "total": 2})
    assert "the run fails because of 1 changed call (--record-fail-on=projection)" in api.verify()[0].output
    assert "the run fails" not in api.verify("--record-fail-on=breaking")[0].output


def test_a_run_that_has_compared_nothing_says_so(api):
    api.answer(order={"id": 1, "total": 1}).test(ORDER)
    api.example.run()
    result, _ = api.verify("--record-no-verify=http.*")
    assert "no call was made again to be compared: 1 no_verify" in result.output


def test_what_varies_by_itself_is_found_by_repeating_and_does_not_count_as_a_change(example):
    example.write(
        counting=COUNTING,
        test_a='import counting, pytest\n@pytest.mark.recorded("counting.get")\n'
        '@pytest.mark.parametrize("n", range(2))\ndef test_x(n):\n    counting.get(n)\n',
    )
    example.run()
    once = example.run("--record-mode=verify", "--record-report=report.json")
    assert (once.code, once.counts) == (1, {"changed": 2})
    again = example.run("--record-mode=verify", "--record-report=report.json", "--record-repeat=2")
    report = Report.model_validate_json((example.folder / "report.json").read_bytes())
    assert (again.code, again.counts, report.totals) == (0, {"unchanged": 2}, {"volatile": 2, "unchanged": 0})
    assert [(one.kind, one.path, one.calls) for one in report.noise] == [
        ("counting.get", "$.lines[*].at", 2),
        ("counting.get", "$.seen", 2),
    ]
    # What it prints is what the option takes.
    ignore = ["--record-ignore=$.seen", "--record-ignore=$.lines[*].at"]
    assert all(each.partition("=")[2] in again.output for each in ignore)
    assert example.run("--record-mode=verify", *ignore).counts == {"unchanged": 2}
