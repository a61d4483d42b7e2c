"""Several cassettes in one repository: who names that of a test, and what each gets."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from pytest_recorded.changes.model import Report

HEAD = "import pytest, world\n"
TEST = HEAD + '@pytest.mark.recorded("world.ask")\ndef test_x(): assert world.ask("a")\n'
FIXTURE = "import pytest\nfrom pathlib import Path\n@pytest.fixture(scope={!r})\ndef recorded_cassette(): return {}\n"


def suite(example, name, cassette='"cassettes/jobs.db"', test=TEST, scope="session"):
    """Make a folder with a test and a conftest that names a cassette."""
    folder = example.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").touch()
    if cassette is not None:
        (folder / "conftest.py").write_text(FIXTURE.format(scope, cassette))
    (folder / "test_x.py").write_text(test)
    return folder


def cassettes(example):
    return sorted(path.relative_to(example.folder).as_posix() for path in example.folder.rglob("*.db"))


@pytest.mark.parametrize("scope", ["session", "package", "module", "class", "function"])
def test_a_fixture_of_any_scope_names_a_cassette_relative_to_the_folder_of_its_conftest(example, scope):
    suite(example, "a", scope=scope)
    assert example.run().counts == {"recorded": 1}
    assert cassettes(example) == ["a/cassettes/jobs.db"]
    assert example.run("--record-mode=none").counts == {"replayed": 1}


@pytest.mark.parametrize(
    ("returned", "file"),
    [
        ('"own.db"', "a/own.db"),
        ('Path("deep/own.db")', "a/deep/own.db"),
        ('Path(__file__).parent / "own.db"', "a/own.db"),
        ('Path(__file__).parents[1] / "up.db"', "up.db"),
        ('"../beside/up.db"', "beside/up.db"),
        ("None", "cassettes/jobs.db"),
    ],
)
def test_a_fixture_returns_any_path_or_none_for_the_usual_one(example, returned, file):
    suite(example, "a", returned)
    assert example.run().counts == {"recorded": 1}
    assert cassettes(example) == [file]
    assert example.run("--record-mode=none").counts == {"replayed": 1}


def test_the_nearest_fixture_names_the_cassette_of_a_folder_a_module_and_a_class(example):
    example.write(conftest=FIXTURE.format("session", '"root.db"'))
    suite(example, "a", '"folder.db"')
    fixture = '@pytest.fixture\ndef recorded_cassette({}): return "{}"\n'
    own = fixture.format("", "module.db")
    in_class = "".join(f"    {line}\n" for line in fixture.format("self", "class.db").splitlines())
    (example.folder / "a" / "test_y.py").write_text(
        TEST.replace("test_x", "test_y").replace(HEAD, HEAD + own)
        + f'@pytest.mark.recorded("world.ask")\nclass TestZ:\n{in_class}    def test_z(self): world.ask("a")\n'
    )
    example.write(test_r=TEST)
    assert example.run().counts == {"recorded": 4}
    assert cassettes(example) == ["a/class.db", "a/folder.db", "a/module.db", "root.db"]
    assert example.run("--record-mode=none").counts == {"replayed": 4}


def test_a_fixture_may_build_on_the_one_above_and_on_others(example):
    example.write(conftest=FIXTURE.format("session", "Path(__file__).parent / 'kept'"))
    suite(example, "a", None)
    (example.folder / "a" / "conftest.py").write_text(
        "import pytest\n@pytest.fixture\ndef provider(): return 'acme'\n"
        "@pytest.fixture\ndef recorded_cassette(recorded_cassette, provider):\n"
        "    return recorded_cassette / f'{provider}.db'\n"
    )
    assert example.run().counts == {"recorded": 1}
    assert cassettes(example) == ["kept/acme.db"]


def test_a_fixture_with_parameters_gives_each_run_of_a_test_its_cassette(example):
    example.write(
        conftest="import pytest\n@pytest.fixture(scope='session', params=['one', 'two'])\n"
        "def recorded_cassette(request): return f'{request.param}.db'\n",
        test_a=TEST.replace(HEAD, f'{HEAD}pytestmark = pytest.mark.usefixtures("recorded_cassette")\n')
        + TEST.removeprefix(HEAD).replace("test_x", "test_y"),
    )
    assert example.run().counts == {"recorded": 4}
    for name in ("one", "two"):
        with closing(sqlite3.connect(example.folder / f"{name}.db")) as connection:
            scopes = {scope for (scope,) in connection.execute("SELECT scope FROM jobs")}
        assert scopes == {f"test_a.py::test_x[{name}]", f"test_a.py::test_y[{name}]"}
    assert example.run("--record-mode=none").counts == {"replayed": 4}


WINS = {
    "command line": "typed.db",
    "marker": "marked.db",
    "fixture": "fixed.db",
    "ini": "written.db",
}


@pytest.mark.parametrize("first", range(4))
def test_command_line_wins_over_marker_over_fixture_over_ini(example, first):
    """Each names a cassette; those that come before it say nothing."""
    says = dict(list(WINS.items())[first:])
    ini = "record_cassette = written.db" if "ini" in says else ""
    example.pytester.makeini(f"[pytest]\npythonpath = .\n{ini}\n")
    if "fixture" in says:
        example.write(conftest=FIXTURE.format("session", '"fixed.db"'))
    marked = '"world.ask", cassette="marked.db"' if "marker" in says else '"world.ask"'
    example.write(test_a=TEST.replace('"world.ask"', marked))
    typed = ["--record-cassette=typed.db"] if "command line" in says else []
    assert example.run(*typed).counts == {"recorded": 1}
    assert cassettes(example) == [next(iter(says.values()))]


@pytest.mark.parametrize(
    ("near", "file"),
    [("recorded_cassette", "a/near.db"), ("recorded_options", "a/near.db")],
)
def test_of_the_two_fixtures_that_may_name_a_cassette_the_nearer_one_counts(example, near, file):
    far = {"recorded_cassette": "recorded_options", "recorded_options": "recorded_cassette"}[near]
    returned = {"recorded_cassette": "'{}'", "recorded_options": "{{'cassette': '{}'}}"}
    fixture = "import pytest\n@pytest.fixture\ndef {}(): return {}\n"
    example.write(conftest=fixture.format(far, returned[far].format("far.db")))
    suite(example, "a", None)
    (example.folder / "a" / "conftest.py").write_text(fixture.format(near, returned[near].format("near.db")))
    assert example.run().counts == {"recorded": 1}
    assert cassettes(example) == [file]


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ("5", "returned 5. Return the path of a cassette (str or Path), or None for the usual one."),
        ('""', "returned ''. Return the path of a cassette (str or Path), or None for the usual one."),
        ('["a.db"]', "returned ['a.db']. Return the path of a cassette"),
        ('"."', "is a folder; a cassette is a file, such as cassettes/jobs.db. It is named by the fixture"),
        ('"test_x.py"', "is no SQLite file. Restore it (git checkout), or delete it"),
        ('"__snapshots__/jobs.db"', "Put it somewhere else, such as cassettes/jobs.db. It is named by the fixture"),
        ('"acme_missing:jobs.db"', "there is no package 'acme_missing' for the cassette acme_missing:jobs.db."),
    ],
)
def test_a_wrong_cassette_is_an_error_that_names_the_fixture_and_its_file(example, returned, words):
    folder = suite(example, "a", returned)
    result = example.run()
    said = result.output.replace("\n", " ")
    assert result.outcomes == {"error": 1}
    assert words in said
    assert f"the fixture recorded_cassette in {folder / 'conftest.py'}" in said
    assert "INTERNALERROR" not in said
    assert example.calls == []


def test_a_coroutine_function_names_no_cassette(example):
    example.write(
        conftest="import pytest\n@pytest.fixture\nasync def recorded_cassette(): return 'own.db'\n", test_a=TEST
    )
    result = example.run()
    assert result.outcomes == {"error": 1}
    assert "recorded_cassette" in result.output.partition("short test summary")[0]
    assert example.calls == []


def test_a_marker_with_no_path_is_an_error_of_its_test(example):
    result = example.write(test_a=TEST.replace('"world.ask"', '"world.ask", cassette=5')).run()
    assert "cassette=5 is no path. Give a str or a Path." in result.output


# Two suites in one run.

HEADER = "recorded: cassettes a/cassettes/jobs.db ({}), b/cassettes/jobs.db ({})"


def test_two_suites_of_one_run_have_their_own_cassettes_and_are_named_in_the_header_and_at_the_end(example):
    for name in "ab":
        suite(example, name)
    result = example.run()
    assert HEADER.format("none yet", "none yet") in result.output
    assert result.counts == {"recorded": 2}
    for name in "ab":
        assert f"  {name}/cassettes/jobs.db: 1 recorded; 1 added" in result.output
    again = example.run("--record-mode=none")
    assert HEADER.format("1 call", "1 call") in again.output
    for name in "ab":
        assert f"  {name}/cassettes/jobs.db: 1 replayed\n" in again.output
    assert not (example.folder / "cassettes").exists()


def test_many_suites_are_named_by_the_first_three(example):
    for name in "abcde":
        suite(example, name)
    assert "c/cassettes/jobs.db (none yet) and 2 more" in example.run().output


def test_one_suite_in_the_usual_place_has_no_line_of_its_own(example):
    output = example.write(test_a=TEST).run().output
    assert "recorded: cassette" not in output
    assert "  cassettes/jobs.db: 1 added" in output


SHUFFLING = """
import random
def pytest_collection_modifyitems(config, items):
    random.Random(config.getoption("--seed")).shuffle(items)
