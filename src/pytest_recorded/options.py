"""What can be set, once: `Options`, and how what the user wrote is read.

An option has one meaning wherever it is written: `--record-scope=suite`, `record_scope = suite` in an ini file and
`@pytest.mark.recorded(scope="suite")` are the same. Nearest to the run wins: command line > marker > fixture > ini >
default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from inspect import iscoroutinefunction
from os import PathLike
from typing import TYPE_CHECKING, Any, Final

from .catalogue import DEFAULT_CASSETTE, MATCH, OPTIONS, Option
from .choice import globs_from
from .errors import ConfigurationError
from .limits import Budget, read_age, read_budget, read_count, read_share
from .misfit import field as segment
from .modes import RecordMode, parse_mode
from .network import HostPattern, hosts_from
from .paths import DEEP, EVERY, Path, parse
from .projection import Projection, projection_for
from .rules import Rules, rules_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import timedelta

    Hook = Callable[[Any], Any]

__all__ = [
    "DEFAULT_CASSETTE",
    "MATCH",
    "OF_TESTS",
    "OPTIONS",
    "Option",
    "Options",
    "projections_from",
    "read_options",
    "strings",
    "unknown_argument",
]

NO_RULES: Final = Rules()
# Instead of the URL parts of it may be named. The host counts always: it is a part of the kind.
_PARTS: Final = (*MATCH, "scheme", "host", "port", "path")
_REPORTS: Final = (".html", ".json", ".md")

_BY_NAME: Final = {option.name: option for option in OPTIONS}
#: Those that a test may say of itself.
OF_TESTS: Final = tuple(option.name for option in OPTIONS if not option.is_of_run)


@dataclass(frozen=True, slots=True)
class Options:
    """How calls are recorded and replayed.

    Attributes:
        mode: The record mode.
        cassette: Path of the cassette.
        scope: `test`, `suite`, or (in `use_cassette`) a name of the caller's own.
        match: The parts of an HTTP request that its key covers.
        ignore: What is left out of keys.
        redact: What is secret besides what is secret by default.
        hosts: Hosts of the HTTP calls that are recorded; of none means of all.
        ignore_hosts: Hosts whose HTTP calls are left out.
        kinds: Globs of the kinds that are recorded; of none means of all.
        live: Globs of kinds that run live, with everything inside of them.
        data: What picks the data of calls whose functions say nothing about it, by globs of kinds.
        before_record_request: What sees a request before it is stored.
        before_record_response: What sees a response before it is stored.
        failed: Whether calls of failed tests are taken over too.
        block_network: Whether connections past the recorder are refused.
        allowed_hosts: The hosts that they may go to, unnoticed.
        verify_serve: With which answer a test goes on in mode verify: `recorded` or `live`.
        no_verify: Globs of kinds that are not called again in mode verify.
        list_keys: By which fields items of lists are told apart, by the paths of the lists.
        fail_on: From which class of change on mode verify fails the run; `any` or `never`.
        report: Files that the report of what has changed is written to.
        repeat: How often each test is run in modes that call the world again.
        budget: How much may be called; None for as much as it takes.
        sample: Which share of the recorded tests is run; None for all.
        max_age: Recordings that are older are named; None for none.
        stale: What they do to the run: `warn` or `fail`.

    """

    mode: RecordMode = RecordMode.ONCE
    cassette: str = DEFAULT_CASSETTE
    scope: str = "test"
    match: tuple[str, ...] = MATCH
    ignore: tuple[Path, ...] = ()
    redact: Rules = NO_RULES
    hosts: tuple[HostPattern, ...] = ()
    ignore_hosts: tuple[HostPattern, ...] = ()
    kinds: tuple[str, ...] = ()
    live: tuple[str, ...] = ()
    data: tuple[tuple[str, Projection], ...] = ()
    before_record_request: tuple[Hook, ...] = ()
    before_record_response: tuple[Hook, ...] = ()
    failed: bool = False
    block_network: bool = False
    allowed_hosts: tuple[HostPattern, ...] = ()
    verify_serve: str = "recorded"
    no_verify: tuple[str, ...] = ()
    list_keys: Mapping[str, str] = field(default_factory=dict)
    fail_on: str = "projection"
    report: tuple[str, ...] = ()
    repeat: int = 1
    budget: Budget | None = None
    sample: float | None = None
    max_age: timedelta | None = None
    stale: str = "warn"


def unknown_argument(name: str, good: Iterable[str], *, where: str) -> ConfigurationError:
    """Return the error for an argument that does not exist: it lists the good ones."""
    names = sorted(good)
    close = get_close_matches(name, names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return ConfigurationError(f"{where}: there is no argument {name!r}.{hint} It takes: {', '.join(names)}.")


def read_options(
    given: Mapping[str, Any], *, where: str, from_code: bool = True, of_run: bool = False
) -> dict[str, Any]:
    """Return given options, read and checked, ready for `dataclasses.replace`.

    Args:
        given: Option names and what the user wrote.
        where: Where he wrote it, for messages.
        from_code: False for the command line and `use_cassette`, where every mode may be written.
        of_run: Whether it speaks for a whole run: the command line and the ini file do.

    Raises:
        ConfigurationError: A name or a value is wrong.

    """
    read: dict[str, Any] = {}
    for name, value in given.items():
        option = _BY_NAME.get(name)
        if option is None:
            raise unknown_argument(name, _BY_NAME if of_run else OF_TESTS, where=where)
        if option.is_of_run and not of_run:
            raise ConfigurationError(
                f"{where}: {name} is about a whole run. Write it on the command line ({option.flag}=…) or in the ini "
                f"file ({option.ini} = …)."
            )
        if value is not None:
            read[name] = _read(option, value, where=where, from_code=from_code)
    return read


def _read(option: Option, value: Any, *, where: str, from_code: bool) -> Any:  # noqa: PLR0911 - one for each sort
    if option.name == "mode":
        return parse_mode(value, where=where, from_code=from_code)
    if option.is_flag:
        return _flag(value, f"{where}: {option.name}")
    if option.name == "data":
        return projections_from(value, option="data", where=where)
    if option.is_code:
        return _functions(value, f"{where}: {option.name}")
    if option.is_list:
        return _LISTS[option.name](strings(value, f"{where}: {option.name}"), f"{where}: {option.name}")
    if option.name == "cassette" and not isinstance(value, str | PathLike):
        raise ConfigurationError(f"{where}: cassette={value!r} is no path. Give a str or a Path.")
    text = str(value)
    if option.name in _LIMITS:
        return _LIMITS[option.name](text, where=f"{where}: {option.name}") if value else getattr(Options(), option.name)
    if not text:
        raise ConfigurationError(f"{where}: {option.name} is empty. The default is {option.default!r}.")
    if option.choices and from_code and text not in option.choices:
        raise ConfigurationError(
            f"{where}: {option.name}={text!r} is not possible. Choose one of: {', '.join(option.choices)}."
        )
    return text


def _flag(value: Any, where: str) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"", "0", "false", "no", "off"}:
        return False
    raise ConfigurationError(f"{where}={value!r} is neither yes nor no. Write true or false.")


def strings(value: Any, where: str) -> tuple[str, ...]:
    """Return a list of strings that the user wrote; one string alone is a list of one.

    Raises:
        ConfigurationError: It is no list of strings.

    """
    if isinstance(value, str):
        value = [value]
    try:
        entries = tuple(value)
    except TypeError:
        raise ConfigurationError(f"{where} takes a list of strings, not {value!r}.") from None
    if not all(isinstance(entry, str) for entry in entries):
        raise ConfigurationError(f"{where} takes a list of strings, not {value!r}.")
    return entries


def projections_from(value: Any, *, option: str, where: str) -> tuple[tuple[str, Projection], ...]:
    """Return models of data by globs of the kinds that they are for; a model alone is for all.

    Raises:
        ConfigurationError: One is no model, or its glob is no text.

    """
    if not isinstance(value, Mapping):
        projection = projection_for(value or None, option=option, where=where)
        return (("*", projection),) if projection is not None else ()
    found = []
    for glob, model in value.items():
        projection = projection_for(model, option=f"{option}[{glob!r}]", where=where)
        if projection is None or not isinstance(glob, str) or not glob:
            raise ConfigurationError(
                f"{where}: {option} takes a model, or a dict of models by globs of kinds, such as "
                f"{{'http.*': Answer}}, not {value!r}."
            )
        found.append((glob, projection))
    return tuple(found)


def _functions(value: Any, where: str) -> tuple[Hook, ...]:
    hooks = (value,) if callable(value) else tuple(value) if isinstance(value, list | tuple) else (value,)
    for hook in hooks:
        if not callable(hook) or iscoroutinefunction(hook):
            what = "a coroutine function, which nobody awaits here" if callable(hook) else f"{hook!r}"
            raise ConfigurationError(f"{where} takes a function, or a list of functions, not {what}.")
    return hooks


def _match(entries: tuple[str, ...], where: str) -> tuple[str, ...]:
    parts = tuple(part.strip().lower() for entry in entries for part in entry.split(","))
    for part in parts:
        if part not in _PARTS and not (part.startswith("header:") and len(part) > len("header:")):
            raise ConfigurationError(
                f"{where} has no part {part!r}. It takes: {', '.join(_PARTS)}, or header:NAME (as header:accept)."
            )
    return parts


def _ignore(entries: tuple[str, ...], where: str) -> tuple[Path, ...]:
    return tuple(parse(entry, where=where) for entry in entries)


def _reports(entries: tuple[str, ...], where: str) -> tuple[str, ...]:
    for entry in entries:
        if not entry.lower().endswith(_REPORTS):
            raise ConfigurationError(f"{where}={entry} is no report. Its name ends in {', '.join(_REPORTS)}.")
    return entries


def _list_keys(entries: tuple[str, ...], where: str) -> dict[str, str]:
    found = {}
    for entry in entries:
        path = parse(entry, where=where)
        *above, every, name = ("", "", *path)
        if every != EVERY or not isinstance(name, str) or DEEP in path:
            raise ConfigurationError(f"{where}={entry} names no field of a list's items. Write '$.items[*].sku'.")
        found["$" + "".join(part if part == EVERY else _segment(part) for part in above[2:])] = name
    return found


def _segment(part: str | int) -> str:
    return segment(part) if isinstance(part, str) else f"[{part}]"


def _redact(entries: tuple[str, ...], where: str) -> Rules:
    return rules_from(entries, where=where)


_LISTS: Final[dict[str, Callable[[tuple[str, ...], str], Any]]] = {
    "match": _match,
    "ignore": _ignore,
    "redact": _redact,
    "hosts": hosts_from,
    "ignore_hosts": hosts_from,
    "kinds": globs_from,
    "live": globs_from,
    "allowed_hosts": hosts_from,
    "no_verify": globs_from,
    "list_keys": _list_keys,
    "report": _reports,
}
_LIMITS: Final[dict[str, Callable[..., Any]]] = {
    "repeat": read_count,
    "budget": read_budget,
    "sample": read_share,
    "max_age": read_age,
}
