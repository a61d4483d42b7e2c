"""What the files of tests are called."""

from __future__ import annotations

import os
import re
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_recorded.text.format import HEADER_FILE
from pytest_recorded.text.names import file_names, possible_names

DEVICES = {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(10))}
SCOPES = st.text(st.characters(exclude_categories=["Cs"]), max_size=300) | st.text("aA/\\:*?[].-é\u0130", max_size=4)


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        ("tests/test_shop.py::test_total", "tests-test_shop.py-test_total.json"),
        ("tests/test_shop.py::TestCart::test_total[tea-2]", "tests-test_shop.py-TestCart-test_total-tea-2.json"),
        ("tests/conftest.py@shop", "tests-conftest.py-shop.json"),
        ("", "shared.json"),
        ("../../etc/passwd", "etc-passwd.json"),
        ("/", "test.json"),
        ("..", "test.json"),
        ("a\\b:c*d?e[f]", "a-b-c-d-e-f.json"),
        ("a\0b\n\u202ec", "a-b-c.json"),
        ("NUL", "_NUL.json"),
        ("con.txt::x", "_con.txt-x.json"),
        ("COM\u00b9", "_COM1.json"),
        ("console", "console.json"),
        ("-rf", "rf.json"),
        (".hidden", "hidden.json"),
        ("größe[日本]", "größe-日本.json"),
        ("gro\u0308ße", "größe.json"),
    ],
    ids=range(17),
)
def test_a_name_is_readable_and_plain(scope, name):
    assert file_names([scope]) == {scope: name}


@pytest.mark.parametrize(
    "scopes",
    [
        ["test_a", "TEST_A"],
        ["a/b", "a::b", "a-b"],
        ["test[é]", "test[e\u0301]"],
        ["straße", "STRASSE"],
        ["", "shared"],
        ["con", "_con"],
        ["x" * 300, "x" * 301],
        ["/", ":", "test"],
    ],
    ids=range(8),
)
def test_names_that_would_be_the_same_have_a_digest_each(scopes):
    names = file_names(scopes)
    assert all(re.search(r"-[0-9a-f]{8}\.json$", name) for name in names.values())
    assert len({unicodedata.normalize("NFD", name).casefold() for name in names.values()}) == len(scopes)


def test_a_name_that_is_that_of_the_header_or_ends_as_one_with_a_digest_has_one_of_its_own():
    for scope in ("cassette", "Cassette", "test-0123abcd"):
        assert re.fullmatch(rf"{scope}-[0-9a-f]{{8}}\.json", file_names([scope])[scope])
    first = file_names(["a", "A"])["a"].removesuffix(".json")
    assert len(set(file_names(["a", "A", first]).values())) == 3


def test_a_name_that_needs_no_digest_does_not_change_when_other_tests_come():
    assert file_names(["a", "b", "B"])["a"] == file_names(["a"])["a"]


@settings(derandomize=True, database=None, deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
@given(st.lists(SCOPES, unique=True, max_size=6))
def test_names_are_different_files_and_no_devices_on_every_system(scopes):
    names = file_names(scopes)
    assert set(names) == set(scopes)
    folded = {unicodedata.normalize("NFC", unicodedata.normalize("NFKC", name).casefold()) for name in names.values()}
    assert len(folded | {HEADER_FILE}) == len(scopes) + 1
    for scope, name in names.items():
        assert len(name.encode()) <= 143
        assert os.path.basename(name) == name  # noqa: PTH119 - as text
        assert not set(name) & set('/\\:*?"<>|[]()\0 \n')
        assert name[0] not in "-. "
        assert name.partition(".")[0].casefold() not in DEVICES
        assert name in possible_names(scope)
