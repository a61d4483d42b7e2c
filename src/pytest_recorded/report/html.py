"""A report as one HTML file that needs nothing else: no server, no network, no other file.

The law of this file: a browser runs one script, the page's own, by its digest, and loads nothing. What was recorded is
data in the page, and its script makes texts of it, never elements.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from .digest import Digest, title
from .island import island

if TYPE_CHECKING:
    from ..changes.model import Report
    from .files import Documents

__all__ = ["render_html"]


def render_html(report: Report, documents: Documents | None = None) -> str:
    """Return a report as an HTML page.

    Args:
        report: The report.
        documents: Returns the whole old and new answer of a call as plain trees; None, or `diff.ABSENT`, for none.

    """
    style, script = _part("page.css"), _part("elements.js") + _part("page.js")
    # Icons are asked for by browsers: this one is empty.
    policy = (
        f"default-src 'none'; img-src data:; style-src {_digest(style)}; script-src {_digest(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return Template(_part("page.html")).substitute(
        title=escape(title(report)),
        policy=policy,
        style=style,
        script=script,
        data=island(Digest(report), documents),
    )


def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
