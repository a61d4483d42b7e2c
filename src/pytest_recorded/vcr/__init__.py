"""Coming from vcrpy, pytest-recording and cassetter: their cassettes, read as data and written as rows.

`parse` makes a tree of a file's text, `interactions` reads it as calls, `owners` finds the tests that they belong to,
and `importing` writes them into a cassette.
"""

from __future__ import annotations

from .importing import FileReport, Importer, Report

__all__ = ["FileReport", "Importer", "Report"]
