"""A cassette inside of an installed package: it is replayed from there, and nothing is ever written to it."""

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pytest_recorded import ConfigurationError
from pytest_recorded.cli.app import run as run_command
from pytest_recorded.location import find_cassettes, locate, owner_of

PACKAGE, NAMED = "acme_contracts", "acme_contracts:cassettes/jobs.db"
HEAD = "import pytest, world\n"
SUITE = (
    '@pytest.mark.recorded("world.ask", scope="suite"{})\ndef test_{}(): assert world.ask("{}") == {{"answer": "{}"}}\n'
)
RESOURCE = (
    "import importlib.resources, pytest\n@pytest.fixture\ndef recorded_cassette():\n"
    '    return importlib.resources.files("acme_contracts") / "cassettes/jobs.db"\n'
)


def wheel(folder, files):
    """Build a wheel: files by their paths in it."""
    info = f"{PACKAGE}-1.2.0.dist-info"
    files = files | {
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: acme-contracts\nVersion: 1.2.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {
        name: base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        for name, data in files.items()
    }
    record = [f"{name},sha256={digest},{len(files[name])}" for name, digest in digests.items()]
    path = folder / f"{PACKAGE}-1.2.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        archive.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,", ""]))
    return path


@pytest.fixture
def shipped(example):
    """A project in which a package is installed that ships a cassette; returns the folder where it is installed."""
    author = example.folder / "author"
    (author / PACKAGE / "cassettes").mkdir(parents=True)
    (author / PACKAGE / "__init__.py").write_text("")
    example.write(
        test_author=HEAD
        + SUITE.format("", "shared", "a", "A")
        + SUITE.format("", "own", "b", "B").replace(', scope="suite"', "")
    )
    assert example.run(f"--record-cassette=author/{PACKAGE}/cassettes/jobs.db").counts == {"recorded": 2}
    (example.folder / "test_author.py").unlink()
    example.forget_calls()
    files = [author / PACKAGE / "__init__.py", author / PACKAGE / "cassettes" / "jobs.db"]
    built = wheel(example.folder, {path.relative_to(author).as_posix(): path.read_bytes() for path in files})
    site = example.folder / "site"
    # What an installer does with a wheel that has no scripts.
    with zipfile.ZipFile(built) as archive:
        archive.extractall(site)
    example.pytester.makeini("[pytest]\npythonpath = . site\ntestpaths = .\n")
    example.env["PYTHONPATH"] = str(site)
    return site


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


def name_it(example, way):
    """Let the project name the shipped cassette in some way; return the arguments for pytest and the marker's."""
    if way == "resource":
        example.write(conftest=RESOURCE)
    elif way == "fixture":
        example.write(conftest=f"import pytest\n@pytest.fixture\ndef recorded_cassette(): return {NAMED!r}\n")
    elif way == "options":
        example.write(
            conftest=f"import pytest\n@pytest.fixture\ndef recorded_options(): return {{'cassette': {NAMED!r}}}\n"
        )
    elif way == "ini":
        example.pytester.makeini(f"[pytest]\npythonpath = . site\nrecord_cassette = {NAMED}\n")
    return [f"--record-cassette={NAMED}"] if way == "command line" else [], f", cassette={NAMED!r}" * (way == "marker")


@pytest.mark.parametrize("way", ["resource", "fixture", "options", "ini", "marker", "command line"])
def test_a_shipped_cassette_is_replayed_however_it_is_named_and_nothing_is_written(example, shipped, way):
    args, marked = name_it(example, way)
    example.write(test_consumer=HEAD + SUITE.format(marked, "mine", "a", "A"))
    before = contents(shipped)
    for mode in ("none", "once", "new_episodes", "resume"):
        result = example.run(f"--record-mode={mode}", *args)
        assert (result.code, result.counts) == (0, {"replayed": 1}), mode
    assert example.calls == []
    assert example.run("--record-mode=verify", *args).counts == {"unchanged": 1}
    assert contents(shipped) == before
    assert not (example.folder / "cassettes").exists()


def test_workers_replay_a_shipped_cassette(example, shipped):
    tests = "".join(SUITE.format("", n, "a", "A") for n in range(4))
    example.write(conftest=RESOURCE, test_consumer=HEAD + tests)
    before = contents(shipped)
    assert example.spawn("-n2", plugins=("xdist",)).counts == {"replayed": 4}
    assert (example.calls, contents(shipped)) == ([], before)


