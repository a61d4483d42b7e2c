"""A cassette as text: one file with a call a line, or a folder with a file for each test; and the cassette again."""

from __future__ import annotations

from .format import HEADER_FILE
from .importing import Choice, Imported, import_text
from .reading import Text, read_text
from .writing import Exported, Source, export_file, export_folder, export_lines

__all__ = [
    "HEADER_FILE",
    "Choice",
    "Exported",
    "Imported",
    "Source",
    "Text",
    "export_file",
    "export_folder",
    "export_lines",
    "import_text",
    "read_text",
]
