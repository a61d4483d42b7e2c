import importlib.metadata
import json
import re

import pytest

SYRUPY = tuple(int(part) for part in importlib.metadata.version("syrupy").split(".")[:2])

ASK = """
import pytest, world

@pytest.mark.recorded("world.ask")
def test_ask(data, snapshot):
    world.ask("hello")
    world.ask("you")
    assert data() == snapshot
"""
STORED = """\
# serializer version: 1
# name: test_ask
  - answer: "HELLO"
  - answer: "YOU"
# ---
"""


def test_data_of_calls_are_written_by_an_update_and_compared_from_then_on(project):
    project.write(test_a=ASK)
    assert project.run().outcomes == {"failed": 1}
    assert not project.folder.exists()
    assert project.run("--snapshot-update").outcomes == {"passed": 1}
    assert project.text() == STORED
    result = project.run()
    assert result.code == 0
    assert "1 snapshot passed." in result.output


@pytest.mark.parametrize("comparison", ["snapshot == data()", "not data() != snapshot", "not snapshot != data()"])
def test_the_snapshot_may_stand_on_either_side(project, comparison):
    project.write(test_a=ASK)
    project.run("--snapshot-update")
    project.write(test_a=ASK.replace("data() == snapshot", comparison))
    assert project.run().outcomes == {"passed": 1}
    assert project.run("--snapshot-update").code == 0
    assert project.text() == STORED


@pytest.mark.parametrize("comparison", ["data() == snapshot", "snapshot == data()"])
def test_a_failure_says_what_differs_by_path_and_how_it_is_accepted(project, comparison):
    project.write(test_a=ASK.replace("data() == snapshot", comparison))
    project.run("--snapshot-update")
    stored = project.text()
    (project.folder / "test_a.ambr").write_text(stored.replace('"YOU"', '"THEY"'))
    output = project.run().output
    assert 'E         $[1].answer: "THEY" → "YOU"' in output
    assert "E         snapshot test_ask in __snapshots__/test_a.ambr" in output
    assert "E         accept: pytest --snapshot-update test_a.py::test_ask" in output
    assert "HELLO" not in output.partition("E       ")[2]


def test_how_a_snapshot_is_accepted_is_said_however_much_differs(project):
    """Pytest cuts long explanations, unless it is asked not to."""
    many = ASK.replace('world.ask("you")', '[world.ask(f"q{number}") for number in range(NUMBER)]')
    project.write(test_a=many.replace("NUMBER", "60"))
    project.run("--snapshot-update")
    stored = project.text()
    (project.folder / "test_a.ambr").write_text(stored.replace('"Q', '"THE Q'))
    output = project.run().output
    assert "accept: pytest --snapshot-update test_a.py::test_ask" in output
    in_full = project.run("-vv").output
    assert "… and 40 more differences" in in_full
    assert len([line for line in in_full.splitlines() if line.startswith("E ")]) < 30


def test_a_snapshot_that_is_not_there_is_shown_as_it_would_be(project):
    project.write(test_a=ASK)
    output = project.run().output
    assert "Snapshot 'test_ask' does not exist!" in output
    assert 'E         - answer: "HELLO"' in output
    assert "accept: pytest --record-mode=once --snapshot-update test_a.py::test_ask" in output


def test_other_snapshots_of_the_file_are_as_syrupy_writes_them(project):
    """Whatever is no data of calls goes through syrupy's own serializer, byte for byte, with its own counters."""
    plain = """
def test_plain(snapshot):
    assert {"b": [1, {2}], "a": "x"} == snapshot
    assert ["text"] == snapshot
"""
    project.write(test_a=plain)
    project.run("--snapshot-update")
    alone = project.text().removeprefix("# serializer version: 1\n")
    mixed = ASK + '    assert "between" == snapshot\n    assert data()[1:] == snapshot(name="last")\n' + plain
    project.write(test_a=mixed)
    assert project.run("--snapshot-update").outcomes == {"passed": 2}
    assert alone in project.text()
    assert "# name: test_ask.1\n  'between'\n" in project.text()
    assert '# name: test_ask[last]\n  - answer: "YOU"\n' in project.text()
    result = project.run()
    assert result.code == 0
    assert "5 snapshots passed." in result.output
    # What differs in them is shown as syrupy shows it.
    project.write(test_a=mixed.replace("'between'", "'behind'").replace('"between"', '"behind"'))
    assert "'behind'" in project.run().output


