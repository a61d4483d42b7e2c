"""HTTP calls of tests that run in parallel, and of threads that outlive their tests; counted on a real server."""

from __future__ import annotations

import pytest

XDIST = ("xdist.plugin",)
HEAD = """
import os, threading
import httpx2, pytest, requests
URL = os.environ["WORLD_URL"]
pytestmark = pytest.mark.recorded
"""


@pytest.fixture
def asked(serve, monkeypatch):
    """What a server has been asked; its address is in the environment."""
    paths = []

    def answers(path, _body):
        paths.append(path)
        return 200, "text/plain", path.encode()

    monkeypatch.setenv("WORLD_URL", serve(answers))
    return paths


def test_workers_of_xdist_record_each_call_once_into_one_cassette_and_replay_without_the_server(example, asked):
    body = """
@pytest.mark.parametrize("n", range(6))
def test_own(n):
    for i in range(3):
        assert requests.get(f"{URL}/NAME/{n}/{i}", timeout=20).text == f"/NAME/{n}/{i}"

@pytest.mark.parametrize("n", range(3))
def test_threads(n):
    got = []
    def ask(i):
        got.append(httpx2.get(f"{URL}/NAME/thread/{n}/{i}", timeout=20).text)
    threads = [threading.Thread(target=ask, args=(i,)) for i in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert sorted(got) == [f"/NAME/thread/{n}/{i}" for i in range(4)]
"""
    example.write(**{f"test_{name}": HEAD + body.replace("NAME", name) for name in "ab"})
    result = example.spawn("-n2", plugins=XDIST)
    assert (result.outcomes, result.counts) == ({"passed": 18}, {"recorded": 60})
    assert len(asked) == len(set(asked)) == len(example.rows()) == 60
    assert example.staged == []
    # The last test asks for what nobody has recorded.
    example.write(test_c=HEAD + 'def test_x(): requests.get(f"{URL}/c", timeout=20)\n')
    result = example.spawn("-n2", "--record-mode=none", plugins=XDIST)
    assert (result.outcomes, result.counts) == ({"passed": 18, "failed": 1}, {"replayed": 60, "missed": 1})
    assert len(asked) == 60


def test_workers_that_ask_the_same_in_scope_suite_ask_the_server_once(example, asked):
    text = HEAD.replace("pytest.mark.recorded", 'pytest.mark.recorded(scope="suite")')
    text += 'def test_same(): assert requests.get(f"{URL}/same", timeout=20).text == "/same"\n'
    example.write(**{f"test_{name}": text for name in "abcd"})
    result = example.spawn("-n2", "--dist=loadfile", plugins=XDIST)
    assert result.counts == {"recorded": 1, "replayed": 3}
    assert asked == ["/same"]
    assert example.run("--record-mode=none").counts == {"replayed": 4}
    assert asked == ["/same"]


LATE = (
    HEAD
    + """
go, done, seen = threading.Event(), threading.Event(), []

def late():
    go.wait(20)
    try:
        seen.append(CLIENT.get(f"{URL}/late", timeout=20).text)
    except BaseException as error:
        seen.append(type(error).__name__)
    done.set()

def test_a():
    threading.Thread(target=late).start()

def test_b():
    go.set()
    assert done.wait(20)
    assert requests.get(f"{URL}/b", timeout=20).text == "/b"
    assert seen == ["MissingRecording"]
"""
)


@pytest.mark.parametrize("client", ["requests", "httpx2"])
def test_a_request_of_a_thread_that_outlives_its_test_is_refused_and_named(client, example, asked):
    example.write(test_a=LATE.replace("CLIENT", client))
    for arguments, count in (((), {"recorded": 1}), (("--record-mode=none",), {"replayed": 1})):
        result = example.run(*arguments)
        assert (result.outcomes, result.counts) == ({"passed": 2}, count)
        assert "/late" in result.output
        assert "was called after test_a.py::test_a had ended: refused" in result.output
    assert asked == ["/b"]


def test_a_stream_that_a_thread_reads_on_after_its_test_is_kept_as_far_as_it_was_read(example, asked):
    example.write(
        test_a=HEAD
        + """
opened, go, read = threading.Event(), threading.Event(), []

def follow():
    with requests.get(f"{URL}/{'long' * 5000}", stream=True, timeout=20) as response:
        pieces = response.iter_content(10)
        read.append(next(pieces))
        opened.set()
        go.wait(20)
        try:
            read.extend(pieces)
        except BaseException as error:
            read.append(type(error).__name__)

def test_a():
    test_a.thread = threading.Thread(target=follow)
    test_a.thread.start()
    assert opened.wait(20)

def test_b():
    go.set()
    test_a.thread.join(20)
    assert read[0] == b"/longlongl"
"""
    )
    result = example.run()
    assert (result.outcomes, result.counts) == ({"passed": 2}, {"recorded": 1})
    result = example.run("--record-mode=none")
    assert (result.outcomes, result.counts) == ({"passed": 2}, {"replayed": 1})
    assert len(asked) == 1
