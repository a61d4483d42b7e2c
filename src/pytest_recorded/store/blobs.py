"""Large texts of a cassette: each is kept once, in `blobs`, and its row has a pointer in its place.

The law of this file: what is kept where follows from the text alone, so that equal rows are equal bytes. A short text
stays in its row, for whoever reads that with SQL. Requests are kept in pieces, since those of a conversation begin
alike; answers in one, since they are what a replay waits for. Whoever reads through `see_whole` never meets a pointer.
"""

from __future__ import annotations

import re
import weakref
import zlib
from contextlib import suppress
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from ..canonical import POINTER
from ..job import Chunk, Row

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    Blob = tuple[str, bytes]

__all__ = ["Keeper", "copy_blobs", "keeping", "see_whole", "spoilt"]

_DIGEST: Final = 32
_DIGEST_BYTES: Final = _DIGEST // 2

# Characters from which on a text is large.
_LARGE: Final = 4096
# Bytes that a piece has at least.
_PIECE: Final = 1024
# Where a request may be cut: between two objects, such as messages; after a line in a text; never at its end.
_BORDER: Final = re.compile(rb"(?:(?<=\}),|(?<=\\n))(?!\Z)")
# What compressing has to save to be worth it.
_SAVES: Final = 0.9
_LEVEL: Final = 6

_PLAIN, _ZLIB, _PIECES = "plain", "zlib", "pieces"

# The columns whose texts may be large, with the function that keeps them.
_KEPT: Final = {
    "request_json": "keep_pieces",
    "response_json": "keep_whole",
    "data_json": "keep_whole",
    "error_json": "keep_whole",
    "body": "keep_whole",
}


def _digest_in(pointer: bytes) -> str:
    return pointer[len(POINTER) :][:_DIGEST].decode(errors="replace")


