"""`redact=["$.place"]`: what stands there is neither in the cassette nor in a key."""

from __future__ import annotations

import httpx

SSN, ID = "078-05-1120", "acct-93kd82ls71"


def test_what_stands_at_a_secret_place_is_not_stored_and_not_asked_for(server, cassette, client, tmp_path):
    body = b'{"user": {"ssn": "078-05-1120", "pin": 4711, "name": "\xc3\xbc"}}'
    url = server.on("/x", server.reply(body, ("Content-Type", "application/json")))

    def ask(ssn):
        asked = b'{"user": {"ssn": "%b"}}' % ssn.encode()
        return b"".join(client.see(url, method="POST", content=asked)["pieces"])

    options = {"redact": ["$.user.ssn", "$.user.pin"]}
    with cassette(**options):
        assert ask(SSN) == body
    stored = (tmp_path / "cassettes" / "jobs.db").read_bytes()
    assert SSN.encode() not in stored
    assert b"4711" not in stored
    with cassette("none", **options) as block:
        answer = httpx.Response(200, content=ask("another machine's")).json()
    assert answer["user"].keys() == {"ssn", "pin", "name"}
    assert (answer["user"]["pin"], answer["user"]["name"]) == (0, "ü")
    assert block.play_count == server.count == 1


def test_what_an_answer_says_at_a_secret_place_is_asked_for_again_by_its_placeholder(server, cassette, tmp_path):
    url = server.on("/new", server.reply(b'{"account": "%b"}' % ID.encode(), ("Content-Type", "application/json")))
    server.on(f"/of/{ID}", server.reply(b"yours"))
    for mode in ("once", "none", "rewrite"):
        with cassette(mode, redact="$.account"):
            account = httpx.get(url).json()["account"]
            assert httpx.get(f"{server.url}/of/{account}").text == "yours"
        assert (account == ID) == (mode != "none")
    assert ID.encode() not in (tmp_path / "cassettes" / "jobs.db").read_bytes()


def test_a_body_without_the_secret_place_is_stored_as_it_came(server, cassette):
    body = b'{"n" : 1e2, "big": 12345678901234567890}'
    url = server.on("/x", server.chunked(body[:5], body[5:]), server.reply(b"data: {}\n\n"))
    for mode in ("once", "none"):
        with cassette(mode, redact=["$.user.ssn", "$..account"]):
            assert [httpx.get(url).content, httpx.get(url).content] == [body, b"data: {}\n\n"]
