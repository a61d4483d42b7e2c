"""What the commands have in common: their options, and how they speak to people and to programs.

The law of this file: stdout has the answer, for people or as JSON; stderr has progress and the one message of an error.
Nothing is coloured that does not go to a terminal, nothing is loaded for `--help`, and no recorded text commands a
terminal: what is no letter is escaped.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ..errors import RecordedError
from ..shown import COMMANDS, harmless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from rich.console import Console

__all__ = [
    "CassetteOption",
    "JsonOption",
    "cassette_path",
    "cassettes_here",
    "console",
    "fail",
    "many",
    "option_for",
    "others_than",
    "printable",
    "progress",
    "resolve_command",
    "say",
    "say_json",
    "say_pieces",
    "to_json",
]

# pytest's names of styles, and those of rich.
_STYLES: Final = {"light": "dim"}


def _cassettes(incomplete: str) -> list[str]:
    """Return the cassettes below this folder that begin like this."""
    return [name for name in cassettes_here() if name.startswith(incomplete)]


def cassettes_here() -> list[str]:
    """Return the cassettes below this folder."""
    from ..location import find_cassettes  # noqa: PLC0415 - needed where none was named

    here = Path.cwd()
    return [str(path.relative_to(here)) for path in find_cassettes(here)]


_LISTED: Final = 10

CassetteOption = Annotated[
    Path | None,
    typer.Option(
        "--cassette",
        help="The cassette; by default record_cassette of the ini file, else cassettes/jobs.db.",
        show_default=False,
        autocompletion=_cassettes,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Say it as JSON.")]


def cassette_path(given: Path | None) -> Path:
    """Return the cassette that a command is about: what was given, else that of the project around this folder.

    Raises:
        ConfigurationError: The ini file cannot be read, or a package is named that is not there.

    """
    if given is not None:
        from ..location import is_shipped, locate  # noqa: PLC0415 - completion and --help need no cassette

        return locate(given, Path.cwd(), where="--cassette") if is_shipped(str(given)) else given
    from .ini import project_cassette  # noqa: PLC0415 - completion and --help need no ini file

    here, found = Path.cwd(), project_cassette(Path.cwd())
    return found.relative_to(here) if found.is_relative_to(here) else found


def option_for(cassette: Path) -> list[str]:
    """Return what tells a command to take a cassette; nothing for the one that it takes by itself."""
    with contextlib.suppress(RecordedError):
        if cassette.absolute() == cassette_path(None).absolute():
            return []
    return [f"--cassette={cassette}"]


def resolve_command(cassette: Path) -> str:
    """Return the command that settles the conflicts of a cassette, as it is typed."""
    return shlex.join(["pytest-recorded", "resolve", *option_for(cassette)])


def console(*, stderr: bool = False) -> Console:
    """Return what prints in colours, if it prints on a terminal and NO_COLOR is not set."""
    from rich.console import Console  # noqa: PLC0415 - takes longer to load than --help to be shown

    return Console(stderr=stderr, markup=False, highlight=False, soft_wrap=True)


def say(text: str, style: str | None = None) -> None:
    """Print a line of the answer, or several."""
    text = printable(text)
    if style is None or not sys.stdout.isatty():
        typer.echo(text)
    else:
        console().print(text, style=style)


def say_pieces(pieces: Iterable[tuple[str, Mapping[str, bool]]]) -> None:
    """Print texts with the markup that pytest's terminal knows; line breaks are in them, the last one too."""
    if not sys.stdout.isatty():
        say("".join(text for text, _ in pieces).removesuffix("\n"))
        return
    screen: Any = console()
    for text, markup in pieces:
        screen.print(printable(text), style=" ".join(_STYLES.get(name, name) for name in markup), end="")


def printable(text: str) -> str:
    """Return a text that any terminal shows and none obeys; what stdout cannot take is escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    return harmless(text).encode(encoding, "backslashreplace").decode(encoding)


def say_json(tree: Any) -> None:
    """Print an answer for programs: characters as they are where the output can take them, else escaped."""
    typer.echo(to_json(tree, indent=2))


def to_json(tree: Any, *, indent: int | None) -> str:
    """Return a tree as JSON that stdout can take; a number that JSON has not got is given as text.

    Args:
        tree: The tree.
        indent: How far each level is indented; None for one line.

    """
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    text = _dumped(tree, indent=indent, ensure_ascii=encoding != "utf8")
    # In JSON such letters are nowhere but in strings.
    return COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _dumped(tree: Any, *, indent: int | None, ensure_ascii: bool) -> str:
    try:
        return json.dumps(tree, indent=indent, ensure_ascii=ensure_ascii, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(tree), indent=indent, ensure_ascii=ensure_ascii)


def _finite(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: _finite(item) for name, item in tree.items()}
    if isinstance(tree, list):
        return [_finite(item) for item in tree]
    return str(tree) if isinstance(tree, float) and not isfinite(tree) else tree


def fail(error: BaseException | str) -> None:
    """Print what is wrong, as one message."""
    console(stderr=True).print(printable(str(error)), style="red")


def others_than(error: BaseException) -> str:
    """Return which cassettes there are, where the one that was asked for does not exist; `""` elsewhere."""
    from ..errors import CassetteError  # noqa: PLC0415 - needed where something is wrong

    if not isinstance(error, CassetteError) or "does not exist" not in error.problem:
        return ""
    found = cassettes_here()
    more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return f"\nBelow this folder there are: {', '.join(found[:_LISTED])}{more}." if found else ""


def many(number: int, thing: str) -> str:
    """Return a number of things: `1 call`, `2 calls`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


@contextlib.contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Lend what shows how much is done, of how much; it is seen on a terminal only.

    Args:
        what: What is being done, as `reading`.

    """
    if not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    from rich.progress import Progress  # noqa: PLC0415 - for people who are watching

    with Progress(console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(what)
        yield lambda done, everything: bar.update(task, completed=done, total=everything)
