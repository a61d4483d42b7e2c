"""Blocks that block the network: each way past the recorder is refused, and nothing is sent."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import errno
import http.client
import os
import pickle
import socket
import ssl
import subprocess
import sys
import threading

import anyio
import httpx
import pytest
import trio
import uvloop

from pytest_recorded import NetworkBlocked, RecordedError, Recorder, use_cassette

NAME = "api.example.com"


def connect(host, port):
    with socket.socket() as sock:
        sock.connect((host, port))


def connect_at_once(host, port):
    with socket.socket() as sock:
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            sock.connect((host, port))


def create_connection(host, port):
    socket.create_connection((host, port)).close()


def connect_tls(host, port):
    context = ssl.create_default_context()
    with socket.socket() as sock, context.wrap_socket(sock, server_hostname="x", do_handshake_on_connect=False) as tls:
        tls.connect((host, port))


def send_to(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", (host, port))


def send_to_with_flags(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", 0, (host, port))


def send_message(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendmsg([b"x"], [], 0, (host, port))


def send_connected(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((host, port))
        sock.send(b"x")


def asyncio_streams(host, port):
    async def main():
        _, writer = await asyncio.open_connection(host, port)
        writer.close()

    asyncio.run(main())


def asyncio_sock_connect(host, port):
    async def main():
        with socket.socket() as sock:
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, (host, port))

    asyncio.run(main())


def asyncio_in_debug_mode(host, port):
    async def main():
        _, writer = await asyncio.open_connection(host, port)
        writer.close()

    asyncio.run(main(), debug=True)


def asyncio_datagrams(host, port):
    async def main():
        make = asyncio.get_running_loop().create_datagram_endpoint
        transport, _ = await make(asyncio.DatagramProtocol, remote_addr=(host, port))
        transport.sendto(b"x")
        transport.close()

    asyncio.run(main())


def happy_eyeballs(host, port):
    async def main():
        _, writer = await asyncio.open_connection(host, port, happy_eyeballs_delay=0.1)
        writer.close()

    asyncio.run(main())


async def _anyio(host, port):
    async with await anyio.connect_tcp(host, port):
        pass


def anyio_on_asyncio(host, port):
    anyio.run(_anyio, host, port)


def anyio_on_trio(host, port):
    anyio.run(_anyio, host, port, backend="trio")


def trio_stream(host, port):
    async def main():
        async with await trio.open_tcp_stream(host, port):
            pass

    trio.run(main)


def trio_datagram(host, port):
    async def main():
        with trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            await sock.sendto(b"x", (host, port))

    trio.run(main)


def uvloop_streams(host, port):
    async def main():
        _, writer = await asyncio.open_connection(host, port)
        writer.close()

    uvloop.run(main())


def uvloop_sock_connect(host, port):
    async def main():
        with socket.socket() as sock:
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, (host, port))

    uvloop.run(main())


def uvloop_datagrams(host, port):
    async def main():
        make = asyncio.get_running_loop().create_datagram_endpoint
        transport, _ = await make(asyncio.DatagramProtocol, remote_addr=(host, port))
        transport.sendto(b"x")
        transport.close()

    uvloop.run(main())


def uvloop_look_up(host, port):
    async def main():
        await asyncio.get_running_loop().getaddrinfo(host, port)

    uvloop.run(main())


def in_a_thread(host, port):
    failed = []

    def work():
        try:
            connect(host, port)
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def in_an_executor(host, port):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pool.submit(connect, host, port).result()


def through_a_transport_that_is_left_alone(host, port):
    transport = httpx.HTTPTransport()
    transport.__recorded__ = False
    with httpx.Client(transport=transport, timeout=0.05) as client, contextlib.suppress(httpx.ReadTimeout):
        client.get(f"http://{host}:{port}/")


WAYS = [
    connect, connect_at_once, create_connection, connect_tls, send_to, send_to_with_flags, send_message,
    send_connected, asyncio_streams, asyncio_sock_connect, asyncio_in_debug_mode, asyncio_datagrams, happy_eyeballs,
    anyio_on_asyncio, anyio_on_trio, trio_stream, trio_datagram, uvloop_streams, uvloop_sock_connect, uvloop_datagrams,
    in_a_thread, in_an_executor, through_a_transport_that_is_left_alone,
]  # fmt: skip


def refused(way, host, port):
    """Return the error of ours with which a way fails, whatever its library makes of it; None if it does not."""
    try:
        way(host, port)
    except Exception as error:  # noqa: BLE001 - see above
        return blocked_in(error)
    return None


def blocked_in(error):
    """Return the first error of ours among the causes of an error, and those that it wraps."""
    if error is None or isinstance(error, NetworkBlocked):
        return error
    inner = [error.__cause__, error.__context__, *getattr(error, "exceptions", ())]
    return next(filter(None, map(blocked_in, inner)), None)


@pytest.fixture
def block(tmp_path):
    """A block that blocks the network."""

    def make(**options):
        return use_cassette(tmp_path / "jobs.db", **{"block_network": True, **options})

    return make


@pytest.fixture
def resolver(monkeypatch):
    """Resolve names here, to the addresses that are told, and remember who asked."""
    asked, known = [], {}
    genuine = socket.getaddrinfo

    def getaddrinfo(host, port, *args, **kwargs):
        name = host.decode() if isinstance(host, bytes) else host
        flags = kwargs.get("flags", args[3] if len(args) > 3 else 0)
        if name in known and not flags & socket.AI_NUMERICHOST:
            asked.append(name)
            return [entry for ip in known[name] for entry in genuine(ip, port, *args, **kwargs)]
        return genuine(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    known["asked"] = asked
    return known


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_past_the_recorder_is_refused_and_nothing_is_sent(way, block, elsewhere):
    with block():
        blocked = refused(way, *elsewhere.address)
    assert blocked.peer == elsewhere.shown
    assert blocked.line.startswith("tests/guard/test_sockets.py:")
    assert elsewhere.came == 0


@pytest.mark.parametrize("way", WAYS)
def test_without_a_block_and_to_an_allowed_host_the_same_connection_is_made(way, block, elsewhere):
    way(*elsewhere.address)
    with block(allowed_hosts=[elsewhere.shown]):
        way(*elsewhere.address)
    with block(block_network=False):
        way(*elsewhere.address)
    assert elsewhere.came == 3


BY_NAME = [
    create_connection, asyncio_streams, asyncio_in_debug_mode, asyncio_datagrams, happy_eyeballs, anyio_on_asyncio,
    anyio_on_trio, trio_stream, trio_datagram, uvloop_streams, uvloop_datagrams, uvloop_look_up,
    through_a_transport_that_is_left_alone,
]  # fmt: skip


@pytest.mark.parametrize("way", BY_NAME)
def test_a_name_that_is_not_allowed_is_not_even_looked_up(way, block, resolver):
    resolver[NAME] = ["203.0.113.1"]
    with block():
        blocked = refused(way, NAME, 443)
    assert blocked.peer.partition(":")[0] == NAME
    assert resolver["asked"] == []


@pytest.mark.parametrize("way", [connect, connect_at_once, connect_tls, send_to, send_to_with_flags, send_message])
def test_a_name_that_the_socket_itself_would_look_up_is_refused_before(way, block):
    with block(), pytest.raises(NetworkBlocked) as caught:
        way(f"{NAME}.", 443)
    assert caught.value.peer == f"{NAME}:443"


@pytest.mark.parametrize("way", [asyncio_streams, asyncio_in_debug_mode, happy_eyeballs, anyio_on_asyncio])
def test_the_line_of_whoever_lets_an_event_loop_look_a_name_up_is_told(way, block):
    with block():
        blocked = refused(way, NAME, 443)
    expected = "the thread " if way is asyncio_in_debug_mode else "tests/guard/test_sockets.py:"
    assert blocked.line.startswith(expected)


@pytest.mark.parametrize("answer", [None, [], [()], [(2, 1, 6, "", None)], 5], ids=repr)
def test_what_a_stand_in_for_the_resolver_answers_is_given_as_it_is(answer, block, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args: answer)
    with block(allowed_hosts=[NAME]):
        assert socket.getaddrinfo(NAME, 443) is answer


def test_what_an_executor_is_given_is_called_as_it_is(block):
    class AnyMethod:
        """As methods of xmlrpc's proxies: whatever is asked of it is a method of the far end."""

        def __getattr__(self, name):
            raise AssertionError(name)

        def __call__(self):
            return "called"

    with block(), concurrent.futures.ThreadPoolExecutor() as pool:
        assert pool.submit(AnyMethod()).result() == "called"


