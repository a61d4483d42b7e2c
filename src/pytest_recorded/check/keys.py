"""Requests that cannot be found again, because their keys were made with other options than the ini file's.

Not all such rows are known: a test may have options of its own, and a hook may have changed what is stored of a
request. Certain is only what follows from the row itself: its key is the one of its stored request with the options
that a project has by default, and with those of the ini file it would be another.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ..canonical import load_tree
from ..errors import RecordedError
from ..http.exchange import HttpCall
from ..job import is_http
from ..message import HttpRequest
from ..modes import RecordMode
from ..options import Options
from ..scope import Scope
from ..staging import Session
from ..suite import Suite

if TYPE_CHECKING:
    from pathlib import Path

    from ..job import Row

__all__ = ["KeySearch"]

# No library makes these calls: what a seam adds to one is not asked for.
_Asked: Final[Any] = HttpCall


class KeySearch:
    """Looks for rows that the options of the ini file do not find.

    Args:
        cassette: The cassette.
        options: Those of the ini file.

    """

    def __init__(self, cassette: Path, options: Options) -> None:
        usual = Options(redact=options.redact)
        self.has_reason = (options.match, options.ignore) != (usual.match, usual.ignore)
        suite = Suite(cassette.absolute(), Session.new(RecordMode.NONE))
        self._usual, self._own = (
            Scope(suite, "", replace(one, mode=RecordMode.NONE, scope="test")) for one in (usual, options)
        )

    def is_lost(self, row: Row) -> bool:
        """Return whether it is certain that a row is not found by the request that it was made for."""
        if not self.has_reason or not is_http(row.kind):
            return False
        try:
            request = HttpRequest.from_tree(load_tree(row.request_json or "null"))
            usual, own = (str(_Asked(scope, request, "").key()) for scope in (self._usual, self._own))
        except RecordedError:
            return False
        return usual == row.key != own