def test_a_shipped_cassette_is_replayed_and_verified_where_nothing_may_be_written(example, shipped, tmp_path_factory):
    temporary = tmp_path_factory.mktemp("elsewhere")
    temporary.chmod(0o777)
    example.write(conftest=RESOURCE, test_consumer=HEAD + SUITE.format("", "mine", "a", "A"))
    folders = [shipped, *(path for path in shipped.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    # To root every folder is open, unless it gives that up.
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"] if os.getuid() == 0 else []
    said = {}
    for mode in ("once", "none", "verify"):
        done = subprocess.run(
            [*drop, *example.command("-p", "no:cacheprovider", f"--record-mode={mode}")],
            cwd=example.folder,
            env=example.environment() | {"TMPDIR": str(temporary)},
            capture_output=True,
            text=True,
            check=False,
        )
        said[mode] = done.stdout + done.stderr
    for folder in folders:
        folder.chmod(0o755)
    assert "recorded: 1 replayed" in said["once"]
    assert "recorded: 1 replayed" in said["none"]
    assert "1 unchanged" in said["verify"]
    assert list(temporary.glob("pytest-recorded-*/*/jobs.db.verified-*"))


# Recording into it.


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite", "resume"])
def test_what_is_not_in_a_shipped_cassette_is_not_called(example, shipped, mode):
    example.write(conftest=RESOURCE, test_consumer=HEAD + SUITE.format("", "mine", "else", "ELSE"))
    before = contents(shipped)
    result = example.run(f"--record-mode={mode}")
    assert (result.outcomes, result.counts, example.calls) == ({"failed": 1}, {"missed": 1}, [])
    said = result.output.replace("\n", " ")
    assert "The cassette is read-only: it belongs to the installed package acme-contracts 1.2.0." in said
    assert "Record into another one: --record-cassette=…, cassette=… or the fixture recorded_cassette." in said
    assert 'recorded: "a"' in said
    assert 'now:      "else"' in said
    assert contents(shipped) == before


@pytest.mark.parametrize("mode", ["all", "rewrite"])
def test_what_is_in_a_shipped_cassette_is_not_replaced(example, shipped, mode):
    example.write(conftest=RESOURCE, test_consumer=HEAD + SUITE.format("", "mine", "a", "A"))
    before = contents(shipped)
    result = example.run(f"--record-mode={mode}")
    assert (result.counts, example.calls) == ({"missed": 1}, [])
    assert f"reason:   read-only: it is recorded, and mode {mode} would replace that" in result.output
    assert contents(shipped) == before


def test_a_rewritten_test_that_calls_nothing_drops_nothing_of_a_shipped_cassette(example, shipped):
    example.write(conftest=RESOURCE, test_author=HEAD + '@pytest.mark.recorded("world.ask")\ndef test_own(): pass\n')
    before = contents(shipped)
    assert example.run("--record-mode=rewrite").outcomes == {"passed": 1}
    assert contents(shipped) == before


def test_a_miss_says_that_a_shipped_call_is_of_the_whole_suite(example, shipped):
    test = SUITE.format("", "mine", "a", "A").replace(', scope="suite"', "")
    result = example.write(conftest=RESOURCE, test_consumer=HEAD + test).run()
    assert 'This very request is recorded for all tests of the suite: replay it with scope="suite".' in result.output
    assert example.calls == []


def test_nobody_is_told_to_rename_what_a_shipped_cassette_has(example, shipped):
    """Its names are those of the author's tests; nothing can be written there."""
    test = HEAD + SUITE.format(f", cassette={NAMED!r}", "own", "b", "B").replace(', scope="suite"', "")
    result = example.write(test_consumer=test).run("--record-mode=none")
    assert "This very request is recorded for " in result.output
    assert "pytest-recorded rename" not in result.output


def test_what_was_verified_is_not_accepted_into_a_shipped_cassette(example, shipped):
    example.write(
        conftest=RESOURCE,
        test_consumer=HEAD + SUITE.format("", "mine", "a", "A").replace('{"answer": "A"}', "world.ask('a')"),
    )
    example.write(world=(example.folder / "world.py").read_text().replace("question.upper()", "question.upper() + '!'"))
    before = contents(shipped)
    result = example.run("--record-mode=verify", "--record-accept=all")
    assert result.code == 1
    assert "belongs to the installed package acme-contracts 1.2.0: nothing is written to it" in result.output
    assert contents(shipped) == before


def test_the_author_of_a_package_records_into_it(example, shipped):
    """Installed to be edited, its files are where they are written."""
    (shipped / PACKAGE / "cassettes" / "jobs.db").unlink()
    info = next(shipped.glob("*.dist-info"))
    (info / "RECORD").write_text(f"__editable__.pth,,\n{info.name}/RECORD,,\n")
    example.write(conftest=RESOURCE, test_author=HEAD + SUITE.format("", "mine", "a", "A"))
    assert example.run().counts == {"recorded": 1}
    assert (shipped / PACKAGE / "cassettes" / "jobs.db").exists()


# Without pytest, and by commands.


@pytest.fixture
def installed(shipped, monkeypatch):
    """The shipped cassette, where this process finds its package."""
    monkeypatch.syspath_prepend(str(shipped))
    return shipped / PACKAGE / "cassettes" / "jobs.db"


def test_a_block_replays_a_shipped_cassette_and_records_nothing_into_it(installed, example):
    before = contents(installed.parents[2])
    program = (
        "import sys, world\nfrom pytest_recorded import use_cassette, recorder\n"
        "ask = recorder(kind='world.ask')(world.ask)\n"
        f"with use_cassette({NAMED!r}, mode='once', scope='suite'): print(ask('a'))\n"
        f"with use_cassette({NAMED!r}, mode='once', scope='suite'): ask('else')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=example.folder, env=example.environment(), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout == "{'answer': 'A'}\n", done.stderr
    assert "The cassette is read-only: it belongs to the installed package acme-contracts 1.2.0." in done.stderr
    assert (example.calls, contents(installed.parents[2])) == ([], before)


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (("ls",), 0, "test_author.py::test_own"),
        (("check",), 0, "2 rows, nothing found"),
        (("rename", "test_author.py::test_own", "test_b.py::test_own"), 2, "belongs to the installed package acme"),
    ],
)
def test_commands_read_a_shipped_cassette_and_refuse_to_write_to_it(installed, capsys, command, code, words):
    before = contents(installed.parents[2])
    with pytest.raises(SystemExit) as ended:
        run_command((*command, f"--cassette={NAMED}"))
    said = capsys.readouterr()
    assert (ended.value.code or 0, words in said.out + said.err) == (code, True), said
    assert contents(installed.parents[2]) == before


# Names.


def test_a_package_in_an_archive_is_told_to_be_unpacked(example, shipped):
    example.pytester.makeini(f"[pytest]\npythonpath = . {next(example.folder.glob('*.whl')).name}\n")
    result = example.write(test_a=HEAD + SUITE.format(f", cassette={NAMED!r}", "x", "a", "A")).run()
    assert result.outcomes == {"error": 1}
    assert "the package 'acme_contracts' is in an archive (" in result.output
    assert "a cassette has to be a file. Install it unpacked (pip install)" in result.output
    assert example.calls == []


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (
            "acme_nowhere:jobs.db",
            "there is no package 'acme_nowhere' for the cassette acme_nowhere:jobs.db. Install it",
        ),
        ("acme.nowhere:jobs.db", "there is no package 'acme.nowhere'"),
        ("shlex:jobs.db", "'shlex' is a module, not a package: it has no files"),
    ],
)
def test_a_package_that_is_not_there_is_named_with_what_to_do(written, words, tmp_path):
    with pytest.raises(ConfigurationError) as raised:
        locate(written, tmp_path, where="here")
    assert str(raised.value).startswith(f"here: {words}")