def test_where_the_current_folder_is_gone_lines_have_their_whole_path(block, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    with block():
        monkeypatch.chdir(gone)
        gone.rmdir()
        assert refused(connect, "203.0.113.1", 443).line.startswith(f"{__file__}:")


LOOK_UPS = {
    "getaddrinfo": lambda: socket.getaddrinfo(NAME, "https"),
    "getaddrinfo by keywords": lambda: socket.getaddrinfo(host=NAME, port=None),
    "getaddrinfo of bytes": lambda: socket.getaddrinfo(NAME.encode(), b"443"),
    "getaddrinfo of capitals": lambda: socket.getaddrinfo(NAME.upper(), 443),
    "gethostbyname": lambda: socket.gethostbyname(NAME),
    "gethostbyname_ex": lambda: socket.gethostbyname_ex(NAME),
    "gethostbyaddr": lambda: socket.gethostbyaddr(NAME),
}


@pytest.mark.parametrize("how", LOOK_UPS)
def test_every_function_that_looks_a_name_up_is_guarded(how, block):
    with block(), pytest.raises(NetworkBlocked) as caught:
        LOOK_UPS[how]()
    assert caught.value.peer.partition(":")[0] == NAME


def test_what_an_address_is_called_is_not_asked_either(block):
    with block():
        with pytest.raises(NetworkBlocked):
            socket.gethostbyaddr("203.0.113.1")
        with pytest.raises(NetworkBlocked):
            socket.getnameinfo(("203.0.113.1", 443), 0)
        # It answers instead of raising, as after any look-up that fails.
        assert socket.getfqdn("203.0.113.1") == "203.0.113.1"
        numbers = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
        assert socket.getnameinfo(("203.0.113.1", 443), numbers) == ("203.0.113.1", "443")


def test_what_can_be_read_without_asking_anybody_is_read(block):
    with block():
        assert socket.getaddrinfo("203.0.113.1", 443)[0][4] == ("203.0.113.1", 443)
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo(NAME, 443, flags=socket.AI_NUMERICHOST)
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo(NAME, 443, 0, 0, 0, socket.AI_NUMERICHOST)
        assert socket.getaddrinfo(None, 80)
        assert socket.gethostbyname("localhost") == "127.0.0.1"
        with contextlib.suppress(socket.gaierror):
            socket.gethostbyname(socket.gethostname())


LOOPBACK = ["127.0.0.1", "127.8.9.10", "localhost", "LOCALHOST", "0.0.0.0", "", "127.1", "2130706433"]


@pytest.mark.parametrize("host", [*LOOPBACK, b"127.0.0.1", bytearray(b"localhost")], ids=repr)
def test_the_loopback_is_always_allowed(host, block):
    with socket.create_server(("", 0)) as server, block(), socket.socket() as sock:
        sock.settimeout(5)
        sock.connect((host, server.getsockname()[1]))


@pytest.mark.parametrize("host", ["::1", "::", "::ffff:127.0.0.1"])
def test_the_loopback_of_ipv6_is_always_allowed(host, block):
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server, block():
        with socket.socket(socket.AF_INET6) as sock:
            sock.settimeout(5)
            sock.connect((host, server.getsockname()[1]))
        with socket.socket(socket.AF_INET6) as sock:
            sock.settimeout(5)
            sock.connect((host, server.getsockname()[1], 0, 0))


@pytest.mark.parametrize("host", ["2001:db8::1", "::ffff:203.0.113.1", "fe80::1%lo"])
def test_other_hosts_of_ipv6_are_blocked(host, block):
    with block(), socket.socket(socket.AF_INET6) as sock, pytest.raises(NetworkBlocked) as caught:
        sock.connect((host, 443, 0, 0))
    assert caught.value.peer == f"[{host}]:443"


@pytest.mark.parametrize("path", ["socket", "\0abstract"], ids=["path", "abstract"])
def test_unix_sockets_are_allowed(path, block, tmp_path, monkeypatch):
    if path.startswith("\0") and sys.platform != "linux":
        pytest.skip("abstract names are Linux's")
    monkeypatch.chdir(tmp_path)
    path += str(os.getpid()) if path.startswith("\0") else ""
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as sock:
        server.bind(path)
        server.listen()
        with block():
            sock.connect(path)
            for end in socket.socketpair():
                end.close()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_event_loops_and_servers_work(run, block):
    async def main():
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await reader.read() == b""
        writer.close()
        server.close()

    with block():
        run(main())


def test_connect_ex_returns_what_a_refused_connection_returns(block, elsewhere):
    with block(), socket.socket() as sock:
        assert sock.connect_ex(elsewhere.address) == errno.ECONNREFUSED
        sock.setblocking(False)
        assert sock.connect_ex(elsewhere.address) == errno.ECONNREFUSED
    assert elsewhere.came == 0


@pytest.mark.parametrize(
    "address", [("203.0.113.1",), "203.0.113.1:80", None, (None, 80), (5, 80), ("203.0.113.1", "x")]
)
def test_what_is_no_address_is_for_the_socket_to_complain_about(address, block):
    with socket.socket() as sock:
        with pytest.raises((TypeError, NetworkBlocked)) as without:
            sock.connect(address)
        with block(), pytest.raises((TypeError, NetworkBlocked)) as within:
            sock.connect(address)
    if not isinstance(within.value, NetworkBlocked):
        assert str(within.value) == str(without.value)


def test_what_is_sent_without_an_address_is_not_looked_at(block):
    with block():
        one, other = socket.socketpair()
        with one, other:
            one.sendmsg([b"x"])
            assert other.recv(1) == b"x"
            with pytest.raises(TypeError):
                one.sendto(b"x")


def test_several_attempts_of_happy_eyeballs_are_each_refused(block, elsewhere, monkeypatch):
    with block(), monkeypatch.context() as patch:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (elsewhere.host, port)) for port in (elsewhere.port, 1)]
        # In the place of the guarded look-up, so that it is the connections that are refused.
        patch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        with pytest.raises(OSError, match=r"Multiple exceptions: .*Blocked: (.|\n)*Blocked: "):
            happy_eyeballs(NAME, 443)
    assert elsewhere.came == 0


