"""Connections past the recorder: with `block_network` they are refused; counted as live and named they always are."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

HEAD = """
import asyncio, contextlib, pytest, socket, threading
HOST, PORT = {host!r}, {port}

def connect(port=PORT):
    socket.create_connection((HOST, port)).close()

def swallow(port=PORT):
    with contextlib.suppress(Exception):
        connect(port)

"""
MARK = "pytestmark = pytest.mark.recorded\n"
FLAGS = ["--record-block-network", "--block-network"]


@pytest.fixture
def project(example, elsewhere):
    """A project whose tests know a host that is not the loopback."""

    def write(test, *, marked=True, name="test_a", **files):
        text = HEAD.format(host=elsewhere.host, port=elsewhere.port) + (MARK if marked else "") + test
        return example.write(**{"conftest": elsewhere.conftest, name: text} | files)

    return write


def named(result):
    """Return the lines that name connections, without the line of the code."""
    lines = [line for line in result.output.splitlines() if line.startswith(("  live: ", "  blocked: "))]
    return [line.strip().partition(" (")[0] for line in lines]


# Without the flag.


def test_what_a_recorded_test_does_past_every_seam_is_counted_as_live_and_named(project, elsewhere):
    result = project("def test_x():\n    connect()\n").run()
    assert (result.outcomes, result.counts) == ({"passed": 1}, {"live": 1})
    line = next(n for n, text in enumerate(HEAD.splitlines(), 1) if "create_connection" in text)
    expected = f"  live: test_a.py::test_x to {elsewhere.shown} (test_a.py:{line} in connect)"
    assert expected in result.output.splitlines()
    assert elsewhere.came == 1


def test_it_is_so_in_a_replay_too(project, elsewhere):
    test = "import world\n@pytest.mark.recorded('world.ask')\ndef test_x():\n    world.ask('a')\n    connect()\n"
    assert project(test).run().counts == {"recorded": 1, "live": 1}
    assert project(test).run("--record-mode=none").counts == {"replayed": 1, "live": 1}
    assert elsewhere.came == 2


def test_what_unmarked_tests_do_is_their_own_affair(project, elsewhere):
    test = "def test_x(): connect()\n@pytest.mark.recorded\ndef test_y(): pass\ndef test_z(): connect()\n"
    result = project(test, marked=False).run()
    assert (result.counts, named(result)) == ({}, [])
    assert elsewhere.came == 2


def test_a_line_that_connects_often_is_named_once_with_its_count(project, elsewhere):
    result = project("def test_x():\n    for _ in range(3): connect()\n").run()
    assert result.counts == {"live": 3}
    assert named(result) == [f"live: test_a.py::test_x to {elsewhere.shown}"]
    assert "in connect, 3 times)" in result.output


def test_a_socket_that_does_not_block_is_counted_once_however_often_it_asks(project, elsewhere):
    test = (
        "def test_x():\n    with socket.socket() as sock:\n        sock.setblocking(False)\n"
        "        while sock.connect_ex((HOST, PORT)) not in (0, 106, 56): pass\n"
    )
    assert project(test).run().counts == {"live": 1}
    assert elsewhere.came == 1


def test_datagrams_of_one_socket_to_one_host_are_counted_once(project, elsewhere):
    test = (
        "def test_x():\n    with socket.socket(type=socket.SOCK_DGRAM) as sock:\n"
        "        for _ in range(5): sock.sendto(b'x', (HOST, PORT))\n"
    )
    assert project(test).run().counts == {"live": 1}
    assert elsewhere.came == 5


def test_only_so_many_lines_are_printed(project):
    result = project("def test_x():\n    for port in range(1, 13): swallow(port)\n").run()
    assert result.counts == {"live": 12}
    assert len(named(result)) == 10
    assert "  and 2 more lines of code that went past the recorder" in result.output.splitlines()


def test_of_very_many_hosts_the_rest_is_summed_up(project, monkeypatch):
    monkeypatch.setattr("pytest_recorded.guard._MOST_ATTEMPTS", 3)
    result = project("def test_x():\n    for port in range(1, 13): swallow(port)\n").run()
    assert result.counts == {"live": 12}
    assert "  live: test_a.py::test_x to further hosts (9 times)" in result.output.splitlines()


def test_threads_and_tasks_of_a_test_are_counted_where_they_swallow_what_happens(project, elsewhere):
    test = """
