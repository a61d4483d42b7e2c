"""Which calls are recorded: the options `hosts`, `ignore_hosts`, `kinds` and `live`.

A call that they leave out is not the cassette's: it runs, and what is called inside of it is looked at on its own. A
call of a live kind runs too, but with everything inside of it.
"""

from __future__ import annotations

from enum import Enum, auto
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from .errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Choice", "Fate", "Host", "choice_of", "globs_from", "hosts_from", "is_among"]

#: A host and its port; IPv6 addresses in brackets.
Host = tuple[str, int | None]


class Fate(Enum):
    """What the choice says of a call."""

    OURS = auto()
    LEFT_OUT = auto()
    LIVE = auto()


class Choice:
    """Which calls are recorded, asked once for each kind (and port, where hosts are named).

    Args:
        hosts: Of HTTP calls only those to these hosts are recorded; of none means of all.
        ignore_hosts: HTTP calls to these hosts are left out.
        kinds: Globs of kinds: only these are recorded; of none means of all.
        live: Globs of kinds that run live.

    """

    def __init__(
        self, hosts: tuple[str, ...], ignore_hosts: tuple[str, ...], kinds: tuple[str, ...], live: tuple[str, ...]
    ) -> None:
        self._hosts = tuple(map(_pattern, hosts))
        self._ignored = tuple(map(_pattern, ignore_hosts))
        self._kinds = kinds
        self._live = live
        self._fates: dict[tuple[str, Host | None], Fate] = {}

    def fate(self, kind: str, host: Host | None) -> Fate:
        """Return what is to become of a call; `host`: of an HTTP call, else None."""
        fate = self._fates.get((kind, host))
        if fate is None:
            fate = self._fates[kind, host] = self._decided(kind, host)
        return fate

    def _decided(self, kind: str, host: Host | None) -> Fate:
        if is_among(kind, self._live):
            return Fate.LIVE
        if self._kinds and not is_among(kind, self._kinds):
            return Fate.LEFT_OUT
        if host is not None:
            if self._hosts and not any(pattern.fits(host) for pattern in self._hosts):
                return Fate.LEFT_OUT
            if any(pattern.fits(host) for pattern in self._ignored):
                return Fate.LEFT_OUT
        return Fate.OURS


@lru_cache(maxsize=64)
def choice_of(
    hosts: tuple[str, ...], ignore_hosts: tuple[str, ...], kinds: tuple[str, ...], live: tuple[str, ...]
) -> Choice | None:
    """Return the choice that these options make; None if they leave nothing out."""
    return Choice(hosts, ignore_hosts, kinds, live) if hosts or ignore_hosts or kinds or live else None


def is_among(kind: str, globs: Iterable[str]) -> bool:
    """Return whether a kind fits one of some globs."""
    return any(fnmatchcase(kind, glob) for glob in globs)


class _Pattern(NamedTuple):
    name: str
    port: str

    def fits(self, host: Host) -> bool:
        name, port = host
        return fnmatchcase(_ascii(name.strip("[]")), self.name) and fnmatchcase(str(port or ""), self.port)


def _pattern(written: str) -> _Pattern:
    """Return a host pattern in its parts; one of several colons is an IPv6 address, whose port needs brackets."""
    if written.startswith("[") and "]" in written:
        name, _, port = written[1:].partition("]")
        port = port.removeprefix(":")
    elif written.count(":") == 1:
        name, _, port = written.partition(":")
    else:
        name, port = written, ""
    return _Pattern(_ascii(name), port or "*")


def _ascii(name: str) -> str:
    """Return a host name as it is asked for: small letters, and `xn--` for those that are not ASCII."""
    name = name.lower()
    try:
        return name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return name


_EXAMPLES: Final = "'api.openai.com', '*.example.com', 'localhost:8080'"


def hosts_from(entries: tuple[str, ...], where: str) -> tuple[str, ...]:
    """Read the options `hosts` and `ignore_hosts`.

    Raises:
        ConfigurationError: An entry is no host.

    """
    names = _separated(entries)
    for name in names:
        pattern = _pattern(name)
        if "/" in name or not pattern.name or not (pattern.port == "*" or pattern.port.isdecimal()):
            raise ConfigurationError(
                f"{where}: {name!r} is no host. Write a name, perhaps a glob, perhaps with a port: {_EXAMPLES}."
            )
    return names


def globs_from(entries: tuple[str, ...], where: str) -> tuple[str, ...]:
    """Read the options `kinds` and `live`.

    Raises:
        ConfigurationError: An entry is empty.

    """
    globs = _separated(entries)
    if not all(globs):
        raise ConfigurationError(
            f"{where}: '' is no kind. Write kinds or globs of them: 'orders.place', 'tools.*', 'http.api.openai.com'."
        )
    return globs


def _separated(entries: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.strip() for entry in entries for part in entry.split(","))