class Keeper:
    """Takes in large texts while rows are copied by SQL.

    Attributes:
        blobs: What has been kept so far: by digest an encoding and the data.

    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.blobs: dict[str, Blob] = {}
        connection.create_function("keep_whole", 1, self._keep_whole, deterministic=True)
        connection.create_function("keep_pieces", 1, self._keep_pieces, deterministic=True)

    def _keep_whole(self, text: bytes) -> str:
        return f'{POINTER}{self._keep(text).hex()}"}}'

    def _keep_pieces(self, text: bytes) -> str:
        pieces = list(_pieces(text))
        if len(pieces) == 1:
            return self._keep_whole(text)
        digest = _digest(text)
        self.blobs[digest.hex()] = _PIECES, b"".join(map(self._keep, pieces))
        return f'{POINTER}{digest.hex()}"}}'

    def _keep(self, data: bytes) -> bytes:
        digest = _digest(data)
        if digest.hex() not in self.blobs:
            packed = zlib.compress(data, _LEVEL)
            self.blobs[digest.hex()] = (_ZLIB, packed) if len(packed) < _SAVES * len(data) else (_PLAIN, data)
        return digest


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=_DIGEST_BYTES).digest()


def _pieces(text: bytes) -> Iterator[bytes]:
    """Cut a text, from its beginning on, so that texts that begin alike have their first pieces in common."""
    start = 0
    while border := _BORDER.search(text, start + _PIECE):
        yield text[start : border.end()]
        start = border.end()
    yield text[start:]


def keeping(columns: Iterable[str]) -> str:
    """Return columns as SQL selects them to be stored: in place of what is large a pointer, and a `Keeper` keeps it."""
    return ", ".join(
        _case(name, f"length({name}) >= {_LARGE}", f"{_KEPT[name]}(CAST({name} AS BLOB))") if name in _KEPT else name
        for name in columns
    )


def _seen(columns: Iterable[str]) -> str:
    """Return columns as SQL selects them to be read: in place of a pointer the text, whether it is UTF-8 or not."""
    return ", ".join(
        _case(name, _is_pointer(name), f"CAST(whole(CAST({name} AS BLOB)) AS TEXT)") if name in _KEPT else name
        for name in columns
    )


def _case(name: str, condition: str, instead: str) -> str:
    return f"CASE WHEN {condition} THEN {instead} ELSE {name} END AS {name}"


def _is_pointer(name: str) -> str:
    # GLOB has letters with a meaning; a pointer has none of them.
    return f"{name} GLOB '{POINTER}*'"


def copy_blobs(connection: sqlite3.Connection, keeper: Keeper) -> None:
    """Fill `main.blobs` with what the rows of `main` point to: kept by now, or in `old.blobs`."""
    wanted = {_digest_in(pointer) for (pointer,) in connection.execute(_POINTERS)}
    known = {digest: data for digest, data in connection.execute(_OLD_PIECES) if digest in wanted}
    known |= {digest: data for digest, (how, data) in keeper.blobs.items() if how == _PIECES and digest in wanted}
    for data in known.values():
        wanted.update(piece.hex() for piece in _digests_in(data))
    connection.execute("CREATE TEMP TABLE wanted (digest PRIMARY KEY)")
    connection.executemany("INSERT INTO temp.wanted VALUES (?)", ((digest,) for digest in wanted))
    connection.execute("CREATE TEMP TABLE kept AS SELECT digest, encoding, data FROM old.blobs LIMIT 0")
    connection.executemany(
        "INSERT INTO temp.kept VALUES (?, ?, ?)", ((key, *keeper.blobs[key]) for key in keeper.blobs)
    )
    connection.execute(_COPY)


_POINTERS: Final = " UNION ALL ".join(
    f"SELECT CAST({name} AS BLOB) FROM main.{'chunks' if name in Chunk._fields else 'jobs'} WHERE {_is_pointer(name)}"
    for name in _KEPT
)
_OLD_PIECES: Final = f"SELECT digest, CAST(data AS BLOB) FROM old.blobs WHERE encoding = '{_PIECES}'"
# What has been kept before stays as it is.
_COPY: Final = (
    "INSERT INTO main.blobs SELECT digest, encoding, data FROM ("
    " SELECT * FROM old.blobs WHERE digest IN (SELECT digest FROM temp.wanted)"
    " UNION ALL SELECT * FROM temp.kept WHERE digest IN (SELECT digest FROM temp.wanted)"
    " AND digest NOT IN (SELECT digest FROM old.blobs)"
    ") ORDER BY digest"
)


def _digests_in(data: bytes) -> Iterator[bytes]:
    return (data[start : start + _DIGEST_BYTES] for start in range(0, len(data), _DIGEST_BYTES))


def see_whole(connection: sqlite3.Connection) -> None:
    """Let statements on `jobs` and `chunks` find large texts in their rows; a file without any is left as it is.

    Args:
        connection: Of a cassette. What is written is to go to `main.jobs` and `main.chunks` from then on.

    """
    if connection.execute(_HAS_BLOBS).fetchone() is None:
        return
    # Itself it would never go away: SQLite's functions are unknown to the garbage collector.
    asked = weakref.ref(connection)

    def whole(pointer: bytes) -> bytes:
        return _whole(asked(), _digest_in(pointer)) or pointer

    connection.create_function("whole", 1, whole, deterministic=True)
    connection.execute("PRAGMA temp_store = MEMORY")
    for view in _VIEWS:
        connection.execute(view)


_HAS_BLOBS: Final = "SELECT 1 FROM main.blobs LIMIT 1"
_VIEWS: Final = (
    f"CREATE TEMP VIEW jobs AS SELECT {_seen(Row._fields)} FROM main.jobs",
    f"CREATE TEMP VIEW chunks AS SELECT {_seen(('job_id', *Chunk._fields))} FROM main.chunks",
)


def _whole(connection: sqlite3.Connection | None, digest: str) -> bytes | None:
    """Return a text; None if it is not there, or damaged."""
    found = _find(connection, digest)
    if found is None or found[0] != _PIECES:
        return _unpacked(found)
    pieces = [_unpacked(_find(connection, piece.hex())) for piece in _digests_in(found[1])]
    return None if None in pieces else b"".join(filter(None, pieces))


def _find(connection: sqlite3.Connection | None, digest: str) -> Blob | None:
    if connection is None:
        return None
    found: Blob | None = connection.execute(_FIND, (digest,)).fetchone()
    return found


_FIND: Final = "SELECT encoding, CAST(data AS BLOB) FROM main.blobs WHERE digest = ?"


def _unpacked(found: Blob | None) -> bytes | None:
    if found is None:
        return None
    encoding, data = found
    with suppress(zlib.error):
        return zlib.decompress(data) if encoding == _ZLIB else data if encoding == _PLAIN else None
    return None


def spoilt(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield the digests of texts that are not those that were kept under them."""
    for (digest,) in connection.execute("SELECT digest FROM main.blobs ORDER BY digest"):
        text = _whole(connection, digest)
        if text is None or _digest(text).hex() != digest:
            yield digest