def test_a_snapshot_of_a_test_that_is_gone_is_unused_and_an_update_deletes_it_alone(project):
    project.write(test_a=ASK + ASK.replace("test_ask", "test_more").replace('"you"', '"me"'))
    project.run("--snapshot-update")
    project.write(test_a=ASK)
    result = project.run()
    assert result.outcomes == {"passed": 1}
    assert result.code == 1
    assert "1 snapshot unused." in result.output
    assert "1 unused snapshot deleted." in project.run("--snapshot-update").output
    assert project.text() == STORED
    assert project.run().code == 0


def test_an_update_of_one_test_leaves_the_others_alone(project):
    project.write(test_a=ASK + ASK.replace("test_ask", "test_more").replace('"you"', '"me"'), test_b=ASK)
    project.run("--snapshot-update")
    both, other = project.text("test_a"), project.text("test_b")
    assert project.run("--snapshot-update", "test_a.py::test_ask").outcomes == {"passed": 1}
    assert project.run("-k", "more").code == 0
    assert (project.text("test_a"), project.text("test_b")) == (both, other)


def test_what_is_ignored_in_requests_is_ignored_in_snapshots(project):
    """Paths lead from each of the data, names to any depth."""
    project.write(
        world="def ask(number): return {'id': 1, 'deep': [{'id': 2, 'at': number}], 'at': number}",
        test_a="""
            import pytest, world

            @pytest.mark.recorded("world.ask", ignore=["id", "$.deep[*].at"])
            def test_ask(data, snapshot):
                world.ask(7)
                assert data() == snapshot
                assert data()[:1] == snapshot
                assert data() + [{"id": 3}] == snapshot
        """.replace("\n            ", "\n"),
    )
    project.run("--snapshot-update")
    first, second, third = project.text().split("# ---\n")[:3]
    shown = """\
  - at: 7
    deep:
      - at: <ignored>
        id: <ignored>
    id: <ignored>
"""
    assert shown in first
    assert shown in second
    assert third.endswith(shown + "  - id: <ignored>\n")


def test_the_fixture_gives_data_that_know_what_its_test_ignores(project):
    project.write(
        test_a="""
            import pytest, world
            from pydantic import BaseModel

            class Answer(BaseModel):
                answer: str
                id: int = 7

            @pytest.mark.recorded("world.ask", data=Answer, ignore=["id"])
            def test_ask(recorded, snapshot):
                world.ask("hello")
                assert recorded.data("world.*") == [Answer(answer="HELLO")]
                assert recorded.data("world.*") == snapshot
                assert recorded.data("other.*") == snapshot
        """.replace("\n            ", "\n"),
    )
    project.run("--snapshot-update")
    shown = '  - answer: "HELLO"\n    id: <ignored>\n# ---\n# name: test_ask.1\n  []\n# ---\n'
    assert project.text().endswith(f"# name: test_ask\n{shown}")


def test_filters_and_matchers_of_syrupy_reach_into_data(project):
    project.write(
        world="def ask(n): return {'id': 1, 'deep': {'id': 2, 'at': n, 'who': 'Ann'}}",
        test_a="""
            import pytest, world
            from syrupy.filters import paths, props
            from syrupy.matchers import path_type

            @pytest.mark.recorded("world.ask")
            def test_ask(data, snapshot):
                world.ask(7)
                assert data() == snapshot(name="exclude", exclude=props("id"))
                assert data() == snapshot(name="path", exclude=paths("0.deep.who"))
                assert data() == snapshot(name="include", include=paths("0", "0.id"))
                assert data() == snapshot(name="matcher", matcher=path_type({"0.deep.at": (int,)}))
                assert data() == snapshot(name="none")
        """.replace("\n            ", "\n"),
    )
    project.run("--snapshot-update")
    found = dict(block.strip().partition("\n")[::2] for block in project.text().split("# name: test_ask")[1:])
    lines = {name: [line.strip() for line in text.splitlines()[:-1]] for name, text in found.items()}
    assert lines == {
        "[exclude]": ["- deep:", "at: 7", 'who: "Ann"'],
        "[path]": ["- deep:", "at: 7", "id: 2", "id: 1"],
        "[include]": ["- id: 1"],
        "[matcher]": ["- deep:", "at: int", "id: 2", 'who: "Ann"', "id: 1"],
        "[none]": ["- deep:", "at: 7", "id: 2", 'who: "Ann"', "id: 1"],
    }
    assert project.run().code == 0


