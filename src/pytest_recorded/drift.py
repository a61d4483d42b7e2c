"""Is an answer still the same: what decides whether a new recording replaces the old one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .canonical import load_tree
from .errors import SerializationError
from .job import Status, is_http
from .message import HttpResponse, same_response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .job import Chunk, Row

__all__ = ["is_failure", "same_answer"]

_CLIENT_ERROR: Final = 400


def is_failure(row: Row) -> bool:
    """Return whether a call that has ended has failed: it raised, or the answer of HTTP is an error."""
    if row.status != Status.COMPLETED or not is_http(row.kind) or row.response_json is None:
        return row.status != Status.COMPLETED
    try:
        return HttpResponse.from_tree(load_tree(row.response_json)).status >= _CLIENT_ERROR
    except SerializationError:
        return True


def same_answer(old: Row, new: Row, old_chunks: Sequence[Chunk], new_chunks: Sequence[Chunk]) -> bool:
    """Return whether two rows of one address hold the same answer; times and volatile headers do not count."""
    if (old.status, old.error_json) != (new.status, new.error_json):
        return False
    # The data of an HTTP call follow from its answer; a function may have attached to its own.
    if (old.data_json != new.data_json and not is_http(old.kind)) or _bodies(old_chunks) != _bodies(new_chunks):
        return False
    if old.response_json == new.response_json:
        return True
    if not is_http(old.kind) or old.response_json is None or new.response_json is None:
        return False
    try:
        return same_response(
            HttpResponse.from_tree(load_tree(old.response_json)),
            HttpResponse.from_tree(load_tree(new.response_json)),
        )
    except SerializationError:
        return False


def _bodies(chunks: Sequence[Chunk]) -> list[str]:
    return [chunk.body for chunk in chunks]
