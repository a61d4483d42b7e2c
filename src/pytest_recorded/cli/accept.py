"""The command `accept`: live answers of the last verification become the recorded ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..changes.accepting import accept, last_verified
from .output import say, say_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["run_accept"]


def run_accept(cassette: Path, fingerprints: Sequence[str], *, as_json: bool) -> int:
    """Accept groups of changes; return the exit code.

    Raises:
        CassetteError: A file cannot be read, or the cassette cannot be written.
        UsageError: Nothing was verified, or it has no such group.

    """
    accepted = accept({cassette: last_verified(cassette)}, fingerprints)[cassette]
    if as_json:
        say_json(
            {
                "cassette": str(cassette),
                "accepted": [call.id for call in accepted.taken],
                "already": accepted.already,
                "refused": [
                    {"id": call.id, "tests": list(call.tests), "reason": why} for call, why in accepted.refused
                ],
            }
        )
    else:
        for line in accepted.lines():
            say(line)
    return 1 if accepted.refused else 0