def test_x():
    threads = [threading.Thread(target=swallow) for _ in range(2)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    async def main():
        async def one():
            with contextlib.suppress(OSError):
                (await asyncio.open_connection(HOST, PORT))[1].close()
        await asyncio.gather(one(), one(), asyncio.to_thread(swallow))
    asyncio.run(main())
"""
    result = project(test).run()
    assert result.counts == {"live": 5}
    assert set(named(result)) == {f"live: test_a.py::test_x to {elsewhere.shown}"}
    blocked = project(test).run("--block-network")
    assert (blocked.outcomes, blocked.counts) == ({"passed": 1}, {"live": 5})
    assert elsewhere.came == 5


def test_a_recorder_in_a_thread_of_a_test_does_not_take_the_thread_away_from_it(project, elsewhere):
    test = """
from pytest_recorded import Recorder

def test_x(tmp_path):
    def work():
        with Recorder(tmp_path / "ledger.db"):
            swallow()
    thread = threading.Thread(target=work); thread.start(); thread.join()
"""
    assert named(project(test).run()) == [f"live: test_a.py::test_x to {elsewhere.shown}"]


SHARED = """
@pytest.fixture(scope="module")
def service():
    swallow()
    yield
    swallow()

def test_x(service): pass
def test_y(service): pass
"""


@pytest.mark.parametrize("flags", [(), ("--block-network",)], ids=["named", "blocked"])
def test_a_shared_fixture_of_recorded_tests_is_counted_in_set_up_and_tear_down(project, elsewhere, flags):
    result = project(SHARED).run(*flags)
    assert (result.outcomes, result.counts) == ({"passed": 2}, {"live": 2})
    assert named(result) == [f"{'blocked' if flags else 'live'}: test_a.py@service to {elsewhere.shown}"]
    assert elsewhere.came == (0 if flags else 2)


LATE = """
go, done = threading.Event(), threading.Event()

def late():
    go.wait()
    swallow()
    done.set()

def test_x():
    threading.Thread(target=late).start()
"""
RELEASE = """
import pytest, sys
@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    module = next((m for n, m in sys.modules.items() if n.endswith("test_a")), None)
    if module is not None:
        module.go.set(); module.done.wait()
"""


def test_a_thread_that_outlives_its_test_is_counted_as_of_that_test(project, elsewhere):
    test = LATE + "def test_y():\n    go.set()\n    done.wait()\n"
    result = project(test).run()
    assert result.counts == {"live": 1}
    assert named(result) == [f"live: test_a.py::test_x to {elsewhere.shown}"]


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["one process", "xdist"])
def test_a_thread_that_outlives_the_last_test_is_counted(project, elsewhere, workers):
    run = project(LATE, conftest=elsewhere.conftest + RELEASE).spawn
    result = run(*workers, plugins=("xdist.plugin",) if workers else ())
    assert result.counts == {"live": 1}
    assert named(result) == [f"live: test_a.py::test_x to {elsewhere.shown}"]


def test_hosts_that_are_allowed_are_not_named(project, elsewhere):
    project("def test_x(): connect()\n")
    result = project("def test_x(): connect()\n").run(f"--record-allowed-hosts={elsewhere.host}")
    assert (result.counts, named(result)) == ({}, [])
    marked = f"@pytest.mark.recorded(allowed_hosts=['{elsewhere.host}'])\ndef test_x(): connect()\n"
    assert project(marked, marked=False).run().counts == {}
    assert elsewhere.came == 2


SERVE = """
import http.server, httpx, os, socketserver, urllib.request

class Server(http.server.ThreadingHTTPServer):
    def server_bind(self):
        # Without asking what its address is called.
        socketserver.TCPServer.server_bind(self)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *args): pass

@pytest.fixture(scope="session")
def url():
    if "GONE" in os.environ:
        yield f"http://{HOST}:{PORT}/"
        return
    server = Server((HOST, PORT), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,)).start()
    yield f"http://{HOST}:{PORT}/"
    server.shutdown()
    server.server_close()

async def aget(url):
    async with httpx.AsyncClient() as client:
        return (await client.get(url)).text

def test_x(url):
    assert httpx.get(url).text == "ok"
    assert asyncio.run(aget(url)) == "ok"
    assert urllib.request.urlopen(url).read() == b"ok"

@pytest.mark.recorded(mode="off")
def test_off(url): test_x(url)
"""


def test_what_passes_a_seam_is_counted_once_and_recorded_and_replayed_while_the_network_is_blocked(project, elsewhere):
    elsewhere.close()
    example = project(SERVE)
    recorded = example.spawn("--block-network")
    assert (recorded.outcomes, named(recorded)) == ({"passed": 2}, [])
    assert recorded.counts == {"recorded": 3, "live": 3}
    replayed = example.spawn("--block-network", "--record-mode=none", "-k", "test_x", GONE="1")
    assert (replayed.outcomes, named(replayed)) == ({"passed": 1, "deselected": 1}, [])
    assert replayed.counts == {"replayed": 3}


CHOSEN = """
import httpx
from pytest_recorded import recorder

