from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_recorded.borders import rebordered
from pytest_recorded.choice import Choice, Fate, choice_of
from pytest_recorded.message import HttpRequest, HttpResponse
from pytest_recorded.network import hosts_from
from pytest_recorded.options import Options, read_options

HOSTS = [
    ("api.openai.com", "https://api.openai.com/v1", True),
    ("API.OpenAI.com", "https://api.openai.com/v1", True),
    ("openai.com", "https://api.openai.com/v1", False),
    ("*.openai.com", "https://api.openai.com/v1", True),
    ("*.openai.com", "https://openai.com/v1", False),
    ("*.openai.com", "https://openai.com.evil.example/", False),
    ("api.openai.com:443", "https://api.openai.com/v1", True),
    ("api.openai.com:80", "https://api.openai.com/v1", False),
    ("api.openai.com:80", "http://api.openai.com?x=1", True),
    ("localhost:8080", "http://localhost:8080/", True),
    ("localhost:8080", "http://user:9@localhost:8081/", False),
    ("localhost", "http://user:9@localhost:8081/", True),
    ("*:8081", "http://user:9@localhost:8081/", True),
    ("::1", "http://[::1]:8080/", True),
    ("[::1]", "http://[::1]/", True),
    ("[::1]:8080", "http://[::1]:8080/", True),
    ("[::1]:8080", "http://[::1]/", False),
    ("2001:db8::/32", "http://[2001:DB8::17]/", True),
    ("10.0.0.0/8:80", "http://10.1.2.3/", True),
    ("10.0.0.0/8", "http://11.1.2.3/", False),
    ("b\xfccher.example", "http://xn--bcher-kva.example/", True),
    ("xn--bcher-kva.example", "http://b\xfccher.example/", True),
    ("localhost", "http://127.0.0.1/", True),
    ("127.0.0.1", "http://localhost/", False),
]


def fate(url, **options):
    request = HttpRequest("GET", url, ())
    read = Options(**read_options(options, where="here"))
    choice = choice_of(read.hosts, read.ignore_hosts, read.kinds, read.live)
    assert choice is not None
    return choice.fate(request.kind, (request.host, request.port))


@pytest.mark.parametrize("index", range(len(HOSTS)))
def test_a_host_is_named_by_a_glob_and_perhaps_a_port(index):
    written, url, fits = HOSTS[index]
    assert fate(url, hosts=[written]) is (Fate.OURS if fits else Fate.LEFT_OUT)
    assert fate(url, ignore_hosts=[written]) is (Fate.LEFT_OUT if fits else Fate.OURS)


def test_a_host_that_is_named_and_ignored_is_ignored():
    assert fate("http://a.example/", hosts=["*.example"], ignore_hosts=["a.example"]) is Fate.LEFT_OUT
    assert fate("http://b.example/", hosts=["*.example"], ignore_hosts=["a.example"]) is Fate.OURS


def test_hosts_say_nothing_of_functions_and_kinds_speak_of_both():
    choice = Choice(hosts_from(["a.example"], ""), hosts_from(["b.example"], ""), ("shop.*", "http.a.*"), ())
    assert choice.fate("shop.price", None) is Fate.OURS
    assert choice.fate("tools.price", None) is Fate.LEFT_OUT
    assert choice.fate("http.a.example", ("a.example", 80)) is Fate.OURS
    assert choice.fate("http.b.example", ("b.example", 80)) is Fate.LEFT_OUT


def test_a_live_kind_runs_live_even_where_it_is_left_out():
    choice = Choice((), hosts_from(["a.example"], ""), ("shop.*",), ("tools.*", "http.a.example"))
    assert choice.fate("tools.price", None) is Fate.LIVE
    assert choice.fate("http.a.example", ("a.example", 80)) is Fate.LIVE
    assert choice.fate("tools", None) is Fate.LEFT_OUT


def test_kinds_are_told_apart_by_their_letters():
    assert Choice((), (), ("Shop.*",), ()).fate("shop.price", None) is Fate.LEFT_OUT


def test_without_any_of_the_options_there_is_nothing_to_ask():
    assert choice_of((), (), (), ()) is None


URLS = [
    ("http://a.example", ("http", "a.example", 80, "")),
    ("https://A.example:8443/x/y?q=/z", ("https", "a.example", 8443, "/x/y")),
    ("http://u:p@[::1]:81/?q", ("http", "[::1]", 81, "/")),
    ("http://a.example?q=http://b.example/", ("http", "a.example", 80, "")),
]


@pytest.mark.parametrize("index", range(len(URLS)))
def test_a_request_knows_the_parts_of_its_url(index):
    url, parts = URLS[index]
    request = HttpRequest("GET", url, ())
    assert (request.scheme, request.host, request.port, request.path) == parts


OTHERS = {
    "scheme": "https://a.example:81/x?q=1",
    "host": "http://b.example:81/x?q=1",
    "port": "http://a.example:82/x?q=1",
    "path": "http://a.example:81/y?q=1",
    "query": "http://a.example:81/x?q=2",
}


@pytest.mark.parametrize("part", OTHERS)
def test_each_part_of_a_url_can_count_alone(part):
    def key(url, match):
        return HttpRequest("GET", url, ()).canonical(match, ())

    for other, url in OTHERS.items():
        differs = key(url, [part]) != key("http://a.example:81/x?q=1", [part])
        assert differs is (other == part)
    assert key(OTHERS[part], ["url", "query"]) != key("http://a.example:81/x?q=1", ["url", "query"])


@st.composite
def edited_bodies(draw):
    pieces = draw(st.lists(st.binary(min_size=1, max_size=4), min_size=1, max_size=6))
    content = b"".join(pieces)
    start = draw(st.integers(0, len(content)))
    end = draw(st.integers(start, len(content)))
    return pieces, content[:start] + draw(st.binary(max_size=5)) + content[end:]


@given(edited_bodies())
def test_pieces_of_a_changed_body_are_all_of_it_and_none_is_empty(edited):
    pieces, content = edited
    chunks = tuple((float(at), len(piece)) for at, piece in enumerate(pieces))
    response = HttpResponse(200, "OK", (), b"".join(pieces), chunks=chunks)
    made = rebordered(response.chunks, response.content, content)
    assert sum(size for _, size in made) == len(content)
    assert all(size > 0 for _, size in made)
    assert [at for at, _ in made] == sorted(at for at, _ in made)


def test_what_is_not_changed_of_a_body_keeps_its_pieces_and_their_times():
    response = HttpResponse(200, "OK", (), b"one,two,three", chunks=((0.0, 4), (1.0, 4), (2.0, 5)))
    assert rebordered(response.chunks, response.content, b"one,2,three") == ((0.0, 4), (1.0, 2), (2.0, 5))
    assert rebordered(response.chunks, response.content, b"one,two,three") == response.chunks
    assert rebordered(response.chunks, response.content, b"") == ()
    assert rebordered((), response.content, b"x") == ()
