"""The strange things that one can do with http.client."""

from __future__ import annotations

import array
import errno
import http.client
import io
import socket
import threading
import urllib.request
import xmlrpc.client

import pytest


@pytest.fixture
def url(server):
    """A page that says what it was asked."""

    def echo(asked):
        return server.reply(f"{asked.method} {asked.target} ".encode() + asked.body)

    for path in ("/x", "/y", "/z"):
        server.on(path, echo)
    return server.url + "/x"


@pytest.fixture
def connect(server):
    """Make connections, and close them in the end."""
    made = []

    def make(cls=http.client.HTTPConnection, **options):
        made.append(cls("127.0.0.1", server.port, timeout=10, **options))
        return made[-1]

    yield make
    for connection in made:
        connection.close()


def _ask(connection, method="GET", target="/x", body=None, **more):
    connection.request(method, target, body, **more)
    return connection.getresponse().read()


# Connections and the borders of a block.


def test_a_connection_opened_before_a_block_is_recorded_in_it(url, server, connect, cassette):
    for mode in ("once", "none"):
        connection = connect()
        if mode == "once":
            _ask(connection, target="/y")
        with cassette(mode) as block:
            assert _ask(connection) == b"GET /x "
            assert _ask(connection, target="/z") == b"GET /z "
            assert len(block) == 2
        server.asked.clear()
    assert server.count == 0


def test_one_connection_serves_calls_before_in_and_after_a_block(url, server, connect, cassette):
    connection = connect()
    for mode in ("once", "none"):
        assert _ask(connection, target="/y") == b"GET /y "
        with cassette(mode):
            assert _ask(connection) == b"GET /x "
        assert _ask(connection, target="/z") == b"GET /z "
    assert [asked.target for asked in server.asked] == ["/y", "/x", "/z", "/y", "/z"]
    assert len({asked.connection for asked in server.asked}) == 1


def test_a_connection_of_a_replay_connects_for_real_after_the_block(url, server, connect, cassette):
    with cassette():
        _ask(connect())
    connection = connect()
    with cassette("none"):
        _ask(connection)
    assert server.count == 1
    assert _ask(connection, target="/y") == b"GET /y "


def test_one_connection_serves_two_cassettes(url, server, connect, cassette, tmp_path):
    from pytest_recorded import use_cassette  # noqa: PLC0415

    connection = connect()
    for mode in ("once", "none"):
        with cassette(mode), use_cassette(tmp_path / "other.db", mode=mode, scope="inner") as inner:
            _ask(connection)
            assert len(inner) == 1
        with cassette(mode) as outer:
            _ask(connection)
            assert len(outer) == 1
    assert server.count == 2


def test_keep_alive_is_kept_while_recording(url, server, connect, cassette):
    connection = connect()
    with cassette():
        _ask(connection)
        _ask(connection, target="/y")
    assert len({asked.connection for asked in server.asked}) == 1


def test_a_connection_that_the_server_closes_is_opened_again(server, connect, cassette):
    server.on("/x", (server.reply(b"bye", ("Connection", "close")), "close"))
    for mode in ("once", "none"):
        connection = connect()
        with cassette(mode):
            assert [_ask(connection) for _ in range(2)] == [b"bye"] * 2
    assert server.count == 2


def test_connecting_first_needs_no_server_in_a_replay(url, server, connect, cassette):
    for mode in ("once", "none"):
        connection = connect()
        with cassette(mode):
            connection.connect()
            connection.sock.settimeout(5)
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            assert _ask(connection) == b"GET /x "
            if mode == "once":
                assert connection.sock.getpeername()[1] == server.port
                assert connection.sock.gettimeout() == 5
        connection.close()
        server.stop()


def test_connecting_again_after_closing_works(url, server, connect, cassette):
    for mode in ("once", "none"):
        connection = connect()
        with cassette(mode):
            for _ in range(2):
                connection.connect()
                assert _ask(connection) == b"GET /x "
                connection.close()
        server.asked.clear()


def test_without_auto_open_a_connection_has_to_be_opened(url, server, connect, cassette):
    for mode in ("once", "none"):
        connection = connect()
        connection.auto_open = 0
        with cassette(mode):
            with pytest.raises(http.client.NotConnected):
                connection.request("GET", "/x")
            connection.close()
            connection.connect()
            assert _ask(connection) == b"GET /x "
        connection.close()
        server.stop()


def test_a_connection_that_could_not_connect_has_no_socket(server, connect, cassette):
    server.stop()
    for mode in ("once", "none"):
        connection = connect()
        with cassette(mode), pytest.raises(ConnectionRefusedError) as caught:
            connection.request("GET", "/x")
        assert connection.sock is None
        assert caught.value.errno == errno.ECONNREFUSED


