"""Which calls are recorded: hosts, ignore_hosts, kinds, live and the hooks, in a test suite."""

from __future__ import annotations

import pytest

TOOLS = """
import world

def use(what):
    world.called("tool " + what)
    return {"used": what}
"""

BOTH = """
import pytest, tools, world

@pytest.mark.recorded("world.ask", "tools.use")
def test_both():
    world.ask("a")
    tools.use("x")
"""

# What becomes of a recorded call of `world.ask`, and of one of `tools.use` that runs live, or is left out.
LIVE = {
    "once": {"replayed": 1, "live": 1},
    "none": {"replayed": 1, "live": 1},
    "new_episodes": {"replayed": 1, "live": 1},
    "all": {"recorded": 1, "live": 1},
    "rewrite": {"recorded": 1, "live": 1},
    "verify": {"unchanged": 1, "live": 1},
    "resume": {"replayed": 1, "live": 1},
    "off": {"live": 2},
}


@pytest.fixture
def both(example):
    """A suite whose two calls are recorded."""
    example.write(tools=TOOLS, test_a=BOTH)
    assert example.run().counts == {"recorded": 2}
    example.forget_calls()
    return example


@pytest.mark.parametrize("mode", LIVE)
def test_a_live_kind_runs_in_every_mode_and_keeps_its_recordings(mode, both):
    before = both.cassette.read_bytes()
    result = both.run(f"--record-mode={mode}", "--record-live=tools.*")
    assert (result.outcomes, result.counts) == ({"passed": 1}, LIVE[mode])
    assert "tool x" in both.calls
    assert ("a" in both.calls) is (mode in ("all", "rewrite", "verify", "off"))
    assert both.cassette.read_bytes() == before


@pytest.mark.parametrize("mode", LIVE)
def test_a_kind_that_is_left_out_runs_in_every_mode_and_rewrite_drops_its_recordings(mode, both):
    before = both.cassette.read_bytes()
    result = both.run(f"--record-mode={mode}", "--record-kinds=world.*")
    unused = {} if mode == "off" else {"unused": 1}
    assert (result.outcomes, result.counts) == ({"passed": 1}, LIVE[mode] | unused)
    assert "tool x" in both.calls
    if mode == "rewrite":
        assert [row[0] for row in both.rows("kind")] == ["world.ask"]
    else:
        assert both.cassette.read_bytes() == before


@pytest.mark.parametrize("mode", ["once", "none", "verify"])
@pytest.mark.parametrize("option", ["--record-live=tools.*", "--record-kinds=world.*"])
def test_what_is_not_recorded_runs_and_stays_unrecorded(mode, option, example):
    example.write(tools=TOOLS, test_a=BOTH.replace('    world.ask("a")\n', ""))
    result = example.run(f"--record-mode={mode}", option)
    assert (result.outcomes, result.counts) == ({"passed": 1}, {"live": 1})
    assert not example.cassette.exists() or example.rows() == []


def test_one_suite_serves_the_models_and_runs_the_tools(both):
    both.write(test_a=BOTH + '    assert tools.use("y") == {"used": "y"}\n')
    result = both.run("--record-mode=none", "--record-live=tools.use")
    assert (result.outcomes, result.counts) == ({"passed": 1}, {"replayed": 1, "live": 2})
    assert both.calls == ["tool x", "tool y"]


INSIDE = """
import pytest, world
from pytest_recorded import recorder

@recorder(kind="inside.tool")
def tool():
    return world.ask("a")

@pytest.mark.recorded("world.ask")
def test_tool():
    assert tool() == {"answer": "A"}
"""


@pytest.mark.parametrize(
    ("option", "first", "then"),
    [
        ("--record-kinds=*", {"recorded": 1}, {"replayed": 1}),
        ("--record-kinds=world.*", {"recorded": 1, "live": 1}, {"replayed": 1, "live": 1}),
        ("--record-live=inside.*", {"live": 1}, {"live": 1}),
    ],
)
def test_what_is_inside_a_call_is_looked_at_if_that_is_left_out_and_runs_if_that_is_live(option, first, then, example):
    example.write(test_a=INSIDE)
    assert example.run(option).counts == first
    result = example.run(option, "--record-mode=none")
    assert (result.outcomes, result.counts) == ({"passed": 1}, then)


@pytest.mark.parametrize("scope", ["test", "suite"])
def test_rewrite_keeps_a_live_kind_and_drops_other_calls_of_a_test(scope, both):
    both.cassette.unlink()
    args = (f"--record-scope={scope}",)
    both.write(test_a=BOTH + '    world.ask("b")\n').run(*args)
    result = both.write(test_a=BOTH).run(*args, "--record-mode=rewrite", "--record-live=tools.*")
    assert result.counts == {"recorded": 1, "live": 1, "unused": 1}
    assert "tools.use" in [row[0] for row in both.rows("kind")]
    assert both.run(*args, "--record-mode=none").counts["replayed"] == 2


