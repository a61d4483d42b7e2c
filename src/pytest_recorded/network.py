"""Hosts: what a peer is called, whether it is this machine, and whether it is among those that somebody has named.

Nothing here looks a name up. A peer is known by what its caller has called it, and by the names that were resolved to
its address before.
"""

from __future__ import annotations

import socket
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

__all__ = ["HostPattern", "Peer", "hosts_from", "peer_of"]

# What stands for this machine without being looked up anywhere else.
_LOCAL_NAMES = frozenset({"", "localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})
_LAST_PORT = 65535


class Peer(NamedTuple):
    """The other end of a connection, or a name that is looked up.

    Attributes:
        host: The name or the address that the caller gave, in lower case.
        port: The port; None if it is not known, as where a name is looked up.
        ip: The address, of an IPv4 address in IPv6 that one; None if the host is a name.

    """

    host: str
    port: int | None
    ip: IPv4Address | IPv6Address | None

    @property
    def is_local(self) -> bool:
        """Whether it is this machine's loopback; to connect to no address at all is that too."""
        if self.ip is None:
            return self.host in _LOCAL_NAMES or self.host.endswith(".localhost")
        return self.ip.is_loopback or self.ip.is_unspecified

    def shown(self, name: str = "") -> str:
        """Return it as a user would write it; `name`: a name that was resolved to its address."""
        host = name or (f"[{self.host}]" if ":" in self.host else self.host)
        return host if self.port is None else f"{host}:{self.port}"


class HostPattern(NamedTuple):
    """One entry of `allowed_hosts`, `hosts` or `ignore_hosts`.

    Attributes:
        name: A name or a glob; `""` if it is a network. `localhost` is this machine, whatever it is called.
        network: The addresses; None if it is a name.
        port: The only port; None for all.

    """

    name: str
    network: IPv4Network | IPv6Network | None
    port: int | None

    def takes(self, peer: Peer, names: Iterable[str] = ()) -> bool:
        """Return whether a peer is meant; `names`: those that were resolved to its address."""
        if None not in (self.port, peer.port) and self.port != peer.port:
            return False
        if self.network is not None:
            return peer.ip is not None and peer.ip in self.network
        if self.name == "localhost" and peer.is_local:
            return True
        return any(fnmatchcase(name, self.name) for name in (peer.host, *names))


def peer_of(host: str | bytes | bytearray, port: Any = None) -> Peer:
    """Return whom a host and a port mean, as the functions of the module `socket` take them."""
    text = host if isinstance(host, str) else bytes(host).decode("ascii", "replace")
    text = _ascii(text)
    if text == "<broadcast>":
        text = "255.255.255.255"
    try:
        number = None if port is None else int(port)
    except (TypeError, ValueError):
        # The name of a service.
        number = None
    return Peer(text, number, _ip_of(text))


def hosts_from(entries: Iterable[str], where: str) -> tuple[HostPattern, ...]:
    """Return the hosts that a user names; an entry may be several, divided by commas.

    Raises:
        ConfigurationError: An entry is no host.

    """
    return tuple(_entry(part.strip(), where) for entry in entries for part in entry.split(","))


def _entry(text: str, where: str) -> HostPattern:
    host, port = _divided(text)
    number = int(port) if port.isdecimal() and port.isascii() else 0
    if not host or (port and not 0 < number <= _LAST_PORT) or "//" in text or any(map(str.isspace, host)):
        raise _no_host(text, where)
    from ipaddress import ip_network  # noqa: PLC0415 - nothing that a run without allowed hosts needs

    try:
        return HostPattern("", ip_network(host, strict=False), number or None)
    except ValueError:
        if "/" in host or ":" in host:
            raise _no_host(text, where) from None
        return HostPattern(_ascii(host), None, number or None)


def _divided(text: str) -> tuple[str, str]:
    """Return host and port; `":"` as port, which is none, where one is announced and missing."""
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        return host if closed else "", (rest.removeprefix(":") or ":") if rest else ""
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host, port or ":"
    return text, ""


def _no_host(text: str, where: str) -> ConfigurationError:
    return ConfigurationError(
        f"{where}: {text!r} is no host. Write a name (api.example.com), a glob (*.example.com), an address (10.0.0.5, "
        f"::1) or a network (10.0.0.0/8), and :PORT after it if only one is meant ([::1]:8080)."
    )


def _ascii(host: str) -> str:
    host = host.lower().rstrip(".")
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host


def _ip_of(host: str) -> IPv4Address | IPv6Address | None:
    if not (host[:1].isdecimal() or ":" in host):
        return None
    from ipaddress import ip_address  # noqa: PLC0415 - see above

    try:
        ip = ip_address(host)
    except ValueError:
        pass
    else:
        return getattr(ip, "ipv4_mapped", None) or ip
    try:
        # 127.1 and 0x7f000001 are addresses too.
        return ip_address(socket.inet_aton(host)) if ":" not in host and " " not in host else None
    except (OSError, UnicodeError):
        return None
