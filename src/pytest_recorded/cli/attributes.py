"""The lines of a `.gitattributes` that say which files are cassettes.

The law of this file: pure, and on bytes. Whatever is not ours stays as it is, to the last byte: other lines and their
order, comments, line ends, a missing last one, and what else a line of ours has got since.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DRIVER", "file_pattern", "marked", "with_marks", "without_marks"]

#: The name of what git asks about cassettes.
DRIVER: Final = "pytest-recorded"
# A cassette is compared as text, merged by its calls, and no byte of it is a line end.
_MARKS: Final = (f"diff={DRIVER}".encode(), f"merge={DRIVER}".encode(), b"-text")
_LINE: Final = re.compile(rb"[^\n]*\n|[^\n]+")
_PARTS: Final = re.compile(
    rb'(?:\xef\xbb\xbf)?[ \t]*(?P<pattern>"(?:[^"\\]|\\.)*"|[^\s"#][^ \t\r\n]*)(?P<rest>.*)', re.DOTALL
)
_GLOB: Final = re.compile(r"[\\*?\[]")
_NEEDS_QUOTES: Final = re.compile('[\x00-\x20"\x7f]|^#')


def file_pattern(path: str) -> str:
    """Return the pattern of one file, by its path from the root of the repository, as it stands in the file."""
    pattern = _GLOB.sub(r"\\\g<0>", path)
    if "/" not in pattern:
        # Else it would be a file of that name in any folder.
        pattern = f"/{pattern}"
    return quoted(f"\\{pattern}" if pattern.startswith("!") else pattern)


def quoted(pattern: str) -> str:
    """Return a pattern as it stands in the file."""
    if not _NEEDS_QUOTES.search(pattern):
        return pattern
    return '"' + re.sub('[\x00-\x1f"\\\\\x7f]', lambda found: _escaped(found[0]), pattern) + '"'


def _escaped(letter: str) -> str:
    return f"\\{letter}" if letter in '"\\' else f"\\{ord(letter):03o}"


def marked(content: bytes) -> list[str]:
    """Return the patterns of the lines that have our marks."""
    return [_text(parts["pattern"]) for line in _lines(content) if (parts := _PARTS.match(line)) and _has_marks(parts)]


def with_marks(content: bytes, patterns: Iterable[str]) -> bytes:
    """Return the content of the file with a line for each pattern that has none; they are the last, so that they hold.

    Args:
        content: What it has.
        patterns: As they stand in the file.

    """
    there = marked(content)
    end = b"\r\n" if b"\r\n" in content else b"\n"
    for pattern in dict.fromkeys(patterns):
        if pattern in there:
            continue
        line = b" ".join((pattern.encode(errors="surrogateescape"), *_MARKS))
        is_open = content and not content.endswith(b"\n")
        content += end + line if is_open else line + end
    return content


def without_marks(content: bytes) -> bytes:
    """Return the content of the file without our marks, and without the lines that have nothing but them."""
    kept: list[bytes] = []
    for line in _lines(content):
        parts = _PARTS.match(line)
        rest = line if parts is None or not _has_marks(parts) else _unmarked(line, parts)
        if rest:
            kept.append(rest)
        elif kept and not line.endswith(b"\n"):
            # The line before had no end, either, before ours came.
            kept[-1] = kept[-1].removesuffix(b"\n").removesuffix(b"\r")
    return b"".join(kept)


def _unmarked(line: bytes, parts: re.Match[bytes]) -> bytes:
    rest = parts["rest"]
    for mark in _MARKS:
        rest = re.sub(rb"[ \t]+" + re.escape(mark) + rb"(?=\s|$)", b"", rest, count=1)
    return line[: parts.end("pattern")] + rest if rest.strip() else b""


def _has_marks(parts: re.Match[bytes]) -> bool:
    return set(_MARKS) <= set(parts["rest"].split())


def _lines(content: bytes) -> list[bytes]:
    return _LINE.findall(content)


def _text(pattern: bytes) -> str:
    return pattern.decode(errors="surrogateescape")