def test_what_a_matcher_raises_is_raised(project):
    """Syrupy would take the traceback for what differs."""
    project.write(
        test_a=ASK.replace("import pytest", "import pytest, syrupy.matchers").replace(
            "== snapshot", '== snapshot(matcher=syrupy.matchers.path_type({"0.answer": (int,)}))'
        )
    )
    result = project.run("--snapshot-update")
    assert result.outcomes == {"failed": 1}
    assert re.search(r"^E +syrupy.matchers.StrictPathTypeError: .*HELLO.* at '0.answer'", result.output, re.MULTILINE)
    assert "[+ received]" not in result.output


def test_calls_are_shown_as_people_read_them(project):
    """There are no ids and no times in a snapshot of jobs."""
    project.write(
        test_a="""
            import pytest, world

            @pytest.mark.recorded("world.ask", "world.fail")
            def test_ask(recorded, snapshot):
                world.ask("hello")
                with pytest.raises(ValueError):
                    world.fail("no")
                assert recorded.jobs == snapshot
                assert recorded.jobs[0] == snapshot
        """.replace("\n            ", "\n"),
    )
    project.run("--snapshot-update")
    call = '- kind: "world.ask"\n    request:\n      question: "hello"\n    response:\n      answer: "HELLO"\n'
    assert f"# name: test_ask\n  {call}" in project.text()
    failed = '  - kind: "world.fail"\n    request:\n      question: "no"\n    error:\n      [ValueError]: "no"\n'
    assert failed in project.text()
    assert '# name: test_ask.1\n  kind: "world.ask"\n' in project.text()
    assert project.run().code == 0


def test_an_amber_extension_of_the_users_keeps_its_files_and_its_version(project):
    project.write(
        test_a="""
            import pytest, world
            from syrupy.extensions.amber import AmberSnapshotExtension, AmberDataSerializer

            class Serializer(AmberDataSerializer):
                VERSION = "mine"

            class Mine(AmberSnapshotExtension):
                serializer_class = Serializer

            @pytest.fixture
            def snapshot(snapshot):
                return snapshot.with_defaults(extension_class=Mine)

            @pytest.mark.recorded("world.ask")
            def test_ask(data, snapshot):
                world.ask("hello")
                assert data() == snapshot
                assert {"a": 1} == snapshot
        """.replace("\n            ", "\n"),
    )
    assert project.run("--snapshot-update").outcomes == {"passed": 1}
    assert project.text().startswith('# serializer version: mine\n# name: test_ask\n  - answer: "HELLO"\n')
    assert project.run().code == 0


def test_an_extension_of_another_kind_gets_plain_data(project):
    project.write(
        test_a="""
            import pytest
            from pydantic import BaseModel
            from pytest_recorded.data import Data
            from syrupy.extensions.json import JSONSnapshotExtension

            class Answer(BaseModel):
                answer: str
                tags: set[str] = {"b", "a"}

            @pytest.mark.recorded
            def test_ask(snapshot):
                assert Data([Answer(answer="HELLO")]) == snapshot(extension_class=JSONSnapshotExtension)
        """.replace("\n            ", "\n"),
    )
    assert project.run("--snapshot-update").outcomes == {"passed": 1}
    (file,) = project.folder.rglob("*.json")
    assert json.loads(file.read_text()) == [{"answer": "HELLO", "tags": ["a", "b"]}]
    assert project.run().outcomes == {"passed": 1}


def test_a_difference_to_another_snapshot_is_stored_by_path(project):
    project.write(
        test_a=ASK.replace(
            "assert data() == snapshot", "assert data()[:1] == snapshot\n    assert data()[1:] == snapshot(diff=0)"
        )
    )
    assert project.run("--snapshot-update").outcomes == {"passed": 1}
    assert '# name: test_ask.1\n  $[0].answer: "HELLO" → "YOU"\n# ---' in project.text()
    assert project.run().code == 0


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "workers"])
def test_a_database_beside_snapshots_survives_an_update_and_is_not_unused(project, workers):
    """A cassette may not lie there; the database of anything else may."""
    plugins = ("syrupy", "xdist") if workers else ("syrupy",)
    project.write(test_a=ASK)
    project.run("--snapshot-update")
    files = [project.folder / f"jobs.{ending}" for ending in ("db", "db-wal", "db-shm", "db-journal")]
    for file in files:
        file.write_bytes(b"precious")
    (project.folder / "left.over").write_bytes(b"")
    result = project.run("--snapshot-update", *workers, plugins=plugins)
    assert result.outcomes == {"passed": 1}
    assert [file.read_bytes() for file in files] == [b"precious"] * 4
    if not workers:
        # What is no database is still syrupy's to judge.
        assert not (project.folder / "left.over").exists()
        assert "snapshot unused" not in project.run().output


