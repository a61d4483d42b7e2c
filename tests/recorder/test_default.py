"""Where calls go that no block takes: the recorder that was configured, or jobs.db in the current folder."""

from __future__ import annotations

import sqlite3

import pytest

SHOP = """
    from pytest_recorded import Recorder, configure, recorder

    @recorder
    def place(order):
        with open("calls.log", "a") as log: log.write(f"{order}\\n")
        return {"placed": order}

    @recorder
    def stream(to):
        yield from range(to)
"""


@pytest.fixture
def shop(python):
    """A module with a decorated function, in the folder of the processes."""
    python.module("shop", SHOP)
    return python


def rows(path, columns="response_json"):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(f"SELECT {columns} FROM jobs ORDER BY submitted_at").fetchall()
    finally:
        connection.close()


def test_a_decorated_function_is_recorded_without_further_ado(shop):
    assert shop.run("import shop; print(shop.place(1))") == "{'placed': 1}"
    assert rows(shop.folder / "jobs.db") == [('{"placed":1}',)]
    assert not list(shop.folder.glob("jobs.db-*"))


def test_importing_and_decorating_makes_no_file(shop):
    shop.run("import shop")
    assert not (shop.folder / "jobs.db").exists()


def test_the_same_key_answers_in_the_next_process(shop):
    for _ in range(2):
        assert shop.run("import shop; print(shop.place(1, key='k'))") == "{'placed': 1}"
    assert (shop.folder / "calls.log").read_text() == "1\n"


def test_configure_chooses_the_file_and_makes_its_folder(shop):
    shop.run("import shop; shop.configure('var/log/calls.db'); shop.place(1)")
    assert rows(shop.folder / "var" / "log" / "calls.db") == [('{"placed":1}',)]


def test_the_file_stays_where_it_was_chosen_when_the_folder_is_changed(shop):
    (shop.folder / "elsewhere").mkdir()
    shop.run("import os, shop; shop.configure('a.db'); os.chdir('elsewhere'); shop.place(1)")
    assert rows(shop.folder / "a.db") == [('{"placed":1}',)]


def test_configuring_again_chooses_anew(shop):
    shop.run("import shop; shop.configure('a.db'); shop.place(1); shop.configure('b.db'); shop.place(2)")
    assert rows(shop.folder / "a.db") == [('{"placed":1}',)]
    assert rows(shop.folder / "b.db") == [('{"placed":2}',)]


def test_configure_gives_the_recorder_whose_calls_can_be_looked_at(shop):
    said = shop.run(
        """
        import shop
        rec = shop.configure("a.db")
        shop.place(1)
        job = rec.jobs[0]
        print(job.kind, job.request, job.response, rec.get(job.id) == job, rec.get("?"))
        """
    )
    assert said == "shop.place {'order': 1} {'placed': 1} True None"


def test_a_block_takes_its_calls_from_the_default(shop):
    shop.run(
        """
        import shop
        shop.place(1)
        with shop.Recorder("block.db"): shop.place(2)
        shop.place(3)
        """
    )
    assert rows(shop.folder / "jobs.db") == [('{"placed":1}',), ('{"placed":3}',)]
    assert rows(shop.folder / "block.db") == [('{"placed":2}',)]


def test_a_stream_that_is_still_read_at_the_end_of_the_process_is_stored_as_closed(shop):
    shop.run("import shop; s = shop.stream(3); next(s)")
    assert rows(shop.folder / "jobs.db", "status, response_json") == [("interrupted", '{"py:stream":{"end":"closed"}}')]


def test_a_call_while_the_process_ends_works_too(shop):
    """No thread can be started by then."""
    said = shop.run("import atexit, shop; atexit.register(lambda: print(shop.place(1)))")
    assert said == "{'placed': 1}"
    assert rows(shop.folder / "jobs.db") == [('{"placed":1}',)]


def test_a_call_in_a_folder_that_is_gone_warns_and_works(shop):
    (shop.folder / "gone").mkdir()
    said = shop.run(
        """
        import os, warnings, shop
        os.chdir("gone"); os.rmdir("../gone")
        shop.open = lambda *args: open(os.devnull, "a")
        with warnings.catch_warnings(record=True) as caught:
            print(shop.place(1), caught[0].category.__name__)
        """
    )
    assert said == "{'placed': 1} RecordedWarning"