def test_a_connection_of_a_class_of_its_own_connects_its_own_way(url, server, cassette, tmp_path):
    address = str(tmp_path / "s")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()

    def serve():
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nunix")

    class Unix(http.client.HTTPConnection):
        def connect(self):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(address)

    thread = threading.Thread(target=serve)
    thread.start()
    for mode in ("once", "none"):
        connection = Unix("docker")
        with cassette(mode) as block:
            assert _ask(connection, target="/info") == b"unix"
            assert block.jobs[0].request.url == "http://docker/info"
        connection.close()
        thread.join()
        listener.close()


# Requests sent in pieces.


def test_a_request_put_together_by_hand_is_recorded(url, server, connect, cassette):
    for mode in ("once", "none"):
        connection = connect()
        with cassette(mode) as block:
            connection.putrequest("PUT", "/x", skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", f"127.0.0.1:{server.port}")
            connection.putheader("Content-Length", "8")
            connection.endheaders()
            connection.send(b"by ")
            connection.send([b"ha", b"nd!"])
            assert connection.getresponse().read() == b"PUT /x by hand!"
            assert block.jobs[0].request.content == b"by hand!"
        connection.close()
        server.stop()


BODIES = {
    "bytes": lambda: b"data",
    "str": lambda: "data",
    "bytearray": lambda: bytearray(b"data"),
    "memoryview": lambda: memoryview(b"data"),
    "array": lambda: array.array("i", [1, 2]),
    "list": lambda: [b"da", b"ta"],
    "generator": lambda: (piece for piece in (b"da", b"", b"ta")),
    "a piece that ends like the last chunk": lambda: iter([b"da 0\r\n", b"0\r\n\r\n", b"ta"]),
    "a piece that looks like a head": lambda: iter([b"GET / HTTP/1.1\r\n\r\n", b"ta"]),
    "file": lambda: io.BytesIO(b"data" * 5000),
    "text file": lambda: io.StringIO("data"),
    "nothing": lambda: b"",
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_a_body_of_any_sort_is_sent_and_found_again(name, url, server, connect, cassette):
    seen = []
    for mode in ("once", "none"):
        connection = connect()
        with cassette(mode) as block:
            seen.append(_ask(connection, "POST", body=BODIES[name]()))
            assert len(block) == 1
        connection.close()
        server.stop()
    (asked,) = server.asked
    assert seen == [b"POST /x " + asked.body] * 2
    if name not in ("array", "file", "nothing"):
        assert asked.body in (b"data", b"da 0\r\n0\r\n\r\nta", b"GET / HTTP/1.1\r\n\r\nta")


@pytest.mark.parametrize("name", ["bytes", "generator", "list", "file"])
def test_a_body_of_urlopen_is_sent_and_found_again(name, url, server, cassette):
    for mode in ("once", "none"):
        with cassette(mode):
            request = urllib.request.Request(url, BODIES[name](), {"Content-Type": "text/plain"})
            with urllib.request.urlopen(request) as response:
                body = response.read()
        server.stop()
    assert body == b"POST /x " + server.asked[0].body
    assert server.asked[0].body.startswith(b"data")


def test_more_than_the_head_announced_reaches_the_server(server, connect, cassette):
    server.on("/x", server.reply(b"first"))
    server.on("/y", server.reply(b"second"))
    connection = connect()
    with cassette() as block:
        connection.request("POST", "/x", b"", {"Content-Length": "0"})
        # What a confused caller sends on is not ours to lose.
        connection.send(f"GET /y HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
        assert connection.getresponse().read() == b"first"
        assert len(block) == 1
    with cassette("none"):
        connection = connect()
        connection.request("POST", "/x", b"", {"Content-Length": "0"})
        connection.send(b"more")
        assert connection.getresponse().read() == b"first"
    assert [asked.target for asked in server.asked][:1] == ["/x"]


def test_fewer_bytes_than_announced_are_for_the_server_to_judge(connect, server, cassette):
    server.on("/x", b"")
    for mode in ("once", "none"):
        connection = connect()
        connection.timeout = 0.05
        with cassette(mode), pytest.raises(TimeoutError):
            _ask(connection, "POST", body=b"short", headers={"Content-Length": "100"})
        connection.close()


def test_waiting_for_100_continue_is_the_servers_business(url, server, connect, cassette):
    for mode in ("once", "none"):
        connection = connect()
        with cassette(mode):
            assert _ask(connection, "POST", body=b"data", headers={"Expect": "100-continue"}) == b"POST /x data"
        connection.close()
        server.stop()


def test_a_body_that_fails_while_it_is_sent_is_no_call(url, server, connect, cassette):
    def broken():
        yield b"da"
        raise RuntimeError("no more")

    for mode in ("once", "none"):
        connection = connect()
        with cassette(mode) as block:
            with pytest.raises(RuntimeError, match="no more"):
                connection.request("POST", "/x", broken())
            assert len(block) == 0
    assert server.count == 0


# Responses and debugging.


def test_debuglevel_prints_as_ever(url, server, connect, cassette, capsys):
    said = []
    for mode in ("once", "none"):
        connection = connect()
        connection.set_debuglevel(1)
        with cassette(mode):
            _ask(connection)
        said.append(capsys.readouterr().out)
        connection.close()
        server.stop()
    assert "send: b'GET /x" in said[0]
    assert "reply: 'HTTP/1.1 200 OK" in said[0]
    assert said[0] == said[1]


def test_a_second_request_before_the_response_is_refused_as_ever(url, connect, cassette):
    for mode in ("once", "none"):
        connection = connect()
        with cassette(mode):
            connection.request("GET", "/x")
            with pytest.raises(http.client.CannotSendRequest):
                connection.request("GET", "/x")
            assert connection.getresponse().read() == b"GET /x "


def test_a_request_whose_response_nobody_asked_for_is_not_recorded(url, server, connect, cassette):
    with cassette() as block:
        connection = connect()
        connection.request("GET", "/x")
    assert len(block) == 0
    assert connection.getresponse().read() == b"GET /x "


def test_a_response_may_be_read_after_its_block(server, connect, cassette):
    server.on("/x", server.reply(b"x" * 100_000))
    with cassette():
        assert _ask(connect()) == b"x" * 100_000
    connection = connect()
    with cassette("none"):
        connection.request("GET", "/x")
        response = connection.getresponse()
    assert response.read() == b"x" * 100_000


def test_a_live_response_is_read_on_after_its_block_and_is_recorded_as_far_as_it_was(server, connect, cassette):
    gate = threading.Event()
    server.on("/x", (server.reply(b"one", length=6), gate, b"two"))
    connection = connect()
    with cassette() as block:
        connection.request("GET", "/x")
        response = connection.getresponse()
        assert response.read(3) == b"one"
    gate.set()
    assert response.read() == b"two"
    (job,) = block.jobs
    assert (job.response.content, job.response.end) == (b"one", "closed")


def test_a_response_can_be_wrapped_in_text(url, server, cassette):
    for mode in ("once", "none"):
        with cassette(mode), urllib.request.urlopen(url) as response, io.TextIOWrapper(response) as text:
            assert text.read() == "GET /x "
        server.stop()


def test_the_file_of_a_live_response_is_still_a_sockets(url, connect, cassette):
    with cassette():
        connection = connect()
        connection.request("GET", "/x")
        with connection.getresponse() as response:
            assert response.fileno() > 0
            assert response.fp.raw._sock.getpeername()


def test_a_folded_header_comes_folded_again(server, connect, cassette):
    server.on("/x", b"HTTP/1.1 200 OK\r\nX-Long: one\r\n  two\r\nContent-Length: 0\r\n\r\n")
    seen = []
    for mode in ("once", "none"):
        with cassette(mode):
            connection = connect()
            connection.request("GET", "/x")
            with connection.getresponse() as response:
                seen.append(response.getheaders())
    assert seen[0] == seen[1]
    assert server.count == 1


def test_lines_that_end_without_carriage_return_are_understood(server, connect, cassette):
    server.on("/x", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok")
    for mode in ("once", "none"):
        with cassette(mode):
            assert _ask(connect()) == b"ok"
    assert server.count == 1


@pytest.mark.parametrize("name", ["a line that is too long", "too many headers"])
def test_a_head_that_http_client_refuses_is_refused_again(name, server, connect, cassette):
    long = b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n"
    many = b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 101 + b"\r\n"
    server.on("/x", (long if name == "a line that is too long" else many, "close"))
    seen = []
    for mode in ("once", "none"):
        with cassette(mode), pytest.raises(http.client.HTTPException) as caught:
            _ask(connect())
        seen.append((type(caught.value), str(caught.value)))
    assert seen[0] == seen[1]
    assert server.count == 1


def test_xml_rpc_is_recorded(server, cassette):
    def serve(asked):
        args, method = xmlrpc.client.loads(asked.body)
        return server.reply(xmlrpc.client.dumps((f"{method}{args}",), methodresponse=True).encode())

    server.on("/RPC2", serve)
    for mode in ("once", "none"):
        with cassette(mode), xmlrpc.client.ServerProxy(server.url) as proxy:
            assert proxy.add(1, 2) == "add(1, 2)"
            assert proxy.add(2, 2) == "add(2, 2)"
        server.stop()


def test_urlretrieve_writes_the_same_file_again(server, cassette, tmp_path):
    url = server.on("/x", server.reply(b"x" * 20_000))
    for mode in ("once", "none"):
        with cassette(mode):
            urllib.request.urlretrieve(url, tmp_path / mode)
        server.stop()
    assert (tmp_path / "once").read_bytes() == (tmp_path / "none").read_bytes() == b"x" * 20_000
