"""Which HTTP calls are recorded: hosts, ignore_hosts, kinds and live, through every client."""

from __future__ import annotations

import urllib.request

import httpx
import pytest

from pytest_recorded import MissingRecording, recorder


def counts(block):
    return {name: number for name, number in block._scope.counts.items() if number}


def elsewhere(url):
    """Return a URL of the same server by its other name."""
    return url.replace("127.0.0.1", "localhost")


CHOICES = [
    {"hosts": "127.0.0.1"},
    {"hosts": ["127.0.0.?", "api.example"]},
    {"ignore_hosts": "localhos?"},
    {"ignore_hosts": ["LOCALHOS*"]},
    {"kinds": "http.127.*"},
]


@pytest.mark.parametrize("index", range(len(CHOICES)))
def test_what_is_left_out_runs_and_the_rest_is_recorded(index, server, cassette, client):
    url = server.on("/x", server.reply(b"answer"))
    for mode, counted in (("once", {"recorded": 1, "live": 1}), ("none", {"replayed": 1, "live": 1})):
        with cassette(mode, **CHOICES[index]) as block:
            assert b"".join(client.see(url)["pieces"]) == b"answer"
            assert b"".join(client.see(elsewhere(url))["pieces"]) == b"answer"
        assert counts(block) == counted
        assert [job.kind for job in block.jobs] == ["http.127.0.0.1"]
    assert server.count == 3


def test_a_live_kind_runs_although_it_is_recorded_and_keeps_its_recordings(server, cassette, client):
    url = server.on("/x", server.reply(b"answer"))
    with cassette():
        client.see(url)
        client.see(elsewhere(url))
    server.on("/x", server.reply(b"other"))
    for mode in ("once", "none", "verify", "rewrite"):
        with cassette(mode, live="http.localhost") as block:
            assert client.see(elsewhere(url))["pieces"] == [b"other"]
        # The call that is not asked for is dropped by rewrite; that of the live kind waits.
        assert block._scope.counts["live"] == 1
        assert block._scope.counts["unused"] == 1
    with cassette("none") as block:
        assert client.see(elsewhere(url))["pieces"] == [b"answer"]
        with pytest.raises(MissingRecording):
            client.see(url)
        block._scope.misses.clear()


def test_localhost_is_this_machine_by_whichever_name(server, cassette):
    url = server.on("/x", server.reply(b"answer"))
    with cassette(ignore_hosts="localhost") as block:
        httpx.get(url)
        httpx.get(elsewhere(url))
    assert counts(block) == {"live": 2}


def test_a_port_tells_two_servers_of_one_host_apart(server, cassette):
    url = server.on("/x", server.reply(b"answer"))
    for options, counted in (
        ({"ignore_hosts": f"127.0.0.1:{server.port}"}, {"live": 1}),
        ({"hosts": f"127.0.0.1:{server.port + 1}"}, {"live": 1}),
        ({"hosts": f"127.0.0.1:{server.port}"}, {"recorded": 1}),
    ):
        with cassette(**options) as block:
            httpx.get(url)
        assert counts(block) == counted


class Over(httpx.BaseTransport):
    """A transport that asks through another library, as that of aiohttp does."""

    def __init__(self, url=None):
        self._url = url

    def handle_request(self, request):
        with urllib.request.urlopen(self._url or str(request.url)) as response:
            return httpx.Response(response.status, content=response.read())


@pytest.mark.parametrize("options", [{"ignore_hosts": "127.0.0.1"}, {"live": "http.*"}], ids=["ignored", "live"])
def test_a_call_that_one_library_makes_through_another_is_counted_once(options, server, cassette):
    url = server.on("/x", server.reply(b"answer"))
    with cassette("none", **options) as block, httpx.Client(transport=Over()) as client:
        assert client.get(url).text == "answer"
    assert counts(block) == {"live": 1}


def test_what_a_left_out_call_asks_elsewhere_is_recorded(server, cassette):
    url = server.on("/x", server.reply(b"answer"))
    for mode, counted in (("once", {"recorded": 1, "live": 1}), ("none", {"replayed": 1, "live": 1})):
        with cassette(mode, ignore_hosts="app.example") as block, httpx.Client(transport=Over(url)) as client:
            assert client.get("http://app.example/").text == "answer"
        assert counts(block) == counted
        assert [job.kind for job in block.jobs] == ["http.127.0.0.1"]
    assert server.count == 1


def test_what_a_live_call_asks_elsewhere_runs_too(server, cassette):
    url = server.on("/x", server.reply(b"answer"))
    with cassette(live="http.app.example") as block, httpx.Client(transport=Over(url)) as client:
        assert client.get("http://app.example/").text == "answer"
    assert (counts(block), block.jobs) == ({"live": 1}, [])


@recorder(kind="http_choice.tool")
def tool(url):
    return httpx.get(url).text


@pytest.mark.parametrize(
    ("options", "first", "then"),
    [
        ({}, {"recorded": 1}, {"replayed": 1}),
        ({"kinds": "http.*"}, {"recorded": 1, "live": 1}, {"replayed": 1, "live": 1}),
        ({"live": "http_choice.*"}, {"live": 1}, {"live": 1}),
        ({"kinds": "http_choice.*"}, {"recorded": 1}, {"replayed": 1}),
        ({"hosts": "api.example"}, {"recorded": 1}, {"replayed": 1}),
    ],
    ids=["all", "http", "live", "functions", "hosts"],
)
def test_the_http_of_a_function_is_looked_at_if_the_function_is_left_out(options, first, then, server, cassette):
    url = server.on("/x", server.reply(b"answer"))
    for mode, counted in (("once", first), ("none", then)):
        with cassette(mode, **options) as block:
            assert tool(url) == "answer"
        assert counts(block) == counted


def test_a_left_out_call_that_fails_fails_as_it_does_without_us(server, cassette, client):
    server.stop()
    bare = client.see(server.url)
    with cassette("none", ignore_hosts="127.0.0.1") as block:
        assert client.see(server.url)["error"][0] is bare["error"][0] is not None
    assert counts(block) == {"live": 1}


def test_a_left_out_stream_comes_while_it_is_made(server, cassette):
    url = server.on("/x", server.chunked(b"one", b"two"))
    with cassette("none", ignore_hosts="*") as block, httpx.stream("GET", url) as response:
        assert b"".join(response.iter_raw()) == b"onetwo"
    assert counts(block) == {"live": 1}


def test_parts_of_the_url_can_be_matched_where_servers_have_other_ports(server, cassette):
    url = server.on("/x", server.reply(b"answer"))
    with cassette(match=["method", "path", "query", "body"]):
        httpx.get(url)
    with cassette("none", match=["method", "path", "query", "body"]):
        assert httpx.get("http://127.0.0.1:1/x").text == "answer"
        assert server.count == 1
