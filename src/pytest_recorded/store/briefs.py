"""What a listing needs of rows, read in one go: no slot is decoded, and of large ones only the size is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ..job import Row
from .diagnosis import FAULTS, explain
from .looking import look_into

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["Brief", "briefs"]

_START: Final = 2000


class Brief(NamedTuple):
    """A row in brief.

    Attributes:
        id: Its id.
        scope: Whose call it is.
        kind: What was called.
        status: How it stands.
        submitted_at: When it was recorded.
        size: How many bytes it takes, the pieces of its answer included.
        info_json: What is noted of it, if that has to do with a language model.
        request_json: Of an HTTP call of which nothing of that kind is noted, its request, if that is looked at.
        response_json: Likewise.

    """

    id: str
    scope: str
    kind: str
    status: str
    submitted_at: str
    size: int
    info_json: str | None
    request_json: str | None
    response_json: str | None


# As many bytes as it has in UTF-8; octet_length() is not in every SQLite that Python has.
_SIZE: Final = " + ".join(
    f"coalesce(length(CAST(jobs.{name} AS BLOB)), 0)" for name in Row._fields if name not in ("seq", "attempt")
)
_COUNT: Final = "SELECT count(*) FROM jobs"
_HAS_FIGURES: Final = "coalesce(instr(info_json, '\"llm\"'), 0)"
_IS_WANTED: Final = f"kind GLOB 'http.*' AND NOT {_HAS_FIGURES} AND is_wanted(substr(request_json, 1, {_START}))"
_BRIEFS: Final = f"""\
SELECT jobs.id, scope, kind, status, submitted_at, {_SIZE} + coalesce(pieces.size, 0),
    CASE WHEN {_HAS_FIGURES} THEN info_json END,
    CASE WHEN {_IS_WANTED} THEN request_json END,
    CASE WHEN {_IS_WANTED} THEN response_json END
FROM jobs LEFT JOIN (SELECT job_id, sum(length(CAST(body AS BLOB))) AS size FROM chunks GROUP BY job_id) AS pieces
ON pieces.job_id = jobs.id"""


def briefs(path: Path, is_wanted: Callable[[str], bool]) -> tuple[int, Iterator[Brief]]:
    """Return how many rows a file has, and all of them in brief, in no order.

    Args:
        path: The file.
        is_wanted: Says by the beginning of a request whether an HTTP call of which nothing is noted is looked at.

    Raises:
        CassetteError: There is no such file, or it cannot be read; when rows are read, too.

    """
    connection = look_into(path)
    # Of a text that is no UTF-8, what can be read of it.
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    connection.create_function("is_wanted", 1, lambda start: is_wanted(str(start)), deterministic=True)
    try:
        (count,) = connection.execute(_COUNT).fetchone()
    except FAULTS as error:
        connection.close()
        raise explain(path, error) from error
    return count, _read(path, connection)


def _read(path: Path, connection: sqlite3.Connection) -> Iterator[Brief]:
    try:
        for columns in connection.execute(_BRIEFS):
            yield Brief._make(columns)
    except FAULTS as error:
        raise explain(path, error) from error
    finally:
        connection.close()