def test_file_extensions_that_the_user_has_syrupy_ignore_stay_ignored(project):
    project.write(test_a="def test_a(snapshot): assert 1 == snapshot")
    project.run("--snapshot-update")
    for name in ("keep.me", "jobs.db", "left.over"):
        (project.folder / name).write_bytes(b"")
    project.run("--snapshot-update", "--snapshot-ignore-file-extensions=me,db")
    assert sorted(file.name for file in project.folder.iterdir()) == ["jobs.db", "keep.me", "test_a.ambr"]


def test_without_syrupy_recorded_tests_run_as_ever(project):
    project.write(
        test_a=ASK.replace(", snapshot", "").replace("== snapshot", "== [{'answer': 'HELLO'}, {'answer': 'YOU'}]")
    )
    result = project.example.spawn()
    assert result.outcomes == {"passed": 1}
    project.write(
        conftest="", test_b="import sys\ndef test_b(): assert not any('syrupy' in name for name in sys.modules)"
    )
    assert project.example.spawn("test_b.py").outcomes == {"passed": 1}


@pytest.mark.skipif(SYRUPY < (5, 4), reason="before 5.4 syrupy cannot be asked to delete nothing")
@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "workers"])
def test_an_update_deletes_no_snapshot_when_a_recorded_test_has_failed(project, workers):
    """A test that misses a recording does not get to its snapshot, which then looks as if nobody needed it."""
    plugins = ("syrupy", "xdist") if workers else ("syrupy",)
    project.write(test_a=ASK)
    project.run("--snapshot-update")
    project.write(test_a=ASK.replace('"you"', '"somebody else"'))
    result = project.run("--snapshot-update", *workers, plugins=plugins)
    assert result.outcomes == {"failed": 1}
    assert project.text() == STORED
    assert "a recorded test failed: no unused snapshot was deleted" in result.output


def test_a_failed_test_that_is_not_recorded_changes_nothing_for_syrupy(project):
    project.write(test_a="def test_a(snapshot): assert 1 == snapshot\ndef test_b(snapshot): assert 2 == snapshot")
    project.run("--snapshot-update")
    project.write(test_a="def test_a(snapshot): assert 1 == snapshot\ndef test_c(): assert False")
    result = project.run("--snapshot-update")
    assert "test_b" not in project.text()
    assert "was deleted" not in result.output


def test_workers_write_and_compare_the_same_snapshots(project):
    tests = "\n".join(ASK.replace("test_ask", f"test_{number}") for number in range(4))
    project.write(test_a=tests, test_b=tests)
    assert project.run("--snapshot-update").outcomes == {"passed": 8}
    alone = project.text("test_a"), project.text("test_b")
    result = project.run("-n2", plugins=("syrupy", "xdist"))
    assert result.outcomes == {"passed": 8}
    assert result.code == 0
    for name in ("test_a", "test_b"):
        (project.folder / f"{name}.ambr").unlink()
    # Each file by one worker: before syrupy 7 two that write one file lose snapshots, ours or not.
    options = ("-n2", "--dist=loadfile", "--snapshot-update")
    assert project.run(*options, plugins=("syrupy", "xdist")).outcomes == {"passed": 8}
    assert (project.text("test_a"), project.text("test_b")) == alone


def test_equal_data_are_the_same_bytes_with_any_hash_seed(project):
    project.write(
        test_a="""
            import dataclasses, enum, pytest
            from pydantic import BaseModel
            from pytest_recorded.data import Data

            class Colour(enum.Enum):
                RED = 1
                BLUE = 2

            class Model(BaseModel):
                tags: set[str]
                colours: frozenset[Colour]

            class Odd:
                def __init__(self): self.tags = {"one", "two", "three", "four"}
                def __repr__(self): return f"Odd({self.tags})"

            @pytest.mark.recorded
            def test_a(snapshot):
                tags = {"one", "two", "three", "four", "five"}
                models = [Model(tags=tags, colours=set(Colour))]
                assert Data([*models, {tag: 1 for tag in tags}, Odd(), object(), {(1, "a"): 2}]) == snapshot
        """.replace("\n            ", "\n"),
    )
    assert project.example.spawn("--snapshot-update", plugins=("syrupy",), PYTHONHASHSEED="1").outcomes == {"passed": 1}
    assert project.example.spawn(plugins=("syrupy",), PYTHONHASHSEED="2").outcomes == {"passed": 1}


