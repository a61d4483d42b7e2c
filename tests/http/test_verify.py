"""Verifying: the world is called again, the caller goes on with what is recorded, and the difference is counted."""

from __future__ import annotations

import http.client

import pytest

# httpx leaves generators of its own behind when a stream is closed early, and trio says so. We add none.
pytestmark = pytest.mark.filterwarnings("ignore:Async generator 'http(x|core):ResourceWarning")


def counted(block):
    return {name: number for name, number in block._scope.counts.items() if number}


def replay(client, cassette, url, how="read", limit=None):
    """Record a request; return what its replay gives."""
    for _ in range(2):
        with cassette(scope=url):
            seen = client.see(url, how, limit=limit)
    return seen


def pieces(server, *bodies):
    return server.chunked(*bodies, headers=(("Content-Type", "text/event-stream"),))


@pytest.mark.parametrize("how", ["read", "stream"])
def test_the_caller_gets_the_recorded_answer_when_the_world_has_another(client, server, cassette, verifying, how):
    how = how if how == "read" else "raw" if client.is_httpx else "some"
    url = server.on("/x", pieces(server, b"old ", b"answer"), pieces(server, b"new"))
    recorded = replay(client, cassette, url, how)
    with verifying(cassette("verify", scope=url)) as block:
        assert client.see(url, how) == recorded
    assert (counted(block), server.count) == ({"changed": 1}, 2)


def test_an_answer_that_is_the_same_in_other_chunks_has_not_changed(client, server, cassette, verifying):
    url = server.on("/x", pieces(server, b"one ", b"answer"), pieces(server, b"one an", b"sw", b"er"))
    recorded = replay(client, cassette, url)
    with verifying(cassette("verify", scope=url)) as block:
        assert client.see(url) == recorded
    assert counted(block) == {"unchanged": 1}


def test_a_body_that_was_left_early_is_read_no_further_to_be_compared(client, server, cassette, verifying):
    """Else a stream that never ends would never be verified."""
    how = "raw" if client.is_httpx else "some"
    endless = (*pieces(server, b"12345", b"67890")[:-1], "hang")
    url = server.on("/x", endless)
    recorded = replay(client, cassette, url, how, limit=1)
    with verifying(cassette("verify", scope=url)) as block:
        assert client.see(url, how, limit=1) == recorded
    assert counted(block) == {"unchanged": 1}


def test_an_answer_that_breaks_off_now_has_changed_and_does_not_reach_the_caller(client, server, cassette, verifying):
    url = server.on("/x", pieces(server, b"whole"), (*pieces(server, b"who")[:-1], "close"))
    recorded = replay(client, cassette, url)
    with verifying(cassette("verify", scope=url)) as block:
        assert client.see(url) == recorded
    assert counted(block) == {"changed": 1}


def test_a_server_that_has_gone_is_a_change_and_does_not_reach_the_caller(client, server, cassette, verifying):
    url = server.on("/x", server.reply(b"here"))
    recorded = replay(client, cassette, url)
    server.stop()
    with verifying(cassette("verify", scope=url)) as block:
        assert client.see(url) == recorded
    assert counted(block) == {"changed": 1}


def test_what_is_not_recorded_is_new_and_its_caller_gets_what_came(client, server, cassette, verifying):
    url = server.on("/x", server.reply(b"here"))
    with verifying(cassette("verify", scope=url)) as block:
        assert client.see(url)["pieces"] == [b"here"]
    assert counted(block) == {"new": 1}


def test_many_requests_over_one_connection_are_verified(server, cassette, verifying):
    for number in range(6):
        server.on(f"/{number}", pieces(server, b"old"), pieces(server, b"new" if number % 2 else b"old"))

    def ask():
        connection, got = http.client.HTTPConnection("127.0.0.1", server.port), []
        for number in range(6):
            connection.request("GET", f"/{number}")
            got.append(connection.getresponse().read())
        connection.close()
        return got

    with cassette():
        assert ask() == [b"old"] * 6
    with verifying(cassette("verify")) as block:
        assert ask() == [b"old"] * 6
    assert counted(block) == {"changed": 3, "unchanged": 3}
    assert len({asked.connection for asked in server.asked}) == 2
