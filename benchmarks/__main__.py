"""`python -m benchmarks`: run the measurements and print them as tables."""

from __future__ import annotations

import argparse
import json
import platform
import sqlite3
import sys
import tempfile
from importlib import import_module, metadata
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from .result import table
from .scale import FULL, QUICK

if TYPE_CHECKING:
    from .result import Result
    from .scale import Scale

# What `--only` selects, and the modules that measure it.
_GROUPS = {
    "functions": ("functions", "recording"),
    "http": ("replay", "live"),
    "streams": ("streams",),
    "plugin": ("plugin", "suites"),
    "store": ("store", "misses"),
    "llm": ("llm",),
    "queries": ("queries",),
    "cli": ("cli",),
    "report": ("report",),
    "diff": ("diff",),
    "git": ("git",),
}
_MEASURED = (
    "pytest-recorded",
    "recorded",
    "vcrpy",
    "pytest-recording",
    "cassetter",
    "genai-prices",
    "deepdiff",
    "jsonpatch",
    "dictdiffer",
    "httpx",
    "requests",
    "aiohttp",
    "pytest",
    "typer",
)


def main() -> None:
    """Run what the command line selects."""
    options = _options()
    versions = {name: _version(name) for name in _MEASURED}
    if missing := [name for name, version in versions.items() if not version]:
        sys.exit(f"Not installed: {', '.join(missing)}. Run it as `uv run python -m benchmarks`.")
    print(_title(versions), flush=True)
    results: dict[str, list[Result]] = {}
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        for group in options.only:
            started = perf_counter()
            results[group] = _measure(group, QUICK if options.quick else FULL, Path(folder))
            print(f"\n== {group} ({perf_counter() - started:.0f} s)\n{table(results[group])}", flush=True)
    if options.json:
        options.json.write_text(_as_json(versions, results))
    verdicts = [result.is_met for group in results.values() for result in group]
    print(f"\ntargets: {verdicts.count(True)} met, {verdicts.count(False)} missed")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Compare pytest-recorded with its peers.")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer rounds: about a minute")
    parser.add_argument("--only", type=_groups, default=[*_GROUPS], metavar="NAMES", help=f"of {', '.join(_GROUPS)}")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the results into a file, too")
    return parser.parse_args()


def _groups(names: str) -> list[str]:
    chosen = [name.strip() for name in names.split(",")]
    if unknown := [name for name in chosen if name not in _GROUPS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(_GROUPS)}")
    return chosen


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _title(versions: dict[str, str]) -> str:
    measured = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {measured}"


def _measure(group: str, scale: Scale, folder: Path) -> list[Result]:
    results: list[Result] = []
    for name in _GROUPS[group]:
        for result in import_module(f".{name}", __package__).measure(scale, folder):
            print(f"  {group}: {result.what}", file=sys.stderr, flush=True)
            results.append(result)
    return results


def _as_json(versions: dict[str, str], results: dict[str, list[Result]]) -> str:
    tree = {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "versions": versions,
        "results": {group: [result.tree() for result in found] for group, found in results.items()},
    }
    return json.dumps(tree, indent=2) + "\n"


if __name__ == "__main__":
    main()