@pytest.mark.parametrize("place", ["ini", "marker", "fixture", "class", "addopts"])
def test_the_choice_is_the_same_wherever_it_is_written(place, both):
    if place == "ini":
        both.pytester.makeini("[pytest]\npythonpath = .\nrecord_live =\n    nothing\n    tools.*\n")
    elif place == "addopts":
        both.pytester.makeini("[pytest]\npythonpath = .\naddopts = --record-live=tools.*\n")
    elif place == "fixture":
        both.write(
            conftest="import pytest\n@pytest.fixture\ndef recorded_options(): return {'live': ['nothing', 'tools.*']}\n"
        )
    else:
        both.write(test_a=BOTH.replace('"tools.use")', '"tools.use", live="tools.*")'))
    assert both.run("--record-mode=none").counts == {"replayed": 1, "live": 1}


def test_the_command_line_beats_the_marker(both):
    both.write(test_a=BOTH.replace('"tools.use")', '"tools.use", live="tools.*")'))
    assert both.run("--record-mode=none", "--record-live=world.*").counts == {"replayed": 1, "live": 1}
    assert both.calls == ["a"]


def test_workers_of_xdist_choose_alike(both):
    both.write(test_b=BOTH.replace("test_both", "test_other"))
    both.run()
    both.forget_calls()
    result = both.spawn("-n2", "--record-mode=rewrite", "--record-live=tools.*", plugins=("xdist.plugin",))
    assert (result.outcomes, result.counts) == ({"passed": 2}, {"recorded": 2, "live": 2})
    assert sorted(both.calls) == ["a", "a", "tool x", "tool x"]
    assert len(both.rows()) == 4


SHARED = """
import pytest, tools, world

@pytest.fixture(scope="module")
def prepared():
    tools.use("x")
    return world.ask("a")

@pytest.mark.recorded("world.ask", "tools.use")
def test_prepared(prepared):
    assert prepared == {"answer": "A"}
"""


def test_the_calls_of_a_shared_fixture_are_chosen_too(example):
    example.write(tools=TOOLS, test_a=SHARED)
    example.run()
    before = example.cassette.read_bytes()
    for mode, counts in (("none", {"replayed": 1, "live": 1}), ("rewrite", {"recorded": 1, "live": 1})):
        result = example.run(f"--record-mode={mode}", "--record-live=tools.*")
        assert (result.outcomes, result.counts) == ({"passed": 1}, counts)
        assert example.cassette.read_bytes() == before


LATE = """
import threading, pytest, world, tools

over, done = threading.Event(), threading.Event()

def later():
    over.wait(10)
    tools.use("late")
    done.set()

@pytest.mark.recorded("tools.use", live="tools.*")
def test_leaves_a_thread():
    threading.Thread(target=later).start()

def test_waits_for_it():
    over.set()
    assert done.wait(10)
"""


def test_a_call_that_is_not_the_cassettes_is_not_refused_after_its_test(example):
    result = example.write(tools=TOOLS, test_a=LATE).run("-p", "no:randomly")
    assert result.outcomes == {"passed": 2}
    assert "had ended" not in result.output
    assert example.calls == ["tool late"]


HOOKED = """
import json, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.request import urlopen
import pytest, world

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        world.called(self.path)
        body = b'{"user": "alice"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass

def anonymous(response):
    world.called("hook")
    return response._replace(content=response.content.replace(b"alice", b"bob"))

@pytest.fixture(scope="session")
def api():
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()

@pytest.fixture
def recorded_options():
    return {"before_record_response": anonymous, "match": ["method", "path", "query", "body"]}

@pytest.mark.recorded
def test_user(api):
    with urlopen(api + "/user") as response:
        assert json.load(response)["user"] == NAME
"""


def test_a_hook_of_the_fixture_runs_when_a_test_is_recorded_and_never_when_it_is_replayed(example):
    example.write(test_a=HOOKED.replace("NAME", '"alice"')).run()
    assert example.calls == ["/user", "hook"]
    result = example.write(test_a=HOOKED.replace("NAME", '"bob"')).run("--record-mode=none")
    assert (result.outcomes, result.counts) == ({"passed": 1}, {"replayed": 1})
    assert example.calls == ["/user", "hook"]
    assert b"alice" not in example.cassette.read_bytes()


def test_a_row_names_what_the_test_has_called_and_nothing_that_runs_the_test(example):
    asks = """
import httpx, pytest

@pytest.mark.recorded
@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_ask(recorded):
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("http://127.0.0.1:1/")
    assert recorded.jobs[0].versions == {"httpx": httpx.__version__}
"""
    # This very test is below pytest, on the stack of the one that it runs.
    result = example.write(test_a=asks).run(plugins=("anyio.pytest_plugin",))
    assert (result.outcomes, result.counts) == ({"passed": 1}, {"recorded": 1})


def test_hooks_cannot_be_written_on_the_command_line_or_in_an_ini_file(example):
    assert "before" not in example.run("--help").output.partition("recorded")[2].partition("[pytest] configuration")[0]
    result = example.write(test_a=BOTH, tools=TOOLS).run("--record-before-record-request=x")
    assert result.code == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--record-hosts=http://a.example/", "command line: hosts: 'http://a.example/' is no host."),
        ("--record-live=", "command line: live: '' is no kind."),
    ],
)
def test_a_choice_that_says_nothing_is_an_error_that_says_what_to_write(option, said, example):
    result = example.write(test_a=BOTH, tools=TOOLS).run(option)
    assert result.code == pytest.ExitCode.USAGE_ERROR
    assert said in result.output