@recorder(kind="guard.tool")
def tool():
    connect()

def get():
    # Nobody there speaks HTTP: it is enough that he is reached.
    with contextlib.suppress(httpx.HTTPError):
        httpx.get(f"http://{HOST}:{PORT}/", timeout=0.2)

def test_http(): get()
def test_tool():
    with contextlib.suppress(OSError):
        tool()
"""


@pytest.mark.parametrize(
    ("options", "counts", "came"),
    [
        # What is left out is not the recorder's, and is refused; what runs live is.
        (("--record-ignore-hosts=*", "--record-kinds=other.*"), {"live": 3}, 0),
        (("--record-live=*",), {"live": 2}, 2),
    ],
    ids=["left out", "live"],
)
def test_calls_that_are_left_out_are_blocked_and_those_that_run_live_are_not(project, elsewhere, options, counts, came):
    result = project(CHOSEN).run("--block-network", *options)
    # The function is one live call, and its connection, past every seam, is another.
    assert (result.outcomes, result.counts, elsewhere.came) == ({"passed": 2}, counts, came)


def test_an_http_call_that_is_left_out_is_counted_once(project, elsewhere):
    result = project(CHOSEN).run("--record-kinds=other.*")
    assert (result.counts, len(named(result)), elsewhere.came) == ({"live": 3}, 1, 2)


# With the flag.


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("marked", [True, False], ids=["marked", "unmarked"])
def test_a_blocked_test_fails_with_what_to_do(project, elsewhere, flag, marked):
    result = project("def test_x(): connect()\n", marked=marked).run(flag)
    assert (result.outcomes, result.counts) == ({"failed": 1}, {"live": 1})
    assert f"NetworkBlocked: Blocked: test_a.py::test_x goes to {elsewhere.shown}, past the recorder." in result.output
    assert "  at: test_a.py:" in result.output
    assert f"--record-allowed-hosts={elsewhere.host}" in result.output
    assert named(result) == [f"blocked: test_a.py::test_x to {elsewhere.shown}"]
    assert elsewhere.came == 0


def test_a_blocked_attempt_that_is_swallowed_fails_nothing_and_is_named_in_red(project, elsewhere):
    result = project("def test_x(): swallow()\n").run("--block-network", "--color=yes")
    assert result.code == 0
    assert f"\x1b[31m  blocked: test_a.py::test_x to {elsewhere.shown} (" in result.output
    assert "\x1b[31mrecorded: 0 replayed, 0 recorded, 1 live" in result.output
    assert elsewhere.came == 0


def test_what_is_let_through_is_not_red(project, elsewhere):
    result = project("def test_x(): connect()\n").run("--color=yes")
    assert f"\n  live: test_a.py::test_x to {elsewhere.shown} (" in result.output
    assert "\nrecorded: 0 replayed, 0 recorded, 1 live" in result.output


def test_a_name_is_blocked_before_it_is_looked_up(project):
    test = "def test_x():\n    with pytest.raises(ConnectionRefusedError):\n        socket.gethostbyname('a.example')\n"
    result = project(test).run("--block-network")
    assert result.outcomes == {"passed": 1}
    assert named(result) == ["blocked: test_a.py::test_x to a.example"]


def test_without_the_flag_names_are_looked_up_and_not_counted(project):
    test = "def test_x(): assert socket.gethostbyname('localhost') == '127.0.0.1'\n"
    assert project(test).run().counts == {}


def test_unmarked_tests_fixtures_and_the_import_of_modules_are_blocked(project, elsewhere):
    test = "swallow()\n" + SHARED + "def test_z():\n    swallow()\n    swallow()\n"
    result = project(test, marked=False).run("--block-network")
    assert (result.outcomes, result.counts) == ({"passed": 3}, {"live": 5})
    assert named(result) == [
        f"blocked: test_a.py to {elsewhere.shown}",
        f"blocked: test_a.py::test_x to {elsewhere.shown}",
        f"blocked: test_a.py::test_z to {elsewhere.shown}",
    ]
    assert elsewhere.came == 0


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["one process", "xdist"])
def test_a_module_that_connects_when_it_is_imported_is_an_error_that_says_so(project, elsewhere, workers):
    result = project("connect()\n", marked=False).spawn("--block-network", *workers, plugins=("xdist.plugin",))
    assert result.code != 0
    assert f"NetworkBlocked: Blocked: test_a.py goes to {elsewhere.shown}, past the recorder." in result.output
    assert result.counts == {"live": 1}
    assert elsewhere.came == 0


def test_the_header_says_that_the_network_is_blocked(project, pytester):
    example = project("def test_x(): pass\n", marked=False)
    assert "cassettes/jobs.db (none yet), network blocked\n" in example.run("--block-network").output
    assert "cassettes/jobs.db (none yet)\n" in example.run().output
    pytester.makeini(INI)
    assert "cassettes/jobs.db (none yet), network blocked\n" in example.run().output


def test_in_an_unmarked_suite_that_stays_at_home_nothing_is_printed(project):
    result = project("def test_x(): pass\n", marked=False).run("--block-network")
    assert result.outcomes == {"passed": 1}
    assert "recorded: 0 replayed" not in result.output


def test_workers_of_xdist_block_and_tell(project, elsewhere):
    tests = dict.fromkeys(("test_b", "test_c"), MARK)
    example = project("def test_x(): swallow()\n@pytest.mark.recorded\ndef test_y(): swallow()\n", marked=False)
    text = (example.folder / "test_a.py").read_text()
    example.write(**{name: text + mark for name, mark in tests.items()})
    result = example.spawn("--block-network", "-n2", plugins=("xdist.plugin",))
    assert (result.outcomes, result.counts) == ({"passed": 6}, {"live": 6})
    places = {f"blocked: {module}.py::{test} to {elsewhere.shown}" for module in ("test_a", "test_b", "test_c")
              for test in ("test_x", "test_y")}  # fmt: skip
    assert set(named(result)) == places
    assert elsewhere.came == 0


def test_verbose_runs_show_the_connections_of_each_test(project):
    result = project("def test_x(): swallow()\ndef test_y(): pass\n", marked=False).run("--block-network", "-v")
    assert "  test_a.py::test_x: 0 replayed, 0 recorded, 1 live, 0 missed, 0 unused" in result.output.splitlines()


# Where it may be written, and what comes first.

INI = "[pytest]\npythonpath = .\nrecord_block_network = true\n"


def test_the_ini_file_blocks_every_test_and_allows_hosts(project, elsewhere, pytester):
    test = "def test_x(): swallow()\n@pytest.mark.recorded\ndef test_y(): swallow()\n"
    pytester.makeini(INI)
    assert project(test, marked=False).run().counts == {"live": 2}
    pytester.makeini(f"{INI}record_allowed_hosts =\n    other.example\n    {elsewhere.host}\n")
    assert project(test, marked=False).run().counts == {}
    assert elsewhere.came == 2


def test_a_marker_blocks_its_own_tests_alone(project, elsewhere):
    test = "@pytest.mark.recorded(block_network=True)\ndef test_x(): swallow()\ndef test_y(): swallow()\n"
    result = project(test, marked=False).run()
    assert named(result) == [f"blocked: test_a.py::test_x to {elsewhere.shown}"]
    assert elsewhere.came == 1


def test_the_fixture_recorded_options_blocks_the_tests_below_it(project, elsewhere):
    options = "@pytest.fixture(scope='session')\ndef recorded_options(): return {'block_network': True}\n"
    assert named(project(options + "def test_x(): swallow()\n").run()) == [
        f"blocked: test_a.py::test_x to {elsewhere.shown}"
    ]
    assert elsewhere.came == 0


def test_a_marker_unblocks_what_the_ini_file_blocks_and_the_command_line_comes_first(project, elsewhere, pytester):
    pytester.makeini(INI)
    test = "@pytest.mark.recorded(block_network=False)\ndef test_x(): swallow()\n"
    assert named(project(test, marked=False).run()) == [f"live: test_a.py::test_x to {elsewhere.shown}"]
    assert elsewhere.came == 1
    result = project(test, marked=False).run("--block-network")
    assert named(result) == [f"blocked: test_a.py::test_x to {elsewhere.shown}"]
    assert elsewhere.came == 1


@pytest.mark.parametrize("marked", [True, False], ids=["marked", "unmarked"])
def test_a_block_in_a_test_obeys_the_command_line_and_adds_to_what_is_around_it(project, elsewhere, marked):
    test = """
