"""Hooks: what is stored is what they return, once; the caller and the key know nothing of them."""

from __future__ import annotations

import gzip
import json

import httpx
import pytest

from pytest_recorded import HttpRequest, HttpResponse, MissingRecording, RecordedWarning

SECRET = "sk-" + "a1B2c3D4" * 4


def counts(block):
    return {name: number for name, number in block._scope.counts.items() if number}


class Noting:
    """A hook that remembers what it was given."""

    def __init__(self, change=lambda message: message):
        self.seen = []
        self._change = change

    def __call__(self, message):
        self.seen.append(message)
        return self._change(message)


def shout(response):
    return response._replace(content=response.content.upper() + b"!")


def test_hooks_run_once_when_a_call_is_recorded_and_never_again(server, cassette, client):
    url = server.on("/x", server.reply(b"answer", ("X-Made", "here")))
    ask, answer = Noting(lambda request: request._replace(url=request.url + "?asked")), Noting(shout)
    hooks = {"before_record_request": ask, "before_record_response": answer}
    with cassette(**hooks) as block:
        assert b"".join(client.see(url, method="POST", content=b"question")["pieces"]) == b"answer"
    assert [(type(seen), seen.method, seen.url, seen.content) for seen in ask.seen] == [
        (HttpRequest, "POST", url, b"question")
    ]
    assert [(type(seen), seen.status, seen.header("x-made"), seen.content) for seen in answer.seen] == [
        (HttpResponse, 200, "here", b"answer")
    ]
    server.stop()
    with cassette("none", **hooks) as block:
        replayed = client.see(url, method="POST", content=b"question")
        assert (b"".join(replayed["pieces"]), replayed["error"]) == (b"ANSWER!", None)
    assert (len(ask.seen), len(answer.seen)) == (1, 1)
    assert [(job.request.url, job.response.content) for job in block.jobs] == [(url + "?asked", b"ANSWER!")]
    assert server.count == 1


def test_several_hooks_run_one_after_the_other(server, cassette):
    url = server.on("/x", server.reply(b"a"))
    hooks = [lambda answer: answer._replace(content=answer.content + b"b"), shout]
    with cassette(before_record_response=hooks) as block:
        httpx.get(url)
    assert block.jobs[0].response.content == b"AB!"


def test_a_hook_sees_a_body_without_its_encoding(server, cassette, client):
    packed = gzip.compress(b'{"text": "long, long"}')
    url = server.on("/x", server.reply(packed, ("Content-Encoding", "gzip"), ("Content-Type", "application/json")))
    answer = Noting(lambda response: response._replace(content=response.content.replace(b"long", b"short")))
    with cassette(before_record_response=answer):
        client.see(url)
    assert answer.seen[0].json() == {"text": "long, long"}
    with cassette("none"):
        seen = client.see(url)
    body = b"".join(seen["pieces"])
    assert body in (b'{"text": "short, short"}', gzip.compress(b'{"text": "short, short"}', mtime=0))


def test_a_changed_stream_keeps_the_pieces_that_were_not_changed(server, cassette, httpx_client):
    pieces = [b'data: {"n": 1}\n\n', b'data: {"user": "alice"}\n\n', b"data: [DONE]\n\n"]
    url = server.on("/x", server.chunked(*pieces))

    def anonymous(response):
        return response._replace(content=response.content.replace(b"alice", b"bo"))

    with cassette(before_record_response=anonymous) as block:
        recorded = httpx_client.see(url, "raw")["pieces"]
    (job,) = block.jobs
    assert b"".join(recorded) == b"".join(pieces)
    assert [piece.replace(b"bo", b"alice") for piece in job.response.pieces()] == recorded
    server.stop()
    with cassette("none"):
        assert b"".join(httpx_client.see(url, "raw")["pieces"]) == b"".join(pieces).replace(b"alice", b"bo")


def test_a_hook_may_give_pieces_of_its_own(server, cassette):
    url = server.on("/x", server.chunked(b"one", b"two"))
    with cassette(before_record_response=lambda r: r._replace(content=b"abcd", chunks=((0.0, 1), (5.0, 3)))) as block:
        httpx.get(url)
    assert block.jobs[0].response.pieces() == [b"a", b"bcd"]


