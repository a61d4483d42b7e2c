"""A report as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ..errors import ConfigurationError
from .html import render_html
from .markdown import render_markdown
from .tree import render_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..changes.model import Call, Report

    #: Returns the whole old and new answer of a call as plain trees; `diff.ABSENT` or None for none.
    Documents = Callable[[Call], tuple[Any, Any]]

__all__ = ["write_report"]


def write_report(report: Report, path: Path, documents: Documents | None = None) -> None:
    """Write a report into a file, in the form that its suffix names; folders are made, and no half file is ever there.

    Args:
        report: The report.
        path: The file: `.html`, `.json` or `.md`.
        documents: Returns the whole old and new answer of a call, for HTML.

    Raises:
        ConfigurationError: The suffix names no form.
        OSError: The file cannot be written.

    """
    suffix = path.suffix.lower()
    if suffix == ".html":
        text = render_html(report, documents)
    elif suffix == ".json":
        text = render_json(report)
    elif suffix == ".md":
        text = render_markdown(report)
    else:
        raise ConfigurationError(f"{path}: a report is written as .html, .json or .md; give a name that ends in one.")
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path, text)


def _replace(path: Path, text: str) -> None:
    """Write a file beside, then put it in the place of the old one."""
    beside = path.with_name(f".{path.name}.{uuid4().hex[:12]}")
    try:
        with beside.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
