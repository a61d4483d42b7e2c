"""Calls of more than one request, and of requests that are more than a URL."""

from __future__ import annotations

import http.cookiejar
import urllib.request

import pytest


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_chain_of_redirects_is_followed_again(status, method, client, server, cassette):
    server.on("/1", server.reply(b"", ("Location", "/2?a=1"), status=status, reason="Go"))
    server.on("/2", server.reply(b"on", ("Location", f"{server.url}/3"), ("Set-Cookie", "a=b"), status=status))
    server.on("/3", server.reply(b"there"))
    more = {"follow_redirects": True} if client.is_httpx else {}
    if method == "POST":
        more["content"] = b"data"
    live = client.see(server.url + "/1", method=method, **more)
    with cassette() as recorded:
        assert client.see(server.url + "/1", method=method, **more) == live
        count = len(recorded)
    assert count == server.count / 2
    server.stop()
    with cassette("none"):
        replayed = client.see(server.url + "/1", method=method, **more)
    if client.is_httpx:
        assert [past[0] for past in replayed["history"]] == [status, status]
    assert replayed == live


def test_a_redirect_that_is_not_followed_is_a_response(httpx_client, server, cassette):
    url = server.on("/1", server.reply(b"", ("Location", "/2"), status=302))
    with cassette():
        live = httpx_client.see(url)
    server.stop()
    with cassette("none"):
        assert httpx_client.see(url) == live
    assert live["next"] == f"{server.url}/2"


def test_a_ring_of_redirects_is_given_up_again(client, server, cassette):
    url = server.on("/1", server.reply(b"", ("Location", "/1"), status=302))
    more = {"follow_redirects": True} if client.is_httpx else {}
    with cassette() as recorded:
        live = client.see(url, **more)
        assert len(recorded) == server.count
    server.stop()
    with cassette("none"):
        assert client.see(url, **more) == live


def test_cookies_keep_their_names_and_attributes(client, server, cassette):
    headers = ("Set-Cookie", "sid=c2VjcmV0LXNlc3Npb24; Path=/; HttpOnly"), ("Set-Cookie", "theme=dark; Max-Age=60")
    url = server.on("/x", server.reply(b"x", *headers))
    with cassette():
        live = client.see(url)
    server.stop()
    with cassette("none"):
        replayed = client.see(url)
    cookies = [value for name, value in replayed["headers"] if name == "Set-Cookie"]
    assert [cookie.partition("=")[0] for cookie in cookies] == ["sid", "theme"]
    assert [cookie.partition(";")[2] for cookie in cookies] == [" Path=/; HttpOnly", " Max-Age=60"]
    assert "c2VjcmV0" not in str(replayed)
    assert replayed.get("cookies") == live.get("cookies")


def test_a_session_by_cookies_is_replayed(httpx_client, server, cassette):
    lib = httpx_client.lib
    login = server.on("/login", server.reply(b"", ("Set-Cookie", "sid=abcdef123456; Path=/")))
    home = server.on("/home", lambda asked: server.reply(asked.headers.get("cookie", "nobody").encode()))

    def visit():
        with lib.Client(trust_env=False) as client:
            client.get(login)
            return client.get(home), dict(client.cookies)

    with cassette():
        live, jar = visit()
    assert live.text == "sid=abcdef123456"
    assert jar == {"sid": "abcdef123456"}
    server.stop()
    with cassette("none"):
        replayed, jar = visit()
    assert list(jar) == ["sid"]
    assert replayed.text == f"sid={jar['sid']}"


def test_a_session_by_cookies_is_replayed_to_urllib(server, cassette):
    login = server.on("/login", server.reply(b"", ("Set-Cookie", "sid=abcdef123456; Path=/")))
    home = server.on("/home", lambda asked: server.reply(asked.headers.get("cookie", "nobody").encode()))

    def visit():
        jar = http.cookiejar.CookieJar()
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        opener.open(login).close()
        with opener.open(home) as response:
            return response.read().decode(), [cookie.name for cookie in jar]

    with cassette():
        assert visit() == ("sid=abcdef123456", ["sid"])
    server.stop()
    with cassette("none"):
        text, names = visit()
    assert names == ["sid"]
    assert text.startswith("sid=redacted")


