"""A report of what has changed, shown: on the terminal, as HTML, as JSON, as Markdown."""