@pytest.mark.parametrize(
    "written", ["C:/jobs.db", "C:\\jobs.db", "C:jobs.db", "./pytest:jobs.db", "a b:c.db", ":a.db", "pytest:", "9a:b.db"]
)
def test_what_names_no_package_is_a_path(written, tmp_path):
    assert locate(written, tmp_path, where="here") == tmp_path / written


def test_a_shipped_cassette_is_in_the_folder_of_its_package(tmp_path):
    assert locate("pytest_recorded.cli:sample/jobs.db", tmp_path, where="") == (
        Path(sys.modules["pytest_recorded.cli"].__file__).parent / "sample" / "jobs.db"
    )


def test_what_lies_beside_what_is_installed_is_nobodys(installed):
    """Some keep their own files where they install packages to."""
    site = installed.parents[2]
    assert owner_of(installed) == "acme-contracts 1.2.0"
    assert owner_of(installed.with_name("another.db")) == "acme-contracts 1.2.0"
    assert owner_of(site / "cassettes" / "jobs.db") == ""
    assert owner_of(site / "jobs.db") == ""


def test_cassettes_are_looked_for_below_a_folder_but_not_in_what_is_installed_or_hidden(example, shipped):
    for place in ("a/cassettes", ".hidden", "venv/lib", "node_modules/x", "b"):
        folder = example.folder / place
        folder.mkdir(parents=True)
        (folder / "jobs.db").write_bytes((shipped / PACKAGE / "cassettes" / "jobs.db").read_bytes())
    (example.folder / "venv" / "pyvenv.cfg").touch()
    (example.folder / "b" / "no.db").write_text("text")
    (example.folder / "b" / "empty.db").touch()
    found = [path.relative_to(example.folder).as_posix() for path in find_cassettes(example.folder)]
    assert found == [
        "a/cassettes/jobs.db",
        "author/acme_contracts/cassettes/jobs.db",
        "b/jobs.db",
        "site/acme_contracts/cassettes/jobs.db",
    ]
