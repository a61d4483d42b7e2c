"""What is written down and read again is the cassette that it was, byte for byte."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator  # noqa: TC003 - the recorder reads annotations
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path, PurePosixPath
from uuid import UUID

import pydantic
import pytest

from pytest_recorded import Recorder, attach, recorder, use_cassette
from pytest_recorded.changes.files import Recorded
from pytest_recorded.errors import SerializationError
from pytest_recorded.job import Chunk
from pytest_recorded.store.looking import AnyFile

ROOT = Path(__file__).parents[2]
CASSETTES = [ROOT / "cassettes" / "jobs.db", *sorted(ROOT.glob("examples/*/cassettes/jobs.db"))]


class Colour(Enum):
    RED = "r"


class Order(pydantic.BaseModel):
    item: object


class SoldOutError(Exception):
    pass


VALUES = {
    "none": None, "truth": True, "int": 7, "large": 2**70, "huge": 2**5000, "float": 0.1, "exponent": 1e300,
    "minus zero": -0.0, "nan": float("nan"), "infinity": float("-inf"), "text": "é\U0001f600", "nul": "a\0b",
    "separators": "\u2028\u2029\x85\x7f\r\n\t", "turned": "\u202e", "surrogate": "\ud83d", "empty": "",
    "bytes": b"\xff\0",     "tuple": (1, (2,)), "set": {1}, "frozen": frozenset("a"),
    "keys": {1: "a", None: "b"}, "tag": {"py:tuple": [1]},
    "moment": datetime(2030, 1, 2, tzinfo=UTC), "day": date(2030, 1, 2), "span": timedelta(1, 2, 3),
    "decimal": Decimal("1.10"), "uuid": UUID(int=7), "path": PurePosixPath("/a"), "enum": Colour.RED,
    "model": Order(item=[1, {"a": 2.5}]), "complex": 1 + 2j,
    "deep": [[[[[[{"a": [{}]}]]]]]], "numbers": list(range(99)),
}  # fmt: skip


@recorder(kind="text.value")
def give(name) -> Colour | Order | object:
    attach("given", name)
    return VALUES[name]


@recorder(kind="text.error")
def fail(name):
    error = SoldOutError(name, b"\xff", VALUES["nan"])
    error.add_note("try tea")
    raise error


def fail_quietly(name):
    with pytest.raises(SoldOutError):
        fail(name)


@recorder(kind="text.items")
def items(name) -> Iterator[Colour | Order | object]:
    yield VALUES[name]
    yield "\u2028"
    if name == "nan":
        raise LookupError(name)
    return 7


@recorder(kind="text.items.async")
async def async_items(name) -> AsyncIterator[Colour | Order | object]:
    for piece in (VALUES[name], b"\0"):
        yield piece


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_cassettes_of_this_repository_come_back(path, same):
    same(path)


@pytest.fixture
def everything(tmp_path, monkeypatch):
    """A cassette of all values, of errors and of generators, also of one that was closed early."""
    monkeypatch.delenv("CI", raising=False)
    path = tmp_path / "cassettes" / "jobs.db"

    async def collect(name):
        return [piece async for piece in async_items(name)]

    for name in VALUES:
        with use_cassette(path, scope=f"tests/test_x.py::test_value[{name}]"):
            give(name)
            fail_quietly(name)
            next(items(name))
            asyncio.run(collect(name))
    with use_cassette(path, scope="whole"):
        assert len(list(items("set"))) == 2
        with pytest.raises(LookupError):
            list(items("nan"))
    return path


def test_every_value_error_and_generator_comes_back(everything, same):
    same(everything)


def test_what_comes_back_is_replayed(everything, export, load, tmp_path):
    export(everything)
    load("calls.jsonl", "new.db")
    with use_cassette(tmp_path / "new.db", scope="tests/test_x.py::test_value[moment]", mode="none"):
        assert give("moment") == VALUES["moment"]
    with use_cassette(tmp_path / "new.db", scope="whole", mode="none"):
        assert list(items("set")) == [{1}, "\u2028"]


def test_rows_of_any_kind_come_back(cassette, row, same):
    rows = [
        row(attempt=0, status="failed", error_json='{"type":"ValueError","message":"x","args":[]}'),
        row(attempt=1, status="interrupted", response_json=None),
        row(attempt=2),
        row(seq=2**62, key="", request_json="", response_json="not JSON", info_json="NaN"),
        row("", kind="shared", response_json='{"a":1,"a":2}'),
        (row("", kind="shared", seq=1), (Chunk(0, 0.1 + 0.2, "1.0"), Chunk(7, 1e-9, ""), Chunk(8, 5.0, "\0"))),
        row("tests/\u00e9[\U0001f600].py::test", data_json="[" * 400 + "]" * 400, error_json=" {}"),
    ]
    uses = {("test_b", rows[4].id), ("test_a", rows[4].id), ("test_a", rows[5][0].id)}
    same(cassette(rows, uses=uses, facts={f"conflict:{rows[2].id}": '{"base": null}', "plain": "\0\u2028"}))


def test_a_cassette_with_nothing_in_it_comes_back(cassette, same):
    same(cassette([]))


def test_lines_and_files_are_the_same_whoever_writes_them_down_and_when(cassette, row, export, tmp_path):
    rows = [row(f"test_{n}", seq=n % 3) for n in range(9)]
    for name, order in (("a", rows), ("b", rows[::-1])):
        export(cassette(order, f"{name}.db"), f"{name}.jsonl")
        export(tmp_path / f"{name}.db", name)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    files = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in "ab"]
    assert files[0] == files[1]
    assert len(files[0]) == 10


def test_what_is_exported_is_in_the_order_of_the_addresses(cassette, row, export, tmp_path):
    export(cassette([row("b"), row("a", kind="z"), row("a", kind="y", seq=1), row("a", kind="y")]))
    lines = (tmp_path / "calls.jsonl").read_text().splitlines()[1:]
    assert [line.split('"kind":')[1][:20].split(',"key"')[0] for line in lines] == ['"y"', '"y"', '"z"', '"shop.ask"']


def test_text_of_another_system_with_its_line_ends_and_mark_is_read(cassette, row, export, load, tmp_path):
    path = cassette([row(response_json='"a\\nb"'), row(seq=1)])
    export(path)
    export(path, "calls")
    for file in (tmp_path / "calls.jsonl", *(tmp_path / "calls").iterdir()):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n") + b"\r\n")
    for number, name in enumerate(("calls.jsonl", "calls")):
        load(name, f"{number}.db")
        assert (tmp_path / f"{number}.db").read_bytes() == path.read_bytes()


def test_what_a_run_has_staged_is_exported_under_the_names_of_its_tests(tmp_path, monkeypatch, export, load):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(ZeroDivisionError), use_cassette(tmp_path / "jobs.db", scope="test_a"):
        give("int")
        1 / 0  # noqa: B018 - what does not end well stays staged
    (staged,) = (tmp_path / ".staging").glob("jobs.db-*.db")
    with closing(sqlite3.connect(staged)) as connection, connection:
        connection.execute("INSERT INTO meta VALUES ('spent', '7')")
    assert export(staged).calls == 1
    assert '"facts":{}' in (tmp_path / "calls.jsonl").read_text()
    assert load("calls.jsonl", "jobs.db").added == 1
    with use_cassette(tmp_path / "jobs.db", scope="test_a", mode="none"):
        assert give("int") == 7


def of_recorder(path):
    with Recorder(path):
        give("int")
        fail_quietly("text")


def of_package(path):
    program = (
        "import recorded, sys; recorded.configure(sys.argv[1]); recorded.recorder(kind='old')(len)('tea', key='k')"
    )
    subprocess.run([sys.executable, "-c", program, path], check=True)


@pytest.mark.parametrize(("write", "count"), [(of_recorder, 2), (of_package, 1)])
def test_the_file_of_a_recorder_is_exported_with_its_ids_and_makes_no_cassette(write, count, export, load, tmp_path):
    path = tmp_path / "ledger.db"
    write(path)
    before = path.read_bytes()
    assert export(path).calls == count
    assert path.read_bytes() == before
    text = (tmp_path / "calls.jsonl").read_text()
    assert all(f'"id":"{one.id}"' in text for one in AnyFile(path).rows())
    assert export(path, "calls").calls == count
    for name in ("calls.jsonl", "calls"):
        with pytest.raises(SerializationError, match=r"the call has an id of its own.*Recorder"):
            load(name, "new.db")
    assert not (tmp_path / "new.db").exists()


def test_exporting_leaves_the_file_and_its_folder_as_they_are(cassette, row, tmp_path, export):
    (tmp_path / "apart").mkdir()
    path = tmp_path / "apart" / "jobs.db"
    shutil.copy(cassette([row()]), path)
    before = path.read_bytes()
    export(path)
    assert [*path.parent.iterdir()] == [path]
    assert path.read_bytes() == before


def test_memory_is_that_of_a_call_and_not_of_the_file(cassette, row, monkeypatch):
    """Each row is made when it is asked for."""
    path = cassette([row(seq=n) for n in range(2000)])
    made = []
    with Recorded(path, "jobs.db") as file:
        monkeypatch.setattr(file, "_take_torn", lambda: made.append(1))
        next(file.entries())
        assert len(made) < 5
