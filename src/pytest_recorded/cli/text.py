"""The commands `export` and `import`: what was written and taken, for people and for programs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..changes.comparing import Terms
from ..changes.files import Recorded
from ..errors import UsageError
from ..miss import describe
from ..text import Choice, Exported, Source, export_file, export_folder, export_lines, import_text, read_text
from .output import fail, many, say, say_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..job import Row
    from ..text import Imported

__all__ = ["run_export", "run_import"]

_LINES: Final = ".jsonl"
_MOST_NAMED: Final = 10
_LONGEST: Final = 160


def run_export(
    cassette: Path,
    path: str | None,
    filters: tuple[tuple[str, ...], tuple[str, ...]],
    *,
    splits: bool,
    as_json: bool,
) -> int:
    """Write a cassette down; return the exit code.

    Args:
        cassette: The cassette, or any file with jobs.
        path: A file, or a folder; None for stdout.
        filters: Globs of tests, and of kinds.
        splits: Whether the path is a folder in any case.
        as_json: Whether what was written is said for programs.

    Raises:
        CassetteError: The cassette is missing, cannot be read or is damaged.
        OSError: A file cannot be written.
        UsageError: The path says not what it is, or other files are there.

    """
    is_folder = path is not None and _is_folder(path, splits=splits)
    with Recorded(cassette, str(cassette)) as file:
        tests, kinds = filters
        source = Source(file, Terms(tests=tests, kinds=kinds))
        if not source.calls and not source.header.is_whole:
            fail(f"{cassette}: no recorded call fits.")
            if as_json and path is not None:
                _say_exported(cassette, path, Exported(0), as_json=True)
            return 1
        if path is None:
            # JSON is UTF-8, and ends its lines as it is written, on every system.
            export_lines(source, lambda line: sys.stdout.buffer.write(line.encode()))
            return 0
        exported = (export_folder if is_folder else export_file)(source, Path(path))
    _say_exported(cassette, path, exported, as_json=as_json)
    return 0


def _is_folder(path: str, *, splits: bool) -> bool:
    """Return whether what a path names is a folder."""
    if splits or path.endswith(("/", "\\")) or Path(path).is_dir():
        return True
    if Path(path).suffix.lower() != _LINES:
        raise UsageError(
            f"{path} may be a file or a folder. Name a file calls{_LINES}, a folder with a slash at its end: calls/, "
            f"or say --split."
        )
    return False


def _say_exported(cassette: Path, path: str, exported: Exported, *, as_json: bool) -> None:
    if as_json:
        files = {"written": list(map(str, exported.written)), "removed": list(map(str, exported.removed))}
        say_json({"cassette": str(cassette), "path": path, "calls": exported.calls, **files})
        return
    number = len(exported.written)
    changed = f"{many(number, 'file')} written" if number else "no file has changed"
    gone = f", {many(len(exported.removed), 'file')} removed" if exported.removed else ""
    say(f"{many(exported.calls, 'call')} of {cassette} in {path}: {changed}{gone}")


def run_import(cassette: Path, path: str, choice: str, *, is_dry: bool, as_json: bool) -> int:
    """Bring text into a cassette; return the exit code.

    Args:
        cassette: The cassette; it need not exist.
        path: A file or a folder that was exported; `-` is stdin.
        choice: See `text.Choice`.
        is_dry: Whether nothing is to be written.
        as_json: Whether what came of it is said for programs.

    Raises:
        CassetteError: The cassette cannot be read or written.
        OSError: The text cannot be read.
        SerializationError: It is not what an export writes.
        UsageError: There is none, or it is a part where the whole is asked for.

    """
    imported = import_text(read_text(Path(path)), cassette, Choice(choice), is_dry=is_dry)
    if as_json:
        say_json(_tree(cassette, path, imported, is_dry=is_dry))
    else:
        for line in _lines(cassette, path, imported, is_dry=is_dry):
            say(line)
    return 1 if imported.refused else 0


def _tree(cassette: Path, path: str, imported: Imported, *, is_dry: bool) -> dict[str, Any]:
    numbers = {name: value for name, value in imported._asdict().items() if name != "refused"}
    refused = [
        {"fact": one} if isinstance(one, str) else {"id": one.id, "test": one.scope or None, "kind": one.kind}
        for one in imported.refused
    ]
    return {"cassette": str(cassette), "path": path, "dry_run": is_dry, **numbers, "refused": refused}


def _lines(cassette: Path, path: str, imported: Imported, *, is_dry: bool) -> Iterator[str]:
    if imported.refused:
        yield f"{cassette} has other answers to {many(len(imported.refused), 'call')} of {path}:"
        yield from (f"  {_named(one)}" for one in imported.refused[:_MOST_NAMED])
        if (rest := len(imported.refused) - _MOST_NAMED) > 0:
            yield f"  and {rest:,} more"
        yield "Nothing was imported. With --replace the answers of the text are taken; with --exact it is all there is."
        return
    counts = [
        f"{number:,} {word}"
        for number, word in (
            (imported.added, "added"),
            (imported.replaced, "replaced"),
            (imported.there, "there already"),
            (imported.removed, "removed"),
        )
        if number
    ]
    yield f"{path} {'would be imported' if is_dry else 'imported'} into {cassette}: {', '.join(counts) or 'no calls'}"


def _named(refused: Row | str) -> str:
    if isinstance(refused, str):
        return f"the fact {refused}"
    request = describe(refused.kind, refused.request_json)
    kind = "" if request.startswith(refused.kind) else f"{refused.kind}: "
    return f"{refused.scope or 'shared by all tests'}: {(kind + request)[:_LONGEST]}"