ALLOWED = {
    "a name": [NAME],
    "a name with a port": [f"{NAME}:PORT"],
    "a glob": ["*.example.com"],
    "everything": ["*"],
    "one of several": "other.example, API.example.com.",
}


@pytest.mark.parametrize("how", ALLOWED)
@pytest.mark.parametrize("way", [create_connection, asyncio_streams, happy_eyeballs, trio_stream, anyio_on_asyncio])
def test_a_host_that_is_allowed_by_its_name_may_be_looked_up_and_connected_to(how, way, block, elsewhere, resolver):
    resolver[NAME] = [elsewhere.host]
    allowed = [entry.replace("PORT", str(elsewhere.port)) for entry in ALLOWED[how]] if how != "one of several" else (
        ALLOWED[how]
    )  # fmt: skip
    with block(allowed_hosts=allowed):
        way(NAME, elsewhere.port)
    assert elsewhere.came == 1


@pytest.mark.parametrize("allowed", [["example.com"], [f"{NAME}:1"], ["10.0.0.0/8"], [], ["*.com.example"]], ids=str)
def test_a_host_that_is_not_the_allowed_one_is_blocked(allowed, block, elsewhere, resolver):
    resolver[NAME] = [elsewhere.host]
    with block(allowed_hosts=allowed):
        with pytest.raises(NetworkBlocked):
            create_connection(NAME, elsewhere.port)
        with pytest.raises(NetworkBlocked):
            connect(*elsewhere.address)
    assert elsewhere.came == 0


