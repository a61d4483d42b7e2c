"""The tables, in both layouts."""

from __future__ import annotations

import re
import sqlite3

import pytest

from pytest_recorded.job import Row
from pytest_recorded.store import schema, sql

LAYOUTS = {"ledger": schema.LEDGER, "cassette": schema.CASSETTE}
STATEMENTS = {
    name: value.format(one=sql.ONE_BY_PLACE)
    for name, value in vars(sql).items()
    if name.isupper() and str(value).startswith(("SELECT", "INSERT", "UPDATE", "WITH"))
}


@pytest.fixture(params=LAYOUTS)
def tables(request):
    """An empty database in one of the layouts."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(LAYOUTS[request.param])
    yield connection
    connection.close()


def insert(connection, row):
    connection.execute(sql.INSERT, tuple(row))


def test_an_address_has_one_row_per_attempt(tables, row):
    insert(tables, row(id="1"))
    insert(tables, row(id="2", attempt=1))
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        insert(tables, row(id="3", attempt=1))


@pytest.mark.parametrize("other", [{"scope": "other"}, {"kind": "other"}, {"key": "other"}, {"seq": 1}])
def test_each_part_of_an_address_makes_another_one(tables, row, other):
    insert(tables, row(id="1"))
    insert(tables, row(id="2", **other))


def test_rows_without_a_key_are_as_many_as_there_are_calls_in_a_ledger(row):
    connection = sqlite3.connect(":memory:")
    connection.executescript(schema.LEDGER)
    for number in "123":
        insert(connection, row(id=number, key=None))
    with pytest.raises(sqlite3.IntegrityError, match=r"jobs\.id"):
        insert(connection, row(id="1", key=None))
    connection.close()


@pytest.mark.parametrize("status", ["done", "", None, "COMPLETED"])
def test_only_the_five_statuses_are_possible(tables, row, status):
    with pytest.raises(sqlite3.IntegrityError):
        insert(tables, row(status=status))


@pytest.mark.parametrize("name", STATEMENTS)
def test_both_layouts_answer_every_statement(tables, name):
    tables.execute(f"EXPLAIN {STATEMENTS[name]}", [None] * STATEMENTS[name].count("?"))


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_statement_numbers_its_parameters(name):
    """Python 3.12 warns of a sequence of values for numbered parameters, 3.14 refuses it."""
    assert not re.search(r"\?\d", STATEMENTS[name])


@pytest.mark.parametrize("name", ["FIND", "FIND_IN_CASSETTE", "BY_ADDRESS", "COUNT_SEQS"])
def test_a_look_up_scans_no_table(tables, name):
    plan = tables.execute(f"EXPLAIN QUERY PLAN {STATEMENTS[name]}", [None] * STATEMENTS[name].count("?")).fetchall()
    assert all(step[3].startswith("SEARCH") for step in plan)
    assert not any("TEMP B-TREE" in step[3] for step in plan)


def test_the_columns_are_those_of_a_row_in_their_order(tables):
    assert tuple(name for _, name, *_ in tables.execute("PRAGMA table_info(jobs)")) == Row._fields


def test_the_columns_of_the_package_recorded_keep_their_names(tables):
    """Its queries go on working."""
    tables.execute(
        "SELECT id, kind, key, status, submitted_at, started_at, completed_at, request_json, response_json, data_json,"
        " error_json FROM jobs WHERE kind GLOB 'orders.*'"
    )
