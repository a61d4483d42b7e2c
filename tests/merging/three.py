"""Calls to be merged, and what is in a cassette then."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from pytest_recorded.conflicts import read_conflicts
from pytest_recorded.job import job_id
from pytest_recorded.store.sqlite import CassetteFile
from sides import function

TEA, MILK, RICE = ({"item": item} for item in ("tea", "milk", "rice"))


def price(value, item=TEA, **more):
    """Return a call that has asked for the price of an item."""
    return function({"price": value}, sent=item, **more)


def again(side, attempt):
    """Return the same call as a later attempt."""
    row = side.row
    return side._replace(row=row._replace(attempt=attempt, id=job_id(row.address, attempt)))


def conflicts_in(path):
    """Return the conflicts of a cassette."""
    with closing(CassetteFile(path)) as file:
        return read_conflicts(file)


def rows_in(path):
    """Return the rows of a cassette in the order of their addresses, and who shares which."""
    with closing(CassetteFile(path)) as file:
        rows = sorted(file.rows(), key=lambda row: (row.address, row.attempt))
        return rows, {job: sorted(tests) for job, tests in file.users().items()}


def meta(path):
    """Return what a cassette says of itself."""
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT key, value FROM meta"))
