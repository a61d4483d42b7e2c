from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from ipaddress import ip_network

import pytest

from pytest_recorded.errors import ConfigurationError
from pytest_recorded.limits import Budget, age_text, read_age
from pytest_recorded.modes import RecordMode
from pytest_recorded.network import HostPattern
from pytest_recorded.options import MATCH, OF_TESTS, OPTIONS, Options, read_options, strings, unknown_argument
from pytest_recorded.paths import DEEP
from pytest_recorded.projection import Projection
from pytest_recorded.rules import Rules, rules_from

NAMES = [option.name for option in OPTIONS]


@dataclass
class Card:
    id: int


# What may be written, and what it means.
GOOD = [
    ("mode", "none", RecordMode.NONE),
    ("mode", RecordMode.NEW_EPISODES, RecordMode.NEW_EPISODES),
    ("cassette", "tests/calls.db", "tests/calls.db"),
    ("scope", "suite", "suite"),
    ("match", "method", ("method",)),
    ("match", "Method, URL,header:Accept", ("method", "url", "header:accept")),
    ("match", ["method", "query,body"], ("method", "query", "body")),
    ("ignore", "id", ((DEEP, "id"),)),
    ("ignore", ["$.a[0]", "$..b"], (("a", 0), (DEEP, "b"))),
    ("ignore", (), ()),
    ("redact", "ssn", Rules(names=("ssn",))),
    ("redact", [" ssn ", "env: DOOR ", " $.user.pin", "x-account"],
     Rules(("ssn", "x-account"), ("DOOR",), (("user", "pin"),))),
    ("redact", [], Rules()),
    ("match", "method,scheme,host,port,path", ("method", "scheme", "host", "port", "path")),
    ("hosts", "a.example, *.b.example:8443",
     (HostPattern("a.example", None, None), HostPattern("*.b.example", None, 8443))),
    ("hosts", ["[::1]:80", "b\xfccher.example", "*:80"],
     (HostPattern("", ip_network("::1/128"), 80), HostPattern("xn--bcher-kva.example", None, None),
      HostPattern("*", None, 80))),
    ("ignore_hosts", ["localhost"], (HostPattern("localhost", None, None),)),
    ("kinds", "http.*,orders.place", ("http.*", "orders.place")),
    ("live", ["tools.*"], ("tools.*",)),
    ("data", Card, (("*", Projection(Card)),)),
    ("data", {"http.*": Card, "a.b": list[Card]}, (("http.*", Projection(Card)), ("a.b", Projection(list[Card])))),
    ("data", {}, ()),
    ("before_record_request", print, (print,)),
    ("before_record_response", [print, len], (print, len)),
    ("before_record_response", (), ()),
    ("allowed_hosts", "Example.COM.:443", (HostPattern("example.com", None, 443),)),
    ("allowed_hosts", ["*.example.com, 10.0.0.0/8", "::1"],
     (HostPattern("*.example.com", None, None), HostPattern("", ip_network("10.0.0.0/8"), None),
      HostPattern("", ip_network("::1/128"), None))),
    ("allowed_hosts", [], ()),
    *(("block_network", value, True) for value in (True, "yes")),
    *(("failed", value, True) for value in (True, 1, "yes", "On", "TRUE", " 1 ")),
    *(("failed", value, False) for value in (False, 0, "no", "off", "False", "")),
]  # fmt: skip


def where_it_stands(index):
    return f"{index}-{GOOD[index][0]}"


@pytest.mark.parametrize("index", range(len(GOOD)), ids=where_it_stands)
def test_what_is_written_well_is_read(index):
    name, value, meaning = GOOD[index]
    read = read_options({name: value}, where="here")
    assert read == {name: meaning}
    assert type(read[name]) is type(meaning)
    assert getattr(replace(Options(), **read), name) == meaning


async def acoroutine(response):
    return response