@pytest.mark.filterwarnings("ignore:Async generator 'http(x|core):ResourceWarning")
def test_an_early_closed_stream_passes_the_hook_as_far_as_it_was_read(server, cassette, httpx_client):
    url = server.on("/x", (server.head(), server.chunk(b"one"), server.chunk(b"x" * 70000), server.chunk()))
    answer = Noting(shout)
    with cassette(before_record_response=answer) as block:
        httpx_client.see(url, "raw", limit=1)
    assert len(answer.seen) == 1
    assert answer.seen[0].end == block.jobs[0].response.end == "closed"
    assert block.jobs[0].response.content == answer.seen[0].content.upper() + b"!"


def test_the_key_is_made_of_what_was_asked(server, cassette):
    url = server.on("/x", server.reply(b"1"), server.reply(b"2"))
    same = HttpRequest("GET", "http://same.example/", ())
    with cassette(before_record_request=lambda _: same) as block:
        httpx.post(url, content=b"a")
        httpx.post(url, content=b"b")
    assert len({job.key for job in block.jobs}) == 2
    assert [job.request.url for job in block.jobs] == ["http://same.example/"] * 2
    with cassette("none"):
        assert [httpx.post(url, content=content).text for content in (b"b", b"a")] == ["2", "1"]


def test_what_a_hook_brings_back_of_a_secret_is_hidden_after_it(server, cassette, tmp_path):
    url = server.on("/x", server.reply(json.dumps({"access_token": SECRET}).encode()))

    def leak_request(request):
        return request._replace(url=f"{request.url}?was={request.header('authorization').split()[1]}")

    def leak_response(response):
        return response._replace(
            content=f"it was {response.json()['access_token']}".encode(),
            headers=(("x-copied", response.json()["access_token"]),),
        )

    hooks = {"before_record_request": leak_request, "before_record_response": leak_response}
    with cassette(**hooks) as block:
        given = httpx.get(url, headers={"authorization": "Bearer sk-" + "z9Y8x7W6" * 4})
        assert given.json() == {"access_token": SECRET}
    stored = (tmp_path / "cassettes" / "jobs.db").read_bytes()
    assert SECRET.encode() not in stored
    assert b"z9Y8x7W6" not in stored
    (job,) = block.jobs
    assert job.response.text.startswith("it was redacted-")
    assert job.request.url == url + "?was=redacted"


def test_headers_that_a_hook_adds_to_a_request_are_stored_only_if_such_headers_are(server, cassette):
    url = server.on("/x", server.reply(b""))

    def add(request):
        return request._replace(headers=[("Accept", "text/x"), ("X-Mine", "1")])

    with cassette(before_record_request=add) as block:
        httpx.get(url)
    assert block.jobs[0].request.headers == (("Accept", "text/x"),)


def returning(value):
    return lambda message: value


def raising(message):
    raise KeyError("user")


FAULTS = [
    ("before_record_request", raising, "raised KeyError: 'user'"),
    ("before_record_response", raising, "raised KeyError: 'user'"),
    ("before_record_request", returning(None), "returned None"),
    ("before_record_response", returning(None), "returned None"),
    ("before_record_request", lambda message: message._replace(content="text"), "returned content='text', which is "),
    ("before_record_response", lambda message: message._replace(status="200"), "returned status='200', which is not"),
    ("before_record_response", lambda message: message._replace(headers={"a": "b"}), "returned headers={'a': 'b'}, "),
    ("before_record_response", lambda message: message._replace(headers=[("a", 1)]), "which are no pairs of strings"),
    ("before_record_response", returning(HttpRequest("GET", "http://x/", ())), "returned HttpRequest("),
]


@pytest.mark.parametrize("scope", ["test", "suite"])
@pytest.mark.parametrize("index", range(len(FAULTS)))
def test_a_hook_that_fails_costs_the_recording_not_the_answer(index, scope, server, cassette):
    option, hook, said = FAULTS[index]
    url = server.on("/x", server.reply(b"answer"))
    with cassette(scope=scope, **{option: hook}) as block, pytest.warns(RecordedWarning) as caught:
        assert httpx.get(url).text == "answer"
    assert counts(block) == {"live": 1}
    assert block.jobs == []
    (warning,) = caught
    assert said in str(warning.message)
    assert f"{option}=" in str(warning.message)
    assert "To leave calls out use hosts=, ignore_hosts= or kinds=." in str(warning.message)


