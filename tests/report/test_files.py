from __future__ import annotations

import json
from pathlib import Path

import pytest

import samples
from pytest_recorded.errors import ConfigurationError
from pytest_recorded.report import render_html, render_json, render_markdown, write_report


@pytest.mark.parametrize(
    ("name", "render"),
    [("a.html", render_html), ("a.json", render_json), ("a.md", render_markdown), ("A.JSON", render_json)],
)
def test_the_suffix_names_the_form_and_folders_are_made(tmp_path, name, render):
    path = tmp_path / "not" / "there" / name

    write_report(samples.hostile(), path)

    assert path.read_bytes().decode() == render(samples.hostile())
    assert list(path.parent.iterdir()) == [path]


def test_another_suffix_is_refused_with_those_that_there_are(tmp_path):
    with pytest.raises(ConfigurationError, match=r"changes\.xml: .*\.html, \.json or \.md"):
        write_report(samples.realistic(), tmp_path / "no" / "changes.xml")

    assert list(tmp_path.iterdir()) == []


def test_an_older_report_is_replaced_as_a_whole_or_stays(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_report(samples.report(), path)
    before = path.read_bytes()

    def broken(*_):
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", broken)
        with pytest.raises(OSError, match="the disk is full"):
            write_report(samples.realistic(), path)

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    write_report(samples.realistic(), path)
    assert json.loads(path.read_text(encoding="utf-8"))["totals"]["breaking"] == 2


def test_a_file_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(OSError, match="file"):
        write_report(samples.realistic(), tmp_path / "file" / "a.md")
