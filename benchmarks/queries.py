"""Reading a ledger: by key, by data, the newest, by id; against `recorded` 0.2.0 with the same rows."""

from __future__ import annotations

import contextlib
import json
from time import perf_counter
from typing import TYPE_CHECKING, Any

import recorded

import pytest_recorded
from pytest_recorded.job import Row
from pytest_recorded.staging import new_id
from pytest_recorded.store.lease import now
from pytest_recorded.store.sqlite import Ledger

from .result import Result
from .timing import interleaved, median

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .scale import Scale

__all__ = ["measure"]

_KIND = "bench.order"
_CITIES = ("Rome", "Oslo", "Lima", "Bern")
# What ratio is to be reached; None where the two do the same.
_TARGETS: dict[str, float | None] = {
    "by key": 0.05,
    "by key and kind": 0.05,
    "where_data, one match": 1.0,
    "where_data, no match": 1.0,
    "where_data, a number, no match": 1.0,
    "the newest 10": None,
    "by id": None,
}


def measure(scale: Scale, folder: Path) -> Iterator[Result]:
    """Measure each question in a ledger of the largest size."""
    size = scale.rows[-1]
    ours_path, peer_path = folder / "queries.db", folder / "queries-recorded.db"
    _fill_ours(ours_path, size)
    _fill_peer(peer_path, size)
    with contextlib.closing(pytest_recorded.Recorder(ours_path)) as ours, recorded.Recorder(str(peer_path)) as peer:
        middle = f"order-{size // 2}"
        asked = {"ours": _questions(ours, size, middle), "peer": _questions(peer, size, middle)}
        variants = {
            f"{who} {what}": _timed(question) for who, group in asked.items() for what, question in group.items()
        }
        took = {name: median(values) for name, values in interleaved(scale.rounds, variants).items()}
    for what, target in _TARGETS.items():
        mine, theirs = took[f"ours {what}"] * 1e6, took[f"peer {what}"] * 1e6
        yield Result(f"query of {size:,} rows, {what}", mine, "µs", "recorded", theirs, target=target)


def _timed(question: Callable[[], Any]) -> Callable[[int], float]:
    def timed(_number: int) -> float:
        question()
        started = perf_counter()
        question()
        return perf_counter() - started

    return timed


def _questions(reader: Any, size: int, key: str) -> dict[str, Callable[[], Any]]:
    (job,) = reader.query(key=key)
    return {
        "by key": lambda: _count(reader.query(key=key), 1),
        "by key and kind": lambda: _count(reader.query(key=key, kind=_KIND), 1),
        "where_data, one match": lambda: _count(reader.query(where_data={"note": f"note {size // 2}"}), 1),
        "where_data, no match": lambda: _count(reader.query(where_data={"city": "Nowhere"}), 0),
        "where_data, a number, no match": lambda: _count(reader.query(where_data={"total": -1}), 0),
        "the newest 10": lambda: _count(reader.last(10), 10),
        "by id": lambda: reader.get(job.id),
    }


def _count(found: Any, expected: int) -> None:
    if (count := len(list(found))) != expected:
        raise AssertionError(f"{count} rows instead of {expected}")


def _slots(number: int) -> tuple[str, str, str]:
    data = {"city": _CITIES[number % 4], "total": number % 1000, "note": f"note {number}", "paid": number % 2 == 0}
    return json.dumps({"number": number}), json.dumps({"status": "ok", **data}), json.dumps(data)


def _fill_ours(path: Path, size: int) -> None:
    ledger = Ledger(path)
    with ledger.transaction():
        for number in range(size):
            request, response, data = _slots(number)
            moment = now()
            place = (new_id(), "", _KIND, f"order-{number}", 0, 0, None, "completed", None)
            ledger.insert(Row._make((*place, moment, moment, None, moment, request, response, data, None, None)))
    ledger.close()


def _fill_peer(path: Path, size: int) -> None:
    with recorded.Recorder(str(path)) as book, contextlib.nullcontext(book.connection()) as connection:
        connection.execute("BEGIN")
        for number in range(size):
            moment = now()
            place = (new_id(), _KIND, f"order-{number}", "completed", moment, moment, moment)
            connection.execute(
                "INSERT INTO jobs (id, kind, key, status, submitted_at, started_at, completed_at, request_json,"
                " response_json, data_json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*place, *_slots(number)),
            )
        connection.execute("COMMIT")
