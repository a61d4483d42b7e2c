"""The tables, once, in their two layouts.

In a *ledger*, the `jobs.db` of a `Recorder`, a job need not have a key, and is known by its id. In a *cassette*, and in
the staging file that goes before it, every job has an address, and the rows lie in the order of their addresses: one
tree to write to, and in a cassette the same rows are the same bytes.
"""

from __future__ import annotations

from typing import Final

from ..job import Row

__all__ = ["APPLICATION_ID", "CASSETTE", "COLUMNS", "LEDGER", "VERSION"]

# "pyrc", in the header of the file: tells our files from everybody else's without reading a table.
APPLICATION_ID: Final = 0x70797263
VERSION: Final = 1

COLUMNS: Final = ", ".join(Row._fields)

_JOB_COLUMNS: Final = """\
    id            TEXT NOT NULL,
    scope         TEXT NOT NULL DEFAULT '',
    kind          TEXT NOT NULL,
    key           TEXT,
    seq           INTEGER NOT NULL DEFAULT 0,
    attempt       INTEGER NOT NULL DEFAULT 0,
    parent_id     TEXT,
    status        TEXT NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'interrupted')),
    owner         TEXT,
    submitted_at  TEXT NOT NULL,
    started_at    TEXT,
    beat_at       TEXT,
    completed_at  TEXT,
    request_json  TEXT,
    response_json TEXT,
    data_json     TEXT,
    error_json    TEXT,
    info_json     TEXT,
"""

# Milliseconds have no type there: SQLite's versions disagree on how many bytes 0.0 takes in a column of REAL.
_OTHERS: Final = """\
CREATE TABLE chunks (
    job_id    TEXT NOT NULL,
    seq       INTEGER NOT NULL,
    offset_ms NOT NULL,
    body      TEXT NOT NULL,
    PRIMARY KEY (job_id, seq)
) WITHOUT ROWID;
CREATE TABLE edges (
    upstream_id   TEXT NOT NULL,
    downstream_id TEXT NOT NULL,
    label         TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (upstream_id, downstream_id, label)
) WITHOUT ROWID;
CREATE TABLE uses (
    test   TEXT NOT NULL,
    job_id TEXT NOT NULL,
    PRIMARY KEY (test, job_id)
) WITHOUT ROWID;
CREATE TABLE blobs (
    digest   TEXT NOT NULL PRIMARY KEY,
    encoding TEXT NOT NULL,
    data     BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
"""

# The unique index is idempotency: whoever makes a call inserts the attempt after the last one that he has seen to have
# failed or been given up, and only one can. It serves look-ups, failures included, and queries by key.
LEDGER: Final = f"""\
CREATE TABLE jobs (
{_JOB_COLUMNS}    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX jobs_address ON jobs (key, kind, scope, seq, attempt) WHERE key IS NOT NULL;
{_OTHERS}"""

CASSETTE: Final = f"""\
CREATE TABLE jobs (
{_JOB_COLUMNS}    PRIMARY KEY (scope, kind, key, seq, attempt)
) WITHOUT ROWID;
{_OTHERS}"""
