"""What all tests share: pytest's own test tools, compiled modules, and an environment without the CI's say in modes."""

from __future__ import annotations

import atexit
import compileall
import contextlib
import os
import py_compile
import socket
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import certifi
import pytest
import trustme

import pytest_recorded
from pytest_recorded import RecordedWarning, guard
from pytest_recorded.network import Peer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_recorded import use_cassette

pytest_plugins = ["pytester"]

# Hundreds of processes are started by the tests, and each would compile the same modules again: half of its time.
sys.dont_write_bytecode = False


def pytest_configure(config: pytest.Config) -> None:
    """Compile what a process of a test imports: our own modules, and what pytest has loaded itself."""
    if not hasattr(config, "workerinput"):
        _make_one_authority()
        _compile()
    # Each client reads the whole bundle anew, and there are thousands of clients.
    certifi.where = lambda: os.environ["SSL_CERT_FILE"]


def _make_one_authority() -> None:
    path = Path(tempfile.gettempdir()) / f"pytest-recorded-authority-{os.getpid()}.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    atexit.register(path.unlink, missing_ok=True)
    # Workers and the processes of tests have it from here.
    os.environ["SSL_CERT_FILE"] = str(path)


def _compile() -> None:
    compileall.compile_dir(Path(pytest_recorded.__file__).parent, quiet=2)
    for module in list(sys.modules.values()):
        spec = getattr(module, "__spec__", None)
        if spec is not None and spec.cached and spec.origin and not Path(spec.cached).exists():
            with contextlib.suppress(OSError):  # nobody may write there
                py_compile.compile(spec.origin, quiet=2)


@pytest.fixture(autouse=True)
def _no_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write no bytecode in a test: a module that is written twice within a second would be read as it was at first."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Record modes depend on CI being set; a test that is about that sets it itself."""
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture
def verifying() -> Callable[..., Any]:
    """Enter a block that verifies, and see to it that it warns of what has changed, and of nothing else."""

    @contextlib.contextmanager
    def verified(block: use_cassette) -> Iterator[Any]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", RecordedWarning)
            with block as cassette:
                yield cassette
        told = [str(warning.message) for warning in caught if warning.category is RecordedWarning]
        counts = cassette._scope.counts
        found = [f"{counts[what]} {what}" for what in ("changed", "new") if counts[what]]
        assert [text.partition(": ")[2] for text in told] == [
            f"{' and '.join(found)} of the answers of this block." for _ in found[:1]
        ]

    return verified


class Elsewhere:
    """A port for TCP and UDP on an address of this machine that is not the loopback's; it knows who has come."""

    def __init__(self, host: str, *, is_pretended: bool) -> None:
        self.host = host
        self.listener = socket.create_server((host, 0), backlog=64)
        self.listener.setblocking(False)
        self.port: int = self.listener.getsockname()[1]
        self.mailbox = socket.socket(self.listener.family, socket.SOCK_DGRAM)
        self.mailbox.bind((host, self.port))
        self.mailbox.setblocking(False)
        #: What a conftest has to do where no other process would take the address for one that is elsewhere.
        self.conftest = "import pytest_recorded.network as n; n.Peer.is_local = False\n" if is_pretended else ""
        self._came = 0

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port

    @property
    def shown(self) -> str:
        """Host and port, as they are named at the end."""
        return f"{self.host}:{self.port}"

    @property
    def came(self) -> int:
        """How many connections and datagrams have come so far: on one machine they are there at once."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.listener.accept()[0].close()
                self._came += 1
        with contextlib.suppress(BlockingIOError):
            while True:
                self.mailbox.recv(100)
                self._came += 1
        return self._came

    def close(self) -> None:
        """Close the port."""
        self.listener.close()
        self.mailbox.close()


def _own_address() -> str:
    """Return an address of this machine that others see; `""` if it has none. Nothing is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("203.0.113.1", 9))
        found: str = probe.getsockname()[0]
        return "" if found.startswith("127.") else found
    return ""


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    """Return a host that is not the loopback, where connections can be counted, and which is this machine all along."""
    host = _own_address()
    # What other tests have resolved.
    monkeypatch.setattr(guard, "_names", {})
    if not host:
        # Without a network the loopback has to do: it is taken for a foreign host.
        monkeypatch.setattr(Peer, "is_local", property(lambda peer: peer.ip is None and peer.host == ""))
    port = Elsewhere(host or "127.0.0.1", is_pretended=not host)
    yield port
    port.close()