def test_a_hook_that_fails_in_another_client_costs_no_answer_either(server, cassette, client):
    url = server.on("/x", server.reply(b"answer"))
    with cassette(before_record_response=raising) as block, pytest.warns(RecordedWarning, match="raised KeyError"):
        assert b"".join(client.see(url)["pieces"]) == b"answer"
    assert counts(block) == {"live": 1}


def test_what_a_hook_itself_asks_for_is_not_recorded(server, cassette):
    url, other = server.on("/x", server.reply(b"answer")), server.on("/other", server.reply(b"more"))

    def asking(message):
        return message if isinstance(message, HttpRequest) else message._replace(content=httpx.get(other).content)

    with cassette(before_record_request=asking, before_record_response=asking) as block:
        httpx.get(url)
    assert [(job.request.url, job.response.text) for job in block.jobs] == [(url, "more")]


def test_no_hook_sees_a_function_a_refused_call_or_one_that_is_left_out(server, cassette):
    hook = Noting()
    hooks = {"before_record_request": hook, "before_record_response": hook}
    url = server.on("/x", server.reply(b"answer"))
    with cassette("none", **hooks) as block:
        with pytest.raises(BaseException, match="No recording for GET"):
            httpx.get(url)
        block._scope.misses.clear()
    with cassette(ignore_hosts="127.0.0.1", **hooks):
        httpx.get(url)
    with cassette("off", **hooks):
        httpx.get(url)
    assert hook.seen == []


def test_a_miss_shows_what_was_asked_and_no_hook_runs_for_it(server, cassette):
    hook = Noting(lambda request: request._replace(url=request.url + "?hooked"))
    url = server.on("/x", server.reply(b"answer"))
    with cassette(before_record_request=hook):
        httpx.post(url, content=b"a")
    with cassette("none", before_record_request=hook) as block:
        with pytest.raises(MissingRecording) as miss:
            httpx.post(url, content=b"b")
        block._scope.misses.clear()
    assert f"No recording for POST {url}\n" in str(miss.value)
    assert "hooked" in str(miss.value).partition("Nearest recorded request")[2]
    assert len(hook.seen) == 1


def test_a_failed_request_passes_only_the_hook_of_requests(server, cassette, client):
    server.stop()
    ask, answer = Noting(), Noting()
    with cassette(before_record_request=ask, before_record_response=answer) as block:
        client.see(server.url)
    assert (len(ask.seen), len(answer.seen), len(block)) == (1, 0, 1)


def test_verify_compares_what_would_be_stored(server, cassette, client):
    url = server.on("/x", server.reply(b"at 12:00"), server.reply(b"at 12:01"))
    ask, answer = Noting(), Noting(lambda response: response._replace(content=response.content[:2]))
    hooks = {"before_record_request": ask, "before_record_response": answer}
    with cassette(**hooks):
        client.see(url)
    with cassette("verify", **hooks) as block:
        assert b"".join(client.see(url)["pieces"]) == b"at"
    assert counts(block) == {"unchanged": 1}
    assert (len(ask.seen), len(answer.seen)) == (2, 2)


@pytest.mark.parametrize("option", ["before_record_request", "before_record_response"])
def test_a_hook_that_fails_while_verifying_is_told_and_changes_nothing(option, server, cassette, tmp_path):
    url = server.on("/x", server.reply(b"answer"))
    with cassette():
        httpx.get(url)
    before = (tmp_path / "cassettes" / "jobs.db").read_bytes()
    told = pytest.warns(RecordedWarning, match="raised KeyError|1 changed")
    with told, cassette("verify", **{option: raising}) as block:
        assert httpx.get(url).text == "answer"
    # What could not be compared is never taken for unchanged.
    assert (counts(block), len(told)) == ({"live": 1, "changed": 1}, 2)
    assert [str(call.change_class) for call in block._scope.changes] == ["error"]
    assert (tmp_path / "cassettes" / "jobs.db").read_bytes() == before


def test_rewriting_an_unchanged_world_through_a_hook_changes_no_byte(server, cassette, tmp_path):
    url = server.on("/x", server.reply(b"at 12:00"), server.reply(b"at 12:01"))
    written = []
    for mode in ("once", "rewrite"):
        with cassette(mode, before_record_response=lambda response: response._replace(content=response.content[:2])):
            httpx.get(url)
        written.append((tmp_path / "cassettes" / "jobs.db").read_bytes())
    assert written[0] == written[1]
