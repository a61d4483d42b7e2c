"""Whole suites: recorded by pytest-recording and by cassetter, imported, and replayed by this plugin alone."""

from __future__ import annotations

import re

import pytest

from pytest_recorded.options import Options
from pytest_recorded.vcr import Importer

BASE = """
import httpx, pytest
def ask(what):
    answer = httpx.post("URL/chat", content=what, params={"n": len(what)}, trust_env=False).json()
    assert answer["asked"] == what
    return answer["number"]
"""
LONG = "x" * 260
SUITE = (
    BASE
    + f"""
pytestmark = pytest.mark.vcr

def test_plain(): assert ask("a") < ask("a") < ask("b")

@pytest.mark.parametrize("model", ["openai:gpt-4o", "a/b", "plain-id", "caf\\xe9", "1.5"])
@pytest.mark.parametrize("number", [1, 2])
def test_models(model, number): ask(f"model {{number}}")

@pytest.mark.parametrize("text", ["{LONG}"])
def test_long(text): ask("long")

class TestA:
    def test_in_class(self): ask("in class")
    class TestInner:
        @pytest.mark.parametrize("x", ["p?q"])
        def test_inner(self, x): ask("inner")

class Shared:
    def test_inherited(self): ask(type(self).__name__)
class TestOne(Shared): pass
class TestTwo(Shared): pass

async def helper(): pass
"""
)
NAMED = (
    BASE
    + """
@pytest.mark.vcr
@pytest.mark.default_cassette("named.yaml")
def test_named(): ask("named")
@pytest.mark.vcr
def test_other(): ask("other")
"""
)
TESTS = 10 + 1 + 1 + 1 + 1 + 2 + 2


def ours(text):
    """Return a suite as it is after the move: another marker, and the rest as it was."""
    return re.sub(r"@pytest.mark.default_cassette\(.*\)\n", "", text).replace("mark.vcr", "mark.recorded")


@pytest.mark.parametrize("plugin", ["pytest_recording.plugin", "cassetter.pytest_plugin"])
def test_a_suite_is_imported_and_replayed_with_zero_misses(api, project, plugin):
    """Functions, classes, classes in classes, inherited tests, parameters of all letters, named and cut names."""
    suite = {"tests__test_all": SUITE.replace("URL", api.url), "tests__api__test_named": NAMED.replace("URL", api.url)}
    if plugin == "cassetter.pytest_plugin":
        # A name that is too long for a file is no recording there.
        suite["tests__test_all"] = suite["tests__test_all"].replace(LONG, "short")
    project.write(**suite)
    printed = project.run(plugin, "--record-mode=once")
    assert f"{TESTS} passed" in printed, printed
    recorded = api.count
    report = Importer(project.folder / "cassettes" / "jobs.db", Options()).run([project.folder / "tests"])
    assert report.is_complete
    assert report.total("taken") == recorded
    assert all(file.has_test for file in report.files), [file for file in report.files if not file.has_test]
    project.write(**{name: ours(text) for name, text in suite.items()})
    printed = project.run("pytest_recorded.plugin", "--record-mode=none")
    assert f"{TESTS} passed" in printed, printed
    assert f"recorded: {recorded} replayed, 0 recorded, 0 live, 0 missed, 0 unused" in printed
    assert api.count == recorded


def test_cassettes_of_other_folders_and_names_are_found_by_their_tests(api, project):
    """A folder for all, a folder beside, a cassette that two tests share and one that comes besides a test's own."""
    head = BASE.replace("URL", api.url)
    flat = (
        "@pytest.fixture(scope='module')\n"
        "def vcr_cassette_dir(request): return str(request.config.rootpath / 'FOLDER')\n"
    )
    shared = "@pytest.mark.vcr\n@pytest.mark.default_cassette('shared')\n"
    suite = {
        "tests__test_flat": head
        + flat.replace("FOLDER", "fixtures")
        + "@pytest.mark.vcr\ndef test_flat(): ask('flat')\n",
        "tests__deep__test_far": head
        + flat.replace("FOLDER", "data/test_far")
        + "@pytest.mark.vcr\ndef test_far(): ask('far')\n",
        "tests__test_shared": head + "".join(f"{shared}def test_{n}(): ask('shared')\n" for n in (1, 2)),
        "tests__test_extra": head
        + "@pytest.mark.vcr\ndef test_first(): ask('first')\n"
        + "@pytest.mark.vcr('test_first.yaml')\ndef test_second(): ask('second'); ask('first')\n",
    }
    project.write(**suite)
    assert "6 passed" in project.run("pytest_recording.plugin", "--record-mode=new_episodes", "-p", "no:randomly")
    folders = [project.folder / name for name in ("data", "fixtures", "tests")]
    report = Importer(project.folder / "cassettes" / "jobs.db", Options()).run(folders)
    assert report.is_complete
    assert len(report.files) == 5
    scopes = {file.path.rpartition("/")[2]: file.scopes for file in report.files}
    assert scopes == {
        "test_far.yaml": ["tests/deep/test_far.py::test_far"],
        "test_flat.yaml": ["tests/test_flat.py::test_flat"],
        "shared.yaml": ["tests/test_shared.py::test_1", "tests/test_shared.py::test_2"],
        "test_first.yaml": ["tests/test_extra.py::test_first", "tests/test_extra.py::test_second"],
        "test_second.yaml": ["tests/test_extra.py::test_second"],
    }
