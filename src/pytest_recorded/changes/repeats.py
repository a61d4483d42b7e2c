"""Several attempts at one test, to find out what varies between them by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..diff import ABSENT
from ..errors import SerializationError
from ..takeover import final_row, has_ended
from .classes import lasting_body
from .model import Noise
from .noise import varying, written
from .views import Side, View, view_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..job import Address
    from ..paths import Path
    from ..scope import Scope
    from ..store.sqlite import StagingFile

__all__ = ["Varying", "noise_in", "told_of"]

#: By kind: which paths vary, and in how many calls each.
Varying = dict[str, dict["Path", int]]


def noise_in(scope: Scope, staged: StagingFile, addresses: Iterable[Address]) -> Varying:
    """Return what varies between the live answers of several attempts; nothing if there was one.

    Args:
        scope: Whose attempts.
        staged: The staging file.
        addresses: Of the calls that the last attempt has made.

    """
    attempts = [] if scope.is_shared else scope.suite.attempts.get(scope.name, [])
    found: Varying = {}
    if len(attempts) > 1:
        for address in addresses:
            views = _views(scope, staged, [address._replace(scope=attempt) for attempt in attempts])
            for path in _paths(views):
                known = found.setdefault(address.kind, {})
                known[path] = known.get(path, 0) + 1
    return found


def told_of(noise: Varying) -> list[Noise]:
    """Return what varies as it is reported."""
    return [
        Noise(kind=kind, path=written(path), calls=calls)
        for kind, paths in sorted(noise.items())
        for path, calls in paths.items()
    ]


def _views(scope: Scope, staged: StagingFile, addresses: Iterable[Address]) -> list[View]:
    rows = [staged.row_at(address) for address in addresses]
    sides = [Side(final_row(row, scope.name), staged.chunks(row.id)) for row in rows if row and has_ended(row)]
    try:
        return [view_of(side, scope.projection_of) for side in sides]
    except SerializationError:
        return []


def _paths(views: Sequence[View]) -> list[Path]:
    if len({(str(view.status), repr(view.error)) for view in views}) != 1:
        # An answer and a failure have nothing in common that could be compared.
        return []
    trees: tuple[list[Any], ...] = ([lasting_body(view) for view in views], [view.data for view in views])
    # Of a call that has failed there is no answer.
    whole = [several for several in trees if not any(tree is ABSENT for tree in several)]
    return list(dict.fromkeys(path for several in whole for path in varying(several)))