def test_head_has_a_length_and_no_body(client, server, cassette):
    url = server.on("/x", server.reply(b"", ("Content-Type", "text/plain"), length=1234))
    with cassette():
        live = client.see(url, method="HEAD")
    assert ("Content-Length", "1234") in live["headers"]
    server.stop()
    with cassette("none"):
        assert client.see(url, method="HEAD") == live


def test_a_head_that_nobody_read_can_be_read_in_a_replay(httpx_client, server, cassette):
    url = server.on("/x", server.reply(b"", length=1234))
    with cassette():
        httpx_client.see(url, "raw", method="HEAD", limit=0)
    server.stop()
    with cassette("none"):
        assert httpx_client.see(url, method="HEAD")["pieces"] == [b""]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_retry_need_not_wait_in_a_replay(status, client, server, cassette):
    told = [("Retry-After", "120"), ("retry-after-ms", "120000"), ("X-Last", "yes")]
    busy = server.reply(b"busy", *told, status=status, reason="Busy")
    url = server.on("/x", busy, server.reply(b"done"))
    with cassette():
        live = [client.see(url) for _ in range(2)]
    assert ("Retry-After", "120") in live[0]["headers"]
    server.stop()
    with cassette("none"):
        replayed = [client.see(url) for _ in range(2)]
    at_once = {"Retry-After": "0", "retry-after-ms": "1"}
    live[0]["headers"] = [(name, at_once.get(name, value)) for name, value in live[0]["headers"]]
    assert replayed == live


def test_basic_auth_is_not_stored(client, server, cassette, tmp_path):
    url = server.on("/x", lambda asked: server.reply(asked.headers.get("authorization", "none").encode()))
    if client.is_httpx:
        more = {"auth": ("ann", "correct-horse-1")}
    else:
        more = {"headers": {"Authorization": "Basic YW5uOmNvcnJlY3QtaG9yc2UtMQ=="}}
    with cassette():
        assert client.see(url, **more)["pieces"] == [b"Basic YW5uOmNvcnJlY3QtaG9yc2UtMQ=="]
    server.stop()
    with cassette("none"):
        assert b"YW5uO" not in client.see(url, **more)["pieces"][0]
    stored = (tmp_path / "cassettes" / "jobs.db").read_bytes()
    assert b"correct-horse" not in stored
    assert b"YW5uO" not in stored


def test_digest_auth_is_answered_again(httpx_client, server, cassette):
    lib = httpx_client.lib
    challenge = 'Digest realm="r", qop="auth", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9"'
    url = server.on("/x", server.reply(b"", ("WWW-Authenticate", challenge), status=401), server.reply(b"in"))
    with cassette() as recorded:
        live = httpx_client.see(url, auth=lib.DigestAuth("ann", "pw"))
        assert [job.response.status for job in recorded.jobs] == [401, 200]
    assert live["pieces"] == [b"in"]
    server.stop()
    with cassette("none"):
        assert httpx_client.see(url, auth=lib.DigestAuth("ann", "pw")) == live


def test_digest_auth_of_urllib_is_answered_again(server, cassette):
    challenge = 'Digest realm="r", qop="auth", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    url = server.on("/x", server.reply(b"", ("WWW-Authenticate", challenge), status=401), server.reply(b"in"))

    def ask():
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, url, "ann", "pw")
        with urllib.request.build_opener(urllib.request.HTTPDigestAuthHandler(passwords)).open(url) as response:
            return response.read()

    with cassette():
        assert ask() == b"in"
    server.stop()
    with cassette("none"):
        assert ask() == b"in"


def test_through_a_proxy_the_same_call_is_found(client, server, cassette):
    server.on("/x", lambda asked: server.reply(asked.target.encode()))
    target = f"http://upstream.example:8080{'/x'}"
    server.scripts[target] = server.scripts["/x"]
    with cassette() as recorded:
        if client.is_httpx:
            live = client.see(target, proxy=server.url)
        else:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": server.url}))
            with opener.open(target) as response:
                live = {"pieces": [response.read()]}
        assert [job.request.url for job in recorded.jobs] == [target]
    assert live["pieces"] == [target.encode()]
    server.stop()
    with cassette("none"):
        assert client.see(target)["pieces"] == live["pieces"]
