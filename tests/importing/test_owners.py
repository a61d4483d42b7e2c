"""Which test a cassette belongs to, by its place and its name."""

from __future__ import annotations

import hashlib

import pytest

from pytest_recorded.vcr.owners import Owners

MODULE = """
import pytest
class TestA:
    def test_x(self): pass
    class TestB:
        def test_y(self): pass
class TestC:
    class TestB:
        def test_y(self): pass
class TestHeir(TestA): pass
@pytest.mark.parametrize("m", ["a:b", "c-d", "c:d", "back\\\\slash", "::"])
async def test_m(m): pass
if True:
    def test_if(): pass
@pytest.mark.default_cassette("many")
@pytest.mark.parametrize("m", [1, 2])
def test_many(m): pass
"""


@pytest.fixture
def suite(tmp_path):
    """A suite with one module."""
    (tmp_path / "tests" / "cassettes" / "test_mod").mkdir(parents=True)
    (tmp_path / "tests" / "test_mod.py").write_text(MODULE)
    return tmp_path


def found(suite, name, folder="tests/cassettes/test_mod"):
    owners = Owners(suite).of(suite / folder / name)
    return [f"{owner.file.relative_to(suite).as_posix()}::{owner.rest}" for owner in owners]


@pytest.mark.parametrize(
    ("name", "rests"),
    [
        ("TestA.test_x.yaml", ["TestA::test_x"]),
        ("TestHeir.test_x.yaml", ["TestHeir::test_x"]),
        ("test_if.json", ["test_if"]),
        ("test_m[a-b].yaml", ["test_m[a:b]"]),
        ("test_m[1-a-b-2].yaml", ["test_m[1-a:b-2]"]),
        ("test_m[xa-b].yaml", ["test_m[xa-b]"]),
        ("test_m[c-d].yaml", ["test_m[c-d]"]),
        ("test_m[back--slash].yaml", ["test_m[back\\\\slash]"]),
        ("test_m[1.5].toml", ["test_m[1.5]"]),
        ("test_m[asyncio].yaml", ["test_m[asyncio]"]),
        # Two classes of one name in others: their tests share a file.
        ("TestB.test_y.yaml", []),
        ("TestGone.test_x.yaml", []),
        ("test_gone.yaml", []),
        # Which of its parameters a shared cassette was made for cannot be told.
        ("many.yaml", []),
    ],
)
def test_a_name_leads_to_its_test(suite, name, rests):
    assert found(suite, name) == [f"tests/test_mod.py::{rest}" for rest in rests]


def test_a_name_that_was_cut_is_known_by_its_digest(suite):
    text = "long-" * 60
    module = suite / "tests" / "test_long.py"
    module.write_text(f"import pytest\n@pytest.mark.parametrize('t', [{text!r}])\ndef test_l(t): pass\n")
    name = f"test_l[{text}]"
    digest = hashlib.md5(name.encode()).hexdigest()
    assert found(suite, f"{name[:200]}...{digest}.yaml", "tests/cassettes/test_long") == [f"tests/test_long.py::{name}"]
    assert found(suite, f"{name[:200]}...{'0' * 32}.yaml", "tests/cassettes/test_long") == []


def test_a_module_that_cannot_be_parsed_has_no_tests_and_is_never_imported(suite):
    (suite / "tests" / "test_broken.py").write_text("def test_x(:")
    (suite / "tests" / "test_bad.py").write_text("raise SystemExit('imported')\ndef test_y(): pass\n")
    assert found(suite, "test_x.yaml", "tests/cassettes/test_broken") == []
    assert found(suite, "test_y.yaml", "tests/cassettes/test_bad") == ["tests/test_bad.py::test_y"]


def test_environments_and_hidden_folders_are_not_searched(suite):
    for folder in (".hidden", "node_modules", "env"):
        (suite / folder).mkdir()
        (suite / folder / "test_far.py").write_text("def test_far(): pass\n")
    (suite / "env" / "pyvenv.cfg").write_text("")
    assert found(suite, "test_far.yaml", "data") == []
    (suite / "src").mkdir()
    (suite / "src" / "far_test.py").write_text("def test_far(): pass\n")
    assert found(suite, "test_far.yaml", "data") == ["src/far_test.py::test_far"]