def test_threads_that_make_the_first_call_at_once_share_one_recorder(shop):
    shop.run(
        """
        import threading, shop
        everybody = threading.Barrier(8)
        def one(n):
            everybody.wait()
            shop.place(n)
        threads = [threading.Thread(target=one, args=(n,)) for n in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """
    )
    assert len(rows(shop.folder / "jobs.db")) == 8


def test_a_recorder_in_memory_makes_no_file(shop):
    said = shop.run(
        """
        import shop
        rec = shop.configure(":memory:")
        print([shop.place(1, key="k"), shop.place(1, key="k")], len(rec.jobs))
        """
    )
    assert said == "[{'placed': 1}, {'placed': 1}] 1"
    assert sorted(path.name for path in shop.folder.glob("*memory*")) == []
    assert (shop.folder / "calls.log").read_text() == "1\n"


TESTS = """
    import pathlib, shop

    def test_bare():
        shop.place(1)
        assert not pathlib.Path("jobs.db").exists()
"""

PYTEST = "import sys, pytest; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', '-p', 'pytest_recorded.plugin']))"


def test_under_pytest_a_function_in_an_unmarked_test_runs_bare(shop):
    shop.module("test_bare", TESTS)
    shop.run(PYTEST, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert not (shop.folder / "jobs.db").exists()


def test_under_pytest_a_configured_recorder_takes_the_calls_of_unmarked_tests(shop):
    shop.module("test_bare", TESTS)
    shop.module("conftest", "import pytest_recorded; pytest_recorded.configure('here.db')")
    shop.run(PYTEST, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert rows(shop.folder / "here.db") == [('{"placed":1}',)]


FORKS = {
    "_exit": "os._exit(0)",
    "a normal end": "sys.exit(0)",
}


@pytest.mark.parametrize("end", FORKS)
def test_a_forked_child_records_into_the_same_file_and_leaves_it_whole(shop, end):
    said = shop.run(
        f"""
        import os, sys, warnings
        import shop
        rec = shop.configure("jobs.db")
        shop.place("before", key="before")
        pid = os.fork()
        if pid == 0:
            shop.place("before", key="before")
            shop.place("child", key="child")
            {FORKS[end]}
        assert os.waitpid(pid, 0)[1] == 0
        shop.place("parent", key="parent")
        shop.place("child", key="child")
        print(sorted(job.key for job in rec.jobs))
        """
    )
    assert eval(said) == ["before", "child", "parent"]
    assert (shop.folder / "calls.log").read_text().split() == ["before", "child", "parent"]
    assert rows(shop.folder / "jobs.db", "count(*)") == [(3,)]


def test_a_child_that_is_forked_in_the_middle_of_a_call_waits_for_its_parent(shop):
    """The parent is making the call, not the child that has a copy of it."""
    shop.module(
        "forking",
        """
        import os, sys
        from pytest_recorded import Recorder, recorder

        @recorder
        def call():
            if os.fork() == 0:
                with open("child.log", "w") as log:
                    log.write(str([str(job.status) for job in rec.jobs]))
                os._exit(0)
            os.wait()
            return "parent"

        rec = Recorder("jobs.db")
        with rec:
            print(call(key="k"))
        """,
    )
    assert shop.run("import forking") == "parent"
    assert (shop.folder / "child.log").read_text() == "['running']"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_of_multiprocessing_share_the_file(shop, method):
    shop.module("workers", "import shop\ndef one(n): return shop.place(n % 2, key=str(n % 2))['placed']")
    shop.run(
        f"""
        import multiprocessing, shop, workers
        shop.place("warm")
        with multiprocessing.get_context("{method}").Pool(2) as pool:
            assert pool.map(workers.one, range(6)) == [0, 1] * 3
        """
    )
    assert sorted((shop.folder / "calls.log").read_text().split()) == ["0", "1", "warm"]