# What may not be written, and what is said of it.
BAD = [
    ("data", 5, "here: data=5 is no model. Give a pydantic model, a dataclass, a TypedDict, or a list or union of "
     "them."),
    ("data", {"http.*": "Card"}, "here: data['http.*']='Card' is no model. Give a pydantic model, a dataclass, a "
     "TypedDict, or a list or union of them."),
    ("data", {"": Card}, "here: data takes a model, or a dict of models by globs of kinds, such as {'http.*': Answer}, "
     f"not {{'': {Card!r}}}."),
    ("data", {"http.*": None}, "here: data takes a model, or a dict of models by globs of kinds, such as "
     "{'http.*': Answer}, not {'http.*': None}."),
    ("mode", "onse", "here: 'onse' is no record mode. Choose one of: once, none, new_episodes, off."),
    ("mode", "all", "here: mode 'all' calls the world again and may only be asked for on the command line "
     "(pytest --record-mode=all) or in use_cassette(). Here you can write: once, none, new_episodes, off."),
    ("cassette", "", "here: cassette is empty. The default is 'cassettes/jobs.db'."),
    ("scope", "", "here: scope is empty. The default is 'test'."),
    ("scope", "module", "here: scope='module' is not possible. Choose one of: test, suite."),
    ("match", ["header"], "here: match has no part 'header'. It takes: method, url, query, body, scheme, host, port, "
     "path, or header:NAME (as header:accept)."),
    ("match", "header:", "here: match has no part 'header:'. It takes: method, url, query, body, scheme, host, port, "
     "path, or header:NAME (as header:accept)."),
    ("match", "method,,url", "here: match has no part ''. It takes: method, url, query, body, scheme, host, port, "
     "path, or header:NAME (as header:accept)."),
    ("match", 5, "here: match takes a list of strings, not 5."),
    ("ignore", ["a", 5], "here: ignore takes a list of strings, not ['a', 5]."),
    ("ignore", b"id", "here: ignore takes a list of strings, not b'id'."),
    ("ignore", ["$.a["], "here: ignore: '$.a[' is no path from '[' on. Write '$.messages[0].content', "
     "'$.items[*].id', '$..id' (at any depth) or just 'id'."),
    ("redact", [None], "here: redact takes a list of strings, not [None]."),
    ("redact", ["a", " "], "here: redact: ' ' names no secret. Write 'env:NAME' (the value of an environment "
     "variable), '$.user.ssn' (a place in a body or in arguments) or 'ssn' (a field, parameter or header)."),
    ("redact", "env:", "here: redact: 'env:' names no secret. Write 'env:NAME' (the value of an environment "
     "variable), '$.user.ssn' (a place in a body or in arguments) or 'ssn' (a field, parameter or header)."),
    ("redact", "$", "here: redact: '$' alone would leave nothing of the request. Write '$.messages[0].content', "
     "'$.items[*].id', '$..id' (at any depth) or just 'id'."),
    ("hosts", 5, "here: hosts takes a list of strings, not 5."),
    ("kinds", "a,,b", "here: kinds: '' is no kind. Write kinds or globs of them: 'orders.place', 'tools.*', "
     "'http.api.openai.com'."),
    ("live", [" "], "here: live: '' is no kind. Write kinds or globs of them: 'orders.place', 'tools.*', "
     "'http.api.openai.com'."),
    ("before_record_request", "hide", "here: before_record_request takes a function, or a list of functions, not "
     "'hide'."),
    ("before_record_response", [print, None], "here: before_record_response takes a function, or a list of functions, "
     "not None."),
    ("before_record_response", acoroutine, "here: before_record_response takes a function, or a list of functions, not "
     "a coroutine function, which nobody awaits here."),
    *((name, host, f"here: {name}: {host.strip()!r} is no host. Write a name (api.example.com), a "
       "glob (*.example.com), an address (10.0.0.5, ::1) or a network (10.0.0.0/8), and :PORT after it if only one is "
       "meant ([::1]:8080).")
      for name in ("allowed_hosts", "hosts", "ignore_hosts")
      for host in ("", " ", "https://example.com", "example.com/x", "example.com:", "example.com:http", "a:0",
                   "a:65536", "a b", "[::1", "[::1]x", "::1::2", ":80", "10.0.0.0/33")),
    ("allowed_hosts", [5], "here: allowed_hosts takes a list of strings, not [5]."),
    ("block_network", "perhaps", "here: block_network='perhaps' is neither yes nor no. Write true or false."),
    ("failed", "maybe", "here: failed='maybe' is neither yes nor no. Write true or false."),
    ("failed", 2, "here: failed=2 is neither yes nor no. Write true or false."),
]  # fmt: skip


@pytest.mark.parametrize("index", range(len(BAD)), ids=lambda index: f"{index}-{BAD[index][0]}")
def test_what_is_written_badly_says_where_and_what_to_write(index):
    name, value, message = BAD[index]
    with pytest.raises(ConfigurationError) as caught:
        read_options({name: value}, where="here")
    assert str(caught.value) == message


@pytest.mark.parametrize("mode", RecordMode)
def test_where_a_run_is_started_every_mode_and_any_scope_may_be_written(mode):
    read = read_options({"mode": mode, "scope": "my own"}, where="use_cassette", from_code=False)
    assert read == {"mode": mode, "scope": "my own"}


