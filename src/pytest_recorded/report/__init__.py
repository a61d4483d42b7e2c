"""A report of what has changed, shown: on the terminal, as HTML, as JSON, as Markdown.

`digest` says what of a report is worth a reader's time; `values` makes texts of values. Loads pydantic: whoever has a
report has it loaded.
"""

from .files import write_report
from .html import render_html
from .markdown import render_markdown
from .terminal import change_lines, terminal_lines
from .tree import render_json

__all__ = ["change_lines", "render_html", "render_json", "render_markdown", "terminal_lines", "write_report"]