from pytest_recorded import use_cassette
def test_x(tmp_path):
    with use_cassette(tmp_path / "a.db", block_network=False, scope="mine"): swallow()
    with use_cassette(tmp_path / "a.db", allowed_hosts=[HOST], scope="mine"): swallow()
"""
    result = project(test, marked=marked).run("--block-network")
    assert named(result) == [f"blocked: mine to {elsewhere.shown}"]
    assert elsewhere.came == 1
    both = project(test, marked=marked).run("--block-network", "--allowed-hosts=other.example")
    assert both.counts == {"live": 2}
    assert elsewhere.came == 1


def test_a_block_of_an_unmarked_test_takes_the_allowed_hosts_of_the_command_line(project, elsewhere):
    test = """
from pytest_recorded import use_cassette
def test_x(tmp_path):
    with use_cassette(tmp_path / "a.db", block_network=True): connect()
    connect()
"""
    assert project(test, marked=False).run(f"--allowed-hosts={elsewhere.host}").outcomes == {"passed": 1}
    assert project(test, marked=False).run("--allowed-hosts=other.example").outcomes == {"failed": 1}
    assert elsewhere.came == 2


def test_a_bad_host_is_said_where_it_stands(project, pytester):
    project("def test_x(): pass\n", marked=False)
    result = project("def test_x(): pass\n", marked=False).run("--allowed-hosts=https://a.example")
    assert result.code == pytest.ExitCode.USAGE_ERROR
    assert (
        "command line: allowed_hosts: 'https://a.example' is no host. Write a name (api.example.com)" in result.output
    )
    pytester.makeini("[pytest]\nrecord_allowed_hosts = a b\n")
    result = project("def test_x(): pass\n", marked=False).run()
    assert "ini file: allowed_hosts: 'a b' is no host." in result.output
    result = project("@pytest.mark.recorded(allowed_hosts=[''])\ndef test_x(): pass\n", marked=False)
    pytester.makeini("[pytest]\n")
    assert "the marker of test_a.py::test_x: allowed_hosts: '' is no host." in result.run().output


# Others who look after sockets.

PEERS = [
    ("pytest_recording.plugin", "--block-network", "peer", ()),
    ("pytest_recording.plugin", "--block-network", "ours", ("-n1",)),
    ("pytest_socket", "--allow-hosts=203.0.113.1", "peer", ("-n1",)),
    ("pytest_socket", "--allow-hosts=203.0.113.1", "ours", ()),
]


@pytest.mark.parametrize(
    ("peer", "flag", "first", "workers"),
    PEERS,
    ids=["first", "last, xdist", "first, xdist", "last"],
)
def test_beside_a_peer_that_blocks_pytest_starts_and_each_blocks(project, elsewhere, peer, flag, first, workers):
    example = project(
        "def test_x():\n    with pytest.raises(RuntimeError): connect()\n"
        "def test_y(): swallow()\n@pytest.mark.recorded\ndef test_z(): swallow()\n",
        marked=False,
    )
    plugins = (peer, "pytest_recorded.plugin") if first == "peer" else ("pytest_recorded.plugin", peer)
    command = [part for plugin in (*plugins, "xdist.plugin") for part in ("-p", plugin)]

    def run(*args):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-Wignore", *command, *workers, *args], cwd=example.folder,
            env=example.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.stdout + done.stderr

    # With the peer's flag it is the peer who refuses.
    assert "3 passed" in run(flag)
    output = run("--record-block-network", "-k", "not test_x")
    assert "2 live" in output
    assert output.count("  blocked: ") == 2
    assert elsewhere.came == 0


def test_what_others_take_off_at_the_end_of_a_test_is_put_on_again(project, elsewhere):
    tests = "".join(f"def test_{n}(): swallow()\n" for n in range(3))
    result = project(tests).run("--block-network", plugins=("pytest_socket",))
    assert result.counts == {"live": 3}
    assert elsewhere.came == 0


def test_a_socket_that_a_test_has_replaced_is_the_tests(project):
    test = """
def test_x(monkeypatch):
    said = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: said.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("203.0.113.1", 1))])
    socket.create_connection(("a.example", 1)).close()
    assert said == [("203.0.113.1", 1)]

def test_y(): swallow(1)
"""
    result = project(test).run("--block-network")
    assert (result.outcomes, result.counts) == ({"passed": 2}, {"live": 1})


# What it costs.


def test_a_run_without_recorded_tests_leaves_sockets_alone(example):
    example.write(
        test_a="import socket, sys\ndef test_x():\n"
        "    assert 'pytest_recorded.guard' not in sys.modules\n"
        "    assert 'connect' not in vars(socket.socket)\n"
        "    assert not hasattr(socket.getaddrinfo, '__wrapped__')\n"
    )
    assert example.spawn().outcomes == {"passed": 1}


def test_after_a_session_has_ended_nothing_is_blocked(project, elsewhere):
    project("def test_x(): swallow()\n", marked=False).run("--block-network")
    socket.create_connection(elsewhere.address).close()
    assert elsewhere.came == 1