def test_an_address_is_allowed_as_such_or_as_one_of_a_network(block, elsewhere):
    network = f"{elsewhere.host}/24"
    glob = elsewhere.host.partition(".")[0] + ".*"
    for allowed in (elsewhere.host, elsewhere.shown, network, f"{network}:{elsewhere.port}", f"::1,{network}", glob):
        with block(allowed_hosts=[allowed]):
            connect(*elsewhere.address)
    assert elsewhere.came == 6


def test_an_address_is_called_by_the_name_that_was_resolved_to_it(block, elsewhere, resolver):
    resolver[NAME] = [elsewhere.host]
    with block(allowed_hosts=[f"{NAME}:{elsewhere.port}"]):
        create_connection(NAME, elsewhere.port)
        with pytest.raises(NetworkBlocked) as caught:
            connect(elsewhere.host, 1)
    assert caught.value.peer == f"{NAME}:1"


def test_the_error_says_who_where_and_what_to_do(block, elsewhere):
    with block(scope="mine"), pytest.raises(NetworkBlocked) as caught:
        connect(elsewhere.host, 443)
    error = caught.value
    assert isinstance(error, RecordedError)
    assert isinstance(error, ConnectionRefusedError)
    line = connect.__code__.co_firstlineno + 2
    assert (error.errno, error.test, error.peer) == (errno.ECONNREFUSED, "mine", f"{elsewhere.host}:443")
    assert str(error).splitlines() == [
        f"Blocked: mine goes to {elsewhere.host}:443, past the recorder.",
        f"  at: tests/guard/test_sockets.py:{line} in connect",
        f"To allow the host: --record-allowed-hosts={elsewhere.host}, also in the ini file, on the marker, in "
        f"use_cassette.",
        "To record the call: mark its test with @pytest.mark.recorded. That records HTTP, except where the client has "
        '__recorded__ = False; all else by its function, with @recorder or @pytest.mark.recorded("module.function").',
        "Blocked are the sockets of this process, not the processes that it starts.",
    ]
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.peer, copy.errno) == (str(error), error.peer, error.errno)


