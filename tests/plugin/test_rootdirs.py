"""A test has one name from wherever pytest is started, whatever it takes for its root: its recordings are found."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pytest_recorded.staging import Session
from pytest_recorded.suite import Suite

HEAD = "import pytest, world\n"
CLASS = (
    '@pytest.fixture(scope="module")\ndef token(): return world.ask("token")\n'
    '@pytest.mark.recorded("world.ask")\nclass TestShop:\n'
    '    @pytest.mark.parametrize("n", [1, 2])\n    def test_x(self, n, token): world.ask(str(n))\n'
)
FIXTURE = 'import pytest\n@pytest.fixture(scope="session")\ndef recorded_cassette(): return "cassettes/jobs.db"\n'
NAMES = [
    "deep/test_{0}.py::TestShop::test_x[1]",
    "deep/test_{0}.py::TestShop::test_x[2]",
    "deep/test_{0}.py@token",
]
CALLS = 6


@pytest.fixture
def monorepo(example):
    """Two packages, each with an ini file and a conftest of its own; `run(folder, *args)` starts pytest there."""
    (example.folder / "tox.ini").unlink()
    for name in "ab":
        deep = example.folder / "packages" / name / "deep"
        deep.mkdir(parents=True)
        (deep / f"test_{name}.py").write_text(HEAD + CLASS)
        (deep.parent / "conftest.py").write_text(FIXTURE)
        (deep.parent / "pytest.ini").write_text("[pytest]\npythonpath = ../..\n")

    def run(folder, *args):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(example.folder / folder)
            return example.run("-p", "no:cacheprovider", *args)

    return run


def scopes(cassette):
    with closing(sqlite3.connect(f"{cassette.as_uri()}?mode=ro", uri=True)) as connection:
        return [scope for (scope,) in connection.execute("SELECT DISTINCT scope FROM jobs ORDER BY scope")]


# Where pytest is started, with which arguments, and which of the two packages that tests.
WAYS = {
    "package": ("packages/a", (), "a"),
    "subfolder": ("packages/a/deep", (), "a"),
    "file": ("packages", ("a/deep/test_a.py",), "a"),
    "both": (".", ("packages/a", "packages/b"), "ab"),
    "both, the other first": (".", ("packages/b", "packages/a"), "ab"),
    "all": ("packages", (), "ab"),
    "rootdir": (".", ("--rootdir=.", "packages/a", "packages/b"), "ab"),
    "rootdir of the other": (".", ("--rootdir=packages/b", "packages/a"), "a"),
    "ini of the other": (".", ("-c", "packages/b/pytest.ini", "packages/a"), "a"),
    "importlib": (".", ("--import-mode=importlib", "packages/a"), "a"),
    "confcutdir": ("packages/a/deep", ("--confcutdir=..",), "a"),
    "from elsewhere": ("elsewhere", ("../packages/a",), "a"),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_recorded_in_one_way_is_replayed_in_another(monorepo, example, way, monkeypatch):
    """Each records under the names of a run in the package, which replays them; and replays what that has recorded."""
    monkeypatch.syspath_prepend(str(example.folder))
    (example.folder / "elsewhere").mkdir()
    folder, args, tested = WAYS[way]
    recorded = monorepo(folder, *args)
    assert recorded.counts == {"recorded": len(tested) * CALLS // 2}, recorded.output
    assert sorted(path.parents[1].name for path in example.folder.rglob("jobs.db")) == list(tested)
    for name in tested:
        package = example.folder / "packages" / name
        assert scopes(package / "cassettes" / "jobs.db") == [one.format(name) for one in NAMES]
    assert monorepo("packages/a", "--record-mode=none").counts == {"replayed": CALLS // 2}
    shutil.rmtree(example.folder / "packages" / "a" / "cassettes")
    monorepo("packages/a")
    assert monorepo(folder, "--record-mode=none", *args).counts == {"replayed": len(tested) * CALLS // 2}


def test_one_ini_at_the_root_makes_one_suite_of_all_packages(monorepo, example):
    example.pytester.makeini("[pytest]\npythonpath = .\n")
    for ini in (example.folder / "packages").rglob("pytest.ini"):
        ini.unlink()
    for conftest in (example.folder / "packages").rglob("conftest.py"):
        conftest.unlink()
    assert monorepo(".", "packages").counts == {"recorded": CALLS}
    assert [path.relative_to(example.folder) for path in example.folder.rglob("jobs.db")] == [Path("cassettes/jobs.db")]
    for folder, args in (
        ("packages/a", ()),
        ("packages/a/deep", ()),
        (".", ("packages/a",)),
        ("packages", ("a/deep",)),
    ):
        assert monorepo(folder, "--record-mode=none", *args).counts == {"replayed": CALLS // 2}, folder


def test_an_ini_file_of_each_package_makes_a_suite_of_each(monorepo, example):
    for conftest in (example.folder / "packages").rglob("conftest.py"):
        conftest.unlink()
    for name in "ab":
        assert monorepo(f"packages/{name}").counts == {"recorded": CALLS // 2}
        assert monorepo(f"packages/{name}/deep", "--record-mode=none").counts == {"replayed": CALLS // 2}
        assert len(scopes(example.folder / "packages" / name / "cassettes" / "jobs.db")) == len(NAMES)


@pytest.mark.parametrize("first", "ab")
def test_without_fixtures_packages_that_run_together_share_the_cassette_of_what_pytest_takes_for_its_root(
    monorepo, example, first
):
    for conftest in (example.folder / "packages").rglob("conftest.py"):
        conftest.unlink()
    second = "b" if first == "a" else "a"
    result = monorepo(".", f"packages/{first}", f"packages/{second}")
    assert result.counts == {"recorded": CALLS}
    assert [path.parents[1].name for path in example.folder.rglob("jobs.db")] == [first]
    names = scopes(example.folder / "packages" / first / "cassettes" / "jobs.db")
    assert {name.partition("test_")[0] for name in names} == {"deep/", f"../{second}/deep/"}


def test_tests_beside_the_folder_of_their_suite_have_one_name_too(monorepo, example):
    """Their cassette is in a folder of another name: no test of another folder gets the same name."""
    package = example.folder / "packages" / "a"
    (package / "conftest.py").write_text(FIXTURE.replace("cassettes/", "recordings/"))
    (package / "recordings").mkdir()
    (package / "recordings" / "test_a.py").write_text(
        HEAD + '@pytest.mark.recorded("world.ask")\ndef test_i(): world.ask("inner")\n'
    )
    (package / "test_a.py").write_text(HEAD + '@pytest.mark.recorded("world.ask")\ndef test_i(): world.ask("outer")\n')
    args = ("--import-mode=importlib",)
    assert monorepo("packages/a", *args).counts == {"recorded": 5}
    assert scopes(package / "recordings" / "jobs.db") == [
        *(f"../{name.format('a')}" for name in NAMES), "../test_a.py::test_i", "test_a.py::test_i"
    ]  # fmt: skip
    for folder in (".", "packages/b"):
        assert monorepo(folder, *args, str(package), "--record-mode=none").counts == {"replayed": 5}


def test_a_fixture_that_pytest_does_not_call_and_nobody_else_can_is_an_error(monorepo, example):
    """To pytest a conftest outside of the rootdir is everybody's, and nearer: it calls that of the other package."""
    taking = FIXTURE.replace("recorded_cassette()", "recorded_cassette(tmp_path_factory)")
    (example.folder / "packages" / "b" / "conftest.py").write_text(taking)
    result = monorepo(".", "packages/b", "packages/a")
    assert result.outcomes == {"passed": 2, "error": 2}
    assert "Let it take no arguments, and return its value." in result.output.replace("\n", " ")
    assert not list((example.folder / "packages" / "b").rglob("*.db"))


