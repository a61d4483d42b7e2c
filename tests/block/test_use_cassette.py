"""`use_cassette`: a cassette without the plugin, or for a part of a test."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest

from pytest_recorded import (
    Cassette,
    ConfigurationError,
    MissingRecording,
    RecordMode,
    attach,
    recorder,
    use_cassette,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassettes" / "jobs.db"


@pytest.fixture
def world():
    """A recorded function, and the calls that it really had."""
    calls = []

    @recorder(kind="block.ask")
    def ask(question, extra=None):
        calls.append(question)
        if question == "bad":
            raise ValueError(question)
        return {"answer": question.upper()}

    ask.calls = calls
    return ask


def rows(path, columns="scope, kind, seq"):
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        return connection.execute(f"SELECT {columns} FROM jobs ORDER BY scope, kind, key, seq").fetchall()
    finally:
        connection.close()


def test_the_first_block_records_and_the_second_is_served(path, world):
    with use_cassette(path, mode="once") as cassette:
        assert world("a") == {"answer": "A"}
        assert (len(cassette), cassette.play_count, cassette.mode) == (1, 0, RecordMode.ONCE)
    with use_cassette(path, mode="none") as cassette:
        assert (len(cassette), cassette.play_count, cassette.all_played) == (1, 0, False)
        assert world("a") == {"answer": "A"}
        assert (cassette.play_count, cassette.all_played) == (1, True)
    assert world.calls == ["a"]
    assert isinstance(cassette, Cassette)


def test_the_cassette_can_be_looked_at_after_its_block(path, world):
    with use_cassette(path) as cassette:
        world("a")
        world("b")
    assert [job.request["question"] for job in cassette.jobs] == ["a", "b"]
    assert [job.response for job in cassette.jobs] == [{"answer": "A"}, {"answer": "B"}]
    assert len(cassette) == 2
    assert sorted(entry.name for entry in (path.parent / ".staging").iterdir()) == [".gitignore", "jobs.db.lock"]


def test_jobs_of_a_block_that_failed_can_be_looked_at_too(path, world):
    with pytest.raises(RuntimeError), use_cassette(path) as cassette:
        world("a")
        raise RuntimeError
    assert [job.request["question"] for job in cassette.jobs] == ["a"]


def test_a_block_that_ends_with_an_exception_is_not_taken_over_but_kept(path, world):
    with pytest.raises(RuntimeError), use_cassette(path):
        world("a")
        raise RuntimeError
    assert not path.exists()
    with use_cassette(path) as cassette:
        world("a")
        world("b")
    assert cassette.play_count == 1
    assert world.calls == ["a", "b"]
    assert len(rows(path)) == 2


def test_a_block_belongs_to_the_test_it_is_in(path, world):
    with use_cassette(path):
        world("a")
    ((scope, _, _),) = rows(path)
    assert scope.endswith("test_use_cassette.py::test_a_block_belongs_to_the_test_it_is_in")


def test_a_block_may_have_a_name_of_its_own(path, world):
    for name in ("one", "two"):
        with use_cassette(path, scope=name):
            world("a")
    assert rows(path) == [("one", "block.ask", 0), ("two", "block.ask", 0)]


def test_each_entry_looks_for_its_calls_from_the_beginning(path, world):
    for _ in range(3):
        with use_cassette(path):
            world("a")
            world("a")
    assert world.calls == ["a", "a"]


def test_once_refuses_a_new_call_of_a_block_that_has_recordings(path, world):
    with use_cassette(path):
        world("a")
    with pytest.raises(MissingRecording, match="request changed"), use_cassette(path):
        world("b")


def test_a_miss_that_the_block_swallows_is_raised_when_it_ends(path, world):
    with pytest.raises(MissingRecording), use_cassette(path, mode="none"), contextlib.suppress(BaseException):
        world("a")


def test_an_exception_that_hides_a_miss_says_so_in_a_note(path, world):
    with pytest.raises(AttributeError) as caught, use_cassette(path, mode="none"):
        (answer,) = asyncio.run(_answers_or_errors(world))
        answer.upper()
    (note,) = caught.value.__notes__
    assert note.startswith("In this block a call was missed:\n\nNo recording for block.ask(")
    assert "To record it: pytest --record-mode=once" in note


def test_a_miss_that_is_raised_has_no_note_of_itself(path, world):
    with pytest.raises(MissingRecording) as caught, use_cassette(path, mode="none"):
        world("a")
    assert not hasattr(caught.value, "__notes__")


async def _answers_or_errors(world):
    async def answer():
        return world("a")

    return await asyncio.gather(answer(), return_exceptions=True)


def test_the_options_are_those_of_the_marker(path, world):
    with use_cassette(path, ignore=["extra"]):
        world("a", extra=1)
    with use_cassette(path, mode="none", ignore=["extra"]):
        world("a", extra=2)
    with pytest.raises(
        ConfigurationError, match=r"use_cassette: there is no argument 'ingore'\. Did you mean 'ignore'"
    ):
        use_cassette(path, ingore=[])
    with pytest.raises(ConfigurationError, match="'onec' is no record mode"):
        use_cassette(path, mode="onec")


def test_suite_scope_makes_equal_requests_one_row(path, world):
    with use_cassette(path, scope="suite"):
        world("a")
        world("a")
    assert rows(path) == [("", "block.ask", 0)]
    assert world.calls == ["a"]


def test_modes_that_call_again_may_be_used_in_a_block(path, world):
    for mode in ("once", "all", "rewrite"):
        with use_cassette(path, mode=mode):
            world("a")
    assert world.calls == ["a"] * 3
    with use_cassette(path, mode="off"):
        world("b")
    assert len(rows(path)) == 1


def test_it_decorates_a_function(path, world):
    @use_cassette(path)
    def work(question):
        """Work."""
        return world(question)

    assert [work("a"), work("a")] == [{"answer": "A"}, {"answer": "A"}]
    assert world.calls == ["a"]
    assert (work.__name__, work.__doc__) == ("work", "Work.")


def test_it_decorates_a_coroutine_function(path, world):
    @use_cassette(path)
    async def work(question):
        await asyncio.sleep(0)
        return world(question)

    async def both():
        return await asyncio.gather(work("a"), work("a"))

    assert asyncio.run(both())[0] == {"answer": "A"}
    assert asyncio.run(work("a")) == {"answer": "A"}


def test_it_decorates_a_generator_function(path, world):
    @use_cassette(path)
    def work():
        yield world("a")

    assert list(work()) == list(work()) == [{"answer": "A"}]
    assert world.calls == ["a"]


def test_it_is_an_asynchronous_context_manager(path, world):
    async def main():
        async with use_cassette(path) as cassette:
            world("a")
            return len(cassette)

    assert asyncio.run(main()) == 1


def test_two_blocks_in_two_threads_never_mix(tmp_path, world):
    barrier = threading.Barrier(2)

    def run(name):
        with use_cassette(tmp_path / name / "jobs.db", scope=name):
            barrier.wait()
            for i in range(50):
                world(f"{name}{i}")
            barrier.wait()

    threads = [threading.Thread(target=run, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in "ab":
        stored = rows(tmp_path / name / "jobs.db", "json_extract(request_json, '$.question')")
        assert sorted(question for (question,) in stored) == sorted(f"{name}{i}" for i in range(50))


def test_blocks_nest_and_the_inner_one_counts(tmp_path, world):
    with use_cassette(tmp_path / "outer.db", scope="outer") as outer:
        world("a")
        with use_cassette(tmp_path / "inner.db", scope="inner") as inner:
            world("b")
        world("c")
    assert [job.request["question"] for job in outer.jobs] == ["a", "c"]
    assert [job.request["question"] for job in inner.jobs] == ["b"]


def test_recorded_failures_are_raised_again(path, world):
    for _ in range(2):
        with use_cassette(path), pytest.raises(ValueError, match="bad"):
            world("bad")
    assert world.calls == ["bad"]


def test_what_is_attached_is_part_of_the_data(path):
    @recorder(kind="block.attaching")
    def work():
        attach("tokens", 7)
        return 1

    for _ in range(2):
        with use_cassette(path) as cassette:
            work()
            assert cassette.jobs[0].data == {"tokens": 7}


def test_in_ci_the_default_mode_is_none(path, world, monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(MissingRecording), use_cassette(path):
        world("a")


def test_replaying_writes_nothing_at_all(path, world):
    with use_cassette(path):
        world("a")
    before = path.read_bytes(), sorted(entry.name for entry in path.parent.iterdir())
    (path.parent / ".staging" / "jobs.db.lock").unlink()
    with use_cassette(path, mode="once"):
        world("a")
    assert (path.read_bytes(), sorted(entry.name for entry in path.parent.iterdir())) == before
    assert [entry.name for entry in (path.parent / ".staging").iterdir()] == [".gitignore"]


def test_the_cassette_is_in_delete_mode_and_names_no_writer(path, world):
    with use_cassette(path):
        world("a")
    header = path.read_bytes()[:100]
    assert header[18:20] == b"\x01\x01"
    assert rows(path, "owner, beat_at, parent_id") == [(None, None, None)]
