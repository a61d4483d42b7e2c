"""Cassettes to be written down and read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_recorded.changes.comparing import Terms
from pytest_recorded.changes.files import Recorded
from pytest_recorded.job import Address, Row, job_id
from pytest_recorded.store.build import Changes, build
from pytest_recorded.text import Choice, Source, export_file, export_folder, import_text, read_text

MOMENT = "2030-01-02T03:04:05.000006Z"


@pytest.fixture
def row():
    """Make a row: `row("test_a", response_json="1")`."""

    def make(scope="test_a", *, kind="shop.ask", key="k", seq=0, attempt=0, **more):
        values = {"parent_id": None, "status": "completed", "owner": None, "submitted_at": MOMENT, "beat_at": None,
                  "started_at": MOMENT, "completed_at": MOMENT, "request_json": "{}", "response_json": '"answer"',
                  "data_json": None, "error_json": None, "info_json": None}  # fmt: skip
        address = Address(scope, kind, key or "", seq)
        place = {"id": job_id(address, attempt), "attempt": attempt}
        return Row(scope=scope, kind=kind, key=key, seq=seq, **{**place, **values, **more})

    return make


@pytest.fixture
def cassette(tmp_path):
    """Build a cassette: `cassette([row, (row, chunks)], uses={…}, facts={…})`."""

    def make(rows, name="jobs.db", **changes):
        workshop = tmp_path / ".staging"
        workshop.mkdir(exist_ok=True)
        path = tmp_path / name
        fresh = [(one, ()) if isinstance(one, Row) else one for one in rows]
        build(path, Changes(fresh=fresh, **changes), workshop)
        return path

    return make


@pytest.fixture
def export(tmp_path):
    """Write a cassette down: `export(cassette, "calls.jsonl", tests=("test_a",))`, or `"calls"` for a folder."""

    def run(cassette, name="calls.jsonl", **filters):
        path = tmp_path / name
        with Recorded(cassette, cassette.name) as file:
            return (export_file if path.suffix else export_folder)(Source(file, Terms(**filters)), path)

    return run


@pytest.fixture
def load(tmp_path):
    """Bring text into a cassette: `load("calls.jsonl", "new.db", "replace")`."""

    def run(text, cassette, choice="add", **more):
        return import_text(read_text(tmp_path / text), tmp_path / cassette, Choice(choice), **more)

    return run


@pytest.fixture
def same(tmp_path, export, load):
    """Write a cassette down in both forms, and assert that each makes its bytes again."""

    def check(path):
        for number, name in enumerate(("round.jsonl", "round")):
            export(path, name)
            made = f"round-{number}.db"
            Path(tmp_path / made).unlink(missing_ok=True)
            load(name, made)
            assert (tmp_path / made).read_bytes() == path.read_bytes()

    return check