# What is typed.


@pytest.mark.parametrize(
    ("folder", "typed", "file"),
    [
        ("packages/a", "own.db", "packages/a/own.db"),
        ("packages/a/deep", "own.db", "packages/a/deep/own.db"),
        ("packages/a/deep", "../own.db", "packages/a/own.db"),
        (".", "own.db", "own.db"),
    ],
)
@pytest.mark.parametrize("equals", [True, False])
def test_a_cassette_that_is_typed_is_relative_to_where_it_is_typed(monorepo, example, folder, typed, file, equals):
    option = [f"--record-cassette={typed}"] if equals else ["--record-cassette", typed]
    args = [str(example.folder / "packages" / "a")]
    result = monorepo(folder, *option, *args)
    assert result.counts == {"recorded": CALLS // 2}
    assert [path.relative_to(example.folder).as_posix() for path in example.folder.rglob("*.db")] == [file]
    assert monorepo(folder, *option, *args, "--record-mode=none").counts == {"replayed": CALLS // 2}


def test_a_cassette_in_addopts_is_relative_to_the_rootdir(monorepo, example):
    (example.folder / "packages" / "a" / "pytest.ini").write_text(
        "[pytest]\npythonpath = ../..\naddopts = --record-cassette=own.db\n"
    )
    assert monorepo("packages/a/deep").counts == {"recorded": CALLS // 2}
    assert (example.folder / "packages" / "a" / "own.db").exists()


def test_an_absolute_cassette_is_that_and_its_tests_have_their_node_ids(monorepo, example, tmp_path_factory):
    file = tmp_path_factory.mktemp("elsewhere") / "cassettes" / "jobs.db"
    assert monorepo(".", f"--record-cassette={file}", "packages/a").counts == {"recorded": CALLS // 2}
    assert scopes(file)[0] == "deep/test_a.py::TestShop::test_x[1]"


def test_workers_know_where_a_cassette_was_typed(monorepo, example, monkeypatch):
    monkeypatch.chdir(example.folder / "packages" / "a" / "deep")
    moved = example.__class__(Path.cwd(), example.pytester, example.env)
    result = moved.spawn("-n1", "--record-cassette=own.db", plugins=("xdist",))
    assert result.counts == {"recorded": CALLS // 2}
    assert Path("own.db").exists()


# Links, and what a system makes of paths.


def test_a_checkout_that_is_reached_through_a_link_has_the_same_names(monorepo, example):
    (example.folder / "link").symlink_to(example.folder / "packages", target_is_directory=True)
    assert monorepo("packages/a").counts == {"recorded": CALLS // 2}
    for folder, args in (("link/a", ()), (".", ("link/a",)), ("elsewhere", ("../link/a",))):
        (example.folder / "elsewhere").mkdir(exist_ok=True)
        assert monorepo(folder, "--record-mode=none", *args).counts == {"replayed": CALLS // 2}, folder


@pytest.mark.parametrize("names", ["link", "real"])
def test_a_cassette_that_is_reached_through_a_link_is_one_with_the_real_one(monorepo, example, names):
    (example.folder / "link").symlink_to(example.folder / "packages", target_is_directory=True)
    paths = {"link": example.folder / "link" / "a", "real": example.folder / "packages" / "a"}
    (paths["real"] / "conftest.py").write_text(
        FIXTURE.replace('"cassettes/jobs.db"', repr(str(paths[names] / "cassettes" / "jobs.db")))
    )
    assert monorepo(".", str(paths["real"])).counts == {"recorded": CALLS // 2}
    assert scopes(paths["real"] / "cassettes" / "jobs.db") == [one.format("a") for one in NAMES]
    for args in ((), ("--rootdir=.",)):
        again = monorepo(".", *args, str(paths["link"]), "--record-mode=none")
        assert again.counts == {"replayed": CALLS // 2}, args


def test_two_files_that_are_links_to_one_have_names_of_their_own(example):
    (example.folder / "shared.py").write_text(
        HEAD + '@pytest.mark.recorded("world.ask")\ndef test_x(): world.ask("a")\n'
    )
    for name in "ab":
        (example.folder / f"test_{name}.py").symlink_to("shared.py")
    assert example.run().counts == {"recorded": 2}
    assert example.rows("scope") == [("test_a.py::test_x",), ("test_b.py::test_x",)]


@pytest.mark.parametrize(
    ("cassette", "file", "root", "name"),
    [
        ("/r/cassettes/jobs.db", "/r/t/test_x.py", "/r", "t/test_x.py::x"),
        ("/r/p/cassettes/jobs.db", "/r/p/test_x.py", "/r", "test_x.py::x"),
        ("/r/p/cassettes/jobs.db", "/r/test_x.py", "/r", "../test_x.py::x"),
        ("/r/p/own.db", "/r/q/test_x.py", "/r", "../q/test_x.py::x"),
        ("/r/p/own.db", "/r/q/test_x.py", "/r/q", "test_x.py::x"),
        ("/r/.venv/lib/site-packages/acme/cassettes/jobs.db", "/r/q/test_x.py", "/r", "q/test_x.py::x"),
        ("/lib/site-packages/acme/cassettes/jobs.db", "/lib/site-packages/acme/test_x.py", "/lib", "test_x.py::x"),
        ("/else/own.db", "/r/../r/q/test_x.py", "/r/q", "test_x.py::x"),
        ("/else/own.db", "/r/p/test_x.py", "/r/q", "../p/test_x.py::x"),
        ("/r/cassettes/jobs.db", "/r", "/r", ".::x"),
    ],
)
def test_a_name_is_what_is_seen_from_the_suite_or_else_from_the_root(cassette, file, root, name):
    """It always has slashes, and never a path of one machine."""
    suite = Suite(Path(cassette), Session.new("none"))
    assert suite.name_of(Path(file), "x", Path(root)) == name
