"""Rows that cannot be read, or are not where they should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..canonical import load_tree
from ..errors import SerializationError
from ..job import is_http, job_id
from ..message import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..job import Chunk, Row

__all__ = ["SLOTS", "faults_in", "faults_of"]

#: The columns that hold values, by the names that users know them by.
SLOTS: Final = ("request", "response", "data", "error", "info")


def faults_of(row: Row, chunks: Sequence[Chunk]) -> Iterator[tuple[str, str]]:
    """Yield where a row is damaged, and how."""
    if row.id != job_id(row.address, row.attempt):
        yield (
            "id",
            "does not follow from the row's address: it was changed by hand, and the pieces of its answer are lost",
        )
    for slot in SLOTS:
        text = getattr(row, f"{slot}_json")
        if text is not None:
            yield from faults_in(text, slot, row.kind)
    for chunk in chunks:
        yield from faults_in(chunk.body, f"chunk {chunk.seq}", "")


def faults_in(text: str, slot: str, kind: str) -> Iterator[tuple[str, str]]:
    """Yield where the text of a slot is damaged, and how; `kind`: of its call."""
    try:
        tree = load_tree(text)
        if is_http(kind) and isinstance(tree, dict):
            if slot == "request" and "method" in tree:
                HttpRequest.from_tree(tree)
            elif slot == "response":
                HttpResponse.from_tree(tree)
    except SerializationError as error:
        yield f"{slot}: {error.path}", error.problem
