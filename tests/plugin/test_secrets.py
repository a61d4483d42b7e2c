"""Secrets planted in every place of calls are found in no byte that a run leaves behind, nor in what it prints."""

from __future__ import annotations

import http.server
import json
import threading

import pytest

PLACES = (
    "bearer", "apikey", "cookie", "custom", "query", "querytoken", "form", "formsecret", "json", "nested", "refresh",
    "injson", "multipart", "userinfo", "environment", "exception", "argument", "keyword", "dataclass", "answer",
    "setcookie", "location", "account", "returned", "inurl", "basic", "trace",
)  # fmt: skip

# Long, with letters and digits, and each one unmistakable.
SECRETS = {place: f"S3cr3t{place}{index:03d}Zz9x" for index, place in enumerate(PLACES)}


class Handler(http.server.BaseHTTPRequestHandler):
    """Says back everything that it was told, the worst that a server can do."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode("latin-1")
        if self.path.startswith("/redirect"):
            self.send_response(307)
            self.send_header("location", f"/landed?access_token={SECRETS['location']}")
            self.send_header("content-length", "0")
            self.end_headers()
            return
        answer = {
            "headers": dict(self.headers.items()),
            "body": body,
            "path": self.path,
            "access_token": SECRETS["answer"],
            "error": f"invalid credentials: api_key={SECRETS['trace']}",
        }
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("set-cookie", f"session={SECRETS['setcookie']}; Path=/; HttpOnly")
        self.send_header("openai-organization", SECRETS["account"])
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST  # noqa: N815 - the name that http.server looks for

    def log_message(self, *_args):
        pass


@pytest.fixture
def url():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


TESTS = """
import base64, dataclasses, json, os, urllib.request
import httpx, pytest, world
SECRETS = %r
URL = %r
EXTRA = 0

def get(name): return SECRETS[name]

@dataclasses.dataclass
class Login:
    user: str
    password: str

class LoginError(Exception): pass

def login(user, password, *, api_key=None, extra=0): return {"token": get("returned"), "user": user}
def store(form: Login) -> Login: return form
def fail(key): raise LoginError(f"the key {os.environ['SHOP_API_KEY']} is wrong, Bearer {get('exception')}")

def everything():
    client = httpx.Client(headers={"authorization": "Bearer " + get("bearer"), "x-api-key": get("apikey"),
                                   "x-auth-token": get("custom")}, cookies={"sid": get("cookie")})
    client.post(URL + "/q", params={"api_key": get("query"), "token": get("querytoken"), "q": EXTRA})
    client.post(URL + "/form", data={"user": "bob", "password": get("form"), "client_secret": get("formsecret")})
    client.post(URL + "/json", json={"api_key": get("json"), "a": [{"deep": {"password": get("nested")}}],
                                     "refresh_token": get("refresh"), "n": EXTRA,
                                     "arguments": json.dumps({"access_token": get("injson")})})
    client.post(URL + "/multi", files={"file": ("a.txt", b"x")}, data={"password": get("multipart")})
    client.post(URL.replace("://", "://bob:" + get("userinfo") + "@") + "/user")
    client.post(URL + "/env", json={"anything": "value " + os.environ["SHOP_API_KEY"] + " in prose"})
    client.post(URL + "/redirect", follow_redirects=True)
    client.get(URL + "/jobs/" + client.post(URL + "/token").json()["access_token"])
    basic = base64.b64encode(("bob:" + get("basic")).encode()).decode()
    urllib.request.urlopen(urllib.request.Request(URL + "/u", headers={"Authorization": "Basic " + basic})).read()
    urllib.request.urlopen(URL + "/u2?password=" + get("inurl")).read()
    login("bob", get("argument"), api_key=get("keyword"), extra=EXTRA)
    store(Login("bob", get("dataclass")))
    with pytest.raises(LoginError): fail(1)

@pytest.mark.recorded("test_a.login", "test_a.store", "test_a.fail")
def test_x(): everything()

@pytest.mark.recorded("test_a.login", "test_a.store", "test_a.fail")
def test_fails():
    everything()
    if EXTRA == 0: assert 0, "so that its calls stay in staging"
"""


def _run(example, url, *args, extra=0):
    text = (TESTS % (SECRETS, url)).replace("EXTRA = 0", f"EXTRA = {extra}")
    # The secrets are in the source of the test, which tracebacks show: here they come from elsewhere.
    text = text.replace(f"SECRETS = {SECRETS!r}", "SECRETS = json.loads(os.environ['PLANTED'])")
    example.write(test_a=text)
    planted = json.dumps(SECRETS)
    return example.spawn("--tb=short", *args, PLANTED=planted, SHOP_API_KEY=SECRETS["environment"])


def _leaks(data: bytes) -> list[str]:
    return [place for place, secret in SECRETS.items() if secret.encode() in data]


def test_secrets_are_in_no_file_and_in_no_output(example, url):
    recorded = _run(example, url)
    assert recorded.outcomes == {"passed": 1, "failed": 1}, recorded.output
    assert len(example.staged) == 1
    replayed = _run(example, url, "--record-mode=none", "-k", "test_x")
    assert (replayed.outcomes, replayed.counts) == ({"passed": 1, "deselected": 1}, {"replayed": 15}), replayed.output
    # A miss prints requests, the recorded one and the new one.
    missed = _run(example, url, "--record-mode=none", "-k", "test_x", extra=1)
    assert "Nearest recorded request" in missed.output
    for result in (recorded, replayed, missed):
        assert _leaks(result.output.encode()) == []
    files = [path for path in example.folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"jobs.db"}
    for path in files:
        assert (path.name, _leaks(path.read_bytes())) == (path.name, [])


def test_a_suite_recorded_with_secrets_is_replayed_on_a_machine_without_them(example, url):
    _run(example, url, "--record-failed")
    text = (example.folder / "test_a.py").read_text()
    text = text.replace("def get(name): return SECRETS[name]", 'def get(name): return "other" + name + "0123456789abc"')
    example.write(test_a=text.replace("json.loads(os.environ['PLANTED'])", "None"))
    result = example.spawn("--record-mode=none", "-k", "test_x", SHOP_API_KEY="another-key-0123456789")
    assert (result.outcomes, result.counts) == ({"passed": 1, "deselected": 1}, {"replayed": 15}), result.output