def test_what_is_ignored_in_requests_is_ignored_in_snapshots_of_jobs_too(project, monkeypatch):
    """In what was asked and in what was answered, however the jobs are had and wherever they stand."""
    project.write(
        world="def ask(text, at): return {'text': text, 'id': at, 'deep': [{'id': at}], 'at': at}",
        test_a="""
            import os, pytest, world

            @pytest.mark.recorded("world.ask", ignore=["id", "$.at"])
            def test_ask(recorded, snapshot):
                world.ask("hello", int(os.environ["AT"]))
                assert recorded.one() == snapshot(name="one")
                assert recorded.jobs == snapshot(name="jobs")
                assert recorded.calls("world.*") == snapshot(name="calls")
                assert {"all": list(recorded.query())} == snapshot(name="within")
        """.replace("\n            ", "\n"),
    )
    monkeypatch.setenv("AT", "7")
    assert project.run("--snapshot-update").outcomes == {"passed": 1}
    shown = """\
  kind: "world.ask"
  request:
    text: "hello"
  response:
    at: <ignored>
    deep:
      - id: <ignored>
    id: <ignored>
    text: "hello"
"""
    texts = [block.partition("]\n")[2] for block in project.text().split("# name: test_ask[")[1:]]
    assert shown + "# ---\n" in texts
    assert [(text.count("at: <ignored>"), text.count("id: <ignored>")) for text in texts] == [(1, 2)] * 4
    monkeypatch.setenv("AT", "8")
    again = project.run("--record-mode=rewrite")
    assert again.outcomes == {"passed": 1}, again.output


def test_of_http_the_body_and_the_query_are_shown_without_what_is_ignored(project, serve, monkeypatch):
    monkeypatch.setenv("WORLD_URL", serve(lambda path, body: (200, "application/json", b'{"id": 1, "is": true}')))
    project.write(
        test_a="""
            import json, os, pytest, urllib.request

            @pytest.mark.recorded(ignore=["id", "$.at"])
            def test_ask(recorded, snapshot):
                at = os.environ["AT"]
                asked = {"text": "hello", "at": at, "deep": {"id": at}}
                url = f"{os.environ['WORLD_URL']}/ask?a=1&id={at}&b=2"
                headers = {"Content-Type": "application/json"}
                with urllib.request.urlopen(urllib.request.Request(url, json.dumps(asked).encode(), headers)) as answer:
                    answer.read()
                assert recorded.one() == snapshot
        """.replace("\n            ", "\n"),
    )
    monkeypatch.setenv("AT", "7")
    assert project.run("--snapshot-update").outcomes == {"passed": 1}
    assert "/ask?a=1&id=<ignored>&b=2" in project.text()
    body = '    body:\n      at: <ignored>\n      deep:\n        id: <ignored>\n      text: "hello"\n'
    assert body in project.text()
    assert "    body:\n      id: <ignored>\n      is: true\n" in project.text()
    monkeypatch.setenv("AT", "8")
    assert project.run("--record-mode=rewrite").outcomes == {"passed": 1}


def test_data_in_dicts_and_lists_of_the_users_and_calls_of_models_are_written_as_ever(project):
    project.write(
        test_a="""
            import pytest
            from pytest_recorded import LLMCall
            from pytest_recorded.data import Data
            from pytest_recorded.paths import parse

            @pytest.mark.recorded
            def test_a(snapshot):
                data = Data([{"id": 1, "tags": {"b", "a"}}], ignore=[parse("id", where="test")])
                loop = [data]
                loop.append(loop)
                assert {"all": (data, data[:0])} == snapshot(name="tuple")
                assert loop == snapshot(name="loop")
                assert [LLMCall(text="Hi")] == snapshot(name="llm")
        """.replace("\n            ", "\n"),
    )
    assert project.run("--snapshot-update").outcomes == {"passed": 1}
    text = project.text()
    assert "  - …\n" in text
    assert '  all:\n    - - id: <ignored>\n        tags:\n          - "a"\n          - "b"\n    - []\n' in text
    assert (text.count("<ignored>"), text.count('text: "Hi"'), text.count("LLMCall(")) == (2, 1, 0)


