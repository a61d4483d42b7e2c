"""Which calls are recorded: the options `hosts`, `ignore_hosts`, `kinds` and `live`.

A call that they leave out is not the cassette's: it runs, and what is called inside of it is looked at on its own. A
call of a live kind runs too, but with everything inside of it.
"""

from __future__ import annotations

from enum import Enum, auto
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING

from .errors import ConfigurationError
from .network import peer_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .network import HostPattern

__all__ = ["Choice", "Fate", "Host", "choice_of", "globs_from", "is_among"]

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
        self,
        hosts: tuple[HostPattern, ...],
        ignore_hosts: tuple[HostPattern, ...],
        kinds: tuple[str, ...],
        live: tuple[str, ...],
    ) -> None:
        self._hosts = hosts
        self._ignored = ignore_hosts
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
            peer = peer_of(host[0].strip("[]"), host[1])
            if self._hosts and not any(pattern.takes(peer) for pattern in self._hosts):
                return Fate.LEFT_OUT
            if any(pattern.takes(peer) for pattern in self._ignored):
                return Fate.LEFT_OUT
        return Fate.OURS


@lru_cache(maxsize=64)
def choice_of(
    hosts: tuple[HostPattern, ...], ignore_hosts: tuple[HostPattern, ...], kinds: tuple[str, ...], live: tuple[str, ...]
) -> Choice | None:
    """Return the choice that these options make; None if they leave nothing out."""
    return Choice(hosts, ignore_hosts, kinds, live) if hosts or ignore_hosts or kinds or live else None


def is_among(kind: str, globs: Iterable[str]) -> bool:
    """Return whether a kind fits one of some globs."""
    return any(fnmatchcase(kind, glob) for glob in globs)


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
