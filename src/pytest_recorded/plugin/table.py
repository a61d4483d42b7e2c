"""The options on the command line and in ini files, made from the one table of options."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import pytest

from ..errors import ConfigurationError
from ..modes import RecordMode, is_ci, parse_mode
from ..options import OPTIONS, Option, read_options

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "add_aliases",
    "add_options",
    "command_line_mode",
    "command_line_options",
    "has_record_mode",
    "ini_options",
    "is_guarded",
]

_ALIAS: Final = "recorded_mode_alias"
# Those that can be written outside of code.
_WRITTEN: Final = tuple(option for option in OPTIONS if not option.is_code)
# Names that other plugins have too.
_ALIASES: Final = {"--record-mode": "mode", "--block-network": "block_network", "--allowed-hosts": "allowed_hosts"}
_OF_GUARD: Final = ("block_network", "allowed_hosts")


def add_options(parser: pytest.Parser) -> None:
    """Add all options; the mode under the one name that no other plugin has."""
    group = parser.getgroup("recorded", "recording and replaying calls (pytest-recorded)")
    for option in _WRITTEN:
        text = f"{option.help} [{option.default or 'none'}]"
        # In a text for argparse a percent sign is written twice.
        shown = text.replace("%", "%%")
        group.addoption(_flag(option), dest=f"recorded_{option.name}", default=None, help=shown, **_action(option))
        kind: Any = "bool" if option.is_flag else "linelist" if option.is_list else "string"
        parser.addini(option.ini, text, type=kind, default=None)
    group.addoption(
        "--record-accept",
        action="append",
        metavar="FINGERPRINT",
        help="take the answers of a group of changes that the last verification has found into the cassette, without "
        "calling again; all: of all groups. With --record-mode=verify: of those that this run finds",
    )
    group.addoption("--recorded-all", action="store_true", help="record every test, marked or not")
    parser.addini("recorded_all", "record every test, marked or not", type="bool", default=False)


def _action(option: Option) -> dict[str, Any]:
    if option.is_flag:
        return {"action": "store_true"}
    if option.is_list:
        return {"action": "append", "metavar": option.name.upper()}
    if option.choices:
        return {"choices": [str(choice) for choice in option.choices]}
    return {"metavar": option.name.upper()}


def add_aliases(parser: pytest.Parser) -> None:
    """Add names such as `--record-mode`, unless another plugin has them: pytest could not start if two did.

    It can only be known when all plugins have added theirs. pytest has no way to ask; its parser's groups tell.
    """
    groups = [*parser._groups, parser._anonymous]  # noqa: SLF001 - see above
    taken = {name for group in groups for option in group.options for name in option.names()}
    by_name = {option.name: option for option in OPTIONS}
    for alias, name in _ALIASES.items():
        if alias not in taken:
            option = by_name[name]
            parser.getgroup("recorded").addoption(
                alias,
                # Which of the two names of the mode was used tells whether one of them is ours.
                dest=_ALIAS if name == "mode" else f"recorded_{name}",
                default=None,
                help=f"the same as {_flag(option)}: {option.help}",
                **_action(option),
            )


def _flag(option: Option) -> str:
    return "--recorded-mode" if option.name == "mode" else option.flag


def has_record_mode(config: pytest.Config) -> bool:
    """Return whether `--record-mode` is ours."""
    return hasattr(config.option, _ALIAS)


def command_line_mode(config: pytest.Config) -> RecordMode | None:
    """Return the record mode that whoever started this run has asked for.

    What stands in `addopts` or in PYTEST_ADDOPTS was written down once and is easily forgotten: in CI it does not turn
    recording on, and modes that call the world again cannot be written there.

    Raises:
        pytest.UsageError: Such a mode is written there.

    """
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        mode = worker["recorded"]["mode"]
        return RecordMode(mode) if mode else None
    flags = ("--recorded-mode", "--record-mode") if has_record_mode(config) else ("--recorded-mode",)
    typed = _typed(config, flags)
    if typed is not None:
        return RecordMode(typed)
    given = getattr(config.option, _ALIAS, None) or config.option.recorded_mode
    if given is None:
        return None
    try:
        mode = parse_mode(given, where="addopts", from_code=True)
    except ConfigurationError as error:
        raise pytest.UsageError(str(error)) from None
    return None if is_ci(os.environ.get("CI")) and mode.records else mode


def _typed(config: pytest.Config, flags: tuple[str, ...]) -> str | None:
    """Return what was typed for an option, the last if it was more than once; None if it was not."""
    arguments = [str(argument) for argument in config.invocation_params.args]
    typed = None
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=False):
        flag, equals, value = argument.partition("=")
        if flag in flags:
            typed = value if equals else following
    return typed


def command_line_options(config: pytest.Config) -> dict[str, Any]:
    """Return the options of the command line, read; the mode apart.

    Raises:
        ConfigurationError: One is wrong.

    """
    given = {option.name: getattr(config.option, f"recorded_{option.name}") for option in _WRITTEN[1:]}
    read = read_options(given, where="command line", from_code=False, of_run=True)
    # What stands in `addopts` holds from wherever pytest is started.
    is_typed = _typed(config, ("--record-cassette",)) is not None
    return _with_place(read, config.invocation_params.dir if is_typed else config.rootpath, "command line")


def _with_place(read: dict[str, Any], base: Path, where: str) -> dict[str, Any]:
    if "cassette" in read:
        from ..location import locate  # noqa: PLC0415 - a run that names no cassette does without

        read["cassette"] = str(locate(read["cassette"], base, where=where))
    return read


def is_guarded(config: pytest.Config) -> bool:
    """Return whether the command line or the ini file says something about the network, which holds for all tests."""
    return any(
        getattr(config.option, f"recorded_{name}") is not None or config.getini(f"record_{name}") is not None
        for name in _OF_GUARD
    )


def ini_options(config: pytest.Config) -> dict[str, Any]:
    """Return the options of the ini file, read.

    Raises:
        ConfigurationError: One is wrong.

    """
    given = {option.name: config.getini(option.ini) for option in _WRITTEN}
    read = read_options(
        {name: value for name, value in given.items() if value is not None}, where="ini file", of_run=True
    )
    return _with_place(read, config.rootpath, "ini file")
