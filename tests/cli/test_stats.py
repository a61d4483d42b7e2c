"""The command stats: what is large in a cassette, and because of what."""

from __future__ import annotations

import base64
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from pytest_recorded import recorder, use_cassette

PICTURE = random.Random(1).randbytes(30_000)
BASE64 = base64.b64encode(PICTURE).decode()


@recorder(kind="stats.ask")
def ask(question, size):
    return question[:1] * size


@recorder(kind="stats.pieces")
def pieces():
    yield from ["x" * 500] * 4


@pytest.fixture
def large(tmp_path, monkeypatch, server_url):
    """A cassette with calls that are large in different ways."""
    path = tmp_path / "cassettes" / "jobs.db"
    monkeypatch.chdir(tmp_path)
    with use_cassette(path, scope="t/a.py::test_pictures"):
        httpx.get(f"{server_url}/picture")
        httpx.post(f"{server_url}/look", json={"image": f"data:image/jpeg;base64,{BASE64}"})
    with use_cassette(path, scope="t/b.py::test_texts"):
        ask("q" * 5000, 1)
        ask("q", 2)
        list(pieces())
    return path


@pytest.fixture(scope="module")
def server_url():
    """The address of a server with a picture, which looks at pictures too."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body, kind = (PICTURE, "image/png") if self.path == "/picture" else (b"{}", "application/json")
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(10)


def test_the_largest_calls_are_named_with_what_makes_them_large(cli, large):
    """Request or response, and binary content by its media type, in HTTP bodies and in JSON."""
    found = cli("stats", "--json", "--largest=4").json
    largest = found["largest"]
    assert [one["bytes"] for one in largest] == sorted((one["bytes"] for one in largest), reverse=True)
    by_request = {one["request"].partition(" ")[0].partition("(")[0]: one for one in largest}
    assert set(by_request) == {"GET", "POST", "stats.ask", "stats.pieces"}
    largest_parts = {name: next(iter(one["parts"])) for name, one in by_request.items()}
    assert largest_parts == {"GET": "response", "POST": "request", "stats.ask": "request", "stats.pieces": "response"}
    assert by_request["GET"]["media"] == {"image/png": 30_000}
    assert by_request["POST"]["media"] == {"image/jpeg": 30_000}
    assert by_request["stats.ask"]["media"] == {}
    assert by_request["GET"]["test"] == "t/a.py::test_pictures"


def test_the_bytes_of_a_call_are_those_of_its_parts_and_all_of_them_those_of_all_calls(cli, large):
    found = cli("stats", "--json", "--largest=9").json
    assert len(found["largest"]) == found["total"]["calls"] == 5
    for one in found["largest"]:
        assert one["bytes"] == sum(one["parts"].values())
    assert sum(one["bytes"] for one in found["largest"]) == found["total"]["bytes"]
    listed = {call["id"]: call["bytes"] for call in cli("query", "--json").json}
    assert {one["id"]: one["bytes"] for one in found["largest"]} == listed


def test_the_report_by_test_is_sorted_by_size_and_says_shares_and_what_the_file_takes(cli, large):
    done = cli("stats", "--by=test", "--sort=size", "--largest=1")
    heading, first, second, whole, largest_heading, largest, last = done.out.splitlines()
    assert heading.split() == ["calls", "size", "share", "test"]
    assert first.split()[-1] == "t/a.py::test_pictures"
    assert second.split()[-1] == "t/b.py::test_texts"
    shares = [int(line.split()[-2].rstrip("%")) for line in (first, second)]
    assert shares[0] > shares[1] > 0
    assert sum(shares) == 100
    assert whole.endswith("in all")
    assert largest_heading.split() == ["id", "size", "share", "largest", "calls"]
    assert "(image/" in largest
    assert last.startswith(f"cassettes/jobs.db: {large.stat().st_size / 1000:.0f} kB on disk for ")
    tests = cli("stats", "--by=test", "--sort=size", "--json").json["tests"]
    assert [one["test"] for one in tests] == ["t/a.py::test_pictures", "t/b.py::test_texts"]


def test_what_is_chosen_is_what_shares_and_largest_calls_are_of(cli, large):
    done = cli("stats", "t/b.py::*", "--kind=stats.*", "--json")
    assert {one["test"] for one in done.json["largest"]} == {"t/b.py::test_texts"}
    text = cli("stats", "t/b.py::*").out
    assert "on disk, recorded from" in text
    assert "POST" not in text


def test_without_largest_none_is_named(cli, large):
    assert "largest" not in cli("stats", "--largest=0").out
    assert cli("stats", "--largest=0", "--json").json["largest"] == []


def test_a_row_that_nobody_can_read_has_a_size_all_the_same(cli, cassette, alter):
    alter("request_json = ?, response_json = ?", "kind = 'reading.count'", "{" * 9000, "[")
    largest = cli("stats", "--json", "--largest=1").json["largest"]
    assert (largest[0]["kind"], next(iter(largest[0]["parts"]))) == ("reading.count", "request")
    assert largest[0]["parts"]["request"] == 9000