@pytest.mark.parametrize("mode", ["rewrite", "all", "new_episodes", "once"])
def test_what_is_said_to_accept_a_snapshot_accepts_it_where_the_call_was_recorded_anew(project, mode):
    """A failed test's recordings are not taken over: an update without the mode would replay the old answer."""
    ask = ASK.replace('    world.ask("you")\n', "")
    project.write(test_a=ask)
    project.run("--snapshot-update")
    project.write(world="def ask(question): return {'answer': 'NEW'}")
    if mode in ("new_episodes", "once"):
        project.example.cassette.unlink()
    failed = project.run(f"--record-mode={mode}")
    assert failed.outcomes == {"failed": 1}
    (command,) = re.findall("accept: pytest (.+)", failed.output)
    assert project.run(*command.split()).outcomes == {"passed": 1}
    assert '- answer: "NEW"' in project.text()
    assert project.run("--record-mode=none").outcomes == {"passed": 1}


def test_what_is_said_to_accept_a_snapshot_names_no_mode_where_a_failed_tests_recordings_stay(project):
    project.write(test_a=ASK)
    project.run("--snapshot-update")
    project.write(world="def ask(question): return {'answer': 'NEW'}")
    failed = project.run("--record-mode=rewrite", "--record-failed")
    assert "accept: pytest --snapshot-update test_a.py::test_ask" in failed.output
    assert project.run("--snapshot-update").outcomes == {"passed": 1}
    assert '- answer: "NEW"' in project.text()


def test_a_single_datum_is_written_as_data_are_and_other_models_as_syrupy_writes_them(project):
    """Also in dicts and lists of the user's; a model is a datum's if the test picks data with it."""
    project.write(
        world="import time\ndef ask(question): return {'id': time.time_ns(), 'tags': list(question), 'at': 1}\n"
        "def find(question): return {'id': 7, 'tags': ['c', 'd'], 'at': time.time_ns()}",
        test_a="""
            import dataclasses, pytest, world
            from pydantic import BaseModel

            class Answer(BaseModel):
                id: int
                tags: set[str]

            @dataclasses.dataclass
            class Found:
                at: int
                tags: frozenset[str]

            class Other(BaseModel):
                name: str = "tea"

            @pytest.mark.recorded("world.ask", data=Answer, ignore=["id", "$.at"])
            @pytest.mark.recorded("world.find", data=Found, ignore=["at"])
            def test_ask(recorded, snapshot):
                world.ask("ab"), world.find("x")
                asked, found = recorded.one("world.ask").data, recorded.one("world.find").data
                assert asked == snapshot(name="model")
                assert found == snapshot(name="dataclass")
                assert {"first": asked, "all": [(found,)]} == snapshot(name="within")
                assert Other() == snapshot(name="other")

            def test_b(snapshot):
                assert Other() == snapshot
                assert Answer(id=7, tags={"a"}) == snapshot
        """.replace("\n            ", "\n"),
    )
    seeds = [{"PYTHONHASHSEED": seed} for seed in "123"]
    first = project.example.spawn("--snapshot-update", plugins=("syrupy",), **seeds[0])
    assert first.outcomes == {"passed": 2}, first.output
    texts = dict(block.split("\n", 1) for block in project.text().split("# name: ")[1:])
    tags = '  tags:\n    - "{}"\n    - "{}"\n# ---\n'
    assert texts["test_ask[model]"] == "  id: <ignored>\n" + tags.format("a", "b")
    assert texts["test_ask[dataclass]"] == "  at: <ignored>\n" + tags.format("c", "d")
    assert texts["test_ask[within]"].count("<ignored>") == 2
    assert texts["test_ask[other]"] == texts["test_b"]
    assert "<ignored>" not in texts["test_b.1"]
    for seed in seeds[1:]:
        again = project.example.spawn("--record-mode=rewrite", plugins=("syrupy",), **seed)
        assert again.outcomes == {"passed": 2}, again.output


def test_each_test_ignores_what_its_own_marker_says_of_a_function(project):
    test = """
@pytest.mark.recorded("world.ask", ignore=["{0}"])
def test_{0}(recorded, snapshot):
    world.ask("hello")
    assert recorded.jobs == snapshot
"""
    project.write(
        world="def ask(question): return {'id': 1, 'at': 2}",
        test_a="import pytest, world\n" + test.format("id") + test.format("at"),
    )
    assert project.run("--snapshot-update").outcomes == {"passed": 2}
    texts = dict(block.split("\n", 1) for block in project.text().split("# name: ")[1:])
    assert "at: 2\n      id: <ignored>" in texts["test_id"]
    assert "at: <ignored>\n      id: 1" in texts["test_at"]