def test_what_is_being_recorded_goes_where_it_has_to(block, elsewhere, tmp_path):
    with Recorder(tmp_path / "ledger.db") as ledger:
        from pytest_recorded import recorder  # noqa: PLC0415 - the decorator is made for this test

        call = recorder(kind="guard.recorder")(connect)
        with block(), ledger:
            call(*elsewhere.address)
    assert elsewhere.came == 1


def test_a_thread_that_outlives_the_recorded_call_that_started_it_is_not_the_recorders(block, elsewhere):
    from pytest_recorded import recorder  # noqa: PLC0415 - the decorator is made for this test

    go, failed = threading.Event(), []

    def late():
        go.wait()
        try:
            connect(*elsewhere.address)
        except NetworkBlocked as error:
            failed.append(error)

    thread = threading.Thread(target=late)

    @recorder(kind="guard.starts_a_thread")
    def start():
        thread.start()

    with block():
        start()
        go.set()
        thread.join()
    assert len(failed) == 1
    assert elsewhere.came == 0


def test_a_process_that_is_started_is_not_covered(block, elsewhere):
    program = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])))"
    with block():
        subprocess.run([sys.executable, "-c", program, elsewhere.host, str(elsewhere.port)], check=True)
    assert elsewhere.came == 1


def test_blocks_in_each_other_keep_what_the_outer_one_says(block, elsewhere, tmp_path):
    with block():
        with use_cassette(tmp_path / "inner.db"), pytest.raises(NetworkBlocked):
            connect(*elsewhere.address)
        with use_cassette(tmp_path / "inner.db", allowed_hosts=[elsewhere.host]):
            connect(*elsewhere.address)
        with use_cassette(tmp_path / "inner.db", block_network=False):
            connect(*elsewhere.address)
        with Recorder(tmp_path / "ledger.db"), pytest.raises(NetworkBlocked):
            connect(*elsewhere.address)
    connect(*elsewhere.address)
    assert elsewhere.came == 3


def test_http_client_connections_are_recorded_while_the_network_is_blocked(block, elsewhere):
    def ask():
        connection = http.client.HTTPConnection(*elsewhere.address, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", "/")
            return connection.getresponse().read()

    def serve():
        elsewhere.listener.setblocking(True)
        peer, _ = elsewhere.listener.accept()
        with peer:
            peer.recv(1000)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    thread = threading.Thread(target=serve)
    thread.start()
    with block() as cassette:
        assert ask() == b"ok"
        thread.join()
        assert len(cassette) == 1
    elsewhere.close()
    with block(mode="none"):
        assert ask() == b"ok"
