"""Every statement that reads or writes rows, by name. Both layouts of `schema` answer all of them."""

from __future__ import annotations

from typing import Final

from ..job import Found, Row
from .schema import COLUMNS

PLACES: Final = ", ".join("?" * len(Row._fields))

# An address has one row per attempt; the latest is what a replay is about.
FIND: Final = (
    f"SELECT {', '.join(Found._fields)} FROM jobs"
    " WHERE scope = ? AND kind = ? AND key = ? AND seq = ? ORDER BY attempt DESC LIMIT 1"
)
# In a cassette an id follows from its address: one text less to be made for each replay.
FIND_IN_CASSETTE: Final = FIND.replace("SELECT id,", "SELECT NULL,")
INSERT: Final = f"INSERT INTO jobs ({COLUMNS}) VALUES ({PLACES})"
INSERT_CHUNK: Final = "INSERT INTO chunks (job_id, seq, offset_ms, body) VALUES (?, ?, ?, ?)"

# How one row is named: by its id in a ledger, by its address and attempt in a staging file.
ONE_BY_ID: Final = "id = ?"
ONE_BY_PLACE: Final = "scope = ? AND kind = ? AND key = ? AND seq = ? AND attempt = ?"

# Conditional, so that a writer whose row was given up in the meantime changes nothing.
FINISH: Final = (
    "UPDATE jobs SET status = ?, completed_at = ?, response_json = ?, data_json = ?, error_json = ?,"
    " info_json = coalesce(?, info_json), owner = NULL, beat_at = NULL WHERE {one} AND status = 'running'"
)
ATTACH: Final = "UPDATE jobs SET data_json = ? WHERE {one} AND status = 'running'"
INTERRUPT: Final = (
    "UPDATE jobs SET status = 'interrupted', completed_at = ?, owner = NULL, beat_at = NULL"
    " WHERE {one} AND status = 'running'"
)
DELETE_OF_ATTEMPT: Final = "DELETE FROM jobs WHERE scope = ? OR (scope = ? AND kind = ? AND key = ?)"
LEASE: Final = "SELECT status, owner, beat_at FROM jobs WHERE {one}"
BEAT: Final = "UPDATE jobs SET beat_at = ? WHERE owner = ? AND status = 'running'"

BY_ID: Final = f"SELECT {COLUMNS} FROM jobs WHERE id = ?"
BY_ADDRESS: Final = (
    f"SELECT {COLUMNS} FROM jobs WHERE scope = ? AND kind = ? AND key = ? AND seq = ? ORDER BY attempt DESC LIMIT 1"
)
BY_ID_RANGE: Final = f"SELECT {COLUMNS} FROM jobs WHERE id >= ? AND id < ? LIMIT ?"
ALL: Final = f"SELECT {COLUMNS} FROM jobs ORDER BY submitted_at, id"
# In a cassette this is the order of the rows themselves; in a ledger a row without a key has nothing but its id.
BY_PLACE: Final = f"SELECT {COLUMNS} FROM jobs ORDER BY scope, kind, key, seq, attempt, id"
OF_SCOPE_BY_PLACE: Final = f"SELECT {COLUMNS} FROM jobs WHERE scope = ? ORDER BY kind, key, seq, attempt"
OF_KIND: Final = f"SELECT {COLUMNS} FROM jobs WHERE scope = ? AND kind = ? ORDER BY submitted_at, key"
ENDED_SINCE: Final = f"SELECT {COLUMNS} FROM jobs WHERE completed_at >= ? ORDER BY completed_at"
OF_SCOPE: Final = f"SELECT {COLUMNS} FROM jobs WHERE scope = ? ORDER BY submitted_at, seq, id"
OF_SCOPE_AND_KIND: Final = (
    f"SELECT {COLUMNS} FROM jobs WHERE scope = ? AND kind = ? AND status IN ('completed', 'failed', 'interrupted')"
    " ORDER BY submitted_at, seq LIMIT ?"
)
# Of each address the latest attempt, which is what is replayed: SQLite takes the other columns from the row of max().
OLDER: Final = (
    "SELECT kind, key, seq, submitted_at, max(attempt) FROM jobs WHERE scope = ? GROUP BY kind, key, seq"
    " HAVING submitted_at < ?"
)
ADDRESSES: Final = "SELECT DISTINCT scope, kind, key, seq FROM jobs WHERE scope = ?"
HAS_SCOPE: Final = "SELECT 1 FROM jobs WHERE scope = ? LIMIT 1"
COUNT_SEQS: Final = "SELECT count(DISTINCT seq) FROM jobs WHERE scope = ? AND kind = ? AND key = ?"
KINDS: Final = "SELECT DISTINCT kind FROM jobs ORDER BY kind"
KINDS_OF_SCOPE: Final = "SELECT DISTINCT kind FROM jobs WHERE scope = ? LIMIT 20"

# Hops from scope to scope along the primary key: as fast as there are tests, not as there are rows.
OTHER_SCOPES: Final = """\
WITH RECURSIVE hop (scope) AS (
    SELECT min(scope) FROM jobs
    UNION ALL
    SELECT (SELECT min(scope) FROM jobs WHERE scope > hop.scope) FROM hop WHERE hop.scope IS NOT NULL
)
SELECT scope FROM hop
WHERE scope IS NOT NULL AND scope <> ?
  AND EXISTS (SELECT 1 FROM jobs WHERE jobs.scope = hop.scope AND jobs.kind = ? AND jobs.key = ?)
LIMIT 5"""

SCOPES: Final = "SELECT DISTINCT scope FROM jobs UNION SELECT DISTINCT test FROM uses ORDER BY 1"
HAS_CHUNKS: Final = "SELECT 1 FROM chunks LIMIT 1"
CHUNKS: Final = "SELECT seq, offset_ms, body FROM chunks WHERE job_id = ? ORDER BY seq"

CHECK: Final = "PRAGMA integrity_check(20)"
STREAMED: Final = "SELECT DISTINCT job_id FROM chunks"
STRAYS: Final = """\
SELECT job_id FROM (SELECT job_id FROM chunks UNION SELECT job_id FROM uses)
WHERE job_id NOT IN (SELECT id FROM jobs) ORDER BY 1"""

HAS_USES: Final = "SELECT 1 FROM uses WHERE test = ? LIMIT 1"
USES_OF_TEST: Final = "SELECT job_id FROM uses WHERE test = ?"
USES: Final = "SELECT test, job_id FROM uses ORDER BY test"
ADD_USE: Final = "INSERT OR IGNORE INTO uses (test, job_id) VALUES (?, ?)"

META: Final = "SELECT value FROM meta WHERE key = ?"
# Bytes, which the columns take too, are no fact.
IS_FACT: Final = "typeof(key) = 'text' AND typeof(value) = 'text'"
FACTS_FROM: Final = f"SELECT key, value FROM meta WHERE key >= ? AND key < ? AND {IS_FACT} ORDER BY key"
#: How the names of facts begin that are conflicts.
CONFLICT: Final = "conflict:"
# A file of the package `recorded` has none.
HAS_META: Final = "SELECT 1 FROM main.sqlite_master WHERE type = 'table' AND name = 'meta'"
# Without what every building writes anew.
FACTS: Final = f"SELECT key, value FROM meta WHERE key NOT IN ('jobs', 'schema') AND {IS_FACT} ORDER BY key"
ADD: Final = (
    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE"
    " SET value = CAST(meta.value AS INTEGER) + CAST(excluded.value AS INTEGER)"
)
ADD_BELOW: Final = f"{ADD} WHERE CAST(meta.value AS INTEGER) < ?"
SET_META: Final = "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)"