def test_what_is_not_given_is_left_out_so_that_it_overrides_nothing():
    assert read_options(dict.fromkeys(NAMES), where="here", of_run=True) == {}
    assert read_options({}, where="here") == {}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("modes", " Did you mean 'mode'?"),
        ("cassete", " Did you mean 'cassette'?"),
        ("redacted", " Did you mean 'redact'?"),
        ("match_on", " Did you mean 'match'?"),
        ("before_record", " Did you mean 'before_record_request'?"),
        ("filter_headers", ""),
        ("", ""),
        ("Mode", " Did you mean 'mode'?"),
    ],
)
@pytest.mark.parametrize("value", [None, "x"])
def test_an_unknown_argument_lists_the_good_ones_and_suggests_the_nearest(name, hint, value):
    with pytest.raises(ConfigurationError) as caught:
        read_options({"mode": "none", name: value}, where="the marker of test_x")
    assert str(caught.value) == (
        f"the marker of test_x: there is no argument {name!r}.{hint} It takes: {', '.join(sorted(OF_TESTS))}."
    )


def test_the_list_of_good_arguments_is_sorted_wherever_it_comes_from():
    error = unknown_argument("kye", {"retry_failed", "key", "kind"}, where="@recorder")
    assert str(error) == "@recorder: there is no argument 'kye'. Did you mean 'key'? It takes: key, kind, retry_failed."


def test_there_is_an_option_for_each_field_and_a_field_for_each_option():
    assert [spec.name for spec in fields(Options)] == NAMES


@pytest.mark.parametrize("option", OPTIONS, ids=NAMES)
def test_an_option_has_one_name_wherever_it_is_written(option):
    if option.is_code:
        # Functions and classes cannot be written there.
        assert (option.flag, option.ini) == ("", "")
    else:
        assert (option.flag, option.ini) == (f"--record-{option.name.replace('_', '-')}", f"record_{option.name}")
    assert option.help == option.help.strip(". ")


@pytest.mark.parametrize("option", OPTIONS[1:], ids=NAMES[1:])
def test_the_default_that_is_shown_is_the_default_that_holds(option):
    read = read_options({option.name: option.default or []}, where="here", of_run=True)
    assert read == {option.name: getattr(Options(), option.name)}


def test_a_request_counts_as_a_whole_unless_somebody_says_otherwise():
    assert Options().match == MATCH == ("method", "url", "query", "body")


def test_one_string_alone_is_a_list_of_one():
    assert rules_from("ssn", where="Recorder: redact") == Rules(("ssn",))
    assert strings("abc", "x") == ("abc",)
    assert strings({"abc": 1}, "x") == ("abc",)
    assert strings((word for word in ("a", "b")), "x") == ("a", "b")


@pytest.mark.parametrize("entry", ["", "  ", "env:", " env: ", None, 5], ids=repr)
def test_a_rule_that_names_nothing_is_refused(entry):
    with pytest.raises(ConfigurationError, match=r"@recorder: redact: .* names no secret\. Write 'env:NAME'"):
        rules_from([entry], where="@recorder: redact")


@pytest.mark.parametrize("name", [option.name for option in OPTIONS if option.is_of_run])
def test_what_is_about_a_whole_run_is_refused_where_one_test_speaks(name):
    with pytest.raises(ConfigurationError, match=f"x: {name} is about a whole run. Write it on the command line"):
        read_options({name: "1"}, where="x")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("budget", "2.50", Budget(None, 2.5)),
        ("budget", "$0.5", Budget(None, 0.5)),
        ("budget", "3 USD", Budget(None, 3.0)),
        ("budget", "200calls", Budget(200, None)),
        ("budget", "1 call", Budget(1, None)),
        ("sample", "10%", 0.1),
        ("sample", "100%", 1.0),
        ("repeat", "3", 3),
        ("max_age", "30d", timedelta(days=30)),
        ("max_age", "12h", timedelta(hours=12)),
        ("report", ["a.html", "b/c.JSON"], ("a.html", "b/c.JSON")),
    ],
)
def test_what_limits_a_run_is_read_as_people_write_it(name, text, value):
    assert read_options({name: text}, where="x", of_run=True) == {name: value}


@pytest.mark.parametrize(
    ("name", "text"),
    [("budget", "much"), ("budget", "-1"), ("sample", "10"), ("sample", "0%"), ("sample", "101%"), ("repeat", "0"),
     ("repeat", "2.5"), ("max_age", "old"), ("report", "a.txt"), ("fail_on", "all"), ("stale", "x")],
)  # fmt: skip
def test_a_limit_that_is_none_is_refused_with_an_example(name, text):
    with pytest.raises(ConfigurationError, match=rf"^x: {name}"):
        read_options({name: text}, where="x", of_run=True)


@pytest.mark.parametrize("text", ["30d", "12h", "36h", "5d"])
def test_an_age_is_said_as_it_is_written(text):
    assert age_text(read_age(text, where="x")) == text