def pytest_addoption(parser):
    parser.addoption("--seed")
"""


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_suites_are_recorded_by_workers_in_any_order(example, seed):
    example.write(shuffling=SHUFFLING)
    body = "".join(f'@pytest.mark.recorded("world.ask")\ndef test_{n}(): world.ask("{n}")\n' for n in range(3))
    for name in "ab":
        suite(example, name, test=HEAD + body)
    env = {"PYTHONPATH": str(example.folder)}
    result = example.spawn("-n2", f"--seed={seed}", plugins=("shuffling", "xdist"), **env)
    assert result.counts == {"recorded": 6}
    for name in "ab":
        assert f"  {name}/cassettes/jobs.db: 3 recorded; 3 added" in result.output
    assert example.run("--record-mode=none").counts == {"replayed": 6}


def test_a_shared_fixture_of_another_cassette_is_taken_over_from_workers_too(example):
    """No test has the cassette of the fixture: it is that of the folder in which the fixture is written."""
    token = '@pytest.fixture(scope="session")\ndef token():\n    import world; return world.ask("token")\n'
    example.write(conftest="import pytest\n" + token)
    suite(example, "a", test=TEST.replace("test_x()", "test_x(token)"))
    assert example.spawn("-n2", plugins=("xdist",)).counts == {"recorded": 2}
    assert cassettes(example) == ["a/cassettes/jobs.db", "cassettes/jobs.db"]
    assert example.rows("scope") == [(".@token",)]
    assert example.run("--record-mode=none").counts == {"replayed": 2}


@pytest.mark.parametrize("scope", ["session", "package", "module"])
@pytest.mark.parametrize("where", [".", "a"])
def test_a_shared_fixture_has_one_cassette_whichever_tests_run(example, scope, where):
    """That of what it is shared by, or of the folder that it is written in: not that of the test which comes first."""
    token = f'import pytest\n@pytest.fixture(scope="{scope}")\ndef token():\n    import world; return world.ask("t")\n'
    using = TEST.replace("test_x()", "test_x(token)")
    for name in "ab":
        suite(example, name, test=using if name == "a" or where == "." else TEST)
    with (example.folder / where / "conftest.py").open("a") as file:
        file.write(token)
    example.run()
    example.forget_calls()
    for chosen in (["a"], ["b"], ["b", "a"]):
        result = example.run("--record-mode=none", *chosen)
        assert (result.outcomes, example.calls) == ({"passed": len(chosen)}, [])
    assert ("cassettes/jobs.db" in cassettes(example)) == (where == "." and scope != "module")


def test_a_shared_fixture_says_when_its_cassette_cannot_be_known(example):
    """The fixture that names it takes others, and its test has a nearer one."""
    example.write(
        conftest="import pytest\n@pytest.fixture(scope='session')\ndef provider(): return 'acme'\n"
        "@pytest.fixture(scope='session')\ndef recorded_cassette(provider): return f'{provider}.db'\n"
        '@pytest.fixture(scope="session")\ndef token():\n    import world; return world.ask("token")\n'
    )
    suite(example, "a", test=TEST.replace("test_x()", "test_x(token)"))
    result = example.run()
    assert result.outcomes == {"error": 1}
    assert "as for a fixture that tests share, and cannot be called there. Let it take no arguments" in result.output


def two_that_have_changed(example):
    """Record two suites, and let the world answer otherwise from then on."""
    for name in "ab":
        suite(example, name)
    example.run()
    example.write(world=(example.folder / "world.py").read_text().replace("question.upper()", "question.upper() + '!'"))


def test_tests_of_one_name_are_told_apart_in_the_report(example):
    two_that_have_changed(example)
    result = example.run("--record-mode=verify", "--record-report=report.json")
    report = Report.model_validate_json((example.folder / "report.json").read_bytes())
    assert sorted(call.tests for call in report.calls) == [("a/test_x.py::test_x",), ("b/test_x.py::test_x",)]
    assert report.cassettes == ("a/cassettes/jobs.db", "b/cassettes/jobs.db")
    assert "a/test_x.py::test_x" in result.output


def test_what_a_run_has_verified_of_several_suites_is_accepted_by_the_next_one(example):
    two_that_have_changed(example)
    assert example.run("--record-mode=verify").counts == {"changed": 2}
    accepted = example.run("--record-accept=all")
    for name in "ab":
        assert f"{name}/cassettes/jobs.db: 1 accepted" in accepted.output
    assert example.run("--record-mode=verify").counts == {"unchanged": 2}


def test_suites_that_share_requests_have_each_their_own_answer(example):
    test = TEST.replace('"world.ask"', '"world.ask", scope="suite"')
    for name in "ab":
        suite(example, name, test=test + test.removeprefix(HEAD).replace("test_x", "test_y"))
    result = example.run()
    assert (result.counts, example.calls) == ({"recorded": 2, "replayed": 2}, ["a", "a"])
    shutil.rmtree(example.folder / "b" / "cassettes")
    assert example.run("--record-mode=none").counts == {"replayed": 2, "missed": 2}
